// test_files.mjs - the files of the hub, looked at: folders, keys, order, filter, search, pictures and
// texts, 100,000 entries, hostile names, who may not.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { allow, becomes, before, claim, equal, expect, run, until } from "./harness.mjs";
import { Hub } from "./hub.mjs";
import { looks } from "./looks.mjs";

const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAE0lEQVR4nGNgWMCA" +
	"FQ0tiQULGABHoyQBZ9PslwAAAABJRU5ErkJggg==", "base64");
const MANY = 100000;
const hostile = ["new\nline.txt", "quote\"'`.txt", "%41%2F%00.txt", "#hash?query&a=b+c.txt", "<img src=x onerror=alert(1)>.txt",
	"gpj.\u202eexe", "\u2066isolate\u2069.txt", " leading and trailing ", "back\\slash.txt",
	"写真 🎉 été.txt", `${"very long ".repeat(24)}end.txt`];

// Of so many pages, each with a line of text.
function pdf(pages) {
	const starts = [], kids = [];
	let made = "%PDF-1.4\n";
	const add = (body) => {
		starts.push(made.length);
		made += `${starts.length} 0 obj\n${body}\nendobj\n`;
	};
	for (let i = 0; i < pages; i++)
		kids.push(`${4 + 2 * i} 0 R`);
	add("<< /Type /Catalog /Pages 2 0 R >>");
	add(`<< /Type /Pages /Count ${pages} /Kids [${kids.join(" ")}] >>`);
	add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
	for (let i = 0; i < pages; i++) {
		const drawn = `BT /F 24 Tf 40 300 Td (Page ${i + 1} of ${pages}) Tj ET`;
		add("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Resources << /Font << /F 3 0 R >> >> " +
			`/Contents ${5 + 2 * i} 0 R >>`);
		add(`<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`);
	}
	const lines = starts.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("");
	return Buffer.from(`${made}xref\n0 ${starts.length + 1}\n0000000000 65535 f \n${lines}` +
		`trailer\n<< /Size ${starts.length + 1} /Root 1 0 R >>\nstartxref\n${made.length}\n%%EOF\n`);
}

let hub;
before(async () => {
	const files = { "written/five pages.pdf": pdf(5), "photos/boat.png": PNG, "photos/sea.svg":
		"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 6'><path fill='teal' d='M0 0h9v6H0z'/></svg>",
	"photos/day 1/x.txt": "x", "photos/notes.txt": "first line\nsecond <b>line</b>\n", "photos/page.html":
		"<script>document.title = 'bad'</script>", "photos/tune.mp3": "no tune", "photos/paper.pdf": "%PDF-1.4",
	"photos/old.zip": "PK", "deep/a/b/c/boat plan.txt": "plan", "deep/a/boat.md": "md", "deep/other.md": "md",
	"long.txt": "0123456789abcdef\n".repeat(40000), "bytes.dat": Buffer.from([0, 1, 2]),
	"kept/secret.txt": "s" };
	for (const name of hostile)
		files[`hostile/${name}`] = "x";
	hub = await Hub.start({ people: { ann: "admin", bob: "guest" }, files, options: ["--page"] });
	mkdirSync(path.join(hub.folder, "empty"));
	mkdirSync(path.join(hub.folder, "order"));
	for (const [name, size] of [["b10.txt", 5], ["b9.txt", 900], ["a.png", 20], ["C.txt", 1]])
		writeFileSync(path.join(hub.folder, "order", name), "x".repeat(size));
	writeFileSync(Buffer.concat([Buffer.from(path.join(hub.folder, "hostile/bad")), Buffer.from([0xff, 0xfe]),
		Buffer.from("name.txt")]), "bytes");
});

const grid = (page) => page.getByRole("grid", { name: "Files" });
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const namesOf = (page) => page.locator(".fl-row .fn").evaluateAll((all) => all.map((one) => one.textContent));
const cursor = (page, name) => page.locator(".fl-row.cursor", { hasText: name }).waitFor();
const rows = (page, count) => page.waitForFunction((wanted) =>
	document.querySelectorAll(".fl-row").length === wanted, count);

claim("a folder is a grid, and looks well", async (visit) => {
	const page = await visit(hub, "/photos/", { as: "ann" });
	await row(page, "boat.png").waitFor();
	await becomes(() => namesOf(page), ["day 1", "boat.png", "notes.txt", "old.zip", "page.html", "paper.pdf", "sea.svg",
		"tune.mp3"]);
	await becomes(() => grid(page).getAttribute("aria-rowcount"), "9");
	await looks(page, "files-folder");
	await page.getByRole("button", { name: "Show as tiles" }).click();
	await page.locator(".fl-tile img").nth(1).waitFor();
	await looks(page, "files-tiles");
	await page.reload();
	await page.getByRole("listbox", { name: "Files" }).waitFor();
	await page.getByRole("option", { name: "boat.png" }).click();
	await page.getByRole("dialog").getByRole("img", { name: "boat.png" }).waitFor();
});

claim("the keys go everywhere: into folders and back, by letters, ends and pages", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	await row(page, "photos").waitFor();
	await grid(page).focus();
	await page.keyboard.press("p"); // one letter: how close the next came would be luck
	await cursor(page, "photos");
	await page.keyboard.press("Enter");
	await page.waitForURL("**/photos/");
	await row(page, "boat.png").waitFor();
	await page.keyboard.press("End");
	await cursor(page, "tune.mp3");
	await page.keyboard.press("Home");
	await page.keyboard.press("ArrowDown");
	await cursor(page, "boat.png");
	const id = await grid(page).getAttribute("aria-activedescendant");
	await becomes(() => page.locator(`#${id}`).getAttribute("aria-rowindex"), "3");
	await page.keyboard.press("Backspace");
	await page.waitForURL((url) => url.pathname === "/");
	await cursor(page, "photos"); // where she came from
	await until(() => grid(page).evaluate((one) => one === document.activeElement), "the focus");
});

claim("rows are selected by Space, Shift and Ctrl+A; Escape selects none", async (visit) => {
	const page = await visit(hub, "/photos/", { as: "ann" });
	await row(page, "boat.png").waitFor();
	const said = page.getByRole("toolbar", { name: "What is selected" });
	await grid(page).focus();
	await page.keyboard.press("Home");
	await page.keyboard.press("Space");
	await said.getByText("1 selected").waitFor();
	await page.keyboard.press("Shift+ArrowDown");
	await page.keyboard.press("Shift+ArrowDown");
	await said.getByText("3 selected").waitFor();
	await becomes(() => page.locator(".fl-row[aria-selected=true]").count(), 3);
	await page.keyboard.press("Control+a");
	await said.getByText("8 selected").waitFor();
	await looks(page, "files-selected", { widths: [360, 1280] });
	await page.keyboard.press("Escape");
	await said.waitFor({ state: "hidden" });
	await row(page, "old.zip").locator(".fl-pick").click();
	await row(page, "boat.png").click({ modifiers: ["Shift"], position: { x: 600, y: 10 } });
	await said.getByText("3 selected").waitFor();
	await page.getByRole("button", { name: "Select all" }).click();
	await said.getByText("8 selected").waitFor();
});

claim("what can be done is in a menu that a key opens, and the keys are listed", async (visit) => {
	const page = await visit(hub, "/photos/", { as: "ann" });
	await row(page, "notes.txt").waitFor();
	await grid(page).focus();
	await page.keyboard.press("n");
	await cursor(page, "notes.txt");
	await page.keyboard.press("Shift+F10");
	await page.getByRole("menu").getByRole("menuitem", { name: "Rename" }).waitFor();
	await page.keyboard.press("Escape");
	await page.getByRole("menu").waitFor({ state: "detached" });
	await until(() => grid(page).evaluate((one) => one === document.activeElement), "the focus");
	await page.keyboard.press("ContextMenu");
	await page.getByRole("menuitem", { name: /^Show/ }).press("Enter");
	await page.getByRole("dialog").getByText("second <b>line</b>").waitFor();
	await page.keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "hidden" });
	await page.keyboard.press("?");
	await page.getByRole("dialog").getByText("Filter this folder").waitFor();
});

claim("a finger opens by a tap, and selects by being held", async (visit) => {
	const page = await visit(hub, "/photos/", { as: "ann", width: 360, height: 720, hasTouch: true });
	await row(page, "boat.png").waitFor();
	const send = (target, type) => target.dispatchEvent(type, { pointerType: "touch", isPrimary: true,
		bubbles: true, clientX: 99, clientY: 99 });
	await send(row(page, "notes.txt"), "pointerdown");
	await page.getByText("1 selected").waitFor();
	await send(row(page, "notes.txt"), "pointerup");
	await row(page, "notes.txt").dispatchEvent("click"); // that ends the hold
	await row(page, "boat.png").tap({ position: { x: 150, y: 20 } });
	await page.getByText("2 selected").waitFor();
	await page.getByRole("button", { name: "Select nothing" }).tap();
	await row(page, "boat.png").tap({ position: { x: 150, y: 20 } });
	await page.getByRole("dialog").getByRole("img", { name: "boat.png" }).waitFor();
});

claim("heads sort, and say so; the sort menu does where there are none", async (visit) => {
	const page = await visit(hub, "/order/", { as: "ann" });
	await row(page, "b10.txt").waitFor();
	await becomes(() => namesOf(page), ["a.png", "b9.txt", "b10.txt", "C.txt"]);
	await page.getByRole("button", { name: "Size" }).click();
	await page.locator("[role=columnheader][aria-sort=ascending]", { hasText: "Size" }).waitFor();
	await becomes(() => namesOf(page), ["C.txt", "b10.txt", "a.png", "b9.txt"]);
	await page.getByRole("button", { name: "Size" }).click();
	await page.locator("[role=columnheader][aria-sort=descending]", { hasText: "Size" }).waitFor();
	await becomes(() => namesOf(page), ["b9.txt", "a.png", "b10.txt", "C.txt"]);
	await page.setViewportSize({ width: 360, height: 720 });
	await page.getByRole("button", { name: "Sort" }).click();
	await page.getByRole("menuitemradio", { name: "Kind" }).click();
	await page.getByRole("button", { name: "Sort" }).click();
	await page.getByRole("menuitemradio", { name: "Ascending" }).click();
	await page.waitForFunction(() => document.querySelector(".fl-row .fn").textContent === "a.png");
});

claim("typing filters, Enter searches below, and what is found leads to its folder", async (visit) => {
	const page = await visit(hub, "/deep/", { as: "ann" });
	await row(page, "other.md").waitFor();
	await grid(page).focus();
	await page.keyboard.press("/");
	await page.keyboard.type("OTH");
	await rows(page, 1);
	await page.getByText("1 of 2 entries").waitFor();
	await page.keyboard.press("Escape");
	await rows(page, 2);
	await page.keyboard.press("Escape");
	await page.keyboard.press("/");
	await page.keyboard.type("boat");
	await page.getByText("Nothing here has that in its name").waitFor();
	await page.keyboard.press("Enter");
	await row(page, "boat plan.txt").waitFor();
	await row(page, "boat.md").waitFor();
	await becomes(() => new URL(page.url()).hash, "#search=boat");
	await page.locator(".fl-kind", { hasText: "a/b/c" }).waitFor();
	await looks(page, "files-search", { widths: [360, 1280] });
	await page.getByRole("link", { name: "boat plan.txt" }).click();
	await page.getByRole("region", { name: "Text of boat plan.txt" }).getByText("plan").waitFor();
	await becomes(() => new URL(page.url()).pathname, "/deep/a/b/c/");
	await page.keyboard.press("Escape"); // and back to what was found
	await row(page, "boat.md").waitFor();
	await page.goto(new URL("/deep/#search=nowhere", hub.url).href);
	await page.getByText("Nothing was found").waitFor();
});

claim("files are shown one after the other, with their facts", async (visit) => {
	const page = await visit(hub, "/photos/", { as: "ann" });
	await page.getByRole("link", { name: "boat.png" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByRole("img", { name: "boat.png" }).waitFor();
	await dialog.getByText("1 of 7").waitFor();
	await page.keyboard.press("ArrowRight");
	await dialog.getByText("second <b>line</b>").waitFor();
	await page.keyboard.press("i");
	await dialog.getByRole("button", { name: "Compute" }).click();
	await dialog.getByText(/^[0-9a-f]{64}$/).waitFor();
	await looks(page, "files-preview-text");
	await page.keyboard.press("ArrowLeft");
	await dialog.getByRole("img", { name: "boat.png" }).waitFor();
	await looks(page, "files-preview-picture", { widths: [360, 1280] });
	for (const name of ["notes.txt", "old.zip", "page.html", "paper.pdf", "sea.svg"])
		await Promise.all([page.waitForURL(`**/photos/#show=${name}`), page.keyboard.press("ArrowRight")]);
	await dialog.getByRole("img", { name: "sea.svg" }).waitFor();
	await becomes(() => page.title().then((title) => title.includes("bad")), false);
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "hidden" });
	await becomes(() => new URL(page.url()).hash, "");
	await row(page, "sea.svg").waitFor();
	await cursor(page, "sea.svg");
});

claim("a text is shown up to a bound, what is none is offered, and a tune that is none is said", async (visit) => {
	const page = await visit(hub, "/#show=long.txt", { as: "ann" });
	const dialog = page.getByRole("dialog");
	await dialog.getByText("The first 262 kB of 680 kB").waitFor();
	await page.keyboard.press("Escape");
	await page.getByRole("link", { name: "bytes.dat" }).click();
	await dialog.getByText("It can't be shown here").waitFor();
	await dialog.getByRole("button", { name: "Show as text" }).click();
	await dialog.getByText("This is no text").waitFor();
	const [download] = await Promise.all([page.waitForEvent("download"),
		dialog.getByRole("link", { name: "Download" }).click()]);
	equal(download.suggestedFilename(), "bytes.dat");
	await page.goto(new URL("/photos/#show=tune.mp3", hub.url).href);
	await dialog.getByText("it is damaged").waitFor();
});

claim("a PDF is shown in a frame of its own by the browser's viewer, and offered where there is none", async (visit) => {
	const answered = (page) => page.waitForResponse((answer) => answer.url().endsWith("/written/five%20pages.pdf"));
	for (const has_viewer of [true, false]) {
		const page = await visit(hub, "/photos/", { as: "ann" });
		await row(page, "boat.png").waitFor();
		await page.addInitScript((is_there) => Object.defineProperty(Navigator.prototype, "pdfViewerEnabled",
			{ get: () => is_there }), has_viewer);
		const comes = has_viewer ? answered(page) : null;
		await page.goto(new URL("/written/#show=five%20pages.pdf", hub.url).href);
		const dialog = page.getByRole("dialog");
		if (has_viewer) {
			const answer = await comes, frame = dialog.locator("iframe");
			equal([answer.status(), answer.headers()["content-type"]], [200, "application/pdf"]);
			// A policy of its own would keep the viewer out; one of no kind keeps other sites from it.
			equal([answer.headers()["content-security-policy"], answer.headers()["x-frame-options"],
				answer.headers()["cross-origin-resource-policy"]], [undefined, undefined, "same-origin"]);
			await becomes(() => frame.evaluate((one) => [new URL(one.src).pathname, one.title]),
				["/written/five%20pages.pdf", "five pages.pdf"]);
			const box = await frame.boundingBox();
			expect(box.width > 900 && box.height > 500, box);
		} else {
			await dialog.getByText("It can't be shown here").waitFor();
			await becomes(() => dialog.locator("iframe").count(), 0);
		}
		const [download] = await Promise.all([page.waitForEvent("download"),
			dialog.getByRole(has_viewer ? "button" : "link", { name: "Download" }).first().click()]);
		equal(download.suggestedFilename(), "five pages.pdf");
		equal(readFileSync(await download.path()).equals(pdf(5)), true, "what was downloaded");
		await page.getByRole("button", { name: "Close" }).click();
		await dialog.waitFor({ state: "hidden" });
	}
});

claim("names are text, and what they hide is seen", async (visit) => {
	const page = await visit(hub, "/hostile/", { as: "ann" });
	await row(page, "new↵line.txt").waitFor();
	await looks(page, "files-hostile");
	const shown = await namesOf(page);
	expect(shown.includes("gpj.[202E]exe") && shown.includes("[2066]isolate[2069].txt"), shown);
	expect(shown.includes("<img src=x onerror=alert(1)>.txt") && shown.includes("bad\ufffd\ufffdname.txt"), shown);
	equal(shown.length, hostile.length + 1);
	for (const name of shown) {
		const link = page.locator(".fl-link", { has: page.locator("bdi", { hasText: name }) }).first();
		const address = await link.evaluate((one) => one.href);
		const status = await page.evaluate((href) => fetch(href).then((answer) => answer.status), address);
		equal(status, 200, name);
	}
	await page.getByRole("link", { name: /^bad/ }).click();
	await page.getByRole("dialog").getByText("bytes").first().waitFor();
	await page.keyboard.press("Escape");
	await page.getByRole("link", { name: "#hash?query&a=b+c.txt" }).click();
	await page.getByRole("dialog").getByRole("region").waitFor();
	await page.reload();
	await page.getByRole("dialog").getByRole("region").waitFor();
});

function make_many() {
	const folder = path.join(hub.folder, "many");
	if (existsSync(folder))
		return;
	mkdirSync(folder);
	for (let i = 0; i < MANY; i++)
		writeFileSync(path.join(folder, `IMG_${i}.txt`), "");
}

claim("100,000 entries stay fluid: few are elements, the end is near, filter and order are at once", async (visit) => {
	make_many();
	const page = await visit(hub, "/many/", { as: "ann" });
	await row(page, "IMG_0.txt").waitFor();
	await becomes(() => grid(page).getAttribute("aria-rowcount"), String(MANY + 1));
	expect(await page.locator(".fl-row").count() < 100, "many elements");
	await grid(page).focus();
	await page.keyboard.press("End");
	await cursor(page, `IMG_${MANY - 1}.txt`);
	await becomes(() => page.locator(".fl-row.cursor").getAttribute("aria-rowindex"), String(MANY + 1));
	await grid(page).evaluate((one) => one.scrollTo(0, one.scrollHeight / 2));
	await row(page, "IMG_50000.txt").waitFor();
	expect(await page.locator(".fl-row").count() < 100, "many elements");
	await page.getByRole("searchbox").fill("4321");
	await page.getByText("20 of 100,000 entries").waitFor();
	await page.getByRole("searchbox").fill("");
	await page.getByRole("button", { name: "Name" }).click();
	await grid(page).evaluate((one) => one.scrollTo(0, 0));
	await row(page, `IMG_${MANY - 1}.txt`).waitFor();
	await grid(page).focus();
	await page.keyboard.press("Control+a");
	await page.getByText("100,000 selected").waitFor();
	await looks(page, "files-many", { widths: [1280] });
});

// Elements there are, and what the page asks the server for while it runs.
async function counted(page, asked, run) {
	const before = asked.length;
	await run();
	const [rows, elements] = await page.evaluate(() => [document.querySelectorAll(".fl-row").length,
		document.querySelectorAll("*").length]);
	expect(rows < 100 && elements < 3000, `${rows} rows, ${elements} elements`);
	return asked.slice(before);
}

claim("of 100,000 entries, some are looked at, some are deleted and come back: what it takes is counted",
	async (visit) => {
		make_many();
		const page = await visit(hub, "/many/", { as: "ann" }), asked = [];
		await row(page, "IMG_0.txt").waitFor();
		page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
		await page.evaluate(() => {
			const wait = globalThis.setTimeout; // what can be undone can be until it was
			globalThis.setTimeout = (work, ms, ...more) => ms === 12000 ? 0 : wait(work, ms, ...more);
		});
		for (let part = 1; part <= 20; part++)
			await counted(page, asked, async () => {
				await grid(page).evaluate((one, at) => one.scrollTo(0, one.scrollHeight * at / 20), part);
				await page.waitForFunction(() => {
					const list = document.querySelector(".fl").getBoundingClientRect();
					return [...document.querySelectorAll(".fl-row")].some((one) => {
						const { top, bottom } = one.getBoundingClientRect();
						return top < list.bottom && bottom > list.top + list.height / 2;
					});
				});
			});
		const others = (some) => some.filter((one) => one !== "GET /many/"); // it looks now and then
		equal(others(asked), [], "asked for while it is scrolled");
		for (const head of ["Size", "Changed", "Kind", "Name"]) {
			equal(others(await counted(page, asked, async () => {
				await page.getByRole("button", { name: head, exact: true }).click();
				await page.locator("[role=columnheader][aria-sort]", { hasText: head }).waitFor();
			})), [], `asked for to sort by ${head}`);
		}
		await page.getByRole("searchbox").fill("IMG_999");
		await page.getByText("111 of 100,000 entries").waitFor();
		await grid(page).focus();
		await page.keyboard.press("Control+a");
		await page.getByText("111 selected").waitFor();
		const deleted = await counted(page, asked, async () => {
			await page.keyboard.press("Delete");
			await page.locator(".toast", { hasText: "111 entries moved to the trash" }).waitFor();
			await page.getByText("Nothing here has that in its name").waitFor();
		});
		equal(new Set(deleted.filter((one) => one.startsWith("DELETE"))).size, 111);
		equal(others(deleted).length, 111, "requests to delete");
		const restored = await counted(page, asked, async () => {
			await page.locator(".toast", { hasText: "111 entries" }).getByRole("button", { name: "Undo" }).click();
			await page.getByText("111 selected").waitFor();
			await page.getByText("111 of 100,000 entries").waitFor();
		});
		equal(others(restored).length, 111, "requests to restore");
		await page.keyboard.press("Escape"); // what is selected covers it
		await page.getByRole("searchbox").fill("");
		await page.getByText(/^100,000 entries/).waitFor();
		await becomes(() => grid(page).getAttribute("aria-rowcount"), String(MANY + 1));
	});

claim("who may look sees no way to change; what is empty or not there is said", async (visit) => {
	const page = await visit(hub, "/empty/", { as: "bob" });
	allow(page, /404/);
	await page.getByText("Nothing is here yet").waitFor();
	await looks(page, "files-empty");
	await becomes(() => page.getByRole("button", { name: "Upload" }).count(), 0);
	await page.goto(new URL("/nowhere/", hub.url).href);
	await page.getByText("This folder is not there").waitFor();
	await page.getByRole("link", { name: "To the folder above" }).click();
	await row(page, "photos").waitFor();
});

claim("strangers are asked to log in", async (visit) => {
	const page = await visit(hub, "/photos/");
	await row(page, "boat.png").waitFor();
	await becomes(() => page.getByRole("button", { name: "Upload" }).count(), 0);
	await page.getByText("you may look, not change").waitFor();
});

await run();
