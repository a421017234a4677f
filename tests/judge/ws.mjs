// ws.mjs - npm's ws as a client of an echo server: one claim after the other, as TAP.
//
//	node ws.mjs HOST:PORT
//
// JUDGE_MODULES is where ws lies. The server echoes every message, of up to 16 MiB, knows the
// subprotocol "echo", and compresses if asked to.
import { createRequire } from "node:module";
import http from "node:http";
import path from "node:path";

const require = createRequire(path.join(process.env.JUDGE_MODULES, "x.js"));
const { WebSocket } = require("ws");
const address = process.argv[2];
const claims = [];
const claim = (name, run) => claims.push([name, run]);

function expect(holds, what) {
	if (!holds)
		throw new Error(what ?? "it does not hold");
}

const event = (socket, name) => new Promise((resolve, reject) => {
	socket.once(name, (...facts) => resolve(facts));
	if (name !== "error")
		socket.once("error", reject);
});

async function open(options = {}, protocols = []) {
	const socket = new WebSocket(`ws://${address}/`, protocols, options);
	await event(socket, "open");
	return socket;
}

async function close(socket, code, reason) {
	const closed = event(socket, "close");
	socket.close(code, reason);
	const [got, why] = await closed;
	return [got, why.toString()];
}

async function echo(socket, message) {
	const answered = event(socket, "message");
	socket.send(message);
	const [data, isBinary] = await answered;
	return isBinary ? data : data.toString();
}

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20];

for (const deflate of [false, true]) {
	const how = deflate ? "compressed" : "plain";

	claim(`text and bytes of all lengths come back, ${how}`, async () => {
		const socket = await open({ perMessageDeflate: deflate });
		for (const size of sizes) {
			const text = "ä€\u{1d11e} ".repeat(size / 8);
			expect(await echo(socket, text) === text, `text of ${size}`);
			const data = Buffer.alloc(size, size % 251);
			expect(data.equals(await echo(socket, data)), `bytes of ${size}`);
		}
		expect((await close(socket, 1000))[0] === 1000);
	});

	claim(`a thousand messages in one go come back in order, ${how}`, async () => {
		const socket = await open({ perMessageDeflate: deflate });
		let next = 0;
		const all = new Promise((resolve, reject) => {
			socket.on("message", (data) => {
				if (data.toString() !== `message number ${next}, `.repeat(10))
					reject(new Error(`not message ${next}`));
				if (++next === 1000)
					resolve();
			});
		});
		for (let i = 0; i < 1000; i++)
			socket.send(`message number ${i}, `.repeat(10));
		await all;
		await close(socket, 1000);
	});
}

claim("compression is agreed on, in the client's words", async () => {
	const socket = await open({ perMessageDeflate: {
		clientNoContextTakeover: true, serverNoContextTakeover: true,
		serverMaxWindowBits: 10, clientMaxWindowBits: 10 } });
	expect(socket.extensions.includes("permessage-deflate"), `"${socket.extensions}"`);
	const text = "again and again ".repeat(5000);
	for (let i = 0; i < 3; i++)
		expect(await echo(socket, text) === text);
	await close(socket, 1000);
});

claim("a message in fragments comes back as one, with a ping in between", async () => {
	const socket = await open();
	const answered = event(socket, "message"), ponged = event(socket, "pong");
	socket.send("one ", { fin: false });
	socket.ping("are you there?");
	socket.send("two ", { fin: false });
	socket.send("three", { fin: true });
	expect((await ponged)[0].toString() === "are you there?");
	expect((await answered)[0].toString() === "one two three");
	await close(socket, 1000);
});

claim("closes are answered with their own code", async () => {
	for (const code of [1000, 1001, 3000, 4999]) {
		const [got] = await close(await open(), code, "a reason");
		expect(got === code, `${code}: ${got}`);
	}
	const [none] = await close(await open());
	expect(none === 1005 || none === 1000, none);
});

claim("a message over the limit is 1009", async () => {
	const socket = await open({ perMessageDeflate: false });
	const closed = event(socket, "close");
	socket.on("error", () => {});
	socket.send(Buffer.alloc((16 << 20) + 1));
	expect((await closed)[0] === 1009);
});

claim("text that is no UTF-8 is 1007", async () => {
	const socket = await open({ perMessageDeflate: false });
	const closed = event(socket, "close");
	socket.send(Buffer.from([0x66, 0xff, 0x66]), { binary: false });
	expect((await closed)[0] === 1007);
});

claim("the subprotocol that both know is agreed on, and none is fine", async () => {
	const socket = await open({}, ["other", "echo"]);
	expect(socket.protocol === "echo", socket.protocol);
	await close(socket, 1000);
	const plain = await open();
	expect(plain.protocol === "", plain.protocol);
	await close(plain, 1000);
});

claim("200 clients at a time each get their own", async () => {
	await Promise.all(Array.from({ length: 200 }, async (_, i) => {
		const socket = await open();
		for (let k = 0; k < 20; k++)
			expect(await echo(socket, `${i} says ${k}`) === `${i} says ${k}`);
		await close(socket, 1000);
	}));
});

claim("a client that vanishes leaves the server well", async () => {
	for (let i = 0; i < 20; i++) {
		const socket = await open();
		socket.send(Buffer.alloc(100000));
		socket.terminate();
	}
	const socket = await open();
	expect(await echo(socket, "still here") === "still here");
	await close(socket, 1000);
});

const status = (fields) => new Promise((resolve, reject) => {
	const [host, port] = address.split(":");
	http.get({ host, port, headers: fields }, (reply) => {
		reply.resume();
		resolve([reply.statusCode, reply.headers]);
	}).on("upgrade", (reply, socket) => {
		socket.destroy();
		resolve([101, reply.headers]);
	}).on("error", reject);
});

const good = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
	"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

claim("a handshake is answered by the RFC's own sum, and bad ones are refused", async () => {
	const [code, fields] = await status(good);
	expect(code === 101 && fields["sec-websocket-accept"] === "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		JSON.stringify(fields));
	const [old, said] = await status({ ...good, "Sec-WebSocket-Version": "8" });
	expect(old === 426 && said["sec-websocket-version"] === "13", old);
	expect((await status({}))[0] === 426, "a plain GET");
	expect((await status({ ...good, "Sec-WebSocket-Key": "short" }))[0] === 400, "a bad key");
});

console.log(`1..${claims.length}`);
let number = 0;
for (const [name, run] of claims) {
	number++;
	try {
		await Promise.race([run(), new Promise((_, reject) =>
			setTimeout(() => reject(new Error("it takes too long")), 30000).unref())]);
		console.log(`ok ${number} - ${name}`);
	} catch (error) {
		console.log(String(error.stack).replace(/^/gm, "# "));
		console.log(`not ok ${number} - ${name}`);
	}
}
process.exit(0);
