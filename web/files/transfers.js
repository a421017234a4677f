// transfers.js - the panel that shows uploads: how far each is and all are, how fast, how long yet;
// pause, go on, take back, try again, choose the file once more.
//
// Never: makes a line for each of thousands.
import { button, element, icon } from "../core/dom.js";
import * as words from "../core/words.js";
import { kindOf, visible } from "./names.js";
import { Speed } from "./queue.js";
import { drawing } from "./rows.js";
import { isOver } from "./upload.js";

const LINES_MAX = 60;
const LOOK_MS = 300;

// In this order they are shown; of those that are over the last ones.
const order = ["FAILED", "LOST", "RESTING", "RUNNING", "PAUSED", "WAITING", "DONE", "SKIPPED", "GONE"];
const is_moving = ({ by }) => Boolean(by.RUNNING || by.RESTING || by.WAITING);

const percent = (sent, size) => size > 0 ? Math.floor(100 * sent / size) : 100;
const left = (sent, size, speed) => speed > 0 && size > sent
	? `${words.duration((size - sent) / speed)} left` : "";

// One line: an element with update(speed).
function lineOf(upload, act) {
	const name = visible(upload.path_shown ?? upload.name);
	const bar = element("progress", { max: 1, ariaLabel: `Progress of ${name}` });
	const said = element("span", { className: "tr-said" });
	const buttons = element("span", { className: "tr-buttons" });
	const made = element("li", { className: "tr-line" },
		drawing(kindOf({ name: upload.name, type: "file" })),
		element("span", { className: "tr-words" },
			element("bdi", { className: "tr-name", title: name }, name), bar, said), buttons);
	const press = (text, drawn, what) => button(`${text}: ${name}`, { icon: drawn, quiet: true,
		title: text, onclick: () => act(what, upload) });
	let shown = "";

	made.update = (speed) => {
		const { state, sent, size } = upload;
		bar.value = size > 0 ? sent / size : Number(state === "DONE");
		bar.hidden = isOver(state) || state === "FAILED";
		said.textContent = {
			WAITING: `${words.size(size)} · waiting`,
			RUNNING: [`${percent(sent, size)}% of ${words.size(size)}`, speed && words.rate(speed),
				left(sent, size, speed)].filter(Boolean).join(" · "),
			PAUSED: `${percent(sent, size)}% of ${words.size(size)} · paused`,
			RESTING: `${percent(sent, size)}% · ${upload.why}`,
			LOST: `${percent(sent, size)}% of ${words.size(size)} had come. Choose the file again to go on.`,
			FAILED: upload.why,
			DONE: `${words.size(size)} · done`,
			SKIPPED: "Left as it is",
			GONE: "Taken back",
		}[state];
		if (state === shown)
			return;
		shown = state;
		made.dataset.state = state;
		const had_focus = buttons.contains(document.activeElement);
		buttons.replaceChildren(...{
			WAITING: [press("Cancel", "close", "cancel")],
			RUNNING: [press("Pause", "pause", "pause"), press("Cancel", "close", "cancel")],
			RESTING: [press("Try now", "retry", "wake"), press("Cancel", "close", "cancel")],
			PAUSED: [press("Go on", "play", "goOn"), press("Cancel", "close", "cancel")],
			LOST: [press("Choose the file", "folder", "choose"), press("Forget it", "close", "cancel")],
			FAILED: [press("Try again", "retry", "goOn"), press("Remove from the list", "close", "cancel")],
			DONE: [icon("check")],
		}[state] ?? []);
		if (had_focus)
			(buttons.querySelector("button") ?? made.closest("section")).focus();
	};
	return made;
}

export class Transfers {
	#uploads;
	#lines = new Map();
	#speeds = new WeakMap();
	#speed = new Speed();
	#sent = 0; // bytes in all, also of those that have left the list
	#last = new WeakMap();
	#timer = 0;
	#was_moving = false;

	// announce(text): for who hears the page.
	constructor(announce) {
		this.announce = announce;
		this.title = element("h2", { id: "tr-title" });
		this.said = element("p", { className: "tr-said" });
		this.bar = element("progress", { max: 1, ariaLabel: "Progress of all uploads" });
		this.list = element("ul", { className: "tr-list" });
		this.rest = element("p", { className: "tr-rest", hidden: true });
		this.buttons = element("div", { className: "tr-buttons" });
		this.picker = element("input", { type: "file", multiple: true, hidden: true, tabIndex: -1 });
		this.fold = button("Show less", { icon: "down", quiet: true, onclick: () => this.#toggle() });
		this.fold.setAttribute("aria-expanded", "true");
		this.root = element("section", { className: "tr", hidden: true, tabIndex: -1 },
			element("header", {}, element("div", { className: "tr-sum" }, this.title, this.said),
				this.buttons, this.fold),
			this.bar, element("div", { className: "tr-body" }, this.list, this.rest), this.picker);
		this.root.setAttribute("aria-labelledby", "tr-title");
		this.picker.addEventListener("change", () => this.#given());
		addEventListener("beforeunload", (event) => {
			if (this.#uploads && is_moving(this.#uploads.queue.sum))
				event.preventDefault();
		});
	}

	watch(uploads) {
		this.#uploads = uploads;
	}

	#toggle() {
		const is_folded = this.root.classList.toggle("folded");
		this.fold.setAttribute("aria-expanded", String(!is_folded));
		this.fold.setAttribute("aria-label", is_folded ? "Show all" : "Show less");
		this.fold.title = is_folded ? "Show all" : "Show less";
	}

	// ---- What has changed ----

	moved(upload) {
		const now = performance.now(), last = this.#last.get(upload) ?? upload.sent;
		this.#sent += Math.max(0, upload.sent - last);
		this.#last.set(upload, upload.sent);
		if (!this.#speeds.has(upload))
			this.#speeds.set(upload, new Speed());
		this.#speeds.get(upload).note(now, upload.sent);
		this.#speed.note(now, this.#sent);
		this.#soon();
	}

	changed(upload) {
		if (upload && upload.state !== "RUNNING")
			this.#speeds.delete(upload);
		if (upload?.state === "RUNNING")
			this.#last.set(upload, upload.sent);
		this.#soon();
	}

	#soon() {
		this.#timer ||= setTimeout(() => {
			this.#timer = 0;
			this.#draw();
		}, LOOK_MS / 3);
	}

	#act(what, upload) {
		if (what === "choose")
			this.#choose(upload);
		else if (what === "cancel" && upload.state === "FAILED")
			upload.cancel();
		else
			upload[what]();
	}

	async #choose(upload) {
		if (!await this.#uploads.lend(upload))
			this.picker.click();
	}

	#given() {
		const files = [...this.picker.files];
		this.picker.value = "";
		if (files.length && this.#uploads.giveFiles(files) === 0)
			this.said.textContent = "That is another file, or it has changed: its name, size and time " +
				"have to be those of before.";
	}

	// ---- Drawing ----

	#draw() {
		const { queue } = this.#uploads, sum = queue.sum, moving = is_moving(sum);
		const now = performance.now(), speed = moving ? this.#speed.at(now) : 0;
		const visible_count = sum.all - (sum.by.GONE ?? 0);
		if (visible_count === 0 && sum.all > 0)
			queue.uploads.length = 0;
		const had_focus = this.root.contains(document.activeElement);
		this.root.hidden = visible_count === 0;
		if (this.root.hidden && had_focus)
			this.onEmpty?.();
		this.#drawSum(sum, moving, speed);
		this.#drawLines(queue.uploads, now);
		if (this.#was_moving && !moving)
			this.announce(this.title.textContent);
		this.#was_moving = moving;
		if (moving)
			setTimeout(() => this.#soon(), LOOK_MS);
	}

	#drawSum({ by, all, size, sent }, moving, speed) {
		const done = by.DONE ?? 0, bad = by.FAILED ?? 0, lost = by.LOST ?? 0, paused = by.PAUSED ?? 0;
		const counted = all - (by.GONE ?? 0) - (by.SKIPPED ?? 0);
		this.title.textContent = moving ? `Uploading ${words.number(done)} of ${words.count(counted, "file")}`
			: bad ? `${words.count(bad, "file")} could not be uploaded`
				: paused ? `${words.count(paused, "upload")} paused`
					: lost ? `${words.count(lost, "upload")} broke off`
						: `${words.count(done, "file")} uploaded`;
		this.said.textContent = moving
			? [`${percent(sent, size)}%`, speed && words.rate(speed), left(sent, size, speed)]
				.filter(Boolean).join(" · ")
			: lost ? "What came is kept for a day." : words.size(sent);
		this.bar.hidden = !moving;
		this.bar.value = size > 0 ? sent / size : 0;
		const wanted = [moving ? "pause" : "", paused && !moving ? "goOn" : "",
			moving || paused || lost ? "cancel" : "clear"].filter(Boolean).join(" ");
		if (this.buttons.dataset.shown === wanted)
			return;
		const had_focus = this.buttons.contains(document.activeElement);
		this.buttons.dataset.shown = wanted;
		this.buttons.replaceChildren(...wanted.split(" ").map((what) => button(
			{ pause: "Pause all", goOn: "Go on with all", cancel: "Cancel all", clear: "Close" }[what],
			{ icon: { pause: "pause", goOn: "play", cancel: "close", clear: "close" }[what], quiet: true,
				onclick: () => this.#all(what) })));
		if (had_focus)
			this.buttons.querySelector("button")?.focus();
	}

	async #all(what) {
		const { queue } = this.#uploads;
		if (what === "cancel" && !await this.onCancelAll())
			return;
		queue[what]();
		if (what === "cancel")
			queue.clear();
	}

	#drawLines(uploads, now) {
		const some = [];
		for (const state of order) {
			if (some.length >= LINES_MAX || state === "GONE")
				break;
			const these = [];
			for (let i = isOver(state) ? uploads.length - 1 : 0;
				i >= 0 && i < uploads.length && some.length + these.length < LINES_MAX;
				i += isOver(state) ? -1 : 1)
				if (uploads[i].state === state)
					these.push(uploads[i]);
			some.push(...these);
		}
		for (const [upload, line] of this.#lines)
			if (!some.includes(upload)) {
				line.remove();
				this.#lines.delete(upload);
			}
		let next = this.list.firstChild;
		for (const upload of some) {
			let line = this.#lines.get(upload);
			if (!line)
				this.#lines.set(upload, line = lineOf(upload, (what, one) => this.#act(what, one)));
			if (line === next)
				next = next.nextSibling;
			else
				this.list.insertBefore(line, next);
			line.update(this.#speeds.get(upload)?.at(now) ?? 0);
		}
		const others = uploads.length - some.length;
		this.rest.hidden = others <= 0;
		this.rest.textContent = `and ${words.count(others, "other")}`;
	}
}
