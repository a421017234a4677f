#!/usr/bin/env python3
# check: waits
"""test_chat.py - `weft serve --chat` by nc, socat and Python's sockets: people talk by lines."""
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from accounted import PASSWORD, State
from chatting import House, Person
from served import PATIENCE_S, Skip, case, expect, run

ROUNDS = int(os.environ.get("CHECK_ROUNDS", "1"))  # make soak
FAST = ("--chat-rate", "1000000")
TEXT = "gr\u00fc\u00df Gott \u4f60\u597d \U0001f600 \\o/ \u202e"


@case("two people talk: each gets it once, in order, and its writer an OK with its number")
def _():
    with House() as house, house.guest("mia") as mia, house.guest("bob") as bob:
        expect(mia.event("joined").who == "~bob")
        for number in range(1, 11):
            room, epoch, seq = mia.do(f"SAY lobby {number} {TEXT}").split()
            expect((room, int(seq)) == ("lobby", number))
        for person in (mia, bob):
            for number in range(1, 11):
                said = person.event("message", "gap")
                expect((said.word, said.who, said.seq) == ("message", "~mia", number), said)
                expect(said.text == f"{number} {TEXT}", said)
                expect(said.epoch == epoch and "\u202e" not in said.line, said)
        bob.do("QUIT")
        expect(bob.at_end())
        left = mia.event("left")
        expect((left.who, left.count) == ("~bob", 1), left)


@case("who has the answer to QUIT, or EXIT by a datagram, is out: her name is free by then")
def _():
    with House(*FAST) as house, house.guest("bob") as bob:
        for _ in range(20):
            with house.connect() as mia:
                mia.do("GUEST mia")
                mia.do("JOIN lobby")
                mia.do("QUIT")
                expect([row.who for row in bob.list("MEMBERS lobby")[1]] == ["~bob"])
            with socket.socket(type=socket.SOCK_DGRAM) as typed:
                typed.settimeout(PATIENCE_S)
                typed.connect(house.address)
                typed.send(b"L mia")
                expect(typed.recv(2048) == b"OK")
                typed.send(b"Q mia")
                while typed.recv(2048) != b"EXIT":
                    pass


@case("what is sent again with its id has the same answer, and is one message")
def _():
    with House() as house, house.guest("mia") as mia, house.guest("bob") as bob:
        for _ in range(3):
            mia.send("#id-1 SAY lobby once")
        answers = [mia.event("OK").line for _ in range(3)]
        expect(len(set(answers)) == 1 and answers[0].startswith("#id-1 OK lobby "), answers)
        mia.send("#id-1 SAY lobby twice")
        expect(mia.event("NO").rest.startswith("bad-id"))
        mia.do("SAY lobby end")
        expect([bob.event("message").text for _ in range(2)] == ["once", "end"])


@case("who was cut off goes on after the last message: no gap, none twice")
def _():
    with House(*FAST) as house, house.guest("bob") as bob:
        epoch, seen = "0", 0
        for _ in range(5):
            with house.guest_again("mia") as mia:
                mia.do(f"JOIN lobby {epoch} {seen}" if seen else "JOIN lobby")
                for number in range(40):
                    bob.send(f"SAY lobby {number}")
                for _ in range(20 if seen else 35):
                    said = mia.event("message", "gap")
                    expect(said.word == "message" and said.seq == seen + 1, (seen, said))
                    epoch, seen = said.epoch, said.seq
        with house.guest_again("mia") as mia:
            mia.do(f"JOIN lobby {epoch} {seen}")
            while seen < 200:
                said = mia.event("message", "gap")
                expect(said.word == "message" and said.seq == seen + 1, (seen, said))
                seen = said.seq


class Crowd:
    """Many in the lobby who take all that is said."""

    def __init__(self, house, count):
        self.people = [house.connect() for _ in range(count)]
        self.selector = selectors.DefaultSelector()
        for number, person in enumerate(self.people):
            person.send(f"GUEST h{number}\nJOIN lobby")
            self.selector.register(person.socket, selectors.EVENT_READ, person)
        self.wait(b"OK lobby", 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for person in self.people:
            person.socket.close()
        self.selector.close()

    def wait(self, said, count):
        """Until each has been told that so often, and of no gap."""
        left = {person: count for person in self.people}
        while any(left.values()):
            for key, _ in self.selector.select(PATIENCE_S) or [(None, 0)]:
                expect(key, "not everybody was told")
                person, before = key.data, len(key.data.bytes)
                person.bytes += person.socket.recv(1 << 20)
                expect(len(person.bytes) > before, "somebody was cut off")
                expect(b"\ngap " not in person.bytes, "who takes all has missed something")
                left[person] -= person.bytes.count(said)
                person.bytes = person.bytes[1 - len(said):]


@case("a slow reader among many holds up nobody, is told what went by, and fetches it")
def _():
    large, burst, last = "x" * 4000, 50, 200
    with House(*FAST) as house, house.guest("bob") as bob, Crowd(house, 98) as crowd:
        with house.guest("slow", receive_buffer=4096) as slow:
            for first in range(0, last, burst):
                # Less than a room keeps: all but one have it before the next.
                bob.send("\n".join(f"SAY lobby {first + i} {large}" for i in range(burst)))
                for _ in range(burst):
                    answer = bob.event("OK", "NO")
                    expect(answer.word == "OK", answer)
                crowd.wait(b"xx\n", burst)
            seen, gaps = 0, []
            while seen < last:
                said = slow.event("message", "gap")
                if said.word == "gap":
                    expect(getattr(said, "from") == seen + 1, (seen, said))
                    gaps.append((seen, said.to))
                    seen = said.to
                else:
                    expect(said.seq == seen + 1, (seen, said))
                    seen = said.seq
            expect(gaps)
            for after, to in gaps:
                _, rows = slow.list(f"HISTORY lobby after {after} {min(to - after, 5)}")
                expect([row.seq for row in rows] == [after + 1 + i for i in range(len(rows))])
                expect(rows and rows[0].text == f"{after} {large}")


@case("a name is one person's: taken, reserved, an account's and its lookalikes are refused")
def _():
    with State() as state:
        state.add("mia")
        with House(state=state) as house, house.guest("bob") as bob:
            for name, word in (("bob", "name-taken"), ("Bob", "name-taken"), ("b0b", "name-taken"),
                               ("mia", "name-taken"), ("rnia", "name-lookalike"),
                               ("server", "name-reserved"), ("admin", "name-taken"),
                               ("a/b", "name-bad-character"), ("-x", "name-bad-start")):
                with house.connect() as person:
                    expect(person.refused(f"GUEST {name}") == word, name)
            expect(bob.refused("GUEST other") == "already")


@case("an account comes in by password or token, and is out when it is locked")
def _():
    with State() as state:
        state.add("mia")
        token = state.token("mia")
        with House(state=state) as house, house.guest("bob") as bob:
            with house.connect() as person:
                expect(person.refused("LOGIN mia wrong-password") == "wrong")
                expect(person.refused("JOIN lobby") == "log-in-first")
                expect(person.refused("TOKEN nonsense") != "")
                expect(person.do(f"TOKEN {token}") == "mia")
            with house.member("mia", PASSWORD) as mia, \
                    house.member("mia", PASSWORD) as listener:
                while bob.event("joined").who != "mia":
                    pass
                mia.do("SAY lobby hello")
                expect(bob.event("message").who == "mia")
                code = mia.do("CODE")
                expect(re.fullmatch("[a-z2-9]{8}", code))
                state.do("lock", "mia")
                deadline = time.monotonic() + PATIENCE_S
                while time.monotonic() < deadline:
                    mia.send("PING")
                    said = mia.event("OK", "over")
                    if said.word == "over":
                        break
                expect(said.word == "over" and mia.at_end())
                expect(listener.event("over").text == "your log-in is over" and listener.at_end())
            with house.connect() as person:
                expect(person.refused(f"LOGIN mia {PASSWORD}") == "locked")


@case("a moderator mutes, kicks and bans, everybody is told, and the audit log knows")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        with House(state=state) as house, house.guest("bob") as bob, \
                house.member("ann", PASSWORD) as ann:
            expect(bob.refused("KICK lobby ann") == "not-allowed")
            ann.do("MUTE lobby ~bob 3600 too loud")
            expect(bob.event("notice").text == "bob is muted: too loud")
            expect(bob.refused("SAY lobby hm") == "muted")
            ann.do("UNMUTE lobby bob")
            bob.do("SAY lobby thank you")
            seq = ann.event("message").seq
            ann.do(f"DELETE lobby {seq}")
            expect(bob.event("deleted").number == seq)
            ann.do("TOPIC lobby what is new")
            expect(bob.event("topic").text == "what is new")
            ann.do("READ-ONLY lobby on")
            expect(bob.refused("SAY lobby hm") == "read-only")
            ann.do("READ-ONLY lobby off")
            ann.do("SLOW lobby 3600")
            bob.do("SAY lobby one")
            answer = bob.ask("SAY lobby two").rest.split()
            expect(answer[0] == "slow-mode" and 3500000 < int(answer[1]) <= 3600000, answer)
            ann.do("KICK lobby bob out")
            expect(bob.event("exited").text == "out")
            bob.do("JOIN lobby")
            ann.do("BAN * bob 3600 enough")
            expect(bob.event("over").text == "enough" and bob.at_end())
            with house.connect() as again:
                expect(again.refused("GUEST bob") == "banned")
        actions = [event["action"] for event in state.facts("audit") if event["door"] == "chat"]
        for action in ("mute", "unmute", "delete", "topic", "kick", "ban", "slow-mode"):
            expect("room." + action in actions, (action, actions))


@case("who moderates a room can do nothing to an administrator, who is not here either")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        for name in ("mia", "tom"):
            state.add(name)
        with House(state=state) as house, house.member("mia", PASSWORD) as mia:
            mia.do("MAKE garden public")
            for command in ("BAN garden ann 0 why", "MUTE garden ann 0 why"):
                expect(mia.refused(command) == "not-allowed", command)
            mia.do("BAN garden tom 0 why")
            mia.do("UNBAN garden tom")
            with house.member("ann", PASSWORD, room="garden") as ann:
                ann.do("SAY garden here I am")
                expect(mia.refused("BAN garden ann 0 why") == "not-allowed")
        state.add("zoe", PASSWORD, "--role", "admin")
        state.do("change", "ann", "--role", "member")
        with House(state=state) as house, house.member("mia", PASSWORD) as mia:
            mia.do("BAN garden ann 0 why")


@case("rooms are made, private ones by invitation; two have one of their own")
def _():
    with State() as state:
        for name in ("mia", "tom", "eve"):
            state.add(name)
        with House(state=state) as house, house.member("mia", PASSWORD) as mia, \
                house.member("tom", PASSWORD) as tom, house.member("eve", PASSWORD) as eve:
            mia.do("MAKE den private for us")
            expect(eve.refused("JOIN den") == "no-room" and tom.refused("JOIN den") == "no-room")
            mia.do("INVITE den tom")
            expect(tom.event("invited").who == "mia")
            tom.do("JOIN den")
            mia.do("JOIN den")
            tom.do("SAY den quiet here")
            for person in (mia, tom):
                expect(person.event("message").text == "quiet here")
            expect([row.name for row in eve.list("ROOMS")[1]] == ["lobby"])
            expect([row.name for row in tom.list("ROOMS")[1]] == ["den", "lobby"])
            expect({row.who for row in mia.list("MEMBERS den")[1]} == {"mia", "tom"})
            room = mia.do("DIRECT tom")
            mia.do(f"SAY {room} psst")
            expect(tom.event("message").text == "psst")
            expect(eve.refused(f"JOIN {room}") == "no-room")


@case("a room of two follows who is in it: a name that is given again leads to nobody else")
def _():
    with State() as state:
        for name in ("anna", "dora", "kim"):
            state.add(name)
        with House(state=state) as house, house.member("anna", PASSWORD) as anna:
            with house.member("dora", PASSWORD) as dora:
                expect(anna.do("DIRECT dora") == "@anna+dora")
                anna.do("SAY @anna+dora for the first")
                expect(dora.event("message").text == "for the first")
                state.do("change", "dora", "--name", "dorothy")
                # She is not called so any more, and speaks by that name no more.
                dora.send("SAY lobby hello")
                expect("your name has changed" in dora.event("over").text)
            expect(anna.refused("SAY @anna+dora who are you?") == "no-such-person")
            state.add("dora")
            expect(anna.refused("SAY @anna+dora for the second only") == "no-such-person")
            expect(anna.do("DIRECT dora") == "@anna+dora")
            anna.do("SAY @anna+dora for the second")
            with house.member("dora", PASSWORD) as dora:
                texts = [row.text for row in dora.list("HISTORY @anna+dora 50")[1]]
                expect(texts == ["for the second"], texts)
                dora.do("SAY @anna+dora it is me")
            with house.member("dorothy", PASSWORD) as dorothy:
                expect(dorothy.refused("HISTORY @anna+dora") == "no-room")
                expect(dorothy.refused("SAY @anna+dora and me?") == "not-member")
                expect(dorothy.do("DIRECT anna") == "@anna+dorothy")
                texts = [row.text for row in dorothy.list("HISTORY @anna+dorothy 50")[1]]
                expect(texts == ["for the first"], texts)
                dorothy.do("SAY @anna+dorothy me again")
            expect(anna.do("DIRECT dorothy") == "@anna+dorothy")
            expect(anna.do("DIRECT kim") == "@anna+kim")
            anna.do("SAY @anna+kim for the first kim")
            state.do("remove", "kim")
            expect(anna.refused("SAY @anna+kim shall we?") == "no-such-person")
            state.do("remove", "kim", "--purge")
            expect(anna.refused("SAY @anna+kim are you there?") == "no-such-person")
            state.add("kim")
            expect(anna.refused("SAY @anna+kim and now?") == "no-such-person")
            with house.member("kim", PASSWORD) as kim:
                expect(kim.do("DIRECT anna") == "@anna+kim")
                kim.do("SAY @anna+kim here I am")
                expect(len(kim.list("HISTORY @anna+kim 50")[1]) == 1)
        # It is so on the disk.
        with House(state=state) as house, house.member("anna", PASSWORD) as anna:
            for room, text in (("@anna+dorothy", "me again"), ("@anna+dora", "it is me"),
                               ("@anna+kim", "here I am")):
                expect(anna.list(f"HISTORY {room} 50")[1][-1].text == text)
                anna.do(f"SAY {room} good")


@case("what was said is found, a page at a time, by parts of words and in Chinese")
def _():
    with House(*FAST) as house, house.guest("mia") as mia:
        for number in range(60):
            mia.send(f"SAY lobby the {number}th elephant")
        for _ in range(60):
            expect(mia.event("OK", "NO").word == "OK")
        mia.do("SAY lobby \u4eca\u5929\u5929\u6c14\u5f88\u597d")
        answer, rows = mia.list("HISTORY lobby 50")
        expect(answer.rest == "more" and [row.seq for row in rows] == list(range(12, 62)))
        answer, rows = mia.list("HISTORY lobby before 12")
        expect(answer.rest == "" and [row.seq for row in rows] == list(range(1, 12)))
        answer, rows = mia.list("SEARCH lobby lephan")
        found = [row.seq for row in rows]
        while answer.rest:
            answer, rows = mia.list(f"SEARCH-ON {answer.rest} lobby * lephan")
            found += [row.seq for row in rows]
        expect(sorted(found) == list(range(1, 61)), found)
        expect([row.seq for row in mia.list("SEARCH * \u5929\u5929\u6c14")[1]] == [61])


@case("who is too fast is read later, and loses nothing")
def _():
    with House("--chat-rate", "10") as house, house.guest("mia", room=None) as mia:
        begun = time.monotonic()
        for _ in range(110):
            mia.send("PING")
        for _ in range(110):
            expect(mia.event().word == "OK")
        expect(time.monotonic() - begun > 0.9)


@case("what guests of one address say is bounded: they wait, an account does not")
def _():
    with State() as state:
        state.add("ann", PASSWORD)
        # A quarter of a piece a second, and some 200 at once: 12 messages of 17.
        with House("--chat-rate", "1", state=state) as house, house.guest("mia") as mia, \
                house.guest("bob") as bob, house.member("ann", PASSWORD) as ann:
            for person in (mia, bob):
                person.do("SAY lobby hello")
                for _ in range(20):
                    person.send("SAY lobby " + "x" * 4000)
            for _ in range(30):
                ann.send("SAY lobby " + "y" * 4000)
            said = {"~mia": 0, "~bob": 0, "ann": 0}
            while said["ann"] < 30:
                said[ann.event("message").who] += 1
            expect(2 <= said["~mia"] + said["~bob"] <= 25, said)


@case("who has been silent for long gets all, is heard, and can be put out")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        with House(*FAST, state=state) as house, house.guest("mia") as mia, \
                house.guest("bob") as bob, house.guest("eve") as eve, \
                house.member("ann", PASSWORD) as ann:
            time.sleep(1.3)  # parked by now; that it is shows nowhere
            for number in range(1000):
                ann.send(f"SAY lobby {number} {'x' * 100}")
            for person in (mia, bob, eve):
                for number in range(1000):
                    said = person.event("message", "gap")
                    expect(said.text.startswith(f"{number} "), said)
            mia.do("SAY lobby heard")
            for person in (bob, eve):
                expect(person.event("message").text == "heard")
            time.sleep(1.3)
            bob.socket.close()
            while ann.event("left").who != "~bob":
                pass
            ann.do("BAN * eve 60 enough")
            expect(eve.event("over").text == "enough" and eve.at_end())
            house.server.process.terminate()
            expect(mia.event("over").text == "the server stops" and mia.at_end())
            house.server.process.wait(PATIENCE_S)


@case("what is no line of chat is refused, and what talks HTTP to it carries out nothing")
def _():
    with House() as house, house.guest("bob") as bob:
        with house.guest("mia") as mia:
            for line in (b"SAY lobby \xff\n", b"SAY lobby a\0b\n", b"SAY\n", b"NOPE\n"):
                mia.send(line)
                expect(mia.event("OK", "NO").rest.startswith("bad-command"))
            expect(mia.refused("SAY lobby \\u{1b}[2J") == "text-not-utf8")
            mia.send(b"SAY lobby " + b"x" * 9000)
            expect(mia.event("NO").rest.startswith("bad-command") and mia.at_end())
        with house.connect() as page:
            page.send(b"POST / HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\n\r\n"
                      b"GUEST evil\r\nJOIN lobby\r\nSAY lobby hello\r\n")
            expect(page.at_end())
        with house.connect() as person:
            for _ in range(5):
                person.send("LOGIN mia guess")
            expect(person.at_end())
        bob.do("SAY lobby end")
        expect(bob.event("message").text == "end")


@case("who only connects, and says nothing, leaves room for others: 256 of one address")
def _():
    with House() as house:
        silent = [house.connect() for _ in range(256)]
        for person in silent:
            person.do("PING")  # it has been let in by now
        with house.connect() as late:
            expect(late.said().rest == "too many of your address have not said who they are")
            expect(late.at_end())
        # Who is somebody is not counted, nor is who has gone.
        with silent.pop() as mia:
            mia.do("GUEST mia")
            with house.connect() as late:
                late.do("PING")
                silent.pop().socket.close()
                answer = None
                while not answer or answer.word != "OK":
                    with house.connect() as later, suppress(OSError):
                        later.send("PING")
                        answer = later.said()
        for person in silent:
            person.socket.close()


@case("a guest who comes again with her secret has her name at once; nobody else has it")
def _():
    with House() as house, house.guest("bob") as bob, house.connect() as mia:
        expect(mia.refused("GUEST mia tooshort") == "bad-command")
        mia.do("GUEST mia a secret of her own")
        mia.do("JOIN lobby")
        for secret in ("", " another secret of hers", " a secret of her own "):
            with house.connect() as stranger:
                expect(stranger.refused("GUEST mia" + secret) == "name-taken", secret)
        mia.do("SAY lobby still here")
        with house.connect() as again:
            again.do("GUEST mia a secret of her own")
            expect(mia.event("over").text == "you have come in again" and mia.at_end())
            again.do("JOIN lobby")
            again.do("SAY lobby here again")
            while bob.event("message").text != "here again":
                pass
            with house.connect() as stranger:
                expect(stranger.refused("GUEST mia") == "name-taken")


# Who connects has another user, and says so first.
ADMIN_AS = """
import os, socket, sys
peer = socket.socket(socket.AF_UNIX)
if int(sys.argv[2]):
    os.setresuid(int(sys.argv[2]), int(sys.argv[2]), int(sys.argv[2]))
peer.connect(sys.argv[1])
peer.sendall(b"ADMIN\\nQUIT\\n")
print(peer.makefile().readline(), end="")
"""


@case("by the Unix socket root and the server's own user are the administrator; nobody else is")
def _():
    with State() as state:
        path = os.path.join(state.top, "chat.sock")
        with House("--chat", f"unix:{path}", "--unix-mode", "666") as house, \
                house.guest("bob") as bob, house.connect() as stranger:
            expect(stranger.refused("ADMIN") == "not-allowed")
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            with Person(connection) as admin:
                expect(admin.do("ADMIN") == "SERVER")
                rows = {row.who: row.door for row in admin.list("WHO")[1]}
                expect(rows == {"~bob": "tcp", "SERVER": "unix"}, rows)
                admin.do("ANNOUNCE the hub stops at nine")
                expect(bob.event("notice", "message").text == "the hub stops at nine")
                admin.do("BAN * bob 60 enough")
                expect(bob.event("over").text == "enough" and bob.at_end())
            if os.geteuid() == 0:
                os.chmod(state.top, 0o711)
                for user, word in ((0, "OK SERVER"), (12345, "NO not-allowed"),
                                   (65534, "NO not-allowed")):
                    done = subprocess.run(
                        [sys.executable, "-c", ADMIN_AS, path, str(user)], check=True,
                        capture_output=True, text=True, timeout=PATIENCE_S)
                    expect(done.stdout.startswith(word), (user, done))


@case("it is spoken by TLS, and by a Unix socket, where nobody is told to wait")
def _():
    with State() as state:
        state.add("mia")
        certificate = os.path.join(state.top, "own.pem")
        key = os.path.join(state.top, "own.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "60", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True, timeout=PATIENCE_S)
        path = os.path.join(state.top, "chat.sock")
        with House("--tls-cert", certificate, "--tls-key", key, "--chat-tls", "127.0.0.1:0",
                   "--chat", f"unix:{path}", "--chat-rate", "1", state=state) as house:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            with house.connect_tls(certificate) as mia, Person(connection) as bob:
                mia.do(f"LOGIN mia {PASSWORD}")
                bob.do("GUEST bob")
                mia.do("JOIN lobby")
                bob.do("JOIN lobby")
                for number in range(300):
                    bob.send(f"SAY lobby {number}")
                for number in range(300):
                    expect(mia.event("message", "gap").text == str(number))
                mia.do("SAY lobby by TLS")
                while bob.event("message").text != "by TLS":
                    pass
                doors = {row.who: row.door for row in mia.list("WHO")[1]}
                expect(not doors)  # that is for who moderates


@case("nc and socat are enough, and what was said is answered before they go")
def _():
    tools = {"nc": ["nc", "-N"], "socat": ["socat", "-t", "5", "-"]}
    if not all(shutil.which(tool) for tool in tools):
        raise Skip("nc or socat is missing")
    with House() as house, house.guest("mia") as mia:
        host, port = house.address
        for name, command in tools.items():
            target = [f"TCP:{host}:{port}"] if name == "socat" else [host, str(port)]
            for end in ("QUIT\n", ""):
                done = subprocess.run(
                    command + target, input=f"GUEST {name}\nJOIN lobby\n#i SAY lobby hi\n{end}",
                    capture_output=True, text=True, timeout=PATIENCE_S, check=True)
                expect(done.stdout.startswith(f"OK ~{name}\nentered lobby "), done)
                expect(re.search("^#i OK lobby [0-9a-f]+ [0-9]+$", done.stdout, re.M), done)
            while mia.event("message").who != f"~{name}":
                pass


@case("a server that stops tells everybody, and goes at once")
def _():
    with House() as house, house.guest("mia") as mia, house.connect() as stranger:
        house.server.process.terminate()
        expect(mia.event("over").text == "the server stops" and mia.at_end())
        expect(stranger.at_end())
        house.server.process.wait(PATIENCE_S)


def storm(person, name, acknowledged):
    """Say one thing after the other until the server is gone; which ones were accepted."""
    for number in range(100000):
        try:
            person.send(f"#{name}-{number} SAY lobby {name} {number}")
            if number >= 20:  # so many under way
                said = person.said()
                while said and not said.is_answer:
                    said = person.said()
                if not said:
                    return
                acknowledged.append(said)
        except OSError:
            return


def storm_and_kill(state, names, enough):
    """What was said by each, and what was answered, when the server was killed."""
    acknowledged = {name: [] for name in names}
    with House(*FAST, state=state) as house:
        people = [house.guest(name) for name in names]
        threads = [threading.Thread(target=storm, args=(person, name, acknowledged[name]))
                   for person, name in zip(people, names)]
        for thread in threads:
            thread.start()
        while sum(map(len, acknowledged.values())) < enough:
            time.sleep(0.01)
        house.server.process.kill()
        for thread in threads:
            thread.join(PATIENCE_S)
        house.server.process.wait(PATIENCE_S)
        house.server.process.returncode = 0  # as it was meant
    return acknowledged


def check_kept(state, acknowledged):
    with House(*FAST, state=state) as house, house.guest("late") as late:
        kept, after = {}, 0
        while True:
            answer, rows = late.list(f"HISTORY lobby after {after} 500")
            for row in rows:
                expect(row.seq == after + 1, (after, row))
                after = row.seq
                kept.setdefault(row.who, []).append((row.seq, row.text))
            if answer.rest != "more":
                break
        for name, answers in acknowledged.items():
            said = kept.get("~" + name, [])
            texts = [text for _, text in said]
            expect(texts == [f"{name} {number}" for number in range(len(texts))], name)
            said = set(said)
            for answer in answers:
                expect(answer.word == "OK", answer)
                number = int(answer.tag.rpartition("-")[2])
                expect((int(answer.rest.split()[2]), f"{name} {number}") in said, answer)


@case("whatever was acknowledged before a kill -9 in a storm is in the history, once and in order")
def _():
    acknowledged = {}
    with State() as state:
        for life in range(ROUNDS):  # of one log
            names = [f"p{life}-{number}" for number in range(4)]
            acknowledged.update(storm_and_kill(state, names, 500 + 97 * life))
            check_kept(state, acknowledged)


sys.exit(run())
