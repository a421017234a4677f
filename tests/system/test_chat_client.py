#!/usr/bin/env python3
# check: waits
"""test_chat_client.py - `weft chat` and `weft admin` without a terminal.

Against `weft serve --chat`, and, where a hub has to lose, cut or lie, against chat_hub.py.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

from accounted import PASSWORD, State
from chat_hub import EVIL, WEFT, ChatHub, environment
from chatting import House
from served import PATIENCE_S, case, expect, run


def chat(*words, text="", env=None, command="chat"):
    """One run to its end, without a terminal."""
    return subprocess.run([WEFT, command, *words], input=text.encode(), capture_output=True,
                          timeout=PATIENCE_S, check=False, env=env or environment(),
                          start_new_session=True)


def place_of(house):
    return f"{house.address[0]}:{house.address[1]}"


class Follower:
    """`weft chat --follow`, line by line."""

    def __init__(self, place, *words):
        self.process = subprocess.Popen(
            [WEFT, "chat", place, "--follow", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)

    def line(self):
        return self.process.stdout.readline().decode()

    def cpu_s(self):
        """What it has computed so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_S)


# ---- In pipes ----------------------------------------------------------------------------------


@case("each line of a pipe is said, in order, and 0 says that all were accepted")
def _():
    with House() as house, house.guest("bob") as bob:
        done = chat(place_of(house), "--guest", "mia", text="one \\n\n\nzwei \u65e5\u672c\r\nlast")
        expect((done.returncode, done.stdout, done.stderr) == (0, b"", b""), done)
        said = [bob.event("message") for _ in range(3)]
        expect([one.text for one in said] == ["one \\n", "zwei \u65e5\u672c", "last"], said)
        expect(all(one.who == "~mia" for one in said), said)
        done = chat(place_of(house), "--guest", "mia", "--json", text="a\nb\n")
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        expect([answer["seq"] for answer in answers] == [4, 5] and answers[0]["ok"], answers)
        many = "".join(f"{i}\n" for i in range(300))
        expect(chat(place_of(house), "--guest", "zoe", text=many).returncode == 0)
        said = [bob.event("message").text for _ in range(302)][2:]
        expect(said == [str(i) for i in range(300)], said)


@case("who is refused is told why, with 1; who says it wrongly, with 2")
def _():
    with House() as house:
        place = place_of(house)
        for words, text, status, why in (
                ((place, "--guest", "SERVER"), "x\n", 1,
                 "this name is reserved: take another with --guest NAME, or"),
                ((place, "--guest", "mia", "--room", "none"), "x\n", 1, "there is no such room"),
                ((place, "--guest", "mia"), "x" * 5000, 1, "longer than 4096"),
                ((place, "--guest", "mia"), "", 0, ""),
                (("127.0.0.1:1", "--guest", "mia"), "x\n", 1, "Connection refused"),
                (("unix:/nonexistent/x", "--guest", "mia"), "x\n", 1,
                 "unix:/nonexistent/x: there is no such socket"),
                ((place, "--guest", "a b"), "x\n", 2, "can't be a name"),
                ((place, "--guest", "mia", "--room", "a\nQUIT"), "x\n", 2, "can't be a room"),
                ((place, "--guest", "mia", "--user", "mia"), "x\n", 2, "one of --user"),
                ((place, "--user", "mia"), "x\n", 2, "no terminal"),
                (("http://x", "--guest", "mia"), "x\n", 2, "a hub is HOST"),
                ((place, "more"), "x\n", 2, "one hub"),
                (("127.0.0.1:99999", "--guest", "mia"), "x\n", 2, "no port that there is"),
                (("127.0.0.1:x", "--guest", "mia"), "x\n", 2, "no port that there is"),
                ((place, "--guest", "mia", "--bell", "loud"), "x\n", 2, "--bell"),
                ((place, "--guest", "mia", "--last", "x"), "x\n", 2, "--last")):
            done = chat(*words, text=text)
            expect(done.returncode == status, (words, done))
            expect(why in done.stderr.decode(), (words, done))


@case("--follow prints what is said as lines or objects, harmless, until it is stopped")
def _():
    with ChatHub() as hub:
        hub.say("lobby", "bob", "before")
        with Follower(hub.place, "--guest", "mia", "--last", "5") as lines, \
                Follower(hub.place, "--guest", "eve", "--json") as objects:
            expect(re.fullmatch(r"2026-11-21 17:20 bob: before\n", lines.line()))
            hub.wait(lambda: sum("lobby" in one.rooms for one in hub.sessions) == 2)
            hub.say("lobby", "bob", EVIL + "\\nnext")
            line = lines.line()
            expect(line.endswith("bob: \\u{1b}[2J\\u{1b}[31m\\u{7}\\u{202e}\\u{9b}1mred\\nnext\n"),
                   line)
            spent, looks = 1, 0  # at first it may have to do with what came
            while spent >= 0.05:
                expect(looks < 20, "it waits by turning round and round")
                before = lines.cpu_s()
                time.sleep(1)
                spent, looks = lines.cpu_s() - before, looks + 1
            said = json.loads(objects.line())
            expect(said["text"] == "\x1b[2J\x1b[31m\x07\u202e\x9b1mred\nnext", said)
            expect((said["who"], said["seq"], said["event"]) == ("bob", 2, "message"), said)
            expect(said["at"] == "2026-11-21T17:20:01.123Z", said)
            expect(lines.end() == 0 and objects.end() == 0)


@case("a message whose answer was lost is sent again as it was, and is there once")
def _():
    lost = []

    def lose_answers(session, line):
        if "SAY" in line and len(lost) < 2:
            lost.append(line)
            session.is_deaf = True
            ChatHub.take(hub, session, line)  # it is in the log, and nobody hears of it
            session.cut()
            return True
        return False

    with ChatHub() as hub:
        hub.answer = lose_answers
        done = chat(hub.place, "--guest", "mia", text="once\ntwice\n")
        expect(done.returncode == 0, done)
        expect([text for _, text in hub.rooms["lobby"].log] == ["once", "twice"],
               hub.rooms["lobby"].log)
        again = [line for line in hub.lines if line.endswith("SAY lobby once")]
        expect(len(again) > 1 and len(set(again)) == 1, again)


@case("after a lost connection it goes on after the last message: none is missing, none doubled")
def _():
    with ChatHub() as hub, Follower(hub.place, "--guest", "mia", "--json") as follower:
        hub.wait(lambda: any(one.rooms for one in hub.sessions))
        hub.say("lobby", "bob", "1")
        expect(json.loads(follower.line())["seq"] == 1)
        for _ in range(2):
            with hub.lock:
                hub.cut()
                for session in hub.sessions:
                    session.is_deaf = True
                last = len(hub.rooms["lobby"].log)
                hub.say("lobby", "bob", "while she is away")
                # Of what comes on the new connection, one gets lost: the hub is told, and asked.
                hub.say("lobby", "bob", "and again")
            expect([json.loads(follower.line())["seq"] for _ in range(2)] == [last + 1, last + 2])
            hub.wait_line(f"#{[line for line in hub.lines if 'JOIN' in line][-1][1:]}")
        with hub.lock:
            hub.rooms["lobby"].log += [("bob", str(i)) for i in range(300)]  # nobody is told
        hub.say("lobby", "bob", "now")
        expect([json.loads(follower.line())["seq"] for _ in range(301)] == list(range(6, 307)))
        expect(follower.end() == 0)


@case("a hub that is gone for longer than it is waited for is a failure")
def _():
    with ChatHub() as hub, Follower(hub.place, "--guest", "mia", "--patience", "0.5") as follower:
        hub.wait(lambda: any(one.rooms for one in hub.sessions))
        hub.close()
        hub.cut()
        expect(follower.process.wait(timeout=PATIENCE_S) == 1)


# What a hub says instead of an answer to JOIN; and whether the client goes away for it.
HOSTILE = (
    ("a line without an end", b"x" * 200000, True),
    ("bytes that are no text", b"\xff\xfe\x00\n" * 200, True),
    ("nothing of a line", b"\n" * 200, True),
    ("numbers that are none", b"message lobby 1a2b3c4d 99999999999999999999 x x y\n" * 150, True),
    ("a number far ahead", b"message lobby 1a2b3c4d 99999999999 2026-11-21T17:20:01Z x x\n", False),
    ("a gap without an end", b"gap lobby 1a2b3c4d 1 999999999999999999\n" * 50, False),
    ("answers that nobody asked for", b"#1 OK\n#99 NO no no\n#-1 OK\nOK\nNO x\n" * 50, False),
    ("rooms without end", b"".join(b"entered r%d 1 0 0\n" % i for i in range(2000)), False),
    ("words that there are not", b"dance lobby\nmessage\nover\xc3\n" * 20, False),
    ("a farewell", b"over \x1b[31mgo away\n", True),
)


@case("whatever a hub says, a client neither hangs, nor grows, nor lets it at the terminal")
def _():
    for what, said, leaves in HOSTILE:
        def answer(session, line, said=said):
            if "JOIN" not in line:
                return False
            session.send(said)
            session.hub.take(session, line)
            return True

        with ChatHub() as hub:
            hub.answer = answer
            with Follower(hub.place, "--guest", "mia", "--patience", "0.1") as follower:
                if leaves:
                    status = follower.process.wait(timeout=PATIENCE_S)
                else:
                    hub.wait(lambda hub=hub: any(one.rooms for one in hub.sessions))
                    with open(f"/proc/{follower.process.pid}/statm", encoding="ascii") as statm:
                        pages = int(statm.read().split()[1])
                    expect("asan" in WEFT or pages * os.sysconf("SC_PAGESIZE") < 40 << 20, what)
                    status = follower.end()
                out, err = follower.process.communicate(timeout=PATIENCE_S)
                expect(status == (1 if leaves else 0), (what, status, err))
                expect(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out + err), (what, out, err))


# ---- Who one is --------------------------------------------------------------------------------


@case("an account comes in by its password or token, never out of the command line")
def _():
    with ChatHub() as hub, State() as state:
        secret = environment(WEFT_CHAT_PASSWORD="secret")
        expect(chat(hub.place, "--user", "mia", text="x\n", env=secret).returncode == 0)
        wrong = chat(hub.place, "--user", "mia", text="x\n",
                     env=environment(WEFT_CHAT_PASSWORD="no"))
        expect(wrong.returncode == 1 and b"password is wrong" in wrong.stderr, wrong)
        path = os.path.join(state.top, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write("weft_token\n")
        os.chmod(path, 0o644)
        open_to_all = chat(hub.place, "--token-file", path, text="x\n")
        expect(open_to_all.returncode == 1 and b"chmod 600" in open_to_all.stderr, open_to_all)
        os.chmod(path, 0o600)
        expect(chat(hub.place, "--token-file", path, text="x\n").returncode == 0)
        token = environment(WEFT_TOKEN="weft_token")
        expect(chat(hub.place, "--token-file", "-", text="x\n", env=token).returncode == 0)
        expect([who for who, _ in hub.rooms["lobby"].log] == ["mia"] * 3)


@case("by tls:// it talks to whom the authorities vouch for, and to nobody else")
def _():
    with State() as state:
        certificate, key = (os.path.join(state.top, name) for name in ("own.pem", "own.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "60", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True)
        with ChatHub(tls=(certificate, key)) as hub:
            refused = chat(hub.place, "--guest", "mia", text="x\n")
            expect(refused.returncode == 1 and b"certificate" in refused.stderr, refused)
            for option in (("--tls-ca", certificate), ("--insecure",)):
                done = chat(hub.place, "--guest", "mia", *option, text="x\n")
                expect(done.returncode == 0, done)
            expect(len(hub.rooms["lobby"].log) == 2)
        address = os.path.join(state.top, "chat.sock")
        with ChatHub(address) as hub:
            expect(chat(hub.place, "--guest", "mia", text="x\n").returncode == 0)


@case("weft admin asks and tells a hub, as who may")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("tom")
        with House(state=state) as house, house.guest("bob") as bob:
            at = ("--at", place_of(house))
            ann = environment(WEFT_TOKEN=state.token("ann", "--powers", "moderate"))

            def admin(*words, env=ann):
                return chat(*words, *at, command="admin", env=env)

            who = [json.loads(line) for line in admin("who", "--json").stdout.splitlines()]
            expect([row["name"] for row in who if row["door"] == "tcp"][:1] == ["~bob"], who)
            expect(b"~bob" in admin("who").stdout)
            rooms = [json.loads(line) for line in admin("rooms", "--json").stdout.splitlines()]
            expect(rooms[0]["name"] == "lobby" and rooms[0]["people"] == 1, rooms)
            stats = {row["name"]: row["number"] for row in
                     map(json.loads, admin("stats", "--json").stdout.splitlines())}
            expect(stats["clients"] == 2, stats)
            expect(admin("say", "the hub stops at nine").returncode == 0)
            expect(bob.event("notice", "message").text == "the hub stops at nine")
            expect(admin("kick", "bob", "enough of it").returncode == 0)
            expect(bob.at_end())
            for words, status in ((("kick", "nobody"), 1), (("dance",), 2), (("say",), 2),
                                  (("kick", "a b"), 2), (("who", "more"), 2)):
                done = admin(*words)
                expect(done.returncode == status and done.stderr, (words, done))
            expect(admin("who", env=environment()).returncode == 2)
            tom = environment(WEFT_TOKEN=state.token("tom"))
            refused = admin("say", "x", env=tom)
            expect(refused.returncode == 1 and b"not allowed" in refused.stderr, refused)


@case("weft admin needs no password at the Unix socket, and says who may when it is refused")
def _():
    with State() as state:
        path = os.path.join(state.top, "chat.sock")
        with House("--chat", f"unix:{path}") as house, house.guest("bob") as bob:
            done = chat("who", "--socket", path, command="admin")
            expect(done.returncode == 0 and b"~bob" in done.stdout, done)
            expect(chat("rooms", "--socket", path, command="admin").stdout.startswith(b"lobby"))
            expect(chat("stats", "--at", f"unix:{path}", command="admin").returncode == 0)
            expect(chat("say", "nine", "--socket", path, command="admin").returncode == 0)
            expect(bob.event("notice", "message").text == "nine")
            expect(chat("kick", "bob", "--socket", path, command="admin").returncode == 0)
            expect(bob.at_end())
            done = chat("who", "--socket", path, "--at", path, command="admin")
            expect(done.returncode == 2, done)
        with ChatHub(path + "2") as hub:
            hub.answer = lambda session, line: line == "#a ADMIN" and not session.send(
                "#a NO not-allowed for others")
            done = chat("who", "--socket", path + "2", command="admin")
            expect(done.returncode == 1 and b"you are neither" in done.stderr, done)


if __name__ == "__main__":
    sys.exit(run())
