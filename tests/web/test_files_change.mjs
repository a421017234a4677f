// test_files_change.mjs - files that come, change and go: uploads of files and folders, conflicts, what
// breaks off and goes on; new folders, names, places; the trash and back; archives.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import path from "node:path";

import { allow, becomes, before, claim, equal, expect, folder, run, until } from "./harness.mjs";
import { Hub } from "./hub.mjs";
import { looks } from "./looks.mjs";

const BIG = 32 * 1024 * 1024;
const SLOW = 400e3; // bytes a second: it takes longer than anything a claim waits for
let hub, mine;

const at = (...parts) => path.join(hub.folder, ...parts);
const text = (...parts) => readFileSync(at(...parts), "utf8");
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");

// A folder of the hub for one claim.
function place(name, files = {}) {
	mkdirSync(at(name));
	for (const [one, content] of Object.entries(files))
		hub.write(`${name}/${one}`, content);
	return `/${name}/`;
}

function own(name, content) {
	const to = path.join(mine, name);
	mkdirSync(path.dirname(to), { recursive: true });
	writeFileSync(to, content);
	return to;
}

function bigFile(name) {
	const bytes = Buffer.alloc(BIG);
	for (let i = 0; i < BIG; i += 4096)
		bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
	return [own(name, bytes), sum(bytes)];
}

before(async () => {
	mine = folder();
	hub = await Hub.start({ people: { ann: "admin" }, options: ["--page", "--chat-web"] });
});

const grid = (page) => page.getByRole("grid", { name: "Files" });
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const panel = (page) => page.locator(".tr");
const toast = (page, words) => page.locator(".toast", { hasText: words });
const selected = (page) => page.getByRole("toolbar", { name: "What is selected" });
const choose = (page, ...files) => page.locator("#choose-files").setInputFiles(files);
const pick = async (page, ...names) => {
	for (const name of names)
		await row(page, name).locator(".fl-pick").click();
};

// A notice that can be undone stays until it was: how long a person has is no part of these claims.
const keep_notices = (page) => page.evaluate(() => {
	const wait = globalThis.setTimeout;
	globalThis.setTimeout = (run, ms, ...more) => ms === 12000 ? 0 : wait(run, ms, ...more);
});

// As the system drops files on the page.
async function drop(page, target, files, type = "drop") {
	const session = await page.context().newCDPSession(page), box = await target.boundingBox();
	const data = { items: [], files, dragOperationsMask: 1 };
	const where = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
	for (const step of type === "drop" ? ["dragEnter", "dragOver", "drop"] : ["dragEnter", "dragOver"])
		await session.send("Input.dispatchDragEvent", { type: step, ...where, data });
	await session.detach();
}

// Bytes a second that leave the page; 0: as many as can.
async function slow(page, bytes) {
	page.wire ??= await page.context().newCDPSession(page);
	await page.wire.send("Network.enable");
	await page.wire.send("Network.emulateNetworkConditions", { offline: false, latency: 0,
		downloadThroughput: -1, uploadThroughput: bytes || -1 });
}

const far = (page, part) => page.waitForFunction((least) =>
	document.querySelector(".tr-line progress")?.value > least, part);

// ---- Uploads --------------------------------------------------------------------------------

claim("files that are chosen come, each with its progress, and are told of", async (visit) => {
	const page = await visit(hub, place("chosen"), { as: "ann" });
	await page.getByText("Nothing is here yet").waitFor();
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"),
		page.getByRole("button", { name: "Choose files" }).click()]);
	await chooser.setFiles([own("one.txt", "one"), own("two.txt", "two"), own("empty.txt", "")]);
	await panel(page).getByText("3 files uploaded").waitFor();
	await row(page, "two.txt").waitFor();
	await row(page, "empty.txt").waitFor();
	equal([text("chosen", "one.txt"), text("chosen", "two.txt"), text("chosen", "empty.txt")], ["one", "two", ""]);
	await looks(page, "files-uploaded", { widths: [360, 1280] });
	await panel(page).getByRole("button", { name: "Close" }).click();
	await panel(page).waitFor({ state: "hidden" });
});

claim("a folder that is dropped comes whole, with what is empty in it", async (visit) => {
	own("trip/day 1/a.txt", "a");
	own("trip/day 1/deep/b #%.txt", "b");
	own("trip/c.txt", "c");
	mkdirSync(path.join(mine, "trip/nothing"), { recursive: true });
	for (let i = 0; i < 250; i++)
		own(`trip/many/${i}.txt`, String(i));
	const page = await visit(hub, place("dropped"), { as: "ann" });
	await page.getByText("Nothing is here yet").waitFor();
	await drop(page, page.locator(".fl-frame"), [path.join(mine, "trip"), own("alone.txt", "alone")]);
	await panel(page).getByText("254 files uploaded").waitFor();
	equal(readdirSync(at("dropped/trip")).sort(), ["c.txt", "day 1", "many", "nothing"]);
	equal(readdirSync(at("dropped/trip/nothing")), []);
	equal(text("dropped/trip/day 1/deep/b #%.txt"), "b");
	equal(readdirSync(at("dropped/trip/many")).length, 250);
	equal(text("dropped/alone.txt"), "alone");
	await row(page, "trip").waitFor();
	// Onto a folder of the list: there.
	await drop(page, row(page, "trip"), [own("into.txt", "into")]);
	await until(() => existsSync(at("dropped/trip/into.txt")), "the file in the folder");
});

claim("what is there already is asked about once: both, replace, skip", async (visit) => {
	const page = await visit(hub, place("taken", { "a.txt": "old a", "b.txt": "old b" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	const files = [own("a.txt", "new a"), own("b.txt", "new b"), own("fresh.txt", "fresh")];
	const dialog = page.getByRole("dialog");
	await choose(page, ...files);
	await dialog.getByText("2 files are there already").waitFor();
	await looks(page, "files-conflict", { widths: [360, 1280] });
	await dialog.getByRole("button", { name: "Skip them" }).click();
	await row(page, "fresh.txt").waitFor();
	equal(text("taken/a.txt"), "old a");
	await choose(page, files[0], files[1]);
	await dialog.getByRole("button", { name: "Keep both" }).click();
	await row(page, "b (2).txt").waitFor();
	await row(page, "a (2).txt").waitFor();
	equal([text("taken/a.txt"), text("taken/a (2).txt")], ["old a", "new a"]);
	await choose(page, files[0]);
	await dialog.getByText("There is a file of this name already").waitFor();
	await dialog.getByRole("button", { name: "Replace" }).click();
	await until(() => text("taken/a.txt") === "new a", "the new one");
	await choose(page, files[1]);
	await dialog.getByRole("button", { name: "Close" }).click();
	await dialog.waitFor({ state: "hidden" });
	equal(text("taken/b.txt"), "old b");
});

claim("an upload is paused, goes on, and can be taken back", async (visit) => {
	const page = await visit(hub, place("paused"), { as: "ann" });
	const [file, digest] = bigFile("paused.bin");
	allow(page, /423/); // what was broken off is still being closed
	await page.getByText("Nothing is here yet").waitFor();
	await slow(page, SLOW);
	await choose(page, file);
	await far(page, .01);
	await panel(page).getByText(/\/s · .* left/).first().waitFor();
	await panel(page).getByRole("button", { name: "Pause: paused.bin" }).click();
	await panel(page).getByText("1 upload paused").waitFor();
	await looks(page, "files-paused", { widths: [360, 1280] });
	await slow(page, 0);
	await panel(page).getByRole("button", { name: "Go on: paused.bin" }).click();
	await panel(page).getByText("1 file uploaded").waitFor();
	equal(sum(readFileSync(at("paused/paused.bin"))), digest);

	const [other] = bigFile("back.bin");
	await slow(page, SLOW);
	await choose(page, other);
	await page.locator(".tr-line", { hasText: "back.bin" }).getByText(/%/).waitFor();
	await panel(page).getByRole("button", { name: "Cancel: back.bin" }).click();
	await page.locator(".tr-line", { hasText: "back.bin" }).waitFor({ state: "detached" });
	await slow(page, 0);
	expect(!existsSync(at("paused/back.bin")), "it has come");
});

claim("a server that goes away and comes back is gone on with by itself", async (visit) => {
	const relay = await hub.relay();
	const page = await visit(relay, place("away"), { as: "ann" });
	allow(page, /ERR_|50[0-9]|423|409/);
	const [file, digest] = bigFile("away.bin");
	await page.getByText("Nothing is here yet").waitFor();
	await slow(page, SLOW);
	const offsets = [];
	page.on("request", (request) => request.method() === "PATCH" &&
		offsets.push(Number(request.headers()["upload-offset"])));
	await choose(page, file);
	await far(page, .02);
	relay.cut();
	await hub.stop();
	await panel(page).getByText("The connection is lost").waitFor();
	await hub.again();
	await slow(page, 0);
	relay.mend();
	await panel(page).getByText("1 file uploaded").waitFor();
	equal(sum(readFileSync(at("away/away.bin"))), digest);
	expect(offsets.at(-1) > 0, offsets);
});

claim("an upload outlives the page: the file is chosen again, and it goes on where it was", async (visit) => {
	const page = await visit(hub, place("again"), { as: "ann" });
	const [file, digest] = bigFile("again.bin");
	allow(page, /423|409/);
	page.on("dialog", (dialog) => dialog.accept());
	await page.getByText("Nothing is here yet").waitFor();
	await slow(page, SLOW);
	await choose(page, file);
	await far(page, .02);
	await page.reload();
	await slow(page, 0);
	await panel(page).getByText("1 upload broke off").waitFor();
	await looks(page, "files-broke-off", { widths: [360, 1280] });
	const offsets = [];
	page.on("request", (request) => request.method() === "PATCH" &&
		offsets.push(Number(request.headers()["upload-offset"])));
	const line = page.locator(".tr-line", { hasText: "again.bin" });
	let [chooser] = await Promise.all([page.waitForEvent("filechooser"),
		line.getByRole("button", { name: "Choose the file" }).click()]);
	await chooser.setFiles(own("another.bin", "another"));
	await panel(page).getByText("That is another file").waitFor();
	[chooser] = await Promise.all([page.waitForEvent("filechooser"),
		line.getByRole("button", { name: "Choose the file" }).click()]);
	await chooser.setFiles(file);
	await panel(page).getByText("1 file uploaded").waitFor();
	equal(sum(readFileSync(at("again/again.bin"))), digest);
	expect(offsets.length > 0 && offsets[0] > 0, offsets);
});

// ---- Names and places -----------------------------------------------------------------------

claim("a folder is made, and named anew in place, by keys alone", async (visit) => {
	const page = await visit(hub, place("names", { "a.txt": "a", "b.txt": "b" }), { as: "ann" });
	allow(page, /412|405/);
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	await page.getByRole("button", { name: "New folder" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Name").fill(".hidden");
	await page.keyboard.press("Enter");
	await dialog.getByText("can not begin with a dot").waitFor();
	await dialog.getByLabel("Name").fill("Été #1");
	await page.keyboard.press("Enter");
	await row(page, "Été #1").waitFor();
	expect(existsSync(at("names/Été #1")), "the folder");
	await page.locator(".fl-row.cursor", { hasText: "Été #1" }).waitFor();
	await page.keyboard.press("F2");
	await page.getByLabel("New name").fill("Sommer");
	await page.keyboard.press("Enter");
	await row(page, "Sommer").waitFor();
	await toast(page, "It is called “Sommer” now").getByRole("button", { name: "Undo" }).click();
	await row(page, "Été #1").waitFor();
	// A name that is taken is said, and asked for again.
	await page.getByRole("link", { name: "a.txt" }).waitFor();
	await row(page, "a.txt").click({ position: { x: 700, y: 10 } });
	await page.keyboard.press("F2");
	await page.getByLabel("New name").fill("b.txt");
	await page.keyboard.press("Enter");
	await page.locator(".toast.bad").waitFor();
	await becomes(() => page.getByLabel("New name").inputValue(), "b.txt");
	await page.keyboard.press("Escape");
	equal([text("names/a.txt"), text("names/b.txt")], ["a", "b"]);
	await until(() => grid(page).evaluate((one) => one === document.activeElement), "the focus");
});

claim("files are moved by the dialog, and back by Undo; what is taken there is asked about", async (visit) => {
	const page = await visit(hub, place("move", { "a.txt": "a", "b.txt": "b", "to/x.txt": "x", "to/deep/y.txt": "y",
		"to/b.txt": "old b" }), { as: "ann" });
	allow(page, /412/);
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	await pick(page, "a.txt", "b.txt");
	await selected(page).getByRole("button", { name: "Move" }).click();
	const dialog = page.getByRole("dialog"), tree = dialog.getByRole("tree");
	await tree.getByRole("treeitem", { name: "move", exact: true, selected: true }).waitFor();
	await until(() => dialog.getByRole("button", { name: "Move here" }).isDisabled(), "it may go to where it is");
	await tree.getByRole("treeitem", { name: "to", exact: true }).waitFor();
	await page.keyboard.press("ArrowRight"); // into what is open
	await dialog.getByText("To: to").waitFor();
	await looks(page, "files-move");
	await dialog.getByRole("button", { name: "Move here" }).click();
	await page.getByRole("dialog").getByText("There is a file of this name already").waitFor();
	await page.getByRole("button", { name: "Replace" }).click();
	await toast(page, "2 entries moved to to").waitFor();
	equal([text("move/to/a.txt"), text("move/to/b.txt"), existsSync(at("move/a.txt"))], ["a", "b", false]);
	await toast(page, "moved to to").getByRole("button", { name: "Undo" }).click();
	await row(page, "a.txt").waitFor();
	equal(text("move/a.txt"), "a");
});

claim("what is dragged onto a folder, or a crumb, is moved there", async (visit) => {
	const page = await visit(hub, place("drag", { "a.txt": "a", "b.txt": "b", "to/x.txt": "x" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	await row(page, "a.txt").dragTo(row(page, "to"));
	await toast(page, "moved to to").waitFor();
	equal(text("drag/to/a.txt"), "a");
	await page.getByRole("link", { name: "to", exact: true }).click();
	await row(page, "x.txt").waitFor();
	await row(page, "x.txt").dragTo(page.getByRole("navigation", { name: "Folders above" })
		.getByRole("link", { name: "drag" }));
	await until(() => existsSync(at("drag/x.txt")), "the file above");
});

claim("what is cut is pasted into another folder", async (visit) => {
	const page = await visit(hub, place("cut", { "a.txt": "a", "to/x.txt": "x" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	await grid(page).focus();
	await page.keyboard.type("a");
	await page.locator(".fl-row.cursor", { hasText: "a.txt" }).waitFor();
	await page.keyboard.press("Control+x");
	await page.locator(".fl-row.cut", { hasText: "a.txt" }).waitFor();
	await page.getByRole("link", { name: "to", exact: true }).click();
	await row(page, "x.txt").waitFor();
	await page.keyboard.press("Control+v");
	await row(page, "a.txt").waitFor();
	equal([text("cut/to/a.txt"), existsSync(at("cut/a.txt"))], ["a", false]);
});

claim("what is copied is beside itself, elsewhere by the dialog, and gone again by Undo", async (visit) => {
	const page = await visit(hub, place("copy", { "a.txt": "a", "full/deep/b.txt": "b", "to/x.txt": "x" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	await grid(page).focus();
	await page.keyboard.type("a");
	await page.keyboard.press("Control+c");
	await toast(page, "copied. Open a folder and paste.").waitFor();
	await page.keyboard.press("Control+v");
	await row(page, "a (2).txt").waitFor();
	equal([text("copy/a.txt"), text("copy/a (2).txt")], ["a", "a"]);
	await toast(page, "copied to copy").getByRole("button", { name: "Undo" }).click();
	await row(page, "a (2).txt").waitFor({ state: "detached" });
	await row(page, "full").getByRole("button", { name: "Actions for full" }).click();
	await looks(page, "files-menu", { widths: [1280] }); // another width closes it
	await page.getByRole("menuitem", { name: "Copy to…" }).click();
	const tree = page.getByRole("dialog").getByRole("tree");
	await tree.getByRole("treeitem", { name: "to", exact: true }).click();
	await page.getByRole("button", { name: "Copy here" }).click();
	await toast(page, "“full” copied to to").waitFor();
	equal([text("copy/to/full/deep/b.txt"), text("copy/full/deep/b.txt")], ["b", "b"]);
});

// ---- Away, and back -------------------------------------------------------------------------

claim("what is deleted comes back by Undo, whole folders too", async (visit) => {
	const page = await visit(hub, place("undo", { "a.txt": "a", "b.txt": "b", "full/deep/c.txt": "c" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	await pick(page, "full", "a.txt");
	await page.keyboard.press("Delete");
	await toast(page, "2 entries moved to the trash").waitFor();
	await row(page, "full").waitFor({ state: "detached" });
	expect(!existsSync(at("undo/full")) && !existsSync(at("undo/a.txt")), "they are there");
	await toast(page, "moved to the trash").getByRole("button", { name: "Undo" }).click();
	await row(page, "full").waitFor();
	equal([text("undo/a.txt"), text("undo/full/deep/c.txt")], ["a", "c"]);
});

claim("what is brought back before the list was asked for again is shown", async (visit) => {
	const page = await visit(hub, place("soon", { "a.txt": "a", "b.txt": "b" }), { as: "ann" });
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	const held = [];
	await page.route("**/soon/", (route) => held.push(route)); // a slow answer
	await pick(page, "a.txt");
	await page.keyboard.press("Delete");
	const restored = page.waitForResponse((answer) => answer.url().includes("/.trash/") && answer.ok());
	await toast(page, "moved to the trash").getByRole("button", { name: "Undo" }).click();
	await restored;
	await page.unroute("**/soon/");
	for (const route of held)
		await route.continue().catch(() => {}); // some are not waited for any more
	await row(page, "a.txt").waitFor();
});

claim("the trash is a place: restored beside what has the name now, deleted for good, emptied", async (visit) => {
	const page = await visit(hub, place("bin", { "a.txt": "a", "b.txt": "b", "c.txt": "c", "d.txt": "d" }), { as: "ann" });
	allow(page, /409/);
	await row(page, "a.txt").waitFor();
	await keep_notices(page);
	await page.keyboard.press("Tab");
	await page.getByRole("button", { name: "Select all" }).click();
	await grid(page).focus();
	await page.keyboard.press("Delete");
	await toast(page, "4 entries moved to the trash").waitFor();
	hub.write("bin/a.txt", "another a");
	await page.getByRole("button", { name: "More" }).click();
	await page.getByRole("menuitem", { name: "Trash" }).click();
	await row(page, "b.txt").waitFor();
	await looks(page, "files-trash");
	await pick(page, "a.txt", "b.txt");
	await selected(page).getByRole("button", { name: "Restore" }).click();
	await page.getByRole("button", { name: "Restore beside it" }).click();
	await row(page, "b.txt").waitFor({ state: "detached" });
	equal([text("bin/a.txt"), text("bin/b.txt"), text("bin/a (2).txt")], ["another a", "b", "a"]);
	await pick(page, "c.txt");
	await page.keyboard.press("Delete");
	await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
	await row(page, "c.txt").waitFor({ state: "detached" });
	await page.getByRole("button", { name: "Empty the trash" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Empty it" }).click();
	await page.getByText("The trash is empty").first().waitFor();
	equal(readdirSync(at("bin")).sort(), ["a (2).txt", "a.txt", "b.txt"]);
});

claim("without a trash it is asked first, and gone for good", async (visit) => {
	const bare = await Hub.start({ people: { ann: "admin" }, options: ["--page", "--no-trash"],
		files: { "a.txt": "a", "full/b.txt": "b" } });
	const page = await visit(bare, "/", { as: "ann" });
	await row(page, "a.txt").waitFor();
	await grid(page).focus();
	await page.keyboard.press("Control+a");
	await page.keyboard.press("Delete");
	await page.getByRole("dialog").getByText("it can't be undone").waitFor();
	await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
	expect(existsSync(path.join(bare.folder, "full/b.txt")), "it is gone");
	await page.keyboard.press("Delete");
	await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
	await page.getByText("Nothing is here yet").waitFor();
	equal(readdirSync(bare.folder).filter((name) => !name.startsWith(".")), []);
});

claim("who may write and not replace or delete is offered no more; her space is shown", async (visit) => {
	await hub.add("bob", "guest");
	await hub.account("change", "bob", "--quota", "10M");
	place("part", { "a.txt": "old" });
	await hub.account("grant", "set", "user:bob", "part", "read,list,write");
	const page = await visit(hub, "/part/", { as: "bob" });
	await row(page, "a.txt").waitFor();
	await page.getByText(/of 10 MB used/).waitFor();
	await choose(page, own("a.txt", "new"));
	const dialog = page.getByRole("dialog");
	await dialog.getByRole("button", { name: "Keep both" }).waitFor();
	await becomes(() => dialog.getByRole("button", { name: "Replace" }).count(), 0);
	await dialog.getByRole("button", { name: "Keep both" }).click();
	await row(page, "a (2).txt").waitFor();
	await pick(page, "a.txt");
	await selected(page).getByRole("button", { name: "Download" }).waitFor();
	for (const name of ["Delete", "Move"])
		await becomes(() => selected(page).getByRole("button", { name }).count(), 0, name);
	allow(page, /507|413/);
	await choose(page, own("huge.bin", Buffer.alloc(11e6)));
	await panel(page).getByText("1 file could not be uploaded").waitFor();
	await panel(page).getByRole("button", { name: "Try again: huge.bin" }).waitFor();
	await looks(page, "files-full", { widths: [360, 1280] });
});

claim("a file is sent to a room of the chat", async (visit) => {
	const page = await visit(hub, place("room", { "a b.txt": "a" }), { as: "ann" });
	await row(page, "a b.txt").waitFor();
	await pick(page, "a b.txt");
	await selected(page).getByRole("button", { name: "Send" }).click();
	await page.waitForURL((url) => url.pathname.startsWith("/.weft/chat"));
	await page.getByRole("dialog").waitFor();
});

// ---- Out of here ----------------------------------------------------------------------------

claim("one, a folder and several are downloaded; their links are copied", async (visit) => {
	const page = await visit(hub, place("out", { "a.txt": "a", "b.txt": "b", "full/c.txt": "c", "é &=.txt": "e" }), { as: "ann" });
	const take = async (press) => {
		const [download] = await Promise.all([page.waitForEvent("download"), press()]);
		return [download.suggestedFilename(), readFileSync(await download.path())];
	};
	const press = () => selected(page).getByRole("button", { name: "Download" }).click();
	await row(page, "a.txt").waitFor();
	await pick(page, "a.txt");
	const [name, bytes] = await take(press);
	equal([name, bytes.toString()], ["a.txt", "a"]);
	await pick(page, "é &=.txt", "full");
	const [zip, packed] = await take(press);
	equal(zip, "out.zip");
	for (const one of ["a.txt", "full/c.txt", "é &=.txt"])
		expect(packed.includes(Buffer.from(one)), one);
	expect(!packed.includes(Buffer.from("b.txt")), "what was not chosen");
	await pick(page, "a.txt", "é &=.txt");
	equal((await take(press))[0], "full.zip");
	await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	await selected(page).getByRole("button", { name: "Link" }).click();
	await toast(page, "The link is copied").waitFor();
	await becomes(() => page.evaluate(() => navigator.clipboard.readText()), new URL("/out/full/", hub.url).href);
});

await run();
