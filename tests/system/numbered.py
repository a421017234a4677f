"""numbered.py - lines that show whether they are whole, clients that send them, and what must
have become of them.

	clients = [Client(f"c{i}", collector.connect(), 100) for i in range(10)]
	for sender in clients:
		sender.end()
	expect_all(collector.lines(), clients)
"""
import glob
import re
import threading
import time
import zlib

from collected import expect, finish, lines_of


def numbered(name, number):
    """A line that says whose it is, which, and, by a checksum, that it is whole."""
    body = f"{name} {number} " + "x" * (number * 7 % 200)
    return f"{body} {zlib.crc32(body.encode()):08x}\n".encode()


def numbers_by_name(lines):
    """Of each client its numbers, in the order of the file; every line must be whole."""
    found = {}
    for line in lines:
        body, _, checksum = line.text.rpartition(" ")
        expect(re.fullmatch("[0-9a-f]{8}", checksum) and
               int(checksum, 16) == zlib.crc32(body.encode()), f"a mixed line: {line}")
        name, number, _ = body.split(" ", 2)
        found.setdefault((name, line.source), []).append(int(number))
    return {name: numbers for (name, _), numbers in found.items()}


class Client(threading.Thread):
    """Sends numbered lines until it is told to stop, or so many; then waits for the end."""

    def __init__(self, name, peer, count=None):
        super().__init__()
        self.name, self.peer, self.count = name, peer, count
        self.sent, self.is_over, self.error = 0, False, None
        self.start()

    def run(self):
        try:
            while not self.is_over and self.sent != self.count:
                last = self.sent + 1 + self.sent % 17
                if self.count:
                    last = min(last, self.count)
                self.peer.sendall(b"".join(numbered(self.name, i)
                                           for i in range(self.sent, last)))
                self.sent = last
                if not self.count:
                    time.sleep(0.0005)  # who watches has a turn too, before there are millions
            finish(self.peer)
        except OSError as error:
            self.error = error
        self.peer.close()

    def end(self):
        """Let it send its count, if it has one, and wait until all of that is in the file."""
        self.is_over = self.count is None
        self.join()
        expect(not self.error, f"{self.name}: {self.error}")


def all_lines(collector):
    """Of all files, the oldest first."""
    old = glob.glob(collector.path + ".*")
    old.sort(key=lambda path: -int(path.rpartition(".")[2]))
    return [line for path in old + [collector.path] for line in lines_of(path)]


def expect_all(lines, clients):
    found = numbers_by_name(lines)
    for sender in clients:
        numbers = found.get(sender.name, [])
        expect(numbers == list(range(sender.sent)),
               f"{sender.name} sent {sender.sent}, and there are {len(numbers)}")


def tcp_rows(port):
    """State and receive queue of each socket of that port."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [row.split() for row in table][1:]
    return [(row[3], int(row[4].split(":")[1], 16)) for row in rows
            if int(row[1].split(":")[1], 16) == port]


def in_queue(port):
    """Bytes that lie in the receive queues of connections to that port, read by nobody yet."""
    return sum(queue for state, queue in tcp_rows(port) if state == "01")


def in_backlog(port):
    """Connections to that port that nobody has accepted yet."""
    return sum(queue for state, queue in tcp_rows(port) if state == "0A")
