// person.js - one account: what it is, may and has; changed, locked, removed.
import { api, ask } from "../core/api.js";
import { button, check, element, empty, face, field, icon, moment, select } from "../core/dom.js";
import * as talk from "../core/talk.js";
import * as words from "../core/words.js";
import { address_of, room_text, state_tag, tell_link } from "./list.js";
import { grant_rows } from "./rights.js";

const path_of = (user) => `/users/${encodeURIComponent(user.name)}`;
const folder_of = (home) => `/${home.split("/").map(encodeURIComponent).join("/")}/`;

// ---- Removing -----------------------------------------------------------------------------------

function radio(name, value, text, checked = false) {
	const input = element("input", { type: "radio", name, value, checked });
	return element("label", { className: "check" }, input, element("span", {}, text));
}

// All that she has stored: as often as there is more.
async function settle(user, body) {
	for (;;) {
		const { more, full, left } = await api("POST", `${path_of(user)}/files`, body);
		if (full)
			throw new Error(`${body.to} has no room for all of it. The rest is as it was.`);
		if (!more && left > 0)
			talk.toast(`${words.count(left, "file")} could not be touched: you may not remove them, or they are in use.`);
		if (!more)
			return;
	}
}

// Returns whether it was done.
async function remove(user) {
	const heir = element("input", { ariaLabel: "Whose they are to be", placeholder: "name", spellcheck: false });
	heir.onfocus = () => {
		form.querySelector("input[value=give]").checked = true;
	};
	const form = element("div", {},
		element("fieldset", {}, element("legend", {}, "The name"),
			radio("name", "keep", "Stays taken, so the account can be brought back", true),
			radio("name", "purge", "Is free again; nothing is kept but the log")),
		user.home
			? element("fieldset", {}, element("legend", {}, `The home folder, /${user.home}/`),
				radio("files", "keep", "Stays as it is", true), radio("files", "remove", "Goes to the trash, with all that is in it"))
			: "",
		user.used > 0 && element("fieldset", {},
			element("legend", {}, `What ${user.name} has stored, wherever it is (${words.size(user.used)})`),
			radio("stored", "keep", "Stays there", true), radio("stored", "trash", "All goes to the trash"),
			element("div", { className: "row" }, radio("stored", "give", "Stays there, and is of"), heir)));
	const chosen = (name) => form.querySelector(`input[name=${name}]:checked`)?.value;
	const { done } = talk.dialog({ title: `Remove ${user.name}?`, content: [
		element("p", {}, `${user.name} is logged out at once, and all tokens end.`), form],
	actions: [{ label: "Cancel", value: false }, { label: "Remove", main: true, danger: true, async run() {
		// While she is locked nothing new can come into that folder.
		await api("POST", `${path_of(user)}/lock`);
		if (chosen("files") === "remove")
			await ask(`${folder_of(user.home)}?trash`, { method: "DELETE", fine: [404] });
		if (chosen("stored") === "trash")
			await settle(user, { do: "trash" });
		if (chosen("stored") === "give")
			await settle(user, { do: "give", to: heir.value.trim() });
		await api("DELETE", path_of(user) + (chosen("name") === "purge" ? "?purge=true" : ""));
	} }] });
	return await done === true;
}

// ---- What she is --------------------------------------------------------------------------------

function facts_form(user, roles, redraw) {
	const display = element("input", { value: user.display_name, maxLength: 64 });
	const role = select(roles.map((one) => one.name).filter((one) => one !== "stranger"), user.role);
	const home = element("input", { value: user.home, placeholder: "all of it", spellcheck: false });
	const quota = element("input", { value: user.quota ? words.size(user.quota) : "", placeholder: "no limit" });
	const quota_row = field("Storage", quota, `${room_text(user)} used.`);
	const was = quota.value;
	const save = element("button", { className: "main", disabled: true }, "Save");
	const form = element("form", { className: "card part grid" }, element("h2", {}, "Account"),
		field("Shown as", display), field("Role", role), field("Home folder", home), quota_row,
		element("p", { className: "row" }, save));
	form.oninput = () => {
		save.disabled = false;
	};
	form.onsubmit = async (event) => {
		event.preventDefault();
		const bytes = quota.value.trim() ? words.read_size(quota.value) : 0;
		quota_row.why(Number.isNaN(bytes) ? "A size is such as 500 MB." : "");
		if (Number.isNaN(bytes))
			return;
		try {
			await api("PATCH", path_of(user), { display_name: display.value.trim(), role: role.value,
				home: home.value.trim().replace(/^\/+|\/+$/g, ""), ...quota.value !== was && { quota: bytes } });
			talk.toast("Saved");
			await redraw();
		} catch (error) {
			talk.complain(error);
		}
	};
	return form;
}

function groups_card(user, all, own) {
	const boxes = all.map((group) => {
		const box = check(group.name, { checked: own.some((one) => one.name === group.name) });
		box.input.onchange = () => api(box.input.checked ? "PUT" : "DELETE",
			`/groups/${encodeURIComponent(group.name)}/members/${encodeURIComponent(user.name)}`)
			.catch((error) => {
				box.input.checked = !box.input.checked;
				talk.complain(error);
			});
		return box;
	});
	return element("section", { className: "card part" }, element("h2", {}, "Groups"),
		boxes.length ? element("div", { className: "boxes" }, ...boxes)
			: element("p", { className: "soft" }, "There are no groups; the list of people has them under “More”."));
}

function doors_card(user, sessions, tokens, redraw) {
	const end = (what, path, done) => async () => {
		try {
			await api("DELETE", path_of(user) + path);
			talk.toast(done);
			await redraw();
		} catch (error) {
			talk.complain(error);
		}
		return what;
	};
	return element("section", { className: "card part" }, element("h2", {}, "Sessions and tokens"),
		element("p", {}, `${words.count(sessions.length, "session")}, ${words.count(tokens.length, "token")} for programs. Last seen `,
			moment(user.seen), "; made ", moment(user.created), "."),
		element("p", { className: "row" },
			sessions.length > 0 && button("Log out everywhere", { icon: "door",
				onclick: end("sessions", "/sessions", `${user.name} is logged out everywhere.`) }),
			tokens.length > 0 && button("Revoke all tokens", { icon: "key",
				onclick: end("tokens", "/tokens", `The tokens of ${user.name} are of no use any more.`) }),
			element("a", { className: "button", href: `/.weft/people?log&who=${encodeURIComponent(user.name)}` },
				icon("list"), "Activity")));
}

function actions_of(user, app, redraw) {
	const done = (run, text) => async () => {
		try {
			if (await run() === false)
				return;
			if (text)
				talk.toast(text);
			await redraw();
		} catch (error) {
			talk.complain(error);
		}
	};
	const is_self = app.me?.name === user.name;
	const link = done(async () => {
		const { secret } = await api("POST", `${path_of(user)}/link`, {});
		await tell_link(user.name, secret, !user.has_password);
	});
	const lock = done(() => api("POST", `${path_of(user)}/lock`), `${user.name} is locked out.`);
	const unlock = done(() => api("POST", `${path_of(user)}/unlock`), `${user.name} may come in again.`);
	return [
		user.state !== "removed" && button(user.has_password ? "Reset password" : "Invite again", { icon: "link", onclick: link }),
		user.state === "active" ? !is_self && button("Lock", { icon: "lock", onclick: lock })
			: button(user.state === "locked" ? "Unlock" : "Bring back", { icon: "retry", onclick: unlock }),
		!is_self && user.state !== "removed" && button("Remove", { icon: "trash", className: "danger", onclick: async () => {
			if (await remove(user)) {
				talk.toast(`${user.name} is removed.`);
				await app.go("/.weft/people");
			}
		} }),
	].filter(Boolean);
}

// ---- All of it ----------------------------------------------------------------------------------

export async function draw_person(root, app, name) {
	const redraw = () => draw_person(root, app, name);
	let user;
	try {
		user = await api("GET", `/users/${encodeURIComponent(name)}`);
	} catch (error) {
		if (error.status !== 404)
			throw error;
		root.replaceChildren(empty("search", `There is no ${name}`, "",
			element("a", { className: "button", href: "/.weft/people" }, "All people")));
		return;
	}
	const [{ roles }, { groups }, own, { grants }, { sessions }, { tokens }] = await Promise.all([
		api("GET", "/roles"), api("GET", "/groups"), api("GET", `${path_of(user)}/groups`), api("GET", "/grants"),
		api("GET", `${path_of(user)}/sessions`), api("GET", `${path_of(user)}/tokens`)]);
	const hers = grants.filter((grant) => (grant.to === "user" && grant.subject === user.name) ||
		(grant.to === "role" && grant.subject === user.role) ||
		(grant.to === "group" && own.groups.some((group) => group.name === grant.subject)));
	const old = root.scrollTop;
	root.replaceChildren(element("div", { className: "column" },
		element("p", {}, element("a", { className: "back", href: "/.weft/people" }, icon("left"), "People")),
		element("header", { className: "person-head" }, face(user.name),
			element("div", { className: "grow" },
				element("h1", {}, element("bdi", {}, user.display_name || user.name)),
				element("p", { className: "soft" }, `${user.display_name ? `${user.name} · ` : ""}${user.role} `, state_tag(user))),
			element("div", { className: "row" }, ...actions_of(user, app, redraw))),
		user.state === "removed" ? null : facts_form(user, roles, redraw),
		groups_card(user, groups, own.groups),
		element("section", { className: "card part" }, element("h2", {}, "Rights"),
			grant_rows(hers, redraw, { to: "user", subject: user.name })),
		doors_card(user, sessions, tokens, redraw)));
	root.scrollTop = old;
}

export { address_of };
