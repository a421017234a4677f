#!/usr/bin/env python3
# check: waits
"""test_chat_restored.py - chat.db is put back from a backup: clients that remember what was said
since are told that the log is another one, and get it from its start."""
import os
import shutil
import sqlite3
import sys
from contextlib import closing, suppress

from accounted import State
from chatting import House
from served import case, expect, run


def said_before_and_after(state, copy):
    """What mia has seen last of a server that was killed; the copy is from before that."""
    with House(state=state) as house, house.guest("mia") as mia:
        mia.do("SAY lobby before")
        with closing(sqlite3.connect(os.path.join(state.path, "chat.db"))) as there, \
                closing(sqlite3.connect(copy)) as new:
            there.backup(new)
        mia.do("SAY lobby after")
        seen = [mia.event("message") for _ in range(2)][-1]
        house.kill()
        house.server.process.returncode = 0  # as it was meant
    return seen


@case("a database put back from a backup is no gap: who remembers a number gets all anew")
def _():
    with State() as state:
        copy, place = os.path.join(state.top, "copy.db"), os.path.join(state.path, "chat.db")
        seen = said_before_and_after(state, copy)
        # Without a backup nothing is another, after a kill either.
        with House(state=state) as house, house.guest("mia", room=None) as mia:
            mia.do(f"JOIN lobby {seen.epoch} {seen.seq}")
            mia.do("SAY lobby more")
            said = mia.event("message")
            expect((said.epoch, said.seq, said.text) == (seen.epoch, seen.seq + 1, "more"), said)
        for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
            with suppress(FileNotFoundError):
                os.remove(os.path.join(state.path, name))
        os.chmod(shutil.copy(copy, place), 0o600)
        with House(state=state) as house, house.guest("bob") as bob:
            # The number that she remembers is another message's by now, and so is the next.
            for text in ("other", "another"):
                bob.do(f"SAY lobby {text}")
            with house.guest("mia", room=None) as mia:
                mia.do(f"JOIN lobby {seen.epoch} {seen.seq}")
                got = [mia.event("message", "gap") for _ in range(3)]
            expect([one.text for one in got] == ["before", "other", "another"], got)
            expect(len({one.epoch for one in got} | {seen.epoch}) == 2, got)


sys.exit(run())
