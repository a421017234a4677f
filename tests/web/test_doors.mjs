// test_doors.mjs - one folder and one room through several doors at the same time: what comes by one is
// seen by the others, at the page without a reload. `make judge-hub` has more doors, and measures.
import { allow, becomes, before, claim, equal, expect, folder, run, until } from "./harness.mjs";
import { chat_options, Datagrams, is_in, Lines, message, say } from "./chatting.mjs";
import { Curl, Ftplib, put_by_page, row_of, shown, watch } from "./doors.mjs";
import { Hub } from "./hub.mjs";

let hub, mine;
before(async () => {
	mine = folder();
	hub = await Hub.start({ people: { ann: "admin", bob: "member" },
		files: { "own/old.txt": "old", "watched/old.txt": "old", "away/old.txt": "old", "held/old.txt": "old", "refused/old.txt": "old",
			"slept/old.txt": "old" },
		options: [...chat_options, "--ftp", "127.0.0.1:0"] });
	await hub.account("grant", "set", "user:bob", "", "read,list,write,replace,delete");
});

const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });

// In the page: what it asks for and has not taken yet, and how often it has asked for that folder.
const count_asks = (address) => {
	const asks = globalThis.asks = { open: 0, listings: 0 };
	const { open, send } = XMLHttpRequest.prototype;
	const counted = (plain) => async function (...words) {
		asks.open++;
		try {
			return await plain.apply(this, words);
		} finally {
			asks.open--;
		}
	};
	globalThis.fetch = counted(globalThis.fetch);
	Response.prototype.json = counted(Response.prototype.json);
	XMLHttpRequest.prototype.open = function (method, to, ...more) {
		asks.listings += new URL(to, location.href).pathname === address ? 1 : 0;
		return open.call(this, method, to, ...more);
	};
	XMLHttpRequest.prototype.send = function (...words) {
		asks.open++;
		this.addEventListener("loadend", () => asks.open--); // behind what the page does then
		return send.apply(this, words);
	};
};

// A page whose clock stands still, but where tick() moves it. What it asks for is waited for, so that
// no answer takes longer by its clock than one tick, whatever this machine does.
async function still(visit, address) {
	const page = await visit(hub, "about:blank", { as: "ann" });
	await page.addInitScript(count_asks, address);
	await page.clock.install();
	await page.goto(new URL(address, hub.url).href);
	await row(page, "old.txt").waitFor();
	const asked = {
		listings: () => page.evaluate(() => globalThis.asks.listings),
		forget: () => page.evaluate(() => void (globalThis.asks.listings = 0)),
		tick: async (ms) => {
			await page.clock.runFor(ms);
			await until(() => page.evaluate(() => globalThis.asks.open === 0), "the page has its answers");
		},
		// Until it has asked again, and has its answer.
		look: async (ms = 100) => {
			await asked.forget();
			for (let most = 70000; !await asked.listings(); most -= ms) {
				expect(most > 0, "it does not ask any more");
				await asked.tick(ms);
			}
		},
	};
	await page.clock.pauseAt(Date.now() + 60000); // farther off than any delay of this machine
	await asked.look(1000); // one that was under way took a minute, by the page's clock
	await asked.look();
	return [page, asked];
}

claim("what comes by another door is seen within a second, by the page's own clock", async (visit) => {
	const [page, asked] = await still(visit, "/watched/");
	await new Curl(hub, "bob", mine).put("watched/new.txt", "new");
	for (let ms = 0; ms < 1000; ms += 100)
		await asked.tick(100);
	await row(page, "new.txt").waitFor();
});

claim("what is uploaded here is shown when it has come, not some time later", async (visit) => {
	const [page] = await still(visit, "/own/"); // its clock stands still
	await page.locator("#choose-files").setInputFiles({ name: "mine.txt", mimeType: "text/plain",
		buffer: Buffer.from("mine") });
	await row(page, "mine.txt").waitFor();
});

claim("where nobody has touched the page for minutes it asks seldom, until somebody does", async (visit) => {
	const [page, asked] = await still(visit, "/away/");
	for (let minutes = 0; minutes < 6; minutes++)
		await asked.tick(60000);
	await asked.look(500);
	await asked.forget();
	for (let ms = 0; ms < 60000; ms += 500)
		await asked.tick(500);
	const count = await asked.listings();
	expect(count > 1 && count <= 5, `it asked ${count} times in a minute`);
	await asked.forget();
	await page.mouse.move(200, 200);
	await page.mouse.move(300, 300);
	await until(asked.listings, "it asks when somebody is there again");
});

claim("an answer that came while the machine slept holds up the next look by a minute at most", async (visit) => {
	const [page, asked] = await still(visit, "/slept/");
	let answer;
	const is_held = new Promise((resolve) => page.route("**/slept/", async (route) => {
		await new Promise((done) => (answer = done, resolve()));
		await route.continue();
	}, { times: 1 }));
	await page.clock.runFor(700);
	await is_held;
	await page.clock.fastForward(3600000);
	answer();
	await asked.tick(0);
	await new Curl(hub, "bob", mine).put("slept/new.txt", "new");
	await asked.look(500);
	await row(page, "new.txt").waitFor();
});

claim("where it is refused it asks seldom, and in another folder as before", async (visit) => {
	const [page, asked] = await still(visit, "/refused/");
	allow(page, /429/);
	await page.route("**/refused/", (route) => route.fulfill({ status: 429, body: "" }));
	await asked.tick(1000);
	await asked.forget();
	for (let s = 0; s < 30; s++)
		await asked.tick(1000);
	const count = await asked.listings();
	expect(count > 0 && count <= 4, `it asked ${count} times in 30 s`);
	await row(page, "old.txt").waitFor(); // what was shown stays
	await page.getByRole("grid", { name: "Files" }).press("Backspace");
	await row(page, "refused").waitFor();
	await new Curl(hub, "bob", mine).put("after.txt", "after");
	for (let ms = 0; ms < 1000; ms += 100)
		await asked.tick(100);
	await row(page, "after.txt").waitFor();
});

claim("what is pressed stays what it is while others change the folder", async (visit) => {
	const [page, asked] = await still(visit, "/held/");
	const box = await row(page, "old.txt").boundingBox();
	await page.mouse.move(box.x + box.width - 200, box.y + box.height / 2);
	await page.mouse.down();
	const pressed = await row(page, "old.txt").elementHandle();
	await new Curl(hub, "bob", mine).put("held/new.txt", "new");
	for (let ms = 0; ms < 2000; ms += 100)
		await asked.tick(100);
	expect(await pressed.evaluate((one) => one.isConnected), "it is another");
	await page.mouse.up();
	await becomes(() => row(page, "old.txt").getAttribute("aria-selected"), "true");
	for (let ms = 0; ms < 1000; ms += 100)
		await asked.tick(100);
	await row(page, "new.txt").waitFor();
});

claim("one file, through page, curl and FTP in turn: each sees what the last one put", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	await row(page, "watched").waitFor();
	await watch(page);
	const doors = [new Curl(hub, "bob", mine), await new Ftplib(hub, "bob", mine).open()];
	const by_page = { put: (name, content) => put_by_page(page, name, content) };
	for (const [at, door] of [...doors, by_page, ...doors, by_page].entries()) {
		const content = "x".repeat(10 + at);
		await door.put("notes.txt", content);
		for (const other of doors)
			equal(await other.get("notes.txt"), content, other.name);
		await shown(page, "row", row_of("notes.txt", content));
	}
	await doors[1].remove("notes.txt");
	await row(page, "notes.txt").waitFor({ state: "detached" });
});

claim("one room, through page, lines and datagrams in turn: all hear each", async (visit) => {
	const page = await visit(hub, "/.weft/chat/lobby", { as: "ann" });
	await is_in(page);
	const lines = await Lines.enter(hub, "tom"), datagrams = await Datagrams.enter(hub, "nan");
	const all = [["page", (text) => say(page, text)], ["lines", (text) => lines.say(text)],
		["datagrams", (text) => datagrams.say(text)]];
	for (const [at, [name, speak]] of [...all, ...all].entries()) {
		const text = `number ${at} by ${name}.`;
		await speak(text);
		await message(page, text).waitFor();
		const pattern = new RegExp(text);
		if (name !== "lines")
			await lines.heard(pattern);
		if (name !== "datagrams")
			await datagrams.heard(pattern);
	}
});

await run();
