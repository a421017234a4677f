#!/usr/bin/env python3
"""test_words.py - what the commands say to who has made a mistake: what is wrong, where, and what
to do instead; in one line, which no argument can break or colour."""
import os
import socket
import stat
import subprocess
import sys
import tempfile

from served import PATIENCE_S, WEFT, Skip, case, expect, run

USAGE, FAILED = 2, 1


class Place:
    """A folder with a file, a folder to share, and nobody's home."""

    def __enter__(self):
        # pylint: disable=consider-using-with,attribute-defined-outside-init
        self.temporary = tempfile.TemporaryDirectory(prefix="weft-test-")
        self.path = self.temporary.name
        os.mkdir(os.path.join(self.path, "share"))
        with open(os.path.join(self.path, "file"), "w", encoding="ascii") as file:
            file.write("hello")
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": self.path,
                    "STATE_DIRECTORY": os.path.join(self.path, "state"),
                    "XDG_RUNTIME_DIR": os.path.join(self.path, "run")}
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def weft(self, *words, env=None):
        return subprocess.run([os.path.abspath(WEFT), *words], cwd=self.path, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S,
                              env=self.env if env is None else env)

    def fails(self, status, told, *words, env=None):
        """It fails so, and says all of told, in a line that shows on any terminal."""
        done = self.weft(*words, env=env)
        said = done.stderr.decode("utf-8", "strict")
        expect(done.returncode == status and done.stdout == b"", (words, done))
        lines = said.splitlines()
        expect(len(lines) == (2 if status == USAGE else 1) and lines[0].startswith("weft"),
               (words, said))
        expect(all(part in lines[0] for part in told), (words, told, said))
        expect(all(char == "\n" or char.isprintable() for char in said), (words, said))


WEB = ("--http", "127.0.0.1:0")


@case("what is mistyped is told with what may have been meant")
def _():
    with Place() as place:
        for words, told in ((("sevre",), 'is it "serve"?'), (("satts",), 'is it "stats"?'),
                            (("account", "lokc", "mia"), 'is it "lock"?'),
                            (("account", "list"), 'is it "find"?'),
                            (("account", "rm", "mia"), 'is it "remove"?'),
                            (("account", "group", "create", "x"), 'is it "add"?'),
                            (("serve", "--htpp", "x"), "is it --http?"),
                            (("serve", "--no-lsting"), "is it --no-listing?"),
                            (("serve", "--wrokers=3"), "is it --workers?"),
                            (("get", "-o", "x"), "is it --output?"),
                            (("ps", "-h"), "is it --help?")):
            place.fails(USAGE, (told,), *words)
        for words in (("zzzzzz",), ("put",), ("account", "zzz"), ("serve", "--zzzzzz")):
            done = place.weft(*words)
            expect(done.returncode == USAGE and b"is it" not in done.stderr, done)


@case("an address that is none is told by its option, with one that would do")
def _():
    with Place() as place:
        for words, told in (
                (("serve", "--http", "9090"), ("--http", "127.0.0.1:9090")),
                (("serve", "share", "--chat", "127.0.0.1"), ("--chat", "127.0.0.1:7070")),
                (("serve", "share", "--ftp", "here"), ("--ftp", "127.0.0.1:2121")),
                (("serve", "--http", "::1:80"), ("--http", "in brackets", "[::1]:8080")),
                (("serve", "--http", "unix:" + "a" * 200), ("--http", "107 bytes")),
                (("echo", "8080"), ("127.0.0.1:8080",))):
            place.fails(USAGE, told, *words)
            expect(b"--:" not in place.weft(*words).stderr and
                   b"--address" not in place.weft(*words).stderr, words)
        place.fails(FAILED, ("--http", "192.0.2.1:0", "not an address of this machine",
                             "127.0.0.1"), "serve", "share", "--http", "192.0.2.1:0")
        place.fails(FAILED, ("--http", "nowhere/x", "folder"), "serve", "share", "--http",
                    "unix:nowhere/x")
        place.fails(FAILED, ("--http", "file", "already"), "serve", "share", "--http", "unix:file")


@case("of doors whose ports are taken, the one that is has its name told")
def _():
    with Place() as place, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--http", "--chat", "--ftp", "--metrics"):
            beside = () if option == "--http" else WEB
            place.fails(FAILED, (option, f"127.0.0.1:{port}", "in use"), "serve", "share", option,
                        f"127.0.0.1:{port}", "--ftp-anonymous",
                        *(() if option == "--ftp" else ("--ftp", "127.0.0.1:0")), *beside)


@case("a Unix socket may be named by a path that is relative")
def _():
    with Place() as place:
        with subprocess.Popen([os.path.abspath(WEFT), "serve", "share", "--http", "unix:web",
                               "--json"], cwd=place.path, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=place.env) as process:
            line = process.stdout.readline()
            process.terminate()
            errors = process.communicate(timeout=PATIENCE_S)[1]
        expect(b'"unix:' in line and process.returncode == 0, (line, errors))


@case("a folder or state that can't be is told by its name, with what would do")
def _():
    with Place() as place:
        share = ("serve", "share", *WEB)
        for words, told in (
                (("serve", "nothing", *WEB), ('no folder "nothing"',)),
                (("serve", "file", *WEB), ("file is not a folder",)),
                ((*share, "--state", "file"), ("file", "--state DIR", "--state none")),
                ((*share, "--state", "file/x"), ("file/x", "a file is there", "--state none")),
                ((*share, "--state", ""), ("--state wants a folder",)),
                (("account", "find", "--state", "file"), ("file", "--state DIR")),
                (("ps", "--state", "file"), ("file/control", "a file is where")),
                (("ps", "--control", "file"), ("file is no socket",)),
                (("ps", "--control", "."), (". is no socket",)),
                (("admin", "who"), (place.env["STATE_DIRECTORY"], "--at", "--state"))):
            place.fails(FAILED, told, *words)
        bare = {"PATH": os.environ["PATH"]}
        if os.geteuid() != 0:
            place.fails(FAILED, ("$HOME", "--state DIR"), "serve", "share", env=bare)


@case("what could not be printed is a failure, and told with its reason")
def _():
    with Place() as place, open("/dev/full", "wb") as full:
        if not stat.S_ISCHR(os.fstat(full.fileno()).st_mode):
            raise Skip("/dev/full is not the kernel's here")
        for words in (("--help",), ("serve", "--help"), ("config", "example")):
            done = subprocess.run([os.path.abspath(WEFT), *words], stdout=full, check=False,
                                  stderr=subprocess.PIPE, timeout=PATIENCE_S, env=place.env)
            expect(done.returncode == FAILED and b"standard output: No space left" in done.stderr,
                   (words, done))


@case("names that are no text, or would move a terminal's cursor, are shown as what they are")
def _():
    with Place() as place:
        for name in (b"\xff\xfe", b"a\nb", b"\x1b[31m", "\u202eb".encode(), "\u0085".encode()):
            for words in ((b"serve", name), (b"chat", b"127.0.0.1:1", b"--guest", name + b"\x01"),
                          (b"config", name), (b"account", name), (name,)):
                done = place.weft(*words)
                said = done.stderr.decode("utf-8", "strict")
                expect(done.returncode in (1, 2), (words, done))
                expect(all(char == "\n" or char.isprintable() for char in said), (words, said))
                expect(1 <= len(said.splitlines()) <= 2, (words, said))


if __name__ == "__main__":
    sys.exit(run())
