// actions.js - what people do to files here, with what can be undone and what is asked before.
//
// What is done with `entries` is done with each: what failed is told, the rest stays done.
//
// Never: replaces or deletes for good without having asked.
import { element } from "../core/dom.js";
import { complain, confirm, copy, say, toast } from "../core/talk.js";
import * as words from "../core/words.js";
import { decoded, encoded, folderOf, isWithin, lastPart, visible } from "./names.js";
import * as ops from "./ops.js";
import { askAboutTaken, askForFolder, askForName, nameOfFolder } from "./questions.js";

const SLOW_MS = 1500; // after that it is told how far it is

const quoted = (entries) => entries.length === 1 ? `“${visible(entries[0].name)}”`
	: words.count(entries.length, "entry", "entries");

let clip = null; // {entries, is_cut}: what was cut or copied within the page

export class Actions {
	#at;

	// at: app, model, list, folder(), can_trash(), reload(), forget(entries)
	constructor(at) {
		this.#at = at;
	}

	// For many that take their time: how far it is.
	async #each(entries, run, doing) {
		let notice = null, far = 0;
		const text = () => `${doing}: ${words.number(far)} of ${words.number(entries.length)}`;
		const timer = setInterval(() => {
			notice?.close();
			notice = toast(text(), { stays: true });
		}, SLOW_MS);
		const result = await ops.each(entries, run, { onStep: (count) => {
			far = count;
		} });
		clearInterval(timer);
		notice?.close();
		return result;
	}

	#tell({ done, failed }, what, { undo, cannot } = {}) {
		if (failed.length)
			complain(new Error(ops.failures(failed, cannot)));
		if (done.length)
			toast(what(done.map(([entry]) => entry)), { undo });
	}

	// ---- Names ----

	async rename(entry) {
		const { model, list } = this.#at, index = model.indexOf(entry.href);
		let value;
		while (index >= 0) {
			const name = list.is_tiles ? await this.#askName(entry, value)
				: await list.rename(model.indexOf(entry.href), { value });
			if (name === null)
				return;
			try {
				await this.#renameTo(entry, name);
				return;
			} catch (error) {
				complain(error);
				value = name;
				if (!ops.isTaken(error))
					return;
			}
		}
	}

	async #askName(entry, value) {
		const name = await askForName("Rename", { value: value ?? entry.name, yes: "Rename" });
		return name === entry.name ? null : name;
	}

	async #renameTo(entry, name) {
		const folder = folderOf(entry.address), end = entry.type === "folder" ? "/" : "";
		const to = await ops.transfer("MOVE", entry.address, folder + encoded(name) + end);
		await this.#at.reload({ select: [to] });
		toast(`It is called “${visible(name)}” now`, { undo: () => this.#back([[to, entry.address]]) });
	}

	async make() {
		let made = null;
		await askForName("New folder", { run: async (name) => {
			made = await ops.makeFolder(this.#at.folder(), name);
		} });
		if (made)
			await this.#at.reload({ select: [made] });
	}

	// ---- Elsewhere ----

	async chooseAndMove(entries, is_copy) {
		const froms = new Set(entries.map(({ address }) => folderOf(address)));
		const folder = await askForFolder({
			title: `${is_copy ? "Copy" : "Move"} ${quoted(entries)} to`, yes: is_copy ? "Copy here" : "Move here",
			start: this.#at.folder() ?? folderOf(entries[0].address),
			forbidden: (path) => (!is_copy && froms.size === 1 && froms.has(path)) ||
				entries.some(({ address, type }) => type === "folder" && isWithin(path, address)) });
		if (folder)
			await this.move(entries, folder, is_copy);
	}

	async move(entries, folder, is_copy) {
		const verb = is_copy ? "COPY" : "MOVE";
		const movable = entries.filter(({ address }) => is_copy || folderOf(address) !== folder);
		if (movable.length === 0)
			return;
		// A copy beside itself gets another name, without a question.
		const run = (entry, choice) => ops.transfer(verb, entry.address,
			ops.within(folder, entry.address),
			is_copy && folderOf(entry.address) === folder ? "both" : choice);
		const first = await this.#each(movable, (entry) => run(entry, null),
			is_copy ? "Copying" : "Moving");
		const taken = first.failed.filter(([, error]) => ops.isTaken(error)).map(([entry]) => entry);
		let { done } = first, failed = first.failed.filter(([, error]) => !ops.isTaken(error));
		if (taken.length) {
			const choice = await askAboutTaken(taken.map(({ name }) => name), { may_replace: true });
			if (choice && choice.value !== "skip") {
				const second = await this.#each(taken, (entry) => run(entry, choice.value), "Going on");
				done = [...done, ...second.done];
				failed = [...failed, ...second.failed];
			}
		}
		await this.#at.reload({ select: done.map(([, to]) => to) });
		this.#tell({ done, failed }, (those) =>
			`${quoted(those)} ${is_copy ? "copied" : "moved"} to ${nameOfFolder(folder)}`, {
			cannot: is_copy ? "It could not be copied" : "It could not be moved",
			undo: () => is_copy ? this.#unmake(done.map(([, to]) => to))
				: this.#back(done.map(([entry, to]) => [to, entry.address])) });
	}

	// Undo: [[where it is, where it was]].
	async #back(pairs) {
		const { failed } = await this.#each(pairs, ([now, before]) =>
			ops.transfer("MOVE", now, before), "Undoing");
		await this.#at.reload({ select: pairs.map(([, before]) => before) });
		if (failed.length)
			complain(new Error(ops.failures(failed, "It could not be undone")));
	}

	async #unmake(paths) {
		const { failed } = await this.#each(paths, (path) =>
			this.#at.can_trash() ? ops.trash(path) : ops.remove(path), "Undoing");
		await this.#at.reload();
		if (failed.length)
			complain(new Error(ops.failures(failed, "It could not be undone")));
	}

	// ---- The clipboard of the page ----

	clip(entries, is_cut) {
		clip = { entries: entries.slice(), is_cut };
		this.#at.list.refresh();
		say(`${quoted(entries)} ${is_cut ? "cut" : "copied"}: paste into another folder`);
		toast(`${quoted(entries)} ${is_cut ? "cut" : "copied"}. Open a folder and paste.`,
			{ action: { label: "Paste here", run: () => this.paste() } });
	}

	get has_clip() {
		return clip !== null;
	}

	isCut(entry) {
		return Boolean(clip?.is_cut && clip.entries.some(({ address }) => address === entry.address));
	}

	async paste() {
		if (!clip)
			return;
		const { entries, is_cut } = clip;
		if (is_cut)
			clip = null;
		await this.move(entries, this.#at.folder(), !is_cut);
	}

	// ---- Away ----

	async remove(entries) {
		if (entries.length === 0)
			return;
		if (this.#at.can_trash())
			await this.#toTrash(entries);
		else
			await this.#forGood(entries);
	}

	async #toTrash(entries) {
		const result = await this.#each(entries, ({ address }) => ops.trash(address), "Deleting");
		this.#at.forget(result.done.map(([entry]) => entry));
		this.#tell(result, (those) => `${quoted(those)} moved to the trash`, {
			cannot: "It could not be deleted", undo: () => this.#untrash(result.done) });
		await this.#at.reload();
	}

	async #untrash(done) {
		const { failed } = await this.#each(done, ([, id]) => ops.restore(id), "Restoring");
		await this.#at.reload({ select: done.map(([entry]) => entry.address) });
		if (failed.length)
			complain(new Error(ops.failures(failed, "It could not be restored")));
		else
			say("Restored");
	}

	async #forGood(entries) {
		const folders = entries.some(({ type }) => type === "folder");
		if (!await confirm({ title: `Delete ${quoted(entries)}?`, yes: "Delete for good", danger: true,
			text: `There is no trash here: it can't be undone.${folders
				? " Folders go with all that is in them." : ""}` }))
			return;
		const result = await this.#each(entries, ({ address }) => ops.remove(address), "Deleting");
		this.#at.forget(result.done.map(([entry]) => entry));
		this.#tell(result, (those) => `${quoted(those)} deleted`, { cannot: "It could not be deleted" });
		await this.#at.reload();
	}

	// ---- The trash ----

	async restore(entries) {
		const taken = [];
		const first = await this.#each(entries, ({ id }) => ops.restore(id), "Restoring");
		let { done } = first, failed = [];
		for (const [entry, error] of first.failed)
			(error.status === 409 ? taken : failed).push([entry, error]);
		if (taken.length && await confirm({ title: taken.length === 1
			? `There is something called ${quoted([taken[0][0]])} again`
			: `The names of ${words.number(taken.length)} are taken again`,
		text: "Shall it be restored beside it, with a number added to its name?", yes: "Restore beside it" })) {
			const second = await this.#each(taken.map(([entry]) => entry), ({ id }) =>
				ops.restore(id, { is_unique: true }), "Restoring");
			done = [...done, ...second.done];
			failed = [...failed, ...second.failed];
		}
		this.#at.forget(done.map(([entry]) => entry));
		this.#tell({ done, failed }, (those) => `${quoted(those)} restored`,
			{ cannot: "It could not be restored" });
		await this.#at.reload();
	}

	async removeTrashed(entries) {
		if (!await confirm({ title: `Delete ${quoted(entries)} for good?`,
			text: "It can't be undone.", yes: "Delete for good", danger: true }))
			return;
		const result = await this.#each(entries, ({ id }) => ops.removeTrashed(id), "Deleting");
		this.#at.forget(result.done.map(([entry]) => entry));
		this.#tell(result, (those) => `${quoted(those)} deleted for good`,
			{ cannot: "It could not be deleted" });
		await this.#at.reload();
	}

	async emptyTrash() {
		if (!await confirm({ title: "Empty the trash?", text: "All that you have deleted goes for good.",
			yes: "Empty it", danger: true }))
			return;
		try {
			await ops.emptyTrash();
			toast("The trash is empty");
		} catch (error) {
			complain(error);
		}
		await this.#at.reload();
	}

	// ---- Out of here ----

	download(entries) {
		if (entries.length === 1)
			this.#fetch(entries[0].type === "folder" ? `${entries[0].address}?archive=zip`
				: `${entries[0].address}?download`);
		else
			for (const folder of new Set(entries.map(({ address }) => folderOf(address))))
				this.#zip(folder, entries.filter(({ address }) => folderOf(address) === folder));
	}

	#fetch(href) {
		const link = element("a", { href, download: "", hidden: true, dataset: { native: "" } });
		document.body.append(link);
		link.click();
		link.remove();
		say("The download begins");
	}

	// By a form, so that the browser writes the archive to its disk as it comes.
	#zip(folder, entries) {
		let frame = document.getElementById("download-frame");
		if (!frame) {
			frame = element("iframe", { id: "download-frame", name: "download-frame", hidden: true,
				title: "Downloads" });
			// An archive leaves the frame as it was; what comes into it is a page that says why not.
			frame.addEventListener("load", () => frame.contentDocument?.URL !== "about:blank" &&
				complain(new Error("The archive could not be made. Try again in a moment.")));
			document.body.append(frame);
		}
		const form = element("form", { method: "post", action: `${folder}?archive=zip`,
			target: "download-frame", hidden: true }, ...entries.map(({ address }) =>
			element("input", { type: "hidden", name: "name", value: decoded(lastPart(address)) })));
		document.body.append(form);
		form.submit();
		form.remove();
		say("The download begins");
	}

	copyLink(entries) {
		const links = entries.map(({ address }) => new URL(address, location.href).href);
		return copy(links.join("\n"), links.length === 1 ? "The link" : "The links");
	}

	share(entry) {
		this.#at.app.go(`/.weft/chat?share=${encodeURIComponent(entry.address)}`);
	}
}
