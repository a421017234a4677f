// doors.mjs - one file of the hub by other doors than the page, each with a program that others wrote, and
// when the page itself showed what.
//
//	const door = await new Curl(hub, "bob", mine).open();
//	await door.put("notes.txt", "text");  (await door.get("notes.txt")) === "text"
//	await watch(page);  await shown(page, "row", "notes.txt: 4 bytes")    // ms since 1970
//
// put() is done when the server has said that it is. Programs that keep a connection have one all along.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";

import { after, expect, house, PATIENCE_MS, until } from "./harness.mjs";
import { PASSWORD } from "./hub.mjs";

export const weft = path.join(process.env.WEFT_BUILD ?? path.join(house, "build"), "weft");

// On the clock that the page's moments are on, too.
export const now = () => performance.timeOrigin + performance.now();

// ---- Programs -----------------------------------------------------------------------------------

// To its end; what it printed.
export async function tool(...words) {
	const child = spawn(words[0], words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
	const parts = [[], []];
	child.stdout.on("data", (data) => parts[0].push(data));
	child.stderr.on("data", (data) => parts[1].push(data));
	const [status] = await once(child, "close");
	expect(status === 0, `${words.join(" ")} ended with ${status}: ${Buffer.concat(parts[1])}`);
	return Buffer.concat(parts[0]).toString();
}

// One that is told line by line; what it prints up to `end` is its answer.
export class Told {
	constructor(words, end) {
		this.words = words;
		this.end = end;
		this.heard = "";
		this.child = spawn(words[0], words.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
		this.child.stdin.on("error", () => {}); // it has ended, which is told of by its answer
		this.child.stdout.setEncoding("utf8").on("data", (data) => (this.heard += data));
		const ended = once(this.child, "close").then(() => (this.has_ended = true));
		after(async () => {
			this.child.kill();
			await ended;
		});
	}

	async ask(line) {
		this.child.stdin.write(`${line}\n`);
		await until(() => this.heard.includes(this.end) || this.has_ended, `an answer to ${line}`);
		const at = this.heard.indexOf(this.end);
		expect(at >= 0, `${this.words[0]} ended with ${JSON.stringify(this.heard)} at ${line}`);
		const answer = this.heard.slice(0, at);
		this.heard = this.heard.slice(at + this.end.length);
		return answer;
	}
}

const port_of = (address) => address.slice(address.lastIndexOf(":") + 1);

// ---- Doors --------------------------------------------------------------------------------------

class Door {
	// mine: a folder for what is put.
	constructor(hub, user, mine) {
		Object.assign(this, { hub, user, own: path.join(mine, `${this.constructor.name}.own`) });
	}

	async open() {
		return this;
	}
}

export class Curl extends Door {
	name = "curl";
	url = new URL(this.hub.url).href;
	options = [];

	#curl(...words) {
		return tool("curl", "-sS", "--fail-with-body", "-u", `${this.user}:${PASSWORD}`, ...this.options, ...words);
	}

	put(name, content) {
		writeFileSync(this.own, content);
		return this.#curl("-T", this.own, `${this.url}${name}`);
	}

	get(name) {
		return this.#curl(`${this.url}${name}`);
	}

	remove(name) {
		return this.#curl("-X", "DELETE", `${this.url}${name}`);
	}
}

export class CurlTls extends Curl {
	name = "curl, HTTPS";
	url = `https://${this.hub.facts.https}/`;
	options = ["-k"];
}

const FTPLIB = `
import ftplib, io, json, ssl, sys
port, user, password, has_tls = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
ftp = ftplib.FTP_TLS(context=ssl._create_unverified_context()) if has_tls else ftplib.FTP()
ftp.connect("127.0.0.1", port, timeout=60)
ftp.login(user, password)
if has_tls:
	ftp.prot_p()
for line in sys.stdin:
	verb, name, *content = json.loads(line)
	parts = []
	if verb == "put":
		ftp.storbinary("STOR " + name, io.BytesIO(content[0].encode()))
	elif verb == "remove":
		ftp.delete(name)
	else:
		ftp.retrbinary("RETR " + name, parts.append)
	print(json.dumps(b"".join(parts).decode()), flush=True)
`;

// In the clear, where the hub has no certificate.
export class Ftplib extends Door {
	name = "Python's ftplib";

	async open() {
		this.told = new Told(["python3", "-c", FTPLIB, port_of(this.hub.facts.ftp), this.user, PASSWORD,
			...this.hub.facts.ftps ? ["tls"] : []], "\n");
		return this;
	}

	put(...words) {
		return this.told.ask(JSON.stringify(["put", ...words]));
	}

	async get(name) {
		return JSON.parse(await this.told.ask(JSON.stringify(["get", name])));
	}

	remove(name) {
		return this.told.ask(JSON.stringify(["remove", name]));
	}
}

// By AUTH TLS.
export class Lftp extends Door {
	name = "lftp, TLS";

	async open() {
		this.told = new Told(["lftp", "--norc", "-e", "set net:timeout 20; set net:max-retries 1; " +
			"set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no; " +
			"set xfer:use-temp-file no; set xfer:clobber yes; " +
			`open ftp://${this.user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port_of(this.hub.facts.ftp)}`],
		"-- done --\n");
		return this;
	}

	put(name, content) {
		writeFileSync(this.own, content);
		return this.told.ask(`put ${this.own} -o ${name} && echo "-- done --"`);
	}

	get(name) {
		return this.told.ask(`cat ${name} && echo "-- done --"`);
	}

	remove(name) {
		return this.told.ask(`rm ${name} && echo "-- done --"`);
	}
}

// By TLS from the first byte on.
export class WeftFtp extends Door {
	name = "weft ftp, FTPS";

	#ftp(commands) {
		return tool("env", `WEFT_FTP_PASSWORD=${PASSWORD}`, weft, "ftp", "--security", "implicit", "--insecure",
			`${this.user}@127.0.0.1:${port_of(this.hub.facts.ftps)}`, "-c", commands);
	}

	put(name, content) {
		writeFileSync(this.own, content);
		return this.#ftp(`put ${this.own} ${name}`);
	}

	get(name) {
		return this.#ftp(`get ${name} -`);
	}

	remove(name) {
		return this.#ftp(`rm ${name}`);
	}
}

// ---- The page -----------------------------------------------------------------------------------

// Have the page note when it shows what: "row" as "NAME: SIZE", "gone" the name of one that was there,
// "message" the texts that the server has taken.
export const watch = (page) => page.evaluate(() => {
	const shown = globalThis.shown_at = new Map();
	const look = () => {
		const moment = performance.timeOrigin + performance.now();
		const note = (what) => shown.has(what) || shown.set(what, moment);
		const rows = new Set([...document.querySelectorAll(".fl-row")].map((row) =>
			`row ${row.querySelector(".fn").textContent}: ${row.querySelector(".fl-size").textContent}`));
		rows.forEach(note);
		for (const [what] of shown) // it may come again
			if (what.startsWith("row ") && !rows.has(what)) {
				shown.delete(what);
				shown.set(what.replace(/^row (.*):.*/s, "gone $1"), moment);
			}
		for (const one of document.querySelectorAll(".chat .feed .message:not(.posted) .text"))
			note(`message ${one.textContent}`);
	};
	new MutationObserver(look).observe(document.body,
		{ childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class"] });
	look();
});

export const shown = (page, kind, text) => until(() =>
	page.evaluate((what) => globalThis.shown_at.get(what), `${kind} ${text}`), `${kind} ${text} on the page`);

export const row_of = (name, content) => `${name}: ${Buffer.byteLength(content)} bytes`;

// As a person does, over what is there; done when the server has said so.
export async function put_by_page(page, name, content, { is_there = true } = {}) {
	const answered = page.waitForResponse((answer) => answer.request().method() === "PUT" && answer.ok(),
		{ timeout: PATIENCE_MS });
	await page.locator("#choose-files").setInputFiles(
		[{ name, mimeType: "text/plain", buffer: Buffer.from(content) }]);
	if (is_there)
		await page.getByRole("dialog").getByRole("button", { name: "Replace" }).click();
	await answered;
}
