// harness.mjs - TAP for the tests of the page: one claim after the other, in one Chromium.
//
//	let hub;
//	before(async () => (hub = await Hub.start({ people: { ann: "admin" } })));
//	claim("what it shows", async (visit) => {
//		const page = await visit(hub, "/", { as: "ann" });
//		...
//	});
//	claim("what needs no browser", async () => ...); // no parameter
//	await run();
//
// `node test_x.mjs WORD` runs the claims with that word in their name. A claim that does not end
// fails by its own name. Where there is no Chromium, no playwright-core or no axe-core, the claims
// that ask for a browser are skipped, with the reason.
//
// Never: state shared between claims but the hub; a wait for anything but an event.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const house = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const screenshots = path.join(house, "build/screenshots");

// What must happen does; only what hangs reaches this.
export const PATIENCE_MS = 60000;

const CLAIM_MS = Number(process.env.CHECK_LIMIT_S ?? 240) * 1000;
const START_MS = 180000; // of a browser from a cold disk
const modules = path.join(house, "build/web/node_modules");

const claims = [], starts = [], ends = [];
let browser = null, no_browser = "";

export const claim = (name, run) => claims.push({ name, run });
export const before = (run) => starts.push(run);
// In the other order, when all is done; also for what a claim has begun.
export const after = (run) => ends.unshift(run);

export class Skip extends Error {}

export function expect(holds, what = "it does not hold") {
	if (!holds)
		throw new Error(typeof what === "string" ? what : JSON.stringify(what));
}

export function equal(found, wanted, what = "") {
	const [one, other] = [found, wanted].map((value) => JSON.stringify(value));
	expect(one === other, `${what} is ${one}, not ${other}`);
}

// The same of what a page shows, which may take a moment to show it.
export async function becomes(asked, wanted, what = "") {
	const end = Date.now() + PATIENCE_MS;
	for (;;) {
		const found = await asked();
		if (JSON.stringify(found) === JSON.stringify(wanted) || Date.now() > end)
			return equal(found, wanted, what);
		await new Promise((done) => setTimeout(done, 50));
	}
}

// Until asked() gives something true, which is returned: for what has no event to wait for.
export async function until(asked, what) {
	const end = Date.now() + PATIENCE_MS;
	for (;;) {
		const found = await asked();
		if (found)
			return found;
		expect(Date.now() < end, `it never came: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

// A folder, gone at the end.
export function folder(name = "weft-web-") {
	const made = mkdtempSync(path.join(os.tmpdir(), name));
	after(() => rmSync(made, { recursive: true, force: true }));
	return made;
}

// A module of the page, in Node: const words = await load("core/words.js").
let copied = null;
export async function load(name) {
	if (!copied) {
		copied = folder();
		await cp(path.join(house, "web"), copied, { recursive: true });
		await writeFile(path.join(copied, "package.json"), '{ "type": "module" }');
	}
	return import(pathToFileURL(path.join(copied, name)));
}

// ---- The browser ----------------------------------------------------------------------------

export function axeSource() {
	return readFileSync(path.join(modules, "axe-core/axe.min.js"), "utf8");
}

// Why there is none, or "".
async function start_browser() {
	const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
	if (Number(process.versions.node.split(".")[0]) < 18)
		return `Node ${process.versions.node} is too old for playwright-core`;
	if (!program)
		return "Chromium is not installed";
	for (const name of ["playwright-core", "axe-core"])
		if (!existsSync(path.join(modules, name)))
			return `npm's ${name} is not installed (tools/bootstrap check)`;
	const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
	try {
		browser = await chromium.launch({ executablePath: program, timeout: START_MS,
			handleSIGTERM: false, handleSIGINT: false, // run() sees to it
			args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
	} catch (error) {
		return `Chromium does not start: ${error.message.split("\n")[0]}`;
	}
	return "";
}

// What a page may not do: throw, complain to its console, break its own policy.
function listen(page, visitor) {
	const heard = (text) => visitor.complaints.push(`${page.url()}: ${text}`);
	page.on("pageerror", (error) => heard(error.stack ?? String(error)));
	page.on("crash", () => heard("it crashed"));
	page.on("console", (said) => {
		if (said.type() === "error" || /Content Security|Trusted/.test(said.text()))
			heard(`${said.type()}: ${said.text()}`);
	});
}

// Of one claim: each visit is a browser of its own, with its own cookies.
function visits() {
	const made = [];

	async function visit(hub, address, { as = "", width = 1280, height = 800, ...more } = {}) {
		const context = await browser.newContext({ viewport: { width, height }, locale: "en-GB",
			timezoneId: "UTC", reducedMotion: "reduce", colorScheme: "light",
			ignoreHTTPSErrors: true, ...more });
		const visitor = { context, complaints: [], allowed: [] };
		made.push(visitor);
		context.setDefaultTimeout(PATIENCE_MS);
		context.setDefaultNavigationTimeout(PATIENCE_MS);
		context.on("page", (page) => listen(page, visitor));
		if (as)
			await context.addCookies([{ ...await hub.cookie(as), url: hub.url }]);
		const page = await context.newPage();
		Object.assign(page, { complaints: visitor.complaints, allowed: visitor.allowed });
		await page.goto(new URL(address, hub.url).href);
		return page;
	}

	async function end() {
		for (const { context } of made)
			await context.close();
		return made.flatMap(({ complaints, allowed }) =>
			complaints.filter((one) => !allowed.some((pattern) => pattern.test(one))));
	}

	// What the pages of a claim that failed look like.
	async function keep(name) {
		mkdirSync(screenshots, { recursive: true });
		const word = name.replace(/\W+/g, "-").slice(0, 60);
		for (const [index, { context }] of made.entries())
			for (const page of context.pages()) {
				const to = path.join(screenshots, `FAILED-${word}-${index}.png`);
				console.log(`# at ${page.url()}, which looks like ${to}`);
				await page.screenshot({ path: to, timeout: 10000 }).catch(() => {});
			}
	}

	return { visit, end, keep };
}

// What this page will complain of, and is right to.
export function allow(page, ...patterns) {
	page.allowed.push(...patterns);
}

// ---- Claims ---------------------------------------------------------------------------------

function tell(error) {
	console.log(String(error?.stack ?? error).replace(/^/gm, "# "));
}

// Whatever it is: it ends, or this does.
function within(ms, promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${what} has not ended after ${ms / 1000} s`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Whether it held.
async function run_claim({ name, run }, number) {
	const needs_browser = run.length > 0;
	const { visit, end, keep } = visits();
	let why = needs_browser ? no_browser : "";
	console.log(`# running: ${name}`);
	try {
		if (!why) {
			await within(CLAIM_MS, run(visit), "it").catch(async (error) => {
				if (!(error instanceof Skip))
					await within(PATIENCE_MS, keep(name), "keeping").catch(tell);
				throw error;
			});
			const complaints = await within(PATIENCE_MS, end(), "closing the pages");
			expect(complaints.length === 0, `a page complained:\n${complaints.join("\n")}`);
		}
	} catch (error) {
		await within(PATIENCE_MS, end(), "closing the pages").catch(tell).then((more) =>
			more?.length && tell(`complaints: ${more.join("\n")}`));
		if (!(error instanceof Skip)) {
			tell(error);
			console.log(`not ok ${number} - ${name}`);
			return false;
		}
		why = error.message;
	}
	console.log(`ok ${number} - ${name}${why && ` # SKIP ${why}`}`);
	return true;
}

async function run_all(chosen) {
	let held = true;

	if (chosen.some(({ run }) => run.length > 0))
		no_browser = await start_browser();
	if (no_browser && chosen.every(({ run }) => run.length > 0)) {
		console.log(`1..0 # SKIP ${no_browser}`);
		return true;
	}
	console.log(`1..${chosen.length + 1}`);
	for (const start of starts)
		await within(CLAIM_MS, start(), "what comes before");
	for (const [index, one] of chosen.entries())
		held = await run_claim(one, index + 1) && held;
	return held;
}

// What was begun ends in order, too: a server that complains, or does not stop, is a failure.
async function end_all(number) {
	let held = true;

	for (const end of [() => browser?.close(), ...ends])
		await within(2 * PATIENCE_MS, (async () => end())(), "what comes last").catch((error) => {
			tell(error);
			held = false;
		});
	if (number)
		console.log(`${held ? "ok" : "not ok"} ${number} - all that was started ends in order`);
	return held;
}

export async function run() {
	const word = process.argv[2] ?? "";
	// Its time is over (tools/check): nothing that was begun is left behind.
	for (const signal of ["SIGTERM", "SIGINT"])
		process.once(signal, () => end_all(0).finally(() => process.exit(1)));
	const chosen = claims.filter(({ name }) => name.includes(word));
	let held = await run_all(chosen).catch((error) => {
		tell(error);
		return false;
	});
	const has_plan = !(no_browser && chosen.every((one) => one.run.length > 0));
	held = await end_all(has_plan && chosen.length + 1) && held;
	process.exit(held ? 0 : 1);
}
