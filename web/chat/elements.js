// elements.js - elements made of facts: people, rooms, rows of what was asked for.
//
// Never: makes elements of text: all that people wrote becomes text nodes.
import { element, face, icon } from "../core/dom.js";
import * as words from "./words.js";

export const address_of_room = (name) => `/.weft/chat/${encodeURIComponent(name)}`;

export function person_name(who, { guest, server } = {}) {
	const made = element("span", { className: "who" }, element("bdi", {}, who));
	made.style.setProperty("--hue", words.hue(who));
	if (guest || server)
		made.append(" ", element("span", { className: "kind" }, guest ? "guest" : "server"));
	return made;
}

// A room in the list.
export function room_item(room, { is_current, has_unread, rings }) {
	const is_two = room.flags.direct || room.name.startsWith("@");
	const link = element("a", { href: address_of_room(room.name) },
		is_two ? face(room.title)
			: element("span", { className: "mark", ariaHidden: "true" },
				room.flags.is_private ? icon("lock") : "#"),
		element("bdi", { className: "name" }, room.title),
		rings && icon("bell"),
		rings && element("span", { className: "sr" }, " with notifications"),
		has_unread && element("span", { className: "badge" },
			room.unread > 99 ? "99+" : String(room.unread),
			element("span", { className: "sr" }, " unread")));
	if (is_current)
		link.setAttribute("aria-current", "page");
	link.classList.toggle("unread", has_unread);
	return element("li", {}, link);
}

// Somebody in the list of those who are here; open(event): what can be done, or null.
export function person_item(member, is_me, open) {
	const tags = [member.guest && "guest", is_me && "you", member.moderator && "moderator", member.muted && "muted"]
		.filter(Boolean);
	const parts = [face(member.who), person_name(member.who),
		tags.length > 0 && element("span", { className: "kind" }, tags.join(", "))];
	if (!open)
		return element("li", {}, element("span", { className: "person" }, ...parts));
	return element("li", {}, element("button", { type: "button", className: "person",
		ariaHasPopup: "menu", onclick: open, dataset: { who: member.who } }, ...parts));
}

// A row of a list that was asked for by a command, for people.
export function describe(row) {
	if (row.event === "message" || row.event === "notice" || row.event === "topic")
		return [`${words.full_time(new Date(row.at))} · ${row.room} · `,
			person_name(row.who, row), ` ${row.text ?? ""}`];
	const facts = Object.entries(row).filter(([key]) => !["event", "tag", "text"].includes(key));
	return [[...facts.map(([key, value]) => value === true ? key : `${key} ${value}`), row.text]
		.filter(Boolean).join(" · ")];
}

// Parts of a line: texts, {person}, {room}.
export const parts_of_note = (parts) => parts.map((part) => part.person
	? person_name(part.person.who, part.person)
	: part.room ? element("a", { href: address_of_room(part.room) }, part.room) : part);
