#!/usr/bin/env python3
"""judge_slow.py - slowhttptest's attacks at `weft serve`: good clients stay served.

While an attack runs, a client of our own asks four times a second over a new connection
each time, and the longest that an answer took is what the claim is about: but for the time in which
the machine had no processor for the server or for us, which is nobody's here.
"""
import glob
import os
import resource
import subprocess
import sys
import time

from judged import PATIENCE_S, Site, Skip, case, expect, need, run

# An answer takes a millisecond. This is what attackers may add.
ANSWER_S = 2

ATTACK = ["-l", "12", "-p", "3"]


def delays_s(pid):
    """How long each thread of a process has been ready to run and had to wait for a processor."""
    delays = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as file:
                delays[path] = int(file.read().split()[1]) / 1e9
        except OSError:  # the thread has ended
            pass
    return delays


class Stopwatch:
    """The time since it was made, less that in which who had to work could not. The server's
    threads wait at the same time: the one that waited longest counts."""

    def __init__(self, pid):
        self.pids = (pid, os.getpid())
        self.before_s = [delays_s(pid) for pid in self.pids]
        self.start_s = time.monotonic()

    def taken_s(self):
        taken_s = time.monotonic() - self.start_s
        for pid, before_s in zip(self.pids, self.before_s):
            taken_s -= max((delay_s - before_s.get(path, delay_s)
                            for path, delay_s in delays_s(pid).items()), default=0)
        return taken_s


def attack(site, *words):
    """Run one. The longest answer a good client had to wait for, the tool's last words, and how
    many connections there were at the most."""
    need("slowhttptest")
    longest = most = 0
    # Its colours and its hundred lines of progress are for people.
    with subprocess.Popen(["slowhttptest", *ATTACK, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None:
            expect(time.monotonic() < deadline, "slowhttptest does not end")
            watch = Stopwatch(site.server.process.pid)
            expect(site.server.get("/hello.txt").body == b"Hello, world\n")
            longest = max(longest, watch.taken_s())
            most = max(most, len(os.listdir(f"/proc/{site.server.process.pid}/fd")))
            time.sleep(0.25)
        said = process.stdout.read()
    expect(process.returncode == 0, said[-2000:])
    return longest, said, most


def judge(*words, path="/hello.txt", options=(), wanted=0):
    with Site(*options) as site:
        longest, said, most = attack(site, *words, "-u", site.url(path))
        expect(longest < ANSWER_S, f"a good client waited {longest:.1f} s")
        last = said[said.rindex("service available"):]
        expect("YES" in last, last)  # by the tool's own probe
        if most < wanted:
            raise Skip(f"good clients were served, but this machine attacked with {most} only")


@case("slowloris: 10,000 heads that never end")
def _():
    # Both sides need a descriptor for each; the server raises its own limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10500:
        raise Skip("nobody here may have so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        judge("-r", "3000", "-c", "10000", "-H", "-i", "10", "-x", "10", "-l", "40",
              options=("--header-timeout", "60"), wanted=10000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@case("slow body: 2000 posts whose bodies hardly come")
def _():
    judge("-r", "1000", "-c", "2000", "-B", "-i", "2", "-s", "8192", "-x", "10")


@case("range attack: 200 requests for thousands of ranges")
def _():
    judge("-r", "100", "-c", "200", "-R", "-a", "10", "-b", "3000")


@case("slow read: 500 readers with windows of a few bytes")
def _():
    # The kernel cuts what it queues for such a reader into pieces as small as its window, which
    # takes 2 ms of its time for each reader, whatever the server: so they come at a bounded rate.
    judge("-r", "50", "-c", "500", "-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32",
          "-k", "3", path="/big.bin")


@case("heads that take too long are cut off, and the server says why")
def _():
    with Site("--header-timeout", "1") as site:
        longest, said, _ = attack(site, "-r", "200", "-c", "200", "-H", "-i", "5", "-u",
                               site.url("/hello.txt"))
        expect(longest < ANSWER_S, longest)
        expect("closed" in said, said[-2000:])
        with site.server.connect() as connection:
            connection.send(b"GET / HTTP/1.1\r\n")
            expect(connection.reply().status == 408)


sys.exit(run())
