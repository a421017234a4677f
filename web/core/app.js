// app.js - the beginning: who asks, which view, addresses, the navigation. web/README.md says what a
// view is, and what it gets.
//
//	address --> which view? --> load it, once --> mount it, once --> show it; hide the one before
//
// Never: knows what is in a view.
import { facts, Fault, look, net, note_silence } from "./api.js";
import { $, button, element, empty, face, icon, style } from "./dom.js";
import { change_password, log_in, log_out } from "./login.js";
import * as talk from "./talk.js";

const PLACE = "/.weft";
const views = new Map(); // name: {name, root, module, badge}
const shortcuts = new Map(); // name of a view, or "": [{keys, does, run}]
const scrolled = new Map(); // number of an entry of the history: pixels
let hub = null; // hub.json
let shown = null; // of views
let entry = 0; // of the history: which one it is
let last_entry = 0;

const kinds = {
	files: { label: "Files", icon: "folder", href: "/", is_for: () => hub.has.files },
	chat: { label: "Chat", icon: "chat", href: `${PLACE}/chat`, is_for: () => hub.has.chat },
	people: { label: "People", icon: "people", href: `${PLACE}/people`,
		is_for: () => hub.has.accounts && (app.can("accounts") || app.can("audit")) },
	status: { label: "Status", icon: "status", href: `${PLACE}/status`,
		is_for: () => hub.has.status && app.can("operate") },
	me: { label: "My account", icon: "user", href: `${PLACE}/me`, is_for: () => false },
};

// ---- What views get -----------------------------------------------------------------------------

export const app = {
	get me() {
		return hub?.me ?? null;
	},
	get has() {
		return hub?.has ?? {};
	},
	get hub() {
		return hub;
	},
	can: (power) => hub?.me?.powers.includes(power) ?? false,
	go(address, { replace = false } = {}) {
		const url = new URL(address, location.href);
		if (view_of(url.pathname) === "")
			return void location[replace ? "replace" : "assign"](url);
		if (shown)
			scrolled.set(entry, shown.root.scrollTop);
		if (!replace)
			entry = ++last_entry;
		history[replace ? "replaceState" : "pushState"]({ entry }, "", url);
		return route();
	},
	title(text) {
		document.title = text ? `${text} · ${hub.name}` : hub.name;
	},
	badge(name, count) {
		const place = $(`nav-${name}`)?.querySelector(".badge");
		(views.get(name) ?? kinds[name]).badge = count;
		if (!place)
			return;
		place.replaceChildren(count > 99 ? "99+" : String(count),
			element("span", { className: "sr" }, " unread"));
		place.hidden = !count;
	},
	// [{keys: "n", does: "New folder", run(event)}], of that view while it is in sight.
	keys(name, list) {
		shortcuts.set(name, list);
	},
	async login(why) {
		if (!hub.has.accounts)
			return null;
		if (await log_in(why))
			await refresh();
		return hub.me;
	},
	refresh,
};

// ---- Who asks -----------------------------------------------------------------------------------

const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("weft") : null;
const who = (facts) => JSON.stringify([facts?.me, facts?.has]);
let is_asking_to_change = false;

// Ask who we are; views are told when that has changed.
async function refresh({ tells = true } = {}) {
	const before = who(hub);
	hub = await facts();
	if (who(hub) !== before) {
		frame();
		for (const view of views.values())
			view.module?.changed?.(hub.me);
		if (tells)
			others?.postMessage("who");
	}
	if (hub.me?.must_change && !is_asking_to_change) {
		is_asking_to_change = true;
		if (await change_password(hub.me.name, true))
			talk.toast("The password is set.");
		else
			await log_out().catch(talk.complain);
		is_asking_to_change = false;
		await refresh();
	}
}

others?.addEventListener("message", () => refresh({ tells: false }).catch(() => {}));

// A session that is over is told once, however many requests have found that out.
net.addEventListener("stranger", async () => {
	if (!hub?.me)
		return;
	hub = { ...hub, me: null };
	await refresh();
	if (!hub.me)
		talk.toast("You are logged out.", { action: { label: "Log in", run: () => app.login() } });
});

async function leave() {
	try {
		await log_out();
		await refresh();
		talk.toast("You are logged out.");
		await app.go(shown && ["people", "status", "me"].includes(shown.name) ? "/" : location.href,
			{ replace: true });
	} catch (error) {
		talk.complain(error);
	}
}

// ---- The frame ----------------------------------------------------------------------------------

function set_theme(theme) {
	if (theme)
		document.documentElement.dataset.theme = theme;
	else
		delete document.documentElement.dataset.theme;
	try {
		localStorage.setItem("weft-theme", theme);
	} catch {
		// Nothing is kept in this browser.
	}
}

function self_menu(event) {
	const theme = document.documentElement.dataset.theme ?? "";
	talk.menu(event.currentTarget, [
		hub.me && { label: "My account", icon: "user", run: () => app.go(kinds.me.href) },
		hub.me && null,
		{ label: "Light or dark as the device", checked: theme === "", run: () => set_theme("") },
		{ label: "Light", icon: "sun", checked: theme === "light", run: () => set_theme("light") },
		{ label: "Dark", icon: "moon", checked: theme === "dark", run: () => set_theme("dark") },
		null,
		{ label: "Keyboard shortcuts", icon: "help", keys: "?", run: show_keys },
		hub.me && { label: "Log out", icon: "door", run: leave },
	], hub.me ? hub.me.name : "Menu");
}

function self_part() {
	const opens = { "aria-haspopup": "menu", "aria-expanded": "false", onclick: self_menu };
	if (hub.me)
		return [element("button", { type: "button", className: "self", ...opens },
			face(hub.me.name), element("bdi", {}, hub.me.display || hub.me.name), icon("down"))];
	return [hub.has.accounts && button("Log in", { className: "main", onclick: () => app.login() }),
		button("Menu", { icon: "menu", quiet: true, ...opens })];
}

function nav_link(name) {
	const kind = kinds[name];
	const badge = views.get(name)?.badge ?? 0;
	const made = element("a", { id: `nav-${name}`, href: kind.href }, icon(kind.icon),
		element("span", { className: "label" }, kind.label),
		element("span", { className: "badge", hidden: !badge }, String(badge)));
	if (shown?.name === name)
		made.setAttribute("aria-current", "page");
	return made;
}

function frame() {
	const names = Object.keys(kinds).filter((name) => kinds[name].is_for());
	const focused = document.activeElement, part = focused.closest("#nav, #self");
	$("hub-name").textContent = hub.name;
	$("nav").replaceChildren(...names.length > 1 ? names.map(nav_link) : []);
	$("self").replaceChildren(...self_part().filter(Boolean));
	document.body.classList.toggle("has-nav", names.length > 1);
	if (part)
		((focused.id && $(focused.id)) || part.querySelector("a, button") || $("main")).focus({ preventScroll: true });
}

// ---- Addresses ----------------------------------------------------------------------------------

// The name of the view that an address is of; "": it is a file's; null: there is none.
function view_of(path) {
	if (!path.startsWith(`${PLACE}/`))
		return path.endsWith("/") && hub?.has.files !== false ? "files" : "";
	const name = path.slice(PLACE.length + 1).split("/")[0];
	return name === "" ? "files" : Object.hasOwn(kinds, name) && name !== "files" ? name : null;
}

function fetch_view(name) {
	const base = new URL(`../${name}/`, import.meta.url);
	return Promise.all([import(`${base}view.js`), style(`${base}view.css`)]);
}

async function load(name) {
	const root = element("section", { id: `view-${name}`, className: "view", hidden: true,
		ariaLabel: kinds[name].label });
	const [{ view }] = await fetch_view(name);
	const made = { name, root, module: view, badge: 0 };
	$("main").append(root);
	views.set(name, made);
	await view.mount(root, app);
	return made;
}

// A part can't be loaded: the server does not answer, and then it is tried again when it does; or the
// page has become another one meanwhile, of which what is open is no part.
async function load_anew(error) {
	const key = "weft-anew";
	try {
		await facts();
	} catch {
		net.addEventListener("online", route, { once: true });
		show_fault(error);
		return;
	}
	if (sessionStorage.getItem(key) === import.meta.url) {
		show_fault(error);
		return;
	}
	sessionStorage.setItem(key, import.meta.url);
	location.reload();
}

function show_alone(...nodes) {
	shown?.module.hide?.();
	shown?.root.setAttribute("hidden", "");
	shown = null;
	$("alone")?.remove();
	$("main").append(element("section", { id: "alone", className: "view" }, ...nodes));
	const heading = $("alone").querySelector("h2");
	heading?.replaceWith(element("h1", {}, heading.textContent));
}

function show_fault(error) {
	show_alone(empty("warn", "This could not be shown",
		error instanceof Fault ? error.message : "A part of the page could not be loaded.",
		button("Try again", { icon: "retry", onclick: () => location.reload() })));
}

// A document that the server has not given us: who asks may not see it, as who she is.
async function show_refused() {
	const name = decodeURIComponent(location.pathname.split("/").at(-1));
	app.title(name);
	show_alone(hub.me
		? empty("lock", "This is not for you", `${hub.me.name} may not open ${name}.`,
			element("a", { className: "button", href: "./" }, "To its folder"))
		: empty("lock", "Log in to open this", name,
			button("Log in", { className: "main", onclick: enter })));
	async function enter() {
		if (await app.login(`To open ${name}.`))
			location.reload();
	}
	if (!hub.me && hub.has.accounts)
		await enter();
}

let turn = 0;
async function route() {
	const mine = ++turn;
	const name = view_of(location.pathname);
	if (name === "")
		return show_refused();
	if (name === null) {
		app.title("Nothing here");
		return show_alone(empty("search", "There is nothing here", "",
			element("a", { className: "button", href: "/" }, "To the files")));
	}
	try {
		const view = views.get(name) ?? await load(name);
		if (mine === turn)
			await show(view, mine);
	} catch (error) {
		if (error instanceof TypeError || /no http/.test(error.message))
			return load_anew(error);
		console.error(error);
		return show_fault(error);
	}
	return undefined;
}

async function show(view, mine) {
	const is_other = shown !== view;
	$("alone")?.remove();
	if (is_other) {
		shown?.module.hide?.();
		shown?.root.setAttribute("hidden", "");
		shown = view;
		view.root.hidden = false;
		for (const name of Object.keys(kinds))
			$(`nav-${name}`)?.[name === view.name ? "setAttribute" : "removeAttribute"]("aria-current", "page");
		app.title(kinds[view.name].label);
	}
	const focused = document.activeElement;
	await view.module.show(location.pathname, { search: location.search, hash: location.hash });
	if (mine !== turn)
		return;
	view.root.scrollTop = scrolled.get(entry) ?? 0;
	// Where the focus was is out of sight: who hears the page is told where she is.
	if (is_other && entry > 0 && document.activeElement === focused)
		$("main").focus({ preventScroll: true });
}

// A link within the page, which needs no other document.
function is_inside(link) {
	const url = new URL(link.href, location.href);
	return url.origin === location.origin && !link.target && !link.hasAttribute("download") &&
		link.dataset.native === undefined && Boolean(view_of(url.pathname)) &&
		!["plain", "sort", "order", "archive"].some((word) => url.searchParams.has(word));
}

addEventListener("click", (event) => {
	const link = event.target.closest?.("a[href]");
	if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey ||
		event.altKey || !link || !is_inside(link))
		return;
	const url = new URL(link.href, location.href);
	if (link.className === "skip") {
		event.preventDefault();
		$("main").focus();
		return;
	}
	if (url.hash && url.pathname === location.pathname && url.search === location.search &&
		document.getElementById(url.hash.slice(1)))
		return;
	event.preventDefault();
	app.go(url.href, { replace: url.href === location.href });
});

addEventListener("popstate", (event) => {
	if (shown)
		scrolled.set(entry, shown.root.scrollTop);
	entry = event.state?.entry ?? 0;
	route();
});

// ---- The focus ----------------------------------------------------------------------------------

// What has the focus may go: with another folder, a message that is deleted, a view out of sight. Then it
// is with what that was in, never nowhere.
let within = []; // what has the focus, and what that is in
addEventListener("focusin", ({ target }) => {
	within = [];
	for (let one = target; one; one = one.parentElement)
		within.push(one);
});

const is_there = (one) => one.isConnected && one.getClientRects().length > 0;

function keep_focus() {
	const [last] = within;
	if (last && !is_there(last) && [document.body, last].includes(document.activeElement))
		(within.find((one) => one.hasAttribute("tabindex") && is_there(one)) ?? $("main")).focus({ preventScroll: true });
}

let looking = 0;
new MutationObserver(() => {
	looking ||= requestAnimationFrame(() => {
		looking = 0;
		keep_focus();
	});
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });

// ---- Keys ---------------------------------------------------------------------------------------

const everywhere = [
	{ keys: "?", does: "Show these shortcuts", run: show_keys },
	{ keys: "g f", does: "Go to the files", run: () => app.go(kinds.files.href) },
	{ keys: "g c", does: "Go to the chat", run: () => kinds.chat.is_for() && app.go(kinds.chat.href) },
];

function show_keys() {
	const list = (title, keys) => [element("h3", {}, title), element("dl", { className: "keys" },
		...keys.flatMap(({ keys: pressed, does }) => [
			element("dt", {}, ...pressed.split(" ").flatMap((key, at) =>
				[at ? " " : "", element("kbd", {}, key)])), element("dd", {}, does)]))];
	const own = shortcuts.get(shown?.name) ?? [];
	talk.dialog({ title: "Keyboard shortcuts", content: [
		...own.length ? list(kinds[shown.name].label, own) : [], ...list("Everywhere", everywhere)] });
}

const is_typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
const name_of_key = (event) => (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") +
	(event.shiftKey && event.key.length > 1 ? "Shift+" : "") + (event.key === " " ? "Space" : event.key);
let before = "";
let before_timer = 0;

addEventListener("keydown", (event) => {
	if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]") ||
		(is_typing(event.target) && event.key !== "Escape"))
		return;
	const pressed = name_of_key(event);
	if (["Enter", "Space"].includes(pressed) && event.target.closest?.("a[href], button, summary, label, [role=button]"))
		return;
	const all = [...shortcuts.get(shown?.name) ?? [], ...everywhere];
	const found = all.find(({ keys }) => keys === `${before} ${pressed}`) ?? all.find(({ keys }) => keys === pressed);
	clearTimeout(before_timer);
	before = pressed;
	before_timer = setTimeout(() => {
		before = "";
	}, 1000);
	if (!found)
		return;
	event.preventDefault();
	found.run(event);
});

// ---- The connection -----------------------------------------------------------------------------

net.addEventListener("offline", () => {
	$("offline").replaceChildren(icon("warn"), element("span", {}, "The server does not answer. It is tried again."),
		button("Try now", { className: "link", onclick: look }));
	$("offline").hidden = false;
});
net.addEventListener("online", () => {
	$("offline").hidden = true;
	refresh().catch(() => {});
});

let hidden_at = 0;
addEventListener("visibilitychange", () => {
	if (document.hidden)
		hidden_at = Date.now();
	else if (hub && Date.now() - hidden_at > 60000)
		refresh().catch(() => {});
});

// ---- The beginning ------------------------------------------------------------------------------

async function begin() {
	history.scrollRestoration = "manual";
	entry = last_entry = history.state?.entry ?? 0;
	history.replaceState({ entry }, "");
	const name = view_of(location.pathname);
	if (name)
		fetch_view(name).catch(() => {}); // while the facts come; if it fails, it is told below
	try {
		hub = await facts();
	} catch (error) {
		note_silence();
		net.addEventListener("online", () => location.reload(), { once: true });
		show_fault(error);
		return;
	}
	frame();
	if (location.pathname === `${PLACE}/`)
		history.replaceState({ entry }, "", hub.has.files ? "/" : kinds.chat.href);
	refresh_must_change();
	await route();
	document.documentElement.dataset.ready = "";
}

function refresh_must_change() {
	if (hub.me?.must_change)
		refresh().catch(talk.complain);
}

begin();
