#!/usr/bin/env python3
# check: waits
"""test_load.py - `weft load`: its two loops, echo, crowds, the command.

What a server saw is compared with what `weft load` says. Times are only ever asserted to be
at least what a server held back: a slow machine makes them longer.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from loaded import OK, Peer, answer_all, ask, close_after, echo, load
from served import PATIENCE_S, WEFT, case, expect, on_a_slow_machine, run, weft


# ---- The closed loop -------------------------------------------------------------------------


@case("what it counts is what the server saw")
def _():
    with Peer(answer_all(OK)) as peer:
        figures = ask(peer, "--connections", "4", "--requests", "300")
        expect(len(peer.requests) == 300 and peer.accepted == 4, len(peer.requests))
        expect(figures["requests"] == 300 and figures["errors"]["all"] == 0, figures)
        expect(figures["connections_open"] == figures["connections_opened"] == 4, figures)
        expect(figures["bytes_in"] == 300 * len(OK), figures)
        expect(figures["bytes_out"] == sum(len(head) + 4 for head in peer.requests), figures)
        expect(figures["kind"] == "http" and figures["loop"] == "closed", figures)
        latency = figures["latency_ns"]
        order = [latency[name] for name in ("min", "p50", "p75", "p90", "p95", "p99", "p99.9",
                                            "p99.99", "max")]
        expect(latency["count"] == 300 and order == sorted(order) and order[0] > 0, latency)
        expect(abs(figures["requests_per_s"] * figures["duration_s"] - 300) < 1, figures)


@case("the request is what the options say")
def _():
    with Peer(answer_all(OK)) as peer:
        ask(peer, "--requests", "1", "--connections", "1", "--header", "X-One: 1", "--header",
            "X-Two: a b", path="/a/b?c=d#e")
        ask(peer, "--requests", "1", "--connections", "1", "--method", "POST", "--header",
            "Host: other", path="")
        host = peer.address.encode()
        expect(peer.requests == [
            b"GET /a/b?c=d HTTP/1.1\r\nHost: " + host + b"\r\nX-One: 1\r\nX-Two: a b",
            b"POST / HTTP/1.1\r\nContent-Length: 0\r\nHost: other"], peer.requests)


@case("it ends after its duration, and the warm-up does not count")
def _():
    def attempt(duration):
        with Peer(answer_all(OK)) as peer:
            figures = ask(peer, "--connections", "2", "--duration", duration, "--warmup", duration)
        expect(0 <= figures["duration_s"] - float(duration) < 0.01, figures)
        expect(0 < figures["requests"] < len(peer.requests) - 2, (figures, len(peer.requests)))
        expect(figures["unfinished"] <= 2, figures)

    def attempt_with_requests(warmup):
        with Peer(answer_all(OK)) as peer:
            figures = ask(peer, "--connections", "2", "--requests", "50", "--warmup", warmup)
        expect(figures["requests"] == 50 and len(peer.requests) > 52, len(peer.requests))

    on_a_slow_machine(attempt, 0.3, 3, 10)
    on_a_slow_machine(attempt_with_requests, 0.1, 3, 10)


@case("pipelined requests are answered in order, all of them")
def _():
    with Peer(answer_all(OK)) as peer:
        figures = ask(peer, "--connections", "3", "--pipeline", "16", "--requests", "500")
        expect(figures["requests"] == len(peer.requests) == 500 and not figures["errors"]["all"],
               figures)


@case("with --new-connections each request has one of its own")
def _():
    # The second one does not end the connection, though it is asked to.
    for talk in close_after(1, OK), answer_all(OK):
        with Peer(talk) as peer:
            figures = ask(peer, "--connections", "3", "--requests", "60", "--new-connections")
            expect(figures["requests"] == 60 == figures["connections_opened"] == peer.accepted,
                   (figures, peer.accepted))
            expect(all(b"Connection: close" in head for head in peer.requests), peer.requests)


@case("every driver, and several workers, give the same")
def _():
    for driver in ("epoll", "uring", "epoll-level", "poll", "select"):
        with Peer(answer_all(OK)) as peer, Peer(echo) as other:
            for workers in "1", "2":
                figures = ask(peer, "--requests", "100", "--connections", "5", "--driver", driver,
                              "--workers", workers)
                expect(figures["requests"] == 100 and not figures["errors"]["all"], figures)
                figures, _ = load(other.address, "--requests", "100", "--connections", "5",
                                  "--driver", driver, "--workers", workers, "--size", "100K")
                expect(figures["requests"] == 100 and not figures["errors"]["all"], figures)


# ---- The open loop ---------------------------------------------------------------------------


def is_near(count, wanted):
    """But for who was due at the very end."""
    return abs(count - wanted) <= max(3, wanted / 100)


def stall_at(number, seconds):
    """A talk that, at the request of that number, stops answering anybody for a while."""

    def talk(peer, one, _):
        for _, count in peer.heads(one):
            with peer.stalling:
                if count == number:
                    time.sleep(seconds)
            one.sendall(OK)

    return talk


@case("in the open loop a stall is what all saw who had a request due in it")
def _():
    def attempt(stall):
        stall = float(stall)
        with Peer(stall_at(100, stall)) as peer:
            peer.stalling = threading.Lock()
            figures = ask(peer, "--connections", "4", "--rate", "200", "--duration", str(3 * stall))
            latency = figures["latency_ns"]
            expect(figures["loop"] == "open" and figures["rate"] == 200, figures)
            # A third of all was due in that time, evenly: a sixth of all in its first half.
            expect(latency["p90"] >= 0.6e9 * stall and latency["p99"] >= 0.8e9 * stall, latency)
            expect(is_near(figures["requests"] + figures["unfinished"], 600 * stall), figures)
            expect(latency["count"] == figures["requests"] + figures["unfinished"], figures)

    on_a_slow_machine(attempt, 1, 3, 10)


@case("in the closed loop only those saw it that were under way")
def _():
    with Peer(stall_at(100, 1)) as peer:
        peer.stalling = threading.Lock()
        figures = ask(peer, "--connections", "4", "--requests", "1000")
        expect(figures["latency_ns"]["max"] >= 0.9e9, figures)
        expect(figures["requests"] == 1000, figures)


@case("requests that were due and never answered are in the latency, as long as they waited")
def _():
    def attempt(duration):
        with Peer(lambda peer, one, _: list(peer.heads(one))) as peer:
            figures, error = load(f"http://{peer.address}/", "--connections", "2", "--rate", "100",
                                  "--duration", duration, status=1)
        latency, duration = figures["latency_ns"], float(duration)
        expect("not one answer" in error, error)
        expect(figures["requests"] == 0 and is_near(figures["unfinished"], 100 * duration), figures)
        expect(latency["count"] == figures["unfinished"], latency)
        expect(0.45e9 * duration <= latency["p50"] <= 0.6e9 * duration, latency)
        expect(latency["max"] >= 0.95e9 * duration, latency)

    on_a_slow_machine(attempt, 1, 4, 15)


@case("a server that can't keep the rate: as many requests as it answered, and all of the waiting")
def _():
    def talk(peer, one, _):
        for _ in peer.heads(one):
            with peer.lock:
                time.sleep(0.005)
            one.sendall(OK)

    def attempt(duration):
        with Peer(talk) as peer:
            figures = ask(peer, "--connections", "4", "--rate", "2000", "--warmup", "0.3",
                          "--duration", duration)
        duration = float(duration)
        expect(0 < figures["requests"] <= 1 + 200 * duration, figures)
        expect(figures["requests"] * len(OK) == figures["bytes_in"], figures)
        expect(figures["latency_ns"]["p99"] >= 0.4e9, figures)
        expect(figures["unfinished"] >= 1800 * duration, figures)

    on_a_slow_machine(attempt, 0.5, 2, 8)


@case("a request that is due is sent though others wait for their answers, where it may be")
def _():
    def talk(peer, one, _):
        for _, count in peer.heads(one):
            if count % 5 == 0:
                one.sendall(OK * 5)

    with Peer(talk) as peer:
        figures = ask(peer, "--connections", "1", "--rate", "100", "--pipeline", "5", "--requests",
                      "20")
        expect(figures["requests"] == 20 and not figures["errors"]["all"], figures)


@case("the rate is kept where the server can")
def _():
    def attempt(duration):
        with Peer(answer_all(OK)) as peer:
            figures = ask(peer, "--connections", "7", "--rate", "300", "--duration", duration,
                          "--pipeline", "4", "--workers", "2")
        expect(figures["requests"] >= 150 * float(duration), figures)
        expect(is_near(figures["requests"] + figures["unfinished"], 300 * float(duration)), figures)
        expect(not figures["errors"]["all"], figures)

    on_a_slow_machine(attempt, 1, 4, 15)


# ---- Echo ------------------------------------------------------------------------------------


@case("an echo of any size comes back, pipelined or not")
def _():
    with Peer(echo) as peer:
        for target in peer.address, "echo://" + peer.address:
            for size, pipeline in (("1", "1"), ("64", "7"), ("8191", "3"), ("300K", "2")):
                figures, _ = load(target, "--size", size, "--pipeline", pipeline, "--requests",
                                  "40", "--connections", "3")
                expect(figures["requests"] == 40 and not figures["errors"]["all"], figures)
                expect(figures["kind"] == "echo", figures)
                expect(figures["bytes_in"] == figures["bytes_out"], figures)


@case("a server that wants a long message whole before it answers gets it")
def _():
    def talk(_, one, __):
        while data := one.recv(1 << 20, socket.MSG_WAITALL):
            one.sendall(data)

    # The buffers of a Unix socket don't hold as much.
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "door")
        with Peer(talk, path=path):
            for pipeline in "1", "4":
                figures, _ = load("unix:" + path, "--size", "1M", "--pipeline", pipeline,
                                  "--requests", "16", "--connections", "2")
                expect(figures["requests"] == 16 and not figures["errors"]["all"], figures)


@case("an echo over a Unix socket")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "door")
        with Peer(echo, path=path):
            figures, _ = load("unix:" + path, "--requests", "40", "--new-connections")
            expect(figures["requests"] == 40 and not figures["errors"]["all"], figures)


@case("a server that answers by lines is asked by lines")
def _():
    def talk(_, one, __):
        with one.makefile("rwb") as lines:
            for line in lines:
                lines.write(line)
                lines.flush()

    for size in ("2", "64", "5000", "20000"):
        with Peer(talk) as peer:
            figures, _ = load(peer.address, "--requests", "40", "--connections", "2",
                              "--pipeline", "3", "--size", size)
            expect(figures["requests"] == 40 and figures["errors"]["all"] == 0, (size, figures))


@case("an echo that is not what was sent is found")
def _():
    def spoil(change):
        def talk(_, one, __):
            sent = b""
            while data := one.recv(65536):
                sent += data
                if len(sent) >= 640:
                    data = change(data)
                one.sendall(data)

        return talk

    for change, word in ((lambda data: data[:-1] + bytes([data[-1] ^ 1]), "not what was sent"),
                         (lambda data: data + data[-1:], "more came back"),
                         (lambda data: data[1:] + data[:1], "not what was sent"),
                         (lambda data: data[2:] + data[-2:], "not what was sent")):
        with Peer(spoil(change)) as peer:
            figures, _ = load(peer.address, "--requests", "100", "--connections", "2")
            expect(figures["errors"]["mismatch"] >= 1 and word in figures["first_error"], figures)
            expect(figures["requests"] + figures["errors"]["all"] == 100, figures)


# ---- Crowds ----------------------------------------------------------------------------------


@case("idle connections are there and send nothing")
def _():
    def talk(peer, one, number):
        # The first is the one that is asked; the server ends five of the others.
        if 1 <= number <= 5:
            return
        for _ in peer.heads(one):
            peer.busy = number
            one.sendall(OK)

    def attempt(duration):
        with Peer(talk) as peer:
            figures = ask(peer, "--connections", "1", "--idle", "20", "--duration", duration)
        expect(figures["idle"] == {"wanted": 20, "opened": 20, "open": 15}, figures)
        expect(peer.accepted == 21 and peer.busy == 0, (peer.accepted, peer.busy))
        expect(figures["requests"] > 0 and not figures["errors"]["all"], figures)

    on_a_slow_machine(attempt, 1, 4, 15)


@case("the crowd is there before those that ask, but for the first, which looks who is there")
def _():
    def talk(peer, one, number):
        for head, _ in peer.heads(one):
            with peer.lock:
                peer.asked.setdefault(number, head)
            one.sendall(OK)

    for crowd in "--idle", "--slow":
        with Peer(talk) as peer:
            peer.asked = {}
            figures = ask(peer, "--connections", "4", crowd, "200", "--slow-rate", "1",
                          "--requests", "400")
            expect(figures["requests"] == 400 and not figures["errors"]["all"], figures)
            expect(sorted(peer.asked) == [0, 201, 202, 203], (crowd, sorted(peer.asked)))


@case("slow connections send a byte at a time, and are counted apart")
def _():
    def talk(peer, one, number):
        buffer = b""
        while data := one.recv(65536):
            peer.sizes.setdefault(number, []).append(len(data))
            buffer += data
            while b"\r\n\r\n" in buffer:
                buffer = buffer.partition(b"\r\n\r\n")[2]
                one.sendall(OK)

    def attempt(duration):
        with Peer(talk) as peer:
            peer.sizes = {}
            figures = ask(peer, "--connections", "1", "--slow", "2", "--slow-rate", "250",
                          "--slow-read", "--duration", duration)
        slow = figures["slow"]
        expect(slow["connections"] == 2 and slow["requests"] > 0 and slow["errors"] == 0, figures)
        # A request and its answer take 332 ms.
        expect(slow["requests"] <= 6 * float(duration), figures)
        expect(figures["requests"] > 0 and not figures["errors"]["all"], figures)
        # Bytes at a time, on average: a server that is kept waiting gets some of them at once.
        averages = sorted(sum(one) / len(one) for one in peer.sizes.values())
        expect(len(averages) == 3 and averages[1] < 20, averages)
        with Peer(echo) as peer:
            figures, _ = load(peer.address, "--connections", "1", "--slow", "2", "--slow-rate",
                              "500", "--duration", str(float(duration) / 2), "--size", "16")
        expect(figures["slow"]["requests"] > 0 and not figures["slow"]["errors"], figures)

    on_a_slow_machine(attempt, 1, 4, 15)


# ---- The command -----------------------------------------------------------------------------


@case("Ctrl-C ends it, and the figures so far are printed")
def _():
    for number in signal.SIGINT, signal.SIGTERM:
        with Peer(answer_all(OK)) as peer:
            process = subprocess.Popen(
                [WEFT, "load", f"http://{peer.address}/", "--duration", "1000", "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            while len(peer.requests) < 100:
                time.sleep(0.01)
            process.send_signal(number)
            output, error = process.communicate(timeout=PATIENCE_S)
            figures = json.loads(output)
            expect(process.returncode == 0 and error == b"", error)
            expect(figures["is_stopped"] and figures["requests"] > 0, figures)
            expect(figures["duration_s"] < 500 and not figures["errors"]["all"], figures)


@case("Ctrl-C ends it, too, while it waits for connections")
def _():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        process = subprocess.Popen(
            [WEFT, "load", "127.0.0.1:%d" % listener.getsockname()[1], "--connections", "9",
             "--idle", "9", "--timeout", "1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(process.stdout.readline().startswith(b"Running"))
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=PATIENCE_S)
        expect(process.returncode == 0 and b"Requests/sec" in output and not error, error)


@case("nobody there is status 1 and one line")
def _():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % unused.getsockname()[1]
        for target in address, "http://" + address, "echo://" + address, "unix:/nowhere/at/all":
            done = weft("load", target, "--json")
            expect(done.returncode == 1 and not done.stdout, done)
            expect(done.stderr.startswith("weft load: nobody listens at")
                   and done.stderr.count("\n") == 1, done)


@case("wrong usage is status 2")
def _():
    for arguments in ((), ("a", "b"), ("127.0.0.1:1", "--rate", "0"), ("https://x/",),
                      ("http://",), ("http://:80/",), ("http://a b/",), ("http://u@127.0.0.1/",),
                      ("http://127.0.0.1:1/a\nb",), ("127.0.0.1",), ("127.0.0.1:1:1",),
                      ("http://127.0.0.1:1/", "--header", "no"), ("127.0.0.1:1", "--method", "PUT"),
                      ("http://127.0.0.1:1/", "--header", "A: b\r\nC: d"),
                      ("http://127.0.0.1:1/", "--header", "A b: c"),
                      ("http://127.0.0.1:1/", "--method", "G T"),
                      ("http://127.0.0.1:1/", "--size", "5"),
                      ("127.0.0.1:1", "--size", "0"), ("127.0.0.1:1", "--size", "2M"),
                      ("127.0.0.1:1", "--size", "1M", "--pipeline", "1000"),
                      ("127.0.0.1:1", "--pipeline", "2", "--new-connections"),
                      ("127.0.0.1:1", "--driver", "wonder"), ("127.0.0.1:1", "--connections", "0"),
                      ("http://127.0.0.1:1/", *["--header", "A: b"] * 33)):
        done = weft("load", *arguments)
        expect(done.returncode == 2 and not done.stdout, (arguments, done))
        expect(len(done.stderr.splitlines()) == 2, (arguments, done.stderr))


@case("the text is like wrk's")
def _():
    with Peer(answer_all(OK.replace(b"200", b"404"))) as peer:
        done = weft("load", f"http://{peer.address}/", "--requests", "50", "--latency", "--idle",
                    "3", "--connections", "4")
        expect(done.returncode == 0 and not done.stderr, done)
        for text in ("Running 50 requests @ http://", "1 worker and 4 connections, closed loop",
                     "  Latency ", "  50%", "99.9%", "50 requests in ", "Requests/sec: ",
                     "Transfer/sec: ", "Non-2xx or 3xx responses: 50", "Detailed percentiles",
                     "3 idle connections"):
            expect(text in done.stdout, (text, done.stdout))
        expect(max(map(len, done.stdout.splitlines())) <= 100, done.stdout)

    def attempt(duration):
        with Peer(lambda *_: None) as peer:
            done = weft("load", peer.address, "--duration", duration, "--rate", "50")
        expect(done.returncode == 1 and "Socket errors: connect 0" in done.stdout, done)
        expect("open loop at 50 requests/s" in done.stdout, done)

    on_a_slow_machine(attempt, 0.2, 2, 10)


sys.exit(run())
