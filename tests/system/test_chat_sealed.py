#!/usr/bin/env python3
# check: waits
"""test_chat_sealed.py - sealed datagrams to `weft serve --chat`: rooms for programs that roam.

The protocol itself is tested in tests/chat; here it is one whole server, with accounts, people who
speak lines, and a network between that loses.
"""
import os
import random
import select
import socket
import stat
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "io"))
from examples import build  # noqa: E402
from accounted import PASSWORD, State
from chatting import House, Person
from served import PATIENCE_S, Folder, Server, Skip, case, expect, reserved_port, run, weft

PEER = os.path.join(os.environ.get("WEFT_TEST_BUILD", "build/release"), "tests/system/link_peer")
FAST = ("--chat-rate", "1000000")
COUNT = 20  # of messages over a bad network
BEHIND = 200  # of 4,000 bytes, which is more than is kept for who is behind


class Linked(Person):
    """Somebody who speaks lines through a link; answer is the first line."""

    def __init__(self, address, kind, name, *secret):
        mine, its = socket.socketpair()
        self.process = subprocess.Popen(
            [PEER, f"{address[0]}:{address[1]}", kind, name, *secret], stdin=its)
        its.close()
        super().__init__(mine)
        self.answer = self.line()

    def __exit__(self, *what):
        super().__exit__(*what)
        if self.process.wait(PATIENCE_S):
            raise AssertionError(f"link_peer: {self.process.returncode}")

    def opened(self, who):
        """She is in, and in the lobby."""
        expect(self.answer.startswith("!open SHA256:"), self.answer)
        expect(self.line() == "OK " + who)
        self.do("JOIN lobby")
        return self

    def control(self, word, answer):
        """Something that the peer does; events that come meanwhile are kept."""
        self.send(word)
        while (line := self.line()) and not line.startswith(answer):
            pass
        expect(line, f"the end, and no {answer}")
        return line


class Relay:
    """Between a client and a server: of what goes either way, so much is lost or comes twice."""

    def __init__(self, address, seed):
        self.random, self.lost, self.doubled = random.Random(seed), 0, 0
        self.near, self.far = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        self.near.bind(("127.0.0.1", 0))
        self.far.connect(address)
        self.stop, self.stopped = socket.socketpair()
        self.client = None
        self.dropped = 0
        self.address = self.near.getsockname()
        self.thread = threading.Thread(target=self.carry, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.close()
        self.thread.join(PATIENCE_S)
        for one in (self.near, self.far, self.stopped):
            one.close()

    def pass_on(self, send, data):
        if self.lost and (self.dropped == 0 or self.random.random() < self.lost):
            self.dropped += 1
            return
        for _ in range(2 if self.random.random() < self.doubled else 1):
            try:
                send(data)
            except ConnectionRefusedError:
                pass

    def carry(self):
        while True:
            ready = select.select([self.near, self.far, self.stopped], [], [])[0]
            if self.stopped in ready:
                return
            if self.near in ready:
                data, self.client = self.near.recvfrom(2048)
                self.pass_on(self.far.send, data)
            if self.far in ready and self.client:
                try:
                    data = self.far.recv(2048)
                except ConnectionRefusedError:
                    continue
                self.pass_on(lambda data: self.near.sendto(data, self.client), data)


def key_of(house):
    if "chat-key" not in house.server.facts:
        raise Skip("this weft has no sealed datagrams")
    return house.server.facts["chat-key"]


@case("a guest by a link, one by lines, one by datagrams: the same room")
def _():
    with House() as house, house.guest("bob") as bob, \
            socket.socket(type=socket.SOCK_DGRAM) as typed:
        key = key_of(house)
        typed.settimeout(PATIENCE_S)
        typed.connect(house.address)
        typed.send(b"L tom")
        expect(typed.recv(2048) == b"OK")
        with Linked(house.address, "guest", "mia").opened("~mia") as mia:
            expect(mia.answer == "!open " + key)
            expect(mia.do("SAY lobby gr\u00fc\u00df Gott \\n \\\\o/").startswith("lobby "))
            said = bob.event("message")
            expect((said.who, said.text) == ("~mia", "gr\u00fc\u00df Gott \n \\o/"), said)
            expect(typed.recv(2048) == b"SERVER: mia has joined")
            expect(typed.recv(2048) == "mia: gr\u00fc\u00df Gott \\n \\o/".encode())
            bob.do("SAY lobby and back")
            while mia.event("message").text != "and back":
                pass
            expect(mia.refused("SHOUT lobby") == "bad-command")
            mia.do("QUIT")
            expect(mia.line() == "!over the link was closed: ")
        expect(bob.event("left").who == "~mia")


@case("a password, a token; a wrong password, a name that is taken: refused, and told why")
def _():
    with State() as state:
        state.add("ann")
        token = state.token("ann")
        with House("--chat-no-guests", state=state) as house:
            key = key_of(house)
            for kind, secret in (("password", PASSWORD), ("token", token)):
                with Linked(house.address, kind, "ann", secret).opened("ann") as ann:
                    expect(ann.do("SAY lobby " + kind).startswith("lobby "))
            for name, secret in (("ann", "wrong horse"), ("nobody", PASSWORD)):
                with Linked(house.address, "password", name, secret) as ann:
                    expect(ann.answer.startswith("!no the server refused: NO wrong "),
                           ann.answer)
            with Linked(house.address, "guest", "tom") as tom:
                expect(tom.answer.startswith("!no the server refused: NO not-allowed "),
                       tom.answer)
            path = os.path.join(state.path, "chat.key")
            expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600)
        with House(state=state) as house:
            expect(house.server.facts["chat-key"] == key, "another key")
            with Linked(house.address, "guest", "ann") as ann:
                expect("NO name-taken " in ann.answer, ann.answer)
        os.chmod(path, 0o640)
        with Folder() as folder:
            done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--chat", "127.0.0.1:0",
                        "--state", state.path)
            expect(done.returncode == 1 and "others can read this key" in done.stderr, done)


@case("three in ten datagrams are lost: all is said once, in order, and answered")
def _():
    texts = [str(number) for number in range(COUNT)]
    with House(*FAST) as house, house.guest("bob") as bob:
        key_of(house)
        with Relay(house.address, seed=7) as relay, \
                Linked(relay.address, "guest", "mia").opened("~mia") as mia:
            relay.lost, relay.doubled = 0.3, 0.1
            for number in range(COUNT):
                mia.send(f"#m{number} SAY lobby {number}")
            expect([bob.event("message").text for _ in range(COUNT)] == texts)
            seen, answered = [], []
            while len(seen) < COUNT or len(answered) < COUNT:
                said = mia.event("message", "OK", "NO", "gap")
                (seen if said.word == "message" else answered).append(said)
            relay.lost = 0
            expect([said.text for said in seen] == texts)
            expect([(said.tag, said.word) for said in answered] ==
                   [("m" + text, "OK") for text in texts])
            mia.do("QUIT")
            expect(relay.dropped > 0)
        expect(bob.event("left").who == "~mia")


@case("who takes nothing is told what she has missed; a server stops though she takes nothing")
def _():
    def flood(bob):
        for number in range(BEHIND):
            bob.do(f"SAY lobby {number} " + "x" * 4000)

    with House(*FAST) as house, house.guest("bob") as bob:
        key_of(house)
        with Relay(house.address, seed=1) as relay, \
                Linked(relay.address, "guest", "mia").opened("~mia") as mia:
            relay.lost = 1
            flood(bob)
            relay.lost = 0
            seen = []
            while not seen or seen[-1] != BEHIND - 1:
                said = mia.event("message", "gap")
                seen.append(int(said.text.split()[0]) if said.word == "message" else None)
            expect(seen.count(None) == 1 and seen[0] == 0, seen)
            numbers = [number for number in seen if number is not None]
            expect(numbers == sorted(set(numbers)) and len(numbers) < BEHIND, numbers)
            relay.lost = 1
            flood(bob)
            house.server.process.terminate()
            expect(house.server.process.wait(PATIENCE_S) == 0)
            relay.lost = 0


@case("from another port it is the same session")
def _():
    with House() as house, house.guest("bob") as bob:
        key_of(house)
        with Linked(house.address, "guest", "mia").opened("~mia") as mia:
            expect(bob.event("joined").who == "~mia")
            for number in range(3):
                expect(mia.control("!move", "!moved"))
                mia.do(f"SAY lobby {number}")
                bob.do(f"SAY lobby back {number}")
                for person in (mia, bob):
                    said = [person.event("message", "left", "joined") for _ in range(2)]
                    expect([one.text for one in said] == [str(number), f"back {number}"], said)


@case("the server stops: who is there is told; one that was killed is gone, and its name is free")
def _():
    with House() as house:
        key_of(house)
        with Linked(house.address, "guest", "mia").opened("~mia") as mia:
            house.server.process.terminate()
            expect(mia.event("over").text == "the server stops")
            expect(mia.line().startswith("!over the link was closed"))
            house.server.process.wait(PATIENCE_S)
    with State() as state, Folder() as folder, reserved_port() as port:
        state.add("ann")
        address = ("127.0.0.1", port)
        options = ("--state", state.path, "--hash-cost", "least", "--chat", f"127.0.0.1:{port}")
        first = Server(folder.path, *options)
        try:
            ann = Linked(address, "password", "ann", PASSWORD).opened("ann")
        finally:
            first.process.kill()
            first.process.communicate(timeout=PATIENCE_S)
        with ann, Server(folder.path, *options) as second:
            expect(second.facts["chat-key"] == first.facts["chat-key"])
            line = ann.control("PING", "!over")
            expect(line.startswith("!over the server began anew"), line)
            with Linked(address, "password", "ann", PASSWORD).opened("ann") as again:
                again.do("QUIT")


@case("who asks one address of several is answered from that one, typed or sealed")
def _():
    house = House()
    house.options[1] = "0.0.0.0:0"
    with house, socket.socket(type=socket.SOCK_DGRAM) as typed:
        key_of(house)
        other = ("127.0.0.2", house.address[1])
        typed.settimeout(PATIENCE_S)
        typed.connect(other)  # and hears nobody else
        typed.send(b"L tom")
        expect(typed.recv(2048) == b"OK")
        with Relay(other, seed=1) as relay, \
                Linked(relay.address, "guest", "mia").opened("~mia") as mia:
            expect(typed.recv(2048) == b"SERVER: mia has joined")
            mia.do("SAY lobby hello")
            expect(typed.recv(2048) == b"mia: hello")
            mia.do("QUIT")


@case("the example of a client, chat_say, is in, says its line, and prints what comes")
def _():
    with House() as house, house.guest("bob") as bob:
        key = key_of(house)
        place = f"127.0.0.1:{house.address[1]}"
        with subprocess.Popen([build("chat_say"), place, "mia", "hello all"],
                              stdout=subprocess.PIPE, text=True) as example:
            expect(bob.event("message").text == "hello all")
            bob.do("SAY lobby and back")
            lines = []
            while not lines or not lines[-1].endswith(" ~bob and back\n"):
                lines.append(example.stdout.readline())
                expect(lines[-1], lines)
            expect(lines[:2] == [f"server {key}\n", "OK ~mia\n"], lines)
            refused = subprocess.run([build("chat_say"), place, "bob", "x"], check=False,
                                     stderr=subprocess.PIPE, text=True)
            expect(refused.returncode == 1 and "NO name-taken " in refused.stderr, refused)
            house.server.process.terminate()
            expect("the link was closed\n" in example.stdout.read())
            expect(example.wait(PATIENCE_S) == 0)
            house.server.process.wait(PATIENCE_S)


if __name__ == "__main__":
    if not os.access(PEER, os.X_OK):
        print("1..0 # SKIP no link_peer: without libsodium")
        sys.exit(0)
    sys.exit(run())
