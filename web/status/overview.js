// overview.js - tiles, transfers, doors, rooms and workers; drawn once, and filled again each second.
import { api } from "../core/api.js";
import { element, icon } from "../core/dom.js";
import * as words from "../core/words.js";
import { Chart } from "./chart.js";

const ROWS_MAX = 50; // of a table; the rest is counted

export function time(seconds) {
	if (seconds === 0)
		return "0";
	if (seconds < .001)
		return `${Math.round(seconds * 1e6)} µs`;
	if (seconds < 1)
		return `${(seconds * 1000).toPrecision(seconds < .01 ? 2 : 3)} ms`;
	return seconds < 10 ? `${seconds.toPrecision(2)} s` : words.duration(seconds);
}

const share = (value) => `${(value * 100).toFixed(value < .1 ? 1 : 0)} %`;
const number = (value) => words.number(value);

function table(title, columns) {
	const rows = element("tbody", {});
	const more = element("p", { className: "hint", hidden: true });
	const made = element("section", { className: "card part" }, element("h2", {}, title),
		element("div", { className: "scrolls", role: "region", tabIndex: 0, ariaLabel: title }, element("table", {}, element("thead", {}, element("tr", {},
			...columns.map((column) => element("th", { scope: "col", className: column.className ?? "" }, column.title)))), rows)), more);
	// facts: a list; none: what is said where there are none.
	made.fill = (facts, none, left_out = 0) => {
		const shown = facts.slice(0, ROWS_MAX), rest = facts.length - shown.length + left_out;
		rows.replaceChildren(...shown.map((fact) => element("tr", {}, ...columns.map((column) =>
			element("td", { className: column.className ?? "" }, column.cell(fact))))));
		more.textContent = facts.length === 0 ? none : `and ${words.number(rest)} more`;
		more.hidden = facts.length > 0 && rest === 0;
		made.querySelector(".scrolls").hidden = facts.length === 0;
	};
	return made;
}

function progress(transfer) {
	if (transfer.total <= 0)
		return words.size(transfer.bytes);
	return element("span", { className: "progress" },
		element("progress", { max: 1, value: Math.min(1, transfer.bytes / transfer.total),
			ariaLabel: transfer.what }),
		`${words.size(transfer.bytes)} of ${words.size(transfer.total)}`);
}

const transfer_columns = [
	{ title: "", cell: (one) => icon(one.direction === "up" ? "upload" : "download") },
	{ title: "What", cell: (one) => element("bdi", {}, one.what) },
	{ title: "Who", cell: (one) => [element("bdi", {}, one.person || "a stranger"), " ",
		element("span", { className: "hint" }, `${one.peer} by ${one.door}`)] },
	{ title: "How far", cell: progress },
	{ title: "Speed", className: "number", cell: (one) => words.rate(one.bytes / Math.max(.001, one.seconds)) },
];
const door_columns = [
	{ title: "Door", cell: (one) => one.door },
	{ title: "Address", cell: (one) => element("code", {}, one.address) },
	{ title: "Open", className: "number", cell: (one) => number(one.open) },
	{ title: "Accepted", className: "number", cell: (one) => number(one.accepted) },
	{ title: "Refused", className: "number", cell: (one) => number(one.refused) },
];
const room_columns = [
	{ title: "Room", cell: (one) => element("a", { href: `/.weft/chat/${encodeURIComponent(one.name)}` }, one.name) },
	{ title: "Here", className: "number", cell: (one) => number(one.here) },
	{ title: "Messages", className: "number", cell: (one) => number(one.messages) },
];
const worker_columns = [
	{ title: "Worker", cell: (one) => String(one.at) },
	{ title: "Busy", cell: (one) => element("span", { className: "progress" },
		element("progress", { max: 1, value: one.busy, ariaLabel: `Worker ${one.at} busy` }), share(one.busy)) },
	{ title: "Fibers", className: "number", cell: (one) => number(one.fibers) },
];

export class Overview {
	constructor(app) {
		this.app = app;
		this.facts = element("p", { className: "soft" });
		this.tiles = {
			requests: new Chart("Requests a second", (value) => number(Math.round(value)), { least: 5, lines: 2, names: ["", "failed"] }),
			latency: new Chart("Slowest 1 % of answers", time, { least: .001 }),
			sent: new Chart("Sent", words.rate, { least: 10000 }),
			received: new Chart("Received", words.rate, { least: 10000 }),
			connections: new Chart("Connections", number, { least: 5 }),
			transfers: new Chart("Transfers", number, { least: 3 }),
			busy: new Chart("Processors", share, { least: .1 }),
			memory: new Chart("Memory", words.size, { least: 16e6 }),
		};
		this.transfers = table("Transfers under way", transfer_columns);
		this.doors = table("Doors", door_columns);
		this.rooms = table("Rooms", room_columns);
		this.workers = table("Workers", worker_columns);
		this.element = element("div", {}, this.facts,
			element("div", { className: "tiles" }, ...Object.values(this.tiles).map((tile) => tile.element)),
			this.transfers, element("div", { className: "pairs" }, this.doors, this.workers, this.rooms));
	}

	async ask() {
		this.#show(await api("GET", "/status"));
	}

	#show(status) {
		const { history, requests, chat } = status, { tiles } = this, now = requests.last_10s;
		this.facts.textContent = [`weft ${status.version}, running for ${words.duration(status.uptime)}`,
			`driver ${status.driver}`, words.count(status.fibers, "fiber"),
			`${words.number(status.descriptors.open)} of ${words.number(status.descriptors.limit)} descriptors`].join(" · ");
		tiles.requests.show([history.requests, history.errors],
			`${words.number(requests.total)} in all, ${words.number(requests.errors)} failed`, now.per_second < 10 ? String(Math.round(now.per_second * 10) / 10) : number(Math.round(now.per_second)));
		tiles.latency.show([history.p99], `half within ${time(now.latency.p50)}, the slowest ${time(now.latency.max)}`, time(now.latency.p99));
		tiles.sent.show([history.sent], `${words.size(status.bytes.sent)} in all`);
		tiles.received.show([history.received], `${words.size(status.bytes.received)} in all`);
		tiles.connections.show([history.connections], `${words.number(status.doors.reduce((sum, door) => sum + door.accepted, 0))} since the start`);
		const up = status.transfers.filter((one) => one.direction === "up").length;
		tiles.transfers.show([history.transfers], `${words.number(up)} up, ${words.number(status.transfers.length - up)} down`);
		tiles.busy.show([history.busy], `of ${words.count(status.workers.length, "worker")}`);
		tiles.memory.show([history.memory], `at most ${words.size(status.memory.peak)}`);
		this.transfers.fill(status.transfers, "None.", status.transfers_left_out);
		this.doors.fill(status.doors, "None.");
		this.workers.fill(status.workers.map((worker, at) => ({ at, ...worker })), "None.");
		this.rooms.hidden = !chat;
		this.rooms.fill(status.rooms, chat ? `${words.count(chat.private_rooms, "private room")}.` : "");
	}
}
