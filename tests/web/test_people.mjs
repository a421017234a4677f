// test_people.mjs - the people of the hub for who manages them, one's own account, and the status.
import { allow, becomes, before, claim, equal, expect, run } from "./harness.mjs";
import { Hub, PASSWORD } from "./hub.mjs";
import { looks } from "./looks.mjs";

let hub;
before(async () => {
	hub = await Hub.start({ people: { ann: "admin", bob: "member", dan: "member", lost: "member", max: "member",
		nia: "member" },
		files: { "a.txt": "hello", "homes/lost/diary.txt": "dear diary" }, options: ["--page", "--chat-web"] });
	await hub.account("change", "lost", "--home", "homes/lost");
});

const refused = /Failed to load resource: the server responded with a status of (401|403|404|409|422|429)/;
const dialog = (page, name) => page.getByRole("dialog", { name });
const facts = async (name) => JSON.parse(await hub.account("show", name, "--json"));

claim("an administrator finds people, and invites somebody, who chooses her password by the link", async (visit) => {
	const page = await visit(hub, "/.weft/people", { as: "ann" });
	await page.getByRole("row", { name: /max/ }).waitFor();
	await looks(page, "people");
	await page.keyboard.press("/");
	await page.keyboard.type("bo");
	await page.getByRole("row", { name: /max/ }).waitFor({ state: "detached" });
	await page.getByRole("row", { name: /bob/ }).waitFor();
	await page.getByRole("button", { name: "Add somebody" }).click();
	const shown = dialog(page, "Add somebody");
	allow(page, refused);
	await shown.getByLabel("Name", { exact: true }).fill("b o b");
	await shown.getByRole("button", { name: "Add and invite" }).click();
	await shown.locator(".why:visible").waitFor();
	await looks(page, "add-somebody", { widths: [360, 1280] });
	await shown.getByLabel("Name", { exact: true }).fill("ida");
	await shown.getByLabel("Shown as").fill("Ida Ö.");
	await shown.getByLabel("Storage").fill("10 GB");
	await shown.getByRole("button", { name: "Add and invite" }).click();
	const link = await dialog(page, "Invite ida").locator(".secret").textContent();
	expect(link.startsWith(`${hub.url}.weft/me#weft_l_`), link);
	await looks(page, "invitation", { widths: [360] });
	await page.getByRole("button", { name: "Done" }).click();
	await page.getByRole("heading", { name: "Ida Ö." }).waitFor();
	await page.getByText("invited").waitFor();
	equal((await facts("ida")).quota, 10e9);

	const hers = await visit(hub, link);
	allow(hers, refused);
	await hers.getByRole("heading", { name: "Welcome, Ida Ö." }).waitFor();
	await looks(hers, "welcome");
	await hers.getByLabel("New password").fill("a quiet evening in may");
	await hers.getByLabel("The same again").fill("a quiet evening in may");
	await hers.getByRole("button", { name: "Set the password" }).click();
	await hers.getByText("You are logged in as ida.").waitFor();
	await hers.getByText("a.txt").waitFor();
	const again = await visit(hub, link);
	allow(again, refused);
	await again.getByRole("heading", { name: "This link does not work" }).waitFor();
});

claim("an account is changed, put into a group, given rights, locked and let in again", async (visit) => {
	await hub.account("group", "add", "family");
	const page = await visit(hub, "/.weft/people/dan", { as: "ann" });
	await page.getByLabel("Shown as").fill("Daniel");
	await page.getByLabel("Role", { exact: true }).selectOption("guest");
	await page.getByLabel("Storage", { exact: true }).fill("5 MB");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("heading", { name: "Daniel" }).waitFor();
	await page.getByText("0 bytes of 5.0 MB used.").waitFor();
	const dan = await facts("dan");
	equal([dan.display_name, dan.role, dan.quota], ["Daniel", "guest", 5e6]);
	await Promise.all([page.waitForResponse((answer) => answer.url().endsWith("/groups/family/members/dan") && answer.ok()),
		page.getByLabel("family").check()]);
	await page.getByRole("button", { name: "Grant rights" }).click();
	const shown = dialog(page, "Grant rights");
	await shown.getByLabel("In the folder").fill("/photos/");
	await shown.getByLabel("Add files and folders").check();
	await looks(page, "grant", { widths: [360, 1280] });
	await shown.getByRole("button", { name: "Save" }).click();
	await page.getByText("in /photos/").waitFor();
	await page.getByText("read and add").waitFor();
	await looks(page, "person");
	await page.getByRole("button", { name: "Take back what dan may in /photos" }).click();
	await page.getByText("in /photos/").waitFor({ state: "detached" });
	await page.getByRole("button", { name: "Undo" }).click();
	await page.getByText("in /photos/").waitFor();
	await page.getByRole("button", { name: "Lock" }).click();
	await page.getByText("dan is locked out.").waitFor();
	equal((await facts("dan")).state, "locked");
	await page.getByRole("button", { name: "Unlock" }).click();
	await page.getByText("dan may come in again.").waitFor();
	equal((await facts("dan")).state, "active");
});

claim("who is removed may leave her folder in the trash; she can be brought back", async (visit) => {
	const page = await visit(hub, "/.weft/people/lost", { as: "ann" });
	await page.getByRole("button", { name: "Remove" }).click();
	const shown = dialog(page, "Remove lost?");
	await shown.getByLabel(/Goes to the trash/).check();
	await looks(page, "remove", { widths: [360, 1280] });
	await shown.getByRole("button", { name: "Remove" }).click();
	await page.getByText("lost is removed.").waitFor();
	await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
	const gone = await fetch(new URL("homes/lost/diary.txt", hub.url));
	equal(gone.status, 404);
	await page.getByLabel("Which").selectOption("removed");
	await page.getByRole("link", { name: "lost" }).click();
	await page.getByRole("button", { name: "Bring back" }).click();
	await page.getByText("lost may come in again.").waitFor();
	equal((await facts("lost")).state, "active");
});

claim("what somebody has stored who is removed is another's then", async (visit) => {
	await hub.account("grant", "set", "user:max", "", "read,list,write");
	const secret = (await hub.account("token", "add", "max", "--label", "test")).trim();
	const put = await fetch(new URL("max.txt", hub.url),
		{ method: "PUT", headers: { Authorization: `Bearer ${secret}` }, body: "of max" });
	equal(put.status, 201);
	const page = await visit(hub, "/.weft/people/max", { as: "ann" });
	await page.getByRole("button", { name: "Remove" }).click();
	const shown = dialog(page, "Remove max?");
	await shown.getByText(/has stored, wherever it is \(6 bytes\)/).waitFor();
	await looks(page, "remove-stored", { widths: [360, 1280] });
	const heir = shown.getByLabel("Whose they are to be");
	allow(page, refused);
	await heir.fill("nobody-at-all");
	expect(await shown.getByLabel("Stays there, and is of").isChecked(), "it is not chosen");
	await shown.getByRole("button", { name: "Remove" }).click();
	await shown.locator("[role=alert]:visible, .why:visible").first().waitFor();
	await heir.fill("bob");
	await shown.getByRole("button", { name: "Remove" }).click();
	await page.getByText("max is removed.").waitFor();
	equal((await facts("bob")).used, 6);
	equal((await facts("max")).used, 0);
});

claim("the log tells who did what, and is filtered", async (visit) => {
	await hub.account("group", "add", "logged");
	const page = await visit(hub, "/.weft/people?log", { as: "ann" });
	await page.getByRole("row", { name: /made the group logged/ }).waitFor();
	await looks(page, "log");
	await page.getByLabel("What").selectOption("account");
	await page.getByRole("row", { name: /made the group/ }).first().waitFor({ state: "detached" });
	await page.getByRole("row", { name: /added max/ }).waitFor();
	await page.getByLabel("To whom").fill("nobody-at-all");
	await page.getByText("Nothing of that kind").waitFor();
	await page.goto(new URL("/.weft/people?rights", hub.url).href);
	await page.getByText("Everybody, without logging in").waitFor();
	await looks(page, "rights");
});

claim("who is no administrator sees none of it", async (visit) => {
	const page = await visit(hub, "/", { as: "nia" });
	await page.getByText("a.txt").waitFor();
	await becomes(() => page.getByRole("link", { name: "People" }).count(), 0);
	for (const place of ["people", "people/ann", "people?log", "status", "status/fibers"]) {
		await page.goto(new URL(`/.weft/${place}`, hub.url).href);
		await page.getByText("This is for administrators").waitFor();
	}
});

claim("one's own account: name, sessions, a token that is shown once, the password", async (visit) => {
	const elsewhere = await visit(hub, "/", { as: "bob" });
	await elsewhere.getByText("a.txt").waitFor();
	const page = await visit(hub, "/.weft/me");
	allow(page, refused);
	await page.getByRole("button", { name: "Log in" }).last().click();
	const login = dialog(page, "Log in");
	await login.getByLabel("Name").fill("bob");
	await login.getByLabel("Password").fill(PASSWORD);
	await login.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("heading", { name: "My account" }).waitFor();
	await page.getByText("this one").waitFor();
	await looks(page, "me");
	await page.getByRole("button", { name: "Change name" }).click();
	await dialog(page, "Your name for others").getByLabel("Name").fill("Bobby");
	await page.keyboard.press("Enter");
	await page.getByRole("button", { name: "Bobby" }).waitFor();
	await page.getByRole("button", { name: /^End / }).click();
	await page.getByText("That session is over.").waitFor();
	await becomes(() => page.getByRole("button", { name: /^End / }).count(), 0);

	await page.getByRole("button", { name: "New token" }).click();
	const making = dialog(page, "A token for a program");
	await making.getByLabel("What it is for").fill("backup");
	await looks(page, "token", { widths: [360, 1280] });
	await making.getByRole("button", { name: "Make it" }).click();
	const secret = await dialog(page, "Your token").locator(".secret").textContent();
	const answer = await fetch(new URL("api/v1/me", hub.url), { headers: { Authorization: `Bearer ${secret}` } });
	equal((await answer.json()).name, "bob");
	await page.getByRole("button", { name: "I have kept it" }).click();
	await page.getByRole("button", { name: "Revoke backup" }).click();
	await page.getByText("of no use any more").waitFor();

	await page.getByRole("button", { name: "Change password" }).click();
	const changing = dialog(page, "Change your password");
	await changing.getByLabel("The password so far").fill(PASSWORD);
	await changing.getByLabel("New password").fill("the other side of it");
	await changing.getByLabel("The same again").fill("the other side of it");
	await changing.getByRole("button", { name: "Set the password" }).click();
	await page.getByText("The password is changed.").waitFor();
	await page.getByRole("button", { name: "Bobby" }).waitFor();
});

claim("the status is live, and every fiber is found with what it waits on", async (visit) => {
	const page = await visit(hub, "/", { as: "ann" });
	await page.getByRole("link", { name: "Status" }).click();
	const requests = page.locator(".tile").filter({ hasText: "Requests a second" });
	await requests.getByText(/[1-9][\d,]* in all/).waitFor();
	await page.getByRole("cell", { name: "lobby" }).waitFor();
	await looks(page, "status");
	const before = await page.getByText(/running for/).textContent();
	await page.waitForFunction((old) => document.querySelector("#view-status .soft").textContent !== old, before);
	await page.getByRole("link", { name: "Fibers" }).click();
	await page.getByRole("cell", { name: "reloader" }).waitFor();
	await looks(page, "fibers");
	await page.getByLabel("Find fibers").fill("no such fiber");
	await page.getByText(/^0 of \d+ fibers$/).waitFor();
	await page.getByLabel("Find fibers").fill("accept");
	await page.getByRole("cell", { name: /^accept/ }).first().waitFor();
	await page.getByRole("button", { name: "Age" }).click();
	await page.getByRole("columnheader", { name: "Age" }).and(page.locator("[aria-sort=descending]")).waitFor();
	await page.getByRole("button", { name: "Age" }).click();
	await page.getByRole("columnheader", { name: "Age" }).and(page.locator("[aria-sort=ascending]")).waitFor();
});

await run();
