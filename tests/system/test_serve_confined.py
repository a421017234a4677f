#!/usr/bin/env python3
"""test_serve_confined.py - what `weft serve` has given up once it serves, and who it is then.

Looked at from outside, in /proc; tests/hub/test_confine.c shows what that means.
"""
import contextlib
import json
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

from accounted import State
from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run, weft

IS_ROOT = os.geteuid() == 0
os.environ.pop("WEFT_SERVE_ALLOW_DUMPS", None)  # served.py's

# chown, dac_override, dac_read_search, fowner, fsetid, net_bind_service.
OF_ROOT = 0x41f

# anna, with a password that nobody needs here.
USERS = "anna:$2b$04$7vDpurJCjBBKxzpAOYTXS.vhl.V74uuCGsr7Bvzm9l.A4hciAljsa\n"


def threads(pid):
    """/proc/PID/task/*/status as dictionaries; a thread that ends meanwhile is left out."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
                found.append(dict(line.split(":\t", 1) for line in file.read().splitlines()))
    expect(found, "it has no thread")
    return found


def need(server, what):
    """The case is for machines, and builds, that have it."""
    if not server.facts["confined"][what]:
        raise Skip(f"not confined here: {server.facts['confined']}")


@case("every thread is confined, by every driver and model, and it says so")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        for how in ((), ("--driver", "poll"), ("--driver", "epoll-level"), ("--model", "pool"),
                    ("--model", "thread"), ("--model", "prefork")):
            with Server(folder.path, *how) as server:
                need(server, "files")
                need(server, "calls")
                expect(server.get("/a.txt").body == b"hello")
                for status in threads(server.process.pid):
                    expect(status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status)
                    expect(int(status["CapPrm"], 16) & ~OF_ROOT == 0, status)


@case("its memory is not dumped, and is when that is allowed")
def _():
    with Folder() as folder:
        for options, soft in (((), "0"), (("--allow-dumps",), None)):
            with Server(folder.path, *options) as server:
                if server.facts["confined"]["files"] is False and soft:
                    raise Skip(f"not confined here: {server.facts['confined']}")
                with open(f"/proc/{server.process.pid}/limits", encoding="utf-8") as file:
                    core = re.search(r"Max core file size +(\S+) +(\S+)", file.read())
                expect((core[2] == "0") == bool(soft), core[0])
                owner = os.stat(f"/proc/{server.process.pid}/environ").st_uid
                expect(IS_ROOT or (owner == 0) == bool(soft), owner)


@case("--confine=no confines nothing, strict needs all of it, another word is none")
def _():
    with Folder() as folder:
        with Server(folder.path, "--confine", "no") as server:
            expect(server.facts["confined"] == {"files": False, "landlock": 0, "bind": False,
                                                "connect": False, "calls": 0}, server.facts)
            expect(all(one["Seccomp"] == "0" for one in threads(server.process.pid)))
        with Server(folder.path) as server:
            need(server, "files")
            need(server, "calls")
        with Server(folder.path, "--confine", "strict") as server:
            expect(server.facts["confined"]["files"], server.facts)
        done = weft("serve", folder.path, "--confine", "perhaps")
        expect(done.returncode == 2 and "auto, no, strict" in done.stderr, done)


@case("what it needs later is there: new certificates, a log that moved, users that changed")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        os.mkdir(os.path.join(folder.top, "log"))
        log = os.path.join(folder.top, "log", "access.log")
        users = os.path.join(folder.top, "users")
        with open(users, "w", encoding="utf-8") as file:
            file.write(USERS)
        with Server(folder.path, "--access-log", log, "--auth-file", users) as server:
            expect(server.get("/a.txt").status == 401)
            os.rename(log, log + ".1")
            os.rename(users, users + ".old")
            shutil.copy(users + ".old", users)
            server.process.send_signal(signal.SIGHUP)
            began = time.monotonic()
            while not os.path.exists(log):
                expect(time.monotonic() - began < PATIENCE_S, "the log was not made anew")
                time.sleep(0.01)
            expect(server.get("/a.txt").status == 401)


class Owned(Folder):
    """A folder, with all above it to be entered, that is somebody's."""

    def __init__(self, name):
        self.owner = pwd.getpwnam(name)

    def __enter__(self):
        super().__enter__()
        for path in (self.top, self.path):
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        return self


def nobody():
    if not IS_ROOT:
        raise Skip("only root becomes another user")
    return "nobody"


@case("--user: root becomes that user, for good, with every door")
def _():
    with Owned(nobody()) as folder, State() as state:
        os.chown(state.top, folder.owner.pw_uid, folder.owner.pw_gid)
        with Server(folder.path, "--user", "nobody", "--state", state.path, "--hash-cost", "least",
                    "--ftp", "127.0.0.1:0", "--chat", "127.0.0.1:0") as server:
            expect(server.facts["user"] == "nobody", server.facts)
            uid, gid = str(folder.owner.pw_uid), str(folder.owner.pw_gid)
            for status in threads(server.process.pid):
                expect(status["Uid"].split() == [uid] * 4, status)
                expect(status["Gid"].split() == [gid] * 4, status)
                expect(int(status["CapPrm"], 16) == 0 and "0" not in status["Groups"].split(),
                       status)
            for name in os.listdir(state.path):
                made = os.stat(os.path.join(state.path, name))
                expect(made.st_uid == folder.owner.pw_uid and made.st_mode & 0o077 == 0, name)


@case("--user opens a port below 1024, and what is not that user's is told")
def _():
    with Owned(nobody()) as folder:
        with at_low_port(lambda at: Server(folder.path, "--user", "nobody", http=at)) as server:
            expect(0 < server.port < 1024, server.facts)
            expect(server.get("/nothing").status == 404)
            main = next(one for one in threads(server.process.pid)
                        if one["Pid"] == str(server.process.pid))
            expect(int(main["CapPrm"], 16) == 0, main)
        os.chown(folder.path, 0, 0)
        os.chmod(folder.path, 0o700)
        done = weft("serve", folder.path, "--user", "nobody", "--http", "127.0.0.1:0")
        expect(done.returncode == 1 and "can't open" in done.stderr, done)
        done = weft("serve", folder.path, "--user", "no-such-user", "--http", "127.0.0.1:0")
        expect(done.returncode == 2 and 'no "no-such-user"' in done.stderr, done)


def at_low_port(start):
    """What start("127.0.0.1:PORT") returns, at a port below 1024 that nobody has: others, the same
    test beside this one among them, may take one between a look and its use."""
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="utf-8") as file:
        if int(file.read()) < 1024:
            raise Skip("low ports need no privilege here")
    ports = random.sample(range(300, 1024), 40)
    for port in ports[:-1]:
        with contextlib.suppress(AssertionError):
            return start(f"127.0.0.1:{port}")
    return start(f"127.0.0.1:{ports[-1]}")


@case("what systemd gives for a low port is gone when the doors are open")
def _():
    nobody()
    if not shutil.which("setpriv"):
        raise Skip("no setpriv")
    with Owned("nobody") as folder, reachable() as program:
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                     "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")

        def start(address):
            server = subprocess.Popen(  # pylint: disable=consider-using-with
                [*as_nobody, program, "serve", folder.path, "--http", address, "--config", "none",
                 "--json"], stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
            server.line = server.stdout.readline()
            if not server.line:
                server.communicate()
            expect(server.line, "it did not start")
            return server

        with at_low_port(start) as server:
            try:
                facts = json.loads(server.line)
                if not facts["confined"]["calls"]:
                    raise Skip(f"not confined here: {facts['confined']}")
                for status in threads(server.pid):
                    expect(int(status["CapEff"], 16) == 0, status)
                    expect(int(status["CapAmb"], 16) == 0, status)
                    expect(status["Pid"] != str(server.pid) or int(status["CapPrm"], 16) == 0,
                           status)
            finally:
                server.terminate()
        expect(server.returncode == 0, server.returncode)


@contextlib.contextmanager
def reachable():
    """The program where everybody can run it."""
    folder = tempfile.mkdtemp(prefix="weft-test-")
    try:
        os.chmod(folder, 0o755)
        yield shutil.copy(WEFT, folder)
    finally:
        shutil.rmtree(folder)


@case("who is not root becomes nobody else")
def _():
    nobody()
    if not shutil.which("setpriv"):
        raise Skip("no setpriv")
    with Folder() as folder, reachable() as program:
        os.chmod(folder.top, 0o755)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", program, "serve", folder.path, "--user",
             "root", "--http", "127.0.0.1:0"], capture_output=True, text=True,
            timeout=PATIENCE_S, check=False, env={"PATH": os.environ["PATH"]})
        expect(done.returncode == 1 and "only root can become another user" in done.stderr, done)


if __name__ == "__main__":
    run()
