"""collected.py - drives `weft collect` for the tests: starts it, reads what it recorded.

	with Collector() as collector:
		collector.send_tcp(b"hello\\n")
		expect(collector.wait(1)[0].text == "hello")

A Collector has a folder of its own, and is stopped by its own pid; then whatever it said on
stderr must have been expected. `send_tcp` returns when the collector has closed in order,
which tells that all of it is in the file.

Never: a fixed port, or a wait that is not for something.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from served import PATIENCE_S, WEFT, Skip, case, expect, run, weft  # noqa: F401

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)) (\S+) (.*)",
                  re.DOTALL)


class Line:
    """One line of the file."""

    def __init__(self, raw):
        match = LINE.fullmatch(raw.decode())
        expect(match, f"no line of the collector: {raw!r}")
        self.stamp, self.source, self.text = match.groups()

    def __repr__(self):
        return f"<{self.source} {self.text!r}>"


def lines_of(path, is_live=False):
    """All lines of a file, which ends with a whole one, unless it is being written."""
    with open(path, "rb") as file:
        content = file.read()
    if is_live:
        content = content[:content.rfind(b"\n") + 1]
    expect(content == b"" or content.endswith(b"\n"), f"a torn line: {content[-100:]!r}")
    return [Line(raw) for raw in content.split(b"\n")[:-1]]


def until(fact, what="it"):
    """Wait until fact() is true, and return what it returned."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        result = fact()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen")


class Collector:
    """`weft collect` on free ports of the loopback, and on sockets in its folder."""

    def __init__(self, *options, folder=None, wrapper=(), stdin=subprocess.DEVNULL,
                 complains=False):
        self.complains, self.keep = complains, folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="weft-test-")
        self.path = os.path.join(self.folder, "log")
        self.stream, self.datagram = self.at("stream"), self.at("datagram")
        self.said = b""
        command = [*wrapper, WEFT, "collect", self.path, "--json", "--workers", "2"]
        for option, value in (("--tcp", "127.0.0.1:0"), ("--udp", "127.0.0.1:0"),
                              ("--unix", self.stream), ("--unix-dgram", self.datagram)):
            if option not in options:
                command += [option, value]
        self.process = subprocess.Popen(command + list(options), stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self.listen)
        self.reader.start()
        first = self.process.stdout.readline()
        expect(first, f"it did not start: {self.said}")
        self.facts = json.loads(first)
        self.tcp = port_of(self.facts["tcp"])
        self.udp = port_of(self.facts["udp"])

    def listen(self):
        """Gather what it says on stderr, as it says it."""
        while data := os.read(self.process.stderr.fileno(), 4096):
            self.said += data

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if self.process.poll() is None:
                self.stop()
            self.reader.join()
            if kind is None and not self.complains:
                expect(self.process.returncode == 0, f"{self.process.returncode}: {self.said}")
                expect(self.said == b"", f"it complained: {self.said.decode()}")
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.stdout.close()
            if not self.keep:
                shutil.rmtree(self.folder)

    def at(self, name):
        return os.path.join(self.folder, name)

    def stop(self, number=signal.SIGTERM):
        """Stop it, and return the counts that it printed last."""
        self.process.send_signal(number)
        printed = self.process.stdout.read()
        self.process.wait(PATIENCE_S)
        self.reader.join()
        self.process.stderr.close()
        return json.loads(printed.splitlines()[-1]) if printed else None

    def counts(self):
        """What it has done so far."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    # ---- What it recorded ---------------------------------------------------------------------

    def lines(self):
        return lines_of(self.path, is_live=self.process.poll() is None)

    def texts(self):
        return [line.text for line in self.lines()]

    def wait(self, count):
        """The lines, when there are so many."""
        def there():
            with open(self.path, "rb") as file:
                return file.read().count(b"\n") >= count
        until(there, f"line {count}")
        return self.lines()

    def wait_said(self, text):
        until(lambda: text.encode() in self.said, f"the word \"{text}\"")

    # ---- Sending ------------------------------------------------------------------------------

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.tcp), PATIENCE_S)

    def connect_unix(self):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE_S)
        peer.connect(self.stream)
        return peer

    def send_tcp(self, data):
        """Send it, end, and wait until all of it is in the file."""
        with self.connect() as peer:
            peer.sendall(data)
            finish(peer)

    def send_udp(self, data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(data, ("127.0.0.1", self.udp))


def finish(peer):
    """End our direction; the peer's end says that it has all of it."""
    peer.shutdown(socket.SHUT_WR)
    expect(peer.recv(1) == b"", "it answered")


def port_of(addresses):
    return int(addresses[0].rpartition(":")[2]) if addresses else 0


def client(*command, data=None):
    """Run a client that is not ours, to its end."""
    done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE_S, check=False)
    expect(done.returncode == 0, f"{command}: {done.returncode} {done.stderr}")
