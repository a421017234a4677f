// view.js - the files of the hub: which folder is in sight, and what the parts of the view do together.
//
//	/photos/              a folder		#search=boat	what is found below it
//	/photos/#show=a.jpg   a file of it	/#trash		what was deleted
//
//	address --> load --> model --> list.js shows it; actions.js does what is asked for
//
// Never: shows what an earlier address has asked for.
import { button, element, empty, icon, skeleton } from "../core/dom.js";
import { net } from "../core/api.js";
import { complain, confirm, menu, say } from "../core/talk.js";
import * as words from "../core/words.js";
import { Actions } from "./actions.js";
import { crumbsOf, selectionOf, toolsOf } from "./bar.js";
import { offerDragging } from "./drag.js";
import { List } from "./list.js";
import { offerActions, sortMenu } from "./menus.js";
import { Model } from "./model.js";
import { decoded, folderOf, lastPart, stepsOf, visible } from "./names.js";
import { load } from "./place.js";
import { offerPointer } from "./pointer.js";
import { Preview } from "./preview.js";
import { askAboutTaken } from "./questions.js";
import { Transfers } from "./transfers.js";
import { makeUploads } from "./uploads.js";
import { chosen as chosenFiles, dropped } from "./walk.js";
import { watch } from "./watch.js";
import { about } from "./ask.js";

const AGAIN_MS = 700;

let app, parts, actions, uploads, may_list, hands;
const model = new Model();
const kept = new Map(); // where in a folder one was: address -> {top, href}
let place = null; // place.js: {mode, folder, rights, trash, status, why, tag, ...}
let wanted = ""; // the address that is in sight, or on its way
let loading = null; // an AbortController
let is_shown = false;

const may = (right) => place?.rights === undefined || place.rights.includes(right);
const keyOf = ({ mode, folder, pattern = "" }) => `${mode} ${folder} ${pattern}`;

// ---- Where one is -------------------------------------------------------------------------------

// {mode, folder, pattern, showing} of an address.
function read(path, hash) {
	const [name, ...rest] = hash.replace(/^#/, "").split("="), value = decoded(rest.join("="));
	if (path === "/" && name === "trash")
		return { mode: "trash", folder: "/" };
	if (name === "search" && value)
		return { mode: "search", folder: path, pattern: value };
	return { mode: "folder", folder: path, showing: name === "show" ? rest.join("=") : "" };
}

async function go(asked) {
	const key = keyOf(asked);
	if (key !== wanted || place === null) {
		remember();
		wanted = key;
		place = null;
		// What was deleted last is what is looked for; elsewhere it is as it was sorted before.
		const sort = (asked.mode === "trash" ? kept.get("trash sort") : kept.get("sort")) ??
			{ by: asked.mode === "trash" ? "time" : "name", is_down: asked.mode === "trash" };
		Object.assign(model, { filter: "", sort });
		parts.tools.setValue(asked.pattern ?? "");
		model.selected.clear();
		model.cursor = -1;
		model.set([]);
		const had_focus = parts.crumbs.contains(document.activeElement);
		frame(asked);
		state(skeleton());
		if (had_focus)
			parts.state.focus({ preventScroll: true }); // the list has it when it is there
		await fill(asked);
		hands.soon();
	}
	if (keyOf(asked) === wanted)
		showFile(asked.showing);
}

function remember() {
	if (place)
		kept.set(place.mode === "trash" ? "trash sort" : "sort", model.sort);
	if (place)
		kept.set(keyOf(place), { top: parts.list.root.scrollTop, href: model.current?.href });
}

// Ask for what is to be seen, and show it. The status of the answer; undefined: it is as it was, or of no
// use any more.
async function fill(asked, { select, is_look = false } = {}) {
	const key = keyOf(asked), was = place && keyOf(place) === key ? place : null;
	loading?.abort();
	loading = new AbortController();
	const { signal } = loading;
	if (!is_look)
		parts.root.setAttribute("aria-busy", "true");
	const found = await load(asked, { tag: was?.status === 200 ? was.tag : "", signal,
		some: (entries) => key === wanted && !signal.aborted && model.set(entries) });
	if (signal.aborted || key !== wanted)
		return undefined;
	parts.root.removeAttribute("aria-busy");
	loading = null;
	if (found === null && select)
		pick(select); // somebody else's look was first
	if (found === null || (is_look && !tells(found))) // as it was
		return found?.status;
	place = found;
	if (found.entries)
		model.set(found.entries);
	else
		model.set([]);
	if (!was)
		arrive();
	settle();
	if (select)
		pick(select);
	return found.status;
}

// It is shown for the first time: the cursor where it was, or on the folder one comes from.
function arrive() {
	const before = kept.get(keyOf(place));
	if (before) {
		model.cursor = model.anchor = before.href === undefined ? -1 : model.indexOf(before.href);
		parts.list.root.scrollTop = before.top;
	} else {
		parts.list.root.scrollTop = 0;
	}
	parts.list.refresh();
	lookAtQuota();
	say(place.entries ? words.count(model.shown.length, "entry", "entries") : place.why ?? "");
}

// Those that have these addresses are selected and in sight.
function pick(addresses) {
	const those = new Set(addresses.map((address) => decodeURI(address.replace(/%(?![0-9a-f]{2})/gi, "%25"))
		.replace(/\/$/, "")));
	const key = (address) => {
		try {
			return decodeURI(address).replace(/\/$/, "");
		} catch {
			return address;
		}
	};
	const hrefs = model.shown.filter((entry) => those.has(key(entry.address))).map(({ href }) => href);
	if (hrefs.length === 0)
		return;
	model.select(hrefs.length === 1 ? [] : hrefs);
	model.moveTo(model.indexOf(hrefs[0]));
	parts.list.scrollTo(model.cursor);
	if (!document.querySelector("dialog[open]"))
		parts.list.root.focus({ preventScroll: true });
}

// What there is now; another look at the server.
const reload = (options) => place || wanted ? fill(place ?? current(), options) : undefined;
const current = () => read(location.pathname, location.hash);

let soon = 0, last_ms = 0, last_end = -Infinity;

// What has come is shown at once; but a large folder is not asked for all the time, nor while it is asked
// for already, or something in it has to stay what it is.
function reloadSoon() {
	if (soon || !place)
		return;
	const wait = last_end + Math.max(AGAIN_MS, last_ms * 5) - performance.now();
	if (wait > 0 || loading || hands.are_full || parts.list.is_renaming)
		soon = setTimeout(() => {
			soon = 0;
			reloadSoon();
		}, Math.max(wait, AGAIN_MS / 10));
	else
		reloadNow();
}

async function reloadNow() {
	const began = performance.now();
	await reload();
	last_end = performance.now();
	last_ms = last_end - began;
	lookAtQuota();
}

// Whether an answer that nobody waits for may change what is in sight: the next one will.
const tells = ({ status }) => status !== 0 && status !== 429 && status < 500 && !hands.are_full &&
	!parts.list.is_renaming;

// ---- What is to be seen -------------------------------------------------------------------------

// The bar, as an address says.
function frame({ mode, folder, pattern }) {
	const title = { trash: "Trash", search: `Search: ${pattern}` }[mode];
	const crumbs = crumbsOf({ folder, title });
	parts.crumbs.replaceWith(crumbs);
	parts.crumbs = crumbs;
	const name = title ?? visible(stepsOf(folder).at(-1)?.name ?? "");
	app.title(name);
	parts.heading.textContent = name || "Files";
	parts.root.dataset.mode = mode;
	parts.list.head.setWords(mode);
}

// An element instead of the list; null: the list.
function state(shown) {
	const { root } = parts.list, to = shown ? parts.state : root, from = shown ? root : parts.state;
	const has_focus = [from, parts.state].some((one) => one.contains(document.activeElement));
	to.hidden = false;
	if (has_focus)
		to.focus({ preventScroll: true });
	parts.state.replaceChildren(...shown ? [shown] : []);
	from.hidden = true;
}

function emptyState() {
	const { status, why, mode } = place;
	if (status === 401 || (status === 403 && !app.me && app.has.accounts))
		return empty("lock", "Log in to see this", "Who you are says what you may see here.",
			button("Log in", { className: "main", onclick: () => app.login("To see this folder.") }));
	if (!place.entries)
		return empty(status === 403 ? "lock" : status === 404 ? "search" : "warn",
			{ 403: "This is not for you", 404: "This folder is not there" }[status] ?? "It can't be shown",
			status === 404 ? "It may have been moved or deleted." : why,
			place.folder !== "/" && element("a", { className: "button", href: folderOf(place.folder) },
				"To the folder above"),
			button("Try again", { icon: "retry", onclick: () => reload() }));
	if (model.shown.length > 0)
		return null;
	if (model.filter)
		return empty("search", "Nothing here has that in its name", "",
			button("Search in all folders below", { onclick: () => search(model.filter) }));
	if (mode === "search")
		return empty("search", "Nothing was found", "Part of a name is enough; * and ? stand for any letters.");
	if (mode === "trash")
		return empty("trash", "The trash is empty", place.keep_days
			? `What you delete stays here for ${words.count(place.keep_days, "day")}.` : "");
	return empty("folder", "Nothing is here yet", may("write") ? "Drop files or folders here, or choose them."
		: app.me || !app.has.accounts ? "" : "Log in to add something.", ...may("write")
		? [button("Choose files", { icon: "upload", className: "main", onclick: () => parts.files.click() })]
		: []);
}

// All that depends on what there is and what is selected.
function settle() {
	if (!place)
		return;
	state(emptyState());
	const is_folder = place.mode === "folder" && Boolean(place.entries), { tools } = parts;
	tools.upload.hidden = tools.make.hidden = !is_folder || !may("write");
	tools.empty.hidden = place.mode !== "trash" || model.entries.length === 0;
	tools.more.hidden = tools.field.hidden = !place.entries;
	tools.sort.hidden = tools.form.hidden = !place.entries || model.entries.length === 0;
	tools.form.hidden ||= place.mode !== "folder";
	drawSum();
	drawSelection();
}

function drawSum() {
	const shown = model.shown.length, all = model.entries.length;
	const bytes = model.shown.reduce((sum, { size }) => sum + (size ?? 0), 0);
	const count = !place.entries ? "" : shown === all ? words.count(all, "entry", "entries")
		: `${words.number(shown)} of ${words.count(all, "entry", "entries")}`;
	parts.sum.textContent = [count, bytes > 0 && words.size(bytes),
		place.left_out > 0 && `${words.number(place.left_out)} more are not shown: search for them`,
		place.is_complete === false && "there is more: search more exactly",
		place.mode === "folder" && place.entries && !may("write") && "you may look, not change"]
		.filter(Boolean).join(" · ");
}

function drawSelection() {
	const { selection } = model, bytes = selection.reduce((sum, { size }) => sum + (size ?? 0), 0);
	const had_focus = parts.selection.contains(document.activeElement);
	parts.selection.hidden = selection.length === 0;
	if (had_focus && parts.selection.hidden)
		(parts.state.hidden ? parts.list.root : parts.state).focus({ preventScroll: true });
	parts.tools.root.classList.toggle("covered", selection.length > 0);
	if (selection.length)
		parts.selection.update(`${words.number(selection.length)} selected`,
			bytes ? ` · ${words.size(bytes)}` : "", may_list.bar(selection));
}

async function lookAtQuota() {
	const facts = place?.mode === "folder" && app.me ? await about(place.folder) : null;
	const quota = facts?.quota;
	parts.quota.hidden = !quota?.max;
	if (!quota?.max)
		return;
	const part = quota.used / quota.max;
	parts.quota.classList.toggle("full", part > .9);
	parts.quota.querySelector("progress").value = Math.min(1, part);
	parts.quota.querySelector("span").textContent =
		`${words.size(quota.used)} of ${words.size(quota.max)} used`;
}

// ---- What is done -------------------------------------------------------------------------------

const search = (text) => text.trim() &&
	app.go(`${place?.folder ?? "/"}#search=${encodeURIComponent(text.trim())}`);

function open(entry) {
	if (place.mode === "trash")
		actions.restore([entry]);
	else if (entry.type === "folder")
		app.go(entry.address);
	else if (place.mode === "search")
		app.go(`${folderOf(entry.address)}#show=${lastPart(entry.address)}`);
	else
		app.go(`${place.folder}#show=${lastPart(entry.address)}`);
}

// By the key: the browser's own event tells of files in its clipboard, where it sends one at all.
let pasting = 0;
function paste() {
	pasting = setTimeout(() => place?.mode === "folder" && may("write") && actions.paste(), 50);
}

let opened_here = false;
function showFile(part) {
	const files = part ? model.shown.filter(({ type }) => type === "file") : [];
	const entry = files.find(({ address }) => lastPart(address) === part) ??
		files.find(({ name }) => name === decoded(part));
	if (!entry) {
		parts.preview.close();
		if (part)
			complain(new Error("This file is not there any more."));
		return;
	}
	opened_here = opened_here || history.state?.entry > 0;
	model.moveTo(model.indexOf(entry.href));
	parts.list.scrollTo(model.cursor);
	parts.preview.open(files, entry);
}

function closeFile() {
	if (opened_here)
		history.back();
	else
		app.go(place.folder, { replace: true });
	opened_here = false;
}

function up() {
	if (place?.mode !== "folder")
		app.go(place?.folder ?? "/");
	else if (place.folder !== "/")
		app.go(folderOf(place.folder));
}

async function take(found, folder) {
	const { files, folders, is_cut, unread } = await found;
	if (is_cut)
		complain(new Error(`Only the first ${words.number(files.length)} files are taken.`));
	if (unread)
		complain(new Error(`${words.count(unread, "file")} can't be read by this browser.`));
	if (files.length || folders.length)
		await uploads.add({ files, folders }, folder, { may_replace: may("replace") });
}

function setForm(is_tiles) {
	parts.list.setTiles(is_tiles);
	const text = is_tiles ? "Show as a list" : "Show as tiles";
	parts.tools.form.replaceChildren(icon(is_tiles ? "list" : "grid"));
	parts.tools.form.title = text;
	parts.tools.form.setAttribute("aria-label", text);
	try {
		localStorage.setItem("weft-tiles", is_tiles ? "1" : "");
	} catch {
		// It is as it was in the next visit.
	}
}

function setSort(by, is_down = model.sort.by === by ? !model.sort.is_down : by === "time") {
	model.setSort(by, is_down);
}

// ---- The parts ----------------------------------------------------------------------------------

function picker(properties, id) {
	const made = element("input", { type: "file", hidden: true, multiple: true, id, ...properties });
	made.addEventListener("change", () => {
		const found = chosenFiles(made.files);
		made.value = "";
		take(found, place.folder);
	});
	return made;
}

function build(root) {
	parts = { root, crumbs: element("nav"), preview: null };
	parts.list = new List(model, { open, up, act: (name) => may_list.run(name),
		sort: (by) => setSort(by), menu: (entry, at) => may_list.open(entry, at),
		made: (row, entry) => row.classList.toggle("cut", actions.isCut(entry)) });
	parts.tools = toolsOf({
		filter: (text) => place?.mode !== "search" && model.setFilter(text),
		search, focusList: () => parts.list.root.focus(),
		make: () => actions.make(), form: () => setForm(!parts.list.is_tiles),
		sortMenu: (at) => sortMenu(at, model, setSort), moreMenu: (at) => may_list.more(at),
		uploadMenu: (at) => menu(at, [
			{ label: "Files", icon: "file", run: () => parts.files.click() },
			{ label: "A folder", icon: "folder", run: () => parts.folders.click() }], "Upload"),
		emptyTrash: () => actions.emptyTrash() });
	parts.selection = selectionOf(() => {
		model.selectNone();
		parts.list.root.focus();
	});
	parts.selection.run = (id) => may_list.run(id);
	parts.selection.more = (at) => may_list.open(model.selection[0], at, model.indexOf(model.selection[0].href));
	parts.state = element("div", { className: "fl-state", tabIndex: -1, hidden: true });
	parts.sum = element("p", { className: "ff-sum", role: "status" });
	parts.quota = element("div", { className: "ff-quota", hidden: true }, element("span", {}),
		element("progress", { max: 1, ariaLabel: "Of your space that is used" }));
	parts.files = picker({}, "choose-files");
	parts.folders = picker({ webkitdirectory: true }, "choose-folder");
	parts.preview = new Preview({ close: closeFile, actions: (entry) => may_list.preview(entry),
		moved: (entry) => app.go(`${place.folder}#show=${lastPart(entry.address)}`, { replace: true }) });
	parts.transfers = new Transfers(say);
	root.classList.add("files");
	parts.heading = element("h1", { className: "sr" }, "Files");
	root.append(parts.heading, element("div", { className: "fb" }, parts.crumbs,
		element("div", { className: "fb-line" }, parts.tools.root, parts.selection)),
	element("div", { className: "fl-frame" }, parts.list.root, parts.state),
	element("footer", { className: "ff" }, parts.sum, parts.quota),
	parts.transfers.root, parts.files, parts.folders, parts.preview.root);
}

function connect(root) {
	const at = { app, model, list: parts.list, reload, folder: () => place?.folder ?? null,
		can_trash: () => place?.trash === true,
		forget(entries) {
			const gone = new Set(entries.map(({ address }) => address));
			if (!place?.entries)
				return;
			model.set(model.entries.filter(({ address }) => !gone.has(address)));
			place.tag = ""; // what it was of may be so again, and is not what is shown
			settle();
		} };
	actions = new Actions(at);
	may_list = offerActions({ app, model, actions, may, place: () => place, open, list: parts.list });
	uploads = makeUploads({ question: askAboutTaken }, {
		changed: (upload) => parts.transfers.changed(upload),
		moved: (upload) => parts.transfers.moved(upload),
		arrived: (folder) => place?.mode === "folder" && folder.startsWith(place.folder) && reloadSoon(),
		complain: (text) => complain(new Error(text)) });
	parts.transfers.watch(uploads);
	model.onChange((what) => what === "rows" ? settle() : place && drawSelection());
	offerPointer(parts.list, model, { open, menu: may_list.open });
	offerDragging(root, { may, at: (target) => place?.mode === "trash" ? null : parts.list.at(target),
		folder: () => place?.mode === "folder" ? place.folder : null,
		chosen(index) {
			if (!model.isSelected(index))
				model.moveTo(index, { only: true });
			return model.selection;
		},
		files: (data, folder) => take(dropped(data), folder),
		move: (entries, folder, is_copy) => actions.move(entries, folder, is_copy) });
}

function listen() {
	addEventListener("keydown", (event) => {
		if (is_shown && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v" &&
			!event.target.closest?.("input, textarea, dialog"))
			paste();
	});
	addEventListener("paste", (event) => {
		clearTimeout(pasting);
		if (!is_shown || event.target.closest?.("input, textarea, dialog") || place?.mode !== "folder" ||
			!may("write"))
			return;
		if (event.clipboardData.files.length)
			take(dropped(event.clipboardData), place.folder);
		else
			actions.paste();
	});
	net.addEventListener("online", () => uploads.queue.wake());
	hands = watch(parts.root, { look: async () => (await reload({ is_look: true }) ?? 200) === 200,
		is_due: () => is_shown && place?.mode === "folder" && !loading && !parts.list.is_renaming });
	app.keys?.("files", [
		{ keys: "/", does: "Filter this folder", run: () => parts.tools.filter.focus() },
		{ keys: "u", does: "Upload files", run: () => !parts.tools.upload.hidden && parts.files.click() },
		{ keys: "n", does: "New folder", run: () => !parts.tools.make.hidden && actions.make() },
		{ keys: "v", does: "List or tiles", run: () => setForm(!parts.list.is_tiles) },
		...[["Enter", "Open"], ["Space", "Select"], ["Ctrl+a", "Select all"], ["F2", "Rename"],
			["Delete", "Delete"], ["Backspace", "To the folder above"], ["Shift+F10", "What can be done"]]
			.map(([keys, does]) => ({ keys, does, run: (event) => parts.list.press(event) })),
		// The browser's own have to come to the browser, and the list finds names: no key is called so.
		...[["a–z", "In the list: to the name that begins so. Single letters do the rest outside of it"],
			["Ctrl+X", "Cut"], ["Ctrl+C", "Copy"], ["Ctrl+V", "Paste"]]
			.map(([keys, does]) => ({ keys, does, run: () => {} })),
	]);
}

export const view = {
	mount(root, given) {
		app = given;
		build(root);
		connect(root);
		listen();
		let is_tiles = "";
		try {
			is_tiles = localStorage.getItem("weft-tiles");
		} catch {
			// As a list, then.
		}
		setForm(Boolean(is_tiles));
		parts.transfers.onEmpty = () => parts.list.root.focus();
		parts.transfers.onCancelAll = () => confirm({
			title: "Cancel all uploads?", text: "What has come of them is thrown away.",
			yes: "Cancel them", no: "Go on", danger: true });
		uploads.findLost().catch(() => {});
	},
	show(path = location.pathname, { hash = location.hash } = {}) {
		is_shown = true;
		return go(read(path, hash));
	},
	hide() {
		is_shown = false;
		remember();
		parts.preview.close();
	},
	changed() {
		wanted = "";
		place = null;
		if (is_shown)
			go(current());
	},
};
