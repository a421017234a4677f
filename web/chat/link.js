// link.js - the page's connection: it comes in, comes back when it is lost, and keeps what was
// said until the server has it.
//
//	connecting --> in --lost--> waiting --> connecting ...
//	     |          `--over--> out
//	     `--nobody is known, or not let in--> out
//
// Events: "in" {who, guest, make}, "out" {why, fault}, "state" {state, retry_at}, "event" (what the
// server says unasked), "accepted" {post, seq}, "refused" {post, answer}.
//
// Never: sends what was said under a second id.

import { new_id } from "./words.js";

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 30000;
const SILENT_MS = 25000; // then it is asked whether it is still there
const ANSWER_MS = 10000;
const GHOST_MS = 90000; // so long the server may take us for still connected

export class Link extends EventTarget {
	constructor(url) {
		super();
		this.url = url;
		this.guest = null; // the name to come in by, if no cookie lets us in
		// By which we have it again at once. Of this page alone: a copy of the tab is somebody else.
		this.secret = new_id();
		this.self = null; // {who, guest, make: rooms}
		this.posts = new Map(); // id: {id, room, text or path}, in the order they were said
		this.asked = new Map(); // tag: {resolve, rows}
		this.state = "out";
		this.failures = 0;
		this.serial = 0;
		this.was_in_at = 0;
		this.may_say = false;
		setInterval(() => this.#look(), 5000);
		addEventListener("online", () => this.retry());
		document.addEventListener("visibilitychange", () => document.hidden || this.#look());
	}

	// ---- Coming and going ------------------------------------------------------------------

	open() {
		clearTimeout(this.timer);
		this.#drop();
		this.#become("connecting");
		const socket = new WebSocket(this.url);
		this.socket = socket;
		this.over = null;
		this.heard_at = Date.now();
		socket.onopen = () => this.#hello(socket);
		socket.onmessage = (message) => socket === this.socket && this.#hear(message.data);
		socket.onclose = () => socket === this.socket && this.#lost();
	}

	// For good: until open() is called.
	close() {
		clearTimeout(this.timer);
		if (this.state === "in")
			this.#send({ do: "quit" });
		this.#drop();
		this.self = null;
		this.guest = null;
		this.posts.clear();
		this.#become("out");
	}

	// Now, where it waits.
	retry() {
		if (this.state === "waiting")
			this.open();
	}

	#become(state, more = {}) {
		this.state = state;
		this.#tell("state", { state, ...more });
	}

	#tell(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	#drop() {
		const socket = this.socket;
		this.socket = null;
		this.may_say = false;
		socket?.close();
		for (const { reject } of this.asked.values())
			reject(new Error("The connection is lost."));
		this.asked.clear();
	}

	// With a cookie the server has let us in by itself, and has said so before it answers this.
	async #hello(socket) {
		let is_in = false;
		const welcome = (event) => is_in ||= Boolean(event.detail.who);
		this.addEventListener("welcome", welcome);
		try {
			await this.ask({ do: "ping" });
			if (!is_in && this.guest)
				await this.#enter();
			else if (!is_in)
				this.#out(this.refusal ?? {});
		} catch {
			// Lost again: #lost() sees to it.
		} finally {
			this.removeEventListener("welcome", welcome);
		}
		if (socket === this.socket && is_in)
			this.#in();
	}

	async #enter() {
		const { answer } = await this.ask({ do: "guest", name: this.guest, secret: this.secret });
		if (answer.ok) {
			this.self = { who: answer.who, guest: true, make: answer.make };
			this.#in();
		} else if (answer.fault === "name-taken" && Date.now() - this.was_in_at < GHOST_MS) {
			this.#lost(); // by us, whose connection the server has not given up yet
		} else {
			this.#out(answer);
		}
	}

	#in() {
		this.failures = 0;
		this.was_in_at = Date.now();
		this.#become("in");
		this.#tell("in", this.self);
	}

	#out(answer) {
		this.#drop();
		this.self = null;
		this.#become("out");
		this.#tell("out", { why: answer.text ?? this.over ?? "", fault: answer.fault ?? "" });
	}

	#lost() {
		if (this.state === "in")
			this.was_in_at = Date.now();
		const over = this.over;
		this.#drop();
		if (over !== null && !/^the server|^your powers/.test(over)) {
			this.#out({ text: over });
			return;
		}
		const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures++) *
			(0.5 + Math.random() / 2);
		this.timer = setTimeout(() => this.open(), delay);
		this.#become("waiting", { retry_at: Date.now() + delay });
	}

	// ---- Talking ---------------------------------------------------------------------------

	#send(command) {
		if (this.socket?.readyState === WebSocket.OPEN)
			this.socket.send(JSON.stringify(command));
	}

	// Ask: {answer, rows}. Fails when the connection is lost.
	ask(command) {
		const tag = `q${++this.serial}`;
		return new Promise((resolve, reject) => {
			if (this.socket?.readyState !== WebSocket.OPEN) {
				reject(new Error("There is no connection."));
				return;
			}
			this.asked.set(tag, { resolve, reject, rows: [] });
			this.#send({ ...command, tag });
		});
	}

	// Say something: now, or when there is a connection again.
	say(post) {
		this.posts.set(post.id, post);
		if (this.may_say)
			this.#send_post(post);
	}

	// We are in our rooms again: what was said, and nobody knows whether it was heard, is said now;
	// and from now on at once.
	say_all() {
		this.may_say = this.state === "in";
		for (const post of this.may_say ? this.posts.values() : [])
			this.#send_post(post);
	}

	#send_post({ id, room, text, path }) {
		this.#send(path === undefined ? { do: "say", tag: id, room, text }
			: { do: "share", tag: id, room, path });
	}

	// ---- Hearing ---------------------------------------------------------------------------

	#hear(data) {
		const said = JSON.parse(data);
		this.heard_at = Date.now();
		if (said.tag !== undefined)
			this.#hear_tagged(said);
		else if (said.event === "over")
			this.over = said.text ?? "";
		else if (said.event)
			this.#tell("event", said);
		else
			this.#hear_welcome(said);
	}

	// What answers the cookie.
	#hear_welcome(said) {
		if (said.ok)
			this.self = { who: said.who, guest: said.guest === true, make: said.make };
		else
			this.refusal = said;
		if (said.ok)
			this.#tell("welcome", said);
	}

	#hear_tagged(said) {
		const post = this.posts.get(said.tag);
		const asked = this.asked.get(said.tag);
		if (post && said.ok !== undefined) {
			this.posts.delete(said.tag);
			this.#tell(said.ok ? "accepted" : "refused", { post, answer: said });
		} else if (asked && said.event) {
			asked.rows.push(said);
		} else if (asked) {
			this.asked.delete(said.tag);
			asked.resolve({ answer: said, rows: asked.rows });
		}
	}

	// Whether it is still there: a connection can be dead without a word.
	async #look() {
		const socket = this.socket;
		if (!socket || this.is_looking)
			return;
		if (this.state === "connecting" && Date.now() - this.heard_at > 3 * ANSWER_MS)
			this.#lost();
		if (this.state !== "in" || Date.now() - this.heard_at < SILENT_MS)
			return;
		this.is_looking = true;
		const timer = setTimeout(() => socket === this.socket && this.#lost(), ANSWER_MS);
		await this.ask({ do: "ping" }).catch(() => {});
		clearTimeout(timer);
		this.is_looking = false;
	}
}
