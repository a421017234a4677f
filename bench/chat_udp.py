#!/usr/bin/env python3
"""chat_udp.py - what it costs `weft serve --chat` to send a text to all who are in by datagrams.

	bench/chat_udp.py [members...]		after `make`; default: 200 5000

Beside it, in turn, runs bench/limit/udp_fan, which does no more than sendmmsg(2) for it. CPU is the
server's own, user and system, of all its threads, from the first text said until all have come;
texts have 64 bytes. The ratio is the median of the rounds' ratios.
"""
import glob
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time

ROUNDS = 5
DELIVERIES = 40_000
# Of one address so many may ask at once, and so many guests be here.
MEMBERS_OF_ADDRESS = 40
PATIENCE_S = 20


class Weft:
    name = "weft"

    def __init__(self):
        self.process = subprocess.Popen(
            ["build/weft", "serve", ".", "--http", "127.0.0.1:0", "--chat", "127.0.0.1:0", "--json",
             "--workers", os.environ.get("WORKERS", "1")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        facts = json.loads(self.process.stdout.readline())
        self.port = int(facts["chat"].rpartition(":")[2])


class Bare:
    name = "bare"

    def __init__(self):
        self.process = subprocess.Popen(["build/limit/udp_fan"], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())


def cpu_ns(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


class Room:
    """A server with members in it."""

    def __init__(self, server, count):
        self.server, self.members = server, []
        self.texts = max(8, DELIVERIES // count)
        for number in range(count):
            member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            member.bind((f"127.0.1.{1 + number // MEMBERS_OF_ADDRESS}", 0))
            member.connect(("127.0.0.1", server.port))
            member.settimeout(PATIENCE_S)
            self.members.append(member)
            member.send(b"L m%d" % number)
            # Others come meanwhile, and are told of.
            while member.recv(2048) != b"OK":
                pass
            member.setblocking(False)
        self.drain(1)

    def drain(self, quiet_s, wanted=None):
        """Read all that comes until nothing does, or it is enough: how many texts."""
        poll, texts = select.epoll(), 0
        by_fd = {member.fileno(): member for member in self.members}
        for fd in by_fd:
            poll.register(fd, select.EPOLLIN)
        while wanted is None or texts < wanted:
            events = poll.poll(quiet_s)
            if not events:
                break
            for fd, _ in events:
                try:
                    while True:
                        texts += b"\x78" * 50 in by_fd[fd].recv(2048)
                except BlockingIOError:
                    pass
        poll.close()
        return texts

    def round(self):
        """CPU per delivery, in ns."""
        before, wanted = cpu_ns(self.server.process.pid), 0
        for number in range(self.texts):
            speaker = number % len(self.members)
            self.members[speaker].send(b"C m%d " % speaker + b"x" * 58)
            wanted += len(self.members) - 1
            if number % 8 == 7:
                self.drain(0.5, wanted)
                wanted = 0
        self.drain(0.5, wanted)
        time.sleep(0.05)
        used = cpu_ns(self.server.process.pid) - before
        return used / (self.texts * (len(self.members) - 1))

    def end(self):
        for member in self.members:
            member.close()
        self.server.process.terminate()
        self.server.process.wait(PATIENCE_S)


def measure(count):
    rooms = [Room(Weft(), count), Room(Bare(), count)]
    rounds = []
    for room in rooms:
        room.round()
    for _ in range(ROUNDS):
        rounds.append([room.round() for room in rooms])
        time.sleep(2)
    for room in rooms:
        room.end()
    weft, bare = (statistics.median(one) for one in zip(*rounds))
    ratio = statistics.median(one[0] / one[1] for one in rounds)
    print(f"chat-udp-{count}: {weft:.0f} ns each, bare {bare:.0f} ns, ratio {ratio:.2f}")


for members in [int(argument) for argument in sys.argv[1:]] or [200, 5000]:
    measure(members)
