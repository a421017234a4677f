// queue.js - uploads in their order: a few at a time, and how far they are together.
//
// Never: starts more than PARALLEL; says how long something takes before it has seen it move.
import { isOver } from "./upload.js";

export const PARALLEL = 3;
const WINDOW_MS = 6000;

// Bytes a second, of what was sent within the last seconds.
export class Speed {
	#marks = []; // [time, bytes so far]

	note(now, bytes) {
		const marks = this.#marks;
		if (marks.length && bytes < marks.at(-1)[1])
			marks.length = 0; // it began anew
		if (marks.length > 1 && now - marks.at(-2)[0] < 250)
			marks.pop();
		marks.push([now, bytes]);
		while (marks.length > 2 && now - marks[0][0] > WINDOW_MS)
			marks.shift();
	}

	// 0: not known.
	at(now) {
		const [first] = this.#marks, last = this.#marks.at(-1);
		if (!first || now - first[0] < 400)
			return 0;
		return (last[1] - first[1]) * 1000 / (now - first[0]);
	}
}

export class Queue {
	uploads = [];
	#running = new Set();
	#next = 0; // nothing before it is WAITING
	#changed;

	// changed(upload or null): a state is another one, or the list is.
	constructor(changed) {
		this.#changed = changed;
	}

	add(uploads) {
		this.uploads.push(...uploads);
		this.#changed(null);
		this.#pump();
	}

	// Told by an upload: its state is another one.
	noticed(upload) {
		if (upload.state === "WAITING")
			this.#next = 0;
		this.#changed(upload);
		this.#pump();
	}

	#pump() {
		while (this.#running.size < PARALLEL && this.#next < this.uploads.length) {
			const upload = this.uploads[this.#next];
			if (upload.state !== "WAITING" || this.#running.has(upload)) {
				this.#next++;
				continue;
			}
			this.#running.add(upload);
			upload.run().then(() => {
				this.#running.delete(upload);
				if (upload.state === "WAITING")
					this.#next = 0;
				this.#pump();
			});
		}
	}

	// Those that are over leave the list.
	clear() {
		this.uploads = this.uploads.filter((upload) => !isOver(upload.state) &&
			upload.state !== "FAILED");
		this.#next = 0;
		this.#changed(null);
	}

	remove(upload) {
		this.uploads = this.uploads.filter((one) => one !== upload);
		this.#next = 0;
	}

	pause() {
		for (const upload of this.uploads.toReversed())
			upload.pause();
	}

	goOn() {
		for (const upload of this.uploads)
			upload.goOn();
	}

	cancel() {
		return Promise.all(this.uploads.toReversed().map((upload) => upload.cancel()));
	}

	// Those that rest; of these only.
	wake(is_meant = () => true) {
		for (const upload of this.#running)
			if (is_meant(upload))
				upload.wake();
	}

	// {all, by: {STATE: count}, size, sent}: bytes of those that are not taken back.
	get sum() {
		const by = {}, sum = { all: this.uploads.length, by, size: 0, sent: 0 };
		for (const { state, size, sent } of this.uploads) {
			by[state] = (by[state] ?? 0) + 1;
			if (state === "GONE" || state === "SKIPPED" || state === "FAILED")
				continue;
			sum.size += size;
			sum.sent += sent;
		}
		return sum;
	}
}
