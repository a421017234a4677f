// theme.js - light or dark, as somebody has chosen here: before the first paint, so it is no module.
"use strict";
try {
	const chosen = localStorage.getItem("weft-theme");
	if (chosen === "light" || chosen === "dark")
		document.documentElement.dataset.theme = chosen;
} catch {
	// Nothing is kept in this browser.
}
