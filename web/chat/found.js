// found.js - searching what was said in a room.
import { button, element, field, moment } from "../core/dom.js";
import { dialog } from "../core/talk.js";
import { person_name } from "./elements.js";

function row(found) {
	return element("li", {}, element("p", {}, person_name(found.who, found), " ",
		moment(Date.parse(found.at) / 1000)),
	element("p", { className: "text", dir: "auto" }, found.text ?? ""));
}

export function search(hall, room) {
	const text = element("input", { enterKeyHint: "search", autocomplete: "off", required: true });
	const told = element("p", { className: "told", role: "status" });
	const list = element("ol", { className: "found" });
	const more = button("Look further back", { hidden: true, onclick: () => look(true) });
	let next = 0;

	async function look(goes_on) {
		const command = { do: "search", room: room.name, text: text.value.trim(),
			...(goes_on && { next }) };
		const { answer, rows } = await hall.do(command);
		list.replaceChildren(...goes_on ? list.children : [], ...rows.map(row));
		next = answer.next ?? 0;
		more.hidden = !next;
		told.textContent = list.children.length ? "" : next ? "Nothing yet." : "Nothing was found.";
		return false; // the dialog stays
	}
	dialog({ title: `Search in ${room.title}`, className: "search", content: [
		field("Words, or parts of them", text), told, list, more],
	actions: [{ label: "Search", main: true, run: () => look(false) }] });
}
