// view.js - chat as a view of the page: who I am there, which room is looked at, what is done with
// it. The rooms are hall.js's, the connection link.js's, messages on the screen feed.js's.
//
//	nobody --cookie or a name--> connecting --> in: rooms, messages, people
//	  ^------------- out, and why ------------------'
//
// Never: takes for read what nobody looks at.
import { button, element, face } from "../core/dom.js";
import { complain, dialog, toast } from "../core/talk.js";
import { ask_home } from "./attachment.js";
import { Composer, is_touch } from "./composer.js";
import { corner } from "./corner.js";
import { Door } from "./door.js";
import { address_of_room, describe, parts_of_note, person_item, person_name, room_item }
	from "./elements.js";
import { Feed } from "./feed.js";
import { search } from "./found.js";
import { Hall, is_direct } from "./hall.js";
import { build_people, build_room, build_rooms, Panels } from "./layout.js";
import { Link } from "./link.js";
import { ask_new_room, message_menu, person_menu, room_menu } from "./moderate.js";
import { Notifier } from "./notify.js";
import { person_key } from "./room.js";
import { ask_room, attend_drops, share_files } from "./sharing.js";
import * as words from "./words.js";

const PLACE = "/.weft/chat";
const GUEST = "weft.chat.guest"; // of this tab, in its sessionStorage

let app, link, hall, feed, composer, door, panels, notifier;
let rooms_at, room_at, people_at, hall_at, waiting; // what layout.js has made
let current = null; // the Room that is looked at
let is_shown = false, is_ready = false; // is_ready: in, and in all rooms
let who = ""; // whose the page is
let wish = null; // {path}: to be shared, of the files' view
let farewell = ""; // what is told once another room is looked at, or none

const is_looking = () => is_shown && !document.hidden && document.hasFocus();

// ---- What the rooms tell (hall.js) --------------------------------------------------------------

const screen = {
	rooms: () => show_rooms(),
	head: (room) => room === current && show_head(),
	people(room) {
		if (room !== current)
			return;
		show_head();
		show_people();
	},
	typing: (room) => room === current && show_typing(),
	added(room, index) {
		if (room === current) {
			feed.add(index);
			room_at.nothing.hidden = true;
			if (feed.is_at_end)
				hall.trim(room);
			see();
		}
		show_unread(room);
	},
	fetched: (room, seqs) => room === current && feed.add_all(seqs),
	anew(room) {
		if (room !== current)
			return;
		feed.open(room);
		look_back(); // it may be all that there is
	},
	deleted: (room, seq) => room === current && feed.deleted(seq),
	posted(room, post) {
		if (room !== current)
			return;
		feed.post(post);
		room_at.nothing.hidden = true;
	},
	settled: (room, post) => room === current && feed.post_done(post),
	failed: (room, post) => room === current && feed.post_failed(post),
	heard(room, entry) {
		if (room !== current || !is_looking())
			notifier.tell(room, entry);
	},
	note(room, ...parts) {
		if (room === null || room === current)
			feed.note(...parts_of_note(parts));
	},
	entered: (room) => room === current && open_room(room),
	dropped(room, why) {
		if (room !== current)
			return;
		if (why && why !== "left")
			farewell = `You are not in ${room.title} any more: ${why}`;
		const next = hall.sorted().find((other) => other.is_here);
		if (next)
			go_to(next.name, true);
		else
			open_room(null);
	},
	fetching(room, is_fetching) {
		if (room === current)
			room_at.older.hidden = !is_fetching;
	},
};

// ---- Which room ---------------------------------------------------------------------------------

// From elsewhere on the page only the room changes: the view stays out of sight.
function go_to(name, replaces = false) {
	if (!is_shown)
		return follow(name);
	return app.go(address_of_room(name), { replace: replaces });
}

async function talk_to(name) {
	const { answer } = await hall.do({ do: "direct", name });
	await go_to(answer.room);
}

const quietly = (promise) => promise.catch((error) => composer.hint(error.message));

// The room of an address: looked at, and come into where I am not in it yet.
async function follow(name) {
	if (!is_ready)
		return;
	const known = hall.rooms.get(name);
	if (known?.is_here) {
		if (known !== current)
			open_room(known);
		return;
	}
	const answer = await hall.join(name).catch((error) => ({ text: error.message }));
	if (answer.ok && hall.rooms.get(answer.room) !== current)
		open_room(hall.rooms.get(answer.room));
	if (answer.ok)
		return;
	composer.hint(`${name}: ${answer.text}`);
	if (is_shown && current)
		app.go(address_of_room(current.name), { replace: true });
}

function open_room(room) {
	const is_other = room !== current;
	if (is_other && current)
		current.draft = composer.value;
	current = room;
	feed.open(room, room?.read && room.read < room.last_known ? room.read : Infinity);
	room_at.down.hidden = true;
	room_at.older.hidden = !room?.is_fetching;
	room_at.nothing.hidden = !room || room.log.last > 0 || room.last_known > 0 || room.posts.size > 0;
	if (is_other) {
		composer.hint(farewell);
		farewell = "";
		composer.value = room?.draft ?? "";
		panels.close();
	}
	show_head();
	show_rooms();
	show_people();
	see();
	look_back();
}

// What is above, when it is near.
async function look_back() {
	const room = current;
	while (room && room === current && is_shown && feed.is_near_top && await hall.fetch_back(room))
		;
}

// ---- What was read ------------------------------------------------------------------------------

// Whoever looks at the end has read it.
function see() {
	if (!current || !is_looking() || !feed.is_at_end || current.log.last <= current.read)
		return;
	hall.read(current);
	feed.settle_fresh();
	show_unread(current);
}

function show_unread(room) {
	if (room === current) {
		room_at.down.hidden = feed.is_at_end;
		room_at.down.textContent = room.unread ? `↓ ${room.unread} new` : "↓ To the newest";
	}
	show_rooms();
}

// ---- On the screen ------------------------------------------------------------------------------

function placeholder(room) {
	if (!room)
		return "Choose a room";
	return room.flags.read_only && !room.flags.moderator ? "Only moderators speak here"
		: `Say something in ${room.title}`;
}

function show_head() {
	const room = current;
	room_at.name.textContent = room?.title ?? "No room";
	room_at.topic.textContent = room_at.topic.title = room?.topic ?? "";
	const count = room ? `${room.count} here` : "";
	room_at.open_people.lastElementChild.textContent = room?.count ?? "";
	room_at.open_people.ariaLabel = room_at.open_people.title = count;
	for (const one of [room_at.open_people, room_at.bell, room_at.more])
		one.hidden = !room;
	room_at.bell.ariaPressed = String(Boolean(room && notifier.is_on(room)));
	composer.enable(room !== null, placeholder(room));
	show_typing();
}

let rooms_timer = 0;

// Soon, and once for all that comes until then.
function show_rooms() {
	rooms_timer ||= setTimeout(show_rooms_now, 30);
}

function show_rooms_now() {
	rooms_timer = 0;
	const focused = rooms_at.root.contains(document.activeElement) &&
		document.activeElement.getAttribute("href");
	const all = hall.sorted();
	const item = (room) => room_item(room, { is_current: room === current, rings: notifier.is_on(room),
		has_unread: room.unread > 0 && !(room === current && feed.is_at_end && is_looking()) });
	const others = all.filter((room) => !room.is_here && room.is_listed && !is_direct(room.name));
	rooms_at.list.replaceChildren(...all.filter((room) => room.is_here).map(item));
	rooms_at.others.replaceChildren(...others.map(item));
	rooms_at.others_title.hidden = others.length === 0;
	if (focused)
		rooms_at.root.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
	show_counts(all);
}

function show_counts(all) {
	const elsewhere = all.reduce((sum, room) => sum + (room === current ? 0 : room.unread), 0);
	const total = elsewhere + (current?.unread ?? 0);
	room_at.elsewhere.hidden = elsewhere === 0;
	room_at.elsewhere.textContent = elsewhere > 99 ? "99+" : elsewhere;
	app.badge("chat", total);
	if (is_shown)
		app.title((total ? `(${total}) ` : "") + (current ? current.title : "Chat"));
}

function show_people() {
	const people = [...current?.people.values() ?? []].filter((one) => one.here !== false);
	people.sort((a, b) => (a.who.toLowerCase() < b.who.toLowerCase() ? -1 : 1));
	const focused = document.activeElement?.dataset?.who;
	people_at.list.replaceChildren(...people.map((member) => {
		const is_me = person_key(member) === person_key(hall.self ?? {});
		return person_item(member, is_me, may_anything(member, is_me)
			? (event) => open_person(event.currentTarget, member) : null);
	}));
	people_at.name.textContent = current ? `${current.count} here` : "People here";
	if (focused)
		people_at.list.querySelector(`[data-who="${CSS.escape(focused)}"]`)?.focus();
}

const may_talk = (member) => !member.guest && !hall.self.guest;
const may_anything = (member, is_me) => hall.self && !is_me && (may_talk(member) ||
	(current.flags.moderator === true && !is_direct(current.name)));

function open_person(anchor, member) {
	person_menu(anchor, hall, current, member,
		may_talk(member) ? (name) => quietly(talk_to(name)) : null);
}

function show_typing() {
	room_at.typing.textContent = words.typing([...current?.typing.keys() ?? []]);
}

function show_self() {
	rooms_at.self.replaceChildren(face(hall.self.who), person_name(hall.self.who, hall.self));
	rooms_at.me.hidden = !hall.self.guest; // else the bar above has it
	rooms_at.make.hidden = !hall.self.make;
	rooms_at.corner.hidden = !app.hub.chat?.udp && !app.hub.chat?.lines;
}

// ---- What people do -----------------------------------------------------------------------------

const share = (room, path) => hall.say(room, words.last_name(path), path);

async function carry_out(command) {
	if (command.do === "help")
		return feed.note(`Commands: ${words.command_help.join("  ")}`);
	if (command.do === "join")
		return go_to(command.room);
	if (command.do === "direct")
		return talk_to(command.name);
	const { answer, rows } = await hall.do(command);
	for (const row of rows)
		feed.note(...describe(row));
	if (answer.code)
		feed.note(`By nc -u: L ${hall.self.who} ${answer.code} (for 5 minutes, once)`);
	else if (rows.length === 0 && command.do === "search")
		feed.note("Nothing was found.");
	return null;
}

function submit(text) {
	const typed = words.read_typed(text, current?.name);
	if (typed.why || !current)
		return typed.why ?? "Choose a room first.";
	if (typed.say !== undefined)
		hall.say(current, typed.say);
	else if (typed.command.do === "share")
		share(current, typed.command.path);
	else
		quietly(carry_out(typed.command));
	return "";
}

function choose_files(files) {
	const room = current;
	share_files(files, room.title, (path) => share(room, path));
}

async function turn_bell() {
	const room = current;
	const why = await notifier.turn(room, !notifier.is_on(room));
	if (why)
		toast(why, { is_bad: true });
	show_head();
	show_rooms();
}

function open_corner() {
	const ask_code = async () => (await hall.do({ do: "code" })).answer.code;
	dialog({ title: "Without a browser", className: "chat-corner",
		content: corner(app.hub.chat, hall.self, ask_code) });
}

async function make_room(facts) {
	await hall.do({ do: "make", ...facts });
	await hall.list_rooms();
	await go_to(facts.room);
}

// What the files' view wants shared: in which room?
async function grant_wish() {
	const { path } = wish;
	wish = null;
	const rooms = hall.sorted().filter((room) => room.is_here);
	const room = await ask_room(path, rooms);
	if (!room)
		return;
	await go_to(room.name);
	share(room, path);
}

// ---- Coming in and out --------------------------------------------------------------------------

function show_part(part) {
	door.root.hidden = part !== door.root;
	waiting.hidden = part !== waiting;
	hall_at.hidden = part !== hall_at;
}

// Nobody is in: as whom the page is known, as the guest of this tab, or by the door.
function enter() {
	link.guest = app.me ? null : sessionStorage.getItem(GUEST);
	if (!app.me && !link.guest)
		return show_door("");
	waiting.textContent = "Connecting…";
	show_part(waiting);
	return link.open();
}

function show_door(why) {
	door.show(why, app.me);
	show_part(door.root);
	if (is_shown)
		door.focus();
}

async function began(self) {
	const { who: name, guest } = self;
	hall.begin_as(self);
	if (guest)
		sessionStorage.setItem(GUEST, name);
	const was_out = hall_at.hidden;
	show_part(hall_at);
	show_self();
	feed.previews = !guest || app.has.files; // else a browser may ask for a password
	await ask_home(guest);
	const { first, why } = await hall.come_in();
	is_ready = true;
	composer.hint(why);
	if (!current?.is_here && first)
		await go_to(first.name, true);
	if (was_out && is_shown && !is_touch.matches && !document.querySelector("dialog[open]"))
		composer.focus();
	if (wish && is_shown)
		await grant_wish();
}

function ended({ why }) {
	is_ready = false;
	sessionStorage.removeItem(GUEST);
	hall.forget_all();
	open_room(null);
	show_door(why);
}

let clock = 0;

// Whether there is a connection, to who is in.
function show_state({ state, retry_at }) {
	const is_lost = hall.self !== null && (state === "waiting" || state === "connecting");
	clearInterval(clock);
	room_at.state.hidden = !is_lost;
	if (!hall.self && state === "waiting")
		waiting.textContent = "The server does not answer. It is tried again.";
	if (!is_lost)
		return;
	const text = element("span", {}, "Connecting…");
	room_at.state.replaceChildren(text);
	if (state !== "waiting")
		return;
	room_at.state.append(button("Try now", { className: "link", onclick: () => link.retry() }));
	const tell = () => {
		const left = Math.max(1, Math.ceil((retry_at - Date.now()) / 1000));
		text.textContent = `The connection is lost. Trying again in ${left} s.`;
	};
	tell();
	clock = setInterval(tell, 1000);
}

// ---- Putting it together ------------------------------------------------------------------------

function build(root) {
	rooms_at = build_rooms();
	people_at = build_people();
	room_at = build_room(rooms_at, people_at);
	composer = new Composer({ submit, attach: () => choose_files([]), typing() {
		if (current && link.state === "in")
			link.ask({ do: "typing", room: current.name }).catch(() => {});
	} });
	room_at.root.append(composer.root);
	hall_at = element("div", { className: "hall", hidden: true }, rooms_at.root, room_at.root,
		people_at.root);
	waiting = element("p", { className: "waiting", role: "status", hidden: true });
	door = new Door({ has_accounts: app.has.accounts, login: () => app.login("To talk by your name."),
		again: enter, enter(name) {
			sessionStorage.setItem(GUEST, name);
			enter();
		} });
	panels = new Panels(hall_at, room_at.root, [rooms_at, people_at]);
	feed = new Feed(room_at.feed, room_at.scroller);
	root.classList.add("chat");
	root.append(door.root, waiting, hall_at);
}

function attend_feed() {
	feed.addEventListener("again", ({ detail: post }) => hall.say_again(post));
	feed.addEventListener("drop", ({ detail: post }) => hall.drop_post(post));
	feed.addEventListener("menu", ({ detail: { entry, anchor } }) =>
		message_menu(anchor, hall, current, entry, open_person));
	feed.addEventListener("top", look_back);
	feed.addEventListener("end", () => {
		if (current)
			show_unread(current);
		see();
	});
}

function attend() {
	attend_feed();
	room_at.down.onclick = () => {
		feed.to_end();
		see();
		composer.focus();
	};
	room_at.open_rooms.onclick = () => panels.open(rooms_at, room_at.open_rooms);
	room_at.open_people.onclick = () => panels.open(people_at, room_at.open_people);
	room_at.bell.onclick = () => turn_bell().catch(complain);
	room_at.more.onclick = () => room_menu(room_at.more, hall, current, {
		search: () => search(hall, current),
		leave: () => quietly(hall.do({ do: "leave", room: current.name })) });
	rooms_at.make.onclick = () => ask_new_room(make_room);
	rooms_at.corner.onclick = open_corner;
	rooms_at.leave.onclick = () => {
		link.close();
		ended({ why: "" });
	};
	rooms_at.list.onclick = rooms_at.others.onclick = () => panels.close();
	attend_drops(room_at.root, composer.text, () => current !== null, choose_files);
	addEventListener("focus", see);
	document.addEventListener("visibilitychange", see);
	link.addEventListener("in", ({ detail }) => began(detail).catch(() => {}));
	link.addEventListener("out", ({ detail }) => ended(detail));
	link.addEventListener("state", ({ detail }) => show_state(detail));
	app.keys("chat", [
		{ keys: "m", does: "Write a message", run: () => composer.focus() },
		{ keys: "n", does: "New room", run: () => hall.self?.make && ask_new_room(make_room) },
		{ keys: "/", does: "Search in this room", run: () => current && search(hall, current) },
		{ keys: "u", does: "To the next room with something unread", run: next_unread }]);
}

function next_unread() {
	const room = hall.sorted().find((one) => one !== current && one.unread > 0);
	if (room)
		go_to(room.name);
}

export const view = {
	mount(root, page) {
		app = page;
		who = app.me?.name ?? "";
		link = new Link(new URL("/.chat", location.href).href.replace(/^http/, "ws"));
		hall = new Hall(link, screen);
		notifier = new Notifier(() => hall.own_key("bells"), (room) => app.go(address_of_room(room.name)));
		build(root);
		attend();
		enter();
	},

	show(path, { search: query, hash } = {}) {
		const asked = path.slice(PLACE.length + 1) || (hash ?? "").slice(1);
		const name = read_name(asked);
		const shares = new URLSearchParams(query).get("share");
		is_shown = true;
		hall.wanted = name;
		feed.resume();
		if (shares)
			wish = { path: shares };
		show_rooms();
		see();
		look_back();
		if (!is_ready)
			return null;
		if (wish)
			return grant_wish();
		if (name)
			return follow(name);
		return current ? app.go(address_of_room(current.name), { replace: true }) : null;
	},

	hide() {
		is_shown = false;
		feed.pause();
		panels.close();
	},

	// Who has logged in is not the guest any more that she was.
	changed(me) {
		if ((me?.name ?? "") === who)
			return;
		who = me?.name ?? "";
		link.close();
		sessionStorage.removeItem(GUEST);
		is_ready = false;
		hall.forget_all();
		open_room(null);
		enter();
	},
};

function read_name(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return "";
	}
}
