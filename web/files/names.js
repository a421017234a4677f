// names.js - names of files: kinds, order, addresses, and how a hostile one is shown. Pure.
//
// An entry is what the server lists: {name, href, type: "folder" | "file", size, modified}. Its
// `href` ("./a%20b") is what it is, byte by byte; its `name` is for people, and may have U+FFFD
// where the bytes are no UTF-8.

const kinds = {
	picture: "jpg jpeg png gif webp avif svg bmp ico jfif apng",
	video: "mp4 webm mkv mov m4v avi ogv mpg mpeg wmv",
	audio: "mp3 ogg oga opus flac wav m4a aac wma mid",
	pdf: "pdf",
	text: "txt md log csv tsv json xml yaml yml toml ini conf cfg html htm css js mjs ts tsx jsx c " +
		"h cc cpp hpp rs go py rb pl sh bash zsh fish java kt swift lua sql diff patch tex bib rst " +
		"srt vtt mk cmake service asm s php vue svelte properties gitignore env",
	archive: "zip tar gz tgz bz2 xz zst 7z rar deb rpm iso jar apk",
	document: "doc docx odt rtf xls xlsx ods ppt pptx odp epub pages numbers key",
};
const kind_of_end = new Map();
for (const [kind, ends] of Object.entries(kinds))
	for (const end of ends.split(" "))
		kind_of_end.set(end, kind);

// Files whose whole name says what they are.
const texts = new Set(["makefile", "readme", "license", "copying", "authors", "changelog", "todo",
	"dockerfile", "news", "install"]);

export const kindWords = { folder: "Folder", picture: "Picture", video: "Video", audio: "Audio",
	pdf: "PDF", text: "Text", archive: "Archive", document: "Document", other: "File" };

// "jpg" of "a.b.JPG"; "" where there is none.
export function endOf(name) {
	const dot = name.lastIndexOf(".");
	return dot > 0 && name.length - dot < 12 ? name.slice(dot + 1).toLowerCase() : "";
}

export function kindOf(entry) {
	if (entry.type === "folder")
		return "folder";
	return kind_of_end.get(endOf(entry.name)) ??
		(texts.has(entry.name.toLowerCase()) ? "text" : "other");
}

// Ends whose name for people is another than "JPG picture".
const called = new Map(Object.entries({
	"Text": "txt text", "Markdown text": "md", "Log": "log", "Table": "csv tsv", "Web page": "html htm",
	"Word document": "doc docx", "Text document": "odt rtf", "Spreadsheet": "ods xls xlsx numbers",
	"Presentation": "odp ppt pptx key", "E-book": "epub", "Calendar": "ics", "Contact": "vcf",
	"Style sheet": "css", "JavaScript": "js mjs", "TypeScript": "ts tsx", "Python": "py", "C source": "c",
	"C header": "h", "C++ source": "cc cpp", "C++ header": "hpp", "Rust source": "rs", "Go source": "go",
	"Java source": "java", "Shell script": "sh bash zsh", "Subtitles": "srt vtt", "Settings": "ini conf cfg env",
	"Patch": "diff patch", "Debian package": "deb", "RPM package": "rpm", "Disk image": "iso img",
}).flatMap(([name, ends]) => ends.split(" ").map((end) => [end, name])));

// "JPG picture", "Folder", "Spreadsheet", "LOCK file".
export function kindName(entry) {
	const kind = kindOf(entry), end = endOf(entry.name);
	if (kind === "folder" || kind === "pdf" || !end)
		return kindWords[kind];
	if (/\.tar\.\w+$/i.test(entry.name))
		return "TAR archive";
	return called.get(end) ?? `${visible(end).toUpperCase()} ${kind === "text" ? "file" : kindWords[kind].toLowerCase()}`;
}

// ---- Showing ------------------------------------------------------------------------------------

/* eslint-disable-next-line no-control-regex */
const odd = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

// A name as it may be shown: what can not be seen, or turns the text around, is made visible.
export function visible(name) {
	return name.replace(odd, (char) => ({ "\n": "\u21b5", "\t": "\u21e5" })[char] ??
		`[${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

// ---- Order --------------------------------------------------------------------------------------

// Text without what people do not look for: case and accents.
export function folded(name) {
	const text = name.toLowerCase();
	/* eslint-disable-next-line no-control-regex */
	return /[^\u0000-\u007f]/.test(text) ? text.normalize("NFKD").replace(/\p{M}+/gu, "") : text;
}

// Of folded text, what compares by `<` as people count: "a2" before "a10".
export function orderKey(text) {
	return text.replace(/\d+/g, (digits) => {
		const plain = digits.replace(/^0+(?=\d)/, "");
		return `0${String.fromCharCode(0x30 + Math.min(plain.length, 0x4000))}${plain}`;
	});
}

// ---- Addresses ----------------------------------------------------------------------------------

// One part of a path, as the server wants it.
export const encoded = (name) => encodeURIComponent(name).replace(/[!'()*]/g,
	(char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

// "a b" of "a%20b"; what is no UTF-8 has U+FFFD.
export function decoded(part) {
	try {
		return decodeURIComponent(part);
	} catch {
		const bytes = [];
		for (let i = 0; i < part.length; i++)
			if (/^%[0-9a-f]{2}/i.test(part.slice(i, i + 3))) {
				bytes.push(parseInt(part.slice(i + 1, i + 3), 16));
				i += 2;
			} else {
				bytes.push(...new TextEncoder().encode(part[i]));
			}
		return new TextDecoder().decode(new Uint8Array(bytes));
	}
}

// The path of an entry: "/photos/" and "./a%20b" make "/photos/a%20b"; a folder's ends in "/".
export const pathOf = (folder, entry) => folder + entry.href.replace(/^\.\//, "");

// "/a/b/" of "/a/b/c" and of "/a/b/c/"; "/" of "/".
export const folderOf = (path) => path.replace(/[^/]*\/?$/, "") || "/";

// "c" of "/a/b/c/", still encoded.
export const lastPart = (path) => path.replace(/\/$/, "").split("/").at(-1);

// Whether one of two paths of folders is the other, or lies within it.
export const isWithin = (path, folder) =>
	path === folder || (folder.endsWith("/") && path.startsWith(folder));

// The steps from the root to a folder: [{name, path}], without the root.
export function stepsOf(folder) {
	const steps = [];
	let path = "/";
	for (const part of folder.split("/").filter(Boolean)) {
		path += `${part}/`;
		steps.push({ name: decoded(part), path });
	}
	return steps;
}

// Why a name can not be one, for people; "" when it can.
export function nameFault(name) {
	if (!name.trim())
		return "A name is needed.";
	if (name.includes("/"))
		return "A name can not have a slash in it.";
	if (name === "." || name === ".." || name.startsWith("."))
		return "A name can not begin with a dot: such files are hidden.";
	if (name.includes("\0"))
		return "This can not be a name.";
	return new TextEncoder().encode(name).length > 255 ? "This name is too long." : "";
}
