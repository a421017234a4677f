// test_files_parts.mjs - the parts of the files' view that need no browser: names, the model of a
// listing, uploads and their queue against a server of tus that fails as told.
import { claim, equal, expect, load, run } from "./harness.mjs";

const names = await load("files/names.js");
const { Model } = await load("files/model.js");
const { Upload, printOf, SMALL_BYTES_MAX } = await load("files/upload.js");
const { Queue, Speed, PARALLEL } = await load("files/queue.js");

// ---- Names ----------------------------------------------------------------------------------

claim("a name that can't be seen as it is, is made visible", async () => {
	equal(names.visible("a\nb\tc\x7f"), "a\u21b5b\u21e5c[007F]");
	equal(names.visible("gpj.\u202eexe"), "gpj.[202E]exe");
	equal(names.visible("\u2066x\u2069\u200b\ufeff"), "[2066]x[2069][200B][FEFF]");
	equal(names.visible("Grüße 写真 🎉 \"<b>\" %41 #?"), "Grüße 写真 🎉 \"<b>\" %41 #?");
});

claim("a part of a path is decoded as far as it is UTF-8", async () => {
	equal(names.decoded("a%20b%23"), "a b#");
	equal(names.decoded("bad%FFname%20"), "bad\ufffdname ");
	equal(names.decoded("100%"), "100%");
	for (const name of ["a b", "%41", "#?&=+", "q\"'()*!", "\n\u202e", "写"])
		equal(names.decoded(names.encoded(name)), name);
	expect(/^[A-Za-z0-9%._~-]*$/.test(names.encoded("!'()*[]{}|\\^`写")));
});

claim("paths, folders and steps", async () => {
	equal(names.folderOf("/a/b/c"), "/a/b/");
	equal(names.folderOf("/a/b/"), "/a/");
	equal(names.folderOf("/a"), "/");
	equal(names.lastPart("/a/b%20c/"), "b%20c");
	equal(names.stepsOf("/a%20b/c/"), [{ name: "a b", path: "/a%20b/" }, { name: "c", path: "/a%20b/c/" }]);
	expect(names.isWithin("/a/b/", "/a/b/") && names.isWithin("/a/b/c/", "/a/b/"));
	expect(!names.isWithin("/a/bc/", "/a/b/") && !names.isWithin("/a/", "/a/b/"));
});

claim("what can be no name is said", async () => {
	for (const bad of ["", "  ", "a/b", ".", "..", ".hidden", "x".repeat(256), "ä".repeat(128)])
		expect(names.nameFault(bad) !== "", bad);
	for (const good of ["a", "a.b", "x".repeat(255), "写".repeat(85), "a\\b", "a:b"])
		equal(names.nameFault(good), "");
});

// ---- The model ------------------------------------------------------------------------------

const file = (name, size = 1, modified = "2026-01-01T00:00:00Z") =>
	({ name, href: `./${encodeURIComponent(name)}`, type: "file", size, modified });
const folder = (name) => ({ name, href: `./${encodeURIComponent(name)}/`, type: "folder",
	modified: "2026-01-01T00:00:00Z" });
const shown = (model) => model.shown.map(({ name }) => name);

function modelOf(...entries) {
	const model = new Model();
	model.set(entries);
	return model;
}

claim("names are in the order in which people count, folders first", async () => {
	const model = modelOf(file("a10"), file("A2"), file("b"), file("É"), file("f"), folder("z"),
		file("a02x"), file("a1"));
	equal(shown(model), ["z", "a1", "A2", "a02x", "a10", "b", "É", "f"]);
	model.setSort("name", true);
	equal(shown(model), ["z", "f", "É", "b", "a10", "a02x", "A2", "a1"]);
});

claim("the order is total: sorted from any beginning it is the same", async () => {
	const words = ["a", "a1", "a01", "a 1", "a-1", "A", "ä", "1", "01", "10", "9", "1a", "", "写", "a1b2", "a1b10"]
		.filter(Boolean);
	const once = shown(modelOf(...words.map((word) => file(word))));
	for (let turn = 0; turn < 50; turn++) {
		const mixed = words.toSorted(() => Math.random() - .5);
		equal(shown(modelOf(...mixed.map((word) => file(word)))), once);
	}
});

claim("sizes, times and kinds sort, and equals are by name", async () => {
	const model = modelOf(file("b.txt", 5, "2026-01-02T00:00:00Z"), file("a.jpg", 5), file("c.txt", 1));
	model.setSort("size", false);
	equal(shown(model), ["c.txt", "a.jpg", "b.txt"]);
	model.setSort("time", true);
	equal(shown(model)[0], "b.txt");
	model.setSort("kind", false);
	equal(shown(model), ["a.jpg", "b.txt", "c.txt"]);
});

claim("a filter takes all words, in any case and without accents", async () => {
	const model = modelOf(file("Été à la mer 10.jpg"), file("winter.jpg"));
	model.setFilter("MER ete 1");
	equal(shown(model), ["Été à la mer 10.jpg"]);
	model.setFilter("");
	equal(model.shown.length, 2);
});

claim("a selection outlives order, filter and a new listing; what is gone leaves it", async () => {
	const model = modelOf(file("a"), file("b"), file("c"));
	model.moveTo(0);
	model.moveTo(1, { extend: true });
	equal([...model.selected], ["./a", "./b"]);
	model.setSort("name", true);
	model.setFilter("b");
	equal(model.selection.map(({ name }) => name), ["b"]);
	model.setFilter("");
	model.set([file("b"), file("c"), file("d")]);
	equal([...model.selected], ["./b"]);
	equal(model.chosen.map(({ name }) => name), ["b"]);
});

claim("the cursor stays with its entry, or where it was when that is gone", async () => {
	const model = modelOf(file("a"), file("b"), file("c"));
	model.moveTo(1);
	model.set([file("0"), file("a"), file("b"), file("c")]);
	equal(model.current.name, "b");
	model.set([file("0"), file("a"), file("c")]);
	equal(model.current.name, "c");
	model.set([]);
	equal(model.current, null);
});

claim("letters find the next name that begins so, and go around", async () => {
	const model = modelOf(file("beta"), file("Bravo"), file("ärger"));
	model.moveTo(0);
	equal(model.shown[model.find("b")].name, "beta");
	model.moveTo(model.find("b"));
	equal(model.shown[model.find("b")].name, "Bravo");
	equal(model.shown[model.find("bra")].name, "Bravo");
	equal(model.find("x"), -1);
});

claim("100,000 entries are sorted and filtered within what a person notices", async () => {
	const many = Array.from({ length: 100000 }, (_, i) => file(`IMG_${(i * 7919) % 100000} of the sea.jpg`, i));
	const model = modelOf(...[]);
	model.set(many);
	equal(model.shown[2].name, "IMG_2 of the sea.jpg");
	equal(model.shown[99999].name, "IMG_99999 of the sea.jpg");
	model.setFilter("99999");
	equal(model.shown.length, 1);
});

// ---- A server of tus ------------------------------------------------------------------------

// What is `files` has a name; `fail(method, url)` gives a status that is answered instead, "lose" to
// do it and lose the answer, or a number of bytes after which a PATCH breaks off.
function serverOf(fail = () => null) {
	const files = new Map(), uploads = new Map(), log = [];
	let serial = 0;
	const answer = (status, fields = {}, text = "") => ({ status, ok: status < 300, text,
		field: (name) => fields[name] ?? null, why: `no: ${status}`, fault: fields.fault });

	async function act(method, url, headers, body, cut) {
		const path = url.split("?")[0], upload = uploads.get(path);
		if (headers["Tus-Resumable"] && upload === undefined && method !== "POST")
			return answer(404);
		if (method === "GET")
			return answer(200, {}, `${await hash(files.get(path))}  x`);
		if (method === "HEAD" && upload)
			return answer(200, { "Upload-Offset": upload.bytes.length, "Upload-Length": upload.size });
		if (method === "HEAD")
			return answer(files.has(path) ? 200 : 404);
		if (method === "PUT") {
			if (url.endsWith("?unique") && files.has(path)) {
				files.set(`${path} (2)`, await body.text());
				return answer(201, { Location: `${path} (2)` });
			}
			if (headers["If-None-Match"] && files.has(path))
				return answer(412);
			if (headers["If-Match"] && !files.has(path))
				return answer(412);
			files.set(path, await body.text());
			return answer(201);
		}
		if (method === "POST") {
			const at = `/.tus/${++serial}`;
			const [name, conflict] = headers["Upload-Metadata"].split(",").map((pair) => atob(pair.split(" ")[1]));
			if (conflict === "refuse" && files.has(path + name))
				return answer(409);
			uploads.set(at, { path: path + name, conflict, size: Number(headers["Upload-Length"]), bytes: "" });
			return answer(201, { Location: `http://x${at}` });
		}
		if (method === "DELETE")
			return uploads.delete(path) && answer(204);
		if (upload.is_whole)
			return answer(404); // it is a file
		if (Number(headers["Upload-Offset"]) !== upload.bytes.length)
			return answer(409);
		const text = await body.text();
		upload.bytes += text.slice(0, cut ?? text.length);
		if (cut !== undefined)
			return answer(0);
		if (upload.bytes.length === upload.size) {
			if (upload.conflict === "refuse" && files.has(upload.path))
				return answer(409);
			const to = upload.conflict === "unique" && files.has(upload.path) ? `${upload.path} (2)` : upload.path;
			files.set(to, upload.bytes);
			upload.is_whole = true;
			return answer(204, { "Upload-Offset": upload.bytes.length, "Content-Location": to });
		}
		return answer(204, { "Upload-Offset": upload.bytes.length });
	}

	return { files, uploads, log, async send(method, url, { headers, body, onSent, signal }) {
		log.push(`${method} ${url}`);
		const what = fail(method, url, log.length);
		if (typeof what === "number" && what >= 100 && what < 600)
			return answer(what);
		if (what === "gone")
			return answer(0);
		const made = await act(method, url, headers, body, typeof what === "number" ? what : undefined);
		onSent?.(body?.size ?? 0);
		if (signal?.aborted)
			return answer(0);
		return what === "lose" ? answer(0) : made;
	} };
}

const hash = async (text) => Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256",
	new TextEncoder().encode(text))), (byte) => byte.toString(16).padStart(2, "0")).join("");

const given = (name, text) => new File([text], name, { lastModified: 5 });
const large = "0123456789".repeat(SMALL_BYTES_MAX / 10 + 7);

function toolsOf(server, more = {}) {
	const kept = new Map(), rests = [];
	return { base: "http://x", rests, send: server.send,
		kept: { put: (print, facts) => kept.set(print, facts), remove: (print) => kept.delete(print), all: kept },
		rest: async (ms) => rests.push(ms), conflict: async () => "skip",
		digest: async (one) => hash(await one.text()), ...more };
}

const uploadOf = (one, tools, more = {}) =>
	new Upload({ file: one, folder: "/f/", name: one.name, ...more }, tools);

claim("a small file is one PUT; a large one goes by tus, and nothing is kept of it then", async () => {
	const server = serverOf(), tools = toolsOf(server);
	for (const [name, text] of [["a b.txt", "hello"], ["empty", ""], ["large", large]]) {
		const upload = uploadOf(given(name, text), tools);
		await upload.run();
		equal([upload.state, upload.sent, upload.why], ["DONE", text.length, ""]);
		expect(server.files.get(`/f/${encodeURIComponent(name)}`) === text ||
			server.files.get(`/f/${name}`) === text, name);
	}
	equal(server.log.filter((line) => line.startsWith("PUT")), ["PUT /f/a%20b.txt", "PUT /f/empty"]);
	equal(tools.kept.all.size, 0);
});

claim("one that breaks off goes on where the server has it, after longer and longer rests", async () => {
	let patches = 0;
	const server = serverOf((method) => method !== "PATCH" ? null
		: [1000, "gone", "gone", 2000, null][patches++] ?? null);
	const tools = toolsOf(server), upload = uploadOf(given("large", large), tools);
	// 1000 and 2000 are statuses for serverOf only below 600: these are bytes.
	await upload.run();
	equal([upload.state, server.files.get("/f/large") === large], ["DONE", true]);
	expect(tools.rests.length === 4 && tools.rests[2] > tools.rests[1], tools.rests);
	equal(server.log.filter((line) => line.startsWith("POST")).length, 1);
});

claim("the last answer is lost: it is done if it is a file, and asked about if its name is taken", async () => {
	for (const [is_taken, state] of [[false, "DONE"], [true, "SKIPPED"]]) {
		let patches = 0, asked = 0;
		const server = serverOf((method) => {
			if (method !== "PATCH" || patches++ > 0)
				return null;
			if (is_taken)
				server.files.set("/f/large", "of somebody else");
			return "lose";
		});
		const tools = toolsOf(server, { conflict: async () => (asked++, "skip") });
		const upload = uploadOf(given("large", large), tools);
		await upload.run();
		equal([upload.state, asked, patches, tools.kept.all.size], [state, Number(is_taken), 2, 0]);
		expect(server.files.get("/f/large") === (is_taken ? "of somebody else" : large), "the file");
		equal(server.files.size, 1);
	}
});

claim("while another tab is at it, it waits as long as that takes, and tells of no byte that was refused", async () => {
	let patches = 0;
	const told = [], server = serverOf((method) => method === "PATCH" && patches++ < 30 ? 423 : null);
	const tools = toolsOf(server, { rest: async () => told.push(upload.sent) });
	const refusing = { ...tools, send: (method, url, { onSent, ...more }) => {
		if (method === "PATCH")
			onSent(large.length); // it has left, but nobody has taken it
		return server.send(method, url, { onSent, ...more });
	} };
	const upload = uploadOf(given("large", large), refusing);
	await upload.run();
	equal([upload.state, told.length, new Set(told).size, told[0]], ["DONE", 30, 1, 0]);
});

claim("another tab has brought it to its end in between: it is done, and nobody is asked", async () => {
	let patches = 0;
	const server = serverOf((method, url) => {
		if (method === "PATCH" && patches++ === 0) {
			const other = server.uploads.get(url);
			server.files.set(other.path, large);
			Object.assign(other, { bytes: large, is_whole: true });
			return 409;
		}
		return null;
	});
	const tools = toolsOf(server, { conflict: async () => expect(false, "asked") });
	const upload = uploadOf(given("large", large), tools);
	await upload.run();
	equal([upload.state, server.files.size, server.files.get("/f/large") === large], ["DONE", 1, true]);
});

claim("503 is waited for, 507 is said", async () => {
	for (const [status, state] of [[503, "DONE"], [507, "FAILED"], [413, "FAILED"]]) {
		let times = 0;
		const server = serverOf((method) => method === "PUT" && times++ < 2 ? status : null);
		const upload = uploadOf(given("a", "x"), toolsOf(server));
		await upload.run();
		equal(upload.state, state);
		expect((upload.why !== "") === (state === "FAILED"));
	}
	const upload = uploadOf(given("a", "x"), toolsOf(serverOf(() => 503)));
	await upload.run();
	equal(upload.state, "FAILED", "for ever 503");
});

claim("a PUT whose answer was lost is not put twice, nor mistaken for another's file", async () => {
	for (const [there, state] of [["mine", "DONE"], ["theirs", "SKIPPED"]]) {
		let times = 0;
		const server = serverOf((method) => method === "PUT" && times++ === 0
			? there === "mine" ? "lose" : "gone" : null);
		const upload = uploadOf(given("a", "mine"), toolsOf(server));
		if (there === "theirs")
			server.files.set("/f/a", "theirs");
		await upload.run();
		equal([upload.state, server.files.get("/f/a")], [state, there]);
	}
});

claim("what is there is kept beside, replaced or skipped, as was said", async () => {
	for (const text of ["new", large])
		for (const choice of ["both", "replace", "skip"]) {
			const server = serverOf(), asked = [];
			server.files.set("/f/a.txt", "old");
			const upload = uploadOf(given("a.txt", text), toolsOf(server, { conflict: async (one) => {
				asked.push(one.name);
				return choice;
			} }));
			await upload.run();
			equal(asked, ["a.txt"]);
			equal(upload.state, choice === "skip" ? "SKIPPED" : "DONE");
			equal(server.files.get("/f/a.txt"), choice === "replace" ? text : "old", choice);
			equal(server.files.get("/f/a.txt (2)"), choice === "both" ? text : undefined, "the other name");
			equal(upload.path, { both: "/f/a.txt%20(2)", replace: "/f/a.txt", skip: "" }[choice]);
		}
});

claim("what was to be replaced and is gone is put all the same", async () => {
	const server = serverOf(), upload = uploadOf(given("a", "x"), toolsOf(server), { choice: "replace" });
	await upload.run();
	equal([upload.state, server.files.get("/f/a")], ["DONE", "x"]);
});

claim("paused it rests, gone on with it ends, taken back it leaves nothing", async () => {
	let upload;
	const server = serverOf((method) => {
		if (method === "PATCH" && upload.state === "RUNNING" && server.files.size === 0 && !upload.was_paused) {
			upload.was_paused = true;
			upload.pause();
			return 3000;
		}
		return null;
	});
	const tools = toolsOf(server);
	upload = uploadOf(given("large", large), tools);
	await upload.run();
	equal([upload.state, tools.kept.all.size], ["PAUSED", 1]);
	upload.goOn();
	equal(upload.state, "WAITING");
	await upload.run();
	equal([upload.state, server.files.get("/f/large") === large], ["DONE", true]);

	upload = uploadOf(given("other", large), tools);
	await upload.run();
	equal(upload.state, "DONE", "it is not paused when a file is there");
	server.files.clear();
	upload = uploadOf(given("third", large), tools);
	await upload.run();
	await upload.cancel();
	equal([upload.state, tools.kept.all.size, [...server.uploads.values()].some(({ path }) => path === "/f/third")],
		["GONE", 0, false]);
});

claim("one of an earlier visit takes its own file only, and goes on there", async () => {
	const server = serverOf(), tools = toolsOf(server), one = given("large", large);
	server.uploads.set("/.tus/7", { path: "/f/large", conflict: "refuse", size: large.length, bytes: large.slice(0, 999) });
	const upload = new Upload({ folder: "/f/", name: "large", size: large.length, url: "/.tus/7",
		print: printOf("/f/", "large", one) }, tools);
	equal(upload.state, "LOST");
	expect(!upload.giveFile(given("large", `${large}x`)), "another size");
	expect(!upload.giveFile(new File([large], "large", { lastModified: 6 })), "another time");
	expect(upload.giveFile(one));
	await upload.run();
	equal([upload.state, server.files.get("/f/large") === large], ["DONE", true]);
	equal(server.log.filter((line) => line.startsWith("POST")), []);
});

claim("an upload that the server has forgotten begins anew", async () => {
	const server = serverOf(), one = given("large", large);
	const upload = uploadOf(one, toolsOf(server), { url: "/.tus/99" });
	await upload.run();
	equal([upload.state, server.files.get("/f/large") === large], ["DONE", true]);
});

claim("one that another tab has ended between the look and the bytes has come, and nobody is asked", async () => {
	const server = serverOf((method) => {
		const [upload] = server.uploads.values();
		if (method === "PATCH" && upload.bytes.length === 0) {
			Object.assign(upload, { bytes: large, is_whole: true });
			server.files.set(upload.path, large);
		}
		return null;
	});
	const upload = uploadOf(given("large", large), toolsOf(server, { conflict: () => expect(false, "asked") }));
	await upload.run();
	equal([upload.state, server.log.filter((line) => line.startsWith("POST")).length], ["DONE", 1]);
});

claim("when somebody else is first with the name, it is asked about at the end", async () => {
	const server = serverOf((method) => {
		if (method === "PATCH")
			server.files.set("/f/large", server.files.get("/f/large") ?? "theirs");
		return null;
	});
	const upload = uploadOf(given("large", large), toolsOf(server, { conflict: async () => "both" }));
	await upload.run();
	equal([upload.state, server.files.get("/f/large"), server.files.get("/f/large (2)") === large],
		["DONE", "theirs", true]);
});

// ---- Many -----------------------------------------------------------------------------------

claim("a queue runs a few at a time, in order, and all of them", async () => {
	const queue = new Queue(() => {});
	let running = 0, most = 0;
	const order = [];
	const fake = (n) => ({ state: "WAITING", size: 10, sent: 0, async run() {
		this.state = "RUNNING";
		order.push(n);
		most = Math.max(most, ++running);
		await new Promise((resolve) => setImmediate(resolve));
		running--;
		this.state = "DONE";
		this.sent = 10;
	} });
	const all = Array.from({ length: 50 }, (_, n) => fake(n));
	queue.add(all.slice(0, 20));
	queue.add(all.slice(20));
	while (all.some(({ state }) => state !== "DONE"))
		await new Promise((resolve) => setImmediate(resolve));
	equal(most, PARALLEL);
	equal(order, order.toSorted((a, b) => a - b));
	equal(queue.sum, { all: 50, by: { DONE: 50 }, size: 500, sent: 500 });
	queue.clear();
	equal(queue.uploads, []);
});

claim("speed is that of the last seconds, and none where nothing is known", async () => {
	const speed = new Speed();
	equal(speed.at(0), 0);
	for (let t = 0; t <= 10000; t += 250)
		speed.note(t, t * 10);
	equal(Math.round(speed.at(10000)), 10000);
	expect(speed.at(20000) < 7000, "it stands still");
	speed.note(20000, 0);
	equal(speed.at(20100), 0);
});

await run();
