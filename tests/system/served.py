"""served.py - drives `weft serve` for the tests: starts it, speaks raw HTTP to it, stops it.

	with Folder() as folder, Server(folder.path) as server:
		folder.write("a.txt", "hello")
		reply = server.get("/a.txt")
		expect(reply.status == 200)

A Server is stopped by its own pid. What a test sends is bytes, written out, so that a
test of the protocol does not depend on what a client library thinks of it.

Never: a fixed port, or a wait that is not for something.
"""
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))

from tap import Skip, case, expect, run  # noqa: E402,F401  pylint: disable=unused-import

WEFT = os.path.join(os.environ.get("WEFT_BUILD", "build"), "weft")

# What the servers run on; not set: fibers (test_http_models.py sets it).
MODEL = os.environ.get("WEFT_TEST_MODEL", "")

# What a server has open is looked up in /proc, which else only root may.
if os.geteuid() != 0:
    os.environ.setdefault("WEFT_SERVE_ALLOW_DUMPS", "yes")

# Longest wait for anything that must happen; a test that passes never waits so long.
PATIENCE_S = 60


def has_ipv6():
    """Whether this machine's loopback has an address of it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def marked(port):
    """A socket that says to the other tests that the port is ours; None: it is theirs."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0weft-test-port-{port}")
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as tried:
                tried.bind(("127.0.0.1", port))
        return mark
    except OSError:
        mark.close()
        return None


@contextlib.contextmanager
def reserved_port():
    """A port for who has to be told one, or has to have it again: the kernel gives it to nobody
    who asks for any, and no other test asks for it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first_given = int(file.read().split()[0])
    mark = None
    while not mark:
        port = random.randrange(10000, max(first_given, 20000))
        mark = marked(port)
    with mark:
        yield port


def on_a_slow_machine(attempt, *times_s):
    """Call attempt(time) with longer and longer times until it holds: for deadlines that a test
    has to keep to itself before the server misses them."""
    for time_s in times_s[:-1]:
        try:
            return attempt(str(time_s))
        except (AssertionError, AttributeError, OSError):
            print(f"# once more, {time_s} was too little")
    return attempt(str(times_s[-1]))


class Folder:
    """A folder to share, gone afterwards."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="weft-test-")
        self.path = os.path.join(self.top, "shared")
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)

    def at(self, name):
        return os.path.join(os.fsencode(self.path), os.fsencode(name))

    def write(self, name, content=b""):
        if isinstance(content, str):
            content = content.encode()
        path = self.at(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path


class Reply:
    """One parsed answer."""

    def __init__(self, status, fields, body, head):
        self.status, self.fields, self.body, self.head = status, fields, body, head

    def __getitem__(self, name):
        return self.fields.get(name.lower())

    def __repr__(self):
        return f"<{self.head!r} {self.body[:80]!r}>"


class Connection:
    """A raw connection with the bytes that were received and not used yet."""

    def __init__(self, address, family=socket.AF_INET):
        self.socket = socket.socket(family)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(address)
        self.buffer = bytearray()  # it grows in place: bodies are megabytes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Receive more; False at the end."""
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def take(self, length):
        """So many of the bytes that were received."""
        taken = bytes(self.buffer[:length])
        del self.buffer[:length]
        return taken

    def reply(self, head_only=False):
        """The next answer, or None when the peer has closed without one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                expect(self.buffer == b"", f"a head without its end: {self.buffer!r}")
                return None
        head = self.take(self.buffer.index(b"\r\n\r\n") + 4)[:-4]
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", lines[0])
        expect(match, f"no status line: {lines[0]!r}")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            expect(name.lower() not in fields, f"{name} is there twice")
            fields[name.lower()] = value
        status = int(match[1])
        length = 0 if head_only or status in (204, 304) else int(fields["content-length"])
        while len(self.buffer) < length:
            expect(self.fill(), "the body is cut short")
        return Reply(status, fields, self.take(length), head)

    def at_end(self):
        """Whether the peer closes now, in order, without another byte."""
        return self.buffer == b"" and self.socket.recv(1) == b""


class Server:
    """`weft serve` on a free port of the loopback."""

    may_say = None  # on stderr, in every line; None: nothing

    def __init__(self, folder, *options, http="127.0.0.1:0", workers=2, session=False,
                 prefix=()):
        command = [*prefix, WEFT, "serve", folder, "--http", http, "--json"]
        if "--model" not in options:
            command += ["--model", MODEL] if MODEL else ["--workers", str(workers)]
        # The tests' requests are for any host; those of hosts say themselves which are served.
        if not {"--host", "--redirect-https"} & set(options) and http[:5] not in ("none", "unix:"):
            command += ["--host", "*"]
        self.process = subprocess.Popen(
            command + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=session)
        line = self.process.stdout.readline()
        expect(line, "it did not start")
        self.facts = json.loads(line)
        self.address = self.facts["http"]
        host, _, port = self.address.rpartition(":")
        self.host, self.port = host.strip("[]"), int(port) if port.isdigit() else 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            _, errors = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            expect(self.process.returncode == 0,
                   f"it ended with {self.process.returncode}: {errors.decode()}")
            expect(all(self.may_say and self.may_say in line for line in errors.splitlines()),
                   f"it complained: {errors.decode()}")

    def connect(self):
        return Connection((self.host, self.port))

    def ask(self, request, head_only=False):
        """Send bytes on a connection of their own; the first answer."""
        with self.connect() as connection:
            connection.send(request)
            return connection.reply(head_only)

    def get(self, target, *fields, method="GET"):
        """One request, whatever the target."""
        target = target.encode() if isinstance(target, str) else target
        more = "".join(field + "\r\n" for field in fields).encode()
        request = b"%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n" % (method.encode(), target, more)
        return self.ask(request, head_only=method == "HEAD")


def weft(*arguments, **options):
    """Run `weft` to its end."""
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, **options)
