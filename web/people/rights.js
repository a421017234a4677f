// rights.js - who may do what in which folder: grants, listed and changed.
import { api } from "../core/api.js";
import { button, check, element, field, icon, select } from "../core/dom.js";
import * as talk from "../core/talk.js";

const rights = { read: "Open files", list: "See names", write: "Add files and folders",
	replace: "Replace files", delete: "Remove and move", manage: "Say what others may" };
const kinds = { user: "a person", group: "a group", role: "a role" };

function whom(grant) {
	if (grant.to === "role")
		return grant.subject === "stranger" ? "Everybody, without logging in" : `All with the role ${grant.subject}`;
	return grant.to === "group" ? `The group ${grant.subject}` : grant.subject;
}

const drawings = { user: "user", group: "people", role: "people" };

// What they amount to, in a word or two.
function summary(list) {
	const has = (...words) => words.every((word) => list.includes(word));
	if (!list.length)
		return "nothing";
	if (has("read", "list", "write", "replace", "delete"))
		return list.includes("manage") ? "everything" : "read and change";
	if (has("read", "list", "write"))
		return list.length === 3 ? "read and add" : list.join(", ");
	return has("read", "list") && list.length === 2 ? "read" : list.join(", ");
}

// Say anew what somebody may; given: the grant so far, or what is known of a new one.
async function edit(given, redraw) {
	const is_new = given.rights === undefined;
	const to = select(Object.entries(kinds).map(([value, label]) => ({ value, label })), given.to ?? "user",
		{ disabled: given.to !== undefined });
	const subject = element("input", { value: given.subject ?? "", required: true, disabled: given.subject !== undefined,
		autocapitalize: "none", spellcheck: false });
	const folder = element("input", { value: given.folder ?? "", disabled: given.folder !== undefined, placeholder: "the top",
		spellcheck: false, autocapitalize: "none" });
	const boxes = Object.entries(rights).map(([word, text]) => Object.assign(check(text,
		{ checked: (given.rights ?? ["read", "list"]).includes(word) }), { word }));
	const { done } = talk.dialog({ title: is_new ? "Grant rights" : "Change rights", content: [
		element("div", { className: "pair" }, field("To", to), field("Whose name is", subject)),
		field("In the folder", folder, "And all below it; the nearest folder upwards decides."),
		element("fieldset", {}, element("legend", {}, "They may"), ...boxes)],
	actions: [{ label: "Save", main: true, run: () => api("PUT", "/grants", { to: to.value, subject: subject.value.trim(),
		folder: folder.value.trim().replace(/^\/+|\/+$/g, ""),
		rights: boxes.filter((box) => box.input.checked).map((box) => box.word) }) }] });
	if (await done)
		await redraw();
}

async function take_back(grant, redraw) {
	const query = new URLSearchParams({ to: grant.to, subject: grant.subject, folder: grant.folder });
	try {
		await api("DELETE", `/grants?${query}`);
		await redraw();
		talk.toast("The folders above decide again.", { undo: () => api("PUT", "/grants", grant)
			.then(redraw, talk.complain) });
	} catch (error) {
		talk.complain(error);
	}
}

// A list of grants; given: what a new one has at least.
export function grant_rows(grants, redraw, given = {}) {
	const rows = grants.map((grant) => element("li", { className: "line" }, icon(drawings[grant.to]),
		element("div", { className: "grow" }, element("p", {}, whom(grant), " ",
			element("span", { className: grant.rights.length ? "tag accent" : "tag bad" }, summary(grant.rights))),
		element("p", { className: "hint" }, `in /${grant.folder}${grant.folder ? "/" : ""}`)),
		button(`Change what ${whom(grant)} may in /${grant.folder}`, { icon: "edit", quiet: true,
			onclick: () => edit(grant, redraw) }),
		button(`Take back what ${whom(grant)} may in /${grant.folder}`, { icon: "trash", quiet: true,
			onclick: () => take_back(grant, redraw) })));
	return element("div", {}, element("ul", {}, ...rows),
		element("p", { className: "row below" }, button("Grant rights", { icon: "plus",
			onclick: () => edit(given, redraw) })));
}

export async function draw_rights(place, app) {
	const { grants } = await api("GET", "/grants");
	const order = (grant) => `${grant.folder}/ ${grant.to}`;
	grants.sort((a, b) => order(a).localeCompare(order(b)));
	place.replaceChildren(element("p", { className: "soft" },
		"The nearest folder upwards with a grant decides. There, one to a person counts more than those to groups, and these more than those to roles."),
	element("section", { className: "card part" }, grant_rows(grants, () => draw_rights(place, app))));
}
