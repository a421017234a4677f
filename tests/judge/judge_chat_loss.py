#!/usr/bin/env python3
"""judge_chat_loss.py - datagrams of chat through a seeded relay that loses, doubles, delays and
reorders; and how long silence is borne, by Debian's faketime.

Over a kernel's own network: judge_chat_far.py.
"""
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from threading import Thread

from chat_judged import PATIENCE_S, Datagrams, Rooms, case, come_in, expect, need, run
from lossy import Patient, Relay

def visit(person, count, failures):
    try:
        person.enter()
        person.say(count)
        person.leave()
    except Exception as failure:  # pylint: disable=broad-except
        failures.append(f"{person.name}: {failure!r}")


def visit_all(people, count):
    failures = []
    threads = [Thread(target=visit, args=(person, count, failures)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(not failures, failures)


@case("of 30 % lost both ways (relay, four seeds): who repeats L and Q comes in, speaks and leaves")
def _():
    for seed in range(1, 5):
        with Rooms() as rooms, Relay(rooms.place, seed) as relay, \
                Datagrams(rooms.place) as witness:
            witness.asks("L witness", "OK")
            mia, bob = (Patient(Datagrams(relay.place), name) for name in ("mia", "bob"))
            visit_all([mia, bob], 15)
            # The witness, near, hears all that has got to the server: once, in order.
            lines = []
            while lines.count("SERVER: mia has left") + lines.count("SERVER: bob has left") < 2:
                lines.append(witness.line())
            for name in ("mia", "bob"):
                own = [line for line in lines if name in line]
                expect(own[0] == f"SERVER: {name} has joined", own)
                expect(own[-1] == f"SERVER: {name} has left", own)
                numbers = [int(line.rpartition(" ")[2]) for line in own[1:-1]]
                expect(numbers == sorted(set(numbers)) and 0 < len(numbers) < 15, own)
            witness.asks("Q witness", "EXIT")
            print(f"# seed {seed}: {relay.counts}; L and Q took {mia.tries} and {bob.tries}")


@case("doubled, late and reordered (relay, four seeds): none is said more often than it came")
def _():
    for seed in range(1, 5):
        with Rooms() as rooms, \
                Relay(rooms.place, seed, lost=0.1, doubled=0.3, late_s=0.25) as relay, \
                Datagrams(rooms.place) as witness:
            witness.asks("L witness", "OK")
            mia = Patient(Datagrams(relay.place), "mia")
            visit_all([mia], 15)
            # An L that comes after the Q lets in again: whoever sees another OK says Q again.
            while (got := mia.take(1)) is not None:
                if got == "OK":
                    mia.leave()
            witness.types("Q witness")
            lines = [witness.line()]
            while lines[-1] != "EXIT":
                lines.append(witness.line())
            expect(not [line for line in lines if "mia has left (" in line], lines)
            said = Counter(line for line in lines if line.startswith("mia: "))
            expect(all(count <= 2 for count in said.values()), said)
            with Datagrams(rooms.place) as eve:
                come_in(eve, "mia")


def late_line(peer, rooms):
    """
    What comes in the end. The kernel does not know of the quick clock, so that the server sleeps as
    long as ever: what is no request wakes it.
    """
    with Datagrams(rooms.place) as poker:
        for _ in range(PATIENCE_S * 10):
            poker.types("\1")
            with suppress(TimeoutError):
                return peer.line(0.1)
    raise AssertionError("nothing came")


@case("who is silent is asked, and is out, and the name is free (by a clock 100 times as fast)")
def _():
    need("faketime")
    with Rooms("--driver", "epoll", prefix=("faketime", "-f", "+0 x100")) as rooms, \
            Datagrams(rooms.place) as mia:
        mia.asks("L mia", "OK")
        expect(late_line(mia, rooms) == "SERVER: mia, are you still there?")
        mia.asks("L mia", "OK")  # any datagram is an answer
        expect(late_line(mia, rooms) == "SERVER: mia, are you still there?")
        with Datagrams(rooms.place) as eve:
            eve.asks("L eve", "OK")
            mia.reads("SERVER: eve has joined")
            expect(late_line(eve, rooms) == "SERVER: mia has left (silent)")
            mia.asks("C mia I am back", "you are not in: send: L mia")
            mia.asks("L mia", "OK")
            eve.reads("SERVER: mia has joined")
        # faketime waits for what it has started, and hands on no signal.
        faketime = rooms.server.process.pid
        with open(f"/proc/{faketime}/task/{faketime}/children", encoding="ascii") as children:
            os.kill(int(children.read()), signal.SIGTERM)
        rooms.server.process.wait(PATIENCE_S)


sys.exit(run())
