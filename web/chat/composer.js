// composer.js - where people type: it grows with the text, Enter sends; and a line below it that
// says why something could not be done.
import { button, element, icon, unique } from "../core/dom.js";
import { byte_length, TEXT_BYTES_MAX } from "./words.js";

const TOLD_MS = 15000;
const TYPING_EVERY_MS = 5000;

// On a phone, Enter is a new line.
export const is_touch = matchMedia("(pointer: coarse) and (hover: none)");

export class Composer {
	// submit(text): a promise of why not, or ""; typing() is called now and then while somebody types.
	constructor({ submit, typing, attach }) {
		const id = unique("chat-text");
		this.text = element("textarea", { id, rows: 1, enterKeyHint: "send", autocomplete: "off",
			dir: "auto", className: "text-field" });
		this.attach = button("Share a file", { icon: "attach", quiet: true, onclick: attach });
		this.send = element("button", { className: "main", ariaLabel: "Send", title: "Send" },
			icon("send"));
		this.told = element("p", { className: "hint", role: "status", hidden: true });
		this.root = element("form", { className: "composer", ariaLabel: "Say something" },
			this.attach, element("label", { className: "sr", htmlFor: id }, "Message"), this.text,
			this.send, this.told);
		this.told_at = 0;
		this.root.addEventListener("submit", (event) => this.#submit(event, submit));
		this.text.addEventListener("keydown", (event) => this.#key(event));
		this.text.addEventListener("input", () => this.#input(typing));
	}

	async #submit(event, submit) {
		event.preventDefault();
		const text = this.text.value;
		if (!text.trim())
			return;
		const why = byte_length(text) > TEXT_BYTES_MAX ? "This is too long for one message."
			: await submit(text);
		this.hint(why);
		if (why)
			return;
		this.value = "";
		this.told_at = 0; // what comes next is another message
	}

	#key(event) {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing || is_touch.matches)
			return;
		event.preventDefault();
		this.root.requestSubmit();
	}

	#input(typing) {
		this.fit();
		this.hint("");
		const text = this.text.value;
		if (Date.now() - this.told_at < TYPING_EVERY_MS || !text.trim() || text.startsWith("/"))
			return;
		this.told_at = Date.now();
		typing();
	}

	get value() {
		return this.text.value;
	}

	set value(text) {
		this.text.value = text;
		this.fit();
	}

	// As high as what is in it.
	fit() {
		this.text.style.setProperty("height", "auto");
		if (this.text.scrollHeight)
			this.text.style.setProperty("height", `${this.text.scrollHeight + 2}px`);
	}

	focus() {
		this.text.focus();
	}

	enable(is_enabled, placeholder) {
		this.text.disabled = this.send.disabled = this.attach.disabled = !is_enabled;
		this.text.placeholder = placeholder;
	}

	hint(why) {
		this.told.textContent = why;
		this.told.hidden = !why;
		clearTimeout(this.timer);
		if (why)
			this.timer = setTimeout(() => this.hint(""), TOLD_MS);
	}
}
