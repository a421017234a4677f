// walk.js - what was dropped, chosen or pasted, taken apart: files with the folders they are in.
//
//	{files: [{file, parts: ["holiday", "day 1"], handle}], folders: [["holiday"], ["empty"]]}
//
// Never: goes on with more than FILES_MAX.
export const FILES_MAX = 100000;

function nothing() {
	return { files: [], folders: [], is_cut: false, unread: 0 };
}

// The names of all in a folder that was dropped: readEntries() gives some at a time.
async function children(directory) {
	const reader = directory.createReader(), all = [];
	for (;;) {
		const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
		if (some.length === 0)
			return all;
		all.push(...some);
	}
}

async function take(entry, parts, found) {
	if (found.files.length >= FILES_MAX) {
		found.is_cut = true;
		return [];
	}
	try {
		if (entry.isFile) {
			found.files.push({ parts,
				file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
			return [];
		}
		const inside = [...parts, entry.name];
		found.folders.push(inside);
		return (await children(entry)).map((child) => [child, inside]);
	} catch {
		found.unread++; // it is gone by now, or the system does not let the browser read it
		return [];
	}
}

// Of a DataTransfer. Entries and handles have to be asked for at once: after the event they are gone.
export async function dropped(data) {
	const items = [...data.items ?? []].filter((item) => item.kind === "file");
	const loose = items.length === 0 ? [...data.files] : [];
	const entries = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile(),
		handle: item.getAsFileSystemHandle?.().catch(() => null) }));
	const found = nothing(), todo = [];
	for (const { entry, file, handle } of entries)
		if (entry?.isDirectory)
			todo.push([entry, []]);
		else if (file)
			found.files.push({ file, parts: [], handle: await handle });
	for (const file of loose)
		found.files.push({ file, parts: [] });
	for (let i = 0; i < todo.length; i++)
		for (const next of await take(...todo[i], found))
			todo.push(next);
	return found;
}

// Of an <input type=file>, also of one that takes a folder.
export function chosen(files) {
	const found = nothing(), known = new Set();
	for (const file of [...files].slice(0, FILES_MAX)) {
		// Where it is, without its name, whose backslashes are slashes there.
		const where = (file.webkitRelativePath ?? "").slice(0, -file.name.length - 1);
		const parts = where ? where.split("/") : [];
		for (let i = 1; i <= parts.length; i++) {
			const folder = parts.slice(0, i);
			if (!known.has(folder.join("/")))
				found.folders.push(folder);
			known.add(folder.join("/"));
		}
		found.files.push({ file, parts });
	}
	found.is_cut = files.length > FILES_MAX;
	return found;
}
