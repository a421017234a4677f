// bar.js - what stands above the list: where one is, what can be done here, what with the selection.
//
// Never: hides by the mouse what the keyboard needs.
import { button, element, icon } from "../core/dom.js";
import { stepsOf, visible } from "./names.js";

// Where one is: links to the folders above, each also a place to drop something.
export function crumbsOf({ folder, title }) {
	const list = element("ol", {});
	const add = (name, path, is_here) => {
		const link = element("a", { href: path }, path === "/" && !title ? icon("home") : null,
			element("bdi", { className: path === "/" ? "crumb-root" : "" }, visible(name)));
		if (is_here)
			link.setAttribute("aria-current", "page");
		if (!title || path !== "/")
			link.dataset.folder = path;
		list.append(element("li", {}, list.children.length ? icon("right") : null, link));
	};
	const steps = stepsOf(folder);
	add("Files", "/", steps.length === 0 && !title);
	steps.forEach(({ name, path }, i) => add(name, path, i === steps.length - 1 && !title));
	if (title)
		list.append(element("li", {}, icon("right"),
			element("span", { className: "crumb-title" }, title)));
	const made = element("nav", { className: "crumbs", ariaLabel: "Folders above" }, list);
	made.dataset.depth = list.children.length;
	return made;
}

// The tools: elements by name, so that view.js can show and hide them.
export function toolsOf(on) {
	const filter = element("input", { type: "search", id: "fb-filter", placeholder: "Filter",
		autocomplete: "off", spellcheck: false, ariaLabel: "Filter this folder; Enter searches below it" });
	const field = element("div", { className: "fb-filter" }, icon("search"), filter,
		button("Search in all folders below", { icon: "right", quiet: true, className: "quiet fb-search",
			onclick: () => on.search(filter.value) }));
	filter.addEventListener("input", () => {
		field.classList.toggle("filled", filter.value !== "");
		on.filter(filter.value);
	});
	filter.addEventListener("keydown", (event) => {
		if (event.isComposing)
			return;
		if (event.key === "Enter" && filter.value.trim())
			on.search(filter.value.trim());
		else if (event.key === "ArrowDown" || event.key === "Enter")
			on.focusList();
		else if (event.key === "Escape" && filter.value) {
			filter.value = "";
			filter.dispatchEvent(new Event("input"));
		} else if (event.key === "Escape")
			on.focusList();
		else
			return;
		event.preventDefault();
	});
	const opener = { "aria-haspopup": "menu", "aria-expanded": "false" };
	const tools = {
		filter, field,
		upload: button("Upload", { icon: "upload", className: "main fb-upload",
			onclick: (event) => on.uploadMenu(event.currentTarget), ...opener }),
		make: button("New folder", { icon: "plus", className: "fb-make", onclick: on.make }),
		sort: button("Sort", { icon: "sort", quiet: true, className: "quiet fb-sort",
			onclick: (event) => on.sortMenu(event.currentTarget), ...opener }),
		form: button("Show as tiles", { icon: "grid", quiet: true, onclick: on.form }),
		more: button("More", { icon: "more", quiet: true,
			onclick: (event) => on.moreMenu(event.currentTarget), ...opener }),
		empty: button("Empty the trash", { icon: "trash", className: "danger fb-empty", onclick: on.emptyTrash }),
	};
	tools.root = element("div", { className: "fb-tools" }, field, tools.sort, tools.form,
		tools.make, tools.upload, tools.empty, tools.more);
	tools.setValue = (text) => {
		filter.value = text;
		field.classList.toggle("filled", text !== "");
	};
	return tools;
}

// What can be done with the selection: update(text, size, actions), actions as of a menu.
export function selectionOf(onNone) {
	const said = element("span", { className: "fs-said" });
	const buttons = element("span", { className: "fs-buttons" });
	const made = element("div", { className: "fs", role: "toolbar", ariaLabel: "What is selected",
		hidden: true },
	button("Select nothing", { icon: "close", quiet: true, onclick: onNone }), said, buttons,
	button("What can be done", { icon: "more", quiet: true, className: "quiet fs-more",
		"aria-haspopup": "menu", "aria-expanded": "false",
		onclick: (event) => made.more(event.currentTarget) }));
	let shown = "";
	made.update = (text, size, actions) => {
		said.replaceChildren(text, element("span", { className: "fs-size" }, size));
		const key = actions.map((action) => action?.label).join();
		if (key === shown)
			return;
		shown = key;
		buttons.replaceChildren(...actions.filter(Boolean).map((action) => button(action.short ?? action.label, {
			icon: action.icon, className: `fs-${action.id}${action.danger ? " danger" : ""}`, title: action.label,
			onclick: () => made.run(action.id) })));
	};
	return made;
}
