// preview.js - one file, shown as far as it can be: pictures, text, audio, video, PDF; with what is
// known of it, and the ones before and behind.
//
// A text is shown up to TEXT_BYTES_MAX, as text; a page or drawing is never opened within this one.
//
// Never: lets a file run anything here.
import { button, element, empty, icon } from "../core/dom.js";
import { copy } from "../core/talk.js";
import * as words from "../core/words.js";
import { ask } from "./ask.js";
import { decoded, folderOf, kindName, visible } from "./names.js";
import { drawing } from "./rows.js";

const TEXT_BYTES_MAX = 256 * 1024;

// What bytes say as text; null: they are none.
export function readText(bytes) {
	if (bytes.includes(0))
		return null;
	try {
		// The last character may be cut in two.
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
	} catch {
		return new TextDecoder("windows-1252").decode(bytes);
	}
}

async function textOf(entry, signal) {
	const answer = await fetch(entry.address, { signal,
		headers: { "Range": `bytes=0-${TEXT_BYTES_MAX - 1}`, "X-Requested-With": "weft" } });
	if (answer.status === 416)
		return { text: "", is_whole: true };
	if (!answer.ok)
		throw new Error((await ask("HEAD", entry.address)).why);
	const bytes = new Uint8Array(await answer.arrayBuffer()).subarray(0, TEXT_BYTES_MAX);
	return { text: readText(bytes), is_whole: entry.size <= TEXT_BYTES_MAX };
}

const linkTo = (entry) => new URL(entry.address, location.href).href;

export class Preview {
	#on;
	#entries = [];
	#index = -1;
	#stop = null;

	// on: close(), moved(entry), actions(entry) -> [{label, icon, run}]
	constructor(on) {
		this.#on = on;
		const go = (step) => () => this.step(step);
		this.title = element("h2", { className: "pv-title", id: "pv-title", tabIndex: -1 });
		this.at = element("span", { className: "pv-at" });
		this.stage = element("div", { className: "pv-stage" });
		this.facts = element("aside", { className: "pv-facts", ariaLabel: "Details", hidden: true });
		this.before = button("Previous", { icon: "left", quiet: true, className: "quiet pv-step",
			onclick: go(-1) });
		this.next = button("Next", { icon: "right", quiet: true, className: "quiet pv-step",
			onclick: go(1) });
		this.tools = element("div", { className: "pv-tools" });
		this.info = button("Details", { icon: "info", quiet: true, onclick: () => this.#details() });
		this.info.setAttribute("aria-pressed", "false");
		this.root = element("dialog", { className: "pv", "aria-labelledby": "pv-title" },
			element("header", {}, element("div", { className: "pv-name" }, this.title, this.at),
				this.tools),
			element("div", { className: "pv-middle" }, this.before, this.stage, this.next, this.facts));
		this.root.addEventListener("keydown", (event) => this.#key(event));
		this.root.addEventListener("cancel", (event) => {
			event.preventDefault();
			this.#on.close();
		});
		this.stage.addEventListener("click", (event) => {
			if (event.target === this.stage)
				this.#on.close();
		});
		this.#swipe();
	}

	get entry() {
		return this.#entries[this.#index] ?? null;
	}

	// Shows one of the files that are listed.
	open(entries, entry) {
		this.#entries = entries;
		this.#index = entries.indexOf(entry);
		if (!this.root.open) {
			this.back = document.activeElement;
			this.root.showModal();
		}
		this.#draw();
	}

	close() {
		if (!this.root.open)
			return;
		this.#leave();
		this.root.close();
		if (this.back?.isConnected)
			this.back.focus({ preventScroll: true });
	}

	step(by) {
		const to = this.#entries[this.#index + by];
		if (to)
			this.#on.moved(to);
	}

	#key(event) {
		const typed = event.target.closest("video, audio, input, pre");
		if (event.altKey || event.ctrlKey || event.metaKey || (typed && event.key !== "Escape" &&
			!(typed.tagName === "PRE" && ["ArrowLeft", "ArrowRight"].includes(event.key))))
			return;
		const run = { ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
			i: () => this.#details() }[event.key];
		if (!run)
			return;
		event.preventDefault();
		run();
	}

	#swipe() {
		let from = null;
		this.stage.addEventListener("pointerdown", (event) => {
			from = event.pointerType === "touch" && event.isPrimary ? event : null;
		});
		this.stage.addEventListener("pointerup", (event) => {
			const across = from ? event.clientX - from.clientX : 0;
			if (Math.abs(across) > 60 && Math.abs(event.clientY - from.clientY) < 60)
				this.step(across > 0 ? -1 : 1);
			from = null;
		});
	}

	// ---- One file ----

	#leave() {
		this.#stop?.abort();
		for (const player of this.stage.querySelectorAll("audio, video")) {
			player.pause();
			player.removeAttribute("src");
			player.load();
		}
		this.stage.replaceChildren();
	}

	#draw() {
		const { entry } = this, name = visible(entry.name);
		this.#leave();
		this.#stop = new AbortController();
		this.title.replaceChildren(element("bdi", { title: name }, name));
		this.at.textContent = this.#entries.length > 1
			? `${words.number(this.#index + 1)} of ${words.number(this.#entries.length)}` : "";
		this.before.disabled = this.#index === 0;
		this.next.disabled = this.#index === this.#entries.length - 1;
		this.tools.replaceChildren(...this.#on.actions(entry).map((action) => button(action.label,
			{ icon: action.icon, quiet: true, onclick: action.run })),
		this.info, button("Close", { icon: "close", quiet: true, onclick: () => this.#on.close() }));
		this.#show(entry, this.#stop.signal);
		if (!this.facts.hidden)
			this.#drawFacts(entry);
		this.title.focus();
	}

	#cannot(entry, why) {
		const is_other = !why;
		this.stage.replaceChildren(empty("file", visible(entry.name),
			why ?? `${kindName(entry)}, ${words.size(entry.size)}. It can't be shown here.`,
			element("a", { className: "button main", href: `${entry.address}?download`, download: "" },
				icon("download"), "Download"),
			is_other && button("Show as text", { icon: "text",
				onclick: () => this.#text(entry, this.#stop.signal) })));
	}

	#show(entry, signal) {
		const failed = () => this.#cannot(entry, "It can't be shown: it is damaged, of a kind that this " +
			"browser does not know, or gone.");
		const name = visible(entry.name);
		if (entry.kind === "picture") {
			const picture = element("img", { alt: name, className: "pv-picture", decoding: "async" });
			picture.addEventListener("error", failed);
			picture.src = entry.address;
			this.stage.replaceChildren(picture);
		} else if (entry.kind === "video" || entry.kind === "audio") {
			const player = element(entry.kind, { controls: true, ariaLabel: name, preload: "metadata" });
			player.addEventListener("error", failed);
			player.src = entry.address;
			this.stage.replaceChildren(entry.kind === "audio" ? element("div", { className: "pv-audio" },
				drawing("audio"), element("bdi", {}, name), player) : player);
		} else if (entry.kind === "pdf" && navigator.pdfViewerEnabled) {
			this.stage.replaceChildren(element("iframe", { src: entry.address, title: name,
				className: "pv-frame" }));
		} else if (entry.kind === "text") {
			this.#text(entry, signal);
		} else {
			this.#cannot(entry);
		}
	}

	async #text(entry, signal) {
		try {
			const { text, is_whole } = await textOf(entry, signal);
			if (signal.aborted)
				return;
			if (text === null) {
				this.#cannot(entry, "This is no text.");
				return;
			}
			const shown = element("pre", { className: "pv-text", tabIndex: 0, dir: "auto",
				role: "region", ariaLabel: `Text of ${visible(entry.name)}` }, text);
			this.stage.replaceChildren(element("div", { className: "pv-page" }, shown, is_whole ? null
				: element("p", { className: "pv-cut" }, `The first ${words.size(TEXT_BYTES_MAX)} of ` +
					`${words.size(entry.size)}. `,
				element("a", { href: `${entry.address}?download`, download: "" }, "Download all of it"))));
		} catch (error) {
			if (!signal.aborted)
				this.#cannot(entry, error.message);
		}
	}

	// ---- Details ----

	#details() {
		this.facts.hidden = !this.facts.hidden;
		this.info.setAttribute("aria-pressed", String(!this.facts.hidden));
		if (!this.facts.hidden)
			this.#drawFacts(this.entry);
	}

	#drawFacts(entry) {
		const sum = element("dd", {}, button("Compute", { className: "pv-compute",
			onclick: () => this.#digest(entry, sum) }));
		const row = (name, ...value) => [element("dt", {}, name), element("dd", {}, ...value)];
		this.facts.replaceChildren(element("h3", {}, "Details"), element("dl", {},
			...row("Name", element("bdi", {}, visible(entry.name))),
			...row("Kind", kindName(entry)),
			...row("Size", words.size(entry.size),
				entry.size > 999 ? element("span", { className: "soft" },
					` (${words.count(entry.size, "byte")})`) : null),
			...row("Changed", words.full_time(new Date(entry.modified))),
			...row("In", element("bdi", {}, visible(decoded(folderOf(entry.address))))),
			...row("Link", element("bdi", { className: "pv-link" }, linkTo(entry))),
			element("dt", {}, "SHA-256"), sum));
	}

	async #digest(entry, place) {
		const { signal } = this.#stop;
		place.replaceChildren(element("span", { role: "status" }, "It is being computed…"));
		const answer = await ask("GET", `${entry.address}?sha256`, { signal });
		if (signal.aborted)
			return;
		const [digest] = /^[0-9a-f]{64}/.exec(answer.text) ?? [];
		if (!answer.ok || !digest) {
			place.replaceChildren(element("span", { role: "status" }, answer.why, " "),
				button("Try again", { onclick: () => this.#digest(entry, place) }));
			return;
		}
		const again = button("Copy", { icon: "copy", title: "Copy the checksum",
			onclick: () => copy(digest, "The checksum") });
		place.replaceChildren(element("code", { className: "pv-digest" }, digest), again);
		again.focus();
	}
}
