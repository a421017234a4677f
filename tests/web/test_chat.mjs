// test_chat.mjs - chat at the page: the same rooms through every door, what was said before, what is
// not lost, what was not read.
import { allow, becomes, before, claim, equal, expect, run } from "./harness.mjs";
import { chat_options, come_in, Datagrams, enter, is_in, Lines, message, room_link, say, texts }
	from "./chatting.mjs";
import { Hub } from "./hub.mjs";
import { looks } from "./looks.mjs";

let hub;
before(async () => {
	hub = await Hub.start({ people: { ann: "admin", bob: "member" }, options: chat_options });
});

claim("two browsers, a guest, a line client and nc -u are in one room", async (visit) => {
	const ann = await enter(visit, hub, "ann"), bob = await enter(visit, hub, "bob");
	const mia = await come_in(visit, hub, "mia");
	const tom = await Lines.enter(hub, "tom"), nan = await Datagrams.enter(hub, "nan");
	const pages = [ann, bob, mia];
	const say_each = { ann: (text) => say(ann, text), bob: (text) => say(bob, text),
		mia: (text) => say(mia, text), tom: (text) => tom.say(text), nan: (text) => nan.say(text) };
	for (const name of Object.keys(say_each)) {
		const text = `hello from ${name}`;
		await say_each[name](text);
		for (const page of pages)
			await message(page, text).waitFor();
		if (name !== "nan")
			await nan.heard(new RegExp(`^${name}: ${text}$`));
		await tom.heard(new RegExp(`^message lobby .*${name} ${text}$`));
	}
	await ann.locator(".chat .people", { hasText: "5 here" }).waitFor();
	for (const name of ["ann", "bob", "mia", "tom", "nan"])
		await ann.locator(".chat .people li", { hasText: name }).waitFor();
	await looks(ann, "chat");
});

claim("what others write is text; addresses in it are links", async (visit) => {
	const page = await come_in(visit, hub, "reader");
	const tom = await Lines.enter(hub, "writer");
	const hostile = "<img src=x onerror=alert(1)><b>bold</b> javascript:alert(1) \u{1f389}";
	await tom.say(hostile, "see https://example.org/a(b)?c=d. And more");
	await message(page, hostile).waitFor();
	const link = page.locator(".feed .message a", { hasText: "example.org" });
	await link.waitFor();
	await becomes(() => link.getAttribute("href"), "https://example.org/a(b)?c=d");
	await becomes(() => link.getAttribute("rel"), "noopener noreferrer nofollow");
	await becomes(() => page.locator(".feed .message :is(b, img)").count(), 0, "elements made of a text");
});

claim("what was said before comes as one scrolls up, each once and in order", async (visit) => {
	const ann = await enter(visit, hub, "ann");
	await ann.getByRole("button", { name: "New room" }).click();
	await ann.getByLabel("Name", { exact: true }).fill("history");
	await ann.getByRole("button", { name: "Make it" }).click();
	await is_in(ann, "history");
	await ann.getByRole("button", { name: "More about this room" }).click();
	await ann.getByRole("menuitemradio", { name: "Guests may come in" }).click();
	await ann.getByText("From now on:").waitFor();
	const tom = await Lines.enter(hub, "teller", "history");
	const all = Array.from({ length: 150 }, (_, i) => `earlier ${i}.`);
	await tom.say(...all);
	const bob = await enter(visit, hub, "bob", { room: "history" });
	await message(bob, "earlier 149.").waitFor();
	expect(await message(bob, "earlier 0.").count() === 0, "all of it came at once");
	const scroller = bob.getByRole("region", { name: "Messages" });
	await scroller.focus();
	await bob.waitForFunction(() => {
		const place = document.querySelector(".chat .scroller");
		place.scrollTop = 0;
		return [...place.querySelectorAll(".text")].some((one) => one.textContent === "earlier 0.");
	}, null, { polling: 100 });
	await becomes(async () => (await texts(bob)).filter((text) => text.startsWith("earlier")), all);
});

claim("of a room with 20,000 messages only those that are looked at are there", async (visit) => {
	const ann = await enter(visit, hub, "ann");
	await ann.getByRole("button", { name: "New room" }).click();
	await ann.getByLabel("Name", { exact: true }).fill("long");
	await ann.getByRole("button", { name: "Make it" }).click();
	await is_in(ann, "long");
	await ann.getByRole("button", { name: "More about this room" }).click();
	await ann.getByRole("menuitemradio", { name: "Guests may come in" }).click();
	await ann.getByText("From now on:").waitFor();
	const tom = await Lines.enter(hub, "narrator", "long"), text = (i) => `line ${i}.`;
	const tell = async (from, to) => {
		for (; from < to; from += 500)
			await tom.say(...Array.from({ length: Math.min(500, to - from) }, (_, i) => text(from + i)));
	};
	await ann.close();
	await tell(0, 20000);
	const bob = await enter(visit, hub, "bob", { room: "long" });
	await message(bob, text(19999)).waitFor();
	expect((await texts(bob)).length <= 200, "all of it came at once");
	await bob.waitForFunction(() => {
		const place = document.querySelector(".chat .scroller");
		place.scrollTop = 0;
		return place.querySelectorAll(".message").length >= 1000;
	}, null, { polling: 100 });
	await bob.getByRole("button", { name: /To the newest/ }).click();
	await tell(20000, 20001);
	await message(bob, text(20000)).waitFor();
	const all = await texts(bob);
	equal(all, Array.from({ length: all.length }, (_, i) => text(20001 - all.length + i)));
	await becomes(() => bob.evaluate(() => {
		const { scrollTop, scrollHeight, clientHeight } = document.querySelector(".chat .scroller");
		return scrollHeight - scrollTop - clientHeight < 60;
	}), true, "it is at the end");
});

claim("the hub stops and starts: no gap, nothing twice, what was typed is sent", async (visit) => {
	const relay = await hub.relay();
	const page = await enter(visit, relay, "bob");
	// What a browser says of a server that is not there.
	allow(page, /WebSocket connection|ERR_|Failed to load resource/);
	await say(page, "before the stop");
	await message(page, "before the stop").waitFor();
	await hub.stop();
	await page.locator(".chat .state").waitFor();
	await say(page, "typed while away");
	await page.locator(".feed .posted", { hasText: "typed while away" }).waitFor();
	relay.cut();
	await hub.again();
	const tom = await Lines.enter(hub, "keeper");
	const missed = Array.from({ length: 100 }, (_, i) => `missed ${i}.`);
	await tom.say(...missed);
	relay.mend();
	await message(page, "typed while away").waitFor();
	await page.locator(".chat .state").waitFor({ state: "hidden" });
	await message(page, "missed 99.").waitFor();
	// What was missed comes in parts, the last of them first.
	await becomes(async () => (await texts(page)).filter((text) => /^(missed|typed|before)/.test(text)),
		["before the stop", ...missed, "typed while away"]);
	await tom.heard(/typed while away/);
	equal(tom.lines.filter((line) => /typed while away/.test(line)), [], "it was said again");
});

claim("two talk alone; what was not read is counted, in the bar, too", async (visit) => {
	const ann = await enter(visit, hub, "ann"), bob = await enter(visit, hub, "bob");
	await bob.locator(".chat .people li", { hasText: "ann" }).getByRole("button").click();
	await bob.getByRole("menuitem", { name: "Talk to ann alone" }).click();
	await is_in(bob, "ann");
	await say(bob, "only you");
	await room_link(ann, "bob").locator(".badge", { hasText: "1" }).waitFor();
	await ann.waitForFunction(() => /^\(1\) lobby/.test(document.title));
	await ann.getByRole("link", { name: "Files" }).click();
	await ann.waitForURL(hub.url);
	await say(bob, "and only here");
	const badge = ann.locator("#nav-chat .badge");
	await badge.filter({ hasText: "2" }).waitFor();
	await ann.getByRole("link", { name: "Chat" }).click();
	await room_link(ann, "bob").click();
	await is_in(ann, "bob");
	await message(ann, "and only here").waitFor();
	await becomes(async () => (await texts(ann)).slice(-2), ["only you", "and only here"]);
	await badge.waitFor({ state: "hidden" });
	// It is there for some seconds only: no look of ours is to miss it.
	const seen = await bob.evaluateHandle(() => ({ typing: new Promise((resolve) => {
		const place = document.querySelector(".chat .typing");
		new MutationObserver(() => place.textContent === "ann is typing…" && resolve(true))
			.observe(place, { childList: true, characterData: true, subtree: true });
	}) }));
	await ann.getByRole("textbox", { name: "Message" }).pressSequentially("well");
	await seen.evaluate(({ typing }) => typing);
});

claim("a guest stays over a reload of the tab, and leaves; who logs in is somebody else", async (visit) => {
	const page = await come_in(visit, hub, "gus");
	const new_room = page.getByRole("button", { name: "New room" });
	await becomes(() => new_room.isVisible(), false, "what a guest is offered: a new room");
	await page.reload();
	await is_in(page);
	await becomes(() => new_room.isVisible(), false, "the same once she has come back");
	await page.getByRole("button", { name: "Leave", exact: true }).click();
	await page.getByLabel("Your name").waitFor();
	await looks(page, "chat-door");
	await page.locator(".chat .door").getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Name", { exact: true }).fill("bob");
	await page.getByLabel("Password", { exact: true }).fill("correct horse 9");
	await page.keyboard.press("Enter");
	await is_in(page);
	await new_room.waitFor();
	await say(page, "as bob");
	await message(page, "as bob").waitFor();
	await becomes(() => message(page, "as bob").locator(".who .kind").count(), 0, "guest");
});

await run();
