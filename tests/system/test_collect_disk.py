#!/usr/bin/env python3
# check: waits
"""test_collect_disk.py - `weft collect` when its file can't be written: it says so, stops, and
goes on where it stopped, with no line lost, doubled or torn."""
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from collected import PATIENCE_S, Collector, case, expect, lines_of, run, until
from numbered import Client, all_lines, expect_all, in_backlog, in_queue
from tap import Skip

# Says that this is the process whose mounts nobody else sees.
APART = "WEFT_TEST_APART"


def set_apart():
    """Run this script once more, where it may mount a disk of its own; without, where it can't."""
    if os.environ.get(APART):
        return
    flags = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
    tried = subprocess.run(["unshare", *flags, "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True, check=False)
    os.environ[APART] = "no" if tried.returncode else "yes"
    if tried.returncode == 0:
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


@contextlib.contextmanager
def small_disk(size_bytes):
    """A folder on a disk of that size."""
    if os.environ[APART] != "yes":
        raise Skip("no disk can be mounted here")
    folder = tempfile.mkdtemp(prefix="weft-test-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder)


def fill(folder, leave_bytes):
    """A file that takes all but so much of a disk."""
    path = os.path.join(folder, "ballast")
    room = os.statvfs(folder)
    with open(path, "wb") as file:
        file.write(b"x" * (room.f_bavail * room.f_bsize - leave_bytes))
    return path


def limit_size(collector, size_bytes):
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE,
                     (size_bytes, resource.RLIM_INFINITY))


def clients_of(collector, count):
    return [Client(f"c{i}", collector.connect() if i % 2 else collector.connect_unix(), 300)
            for i in range(count)]


def expect_complaints(collector, count):
    """It has said so once each time, and once that it goes on."""
    said = collector.said.decode()
    expect(said.count("can't write") == count and said.count("written again") == count, said)


@case("on a full disk it says so once, stops, and goes on when there is room, with every line")
def _():
    for driver in ("epoll", "uring", "select"):
        with small_disk(1 << 20) as disk:
            with Collector("--driver", driver, folder=disk, complains=True) as collector:
                ballast = fill(disk, 40960)
                clients = clients_of(collector, 10)
                collector.wait_said("tried each second")
                expect("No space left on device" in collector.said.decode(), collector.said)
                os.unlink(ballast)
                for sender in clients:
                    sender.end()
                counts = collector.stop()
                expect(collector.process.returncode == 0)
                expect_all(collector.lines(), clients)
                expect(counts["stalls"] == 1 and counts["lost"] == 0, counts)
                expect_complaints(collector, 1)


@case("while the disk is full nothing is read: what is sent stays with TCP")
def _():
    with small_disk(1 << 20) as disk, Collector(folder=disk, complains=True) as collector:
        ballast = fill(disk, 4096)
        with collector.connect() as early:
            early.sendall(b"before\n")
            collector.wait(1)
            collector.send_udp(b"u" * 8000)
            collector.wait_said("tried each second")
            # Of those who come now, one is let in by the accept that was under way.
            with collector.connect() as late, collector.connect() as later:
                late.sendall(b"late\n")
                later.sendall(b"later\n")
                until(lambda: in_queue(collector.tcp) == 11, "what was sent lies there")
                until(lambda: in_backlog(collector.tcp) == 1, "who was not let in waits")
                expect(collector.texts() == ["before"], collector.texts())
                os.unlink(ballast)
                texts = [line.text for line in collector.wait(4)]
        expect(sorted(texts) == ["before", "late", "later", "u" * 8000], texts)


@case("a full disk whose file is moved away: SIGHUP parts no line over the two")
def _():
    with small_disk(1 << 20) as disk, Collector(folder=disk, complains=True) as collector:
        ballast = fill(disk, 40000)
        clients = clients_of(collector, 10)
        collector.wait_said("tried each second")
        os.rename(collector.path, collector.path + ".1")
        collector.process.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(collector.path), "a new file")
        expect(lines_of(collector.path + ".1"), "nothing was written before")
        os.unlink(ballast)
        for sender in clients:
            sender.end()
        collector.stop()
        expect_all(all_lines(collector), clients)


@case("a file that may not grow goes on when it may, or when it is rotated, over every driver")
def _():
    for driver in ("epoll", "uring", "epoll-level", "poll", "select"):
        with Collector("--driver", driver, complains=True) as collector:
            limit_size(collector, 30001)
            clients = clients_of(collector, 4)
            collector.wait_said("tried each second")
            expect("File too large" in collector.said.decode(), collector.said)
            expect(os.path.getsize(collector.path) == 30001, "it is full to the last byte")
            limit_size(collector, 60007)
            until(lambda: os.path.getsize(collector.path) == 60007, "more")
            collector.process.send_signal(signal.SIGHUP)
            until(lambda: os.path.exists(collector.path + ".1"), "a new file")
            limit_size(collector, resource.RLIM_INFINITY)
            for sender in clients:
                sender.end()
            collector.stop()
            expect_all(all_lines(collector), clients)


@case("stopped while the disk is full it says how much is lost, tells the sender, tears no line")
def _():
    with Collector("--grace", "0.1", complains=True) as collector:
        limit_size(collector, 1000)
        with collector.connect() as peer:
            peer.sendall(b"".join(b"%04d\n" % number for number in range(200)))
            peer.shutdown(socket.SHUT_WR)
            collector.wait_said("tried each second")
            counts = collector.stop()
            expect(collector.process.returncode == 1)
            try:
                expect(peer.recv(1) != b"", "it ended as if all were written")
            except ConnectionResetError:
                pass
        texts = collector.texts()
        expect(texts == [f"{number:04d}" for number in range(len(texts))], texts)
        expect(counts["lines"] == len(texts) and counts["lost"] == 200 - len(texts), counts)
        expect(f"{counts['lost']} lines are lost" in collector.said.decode(), collector.said)


@case("stopped while the disk is full it reads and writes all, when there is room in time")
def _():
    with Collector("--grace", "1000", complains=True) as collector:
        limit_size(collector, 1000)
        with collector.connect() as peer:
            peer.sendall(b"".join(b"%04d\n" % number for number in range(200)))
            collector.wait_said("tried each second")
            peer.sendall(b"".join(b"%04d\n" % number for number in range(200, 9000)))
            collector.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)  # it may see the one before the other: the result is the same
            limit_size(collector, resource.RLIM_INFINITY)
            collector.process.wait(PATIENCE_S)
        texts = collector.texts()
        expect(texts == [f"{number:04d}" for number in range(9000)], (len(texts), texts[-1:]))
        expect(collector.process.returncode == 0)


@case("started on a full disk it waits for room as well")
def _():
    with small_disk(1 << 20) as disk:
        ballast = fill(disk, 0)
        with Collector(folder=disk, complains=True) as collector:
            sender = Client("c", collector.connect(), 100)
            collector.wait_said("tried each second")
            os.unlink(ballast)
            sender.end()
            expect_all(collector.lines(), [sender])


@case("rotation by size goes on after a full disk as before it")
def _():
    with small_disk(1 << 20) as disk:
        with Collector("--rotate-size", "10000", "--rotate-keep", "1000", folder=disk,
                       complains=True) as collector:
            ballast = fill(disk, 40000)
            clients = clients_of(collector, 6)
            collector.wait_said("tried each second")
            os.unlink(ballast)
            for sender in clients:
                sender.end()
            collector.stop()
            expect_all(all_lines(collector), clients)
            sizes = [os.path.getsize(collector.path + f".{number}") for number in range(1, 10)]
            expect(all(9000 < size <= 10000 for size in sizes), sizes)


@case("a line longer than --rotate-size that a full disk has cut is ended in the same file")
def _():
    with Collector("--rotate-size", "1K", complains=True) as collector:
        limit_size(collector, 3000)
        with collector.connect() as peer:
            peer.sendall(b"x" * 5000 + b"\nnext\n")
            collector.wait_said("tried each second")
            limit_size(collector, resource.RLIM_INFINITY)
            until(lambda: collector.texts() == ["next"], "a file of its own")
        lengths = [len(line.text) for line in lines_of(collector.path + ".1")]
        expect(lengths == [5000], lengths)


# ---- A disk that fails ----------------------------------------------------------------------

# While a file of that name is there, the call fails; writes only after some bytes of it.
FAULTS = """
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_faulty(const char *name)
{
	const char *folder = getenv("DISK_FAULTS");
	char path[4096] = "";

	for (unsigned at = 0; at < sizeof(path) - 16 && *folder; at++)
		path[at] = *folder++, path[at + 1] = '/', path[at + 2] = name[0];
	return access(path, F_OK) == 0;
}

int fdatasync(int fd)
{
	if (!is_faulty("s"))
		return syscall(SYS_fdatasync, fd);
	errno = EIO;
	return -1;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t position)
{
	static int calls;

	if (!is_faulty("w"))
		return syscall(SYS_pwrite64, fd, data, len, position);
	if (calls++ % 2 == 0 && len > 1)
		return syscall(SYS_pwrite64, fd, data, len < 7 ? 1 : len / 7, position);
	errno = EIO;
	return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t position)
{
	return pwrite(fd, data, len, position);
}
"""


@contextlib.contextmanager
def faulty_disk(*options):
    """A collector, and the names of two files: the one lets syncs fail, the other writes."""
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "faults.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-xc", "-"],
                       input=FAULTS.encode(), check=True)
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        wrapper = ("env", f"LD_PRELOAD={library}", f"DISK_FAULTS={folder}",
                   f"ASAN_OPTIONS={sanitizer}")
        with Collector("--driver", "epoll", *options, wrapper=wrapper,
                       complains=True) as collector:
            yield collector, os.path.join(folder, "s"), os.path.join(folder, "w")


def touch(path):
    with open(path, "wb"):
        pass


@case("with --fsync always no sender is told before the disk has it")
def _():
    with faulty_disk("--fsync", "always") as (collector, sync, _):
        touch(sync)
        with collector.connect() as peer:
            peer.sendall(b"precious\n")
            peer.shutdown(socket.SHUT_WR)
            collector.wait_said("Input/output error")
            expect(collector.texts() == ["precious"], collector.texts())
            peer.settimeout(0.2)
            try:
                expect(peer.recv(1) is None, "it was told")
            except TimeoutError:
                pass
            os.unlink(sync)
            peer.settimeout(PATIENCE_S)
            expect(peer.recv(1) == b"")
        collector.wait_said("written again")
        expect_complaints(collector, 1)


@case("with --fsync SECONDS a disk that fails is told of once, and the lines go on")
def _():
    with faulty_disk("--fsync", "0.01") as (collector, sync, _):
        touch(sync)
        collector.send_tcp(b"one\n")
        collector.wait_said("may lose lines")
        collector.send_tcp(b"two\n")
        os.unlink(sync)
        expect(collector.texts() == ["one", "two"], collector.texts())
        collector.stop()
        expect(collector.said.count(b"may lose lines") == 1, collector.said)
        expect(collector.process.returncode == 0)


@case("with --fsync never the disk is not asked")
def _():
    with faulty_disk("--fsync", "never") as (collector, sync, _):
        touch(sync)
        collector.send_tcp(b"one\n")
        collector.stop()
        expect(collector.said == b"" and collector.process.returncode == 0, collector.said)


@case("writes that are cut short and fail by turns lose, double and tear nothing")
def _():
    with faulty_disk() as (collector, _, write):
        touch(write)
        clients = clients_of(collector, 4)
        collector.wait_said("Input/output error")
        sizes = set()
        until(lambda: sizes.add(os.path.getsize(collector.path)) or len(sizes) > 3, "some parts")
        os.unlink(write)
        for sender in clients:
            sender.end()
        expect_all(collector.lines(), clients)


if __name__ == "__main__":
    set_apart()
    sys.exit(run())
