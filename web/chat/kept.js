// kept.js - what the browser remembers of this page; nothing of it is needed.

export function remembered(key, otherwise) {
	try {
		return JSON.parse(localStorage.getItem(`weft.chat.${key}`)) ?? otherwise;
	} catch {
		return otherwise;
	}
}

export function remember(key, value) {
	try {
		localStorage.setItem(`weft.chat.${key}`, JSON.stringify(value));
	} catch {
		// A private window, or there is no room.
	}
}
