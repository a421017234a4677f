// hall.js - the rooms as this page knows them: which there are, who is in them, what was said. What
// the server says comes in, what people do goes out; nothing of the screen, which is told by
//
//	rooms()                      another one, or another count of what was not read
//	head(room)                   its name, topic, rules, how many are there
//	people(room), typing(room)
//	added(room, index)           one more entry of its log
//	fetched(room, seqs)          several, anywhere in it
//	anew(room)                   all of its log is another one
//	deleted(room, seq)
//	posted(room, post), settled(room, post), failed(room, post)   what I say
//	heard(room, entry)           somebody else has said something now
//	note(room, ...parts)         a line that no log has; room null: wherever one looks
//	entered(room)                I am in it now
//	dropped(room, why)           I am not in it any more
//	fetching(room, is_fetching)
//
// Never: trusts that what the server says of one room is of the one that is looked at.
import { remember, remembered } from "./kept.js";
import { Room, entry_of, person_key } from "./room.js";
import * as words from "./words.js";

export const PAGE = 60; // entries that are fetched at a time
const KEPT_MAX = 2000; // entries of a room
const GAP_MAX = 600; // what was missed beyond that is fetched when somebody scrolls there
const TYPING_MS = 6000;

export const is_direct = (name) => name.startsWith("@");

export class Hall {
	constructor(link, screen) {
		this.link = link;
		this.screen = screen;
		this.self = null; // {who, guest, make}
		this.wanted = ""; // the room that the address asks for
		this.rooms = new Map(); // name: Room
		this.coming = new Map(); // name: the promise of being in that room
		this.tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("weft.chat") : null;
		this.tabs?.addEventListener("message", ({ data }) => this.#read_elsewhere(data));
		link.addEventListener("event", ({ detail }) => this.#heard(detail));
		link.addEventListener("accepted", ({ detail }) => this.#accepted(detail));
		link.addEventListener("refused", ({ detail }) => this.#refused(detail));
	}

	// Somebody is in: {who, guest, make}.
	begin_as(self) {
		if (this.self && person_key(this.self) !== person_key(self))
			this.forget_all();
		this.self = self;
	}

	forget_all() {
		this.self = null;
		this.rooms.clear();
		this.coming.clear();
	}

	own_key(what) {
		return `${what}.${this.self.guest ? "~" : ""}${this.self.who}`;
	}

	sorted() {
		const by_title = (a, b) => (a.title.toLowerCase() < b.title.toLowerCase() ? -1 : 1);
		return [...this.rooms.values()].sort(by_title);
	}

	// ---- Rooms -----------------------------------------------------------------------------

	room_of(name) {
		if (!this.rooms.has(name))
			this.rooms.set(name, new Room(name, () => this.self));
		return this.rooms.get(name);
	}

	// A row of the list of rooms.
	#take_facts(row) {
		const room = this.room_of(row.room);
		const { private: is_private, direct, "read-only": read_only, guests, slow, moderator } = row;
		room.flags = { is_private, direct, read_only, guests, slow, moderator };
		room.topic = row.text ?? "";
		room.count = row.count;
		if (!room.is_here) {
			room.last_known = row.last;
			room.read = Math.max(room.read, row.read);
		}
	}

	async list_rooms() {
		const listed = new Set();
		let after = "", answer = { more: true };
		while (answer.more) {
			const got = await this.link.ask({ do: "rooms", ...(after && { room: after }) });
			answer = got.answer;
			for (const row of got.rows) {
				this.#take_facts(row);
				listed.add(row.room);
			}
			after = got.rows.at(-1)?.room;
			answer.more &&= Boolean(after);
		}
		for (const room of this.rooms.values())
			room.is_listed = listed.has(room.name);
		this.screen.rooms();
	}

	// The answer. Whoever joins meanwhile waits for the same one.
	join(name) {
		if (!this.coming.has(name))
			this.coming.set(name, this.#join_once(name).finally(() => this.coming.delete(name)));
		return this.coming.get(name);
	}

	async #join_once(name) {
		const room = this.rooms.get(name);
		const has_log = room?.log.epoch && room.log.last > 0;
		const { answer } = await this.link.ask(has_log
			? { do: "join", room: name, epoch: room.log.epoch, seq: room.log.last }
			: { do: "join", room: name, last: PAGE });
		if (answer.ok)
			await this.#came_in(this.room_of(answer.room), answer);
		return answer;
	}

	// The log so far came before the answer.
	async #came_in(room, answer) {
		const own = remembered(this.own_key("read"), {})[room.name];
		room.read = Math.max(room.read, answer.read, own?.epoch === answer.epoch ? own.seq : 0);
		room.is_here = true; // who was in already gets no event of it
		room.last_known = answer.last;
		// The server has joined it for us, without what came since.
		if (is_direct(room.name) && room.log.last && room.log.last < answer.last)
			room.log.miss(room.log.last + 1, answer.last);
		// What was said before the first visit is not news, but what was said to me alone is.
		if (!is_direct(room.name))
			room.read ||= answer.last;
		this.#remember_rooms();
		this.screen.entered(room);
		this.screen.rooms();
		this.#fill_holes(room);
		await this.list_people(room);
	}

	async list_people(room) {
		const { rows } = await this.link.ask({ do: "members", room: room.name });
		room.people = new Map(rows.map((row) => [person_key(row), row]));
		this.screen.people(room);
	}

	#remember_rooms() {
		const names = [...this.rooms.values()].filter((room) => room.is_here)
			.map((room) => room.name);
		remember(this.own_key("rooms"), names.filter((name) => !is_direct(name)));
	}

	#dropped(room, why) {
		room.is_here = false;
		room.people.clear();
		this.#remember_rooms();
		this.screen.dropped(room, why);
		this.screen.rooms();
	}

	// ---- Coming in -------------------------------------------------------------------------

	// Where I was, or was last time; else the lobby.
	#rooms_to_join() {
		const here = [...this.rooms.values()].filter((room) => room.is_here).map((room) => room.name);
		const usual = this.rooms.get("lobby") ??
			[...this.rooms.values()].find((room) => room.is_listed);
		const wanted = new Set([this.wanted].filter(Boolean));
		// Rooms of two are joined by the server, before anything else.
		const is_anywhere = here.some((name) => !is_direct(name));
		const before = remembered(this.own_key("rooms"), []).filter((name) => !is_direct(name));
		for (const name of is_anywhere ? [] : before)
			wanted.add(name);
		if (!is_anywhere && wanted.size === 0 && usual)
			wanted.add(usual.name);
		return [...wanted, ...here.filter((name) => !wanted.has(name))];
	}

	// Into all rooms. The first of them, or null; why the one that was asked for is not.
	async come_in() {
		await this.list_rooms();
		const names = this.#rooms_to_join();
		for (const room of this.rooms.values())
			room.is_here = false;
		const answers = await Promise.all(names.map(async (name) => [name, await this.join(name)]));
		this.link.say_all();
		for (const [name, answer] of answers)
			if (answer && !answer.ok && this.rooms.has(name))
				this.#dropped(this.rooms.get(name), answer.text);
		this.screen.rooms();
		const first = answers.find(([, answer]) => answer?.ok)?.[1].room;
		const refused = answers.find(([name, answer]) => name === this.wanted && !answer?.ok);
		return { first: first ? this.rooms.get(first) : null,
			why: refused ? `${refused[0]}: ${refused[1]?.text ?? "no answer"}` : "" };
	}

	// ---- The log ---------------------------------------------------------------------------

	#note_deleted(room, seq) {
		const entry = room.log.at(seq);
		if (!entry)
			return;
		entry.deleted = true;
		entry.text = "";
		this.screen.deleted(room, seq);
	}

	// What is said now, or was since we were away.
	#hear(event) {
		const room = this.room_of(event.room);
		this.#check_epoch(room, event.epoch);
		const entry = entry_of(event);
		const index = room.log.append(entry);
		if (index < 0)
			return;
		if (room.log.holes.length)
			this.#fill_holes(room);
		room.last_known = Math.max(room.last_known, entry.seq);
		if (entry.kind === "deleted")
			this.#note_deleted(room, entry.target);
		if (entry.kind === "topic") {
			room.topic = entry.text;
			this.screen.head(room);
		}
		this.#stop_typing(room, entry);
		this.#match_post(room, entry);
		this.screen.added(room, index);
		if (this.coming.has(room.name))
			return;
		if (entry.kind === "message" && !room.is_own(entry))
			this.screen.heard(room, entry);
		else if (entry.kind === "notice" && room.is_here)
			this.list_people(room).catch(() => {}); // who is muted, who moderates
	}

	#check_epoch(room, epoch) {
		if (room.log.epoch === epoch)
			return;
		const had_any = room.log.epoch !== "";
		room.log.reset(epoch);
		if (!had_any)
			return;
		room.read = 0;
		this.screen.anew(room);
	}

	// A room that goes on and on: the oldest can be fetched again.
	trim(room) {
		const { entries } = room.log;
		if (entries.length <= KEPT_MAX)
			return;
		room.log.forget(entries[entries.length - KEPT_MAX / 2].seq);
		this.screen.anew(room);
	}

	// Which numbers went by: the newest of them are fetched, the others wait until somebody looks.
	#missed(event) {
		const room = this.room_of(event.room);
		this.#check_epoch(room, event.epoch);
		if (event.to - event.from < GAP_MAX) {
			room.log.miss(event.from, event.to);
			this.#fill_holes(room);
			return;
		}
		room.log.forget(event.to);
		room.last_known = Math.max(room.last_known, event.to);
		this.screen.anew(room);
	}

	async #fill_holes(room) {
		if (room.is_filling)
			return;
		room.is_filling = true;
		try {
			while (room.log.holes.length) {
				const hole = room.log.holes.at(-1);
				const limit = Math.min(500, hole.to - hole.from + 1);
				await this.#fetch_before(room, hole.to + 1, limit, hole.from);
			}
		} catch {
			// The connection is lost: it is gone on with when it is back.
		} finally {
			room.is_filling = false;
		}
	}

	// A page of what was said before a number; from: no further than that.
	async #fetch_before(room, before, limit, from = 0) {
		const epoch = room.log.epoch;
		const { answer, rows } = await this.link.ask({ do: "history", room: room.name, before, limit });
		if (room.log.epoch !== epoch)
			return;
		const wanted = rows.filter((row) => row.epoch === epoch && row.seq >= from);
		const added = wanted.filter((row) => room.log.insert(entry_of(row)) >= 0);
		wanted.filter((row) => row.event === "deleted")
			.forEach((row) => this.#note_deleted(room, row.target));
		for (const row of added)
			this.#match_post(room, entry_of(row));
		const reached = answer.ok && answer.more && rows.length ? rows[0].seq : 0;
		room.log.filled(reached, before - 1);
		if (!from)
			room.log.has_more = reached > 1;
		this.screen.fetched(room, added.map((row) => row.seq));
	}

	// One more page of what was said before. Whether there may be still more.
	async fetch_back(room) {
		const first = room.log.first; // 0: nothing came by itself, as of a room of two
		if (!room.is_here || !room.log.has_more || room.is_fetching || first === 1 ||
			(first === 0 && room.last_known === 0))
			return false;
		room.is_fetching = true;
		this.screen.fetching(room, true);
		try {
			await this.#fetch_before(room, first, PAGE);
			return room.log.has_more;
		} catch {
			return false; // it is tried again when somebody scrolls
		} finally {
			room.is_fetching = false;
			this.screen.fetching(room, false);
		}
	}

	// ---- What I say ------------------------------------------------------------------------

	// path: a file of the server's, instead of the text.
	say(room, text, path) {
		const post = { id: words.new_id(), room: room.name, text, path };
		room.posts.set(post.id, post);
		this.screen.posted(room, post);
		this.link.say(post);
	}

	drop_post(post) {
		const room = this.room_of(post.room);
		room.posts.delete(post.id);
		this.screen.settled(room, post);
	}

	say_again(post) {
		this.drop_post(post);
		this.say(this.room_of(post.room), post.text, post.path);
	}

	// OK and the message itself come in any order.
	#accepted({ post, answer }) {
		post.seq = answer.seq;
		if (this.room_of(post.room).log.at(answer.seq))
			this.drop_post(post);
	}

	#match_post(room, entry) {
		for (const post of room.posts.values())
			if (post.seq === entry.seq)
				this.drop_post(post);
	}

	#refused({ post, answer }) {
		post.why = answer.wait_ms ? `${answer.text} (${Math.ceil(answer.wait_ms / 1000)} s)`
			: answer.text;
		this.screen.failed(this.room_of(post.room), post);
	}

	// The answer; it fails with a sentence.
	async do(command) {
		const { answer, rows } = await this.link.ask(command);
		if (!answer.ok)
			throw new Error(words.sentence(answer.text));
		return { answer, rows };
	}

	// ---- What was read ---------------------------------------------------------------------

	// Up to the newest; told soon, and once for all that comes until then.
	read(room) {
		room.read = room.log.last;
		clearTimeout(this.read_timer);
		this.read_timer = setTimeout(() => this.#tell_read(room), 800);
	}

	// The server tells it to who comes in, not to who is in: other tabs hear it from this one.
	#read_elsewhere({ who, name, epoch, seq }) {
		const room = this.self && who === person_key(this.self) ? this.rooms.get(name) : null;
		if (room?.log.epoch !== epoch || room.read >= seq)
			return;
		room.read = seq;
		this.screen.rooms();
	}

	#tell_read(room) {
		if (this.self)
			this.tabs?.postMessage({ who: person_key(this.self), name: room.name, epoch: room.log.epoch, seq: room.read });
		const all = this.self && remembered(this.own_key("read"), {});
		if (this.self?.guest)
			remember(this.own_key("read"), { ...all,
				[room.name]: { epoch: room.log.epoch, seq: room.read } });
		else if (this.self)
			this.link.ask({ do: "read", room: room.name, seq: room.read }).catch(() => {});
	}

	// ---- What happens ----------------------------------------------------------------------

	#stop_typing(room, person) {
		clearTimeout(room.typing.get(person.who));
		if (room.typing.delete(person.who))
			this.screen.typing(room);
	}

	#entered(event) {
		const room = this.room_of(event.room);
		this.#check_epoch(room, event.epoch);
		room.is_here = true;
		room.topic = event.text ?? "";
		room.count = event.count;
		// Of two: nobody has asked for it.
		if (!this.coming.has(room.name))
			this.join(room.name).catch(() => {});
		this.screen.rooms();
	}

	#joined(room, event) {
		room.count = event.count;
		room.people.set(person_key(event), { who: event.who, guest: event.guest === true });
		this.screen.people(room);
		this.screen.note(room, { person: event }, " has come in");
	}

	#left(room, event) {
		room.count = event.count;
		room.people.delete(person_key(event));
		this.#stop_typing(room, event);
		this.screen.people(room);
		this.screen.note(room, { person: event }, event.text ? ` has left: ${event.text}` : " has left");
	}

	#typing(room, event) {
		if (this.self && person_key(event) === person_key(this.self))
			return; // in another tab
		clearTimeout(room.typing.get(event.who));
		room.typing.set(event.who, setTimeout(() => this.#stop_typing(room, event), TYPING_MS));
		this.screen.typing(room);
	}

	async #changed(room, event) {
		this.screen.note(room, `From now on: ${event.text}`);
		await this.list_rooms();
		this.screen.head(room);
		await this.list_people(room);
	}

	#heard(event) {
		const room = event.room && event.event !== "invited" ? this.room_of(event.room) : null;
		switch (event.event) {
		case "message": case "topic": case "notice": case "deleted":
			return this.#hear(event);
		case "gap":
			return this.#missed(event);
		case "entered":
			return this.#entered(event);
		case "exited":
			return this.#dropped(room, event.text ?? "");
		case "joined":
			return this.#joined(room, event);
		case "left":
			return this.#left(room, event);
		case "count":
			room.count = event.count;
			return this.screen.head(room);
		case "typing":
			return this.#typing(room, event);
		case "changed":
			return void this.#changed(room, event).catch(() => {});
		case "invited":
			this.list_rooms().catch(() => {});
			return this.screen.note(null, { person: event }, " invites you: ", { room: event.room });
		default:
			return null; // of a server that can more
		}
	}
}
