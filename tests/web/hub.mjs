// hub.mjs - `weft serve` for the tests of the page: a folder, a state folder, people, and a relay
// that can be cut.
//
//	const hub = await Hub.start({ people: { ann: "admin", bob: "member" },
//		files: { "a.txt": "hello" }, options: ["--allow-upload"] });
//	hub.url                  http://127.0.0.1:PORT/
//	hub.facts                what it printed: {"http": ..., "chat": ...}
//	await hub.account("grant", "set", "user:bob", "", "read,list,write")
//	await hub.stop(); await hub.again();   the same people and files; another port, but
//	await hub.kill();        the same without a word: SIGKILL
//	const relay = await hub.relay();       relay.url stays; relay.cut() and relay.mend()
//
// It is stopped, by its own pid, when the file's claims are done, and judged then: it has to end with
// status 0 and without a word of complaint.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";

import { after, expect, folder, house } from "./harness.mjs";

export const PASSWORD = "correct horse 9";

const weft = path.join(process.env.WEFT_BUILD ?? path.join(house, "build"), "weft");

async function text_of(stream) {
	const parts = [];
	for await (const part of stream)
		parts.push(part);
	return Buffer.concat(parts).toString();
}

// A command, to its end; what it printed.
async function command(words, input = "") {
	const child = spawn(weft, words, { stdio: ["pipe", "pipe", "pipe"] });
	child.stdin.on("error", () => {}); // it needs none
	child.stdin.end(input);
	const [said, complained, [status]] = await Promise.all([text_of(child.stdout),
		text_of(child.stderr), once(child, "close")]);
	expect(status === 0, `weft ${words.join(" ")} ended with ${status}: ${complained}`);
	return said;
}

export class Hub {
	static async start({ people = {}, files = {}, options = [] } = {}) {
		const hub = new Hub();
		const top = folder();
		hub.folder = path.join(top, "shared");
		hub.state = path.join(top, "state");
		hub.options = options;
		hub.cookies = new Map();
		mkdirSync(hub.folder);
		for (const [name, content] of Object.entries(files))
			hub.write(name, content);
		for (const [name, role] of Object.entries(people))
			await hub.add(name, role);
		after(() => hub.stop());
		await hub.again();
		return hub;
	}

	write(name, content) {
		const to = path.join(this.folder, name);
		mkdirSync(path.dirname(to), { recursive: true });
		writeFileSync(to, content);
	}

	// `weft account WORD...`
	account(...words) {
		return command(["account", ...words, "--state", this.state]);
	}

	add(name, role = "member", ...options) {
		return command(["account", "add", name, "--role", role, "--password-stdin", "--state",
			this.state, ...options], `${PASSWORD}\n`);
	}

	async again() {
		this.process = spawn(weft, ["serve", this.folder, "--state", this.state, "--http",
			"127.0.0.1:0", "--host", "*", "--hash-cost", "least", "--workers", "2", "--json",
			...this.options], { stdio: ["ignore", "pipe", "pipe"] });
		this.complaints = text_of(this.process.stderr);
		this.ended = once(this.process, "close");
		const lines = createInterface(this.process.stdout);
		const [line] = await Promise.race([once(lines, "line"), this.ended.then(() => [])]);
		if (typeof line !== "string")
			throw new Error(`it did not start: ${await this.complaints}`);
		this.facts = JSON.parse(line);
		this.url = `http://${this.facts.http}/`;
	}

	async stop() {
		const child = this.process;
		if (!child)
			return;
		this.process = null;
		child.kill("SIGTERM");
		const [status, signal] = await this.ended;
		const complaints = await this.complaints;
		expect(status === 0, `the hub ended with ${status ?? signal}: ${complaints}`);
		expect(complaints === "", `the hub complained: ${complaints}`);
	}

	async kill() {
		const child = this.process;
		this.process = null;
		child.kill("SIGKILL");
		await this.ended;
	}

	// Of a session, one for each person: sessions outlive the hub.
	async cookie(name, password = PASSWORD) {
		if (!this.cookies.has(name)) {
			const answer = await fetch(new URL("api/v1/sessions", this.url), { method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify({ name, password }) });
			expect(answer.status === 201, `${name} can't log in: ${await answer.text()}`);
			const [pair] = answer.headers.get("set-cookie").split(";");
			const at = pair.indexOf("=");
			this.cookies.set(name, { name: pair.slice(0, at), value: pair.slice(at + 1) });
		}
		return this.cookies.get(name);
	}

	async relay() {
		const relay = new Relay(this);
		await relay.open();
		return relay;
	}
}

// An address that stays, in front of a hub that may go; what it is cut from can't be told from a
// network that is down.
class Relay {
	constructor(hub) {
		this.hub = hub;
		this.pairs = new Set();
		this.is_cut = false;
		this.server = net.createServer((near) => this.#join(near));
		after(() => this.close());
	}

	#join(near) {
		near.on("error", () => {});
		// What was its port may be another's by now.
		if (this.is_cut || !this.hub.process) {
			near.destroy();
			return;
		}
		const { hostname, port } = new URL(this.hub.url);
		const far = net.connect(Number(port), hostname);
		const pair = [near, far];
		this.pairs.add(pair);
		for (const [from, to] of [pair, [far, near]]) {
			from.pipe(to);
			from.on("error", () => to.destroy());
			from.on("close", () => (to.destroy(), this.pairs.delete(pair)));
		}
	}

	async open() {
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		this.url = `http://127.0.0.1:${this.server.address().port}/`;
	}

	// To be visited: visit(relay, ...).
	cookie(name) {
		return this.hub.cookie(name);
	}

	cut() {
		this.is_cut = true;
		for (const pair of this.pairs)
			pair.forEach((socket) => socket.destroy());
	}

	mend() {
		this.is_cut = false;
	}

	close() {
		this.cut();
		this.server.close();
	}
}
