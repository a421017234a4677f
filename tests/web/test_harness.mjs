// test_harness.mjs - the harness of the page's tests itself: what a page does wrong is seen.
//
// The page it looks at is one of its own, of a small server here.
import { createServer } from "node:http";
import { once } from "node:events";

import { after, allow, becomes, before, claim, equal, expect, run } from "./harness.mjs";
import { axe, looks } from "./looks.mjs";

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'";
const files = {
	"/": `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
		<title>A page</title><link rel="icon" href="icon.svg"><link rel="stylesheet" href="a.css">
		<main><h1>A page</h1><p>Hello</p><button>Press</button></main>`,
	"/a.css": `:root { color-scheme: light dark } button { min-height: 44px; min-width: 44px }`,
	"/bad.css": `p { color: #999; background: #fff; width: 400px } button { height: 20px }`,
	"/icon.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`,
	"/throws": `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="icon.svg">
		<script src="throws.js"></script>`,
	"/throws.js": `console.error("said so"); throw new Error("thrown")`,
	"/inline": `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="icon.svg">
		<script>alert(1)</script>`,
};
files["/bad"] = files["/"].replace("a.css", "bad.css");
const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const hub = {};

before(async () => {
	const server = createServer((request, response) => {
		const body = files[request.url];
		response.writeHead(body ? 200 : 404, { "Content-Security-Policy": policy,
			"Content-Type": types[request.url.split(".")[1]] ?? "text/html; charset=utf-8" });
		response.end(body);
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	hub.url = `http://127.0.0.1:${server.address().port}/`;
	after(() => {
		server.closeAllConnections();
		server.close();
	});
});

const complaint_of = (promise) => promise.then(() => "", (error) => error.message);

claim("a page that is in order looks so, under a strict policy, too", async (visit) => {
	const page = await visit(hub, "/");
	await looks(page, "harness");
	await becomes(() => page.evaluate(() => matchMedia("(prefers-color-scheme: light)").matches), true);
	equal(page.viewportSize(), { width: 1280, height: 800 });
});

claim("pale letters, what sticks out and what is too small are found", async (visit) => {
	const page = await visit(hub, "/bad");
	expect((await axe(page)).some((line) => line.startsWith("color-contrast")));
	const complaint = await complaint_of(looks(page, "harness-bad", { widths: [360] }));
	for (const word of ["color-contrast", "px wide, not 360", "smaller than 44 px: <button>"])
		expect(complaint.includes(word), `no ${word} in: ${complaint}`);
});

claim("what a page throws, says and may not run is heard", async (visit) => {
	const page = await visit(hub, "/throws");
	const inline = await visit(hub, "/inline");
	allow(page, /said so/, /thrown/);
	allow(inline, /Content Security Policy/);
	const heard = [...page.complaints, ...inline.complaints].join("\n");
	for (const word of ["said so", "thrown", "Content Security Policy"])
		expect(heard.includes(word), `no ${word} in: ${heard}`);
});

await run();
