// chart.js - a line over the last minutes, in a tile with its number.
import { element, unique } from "../core/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HIGH = 40, SECONDS = 120;

function shape(name, properties) {
	const made = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(properties))
		made.setAttribute(key, value);
	return made;
}

// The newest is at the right; what was before the first is not known, and there is no line.
const path_of = (values, top) => values.map((value, at) =>
	`${at ? "L" : "M"}${at + SECONDS - values.length} ${(HIGH - 1 - (HIGH - 3) * Math.min(1, value / top)).toFixed(1)}`).join("");

// words(value) says a value; least: what the top is at least, so that noise does not look like much.
export class Chart {
	constructor(title, words, { least = 1, lines = 1, names = [] } = {}) {
		this.words = words;
		this.least = least;
		this.names = names;
		this.values = [];
		this.at = -1; // under the pointer
		this.number = element("p", { className: "value" }, "–");
		this.note = element("p", { className: "hint" });
		this.svg = shape("svg", { viewBox: `0 0 119 ${HIGH}`, preserveAspectRatio: "none", role: "img" });
		this.area = shape("path", { class: "area" });
		this.lines = Array.from({ length: lines }, (_, at) => shape("path", { class: `line-${at}` }));
		this.svg.append(this.area, ...this.lines);
		const id = unique("tile");
		this.title = title;
		this.element = element("section", { className: "card tile", "aria-labelledby": id },
			element("h2", { id }, title), this.number, this.svg, this.note);
		this.svg.onpointermove = (event) => {
			const box = this.svg.getBoundingClientRect();
			this.at = Math.round((event.clientX - box.left) / box.width * (SECONDS - 1));
			this.#tell();
		};
		this.svg.onpointerleave = () => {
			this.at = -1;
			this.#tell();
		};
	}

	// lists: one for each line, the newest last, one a second.
	show(lists, note = "", number = null) {
		this.values = lists.map((list) => list.slice(-SECONDS));
		const top = Math.max(this.least, ...this.values.flat()) * 1.1;
		this.lines.forEach((line, at) => line.setAttribute("d",
			at && !this.values[at].some(Boolean) ? "" : path_of(this.values[at], top)));
		this.area.setAttribute("d", this.values[0].length
			? `${path_of(this.values[0], top)}L119 ${HIGH}L${SECONDS - this.values[0].length} ${HIGH}Z` : "");
		this.current = number ?? this.words(this.values[0].at(-1) ?? 0);
		this.text = note;
		this.svg.setAttribute("aria-label", `${this.title}: ${this.current}; at most ${this.words(Math.max(0, ...this.values[0]))} in the last two minutes`);
		this.#tell();
	}

	#tell() {
		const ago = SECONDS - 1 - this.at;
		const is_past = this.at >= 0 && ago >= 0 && ago < (this.values[0]?.length ?? 0);
		const values = is_past ? this.values.map((list) => this.words(list.at(-1 - ago))) : [];
		this.number.textContent = is_past ? values[0] : this.current;
		this.note.textContent = is_past
			? [`${ago} s ago`, ...values.slice(1).map((value, at) => `${this.names[at + 1] ?? ""} ${value}`)].join(" · ")
			: this.text;
	}
}
