// looks.mjs - what a page looks like: at three widths and in both themes, axe-core finds nothing,
// nothing sticks out, and a screenshot is kept as build/screenshots/NAME-WIDTH-THEME.png.
//
//	await looks(page, "files");                  // as it is now: open what is to be seen before
//	await looks(page, "files-menu", { widths: [1280] });
//
// At 360 px, what a finger is to hit has to be 44 px high and wide (web/README.md).
import { mkdirSync } from "node:fs";
import path from "node:path";

import { axeSource, expect, screenshots } from "./harness.mjs";

const heights = { 360: 720, 1280: 800, 3840: 2160 };
const TARGET_PX = 44;

// All fonts and pictures are there, nothing moves, and it has been laid out.
const settled = () => Promise.all([document.fonts.ready,
	...[...document.images].filter((one) => one.loading !== "lazy" && !one.complete).map((one) =>
		new Promise((resolve) => (one.onload = one.onerror = resolve))),
	...document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
		.map((one) => one.finished.catch(() => {}))])
	.then(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

// What axe-core has against it, in lines.
export async function axe(page) {
	if (!await page.evaluate(() => "axe" in globalThis))
		await page.evaluate(axeSource());
	const found = await page.evaluate(() => globalThis.axe.run(document, {
		resultTypes: ["violations"] }));
	return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) =>
		`${id}: ${help}: ${node.target.join(" ")}: ${node.html.slice(0, 200)}\n    ` +
		node.any.concat(node.all, node.none).map((one) => one.message).join("; ")));
}

// What is wider than the page.
const sticking_out = () => {
	const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
	if (wide <= room)
		return [];
	return [`it is ${wide} px wide, not ${room}`, ...[...document.body.querySelectorAll("*")]
		.filter((one) => one.getBoundingClientRect().right > room + 1).slice(-3)
		.map((one) => one.outerHTML.slice(0, 200))];
};

// What is too small for a finger: but for links within a text.
const too_small = (least) => {
	const all = document.querySelectorAll("button, input:not([type=hidden]), select, textarea, " +
		"summary, a[href], [role=button], [role=tab], [role^=menuitem], [role=option]");
	const above = [...document.querySelectorAll("dialog:modal")].at(-1);
	return [...all].filter((one) => {
		const style = getComputedStyle(one);
		const target = ["checkbox", "radio", "file"].includes(one.type) ?
			one.closest("label") ?? one : one;
		const box = target.getBoundingClientRect();
		return one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
			!one.disabled && !one.closest("[inert], [aria-hidden=true]") &&
			(!above || above.contains(one)) && style.display !== "inline" &&
			box.width > 1 && box.height > 1 && box.right > 0 && box.bottom > 0 && box.left < innerWidth &&
			(box.width < least - .5 || box.height < least - .5);
	}).map((one) => `smaller than ${least} px: ${one.outerHTML.slice(0, 200)}`);
};

export async function looks(page, name,
	{ widths = [360, 1280, 3840], themes = ["light", "dark"] } = {}) {
	const faults = [], before = page.viewportSize();
	mkdirSync(screenshots, { recursive: true });
	for (const width of widths) {
		await page.setViewportSize({ width, height: heights[width] ?? 800 });
		for (const colorScheme of themes) {
			await page.emulateMedia({ colorScheme });
			await page.evaluate(settled);
			const found = [...await axe(page), ...await page.evaluate(sticking_out),
				...width <= 360 ? await page.evaluate(too_small, TARGET_PX) : []];
			faults.push(...found.map((fault) => `${name} at ${width} px, ${colorScheme}: ${fault}`));
			await page.screenshot({ path:
				path.join(screenshots, `${name}-${width}-${colorScheme}.png`) });
		}
	}
	await page.emulateMedia({ colorScheme: "light" });
	await page.setViewportSize(before);
	expect(faults.length === 0, faults.join("\n"));
}
