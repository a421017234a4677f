#!/usr/bin/env python3
# check: waits
"""test_chat_lan.py - `weft serve --chat` for other hosts: found by them, and what becomes of the
names of those whose network has gone without a word.

What must happen is waited for; that it took seconds, not minutes, is what PATIENCE_S says.
"""
import json
import os
import sys
import time

import lan
from served import PATIENCE_S, WEFT, Folder, Skip, case, expect, run

WEFT = os.path.abspath(WEFT)

# In a network of its own: comes in as a guest by lines, or by WebSocket; then says no more.
GUEST = """
import socket, sys, time
place, name, secret, wire = sys.argv[1:]
host, _, port = place.rpartition(":")
peer = socket.create_connection((host, int(port)))
def hear(what):
    got = b""
    while what not in got:
        got += peer.recv(4096)
if wire == "web":
    peer.sendall(b"GET /.chat HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\n"
                 b"Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
                 b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcy4uLg==\\r\\n\\r\\n")
    hear(b"\\r\\n\\r\\n")
    said = ('{"do":"guest","name":"%s"}' % name).encode()
    peer.sendall(bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said)
    hear(b'"ok":true')
else:
    peer.sendall(("GUEST %s %s" % (name, secret)).strip().encode() + b"\\n")
    hear(b"OK")
print("in", flush=True)
time.sleep(600)
"""

# Asks for a name again and again, up to OK: how often it was taken.
WANTS = """
import socket, sys, time
host, _, port = sys.argv[1].rpartition(":")
end, taken = time.monotonic() + float(sys.argv[3]), 0
while time.monotonic() < end:
    peer = socket.create_connection((host, int(port)))
    peer.sendall(b"GUEST %s\\n" % sys.argv[2].encode())
    answer = peer.recv(4096)
    peer.close()
    if answer.startswith(b"OK"):
        print(taken, "free")
        break
    assert answer.startswith(b"NO name-taken "), answer
    taken += 1
    time.sleep(0.5)
else:
    print(taken, "taken")
"""


# Guests from three addresses of a network say all they may; how much is heard of them until 30
# messages of somebody of another network are.
TALK = """
import socket, sys
def come(source, name):
    peer = socket.create_connection(("fd00:a::1", int(sys.argv[1])), 60, (source, 0))
    lines = peer.makefile("rb")
    for line in ("GUEST " + name, "JOIN lobby", "SAY lobby hello"):
        peer.sendall(line.encode() + b"\\n")
        while not lines.readline().startswith(b"OK"):
            pass
    return peer, lines
witness, lines = come("fd00:a::9", "eve")
talkers = [come("fd00:b::%d" % (number + 1), "mia%d" % number)[0] for number in range(3)]
for peer in talkers:
    peer.sendall(("SAY lobby " + "x" * 4000 + "\\n").encode() * 20)
witness.sendall(b"SAY lobby and I\\n" * 30)
own = others = 0
while own < 30:
    line = lines.readline()
    own += line.startswith(b"message") and line.endswith(b"and I\\n")
    others += b" xxx" in line
print(others)
"""


class House(lan.Lan):
    """One network: the server's, two guests' and a stranger's."""

    def build(self):
        self.switch("one")
        self.hub = self.host("hub", one="10.78.1.1/24")
        self.away = self.host("away", one="10.78.1.2/24")
        self.live = self.host("live", one="10.78.1.3/24")
        self.stranger = self.host("stranger", one="10.78.1.4/24")

    def serve(self, folder, *options):
        server = self.hub.start(WEFT, "serve", folder.path, "--json", *options)
        return json.loads(server.stdout.readline())


def enter(host, place, name, *, secret="", wire="lines"):
    process = host.start(sys.executable, "-c", GUEST, place, name, secret, wire)
    expect(process.stdout.readline() == "in\n", "it did not come in")


def port_of(place):
    return int(place.rpartition(":")[2])


@case("rooms are found by weft discover and by weft chat without a host, unless it is not wanted")
def _():
    with House() as house, Folder() as folder:
        facts = house.serve(folder, "--http", "127.0.0.1:0", "--chat", "0.0.0.0:0",
                            "--announce", "The attic")
        expect(facts["announced"] == "The attic", facts)
        quiet = house.serve(folder, "--http", "127.0.0.1:0", "--chat", "0.0.0.0:0",
                            "--no-announce")
        own = house.serve(folder, "--http", "127.0.0.1:0", "--chat", "127.0.0.1:0")
        expect("announced" not in quiet and "announced" not in own, (quiet, own))
        found = []
        while not found:
            done = house.stranger.run(WEFT, "discover", "--json", "--service", "weft-chat")
            found = json.loads(done.stdout)
        (found,) = found
        expect((found["name"], found["port"], found["addresses"]) ==
               ("The attic", port_of(facts["chat"]), ["10.78.1.1"]), found)
        said = None
        while not said or "no hub was found" in said.stderr:
            said = house.stranger.run(WEFT, "chat", "--guest", "mia", input="hello\n")
        expect(said.returncode == 0, said)
        done = house.hub.run(WEFT, "serve", folder.path, "--http", "127.0.0.1:0", "--chat",
                             "127.0.0.1:0", "--announce", "x")
        expect(done.returncode == 2 and "others can get to" in done.stderr, done)


@case("a guest whose network has gone loses her name within seconds, one who is there keeps it")
def _():
    with House() as house, Folder() as folder:
        facts = house.serve(folder, "--http", "10.78.1.1:0", "--chat-web", "--chat", "10.78.1.1:0",
                            "--no-announce")
        lines, web = facts["chat"], facts["http"]
        enter(house.away, lines, "mia")
        enter(house.away, web, "zoe", wire="web")
        enter(house.live, lines, "bob")
        enter(house.live, web, "kim", wire="web")
        begun = time.monotonic()
        house.away.unlink("one")
        tries = {name: house.stranger.start(sys.executable, "-c", WANTS, lines, name, seconds)
                 for name, seconds in (("mia", str(PATIENCE_S)), ("zoe", str(PATIENCE_S)),
                                       ("bob", "7"), ("kim", "7"))}
        said = {name: process.communicate(timeout=2 * PATIENCE_S)
                for name, process in tries.items()}
        for name, word in (("mia", "free"), ("zoe", "free"), ("bob", "taken"), ("kim", "taken")):
            expect(said[name][0].endswith(word + "\n"), (name, said, time.monotonic() - begun))
        # Asked for by one who has gone, too, she has what she had.
        expect(said["bob"][0] != "0 taken\n", said)


@case("what guests say is bounded by network in IPv6, all of which one machine may have")
def _():
    with House() as house, Folder() as folder:
        for address in ("fd00:a::1", "fd00:a::9", "fd00:b::1", "fd00:b::2", "fd00:b::3"):
            done = house.hub.run("ip", "-6", "addr", "add", address + "/64", "dev", "lo")
            if done.returncode:
                raise Skip("no IPv6 here: " + done.stderr)
        facts = house.serve(folder, "--http", "127.0.0.1:0", "--chat", "[fd00:a::1]:0",
                            "--chat-rate", "1", "--no-announce")
        done = house.hub.run(sys.executable, "-c", TALK, str(port_of(facts["chat"])))
        # 206 pieces are 12 messages of 17; some more if it takes minutes. Of each address: 36.
        expect(done.returncode == 0 and int(done.stdout) <= 25, done)


sys.exit(run() if lan.enter() is None else 1)
