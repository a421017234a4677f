// ops.js - what is done to files that are there: rename, move, copy, delete, restore; one by one, a
// few at a time, with what became of each.
//
// Never: replaces anything unless it was told to; stops at the first that fails.
import { ask, faultOf } from "./ask.js";
import { encoded, lastPart } from "./names.js";

const AT_ONCE = 4;

// run(item) for all; {done: [[item, result]], failed: [[item, Error]]}.
export async function each(items, run, { onStep, signal } = {}) {
	const done = [], failed = [];
	let next = 0;
	const work = async () => {
		while (next < items.length && !signal?.aborted) {
			const item = items[next++];
			try {
				done.push([item, await run(item)]);
			} catch (error) {
				failed.push([item, error]);
			}
			onStep?.(done.length + failed.length);
		}
	};
	await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
	return { done, failed };
}

function check(answer) {
	if (answer.ok)
		return answer;
	throw faultOf(answer);
}

const pathname = (location_field, fallback) => location_field
	? new URL(location_field, location.origin).pathname : fallback;

// A new folder; its path.
export async function makeFolder(folder, name) {
	const path = `${folder + encoded(name)}/`;
	const answer = await ask("MKCOL", path);
	if (answer.status === 405)
		throw Object.assign(new Error(`There is something called “${name}” already.`),
			{ status: 405 });
	check(answer);
	return path;
}

// MOVE or COPY to a path. choice: null (412 where it is taken), "replace", "both". The new path.
export async function transfer(method, from, to, choice = null) {
	const is_folder = from.endsWith("/");
	const answer = check(await ask(method, choice === "both" ? `${from}?unique` : from,
		{ headers: { Destination: to, Overwrite: choice === "replace" ? "T" : "F" } }));
	const path = pathname(answer.field("Location"), to);
	return is_folder && !path.endsWith("/") ? `${path}/` : path;
}

export const isTaken = (error) => error.status === 412;

// Where something would lie in a folder: "/b/" and "/a/x" make "/b/x".
export const within = (folder, path) =>
	folder + lastPart(path) + (path.endsWith("/") ? "/" : "");

// ---- Deleting -----------------------------------------------------------------------------------

// Into the trash; what to restore it by.
export async function trash(path) {
	return check(await ask("DELETE", `${path}?trash`)).json?.id ?? null;
}

// For good, with all that is in it.
export async function remove(path) {
	check(await ask("DELETE", path.endsWith("/") ? `${path}?all` : path));
}

export async function restore(id, { is_unique = false } = {}) {
	return check(await ask("POST", `/.trash/${id}${is_unique ? "?unique" : ""}`)).json?.path ?? "";
}

// {items, keep_days, is_complete}
export async function trashed() {
	return check(await ask("GET", "/.trash/")).json;
}

export const removeTrashed = async (id) => check(await ask("DELETE", `/.trash/${id}`));
export const emptyTrash = async () => check(await ask("DELETE", "/.trash/"));

// ---- Telling ------------------------------------------------------------------------------------

// Of what failed: one sentence, the most common reason first.
export function failures(failed, what) {
	const [[, { message }]] = failed;
	return failed.length === 1 ? `${what}: ${message}`
		: `${what} (${failed.length} of them): ${message}`;
}
