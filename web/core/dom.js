// dom.js - elements made of facts: what every view builds its part of the page with.
//
// Never: makes elements of text: all that people wrote becomes text nodes.
import { paths } from "./icons.js";
import * as words from "./words.js";

export const $ = (id) => document.getElementById(id);

// element("button", {className: "main", onclick, "aria-label": "..."}, icon("plus"), "Add"): children
// that are null, undefined or false are left out.
export function element(name, properties = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(properties))
		if (value === undefined || value === null)
			continue;
		else if (key === "dataset")
			Object.assign(made.dataset, value);
		else if (key in made)
			made[key] = value;
		else
			made.setAttribute(key, value);
	made.append(...children.flat().filter((child) => child !== null && child !== undefined &&
		child !== false));
	return made;
}

// A drawing of lines in a square of 24: one of icons.js by its name, or the path itself.
export function icon(name) {
	const svg = "http://www.w3.org/2000/svg";
	const made = document.createElementNS(svg, "svg"), line = document.createElementNS(svg, "path");
	made.setAttribute("viewBox", "0 0 24 24");
	made.setAttribute("aria-hidden", "true");
	made.setAttribute("class", "icon");
	line.setAttribute("d", paths[name] ?? name);
	made.append(line);
	return made;
}

// button("Add", {icon: "plus", className: "main", onclick}); with quiet: true its text is its name
// only, for who hears it and in a tip.
export function button(text, { icon: drawing, quiet, ...properties } = {}) {
	const made = element("button", { type: "button", ...properties },
		drawing && icon(drawing), quiet ? null : element("span", {}, text));
	if (quiet) {
		made.classList.add("quiet");
		made.setAttribute("aria-label", text);
		made.title = properties.title ?? text;
	}
	return made;
}

// A field with its name above and what is wrong with it below: {label, field, why(text)}.
export function field(text, input, hint) {
	const id = input.id || (input.id = unique("field"));
	const why = element("p", { className: "why", id: `${id}-why`, hidden: true });
	const about = hint ? element("p", { className: "hint", id: `${id}-hint` }, hint) : null;
	const made = element("div", { className: "field" },
		element("label", { htmlFor: id }, text), input, about, why);
	const describe = () => input.setAttribute("aria-describedby",
		[about?.id, why.hidden ? "" : why.id].filter(Boolean).join(" "));
	describe();
	made.why = (complaint) => {
		why.textContent = complaint ?? "";
		why.hidden = !complaint;
		input.setAttribute("aria-invalid", complaint ? "true" : "false");
		describe();
	};
	return made;
}

// A box to tick, or a switch: {input} is in it.
export function check(text, properties = {}) {
	const input = element("input", { type: "checkbox", ...properties });
	const made = element("label", { className: "check" }, input, element("span", {}, text));
	made.input = input;
	return made;
}

export function select(options, value, properties = {}) {
	const made = element("select", properties, ...options.map((option) =>
		element("option", { value: option.value ?? option }, option.label ?? option)));
	made.value = value ?? made.value;
	return made;
}

let serial = 0;
export const unique = (what) => `${what}-${++serial}`;

// Somebody's first letter, in a colour of her own.
export function face(name) {
	const made = element("span", { className: "face", ariaHidden: "true" }, words.initial(name));
	made.style.setProperty("--hue", words.hue(name));
	return made;
}

// A moment, said shortly; all of it in a tip. seconds since 1970.
export function moment(seconds, never = "never") {
	if (!seconds)
		return element("span", {}, never);
	const date = new Date(seconds * 1000);
	return element("time", { dateTime: date.toISOString(), title: words.full_time(date) },
		words.ago(date));
}

// A page's worth of nothing: a drawing, a sentence, what can be done.
export function empty(drawing, title, text, ...actions) {
	return element("div", { className: "empty" }, icon(drawing),
		element("h2", {}, title), text && element("p", {}, text),
		actions.length ? element("p", { className: "row" }, ...actions) : null);
}

export const skeleton = (rows = 6) => element("div", { className: "skeleton", ariaHidden: "true" },
	...Array.from({ length: rows }, () => element("div")));

// A style sheet of a view; a promise of its being there.
const sheets = new Map();
export function style(url) {
	const address = String(url);
	if (!sheets.has(address))
		sheets.set(address, new Promise((resolve, reject) => {
			const link = element("link", { rel: "stylesheet", href: address, onload: () => resolve() });
			link.onerror = () => {
				sheets.delete(address);
				link.remove();
				reject(new Error(`no ${address}`));
			};
			document.head.append(link);
		}));
	return sheets.get(address);
}
