// moderate.js - what can be done with somebody who is here, with a message, with a room: menus of
// it, and the questions that come before. What may not be is not offered; the server decides.
import { check, element, field, select } from "../core/dom.js";
import { ask_text, complain, confirm, copy, dialog, menu } from "../core/talk.js";

const TIMES = [{ value: "600", label: "10 minutes" }, { value: "3600", label: "1 hour" },
	{ value: "86400", label: "1 day" }, { value: "604800", label: "1 week" },
	{ value: "0", label: "For good" }];
const SLOW = [{ value: "0", label: "No waiting" }, { value: "10", label: "10 seconds" },
	{ value: "30", label: "30 seconds" }, { value: "60", label: "1 minute" },
	{ value: "300", label: "5 minutes" }];

export const may_moderate = (room) => room.flags.moderator === true && !room.name.startsWith("@");

// With a reason, perhaps for a time; run({why, seconds}).
function ask_why(title, text, yes, has_time, run) {
	const why = element("input", { maxLength: 256, autocomplete: "off" });
	const time = has_time ? select(TIMES, "3600") : null;
	dialog({ title, content: [element("p", {}, text), time && field("For how long", time),
		field("Why (everybody here is told; may be empty)", why)].filter(Boolean),
	actions: [{ label: "Cancel" }, { label: yes, main: true, danger: true, run: () => run({
		...(why.value.trim() && { why: why.value.trim() }),
		...(time && { seconds: Number(time.value) }) }) }] });
}

const quietly = (promise) => promise.catch(complain);

// Of somebody who is here. hall: where it is done; talk_to(name), or null.
export function person_menu(anchor, hall, room, member, talk_to) {
	const name = member.who;
	const act = (verb, more = {}) => hall.do({ do: verb, room: room.name, name, ...more });
	const may = may_moderate(room);
	menu(anchor, [
		talk_to && { label: `Talk to ${name} alone`, icon: "chat", run: () => talk_to(name) },
		talk_to && may && null,
		may && (member.muted
			? { label: "Let speak again", icon: "check", run: () => quietly(act("unmute")) }
			: { label: "Mute…", icon: "pause", run: () => ask_why(`Mute ${name}?`,
				"Who is muted reads, and can't say anything here.", "Mute", true,
				(facts) => act("mute", facts)) }),
		may && !member.guest && { label: "Moderates here", checked: member.moderator === true,
			run: () => quietly(act("moderator", { on: member.moderator !== true })) },
		may && null,
		may && { label: "Put out…", icon: "door", danger: true, run: () => ask_why(`Put ${name} out?`,
			"Who was put out may come in again.", "Put out", false, (facts) => act("kick", facts)) },
		may && { label: "Ban…", icon: "lock", danger: true, run: () => ask_why(`Ban ${name}?`,
			"Who is banned is put out, and can't come in.", "Ban", true, (facts) => act("ban", facts)) },
	], name);
}

// Of a message.
export function message_menu(anchor, hall, room, entry, act_on_person) {
	const is_own = room.is_own(entry);
	const member = room.people.get((entry.guest ? "~" : "") + entry.who);
	menu(anchor, [
		{ label: "Copy the text", icon: "copy", run: () => copy(entry.text, "The text") },
		member && !is_own && !entry.server && { label: `${entry.who}…`, icon: "user",
			run: () => act_on_person(anchor, member) },
		room.may_delete(entry) && { label: "Delete…", icon: "trash", danger: true, run: () =>
			delete_message(hall, room, entry) },
	], "This message");
}

async function delete_message(hall, room, entry) {
	if (await confirm({ title: "Delete this message?", text: "Its text is gone, for everybody.",
		yes: "Delete", danger: true }))
		await quietly(hall.do({ do: "delete", room: room.name, seq: entry.seq }));
}

// ---- A room -------------------------------------------------------------------------------------

function ask_slow(hall, room) {
	const time = select(SLOW, "30");
	dialog({ title: "Slow mode", content: [field("Between two messages of one person", time)],
		actions: [{ label: "Cancel" }, { label: "Set", main: true, run: () =>
			hall.do({ do: "slow", room: room.name, seconds: Number(time.value) }) }] });
}

// By moderators.
function rules(hall, room) {
	const act = (verb, more) => hall.do({ do: verb, room: room.name, ...more });
	const flip = (verb, is_on) => ({ checked: is_on === true,
		run: () => quietly(act(verb, { on: is_on !== true })) });
	const { flags } = room;
	return [null,
		{ label: "Topic…", icon: "edit", run: () => ask_text({ title: "Topic", required: false,
			label: "What is spoken of here (may be empty)", value: room.topic, maxLength: 256,
			yes: "Set", run: (topic) => act("topic", { topic }) }) },
		{ label: "Invite…", icon: "plus", run: () => ask_text({ title: "Invite", yes: "Invite",
			label: "The name of an account", autocapitalize: "none",
			run: (name) => act("invite", { name: name.trim() }) }) },
		{ label: "Guests may come in", ...flip("guests", flags.guests) },
		{ label: "Only moderators speak", ...flip("read-only", flags.read_only) },
		{ label: "Private", ...flip("private", flags.is_private) },
		{ label: "Slow mode…", icon: "clock", run: () => ask_slow(hall, room) },
		{ label: "Let in again…", icon: "key", run: () => ask_text({ title: "Take back a ban",
			label: "Whose", yes: "Let in again", autocapitalize: "none",
			run: (name) => act("unban", { name: name.trim() }) }) },
		room.name !== "lobby" && { label: "Remove this room…", icon: "trash", danger: true,
			run: () => remove_room(hall, room) }];
}

async function remove_room(hall, room) {
	if (await confirm({ title: `Remove ${room.title}?`, yes: "Remove", danger: true,
		text: "All that was said in it is gone, for everybody." }))
		await quietly(hall.do({ do: "remove", room: room.name }));
}

// more: {search(), leave()}.
export function room_menu(anchor, hall, room, { search, leave }) {
	menu(anchor, [
		{ label: "Search…", icon: "search", run: search },
		!room.name.startsWith("@") && { label: "Leave this room", icon: "door", run: leave },
		...may_moderate(room) ? rules(hall, room) : [],
	], room.title);
}

// make({room, topic, private}): a promise, which fails with a sentence.
export function ask_new_room(make) {
	const name = element("input", { maxLength: 64, autocapitalize: "none", autocomplete: "off",
		spellcheck: false, required: true });
	const topic = element("input", { maxLength: 256, autocomplete: "off", dir: "auto" });
	const is_private = check("Private: only who is invited knows of it");
	dialog({ title: "New room", content: [
		field("Name", name, "Letters, digits and . _ -"), field("Topic (may be empty)", topic),
		is_private, element("p", { className: "hint" },
			"Administrators find and read private rooms, too; rooms of two they do not.")],
	actions: [{ label: "Cancel" }, { label: "Make it", main: true, run: () => make({
		room: name.value.trim(), topic: topic.value, private: is_private.input.checked }) }] });
}
