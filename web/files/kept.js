// kept.js - which uploads are not yet whole, for a later visit of the page: what was sent is with
// the server, and where it is, here. The files themselves stay the person's; where the browser lends
// them for longer (a handle), it is kept beside, in IndexedDB.
//
// Never: keeps a byte of a file.
const KEY = "weft.uploads";
const LIFE_MS = 86400e3; // as long as the server keeps them
const KEPT_MAX = 500;

// Of whom an upload is: this tab, also after it was loaded again.
function tabOf() {
	let tab = sessionStorage.getItem("weft.tab");
	if (!tab) {
		tab = Array.from(crypto.getRandomValues(new Uint8Array(8)),
			(byte) => byte.toString(16).padStart(2, "0")).join("");
		sessionStorage.setItem("weft.tab", tab);
	}
	return tab;
}

function read() {
	try {
		const all = JSON.parse(localStorage.getItem(KEY)) ?? {};
		const young = Object.entries(all).filter(([, { at }]) => Date.now() - at < LIFE_MS);
		return Object.fromEntries(young.slice(-KEPT_MAX));
	} catch {
		return {};
	}
}

function write(all) {
	try {
		localStorage.setItem(KEY, JSON.stringify(all));
	} catch {
		// Without a place for it an upload just begins anew in a later visit.
	}
}

export const kept = {
	put(print, facts) {
		write({ ...read(), [print]: { ...facts, at: Date.now(), tab: tabOf() } });
	},
	remove(print) {
		const all = read();
		delete all[print];
		write(all);
		handles.remove(print);
	},
	get: (print) => read()[print] ?? null,
	all: () => Object.entries(read()).map(([print, facts]) => ({ print, ...facts })),
	isOfThisTab: ({ tab }) => tab === tabOf(),
};

// ---- Other tabs ---------------------------------------------------------------------------------

// Tells other tabs what this one is sending, when they ask; prints() is asked for it.
export function answerTabs(prints) {
	const channel = new BroadcastChannel(KEY);
	channel.onmessage = ({ data }) => data.ask && channel.postMessage({ has: prints() });
	return channel;
}

// Those kept uploads that no other tab is sending, once the others had the time to say so.
export async function askTabs(wait_ms = 400) {
	const theirs = new Set(), channel = new BroadcastChannel(KEY);
	channel.onmessage = ({ data }) => data.has?.forEach((print) => theirs.add(print));
	channel.postMessage({ ask: true });
	if (kept.all().some((one) => !kept.isOfThisTab(one)))
		await new Promise((resolve) => setTimeout(resolve, wait_ms));
	channel.close();
	return kept.all().filter(({ print }) => !theirs.has(print));
}

// Calls ended(prints) when another tab has brought these to an end.
export function attendTabs(ended) {
	addEventListener("storage", ({ key, oldValue, newValue }) => {
		if (key !== KEY || !oldValue)
			return;
		const now = JSON.parse(newValue) ?? {};
		ended(Object.keys(JSON.parse(oldValue)).filter((print) => !Object.hasOwn(now, print)));
	});
}

// ---- Handles ------------------------------------------------------------------------------------

// The table of handles, or null: private windows, old browsers, pages without TLS.
let opening = null;
function table() {
	opening ??= new Promise((resolve) => {
		if (!globalThis.FileSystemFileHandle || !globalThis.indexedDB)
			return resolve(null);
		const request = indexedDB.open("weft", 1);
		request.onupgradeneeded = () => request.result.createObjectStore("handles");
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => resolve(null);
		return undefined;
	});
	return opening;
}

async function run(mode, act) {
	const database = await table();
	if (!database)
		return null;
	return new Promise((resolve) => {
		try {
			const request = act(database.transaction("handles", mode).objectStore("handles"));
			request.onsuccess = () => resolve(request.result ?? null);
			request.onerror = () => resolve(null);
		} catch {
			resolve(null);
		}
	});
}

export const handles = {
	put: (print, handle) => run("readwrite", (store) => store.put(handle, print)),
	remove: (print) => run("readwrite", (store) => store.delete(print)),
	// The file, if the person (who is asked by the browser) lends it once more; else null.
	async file(print) {
		const handle = await run("readonly", (store) => store.get(print));
		if (!handle)
			return null;
		try {
			const mode = { mode: "read" };
			if (await handle.queryPermission(mode) !== "granted" &&
				await handle.requestPermission(mode) !== "granted")
				return null;
			return await handle.getFile();
		} catch {
			return null;
		}
	},
};
