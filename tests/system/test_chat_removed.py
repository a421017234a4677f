#!/usr/bin/env python3
"""test_chat_removed.py - whose account is removed, and is brought back, is in chat who she was; who
is purged, and added anew by the same name, is somebody else."""
import sys

from accounted import PASSWORD, State
from chatting import House
from served import case, expect, run


def talk(state):
    """A private room of mia's, to which tom is invited; eve is banned from the lobby."""
    for name in ("mia", "tom", "eve"):
        state.add(name)
    state.add("ann", PASSWORD, "--role", "admin")
    with House(state=state) as house, house.member("mia", PASSWORD) as mia, \
            house.member("ann", PASSWORD) as ann, house.member("eve", PASSWORD):
        mia.do("MAKE den private for us")
        mia.do("INVITE den tom")
        mia.do("JOIN den")
        mia.do("SAY den quiet here")
        ann.do("BAN lobby eve 0 spam")


@case("who is removed and unlocked has her rooms, and her bans")
def _():
    with State() as state:
        talk(state)
        for name in ("mia", "tom", "eve"):
            state.do("remove", name)
            state.do("unlock", name)
            state.do("passwd", name, "--password-stdin", text=PASSWORD)
        with House(state=state) as house, house.member("mia", PASSWORD) as mia, \
                house.member("tom", PASSWORD) as tom:
            for person in (mia, tom):
                person.do("JOIN den")
                rows = person.list("HISTORY den 10")[1]
                expect([row.text for row in rows if row.word == "message"] == ["quiet here"], rows)
            mia.do("TOPIC den still mine")
            with house.connect() as eve:
                eve.do(f"LOGIN eve {PASSWORD}")
                expect(eve.refused("JOIN lobby") == "banned")


@case("who is purged and added anew by the same name has none of it")
def _():
    with State() as state:
        talk(state)
        for name in ("mia", "tom", "eve"):
            state.do("remove", name, "--purge")
            state.add(name)
        with House(state=state) as house, house.member("mia", PASSWORD) as mia, \
                house.member("tom", PASSWORD) as tom, house.member("eve", PASSWORD):
            for person in (mia, tom):
                expect(person.refused("JOIN den") == "no-room")
                expect([row.name for row in person.list("ROOMS")[1]] == ["lobby"])
            expect(mia.refused("TOPIC den mine") == "no-room")


sys.exit(run())
