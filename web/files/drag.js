// drag.js - dragging: files of this device into the page, entries of the page onto folders. A folder
// is an element with data-folder (a crumb), a row or tile of one, or the view itself, for files.
//
// Never: the only way to do something; each of these is in a menu, too.
import { element, icon } from "../core/dom.js";

const OWN = "application/x-weft-files";
let own = null; // the entries that are dragged: while they are, nobody may read what they carry

const hasFiles = (data) => [...data.types].includes("Files") && !own;

// What is dragged out of the list.
function begin(event, entries) {
	own = entries;
	const data = event.dataTransfer, hrefs = entries.map(({ address }) =>
		new URL(address, location.href).href);
	data.effectAllowed = "copyMove";
	data.setData(OWN, "1");
	data.setData("text/uri-list", hrefs.join("\r\n"));
	data.setData("text/plain", hrefs.join("\n"));
	if (entries.length === 1 && entries[0].type === "file")
		data.setData("DownloadURL",
			`application/octet-stream:${entries[0].name.replace(/[:\r\n]/g, "_")}:${hrefs[0]}`);
	if (entries.length > 1) {
		const label = element("div", { className: "drag-label" }, icon("copy"),
			`${entries.length} selected`);
		document.body.append(label);
		data.setDragImage(label, 12, 12);
		setTimeout(() => label.remove(), 0);
	}
}

// on: folder() -> where one is; at(target) -> {entry, row, index} or null; chosen(index) -> entries;
// may(right); files(data, folder), move(entries, folder, is_copy).
export function offerDragging(root, on) {
	let marked = null;

	const mark = (place) => {
		if (marked === place)
			return;
		marked?.classList.remove("dropping");
		place?.classList.add("dropping");
		marked = place;
	};

	// Where a drop would go: {folder, place}, or null.
	function target(event) {
		const files = hasFiles(event.dataTransfer);
		if ((!files && !own) || !on.may("write"))
			return null;
		const crumb = event.target.closest?.("[data-folder]");
		if (crumb)
			return { folder: crumb.dataset.folder, place: crumb };
		const at = on.at(event.target);
		if (at?.entry.type === "folder" && !own?.includes(at.entry))
			return { folder: at.entry.address, place: at.row };
		return files && on.folder() ? { folder: on.folder(), place: root } : null;
	}

	root.addEventListener("dragstart", (event) => {
		const at = on.at(event.target);
		if (!at || at.entry.address === undefined)
			return;
		begin(event, on.chosen(at.index));
	});
	root.addEventListener("dragend", () => {
		own = null;
		mark(null);
	});
	root.addEventListener("dragover", (event) => {
		const found = target(event);
		mark(found?.place ?? null);
		if (!found && !hasFiles(event.dataTransfer))
			return;
		event.preventDefault();
		event.dataTransfer.dropEffect = !found ? "none"
			: own && !(event.ctrlKey || event.altKey) ? "move" : "copy";
	});
	root.addEventListener("dragleave", (event) => {
		if (!root.contains(event.relatedTarget))
			mark(null);
	});
	root.addEventListener("drop", (event) => {
		const found = target(event);
		mark(null);
		if (hasFiles(event.dataTransfer) || own)
			event.preventDefault();
		if (!found)
			return;
		if (own)
			on.move(own, found.folder, event.ctrlKey || event.altKey);
		else
			on.files(event.dataTransfer, found.folder);
		own = null;
	});
}
