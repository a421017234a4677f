// test_keys.mjs - whole sessions without a mouse: what can be done is done by keys alone, the focus is
// seen wherever it goes and is never lost, and Escape leaves whatever has opened.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { becomes, before, claim, equal, expect, run, until } from "./harness.mjs";
import { chat_options, enter, message, say } from "./chatting.mjs";
import { Hub, PASSWORD } from "./hub.mjs";

const STOPS_MAX = 90; // more than there are between any two places

let hub;
before(async () => {
	hub = await Hub.start({ people: { ann: "admin", bob: "member", kim: "member" }, options: chat_options,
		files: { "trip/a.txt": "of a", "trip/b.txt": "of b", "trip/c.txt": "of c", "trip/deep/d.txt": "of d",
			"trip/to/x.txt": "of x", "look/one.txt": "the first one", "look/two.txt": "the second one" } });
	await hub.account("grant", "set", "user:kim", "", "read,list,write,replace,delete");
});

const at = (...parts) => path.join(hub.folder, ...parts);

// Where the keys go: {name, role, is_nowhere, is_seen}. A list with a cursor shows that instead of itself.
const focus_of = (page) => page.evaluate(() => {
	const one = document.activeElement, is_nowhere = !one || one === document.body;
	if (is_nowhere)
		return { name: "", is_nowhere, is_seen: false };
	const inside = one.getAttribute("aria-activedescendant");
	const rung = (inside && document.getElementById(inside)) || one.querySelector(":scope > .tree-line") || one;
	const { outlineStyle, outlineWidth } = getComputedStyle(rung);
	const place = one.matches(".fl") ? "list: " : one.closest(".crumbs") ? "crumb: "
		: one.closest(".toast") ? `${one.closest(".toast").querySelector("p").innerText}: ` : "";
	const text = place + (one.ariaLabel || one.labels?.[0]?.innerText || one.innerText || "").replace(/\s+/g, " ").trim();
	return { name: text.slice(0, 60), is_nowhere,
		is_seen: rung.getClientRects().length > 0 &&
			((one.tabIndex < 0 && one.matches("main, section, div:not([role]), h2, dialog")) || // no stop of Tab
				(outlineStyle !== "none" && parseFloat(outlineWidth) > 0)) };
});

// It is somewhere, and seen. What has opened or closed may take it a moment later.
async function is_kept(page, after) {
	let found;
	await until(async () => {
		found = await focus_of(page);
		return !found.is_nowhere && found.is_seen;
	}, `the focus after ${after}: ${JSON.stringify(await focus_of(page))}`);
	return found;
}

async function press(page, ...keys) {
	for (const key of keys)
		await page.keyboard.press(key);
	await is_kept(page, keys.join(", "));
}

// Tab, until there is what has that name. A menu or dialog that is left by it would be no way.
async function tab_to(page, name, key = "Tab") {
	const passed = [];
	for (let stops = 0; stops < STOPS_MAX; stops++) {
		await page.keyboard.press(key);
		// From the last one on, it is the browser's own frame, and then the page again.
		const found = await focus_of(page);
		if (found.is_nowhere)
			continue;
		expect(found.is_seen, `the focus is not seen at ${JSON.stringify(found)}`);
		if (name instanceof RegExp ? name.test(found.name) : found.name === name)
			return;
		passed.push(found.name);
	}
	throw new Error(`no ${name} among ${JSON.stringify(passed)}`);
}

const focused = (page, name) => until(async () => {
	const found = await focus_of(page);
	return name instanceof RegExp ? name.test(found.name) : found.name === name;
}, `the focus at ${name}`);

const dialog = (page, name) => page.getByRole("dialog", name ? { name } : {});
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const cursor = (page, name) => page.locator(".fl-row.cursor", { hasText: name }).waitFor();
const in_list = (page) => page.waitForFunction(() => document.activeElement.matches(".fl"));
const toast = (page, words) => page.locator(".toast", { hasText: words });

// A notice that can be undone stays until it was: how long a person has is no part of these claims.
const keep_notices = (page) => page.evaluate(() => {
	const wait = globalThis.setTimeout;
	globalThis.setTimeout = (run, ms, ...more) => ms === 12000 ? 0 : wait(run, ms, ...more);
});

claim("logging in, and files opened, chosen, named, moved, deleted and brought back, by keys alone", async (visit) => {
	const page = await visit(hub, "/");
	await row(page, "trip").waitFor();
	await keep_notices(page);
	await tab_to(page, "Log in");
	await press(page, "Enter");
	await dialog(page, "Log in").waitFor();
	await focused(page, "Name");
	await press(page, "Escape");
	await focused(page, "Log in");
	await press(page, "Enter");
	await page.keyboard.type("kim");
	await tab_to(page, "Password");
	await page.keyboard.type(PASSWORD);
	await press(page, "Enter");
	await focused(page, /kim/); // where the button was by which she came in
	await row(page, "trip").waitFor();

	await tab_to(page, "list: Files");
	await press(page, "t");
	await cursor(page, "trip");
	await press(page, "Enter");
	await row(page, "a.txt").waitFor();
	await in_list(page);
	await press(page, "Backspace");
	await row(page, "trip").waitFor();
	await in_list(page);
	await cursor(page, "trip");
	await press(page, "Enter");
	await row(page, "a.txt").waitFor();
	await in_list(page);

	// Several of them, into another folder, by the bar.
	await press(page, "a");
	await cursor(page, "a.txt");
	await press(page, "ArrowUp", "ArrowDown"); // a name is not typed any more
	await cursor(page, "a.txt");
	await press(page, "Space", "Shift+ArrowDown");
	await page.getByText("2 selected").waitFor();
	await tab_to(page, "Move", "Shift+Tab");
	await press(page, "Enter");
	const in_tree = () => page.waitForFunction(() => document.activeElement.role === "treeitem");
	await in_tree();
	await press(page, "Escape");
	await dialog(page).waitFor({ state: "detached" });
	await focused(page, "Move");
	await press(page, "Enter");
	await in_tree();
	for (let steps = 0; steps < 6 && !await dialog(page).getByText("To: to").isVisible(); steps++)
		await press(page, "ArrowDown");
	await dialog(page).getByText("To: to").waitFor();
	await tab_to(page, "Move here");
	await press(page, "Enter");
	await toast(page, "2 entries moved to to").waitFor();
	await row(page, "a.txt").waitFor({ state: "detached" });
	await is_kept(page, "moving");
	equal([existsSync(at("trip/to/a.txt")), existsSync(at("trip/to/b.txt"))], [true, true]);
	await tab_to(page, "2 entries moved to to: Undo");
	await press(page, "Enter");
	await page.getByText("2 selected").waitFor(); // those that came back
	await in_list(page);
	await press(page, "Escape");

	// Another name, in place; once thought better of.
	await press(page, "c");
	await cursor(page, "c.txt");
	await press(page, "F2");
	await focused(page, "New name");
	await press(page, "Escape");
	await in_list(page);
	await press(page, "F2");
	await page.keyboard.type("sea"); // what is before its end is marked
	await press(page, "Enter");
	await toast(page, "It is called “sea.txt” now").waitFor();
	await in_list(page);
	await cursor(page, "sea.txt");
	equal(readFileSync(at("trip/sea.txt"), "utf8"), "of c");

	// By the menu, which Escape leaves; into the trash and back.
	await press(page, "Shift+F10");
	await page.getByRole("menu").waitFor();
	await press(page, "ArrowDown", "End", "Home", "Escape");
	await page.getByRole("menu").waitFor({ state: "detached" });
	await in_list(page);
	await press(page, "Shift+F10", "End", "Enter"); // the last one deletes
	await toast(page, "“sea.txt” moved to the trash").waitFor();
	await row(page, "sea.txt").waitFor({ state: "detached" });
	await in_list(page);
	expect(!existsSync(at("trip/sea.txt")), "it is there");
	await tab_to(page, "“sea.txt” moved to the trash: Undo");
	await press(page, "Enter");
	await cursor(page, "sea.txt");
	await in_list(page);

	// All of it away: there is no list then.
	await press(page, "Control+a", "Delete");
	await page.getByText("Nothing is here yet").waitFor();
	await is_kept(page, "deleting all");
	await press(page, "n");
	await dialog(page, "New folder").waitFor();
	await page.keyboard.type("fresh");
	await press(page, "Enter");
	await row(page, "fresh").waitFor();
	await in_list(page);

	// Up by the crumbs.
	await tab_to(page, "crumb: Files", "Shift+Tab");
	await press(page, "Enter");
	await row(page, "look").waitFor();
	await in_list(page);

	await tab_to(page, /kim/);
	await press(page, "Enter");
	await page.getByRole("menuitem", { name: "Log out" }).waitFor();
	await press(page, "End", "Enter");
	await page.getByText("You are logged out.").waitFor();
	await focused(page, "Log in");
});

claim("files are shown one after the other, filtered and searched, by keys alone", async (visit) => {
	const page = await visit(hub, "/look/", { as: "kim" });
	await row(page, "one.txt").waitFor();
	await tab_to(page, "list: Files");
	await press(page, "o");
	await cursor(page, "one.txt");
	await press(page, "Enter");
	const shown = dialog(page, /txt/);
	await shown.getByText("the first one").waitFor();
	await press(page, "ArrowRight");
	await shown.getByText("the second one").waitFor();
	await tab_to(page, "Details");
	await press(page, "Enter");
	await tab_to(page, "Compute");
	await press(page, "Enter");
	await shown.getByText(/^[0-9a-f]{64}$/).waitFor();
	await is_kept(page, "computing");
	await press(page, "Escape");
	await shown.waitFor({ state: "hidden" });
	await in_list(page);
	await cursor(page, "two.txt");
	await press(page, "/");
	await page.keyboard.type("one");
	await row(page, "two.txt").waitFor({ state: "detached" });
	await press(page, "Enter");
	await page.waitForURL((url) => url.hash === "#search=one");
	await page.locator("#view-files[data-mode=search] .fl-row", { hasText: "one.txt" }).waitFor();
	await is_kept(page, "searching");
	await press(page, "Escape", "Escape"); // what was typed, and then where it was
	await in_list(page);
	await press(page, "?");
	await dialog(page, "Keyboard shortcuts").waitFor();
	await press(page, "Escape");
	await dialog(page, "Keyboard shortcuts").waitFor({ state: "detached" });
	await is_kept(page, "the shortcuts");
});

claim("in the chat one speaks, looks back and moderates by keys alone", async (visit) => {
	const bob = await enter(visit, hub, "bob");
	const page = await visit(hub, "/look/", { as: "ann" });
	await row(page, "one.txt").waitFor();
	await tab_to(page, "Chat");
	await press(page, "Enter");
	await page.locator(".chat .room h1", { hasText: "lobby" }).waitFor();
	await focused(page, "Message");
	await page.keyboard.type("by keys");
	await press(page, "Enter");
	await message(bob, "by keys").waitFor();
	await say(bob, "something rude");
	await say(bob, "and more");
	await message(page, "and more").waitFor();

	// The newest is one stop away, the others are by the arrows.
	await tab_to(page, "More: a message of bob", "Shift+Tab");
	await press(page, "ArrowUp");
	await press(page, "Enter");
	await page.getByRole("menuitem", { name: "Delete…" }).waitFor();
	await press(page, "Escape");
	await focused(page, "More: a message of bob");
	await press(page, "Enter", "End", "Enter");
	await dialog(page, "Delete this message?").waitFor();
	await press(page, "Enter");
	await message(bob, "something rude").waitFor({ state: "detached" });
	await page.locator(".chat .message.deleted").waitFor();
	await focused(page, "More: a message of bob"); // the next one

	await tab_to(page, /^B bob/);
	await press(page, "Enter");
	await page.getByRole("menuitem", { name: "Mute…" }).waitFor();
	await press(page, "m", "Enter"); // "Mute…" and "Moderates here": the first of them
	await dialog(page, "Mute bob?").waitFor();
	await press(page, "Escape");
	await dialog(page, "Mute bob?").waitFor({ state: "detached" });
	await focused(page, /^B bob/);
	await press(page, "Enter", "m", "Enter");
	await tab_to(page, "Mute");
	await press(page, "Enter");
	await page.locator(".chat .people li", { hasText: "bob" }).getByText("muted").waitFor();
	await is_kept(page, "muting");
	await tab_to(page, "New room", "Shift+Tab");
	await press(page, "Enter");
	await page.keyboard.type("quiet");
	await press(page, "Enter");
	await page.locator(".chat .room h1", { hasText: "quiet" }).waitFor();
	await is_kept(page, "making a room");
	await tab_to(page, "More about this room");
	await press(page, "Enter", "End", "Enter");
	await dialog(page, "Remove quiet?").waitFor();
	await press(page, "Enter");
	await page.locator(".chat .room h1", { hasText: "lobby" }).waitFor();
	await is_kept(page, "removing the room");

	// To the files and back: the view that goes had it.
	await tab_to(page, "More about this room", "Shift+Tab"); // where letters are not typed
	await press(page, "g", "f");
	await row(page, "look").waitFor();
	await is_kept(page, "going to the files");
	await press(page, "g", "c");
	await page.locator("#view-chat").waitFor();
	await is_kept(page, "going to the chat again");
});

claim("people are looked after, and the status watched, by keys alone", async (visit) => {
	const page = await visit(hub, "/look/", { as: "ann" });
	await row(page, "one.txt").waitFor();
	await tab_to(page, "People");
	await press(page, "Enter");
	await page.getByRole("row", { name: /bob/ }).waitFor();
	await is_kept(page, "going to the people");
	await tab_to(page, /bob$/);
	await press(page, "Enter");
	await page.getByRole("heading", { name: "bob" }).waitFor();
	await is_kept(page, "opening an account");
	await tab_to(page, "Lock");
	await press(page, "Enter");
	await page.getByText("bob is locked out.").waitFor();
	await page.getByRole("button", { name: "Unlock" }).waitFor();
	await is_kept(page, "locking");
	await tab_to(page, "Unlock");
	await press(page, "Enter");
	await page.getByRole("button", { name: "Lock", exact: true }).waitFor();
	await is_kept(page, "unlocking");
	await tab_to(page, "Remove");
	await press(page, "Enter");
	await dialog(page, "Remove bob?").waitFor();
	await press(page, "ArrowDown", "Escape");
	await focused(page, "Remove");
	await tab_to(page, "People", "Shift+Tab"); // above the account
	await press(page, "Enter");
	await page.getByRole("row", { name: /bob/ }).waitFor();
	await is_kept(page, "going back to the people");
	for (const [link, shown] of [["Rights", "Rights"], ["Log", "Log"]]) {
		await tab_to(page, link);
		await press(page, "Enter");
		await page.getByRole("heading", { name: shown, level: 1 }).waitFor();
		await is_kept(page, `opening ${link}`);
	}
	await tab_to(page, "Status");
	await press(page, "Enter");
	await page.getByRole("heading", { name: "Status", level: 1 }).waitFor();
	await is_kept(page, "going to the status");
	await tab_to(page, "Fibers");
	await press(page, "Enter");
	await page.getByRole("table", { name: "Fibers" }).waitFor();
	await is_kept(page, "opening the fibers");
	await press(page, "p");
	await page.getByRole("button", { name: "Go on" }).waitFor();
	await tab_to(page, "Age");
	await press(page, "Enter");
	await becomes(() => page.locator("[role=columnheader].age").getAttribute("aria-sort"), "descending");
	await press(page, "/");
	await page.keyboard.type("accept");
	await is_kept(page, "finding a fiber");
	await press(page, "Escape");
});

claim("a guest's menu, and any other, has lines between its parts alone", async (visit) => {
	for (const as of ["", "kim"]) {
		const page = await visit(hub, "/look/", { as });
		await row(page, "one.txt").waitFor();
		await page.locator("#self").getByRole("button", { name: as || "Menu" }).press("Enter");
		const menus = [await page.getByRole("menu").evaluate((one) => [...one.children].map((item) => item.role))];
		await press(page, "Escape");
		await page.getByRole("grid").focus();
		await press(page, "o", "Shift+F10");
		menus.push(await page.getByRole("menu").evaluate((one) => [...one.children].map((item) => item.role)));
		for (const roles of menus) {
			expect(roles.includes("separator"), roles);
			expect(roles[0] !== "separator" && roles.at(-1) !== "separator", roles);
			expect(!roles.join().includes("separator,separator"), roles);
		}
	}
});

await run();
