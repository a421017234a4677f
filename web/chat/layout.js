// layout.js - what the view is made of: rooms, messages, people, side by side where there is room;
// else rooms and people lie above the messages when they are asked for.
import { button, element, icon, unique } from "../core/dom.js";

const NARROW = matchMedia("(max-width: 47.99rem)"), MIDDLE = matchMedia("(max-width: 69.99rem)");

// A panel at one side: {root, list..., open(opener), close()}.
function panel(side, title, where) {
	const id = unique("chat-panel");
	const name = element("h2", { id: `${id}-title` }, title);
	const close = button(`Close: ${title}`, { icon: "close", quiet: true, title: "Close",
		className: "closer" });
	const scroll = element("div", { className: "scroll" });
	const root = element(where, { id, className: `panel ${side}`, "aria-labelledby": name.id },
		element("header", {}, name, close), scroll);
	return { root, name, close, scroll };
}

export function build_rooms() {
	const made = panel("rooms", "Rooms", "nav");
	made.make = button("New room", { icon: "plus", quiet: true });
	made.close.before(made.make);
	made.list = element("ul", {});
	made.others_title = element("h3", { id: unique("chat-others"), hidden: true }, "More rooms");
	made.others = element("ul", { "aria-labelledby": made.others_title.id });
	made.scroll.append(made.list, made.others_title, made.others);
	made.self = element("span", { className: "self" });
	made.corner = button("Without a browser", { icon: "help", title: "Come in by nc or weft chat" });
	made.leave = button("Leave", { className: "leave" });
	made.me = element("div", { className: "me" }, made.self, made.leave);
	made.root.append(element("footer", {}, made.corner, made.me));
	return made;
}

export function build_people() {
	const made = panel("people", "People here", "section");
	made.list = element("ul", {});
	made.scroll.append(made.list);
	return made;
}

export function build_room(rooms, people) {
	const made = {
		open_rooms: element("button", { type: "button", className: "quiet open-rooms",
			"aria-controls": rooms.root.id, title: "Rooms" }, icon("menu"),
			element("span", { className: "sr" }, "Rooms")),
		elsewhere: element("span", { className: "badge", hidden: true }),
		name: element("h1", { id: unique("chat-room") }),
		topic: element("p", { className: "topic", dir: "auto" }),
		bell: button("Notifications", { icon: "bell", quiet: true, ariaPressed: "false" }),
		open_people: element("button", { type: "button", className: "open-people",
			"aria-controls": people.root.id }, icon("people"), element("span", {})),
		more: button("More about this room", { icon: "more", quiet: true, ariaHasPopup: "menu" }),
		state: element("p", { className: "state", role: "status", hidden: true }),
		older: element("p", { className: "older", hidden: true }, "Loading what was said before…"),
		nothing: element("p", { className: "nothing", hidden: true },
			"Nothing has been said here yet."),
		feed: element("ol", { className: "feed" }),
		down: element("button", { type: "button", className: "down", hidden: true }),
		typing: element("p", { className: "typing", "aria-live": "off" }),
	};
	made.open_rooms.append(made.elsewhere);
	made.scroller = element("div", { className: "scroller", tabIndex: 0, role: "region",
		ariaLabel: "Messages" }, made.older, made.nothing,
		element("div", { className: "log", role: "log", "aria-live": "polite",
			ariaLabel: "Messages of this room" }, made.feed));
	made.root = element("section", { className: "room", "aria-labelledby": made.name.id },
		element("header", {}, made.open_rooms,
			element("div", { className: "titles" }, made.name, made.topic),
			made.bell, made.open_people, made.more),
		made.state, made.scroller, element("div", { className: "edge" }, made.down), made.typing);
	return made;
}

// Panels open and close; what opens takes the focus, what closes gives it back.
export class Panels {
	constructor(hall, room, panels) {
		this.hall = hall;
		this.room = room;
		this.panels = panels;
		this.opener = null;
		const shade = element("div", { className: "shade", onclick: () => this.close() });
		hall.append(shade);
		for (const one of panels)
			one.close.addEventListener("click", () => this.close());
		hall.addEventListener("keydown", (event) => {
			if (event.key !== "Escape" || !this.is_open)
				return;
			event.preventDefault();
			this.close();
		});
		NARROW.addEventListener("change", () => this.close());
		MIDDLE.addEventListener("change", () => this.close());
	}

	get is_open() {
		return this.opener !== null;
	}

	open(which, opener) {
		this.close();
		this.opener = opener;
		which.root.classList.add("open");
		this.hall.classList.add("covered");
		this.room.inert = true;
		which.close.focus();
	}

	close() {
		if (!this.is_open)
			return;
		const opener = this.opener;
		this.opener = null;
		for (const { root } of this.panels)
			root.classList.remove("open");
		this.hall.classList.remove("covered");
		this.room.inert = false;
		opener.focus();
	}
}
