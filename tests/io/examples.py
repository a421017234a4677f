"""examples.py - builds a program of examples/ with the library under test."""
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(HOUSE, "tests", "tools"))
from tap import expect  # noqa: E402

BUILD = os.environ.get("WEFT_BUILD", os.path.join(HOUSE, "build"))
FOLDER = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(FOLDER.name, name)


def sh(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=120, **more)


def build(name):
    """Its path; built once."""
    if not os.path.exists(path(name)):
        sanitize = ["-fsanitize=address,undefined"] if "asan" in BUILD else []
        done = sh("gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-pthread", *sanitize,
                  f"-I{HOUSE}/include", f"{HOUSE}/examples/{name}.c", f"-L{BUILD}", "-lweft",
                  f"-Wl,-rpath,{BUILD}", "-o", path(name))
        expect(done.returncode == 0, done.stderr)
    return path(name)


def await_listening(server, port):
    deadline = time.monotonic() + 60
    while True:
        expect(server.poll() is None, "it ended before it listened")
        expect(time.monotonic() < deadline, "it never listened")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)


@contextmanager
def listening(name, *arguments):
    """The address of a program that has to be told one, and listens there."""
    with socket.socket() as held:
        # Nobody else is given it; who asks for it, and sets the same option, may listen there.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        address = f"127.0.0.1:{port}"
        with subprocess.Popen([build(name), *arguments, address]) as server:
            try:
                await_listening(server, port)
                yield address
            finally:
                server.kill()
