// test_rooms.mjs - what the page knows of a room, without a browser: how much was not read.
import { claim, equal, expect, load, run } from "./harness.mjs";

const { Room } = await load("chat/room.js");

const me = { who: "ann", guest: false };

function room_of(self = me) {
	const room = new Room("lobby", () => self);
	room.log.reset("one");
	room.is_here = true;
	return room;
}

const said = (seq, who = "bob", kind = "message") =>
	({ seq, who, kind, guest: false, server: false });

// What it has to be: all entries looked at.
function counted(room) {
	const since = room.log.entries.filter((one) => one.seq > room.read);
	const missing = room.read ? Math.max(0, room.log.first - room.read - 1) : 0;
	return missing + since.filter((one) => one.kind === "message" && one.who !== "ann").length;
}

// Numbers that are the same each time.
function dice(seed) {
	return (sides) => {
		seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
		return Math.floor((seed / 2 ** 32) * sides);
	};
}

claim("of 20,000 messages each is looked at once, to count what was not read", async () => {
	const room = room_of();
	let looks = 0;
	room.is_own = (entry) => (looks++, Room.prototype.is_own.call(room, entry));
	for (let seq = 1; seq <= 20000; seq++) {
		room.log.append(said(seq));
		equal(room.unread, seq);
		expect(room.unread === seq, "asked again");
	}
	expect(looks <= 20000, `${looks} looks`);
	room.read = 20000;
	equal(room.unread, 0);
});

claim("the count is right whatever comes, is fetched, forgotten or read", async () => {
	for (let seed = 1; seed <= 200; seed++) {
		const roll = dice(seed), room = room_of();
		let next = 40;
		for (let step = 0; step < 60; step++) {
			const what = roll(10);
			const who = roll(3) ? "bob" : "ann", kind = roll(5) ? "message" : "notice";
			if (what < 5)
				room.log.append(said(next += roll(8) ? 1 : 3, who, kind));
			else if (what < 7)
				room.log.insert(said(1 + roll(next), who, kind));
			else if (what === 7)
				room.read = roll(2) ? room.log.last : roll(next);
			else if (what === 8)
				room.log.forget(roll(next));
			else if (roll(4) === 0)
				room.log.reset("two");
			if (room.log.entries.length)
				equal(room.unread, counted(room), `seed ${seed}, step ${step}`);
		}
	}
});

claim("who is another now has other messages of her own", async () => {
	const selves = [me];
	const room = new Room("lobby", () => selves.at(-1));
	room.log.reset("one");
	room.is_here = true;
	for (const who of ["ann", "bob", "bob"])
		room.log.append(said(room.log.last + 1, who));
	equal(room.unread, 2);
	selves.push({ who: "bob", guest: false });
	equal(room.unread, 1);
	selves.push({ who: "bob", guest: true });
	equal(room.unread, 3);
});

await run();
