#!/usr/bin/env python3
# check: waits
"""test_collect_load.py - `weft collect` under load: nothing lost, nothing mixed, however its
file is rotated and however it is stopped."""
import fcntl
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

from collected import PATIENCE_S, Collector, case, expect, lines_of, run, until
from numbered import Client, all_lines, expect_all, in_backlog, numbered, numbers_by_name

ROUNDS = int(os.environ.get("CHECK_ROUNDS", "1"))


@case("of many clients at once every line is there, whole and in its order, over every driver")
def _():
    for driver in ("epoll", "uring", "poll", "select"):
        with Collector("--driver", driver) as collector:
            clients = [Client(f"c{i}", collector.connect() if i % 2 else collector.connect_unix(),
                              300 * ROUNDS) for i in range(40)]
            for sender in clients:
                sender.end()
            expect_all(collector.lines(), clients)
            counts = collector.stop()
            expect(counts["lines"] == 40 * 300 * ROUNDS and counts["lost"] == 0, counts)
            expect(counts["bytes"] == os.path.getsize(collector.path), counts)


@case("with --fsync always and never the same is recorded")
def _():
    for policy in ("always", "never", "0.01"):
        with Collector("--fsync", policy) as collector:
            clients = [Client(f"c{i}", collector.connect(), 100) for i in range(10)]
            for sender in clients:
                sender.end()
            expect_all(collector.lines(), clients)


# ---- Rotation ----------------------------------------------------------------------------------


@case("rotation by size under load loses nothing, parts no line, and keeps to the size")
def _():
    with Collector("--rotate-size", "20000", "--rotate-keep", "1000") as collector:
        clients = [Client(f"c{i}", collector.connect(), 400) for i in range(8)]
        for sender in clients:
            sender.end()
        counts = collector.stop()
        expect_all(all_lines(collector), clients)
        sizes = [os.path.getsize(path) for path in glob.glob(collector.path + ".*")]
        expect(len(sizes) > 10 and len(sizes) == counts["rotations"], (len(sizes), counts))
        expect(all(19500 < size <= 20000 for size in sizes), sizes)


@case("only --rotate-keep old files are kept, the newest")
def _():
    with Collector("--rotate-size", "1K", "--rotate-keep", "2") as collector:
        collector.send_tcp(b"".join(b"%04d%s\n" % (i, b"x" * 400) for i in range(20)))
        expect(sorted(os.listdir(collector.folder)) == ["datagram", "log", "log.1", "log.2",
                                                        "stream"], os.listdir(collector.folder))
        texts = [line.text[:4] for line in all_lines(collector)]
        expect(texts == [f"{i:04d}" for i in range(14, 20)], texts)


@case("a line that is longer than --rotate-size has a file of its own")
def _():
    with Collector("--rotate-size", "1K") as collector:
        collector.send_tcp(b"short\n" + b"x" * 5000 + b"\nshort\n")
        lengths = [len(line.text) for line in all_lines(collector)]
        expect(lengths == [5, 5000, 5], lengths)
        expect(len(lines_of(collector.path + ".1")) == 1)


@case("after a file is moved away SIGHUP makes a new one; under load nothing is lost")
def _():
    with Collector() as collector:
        clients = [Client(f"c{i}", collector.connect()) for i in range(4)]
        for number in range(10, 0, -1):
            until(lambda: os.path.getsize(collector.path) > 1000, "a line")
            os.rename(collector.path, f"{collector.path}.{number}")
            collector.process.send_signal(signal.SIGHUP)
            until(lambda: os.path.exists(collector.path), "a new file")
        for sender in clients:
            sender.end()
        expect_all(all_lines(collector), clients)


def is_empty(path):
    """Whether it is, and is there: between two files there is none for a moment."""
    try:
        return os.path.getsize(path) == 0
    except FileNotFoundError:
        return False


@case("SIGHUP rotates a file that is where it was, also while nothing comes")
def _():
    with Collector() as collector:
        for number in range(3):
            collector.send_tcp(b"%d\n" % number)
            collector.process.send_signal(signal.SIGHUP)
            until(lambda: is_empty(collector.path), "a new file")
        texts = [line.text for line in all_lines(collector)]
        expect(texts == ["0", "1", "2"], texts)


@case("a rotation that can't be is told of, and the file goes on")
def _():
    with Collector("--rotate-keep", "1", complains=True) as collector:
        os.mkdir(collector.path + ".1")
        collector.send_tcp(b"before\n")
        collector.process.send_signal(signal.SIGHUP)
        collector.wait_said("can't rotate")
        collector.send_tcp(b"after\n")
        expect(collector.texts() == ["before", "after"], collector.texts())
        collector.stop()
        expect(collector.process.returncode == 0)


# ---- Stopping ----------------------------------------------------------------------------------


def unacknowledged(peer):
    """Bytes that the other side's kernel has not said it has."""
    return struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, b"\0" * 4))[0]


@case("SIGTERM under load: of each client all up to some line is there, and no more is missing")
def _():
    with Collector() as collector:
        clients = [Client(f"c{i}", collector.connect()) for i in range(8)]
        collector.wait(5000)
        counts = collector.stop()
        for sender in clients:
            sender.is_over = True
            sender.join()
        lines = collector.lines()
        whole = [line for line in lines if not line.text.endswith(r"\{unfinished}")]
        expect(len(lines) - len(whole) <= len(clients), "more torn than clients")
        for name, numbers in numbers_by_name(whole).items():
            expect(numbers == list(range(len(numbers))), f"{name}: a hole")
        expect(counts["lines"] == len(lines) and counts["lost"] == 0, counts)


@case("what its kernel has told the senders it has is written before it ends, over every driver")
def _():
    for driver in ("epoll", "uring", "epoll-level", "poll", "select"):
        with Collector("--driver", driver) as collector:
            peers = [collector.connect() for _ in range(8)] + [collector.connect_unix()]
            for peer in peers:
                peer.sendall(b"first\n")
            collector.wait(9)
            collector.process.send_signal(signal.SIGSTOP)
            # More than is read at once: the stop comes in between.
            for peer in peers:
                peer.sendall(b"".join(numbered("c", i) for i in range(400)))
            for _ in range(100):
                collector.send_udp(b"datagram")
            until(lambda: not any(unacknowledged(peer) for peer in peers[:8]), "TCP's word")
            collector.process.send_signal(signal.SIGTERM)
            collector.stop(signal.SIGCONT)
            lines = collector.lines()
            expect([line.text for line in lines].count("datagram") == 100, driver)
            expect(len(lines) == 9 + 9 * 400 + 100, (driver, len(lines)))
            for peer in peers:
                peer.close()


@case("who waits in the backlog is listened to before it ends")
def _():
    with Collector("--connections", "1") as collector, collector.connect() as first:
        first.sendall(b"first\n")
        collector.wait(1)
        peers = [collector.connect() for _ in range(5)]
        for peer in peers:
            peer.sendall(b"waited\n")
        until(lambda: in_backlog(collector.tcp) == 5, "their wait")
        until(lambda: not any(unacknowledged(peer) for peer in peers), "TCP's word")
        collector.stop()
        expect(collector.texts() == ["first"] + ["waited"] * 5, collector.texts())
        for peer in peers:
            peer.close()


@case("after kill -9 no line is torn but the last, which the next start ends")
def _():
    folder = tempfile.mkdtemp(prefix="weft-test-")
    try:
        with Collector(folder=folder) as collector:
            clients = [Client(f"c{i}", collector.connect()) for i in range(4)]
            collector.wait(2000)
            collector.process.kill()
            for sender in clients:
                sender.is_over = True
                sender.join()
            collector.process.wait()
            collector.reader.join()
            collector.complains = True
        with open(collector.path, "r+b") as file:
            content = file.read()
            # It dies between two writes nearly always: so here is one that was cut.
            file.write(b"2026-01-01T00:00:00.000000Z tcp:x to")
        whole = content[:content.rindex(b"\n") + 1].count(b"\n")
        expect(os.path.exists(collector.stream), "the sockets are left behind")
        with Collector(folder=folder) as collector:
            collector.send_tcp(b"anew\n")
            lines = collector.lines()
        numbers_by_name(lines[:whole])
        expect(lines[-1].text == "anew" and lines[-2].text.endswith("to"), lines[-2:])
        expect(len(lines) == whole + 2, (len(lines), whole))
    finally:
        shutil.rmtree(folder)


# ---- What UDP dropped --------------------------------------------------------------------------


def kernel_drops(port):
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [row.split() for row in table][1:]
    return sum(int(row[-1]) for row in rows if int(row[1].split(":")[1], 16) == port)


@case("datagrams that the kernel dropped are counted, and told of in the file")
def _():
    with Collector() as collector:
        collector.process.send_signal(signal.SIGSTOP)
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            while kernel_drops(collector.udp) < 10:
                peer.sendto(b"x" * 1000, ("127.0.0.1", collector.udp))
                sent += 1
        dropped = kernel_drops(collector.udp)
        collector.process.send_signal(signal.SIGCONT)
        told = f"{dropped} datagrams to udp:127.0.0.1:{collector.udp} were dropped by the kernel"
        until(lambda: told in collector.texts(), "its word of them")
        expect(collector.counts()["udp_dropped"] == dropped)
        lines = collector.wait(sent - dropped + 1)
        expect(len(lines) == sent - dropped + 1, (len(lines), sent, dropped))
        expect([line.source for line in lines if line.text == told] == ["weft"])


@case("a sender of Unix datagrams waits for room, and loses none")
def _():
    with Collector() as collector:
        collector.process.send_signal(signal.SIGSTOP)
        sender = subprocess.Popen([sys.executable, "-c", SEND_DATAGRAMS, collector.datagram])
        time.sleep(0.1)
        expect(sender.poll() is None, "it did not have to wait")
        collector.process.send_signal(signal.SIGCONT)
        expect(sender.wait(PATIENCE_S) == 0)
        texts = [line.text for line in collector.wait(1000)]
        expect(texts == [str(number) for number in range(1000)], len(texts))


SEND_DATAGRAMS = """
import socket, sys
peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
peer.connect(sys.argv[1])
for number in range(1000):
    peer.send(b"%d" % number)
"""


if __name__ == "__main__":
    sys.exit(run())
