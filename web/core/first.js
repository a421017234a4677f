// first.js - what can't wait for the modules: the theme, before the first paint; and what a visit begins
// by asking, so that the server answers while the scripts come.
"use strict";
try {
	const chosen = localStorage.getItem("weft-theme");
	if (chosen === "light" || chosen === "dark")
		document.documentElement.dataset.theme = chosen;
} catch {
	// Nothing is kept in this browser.
}

// An address: a promise of its Response. early() of api.js takes it, once.
globalThis.weftEarly = new Map();
{
	const addresses = ["/.weft/hub.json"], { pathname, hash } = location;
	if (pathname.endsWith("/") && !pathname.startsWith("/.weft/") && !hash)
		addresses.push(pathname);
	for (const address of addresses) {
		const asked = fetch(address, { cache: "no-store",
			headers: { "Accept": "application/json", "X-Requested-With": "weft" } });
		asked.catch(() => {}); // whoever takes it is told
		globalThis.weftEarly.set(address, asked);
	}
}
