"""judged.py - what the judges share: programs that others wrote, run against `weft serve`.

	@case("curl -r asks for a part")
	def _():
		done = tool("curl", "-r", "0-4", server.url("/a.txt"))

A tool that is not installed skips its cases, by name: the summary counts them. A server is
served.py's: started on a port that the kernel chose, stopped by its own pid, and judged too:
it must end with status 0 and without a complaint.

Never: a claim that our own client could show as well (those are in tests/system).
"""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

# pylint: disable=wrong-import-position,unused-import
from served import Folder, Server, Skip, case, expect, run  # noqa: E402,F401

# tools/judge installs what comes from npm here.
NODE_MODULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build",
                            "judge", "node_modules")

# Longest run of a tool; none that works needs so long.
PATIENCE_S = 120
# The same of a script that drives a browser through all its claims.
BROWSER_S = 500


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            raise Skip(f"{program} is not installed")


def need_module(name):
    need("node")
    if not os.path.isdir(os.path.join(NODE_MODULES, name)):
        raise Skip(f"npm's {name} is not installed")


def tool(*words, text=True, env=None, timeout=PATIENCE_S, **options):
    """Run a tool to its end; its result has returncode, stdout and stderr."""
    need(words[0])
    environment = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
    return subprocess.run(words, capture_output=True, text=text, timeout=timeout,
                          check=False, env=environment, **options)


def node(script, *words):
    """Run one of our scripts over npm's modules."""
    path = os.path.join(os.path.dirname(__file__), script)
    return tool("node", path, *words, env={"JUDGE_MODULES": NODE_MODULES}, timeout=BROWSER_S)


class Site:
    """A folder as people have them, and the server of it."""

    def __init__(self, *options, **more):
        self.options, self.more = options, more

    def __enter__(self):
        self.folder = Folder().__enter__()
        self.fill()
        time.sleep(0.1)  # what has just changed gets a weak tag
        self.server = Server(self.folder.path, *self.options, **self.more)
        return self

    def __exit__(self, *what):
        try:
            self.server.__exit__(*what)
        finally:
            self.folder.__exit__(*what)

    def fill(self):
        folder = self.folder
        folder.write("hello.txt", "Hello, world\n")
        folder.write("page.html", "<!doctype html><title>A page</title><p>Hello\n" * 200)
        folder.write("empty")
        folder.write("big.bin", big())
        folder.write("sub/deep/er.txt", "deeper\n")
        folder.write("odd/a b&c#d?e%.txt", "odd\n")
        folder.write("odd/\u00e4\u6f22.txt", "utf-8\n")
        folder.write("site/index.html", "<!doctype html><title>Index</title><h1>It works</h1>\n")

    def url(self, path="/"):
        return f"http://{self.server.host}:{self.server.port}{path}"

    def read(self, name):
        with open(self.folder.at(name), "rb") as file:
            return file.read()


def big():
    """Eight MiB that are no repetition of a part."""
    return b"".join(number.to_bytes(8, "big") for number in range(1 << 20))
