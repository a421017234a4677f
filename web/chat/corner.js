// corner.js - the beginner's corner: how to come into the same room without a browser, as lines to
// type into a terminal.
import { button, element } from "../core/dom.js";

// Whose own address that is which a server says it listens at: all of this machine's are the one
// that the page came from.
function place(address) {
	const match = /^(.*):(\d+)$/.exec(address ?? "");
	if (!match)
		return null;
	const bare = match[1].replace(/^\[|\]$/g, "");
	const host = ["0.0.0.0", "::", ""].includes(bare) ? location.hostname.replace(/^\[|\]$/g, "") : bare;
	return { host, port: match[2], both: `${host.includes(":") ? `[${host}]` : host}:${match[2]}` };
}

async function copy(text, told) {
	try {
		await navigator.clipboard.writeText(text);
		told.textContent = "Copied.";
	} catch {
		told.textContent = "The browser does not let this page copy; select the line instead.";
	}
}

// A line to be typed.
function line(text, what, told) {
	const code = element("code", {}, text);
	return element("div", { className: "to-type" }, code,
		button(`Copy: ${what}`, { icon: "copy", quiet: true, title: "Copy",
			onclick: () => copy(code.textContent, told) }));
}

const step = (text, ...lines) => element("li", {}, element("p", {}, text), ...lines);

// What is shown; null: there is no such door. facts: {udp, lines}; self: {who, guest}; ask_code():
// a promise of a code to come in by with one's own name.
export function corner(facts, self, ask_code) {
	const udp = place(facts?.udp), lines = place(facts?.lines);
	if (!udp && !lines)
		return null;
	const told = element("p", { className: "told", role: "status" });
	const parts = [];
	if (udp)
		parts.push(by_datagrams(udp, self, ask_code, told));
	if (lines)
		parts.push(element("section", {}, element("h3", {}, "With weft"),
			element("p", {}, "A whole screen to talk in, in a terminal or over ssh:"),
			line(`weft chat ${lines.both}`, "weft chat", told)));
	return element("div", { className: "corner" }, ...parts, told);
}

function by_datagrams(udp, self, ask_code, told) {
	const name = self.guest ? "guest" : self.who;
	const enter = line(`L ${name}`, "let me in", told);
	const get = button("Get a code", { icon: "key", onclick: async () => {
		try {
			enter.querySelector("code").textContent = `L ${name} ${await ask_code()}`;
			told.textContent = "The code stands behind your name. It is good for 5 minutes, and once.";
		} catch (error) {
			told.textContent = error.message;
		}
	} });
	const steps = element("ol", {},
		step("Open a terminal, and type:", line(`nc -u ${udp.host} ${udp.port}`, "nc", told)),
		step(self.guest ? "Then come in, by another name than the one you have here. The answer is OK."
			: "Then come in. Your name is yours, so it needs a code. The answer is OK.",
		enter, self.guest ? "" : get),
		step("Say something: C, your name, and the text.", line(`C ${name} hello all`, "say", told)),
		step("And at last:", line(`Q ${name}`, "leave", told)));
	return element("section", {}, element("h3", {}, "With nc, which every system has"),
		element("p", {}, "You are in the lobby then, with everybody who is there by this page. ",
			"It is for one's own network: what is typed is not hidden."), steps);
}
