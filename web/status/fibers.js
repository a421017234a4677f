// fibers.js - every fiber, with what it waits on: found, sorted, and only those made into elements that
// are in sight, for there may be tens of thousands.
import { api } from "../core/api.js";
import { button, element, icon } from "../core/dom.js";
import * as words from "../core/words.js";
import { time } from "./overview.js";

const LIMIT = 50000;
const FEW = 1000; // so many are asked for every other second; more, at greater distances
const EVERY_MS = 2000, EVERY_MANY_MS = 10000, PAUSE_MS = 200;
const BESIDE = 8; // rows above and below what is in sight

const columns = [
	{ key: "name", title: "Fiber", cell: (one) => element("span", {}, element("b", {}, one.name || `#${one.id}`),
		one.door ? element("span", { className: "hint" }, ` ${one.door} ${one.peer}`) : "") },
	{ key: "wait", title: "Waits", cell: (one) => one.wait || one.state },
	{ key: "seconds", title: "For", cell: (one) => time(one.seconds) },
	{ key: "age", title: "Age", cell: (one) => time(one.age) },
	{ key: "stack", title: "Stack", cell: (one) => words.size(one.stack.used) },
	{ key: "worker", title: "Worker", cell: (one) => String(one.worker) },
];

const value_of = (one, key) => key === "stack" ? one.stack.used : key === "wait" ? one.wait || one.state : one[key];

export class Fibers {
	constructor() {
		this.fibers = [];
		this.sort = "seconds";
		this.is_down = true;
		this.is_paused = false;
		this.find = element("input", { type: "search", placeholder: "Find by name, door, peer or wait", ariaLabel: "Find fibers" });
		this.pause = button("Pause", { icon: "pause", "aria-pressed": "false", onclick: () => this.#toggle() });
		this.count = element("p", { className: "soft", role: "status" });
		this.busy = element("p", { className: "complaint", hidden: true });
		this.heads = columns.map((column) => element("button", { type: "button", className: "link",
			onclick: () => this.#sort_by(column.key) }, column.title));
		this.space = element("div", { className: "space", role: "presentation" });
		this.list = element("div", { className: "card fibers", role: "table", ariaLabel: "Fibers" },
			element("div", { className: "head", role: "rowgroup" }, element("div", { role: "row", className: "fiber" },
				...columns.map((column, at) => element("div", { role: "columnheader", className: column.key }, this.heads[at])))),
			element("div", { className: "body", tabIndex: 0, role: "rowgroup", ariaLabel: "Fibers, in their order" }, this.space));
		this.body = this.list.lastElementChild;
		this.body.onscroll = () => this.#draw();
		new ResizeObserver(() => this.#draw()).observe(this.body);
		let timer = 0;
		this.find.oninput = () => {
			clearTimeout(timer);
			timer = setTimeout(() => this.#ask_now(), PAUSE_MS);
		};
		this.keys = [{ keys: "/", does: "Find a fiber", run: () => this.find.focus() },
			{ keys: "p", does: "Pause, and go on", run: () => this.#toggle() }];
		this.element = element("div", { className: "all" },
			element("div", { className: "tools" }, this.find, this.pause), this.count, this.busy, this.list);
		this.#mark_heads();
	}

	async ask() {
		if (!this.is_paused)
			await this.#ask_now();
		return this.fibers.length > FEW ? EVERY_MANY_MS : EVERY_MS;
	}

	async #ask_now() {
		const find = this.find.value.trim();
		const facts = await api("GET", `/fibers?${new URLSearchParams({ limit: LIMIT, ...find && { find } })}`);
		if (find !== this.find.value.trim())
			return;
		this.fibers = facts.fibers;
		this.count.textContent = find ? `${words.number(facts.found)} of ${words.count(facts.count, "fiber")}`
			: words.count(facts.count, "fiber");
		if (facts.found > facts.fibers.length)
			this.count.textContent += `; the first ${words.number(facts.fibers.length)} of them`;
		this.busy.hidden = facts.busy.length === 0;
		this.busy.textContent = facts.busy.map((one) =>
			`Worker ${one.worker} has not answered for ${time(one.seconds)}: ${one.fiber} keeps it.`).join(" ");
		this.#order();
	}

	#toggle() {
		this.is_paused = !this.is_paused;
		this.pause.setAttribute("aria-pressed", String(this.is_paused));
		this.pause.replaceChildren(icon(this.is_paused ? "play" : "pause"), element("span", {}, this.is_paused ? "Go on" : "Pause"));
	}

	#sort_by(key) {
		this.is_down = this.sort === key ? !this.is_down : !["name", "wait", "worker"].includes(key);
		this.sort = key;
		this.#mark_heads();
		this.#order();
	}

	#mark_heads() {
		columns.forEach((column, at) => {
			const is_it = column.key === this.sort;
			this.heads[at].parentElement?.setAttribute("aria-sort", is_it ? this.is_down ? "descending" : "ascending" : "none");
			this.heads[at].replaceChildren(column.title, ...is_it ? [icon(this.is_down ? "down" : "up")] : []);
		});
	}

	#order() {
		const sign = this.is_down ? -1 : 1, key = this.sort;
		this.fibers.sort((a, b) => {
			const one = value_of(a, key), other = value_of(b, key);
			return sign * (typeof one === "string" ? one < other ? -1 : Number(one > other) : one - other) ||
				(a.id < b.id ? -1 : 1);
		});
		this.list.setAttribute("aria-rowcount", String(this.fibers.length + 1));
		this.#draw();
	}

	#draw() {
		const high = parseFloat(getComputedStyle(this.list).getPropertyValue("--row")) *
			parseFloat(getComputedStyle(document.documentElement).fontSize);
		const from = Math.max(0, Math.floor(this.body.scrollTop / high) - BESIDE);
		const to = Math.min(this.fibers.length, Math.ceil((this.body.scrollTop + this.body.clientHeight) / high) + BESIDE);
		this.space.style.height = `${this.fibers.length * high}px`;
		this.space.replaceChildren(...this.fibers.slice(from, to).map((one, at) => {
			const row = element("div", { role: "row", className: "fiber", "aria-rowindex": String(from + at + 2) },
				...columns.map((column) => element("div", { role: "cell", className: column.key, title: column.key === "wait" ? one.wait : "" }, column.cell(one))));
			row.style.top = `${(from + at) * high}px`;
			return row;
		}));
	}
}
