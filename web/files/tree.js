// tree.js - a tree of folders to choose one of: role=tree, loaded as it is opened.
//
// Never: shows more than FOLDERS_MAX of one folder; says that a folder is empty which it can't read.
import { element, icon } from "../core/dom.js";
import { listing } from "./ask.js";
import { folded, lastPart, decoded, orderKey, stepsOf, visible } from "./names.js";
import { drawing } from "./rows.js";

const FOLDERS_MAX = 1000;

async function foldersIn(path) {
	const { entries } = await listing(path);
	if (!entries)
		return null;
	return entries.filter(({ type }) => type === "folder")
		.map((entry) => ({ ...entry, key: orderKey(folded(entry.name)) }))
		.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0).slice(0, FOLDERS_MAX);
}

export class Tree {
	#changed;
	#forbidden;

	// changed(path): another one is chosen. forbidden(path): it may not be.
	constructor({ changed, forbidden = () => false }) {
		this.#changed = changed;
		this.#forbidden = forbidden;
		this.root = element("ul", { className: "tree", role: "tree", ariaLabel: "Folders" });
		this.root.addEventListener("keydown", (event) => this.#key(event));
		this.root.addEventListener("click", (event) => this.#click(event));
	}

	// The tree as it is when a folder is to be seen: all above it is open.
	async show(path) {
		const root = this.#item("/", "All files");
		this.root.replaceChildren(root);
		let at = root;
		for (const step of stepsOf(path)) {
			await this.#open(at);
			const next = this.#child(at, step.path);
			if (!next)
				break;
			at = next;
		}
		await this.#open(at);
		this.choose(at);
	}

	#item(path, name) {
		const item = element("li", { role: "treeitem", tabIndex: -1, className: "tree-item" },
			element("span", { className: "tree-line" },
				element("span", { className: "tree-twist", ariaHidden: "true" }, icon("right")),
				drawing("folder"), element("bdi", {}, visible(name))));
		item.dataset.path = path;
		item.setAttribute("aria-expanded", "false");
		item.setAttribute("aria-selected", "false");
		if (this.#forbidden(path))
			item.setAttribute("aria-disabled", "true");
		return item;
	}

	#child(item, path) {
		return [...item.querySelectorAll(":scope > ul > li")]
			.find((child) => child.dataset.path === path);
	}

	async #open(item) {
		if (item.getAttribute("aria-expanded") === "true")
			return;
		item.setAttribute("aria-expanded", "true");
		const folders = await foldersIn(item.dataset.path);
		item.querySelector(":scope > ul")?.remove();
		if (!folders?.length) {
			item.removeAttribute("aria-expanded");
			return;
		}
		item.append(element("ul", { role: "group" }, ...folders.map((entry) => this.#item(
			item.dataset.path + lastPart(entry.href.replace(/^\.\//, "")) + "/", entry.name))));
	}

	#close(item) {
		item.querySelector(":scope > ul")?.remove();
		item.setAttribute("aria-expanded", "false");
		if (!this.root.contains(this.chosen_item))
			this.choose(item);
	}

	choose(item) {
		for (const other of this.root.querySelectorAll("[aria-selected=true]"))
			other.setAttribute("aria-selected", "false");
		for (const other of this.root.querySelectorAll("[tabindex='0']"))
			other.tabIndex = -1;
		item.setAttribute("aria-selected", "true");
		item.tabIndex = 0;
		this.chosen_item = item;
		this.path = item.dataset.path;
		item.querySelector(".tree-line").scrollIntoView({ block: "nearest" });
		this.#changed(this.path, this.#forbidden(this.path));
	}

	focus() {
		this.chosen_item?.focus();
	}

	// A folder was made in the chosen one.
	async added(path) {
		const item = this.chosen_item;
		item.querySelector(":scope > ul")?.remove();
		item.setAttribute("aria-expanded", "false");
		await this.#open(item);
		const made = this.#child(item, path);
		if (made) {
			this.choose(made);
			made.focus();
		}
	}

	#click(event) {
		const item = event.target.closest(".tree-item");
		if (!item)
			return;
		if (event.target.closest(".tree-twist") && item.getAttribute("aria-expanded") === "true")
			this.#close(item);
		else
			this.#open(item);
		this.choose(item);
		item.focus();
	}

	#key(event) {
		const item = event.target.closest(".tree-item");
		const all = [...this.root.querySelectorAll(".tree-item")], at = all.indexOf(item);
		const is_open = item?.getAttribute("aria-expanded") === "true";
		const parent = item?.parentElement.closest(".tree-item");
		let to = null;
		switch (event.key) {
		case "ArrowDown": to = all[at + 1]; break;
		case "ArrowUp": to = all[at - 1]; break;
		case "Home": [to] = all; break;
		case "End": to = all.at(-1); break;
		case "ArrowRight":
			if (is_open)
				to = item.querySelector(".tree-item");
			else
				this.#open(item);
			break;
		case "ArrowLeft":
			if (is_open)
				this.#close(item);
			else
				to = parent;
			break;
		default:
			to = event.key.length === 1 && !event.ctrlKey && !event.altKey && event.key !== " "
				? [...all.slice(at + 1), ...all.slice(0, at)].find((one) =>
					folded(decoded(lastPart(one.dataset.path))).startsWith(folded(event.key))) : null;
			if (!to)
				return;
		}
		event.preventDefault();
		if (to) {
			this.choose(to);
			to.focus();
		}
	}
}
