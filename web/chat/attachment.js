// attachment.js - a file in a room: what a message with one looks like, and how one is put into the
// server's folder, by the same PUT that all use.
//
// Never: follows an address that is not of this server's files, or replaces a file.
import { element, icon } from "../core/dom.js";
import { size } from "./words.js";

const NAMES_MAX = 20; // that are tried where one is taken
const PREVIEW_MAX = 8e6; // bytes of a picture that is shown

let home = ""; // what of a path my own addresses do not have

// Who I am has changed; with a home I see nothing beside it.
export async function ask_home(is_guest) {
	const answer = is_guest ? null : await fetch("/api/v1/me").catch(() => null);
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

const is_picture = (file) => /^image\/(png|jpeg|gif|webp|avif)$/.test(file.type) &&
	file.size <= PREVIEW_MAX;

// A message's file; grown() is called when a picture has made it higher.
export function file_item(file, previews, grown) {
	const href = address_of(file.path);
	const kind = [size(file.size), file.type].join(" · ");
	const link = (className, ...children) => element("a", { className, href, target: "_blank",
		rel: "noopener" }, ...children);
	const parts = [icon(is_picture(file) ? "image" : "file"),
		element("span", { className: "about" }, element("bdi", {}, file.name),
			element("span", { className: "kind" }, href ? kind : `${kind} · not in your folder`))];
	const made = href ? link("file", ...parts) : element("span", { className: "file" }, ...parts);
	if (!href || !previews || !is_picture(file))
		return made;
	const picture = element("img", { className: "preview", alt: "", loading: "lazy",
		onload: grown, onerror: () => picture.parentElement.remove() });
	picture.src = href;
	const shown = link("", picture);
	shown.tabIndex = -1; // what is below it is the same link
	shown.ariaHidden = "true";
	return element("span", { className: "shown" }, shown, made);
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
	const answer = await fetch(`/api/v1/me/rights?path=${encodeURIComponent(path)}`)
		.catch(() => null);
	if (!answer)
		throw new Error("The server does not answer.");
	const facts = answer.ok ? await answer.json() : null;
	return answer.status === 404 || facts?.rights.includes("write") === true;
}

// "a.txt", "a (2).txt"
export function nth_name(name, n) {
	const dot = name.lastIndexOf(".");
	const end = dot > 0 ? dot : name.length;
	return n === 1 ? name : `${name.slice(0, end)} (${n})${name.slice(end)}`;
}

// The status, or 0.
function send(file, path, request, progress) {
	return new Promise((resolve) => {
		request.open("PUT", `/${encoded(path)}`);
		request.setRequestHeader("If-None-Match", "*");
		request.setRequestHeader("X-Requested-With", "weft");
		request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
		request.onloadend = () => resolve(request.status);
		request.send(file);
	});
}

// Where one may write but not replace, what is there already is 403 as much as 412.
async function is_taken(path, status) {
	if (![403, 409, 412].includes(status))
		return false;
	const answer = await fetch(`/${encoded(path)}`, { method: "HEAD",
		headers: { "X-Requested-With": "weft" } }).catch(() => null);
	return answer?.ok === true;
}

// Put it there, under a name that is free; its path on the server. It fails with a sentence.
export async function put(file, folder, request, progress) {
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
