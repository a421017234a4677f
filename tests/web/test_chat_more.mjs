// test_chat_more.mjs - chat at the page: files in rooms, what moderators do, notifications, and the
// lines to type without a browser.
import { allow, becomes, before, claim, expect, run } from "./harness.mjs";
import { chat_options, come_in, Datagrams, enter, is_in, Lines, message, say }
	from "./chatting.mjs";
import { Hub } from "./hub.mjs";
import { looks } from "./looks.mjs";

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA" +
	"AABJRU5ErkJggg==", "base64");

let hub;
before(async () => {
	hub = await Hub.start({ people: { ann: "admin", bob: "member", cat: "member" },
		files: { "photos/boat 1.png": PIXEL, "notes.txt": "some notes" }, options: chat_options });
	await hub.account("grant", "set", "user:ann", "", "read,list,write");
	await hub.account("grant", "set", "user:bob", "", "read,list");
});

const drop = async (page, name, text) => page.locator(".chat .feed").dispatchEvent("drop", {
	dataTransfer: await page.evaluateHandle(([called, content]) => {
		const made = new DataTransfer();
		made.items.add(new File([content], called, { type: "text/plain" }));
		return made;
	}, [name, text]) });

claim("a file is dropped into the room, put into the folder, and shared as a link", async (visit) => {
	const ann = await enter(visit, hub, "ann"), bob = await enter(visit, hub, "bob");
	const tom = await Lines.enter(hub, "tom");
	allow(ann, /403/); // the name is taken: it is tried under another one
	allow(bob, /404/); // the browser looks for a drawing to the text that it shows
	for (const text of ["first", "second"]) {
		await drop(ann, "a & b #1.txt", text);
		await ann.getByRole("dialog").getByText("a & b #1.txt").waitFor();
		await ann.getByRole("button", { name: "Share", exact: true }).click();
		await ann.getByRole("dialog").waitFor({ state: "detached" });
	}
	await tom.heard(/^file lobby .*ann a & b #1.txt \(5 bytes, text\/plain\) \/a%20%26%20b%20%231.txt$/);
	const link = bob.getByRole("link", { name: "a & b #1 (2).txt" });
	const [opened] = await Promise.all([bob.context().waitForEvent("page"), link.click()]);
	await opened.waitForLoadState();
	await becomes(() => opened.textContent("body"), "second", opened.url());
});

claim("a picture of the folder is shown; what is not there is not sent", async (visit) => {
	const ann = await enter(visit, hub, "ann"), bob = await enter(visit, hub, "bob");
	await say(ann, "/share photos/boat 1.png");
	const picture = bob.locator(".chat .message .preview").last();
	await picture.waitFor();
	await bob.waitForFunction((image) => image.complete && image.naturalWidth === 1,
		await picture.elementHandle());
	await say(ann, "/share ../etc/passwd");
	await ann.locator(".feed .failed").getByRole("button", { name: "Discard" }).click();
	await ann.locator(".feed .posted").waitFor({ state: "detached" });
});

claim("who may not write is told so before anything is sent", async (visit) => {
	const mia = await come_in(visit, hub, "mia");
	await drop(mia, "no.txt", "x");
	await mia.getByRole("button", { name: "Share", exact: true }).click();
	await mia.getByRole("alert").filter({ hasText: "You may not put files there." }).waitFor();
	await mia.keyboard.press("Escape");
	await mia.getByRole("dialog").waitFor({ state: "detached" });
});

claim("the files' view has one shared: in which room is asked", async (visit) => {
	const ann = await visit(hub, "/.weft/chat?share=/notes.txt", { as: "ann" });
	const dialog = ann.getByRole("dialog", { name: "Share notes.txt" });
	await dialog.getByRole("button", { name: "lobby" }).click();
	await dialog.waitFor({ state: "detached" });
	await ann.waitForURL("**/.weft/chat/lobby");
	await message(ann, "notes.txt").waitFor();
});

claim("a moderator mutes, lets speak again, deletes and puts out; all is told", async (visit) => {
	const ann = await enter(visit, hub, "ann"), bob = await enter(visit, hub, "bob");
	const of_bob = ann.locator(".chat .people li", { hasText: "bob" });
	const act = async (item) => {
		await of_bob.getByRole("button").click();
		await ann.getByRole("menuitem", { name: item }).click();
	};
	await say(bob, "something rude");
	await message(ann, "something rude").waitFor();
	await act("Mute…");
	await ann.getByLabel("For how long").selectOption({ label: "10 minutes" });
	await ann.getByLabel(/^Why/).fill("too loud");
	await ann.getByRole("button", { name: "Mute", exact: true }).click();
	await of_bob.getByText("muted").waitFor();
	await bob.locator(".chat .notice", { hasText: "too loud" }).waitFor();
	await say(bob, "not heard");
	await bob.locator(".feed .failed", { hasText: "not heard" })
		.getByRole("button", { name: "Discard" }).click();
	await act("Let speak again");
	await of_bob.getByText("muted").waitFor({ state: "detached" });
	const rude = message(ann, "something rude");
	await rude.hover();
	await rude.getByRole("button", { name: "More: a message of bob" }).click();
	await ann.getByRole("menuitem", { name: "Delete…" }).click();
	await ann.getByRole("button", { name: "Delete", exact: true }).click();
	await message(bob, "something rude").waitFor({ state: "detached" });
	await bob.locator(".chat .message.deleted").waitFor();
	await act("Put out…");
	await ann.getByRole("button", { name: "Put out", exact: true }).click();
	await of_bob.waitFor({ state: "detached" });
	await bob.getByRole("heading", { name: "No room" }).waitFor();
	await bob.getByText("You are not in lobby any more").waitFor();
	await becomes(() => bob.getByRole("textbox", { name: "Message" }).isEnabled(), false, "he may write");
});

claim("who may not moderate is offered nothing of it", async (visit) => {
	const cat = await enter(visit, hub, "cat"), ann = await enter(visit, hub, "ann");
	await cat.locator(".chat .people li", { hasText: "ann" }).getByRole("button").click();
	await becomes(() => cat.getByRole("menuitem").allTextContents(), ["Talk to ann alone"]);
	await cat.keyboard.press("Escape");
	await say(ann, "of ann");
	await message(cat, "of ann").hover();
	await message(cat, "of ann").getByRole("button").click();
	await cat.getByRole("menuitem", { name: "Copy the text" }).waitFor();
	const items = await cat.getByRole("menuitem").allTextContents();
	expect(!items.includes("Delete…"), items);
});

claim("notifications come of the rooms that were asked for, while one looks elsewhere", async (visit) => {
	const ann = await enter(visit, hub, "ann", { permissions: ["notifications"] });
	await ann.evaluate(() => {
		globalThis.notified = [];
		globalThis.Notification = class {
			static permission = "granted";
			static requestPermission = async () => "granted";
			constructor(title, { body }) {
				globalThis.notified.push(`${title}: ${body}`);
			}
		};
	});
	const bob = await enter(visit, hub, "bob");
	const bell = ann.getByRole("button", { name: "Notifications" });
	await bell.click();
	await ann.locator('.chat .room button[aria-pressed="true"]').waitFor();
	await say(bob, "while you look");
	await message(ann, "while you look").waitFor();
	await ann.getByRole("link", { name: "Files" }).click();
	await ann.locator("#view-chat").waitFor({ state: "hidden" });
	await say(bob, "while you do not");
	await ann.waitForFunction(() => globalThis.notified.length > 0);
	await becomes(() => ann.evaluate(() => globalThis.notified), ["bob in lobby: while you do not"]);
});

claim("the corner of beginners has the lines for nc, with a code that lets in by one's name",
	async (visit) => {
		const bob = await enter(visit, hub, "bob", { permissions: ["clipboard-read", "clipboard-write"] });
		await bob.getByRole("button", { name: "Without a browser" }).click();
		const dialog = bob.getByRole("dialog", { name: "Without a browser" });
		const [host, port] = hub.facts.chat.split(":");
		await dialog.getByText(`nc -u ${host} ${port}`).waitFor();
		await dialog.getByRole("button", { name: "Get a code" }).click();
		await dialog.getByText(/^L bob \S+$/).waitFor();
		await dialog.getByRole("button", { name: "Copy: let me in" }).click();
		await dialog.getByText("Copied.").waitFor();
		const line = await bob.evaluate(() => navigator.clipboard.readText());
		expect(/^L bob [a-z0-9]{8}$/.test(line), line);
		await looks(bob, "chat-corner");
		const nc = await Datagrams.enter(hub, line.slice(2));
		nc.child.stdin.write("C bob by nc\n");
		await message(bob, "by nc").waitFor();
	});

claim("on a phone, rooms and people open over the messages, and close by keys", async (visit) => {
	const page = await enter(visit, hub, "cat", { width: 360, height: 720 });
	for (const [opener, closer] of [["Rooms", "Close: Rooms"], [/here$/, "Close: People here"]]) {
		await page.locator(".chat .room > header").getByRole("button", { name: opener }).press("Enter");
		await page.getByRole("button", { name: closer }).waitFor();
		await page.waitForFunction((name) => document.activeElement.ariaLabel === name, closer);
		await looks(page, `chat-${closer.slice(7).toLowerCase().replace(/ .*/, "")}`, { widths: [360] });
		await page.keyboard.press("Escape");
		await page.waitForFunction(() => document.activeElement.closest(".room > header"));
	}
	await is_in(page);
});

await run();
