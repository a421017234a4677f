// page_start.mjs - how long the page takes until a person can use it, in Debian's Chromium.
//
//	node bench/page_start.mjs [ROUNDS]	after `make` and `tools/bootstrap check`; default: 15
//
// From the start of the navigation to the frame in which the folder's rows stand, with their
// buttons at work; for a guest, and for one who is logged in. "first" is a browser that has nothing
// in its cache, "again" the same browser once more. On loopback; the median of the rounds, with the
// least and the longest.
import { utimesSync } from "node:fs";
import path from "node:path";

import { after, before, claim, run } from "../tests/web/harness.mjs";
import { Hub } from "../tests/web/hub.mjs";

const rounds = Number(process.argv.splice(2, 1)[0] ?? 15); // not a word of a claim's name
const GOAL_MS = 300;
const found = new Map();
let hub;

// In the page, before anything of it: when the frame after the last file's row was drawn.
function watch() {
	const look = () => {
		if (!document.body?.textContent.includes("file-20.txt"))
			return;
		seen.disconnect();
		requestAnimationFrame(() => setTimeout(() => { window.usable_ms = performance.now(); }));
	};
	const seen = new MutationObserver(look);
	seen.observe(document, { childList: true, subtree: true, characterData: true });
}

async function time(page, how, address = "") {
	await page.goto(hub.url + address);
	const ms = await (await page.waitForFunction(() => window.usable_ms)).jsonValue();
	found.set(how, [...found.get(how) ?? [], ms]);
}

before(async () => {
	const files = Object.fromEntries(Array.from({ length: 20 },
		(_, i) => [`file-${i + 1}.txt`, "text"]));
	hub = await Hub.start({ people: { ann: "admin" }, files, options: ["--page"] });
	for (const name of Object.keys(files)) // "just now" would be too easy to write
		utimesSync(path.join(hub.folder, name), 1.7e9, 1.7e9);
});

for (const [as, who] of [["", "a guest"], ["ann", "logged in"]])
	claim(`the page of ${who}`, async (visit) => {
		for (let round = 0; round < rounds; round++) {
			const page = await visit(hub, "about:blank", { as });
			await page.context().addInitScript(watch);
			await time(page, `${who}, first`);
			await time(page, `${who}, again`);
			await page.close();
		}
	});

// What no page can be faster than here: one document, no script, the same list.
claim("the plain list", async (visit) => {
	for (let round = 0; round < rounds; round++) {
		const page = await visit(hub, "about:blank");
		await page.context().addInitScript(watch);
		await time(page, "plain list, first", "?plain");
		await page.close();
	}
});

after(() => {
	for (const [how, all] of found) {
		all.sort((one, other) => one - other);
		const [least, middle, most] = [all[0], all[all.length >> 1], all.at(-1)]
			.map((ms) => ms.toFixed(0).padStart(5));
		console.log(`# ${how.padEnd(20)} ${middle} ms   (${least} to ${most})   at most ${GOAL_MS}`);
	}
});

await run();
