// ask.js - what this view asks of the server's files, and what came of it, in words for people.
//
// Never: throws, but where the name says "must": a status is an answer, too.
import { early, net, note_silence, send } from "../core/api.js";

const whys = {
	0: "The server does not answer. Check the connection, then try again.",
	401: "You may not do that. Log in, then try again.",
	403: "You may not do that here.",
	404: "It is not there any more.",
	405: "This server does not allow that.",
	409: "It has changed meanwhile. Look again, then try once more.",
	412: "There is something of this name already.",
	413: "It is too large for the server.",
	414: "The name is too long.",
	423: "Somebody else is at it. Try again in a moment.",
	429: "That were many requests. Try again in a moment.",
	501: "This server does not allow that.",
	503: "The server has too much to do. Try again in a moment.",
	507: "There is no space left for it. Delete something, then try again.",
};

export const whyOf = (status) => whys[status] ?? `The server says ${status}. Try again.`;

function jsonOf(request) {
	try {
		return /json/.test(request.getResponseHeader("Content-Type") ?? "")
			? JSON.parse(request.responseText) : null;
	} catch {
		return null;
	}
}

const none = { ok: false, json: null, text: "", field: () => null };

// {status, ok, field(name), text, json, fault, why}; status 0: there was no answer.
export async function ask(method, url, { headers = {}, body, onSent, signal } = {}) {
	if (signal?.aborted)
		return { ...none, status: 0, why: "" };
	const { done, abort } = send(url,
		{ method, body, progress: onSent, headers: { Accept: "application/json", ...headers } });
	signal?.addEventListener("abort", abort);
	try {
		const request = await done, { status } = request;
		return { status, ok: status < 300, json: jsonOf(request), text: request.responseText,
			field: (name) => request.getResponseHeader(name), why: whyOf(status) };
	} catch (error) {
		const { status = 0, fault = "", facts } = error;
		return { ...none, status, fault, why: facts?.detail ? error.message : whyOf(status) };
	} finally {
		signal?.removeEventListener("abort", abort);
	}
}

// An Error of an answer that is none to be glad of.
export const faultOf = ({ why, status, fault }) =>
	Object.assign(new Error(why), { status, fault });

// ---- Folders ------------------------------------------------------------------------------------

// What was asked before this script was there, if it went well.
async function taken(folder) {
	const answer = await early(folder)?.catch(() => null);
	return answer?.ok ? { ok: true, status: answer.status, json: await answer.json().catch(() => null),
		field: (name) => answer.headers.get(name) } : null;
}

// What is in a folder: {status, entries, rights, trash, tag, left_out, why}; entries null where the
// tag is still right, or it is not to be had.
export async function listing(folder, { tag, signal } = {}) {
	const answer = (!tag && await taken(folder)) ||
		await ask("GET", folder, { signal, headers: tag ? { "If-None-Match": tag } : {} });
	const { json, status, why } = answer;
	if (!answer.ok || !Array.isArray(json?.entries))
		return { status: answer.ok ? 404 : status, why: answer.ok ? whyOf(404) : why, entries: null };
	for (const entry of json.entries)
		entry.address = folder + entry.href.replace(/^\.\//, "");
	return { ...json, status, tag: answer.field("ETag") };
}

// {rights, trash, keep_days, quota}, or null.
export async function about(path) {
	const { ok, json } = await ask("GET", `${path}?about`);
	return ok && Array.isArray(json?.rights) ? json : null;
}

function foundEntry(folder, entry) {
	const parts = entry.path.replace(/\/$/, "").split("/");
	return { ...entry, name: parts.at(-1), where: parts.slice(0, -1).join("/"),
		address: folder + entry.href.replace(/^\.\//, "") };
}

// What is below a folder, while it is found: found(entries) again and again. Returns whether that is
// all. Throws.
export async function search(folder, pattern, found, signal) {
	const answer = await fetch(`${folder}?search=${encodeURIComponent(pattern)}`, { signal,
		headers: { "Accept": "application/json", "X-Requested-With": "weft" } }).catch((error) => {
		if (error.name !== "AbortError")
			note_silence();
		throw Object.assign(new Error(whyOf(0)), { name: error.name });
	});
	if (answer.status === 401)
		net.dispatchEvent(new Event("stranger"));
	if (!answer.ok)
		throw new Error(whyOf(answer.status));
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "", end = "";
	for (;;) {
		const { value, done } = await reader.read();
		const lines = (rest + (value ?? "")).split("\n"); // an entry is a line
		rest = done ? "" : lines.pop();
		found(lines.filter((line) => line.startsWith('{"path"'))
			.map((line) => foundEntry(folder, JSON.parse(line.replace(/,\s*$/, "")))));
		end = lines.findLast((line) => line.startsWith("]")) ?? end;
		if (done)
			return end.includes("true");
	}
}
