// upload.js - one file on its way to the server: by PUT where it is small, else by tus 1.0, which
// goes on where it broke off. No elements, no clock of its own: all it needs of a browser is given.
//
//	WAITING -> RUNNING -> DONE
//	   ^        |  ^ \--> FAILED, SKIPPED
//	   |        v  |
//	   |      RESTING		the network or the server is away: it tries again by itself
//	   \---- PAUSED			by the person
//	LOST				of an earlier visit of the page: the file has to be chosen again
//	GONE				taken back
//
// Tools: send(method, url, {headers, body, onSent, signal}) -> {status, field(name), text, why}, status 0
// when there was no answer; rest(ms, signal); kept (kept.js); conflict(upload) -> "both" | "replace"
// | "skip"; digest(file) -> hex or null.
//
// Never: says that something has come which the server has not acknowledged.
import { encoded } from "./names.js";

export const SMALL_BYTES_MAX = 1 << 20;
const REST_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const REFUSED_TRIES_MAX = 8; // of answers such as 503; without any answer it tries for ever
const BUSY = 423; // so it does while another tab is at it, which takes as long as it takes
const END_TRIES_MAX = 5; // to take an upload back which is still being closed

export const isOver = (state) => ["DONE", "SKIPPED", "GONE"].includes(state);

const words_of_choice = { both: "unique", replace: "replace" };

// What will pass: no answer, too much to do, somebody else is at it.
const passes = (status) => status === 0 || status === 408 || status === 423 || status === 429 ||
	status === 502 || status === 503 || status === 504;

export class Refusal extends Error {
	constructor(answer) {
		super(answer.why ?? "");
		this.status = answer.status;
		this.passes = passes(answer.status);
	}
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

// What an upload is known by in a later visit of the page.
export const printOf = (folder, name, file) =>
	JSON.stringify([folder, name, file.size, file.lastModified]);

export class Upload {
	state = "WAITING";
	sent = 0; // bytes that have left; acknowledged ones before RUNNING
	why = ""; // of FAILED and RESTING, for people
	url = ""; // of the upload by tus
	choice = null; // what to do where its name is taken
	path = ""; // of the file, when it is there
	#tools;
	#stop = null;
	#may_be_there = false; // an answer was lost
	#is_gone = false; // what was to be replaced

	constructor({ file, folder, name, choice, size, print, url, path_shown, batch }, tools) {
		Object.assign(this, { file, folder, choice: choice ?? null, path_shown, batch });
		this.name = name;
		this.size = file ? file.size : size;
		this.print = print ?? printOf(folder, name, file);
		this.url = url ?? "";
		this.#tools = tools;
		if (!file)
			this.state = "LOST";
	}

	#become(state, why = "") {
		this.state = state;
		this.why = why;
		this.#tools.changed?.(this);
	}

	// ---- By the person ----

	pause() {
		if (!["WAITING", "RUNNING", "RESTING"].includes(this.state))
			return;
		this.#become("PAUSED");
		this.#stop?.abort();
	}

	goOn() {
		if (["PAUSED", "FAILED"].includes(this.state))
			this.#become("WAITING");
	}

	// The file of an upload that was LOST. False: it is another one.
	giveFile(file) {
		if (file.size !== this.size || printOf(this.folder, this.name, file) !== this.print)
			return false;
		this.file = file;
		this.#become("WAITING");
		return true;
	}

	async cancel() {
		if (isOver(this.state))
			return;
		const { url } = this;
		this.#become("GONE");
		this.#stop?.abort();
		this.url = "";
		this.#tools.kept.remove(this.print);
		for (let tries = 0; url && tries < END_TRIES_MAX; tries++) {
			const { status } = await this.#ask("DELETE", url);
			if (status !== 423 && status !== 0)
				break;
			await this.#tools.rest(REST_MS[0]);
		}
	}

	// The network is back.
	wake() {
		this.#wake?.();
	}

	#wake = null;

	// ---- On its way ----

	// To its end, a pause, or a failure. Never rejects.
	async run() {
		const stop = this.#stop = new AbortController();
		let tries = 0, far = -1;
		this.#become("RUNNING");
		while (this.state === "RUNNING")
			try {
				await this.#attempt(stop.signal);
			} catch (error) {
				if (stop.signal.aborted)
					break;
				if (this.sent > far) // it got on
					tries = 0;
				far = Math.max(far, this.sent);
				if (!error.passes || (error.status && error.status !== BUSY && tries >= REFUSED_TRIES_MAX)) {
					this.#become("FAILED", error.message);
					break;
				}
				this.#become("RESTING", error.status ? error.message
					: "The connection is lost. It goes on by itself.");
				await this.#rest(REST_MS[Math.min(tries++, REST_MS.length - 1)], stop.signal);
				if (this.state === "RESTING")
					this.#become("RUNNING");
			}
	}

	async #rest(ms, signal) {
		const early = new Promise((resolve) => {
			this.#wake = resolve;
		});
		await Promise.race([early, this.#tools.rest(ms, signal)]);
		this.#wake = null;
	}

	async #attempt(signal) {
		if (this.size <= SMALL_BYTES_MAX && !this.url) {
			await this.#put(signal);
			return;
		}
		if (this.url)
			await this.#find(signal);
		if (!this.url)
			await this.#begin(signal);
		while (this.state === "RUNNING" && this.url)
			await this.#patch(signal);
	}

	#end(path) {
		this.#tools.kept.remove(this.print);
		this.sent = this.size;
		this.path = path ? new URL(path, this.#tools.base).pathname : this.folder + encoded(this.name);
		this.url = "";
		this.#become("DONE");
	}

	async #ask(method, url, { headers = {}, body, onSent, signal, is_tus = true } = {}) {
		if (is_tus)
			headers["Tus-Resumable"] = "1.0.0";
		const answer = await this.#tools.send(method, url, { headers, body, onSent, signal });
		if (signal?.aborted)
			throw new Refusal({ status: 0 });
		return answer;
	}

	// What came of a conflict: with another name, over what is there, or not at all.
	async #taken() {
		this.choice ??= await this.#tools.conflict(this);
		if (this.state !== "RUNNING" || this.choice !== "skip")
			return;
		this.#tools.kept.remove(this.print);
		this.#become("SKIPPED");
	}

	// What is replaced has to be there still; else it is as if nothing had been.
	get #conditions() {
		if (this.choice === "both")
			return {};
		return this.choice === "replace" && !this.#is_gone ? { "If-Match": "*" }
			: { "If-None-Match": "*" };
	}

	// Whether an answer says that the name is taken; nobody is asked twice.
	#is_taken({ status }) {
		return this.choice !== "both" && (status === 412 || status === 409);
	}

	async #has_moved(from, signal) {
		await this.#find(signal);
		return this.sent !== from;
	}

	// ---- PUT ----

	async #put(signal) {
		const url = this.folder + encoded(this.name);
		this.sent = 0;
		const answer = await this.#ask("PUT", this.choice === "both" ? `${url}?unique` : url, { signal, is_tus: false, body: this.file,
			headers: { ...this.#conditions },
			onSent: (bytes) => this.#has_sent(bytes) });
		if (answer.status === 201 || answer.status === 204)
			this.#end(answer.field("Location") ?? url);
		else if (answer.status === 0)
			this.#may_be_there = true;
		else if (answer.status === 412 && this.choice === "replace")
			this.#is_gone = !this.#is_gone; // somebody has changed it in between
		else if (this.#is_taken(answer))
			if (this.choice === "replace")
				throw new Refusal(answer);
			else if (this.#may_be_there && await this.#is_mine(url, signal))
				this.#end(url);
			else
				await this.#taken();
		else
			throw new Refusal(answer);
		if (answer.status === 0)
			throw new Refusal(answer);
	}

	// Whether what has the name now is this file: its answer was lost.
	async #is_mine(url, signal) {
		const mine = await this.#tools.digest(this.file);
		if (!mine)
			return false;
		const answer = await this.#ask("GET", `${url}?sha256`, { signal, is_tus: false });
		return answer.status === 200 && answer.text.startsWith(mine);
	}

	#has_sent(bytes) {
		this.sent = bytes;
		this.#tools.moved?.(this);
	}

	// ---- tus ----

	// How far is it? Without an answer there is no upload any more.
	async #find(signal) {
		const answer = await this.#ask("HEAD", this.url, { signal });
		if ([404, 403, 410].includes(answer.status)) {
			this.#tools.kept.remove(this.print);
			this.url = "";
			this.sent = 0;
		} else if (answer.status === 200) {
			this.#has_sent(Number(answer.field("Upload-Offset")));
		} else {
			throw new Refusal(answer);
		}
	}

	async #begin(signal) {
		const answer = await this.#ask("POST", this.folder, { signal, headers: {
			"Upload-Length": String(this.size),
			"Upload-Metadata": `filename ${base64(this.name)},` +
				`conflict ${base64(words_of_choice[this.choice] ?? "refuse")}`,
		} });
		if (answer.status === 201) {
			this.url = new URL(answer.field("Location"), this.#tools.base).pathname;
			this.sent = 0;
			this.#tools.kept.put(this.print, { url: this.url, folder: this.folder, name: this.name,
				choice: this.choice, size: this.size });
		} else if (this.choice === null && this.#is_taken(answer)) {
			await this.#taken();
		} else {
			throw new Refusal(answer);
		}
	}

	// The rest of it. Where that is nothing, the answer that all has come was lost, or is another tab's:
	// it is asked for once more, since what has all its bytes may still lack its name.
	async #patch(signal) {
		const from = this.sent;
		const answer = await this.#ask("PATCH", this.url, { signal,
			headers: { "Upload-Offset": String(from),
				"Content-Type": "application/offset+octet-stream" },
			body: this.file.slice(from),
			onSent: (bytes) => this.#has_sent(from + bytes) });
		if (answer.status === 204) {
			this.#has_sent(Number(answer.field("Upload-Offset")));
			if (this.sent === this.size)
				this.#end(answer.field("Content-Location"));
		} else if (answer.status === 404 && from === this.size) {
			this.#end(); // it is a file by now
		} else if ((answer.status === 409 || answer.status === 404) && await this.#has_moved(from, signal)) {
			return; // another tab has gone on with it, or has ended it meanwhile
		} else if (this.choice === null && this.#is_taken(answer)) {
			// All has come, but somebody else was first with the name: begin anew under another.
			await this.#ask("DELETE", this.url, { signal });
			this.#tools.kept.remove(this.print);
			this.url = "";
			this.sent = 0;
			await this.#taken();
		} else if (answer.status === 404) {
			this.#tools.kept.remove(this.print);
			this.url = "";
			throw new Refusal({ status: 503, why: "The server has forgotten it: it begins anew." });
		} else {
			if (answer.status)
				this.#has_sent(from); // it has taken nothing of it
			throw new Refusal(answer);
		}
	}
}
