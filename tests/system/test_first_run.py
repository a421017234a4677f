#!/usr/bin/env python3
"""test_first_run.py - `weft serve` when nobody says what it is to be: the whole hub.

All doors on the loopback, accounts in the usual state folder, an administrator whose password is
told once, strangers who read and list. The usual ports may be somebody else's here: then the next
ones are taken, which is tested, too.
"""
import ftplib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from accounted import PASSWORD, Client
from served import PATIENCE_S, WEFT, Connection, Folder, case, expect, run
from typed import Terminal

WORDS = ("http", "ftp", "chat")


class Home:
    """Of somebody who has never run weft: where it is shared, and where state is kept."""

    def __enter__(self):
        # pylint: disable=consider-using-with,attribute-defined-outside-init
        self.temporary = tempfile.TemporaryDirectory(prefix="weft-test-")
        self.path = self.temporary.name
        self.shared = os.path.join(self.path, "shared")
        os.mkdir(self.shared)
        with open(os.path.join(self.shared, "a.txt"), "w", encoding="ascii") as file:
            file.write("hello")
        self.state = os.path.join(self.path, "deep", "state", "weft")
        self.variables = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": self.path,
                          "XDG_STATE_HOME": os.path.dirname(self.state), "TERM": "xterm"}
        if os.geteuid() == 0:  # root's is /var/lib/weft, which is no test's
            self.variables["STATE_DIRECTORY"] = self.state
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def weft(self, *arguments, text=""):
        return subprocess.run([WEFT, *arguments], input=text, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, env=self.variables)

    def shell(self, line, text=""):
        """As it is typed, in the folder where the tests began."""
        return subprocess.run(["sh", "-c", line], input=text, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, env=self.variables)

    def told(self, weft, *options):
        """What `weft serve`, called so, prints at its start."""
        with subprocess.Popen([weft, "serve", self.shared, *options], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.variables) as process:
            text = ""
            while "  stop " not in text:
                line = process.stdout.readline()
                expect(line, text)
                text += line
            process.send_signal(signal.SIGTERM)
            text += process.communicate(timeout=PATIENCE_S)[0]
        expect(process.returncode == 0, text)
        return text


class Hub:
    """`weft serve` there, which tells its facts as JSON."""

    def __init__(self, home, *options):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [WEFT, "serve", home.shared, "--json", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=home.variables)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.communicate(timeout=PATIENCE_S)[1].decode())
        self.facts = json.loads(line)
        self.host, self.port = self.place("http") if "http" in self.facts else (None, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        if kind is None:
            expect(self.process.returncode == 0 and errors == b"", errors)

    def place(self, door):
        host, _, port = self.facts[door].rpartition(":")
        return host.strip("[]"), int(port)

    def get(self, path):
        with Connection((self.host, self.port)) as peer:
            peer.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return peer.reply()

    def say(self, line):
        with Connection(self.place("chat")) as peer:
            peer.send(line.encode() + b"\n")
            expect(peer.fill(), "no answer")
            return bytes(peer.buffer).decode()


@case("with nothing told, every door is open on the loopback, and strangers change nothing")
def _():
    with Home() as home, Hub(home) as hub:
        expect(all(hub.facts[door].startswith("127.0.0.1:") for door in WORDS), hub.facts)
        expect(hub.facts["state"] == home.state and hub.facts["chat-web"] == "/.chat/", hub.facts)
        expect(hub.facts["strangers"] == ["read", "list"], hub.facts)
        expect(os.stat(home.state).st_mode & 0o777 == 0o700)
        for name in os.listdir(home.state):
            expect(os.stat(os.path.join(home.state, name)).st_mode & 0o077 == 0, name)
        expect(hub.get("/a.txt").body == b"hello" and hub.get("/.weft/chat").status == 200)
        answer = Client(hub).ask("PUT", "/new.txt", b"x", {"Content-Type": None}, prefix="")
        expect(answer.status == 401, answer)
        with ftplib.FTP() as ftp:
            ftp.connect(*hub.place("ftp"), timeout=PATIENCE_S)
            ftp.login()
            expect(ftp.nlst() == ["a.txt"])
            try:
                ftp.mkd("new")
                expect(False, "a stranger has made a folder")
            except ftplib.error_perm:
                pass
        expect(hub.say("GUEST mia").startswith("OK"))
        expect(os.listdir(home.shared) == ["a.txt"])


@case("as a service has it: the usual state, said so, is no part; and it reloads when it is told")
def _():
    with Home() as home, Hub(home, "--state", "default") as hub:
        expect(all(door in hub.facts for door in WORDS), hub.facts)
        expect(hub.facts["state"] == home.state, hub.facts)
        done = home.weft("reload", "--state", "default")
        expect(done.returncode == 0, done)
    unit = os.path.join(os.path.dirname(__file__), "..", "..", "packaging", "weft.service")
    with open(unit, encoding="utf-8") as file:
        text = file.read()
    expect("weft serve --state default\n" in text and
           "weft reload --state default\n" in text, text)


@case("the administrator's password is told at the first run, and in no log")
def _():
    with Home() as home:
        log = os.path.join(home.path, "log")
        with Hub(home, "--access-log", log) as hub:
            first = hub.facts["admin"]
            stranger = Client(hub)
            said = stranger.post("/sessions", first)
            expect(said.status == 201, said)
            admin = Client(hub, Cookie=said.fields["Set-Cookie"].partition(";")[0],
                           Sec_Fetch_Site="same-origin")
            expect(admin.put("/me/password", {"old_password": first["password"],
                                              "new_password": PASSWORD}).status == 204)
            expect(stranger.post("/sessions", first).status == 401, "it holds for longer")
        with Hub(home) as hub:
            expect("admin" not in hub.facts, hub.facts)
        with open(log, encoding="utf-8") as file:
            kept = file.read()
        where = ("--state", home.state)
        audit = home.weft("account", "audit", *where).stdout
        expect(kept and first["password"] not in kept + audit)


@case("at a terminal it tells all doors, the folder, the state, the password, and how to stop it")
def _():
    with Home() as home, Terminal(WEFT, "serve", home.shared, env=home.variables) as typed:
        text = typed.until("Ctrl-C").replace("\r", "")
        for pattern in (r"web +http://127\.0\.0\.1:\d+/\s", r"FTP +ftp://127\.0\.0\.1:\d+/",
                        rf"chat +{re.escape(WEFT)} chat 127\.0\.0\.1", r"nc -u 127\.0\.0\.1 \d+ ",
                        r"http://127\.0\.0\.1:\d+/\.weft/chat ", r"name +admin\n",
                        r"password +([a-z2-9]{4}-){3}[a-z2-9]{4}\n",
                        r"strangers +read and list files; they change nothing\n",
                        r"folder +" + re.escape(home.shared), r"state +" + re.escape(home.state)):
            expect(re.search(pattern, text), (pattern, text))
        # Paths are as long as they are, and so are reasons of a kernel's.
        expect(max(len(line) for line in text.replace(WEFT, "weft").splitlines()
                   if home.path not in line and "confined" not in line) <= 80,
               "a line is too long")
        os.kill(typed.pid, signal.SIGINT)
        expect(typed.end() == 0, typed.all)


@case("where no terminal is, a journal say, no password is told; it can be set on the machine")
def _():
    with Home() as home:
        with subprocess.Popen([WEFT, "serve", home.shared], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=home.variables) as process:
            lines = []
            while "\n  stop  " not in "".join(lines):
                lines.append(process.stdout.readline())
                expect(lines[-1], lines)
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate(timeout=PATIENCE_S)
        text = "".join(lines) + rest
        expect(process.returncode == 0 and errors == "", errors)
        expect("password  " not in text and not re.search(r"([a-z2-9]{4}-){3}", text), text)
        command = re.search(r"^ +(.* account passwd admin.*)$", text, re.M)
        expect(command, text)
        done = home.shell(command[1] + " --password-stdin", text=PASSWORD + "\n")
        expect(done.returncode == 0, done)
        with Hub(home) as hub:
            said = Client(hub).post("/sessions", {"name": "admin", "password": PASSWORD})
            expect(said.status == 201, said)


def commands_of(text):
    """Each word before what is to be typed after it."""
    found = re.findall(r"('(?:[^']|'\\'')*'|[^\s']+) (?:chat [0-9l]|serve --lan|stop;|top )", text)
    expect(len(found) == 4, text)
    return set(found)


@case("what it says to type next has the name that it was called by, or that $PATH leads to it by")
def _():
    with Home() as home:
        bin_folder, odd = os.path.join(home.path, "bin"), os.path.join(home.path, "it's here")
        for folder in (bin_folder, odd):
            os.mkdir(folder)
            os.symlink(os.path.abspath(WEFT), os.path.join(folder, "weft"))
        usual = home.variables["PATH"]
        expect(commands_of(home.told(WEFT)) == {WEFT})
        odd_name = "'" + odd.replace("'", "'\\''") + "/weft'"
        expect(commands_of(home.told(os.path.join(odd, "weft"))) == {odd_name})
        text = home.told(os.path.join(odd, "weft"), "--http", "127.0.0.1:0",
                         "--state", home.path + "/it's other")
        typed = re.search(r"^ +(.* account passwd admin.*)$", text, re.M)[1]
        done = home.shell(typed + " --password-stdin", text=PASSWORD + "\n")
        expect(typed.startswith(odd_name) and done.returncode == 0, (typed, done))
        home.variables["PATH"] = f"{home.path}/none::{bin_folder}:{usual}"
        expect(commands_of(home.told(os.path.join(bin_folder, "weft"))) == {"weft"})
        # The one that would be found is another program.
        other = os.path.join(home.path, "other")
        os.mkdir(other)
        os.symlink("/bin/true", os.path.join(other, "weft"))
        home.variables["PATH"] = f"{other}:{bin_folder}:{usual}"
        expect(commands_of(home.told(WEFT)) == {WEFT})


def take(port, kind):
    """A socket that has the port. Another test's hub may have it for a moment, and who has it for
    longer than that has it for good: then it is taken, too."""
    deadline = time.monotonic() + 20
    while True:
        one = socket.socket(socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        try:
            one.bind(("127.0.0.1", port))
            if kind == socket.SOCK_STREAM:
                one.listen()
            return one
        except OSError:
            if time.monotonic() > deadline:
                return one
        one.close()
        time.sleep(0.01)


@case("a usual port that another program has: the next one is taken, and that is told")
def _():
    # In this order for everybody who takes them, so that nobody waits for who waits for him.
    taken = [take(8080, socket.SOCK_STREAM), take(2121, socket.SOCK_STREAM),
             take(7070, socket.SOCK_DGRAM)]
    with Home() as home:
        with Hub(home) as hub:
            ports = {door: hub.place(door)[1] for door in WORDS}
            expect(8080 < ports["http"] < 8100 and 2121 < ports["ftp"] < 2141 and
                   7070 < ports["chat"] < 7090, ports)
            expect(hub.get("/a.txt").body == b"hello" and hub.say("GUEST mia").startswith("OK"))
        with Terminal(WEFT, "serve", home.shared, env=home.variables) as typed:
            text = typed.until("Ctrl-C")
            expect(all(f"another program has port {port}" in text
                       for port in (8080, 2121, 7070)), text)
            os.kill(typed.pid, signal.SIGINT)
            expect(typed.end() == 0, typed.all)
    for one in taken:
        one.close()


@case("what says how a part is leaves the others: FTP, chat and the state move alone")
def _():
    with Home() as home:
        other = os.path.join(home.path, "other state")
        for options in (("--ftp", "127.0.0.1:0"), ("--chat", "127.0.0.1:0"),
                        ("--chat", "127.0.0.1:0", "--ftp", "127.0.0.1:0"),
                        ("--state", other, "--hash-cost", "least"), ("--insecure-auth",)):
            with Hub(home, *options) as hub:
                expect(all(door in hub.facts for door in WORDS), (options, hub.facts))
                expect(hub.facts["chat-web"] == "/.chat/", (options, hub.facts))
                expect(hub.facts["state"] == (other if other in options else home.state),
                       (options, hub.facts))
                expect(hub.get("/.weft/chat").status == 200 and
                       hub.say("GUEST mia").startswith("OK"), options)
        path = os.path.join(home.path, "chat.socket")
        with Terminal(WEFT, "serve", home.shared, "--chat", "unix:" + path, "--chat",
                      "127.0.0.1:0", env=home.variables) as typed:
            text = typed.until("stop  ").replace("\r", "")
            expect(re.search(r"chat +\S*weft chat unix:" + re.escape(path) + r" ", text), text)
            expect(re.search(r"\n +\S*weft chat 127\.0\.0\.1:\d+ ", text) and
                   re.search(r"nc -u 127\.0\.0\.1 \d+ ", text), text)
            os.kill(typed.pid, signal.SIGINT)
            expect(typed.end() == 0, typed.all)


@case("a door for others without a certificate is refused, and told how; and so is who is for them")
def _():
    with Home() as home:
        done = home.weft("serve", home.shared, "--ftp", "0.0.0.0:0")
        expect(done.returncode == 2 and "--lan or --tls-cert" in done.stderr, done)
        with Terminal(WEFT, "serve", home.shared, "--ftp", "0.0.0.0:0", "--insecure-auth",
                      env=home.variables) as typed:
            text = typed.until("stop  ")
            expect("can't get here from other machines" not in text and "--lan" in text, text)
            os.kill(typed.pid, signal.SIGINT)
            expect(typed.end() == 0, typed.all)


@case("a server of the web tells in a line what of the hub is off, and how to have it")
def _():
    with Home() as home:
        for options, off in (
                (("--http", "127.0.0.1:0"),
                 "FTP (--ftp ADDR), chat (--chat ADDR), accounts (--state default)"),
                (("--http", "127.0.0.1:0", "--state", "default"),
                 "FTP (--ftp ADDR), chat (--chat ADDR)"),
                (("--http", "none", "--chat", "127.0.0.1:0", "--state", "default"),
                 "web (--http ADDR), FTP (--ftp ADDR)"),
                (("--http", "127.0.0.1:0", "--state", "default", "--chat", "127.0.0.1:0",
                  "--ftp", "127.0.0.1:0"), None)):
            with Terminal(WEFT, "serve", home.shared, *options, env=home.variables) as typed:
                text = typed.until("stop  ").replace("\r", "")
                said = re.search(r"^  off +(.*)$", text, re.M)
                expect((said[1] if said else None) == off, (options, text))
                os.kill(typed.pid, signal.SIGINT)
                expect(typed.end() == 0, typed.all)


@case("none takes a part away; who names the web's address gets what is named, and no more")
def _():
    with Home() as home:
        with Hub(home, "--ftp", "none") as hub:
            expect("ftp" not in hub.facts and "chat" in hub.facts and "state" in hub.facts)
        with Hub(home, "--chat", "none", "--state", "none") as hub:
            expect(not {"chat", "chat-web", "state", "admin"} & set(hub.facts), hub.facts)
            expect(hub.get("/a.txt").body == b"hello")
            with ftplib.FTP() as ftp:
                ftp.connect(*hub.place("ftp"), timeout=PATIENCE_S)
                ftp.login()
                expect(ftp.nlst() == ["a.txt"])
        # How a part is to be, not which there are.
        with Hub(home, "--chat-no-guests", "--ftp-no-active") as hub:
            expect(all(door in hub.facts for door in WORDS), hub.facts)
        for options in (("--http", "127.0.0.1:0"), ("--http", "127.0.0.1:0", "--ftp", "none")):
            with Hub(home, *options) as hub:
                expect(not {"ftp", "chat", "state"} & set(hub.facts), hub.facts)
        with Hub(home, "--http", "127.0.0.1:0", "--state", home.state) as hub:
            expect("state" in hub.facts and not {"ftp", "chat"} & set(hub.facts), hub.facts)
        with Hub(home, "--http", "none", "--chat", "127.0.0.1:0") as hub:
            expect("chat" in hub.facts and not {"ftp", "http", "state"} & set(hub.facts), hub.facts)


@case("weft admin needs no words where the hub of the same person runs, and else says which")
def _():
    with Home() as home:
        done = home.weft("admin", "who")
        expect(done.returncode == 1 and home.state in done.stderr and
               all(word in done.stderr for word in ("--state", "--socket", "--at", "--user")), done)
        for signal_of in (signal.SIGKILL, signal.SIGTERM):  # what is left of one is no hindrance
            hub = Hub(home)
            expect(hub.say("GUEST mia").startswith("OK"))
            expect("unix:" not in json.dumps(hub.facts), hub.facts)
            done = home.weft("admin", "who", "--json")
            expect(done.returncode == 0 and "SERVER" in done.stdout, done)
            done = home.weft("admin", "rooms", "--state", home.state)
            expect(done.returncode == 0 and done.stdout.startswith("lobby"), done)
            path = os.path.join(home.state, "chat.sock")
            expect(os.stat(path).st_mode & 0o777 == 0o600, "others may try it")
            hub.process.send_signal(signal_of)
            hub.process.communicate(timeout=PATIENCE_S)
            done = home.weft("admin", "who")
            expect(done.returncode == 1 and "--at" in done.stderr, done)
        expect(not os.path.exists(path), "it is left behind")
        with Hub(home, "--chat", "unix:" + path) as hub:
            expect(home.weft("admin", "rooms").stdout.startswith("lobby"))


@case("how it is stopped is told as it is: by Ctrl-C at a terminal, by its manager, by number")
def _():
    with Home() as home:
        for variables, words in (({}, "kill {}, or "),
                                 ({"INVOCATION_ID": "0" * 32}, "systemctl stop weft, or "),
                                 ({"NOTIFY_SOCKET": "@nobody"}, "systemctl stop weft, or")):
            for options in ((), ("--http", "127.0.0.1:0")):
                with subprocess.Popen(
                        [WEFT, "serve", home.shared, *options], stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        env={**home.variables, **variables}) as process:
                    line = "-"
                    while line and not line.startswith("  stop "):
                        line = process.stdout.readline()
                    process.send_signal(signal.SIGTERM)
                    process.communicate(timeout=PATIENCE_S)
                expect(words.format(process.pid) in line and "Ctrl-C" not in line, (words, line))
        with Terminal(WEFT, "serve", home.shared,
                      env={**home.variables, "INVOCATION_ID": "0" * 32}) as typed:
            expect("systemctl" not in typed.until("Ctrl-C"), typed.all)
            os.kill(typed.pid, signal.SIGINT)
            expect(typed.end() == 0, typed.all)


@case("what can't be shared, or waited for, is told before anything is kept")
def _():
    with Home() as home:
        for arguments in ((home.shared + "/nothing",), (home.shared, "--driver", "wonder")):
            done = home.weft("serve", *arguments)
            expect(done.returncode in (1, 2) and not os.path.exists(home.state), (arguments, done))
        os.makedirs(os.path.dirname(home.state))
        with open(home.state, "w", encoding="ascii"):
            pass
        done = home.weft("serve", home.shared)
        expect(done.returncode == 1 and "--state none" in done.stderr, done)
        os.remove(home.state)
        done = home.weft("serve", home.path, "--hidden")
        expect(done.returncode == 1 and "the state folder" in done.stderr, done)


@case("a second hub of the same person is told what to do, and the first one goes on")
def _():
    with Home() as home, Folder() as other, Hub(home) as hub:
        done = home.weft("serve", other.path)
        expect(done.returncode == 1 and "another weft serve" in done.stderr, done)
        expect("weft stop" in done.stderr and "--http 127.0.0.1:0" in done.stderr and
               "--state DIR" in done.stderr, done)
        expect(hub.get("/a.txt").body == b"hello")


if __name__ == "__main__":
    sys.exit(run())
