// words.js - texts for people, and what people type: days, names, links, commands. Pure.

export { clock_time, full_time, hue, sentence, size } from "../core/words.js";

const encoder = new TextEncoder();

export const TEXT_BYTES_MAX = 4096;

export function byte_length(text) {
	return encoder.encode(text).length;
}

// A number of visible characters that nobody else will choose: the id of a message. (randomUUID()
// is for pages by HTTPS only.)
export function new_id() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- Times and names ---------------------------------------------------------------------------

const short = new Intl.DateTimeFormat(undefined,
	{ weekday: "long", day: "numeric", month: "long" });
const long = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

export function same_day(a, b) {
	return a.getFullYear() === b.getFullYear() && a.getMonth() === b.getMonth() &&
		a.getDate() === b.getDate();
}

export function day_name(date, now = new Date()) {
	const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
	if (same_day(date, now))
		return "Today";
	if (same_day(date, yesterday))
		return "Yesterday";
	return now - date < 300 * 86400e3 ? short.format(date) : long.format(date);
}

// "@ann+bob" is, to ann, "bob".
export function room_title(room, self) {
	if (!room.startsWith("@"))
		return room;
	// "@.7.ann+mia": others have these names now; whoever it was has another, or is gone.
	const former = /^@\.\d+\.?/.exec(room)?.[0];
	const two = room.slice((former ?? "@").length).split("+");
	const folded = self.toLowerCase();
	const other = two.find((name) => name.toLowerCase() !== folded) ?? self;
	return former ? `${other} (before)`.trim() : other;
}

export const last_name = (path) => path.split("/").filter(Boolean).at(-1) ?? path;

// Who is about to say something.
export function typing(names) {
	if (names.length === 0)
		return "";
	if (names.length === 1)
		return `${names[0]} is typing…`;
	return names.length < 4 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing…`
		: "Several people are typing…";
}

// ---- Links -------------------------------------------------------------------------------------

const address = /\bhttps?:\/\/[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;

// Parts of a text: {text} and {text, href}. What ends a sentence is no part of an address.
export function linked(text) {
	const parts = [];
	let done = 0;
	for (const match of text.matchAll(address)) {
		let found = match[0].replace(/[.,;:!?*_~]+$/u, "");
		if (found.endsWith(")") && !found.includes("("))
			found = found.slice(0, -1);
		const url = URL.canParse?.(found) === false ? null : safe_url(found);
		if (!url)
			continue;
		if (match.index > done)
			parts.push({ text: text.slice(done, match.index) });
		parts.push({ text: found, href: url });
		done = match.index + found.length;
	}
	if (done < text.length)
		parts.push({ text: text.slice(done) });
	return parts;
}

function safe_url(text) {
	try {
		const url = new URL(text);
		return ["http:", "https:"].includes(url.protocol) && !url.username ? url.href : null;
	} catch {
		return null;
	}
}

// ---- Commands that are typed -------------------------------------------------------------------

// The last field takes the rest; one with a "?" may be missing; ":" is before its kind.
const commands = {
	join: ["name>room"],
	leave: [],
	direct: ["name"],
	share: ["path"],
	search: ["text"],
	topic: ["topic?"],
	kick: ["name", "why?"],
	ban: ["name", "seconds:number", "why?"],
	unban: ["name"],
	mute: ["name", "seconds:number", "why?"],
	unmute: ["name"],
	slow: ["seconds:number"],
	"read-only": ["on:switch"],
	guests: ["on:switch"],
	private: ["on:switch"],
	invite: ["name"],
	moderator: ["name", "on:switch"],
	remove: [],
	announce: ["text"],
	who: [],
	stats: [],
	code: [],
	help: [],
};

const without_room = ["join", "direct", "announce", "who", "stats", "code", "help"];

export const command_help = Object.entries(commands).map(([name, fields]) =>
	"/" + [name, ...fields.map((field) => field.replace(/>.*|:number/, "").replace(":switch", "|off")
		.replace(/(.*)\?$/, "[$1]"))].join(" "));

const usage_of = (name) => command_help.find((line) => line.split(" ")[0] === `/${name}`);

function value_of(kind, word) {
	if (kind === "number")
		return /^\d{1,9}$/.test(word) ? Number(word) : null;
	if (kind === "switch")
		return { on: true, off: false }[word] ?? null;
	return word;
}

// {say} what is said, {command} what is done in this room, or {why} it is neither.
export function read_typed(text, room) {
	if (!text.startsWith("/") || text.startsWith("//"))
		return { say: text.startsWith("//") ? text.slice(1) : text };
	const [, name, rest] = /^\/(\S*)\s*([\s\S]*)$/.exec(text.trim());
	const fields = Object.hasOwn(commands, name) ? commands[name] : null;
	if (!fields)
		return { why: `There is no /${name}; /help lists what there is. A message that begins ` +
			"with a slash has two of them." };
	const command = without_room.includes(name) ? { do: name } : { do: name, room };
	let left = rest;
	for (const [index, field] of fields.entries()) {
		const [, from, , to, , kind, may_miss] = /^([a-z]+)(>([a-z]+))?(:([a-z]+))?(\?)?$/.exec(field);
		const is_last = index === fields.length - 1;
		const [word] = is_last && !kind ? [left] : /^\S*/.exec(left);
		const value = word === "" ? null : value_of(kind, word);
		if (value === null && may_miss)
			break;
		if (value === null)
			return { why: `It is used so: ${usage_of(name)}` };
		command[to ?? from] = value;
		left = left.slice(word.length).trimStart();
	}
	return { command };
}
