// watch.js - when a folder in sight is asked whether it changed: within a second while somebody sits
// before it, so that what comes by other doors is seen; seldom when nobody has touched the page for
// some minutes, or what was asked for is refused; never while it is hidden, or while what is in it is pressed or dragged.
//
//	const hands = watch(root, { look: async () => is_answered, is_due: () => true });
//	hands.are_full          something is pressed or dragged, and has to stay what it is
//	hands.soon()            something else is in sight
//
// Never: asks for more than a sixth of the time.
import { net } from "../core/api.js";

const LOOK_MS = 600, SHARE = 5;
const AWAY_MS = 300000, LOOK_AWAY_MS = 15000;

export function watch(root, { look, is_due }) {
	const hands = { are_full: false, soon };
	let touched = performance.now(), timer = 0, is_dragged = false;

	function soon(ms = LOOK_MS) {
		clearTimeout(timer);
		timer = setTimeout(again, ms);
	}

	async function again() {
		const began = performance.now();
		clearTimeout(timer);
		let is_answered = true;
		if (is_due() && !document.hidden && !net.is_offline && !hands.are_full)
			is_answered = await look().catch(() => false);
		const now = performance.now(), is_seldom = !is_answered || now - touched > AWAY_MS;
		soon(Math.max(is_seldom ? LOOK_AWAY_MS : LOOK_MS, (now - began) * SHARE));
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
