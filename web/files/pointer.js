// pointer.js - the mouse and the finger in the list.
//
//	mouse	a name opens; elsewhere in the row selects; twice opens; Ctrl and Shift add to the selection
//	finger	a tap opens; held for a moment it selects, and from then on taps select, until none is
//
// Never: the only way: list.js has the same by keys.
const HOLD_MS = 500;
const SHAKE_PX = 10;

export function offerPointer(list, model, on) {
	let held = null; // {timer, x, y}
	let was_held = false; // the click that ends a hold is none
	let kind = "mouse";

	const drop = () => {
		clearTimeout(held?.timer);
		held = null;
	};

	list.body.addEventListener("pointerdown", (event) => {
		const at = list.at(event.target);
		kind = event.pointerType;
		was_held = false;
		drop();
		if (!at || kind !== "touch")
			return;
		held = { x: event.clientX, y: event.clientY, timer: setTimeout(() => {
			was_held = true;
			held = null;
			model.toggle(at.index);
			navigator.vibrate?.(15);
		}, HOLD_MS) };
	});
	list.body.addEventListener("pointermove", (event) => {
		if (held && Math.hypot(event.clientX - held.x, event.clientY - held.y) > SHAKE_PX)
			drop();
	});
	for (const end of ["pointerup", "pointercancel", "pointerleave"])
		list.body.addEventListener(end, drop);
	list.root.addEventListener("scroll", drop, { passive: true });

	list.body.addEventListener("click", (event) => {
		const at = list.at(event.target);
		if (!at || event.target.closest(".fl-rename"))
			return;
		const link = event.target.closest(".fl-link");
		event.preventDefault();
		if (!event.target.closest(".fl-more"))
			list.root.focus({ preventScroll: true });
		if (was_held) {
			was_held = false;
		} else if (event.target.closest(".fl-more")) {
			on.menu(at.entry, event.target.closest(".fl-more"), at.index);
		} else if (event.target.closest(".fl-check, .fl-pick") || event.ctrlKey || event.metaKey) {
			model.toggle(at.index);
		} else if (event.shiftKey) {
			model.moveTo(at.index, { extend: true });
		} else if (kind === "touch" && model.selected.size > 0) {
			model.toggle(at.index);
		} else if (link || kind === "touch" || list.is_tiles) {
			model.moveTo(at.index);
			on.open(at.entry);
		} else {
			model.moveTo(at.index, { only: true });
		}
	});
	list.body.addEventListener("dblclick", (event) => {
		const at = list.at(event.target);
		if (at && kind !== "touch" && !event.target.closest(".fl-link, .fl-check, .fl-pick, .fl-more, input") &&
			!list.is_tiles)
			on.open(at.entry);
	});
	list.root.addEventListener("contextmenu", (event) => {
		const at = list.at(event.target);
		if (event.target.closest("input"))
			return;
		event.preventDefault(); // a finger that is held selects; keys have their own way
		if (kind === "touch" || event.button !== 2)
			return;
		if (at && !model.isSelected(at.index))
			model.selectNone();
		if (at)
			model.moveTo(at.index);
		on.menu(at?.entry ?? null, { x: event.clientX, y: event.clientY }, at?.index);
	});
}
