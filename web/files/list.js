// list.js - the entries of a folder as rows or as tiles, of which only those in sight are elements.
//
//	rows	role=grid: a head, then rows of cells; the cursor is aria-activedescendant
//	tiles	role=listbox: options with a picture; as many beside each other as fit
//
// Focus stays on the one element that scrolls; what a key or a click asks for, view.js is told by
// the functions in `on`: open(entry), menu(entry, place), up(), act(name), rename(entry, name).
//
// Never: makes more elements than there is room for, twice over.
import { element } from "../core/dom.js";
import { nameFault } from "./names.js";
import { rowOf, tileOf, headOf } from "./rows.js";

const SPARE = 6; // rows above and below those in sight
const TYPED_MS = 900; // letters that come closer together are one beginning

export class List {
	is_tiles = false;
	#on;
	#model;
	#rows = new Map(); // index -> element
	#columns = 1;
	#height = 44; // of one row or tile, in CSS pixels
	#typed = { text: "", at: 0 };
	#frame = 0;
	#renaming = null;

	constructor(model, on) {
		this.#model = model;
		this.#on = on;
		this.head = headOf({ sort: (by) => on.sort(by), all: () => this.#toggleAll() });
		this.body = element("div", { className: "fl-body" });
		this.probe = element("div", { className: "fl-probe", ariaHidden: "true" });
		this.root = element("div", { className: "fl", tabIndex: 0 }, this.head, this.body, this.probe);
		this.setTiles(false);
		model.onChange((what) => what === "rows" ? this.refresh() : this.#paint());
		this.root.addEventListener("scroll", () => this.#later(), { passive: true });
		this.root.addEventListener("keydown", (event) => this.#key(event));
		this.root.addEventListener("focus", () => this.#focused());
		new ResizeObserver(() => this.#resized()).observe(this.root);
	}

	setTiles(is_tiles) {
		this.is_tiles = is_tiles;
		this.root.classList.toggle("tiles", is_tiles);
		this.root.setAttribute("role", is_tiles ? "listbox" : "grid");
		this.root.setAttribute("aria-multiselectable", "true");
		this.root.setAttribute("aria-label", "Files");
		if (is_tiles)
			for (const name of ["aria-rowcount", "aria-colcount"])
				this.root.removeAttribute(name);
		else
			this.root.setAttribute("aria-colcount", "6");
		this.body.setAttribute("role", is_tiles ? "presentation" : "rowgroup");
		this.head.hidden = is_tiles;
		this.#resized();
	}

	// ---- What is in sight ----

	#resized() {
		this.#height = Math.max(this.probe.offsetHeight, 20);
		const wide = Math.max(this.probe.offsetWidth, 1);
		this.#columns = this.is_tiles ? Math.max(1, Math.floor(this.body.clientWidth / wide)) : 1;
		this.body.style.setProperty("--columns", this.#columns);
		this.refresh();
	}

	refresh() {
		const count = this.#model.shown.length;
		this.#renaming?.end(null, true);
		this.#rows.clear();
		this.body.replaceChildren();
		this.body.style.height = `${Math.ceil(count / this.#columns) * this.#height}px`;
		if (!this.is_tiles)
			this.root.setAttribute("aria-rowcount", count + 1);
		this.head.update(this.#model.sort);
		this.#draw();
	}

	#later() {
		this.#frame ||= requestAnimationFrame(() => {
			this.#frame = 0;
			this.#draw();
		});
	}

	get #room() {
		return this.root.clientHeight - (this.is_tiles ? 0 : this.head.offsetHeight);
	}

	#draw() {
		const count = this.#model.shown.length, lines = Math.ceil(count / this.#columns);
		const top = Math.floor(this.root.scrollTop / this.#height) - SPARE;
		const end = Math.ceil((this.root.scrollTop + this.#room) / this.#height) + SPARE;
		const from = Math.max(0, top) * this.#columns;
		const to = Math.min(count, Math.min(lines, end) * this.#columns);
		for (const [index, row] of this.#rows)
			if ((index < from || index >= to) && index !== this.#renaming?.index) {
				row.remove();
				this.#rows.delete(index);
			}
		let next = this.body.firstChild;
		for (let index = from; index < to; index++) {
			let row = this.#rows.get(index);
			if (!row) {
				row = this.#make(index);
				this.#rows.set(index, row);
			}
			if (row === next)
				next = next.nextSibling;
			else
				this.body.insertBefore(row, next);
		}
		this.#paint();
	}

	#make(index) {
		const entry = this.#model.shown[index];
		const made = (this.is_tiles ? tileOf : rowOf)(entry, index, this.#model.shown.length);
		const line = Math.floor(index / this.#columns);
		made.style.setProperty("--y", `${line * this.#height}px`);
		made.style.setProperty("--column", index % this.#columns);
		this.#on.made?.(made, entry);
		return made;
	}

	// The cursor and the selection, on what is in sight.
	#paint() {
		const model = this.#model;
		for (const [index, row] of this.#rows) {
			row.setAttribute("aria-selected", model.isSelected(index));
			row.classList.toggle("cursor", index === model.cursor);
		}
		const row = this.#rows.get(model.cursor);
		if (row)
			this.root.setAttribute("aria-activedescendant", row.id);
		else
			this.root.removeAttribute("aria-activedescendant");
		this.root.classList.toggle("has-cursor", Boolean(row));
		this.root.classList.toggle("picking", model.selected.size > 0);
		this.head.updatePicked(model.selected.size, model.shown.length);
	}

	scrollTo(index) {
		const y = Math.floor(index / this.#columns) * this.#height;
		if (y < this.root.scrollTop)
			this.root.scrollTop = y;
		else if (y + this.#height > this.root.scrollTop + this.#room)
			this.root.scrollTop = y + this.#height - this.#room;
		this.#draw();
	}

	// What an element within stands for: {entry, index, row}, or null.
	at(target) {
		const row = target.closest?.(".fl-row, .fl-tile");
		if (!row || !this.body.contains(row))
			return null;
		const index = Number(row.dataset.index);
		return { row, index, entry: this.#model.shown[index] };
	}

	rowOf(index) {
		return this.#rows.get(index) ?? null;
	}

	#focused() {
		if (this.#model.cursor < 0 && this.#model.shown.length)
			this.#model.moveTo(0);
	}

	#toggleAll() {
		if (this.#model.selected.size >= this.#model.shown.length)
			this.#model.selectNone();
		else
			this.#model.selectAll();
	}

	// ---- Keys ----

	#move(index, event) {
		this.#model.moveTo(index, { extend: event.shiftKey });
		this.scrollTo(this.#model.cursor);
	}

	// A key that was pressed elsewhere in the view.
	press(event) {
		this.root.focus({ preventScroll: true });
		this.#step(event) || this.#command(event);
	}

	#key(event) {
		if (event.target !== this.root || event.isComposing)
			return;
		if (this.#step(event) || this.#command(event))
			this.#typed = { text: "", at: 0 }; // what is typed next begins anew
		else if (!this.#type(event))
			return;
		event.preventDefault();
	}

	#step(event) {
		const model = this.#model, at = model.cursor, last = model.shown.length - 1;
		const page = Math.max(1, Math.floor(this.#room / this.#height) - 1) * this.#columns;
		const to = {
			ArrowDown: at + (at < 0 ? 1 : this.#columns), ArrowUp: at - this.#columns,
			PageDown: at + page, PageUp: at - page, Home: 0, End: last,
			...(this.is_tiles && { ArrowRight: at + 1, ArrowLeft: at - 1 }),
		}[event.key];
		if (to === undefined || event.altKey || event.metaKey || last < 0)
			return false;
		// In the last line of tiles "down" does not jump to the last one.
		if (event.key === "ArrowDown" && to > last && at > last - this.#columns)
			return true;
		if (event.key === "ArrowUp" && to < 0)
			return true;
		this.#move(to, event);
		return true;
	}

	#command(event) {
		const with_control = event.ctrlKey || event.metaKey;
		const { key } = event, entry = this.#model.current;
		if (with_control && !event.shiftKey && !event.altKey) {
			const letter = key.toLowerCase();
			if (letter === "a")
				this.#model.selectAll();
			// Copied text of the page stays copied text.
			else if (["c", "x"].includes(letter) && getSelection().isCollapsed)
				return this.#on.act(letter === "c" ? "copy" : "cut");
			return letter === "a";
		}
		if (event.altKey)
			return key === "ArrowUp" && (this.#on.up(), true);
		switch (key) {
		case " ":
			if (this.#typed.text && event.timeStamp - this.#typed.at < TYPED_MS)
				return false;
			if (entry)
				this.#model.toggle(this.#model.cursor);
			return true;
		case "Enter":
			if (entry)
				this.#on.open(entry);
			return true;
		case "Backspace":
			this.#on.up();
			return true;
		case "F2":
			return this.#on.act("rename");
		case "Delete":
			return this.#on.act("delete");
		case "Escape":
			if (!this.#on.act("escape"))
				this.#model.selectNone();
			return true;
		case "ContextMenu":
			return this.#menu(entry);
		case "F10":
			return event.shiftKey && this.#menu(entry);
		default:
			return false;
		}
	}

	#menu(entry) {
		this.#on.menu(entry, this.rowOf(this.#model.cursor) ?? this.root);
		return true;
	}

	#type(event) {
		if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey)
			return false;
		if (event.key === "?" || event.key === "/")
			return false; // of the whole page
		const is_new = event.timeStamp - this.#typed.at > TYPED_MS;
		const text = (is_new ? "" : this.#typed.text) + event.key;
		const same = [...text].every((char) => char === text[0]);
		this.#typed = { text, at: event.timeStamp };
		const index = this.#model.find(same ? text[0] : text);
		if (index >= 0)
			this.#move(index, { shiftKey: false });
		return true;
	}

	// ---- A new name, in place ----

	// A promise of the new name, or null when it is left as it is.
	rename(index, { value, select_to } = {}) {
		this.scrollTo(index);
		const row = this.rowOf(index), entry = this.#model.shown[index];
		const place = row?.querySelector(".fl-name");
		if (!place)
			return Promise.resolve(null);
		const field = element("input", { className: "fl-rename", type: "text", spellcheck: false,
			autocomplete: "off", value: value ?? entry.name, ariaLabel: "New name" });
		const why = element("span", { className: "fl-why", role: "alert" });
		const was = [...place.childNodes], state = { index, is_over: false };
		this.#renaming = state;
		row.draggable = false;
		place.replaceChildren(field, why);
		place.classList.add("renaming");
		field.focus();
		const dot = entry.type === "folder" ? -1 : field.value.lastIndexOf(".");
		field.setSelectionRange(0, select_to ?? (dot > 0 ? dot : field.value.length));
		return new Promise((resolve) => {
			const end = (name, is_by_key) => {
				if (state.is_over)
					return;
				state.is_over = true;
				this.#renaming = null;
				place.replaceChildren(...was);
				place.classList.remove("renaming");
				row.draggable = true;
				if (is_by_key)
					this.root.focus({ preventScroll: true });
				resolve(name && name !== entry.name ? name : null);
			};
			state.end = end;
			field.addEventListener("input", () => {
				why.textContent = "";
				field.removeAttribute("aria-invalid");
			});
			field.addEventListener("keydown", (event) => {
				event.stopPropagation();
				if (event.isComposing)
					return;
				if (event.key === "Escape")
					end(null, true);
				if (event.key !== "Enter")
					return;
				why.textContent = nameFault(field.value);
				field.setAttribute("aria-invalid", String(Boolean(why.textContent)));
				if (!why.textContent)
					end(field.value, true);
			});
			field.addEventListener("blur", () => end(nameFault(field.value) ? null : field.value, false));
		});
	}

	get is_renaming() {
		return this.#renaming !== null;
	}
}
