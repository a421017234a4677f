// view.js - how this server is, for administrators: it asks once a second, while it is in sight.
//
//	/.weft/status           overview.js
//	/.weft/status/fibers    fibers.js
import { Fault } from "../core/api.js";
import { button, element, empty } from "../core/dom.js";
import { Fibers } from "./fibers.js";
import { Overview } from "./overview.js";

const PLACE = "/.weft/status";
const EVERY_MS = 1000;

let root, app, now = null, timer = 0, is_shown = false, turn = 0;

const parts = { "": { label: "Overview", make: Overview }, fibers: { label: "Fibers", make: Fibers } };

function tabs(name) {
	return element("nav", { className: "tabs", ariaLabel: "Of the status" }, ...Object.entries(parts)
		.map(([part, { label }]) => element("a", { href: part ? `${PLACE}/${part}` : PLACE,
			...part === name && { "aria-current": "page" } }, label)));
}

function refuse() {
	root.replaceChildren(empty("lock", "This is for administrators", "",
		!app.me && button("Log in", { className: "main", onclick: () => app.login() })));
}

// Again and again: one at a time, and none while nobody looks.
async function ask() {
	const mine = ++turn;
	clearTimeout(timer);
	if (!is_shown || document.hidden || !now)
		return;
	const asked = now;
	let wait_ms = EVERY_MS;
	try {
		wait_ms = await asked.ask() ?? EVERY_MS;
		root.classList.remove("stale");
	} catch (error) {
		if (error.status === 401 || error.status === 403) {
			now = null;
			refuse();
			return;
		}
		if (!(error instanceof Fault))
			throw error;
		// What is shown is old; the page says that the server does not answer.
		root.classList.add("stale");
		wait_ms = 3 * EVERY_MS;
	}
	if (mine === turn)
		timer = setTimeout(ask, wait_ms);
}

async function show(path) {
	const name = path.slice(PLACE.length + 1);
	is_shown = true;
	if (!app.can("operate")) {
		now = null;
		refuse();
		return;
	}
	if (!Object.hasOwn(parts, name)) {
		now = null;
		root.replaceChildren(empty("search", "There is nothing here"));
		return;
	}
	if (!(now instanceof parts[name].make)) {
		now = new parts[name].make(app);
		root.replaceChildren(element("div", { className: "column wide" },
			element("div", { className: "top" }, element("h1", {}, "Status"), tabs(name)), now.element));
		root.classList.toggle("fills", name === "fibers");
	}
	app.title(parts[name].label);
	app.keys("status", now.keys ?? []);
	await ask();
}

addEventListener("visibilitychange", () => ask());

export const view = {
	mount(place, given) {
		root = place;
		app = given;
	},
	show,
	hide() {
		is_shown = false;
		clearTimeout(timer);
	},
	changed: () => is_shown && show(location.pathname),
};
