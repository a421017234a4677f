// chatting.mjs - chat for the tests of the page: what people see there, and who comes by other doors.
//
//	const lines = await Lines.enter(hub, "tom");  await lines.say("hello");  await lines.heard(/hi/);
//	const nc = await Datagrams.enter(hub, "nan");
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

import { after, expect, PATIENCE_MS } from "./harness.mjs";

export const chat_options = ["--page", "--chat-web", "--chat", "127.0.0.1:0", "--chat-rate", "100000"];

// ---- At the page --------------------------------------------------------------------------------

export const is_in = (page, room = "lobby") =>
	page.locator(".chat .room h1", { hasText: room }).waitFor();

export async function come_in(visit, hub, name, { room = "lobby", ...more } = {}) {
	const page = await visit(hub, `/.weft/chat/${room}`, more);
	await page.getByLabel("Your name").fill(name);
	await page.getByRole("button", { name: "Come in" }).click();
	await is_in(page, room);
	return page;
}

export async function enter(visit, hub, as, { room = "lobby", ...more } = {}) {
	const page = await visit(hub, `/.weft/chat/${room}`, { as, ...more });
	await is_in(page, room);
	return page;
}

export async function say(page, text) {
	const place = page.getByRole("textbox", { name: "Message" });
	await place.fill(text);
	await place.press("Enter");
}

// A message that the server has taken.
export const message = (page, text) =>
	page.locator(".chat .feed .message:not(.posted)", { hasText: text });

export const texts = (page) => page.$$eval(".chat .feed .message:not(.posted) .text",
	(all) => all.map((one) => one.textContent));

export const room_link = (page, name) => page.locator(".chat .panel.rooms a", { hasText: name });

// ---- By other doors -----------------------------------------------------------------------------

// Waits for what comes: lines, until one fits.
export class Listener {
	constructor() {
		this.lines = [];
		this.waiting = new Set();
		this.rest = "";
	}

	take(data) {
		const parts = (this.rest + data).split("\n");
		this.rest = parts.pop();
		this.lines.push(...parts);
		for (const look of this.waiting)
			look();
	}

	// The line; each is found once.
	heard(pattern) {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`never heard ${pattern}, but ` +
				JSON.stringify(this.lines))), PATIENCE_MS);
			const look = () => {
				const at = this.lines.findIndex((line) => pattern.test(line));
				if (at < 0)
					return;
				clearTimeout(timer);
				this.waiting.delete(look);
				resolve(this.lines.splice(at, 1)[0]);
			};
			this.waiting.add(look);
			look();
		});
	}
}

const parts_of = (address) => {
	const at = address.lastIndexOf(":");
	return [address.slice(0, at), Number(address.slice(at + 1))];
};

// Lines over TCP, by hand.
export class Lines extends Listener {
	static async enter(hub, name, room = "lobby") {
		const made = new Lines();
		const [host, port] = parts_of(hub.facts.chat);
		made.socket = net.connect(port, host);
		made.socket.on("error", () => {});
		made.socket.setEncoding("utf8").on("data", (data) => made.take(data));
		after(() => made.socket.destroy());
		made.send(`GUEST ${name}`, `#in JOIN ${room}`);
		await made.heard(/^#in OK/);
		made.room = room;
		return made;
	}

	send(...lines) {
		this.socket.write(lines.map((line) => `${line}\n`).join(""));
	}

	// Until all of it is taken.
	async say(...all) {
		this.send(...all.map((text, at) => `#${this.tag(at)} SAY ${this.room} ${text}`));
		await this.heard(new RegExp(`^#${this.tag(all.length - 1)} OK`));
		this.said = (this.said ?? 0) + all.length;
	}

	tag(at) {
		return `${this.socket.localPort}-${(this.said ?? 0) + at}`;
	}
}

// Datagrams, by nc.
export class Datagrams extends Listener {
	static async enter(hub, name) {
		const made = new Datagrams();
		const [host, port] = parts_of(hub.facts.chat);
		made.child = spawn("nc", ["-u", host, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
		made.child.stdout.setEncoding("utf8").on("data", (data) => made.take(data));
		const ended = once(made.child, "close");
		after(async () => {
			made.child.kill();
			await ended;
		});
		made.child.stdin.write(`L ${name}\n`);
		expect(await made.heard(/./) === "OK", "nc is not let in");
		made.name = name;
		return made;
	}

	say(text) {
		this.child.stdin.write(`C ${this.name} ${text}\n`);
	}
}
