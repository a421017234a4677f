// questions.js - the questions of this view: what to do with what is there already, and which folder.
//
// Never: takes silence for a yes.
import { button, element } from "../core/dom.js";
import { ask_text, choose, dialog } from "../core/talk.js";
import * as words from "../core/words.js";
import { decoded, lastPart, nameFault, visible } from "./names.js";
import { makeFolder } from "./ops.js";
import { Tree } from "./tree.js";

const NAMES_SHOWN = 5;

function namesOf(names) {
	const list = element("ul", { className: "names" }, ...names.slice(0, NAMES_SHOWN).map((name) =>
		element("li", {}, element("bdi", {}, visible(name)))));
	if (names.length > NAMES_SHOWN)
		list.append(element("li", { className: "soft" },
			`and ${words.count(names.length - NAMES_SHOWN, "other")}`));
	return list;
}

// Once for all of these: {value: "both", "replace" or "skip", all}, or null: nothing is done at all. others:
// so many more may turn out to be there; all: they are meant, too.
export async function askAboutTaken(names, { may_replace, others = 0 }) {
	const one = names.length === 1;
	return choose({
		title: one ? "There is a file of this name already"
			: `${words.number(names.length)} files are there already`,
		content: [namesOf(names), element("p", { className: "soft" },
			"What is replaced is gone. Keeping both adds a number to the new name.")],
		all: others && `The same for ${others === 1 ? "the other one" : `the ${words.number(others)} others`}, ` +
			"if there is something of that name",
		options: [{ label: one ? "Skip" : "Skip them", value: "skip" },
			...may_replace ? [{ label: "Replace", value: "replace", danger: true }] : [],
			{ label: "Keep both", value: "both", main: true }] });
}

export function askForName(title, { value = "", run, yes = "Make it" }) {
	return ask_text({ title, label: "Name", value, yes, check: nameFault, run, maxlength: 255 });
}

export const nameOfFolder = (path) => path === "/" ? "All files" : visible(decoded(lastPart(path)));

// One of the folders, or null. forbidden(path): it can't be that one.
export async function askForFolder({ title, yes, start, forbidden, may_make = true }) {
	const said = element("p", { className: "tree-said", role: "status" });
	let shown = null;
	const tree = new Tree({ forbidden, changed(path, is_forbidden) {
		said.textContent = is_forbidden ? "It can't go into itself, or to where it is."
			: `To: ${nameOfFolder(path)}`;
		const yes_button = shown?.element.querySelector("button.main");
		if (yes_button)
			yes_button.disabled = is_forbidden;
	} });
	const make = button("New folder in it", { icon: "plus", onclick: async () => {
		let made = null;
		await askForName("New folder", { run: async (name) => {
			made = await makeFolder(tree.path, name);
		} });
		if (made)
			await tree.added(made);
	} });
	shown = dialog({ title, className: "tree-dialog", content: [tree.root,
		element("div", { className: "row tree-end" }, said, may_make ? make : null)],
	actions: [{ label: "Cancel", value: false }, { label: yes, main: true, run: () =>
		!forbidden(tree.path) }] });
	await tree.show(start);
	tree.focus();
	return await shown.done === true ? tree.path : null;
}
