// chat.js - the page of the chat: who I am, which rooms there are, what is said in the one that is
// open. The connection is link.js's, a room's log log.js's, its messages on the screen feed.js's.
//
// Never: trusts that what the server says of one room is of the one that is open.
import { Link } from "./link.js";
import { Feed } from "./feed.js";
import { $, describe, element, face, personItem, personName, roomItem } from "./elements.js";
import { attend_composer, fit_text, hint, is_touch } from "./composer.js";
import { attend_door, log_out, show_door, show_silence, show_state } from "./door.js";
import { remember, remembered } from "./kept.js";
import { ask_home, offer_sharing } from "./files.js";
import { Room, entry_of, person_key } from "./room.js";
import { close_panels, offer_making } from "./panels.js";
import * as words from "./words.js";

const PAGE = 60; // entries that are fetched at a time
const KEPT_MAX = 2000; // entries of a room
const GAP_MAX = 600; // what was missed beyond that is fetched when somebody scrolls there
const TYPING_MS = 5000;

const link = new Link(new URL("../.chat", location.href).href.replace(/^http/, "ws"));
const feed = new Feed($("feed"), $("scroller"));
const rooms = new Map(); // name: Room
const coming = new Map(); // name: the promise of being in that room
let self = null; // {who, guest}
let current = null; // the Room that is open

const is_direct = (name) => name.startsWith("@");
const own_key = (what) => `${what}.${self.guest ? "~" : ""}${self.who}`;

// ---- Rooms --------------------------------------------------------------------------------------

function room_of(name) {
	if (!rooms.has(name))
		rooms.set(name, new Room(name, () => self));
	return rooms.get(name);
}

// A row of the list of rooms.
function take_facts(row) {
	const room = room_of(row.room);
	const { private: is_private, direct, "read-only": read_only, guests, slow, moderator } = row;
	room.flags = { is_private, direct, read_only, guests, slow, moderator };
	room.topic = row.text ?? "";
	room.count = row.count;
	room.is_listed = true;
	if (!room.is_here) {
		room.last_known = row.last;
		room.read = Math.max(room.read, row.read);
	}
}

async function list_rooms() {
	let after = "", answer = { more: true };
	while (answer.more) {
		const got = await link.ask({ do: "rooms", ...(after && { room: after }) });
		answer = got.answer;
		got.rows.forEach(take_facts);
		after = got.rows.at(-1)?.room;
		answer.more &&= Boolean(after);
	}
	show_rooms();
}

// The answer. Whoever joins meanwhile waits for the same one.
function join(name) {
	if (!coming.has(name))
		coming.set(name, join_once(name).finally(() => coming.delete(name)));
	return coming.get(name);
}

async function join_once(name) {
	const room = rooms.get(name);
	const has_log = room?.log.epoch && room.log.last > 0;
	const { answer } = await link.ask(has_log
		? { do: "join", room: name, epoch: room.log.epoch, seq: room.log.last }
		: { do: "join", room: name, last: PAGE });
	if (answer.ok)
		await came_in(room_of(answer.room), answer);
	return answer;
}

// The log so far came before the answer.
async function came_in(room, answer) {
	const own = remembered(own_key("read"), {})[room.name];
	room.read = Math.max(room.read, answer.read, own?.epoch === answer.epoch ? own.seq : 0);
	room.is_here = true; // who was in already gets no event of it
	room.last_known = answer.last;
	// The server has joined it for us, without what came since.
	if (is_direct(room.name) && room.log.last && room.log.last < answer.last)
		room.log.miss(room.log.last + 1, answer.last);
	// What was said before the first visit is not news, but what was said to me alone is.
	if (!is_direct(room.name))
		room.read ||= answer.last;
	remember_rooms();
	if (room === current)
		open_room(room);
	show_rooms();
	fill_holes(room);
	await list_people(room);
}

async function list_people(room) {
	const { rows } = await link.ask({ do: "members", room: room.name });
	room.people = new Map(rows.map((row) => [person_key(row), row]));
	if (room === current)
		show_people();
}

function remember_rooms() {
	const names = [...rooms.values()].filter((room) => room.is_here).map((room) => room.name);
	remember(own_key("rooms"), names.filter((name) => !is_direct(name)));
}

async function leave(room) {
	const { answer } = await link.ask({ do: "leave", room: room.name });
	if (!answer.ok)
		feed.note(answer.text);
}

// What is told once another room is looked at, or none.
let farewell = "";

function dropped(room, why) {
	room.is_here = false;
	room.people.clear();
	remember_rooms();
	if (room !== current) {
		show_rooms();
		return;
	}
	const next = [...rooms.values()].find((other) => other.is_here);
	if (why && why !== "left")
		farewell = `You are not in ${room.title} any more: ${why}`;
	if (next)
		go_to(next.name);
	else
		open_room(null);
}

// ---- The log ------------------------------------------------------------------------------------

function note_deleted(room, seq) {
	const entry = room.log.at(seq);
	if (!entry)
		return;
	entry.deleted = true;
	entry.text = "";
	if (room === current)
		feed.deleted(seq);
}

// What is said now, or was since we were away.
function hear(event) {
	const room = room_of(event.room);
	if (room.log.epoch !== event.epoch)
		begin_anew(room, event.epoch);
	const entry = entry_of(event);
	const index = room.log.append(entry);
	if (index < 0)
		return;
	if (room.log.holes.length)
		fill_holes(room);
	room.last_known = Math.max(room.last_known, entry.seq);
	if (entry.kind === "deleted")
		note_deleted(room, entry.target);
	if (entry.kind === "topic") {
		room.topic = entry.text;
		show_head();
	}
	stop_typing(room, entry);
	match_post(room, entry);
	if (room !== current) {
		show_unread(room);
		return;
	}
	feed.add(index);
	$("nothing").hidden = true;
	trim(room);
	see();
	show_unread(room);
}

function begin_anew(room, epoch) {
	const had_any = room.log.epoch !== "";
	room.log.reset(epoch);
	if (had_any)
		room.read = 0;
	if (room === current && had_any)
		feed.open(room);
}

// A room that goes on and on: the oldest can be fetched again.
function trim(room) {
	const { entries } = room.log;
	if (entries.length <= KEPT_MAX || !feed.is_at_end)
		return;
	room.log.forget(entries[entries.length - KEPT_MAX / 2].seq);
	feed.open(room);
}

// Which numbers went by: the newest of them are fetched, the others wait until somebody looks.
function missed(event) {
	const room = room_of(event.room);
	if (room.log.epoch !== event.epoch)
		begin_anew(room, event.epoch);
	if (event.to - event.from >= GAP_MAX) {
		room.log.forget(event.to);
		room.last_known = Math.max(room.last_known, event.to);
		if (room === current) {
			feed.open(room);
			scroll_back(); // it may be all that there is
		}
		return;
	}
	room.log.miss(event.from, event.to);
	fill_holes(room);
}

async function fill_holes(room) {
	if (room.is_filling)
		return;
	room.is_filling = true;
	try {
		while (room.log.holes.length) {
			const hole = room.log.holes.at(-1);
			await fetch_before(room, hole.to + 1, Math.min(500, hole.to - hole.from + 1), hole.from);
		}
	} catch {
		// The connection is lost: it is gone on with when it is back.
	} finally {
		room.is_filling = false;
	}
}

// A page of what was said before a number; from: no further than that.
async function fetch_before(room, before, limit, from = 0) {
	const epoch = room.log.epoch;
	const { answer, rows } = await link.ask({ do: "history", room: room.name, before, limit });
	if (room.log.epoch !== epoch)
		return;
	const wanted = rows.filter((row) => row.epoch === epoch && row.seq >= from);
	const added = wanted.filter((row) => room.log.insert(entry_of(row)) >= 0);
	wanted.filter((row) => row.event === "deleted").forEach((row) => note_deleted(room, row.target));
	for (const row of added)
		match_post(room, entry_of(row));
	const reached = answer.ok && answer.more && rows.length ? rows[0].seq : 0;
	room.log.filled(reached, before - 1);
	if (!from)
		room.log.has_more = reached > 1;
	if (room === current)
		feed.add_all(added.map((row) => row.seq));
}

async function scroll_back() {
	const room = current;
	const first = room?.log.first; // 0: nothing came by itself, as of a room of two
	if (!room?.is_here || !room.log.has_more || room.is_fetching || first === 1 ||
		(first === 0 && room.last_known === 0))
		return;
	room.is_fetching = true;
	$("more").hidden = false;
	try {
		await fetch_before(room, first, PAGE);
	} catch {
		// It is tried again when somebody scrolls.
	} finally {
		room.is_fetching = false;
		$("more").hidden = true;
	}
	if (room === current && $("scroller").scrollTop < 400 && room.log.has_more)
		scroll_back();
}

// ---- What I say ---------------------------------------------------------------------------------

// path: a file of the server's, instead of the text.
function say(room, text, path) {
	const post = { id: words.newId(), room: room.name, text, path };
	room.posts.set(post.id, post);
	feed.post(post);
	$("nothing").hidden = true;
	link.say(post);
}

function settle(room, post) {
	room.posts.delete(post.id);
	if (room === current)
		feed.post_done(post);
}

// OK and the message itself come in any order.
link.addEventListener("accepted", ({ detail: { post, answer } }) => {
	const room = room_of(post.room);
	post.seq = answer.seq;
	if (room.log.at(answer.seq))
		settle(room, post);
});

function match_post(room, entry) {
	for (const post of room.posts.values())
		if (post.seq === entry.seq)
			settle(room, post);
}

link.addEventListener("refused", ({ detail: { post, answer } }) => {
	post.why = answer.wait_ms ? `${answer.text} (${Math.ceil(answer.wait_ms / 1000)} s)` : answer.text;
	feed.post_failed(post);
});

feed.addEventListener("again", ({ detail: post }) => {
	const room = room_of(post.room);
	feed.post_done(post);
	room.posts.delete(post.id);
	say(room, post.text, post.path);
});
feed.addEventListener("drop", ({ detail: post }) => settle(room_of(post.room), post));
feed.addEventListener("delete", async ({ detail: entry }) => {
	const { answer } = await link.ask({ do: "delete", room: current.name, seq: entry.seq })
		.catch(() => ({ answer: { text: "There is no connection." } }));
	if (!answer.ok)
		hint(answer.text);
});
feed.addEventListener("top", scroll_back);

const share = (path) => say(current, words.lastName(path), path);

async function carry_out(command) {
	if (command.do === "help") {
		feed.note(`Commands: ${words.commandHelp.join("  ")}`);
		return;
	}
	if (command.do === "join" || command.do === "direct") {
		await (command.do === "join" ? go_to(command.room) : go_direct(command.name));
		return;
	}
	const { answer, rows } = await link.ask(command);
	for (const row of rows)
		feed.note(...describe(row));
	if (!answer.ok)
		hint(answer.text);
	else if (answer.code)
		feed.note(`By nc -u: L ${self.who} ${answer.code} (for 5 minutes, once)`);
	else if (rows.length === 0 && command.do === "search")
		feed.note("Nothing was found.");
}

attend_composer({
	async submit(text) {
		const typed = words.readTyped(text, current?.name);
		if (typed.why || !current)
			return typed.why ?? "Choose a room first.";
		if (typed.say !== undefined)
			say(current, typed.say);
		else if (typed.command.do === "share")
			share(typed.command.path);
		else
			carry_out(typed.command).catch((error) => hint(error.message));
		return "";
	},
	typing() {
		if (current && link.state === "in")
			link.ask({ do: "typing", room: current.name }).catch(() => {});
	},
});

// ---- What was read ------------------------------------------------------------------------------

let read_timer = 0;

// Whoever looks at the end has read it.
function see() {
	const room = current;
	if (!room || document.hidden || !document.hasFocus() || !feed.is_at_end ||
		room.log.last <= room.read)
		return;
	room.read = room.log.last;
	feed.settle_fresh();
	show_unread(room);
	clearTimeout(read_timer);
	read_timer = setTimeout(() => tell_read(room), 800);
}

function tell_read(room) {
	const all = remembered(own_key("read"), {});
	if (self && !self.guest)
		link.ask({ do: "read", room: room.name, seq: room.read }).catch(() => {});
	else if (self)
		remember(own_key("read"), { ...all, [room.name]: { epoch: room.log.epoch, seq: room.read } });
}

function show_unread(room) {
	if (room === current && !feed.is_at_end && room.unread > 0)
		$("down").textContent = `↓ ${room.unread} new`;
	$("down").hidden = feed.is_at_end;
	show_rooms();
}

feed.addEventListener("end", () => {
	$("down").textContent = current?.unread ? `↓ ${current.unread} new` : "↓ To the newest";
	$("down").hidden = feed.is_at_end;
	see();
});
$("down").addEventListener("click", () => {
	feed.to_end();
	see();
	$("text").focus();
});
addEventListener("focus", see);
document.addEventListener("visibilitychange", see);

// ---- On the screen ------------------------------------------------------------------------------

function open_room(room) {
	if (current)
		current.draft = $("text").value;
	const is_other = room !== current;
	current = room;
	feed.open(room, room?.read && room.read < room.last_known ? room.read : Infinity);
	$("down").hidden = true;
	show_head();
	show_rooms();
	show_people();
	$("nothing").hidden = !room || room.log.last > 0 || room.last_known > 0 || room.posts.size > 0;
	if (is_other) {
		hint(farewell);
		farewell = "";
		$("text").value = room?.draft ?? "";
		fit_text();
		close_panels();
	}
	see();
	if (room && $("scroller").scrollTop < 400)
		scroll_back();
}

function show_head() {
	const room = current;
	$("room-name").textContent = room?.title ?? "No room";
	$("topic").textContent = room?.topic ?? "";
	$("topic").title = room?.topic ?? "";
	$("people-open").textContent = room ? `${room.count} here` : "";
	$("people-open").hidden = !room;
	$("text").disabled = $("send").disabled = $("attach").disabled = !room;
	$("text").placeholder = !room ? "Choose a room"
		: room.flags.read_only && !room.flags.moderator ? "Only moderators speak here"
			: `Say something in ${room.title}`;
	show_typing();
}

const by_title = (a, b) => (a.title.toLowerCase() < b.title.toLowerCase() ? -1 : 1);

let rooms_timer = 0;

// Soon, and once for all that comes until then.
function show_rooms() {
	rooms_timer ||= setTimeout(show_rooms_now, 30);
}

function show_rooms_now() {
	rooms_timer = 0;
	const focused = document.activeElement?.closest("#rooms-panel a")?.getAttribute("href");
	const all = [...rooms.values()].sort(by_title);
	const here = all.filter((room) => room.is_here);
	const others = all.filter((room) => !room.is_here && room.is_listed);
	const item = (room) => roomItem(room, { is_current: room === current,
		has_unread: room.unread > 0 && !(room === current && feed.is_at_end) });
	$("rooms").replaceChildren(...here.map(item));
	$("others").replaceChildren(...others.map(item));
	$("others-title").hidden = others.length === 0;
	if (focused)
		document.querySelector(`#rooms-panel a[href="${CSS.escape(focused)}"]`)?.focus();
	const elsewhere = all.reduce((sum, room) => sum + (room === current ? 0 : room.unread), 0);
	const total = elsewhere + (current?.unread ?? 0);
	$("elsewhere").hidden = elsewhere === 0;
	$("elsewhere").textContent = elsewhere > 99 ? "99+" : elsewhere;
	document.title = (total ? `(${total}) ` : "") + (current ? `${current.title} – Chat` : "Chat");
}

function person_item(member) {
	const is_me = person_key(member) === person_key(self);
	const may_talk = !is_me && !member.guest && !self.guest;
	return personItem(member, is_me, may_talk
		? () => go_direct(member.who).catch((error) => hint(error.message)) : null);
}

function show_people() {
	const people = [...(current?.people.values() ?? [])].filter((one) => one.here !== false);
	people.sort((a, b) => (a.who.toLowerCase() < b.who.toLowerCase() ? -1 : 1));
	$("people").replaceChildren(...people.map(person_item));
	$("people-title").textContent = current ? `${current.count} here` : "People here";
}

function show_typing() {
	const names = [...(current?.typing.keys() ?? [])];
	$("typing").textContent = names.length === 0 ? ""
		: names.length === 1 ? `${names[0]} is typing…`
			: names.length < 4 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing…`
				: "Several people are typing…";
}

// ---- Where to go --------------------------------------------------------------------------------

function go_to(name) {
	const hash = `#${encodeURIComponent(name)}`;
	if (location.hash === hash)
		return follow_address();
	location.hash = hash;
	return null;
}

async function go_direct(name) {
	const { answer } = await link.ask({ do: "direct", name });
	if (!answer.ok)
		throw new Error(answer.text);
	await go_to(answer.room);
}

function address_room() {
	try {
		return decodeURIComponent(location.hash.slice(1));
	} catch {
		return "";
	}
}

async function follow_address() {
	const name = address_room();
	if (!name || !self)
		return;
	if (rooms.get(name)?.is_here) {
		if (rooms.get(name) !== current)
			open_room(rooms.get(name));
		return;
	}
	const answer = await join(name).catch((error) => ({ text: error.message }));
	if (answer && !answer.ok)
		hint(`${name}: ${answer.text}`);
	else if (answer && rooms.get(answer.room) !== current)
		open_room(rooms.get(answer.room));
}

addEventListener("hashchange", follow_address);

// ---- What happens -------------------------------------------------------------------------------

function stop_typing(room, person) {
	const key = person.who;
	clearTimeout(room.typing.get(key));
	if (room.typing.delete(key) && room === current)
		show_typing();
}

const handlers = {
	message: hear, topic: hear, notice: hear, deleted: hear,
	gap: missed,
	entered(event) {
		const room = room_of(event.room);
		if (room.log.epoch !== event.epoch)
			begin_anew(room, event.epoch);
		room.is_here = true;
		room.topic = event.text ?? "";
		room.count = event.count;
		// Of two: nobody has asked for it.
		if (!coming.has(room.name))
			join(room.name).catch(() => {});
		show_rooms();
	},
	exited: (event) => dropped(room_of(event.room), event.text ?? ""),
	joined(event) {
		const room = room_of(event.room);
		room.count = event.count;
		room.people.set(person_key(event), { who: event.who, guest: event.guest === true });
		if (room !== current)
			return;
		show_head();
		show_people();
		feed.note(personName(event.who, event), " has come in");
	},
	left(event) {
		const room = room_of(event.room);
		room.count = event.count;
		room.people.delete(person_key(event));
		stop_typing(room, event);
		if (room !== current)
			return;
		show_head();
		show_people();
		feed.note(personName(event.who, event), event.text ? ` has left: ${event.text}` : " has left");
	},
	count(event) {
		const room = room_of(event.room);
		room.count = event.count;
		if (room === current)
			show_head();
	},
	typing(event) {
		const room = room_of(event.room);
		clearTimeout(room.typing.get(event.who));
		room.typing.set(event.who, setTimeout(() => stop_typing(room, event), TYPING_MS + 1000));
		if (room === current)
			show_typing();
	},
	changed(event) {
		list_rooms().then(show_head).catch(() => {});
		if (event.room === current?.name)
			feed.note(`From now on: ${event.text}`);
	},
	invited(event) {
		list_rooms().catch(() => {});
		feed.note(personName(event.who, event), " invites you: ",
			element("a", { href: `#${encodeURIComponent(event.room)}` }, event.room));
	},
};

link.addEventListener("event", ({ detail: event }) => {
	if (Object.hasOwn(handlers, event.event))
		handlers[event.event](event);
});

// ---- Coming in and out --------------------------------------------------------------------------

// Where I was, or was last time; else the lobby.
function rooms_to_join() {
	const here = [...rooms.values()].filter((room) => room.is_here).map((room) => room.name);
	const usual = rooms.get("lobby") ?? [...rooms.values()].find((room) => room.is_listed);
	const wanted = new Set([address_room()].filter(Boolean));
	// Rooms of two are joined by the server, before anything else.
	const is_anywhere = here.some((name) => !is_direct(name));
	const before = remembered(own_key("rooms"), []).filter((name) => !is_direct(name));
	for (const name of is_anywhere ? [] : before)
		wanted.add(name);
	if (!is_anywhere && wanted.size === 0 && usual)
		wanted.add(usual.name);
	return [...wanted, ...here.filter((name) => !wanted.has(name))];
}

async function begin() {
	await ask_home(self.guest);
	await list_rooms();
	const names = rooms_to_join();
	for (const room of rooms.values())
		room.is_here = false;
	const answers = await Promise.all(names.map(async (name) => [name, await join(name)]));
	link.say_all();
	for (const [name, answer] of answers)
		if (answer && !answer.ok && rooms.has(name))
			dropped(rooms.get(name), answer.text);
	const first = answers.find(([, answer]) => answer?.ok)?.[1].room;
	if (!current?.is_here && first) {
		open_room(rooms.get(first));
		history.replaceState(null, "", `#${encodeURIComponent(first)}`);
	} else {
		show_rooms();
	}
	if (!is_touch.matches && !document.querySelector("dialog[open]"))
		$("text").focus();
}

function show_self() {
	$("own-face").replaceWith(Object.assign(face(self.who), { id: "own-face" }));
	$("own-name").replaceChildren(self.guest ? personName(self.who, self)
		: element("a", { href: "account.html", title: "Your account" }, personName(self.who, self)));
}

link.addEventListener("in", ({ detail }) => {
	if (self && person_key(self) !== person_key(detail))
		forget_all();
	self = detail;
	if (self.guest)
		sessionStorage.setItem("weft.chat.guest", self.who);
	$("door").hidden = true;
	$("hall").hidden = false;
	show_self();
	begin().catch(() => {});
});

function forget_all() {
	rooms.clear();
	coming.clear();
	open_room(null);
}

link.addEventListener("out", async ({ detail }) => {
	sessionStorage.removeItem("weft.chat.guest");
	self = null;
	forget_all();
	$("hall").hidden = true;
	await show_door(detail.why);
});

link.addEventListener("state", ({ detail }) => {
	show_state(detail, self !== null);
	if (!self && detail.state === "waiting")
		show_silence();
});

$("retry").addEventListener("click", () => link.retry());
$("leave").addEventListener("click", async () => {
	if (self && !self.guest)
		await log_out();
	link.close();
	link.dispatchEvent(new CustomEvent("out", { detail: { why: "", fault: "" } }));
});

// ---- A new room ---------------------------------------------------------------------------------

offer_making(async (facts) => {
	try {
		const { answer } = await link.ask({ do: "make", ...facts });
		if (!answer.ok)
			return answer.text;
		await list_rooms();
		await go_to(facts.room);
		return "";
	} catch (error) {
		return error.message;
	}
});

// ---- At last ------------------------------------------------------------------------------------

offer_sharing({ may: () => current !== null, share });
attend_door(link);
link.guest = sessionStorage.getItem("weft.chat.guest");
link.open();
