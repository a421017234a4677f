// list.js - who there is: found, added, looked at.
import { api } from "../core/api.js";
import { button, check, element, empty, face, field, icon, moment, select, skeleton } from "../core/dom.js";
import * as talk from "../core/talk.js";
import * as words from "../core/words.js";

const LIMIT = 100;
const PAUSE_MS = 200; // of somebody who types

export const address_of = (name) => `/.weft/people/${encodeURIComponent(name)}`;

export const state_tag = (user) => user.state === "locked" ? element("span", { className: "tag bad" }, "locked")
	: user.state === "removed" ? element("span", { className: "tag" }, "removed")
		: !user.has_password ? element("span", { className: "tag warn" }, "invited") : null;

export function room_text(user) {
	return user.quota ? `${words.size(user.used)} of ${words.size(user.quota)}` : words.size(user.used);
}

// A link's secret, once. is_invitation: she has no password yet.
export async function tell_link(name, secret, is_invitation) {
	const link = `${location.origin}/.weft/me#${secret}`;
	await talk.tell({ title: is_invitation ? `Invite ${name}` : `A new password for ${name}`,
		yes: "Done", text: `Whoever opens this link sets the password of ${name}. It works once, for 3 days, and is not shown again.`,
		content: [element("pre", { className: "secret", tabIndex: 0 }, link),
			button("Copy the link", { icon: "copy", onclick: () => talk.copy(link) })] });
}

// ---- Adding -------------------------------------------------------------------------------------

async function add_person() {
	const [{ roles }, { groups }] = await Promise.all([api("GET", "/roles"), api("GET", "/groups")]);
	const name = element("input", { required: true, maxLength: 64, autocapitalize: "none", spellcheck: false,
		autocomplete: "off" });
	const display = element("input", { maxLength: 64, autocomplete: "off" });
	const role = select(roles.map((one) => one.name).filter((one) => one !== "stranger"), "member");
	const quota = element("input", { placeholder: "no limit", autocomplete: "off" });
	const home = element("input", { placeholder: "all of it", autocomplete: "off", spellcheck: false });
	const quota_row = field("Storage", quota, "Such as 10 GB; empty: no limit.");
	const name_row = field("Name", name, "For logging in.");
	const boxes = groups.map((group) => check(group.name, { value: group.name }));
	let made = null;
	const shown = talk.dialog({ title: "Add somebody", content: [name_row, field("Shown as", display),
		field("Role", role), field("Home folder", home, "It is then all that this person sees."), quota_row,
		boxes.length && element("fieldset", {}, element("legend", {}, "Groups"), ...boxes)].filter(Boolean),
	actions: [{ label: "Add and invite", main: true, async run() {
		const bytes = quota.value.trim() ? words.read_size(quota.value) : 0;
		quota_row.why(Number.isNaN(bytes) ? "A size is such as 500 MB." : "");
		name_row.why("");
		if (Number.isNaN(bytes))
			return false;
		try {
			made = await api("POST", "/users", { name: name.value.trim(), display_name: display.value.trim(),
				role: role.value, home: home.value.trim().replace(/^\/+|\/+$/g, ""), quota: bytes,
				groups: boxes.filter((box) => box.input.checked).map((box) => box.input.value), invite: true });
		} catch (error) {
			if (!error.fault?.startsWith("name-"))
				throw error;
			name_row.why(error.message);
			name.focus();
			return false;
		}
		return true;
	} }] });
	await shown.done;
	return made;
}

// ---- The list -----------------------------------------------------------------------------------

function row_of(user) {
	const shown = user.display_name && user.display_name !== user.name;
	return element("tr", {},
		element("td", {}, element("a", { className: "person", href: address_of(user.name) }, face(user.name),
			element("span", {}, element("bdi", {}, user.display_name || user.name),
				shown && element("span", { className: "hint" }, ` ${user.name}`)))),
		element("td", {}, user.role, " ", state_tag(user)),
		element("td", { className: "number far" }, room_text(user)),
		element("td", { className: "far" }, moment(user.seen)));
}

export async function draw_list(place, app) {
	const part = element("input", { type: "search", placeholder: "Find by name", ariaLabel: "Find by name" });
	const state = select([{ value: "", label: "All" }, { value: "locked", label: "Locked" },
		{ value: "removed", label: "Removed" }], "", { ariaLabel: "Which" });
	const rows = element("tbody", {});
	const more = button("Show more", { hidden: true, onclick: () => fill(last) });
	const none = element("div", { hidden: true });
	const table = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Name"),
		element("th", { scope: "col" }, "Role"), element("th", { scope: "col", className: "number far" }, "Storage"),
		element("th", { scope: "col", className: "far" }, "Last seen"))), rows);
	let last = "", turn = 0, timer = 0;
	async function fill(after = "") {
		const mine = ++turn;
		const query = new URLSearchParams({ limit: LIMIT, ...part.value.trim() && { part: part.value.trim() },
			...state.value && { state: state.value }, ...after && { after } });
		const { users, has_more } = await api("GET", `/users?${query}`);
		if (mine !== turn)
			return;
		if (!after)
			rows.replaceChildren();
		rows.append(...users.map(row_of));
		last = users.at(-1)?.name ?? "";
		more.hidden = !has_more;
		table.hidden = rows.children.length === 0;
		none.hidden = !table.hidden;
		none.replaceChildren(empty("search", "Nobody is found", part.value ? "Another part of the name may do." : ""));
		talk.say(words.count(rows.children.length, "person", "people") + (has_more ? " and more" : ""));
	}
	const again = () => {
		clearTimeout(timer);
		timer = setTimeout(() => fill().catch(talk.complain), PAUSE_MS);
	};
	part.oninput = state.onchange = again;
	const add = button("Add", { icon: "plus", className: "main", "aria-label": "Add somebody", onclick: async () => {
		try {
			const made = await add_person();
			if (!made)
				return;
			await tell_link(made.name, made.secret, true);
			await app.go(address_of(made.name));
		} catch (error) {
			talk.complain(error);
		}
	} });
	const table_menu = button("More", { icon: "more", quiet: true, "aria-haspopup": "menu", onclick: (event) =>
		talk.menu(event.currentTarget, [
			{ label: "Save all as a table", icon: "download", run: () => location.assign("/api/v1/export") },
			{ label: "Groups", icon: "people", run: () => edit_groups().catch(talk.complain) }]) });
	place.replaceChildren(element("div", { className: "tools" }, part, state, add, table_menu),
		element("div", { className: "card" }, table, none), more);
	app.keys("people", [{ keys: "/", does: "Find somebody", run: () => part.focus() },
		{ keys: "n", does: "Add somebody", run: () => add.click() }]);
	rows.append(element("tr", {}, element("td", { colSpan: 4 }, skeleton(4))));
	await fill();
}

// ---- Groups -------------------------------------------------------------------------------------

async function edit_groups() {
	const list = element("ul", {});
	async function fill() {
		const { groups } = await api("GET", "/groups");
		list.replaceChildren(...groups.map((group) => element("li", { className: "line" }, icon("people"),
			element("span", { className: "grow" }, group.name, " ",
				element("span", { className: "hint" }, words.count(group.members, "member"))),
			button(`Remove ${group.name}`, { icon: "trash", quiet: true, onclick: async () => {
				if (await talk.confirm({ title: `Remove the group ${group.name}?`, danger: true, yes: "Remove",
					text: "What was granted to it is gone, too. Its members stay." }))
					await api("DELETE", `/groups/${encodeURIComponent(group.name)}`).then(fill, talk.complain);
			} }))));
		if (!groups.length)
			list.append(element("li", { className: "soft" }, "There are none yet."));
	}
	const name = element("input", { ariaLabel: "Name of a new group", placeholder: "New group", maxLength: 64 });
	const shown = talk.dialog({ title: "Groups", content: [list], actions: [
		{ label: "Add", main: true, async run() {
			if (name.value.trim())
				await api("PUT", `/groups/${encodeURIComponent(name.value.trim())}`);
			name.value = "";
			await fill();
			return false;
		} }] });
	shown.element.querySelector("footer").prepend(name);
	name.classList.add("grow");
	await fill();
	await shown.done;
}
