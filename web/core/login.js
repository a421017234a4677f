// login.js - logging in and out, and passwords.
//
// Never: keeps a password.
import { api, Fault } from "./api.js";
import { check, element, field } from "./dom.js";
import { dialog } from "./talk.js";
import * as words from "./words.js";

// Until it may be tried again, the button says so.
function wait_out(shown, seconds, label) {
	const pressed = shown.element.querySelector("footer button.main");
	const until = Date.now() + seconds * 1000;
	const tick = () => {
		const left = Math.ceil((until - Date.now()) / 1000);
		pressed.disabled = left > 0;
		pressed.textContent = left > 0 ? `Wait ${words.duration(left)}` : label;
		if (left > 0 && shown.element.isConnected)
			setTimeout(tick, 250);
	};
	setTimeout(tick);
}

const password_input = (properties) => element("input", { type: "password", required: true,
	maxLength: 128, ...properties });

// A promise of whether somebody has logged in; then `me` of the API is there to be asked for.
export async function log_in(why) {
	const name = element("input", { name: "name", autocomplete: "username", autocapitalize: "none",
		spellcheck: false, maxLength: 64, required: true });
	const password = password_input({ name: "password", autocomplete: "current-password" });
	const stays = check("Stay logged in on this device");
	const fields = [field("Name", name), field("Password", password)];
	const shown = dialog({ title: "Log in", className: "narrow", content: [
		why && element("p", {}, why), ...fields, stays,
		element("p", { className: "hint" }, "Whoever has forgotten the password asks an administrator for a link.")],
	actions: [{ label: "Log in", main: true, async run() {
		try {
			await api("POST", "/sessions", { name: name.value.trim(), password: password.value,
				remember: stays.input.checked });
		} catch (error) {
			if (!(error instanceof Fault))
				throw error;
			if (error.wait)
				wait_out(shown, error.wait, "Log in");
			shown.complain(error.status === 429
				? `Too many wrong passwords. It may be tried again in ${words.duration(error.wait)}.`
				: error.fault === "wrong" ? "That name and password are not known here."
					: error.message);
			password.select();
			password.focus();
			return false;
		}
		return true;
	} }] });
	return await shown.done === true;
}

export const log_out = () => api("DELETE", "/sessions/current");

// The rows of a form by which a password is set: {rows, value(), judge(): whether it can be}.
export function new_password_rows() {
	const first = password_input({ autocomplete: "new-password", minLength: 8 });
	const again = password_input({ autocomplete: "new-password" });
	const show = check("Show what I type", { onchange: () => {
		first.type = again.type = show.input.checked ? "text" : "password";
	} });
	const rows = [field("New password", first, "8 characters or more, of any kind; a few words are easy to keep in mind."),
		field("The same again", again), show];
	const judge = () => {
		const is_same = first.value === again.value;
		rows[1].why(is_same ? "" : "The two are not the same.");
		if (!is_same)
			again.focus();
		return is_same;
	};
	return { rows, value: () => first.value, judge };
}

// Change it, and log in again: all sessions are over then. Returns whether it was done.
export async function change_password(name, has_to = false) {
	const old = password_input({ autocomplete: "current-password" });
	const fresh = new_password_rows();
	const old_row = field("The password so far", old);
	const shown = dialog({ title: has_to ? "Choose a password of your own" : "Change your password",
		className: "narrow", content: [
			has_to && element("p", {}, "The one you have was only for the first time."),
			element("input", { name: "name", autocomplete: "username", value: name, hidden: true }),
			old_row, ...fresh.rows].filter(Boolean),
		actions: [{ label: "Set the password", main: true, async run() {
			old_row.why("");
			if (!fresh.judge())
				return false;
			try {
				await api("PUT", "/me/password", { old_password: old.value, new_password: fresh.value() });
			} catch (error) {
				if (error.wait)
					wait_out(shown, error.wait, "Set the password");
				if (error.fault !== "wrong")
					throw error;
				old_row.why("The password so far is another one.");
				old.focus();
				return false;
			}
			await api("POST", "/sessions", { name, password: fresh.value() });
			return true;
		} }] });
	return await shown.done === true;
}
