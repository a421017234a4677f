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
		files: { "watched/old.txt": "old", "away/old.txt": "old", "held/old.txt": "old", "refused/old.txt": "old" },
		options: [...chat_options, "--ftp", "127.0.0.1:0"] });
	await hub.account("grant", "set", "user:bob", "", "read,list,write,replace,delete");
});

const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });

// A page whose clock stands still, but where tick() moves it. What it asks for is waited for.
async function still(visit, address) {
	const page = await visit(hub, "about:blank", { as: "ann" });
	await page.clock.install();
	await page.goto(new URL(address, hub.url).href);
	await row(page, "old.txt").waitFor();
	const asked = { listings: 0, open: new Set() };
	page.on("request", (request) => {
		asked.open.add(request);
		if (new URL(request.url()).pathname === address)
			asked.listings++;
	});
	for (const end of ["requestfinished", "requestfailed"])
		page.on(end, (request) => asked.open.delete(request));
	await page.clock.pauseAt(Date.now() + 60000); // farther off than any delay of this machine
	asked.tick = async (ms) => {
		await page.clock.runFor(ms);
		await until(() => asked.open.size === 0, "the page has its answers");
	};
	return [page, asked];
}

claim("what comes by another door is seen within a second, by the page's own clock", async (visit) => {
	const [page, asked] = await still(visit, "/watched/");
	await new Curl(hub, "bob", mine).put("watched/new.txt", "new");
	for (let ms = 0; ms < 1000; ms += 100)
		await asked.tick(100);
	await row(page, "new.txt").waitFor();
});

claim("where nobody has touched the page for minutes it asks seldom, until somebody does", async (visit) => {
	const [page, asked] = await still(visit, "/away/");
	for (let minutes = 0; minutes < 6; minutes++)
		await asked.tick(60000);
	await asked.tick(15000); // the last one that was still soon
	asked.listings = 0;
	await asked.tick(60000);
	expect(asked.listings <= 5, `it asked ${asked.listings} times in a minute`);
	asked.listings = 0;
	await page.mouse.move(200, 200);
	await page.mouse.move(300, 300);
	await until(() => asked.listings > 0, "it asks when somebody is there again");
});

claim("where it is refused it asks seldom, and in another folder as before", async (visit) => {
	const [page, asked] = await still(visit, "/refused/");
	allow(page, /429/);
	await page.route("**/refused/", (route) => route.fulfill({ status: 429, body: "" }));
	await asked.tick(1000);
	asked.listings = 0;
	for (let s = 0; s < 30; s++)
		await asked.tick(1000);
	expect(asked.listings > 0 && asked.listings <= 4, `it asked ${asked.listings} times in 30 s`);
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
