// test_tabs.mjs - the same person in two tabs at once: what one does the other shows, once.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { allow, becomes, before, claim, equal, expect, folder, run } from "./harness.mjs";
import { chat_options, enter, is_in, message, say, texts } from "./chatting.mjs";
import { Hub } from "./hub.mjs";

const BIG = 32 * 1024 * 1024;
const SLOW = 400e3; // bytes a second: it takes longer than anything a claim waits for

let hub, mine;
before(async () => {
	mine = folder();
	hub = await Hub.start({ people: { ann: "admin", bob: "member" }, options: chat_options,
		files: { "both/old.txt": "old", "same/old.txt": "old", "end/old.txt": "old" } });
});

const at = (...parts) => path.join(hub.folder, ...parts);
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const panel = (page) => page.locator(".tr");
const choose = (page, ...files) => page.locator("#choose-files").setInputFiles(files);

function own(name, content) {
	const to = path.join(mine, name);
	writeFileSync(to, content);
	return to;
}

async function second(page, address) {
	const other = await page.context().newPage();
	await other.goto(new URL(address, hub.url).href);
	return other;
}

// Bytes a second that leave the page; 0: as many as can.
async function slow(page, bytes) {
	page.wire ??= await page.context().newCDPSession(page);
	await page.wire.send("Network.enable");
	await page.wire.send("Network.emulateNetworkConditions", { offline: false, latency: 0,
		downloadThroughput: -1, uploadThroughput: bytes || -1 });
}

claim("what one tab uploads, makes and deletes is seen in the other", async (visit) => {
	const page = await visit(hub, "/both/", { as: "ann" }), other = await second(page, "/both/");
	await row(page, "old.txt").waitFor();
	await row(other, "old.txt").waitFor();
	await choose(page, own("new.txt", "new"));
	await row(other, "new.txt").waitFor();
	await other.getByRole("button", { name: "New folder" }).click();
	await other.getByRole("dialog").getByLabel("Name").fill("made");
	await other.keyboard.press("Enter");
	await row(page, "made").waitFor();
	await row(page, "old.txt").locator(".fl-pick").click();
	await page.keyboard.press("Delete");
	await row(other, "old.txt").waitFor({ state: "detached" });
	await becomes(() => other.locator(".fl-row").count(), 2);
});

claim("who logs out in one tab is out in the other, of the files and of the chat, and in again so", async (visit) => {
	const page = await visit(hub, "/end/", { as: "bob" }), other = await second(page, "/.weft/chat/lobby");
	allow(page, /401/);
	await is_in(other);
	await row(page, "old.txt").waitFor();
	await page.locator("#self").getByRole("button", { name: "bob" }).click();
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await other.getByLabel("Your name").waitFor();
	await other.locator("#self").getByRole("button", { name: "Log in" }).waitFor();
	hub.cookies.delete("bob");
	await page.context().addCookies([{ ...await hub.cookie("bob"), url: hub.url }]);
	await page.reload();
	await page.locator("#self").getByRole("button", { name: "bob" }).waitFor();
});

claim("two tabs of one person are one in the room; what she says and is told is once in each", async (visit) => {
	const bob = await enter(visit, hub, "bob");
	const page = await enter(visit, hub, "ann"), other = await second(page, "/.weft/chat/lobby");
	await is_in(other);
	// What she types is told to others, not to herself.
	for (const one of [bob, other])
		await one.evaluate(() => {
			const place = document.querySelector(".chat .typing");
			globalThis.typing = new Set();
			new MutationObserver(() => globalThis.typing.add(place.textContent))
				.observe(place, { childList: true, characterData: true, subtree: true });
		});
	await page.getByRole("textbox", { name: "Message" }).pressSequentially("well");
	await bob.waitForFunction(() => globalThis.typing.has("ann is typing…"));
	await page.keyboard.press("Enter");
	await message(other, "well").waitFor();
	equal(await other.evaluate(() => [...globalThis.typing].filter(Boolean)), [], "who is typing, in her other tab");
	await say(other, "here I am");
	for (const one of [bob, page, other])
		await message(one, "here I am").waitFor();
	await becomes(() => bob.locator(".chat .people li", { hasText: "ann" }).count(), 1);
	await bob.locator(".chat .people", { hasText: "2 here" }).waitFor();

	// Elsewhere in both: counted once in each; read in one, read in the other.
	for (const one of [page, other]) {
		await one.getByRole("link", { name: "Files" }).click();
		await one.locator("#view-chat").waitFor({ state: "hidden" });
	}
	await say(bob, "one");
	await say(bob, "two");
	await say(bob, "three");
	for (const one of [page, other])
		await one.locator("#nav-chat .badge").filter({ hasText: /^3/ }).waitFor();
	await page.getByRole("link", { name: "Chat" }).click();
	await message(page, "three").waitFor();
	await page.locator("#nav-chat .badge").waitFor({ state: "hidden" });
	await other.locator("#nav-chat .badge").waitFor({ state: "hidden" });
	await say(bob, "four");
	await other.locator("#nav-chat .badge").waitFor({ state: "hidden" });
	await becomes(async () => (await texts(page)).slice(-6), ["well", "here I am", "one", "two", "three", "four"]);

	// One that is closed takes nobody away.
	await other.close();
	await say(page, "still here");
	await message(bob, "still here").waitFor();
	await bob.locator(".chat .people", { hasText: "2 here" }).waitFor();
	expect(await bob.locator(".chat .feed .notice", { hasText: "ann has left" }).count() === 0, "she has left");
});

claim("two tabs with the same file that is not whole: it comes once, and whole", async (visit) => {
	const bytes = Buffer.alloc(BIG);
	for (let i = 0; i < BIG; i += 4096)
		bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
	const file = own("same.bin", bytes);
	const page = await visit(hub, "/same/", { as: "ann" }), other = await second(page, "/same/");
	allow(page, /423|409|404|412/);
	await row(page, "old.txt").waitFor();
	await row(other, "old.txt").waitFor();
	await slow(page, SLOW);
	await choose(page, file);
	await page.waitForFunction(() => document.querySelector(".tr-line progress")?.value > .02);
	await choose(other, file);
	await panel(other).getByText("Somebody goes on with this upload").waitFor();
	// It has sent bytes that nobody has taken: they are not told of as if they had come.
	await panel(other).getByText(/^\d?\d% · Somebody/).waitFor();
	await slow(page, 0);
	for (const one of [page, other])
		await panel(one).getByText("1 file uploaded").waitFor();
	equal(readdirSync(at("same")).sort(), ["old.txt", "same.bin"]);
	equal(sum(readFileSync(at("same/same.bin"))), sum(bytes));
});

await run();
