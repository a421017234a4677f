// watch.js - when a folder in sight is asked whether it changed: within a second while somebody sits
// before it, so that what comes by other doors is seen; seldom when nobody has touched the page for
// some minutes; never while it is hidden, or while what is in it is pressed or dragged.
//
//	const hands = watch(root, { look: async () => ..., is_due: () => true });
//	hands.are_full          something is pressed or dragged, and has to stay what it is
//
// Never: asks for more than a sixth of the time.
import { net } from "../core/api.js";

const LOOK_MS = 600, SHARE = 5;
const AWAY_MS = 300000, LOOK_AWAY_MS = 15000;

export function watch(root, { look, is_due }) {
	const hands = { are_full: false };
	let touched = performance.now(), timer = 0, is_dragged = false;

	async function again() {
		const began = performance.now();
		clearTimeout(timer);
		if (is_due() && !document.hidden && !net.is_offline && !hands.are_full)
			await look().catch(() => {}); // the next one may come to something
		const now = performance.now();
		clearTimeout(timer);
		timer = setTimeout(again, Math.max(now - touched > AWAY_MS ? LOOK_AWAY_MS : LOOK_MS, (now - began) * SHARE));
	}

	function hold(are_full, dragged) {
		hands.are_full = are_full;
		is_dragged = dragged;
	}

	root.addEventListener("pointerdown", () => hold(true, false), true);
	root.addEventListener("dragstart", () => hold(true, true), true);
	addEventListener("dragend", () => hold(false, false), true);
	for (const type of ["pointerup", "pointercancel"]) // a drag begins with a cancel
		addEventListener(type, () => is_dragged || hold(false, false), true);
	for (const type of ["pointermove", "pointerdown", "keydown", "wheel", "focus"])
		addEventListener(type, () => {
			const was_away = performance.now() - touched > AWAY_MS;
			touched = performance.now();
			if (was_away)
				again();
		}, { capture: true, passive: true });
	net.addEventListener("online", again);
	addEventListener("focus", again);
	document.addEventListener("visibilitychange", () => document.hidden || again());
	again();
	return hands;
}
