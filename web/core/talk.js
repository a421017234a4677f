// talk.js - the page talks: dialogs, questions, menus, notices.
//
//	if (await confirm({title: "Remove 3 files?", yes: "Remove", danger: true})) ...
//	const name = await ask_text({title: "New folder", label: "Name", yes: "Make it"});
//	const answer = await choose({title: "It is there already", options: [{value, label}], all: "..."});
//	menu(event.currentTarget, [{label: "Rename", icon: "edit", run}, null, {label: ..., danger: true}]);
//	toast("Moved to the trash", {undo: () => ...});
//	say("3 files selected");             // for who hears the page only
//
// What opens takes the focus, and gives it back when it closes.
import { $, button, check, element, field, icon, unique } from "./dom.js";

// ---- Dialogs ------------------------------------------------------------------------------------

// {element, close(value), done: a promise of that value, null where it was dismissed}. content: nodes;
// actions: [{label, value, main, danger, run}]: run() may return false (or a promise of it) to stay.
// The main one is done by Enter, too.
export function dialog({ title, content = [], actions = [], className = "", is_fixed = false }) {
	const heading = element("h2", { id: unique("dialog") }, title);
	const back = document.activeElement;
	const why = element("p", { className: "complaint", role: "alert", hidden: true });
	const form = element("form", { method: "dialog", noValidate: false });
	const made = element("dialog", { className, tabIndex: -1, "aria-labelledby": heading.id }, form);
	let finish;
	const done = new Promise((resolve) => {
		finish = resolve;
	});
	const close = (value = null) => {
		if (!made.isConnected)
			return;
		made.close();
		made.remove();
		if (back?.isConnected)
			back.focus({ preventScroll: true });
		finish(value);
	};
	const complain = (text) => {
		why.textContent = text ?? "";
		why.hidden = !text;
	};
	const act = async (action, pressed) => {
		const had_focus = pressed === document.activeElement;
		complain("");
		pressed.disabled = true;
		try {
			if (await action.run?.() !== false)
				close(action.value ?? true);
		} catch (error) {
			complain(error.message);
		} finally {
			pressed.disabled = false;
			if (had_focus && made.isConnected && !made.contains(document.activeElement))
				pressed.focus(); // what can't be pressed loses it
		}
	};
	const buttons = actions.map((action) => {
		const kind = action.main ? action.danger ? "main danger" : "main" : "";
		const pressed = element("button", { className: kind, type: action.main ? "submit" : "button" },
			action.label);
		if (!action.main)
			pressed.onclick = () => act(action, pressed);
		return pressed;
	});
	form.append(element("header", {}, heading, !is_fixed && button("Close",
		{ icon: "close", quiet: true, className: "closer", onclick: () => close() })),
	element("div", { className: "content" }, ...[content].flat(), why),
	buttons.length ? element("footer", {}, ...buttons) : "");
	form.onsubmit = (event) => {
		const at = actions.findIndex((action) => action.main);
		event.preventDefault();
		if (at >= 0 && !buttons[at].disabled)
			act(actions[at], buttons[at]);
	};
	made.oncancel = (event) => {
		event.preventDefault();
		if (!is_fixed)
			close();
	};
	let began_outside = false;
	made.onpointerdown = (event) => {
		began_outside = event.target === made;
	};
	// Not "return": what such a function returns, if false, keeps a button from submitting.
	made.onclick = (event) => {
		if (event.target === made && began_outside && !is_fixed)
			close();
	};
	const inside = made.querySelector(".content");
	if (!inside.querySelector("input, select, textarea, button, a[href], [tabindex]"))
		inside.tabIndex = 0; // it may have to be scrolled
	document.body.append(made);
	made.showModal();
	(made.querySelector("[autofocus]") ?? made.querySelector("input:not([type=checkbox]), select, textarea")
		?? made.querySelector("button.main") ?? heading).focus();
	return { element: made, close, done, complain };
}

const paragraphs = (text) => text ? String(text).split("\n").map((line) => element("p", {}, line)) : [];

export async function confirm({ title, text, content = [], yes = "Yes", no = "Cancel", danger = false }) {
	const { done } = dialog({ title, content: [...paragraphs(text), ...[content].flat()],
		actions: [{ label: no, value: false }, { label: yes, main: true, danger }] });
	return await done === true;
}

// What is told once and has to be read: the only way out is the button.
export const tell = ({ title, text, content = [], yes = "OK" }) => dialog({ title,
	content: [...paragraphs(text), ...[content].flat()], actions: [{ label: yes, main: true }] }).done;

// A line of text, or null. check(text) is why it can't be, or ""; run(text) does it, and what it
// throws is shown. selected: [from, to] of what is marked at first.
export async function ask_text({ title, text, label, value = "", yes = "OK", hint, check: judge, run,
	selected, ...properties }) {
	const input = element("input", { value, autocomplete: "off", spellcheck: false, required: true,
		...properties });
	const row = field(label, input, hint);
	const shown = dialog({ title, content: [...paragraphs(text), row], actions: [
		{ label: "Cancel", run: () => {
			shown.close();
			return false;
		} },
		{ label: yes, main: true, async run() {
			const why = judge?.(input.value) ?? "";
			row.why(why);
			if (why) {
				input.focus();
				return false;
			}
			await run?.(input.value);
			return true;
		} }] });
	input.setSelectionRange(...(selected ?? [0, value.length]));
	return await shown.done === true ? input.value : null;
}

// One of several: {value, all}, or null. all: a sentence of a box "for all the others, too".
export async function choose({ title, text, content = [], options, all }) {
	const box = all ? check(all) : null;
	const { done } = dialog({ title, content: [...paragraphs(text), ...[content].flat(), box ?? ""],
		actions: options.map(({ label, value, main, danger }) => ({ label, value, main, danger })) });
	const value = await done;
	return value === null ? null : { value, all: box?.input.checked ?? false };
}

// ---- Menus --------------------------------------------------------------------------------------

function place(list, at) {
	const box = list.getBoundingClientRect(), margin = 8;
	const { left, right, top, bottom } = at instanceof Element ? at.getBoundingClientRect()
		: { left: at.x, right: at.x, top: at.y, bottom: at.y };
	const from_right = at instanceof Element && left + box.width > innerWidth - margin;
	const x = from_right ? right - box.width : left;
	const y = bottom + 4 + box.height > innerHeight - margin ? top - box.height - 4 : bottom + 4;
	list.style.left = `${Math.max(margin, Math.min(x, innerWidth - box.width - margin))}px`;
	list.style.top = `${Math.max(margin, Math.min(y, innerHeight - box.height - margin))}px`;
}

function menu_item(item, close) {
	if (!item)
		return element("hr", { role: "separator" });
	const is_choice = item.checked !== undefined;
	const made = element("button", { type: "button", role: is_choice ? "menuitemradio" : "menuitem",
		tabIndex: -1, className: item.danger ? "danger" : "", disabled: item.disabled === true },
	icon(item.checked ? "check" : item.icon ?? ""), element("span", {}, item.label),
	item.keys && element("kbd", {}, item.keys));
	if (is_choice)
		made.setAttribute("aria-checked", String(item.checked));
	made.onclick = () => {
		close();
		item.run();
	};
	return made;
}

let open_menu = null;

// At an element, or at {x, y}; items: {label, icon, keys, run, danger, disabled, checked}, null: a line,
// which is left out where nothing is before or behind it.
export function menu(at, items, name = "Menu") {
	const back = document.activeElement;
	const opener = at instanceof Element ? at : null;
	const was_open = open_menu?.opener === opener && opener !== null;
	open_menu?.close();
	if (was_open)
		return;
	const list = element("div", { className: "menu", role: "menu", ariaLabel: name, popover: "manual" });
	const close = () => {
		removeEventListener("pointerdown", outside, true);
		removeEventListener("resize", close);
		opener?.setAttribute("aria-expanded", "false");
		open_menu = null;
		list.remove();
		if (back?.isConnected)
			back.focus({ preventScroll: true });
	};
	const outside = (event) => !list.contains(event.target) && !opener?.contains(event.target) && close();
	// Lines only between groups, whatever was left out.
	list.append(...items.filter((item) => item !== undefined && item !== false)
		.filter((item, i, all) => item || (all[i - 1] && all.slice(i).some(Boolean)))
		.map((item) => menu_item(item, close)));
	const buttons = () => [...list.querySelectorAll("button:not(:disabled)")];
	list.onkeydown = (event) => {
		const all = buttons(), now = all.indexOf(document.activeElement);
		const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
		if (to !== undefined)
			all.at(to >= all.length ? 0 : to).focus();
		else if (event.key === "Escape" || event.key === "Tab")
			close();
		else if (event.key.length === 1 && /\S/.test(event.key))
			[...all.slice(now + 1), ...all].find((one) => one.textContent.toLowerCase()
				.startsWith(event.key.toLowerCase()))?.focus();
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	};
	// Within a landmark, and not within a view, which may listen to clicks and keys.
	((opener ?? back).closest("dialog, #bar") ?? $("main")).append(list);
	list.showPopover();
	place(list, at);
	opener?.setAttribute("aria-expanded", "true");
	open_menu = { close, opener };
	addEventListener("pointerdown", outside, true);
	addEventListener("resize", close);
	(list.querySelector("[aria-checked=true]") ?? buttons()[0])?.focus();
}

// ---- Notices ------------------------------------------------------------------------------------

const STAYS_MS = 6000, UNDO_MS = 12000;

// {close()}. undo(): a button for that; action: {label, run}; is_bad: it went wrong, and it stays
// until it is closed; stays: the same.
export function toast(text, { undo, action, is_bad = false, stays = is_bad } = {}) {
	const does = undo ? { label: "Undo", run: undo } : action;
	let timer = 0, back = null;
	const close = () => {
		const had_focus = made.contains(document.activeElement);
		clearTimeout(timer);
		made.remove();
		if (had_focus)
			(back?.isConnected ? back : $("main")).focus({ preventScroll: true });
	};
	const made = element("div", { className: is_bad ? "toast bad" : "toast", role: is_bad ? "alert" : "status" },
		is_bad && icon("warn"), element("p", {}, text),
		does && element("button", { type: "button", className: "link", onclick: () => {
			close();
			does.run();
		} }, does.label),
		button("Close", { icon: "close", quiet: true, onclick: close }));
	const wait = () => {
		clearTimeout(timer);
		if (!stays && made.isConnected)
			timer = setTimeout(close, does ? UNDO_MS : STAYS_MS);
	};
	made.onpointerenter = () => clearTimeout(timer);
	made.onpointerleave = wait;
	made.addEventListener("focusout", wait);
	made.addEventListener("focusin", ({ relatedTarget: from }) => {
		clearTimeout(timer);
		if (from && !$("toasts").contains(from))
			back = from;
	});
	while ($("toasts").children.length >= 4)
		$("toasts").firstElementChild.remove();
	$("toasts").append(made);
	wait();
	return { close };
}

// What went wrong, of a Fault or any other error.
export function complain(error) {
	if (error?.name !== "AbortError" && !(error?.status === 0))
		toast(error?.message ?? String(error), { is_bad: true });
}

let said = 0;
export function say(text) {
	clearTimeout(said);
	$("said").textContent = "";
	said = setTimeout(() => {
		$("said").textContent = text;
	}, 50);
}

export async function copy(text, what = "The link") {
	const input = element("textarea", { value: text, className: "sr" });
	try {
		if (!navigator.clipboard)
			throw new Error("not for pages in the clear");
		await navigator.clipboard.writeText(text);
	} catch {
		document.body.append(input);
		input.select();
		document.execCommand("copy");
		input.remove();
	}
	toast(`${what} is copied`);
}
