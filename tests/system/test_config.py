#!/usr/bin/env python3
"""test_config.py - `weft config`, and `weft serve` told by a file and by the environment.

Who says it last holds: the file, the environment, the command line. A mistake is told by its line,
its key and the nearest key.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from served import WEFT, Connection, case, expect, run

TOP = os.path.join(os.path.dirname(__file__), "..", "..")

# What a line does, and what is told of it.
HOSTILE = (
    ("hiden = yes", 'there is no key "hiden"; the nearest is "hidden"'),
    ("htpp = 127.0.0.1:0", 'there is no key "htpp"; the nearest is "http"'),
    ("quite something else = 1", 'there is no key "quite something else".'),
    ("x" * 90 + " = 1", "there is no key \"xxx"),
    ("hidden = maybe", 'hidden takes yes or no, not "maybe"'),
    ("rate = 0", 'rate takes a number from 1 to 1000000, not "0"'),
    ("rate = 99999999999999999999", "rate takes a number"),
    ("rate = 5 x", "rate takes a number"),
    ("grace = nan", "grace takes seconds"),
    ("upload-max = 9999999999G", "upload-max takes a number of bytes"),
    ("links = some", "links takes one of inside, none, all"),
    ("rate = ", "rate has no value"),
    ("rate", "this is neither key = value nor a # comment"),
    ("= 5", "there is no key \"\""),
    ("[serve", "this is neither"),
    ("[chat]\nchat-web = yes", "there is no section [chat], only [serve]"),
    ("json = yes", "json is for the command line only"),
    ("config = other.conf", "config is for the command line only"),
    ("help = yes", 'there is no key "help"'),
    ("spa = " + "x" * 4100, "a line has 4096 bytes at most"),
    ("x" * 300, "a line of more than 198 bytes is KEY = VALUE"),
    ("spa = a\0b", "there is a NUL in it"),
    ("rate = 5\nrate = 6", "rate is given in line 1, too"),
    ("http = 127.0.0.1:0\n" * 33, "http can be given 32 times at most"),
    ("spa = \x1b[31mred\x07\nlinks = \x1b[31m", r'\x1B[31m'),
    ("# " + "x" * (1 << 20) + "\nrate = 5", "1 MiB at most"),
)


def weft(*arguments, **variables):
    """In no environment but this."""
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables})


class Written:
    """A file with that text."""

    def __init__(self, text):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "weft.conf")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.folder.cleanup()


def status_of(name, *arguments):
    """What a server that is told by no operand answers for that name."""
    with subprocess.Popen([WEFT, "serve", "--http", "127.0.0.1:0", "--json", *arguments],
                          stdout=subprocess.PIPE) as server:
        try:
            address = json.loads(server.stdout.readline())["http"]
            with Connection((address.rpartition(":")[0], int(address.rpartition(":")[2]))) as peer:
                peer.send(f"GET /{name} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                return peer.reply().status
        finally:
            server.terminate()


def shown(path, **variables):
    done = weft("config", "show", path, "--json", **variables)
    expect(done.returncode == 0 and done.stderr == "", done)
    return json.loads(done.stdout)["settings"]


@case("every mistake of a file is told, with its line, and nothing is served")
def _():
    for text, told in HOSTILE:
        with Written(text) as path:
            done = weft("config", "check", path)
            expect(done.returncode == 2 and done.stdout == "", (text[:60], done))
            lines = [line for line in done.stderr.splitlines() if told in line]
            expect(lines and re.match(r"weft serve: \S+weft\.conf:\d+: ", lines[0]),
                   (text[:60], done.stderr))
            expect("\x1b" not in done.stderr and "\x07" not in done.stderr, done)
            done = weft("serve", "--config", path)
            expect(done.returncode == 2 and told in done.stderr, (text[:60], done))
    with Written("# fine\nhiden = 1\n\nrate = x\n") as path:
        done = weft("config", "check", path)
        expect([line.split(": ")[1].rpartition(":")[2] for line in done.stderr.splitlines()] ==
               ["2", "4"], done)


@case("a file that is asked for must be there, and be one")
def _():
    with tempfile.TemporaryDirectory() as folder:
        for path in (os.path.join(folder, "none.conf"), folder):
            done = weft("config", "check", path)
            expect(done.returncode != 0 and path in done.stderr, done)
        done = weft("config", "check", HOME=folder, XDG_CONFIG_HOME=folder,
                    WEFT_SERVE_CONFIG="none")
        expect(done.returncode == 0 and "no file" in done.stdout, done)


@case("what can't be meant together is told by its key, and that a file says so, too")
def _():
    for text, told in (("http = 127.0.0.1:0\nchat-no-guests = yes\n",
                        ": chat-no-guests is of chat, which is off"),
                       ("http = 127.0.0.1:0\nchat-guest-rooms = yes\nchat-no-guests = no\n",
                        ": chat-guest-rooms is of chat"),
                       ("http = 127.0.0.1:0\nftp-idle-timeout = 9\n",
                        ": ftp-idle-timeout is of FTP, which is off")):
        with Written(text) as path:
            done = weft("config", "check", path)
            expect(done.returncode == 2 and told in done.stderr and path in done.stderr, done)
    for text in ("chat-no-guests = yes\n", "ftp-anonymous = yes\nchat-rate = 5\n"):
        with Written(text) as path:
            expect(weft("config", "check", path).returncode == 0, text)
    done = weft("config", "check", TOP)
    expect(done.returncode == 1 and "it is a folder" in done.stderr, done)


# What a start refuses, and that line, in a file whose first line is dir.
REFUSED = (
    ("http = 127.0.0.1:99999", 2, "http takes HOST:PORT"),
    ("http = 127.0.0.1:21999 # remark", 2, "A remark has a line of its own"),
    ("http = 127.0.0.1:0\nhttp = nothing\nhttp = [::1]:0", 3, "http takes HOST:PORT"),
    ("ftp = 127.0.0.1", 2, "ftp takes HOST:PORT"),
    ("driver = foo", 2, 'driver: there is no driver "foo"'),
    ("user = no-such-user", 2, "user takes NAME or NAME:GROUP"),
    ("https = 127.0.0.1:0\ntls-cert = /nope.pem", 3, "tls-cert: can't serve HTTPS: /nope.pem"),
    ("state = %s/state", 2, "state: the state folder"),
    ("state = %s/more/state", 2, "state: the state folder"),
    ("state = /proc/x", 2, "state"),
    ("ftp-passive = 50099-50000", 2, "ftp-passive takes ports"),
    ("http = 127.0.0.1:0\nauth-file = /nope", 3, "auth-file: "),
    ("access-log = /nope/log", 2, "access-log: "),
    ("http = 127.0.0.1:0\nmodel = pool\nworkers = 2", 4, "workers is for"),
)


@case("what a start refuses, the check has told before, by line and key; and the start does so too")
def _():
    with tempfile.TemporaryDirectory() as folder:
        env = {"HOME": folder + "/home", "XDG_RUNTIME_DIR": folder + "/run",
               "STATE_DIRECTORY": folder + "/elsewhere"}
        share = os.path.join(folder, "share")
        os.mkdir(share)
        for text, line, told in REFUSED:
            text = text.replace("%s", share)
            with Written(f"dir = {share}\n{text}\n") as path:
                done = weft("config", "check", path, **env)
                expect(done.returncode == 2 and done.stdout == "", (text, done))
                expect(f"weft.conf:{line}: " in done.stderr and told in done.stderr, (text, done))
                if "/proc" not in text:
                    done = weft("serve", "--config", path, "--control", "none",
                                **{**env, "STATE_DIRECTORY": folder + "/kept"})
                    expect(done.returncode and f"weft.conf:{line}: " in done.stderr and
                           told in done.stderr, (text, done))
                expect(os.listdir(share) == [], (text, os.listdir(share)))
        with Written("dir = /nope\nhttp = nothing\nftp = nothing\n") as path:
            done = weft("config", "check", path, **env)
            for line in 1, 2, 3:
                expect(f"weft.conf:{line}: " in done.stderr, done)
            # What the command line says is not the file's mistake.
            done = weft("serve", "/nope/more", "--config", path, **env)
            expect("weft.conf" not in done.stderr.splitlines()[0], done)
        expect(not os.path.exists(folder + "/elsewhere"), "the check has made something")


@case("a section that is none is told once, and a long value is taken whole")
def _():
    with Written("[chat]\nrate = 5\nhidden = yes\n[web]\nrate = 5\n") as path:
        done = weft("config", "check", path)
        expect(done.stderr.count("there is no section") == 2, done)
    long = "/" + "x" * 4000
    with Written(f"http = 127.0.0.1:0\naccess-log =  {long}  ; a remark\nrate = 5\n") as path:
        settings = shown(path)
        expect(settings["access-log"]["values"] == [long], settings["access-log"])
        expect(settings["rate"]["values"] == ["5"], settings["rate"])


@case("a service's is where systemd says that its settings are")
def _():
    with Written("rate = 5\n") as path, Written("rate = 6\n") as other:
        for said in (os.path.dirname(path), f"{os.path.dirname(path)}:{os.path.dirname(other)}"):
            done = weft("config", "show", "--json", HOME="/nonexistent",
                        CONFIGURATION_DIRECTORY=said)
            expect(done.returncode == 0, done)
            settings = json.loads(done.stdout)["settings"]
            expect(settings["rate"] == {"values": ["5"], "from": "file", "line": 1}, settings)
        done = weft("config", "show", other, "--json", CONFIGURATION_DIRECTORY=said)
        expect(json.loads(done.stdout)["settings"]["rate"]["values"] == ["6"], done)
        # Nothing there is as nowhere else: no mistake.
        done = weft("config", "check", CONFIGURATION_DIRECTORY="/nonexistent")
        expect(done.returncode == 0, done)


@case("the file, the environment, the command line: who says it last holds")
def _():
    text = "# all\n[serve]\nhttp = 127.0.0.1:1\nhttp = 127.0.0.1:2 ; two\nrate = 5\nhidden=on\n"
    with Written(text) as path:
        settings = shown(path)
        expect(settings["http"] == {"values": ["127.0.0.1:1", "127.0.0.1:2"], "from": "file",
                                    "line": 4}, settings["http"])
        expect(settings["rate"] == {"values": ["5"], "from": "file", "line": 5})
        expect(settings["hidden"]["values"] == ["on"] and
               settings["links"] == {"values": ["inside"], "from": "default"} and
               settings["no-listing"] == {"values": ["no"], "from": "default"}, settings)
        settings = shown(path, WEFT_SERVE_HTTP="[::1]:3", WEFT_SERVE_RATE="",
                         WEFT_SERVE_LINKS="all")
        expect(settings["http"] == {"values": ["[::1]:3"], "from": "environment"}, settings["http"])
        expect(settings["rate"]["values"] == ["5"] and settings["links"]["values"] == ["all"])
        table = weft("config", "show", path, WEFT_SERVE_HOST="a.example;*.b.example").stdout
        expect(re.search(rf"^rate +5 +{re.escape(path)}:5$", table, re.M) and
               re.search(r"^host +a\.example +environment\n +\*\.b\.example *$", table, re.M),
               table)
    for name in ("WEFT_SERVE_HTPP", "WEFT_SERVE_"):
        done = weft("config", "check", **{name: "x"})
        expect(done.returncode == 2 and name in done.stderr, done)
    done = weft("config", "check", WEFT_SERVE_RATE="many")
    expect(done.returncode == 2 and "WEFT_SERVE_RATE takes a number" in done.stderr, done)


@case("the server does what its file says, and what the command line takes back of it")
def _():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, ".secret"), "w", encoding="utf-8") as file:
            file.write("hidden")
        with Written(f"dir = {folder}\nhidden = yes\nhttp = 127.0.0.1:1\nhost = *\n") as path:
            for option, status in ((), 200), (("--hidden=no",), 404):
                expect(status_of(".secret", "--config", path, *option) == status, option)
        done = weft("serve", folder, "--hidden=perhaps")
        expect(done.returncode == 2 and "--hidden takes yes or no" in done.stderr, done)


@case("the example has every key, at its default, and is right")
def _():
    example = weft("config", "example").stdout
    with open(os.path.join(TOP, "packaging", "weft.conf"), encoding="utf-8") as file:
        expect(file.read() == example)
    with Written(example) as path:
        expect(weft("config", "check", path).returncode == 0)
        settings = shown(path)
    written = re.findall(r"^#([a-z-]+) = (.*)$", example, re.M)
    expect([key for key, _ in written] == list(dict.fromkeys(key for key, _ in written)))
    expect({key for key, _ in written} == set(settings),
           {key for key, _ in written} ^ set(settings))
    for key, value in written:
        standard = settings[key]["values"]
        if standard and key != "dir":
            expect([value] == standard, (key, value, standard))
    text = weft("serve", "--help").stdout
    options = set(re.findall(r"--([a-z][a-z-]+)", text)) - {"help", "json", "config"}
    expect(options == set(settings), options ^ set(settings))
    for key, values in ((key, one["values"]) for key, one in settings.items()):
        told = re.search(rf"^  --{key} (?:(?!\n  --|\n\n)[\s\S])*?\(default: ([^\s;)]+)", text,
                         re.M)
        if told and values and values != ["no"]:
            expect(told[1] == values[0], (key, told[1], values))


@case("wrong usage is told in a line, with status 2; the manual knows what the help does")
def _():
    for words in ((), ("list",), ("check", "a", "b"), ("example", "x"), ("show", "--hidden")):
        done = weft("config", *words)
        expect(done.returncode == 2 and done.stderr.startswith("weft config: "), done)
    done = weft("config", "--help")
    with open(os.path.join(TOP, "docs", "man", "weft-config.1"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    for word in re.findall(r"^  (?:--)?([a-z]+)  ", done.stdout, re.M):
        expect(word in page, word)


if __name__ == "__main__":
    sys.exit(run())
