// feed.js - the list of messages of the room that is open: what the log has, as elements.
//
//	feed.open(room)      all anew
//	feed.add(index)      one more entry of its log
//	feed.note(text)      a line of this page's own, which no log has
//
// Never: makes elements of text: all that people wrote becomes text nodes.
import { button, element, face } from "../core/dom.js";
import { file_item } from "./attachment.js";
import { person_name } from "./elements.js";
import * as words from "./words.js";

const SAME_BREATH_MS = 5 * 60e3; // so long somebody needs not be named again
const NEAR_PX = 60;
const NEAR_TOP_PX = 400;
const NOTES_MAX = 30;

const is_shown = (entry) => entry.kind !== "deleted";

function fill(place, text) {
	place.replaceChildren(...words.linked(text).map((part) => part.href
		? element("a", { href: part.href, target: "_blank", rel: "noopener noreferrer nofollow" },
			part.text)
		: document.createTextNode(part.text)));
}

export class Feed extends EventTarget {
	constructor(list, scroller) {
		super();
		this.list = list;
		this.scroller = scroller;
		this.items = new Map(); // seq: li
		this.room = null;
		this.is_at_end = true;
		this.last_top = 0; // where it was scrolled to
		this.is_paused = false;
		this.previews = false; // whether pictures are shown
		scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
		list.addEventListener("keydown", (event) => this.#move(event));
		list.addEventListener("focusin", ({ target }) => target.matches(".tool") && this.#stop_at(target));
		// What is typed into grows, keyboards open: the end stays in view.
		new ResizeObserver(() => this.is_at_end && this.to_end()).observe(scroller);
	}

	#tell(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	// ---- Where it is -----------------------------------------------------------------------

	#scrolled() {
		if (this.is_paused)
			return;
		const { scrollTop, scrollHeight, clientHeight } = this.scroller;
		const was_at_end = this.is_at_end;
		// What comes faster than it is shown does not lead away from the end: scrolling up does.
		this.is_at_end = scrollHeight - scrollTop - clientHeight < NEAR_PX ||
			(was_at_end && scrollTop >= this.last_top);
		this.last_top = scrollTop;
		if (this.is_at_end !== was_at_end)
			this.#tell("end", this.is_at_end);
		if (this.is_near_top)
			this.#tell("top");
	}

	get is_near_top() {
		return this.scroller.scrollTop < NEAR_TOP_PX;
	}

	// It goes out of sight, where nothing is anywhere; and comes back to where it was.
	pause() {
		this.from_end = this.scroller.scrollHeight - this.scroller.scrollTop;
		this.is_paused = true;
	}

	resume() {
		if (!this.is_paused)
			return;
		this.is_paused = false;
		if (this.is_at_end)
			this.to_end();
		else
			this.scroller.scrollTop = this.scroller.scrollHeight - this.from_end;
		this.last_top = this.scroller.scrollTop;
	}

	to_end() {
		this.scroller.scrollTop = this.scroller.scrollHeight;
		this.is_at_end = true;
	}

	// The same before the next picture, however much comes until then: each time takes a layout.
	#stay_at_end() {
		this.staying ||= requestAnimationFrame(() => {
			this.staying = 0;
			if (this.is_at_end)
				this.to_end();
		});
	}

	// Do something above without moving what is being read.
	#keeping_place(change) {
		const from_end = this.scroller.scrollHeight - this.scroller.scrollTop;
		change();
		if (this.is_at_end)
			this.to_end();
		else
			this.scroller.scrollTop = this.scroller.scrollHeight - from_end;
	}

	// ---- All of it -------------------------------------------------------------------------

	// read: the number up to which it was read; what is after it is new.
	open(room, read = Infinity) {
		this.room = room;
		this.read = read;
		this.items.clear();
		this.list.ariaBusy = "true"; // it is not read out from the beginning
		this.list.replaceChildren();
		this.tail = null;
		if (room) {
			room.log.entries.forEach((_, index) => this.#place(index));
			for (const post of room.posts.values())
				this.#place_post(post);
		}
		this.list.ariaBusy = "false";
		this.to_end();
	}

	// What comes from now on is not new, but read as it comes.
	settle_fresh() {
		this.read = Infinity;
	}

	// Several entries that were fetched, at once.
	add_all(seqs) {
		this.list.ariaBusy = "true";
		this.#keeping_place(() => {
			for (const seq of seqs)
				this.#place(this.room.log.find(seq));
		});
		this.list.ariaBusy = "false";
	}

	add(index) {
		this.#place(index);
		if (this.is_at_end)
			this.#stay_at_end();
	}

	// ---- One entry -------------------------------------------------------------------------

	// Before which element an entry goes.
	#next_item(index) {
		const { entries } = this.room.log;
		for (let at = index + 1; at < entries.length; at++)
			if (this.items.has(entries[at].seq))
				return this.items.get(entries[at].seq);
		return this.tail;
	}

	#place(index) {
		const { entries } = this.room.log;
		const entry = entries[index];
		if (!is_shown(entry) || this.items.has(entry.seq))
			return;
		const item = this.#make(entry);
		this.items.set(entry.seq, item);
		const next = this.#next_item(index);
		this.list.insertBefore(item, next);
		if (next === this.tail && !this.list.contains(document.activeElement))
			this.#stop_at(item.querySelector(".tool"));
		this.#dress(entry, index);
		for (let at = index + 1; at < entries.length; at++)
			if (this.items.has(entries[at].seq)) {
				this.#dress(entries[at], at);
				break;
			}
	}

	#make(entry) {
		if (entry.kind !== "message")
			return element("li", { className: "notice" }, this.#notice(entry));
		const text = element("div", { className: "text", dir: "auto" });
		const item = element("li", { className: "message" },
			element("div", { className: "head" }),
			element("div", { className: "body" }, text));
		item.classList.toggle("own", this.room.is_own(entry));
		item.classList.toggle("server", entry.server === true);
		this.#show_text(item, entry);
		return item;
	}

	#notice(entry) {
		const made = element("p", {});
		const date = new Date(entry.at);
		const who = entry.server ? "" : person_name(entry.who, entry);
		const text = element("span", { dir: "auto" });
		fill(text, entry.text);
		if (entry.kind === "topic")
			made.append(who, entry.text ? " has set the topic: " : " has taken the topic away", text);
		else
			made.append(text, who && " · by ", who); // what a moderator did
		made.append(" ", this.#time(date));
		return made;
	}

	#time(date) {
		return element("time", { dateTime: date.toISOString(), title: words.full_time(date) },
			words.clock_time(date));
	}

	#show_text(item, entry) {
		const text = item.querySelector(".text"), body = item.querySelector(".body");
		body.querySelector(".tool")?.remove();
		item.classList.toggle("deleted", entry.deleted === true);
		if (entry.deleted) {
			text.textContent = "deleted";
			return;
		}
		if (entry.file)
			text.replaceChildren(file_item(entry.file, this.previews, () => this.#grown()));
		else
			fill(text, entry.text);
		body.append(this.#tool(entry));
	}

	// A picture has come: what is at the end stays there.
	#grown() {
		if (this.is_at_end)
			this.#stay_at_end();
	}

	// ---- What can be done with one ---------------------------------------------------------

	#tool(entry) {
		return button(`More: a message of ${entry.who}`, { icon: "more", quiet: true,
			className: "tool", tabIndex: -1, title: "More", ariaHasPopup: "menu",
			onclick: (event) => this.#tell("menu", { entry, anchor: event.currentTarget }) });
	}

	// Of all of them one is reached by Tab, the others by the arrows.
	#stop_at(tool) {
		for (const other of this.list.querySelectorAll(".tool[tabindex='0']"))
			other.tabIndex = -1;
		if (tool)
			tool.tabIndex = 0;
	}

	#move(event) {
		const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
		if (!step || !event.target.matches(".tool"))
			return;
		event.preventDefault();
		const all = [...this.list.querySelectorAll(".tool")];
		all[all.indexOf(event.target) + step]?.focus();
	}

	// What depends on the entry before: a new day, somebody else.
	#dress(entry, index) {
		const { entries } = this.room.log;
		const item = this.items.get(entry.seq), date = new Date(entry.at);
		let at = index - 1;
		while (at >= 0 && !this.items.has(entries[at].seq))
			at--;
		const before = at >= 0 ? entries[at] : null;
		const is_new_day = !before || !words.same_day(new Date(before.at), date);
		item.querySelector(":scope > .rule")?.remove();
		const is_fresh = entry.seq > this.read && (before?.seq ?? 0) <= this.read;
		const rules = [is_new_day && words.day_name(date), is_fresh && "New"];
		const label = rules.filter(Boolean).join(" · ");
		if (label)
			item.prepend(element("div", { className: "rule" }, element("span", {}, label)));
		item.classList.toggle("fresh", is_fresh);
		if (entry.kind !== "message")
			return;
		const goes_on = before?.kind === "message" && !label && before.who === entry.who &&
			before.guest === entry.guest && date - new Date(before.at) < SAME_BREATH_MS;
		this.#head(item, entry, goes_on, date);
	}

	#head(item, entry, goes_on, date) {
		const head = item.querySelector(".head");
		item.classList.toggle("first", !goes_on);
		if (goes_on) {
			head.replaceChildren(element("span", { className: "sr" }, entry.who), this.#time(date));
			return;
		}
		head.replaceChildren(face(entry.who), person_name(entry.who, entry), this.#time(date));
	}

	// It is gone, for all.
	deleted(seq) {
		const item = this.items.get(seq), entry = this.room.log.at(seq);
		if (!item || !entry)
			return;
		const tool = item.querySelector(".tool"), all = [...this.list.querySelectorAll(".tool")];
		const at = all.indexOf(tool), next = all[at + 1] ?? all[at - 1];
		const had_focus = tool !== null && tool === document.activeElement;
		this.#show_text(item, entry);
		if (tool?.tabIndex === 0)
			this.#stop_at(next);
		if (had_focus)
			next?.focus();
	}

	// ---- What is on its way ----------------------------------------------------------------

	// What I said, until the log has it.
	#place_post(post) {
		const text = element("div", { className: "text", dir: "auto" });
		fill(text, post.text);
		post.item = element("li", { className: "message own posted first" },
			element("div", { className: "head" }, face(this.room.self.who),
				person_name(this.room.self.who, this.room.self),
				element("span", { className: "how" }, "sending…")),
			element("div", { className: "body" }, text));
		this.tail ??= post.item;
		this.list.append(post.item);
		if (post.why)
			this.post_failed(post);
	}

	post(post) {
		this.#place_post(post);
		this.to_end();
	}

	post_done(post) {
		const next = post.item?.nextElementSibling ?? null;
		post.item?.remove();
		if (this.tail === post.item)
			this.tail = next;
		post.item = null;
	}

	post_failed(post) {
		const how = post.item?.querySelector(".how");
		if (!how)
			return;
		const again = element("button", { type: "button", className: "link" }, "Send again");
		const drop = element("button", { type: "button", className: "link" }, "Discard");
		again.onclick = () => this.#tell("again", post);
		drop.onclick = () => this.#tell("drop", post);
		post.item.classList.add("failed");
		how.replaceChildren(`not sent: ${post.why} `, again, " ", drop);
	}

	// ---- Lines of our own ------------------------------------------------------------------

	note(...parts) {
		const item = element("li", { className: "notice own-note" }, element("p", {}, ...parts));
		const was_at_end = this.is_at_end;
		const notes = this.list.querySelectorAll(".own-note");
		if (notes.length >= NOTES_MAX)
			notes[0].remove();
		this.list.insertBefore(item, this.tail);
		if (was_at_end)
			this.to_end();
	}
}
