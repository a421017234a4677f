// files.js - files in rooms: which one is shared, and before that put into the server's folder, by
// the same PUT that all use; and what a message with one looks like.
//
// Never: follows an address that is not of this server's files, or replaces a file.
import { $, element, icon } from "./elements.js";
import { remember, remembered } from "./kept.js";
import { fileSize } from "./words.js";

const NAMES_MAX = 20; // that are tried where one is taken

let home = ""; // what of a path my own addresses do not have

// Who I am has changed; with a home I see nothing beside it.
export async function ask_home(is_guest) {
	const answer = is_guest ? null : await fetch("../api/v1/me").catch(() => null);
	const me = answer?.ok ? await answer.json().catch(() => null) : null;
	home = (me?.home ?? "").replace(/^\/+|\/+$/g, "");
}

const encoded = (path) => path.split("/").filter(Boolean).map(encodeURIComponent).join("/");

// The address of a path of the server's; null: it is none of this server, or none for me.
export function address_of(path) {
	if (typeof path !== "string" || !/^\/[^/\\]/.test(path) || /[\s\\]/.test(path))
		return null;
	const start = home && `/${encoded(home)}/`;
	let plain;
	try {
		plain = `/${encoded(decodeURIComponent(path))}`;
	} catch {
		return null;
	}
	if (!plain.startsWith(start))
		return null;
	const url = new URL(start ? plain.slice(start.length - 1) : plain, location.origin);
	return url.origin === location.origin ? url.href : null;
}

// A message's file.
export function fileItem(file) {
	const href = address_of(file.path);
	const name = element("bdi", {}, file.name);
	const kind = [fileSize(file.size), file.type].join(" · ");
	return element("span", { className: "file" },
		icon("M6 3h8l5 5v13H6zM14 3v5h5M9 13h6M9 17h6"),
		element("span", { className: "about" },
			href ? element("a", { href, target: "_blank", rel: "noopener" }, name) : name,
			element("span", { className: "kind" }, href ? kind : `${kind} · not in your folder`)));
}

// ---- Putting ------------------------------------------------------------------------------------

const whys = {
	401: "You may not put files there.", 403: "You may not put files there.",
	404: "This server takes no files.", 405: "This server takes no files.",
	409: "There is no such folder.", 413: "This file is too large for the server.",
	414: "The file's name is too long.", 507: "There is no space for it.",
};

// Whether somebody may write there is asked first: a refused PUT would have the browser ask for a
// password.
async function may_put(folder) {
	const path = [home, folder].filter(Boolean).join("/");
	const answer = await fetch(`../api/v1/me/rights?path=${encodeURIComponent(path)}`)
		.catch(() => null);
	if (!answer)
		throw new Error("The server does not answer.");
	const facts = answer.ok ? await answer.json() : null;
	return answer.status === 404 || facts?.rights.includes("write") === true;
}

// "a.txt", "a (2).txt"
function nth_name(name, n) {
	const dot = name.lastIndexOf(".");
	const end = dot > 0 ? dot : name.length;
	return n === 1 ? name : `${name.slice(0, end)} (${n})${name.slice(end)}`;
}

// The status, or 0.
function send(file, path, request, progress) {
	return new Promise((resolve) => {
		request.open("PUT", `../${encoded(path)}`);
		request.setRequestHeader("If-None-Match", "*");
		request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
		request.onloadend = () => resolve(request.status);
		request.send(file);
	});
}

// Where one may write but not replace, what is there already is 403 as much as 412.
async function is_taken(path, status) {
	if (![403, 409, 412].includes(status))
		return false;
	const answer = await fetch(`../${encoded(path)}`, { method: "HEAD" }).catch(() => null);
	return answer?.ok === true;
}

// Its path on the server.
async function put(file, folder, request, progress) {
	if (!await may_put(folder))
		throw new Error(whys[403]);
	for (let n = 1; n <= NAMES_MAX; n++) {
		const path = [folder, nth_name(file.name, n)].filter(Boolean).join("/");
		const status = await send(file, path, request, progress);
		if (status === 201 || status === 204)
			return path;
		if (!await is_taken(path, status))
			throw new Error(whys[status] ?? "The server has not taken it. Please try again.");
	}
	throw new Error("There are many files of this name already.");
}

// ---- The dialog ---------------------------------------------------------------------------------

let chosen = []; // files of this device
let under_way = null; // the XMLHttpRequest

function say_why(why) {
	$("sharing-why").textContent = why;
	$("sharing-why").hidden = !why;
}

function show_chosen() {
	const names = chosen.map((file) => `${file.name} (${fileSize(file.size)})`).join(", ");
	$("sharing-chosen").textContent = names || "None chosen.";
	$("sharing-into").hidden = chosen.length === 0;
	$("sharing-old").hidden = chosen.length > 0;
	$("sharing-path").required = chosen.length === 0;
}

function show_busy(is_busy) {
	$("sharing-progress").hidden = !is_busy;
	$("sharing-progress").value = 0;
	for (const id of ["sharing-pick", "sharing-go", "sharing-folder", "sharing-path"])
		$(id).disabled = is_busy;
}

function open(files) {
	chosen = [...files];
	say_why("");
	show_busy(false);
	$("sharing-path").value = "";
	$("sharing-folder").value = remembered("folder", "");
	show_chosen();
	if (!$("sharing").open)
		$("sharing").showModal();
	(chosen.length ? $("sharing-go") : $("sharing-pick")).focus();
}

async function share_chosen(share) {
	const folder = $("sharing-folder").value.split("/").filter(Boolean).join("/");
	remember("folder", folder);
	while (chosen.length) {
		under_way = new XMLHttpRequest();
		share(await put(chosen[0], folder, under_way, (part) => {
			$("sharing-progress").value = part;
		}));
		chosen.shift();
		show_chosen();
	}
}

async function go(share) {
	say_why("");
	if (chosen.length === 0) {
		share($("sharing-path").value.trim());
		$("sharing").close();
		return;
	}
	show_busy(true);
	try {
		await share_chosen(share);
		$("sharing").close();
	} catch (error) {
		if ($("sharing").open)
			say_why(error.message);
	}
	show_busy(false);
}

// Dragged over the room, pasted, or by the button. may(): whether there is a room; share(path).
export function offer_sharing({ may, share }) {
	const has_files = (data) => may() && [...data?.types ?? []].includes("Files");
	const mark = (is) => $("room").classList.toggle("dropping", is);

	$("attach").addEventListener("click", () => open([]));
	$("sharing-pick").addEventListener("click", () => $("sharing-file").click());
	$("sharing-file").addEventListener("change", () => {
		chosen = [...$("sharing-file").files];
		$("sharing-file").value = "";
		show_chosen();
		$("sharing-go").focus();
	});
	$("sharing-cancel").addEventListener("click", () => $("sharing").close());
	$("sharing").addEventListener("close", () => under_way?.abort());
	$("sharing-form").addEventListener("submit", (event) => {
		event.preventDefault();
		go(share);
	});
	$("room").addEventListener("dragover", (event) => {
		if (!has_files(event.dataTransfer))
			return;
		event.preventDefault();
		mark(true);
	});
	$("room").addEventListener("dragleave", (event) =>
		$("room").contains(event.relatedTarget) || mark(false));
	// Beside the room nothing is opened instead of this page.
	addEventListener("dragover", (event) => event.preventDefault());
	addEventListener("drop", (event) => event.preventDefault());
	$("room").addEventListener("drop", (event) => {
		mark(false);
		if (has_files(event.dataTransfer) && event.dataTransfer.files.length)
			open(event.dataTransfer.files);
	});
	$("text").addEventListener("paste", (event) => {
		if (!event.clipboardData?.files.length || event.clipboardData.getData("text/plain"))
			return;
		event.preventDefault();
		open(event.clipboardData.files);
	});
}
