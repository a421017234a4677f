// test_lost.mjs - the network goes, the hub is killed, or the tab sleeps while files and words are on their
// way: all of it goes on by itself, and nothing comes twice.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { allow, becomes, before, claim, equal, expect, folder, run, until } from "./harness.mjs";
import { chat_options, enter, is_in, Lines, message, say, texts } from "./chatting.mjs";
import { Hub } from "./hub.mjs";

const BIG = 16 * 1024 * 1024;
const SLOW = 400e3; // bytes a second: it takes longer than anything a claim waits for

let hub, mine;
before(async () => {
	mine = folder();
	hub = await Hub.start({ people: { ann: "admin", bob: "member" }, options: chat_options,
		files: { "offline/old.txt": "old", "killed/old.txt": "old" } });
});

const at = (...parts) => path.join(hub.folder, ...parts);
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const panel = (page) => page.locator(".tr");
const choose = (page, ...files) => page.locator("#choose-files").setInputFiles(files);

function own(name, size) {
	const to = path.join(mine, name), bytes = Buffer.alloc(size);
	for (let i = 0; i + 4 <= size; i += 4096)
		bytes.writeUInt32LE((i * 2654435761 + size) >>> 0, i);
	writeFileSync(to, bytes);
	return { name, path: to, sum: sum(bytes) };
}

// What the network of this page is like; 0 bytes a second: as many as can.
async function network(page, { bytes = 0, offline = false } = {}) {
	page.wire ??= await page.context().newCDPSession(page);
	await page.wire.send("Network.enable");
	await page.wire.send("Network.emulateNetworkConditions", { offline, latency: 0,
		downloadThroughput: -1, uploadThroughput: bytes || -1 });
}

const sent = (page, part) => page.waitForFunction((least) =>
	[...document.querySelectorAll(".tr-line progress")].some((one) => one.value > least && one.value < 1), part);

// All of them are there, whole, and nothing else.
function came(name, files) {
	equal(readdirSync(at(name)).sort(), ["old.txt", ...files.map((file) => file.name)].sort());
	for (const file of files)
		equal(sum(readFileSync(at(name, file.name))), file.sum, file.name);
}

claim("a device without a network says so, and goes on with its uploads when there is one", async (visit) => {
	const page = await visit(hub, "/offline/", { as: "ann" });
	allow(page, /ERR_|423|409/);
	await row(page, "old.txt").waitFor();
	const files = [own("big one.bin", BIG), own("big two.bin", BIG), own("a.bin", 10), own("b.bin", 300000),
		own("c.bin", 0)];
	await network(page, { bytes: SLOW });
	await choose(page, ...files.map((file) => file.path));
	await sent(page, .005);
	await network(page, { offline: true });
	await page.getByText("The server does not answer. It is tried again.").waitFor();
	await panel(page).getByText("The connection is lost").first().waitFor();
	await page.keyboard.press("Control+a"); // the page is there all the same
	await network(page);
	await page.getByText("The server does not answer. It is tried again.").waitFor({ state: "hidden" });
	await panel(page).getByText("5 files uploaded").waitFor();
	await row(page, "big two.bin").waitFor();
	came("offline", files);
});

claim("the hub is killed in the middle of uploads and words: all of it comes, once", async (visit) => {
	const relay = await hub.relay();
	const page = await visit(relay, "/killed/", { as: "ann" }), chat = await enter(visit, relay, "bob");
	for (const one of [page, chat])
		allow(one, /ERR_|50[0-9]|423|409|412|WebSocket connection/);
	await row(page, "old.txt").waitFor();
	await say(chat, "before.");
	await message(chat, "before.").waitFor();
	const files = [own("first.bin", BIG), own("second.bin", BIG), own("third.bin", 900000), own("fourth.bin", 5)];
	await network(page, { bytes: SLOW });
	await choose(page, ...files.map((file) => file.path));
	await sent(page, .005);
	// The last of these may have been heard or not: nobody knows at the page.
	const said = Array.from({ length: 40 }, (_, i) => `word ${i}.`);
	const place = chat.getByRole("textbox", { name: "Message" });
	for (const text of said.slice(0, 20)) {
		await place.fill(text);
		await place.press("Enter");
	}
	await hub.kill();
	relay.cut();
	for (const text of said.slice(20)) {
		await place.fill(text);
		await place.press("Enter");
	}
	await panel(page).getByText("The connection is lost").first().waitFor();
	await chat.locator(".chat .state").waitFor();
	await network(page);
	await hub.again();
	relay.mend();
	await panel(page).getByText("4 files uploaded").waitFor();
	came("killed", files);
	await message(chat, said.at(-1)).waitFor();
	await becomes(() => chat.locator(".feed .posted").count(), 0);
	await becomes(() => texts(chat), ["before.", ...said]);
	// So it is for who comes now.
	const other = await enter(visit, hub, "ann");
	await message(other, said.at(-1)).waitFor();
	await becomes(() => texts(other), ["before.", ...said]);
});

claim("a tab that was put to sleep has what was said meanwhile, each once and in order", async (visit) => {
	const page = await enter(visit, hub, "ann"), tom = await Lines.enter(hub, "tom");
	await say(page, "awake.");
	await message(page, "awake.").waitFor();
	const wire = await page.context().newCDPSession(page);
	const all = Array.from({ length: 500 }, (_, i) => `asleep ${i}.`);
	await wire.send("Page.setWebLifecycleState", { state: "frozen" });
	await tom.say(...all.slice(0, 250));
	await tom.say(...all.slice(250));
	await wire.send("Page.setWebLifecycleState", { state: "active" });
	await message(page, all.at(-1)).waitFor();
	await becomes(async () => (await texts(page)).filter((text) => /^a(wake|sleep)/.test(text)), ["awake.", ...all]);
	await say(page, "and awake again.");
	await tom.heard(/and awake again/);
});

await run();
