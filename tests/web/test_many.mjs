// test_many.mjs - many uploads at once: paused and gone on with together, broken off by a reload, what of
// them is there already; and whole trees of folders, with names of all kinds.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { allow, becomes, before, claim, equal, expect, folder, run, until } from "./harness.mjs";
import { Hub } from "./hub.mjs";

const SLOW = 400e3; // bytes a second: it takes longer than anything a claim waits for
const PARALLEL = 3;

let hub, mine;
before(async () => {
	mine = folder();
	hub = await Hub.start({ people: { ann: "admin" }, options: ["--page"] });
});

const at = (...parts) => path.join(hub.folder, ...parts);
const text = (...parts) => readFileSync(at(...parts), "utf8");
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const panel = (page) => page.locator(".tr");
const choose = (page, ...files) => page.locator("#choose-files").setInputFiles(files);

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

// Files of which no two are alike: [{name, path, sum}].
const several = (name, count, size) => Array.from({ length: count }, (_, i) => {
	const bytes = Buffer.alloc(size, `${name} ${i} `), called = `${name} ${i}.bin`;
	return { name: called, path: own(called, bytes), sum: sum(bytes) };
});

const are_there = (where, files) => {
	for (const file of files)
		equal(sum(readFileSync(at(where, file.name))), file.sum, file.name);
};

// Bytes a second that leave the page; 0: as many as can.
async function slow(page, bytes) {
	page.wire ??= await page.context().newCDPSession(page);
	await page.wire.send("Network.enable");
	await page.wire.send("Network.emulateNetworkConditions", { offline: false, latency: 0,
		downloadThroughput: -1, uploadThroughput: bytes || -1 });
}

const has_moved = (page) => page.waitForFunction((count) =>
	[...document.querySelectorAll(".tr-line progress")].filter((one) => one.value > .2).length >= count, PARALLEL);

// Uploads of which the server has something; what the page has sent may still be on its way.
const begun = () => readdirSync(at(".weft-upload"), { recursive: true })
	.map((name) => statSync(at(".weft-upload", name), { throwIfNoEntry: false }))
	.filter((facts) => facts?.isFile() && facts.size > 8192).length;

// As the system drops files on the page.
async function drop(page, files) {
	const session = await page.context().newCDPSession(page);
	const box = await page.locator(".fl-frame").boundingBox();
	const data = { items: [], files, dragOperationsMask: 1 };
	for (const type of ["dragEnter", "dragOver", "drop"])
		await session.send("Input.dispatchDragEvent",
			{ type, x: box.x + box.width / 2, y: box.y + box.height / 2, data });
	await session.detach();
}

// All that is in a folder, as "a/b.txt" and "empty/".
function all_in(top, below = "") {
	const found = readdirSync(path.join(top, below), { withFileTypes: true });
	return found.flatMap((one) => !one.isDirectory() ? [below + one.name]
		: [`${below}${one.name}/`, ...all_in(top, `${below}${one.name}/`)]).sort();
}

// Two lists that may be long: only what differs is told.
function same(found, wanted) {
	const [more, less] = [[found, wanted], [wanted, found]].map(([one, other]) => {
		const those = new Set(other);
		return one.filter((name) => !those.has(name)).slice(0, 20);
	});
	equal({ more, less }, { more: [], less: [] });
}

claim("many uploads are paused and gone on with together", async (visit) => {
	const page = await visit(hub, place("paused"), { as: "ann" });
	allow(page, /423|409/); // what was broken off is still being closed
	await page.getByText("Nothing is here yet").waitFor();
	const files = several("paused", 30, 3e6), open = new Set();
	page.on("request", (request) => request.method() !== "GET" && open.add(request));
	for (const end of ["requestfinished", "requestfailed"])
		page.on(end, (request) => open.delete(request));
	await slow(page, SLOW);
	await choose(page, ...files.map((file) => file.path));
	await has_moved(page);
	expect(open.size <= PARALLEL, `${open.size} at once`);
	await panel(page).getByRole("button", { name: "Pause all" }).click();
	await panel(page).getByText("30 uploads paused").waitFor();
	await until(() => open.size === 0, "nothing is under way");
	await becomes(() => page.locator(".tr-line[data-state=PAUSED]").count(), 30);
	await becomes(() => readdirSync(at("paused")).length, 0);
	await slow(page, 0);
	await panel(page).getByRole("button", { name: "Go on with all" }).click();
	await panel(page).getByText("30 files uploaded").waitFor();
	equal(readdirSync(at("paused")).length, 30);
	are_there("paused", files);
});

claim("a reload in the middle of many: chosen again, they come, and what was begun goes on", async (visit) => {
	const page = await visit(hub, place("reload"), { as: "ann" });
	allow(page, /423|409/);
	page.on("dialog", (dialog) => dialog.accept());
	await page.getByText("Nothing is here yet").waitFor();
	const files = several("reload", 12, 8e6);
	await choose(page, ...files.slice(0, 4).map((file) => file.path)); // these are done before
	await panel(page).getByText("4 files uploaded").waitFor();
	await slow(page, 1e6);
	await choose(page, ...files.slice(4).map((file) => file.path));
	await until(() => begun() >= PARALLEL, "the server has something of each");
	await page.reload();
	await slow(page, 0);
	await panel(page).getByText(`${PARALLEL} uploads broke off`).waitFor();
	await row(page, "reload 0.bin").waitFor();
	const gone_on = new Set();
	page.on("request", (request) => request.method() === "PATCH" &&
		Number(request.headers()["upload-offset"]) > 0 && gone_on.add(request.url()));
	await choose(page, ...files.map((file) => file.path));
	await page.getByRole("dialog").getByText("4 files are there already").waitFor();
	await page.getByRole("dialog").getByRole("button", { name: "Skip them" }).click();
	await panel(page).getByText("8 files uploaded").waitFor();
	equal(readdirSync(at("reload")).sort(), files.map((file) => file.name).sort());
	are_there("reload", files);
	equal(gone_on.size, PARALLEL, "that went on");
});

claim("of many that are there already it is asked once, and done for all", async (visit) => {
	const names = Array.from({ length: 60 }, (_, i) => `${i}.txt`);
	const page = await visit(hub, place("taken", Object.fromEntries(names.map((name) => [name, `old ${name}`]))),
		{ as: "ann" });
	await row(page, "0.txt").waitFor();
	const files = [...names, "fresh.txt"].map((name) => own(`taken/${name}`, `new ${name}`));
	const dialog = page.getByRole("dialog");
	for (const [answer, wanted] of [["Skip them", "old"], ["Replace", "new"]]) {
		await choose(page, ...files.slice(0, answer === "Replace" ? 60 : 61));
		await dialog.getByText("60 files are there already").waitFor();
		await dialog.getByText("and 55 others").waitFor();
		await dialog.getByRole("button", { name: answer }).click();
		await dialog.waitFor({ state: "detached" });
		await until(() => names.every((name) => text("taken", name) === `${wanted} ${name}`) &&
			existsSync(at("taken/fresh.txt")), `all are ${wanted}`);
		await panel(page).getByText(`${answer === "Replace" ? 61 : 1} file`).waitFor();
	}
	equal(readdirSync(at("taken")).length, 61);
});

// Each of these has a name that somebody else takes while it is on its way.
async function overtaken(visit, name) {
	const page = await visit(hub, place(name), { as: "ann" });
	allow(page, /412|409|423/);
	await page.getByText("Nothing is here yet").waitFor();
	const files = several(name, 6, 4e6);
	await slow(page, SLOW);
	await choose(page, ...files.map((file) => file.path));
	await has_moved(page);
	for (const file of files)
		hub.write(`${name}/${file.name}`, "of somebody else");
	await slow(page, 0);
	return { page, files, dialog: page.getByRole("dialog") };
}

claim("what turns out to be there on the way is asked about, and for the others as it is said", async (visit) => {
	const { page, files, dialog } = await overtaken(visit, "overtaken");
	const asked = [];
	for (let i = 0; i < 2; i++) { // each by itself
		await dialog.getByText("There is a file of this name already").waitFor();
		const shown = await dialog.elementHandle();
		asked.push(await dialog.locator(".names li").textContent());
		await dialog.getByRole("button", { name: i ? "Keep both" : "Replace" }).click();
		await page.waitForFunction((one) => !one.isConnected, shown);
	}
	await dialog.getByLabel("The same for the 3 others, if there is something of that name").check();
	await dialog.getByRole("button", { name: "Skip" }).click();
	await panel(page).getByText("2 files uploaded").waitFor();
	await becomes(() => page.getByRole("dialog").count(), 0);
	const [replaced, beside] = asked.map((name) => files.find((file) => file.name === name));
	equal(sum(readFileSync(at("overtaken", replaced.name))), replaced.sum);
	equal(sum(readFileSync(at("overtaken", beside.name.replace(".bin", " (2).bin")))), beside.sum);
	for (const file of files.filter((one) => one !== replaced))
		equal(text("overtaken", file.name), "of somebody else");
	equal(readdirSync(at("overtaken")).length, 7);
});

// ---- Trees --------------------------------------------------------------------------------------

const odd = ["# hash? & a=b+c; 100%.txt", "%41%2F.txt", "quote\"'`.txt", "back\\slash.txt", "写真 🎉 été.txt",
	"gpj.\u202eexe", "<b>bold.txt", "trailing .", "C:colon*star|pipe.txt", "a\u0301 apart.txt", `${"long ".repeat(48)}.txt`,
	"-rf", "~tilde", "$HOME.txt", "CON"];

const TREE = 1000 + 2 * odd.length - 1 + 1; // files of it

function tree(name) {
	const deep = Array.from({ length: 40 }, (_, i) => `level ${i}`).join("/");
	for (let i = 0; i < 1000; i++)
		own(`${name}/many/${i % 10}/${i}.txt`, `${i}`);
	for (const one of odd) {
		own(`${name}/odd/${one}`, one);
		if (!one.includes("\\")) // of an input for folders, browsers say it with a slash
			own(`${name}/odd/of ${one.slice(0, 200)}/x.txt`, one);
	}
	own(`${name}/${deep}/end.txt`, "the end");
	for (const empty of ["empty", "a/b/c/empty"])
		mkdirSync(path.join(mine, name, empty), { recursive: true });
	return path.join(mine, name);
}

claim("a tree that is dropped comes as it is: a thousand files, deep, empty folders, odd names", async (visit) => {
	const page = await visit(hub, place("dropped"), { as: "ann" });
	await page.getByText("Nothing is here yet").waitFor();
	const top = tree("dropped tree");
	await drop(page, [top]);
	await panel(page).getByText(`${TREE.toLocaleString("en")} files uploaded`).waitFor();
	same(all_in(at("dropped/dropped tree")), all_in(top));
	for (const one of odd)
		equal(text("dropped/dropped tree/odd", one), one);
	await row(page, "dropped tree").waitFor();
	expect(await page.locator(".tr-line").count() <= 60, "a line for each of thousands");
});

claim("a folder that is chosen comes as it is, but for what is empty", async (visit) => {
	const page = await visit(hub, place("chosen"), { as: "ann" });
	await page.getByText("Nothing is here yet").waitFor();
	const top = tree("chosen tree");
	await page.locator("#choose-folder").setInputFiles(top);
	await panel(page).getByText(`${TREE.toLocaleString("en")} files uploaded`).waitFor();
	const wanted = all_in(top).filter((name) => !["empty/", "a/", "a/b/", "a/b/c/", "a/b/c/empty/"].includes(name));
	same(all_in(at("chosen/chosen tree")), wanted);
	await row(page, "chosen tree").waitFor();
});

await run();
