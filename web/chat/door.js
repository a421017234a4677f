// door.js - coming in: as a guest, with an account, or as whom the browser's cookie knows.
import { $ } from "./elements.js";
import { remember, remembered } from "./kept.js";

let known = null; // whose cookie we have

async function look_for_accounts() {
	const answer = await fetch("../api/v1/me").catch(() => null);
	known = answer?.ok ? await answer.json() : null;
	$("account").hidden = !answer || answer.status === 404;
	$("known").hidden = !known;
	$("known").textContent = known ? `Come in as ${known.name}` : "";
}

function say_why(why) {
	$("door-why").textContent = why;
	$("door-why").hidden = !why;
}

// Nobody is in: why, and who may come.
export async function show_door(why) {
	$("door-host").textContent = `on ${location.host}`;
	say_why(why);
	$("guest-name").value ||= remembered("name", "");
	await look_for_accounts();
	$("door").hidden = false;
	(known ? $("known") : $("guest-name")).focus();
}

export function show_silence() {
	say_why("The server does not answer. It is tried again.");
	$("door").hidden = false;
}

async function log_in(link) {
	const sent = { name: $("account-name").value.trim(), password: $("account-password").value,
		remember: $("account-remember").checked };
	const answer = await fetch("../api/v1/sessions", { method: "POST",
		headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent) }).catch(() => null);
	if (!answer?.ok) {
		const problem = await answer?.json().catch(() => null);
		say_why(problem?.detail ?? "The server does not answer.");
		return;
	}
	$("account-password").value = "";
	if ((await answer.json().catch(() => null))?.must_change) {
		location.assign("account.html");
		return;
	}
	link.guest = null;
	link.open();
}

let clock = 0;
// Whether there is a connection, to who is in.
export function show_state(detail, is_in) {
	const lost = is_in && (detail.state === "waiting" || detail.state === "connecting");
	clearInterval(clock);
	$("state").hidden = !lost;
	$("retry").hidden = detail.state !== "waiting";
	const tell = () => {
		const left = Math.ceil((detail.retry_at - Date.now()) / 1000);
		$("state").firstElementChild.textContent = detail.state === "waiting"
			? `The connection is lost. Trying again in ${Math.max(1, left)} s.` : "Connecting…";
	};
	tell();
	if (detail.state === "waiting")
		clock = setInterval(tell, 1000);
}

export async function log_out() {
	await fetch("../api/v1/sessions/current", { method: "DELETE" }).catch(() => {});
}

export function attend_door(link) {
	$("known").addEventListener("click", () => link.open());
	$("guest").addEventListener("submit", (event) => {
		event.preventDefault();
		link.guest = $("guest-name").value.trim();
		remember("name", link.guest);
		link.open();
	});
	$("account").addEventListener("submit", (event) => {
		event.preventDefault();
		log_in(link);
	});
}
