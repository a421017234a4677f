"""examples.py - builds a program of examples/ with the library under test."""
import os
import subprocess
import sys
import tempfile

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
