#!/usr/bin/env python3
"""hub_start.py - what the whole hub costs before anybody does anything: time, memory, bytes.

	bench/hub_start.py [ROUNDS]		after `make`; default: 15

Cold start is from exec to the last byte of the first 200 of a small file: in a state folder that is
new, and in one that was there; and to the end of the print-out, which the first time waits for the
hash of the administrator's password. Memory is VmRSS with two workers, some seconds later, of the
hub and of one with --lan. The binary is what strip(1) leaves of it. The median of the rounds.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

WEFT = os.path.abspath("build/weft")
QUIET_S = 4  # the cost of passwords is found out after a second, and then given back
GOALS = {"first answer": 50, "idle": 12, "binary": 3}


def free_port():
    """One that the hub will have: who names a door gets no other one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hub:
    """Beside whatever else runs here: the doors are those of the whole, at ports of their own."""

    def __init__(self, folder, *options):
        self.port = free_port()
        command = [WEFT, "serve", folder + "/shared", "--json", "--workers", "2",
                   "--config", "none", *(options or ("--http", f"127.0.0.1:{self.port}",
                                                         "--ftp", "127.0.0.1:0", "--ftp-anonymous",
                                                         "--chat", "127.0.0.1:0", "--chat-web",
                                                         "--page", "--state", "default"))]
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE,
            env={**os.environ, "STATE_DIRECTORY": folder + "/state"})

    def answered_ms(self):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as peer:
                    peer.sendall(b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    got = b""
                    while not got.endswith(b"hello"):
                        more = peer.recv(4096)
                        if not more:
                            break
                        got += more
                    if got.startswith(b"HTTP/1.1 200"):
                        return (time.perf_counter() - self.began) * 1000
            except ConnectionError:
                pass
            time.sleep(0.0002)

    def told_ms(self):
        json.loads(self.process.stdout.readline())
        return (time.perf_counter() - self.began) * 1000

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(file.read().split("VmRSS:")[1].split()[0]) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def start(folder, is_new):
    if is_new:
        shutil.rmtree(folder + "/state", ignore_errors=True)
    hub = Hub(folder)
    times = hub.answered_ms(), hub.told_ms()
    hub.end()
    return times


def idle_mib(folder, *options):
    hub = Hub(folder, *options)
    hub.told_ms()
    time.sleep(QUIET_S)
    mib = hub.resident_mib()
    hub.end()
    return mib


def say(what, value, unit, goal=None):
    print(f"{what:44s} {value:8.1f} {unit:4s}" + (f" at most {goal}" if goal else ""))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        os.mkdir(folder + "/shared")
        with open(folder + "/shared/a.txt", "w", encoding="ascii") as file:
            file.write("hello")
        for is_new, which in (True, "the first start"), (False, "a start"):
            answered, told = zip(*(start(folder, is_new) for _ in range(rounds)))
            say(f"{which}: to the first answer", statistics.median(answered), "ms",
                GOALS["first answer"])
            say(f"{which}: to the end of the print-out", statistics.median(told), "ms")
        say("idle, two workers", idle_mib(folder), "MiB", GOALS["idle"])
        say("the same with --lan", idle_mib(folder, "--lan", "--no-announce"), "MiB")
        subprocess.run(["strip", "-o", folder + "/weft", WEFT], check=True)
        say("binary, stripped", os.path.getsize(folder + "/weft") / 1e6, "MB", GOALS["binary"])


main()
