// chat_page.mjs - the chat's page in Chromium, with npm's ws as the others in the room: one claim
// after the other, as TAP.
//
//	node chat_page.mjs HOST:PORT
//
// JUDGE_MODULES is where both lie. The server has accounts ann and bob, and takes commands quickly.
// The page comes by a relay of ours, which can cut it off.
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";

const require = createRequire(path.join(process.env.JUDGE_MODULES, "x.js"));
const { chromium } = require("playwright-core");
const { WebSocket } = require("ws");
const [host, port] = process.argv[2].split(":");
const claims = [];
const claim = (name, run) => claims.push([name, run]);

function expect(holds, what) {
	if (!holds)
		throw new Error(what ?? "it does not hold");
}

// ---- A relay that can be cut --------------------------------------------------------------------

const pairs = new Set();
let is_cut = false;
const relay = net.createServer((near) => {
	if (is_cut) {
		near.destroy();
		return;
	}
	const far = net.connect(Number(port), host);
	const pair = [near, far];
	pairs.add(pair);
	for (const [from, to] of [pair, [far, near]]) {
		from.pipe(to);
		from.on("error", () => to.destroy());
		from.on("close", () => (to.destroy(), pairs.delete(pair)));
	}
});
await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
const site = `http://127.0.0.1:${relay.address().port}/.weft/chat/`;

function cut() {
	is_cut = true;
	for (const pair of pairs)
		pair.forEach((socket) => socket.destroy());
}

// ---- The others ---------------------------------------------------------------------------------

let serial = 0;

class Peer {
	constructor(name) {
		this.name = name;
		this.asked = new Map();
		this.heard = [];
	}

	async enter(room) {
		this.socket = new WebSocket(`ws://${host}:${port}/.chat`);
		await new Promise((resolve, reject) => {
			this.socket.on("open", resolve);
			this.socket.on("error", reject);
		});
		this.socket.on("message", (data) => {
			const said = JSON.parse(data);
			if (said.ok !== undefined)
				this.asked.get(said.tag)?.(said);
			else
				this.heard.push(said);
		});
		expect((await this.ask({ do: "guest", name: this.name })).ok, `${this.name} is not let in`);
		expect((await this.ask({ do: "join", room })).ok, room);
		return this;
	}

	ask(command) {
		const tag = `${process.pid}-${++serial}`;
		return new Promise((resolve) => {
			this.asked.set(tag, resolve);
			this.socket.send(JSON.stringify({ ...command, tag }));
		});
	}

	async say(room, text) {
		const answer = await this.ask({ do: "say", room, text });
		expect(answer.ok, JSON.stringify(answer));
	}
}

const shown = (page) => page.$$eval(".feed .message .text",
	(all) => all.map((one) => one.textContent));
const until = (page, text) => page.waitForFunction((wanted) =>
	[...document.querySelectorAll(".feed .message:not(.posted) .text")]
		.some((one) => one.textContent === wanted), text);
const TEXT = ".chat textarea", IN = ".chat .rooms a[aria-current]";
const is_at = (page, room) => page.waitForFunction((wanted) =>
	document.querySelector(".chat h1:not(.door h1)").textContent === wanted, room);

async function come_in(page, name, room = "lobby") {
	await page.goto(site + room);
	await page.fill(".chat .door input", name);
	await page.press(".chat .door input", "Enter");
	await page.waitForSelector(IN, { state: "attached" });
}

async function log_in(page, name, at = site) {
	await page.goto(at);
	await page.click('.chat .door button:has-text("Log in")');
	await page.fill("dialog input[name=name]", name);
	await page.fill("dialog input[name=password]", "correct horse 9");
	await page.press("dialog input[name=password]", "Enter");
	await page.waitForSelector(IN, { state: "attached" });
}

async function say(page, text) {
	await page.fill(TEXT, text);
	await page.press(TEXT, "Enter");
}

// ---- Claims -------------------------------------------------------------------------------------

claim("a guest comes in and speaks by the keyboard; what others write is text", async (page) => {
	const tom = await new Peer("tom").enter("lobby");
	await come_in(page, "mia");
	await page.keyboard.type("hello from a page");
	await page.keyboard.press("Enter");
	await until(page, "hello from a page");
	expect(tom.heard.some((one) => one.text === "hello from a page" && one.who === "mia"), "tom");
	const hostile = "<img src=x onerror=alert(1)><b>bold</b> javascript:alert(1) \u{1f389}";
	await tom.say("lobby", hostile);
	await until(page, hostile);
	expect(await page.$$eval(".feed img, .feed b", (all) => all.length) === 0, "elements of a text");
	await tom.say("lobby", "see https://example.org/a(b)?c=d. And more");
	await page.waitForSelector('.feed a[href="https://example.org/a(b)?c=d"]');
	expect(await page.getAttribute(".feed a", "rel") === "noopener noreferrer nofollow");
	tom.socket.close();
});

claim("what was said before comes as one scrolls up, each once and in order", async (page) => {
	const tom = await new Peer("tom2").enter("lobby");
	for (let i = 0; i < 200; i++)
		await tom.say("lobby", `earlier ${i}`);
	await come_in(page, "mia2");
	await until(page, "earlier 199");
	await page.waitForFunction(() => {
		document.querySelector(".chat .scroller").scrollTop = 0;
		return [...document.querySelectorAll(".feed .text")]
			.some((one) => one.textContent === "earlier 0");
	}, null, { polling: 100 });
	const texts = (await shown(page)).filter((text) => text.startsWith("earlier "));
	expect(texts.length === 200 && texts.every((text, i) => text === `earlier ${i}`), texts.length);
	tom.socket.close();
});

claim("a lost connection comes back: no gap, nothing twice, what was typed is sent", async (page) => {
	const tom = await new Peer("tom3").enter("lobby");
	await come_in(page, "mia3");
	await tom.say("lobby", "before the cut");
	await until(page, "before the cut");
	cut();
	await page.waitForSelector(".chat .state:not([hidden])");
	for (let i = 0; i < 150; i++)
		await tom.say("lobby", `missed ${i}`);
	await page.fill(TEXT, "typed while away");
	await page.press(TEXT, "Enter");
	await page.waitForSelector(".feed .posted");
	is_cut = false;
	await until(page, "typed while away");
	await page.waitForSelector(".chat .state", { state: "hidden" });
	await until(page, "missed 149");
	const texts = (await shown(page)).filter((text) => text.startsWith("missed "));
	expect(texts.length === 150 && texts.every((text, i) => text === `missed ${i}`), texts.join());
	const said = tom.heard.filter((one) => one.text === "typed while away").length;
	expect(said === 1, `it was said ${said} times`);
	await page.fill(TEXT, "at last");
	await page.press(TEXT, "Enter");
	await until(page, "at last");
	expect(await page.$$eval(".feed .message.own.fresh", (all) => all.length) === 0,
		"what I said is news to me");
	tom.socket.close();
});

claim("an account logs in, is still in after a reload, and out after it leaves", async (page) => {
	await log_in(page, "ann");
	expect(/ann/.test(await page.textContent("#self")), "the name");
	await page.reload();
	await page.waitForSelector(".chat .rooms a[aria-current]", { state: "attached" });
	await page.click("#self button");
	await page.click('.menu button:has-text("Log out")');
	await page.waitForSelector(".chat .door:not([hidden])");
	await page.reload();
	await page.waitForSelector(".chat .door:not([hidden])");
});

claim("a room is made, two talk alone, and what was not read is counted", async (page, browser) => {
	const other = await browser.newContext();
	const bob = await other.newPage();
	await log_in(page, "ann");
	await log_in(bob, "bob", site.replace(/127.*?(?=\/)/, `${host}:${port}`)); // never cut off
	await page.click('button[aria-label="New room"]');
	await page.getByLabel("Name", { exact: true }).fill("garden");
	await page.getByLabel("Topic (may be empty)").fill("what grows");
	await page.keyboard.press("Enter");
	await is_at(page, "garden");
	expect(await page.textContent(".chat .topic") === "what grows");
	await bob.click('.chat .people button:has-text("ann")');
	await bob.click('.menu button:has-text("alone")');
	await is_at(bob, "ann");
	await bob.fill(TEXT, "only you");
	await bob.press(TEXT, "Enter");
	await page.waitForSelector('.chat .rooms a.unread:has-text("bob")');
	expect(/^\(\d+\)/.test(await page.title()), await page.title());
	await page.click('.chat .rooms a:has-text("bob")');
	await until(page, "only you");
	await page.waitForFunction(() => !document.querySelector('.chat .rooms a.unread'));
	cut();
	await page.waitForSelector(".chat .state:not([hidden])");
	for (const text of ["while you", "were away"]) {
		await bob.fill(TEXT, text);
		await bob.press(TEXT, "Enter");
		await until(bob, text);
	}
	is_cut = false;
	await until(page, "were away");
	expect((await shown(page)).join() === "only you,while you,were away", await shown(page));
	await page.reload();
	await until(page, "were away");
	await page.goto(site);
	await other.close();
});

claim("a file is dropped into the room, put into the folder, and shared as a link", async (page) => {
	const tom = await new Peer("tom4").enter("lobby");
	await log_in(page, "ann");
	const drop = async (name) => page.dispatchEvent(".feed", "drop", {
		dataTransfer: await page.evaluateHandle((called) => {
			const made = new DataTransfer();
			made.items.add(new File(["hello"], called, { type: "text/plain" }));
			return made;
		}, name) });
	for (const name of ["a & b #1.txt", "a & b #1.txt"]) {
		await drop(name);
		await page.waitForSelector("dialog[open]");
		await page.keyboard.press("Enter");
		await page.waitForSelector("dialog", { state: "detached" });
	}
	await page.waitForSelector('.feed a.file:has-text("a & b #1 (2).txt")');
	const said = tom.heard.filter((one) => one.file).map((one) => one.file.path);
	expect(said.join() === "/a%20%26%20b%20%231.txt,/a%20%26%20b%20%231%20%282%29.txt", said.join());
	const [opened] = await Promise.all([page.context().waitForEvent("page"),
		page.click(".feed a.file")]);
	await opened.waitForLoadState();
	expect(await opened.textContent("body") === "hello", opened.url());
	await opened.close();
	for (const path of ["nothing.txt", "javascript:alert(1)", "../etc/passwd"]) {
		await page.fill(TEXT, `/share ${path}`);
		await page.press(TEXT, "Enter");
		await page.click('.failed button:has-text("Discard")');
	}
	await tom.say("lobby", "x (1 bytes, a/b) //evil.example/x");
	await until(page, "x (1 bytes, a/b) //evil.example/x");
	expect(await page.$$eval(".feed a", (all) => all.every((one) =>
		one.origin === location.origin || /^https?:/.test(one.href))), "a link");
	tom.socket.close();
});

claim("a guest who may not write is told so, and the browser asks for no password", async (page) => {
	await come_in(page, "mia5");
	await page.click('button[aria-label="Share a file"]');
	await page.setInputFiles("dialog input[type=file]", { name: "no.txt", mimeType: "text/plain",
		buffer: Buffer.from("x") });
	await page.click("dialog button.main");
	await page.waitForSelector('dialog [role=alert]:has-text("You may not put files there.")');
	await page.keyboard.press("Escape");
	await page.waitForSelector("dialog", { state: "detached" });
});

claim("an invitation's link sets a password, once; it is changed by who knows it", async (page) => {
	const own = new URL("../me", site).href;
	await page.goto(`${own}#${process.env.JUDGE_LINK}`);
	const set = async (password, again = password) => {
		await page.getByLabel("New password").fill(password);
		await page.getByLabel("The same again").fill(again);
		await page.keyboard.press("Enter");
	};
	await set("password1");
	await page.waitForSelector('.complaint:has-text("guessed")');
	await set("dora likes boats", "dora likes goats");
	await page.waitForSelector('.why:has-text("not the same")');
	await set("dora likes boats");
	await page.waitForURL((url) => url.pathname === "/");
	await page.goto("about:blank");
	await page.goto(`${own}#${process.env.JUDGE_LINK}`);
	await page.waitForSelector('p:has-text("used already")');
	await page.goto(own);
	const change = async (old) => {
		await page.locator("dialog input[type=password]").first().fill(old);
		await set("dora likes goats");
	};
	await page.click('button:has-text("Change password")');
	await change("no idea of it");
	await page.waitForSelector("dialog .complaint:not([hidden]), dialog .why:not([hidden])");
	await change("dora likes boats");
	await page.waitForSelector('.toast:has-text("The password is changed")');
	await page.goto(site);
	await page.waitForSelector('#self:has-text("dora")');
	await page.waitForSelector(IN, { state: "attached" });
});

claim("it fits a phone, light and dark; its lists open and close by keys", async (page, browser) => {
	for (const colorScheme of ["light", "dark"]) {
		const phone = await browser.newContext({ viewport: { width: 360, height: 640 }, colorScheme });
		const small = await phone.newPage();
		await come_in(small, `phone-${colorScheme}`);
		const wide = await small.evaluate(() => document.documentElement.scrollWidth);
		expect(wide <= 360, `it is ${wide} px wide`);
		const colour = await small.evaluate(() => getComputedStyle(document.body).backgroundColor);
		expect(/245, 247, 250/.test(colour) === (colorScheme === "light"), colour);
		await small.focus(".chat .open-rooms");
		await small.keyboard.press("Enter");
		await small.waitForFunction(() => document.activeElement.matches(".closer"));
		await small.keyboard.press("Escape");
		await small.waitForFunction(() => document.activeElement.matches(".open-rooms"));
		await phone.close();
	}
});

claim("everything that can be used has a name for those who hear it", async (page) => {
	await come_in(page, "listener");
	const nameless = await page.$$eval("button, a, input, textarea", (all) => all.filter((one) =>
		!one.closest("[hidden]") && !one.ariaLabel && !one.textContent.trim() &&
		!(one.labels?.length && one.labels[0].textContent.trim())).map((one) => one.outerHTML));
	expect(nameless.length === 0, nameless.join());
	expect(await page.getAttribute(".feed", "role") === null && await page.$("[role=log] .feed"));
});

const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
console.log(`1..${claims.length}`);
let number = 0;
for (const [name, run] of claims) {
	const context = await browser.newContext();
	const complaints = [];
	number++;
	is_cut = false;
	try {
		const page = await context.newPage();
		page.setDefaultTimeout(20000);
		page.on("pageerror", (error) => complaints.push(error.stack));
		page.on("console", (said) => /Content Security|TrustedHTML/.test(said.text()) &&
			complaints.push(said.text()));
		await run(page, browser);
		expect(complaints.length === 0, complaints.join("\n"));
		console.log(`ok ${number} - ${name}`);
	} catch (error) {
		console.log(String([error.stack, ...complaints].join("\n")).replace(/^/gm, "# "));
		console.log(`not ok ${number} - ${name}`);
	}
	await context.close();
}
await browser.close();
process.exit(0);
