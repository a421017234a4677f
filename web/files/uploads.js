// uploads.js - from what was dropped or chosen to uploads on their way: folders are made, what is
// there already is asked about once, unfinished uploads of an earlier visit are found again.
//
// Entry point: makeUploads(): the one queue of the page.
//
// Never: replaces anything nobody has agreed to.
import { ask, listing } from "./ask.js";
import { answerTabs, askTabs, attendTabs, handles, kept } from "./kept.js";
import { decoded, encoded } from "./names.js";
import { Queue } from "./queue.js";
import { isOver, printOf, Upload } from "./upload.js";

const LATE_MS = 3000;

const folderPath = (folder, parts) => folder + parts.map((part) => `${encoded(part)}/`).join("");

const rest = (ms, signal) => new Promise((resolve) => {
	const timer = setTimeout(resolve, ms);
	signal?.addEventListener("abort", () => {
		clearTimeout(timer);
		resolve();
	}, { once: true });
});

async function digest(file) {
	if (!crypto.subtle)
		return null;
	const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// asks: question(names, {may_replace, others}) -> {value: "both" | "replace" | "skip", all} | null (nothing
// at all): askAboutTaken() of questions.js;
// hooks: changed(upload or null), moved(upload), arrived(folder), complain(text).
export function makeUploads(asks, hooks) {
	const queue = new Queue((upload) => {
		if (upload?.state === "DONE")
			hooks.arrived(upload.folder);
		hooks.changed(upload);
	});
	let later = null; // a question that is open, of uploads under way

	const tools = { base: location.origin, kept, rest, digest,
		send: (method, url, options) => ask(method, url, options),
		changed: (upload) => queue.noticed(upload),
		moved: (upload) => hooks.moved(upload),
		// One at a time; an answer holds for the others of the batch if that was said.
		async conflict(upload) {
			while (later)
				await later;
			if (upload.batch?.choice)
				return upload.batch.choice;
			const others = queue.uploads.filter((one) => one !== upload && upload.batch &&
				one.batch === upload.batch && one.choice === null && !isOver(one.state)).length;
			later = asks.question([upload.name], { others, may_replace: upload.batch?.may_replace ?? true });
			const choice = await later;
			later = null;
			upload.choice = choice?.value ?? "skip"; // before the next one counts the others
			if (choice?.all)
				upload.batch.choice = choice.value;
			return upload.choice;
		},
	};
	answerTabs(() => queue.uploads.filter(({ state, file }) => file && !isOver(state))
		.map(({ print }) => print));
	attendTabs((prints) => queue.wake(({ print }) => prints.includes(print)));
	addEventListener("online", () => queue.wake());

	// ---- Folders ----

	// The names that a folder has, in a Set; null where it is not to be had.
	const namesIn = async (folder) => {
		const { entries } = await listing(folder);
		return entries && new Map(entries.map((entry) => [entry.name, entry.type]));
	};

	// Makes the folders; which of all were there already comes back, as paths.
	async function makeFolders(found, folder) {
		const old = [folder], bad = [];
		for (const parts of found.folders) {
			const path = folderPath(folder, parts);
			if (bad.some((one) => path.startsWith(one)))
				continue;
			const answer = await ask("MKCOL", path);
			if (answer.status === 405 || answer.fault === "exists")
				old.push(path);
			else if (!answer.ok) {
				bad.push(path);
				hooks.complain(`The folder “${parts.at(-1)}” can't be made: ${answer.why}`);
			}
		}
		return { old, bad };
	}

	async function taken(files, folder, old) {
		const names = new Map(await Promise.all(old.map(async (path) => [path, await namesIn(path)])));
		return files.filter(({ file, parts }) =>
			names.get(folderPath(folder, parts))?.has(file.name));
	}

	// ---- Adding ----

	async function add(found, folder, { may_replace = true } = {}) {
		const { old, bad } = await makeFolders(found, folder);
		const files = found.files.filter(({ parts }) =>
			!bad.some((path) => folderPath(folder, parts).startsWith(path)));
		const going = new Set(queue.uploads.filter(({ state }) => !isOver(state) &&
			state !== "LOST").map(({ print }) => print));
		const fresh = files.filter(({ file, parts }) =>
			!going.has(printOf(folderPath(folder, parts), file.name, file)));
		const batch = { choice: null, may_replace };
		const begun = fresh.filter(({ file, parts }) =>
			!kept.get(printOf(folderPath(folder, parts), file.name, file)));
		const conflicts = await taken(begun, folder, old);
		let answer = null;
		if (conflicts.length) {
			answer = await asks.question(conflicts.map(({ file }) => file.name), { may_replace });
			if (!answer)
				return 0;
		}
		const uploads = fresh
			.filter((one) => answer?.value !== "skip" || !conflicts.includes(one))
			.map((one) => makeUpload(one, folder, batch, conflicts.includes(one) ? answer.value : null));
		queue.add(uploads);
		if (found.folders.length)
			hooks.arrived(folder);
		return uploads.length;
	}

	// Also one that an earlier visit began.
	function makeUpload({ file, parts, handle }, folder, batch, choice) {
		const where = folderPath(folder, parts), print = printOf(where, file.name, file);
		const old = kept.get(print);
		queue.remove(queue.uploads.find((upload) => upload.print === print && upload.state === "LOST"));
		if (handle)
			handles.put(print, handle);
		return new Upload({ file, folder: where, name: file.name, print, url: old?.url,
			choice: old ? old.choice : choice, batch,
			path_shown: [...parts, file.name].join("/") }, tools);
	}

	// ---- Those of an earlier visit ----

	async function findLost() {
		const mine = new Set(queue.uploads.map(({ print }) => print));
		const lost = (await askTabs()).filter(({ print }) => !mine.has(print));
		const uploads = await Promise.all(lost.map(async (facts) => {
			const answer = await ask("HEAD", facts.url, { headers: { "Tus-Resumable": "1.0.0" } });
			if ([403, 404, 410].includes(answer.status)) {
				kept.remove(facts.print);
				return null;
			}
			const upload = new Upload({ ...facts, path_shown: facts.name }, tools);
			upload.sent = Number(answer.field("Upload-Offset") ?? 0);
			return upload;
		}));
		queue.add(uploads.filter(Boolean));
		// What was on its way when the page ended may only come now.
		await rest(LATE_MS);
		for (const upload of uploads.filter((one) => one?.state === "LOST")) {
			const answer = await ask("HEAD", upload.url, { headers: { "Tus-Resumable": "1.0.0" } });
			if (answer.ok && upload.state === "LOST") {
				upload.sent = Number(answer.field("Upload-Offset"));
				hooks.changed(upload);
			}
		}
	}

	// Files for those that are LOST; how many fit comes back.
	function giveFiles(files) {
		let fitting = 0;
		for (const file of files) {
			const upload = queue.uploads.find((one) => one.state === "LOST" &&
				one.name === file.name && one.giveFile(file));
			fitting += upload ? 1 : 0;
		}
		return fitting;
	}

	async function lend(upload) {
		const file = await handles.file(upload.print);
		return Boolean(file && upload.giveFile(file));
	}

	return { queue, add, findLost, giveFiles, lend,
		folderName: (folder) => decoded(folder.split("/").at(-2) || "") };
}
