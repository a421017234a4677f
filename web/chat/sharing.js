// sharing.js - files into rooms: chosen, dragged over the room or pasted, and put into the server's
// folder; or one that is there already.
import { button, element, field } from "../core/dom.js";
import { dialog } from "../core/talk.js";
import { put } from "./attachment.js";
import { remember, remembered } from "./kept.js";
import { size } from "./words.js";

const told_names = (files) => files.map((file) => `${file.name} (${size(file.size)})`).join(", ");
const input = (placeholder) => element("input", { autocomplete: "off", autocapitalize: "none",
	spellcheck: false, placeholder });

// The parts of the dialog, as which of them are shown follows from what is chosen.
function build() {
	const made = {
		file: element("input", { type: "file", multiple: true, hidden: true }),
		chosen: element("p", { className: "chosen", role: "status" }),
		folder: input("photos/june"),
		path: input("photos/june/boat.jpg"),
		progress: element("progress", { max: 1, value: 0, ariaLabel: "Sent so far", hidden: true }),
	};
	made.pick = button("Choose files…", { icon: "upload", onclick: () => made.file.click() });
	made.into = field("Into which folder of the server", made.folder, "Empty: the top one.");
	made.old = field("Or the path of one that is on the server", made.path);
	return made;
}

// share(path): in the room called title.
export function share_files(files, title, share) {
	const at = build();
	let chosen = [...files], under_way = null;

	const show = () => {
		at.chosen.textContent = chosen.length ? told_names(chosen) : "None chosen.";
		at.into.hidden = chosen.length === 0;
		at.old.hidden = chosen.length > 0;
		at.path.required = chosen.length === 0;
	};
	const show_busy = (is_busy) => {
		at.progress.hidden = !is_busy;
		for (const one of [at.pick, at.folder, at.path])
			one.disabled = is_busy;
	};
	async function send_chosen() {
		const folder = at.folder.value.split("/").filter(Boolean).join("/");
		remember("folder", folder);
		while (chosen.length && shown.element.open) {
			under_way = new XMLHttpRequest();
			const progress = (part) => {
				at.progress.value = part;
			};
			share(await put(chosen[0], folder, under_way, progress));
			chosen.shift();
			show();
		}
	}
	const run = async () => {
		if (chosen.length === 0)
			return share(at.path.value.trim());
		show_busy(true);
		try {
			await send_chosen();
		} finally {
			show_busy(false);
		}
		return true;
	};
	at.file.onchange = () => {
		chosen = [...at.file.files];
		show();
	};
	at.folder.value = remembered("folder", "");
	show();
	const shown = dialog({ title: `Share in ${title}`, className: "sharing", content: [
		element("p", { className: "soft" }, "Everybody in the room sees its name and size. Who may open it is up to the folder."),
		element("div", { className: "pick" }, at.pick, at.chosen), at.file, at.into, at.old, at.progress],
	actions: [{ label: "Cancel" }, { label: "Share", main: true, run }] });
	shown.done.then(() => under_way?.abort());
	if (chosen.length)
		shown.element.querySelector("button.main").focus();
	else
		at.pick.focus();
}

// From the files' view: into which room? rooms: those I am in.
export async function ask_room(path, rooms) {
	let chosen = null;
	const name = decodeURIComponent(path).split("/").filter(Boolean).at(-1) ?? path;
	const list = element("div", { className: "choices" }, ...rooms.map((room) =>
		button(room.title, { icon: room.name.startsWith("@") ? "user" : "chat", onclick: () => {
			chosen = room;
			shown.close();
		} })));
	const shown = dialog({ title: `Share ${name}`, content: [
		element("p", {}, "In which room?"), list] });
	list.querySelector("button")?.focus();
	await shown.done;
	return chosen;
}

// Dragged over the room, or pasted into text. take(files); may(): whether there is a room.
export function attend_drops(room, text, may, take) {
	const has_files = (data) => may() && [...data?.types ?? []].includes("Files");
	const mark = (is) => room.classList.toggle("dropping", is);

	room.addEventListener("dragover", (event) => {
		if (!has_files(event.dataTransfer))
			return;
		event.preventDefault();
		mark(true);
	});
	// Beside the room nothing is opened in the place of this page.
	for (const type of ["dragover", "drop"])
		room.parentElement.addEventListener(type, (event) => event.preventDefault());
	room.addEventListener("dragleave", (event) => room.contains(event.relatedTarget) || mark(false));
	room.addEventListener("drop", (event) => {
		mark(false);
		if (!has_files(event.dataTransfer))
			return;
		event.preventDefault();
		if (event.dataTransfer.files.length)
			take(event.dataTransfer.files);
	});
	text.addEventListener("paste", (event) => {
		if (!may() || !event.clipboardData?.files.length || event.clipboardData.getData("text/plain"))
			return;
		event.preventDefault();
		take(event.clipboardData.files);
	});
}
