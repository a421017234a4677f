// watch.js - when a folder in sight is asked whether it changed: within a second while somebody sits
// before it, so that what comes by other doors is seen; seldom when nobody has touched the page for
// some minutes, or what was asked for is refused; never while it is hidden, or while what is in it is pressed or dragged.
//
//	const hands = watch(root, { look: async () => is_answered, is_due: () => true });
//	hands.are_full          something is pressed or dragged, and has to stay what it is
//	hands.soon()            something else is in sight
//
// Never: asks for more than a sixth of the time; but once in a minute it does, however long the last answer
// took: a machine that slept meanwhile can't tell.
import { net } from "../core/api.js";

const LOOK_MS = 600, SHARE = 5;
const AWAY_MS = 300000, LOOK_AWAY_MS = 15000, LONGEST_MS = 60000;

export function watch(root, { look, is_due }) {
	const hands = { are_full: false, soon };
	let touched = performance.now(), timer = 0, turn = 0, is_dragged = false;

	function soon(ms = LOOK_MS) {
		turn++;
		clearTimeout(timer);
		timer = setTimeout(again, ms);
	}

	async function again() {
		const began = performance.now(), mine = ++turn;
		clearTimeout(timer);
		let is_answered = true;
		if (is_due() && !document.hidden && !net.is_offline && !hands.are_full)
			is_answered = await look().catch(() => false);
		const now = performance.now(), is_seldom = !is_answered || now - touched > AWAY_MS;
		if (mine === turn) // else the next one has its time already
			soon(Math.max(is_seldom ? LOOK_AWAY_MS : LOOK_MS, Math.min((now - began) * SHARE, LONGEST_MS)));
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
