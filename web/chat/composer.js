// composer.js - where people type: it grows with the text, Enter sends; and a line below it that
// says why something could not be done.
import { $ } from "./elements.js";
import { byteLength, TEXT_BYTES_MAX } from "./words.js";

const TOLD_MS = 15000;
const TYPING_EVERY_MS = 5000;

// On a phone, Enter is a new line.
export const is_touch = matchMedia("(pointer: coarse) and (hover: none)");

export function fit_text() {
	const text = $("text");
	text.style.setProperty("height", "auto");
	text.style.setProperty("height", `${text.scrollHeight + 2}px`);
}

let timer = 0;

export function hint(why) {
	$("hint").textContent = why;
	$("hint").hidden = !why;
	clearTimeout(timer);
	if (why)
		timer = setTimeout(() => hint(""), TOLD_MS);
}

// submit(text) returns why not, or ""; typing() is called now and then while somebody types.
export function attend_composer({ submit, typing }) {
	let told_at = 0;

	$("composer").addEventListener("submit", async (event) => {
		event.preventDefault();
		const text = $("text").value;
		if (!text.trim())
			return;
		const why = byteLength(text) > TEXT_BYTES_MAX ? "This is too long for one message."
			: await submit(text);
		hint(why);
		if (why)
			return;
		$("text").value = "";
		fit_text();
	});
	$("text").addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing || is_touch.matches)
			return;
		event.preventDefault();
		$("composer").requestSubmit();
	});
	$("text").addEventListener("input", () => {
		fit_text();
		hint("");
		const text = $("text").value;
		if (Date.now() - told_at < TYPING_EVERY_MS || !text.trim() || text.startsWith("/"))
			return;
		told_at = Date.now();
		typing();
	});
}
