// test_words.mjs - web/chat/words.js: times, names, links and commands, as people write them.
import { claim, equal, load, run } from "./harness.mjs";

const words = await load("chat/words.js");

claim("sizes are told in the largest unit that leaves a number one can read", async () => {
	const told = [0, 1, 2, 999, 1000, 1049, 99499, 99500, 999499, 999500, 5e9].map(words.size);
	equal(told, ["0 bytes", "1 byte", "2 bytes", "999 bytes", "1.0 kB", "1.0 kB", "99 kB", "100 kB",
		"999 kB", "1.0 MB", "5.0 GB"]);
});

claim("an address in a text ends where the sentence goes on, and is http or https", async () => {
	const found = (text) => words.linked(text).filter((part) => part.href).map((part) => part.text);
	equal(found("see https://a.example/b(c)?d=e. And http://x.example, too"),
		["https://a.example/b(c)?d=e", "http://x.example"]);
	equal(found("(https://a.example/b)"), ["https://a.example/b"]);
	equal(found("javascript:alert(1) ftp://a.example data:text/html,x"), []);
	equal(found("https://user:secret@a.example/"), []);
	equal(words.linked("a <b> c").map((part) => part.text).join(""), "a <b> c");
});

claim("the room of two is called by the other", async () => {
	equal(words.room_title("@ann+bob", "Ann"), "bob");
	equal(words.room_title("@ann+bob", "bob"), "ann");
	equal(words.room_title("garden", "bob"), "garden");
	// Whose name is another's by now.
	equal(words.room_title("@.7.ann+bob", "ann"), "bob (before)");
	equal(words.room_title("@.7.ann+bob", "bob"), "ann (before)");
	equal(words.room_title("@.7", "bob"), "(before)");
});

claim("a line with a slash is a command, one with two is said", async () => {
	equal(words.read_typed("hello", "lobby"), { say: "hello" });
	equal(words.read_typed("//etc", "lobby"), { say: "/etc" });
	equal(words.read_typed("/mute bob 60 too loud", "lobby"), { command:
		{ do: "mute", room: "lobby", name: "bob", seconds: 60, why: "too loud" } });
	equal(words.read_typed("/join garden", "lobby"), { command: { do: "join", room: "garden" } });
	equal(Object.keys(words.read_typed("/mute bob soon", "lobby")), ["why"]);
	equal(Object.keys(words.read_typed("/constructor", "lobby")), ["why"]);
});

await run();
