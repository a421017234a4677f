// chat_peer.mjs - somebody in the lobby by npm's ws, or at the page in Chromium, for a judge at a
// pipe: what is typed is said; each message that shows is a line, ["who","text"].
//
//	node chat_peer.mjs ws|page HOST:PORT NAME
//
// Before that it prints "in", or "no" and why; after it has been put out, "out".
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(process.env.JUDGE_MODULES, "x.js"));
const [kind, address, name] = process.argv.slice(2);
const print = (line) => process.stdout.write(`${line}\n`);

async function by_socket() {
	const { WebSocket } = require("ws");
	const socket = new WebSocket(`ws://${address}/.chat`);
	let serial = 0;
	const send = (command) => socket.send(JSON.stringify({ ...command, tag: `${++serial}` }));
	socket.on("open", () => {
		send({ do: "guest", name });
		send({ do: "join", room: "lobby" });
	});
	socket.on("message", (data) => {
		const said = JSON.parse(data);
		if (said.ok === false)
			print(`no ${said.fault} ${said.text}`);
		else if (said.tag === "2")
			print("in");
		else if (said.event === "message")
			print(JSON.stringify([said.who, said.text]));
		else if (said.event === "exited" || said.event === "over")
			print(`out ${said.text}`);
	});
	return (text) => send({ do: "say", room: "lobby", text });
}

async function by_page() {
	const { chromium } = require("playwright-core");
	const browser = await chromium.launch({
		executablePath: "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
	const page = await browser.newPage();
	page.setDefaultTimeout(30000);
	await page.exposeFunction("judge_says", (hint) => print(`out ${hint}`));
	await page.exposeFunction("judge_saw", (who, text) => print(JSON.stringify([who, text])));
	await page.goto(`http://${address}/.weft/chat/lobby`);
	await page.fill(".chat .door input", name);
	await page.press(".chat .door input", "Enter");
	const refused = page.waitForSelector(".chat .door [role=alert]:not([hidden])")
		.then((found) => found.textContent()).catch(() => "");
	const entered = page.waitForSelector(".chat .rooms a[aria-current]", { state: "attached" })
		.then(() => "").catch((error) => error.message);
	const why = await Promise.race([refused, entered]);
	if (why) {
		print(`no ${why}`);
		return () => {};
	}
	// Each that has a number, in the order of the page; told once.
	await page.evaluate(() => {
		const told = new Set();
		setInterval(() => {
			for (const one of document.querySelectorAll(".feed .message:not(.posted)")) {
				if (told.has(one))
					continue;
				told.add(one);
				const who = one.querySelector(".head .who bdi") ?? one.querySelector(".head .sr");
				window.judge_saw(who.textContent, one.querySelector(".text").textContent);
			}
			const hint = document.querySelector(".composer .hint:not([hidden])")?.textContent;
			if (hint && !told.has(hint)) {
				told.add(hint);
				window.judge_says(hint);
			}
		}, 50);
	});
	print("in");
	return async (text) => {
		await page.fill(".chat textarea", text);
		await page.press(".chat textarea", "Enter");
	};
}

const say = await (kind === "ws" ? by_socket() : by_page());
for await (const line of readline.createInterface({ input: process.stdin }))
	await say(line);
process.exit(0);
