"""chatting.py - drives `weft serve --chat` for the tests: people who speak its lines.

	with House() as house, house.guest("mia") as mia, house.guest("bob") as bob:
		mia.ask("SAY lobby hello")
		expect(bob.event("message").text == "hello")

Never: a wait that is not for a line.
"""
import os
import re
import socket
import ssl
import time

from served import PATIENCE_S, Folder, Server, expect

# What comes before an event's text: words in their order.
WORDS = {
    "message": "room epoch seq time who", "file": "room epoch seq time who",
    "deleted": "room epoch seq time who number",
    "topic": "room epoch seq time who", "notice": "room epoch seq time who",
    "joined": "room count who", "left": "room count who", "count": "room count",
    "typing": "room who", "changed": "room", "gap": "room epoch from to",
    "entered": "room epoch last count", "exited": "room", "invited": "room who", "over": "",
    "room": "name epoch last read count flags", "member": "who flags",
    "client": "number who address door since rooms behind", "stat": "name number", "help": "",
}
UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def unescape(text):
    return re.sub(r"\\(?:u\{([0-9a-f]+)\}|([nrt\\]))",
                  lambda match: chr(int(match[1], 16)) if match[1] else UNESCAPED[match[2]], text)


class Said:
    """One line of the server: its tag, its first word, its words by name, its text."""

    def __init__(self, line):
        self.line = line
        match = re.fullmatch(r"(?:#(\S+) )?(\S+)(?: (.*))?", line)
        expect(match, f"no line of chat: {line!r}")
        self.tag, self.word, self.rest = match[1], match[2], match[3] or ""
        self.is_answer = self.word in ("OK", "NO")
        if not self.is_answer:
            expect(self.word in WORDS, f"an event that is not known: {line!r}")
            names = WORDS[self.word].split()
            parts = self.rest.split(" ", len(names))
            expect(len(parts) >= len(names), f"words are missing: {line!r}")
            for name, part in zip(names, parts):
                setattr(self, name, int(part) if re.fullmatch(r"\d{1,18}", part)
                        and name != "epoch" else part)
            self.text = unescape(parts[len(names)]) if len(parts) > len(names) else ""

    def __repr__(self):
        return f"<{self.line!r}>"


class Person:
    """A connection that speaks lines."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)
        self.bytes = b""
        self.waiting = []  # events that came before an answer
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else (text + "\n").encode())

    def line(self):
        """The next line as it is, without its newline; None at the end."""
        while b"\n" not in self.bytes:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                expect(self.bytes == b"", f"half a line: {self.bytes!r}")
                return None
            self.bytes += data
        line, _, self.bytes = self.bytes.partition(b"\n")
        return line.decode()

    def said(self):
        line = self.line()
        return None if line is None else Said(line)

    def event(self, *words):
        """The next event, of those words; others that come before are dropped."""
        while True:
            said = self.waiting.pop(0) if self.waiting else self.said()
            expect(said, f"it ended before {words}")
            if not words or said.word in words:
                return said

    def list(self, command):
        """The answer to a command, and the rows before it."""
        self.count += 1
        tag = f"t{self.count}-{os.getpid()}-{id(self)}"
        rows = []
        self.send(f"#{tag} {command}")
        while True:
            said = self.said()
            expect(said, f"it ended before the answer to {command}")
            if said.tag != tag:
                self.waiting.append(said)
            elif said.is_answer:
                return said, rows
            else:
                rows.append(said)

    def ask(self, command):
        return self.list(command)[0]

    def do(self, command):
        """A command that has to work: what stands behind its OK."""
        answer = self.ask(command)
        expect(answer.word == "OK", (command, answer))
        return answer.rest

    def refused(self, command):
        """The word that a command is refused with."""
        answer = self.ask(command)
        expect(answer.word == "NO", (command, answer))
        return answer.rest.split()[0]

    def at_end(self):
        """Whether the connection ends, after whatever is still said."""
        while self.line() is not None:
            pass
        return True


class House:
    """A server with rooms, and its shared folder."""

    prefix = ()

    def __init__(self, *options, state=None):
        self.options = ["--chat", "127.0.0.1:0", *options]
        if state:
            self.options += ["--state", state.path, "--hash-cost", "least"]

    def __enter__(self):
        self.folder = Folder().__enter__()
        self.server = Server(self.folder.path, *self.options, prefix=self.prefix)
        host, _, port = self.server.facts["chat"].rpartition(":")
        self.address = (host, int(port))
        return self

    def __exit__(self, *what):
        try:
            self.server.__exit__(*what)
        finally:
            self.folder.__exit__(*what)

    def kill(self):
        self.server.process.kill()
        self.server.process.communicate(timeout=PATIENCE_S)

    def connect(self, receive_buffer=0):
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(self.address)
        return Person(connection)

    def connect_tls(self, certificate):
        host, _, port = self.server.facts["chat-tls"].rpartition(":")
        context = ssl.create_default_context(cafile=certificate)
        return Person(context.wrap_socket(
            socket.create_connection((host, int(port))), server_hostname="localhost"))

    def guest(self, name, room="lobby", **options):
        person = self.connect(**options)
        person.do(f"GUEST {name}")
        if room:
            person.do(f"JOIN {room}")
        return person

    def guest_again(self, name):
        """A guest whose connection has ended just now: her name is free in a moment."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            person = self.connect()
            answer = person.ask(f"GUEST {name}")
            if answer.word == "OK":
                return person
            expect("name-taken" in answer.rest and time.monotonic() < deadline, answer)
            person.socket.close()

    def member(self, name, password, room="lobby"):
        person = self.connect()
        person.do(f"LOGIN {name} {password}")
        if room:
            person.do(f"JOIN {room}")
        return person
