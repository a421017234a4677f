// menus.js - what can be done, with what and by whom: the same list for the menu of a row, the bar of
// a selection, the preview, and the keys.
//
// Never: offers what the server would refuse for certain.
import { menu } from "../core/talk.js";
import { orderNames } from "./model.js";
import { folderOf } from "./names.js";

const orders = { name: "Name", size: "Size", time: "Last change", kind: "Kind" };

export function sortMenu(at, model, setSort) {
	menu(at, [...orderNames.map((by) => ({ label: orders[by], checked: model.sort.by === by,
		run: () => setSort(by, model.sort.by === by ? model.sort.is_down : by === "time") })), null,
	{ label: "Ascending", checked: !model.sort.is_down, run: () => setSort(model.sort.by, false) },
	{ label: "Descending", checked: model.sort.is_down, run: () => setSort(model.sort.by, true) }],
	"Sort");
}

// at: app, model, list, actions, may(right), place(), open(entry)
export function offerActions(at) {
	const { app, model, actions, may } = at;
	const mode = () => at.place()?.mode;

	// All actions for some entries; `if` false: not for these.
	const all = (entries) => {
		const one = entries.length === 1 ? entries[0] : null, is_file = one?.type === "file";
		const is_trash = mode() === "trash", some = entries.length > 0 && !is_trash;
		const may_change = may("delete") && may("write");
		return [
			{ id: "open", label: one?.type === "folder" ? "Open" : "Show", icon: "eye", keys: "Enter",
				run: () => at.open(one), if: Boolean(one) && some, menu_only: true },
			{ id: "where", label: "Show in its folder", icon: "folder", menu_only: true,
				run: () => app.go(folderOf(one.address)), if: Boolean(one) && mode() === "search" },
			{ id: "download", label: "Download", icon: "download", run: () => actions.download(entries),
				if: some && may("read") },
			{ id: "link", label: entries.length > 1 ? "Copy links" : "Copy link", short: "Link", icon: "link",
				run: () => actions.copyLink(entries), if: some },
			{ id: "send", label: "Send to room…", short: "Send", icon: "chat",
				run: () => actions.share(one), if: is_file && some && Boolean(app.has.chat) },
			null,
			{ id: "rename", label: "Rename", icon: "edit", keys: "F2", run: () => actions.rename(one),
				if: Boolean(one) && some && may_change },
			{ id: "move", label: "Move to…", short: "Move", icon: "move",
				run: () => actions.chooseAndMove(entries, false), if: some && may_change },
			{ id: "copyTo", label: "Copy to…", short: "Copy", icon: "copy",
				run: () => actions.chooseAndMove(entries, true), if: some && may("write") },
			{ id: "cut", label: "Cut", icon: "move", keys: "Ctrl+X", run: () => actions.clip(entries, true),
				if: some && may_change, menu_only: true },
			{ id: "copy", label: "Copy", icon: "copy", keys: "Ctrl+C",
				run: () => actions.clip(entries, false), if: some && may("read"), menu_only: true },
			null,
			{ id: "delete", label: "Delete", icon: "trash", keys: "Del", danger: true,
				run: () => actions.remove(entries), if: some && may("delete") },
			{ id: "restore", label: "Restore", icon: "retry", run: () => actions.restore(entries),
				if: is_trash && entries.length > 0 },
			{ id: "forGood", label: "Delete for good", icon: "trash", danger: true,
				run: () => actions.removeTrashed(entries), if: is_trash && entries.length > 0 },
		];
	};

	const clean = (items) => items.filter((item) => item === null || item.if);

	// Of nothing: the folder itself.
	const here = () => {
		const { folder } = at.place(), is_folder = mode() === "folder";
		return clean([
			{ label: "New folder", icon: "plus", run: () => actions.make(), if: is_folder && may("write") },
			{ label: "Paste", icon: "copy", keys: "Ctrl+V", run: () => actions.paste(),
				if: is_folder && may("write") && actions.has_clip },
			{ label: "Select all", icon: "check", keys: "Ctrl+A", run: () => {
				model.selectAll();
				at.list.root.focus();
			}, if: model.shown.length > 0 },
			null,
			{ label: "Download this folder as zip", icon: "download", if: is_folder && may("read"),
				run: () => actions.download([{ address: folder, type: "folder" }]) },
			{ label: "Copy the folder's link", icon: "link", if: is_folder,
				run: () => actions.copyLink([{ address: folder }]) },
			null,
			{ label: "Trash", icon: "trash", run: () => app.go("/#trash"),
				if: mode() !== "trash" && at.place().trash === true },
		]);
	};

	return {
		// Of a row that is among the selected ones: for all of these.
		open(entry, place, index = model.cursor) {
			if (!entry) {
				menu(place, here(), "This folder");
				return;
			}
			const entries = model.isSelected(index) ? model.selection : [entry];
			if (!model.isSelected(index))
				model.moveTo(index);
			menu(place, clean(all(entries)), "What can be done");
		},
		more: (place) => menu(place, here(), "This folder"),
		bar: (entries) => all(entries).filter((item) => item?.if && !item.menu_only),
		preview: (entry) => all([entry]).filter((item) =>
			item?.if && ["download", "link", "send"].includes(item.id)),
		// By a key, or by the bar. Whether there was something to do.
		run(id) {
			if (id === "delete" && mode() === "trash")
				id = "forGood";
			if (id === "escape")
				return false;
			const item = all(model.chosen).find((one) => one?.id === id);
			if (!item?.if)
				return false;
			item.run();
			return true;
		},
	};
}
