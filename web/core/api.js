// api.js - asking the server. What it refuses is a Fault, with a sentence for a person.
//
//	await api("GET", "/users?part=mi")           // below /api/v1; JSON, or null where there is none
//	await ask("/photos/", {headers: {Accept: "application/json"}})   // any address: a Response
//	send("/photos/a.jpg", {method: "PUT", body: file, progress})     // with a body that takes time
//
// Events of `net`: "offline" and "online", as answers stop and begin to come; "stranger": the
// session is over. Where the page is left, what was asked for is never answered, and nothing is said.
//
// Never: asks again by itself for what changes something.

import { sentence } from "./words.js";

export class Fault extends Error {
	// status 0: there was no answer.
	constructor(status, facts = {}) {
		super(status === 0 ? "The server does not answer. Please try again."
			: sentence(facts.detail ?? facts.title ?? `The server says ${status}`));
		this.status = status;
		this.fault = facts.fault ?? "";
		this.wait = facts.wait ?? 0; // seconds until it may be tried again
		this.facts = facts;
	}
}

export const net = new EventTarget();
net.is_offline = false;

let is_left = false;
addEventListener("pagehide", () => {
	is_left = true;
});
addEventListener("pageshow", () => { // it may come back as it was
	is_left = false;
});

const FACTS = "/.weft/hub.json";
const LOOK_MS = 2000;

export function note_silence() {
	if (net.is_offline || is_left)
		return;
	net.is_offline = true;
	net.dispatchEvent(new Event("offline"));
	look();
}

function note_answer() {
	if (!net.is_offline)
		return;
	net.is_offline = false;
	net.dispatchEvent(new Event("online"));
}

// Whether it is there again. Somebody may ask for that now.
let timer = 0;
export async function look() {
	clearTimeout(timer);
	const answer = await fetch(FACTS, { cache: "no-store" }).catch(() => null);
	if (answer && answer.status < 500)
		note_answer();
	else if (net.is_offline)
		timer = setTimeout(look, LOOK_MS);
}
addEventListener("online", () => net.is_offline && look());
addEventListener("offline", note_silence);

// What first.js has asked already, a promise of a Response, once; undefined: it has not.
export function early(address) {
	const asked = globalThis.weftEarly?.get(address);
	globalThis.weftEarly?.delete(address);
	return asked;
}

// The server is not to have the browser ask for a password: this page does.
const own = { "X-Requested-With": "weft" };

async function problem_of(answer) {
	const is_json = /json/.test(answer.headers.get("Content-Type") ?? "");
	const facts = is_json ? await answer.json().catch(() => null) : null;
	const wait = Number(answer.headers.get("Retry-After")) || 0;
	return new Fault(answer.status, { wait, ...facts });
}

// A Response that is ok, or one of those statuses; else a Fault.
export async function ask(address, { fine = [], ...options } = {}) {
	const answer = await (early(address) ?? fetch(address, { ...options, headers: { ...own, ...options.headers } }))
		.catch((error) => {
			if (error.name === "AbortError")
				throw error;
			if (is_left)
				return new Promise(() => {});
			note_silence();
			throw new Fault(0);
		});
	note_answer();
	if (answer.ok || fine.includes(answer.status))
		return answer;
	if (answer.status === 401)
		net.dispatchEvent(new Event("stranger"));
	throw await problem_of(answer);
}

// JSON of an address.
export async function ask_json(address, options = {}) {
	const answer = await ask(address, { ...options,
		headers: { Accept: "application/json", ...options.headers } });
	return answer.json();
}

export async function api(method, path, body, options = {}) {
	const answer = await ask(`/api/v1${path}`, { ...options, method,
		...(body !== undefined && { body: JSON.stringify(body),
			headers: { "Content-Type": "application/json" } }) });
	return answer.status === 204 ? null : answer.json();
}

// A body that takes time: {done: a promise of the XMLHttpRequest, abort()}. progress(sent, total) is
// called as it goes. Faults as of ask(); one that is aborted fails with an AbortError.
export function send(address, { method = "PUT", headers = {}, body = null, progress } = {}) {
	const request = new XMLHttpRequest();
	const done = new Promise((resolve, reject) => {
		request.open(method, address);
		for (const [name, value] of Object.entries({ ...own, ...headers }))
			request.setRequestHeader(name, value);
		request.upload.onprogress = (event) => progress?.(event.loaded, event.total);
		request.onabort = () => reject(new DOMException("It was stopped.", "AbortError"));
		request.onerror = () => {
			note_silence();
			reject(new Fault(0));
		};
		request.onload = () => {
			note_answer();
			if (request.status < 400)
				return resolve(request);
			if (request.status === 401)
				net.dispatchEvent(new Event("stranger"));
			let facts = {};
			try {
				facts = JSON.parse(request.responseText);
			} catch {
				// A page for people.
			}
			return reject(new Fault(request.status,
				{ wait: Number(request.getResponseHeader("Retry-After")) || 0, ...facts }));
		};
		request.send(body);
	});
	return { done, abort: () => request.abort() };
}

export const facts = () => ask_json(FACTS, { cache: "no-store" });
