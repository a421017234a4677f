// log.js - what a page has of one room's log: entries by their number, none twice, and which
// numbers are missing in between. Nothing of the screen, nothing of the wire.
//
// Never: keeps entries of two epochs.

export class Log {
	constructor() {
		this.reset("");
	}

	reset(epoch) {
		this.epoch = epoch;
		this.entries = []; // in the order of seq; another array once some were forgotten
		this.shifts = 0; // how often one was put before others
		this.holes = []; // {from, to}, both included, that were not fetched yet
		this.has_more = true; // before the first
	}

	// The number to go on after, 0 at first.
	get last() {
		return this.entries.length ? this.entries.at(-1).seq : 0;
	}

	get first() {
		return this.entries.length ? this.entries[0].seq : 0;
	}

	// Where a number is, or would be.
	find(seq) {
		let low = 0, high = this.entries.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.entries[middle].seq < seq)
				low = middle + 1;
			else
				high = middle;
		}
		return low;
	}

	at(seq) {
		const entry = this.entries[this.find(seq)];
		return entry?.seq === seq ? entry : null;
	}

	// Put an entry in its place, which is returned; -1: it is there already.
	insert(entry) {
		const index = this.find(entry.seq);
		if (this.entries[index]?.seq === entry.seq)
			return -1;
		this.shifts += index < this.entries.length;
		this.entries.splice(index, 0, entry);
		return index;
	}

	// What comes as it is said: the same, and a jump over numbers is a hole.
	append(entry) {
		const last = this.last;
		if (last && entry.seq > last + 1)
			this.miss(last + 1, entry.seq - 1);
		return this.insert(entry);
	}

	miss(from, to) {
		if (!this.holes.some((hole) => hole.from <= from && to <= hole.to))
			this.holes.push({ from, to });
	}

	// What was fetched: all that there is from this number on up to that.
	filled(from, to) {
		this.holes = this.holes.flatMap((hole) => {
			const rest = [];
			if (hole.from < from)
				rest.push({ from: hole.from, to: Math.min(hole.to, from - 1) });
			if (hole.to > to)
				rest.push({ from: Math.max(hole.from, to + 1), to: hole.to });
			return rest.filter((part) => part.from <= part.to);
		});
	}

	// Forget all up to a number: it can be fetched again, backwards.
	forget(to) {
		this.entries = this.entries.slice(this.find(to + 1));
		this.holes = this.holes.filter((hole) => hole.to > to);
		this.has_more = true;
	}
}
