#!/usr/bin/env python3
"""test_log_events.py - `weft log` tells who signs in, by which door and from where, who fails to,
and what is done to accounts; and who guesses can't fill it."""
import ftplib
import json
import sys
import time

from accounted import PASSWORD, ApiServer, Client, State
from served import PATIENCE_S, Connection, Folder, case, expect, run, weft

WRONG = "wrong horse 1"


class Log:
    """What `weft log` has of a server."""

    def __init__(self, state):
        self.state = state

    def lines(self):
        done = weft("log", "--lines", "100000", "--json", "--state", self.state.path)
        expect(done.returncode == 0, done)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait(self, *words, count=1):
        """The line that has them all, once there is one."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = [line for line in self.lines() if all(word in line["line"] for word in words)]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError((words, [line["line"] for line in self.lines()]))


def say(server, line):
    host, port = server.facts["chat"].rsplit(":", 1)
    with Connection((host, int(port))) as peer:
        peer.send(line.encode() + b"\n")
        expect(peer.fill(), "no answer")


def by_ftp(server, name, password):
    host, port = server.facts["ftp"].rsplit(":", 1)
    with ftplib.FTP() as ftp:
        ftp.connect(host, int(port), timeout=PATIENCE_S)
        try:
            ftp.login(name, password)
        except ftplib.error_perm:
            pass


@case("who signs in, by which door and from where, and who fails to; never with what")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia")
        state.add("tom")
        with ApiServer(folder, state, "--ftp", "127.0.0.1:0", "--chat", "127.0.0.1:0") as server:
            log = Log(state)
            expect(not any("signed in" in line["line"] for line in log.lines()), "of before")
            server.log_in("mia")
            line = log.wait("signed in", "name=mia", "door=http", "from=127.0.0.1")
            expect(line["level"] == "info", line)
            by_ftp(server, "tom", PASSWORD)
            log.wait("signed in", "name=tom", "door=ftp", "from=127.0.0.1")
            say(server, f"LOGIN ann {PASSWORD}")
            log.wait("signed in", "name=ann", "door=tcp", "from=127.0.0.1")
            Client(server).post("/sessions", {"name": "mia", "password": WRONG})
            line = log.wait("sign-in failed", "name=mia", "door=http", "from=127.0.0.1", "why=")
            expect(line["level"] == "warn", line)
            by_ftp(server, "tom", WRONG)
            log.wait("sign-in failed", "name=tom", "door=ftp")
            say(server, f"LOGIN ann {WRONG}")
            log.wait("sign-in failed", "name=ann", "door=tcp")
            # A password in the wrong field is no name of anybody.
            Client(server).post("/sessions", {"name": "secret-horse", "password": WRONG})
            line = log.wait("sign-in failed", "door=http", count=2)
            expect("name=" not in line["line"], line)
            text = json.dumps(log.lines())
            expect(not any(secret in text for secret in (WRONG, PASSWORD, "secret-horse")), text)


@case("an account that is locked, by the page or on the machine by another process, is told")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia")
        with ApiServer(folder, state) as server:
            log = Log(state)
            ann = server.log_in("ann")
            expect(ann.post("/users/mia/lock").status in (200, 204))
            log.wait("account.lock", "on=mia", "by=ann", "from=127.0.0.1", "result=ok")
            Client(server).post("/sessions", {"name": "mia", "password": PASSWORD})
            state.do("unlock", "mia")
            log.wait("account.unlock", "on=mia", "door=command", "result=ok")


@case("who guesses is told as such, and has a few lines of the log, not all of it")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia")
        with ApiServer(folder, state) as server:
            log = Log(state)
            server.log_in("ann")
            log.wait("signed in", "name=ann")
            begun = time.monotonic()
            guesser = Client(server)
            for number in range(200):
                guesser.post("/sessions", {"name": "mia", "password": f"{WRONG}{number}"})
            log.wait("sign-in refused, too many failures", "name=mia", "from=127.0.0.1", "tries=")
            for number in range(40):
                guesser.post("/sessions", {"name": f"nobody{number}", "password": WRONG})
            state.add("last", PASSWORD)
            log.wait("account.add", "on=last")
            minutes = (time.monotonic() - begun) / 60
            lines = [line["line"] for line in log.lines() if "sign-in" in line["line"]]
            # 20 at once and one a minute, each perhaps with one of how many were left out.
            expect(2 <= len(lines) <= 2 * (21 + minutes), lines)
            log.wait("signed in", "name=ann")


if __name__ == "__main__":
    sys.exit(run())
