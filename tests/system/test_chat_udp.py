#!/usr/bin/env python3
# check: waits
"""test_chat_udp.py - `weft serve --chat` by datagrams: nc, Python's sockets, the console.

The protocol itself is frozen in tests/hub/chat_udp_*.txt; here it is one whole server, with the
rooms that the lines are in, too.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from accounted import PASSWORD, State
from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run
from typed import Terminal


class Peer:
    """A UDP socket that hears the server only."""

    def __init__(self, address, own="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind((own, 0))
        self.socket.connect(address)

    def say(self, text):
        self.socket.send(text.encode())

    def hear(self):
        return self.socket.recv(4096).decode()

    def hears(self, *texts):
        for text in texts:
            got = self.hear()
            expect(got == text, f"{got!r}, not {text!r}")

    def enter(self, name, *words):
        self.say(" ".join(("L", name, *words)))
        self.hears("OK")
        return self

    def enter_when_free(self, name):
        """A name is free a moment after the others are told; or when a probe has come back."""
        answer = "this name is taken"
        while answer == "this name is taken":
            time.sleep(0.05)  # who is quicker than ten a second gets no answer some time
            self.say("L " + name)
            answer = self.hear()
        expect(answer == "OK", answer)


class Lines:
    """The same rooms, by lines."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.file = self.socket.makefile("rwb", buffering=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def do(self, line):
        """Say it; what comes, up to its answer."""
        self.file.write(line.encode() + b"\n")
        return self.until(r"(OK|NO)\b.*")

    def until(self, pattern):
        """The next line that is such."""
        while True:
            line = self.file.readline().decode().rstrip("\n")
            expect(line, f"the end, and no {pattern}")
            if re.fullmatch(pattern, line):
                return line


def code_of(lines):
    return re.fullmatch("OK ([a-z2-9]{8})", lines.do("CODE")).group(1)


def chat_of(server):
    host, _, port = server.facts["chat"].rpartition(":")
    return host, int(port)


def chatting(folder, *options):
    return Server(folder.path, "--chat", "127.0.0.1:0", *options)


@case("who speaks by datagrams and who speaks by lines are in one room")
def one_room():
    with Folder() as folder, chatting(folder) as server:
        at = chat_of(server)
        mia = Peer(at).enter("mia")
        mia.socket.send(b"x" * 65507)
        mia.hears("this is too long")
        with Lines(at) as tom:
            expect(tom.do("GUEST tom").startswith("OK"), "guest")
            tom.do("JOIN lobby")
            mia.hears("SERVER: tom has joined")
            expect(tom.do("SAY lobby hello mia").startswith("OK"), "say")
            mia.hears("tom: hello mia")
            mia.say("C mia \x1b[2J hello tom")
            got = tom.until("message .*~mia .*")
            expect(got.endswith("~mia \\\\u{1b}[2J hello tom"), got)
        mia.hears("SERVER: tom has left")
        Peer(at).enter_when_free("tom")
        mia.hears("SERVER: tom has joined")


@case("who has gone is out as soon as somebody speaks, and the name is free")
def gone():
    with Folder() as folder, chatting(folder) as server:
        at = chat_of(server)
        mia, tom = Peer(at).enter("mia"), Peer(at).enter("tom")
        mia.hears("SERVER: tom has joined")
        tom.socket.close()
        mia.say("C mia are you there?")
        mia.hears("SERVER: tom has left (gone)")
        Peer(at).enter("tom")
        mia.hears("SERVER: tom has joined")


@case("a name of somebody who has gone is free for who asks twice")
def gone_twice():
    with Folder() as folder, chatting(folder) as server:
        at = chat_of(server)
        Peer(at).enter("mia").socket.close()
        Peer(at).enter_when_free("mia")


@case("nc speaks it")
def by_nc():
    if not shutil.which("nc"):
        raise Skip("there is no nc")
    with Folder() as folder, chatting(folder) as server:
        host, port = chat_of(server)
        mia = Peer((host, port)).enter("mia")
        with subprocess.Popen(["nc", "-u", host, str(port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as nc:
            nc.stdin.write(b"L tom\n")
            nc.stdin.flush()
            mia.hears("SERVER: tom has joined")
            expect(os.read(nc.stdout.fileno(), 100) == b"OK\n", "OK")
            nc.stdin.write(b"C tom hello\n")
            nc.stdin.flush()
            mia.hears("tom: hello")
            nc.kill()


@case("an account's name needs the code that its owner has asked for, once")
def codes():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD)
        with chatting(folder, "--state", state.path) as server:
            at = chat_of(server)
            stranger, phone = Peer(at), Peer(at)
            stranger.say("L Ann")
            stranger.hears("this name needs a code of its owner's: send: L name code")
            with Lines(at) as ann:
                expect(ann.do(f"LOGIN ann {PASSWORD}").startswith("OK"), "login")
                code = code_of(ann)
                stranger.say(f"L ann {'a' if code[0] != 'a' else 'b'}{code[1:]}")
                stranger.hears("this code is wrong, or over")
                phone.enter("ann", code.upper())
                stranger.say(f"L ann {code}")
                stranger.hears("this code is wrong, or over")
                code = code_of(ann)
                state.do("lock", "ann")
                stranger.say(f"L ann {code}")
                expect("taken" in stranger.hear(), "a locked account's name was given")


@case("wrong codes are bounded for each address, and never spoil the right one")
def wrong_codes():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD)
        with chatting(folder, "--state", state.path) as server, Lines(chat_of(server)) as ann:
            expect(ann.do(f"LOGIN ann {PASSWORD}").startswith("OK"), "login")
            code = code_of(ann)
            stranger = Peer(chat_of(server), "127.0.0.2")
            said = []
            while len(said) < 10 or said[-1] == "this code is wrong, or over":
                stranger.say(f"L ann wrong{len(said):03}")
                said.append(stranger.hear())
            expect(said[-1] == "too many wrong codes: wait a minute", said)
            expect(set(said[:10]) == {"this code is wrong, or over"}, said)
            Peer(chat_of(server)).enter("ann", code)


@case("who came by a code is out when her account is locked, or its password changes")
def codes_end():
    with State() as state, Folder() as folder:
        phones = {}
        for name in ("ann", "bob", "kim"):
            state.add(name, PASSWORD)
        with chatting(folder, "--state", state.path) as server:
            at = chat_of(server)
            for name in ("ann", "bob", "kim"):
                with Lines(at) as owner:
                    expect(owner.do(f"LOGIN {name} {PASSWORD}").startswith("OK"), "login")
                    phones[name] = Peer(at).enter(name, code_of(owner))
            state.do("lock", "ann")
            state.do("passwd", "bob", "--password-stdin", text="another horse 7\n")
            state.do("remove", "kim")
            for phone in phones.values():
                got = phone.hear()
                while not got.startswith("SERVER: you are out"):
                    got = phone.hear()
                expect(got == "SERVER: you are out: your log-in is over", got)
            phones["bob"].say("C bob hello")
            phones["bob"].hears("you are not in: send: L bob")


class Console(Terminal):
    """A server whose terminal we have."""

    def __init__(self, folder):
        super().__init__(WEFT, "serve", folder.path, "--http", "127.0.0.1:0",
                         "--chat", "127.0.0.1:0")
        self.address = "127.0.0.1", int(self.match(r"chat://127.0.0.1:(\d+)/").group(1))

    def __exit__(self, kind, *what):
        try:
            if kind is None:
                os.kill(self.pid, signal.SIGTERM)
                expect(self.end() == 0, self.all)
        finally:
            super().__exit__(kind, *what)


@case("what is typed where it runs is said by SERVER, who can also put people out")
def console():
    with Folder() as folder, Console(folder) as server:
        mia = Peer(server.address).enter("mia")
        tom = Peer(server.address).enter("tom")
        mia.hears("SERVER: tom has joined")
        server.type("hello all\n")
        mia.hears("SERVER: hello all")
        tom.hears("SERVER: hello all")
        server.type("/who\n")
        server.match(r"~mia  udp  127\.0\.0\.1")
        server.match(r"~tom  udp")
        server.type("/kick tom too loud\n")
        server.until("tom is out")
        expect(tom.hear().startswith("SERVER: you are out"), "out")
        tom.say("C tom I am here")
        tom.hears("you are not in: send: L tom")
        server.type("/what\n")
        server.until("/help lists them")
        server.type("/help\n")
        server.until("is said by SERVER")


@case("what guests of one address say by datagrams is bounded, too, and they are told so")
def too_much():
    with Folder() as folder, chatting(folder, "--chat-rate", "1") as server:
        at, refused = chat_of(server), 0
        # 206 pieces of 256 bytes, so 34 of these; each may say 5 at once.
        for number in range(10):
            mia = Peer(at).enter(f"mia{number}")
            for _ in range(5):
                mia.say(f"C mia{number} " + "x" * 1300)
            mia.say(f"Q mia{number}")
            answers = [mia.hear()]
            while answers[-1] != "EXIT":
                answers.append(mia.hear())
            refused += sum("guests of your address" in answer for answer in answers)
        expect(refused > 0, refused)
        eve = Peer(at, "127.0.0.2").enter("eve")
        eve.say("C eve " + "x" * 1300)
        eve.say("Q eve")
        eve.hears("EXIT")


sys.exit(run())
