// room.js - what the page knows of one room.
import { Log } from "./log.js";
import * as words from "./words.js";

export const person_key = (person) => (person.guest ? "~" : "") + person.who;

// An entry of the log, of what the server says.
export function entry_of(event) {
	return { seq: event.seq, kind: event.event, at: event.at, who: event.who,
		guest: event.guest === true, server: event.server === true, text: event.text ?? "",
		file: event.file, target: event.target, deleted: event.event === "message" && !event.text };
}

export class Room {
	// self(): who I am now.
	constructor(name, self) {
		this.name = name;
		this.who_am_i = self;
		this.log = new Log();
		this.posts = new Map(); // id: what I said and the log has not
		this.people = new Map(); // person_key(): member
		this.typing = new Map(); // name: timer
		this.is_here = false;
		this.read = 0; // up to which number
		this.last_known = 0;
		this.count = 0;
		this.topic = "";
		this.flags = {};
		this.draft = "";
		this.counted = null; // of what was not read, as far as it was counted
	}

	get self() {
		return this.who_am_i();
	}

	get title() {
		return words.room_title(this.name, this.self?.who ?? "");
	}

	// What was said since, by others; of what the page has not fetched, all that has a number. Who
	// has never read here is told of nothing that was said before.
	get unread() {
		const { first, entries } = this.log;
		if (!this.is_here || !entries.length)
			return this.read ? Math.max(0, this.last_known - this.read) : 0;
		return (this.read ? Math.max(0, first - this.read - 1) : 0) + this.#fetched_unread();
	}

	// It is asked for at every message: what was looked at is not looked at again, as long as nothing
	// but what is said now has come.
	#fetched_unread() {
		const { entries, shifts } = this.log;
		const { who, guest } = this.self ?? {};
		const of = [entries, shifts, this.read, who, guest];
		if (this.counted?.of.some((one, index) => one !== of[index]) ?? true)
			this.counted = { of, to: this.log.find(this.read + 1), unread: 0 };
		for (; this.counted.to < entries.length; this.counted.to++) {
			const entry = entries[this.counted.to];
			const is_news = entry.kind === "message" && entry.seq > this.read;
			this.counted.unread += is_news && !this.is_own(entry);
		}
		return this.counted.unread;
	}

	is_own(entry) {
		const { who, guest } = this.self ?? {};
		return entry.who === who && (entry.guest === true) === guest && !entry.server;
	}

	may_delete(entry) {
		return !entry.deleted && (this.is_own(entry) || this.flags.moderator === true);
	}
}
