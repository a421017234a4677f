// panels.js - rooms and people beside the messages, which lie above them on small screens; and the
// dialog of a new room.
import { $ } from "./elements.js";

function open_panel(id, opener) {
	close_panels();
	$(id).classList.add("open");
	$("hall").classList.add("covered");
	$("room").inert = true;
	$(id).opener = opener;
	$(id).querySelector(".closer").focus();
}

export function close_panels() {
	const open = document.querySelector(".panel.open");
	$("hall").classList.remove("covered");
	$("room").inert = false;
	if (!open)
		return;
	open.classList.remove("open");
	open.opener?.focus();
}

for (const which of ["rooms", "people"]) {
	$(`${which}-open`).addEventListener("click", (event) =>
		open_panel(`${which}-panel`, event.currentTarget));
	$(`${which}-close`).addEventListener("click", close_panels);
}
$("shade").addEventListener("click", close_panels);
addEventListener("keydown", (event) => event.key === "Escape" && close_panels());
matchMedia("(min-width: 48rem)").addEventListener("change", close_panels);

// ---- A new room ---------------------------------------------------------------------------------

// make({room, topic, private}) returns why not, or "".
export function offer_making(make) {
	$("make").addEventListener("click", () => {
		$("making-form").reset();
		$("making-why").hidden = true;
		$("making").showModal();
	});
	$("making-cancel").addEventListener("click", () => $("making").close());
	$("making-form").addEventListener("submit", async (event) => {
		event.preventDefault();
		const why = await make({ room: $("making-name").value.trim(),
			topic: $("making-topic").value, private: $("making-private").checked });
		$("making-why").textContent = why;
		$("making-why").hidden = !why;
		if (!why)
			$("making").close();
	});
}
