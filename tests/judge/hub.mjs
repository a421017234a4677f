// hub.mjs - one hub with all its doors, one file and one room: what is done by one is seen by all
// others, at the page without a reload; and how long that takes, from the answer that it is done.
//
//	page (Chromium)   curl   curl by HTTPS   lftp by TLS   Python's ftplib   weft ftp by FTPS
//	page (WebSocket)  nc (TCP)  nc (UDP)  openssl (TLS)  weft chat
//
// JUDGE_ROUNDS=5: so often each has its turn. The times are printed: the middle one, and the longest. On a
// machine with nothing else to do all are below a second; LATE_MS is what no other load should reach.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { chat_options, Datagrams, is_in, Lines, Listener } from "../web/chatting.mjs";
import { Curl, CurlTls, Ftplib, Lftp, now, put_by_page, row_of, shown, tool, watch, weft, WeftFtp }
	from "../web/doors.mjs";
import { after, before, claim, expect, folder, run, until } from "../web/harness.mjs";
import { Hub } from "../web/hub.mjs";
import { looks } from "../web/looks.mjs";

const ROUNDS = Number(process.env.JUDGE_ROUNDS ?? 5);
const SOON_MS = 1000, LATE_MS = 5000;

let hub, mine, doors, talkers;

// ---- Times --------------------------------------------------------------------------------------

class Times {
	all = new Map(); // "from -> to" -> milliseconds

	// Less than nothing: it was seen before the answer was.
	note(from, to, ms) {
		const name = `${from} -> ${to}`;
		this.all.set(name, [...this.all.get(name) ?? [], Math.max(0, ms)]);
	}

	// Print them; whether none was late.
	tell(what) {
		let worst = ["", 0];
		for (const [name, times] of this.all) {
			times.sort((a, b) => a - b);
			const [middle, longest] = [times[times.length >> 1], times.at(-1)];
			console.log(`# ${what}: ${name.padEnd(36)} ${middle.toFixed(0).padStart(5)} ms` +
				`   longest ${longest.toFixed(0)} ms`);
			if (longest > worst[1])
				worst = [name, longest];
		}
		const flat = [...this.all.values()].flat().sort((a, b) => a - b);
		console.log(`# ${what}: ${flat.length} times, middle ${flat[flat.length >> 1].toFixed(0)} ms, ` +
			`longest ${worst[1].toFixed(0)} ms (${worst[0]}): ` +
			`${flat.filter((ms) => ms < SOON_MS).length} of them within a second`);
		expect(worst[1] < LATE_MS, `${worst[0]} took ${worst[1].toFixed(0)} ms`);
		expect(flat[flat.length >> 1] < SOON_MS, "the most took over a second");
	}
}

// ---- Who talks ----------------------------------------------------------------------------------

// Lines, by a program at a pipe.
class Piped extends Listener {
	constructor(name, program) {
		super();
		Object.assign(this, { name, count: 0 });
		this.child = spawn(program[0], program.slice(1), { stdio: ["pipe", "pipe", "ignore"] });
		this.child.stdin.on("error", () => {});
		this.child.stdout.setEncoding("utf8").on("data", (data) => this.take(data));
		const ended = once(this.child, "close");
		after(async () => {
			this.child.kill();
			await ended;
		});
	}

	async do(command) {
		const tag = `${this.child.pid}-${++this.count}`;
		this.child.stdin.write(`#${tag} ${command}\n`);
		const answer = await this.heard(new RegExp(`^#${tag} (OK|NO)`));
		expect(answer.startsWith(`#${tag} OK`), `${this.name}: ${command}: ${answer}`);
		return now();
	}

	async enter(guest) {
		await this.do(`GUEST ${guest}`);
		await this.do("JOIN lobby");
		return this;
	}

	say(text) {
		return this.do(`SAY lobby ${text}`);
	}

	async sees(text) {
		await this.heard(new RegExp(`^message lobby .* ${text}$`));
		return now();
	}
}

const parts_of = (address) => [address.slice(0, address.lastIndexOf(":")),
	address.slice(address.lastIndexOf(":") + 1)];

// Those who need no page.
async function make_talkers() {
	const lines = await new Piped("nc, TCP", ["nc.openbsd", ...parts_of(hub.facts.chat)]).enter("tim");
	const sealed = await new Piped("openssl, TLS", ["openssl", "s_client", "-quiet", "-connect",
		hub.facts["chat-tls"]]).enter("una");
	const nan = await Datagrams.enter(hub, "nan");
	const datagrams = { name: "nc, UDP", async sees(text) {
		await nan.heard(new RegExp(`^\\S+: ${text}$`));
		return now();
	}, async say(text) { // has no answer: from when it is sent
		const moment = now();
		nan.say(text);
		return moment;
	} };
	const reader = new Piped("weft chat", [weft, "chat", hub.facts.chat, "--guest", "reader", "--follow", "--json"]);
	const terminal = { name: "weft chat", async sees(text) {
		await reader.heard(new RegExp(`"text": ?"${text}"`));
		return now();
	}, async say(text) { // it ends when all was accepted
		await tool("sh", "-c", 'printf "%s\\n" "$1" | "$2" chat "$3" --guest writer', "sh", text, weft, hub.facts.chat);
		return now();
	} };
	return [lines, sealed, datagrams, terminal];
}

async function room_page(visit) {
	const page = await visit(hub, "/.weft/chat/lobby", { as: "ann" });
	await is_in(page);
	await watch(page);
	return [page, { name: "page", sees: (text) => shown(page, "message", text), async say(text) {
		const place = page.getByRole("textbox", { name: "Message" });
		await place.fill(text);
		await place.press("Enter");
		return shown(page, "message", text); // that it is taken
	} }];
}

async function files_page(visit) {
	const page = await visit(hub, "/", { as: "ann" });
	await page.getByText("a folder").waitFor();
	await watch(page);
	return [page, { name: "page", put: (name, content) => put_by_page(page, name, content) }];
}

// ---- Claims -------------------------------------------------------------------------------------

before(async () => {
	mine = folder();
	const key = path.join(mine, "own.key"), certificate = path.join(mine, "own.pem");
	await tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-keyout", key, "-out", certificate, "-days", "60", "-subj", "/CN=localhost",
		"-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
	const at = "127.0.0.1:0";
	hub = await Hub.start({ people: { ann: "admin", bob: "member" }, files: { "a folder/x.txt": "x" },
		options: [...chat_options, "--https", at, "--ftp", at, "--ftps", at, "--chat-tls", at,
			"--tls-cert", certificate, "--tls-key", key] });
	await hub.account("grant", "set", "user:bob", "", "read,list,write,replace,delete");
	doors = [Curl, CurlTls, Lftp, Ftplib, WeftFtp].map((Kind) => new Kind(hub, "bob", mine));
	for (const door of doors)
		await door.open();
	talkers = await make_talkers();
});

claim("in one room each speaks in turn, and all others hear it", async (visit) => {
	const [page, on_page] = await room_page(visit), all = [on_page, ...talkers], times = new Times();
	for (let round = 0; round < ROUNDS; round++)
		for (const [at, talker] of all.entries()) {
			const text = `turn ${round} of ${at}.`, others = all.filter((one) => one !== talker);
			const seen = Promise.all(others.map((one) => one.sees(text)));
			const done = await talker.say(text);
			for (const [i, moment] of (await seen).entries())
				times.note(talker.name, others[i].name, moment - done);
		}
	await looks(page, "judge-room", { widths: [360, 1280] });
	times.tell("the room");
});

claim("one file is changed by each in turn, and all others have it", async (visit) => {
	const [page, on_page] = await files_page(visit), times = new Times();
	let length = 10;
	for (let round = 0; round < ROUNDS; round++)
		for (const door of [...doors, on_page]) {
			const content = `${"x".repeat(length++)}\n`;
			await door.put("notes.txt", content);
			const done = now();
			await Promise.all([shown(page, "row", row_of("notes.txt", content)).then((moment) =>
				times.note(door.name, "page", moment - done)),
			...doors.map(async (other) => {
				const got = await other.get("notes.txt");
				expect(got === content, `${door.name} put ${content.length}, ${other.name} got ${got.length} bytes`);
				times.note(door.name, other.name, now() - done);
			})]);
		}
	await looks(page, "judge-files", { widths: [360, 1280] });
	times.tell("the file");
});

claim("a file that comes or goes by any door does so in the page's list", async (visit) => {
	const [page] = await files_page(visit), times = new Times();
	for (let round = 0; round < ROUNDS; round++)
		for (const door of doors) {
			await door.put("comes.txt", door.name);
			let done = now();
			times.note(`it comes by ${door.name}`, "page",
				await shown(page, "row", row_of("comes.txt", door.name)) - done);
			await door.remove("comes.txt");
			done = now();
			times.note(`it goes by ${door.name}`, "page", await shown(page, "gone", "comes.txt") - done);
			await page.evaluate(() => globalThis.shown_at.delete("gone comes.txt"));
		}
	times.tell("the list");
});

claim("what came by FTP is shared by nc, and opened from the room", async (visit) => {
	const [page] = await room_page(visit);
	await doors[2].put("from-lftp.txt", "by lftp, for all");
	await talkers[0].do("SHARE lobby from-lftp.txt");
	const link = page.locator(".feed a.file", { hasText: "from-lftp.txt" });
	await link.waitFor();
	const answer = await page.request.get(new URL(await link.getAttribute("href"), hub.url).href);
	expect(await answer.text() === "by lftp, for all", await link.getAttribute("href"));
});

claim("all speak and put their files at the same time, and nothing is missed", async (visit) => {
	const [feed, in_room] = await room_page(visit), [page] = await files_page(visit);
	const all = [in_room, ...talkers], texts = all.map((_, at) => `all at once, ${at}.`);
	await Promise.all([
		...all.map((talker, at) => talker.say(texts[at])),
		...all.flatMap((talker, at) => texts.filter((_, i) => i !== at).map((text) => talker.sees(text))),
		...doors.map((door, at) => door.put(`at-once-${at}.txt`, `by ${at}`)),
		put_by_page(page, "at-once-page.txt", "by page", { is_there: false })]);
	for (const at of doors.keys())
		await shown(page, "row", row_of(`at-once-${at}.txt`, `by ${at}`));
	await shown(page, "row", row_of("at-once-page.txt", "by page"));
	for (const door of doors)
		expect(await door.get("at-once-page.txt") === "by page", door.name);
	await until(async () => (await feed.$$eval(".feed .message:not(.posted) .text", (found) =>
		found.filter((one) => one.textContent.startsWith("all at once")).length)) === texts.length, "each of them, once");
});

await run();
