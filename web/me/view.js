// view.js - one's own account: name, password, storage, where one is logged in, tokens of programs; and
// a password that is set by a link, #weft_l_SECRET, which an administrator has handed over.
//
// The secret stands behind the "#", which no browser sends to a server or to another page.
import { api } from "../core/api.js";
import { button, check, element, empty, face, field, icon, moment, select, skeleton } from "../core/dom.js";
import { change_password, new_password_rows } from "../core/login.js";
import * as talk from "../core/talk.js";
import * as words from "../core/words.js";

let root, app, secret = "";

const card = (title, ...content) => element("section", { className: "card part" },
	element("h2", {}, title), ...content);

// ---- Oneself ------------------------------------------------------------------------------------

function change_name(me) {
	return talk.ask_text({ title: "Your name for others", label: "Name", value: me.display_name,
		required: false, maxLength: 64, yes: "Change it", hint: `Empty: it is ${me.name}.`,
		async run(text) {
			await api("PATCH", "/me", { display_name: text.trim() });
			await app.refresh();
			await draw();
		} });
}

function storage_of(me) {
	if (!me.quota)
		return element("p", { className: "soft" }, `${words.size(me.used)} used; there is no limit.`);
	const share = Math.min(1, me.used / me.quota);
	return element("div", {},
		element("p", {}, `${words.size(me.used)} of ${words.size(me.quota)} used`),
		element("meter", { min: 0, max: 1, value: share, high: .9, ariaLabel: "Storage used" }));
}

function self_card(me) {
	return element("section", { className: "card part self-card" }, face(me.name),
		element("div", { className: "grow" },
			element("h2", {}, element("bdi", {}, me.display_name || me.name)),
			element("p", { className: "soft" }, me.display_name && `${me.name} · `, me.role, me.home && ` · at home in /${me.home}/`)),
		button("Change name", { icon: "edit", onclick: () => change_name(me) }),
		button("Change password", { icon: "key", onclick: async () => {
			if (await change_password(me.name)) {
				talk.toast("The password is changed. All other sessions are over.");
				await app.refresh();
				await draw();
			}
		} }));
}

// ---- Sessions -----------------------------------------------------------------------------------

// "Firefox on Windows", of what a browser says of itself.
export function browser_of(label) {
	const first = (pairs) => pairs.find(([part]) => label.includes(part))?.[1];
	const browser = first([["Edg", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"],
		["Chrom", "Chrome"], ["Safari/", "Safari"]]);
	const system = first([["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"],
		["Windows", "Windows"], ["Mac OS", "Mac"], ["Linux", "Linux"]]);
	return browser ? `${browser}${system ? ` on ${system}` : ""}` : label || "a program";
}

function session_item(session) {
	return element("li", { className: "line" }, icon("key"),
		element("div", { className: "grow" },
			element("p", { title: session.label }, browser_of(session.label), " ",
				session.is_this && element("span", { className: "tag good" }, "this one")),
			element("p", { className: "hint" }, `from ${session.address || "this machine"}, last used `,
				moment(session.seen), ", until ", moment(session.expires))),
		!session.is_this && button("End", { "aria-label": `End ${browser_of(session.label)} from ${session.address}`,
			onclick: () => act(async () => {
				await api("DELETE", `/sessions/${session.id}`);
				talk.toast("That session is over.");
			}) }));
}

async function end_all() {
	if (!await talk.confirm({ title: "Log out everywhere?", yes: "Log out everywhere",
		text: "All your sessions end, this one too. Tokens of programs stay." }))
		return;
	await act(async () => {
		await api("DELETE", "/sessions");
		await app.refresh();
	});
}

const sessions_card = (sessions) => card("Where you are logged in",
	element("ul", {}, ...sessions.map(session_item)),
	button("Log out everywhere", { icon: "door", onclick: end_all }));

// ---- Tokens -------------------------------------------------------------------------------------

const DAY_S = 86400;
const rights = { read: "Open files", list: "See names", write: "Add files", replace: "Replace files",
	delete: "Remove and move files" };
const powers = { accounts: "Manage people", audit: "Read the log", backup: "Take backups",
	moderate: "Moderate chat", operate: "See the status, stop the server" };
const boxes = (all, chosen) => Object.entries(all).map(([name, text]) =>
	Object.assign(check(text, { checked: chosen.includes(name) }), { word: name }));
const ticked = (list) => list.filter((box) => box.input.checked).map((box) => box.word);

async function add_token() {
	const label = element("input", { maxLength: 128, required: true, placeholder: "backup of my laptop" });
	const folder = element("input", { placeholder: "all", spellcheck: false, autocapitalize: "none" });
	const expires = select([{ value: 30, label: "30 days" }, { value: 90, label: "90 days" },
		{ value: 365, label: "a year" }, { value: 0, label: "always" }], "90");
	const may = boxes(rights, ["read", "list"]);
	const can = boxes(Object.fromEntries(Object.entries(powers).filter(([name]) => app.can(name))), []);
	let made = null;
	const shown = talk.dialog({ title: "A token for a program", content: [
		field("What it is for", label), field("In which folder", folder, "Empty: in all that you may see."),
		field("It is good for", expires),
		element("fieldset", {}, element("legend", {}, "It may"), ...may, ...can)],
	actions: [{ label: "Make it", main: true, async run() {
		const days = Number(expires.value);
		made = await api("POST", `/users/${encodeURIComponent(app.me.name)}/tokens`, {
			label: label.value.trim(), rights: ticked(may), powers: ticked(can),
			folder: folder.value.trim().replace(/^\/+|\/+$/g, ""),
			expires: days ? Math.floor(Date.now() / 1000) + days * DAY_S : 0 });
	} }] });
	await shown.done;
	if (!made)
		return;
	await draw();
	const { secret: text } = made;
	await talk.tell({ title: "Your token", yes: "I have kept it", text: "It is shown this once. Who has it may what it may.",
		content: [element("pre", { className: "secret", tabIndex: 0 }, text),
			button("Copy", { icon: "copy", onclick: () => talk.copy(text, "The token") })] });
}

function token_item(token) {
	return element("li", { className: "line" }, icon("key"),
		element("div", { className: "grow" }, element("p", {}, token.label),
			element("p", { className: "hint" },
				[...token.rights, ...token.powers].join(", ") || "nothing", ` in /${token.folder}, used `,
				moment(token.seen), token.expires ? ", until " : "", token.expires ? moment(token.expires) : "")),
		button("Revoke", { "aria-label": `Revoke ${token.label}`, onclick: () => act(async () => {
			await api("DELETE", `/users/${encodeURIComponent(app.me.name)}/tokens/${token.id}`);
			talk.toast(`The token for ${token.label} is of no use any more.`);
		}) }));
}

const tokens_card = (tokens) => card("Tokens for programs",
	tokens.length ? element("ul", {}, ...tokens.map(token_item))
		: element("p", { className: "soft" }, "None. A script or a backup comes in by one, without your password."),
	button("New token", { icon: "plus", onclick: add_token }));

// ---- A link -------------------------------------------------------------------------------------

async function draw_link() {
	let link;
	try {
		link = await api("POST", "/links/look", { secret });
	} catch (error) {
		root.replaceChildren(empty("link", "This link does not work",
			error.status === 404 || error.status === 410
				? "It was used already, or it is too old. Ask an administrator for another one." : error.message));
		return;
	}
	const fresh = new_password_rows();
	const why = element("p", { className: "complaint", role: "alert", hidden: true });
	const form = element("form", { className: "card part narrow" },
		element("h1", {}, link.is_invitation ? `Welcome, ${link.display_name || link.name}` : "A new password"),
		element("p", { className: "soft" }, link.is_invitation
			? `Your name here is ${link.name}. Choose a password, and you are in.`
			: `For ${link.name}.`),
		element("input", { autocomplete: "username", value: link.name, hidden: true }),
		...fresh.rows, why, element("button", { className: "main" }, "Set the password"));
	form.onsubmit = async (event) => {
		event.preventDefault();
		why.hidden = true;
		if (!fresh.judge())
			return;
		try {
			await api("POST", "/links/use", { secret, password: fresh.value() });
			await api("POST", "/sessions", { name: link.name, password: fresh.value() });
		} catch (error) {
			why.textContent = error.message;
			why.hidden = false;
			return;
		}
		// It is of no use any more, and need not stay in the browser's history.
		secret = "";
		await app.refresh();
		talk.toast(`You are logged in as ${link.name}.`);
		await app.go(link.is_invitation ? "/" : location.pathname, { replace: true });
	};
	root.replaceChildren(element("div", { className: "column" }, form));
	form.querySelector("input:not([hidden])").focus();
}

// ---- All of it ----------------------------------------------------------------------------------

async function act(run) {
	try {
		await run();
		await draw();
	} catch (error) {
		talk.complain(error);
	}
}

async function draw() {
	if (secret)
		return draw_link();
	app.title("My account");
	if (!app.me) {
		root.replaceChildren(app.has.accounts
			? empty("user", "Your account", "Log in to see it.",
				button("Log in", { className: "main", onclick: () => app.login() }))
			: empty("user", "There are no accounts here", "Everybody may what anybody may."));
		return undefined;
	}
	const name = encodeURIComponent(app.me.name);
	const [me, { sessions }, { tokens }] = await Promise.all([api("GET", "/me"), api("GET", "/sessions"),
		api("GET", `/users/${name}/tokens`)]);
	const old = root.scrollTop;
	root.replaceChildren(element("div", { className: "column" }, element("h1", {}, "My account"),
		self_card(me), card("Storage", storage_of(me)), sessions_card(sessions), tokens_card(tokens)));
	root.scrollTop = old;
	return undefined;
}

export const view = {
	mount(place, given) {
		root = place;
		app = given;
		root.append(element("div", { className: "column" }, skeleton()));
	},
	show(path, { hash }) {
		secret = /^#weft_l_[\w-]+$/.test(hash) ? hash.slice(1) : "";
		return draw();
	},
	changed: () => !root.hidden && draw().catch(talk.complain),
};
