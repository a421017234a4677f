// model.js - the entries of a folder as they stand on the page: order, filter, the cursor, the
// selection. It knows nothing of elements; list.js shows it, view.js acts on it.
//
//	entries --filter, sort--> shown[] ; cursor and anchor are places in shown, -1: none
//
// The selection is a set of hrefs, so that it outlives a new listing, another order, a filter.
import { endOf, folded, kindOf, orderKey } from "./names.js";

const by_text = (a, b) => a < b ? -1 : a > b ? 1 : 0;

const orders = {
	name: () => 0,
	size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
	time: (a, b) => by_text(a.modified ?? "", b.modified ?? ""),
	kind: (a, b) => by_text(a.where ?? "", b.where ?? "") || by_text(a.kind, b.kind) || by_text(a.end, b.end),
};

export const orderNames = Object.keys(orders);

function facts(entry) {
	const text = folded(entry.name);
	return { folded: text, key: orderKey(text), kind: kindOf(entry), end: endOf(entry.name) };
}

export class Model {
	entries = [];
	shown = [];
	cursor = -1;
	anchor = -1;
	selected = new Set();
	sort = { by: "name", is_down: false };
	filter = "";
	#listeners = new Set();
	#keys = new Map(); // href -> entry, with what was found out about it

	// Called after each change, with what changed: "rows", "selection".
	onChange(listener) {
		this.#listeners.add(listener);
	}

	#tell(what) {
		for (const listener of this.#listeners)
			listener(what);
	}

	// ---- What there is ----

	set(entries) {
		const at = this.shown[this.cursor]?.href, was = this.cursor;
		const keys = new Map();
		for (const entry of entries) {
			const kept = this.#keys.get(entry.href);
			keys.set(entry.href, Object.assign(entry, kept && kept.type === entry.type
				? { folded: kept.folded, key: kept.key, kind: kept.kind, end: kept.end }
				: facts(entry)));
		}
		this.#keys = keys;
		this.entries = entries;
		for (const href of this.selected)
			if (!keys.has(href))
				this.selected.delete(href);
		this.#arrange(at, was);
	}

	setSort(by, is_down) {
		this.sort = { by, is_down };
		this.#arrange(this.shown[this.cursor]?.href, this.cursor);
	}

	setFilter(text) {
		this.filter = text;
		this.#arrange(this.shown[this.cursor]?.href, this.cursor);
	}

	#arrange(href, was) {
		const words = folded(this.filter).split(/\s+/).filter(Boolean);
		this.shown = words.length === 0 ? this.entries.slice()
			: this.entries.filter((entry) => words.every((word) => entry.folded.includes(word)));
		const order = orders[this.sort.by], sign = this.sort.is_down ? -1 : 1;
		this.shown.sort((a, b) =>
			(a.type === "folder" ? 0 : 1) - (b.type === "folder" ? 0 : 1) ||
			sign * (order(a, b) || by_text(a.key, b.key) || by_text(a.name, b.name)));
		const at = href === undefined ? -1 : this.indexOf(href);
		this.cursor = at >= 0 || was < 0 ? at : Math.min(was, this.shown.length - 1);
		this.anchor = this.cursor;
		this.#tell("rows");
	}

	indexOf(href) {
		return this.shown.findIndex((entry) => entry.href === href);
	}

	// ---- Cursor and selection ----

	get current() {
		return this.shown[this.cursor] ?? null;
	}

	// What an action is for: what is selected, in the order shown; else where the cursor is.
	get chosen() {
		if (this.selected.size === 0)
			return this.current ? [this.current] : [];
		return this.selection;
	}

	get selection() {
		return this.shown.filter((entry) => this.selected.has(entry.href));
	}

	isSelected(index) {
		return this.selected.has(this.shown[index]?.href);
	}

	// The cursor goes there; with `extend` all from the anchor to there is selected, with `only` that
	// alone; with neither the selection stays.
	moveTo(index, { extend = false, only = false } = {}) {
		if (this.shown.length === 0)
			return;
		this.cursor = Math.max(0, Math.min(index, this.shown.length - 1));
		if (extend) {
			if (this.anchor < 0)
				this.anchor = this.cursor;
			const [from, to] = [this.anchor, this.cursor].sort((a, b) => a - b);
			this.selected = new Set(this.shown.slice(from, to + 1).map((entry) => entry.href));
		} else {
			this.anchor = this.cursor;
			if (only)
				this.selected = new Set([this.shown[this.cursor].href]);
		}
		this.#tell("selection");
	}

	toggle(index) {
		const href = this.shown[index]?.href;
		if (href === undefined)
			return;
		if (!this.selected.delete(href))
			this.selected.add(href);
		this.cursor = this.anchor = index;
		this.#tell("selection");
	}

	selectAll() {
		this.selected = new Set(this.shown.map((entry) => entry.href));
		this.#tell("selection");
	}

	selectNone() {
		this.selected.clear();
		this.#tell("selection");
	}

	select(hrefs) {
		this.selected = new Set(hrefs);
		const at = this.shown.findIndex((entry) => this.selected.has(entry.href));
		if (at >= 0)
			this.cursor = this.anchor = at;
		this.#tell("selection");
	}

	// The next entry, from the cursor on and around, whose name begins so; -1: none.
	find(text) {
		const key = folded(text), count = this.shown.length;
		const start = Math.max(this.cursor, 0) + (text.length > 1 ? 0 : this.cursor < 0 ? 0 : 1);
		for (let i = 0; i < count; i++)
			if (this.shown[(start + i) % count].folded.startsWith(key))
				return (start + i) % count;
		return -1;
	}
}
