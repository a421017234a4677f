// notify.js - notifications of the browser, of the rooms that somebody has asked them for.
//
// Never: asks the browser before somebody has asked for it, or tells of what is being looked at.
import { remember, remembered } from "./kept.js";

const TEXT_MAX = 200;

// Why there are none here, or "".
export function why_not() {
	if (!globalThis.isSecureContext)
		return "Browsers show notifications of sites by HTTPS only.";
	if (!("Notification" in globalThis))
		return "This browser shows no notifications.";
	return "";
}

export class Notifier {
	// key(): under which name it is kept, of whom it is; go(room): to look at it.
	constructor(key, go) {
		this.key = key;
		this.go = go;
	}

	is_on(room) {
		return !why_not() && Notification.permission === "granted" &&
			remembered(this.key(), []).includes(room.name);
	}

	// Why it is not done, or "".
	async turn(room, is_on) {
		const others = remembered(this.key(), []).filter((name) => name !== room.name);
		if (!is_on) {
			remember(this.key(), others);
			return "";
		}
		const why = why_not();
		if (why)
			return why;
		if (await Notification.requestPermission() !== "granted")
			return "The browser has been told to show no notifications of this site.";
		remember(this.key(), [...others, room.name]);
		return "";
	}

	tell(room, entry) {
		if (!this.is_on(room))
			return;
		const where = room.flags.direct || room.name.startsWith("@") ? "" : ` in ${room.title}`;
		const text = entry.file ? `shares ${entry.file.name}` : entry.text;
		try {
			const shown = new Notification(`${entry.who}${where}`, { body: text.slice(0, TEXT_MAX),
				tag: `weft.chat.${room.name}`, renotify: true });
			shown.onclick = () => {
				window.focus();
				this.go(room);
				shown.close();
			};
		} catch {
			// On phones only a service worker may.
		}
	}
}
