#!/usr/bin/env python3
"""test_pool_example.py - examples/hash_folder.c tells what Python's zlib does, and shows a bar."""
import os
import pty
import subprocess
import sys
import tempfile
import zlib

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(HOUSE, "tests", "io"))
from examples import build, sh  # noqa: E402
from tap import case, expect, run  # noqa: E402


def fill(folder):
    """Some files, and what is to be said of them, in the order of a walk."""
    said = []
    for index in range(120):
        path = os.path.join(folder, f"{index:03}")
        data = bytes([index]) * (index * index)
        with open(path, "wb") as file:
            file.write(data)
        said.append("%08x %12d %s" % (zlib.crc32(data), len(data), path))
    return said


def on_terminal(*command):
    """What it says to a terminal that is its standard error."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave) as program:
        os.close(slave)
        said = b""
        try:
            while chunk := os.read(master, 4096):
                said += chunk
        except OSError:  # the other end is gone
            pass
        program.wait()
    os.close(master)
    return said.decode(), program.returncode


@case("hash_folder hashes all files over several processes, in order, with a bar")
def _():
    with tempfile.TemporaryDirectory() as folder:
        said = fill(folder)
        for workers in ("1", "3"):
            done = sh(build("hash_folder"), folder, workers)
            expect(done.stdout.splitlines() == said, done)
            expect(done.returncode == 0 and not done.stderr, done)
        bar, status = on_terminal(build("hash_folder"), folder)
        expect(status == 0 and "#" * 50 in bar and "120 of 120" in bar, bar)


@case("hash_folder passes over what is no file, and says that there is no folder")
def _():
    with tempfile.TemporaryDirectory() as folder:
        said = fill(folder)
        os.remove(os.path.join(folder, "007"))
        os.mkfifo(os.path.join(folder, "007"))
        done = sh(build("hash_folder"), folder)
        expect(done.stdout.splitlines() == said[:7] + said[8:], done)
        done = sh(build("hash_folder"), os.path.join(folder, "nowhere"))
        expect(done.returncode == 1 and "No such file" in done.stderr, done)


sys.exit(run())
