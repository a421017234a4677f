#!/usr/bin/env python3
# check: waits
"""test_serve_takeover.py - servers that take each other's place, with one --state between them.

Each is started as a service manager would: with the listeners that all of them have, and a socket
to be told by. What has been acknowledged by one is there at the next, and nobody is refused.
"""
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

sys.path.insert(0, os.path.dirname(__file__))
from accounted import PASSWORD, State  # noqa: E402
from chatting import Person  # noqa: E402
from served import PATIENCE_S, WEFT, Folder, Server, case, expect, run, weft  # noqa: E402

REPLACEMENTS = 3
HANDED = ["--http", "fd:web", "--chat", "fd:chat", "--workers", "1", "--hash-cost", "least"]


class Manager:
    """The listeners, and the folders."""

    def __enter__(self):
        self.folder, self.state = Folder().__enter__(), State().__enter__()
        self.state.add("ann", PASSWORD, "--role", "admin")
        self.token = self.state.token("ann")
        with open(os.path.join(self.folder.path, "a.txt"), "w") as file:
            file.write("hello")
        self.web = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.chat = socket.create_server(("127.0.0.1", 0), backlog=100)
        return self

    def __exit__(self, *what):
        self.web.close()
        self.chat.close()
        self.folder.__exit__(*what)
        self.state.__exit__(*what)

    @contextmanager
    def server(self, *options):
        server = Served(self, *options)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.communicate()
            server.notes.close()

    def person(self):
        return Person(socket.create_connection(self.chat.getsockname(), timeout=PATIENCE_S))

    def guest(self, name):
        person = self.person()
        person.do(f"GUEST {name}")
        person.do("JOIN lobby")
        return person

    def ask(self, method, name, body=b"", fields=""):
        """One request over a connection of its own: all that comes."""
        with socket.create_connection(self.web.getsockname(), timeout=PATIENCE_S) as peer:
            peer.sendall(f"{method} /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                         f"Content-Length: {len(body)}\r\n{fields}\r\n".encode() + body)
            answer = b""
            while data := peer.recv(65536):
                answer += data
        return answer

    def ask_as_ann(self, method, name, body=b""):
        return self.ask(method, name, body, f"Authorization: Bearer {self.token}\r\n")


class Served:
    """One server, whose words to its manager are heard."""

    def __init__(self, manager, *options):
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notes.bind("")
        self.notes.settimeout(PATIENCE_S)
        # Out of the way of the numbers 3 and 4, which they get in the shell.
        fds = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in (manager.web, manager.chat)]
        script = ('exec 3<&"$0" 4<&"$1"; shift; '
                  'export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:chat; exec "$@"')
        name = self.notes.getsockname()
        self.process = subprocess.Popen(
            ["bash", "-c", script, *map(str, fds), WEFT, "serve", manager.folder.path, *HANDED,
             "--state", manager.state.path, *options],
            pass_fds=fds, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, NOTIFY_SOCKET="@" + name[1:].decode()))
        for fd in fds:
            os.close(fd)

    def await_note(self, pattern):
        while not re.search(pattern, note := self.notes.recv(4096).decode()):
            pass
        return note

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        expect(self.process.returncode == 0, (self.process.returncode, errors))
        return errors


class Visitors:
    """Who ask for a file all the time, as long as it lasts."""

    def __init__(self, manager):
        self.manager = manager
        self.is_over = False
        self.answers, self.bad = 0, []
        self.thread = threading.Thread(target=self.ask)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()

    def ask(self):
        while not self.is_over:
            try:
                began = time.monotonic()
                answer = self.manager.ask("GET", "a.txt")
            except OSError as error:
                answer = repr(error).encode()
            # A request that comes late, because this machine has let us stand, is not waited for.
            if not answer and time.monotonic() - began >= 0.1:
                continue
            if answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\nhello"):
                self.answers += 1
            else:
                self.bad.append(answer)


def said(person):
    """The texts of the lobby, in order, and their numbers."""
    _, rows = person.list("HISTORY lobby")
    return [(row.seq, row.text) for row in rows if row.word == "message"]


def take_place(manager, turn, server, later, texts):
    """One server gives way to the next, with the rooms; texts is what was said in them."""
    with manager.guest(f"mia{turn}") as mia:
        mia.do(f"SAY lobby first {turn}")
        # It is ready to take the place, and nothing has changed for who is here.
        expect("waiting" in later.await_note("READY=1"), "it does not wait")
        mia.do(f"SAY lobby second {turn}")
        put = manager.ask_as_ann("PUT", f"{turn}.txt", b"put")
        expect(put.startswith(b"HTTP/1.1 201 "), put)
        texts += [f"first {turn}", f"second {turn}"]
        server.stop()
        expect(mia.at_end(), "it goes on")
    later.await_note("STATUS=serving")
    later.await_note("READY=1")
    # She is known here, too, and what she has put is there.
    expect(manager.ask_as_ann("GET", f"{turn}.txt").endswith(b"\r\n\r\nput"), "the file")
    expect(manager.ask_as_ann("GET", "api/v1/me").startswith(b"HTTP/1.1 200 "), "who she is")
    with manager.guest(f"bob{turn}") as bob:
        rows = said(bob)
    expect([text for _, text in rows] == texts, rows)
    numbers = [number for number, _ in rows]
    expect(numbers == sorted(set(numbers)), rows)


@case("a server takes another's place with its rooms: what was said is there, nobody is refused")
def _():
    with Manager() as manager, ExitStack() as servers:
        server = servers.enter_context(manager.server())
        server.await_note("READY=1")
        texts = []
        with Visitors(manager) as visitors:
            for turn in range(REPLACEMENTS):
                later = servers.enter_context(manager.server())
                take_place(manager, turn, server, later, texts)
                server = later
        expect(visitors.answers > 0 and not visitors.bad, visitors.bad[:3])
        expect("waiting for its end" in server.stop(), "it did not say why it waited")


@case("one that waits for the rooms ends by SIGTERM, and the one that has them goes on")
def _():
    with Manager() as manager, manager.server() as server:
        server.await_note("READY=1")
        with manager.server() as later:
            later.await_note("waiting")
            later.process.terminate()
            later.process.communicate(timeout=PATIENCE_S)
        with manager.guest("mia") as mia:
            mia.do("SAY lobby hello")
        server.stop()


@case("a server that is killed has let go of its rooms, and the one that waits has them")
def _():
    with Manager() as manager, manager.server() as server:
        server.await_note("READY=1")
        with manager.guest("mia") as mia, manager.server() as later:
            later.await_note("waiting")
            mia.do("SAY lobby hello")
            server.process.kill()
            later.await_note("STATUS=serving")
            with manager.guest("bob") as bob:
                expect([text for _, text in said(bob)] == ["hello"], "what was said is lost")
            later.stop()


@case("a second server to which nothing was handed over refuses, and says why")
def _():
    with Manager() as manager, manager.server() as server:
        server.await_note("READY=1")
        done = weft("serve", manager.folder.path, "--http", "127.0.0.1:0", "--chat",
                    "127.0.0.1:0", "--hash-cost", "least", "--state", manager.state.path)
        expect(done.returncode == 1, done)
        expect("another server has them open" in done.stderr, done.stderr)
        # Without rooms they share the state.
        with Server(manager.folder.path, "--state", manager.state.path, "--hash-cost",
                    "least") as other:
            expect(other.get("/").status == 200 or other.get("/").status == 401, "no answer")
        server.stop()


sys.exit(run())
