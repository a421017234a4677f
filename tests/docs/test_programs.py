#!/usr/bin/env python3
"""test_programs.py - the programs that stand in docs/ are compiled and run as they stand there.

In a page a block of C whose first line is a comment with a file's name is a whole program. A
block that says "from examples/x.c" is parts of that program, with an empty line between them. A
block whose lines begin with `$ ` is a session in the folder of that page's programs: what each
command prints on its standard output is what stands below it. A page's commands run in one shell,
on a network of their own: so a page may name ports, and what it leaves in the background ends.
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(HOUSE, "tests", "io"))
from examples import BUILD, sh  # noqa: E402
from tap import Skip, case, expect, run  # noqa: E402

ALONE = ["unshare", "--user", "--map-root-user", "--net"]
MARK = "---- status"

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"/\* (from examples/)?([a-z_0-9]+)\.c \*/\n")


def read(*path):
    with open(os.path.join(HOUSE, *path)) as file:
        return file.read()


def source_of(name, body):
    """Of a block that says whose it is: the program that it is, or of which it is parts."""
    if not name.group(1):
        return body
    source = read("examples", name.group(2) + ".c")
    for part in body[name.end():].strip("\n").split("\n\n"):
        expect(part + "\n" in source, f"{name.group(0)} has no\n{part}")
    return source


def blocks(page):
    """The programs by name, and the sessions as pairs of a command and what it prints."""
    programs, sessions = {}, []
    for language, body in BLOCK.findall(read("docs", page)):
        name = NAME.match(body) if language == "c" else None
        if name:
            programs[name.group(2)] = source_of(name, body)
        elif not language and body.startswith("$ "):
            for step in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, _, printed = step.partition("\n")
                sessions.append((command, printed))
    return programs, sessions


def build(folder, name, source):
    path = os.path.join(folder, name)
    with open(path + ".c", "w") as file:
        file.write(source)
    sanitize = ["-fsanitize=address,undefined"] if "asan" in BUILD else []
    done = sh("gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-pthread", *sanitize,
              f"-I{HOUSE}/include", path + ".c", f"-L{BUILD}", "-lweft", f"-Wl,-rpath,{BUILD}",
              "-o", path)
    expect(done.returncode == 0, done.stderr)


def converse(folder, sessions):
    """What each command printed, and its status; the background's own words, too."""
    script = "".join(f"{command}\necho '{MARK}' $?\n" for command, _ in sessions)
    with open(os.path.join(folder, "session"), "w") as file:
        file.write("ip link set lo up 2>/dev/null\n" + script)
    with open(os.path.join(folder, "said"), "w") as said:
        with subprocess.Popen([*ALONE, "bash", "session"], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=said, start_new_session=True) as shell:
            try:
                shell.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)  # what it has left in the background
    with open(os.path.join(folder, "said")) as file:
        parts = re.split(rf"^{MARK} (\d+)\n", file.read(), flags=re.MULTILINE)
    return list(zip(parts[::2], parts[1::2]))


def try_page(page, count):
    programs, sessions = blocks(page)
    expect(len(programs) >= count, "they were not found")
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("no network of one's own may be made here")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in programs.items():
            build(folder, name, source)
            expect(any(f"./{name}" in command for command, _ in sessions),
                   f"{page} does not show what {name} prints")
        said = converse(folder, sessions)
        for (command, printed), (got, status) in zip(sessions, said):
            expect((got, status) == (printed, "0"), f"$ {command}\n{got}status {status}")
        expect(len(said) == len(sessions), "it ended early")


@case("docs/processes.md: its programs are whole, and print what stands there")
def _():
    try_page("processes.md", 5)


@case("docs/first-server.md: the same")
def _():
    try_page("first-server.md", 4)


@case("docs/chat-in-60-lines.md: the same; and it is no longer than that")
def _():
    try_page("chat-in-60-lines.md", 1)
    lines = blocks("chat-in-60-lines.md")[0]["chat"].splitlines()
    expect(len([line for line in lines if line]) <= 60, "it is")


@case("docs/threads-to-fibers.md: the same")
def _():
    try_page("threads-to-fibers.md", 3)


sys.exit(run())
