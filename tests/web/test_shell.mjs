// test_shell.mjs - the frame of the page: logging in and out, addresses, what is not for everybody, a
// server that does not answer, another version of the page.
import { allow, becomes, before, claim, equal, run, until } from "./harness.mjs";
import { Hub, PASSWORD } from "./hub.mjs";
import { looks } from "./looks.mjs";

let hub;
before(async () => {
	hub = await Hub.start({ people: { ann: "admin", bob: "member", lea: "admin", hub: "member", tired: "member" },
		files: { "a.txt": "hello", "hers/letter.txt": "a secret", "photos/boat.txt": "a boat" },
		options: ["--page", "--chat-web"] });
	await hub.account("grant", "set", "role:stranger", "hers", "none");
	await hub.account("grant", "set", "role:member", "hers", "none");
	await hub.account("grant", "set", "user:bob", "hers", "read,list");
});

// What the server refuses is an error on the console of the browser, whatever the page does of it.
const refused = /Failed to load resource: the server responded with a status of (401|403|404|409|429)/;

const dialog = (page, name) => page.getByRole("dialog", { name });

async function log_in(page, name, password) {
	const shown = dialog(page, "Log in");
	await shown.getByLabel("Name").fill(name);
	await shown.getByLabel("Password").fill(password);
	await shown.getByLabel("Password").press("Enter");
}

claim("a stranger logs in by the keyboard, is told what is wrong, and logs out", async (visit) => {
	const page = await visit(hub, "/.weft/me");
	const first = page.locator("#self").getByRole("button", { name: "Log in" });
	allow(page, refused);
	await first.press("Enter");
	const shown = dialog(page, "Log in");
	await until(() => shown.getByLabel("Name").evaluate((one) => one === document.activeElement), "the focus");
	await looks(page, "login");
	await page.keyboard.press("Escape");
	await shown.waitFor({ state: "detached" });
	await page.waitForFunction(() => document.activeElement?.textContent === "Log in");
	await first.and(page.locator(":focus")).waitFor();
	await page.keyboard.press("Enter");
	await log_in(page, "bob", "something else");
	await shown.getByRole("alert").getByText("not known here").waitFor();
	await shown.getByLabel("Password").fill(PASSWORD);
	await shown.getByLabel("Password").press("Enter");
	await shown.waitFor({ state: "detached" });
	await page.getByRole("button", { name: "bob" }).click();
	await page.getByRole("menuitem", { name: "Log out" }).waitFor();
	await looks(page, "menu", { widths: [1280] }); // it closes when the window changes
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await page.getByText("You are logged out.").waitFor();
	await first.waitFor();
	equal((await page.context().cookies()).length, 0, "cookies");
});

claim("another tab of the same person hears of it", async (visit) => {
	const page = await visit(hub, "/", { as: "lea" });
	const other = await page.context().newPage();
	await other.goto(hub.url);
	await other.getByRole("link", { name: "People" }).waitFor();
	await page.getByRole("button", { name: "lea" }).click();
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await other.getByRole("button", { name: "Log in" }).waitFor();
	await other.getByRole("link", { name: "People" }).waitFor({ state: "detached" });
});

claim("who has guessed too often is told how long to wait", async (visit) => {
	const page = await visit(hub, "/");
	allow(page, refused);
	await page.getByRole("button", { name: "Log in" }).click();
	const shown = dialog(page, "Log in");
	await shown.getByLabel("Name").fill("tired");
	for (let status = 0, tries = 0; status !== 429; tries++) {
		await shown.getByLabel("Password").fill(`guess ${tries}`);
		const [answer] = await Promise.all([page.waitForResponse("**/api/v1/sessions"),
			shown.getByLabel("Password").press("Enter")]);
		status = answer.status();
		await shown.getByRole("alert").getByText(/not known here|tried again/).waitFor();
	}
	await dialog(page, "Log in").getByRole("alert").getByText(/may be tried again in \d+ s/).waitFor();
	await page.waitForFunction(() => {
		const pressed = document.querySelector("dialog[open] footer button.main");
		return !pressed.disabled && pressed.textContent === "Log in";
	});
});

claim("a password of the first time has to be changed before anything else", async (visit) => {
	await hub.add("fresh", "member", "--must-change");
	const page = await visit(hub, "/");
	allow(page, refused);
	await page.getByRole("button", { name: "Log in" }).click();
	await log_in(page, "fresh", PASSWORD);
	const shown = dialog(page, "Choose a password of your own");
	await shown.getByLabel("The password so far").fill("not that");
	await shown.getByLabel("New password").fill("a bridge over the river");
	await shown.getByLabel("The same again").fill("a bridge over the brook");
	await shown.getByRole("button", { name: "Set the password" }).click();
	await shown.getByText("The two are not the same.").waitFor();
	await looks(page, "change-password", { widths: [360, 1280] });
	await shown.getByLabel("The same again").fill("a bridge over the river");
	await shown.getByRole("button", { name: "Set the password" }).click();
	await shown.getByText("The password so far is another one.").waitFor();
	await shown.getByLabel("The password so far").fill(PASSWORD);
	await shown.getByRole("button", { name: "Set the password" }).click();
	await page.getByText("The password is set.").waitFor();
	await page.getByRole("button", { name: "fresh" }).waitFor();
	await page.getByText("a.txt").waitFor();
});

claim("addresses: links load no document, back and forward work, and each can be opened", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	let documents = 0;
	page.on("request", (request) => {
		documents += request.resourceType() === "document" ? 1 : 0;
	});
	await page.getByText("a.txt").waitFor();
	await page.getByRole("link", { name: "People" }).click();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	await becomes(() => new URL(page.url()).pathname, "/.weft/people");
	await becomes(() => page.title(), `People · ${await page.locator("#hub-name").textContent()}`);
	await page.getByRole("link", { name: "Rights" }).click();
	await page.getByRole("heading", { name: "Rights", level: 1 }).waitFor();
	await page.goBack();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	await page.goBack();
	await page.getByText("a.txt").waitFor();
	await page.goForward();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	// What a document is still asking for when it goes has failed, and it would say so.
	await page.getByRole("row", { name: /ann/ }).waitFor();
	equal(documents, 0, "documents that were loaded");
	await page.reload();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	await page.getByRole("row", { name: /ann/ }).waitFor();
	await page.goto(new URL("/.weft/", hub.url).href);
	await page.getByText("a.txt").waitFor();
	await becomes(() => new URL(page.url()).pathname, "/");
});

claim("a place that is not there says so", async (visit) => {
	const page = await visit(hub, "/");
	allow(page, refused);
	await page.evaluate(() => history.pushState({ entry: 1 }, "", "/.weft/nowhere"));
	await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate", { state: { entry: 1 } })));
	await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
	await looks(page, "nothing", { widths: [360] });
	await page.getByRole("link", { name: "To the files" }).click();
	await page.getByText("a.txt").waitFor();
});

claim("who opens what is not for strangers is asked who it is, and then has it", async (visit) => {
	const page = await visit(hub, "/hers/letter.txt");
	allow(page, refused);
	await log_in(page, "bob", PASSWORD);
	await page.getByText("a secret").waitFor();
	const other = await visit(hub, "/hers/letter.txt", { as: "hub" });
	allow(other, refused);
	await other.getByRole("heading", { name: "This is not for you" }).waitFor();
	await looks(other, "refused", { widths: [360, 1280] });
});

claim("a server that does not answer is told of, looked for, and found again", async (visit) => {
	const relay = await hub.relay();
	const page = await visit(relay, "/", { as: "ann" });
	allow(page, /Failed to load resource: net::ERR/);
	await page.getByText("a.txt").waitFor();
	relay.cut();
	await page.getByRole("link", { name: "People" }).click();
	await page.getByText("The server does not answer. It is tried again.").waitFor();
	await looks(page, "offline", { widths: [360] });
	relay.mend();
	await page.getByRole("row", { name: /bob/ }).waitFor();
	await page.getByText("The server does not answer. It is tried again.").waitFor({ state: "hidden" });
});

claim("a page that is left while it asks says nothing of the server", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	await page.getByText("a.txt").waitFor();
	await page.route("**/api/v1/users?*", () => {}); // it takes longer than anybody stays
	await Promise.all([page.waitForRequest("**/api/v1/users?*"), page.getByRole("link", { name: "People" }).click()]);
	await page.goto(new URL("/photos/", hub.url).href);
	await page.getByText("boat.txt").waitFor();
	await becomes(() => page.locator("#offline").isVisible(), false, "a word of the server");
});

claim("a page of another version loads itself anew, once", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	allow(page, refused, /dynamically imported module|Refused to apply style/);
	await page.getByText("a.txt").waitFor();
	let asked = 0;
	await page.route("**/people/*", async (route) => {
		if (asked++ < 2) // its script and its style
			await route.fulfill({ status: 404, body: "" });
		else
			await route.continue();
	});
	await page.getByRole("link", { name: "People" }).click();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	await page.getByRole("row", { name: /ann/ }).waitFor();
});

claim("the theme that was chosen stays; shortcuts are listed, and there is a way past the frame", async (visit) => {
	const page = await visit(hub, "/");
	await page.getByText("a.txt").waitFor();
	await page.keyboard.press("Tab");
	await page.getByRole("link", { name: "Skip to the content" }).press("Enter");
	await becomes(() => page.evaluate(() => document.activeElement.id), "main");
	await page.getByRole("button", { name: "Menu" }).click();
	await page.getByRole("menuitemradio", { name: "Dark", exact: true }).click();
	await page.reload();
	await page.getByText("a.txt").waitFor();
	await becomes(() => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
	await page.goto(new URL("/.weft/me", hub.url).href);
	await page.getByRole("heading", { name: "Your account" }).waitFor();
	await page.keyboard.press("?");
	await dialog(page, "Keyboard shortcuts").getByText("Go to the chat").waitFor();
	await looks(page, "shortcuts", { themes: ["dark"] });
	await page.keyboard.press("Escape");
	await dialog(page, "Keyboard shortcuts").waitFor({ state: "detached" });
	await page.getByRole("button", { name: "Menu" }).click();
	await page.keyboard.press("ArrowUp");
	await page.keyboard.press("Home");
	await page.waitForFunction(() => document.activeElement.textContent === "Light or dark as the device");
	await page.keyboard.press("Enter");
	await becomes(() => page.evaluate(() => document.documentElement.dataset.theme ?? ""), "");
});

await run();
