// view.js - the people of this hub, for administrators: who there is, what they may, what they did.
//
//	/.weft/people         list.js     /.weft/people?rights   rights.js
//	/.weft/people/NAME    person.js   /.weft/people?log      log.js
import { button, element, empty } from "../core/dom.js";
import { draw_list } from "./list.js";
import { draw_log } from "./log.js";
import { draw_person } from "./person.js";
import { draw_rights } from "./rights.js";

const PLACE = "/.weft/people";
const tabs = [
	{ query: "", label: "People", power: "accounts", draw: draw_list },
	{ query: "?rights", label: "Rights", power: "accounts", draw: draw_rights },
	{ query: "?log", label: "Log", power: "audit", draw: draw_log },
];

let root, app;

function tab_links(now) {
	const may = tabs.filter((tab) => app.can(tab.power));
	return element("nav", { className: "tabs", ariaLabel: "Of people" }, ...may.map((tab) =>
		element("a", { href: PLACE + tab.query, ...tab === now && { "aria-current": "page" } }, tab.label)));
}

async function draw(path, search) {
	const name = decodeURIComponent(path.slice(PLACE.length + 1));
	const query = search.replace(/[=&].*/, "");
	const asked = tabs.find((tab) => tab.query === query) ?? tabs[0];
	const tab = app.can(asked.power) ? asked : tabs.find((one) => app.can(one.power));
	if (!tab) {
		root.replaceChildren(empty("lock", "This is for administrators", "",
			!app.me && button("Log in", { className: "main", onclick: () => app.login() })));
		return;
	}
	if (name) {
		app.title(name);
		await draw_person(root, app, name);
		return;
	}
	app.title(tab.label);
	const place = element("div", {});
	root.replaceChildren(element("div", { className: "column wide" },
		element("div", { className: "top" }, element("h1", {}, tab.label), tab_links(tab)), place));
	await tab.draw(place, app, new URLSearchParams(search));
}

export const view = {
	mount(place, given) {
		root = place;
		app = given;
	},
	show: (path, { search }) => draw(path, search),
	changed: () => !root.hidden && draw(location.pathname, location.search).catch(() => {}),
};
