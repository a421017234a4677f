#!/usr/bin/env python3
"""judge_chat_attack.py - chat under attack: floods, strangers by the hundred thousand, what is no
datagram, line or frame, connections that say nothing. While it goes on, others talk and feel
nothing: each attack is beside two members who do.
"""
import base64
import http.client
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

from chat_judged import (PATIENCE_S, Datagrams, Rooms, Skip, case, expect, run)

# What one member is to wait for another's word while somebody attacks. The attacker, the server
# and they share two processors, or fewer.
WAIT_MAX_S = 2

CONNECTIONS = 8000


class Talk(threading.Thread):
    """Two members, by lines and by datagrams, who talk all the time; how long each word took."""

    def __init__(self, rooms):
        super().__init__(daemon=True)
        self.waits, self.failure, self.is_over = [], None, False
        self.speaker = rooms.guest("speaker", "unix")
        self.listener = Datagrams(rooms.place, "127.77.0.1")
        self.listener.asks("L listener", "OK")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()
        self.speaker.socket.close()
        self.listener.socket.close()
        expect(not self.failure, f"while it was attacked: {self.failure!r}")
        expect(self.waits and max(self.waits) < WAIT_MAX_S, f"waited {max(self.waits)} s")
        print(f"# {len(self.waits)} words beside it, each in {max(self.waits) * 1000:.0f} ms at "
              "most")

    def run(self):
        try:
            number = 0
            while not self.is_over:
                number += 1
                begun = time.monotonic()
                self.speaker.do(f"SAY lobby word {number}")
                while self.listener.line() != f"speaker: word {number}":
                    pass
                self.waits.append(time.monotonic() - begun)
                time.sleep(0.05)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure


def from_anywhere(place, numbers, text):
    """A datagram from each of as many addresses of this machine, by one socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("0.0.0.0", 0))
        for number in numbers:
            own = bytes((127, 128 + (number >> 16), number >> 8 & 255, number & 255))
            fact = struct.pack("i4s4s", 0, own, bytes(4))
            sender.sendmsg([text], [(socket.IPPROTO_IP, socket.IP_PKTINFO, fact)], 0, place)


@case("100,000 strangers by datagrams: memory stays, and members talk on")
def _():
    if not hasattr(socket, "IP_PKTINFO"):
        socket.IP_PKTINFO = 8
    with Rooms() as rooms, Talk(rooms):
        from_anywhere(rooms.place, range(10000), b"hello")
        before, cpu = rooms.memory_kib(), rooms.cpu_s()
        from_anywhere(rooms.place, range(10000, 100000), b"hello")
        grown, cpu = rooms.memory_kib() - before, rooms.cpu_s() - cpu
        expect(grown < 8192, f"{grown} KiB for 90,000 strangers")
        print(f"# {grown} KiB and {cpu:.2f} s of CPU for 90,000 strangers")


@case("a member who floods is late, then not heard, then out, for a minute; others go on")
def _():
    with Rooms() as rooms, Talk(rooms), Datagrams(rooms.place, "127.1.1.1") as eve:
        eve.asks("L eve", "OK")
        for number in range(2000):
            eve.types(f"C eve {number}")
        lines = []
        while "SERVER: you are out: too many messages" not in lines:
            lines.append(eve.line())
        expect("SERVER: not so fast: this was not said" in lines, lines)
        time.sleep(6)  # those who are not in are answered ten times in a second
        eve.drain()
        eve.asks("L eve", "you were too fast: wait a minute")


@case("datagrams of all lengths and bytes: each is refused, or does no harm")
def _():
    chance = random.Random(1)
    with Rooms() as rooms, Talk(rooms), Datagrams(rooms.place) as witness:
        witness.asks("L witness", "OK")
        for number in range(3000):
            kind = number % 6
            length = chance.choice((0, 1, 2, 5, 65, 1399, 1400, 1401, 2047, 2048, 2049, 65507))
            data = [chance.randbytes(length), b"L " + chance.randbytes(min(length, 90)),
                    b"C witness " + chance.randbytes(min(length, 1390)), b"\1" + bytes(length)[1:],
                    bytes(length), b"L eve " + b"\xe2\x80\xae" * (length % 400)][kind]
            with Datagrams(rooms.place, f"127.2.{number >> 8}.{number & 255}") as eve:
                eve.types(data)
        witness.types("C witness I am here")
        witness.types("Q witness")
        lines = [witness.line()]
        while lines[-1] != "EXIT":
            lines.append(witness.line())
        # Speaking as somebody is nobody's but hers.
        expect(not [line for line in lines if line.startswith("witness:")], lines)
        for line in lines:
            expect(line.isprintable(), repr(line))


def hold(place, count, own, data=b""):
    """So many connections that send that, and nothing more."""
    held = []
    for _ in range(count):
        one = socket.socket()
        one.settimeout(PATIENCE_S)
        one.bind((own, 0))
        one.connect(place)
        if data:
            try:
                one.send(data)
            except OSError:
                pass
        held.append(one)
    return held


def upgrade(origin=None):
    key = base64.b64encode(os.urandom(16)).decode()
    more = f"Origin: {origin}\r\n" if origin else ""
    return (f"GET /.chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode()


@case("thousands of connections of one address that say nothing, or half a word, keep nobody out")
def _():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < CONNECTIONS + 1000:
        raise Skip(f"only {most} descriptors are to be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Rooms() as rooms, Talk(rooms):
        ways = ((rooms.place, b""), (rooms.place, b"GUEST m"), (rooms.place, b"x" * 8000),
                (rooms.tls, b""), (rooms.tls, b"\x16\x03\x01\x02"), (rooms.web, upgrade()))
        for serial, (place, data) in enumerate(ways):
            before = rooms.memory_kib()
            held = hold(place, CONNECTIONS, "127.0.0.9", data)
            grown = rooms.memory_kib() - before
            for door in ("tcp", "unix"):
                begun = time.monotonic()
                with rooms.guest(f"tom-{door}-{serial}", door):
                    took = time.monotonic() - begun
                    expect(took < 2 * WAIT_MAX_S, f"{took} s until somebody came in")
            expect(grown < 64 * 1024, f"{grown} KiB for those who are nobody")
            for one in held:
                one.close()


@case("slowly, a byte now and then, nobody stays who has not said who it is: 30 seconds")
def _():
    with Rooms() as rooms, Talk(rooms), socket.create_connection(rooms.place) as slow:
        begun = time.monotonic()
        slow.settimeout(0.5)
        gone = False
        while not gone and time.monotonic() - begun < 45:
            try:
                slow.send(b"G")
                gone = slow.recv(100) == b""
            except TimeoutError:
                pass
            except OSError:
                gone = True
        expect(gone and time.monotonic() - begun > 25, time.monotonic() - begun)


@case("lines without an end, and a flood of them: who sends them is read later, and bounded")
def _():
    with Rooms() as rooms, Talk(rooms):
        with rooms.guest("endless") as endless:
            try:
                for _ in range(1000):
                    endless.socket.sendall(b"x" * 65536)
                raise AssertionError("64 MB of one line were taken")
            except (ConnectionError, TimeoutError):
                pass
        before = rooms.memory_kib()
        with rooms.guest("flood") as flood:
            flood.socket.settimeout(1)
            try:
                for _ in range(1000):
                    flood.socket.sendall(b"SAY lobby flood\n" * 4096)
                raise AssertionError("64 MB of lines were taken at once")
            except TimeoutError:
                pass
            expect(rooms.memory_kib() - before < 8192, "they are kept")


def frame(code, data, final=True, mask=b"\1\2\3\4"):
    head = bytes((code | (0x80 if final else 0),))
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head += bytes((bit | len(data),))
    else:
        head += bytes((bit | 126,)) + struct.pack(">H", len(data))
    if not mask:
        return head + data
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def web_socket(rooms):
    one = socket.create_connection(rooms.web)
    one.settimeout(PATIENCE_S)
    one.sendall(upgrade())
    head = b""
    while b"\r\n\r\n" not in head:
        head += one.recv(1)
    expect(head.startswith(b"HTTP/1.1 101"), head)
    return one


def close_code(one):
    """Read until a close frame of the server's; its code. None: the end without one."""
    data = b""
    while True:
        try:
            more = one.recv(65536)
        except ConnectionError:
            return None
        data += more
        while len(data) >= 2 and len(data) >= 2 + (data[1] if data[1] < 126 else
                                                   2 + int.from_bytes(data[2:4], "big")):
            length = data[1] if data[1] < 126 else 2 + int.from_bytes(data[2:4], "big")
            if data[0] & 15 == 8:
                return int.from_bytes(data[2:4], "big") if length >= 2 else 1005
            data = data[2 + length:]
        if not more:
            return None


@case("frames of WebSocket as they must not be: each is closed with its code")
def _():
    guest = b'{"do":"guest","name":"web"}'
    attacks = {
        "without a mask": (frame(1, guest, mask=b""), 1002),
        "of a kind that there isn't": (frame(3, b"x"), 1002),
        "that go on with nothing": (frame(0, b"x"), 1002),
        "of bytes": (frame(2, b"x"), 1003),
        "that are no UTF-8": (frame(1, b"\xff"), 1007),
        "too long": (frame(1, b"x" * 9000), 1009),
        "too long together": (frame(1, b"x" * 8000, False) + frame(0, b"x" * 8000), 1009),
        "a ping in pieces": (frame(9, b"x", False), 1002),
        "a ping that is too long": (frame(9, b"x" * 126), 1002),
        "reserved bits": (frame(0x41, b"x"), 1002),
    }
    with Rooms() as rooms, Talk(rooms):
        for what, (data, code) in attacks.items():
            with web_socket(rooms) as one:
                one.sendall(data)
                got = close_code(one)
                expect(got == code, f"{what}: closed with {got}, not {code}")
        # In pieces is fine; so is a flood of pings, whose pongs nobody reads: it is not kept.
        with web_socket(rooms) as one:
            one.sendall(b"".join(frame(0 if i else 1, guest[i:i + 1], i == len(guest) - 1)
                                 for i in range(len(guest))))
            expect(b'"ok":true' in one.recv(65536), "pieces are refused")
            before = rooms.memory_kib()
            one.settimeout(1)
            try:
                for _ in range(400):
                    one.sendall(frame(9, b"x" * 120) * 1000)
            except OSError:
                pass
            grown = rooms.memory_kib() - before
            expect(grown < 8192, f"{grown} KiB for pings")


@case("a page of another site gets nothing: Origin is looked at")
def _():
    with Rooms() as rooms:
        for origin, status in (("http://evil.example", 403), ("null", 403),
                               ("http://x", 101), ("http://x.evil.example", 403)):
            with socket.create_connection(rooms.web) as one:
                one.settimeout(PATIENCE_S)
                one.sendall(upgrade(origin))
                got = one.recv(12)
                expect(got == f"HTTP/1.1 {status}".encode(), (origin, got))
        connection = http.client.HTTPConnection(*rooms.web, timeout=PATIENCE_S)
        connection.request("GET", "/.chat/")
        policy = connection.getresponse().headers["Content-Security-Policy"]
        expect("script-src 'self'" in policy or "default-src 'self'" in policy or
               "default-src 'none'" in policy, policy)
        connection.close()


sys.exit(run())
