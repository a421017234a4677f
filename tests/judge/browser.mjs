// browser.mjs - Chromium at a server: one claim after the other, as TAP.
//
//	node browser.mjs URL GROUP...
//
// JUDGE_MODULES is where playwright-core lies. The groups of claims: "pages", "upload" for a
// server that takes them, "ws://..." for a WebSocket that echoes. Never: another browser
// than Debian's.
import { createRequire } from "node:module";
import { promises as files } from "node:fs";
import path from "node:path";

const require = createRequire(path.join(process.env.JUDGE_MODULES, "x.js"));
const { chromium } = require("playwright-core");
const [url, ...groups] = process.argv.slice(2);
const echo = groups.find((word) => word.startsWith("ws://"));
const claims = [];

function claim(name, run, group = "pages") {
	if (groups.includes(group))
		claims.push([name, run]);
}

function expect(holds, what) {
	if (!holds)
		throw new Error(what ?? "it does not hold");
}

// What a page says to its console, and what it could not load.
function listen(page) {
	const heard = [];
	page.on("console", (message) => heard.push(`${message.type()}: ${message.text()}`));
	page.on("pageerror", (error) => heard.push(`error: ${error.message}`));
	page.on("requestfailed", (request) => heard.push(`failed: ${request.url()}`));
	return heard;
}

claim("Chromium loads the listing, and complains of nothing", async (page) => {
	const heard = listen(page);
	const reply = await page.goto(url + "/");
	expect(reply.status() === 200, reply.status());
	expect(await page.getByRole("link", { name: "hello.txt" }).count() === 1, "no link");
	expect(heard.filter((line) => !line.includes("favicon")).length === 0, heard.join("\n"));
});

claim("a click on a folder, and one more, then back", async (page) => {
	await page.goto(url + "/");
	await page.getByRole("link", { name: /^sub/ }).first().click();
	await page.waitForURL(url + "/sub/");
	await page.getByRole("link", { name: /^deep/ }).first().click();
	await page.waitForURL(url + "/sub/deep/");
	await page.getByRole("link", { name: "er.txt" }).click();
	expect((await page.textContent("body")).trim() === "deeper", "not the file");
	await page.goBack();
	expect(page.url() === url + "/sub/deep/", page.url());
});

claim("a file with an odd name opens by its link", async (page) => {
	await page.goto(url + "/odd/");
	await page.getByRole("link", { name: /a b&c#d/ }).click();
	await page.waitForURL(/%23d/);
	expect((await page.textContent("body")).trim() === "odd", "not the file");
});

claim("a page of a folder's own index.html is shown", async (page) => {
	await page.goto(url + "/site");
	expect(await page.title() === "Index", await page.title());
	expect(page.url() === url + "/site/", page.url());
});

claim("a download arrives whole, under its name", async (page) => {
	await page.goto(url + "/");
	const waiting = page.waitForEvent("download");
	await page.getByRole("link", { name: "big.bin" }).click();
	const download = await waiting;
	expect(download.suggestedFilename() === "big.bin", download.suggestedFilename());
	const content = await files.readFile(await download.path());
	expect(content.length === 8 << 20 && content.readBigUInt64BE(8 * 777777) === 777777n,
		"not the same");
});

claim("what is not there is a page that says so, with 404", async (page) => {
	const reply = await page.goto(url + "/nothing");
	expect(reply.status() === 404, reply.status());
	expect((await page.textContent("body")).includes("404"), "a page without a word");
});

claim("a second visit is answered 304 or from the cache, by its tag", async (page) => {
	await page.goto(url + "/hello.txt");
	const reply = await page.reload();
	expect([200, 304].includes(reply.status()), reply.status());
	const status = await page.evaluate(async () => {
		const first = await fetch("/hello.txt", { cache: "no-store" });
		const tag = first.headers.get("etag");
		const again = await fetch("/hello.txt", {
			cache: "no-store", headers: { "If-None-Match": tag } });
		return again.status;
	});
	expect(status === 304, status);
});

claim("fetch gets a part, and a hundred files at a time", async (page) => {
	await page.goto(url + "/hello.txt");
	const [part, all] = await page.evaluate(async () => {
		const reply = await fetch("/big.bin", { headers: { Range: "bytes=8-15" } });
		const many = await Promise.all(Array.from({ length: 100 }, async (_, i) =>
			(await fetch(`/page.html?${i}`)).text()));
		return [new Uint8Array(await reply.arrayBuffer()).at(-1),
			many.every((text) => text.length === many[0].length && text.length > 0)];
	});
	expect(part === 1 && all, `${part} ${all}`);
});

claim("the listing fits a phone, and is dark when the user's desktop is", async (page, browser) => {
	const phone = await browser.newContext({ viewport: { width: 360, height: 640 },
		colorScheme: "dark" });
	const small = await phone.newPage();
	await small.goto(url + "/");
	const [wide, colour] = await small.evaluate(() => [
		document.documentElement.scrollWidth,
		getComputedStyle(document.documentElement).backgroundColor +
			getComputedStyle(document.body).backgroundColor]);
	await phone.close();
	expect(wide <= 360, `it is ${wide} px wide`);
	expect(!/rgb\(255, 255, 255\)/.test(colour), colour);
});

claim("a file is uploaded through the page", async (page) => {
	await page.goto(url + "/");
	await page.setInputFiles("input[type=file]", {
		name: "from browser.txt", mimeType: "text/plain", buffer: Buffer.from("uploaded\n") });
	await page.locator("form [type=submit], form button").first().click();
	await page.waitForLoadState("networkidle");
	const reply = await page.goto(url + "/from%20browser.txt");
	expect(reply.status() === 200, reply.status());
	expect((await page.textContent("body")).trim() === "uploaded", "not the file");
}, "upload");

claim("a page's WebSocket echoes text and bytes, and closes clean", async (page) => {
	await page.goto(url + "/hello.txt");
	const got = await page.evaluate((address) => new Promise((resolve, reject) => {
		const socket = new WebSocket(address);
		const heard = [];
		socket.binaryType = "arraybuffer";
		socket.onopen = () => { socket.send("hello"); socket.send(new Uint8Array(70000)); };
		socket.onmessage = (event) => {
			heard.push(event.data.byteLength ?? event.data);
			if (heard.length === 2)
				socket.close(1000, "done");
		};
		socket.onerror = () => reject(new Error("an error"));
		socket.onclose = (event) => resolve([...heard, event.code, event.wasClean]);
	}), echo);
	expect(JSON.stringify(got) === '["hello",70000,1000,true]', JSON.stringify(got));
}, echo ?? "a WebSocket");

const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
console.log(`1..${claims.length}`);
let number = 0;
for (const [name, run] of claims) {
	const context = await browser.newContext({ acceptDownloads: true });
	number++;
	try {
		const page = await context.newPage();
		page.setDefaultTimeout(20000);
		await run(page, browser);
		console.log(`ok ${number} - ${name}`);
	} catch (error) {
		console.log(String(error.stack).replace(/^/gm, "# "));
		console.log(`not ok ${number} - ${name}`);
	}
	await context.close();
}
await browser.close();
