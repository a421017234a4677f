// words.js - sizes, times and counts as people write them. Pure.

// Made when first asked for: each takes milliseconds, and the first list shows few of them.
function kept(make) {
	let made = null;
	return () => (made ??= make());
}

const clock = kept(() => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }));
const full = kept(() => new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" }));
const near = kept(() => new Intl.DateTimeFormat(undefined,
	{ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }));
const far = kept(() => new Intl.DateTimeFormat(undefined,
	{ day: "numeric", month: "short", year: "numeric" }));
const plain = kept(() => new Intl.NumberFormat());
const day_names = kept(() => new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }));

export const clock_time = (date) => clock().format(date);
export const full_time = (date) => full().format(date);
export const number = (count) => count < 1000 ? String(count) : plain().format(count);

// count(3, "file"): "3 files".
export const count = (many, one, others = `${one}s`) => `${number(many)} ${many === 1 ? one : others}`;

export function size(bytes) {
	const units = [bytes === 1 ? "byte" : "bytes", "kB", "MB", "GB", "TB", "PB"];
	let at = 0;
	for (; bytes >= 999.5 && at < units.length - 1; at++)
		bytes /= 1000;
	return `${at === 0 || bytes >= 99.5 ? Math.round(bytes) : bytes.toPrecision(2)} ${units[at]}`;
}

// "500M", "2 GB", "1.5g": bytes; NaN: it is no size.
export function read_size(text) {
	const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgt]?)(i?)b?(?:ytes?)?\s*$/i.exec(text);
	if (!match)
		return NaN;
	const power = "kmgt".indexOf(match[2].toLowerCase()) + 1;
	return Math.round(Number(match[1].replace(",", ".")) * (match[3] ? 1024 : 1000) ** (match[2] ? power : 0));
}

export const rate = (bytes_per_second) => `${size(bytes_per_second)}/s`;

export function duration(seconds) {
	if (!Number.isFinite(seconds))
		return "";
	const whole = Math.max(0, Math.round(seconds));
	if (whole < 60)
		return `${whole} s`;
	if (whole < 3600)
		return `${Math.floor(whole / 60)} min${whole < 600 && whole % 60 ? ` ${whole % 60} s` : ""}`;
	if (whole < 86400)
		return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
	return count(Math.floor(whole / 86400), "day");
}

const same_day = (a, b) => a.getFullYear() === b.getFullYear() && a.getMonth() === b.getMonth() &&
	a.getDate() === b.getDate();

// "just now", "5 minutes ago", "Today 09:41", "3 Nov, 12:10", "3 Nov 2024".
export function ago(date, now = new Date()) {
	const seconds = (now - date) / 1000;
	if (seconds >= -5 && seconds < 45)
		return "just now";
	if (seconds >= 0 && seconds < 3300)
		return day_names().format(-Math.max(1, Math.round(seconds / 60)), "minute");
	if (same_day(date, now))
		return `Today ${clock().format(date)}`;
	if (same_day(date, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)))
		return `Yesterday ${clock().format(date)}`;
	return date.getFullYear() === now.getFullYear() ? near().format(date) : far().format(date);
}

const encoder = new TextEncoder();

// The same colour for a name wherever it is seen.
export function hue(name) {
	let sum = 2166136261;
	for (const byte of encoder.encode(name.toLowerCase()))
		sum = Math.imul(sum ^ byte, 16777619) >>> 0;
	return sum % 360;
}

const segmenter = kept(() => new Intl.Segmenter());

export function initial(name) {
	const first = Intl.Segmenter ? [...segmenter().segment(name)][0]?.segment : name[0];
	return (first ?? "?").toUpperCase();
}

// What a server says, as a sentence.
export const sentence = (text) => text ? text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".")
	: "";
