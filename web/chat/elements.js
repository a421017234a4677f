// elements.js - elements made of facts: names, faces, rows of lists.
//
// Never: makes elements of text: all that people wrote becomes text nodes.
import * as words from "./words.js";

export const $ = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(properties))
		if (key in made)
			made[key] = value;
		else
			made.setAttribute(key, value);
	made.append(...children);
	return made;
}

// A drawing of one line, in a square of 24.
export function icon(d) {
	const svg = "http://www.w3.org/2000/svg";
	const made = document.createElementNS(svg, "svg"), line = document.createElementNS(svg, "path");
	made.setAttribute("viewBox", "0 0 24 24");
	made.setAttribute("aria-hidden", "true");
	line.setAttribute("d", d);
	made.append(line);
	return made;
}

export function face(name) {
	const made = element("span", { className: "face", ariaHidden: "true" }, words.initialOf(name));
	made.style.setProperty("--hue", words.hueOf(name));
	return made;
}

export function personName(who, { guest, server } = {}) {
	const made = element("span", { className: "who" }, element("bdi", {}, who));
	made.style.setProperty("--hue", words.hueOf(who));
	if (guest || server)
		made.append(" ", element("span", { className: "kind" }, guest ? "guest" : "server"));
	return made;
}

// A room in the list.
export function roomItem(room, { is_current, has_unread }) {
	const button = element("a", { href: `#${encodeURIComponent(room.name)}` },
		room.flags.direct || room.name.startsWith("@") ? face(room.title)
			: element("span", { className: "mark", ariaHidden: "true" },
				room.flags.is_private ? "🔒" : "#"),
		element("bdi", { className: "name" }, room.title));
	if (is_current)
		button.setAttribute("aria-current", "true");
	if (has_unread)
		button.append(element("span", { className: "badge" },
			room.unread > 99 ? "99+" : String(room.unread),
			element("span", { className: "sr" }, " unread")));
	button.classList.toggle("unread", has_unread);
	return element("li", {}, button);
}

// Somebody in the list of those who are here; talk: to call for a talk of two, or null.
export function personItem(member, is_me, talk) {
	const tags = [is_me && "you", member.moderator && "moderator", member.muted && "muted"]
		.filter(Boolean);
	const parts = [face(member.who), personName(member.who, member)];
	if (tags.length)
		parts.push(element("span", { className: "kind" }, tags.join(", ")));
	if (!talk)
		return element("li", {}, element("span", { className: "person" }, ...parts));
	const button = element("button", { type: "button", className: "person",
		title: `Talk to ${member.who} alone` }, ...parts);
	button.onclick = talk;
	return element("li", {}, button);
}

// A row of a list that was asked for by a command, for people.
export function describe(row) {
	if (row.event === "message" || row.event === "notice" || row.event === "topic")
		return [`${words.fullTime(new Date(row.at))} · ${row.room} · `,
			personName(row.who, row), ` ${row.text ?? ""}`];
	const facts = Object.entries(row).filter(([key]) => !["event", "tag", "text"].includes(key));
	return [[...facts.map(([key, value]) => value === true ? key : `${key} ${value}`), row.text]
		.filter(Boolean).join(" · ")];
}
