// account.js - the page of one's own account: a password is changed, or set by a link that an
// administrator has handed over; logging in and out.
//
//	account.html                  who is logged in changes her password; who is not logs in
//	account.html#weft_l_SECRET    whoever has the link sets the password, once
//
// The secret stands behind the "#", which no browser sends to a server or to another page.
//
// Never: keeps a password.
import { $ } from "./elements.js";

let me = null; // who is logged in
let link = null; // {secret, name, is_invitation}

function tell(text) {
	$("said").textContent = text;
	$("said").hidden = !text;
}

function complain(text) {
	$("why").textContent = text;
	$("why").hidden = !text;
}

// {status, facts, why}: why is a sentence, where it was not done.
async function call(method, path, body) {
	const answer = await fetch(`../api/v1${path}`, { method,
		...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
	}).catch(() => null);
	if (!answer)
		return { status: 0, why: "The server does not answer. Please try again." };
	const facts = await answer.json().catch(() => null);
	const said = facts?.detail ?? `The server says ${answer.status}.`;
	return { status: answer.status, facts,
		why: answer.ok ? "" : said.charAt(0).toUpperCase() + said.slice(1).replace(/\.?$/, ".") };
}

// ---- What is shown ------------------------------------------------------------------------------

function show(form) {
	for (const id of ["enter", "change"])
		$(id).hidden = id !== form;
	for (const id of ["out", "all-out"])
		$(id).hidden = !me || link !== null;
	$(form)?.querySelector("input:not([hidden]):not([type=checkbox])")?.focus();
}

function show_change() {
	$("change").reset();
	show_typed();
	$("change-name").value = link?.name ?? me.name;
	$("change-old-row").hidden = link !== null;
	$("change-old").required = link === null;
	$("change-title").textContent = !link ? "Change your password"
		: link.is_invitation ? "Choose a password" : "Choose a new password";
	show("change");
	if (link)
		$("change-new").focus();
}

function show_typed() {
	for (const id of ["change-old", "change-new", "change-again"])
		$(id).type = $("change-show").checked ? "text" : "password";
}

function show_who(name) {
	$("title").replaceChildren(document.createElement("bdi"), " ", $("host"));
	$("title").firstChild.textContent = name;
}

async function look() {
	const { status, facts, why } = await call("GET", "/me");
	me = status === 200 ? facts : null;
	if (status === 404) {
		complain("There are no accounts on this server.");
		show(null);
	} else if (me) {
		show_who(me.name);
		show_change();
	} else {
		complain(status === 401 ? "" : why);
		show("enter");
	}
	if (me?.must_change)
		tell("Your password has to be changed before you go on.");
}

async function look_at_link(secret) {
	const { status, facts, why } = await call("POST", "/links/look", { secret });
	if (status !== 200) {
		complain(status === 404 || status === 410
			? "This link was used already, or it is too old. Ask an administrator for another one."
			: why);
		show(null);
		return;
	}
	link = { secret, name: facts.name, is_invitation: facts.is_invitation };
	show_who(facts.name);
	tell(link.is_invitation ? `Welcome, ${facts.display_name || facts.name}` : "");
	show_change();
}

async function begin() {
	const secret = location.hash.slice(1);
	me = link = null;
	tell("");
	complain("");
	if (secret)
		await look_at_link(secret);
	else
		await look();
}

// ---- What is done -------------------------------------------------------------------------------

async function log_in(name, password, remember) {
	const { status, facts, why } = await call("POST", "/sessions", { name, password, remember });
	if (status !== 201)
		return why;
	me = facts;
	return "";
}

// Of a form, once at a time.
function on_submit(id, run) {
	$(id).addEventListener("submit", async (event) => {
		const button = $(id).querySelector("button");
		event.preventDefault();
		complain("");
		button.disabled = true;
		await run();
		button.disabled = false;
	});
}

on_submit("enter", async () => {
	const why = await log_in($("enter-name").value.trim(), $("enter-password").value,
		$("enter-remember").checked);
	complain(why);
	if (why)
		return;
	$("enter").reset();
	await look();
});

on_submit("change", async () => {
	const name = $("change-name").value, password = $("change-new").value;
	if (password !== $("change-again").value) {
		complain("The two are not the same.");
		$("change-again").focus();
		return;
	}
	const { why, facts } = link
		? await call("POST", "/links/use", { secret: link.secret, password })
		: await call("PUT", "/me/password",
			{ old_password: $("change-old").value, new_password: password });
	complain(facts?.fault === "wrong" ? "The password so far is another one." : why);
	if (why)
		return;
	// It is of no use any more, and need not stay in the browser's history.
	history.replaceState(null, "", location.pathname);
	link = null;
	// All sessions are over, this one too.
	const fault = await log_in(name, password, false);
	$("change").reset();
	show_typed();
	tell(fault ? "The password is set. Log in with it." : "The password is set, and you are logged in.");
	show(fault ? "enter" : null);
	$("ways").querySelector("a").focus();
});

$("change-show").addEventListener("change", show_typed);
$("out").addEventListener("click", async () => {
	complain((await call("DELETE", "/sessions/current")).why);
	await begin();
	tell("You are logged out.");
});
$("all-out").addEventListener("click", async () => {
	const { why } = await call("DELETE", "/sessions");
	await begin();
	complain(why);
	tell(why ? "" : "You are logged out everywhere.");
});
addEventListener("hashchange", begin);

$("host").textContent = `on ${location.host}`;
begin();
