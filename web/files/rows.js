// rows.js - what one entry looks like: a row, a tile, and the head above the rows.
//
// Never: reads a name as anything but text.
import { element, icon } from "../core/dom.js";
import * as words from "../core/words.js";
import { kindName, visible } from "./names.js";

const PICTURE_BYTES_MAX = 12e6; // of one that is shown in a tile as it is

const drawings = { folder: "folder", picture: "image", video: "video", audio: "audio", text: "text",
	archive: "archive", document: "text", other: "file",
	pdf: "M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM14 3v5h5M8 18v-5h1.6a1.4 1.4 0 0 1 0 2.8H8M14 18v-5h2.5M14 15.5h2" };

// What an entry is, as a drawing in its colour.
export function drawing(kind) {
	const made = icon(drawings[kind] ?? "file");
	made.classList.add("file-kind", `kind-${kind}`);
	return made;
}

const cell = (name, ...children) =>
	element("span", { className: `fl-cell fl-${name}`, role: "gridcell" }, ...children);

// A name that can be cut in its middle: the end, which says what it is, stays in sight.
export function nameOf(name) {
	const shown = visible(name), at = Math.max(shown.length - 8, Math.ceil(shown.length / 2));
	if (shown.length < 20)
		return element("bdi", { className: "fn" }, shown);
	return element("bdi", { className: "fn cut", title: shown },
		element("span", {}, shown.slice(0, at)), element("span", {}, shown.slice(at)));
}

export const sizeOf = (entry) => entry.size === undefined ? "" : words.size(entry.size);

export const timeOf = (entry) => entry.modified ? words.ago(new Date(entry.modified)) : "";

function check() {
	return element("span", { className: "fl-check", ariaHidden: "true" }, icon("check"));
}

export function rowOf(entry, index) {
	const time = timeOf(entry), size = sizeOf(entry);
	const where = entry.where === undefined ? "" : visible(entry.where) || "/";
	const made = element("div", { className: "fl-row", role: "row", id: `fl-${index}`,
		draggable: true },
		cell("pick", check()),
		cell("name", drawing(entry.kind),
			element("span", { className: "fl-words" },
				element("a", { href: entry.address, tabIndex: -1, draggable: false,
					className: "fl-link", ariaLabel: visible(entry.name) }, nameOf(entry.name)),
				element("span", { className: "fl-sub" }, [size, time].filter(Boolean).join(" · "),
					entry.where ? [" · ", element("bdi", {}, where)] : null))),
		cell("size", size),
		cell("time", element("time", { dateTime: entry.modified ?? "",
			title: entry.modified ? words.full_time(new Date(entry.modified)) : "" }, time)),
		cell("kind", entry.where === undefined ? kindName(entry) : element("bdi", { title: where }, where)),
		cell("more", element("button", { type: "button", className: "fl-more", tabIndex: -1,
			ariaLabel: `Actions for ${visible(entry.name)}` }, icon("more"))));
	made.setAttribute("aria-rowindex", index + 2);
	made.dataset.index = index;
	[...made.children].forEach((child, i) => child.setAttribute("aria-colindex", i + 1));
	return made;
}

export function tileOf(entry, index, count) {
	const has_picture = entry.kind === "picture" && entry.size <= PICTURE_BYTES_MAX;
	const face = element("span", { className: "fl-face" }, drawing(entry.kind));
	if (has_picture) {
		const picture = element("img", { alt: "", decoding: "async", draggable: false });
		picture.addEventListener("load", () => face.replaceChildren(picture));
		picture.src = entry.address;
	}
	const made = element("div", { className: "fl-tile", role: "option", id: `fl-${index}`,
		draggable: true }, check(), face,
		element("span", { className: "fl-name" }, nameOf(entry.name)),
		element("span", { className: "fl-sub" },
			[sizeOf(entry), timeOf(entry)].filter(Boolean).join(" · ")));
	made.setAttribute("aria-posinset", index + 1);
	made.setAttribute("aria-setsize", count);
	made.dataset.index = index;
	return made;
}

// The head: an element with update(sort) and updatePicked(picked, all).
export function headOf({ sort, all }) {
	const pick = element("button", { type: "button", className: "fl-all", ariaLabel: "Select all" },
		check());
	pick.setAttribute("aria-pressed", "false");
	pick.addEventListener("click", all);
	const columns = [["name", "Name"], ["size", "Size"], ["time", "Changed"], ["kind", "Kind"]];
	const heads = columns.map(([by, word]) => {
		const button = element("button", { type: "button" }, word,
			element("span", { className: "fl-order", ariaHidden: "true" }, icon("down")));
		button.addEventListener("click", () => sort(by));
		return element("span", { className: `fl-cell fl-${by}`, role: "columnheader" }, button);
	});
	const made = element("div", { className: "fl-head", role: "row" },
		element("span", { className: "fl-cell fl-pick", role: "columnheader" }, pick), ...heads,
		element("span", { className: "fl-cell fl-more", role: "columnheader" },
			element("span", { className: "sr" }, "Actions")));
	made.setAttribute("aria-rowindex", "1");
	[...made.children].forEach((child, i) => child.setAttribute("aria-colindex", i + 1));
	// In the trash and among what was found the last two say something else.
	made.setWords = (mode) => {
		const said = { trash: ["Deleted", "Was in"], search: ["Changed", "In"] }[mode] ?? ["Changed", "Kind"];
		heads[2].firstChild.firstChild.data = said[0];
		heads[3].firstChild.firstChild.data = said[1];
	};
	made.update = ({ by, is_down }) => heads.forEach((head, i) => {
		if (columns[i][0] === by)
			head.setAttribute("aria-sort", is_down ? "descending" : "ascending");
		else
			head.removeAttribute("aria-sort");
	});
	made.updatePicked = (picked, count) => {
		const state = picked === 0 ? "false" : picked < count ? "mixed" : "true";
		pick.setAttribute("aria-pressed", state);
	};
	return made;
}
