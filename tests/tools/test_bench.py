#!/usr/bin/env python3
"""test_bench.py - weft-bench keeps to its options and formats, and its servers serve.

What the figures are is not tested: they depend on the machine.
"""
import json
import os
import select
import signal
import socket
import subprocess
import sys

from tap import case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("WEFT_BUILD", os.path.join(HOUSE, "build"))
BENCH = f"{BUILD}/weft-bench"
QUICK = ["--rounds", "1", "--window", "50", "--no-peers"]
ONE_CPU = "weft-bench: one CPU only: server and client share it\n"  # which is no fault
LARGE = bytes(range(256)) * 256


def bench(*arguments):
    """Run weft-bench: (status, stdout, stderr)."""
    done = subprocess.run([BENCH, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


class Server:
    """A server that prints its port, and a connection to it."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        self.peer = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return self.peer

    def __exit__(self, *_):
        self.peer.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def receive(peer, size):
    data = b""
    while len(data) < size:
        part = peer.recv(size - len(data))
        if not part:
            break
        data += part
    return data


def fill(peer):
    """Send, and read nothing, until the server can't send back any more: what was sent."""
    sent = bytearray()
    while select.select([], [peer], [], 0.2)[1]:
        part = LARGE[:65536 - len(sent) % 251]
        sent += part[:peer.send(part, socket.MSG_DONTWAIT)]
    return bytes(sent)


def echoes(*command):
    with Server(*command) as peer:
        for message in [b"x", b"y" * 64]:
            peer.sendall(message)
            expect(receive(peer, len(message)) == message, f"{len(message)} bytes")
        sent = fill(peer)
        expect(receive(peer, len(sent)) == sent, f"{len(sent)} bytes, read when all was full")
        peer.shutdown(socket.SHUT_WR)
        expect(peer.recv(1) == b"", "the end is not answered by the end")


@case("--list names the subjects, one to a line")
def _():
    status, said, _ = bench("--list")
    names = [line.split()[0] for line in said.splitlines()]
    expect(status == 0)
    for name in ["switch", "yield", "spawn", "wake", "park", "echo-64", "echo-512", "http"]:
        expect(name in names, names)


@case("--json prints figures with their five facts")
def _():
    status, said, complaint = bench("--json", "--only", "echo-64", *QUICK)
    figures = json.loads(said)
    expect(status == 0, complaint)
    expect({figure["name"] for figure in figures} >=
           {"echo-64.throughput", "echo-64.p99", "echo-64.cpu"}, figures)
    for figure in figures:
        expect(set(figure) == {"name", "value", "unit", "yardstick", "ratio"}, figure)
        expect(figure["value"] > 0 and figure["ratio"] > 0, figure)


@case("a table says which bound is met")
def _():
    status, said, complaint = bench("--only", "yield", "--rounds", "1")
    expect(status == 0, complaint)
    expect("value at most 8ns: " in said, said)


@case("wrong usage is status 2 and one line that says why")
def _():
    for arguments, reason in [(["--only", "nothing"], '"nothing"'), (["--rounds", "0"], "--rounds"),
                              (["--rounds", "3x"], "3x"), (["what"], '"what"')]:
        wanted = arguments if "--only" in arguments else ["--list", *arguments]
        status, said, complaint = bench(*wanted)
        complaint = complaint.replace(ONE_CPU, "")
        expect(status == 2 and said == "", (arguments, status, said))
        expect(complaint.startswith("weft-bench: ") and complaint.count("\n") == 1, complaint)
        expect(reason in complaint, complaint)


@case("the echo yardstick echoes, also to a peer that does not read for a while")
def _():
    echoes(f"{BUILD}/limit/echo_epoll")


@case("weft's echo over streams does the same")
def _():
    echoes(BENCH, "--child", "echo")


@case("weft's echo over descriptors does the same")
def _():
    echoes(BENCH, "--child", "echo-fd")


@case("the HTTP yardstick's length is true")
def _():
    with Server(f"{BUILD}/limit/http_epoll") as peer:
        for _ in range(2):
            peer.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: limit\r\n\r\n")
            head, _, body = peer.recv(65536).partition(b"\r\n\r\n")
            expect(head.startswith(b"HTTP/1.1 200 OK\r\n"), head)
            expect(b"\r\nContent-Length: %d\r\n" % len(body) in head, head)


sys.exit(run())
