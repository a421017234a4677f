"""chat_judged.py - what the judges of chat share: a server with all its doors, and peers that speak
by programs that others wrote.

	with Rooms() as rooms, Typist(NC, rooms.place) as mia:
		mia.types("L mia")
		mia.reads("OK")

A Typist is a program at a pipe: what is typed is a line, what it prints are lines, and `reads` says
which line is the next, word for word.

Never: a claim about time that a slow machine breaks: a peer waits for what must come; that nothing
came is shown by what comes next.
"""
import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import time

# pylint: disable=unused-import
from judged import Folder, Server, Skip, case, expect, need, run, tool  # noqa: F401
from accounted import PASSWORD, State  # noqa: F401  pylint: disable=wrong-import-order
from chatting import Person  # noqa: F401  pylint: disable=wrong-import-order
from served import PATIENCE_S, WEFT  # noqa: F401  pylint: disable=wrong-import-order

# Who types datagrams, and lines, by which command: {0} is the host, {1} the port.
UDP_TOOLS = {
    "netcat-openbsd's nc": "nc.openbsd -u {0} {1}",
    "netcat-traditional's nc": "nc.traditional -u {0} {1}",
    "ncat": "ncat -u {0} {1}",
    "socat": "socat - UDP:{0}:{1}",
}
TCP_TOOLS = {
    "netcat-openbsd's nc": "nc.openbsd {0} {1}",
    "netcat-traditional's nc": "nc.traditional {0} {1}",
    "ncat": "ncat {0} {1}",
    "socat": "socat - TCP:{0}:{1}",
}


def make_certificate(top):
    paths = [os.path.join(top, "own" + end) for end in (".pem", ".key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", paths[1], "-out", paths[0], "-days", "60", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True, timeout=PATIENCE_S)
    return paths


class Rooms:
    """
    `weft serve` with every door of chat. Told otherwise by options; state: with accounts.
    """

    def __init__(self, *options, state=None, prefix=(), at="127.0.0.1"):
        self.options, self.state, self.prefix, self.at = options, state, prefix, at

    def __enter__(self):
        self.folder = Folder().__enter__()
        self.certificate, key = make_certificate(self.folder.top)
        self.unix = os.path.join(self.folder.top, "chat.sock")
        options = ["--chat", f"{self.at}:0", "--chat", f"unix:{self.unix}", "--chat-tls",
                   f"{self.at}:0", "--tls-cert", self.certificate, "--tls-key", key, "--chat-web"]
        if self.state:
            options += ["--state", self.state.path, "--hash-cost", "least"]
        self.server = Server(self.folder.path, *options, *self.options, prefix=self.prefix,
                             http=f"{self.at}:0")
        self.place = self.address("chat")
        self.tls = self.address("chat-tls")
        self.web = self.address("http")
        return self

    def __exit__(self, *what):
        try:
            self.server.__exit__(*what)
        finally:
            self.folder.__exit__(*what)

    def address(self, kind):
        host, _, port = self.server.facts[kind].rpartition(":")
        return host, int(port)

    def person(self, door="tcp"):
        """Python, by lines: for what is not judged itself."""
        if door == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.unix)
        else:
            connection = socket.create_connection(self.place)
        return Person(connection)

    def guest(self, name, door="tcp"):
        person = self.person(door)
        person.do(f"GUEST {name}")
        person.do("JOIN lobby")
        return person

    def member(self, name, door="tcp"):
        person = self.person(door)
        person.do(f"LOGIN {name} {PASSWORD}")
        person.do("JOIN lobby")
        return person

    def memory_kib(self):
        """What the server has in memory now."""
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def cpu_s(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Typist:
    """A program at a pipe."""

    def __init__(self, command, *address, **options):
        if isinstance(command, str):
            command = command.format(*address).split()
        need(command[0])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, LC_ALL="C.UTF-8"), **options)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def types(self, *lines):
        for line in lines:
            data = line if isinstance(line, bytes) else line.encode()
            self.process.stdin.write(data + b"\n")
            self.process.stdin.flush()

    def has_line(self, patience_s):
        """Whether there is a line, read or not, within so many seconds."""
        until = time.monotonic() + patience_s
        while b"\n" not in self.bytes:
            left = until - time.monotonic()
            if left < 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return False
            self.bytes += data
        return True

    def line(self, patience_s=PATIENCE_S):
        expect(self.has_line(patience_s), f"no line came; {self.bytes!r}")
        line, _, self.bytes = self.bytes.partition(b"\n")
        return line.decode()

    def reads(self, *texts):
        """These lines come next, word for word."""
        for text in texts:
            got = self.line()
            expect(got == text, f"{got!r}, not {text!r}")

    def finds(self, pattern):
        """The next line that is such; others are passed over."""
        while True:
            line = self.line()
            found = re.fullmatch(pattern, line)
            if found:
                return found

    def asks(self, text, *answers):
        self.types(text)
        self.reads(*answers)

    def at_end(self):
        """Whether the program ends now, as the peer has: nc waits for both its ends."""
        self.process.stdin.close()
        self.process.stdin = None
        return self.process.wait(PATIENCE_S) is not None


class Datagrams:
    """A Python socket, with or without newlines; it hears the server only."""

    def __init__(self, address, own=None, end=b""):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        if own:
            self.socket.bind((own, 0))
        self.socket.connect(address)
        self.end = end

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def types(self, *texts):
        for text in texts:
            data = text if isinstance(text, bytes) else text.encode()
            self.socket.send(data + self.end)

    def line(self, patience_s=PATIENCE_S):
        self.socket.settimeout(patience_s)
        data = self.socket.recv(65536)
        expect(data.endswith(b"\n") == bool(self.end) and data.count(b"\n") == len(self.end), data)
        return data[:len(data) - len(self.end)].decode()

    reads, asks = Typist.reads, Typist.asks

    def drain(self):
        """All that is there, and has not been read."""
        lines = []
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(self.socket.recv(65536))
        return lines


class Screen:
    """A program in tmux, for somebody who types and looks."""

    def __init__(self, command):
        need("tmux")
        self.name = f"judge-{os.getpid()}-{id(self)}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50", command)

    def tmux(self, *words):
        done = tool("tmux", "-L", self.name, *words)
        expect(done.returncode == 0, f"tmux {words}: {done}")
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        tool("tmux", "-L", self.name, "kill-server")

    def types(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def text(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-2000")

    def finds(self, pattern):
        """It is on the screen, or will be."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = re.search(pattern, self.text())
            if found:
                return found
            expect(time.monotonic() < until, f"{pattern!r} is not there:\n{self.text()}")
            time.sleep(0.1)


def bare(address):
    """Python's datagrams, without a newline; and with one, as nc does."""
    return Datagrams(address), Datagrams(address, end=b"\n")


def come_in(peer, name):
    """By datagrams, however long another's end of that name takes; or the pace of answers."""
    until = time.monotonic() + PATIENCE_S
    while True:
        peer.types(f"L {name}")
        with contextlib.suppress(TimeoutError):
            answer = peer.line(0.5)
            if answer == "OK":
                return peer
            expect(answer == "this name is taken", answer)
        expect(time.monotonic() < until, f"{name} does not come in")
        time.sleep(0.1)


def each(tools, name):
    """A case for each tool: one that is missing is skipped by its name."""
    def keep(function):
        for label, command in tools.items():
            case(f"{label}: {name}")(lambda command=command: function(command))
        return function

    return keep


sys.stdout.reconfigure(line_buffering=True)
