// test_hub.mjs - hub.mjs itself: people and files are there, it can be stopped, started and cut off.
import { before, claim, equal, expect, run } from "./harness.mjs";
import { Hub } from "./hub.mjs";

let hub;
before(async () => (hub = await Hub.start({ people: { ann: "admin" }, files: { "a.txt": "hello" } })));

claim("people have sessions, which outlive the hub; its relay keeps its address", async () => {
	const relay = await hub.relay();
	const { name, value } = await hub.cookie("ann");
	const me = () => fetch(new URL("api/v1/me", relay.url), { headers: { Cookie: `${name}=${value}` } });
	equal((await (await me()).json()).name, "ann");
	await hub.stop();
	expect(await me().then(() => false, () => true), "it answers, though it was stopped");
	await hub.again();
	equal((await (await me()).json()).name, "ann");
	equal(await (await fetch(new URL("a.txt", relay.url))).text(), "hello");
	relay.cut();
	expect(await me().then(() => false, () => true), "it was cut off");
	relay.mend();
	equal((await me()).status, 200);
});

await run();
