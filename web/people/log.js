// log.js - the audit log: who did what to whom, from where; the newest first.
import { api } from "../core/api.js";
import { button, element, empty, select } from "../core/dom.js";
import * as talk from "../core/talk.js";
import * as words from "../core/words.js";

const LIMIT = 100, PAUSE_MS = 250, DAY_S = 86400;

const kinds = [["", "Everything"], ["login", "Logging in"], ["session", "Sessions"], ["password", "Passwords"],
	["account", "Accounts"], ["grant", "Rights"], ["group", "Groups"], ["role", "Roles"], ["link", "Links"],
	["token", "Tokens"]];
const times = [[0, "Ever"], [1, "Today and yesterday"], [7, "7 days"], [30, "30 days"]];

// As people say it; what is not here is shown as it is called.
const deeds = new Map(Object.entries({
	"login": "logged in", "session.revoke": "ended a session", "password.set": "set the password",
	"account.add": "added", "account.change": "changed", "account.lock": "locked", "account.unlock": "unlocked",
	"account.remove": "removed", "account.purge": "removed for good", "account.files": "dealt with the files",
	"account.recount": "counted what is stored", "grant.put": "granted rights", "grant.move": "moved, with its rights,",
	"grant.copy": "copied, with its rights,", "grant.remove": "took rights away",
	"group.add": "made the group", "group.remove": "removed the group", "group.join": "put into a group",
	"group.leave": "took out of a group", "role.put": "made or changed the role", "role.remove": "removed the role",
	"link.add": "made a link", "link.use": "used a link", "token.add": "made a token", "token.remove": "revoked a token",
	"room.kick": "put out of a room", "room.ban": "banned", "room.unban": "lifted the ban", "room.mute": "muted",
	"room.unmute": "lifted the muting", "room.delete": "deleted a message", "room.topic": "set the topic",
}));

function deed_of(action) {
	const said = deeds.get(action);
	return said ? element("span", { title: action }, said) : element("code", {}, action);
}

function row_of(event) {
	const date = new Date(event.at * 1000);
	return element("tr", {},
		element("td", { className: "when" }, element("time", { dateTime: date.toISOString(), title: words.full_time(date) },
			words.ago(date))),
		element("td", {}, element("bdi", {}, event.who === "#0" ? "this machine" : event.who || "–"),
			element("span", { className: "hint" }, event.address ? ` from ${event.address}` : "")),
		element("td", {}, deed_of(event.action), " ",
			event.result !== "ok" && element("span", { className: "tag bad" }, event.result)),
		element("td", {}, element("bdi", {}, event.target)),
		element("td", { className: "far hint" }, [event.detail, event.door && `by ${event.door}`].filter(Boolean).join(" · ")));
}

export async function draw_log(place, app, query) {
	const who = element("input", { type: "search", value: query.get("who") ?? "", placeholder: "By whom", ariaLabel: "By whom" });
	const target = element("input", { type: "search", value: query.get("target") ?? "", placeholder: "To whom", ariaLabel: "To whom" });
	const action = select(kinds.map(([value, label]) => ({ value, label })), "", { ariaLabel: "What" });
	const since = select(times.map(([value, label]) => ({ value, label })), "0", { ariaLabel: "Since" });
	const rows = element("tbody", {});
	const none = element("div", { hidden: true });
	const table = element("table", {}, element("thead", {}, element("tr", {}, ...["When", "Who", "Did what", "To whom"]
		.map((text) => element("th", { scope: "col" }, text)), element("th", { scope: "col", className: "far" }, "Besides"))), rows);
	let last = 0, turn = 0, timer = 0;
	const more = button("Show older ones", { hidden: true, onclick: () => fill(last).catch(talk.complain) });
	async function fill(before = 0) {
		const mine = ++turn;
		const asked = new URLSearchParams({ limit: LIMIT, ...who.value.trim() && { who: who.value.trim() },
			...target.value.trim() && { target: target.value.trim() }, ...action.value && { action: action.value },
			...Number(since.value) && { since: Math.floor(Date.now() / 1000) - Number(since.value) * DAY_S },
			...before && { before } });
		const { events, has_more } = await api("GET", `/audit?${asked}`);
		if (mine !== turn)
			return;
		if (!before)
			rows.replaceChildren();
		rows.append(...events.map(row_of));
		last = events.at(-1)?.id ?? 0;
		more.hidden = !has_more;
		table.hidden = rows.children.length === 0;
		none.hidden = !table.hidden;
		none.replaceChildren(empty("list", "Nothing of that kind", "The log has no such line."));
	}
	for (const input of [who, target, action, since])
		input.oninput = () => {
			clearTimeout(timer);
			timer = setTimeout(() => fill().catch(talk.complain), PAUSE_MS);
		};
	place.replaceChildren(element("div", { className: "tools" }, who, target, action, since),
		element("div", { className: "card log" }, table, none), more);
	app.keys("people", [{ keys: "/", does: "Find by whom", run: () => who.focus() }]);
	await fill();
}
