"""lossy.py - for the judges of chat: networks that lose, double, delay and reorder, by a seed; and
a client that lives with that as docs/chat-protocol.md says: it repeats L and Q until the answer.
"""
import heapq
import random
import re
import select
import socket
import threading
import time

from chat_judged import PATIENCE_S, expect

# How long the client waits for an answer before it asks again.
AGAIN_S = 0.15

# What the server lets one member say in a second, and some.
PACE_S = 0.21


class Relay(threading.Thread):
    """
    A port of ours that leads to the server's, both ways over a bad network; each client has an
    address of its own at the server.
    """

    def __init__(self, server, seed, lost=0.3, doubled=0.0, late_s=0.0):
        super().__init__(daemon=True)
        self.chance = random.Random(seed)
        self.lost, self.doubled, self.late_s = lost, doubled, late_s
        self.server = server
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.place = self.front.getsockname()
        self.backs, self.clients = {}, {}
        self.under_way, self.serial = [], 0
        self.counts = {"passed": 0, "lost": 0, "doubled": 0}
        self.is_over = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()
        for each in (self.front, *self.backs.values()):
            each.close()

    def back_of(self, client):
        if client not in self.backs:
            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.connect(self.server)
            self.backs[client], self.clients[back] = back, client
        return self.backs[client]

    def pass_on(self, send, data):
        """To be sent some time, or not, or twice."""
        if self.chance.random() < self.lost:
            self.counts["lost"] += 1
            return
        copies = 1 + (self.chance.random() < self.doubled)
        self.counts["doubled"] += copies - 1
        for _ in range(copies):
            self.serial += 1
            at = time.monotonic() + self.chance.random() * self.late_s
            heapq.heappush(self.under_way, (at, self.serial, send, data))

    def run(self):
        while not self.is_over:
            wait = self.under_way[0][0] - time.monotonic() if self.under_way else 0.1
            ready, _, _ = select.select([self.front, *self.clients], [], [], min(max(wait, 0), 0.1))
            for one in ready:
                try:
                    data, sender = one.recvfrom(65536)
                except OSError:
                    continue
                if one is self.front:
                    self.pass_on(self.back_of(sender).send, data)
                else:
                    client = self.clients[one]
                    self.pass_on(lambda data, to=client: self.front.sendto(data, to), data)
            while self.under_way and self.under_way[0][0] <= time.monotonic():
                _, _, send, data = heapq.heappop(self.under_way)
                self.counts["passed"] += 1
                try:
                    send(data)
                except OSError:
                    pass


class Patient:
    """A program that speaks the datagrams over a bad network."""

    def __init__(self, peer, name):
        self.peer, self.name = peer, name
        self.heard = []
        self.tries = {"L": 0, "Q": 0}
        self.said = 0

    def take(self, wait_s):
        """One datagram, or None."""
        try:
            self.heard.append(self.peer.line(wait_s))
            return self.heard[-1]
        except TimeoutError:
            return None

    def repeat(self, text, wanted, again=None):
        """Send it until that answer comes; `again`: what answers tell to send instead."""
        until = time.monotonic() + PATIENCE_S
        verb = text[0]
        self.tries[verb] = 0
        while True:
            expect(time.monotonic() < until, f"no {wanted} to {text}")
            self.tries[verb] += 1
            self.peer.types(text)
            wait_until = time.monotonic() + AGAIN_S
            while (left := wait_until - time.monotonic()) > 0:
                got = self.take(left)
                if got == wanted:
                    return
                if again and got and got.startswith(again):
                    text = got.removeprefix("send: ")
                    break

    def enter(self):
        self.repeat(f"L {self.name}", "OK", f"send: L {self.name} ")

    def leave(self):
        self.repeat(f"Q {self.name}", "EXIT")

    def say(self, count):
        """Texts with numbers, each once: there is no answer to wait for."""
        for _ in range(count):
            self.said += 1
            self.peer.types(f"C {self.name} number {self.said}")
            time.sleep(PACE_S)

    def heard_of(self, name):
        """The numbers that another said, as they came."""
        while self.take(0.5):
            pass
        numbers = [int(found[1]) for line in self.heard
                   if (found := re.fullmatch(f"{name}: number (\\d+)", line))]
        self.heard.clear()
        return numbers
