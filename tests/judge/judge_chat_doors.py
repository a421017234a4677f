#!/usr/bin/env python3
"""judge_chat_doors.py - one room by all of its doors at once: nc -u, nc, openssl s_client, socat
by the Unix socket and by TLS, Python's websockets, npm's ws, Chromium at the page, and `weft chat`
in tmux.

What one says is read by each other once, in the same order, in the right words; no name is taken
from one door to another; what a moderator does reaches all of them.
"""
import json
import os
import re
import sys

from chat_judged import (PASSWORD, WEFT, Rooms, Screen, Skip, State, Typist, case, expect, need,
                         run)
from judged import NODE_MODULES, need_module

HERE = os.path.dirname(os.path.abspath(__file__))


class Member:
    """Somebody in the lobby: says, and has heard [who, text] in their order."""

    own_comes_too = True

    def __init__(self, rooms, name):
        self.rooms, self.name, self.heard, self.out = rooms, name, [], None
        self.begin()
        expect(self.enter() == "in", f"{name} does not come in")

    def begin(self):
        raise NotImplementedError

    def enter(self):
        """Returns "in", or what was said instead."""
        raise NotImplementedError

    def say(self, text):
        self.typist.types(f"SAY lobby {text}")

    def hears_until(self, text):
        while not self.heard or self.heard[-1][1] != text:
            self.take(self.typist.line())

    def waits_out(self):
        """Until it is put out; why."""
        while self.out is None:
            self.take(self.typist.line())
        return self.out

    def end(self):
        self.typist.__exit__()


class ByLines(Member):
    def begin(self):
        self.typist = Typist(self.command())

    def command(self):
        host, port = self.rooms.place
        return ["nc.openbsd", host, str(port)]

    def enter(self):
        self.typist.types(f"GUEST {self.name}")
        answer = self.typist.finds("(OK|NO)( .*)?")
        if answer[1] == "NO":
            return answer[0]
        self.typist.types("JOIN lobby")
        self.typist.finds("OK lobby .*")
        return "in"

    def take(self, line):
        found = re.fullmatch(r"message lobby [0-9a-f]+ (\d+) \S+ ~?(\S+) (.*)", line)
        if found:
            self.heard.append([found[2], found[3].replace("\\\\", "\\")])
        elif line.startswith(("exited lobby ", "over ")):
            self.out = line.partition(" ")[2].removeprefix("lobby ")

    def say(self, text):
        escaped = text.replace("\\", "\\\\")
        self.typist.types(f"SAY lobby {escaped}")


class ByOpenssl(ByLines):
    def command(self):
        host, port = self.rooms.tls
        return ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
                self.rooms.certificate, "-connect", f"{host}:{port}"]


class BySocatTls(ByLines):
    def command(self):
        host, port = self.rooms.tls
        return ["socat", "-", f"OPENSSL:{host}:{port},cafile={self.rooms.certificate},"
                "commonname=localhost"]


class ByUnix(ByLines):
    def command(self):
        return ["socat", "-", f"UNIX-CONNECT:{self.rooms.unix}"]


class ByDatagrams(Member):
    own_comes_too = False

    def begin(self):
        host, port = self.rooms.place
        self.typist = Typist(["nc.openbsd", "-u", host, str(port)])

    def enter(self):
        self.typist.types(f"L {self.name}")
        answer = self.typist.line()
        return "in" if answer == "OK" else answer

    def say(self, text):
        self.typist.types(f"C {self.name} {text}")

    def take(self, line):
        who, _, text = line.partition(": ")
        if who == "SERVER" and text.startswith("you are out: "):
            self.out = text.removeprefix("you are out: ")
        elif who != "SERVER":
            self.heard.append([who, text])


class ByNode(Member):
    kind = "ws"

    def begin(self):
        need_module("ws")
        os.environ["JUDGE_MODULES"] = NODE_MODULES
        host, port = self.rooms.web
        self.typist = Typist(["node", os.path.join(HERE, "chat_peer.mjs"), self.kind,
                              f"{host}:{port}", self.name])

    def enter(self):
        line = self.typist.line()
        return "in" if line == "in" else line.removeprefix("no ")

    def say(self, text):
        self.typist.types(text)

    def take(self, line):
        if line.startswith("["):
            self.heard.append(json.loads(line))
        elif line.startswith("out ") and "muted" not in line:
            self.out = line.removeprefix("out ")


class ByPage(ByNode):
    kind = "page"

    def begin(self):
        need("chromium")
        need_module("playwright-core")
        super().begin()


class ByWebsockets(ByNode):
    def begin(self):
        if not os.path.isdir("/usr/lib/python3/dist-packages/websockets"):
            raise Skip("Debian's python3-websockets is not installed")
        host, port = self.rooms.web
        self.typist = Typist(["/usr/bin/python3", os.path.join(HERE, "chat_peer.py"),
                              f"{host}:{port}", self.name])


class ByTerminal(Member):
    """`weft chat`, as it looks in tmux."""

    def begin(self):
        host, port = self.rooms.place
        self.screen = Screen(f"{WEFT} chat {host}:{port} --guest {self.name}; cat")

    def enter(self):
        self.screen.finds(r"\[1 lobby\]|taken")
        return "in" if "taken" not in self.screen.text() else self.screen.text()

    def say(self, text):
        self.screen.types(text)

    def hears_until(self, text):
        self.screen.finds(re.escape(text))
        self.heard = [[found[1], found[2]] for line in self.screen.text().split("\n")
                      if (found := re.fullmatch(r"\S+ +~?([\w-]+):? +(.*#\d+)", line.strip()))]

    def waits_out(self):
        return self.screen.finds("You are not in this room any more[^\n]*")[0]

    def end(self):
        self.screen.__exit__()


DOORS = {"nc": ByLines, "openssl": ByOpenssl, "socat-tls": BySocatTls, "unix": ByUnix,
         "udp": ByDatagrams, "python-ws": ByWebsockets, "npm-ws": ByNode, "page": ByPage,
         "terminal": ByTerminal}


def all_doors(rooms, *without):
    """Somebody by every door that can be tried here; named after it."""
    members = []
    for name, kind in DOORS.items():
        if name in without:
            continue
        try:
            members.append(kind(rooms, "by-" + name))
        except Skip as reason:
            print(f"# without {name}: {reason}")
    return members


TEXTS = ("hello", "gr\u00fc\u00df Gott \u4f60\u597d \U0001f600", r"a\nb \o/ \u{1b}", "x" * 60)


@case("what one says by any door is read by each other once, in one order, word for word")
def _():
    with Rooms("--chat-rate", "1000") as rooms, rooms.guest("witness") as witness:
        members = all_doors(rooms)
        said = []
        for number, text in enumerate(TEXTS):
            for member in members:
                member.say(f"{text} #{number}")
            # As they were numbered; by that all others are measured.
            for _ in members:
                try:
                    message = witness.event("message")
                except TimeoutError:
                    raise AssertionError(f"only {said} came") from None
                said.append([message.who.removeprefix("~"), message.text])
        expect(len(said) == len(TEXTS) * len(members))
        end = "that is all #9"
        witness.do(f"SAY lobby {end}")
        for member in members:
            member.hears_until(end)
            wanted = [one for one in said + [["witness", end]]
                      if member.own_comes_too or one[0] != member.name]
            expect(member.heard == wanted, (member.name, member.heard, wanted,
                                            getattr(member, "screen", None) and
                                            member.screen.text()))
        for member in members:
            member.end()


@case("a name that is somebody's by one door is nobody else's by any other")
def _():
    with Rooms() as rooms:
        members = all_doors(rooms, "page", "terminal")
        for owner in members:
            for name, kind in DOORS.items():
                if name in ("page", "terminal") and owner is not members[0]:
                    continue  # they take seconds
                thief = kind.__new__(kind)
                thief.rooms, thief.name, thief.heard, thief.out = rooms, owner.name, [], None
                try:
                    thief.begin()
                except Skip:
                    continue
                answer = thief.enter()
                expect("taken" in answer, f"{name} as {owner.name}: {answer!r}")
                thief.end()
        for member in members:
            member.end()


@case("who is muted, put out or banned by the moderator is so by every door, and reads why")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        with Rooms("--chat-rate", "1000", state=state) as rooms, rooms.member("ann") as ann:
            members = all_doors(rooms)
            for member in members:
                ann.do(f"MUTE lobby {member.name} 3600 hush")
                member.say("can you hear me? #1")
            # Each is told; that nobody was heard shows by what comes first.
            ann.do("SAY lobby nobody was heard #2")
            said = ann.event("message")
            expect(said.text == "nobody was heard #2", said)
            for member in members:
                ann.do(f"KICK lobby {member.name} enough of it")
                why = member.waits_out()
                expect("enough of it" in why, (member.name, why))
            # A guest's name, and her address, whatever it is called next.
            ann.do("BAN * by-nc 3600 spam")
            for member in members:
                member.end()
            for kind in (ByLines, ByDatagrams, ByUnix, ByWebsockets, ByOpenssl):
                try:
                    banned = kind.__new__(kind)
                    banned.rooms, banned.name = rooms, "by-nc"
                    banned.heard, banned.out = [], None
                    banned.begin()
                except Skip:
                    continue
                answer = banned.enter()
                expect("banned" in answer, (kind, answer))
                banned.end()


sys.exit(run())
