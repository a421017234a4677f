// place.js - what an address stands for, asked of the server: a folder, what is found below one, the
// trash; all of them as entries.
//
// {mode, folder, pattern, status, entries, rights, trash, tag, left_out, is_complete, keep_days, why};
// entries null: it is not to be had.
import { ask, listing, search, whyOf } from "./ask.js";

async function folder(asked, { tag, signal }) {
	const found = await listing(asked.folder, { tag, signal });
	return found.status === 304 ? null : { ...asked, ...found };
}

async function found(asked, { signal, some }) {
	const entries = [];
	let told = 0;
	try {
		const is_complete = await search(asked.folder, asked.pattern, (more) => {
			for (const entry of more)
				entries.push(entry);
			// As they come, but not for each of many.
			if (entries.length > told * 1.5) {
				told = entries.length;
				some(entries.slice());
			}
		}, signal);
		// What may be done is that of the folder; where it is less, the server says so.
		const { rights, trash } = await listing(asked.folder, { signal });
		return { ...asked, status: 200, entries, is_complete, rights, trash };
	} catch (error) {
		return { ...asked, status: 0, entries: null, why: error.message };
	}
}

// "a/b": the folder that a deleted thing was in.
const placeOf = (path) => path.split("/").slice(0, -1).join("/");

async function trash(asked, { signal }) {
	const { ok, json, status, why } = await ask("GET", "/.trash/", { signal });
	if (!ok || !Array.isArray(json?.items))
		return { ...asked, status: ok ? 404 : status, entries: null, why: ok ? whyOf(404) : why };
	const entries = json.items.map(({ id, name, path, is_dir, size, deleted, by }) => ({
		id, name, href: id, type: is_dir ? "folder" : "file", size: size ?? undefined, by,
		modified: new Date(deleted * 1000).toISOString(), where: placeOf(path),
		address: `/.trash/${id}` }));
	return { ...asked, status, entries, rights: ["read", "delete"], trash: true,
		keep_days: json.keep_days, is_complete: json.is_complete };
}

// null: it is as `tag` says. some(entries): what is there by now, of what takes its time.
export const load = (asked, options) => ({ folder, search: found, trash })[asked.mode](asked, options);
