#!/usr/bin/env python3
# check: waits
"""test_discover.py - `weft announce` and `weft discover` on several hosts with networks between.

Nothing here depends on how long something takes: what must happen is waited for, and where a
deadline is the subject, a slow machine gets a longer one.
"""
import json
import os
import re
import signal
import socket
import struct
import sys

import lan
from served import PATIENCE_S, WEFT, case, expect, on_a_slow_machine, run, weft

PORT = 29474
WEFT = os.path.abspath(WEFT)
NOBODY = "weft discover: nobody answered within"


class House(lan.Lan):
    """One network with three hosts and one that asks; another network with one host."""

    def build(self):
        self.switch("one")
        self.switch("two")
        self.kitchen = self.host("kitchen", one="10.77.1.1/24")
        self.cellar = self.host("cellar", one="10.77.1.2/24")
        self.attic = self.host("attic", one="10.77.1.3/24")
        self.study = self.host("study", one="10.77.1.9/24")
        self.barn = self.host("barn", two="10.77.2.1/24")


def announce(host, name, *options, port=8080):
    """Start announcing; what it says of itself, and the process."""
    process = host.start(WEFT, "announce", name, "--port", str(port), "--json", *options)
    line = process.stdout.readline()
    expect(line, "it did not start")
    return json.loads(line), process


def ask(host, holds, *options):
    """Ask until the answers hold, the longer the slower this machine is; the last ones."""
    for timeout in ("0.5", "2", "8", "30"):
        done = host.run(WEFT, "discover", "--timeout", timeout, *options)
        if holds(done):
            break
    return done


def discover(host, *options, least=1, addresses=1):
    """Whom it finds: so many at least, the first with so many addresses."""
    def holds(done):
        found = json.loads(done.stdout)
        return len(found) >= least and (not found or len(found[0]["addresses"]) >= addresses)

    done = ask(host, holds, "--json", *options)
    found = json.loads(done.stdout)
    expect(done.returncode == (0 if found else 1), done)
    expect(done.stderr.startswith(NOBODY) if not found else not done.stderr, done.stderr)
    return found


class Watch:
    """`weft discover --watch`, event by event."""

    def __init__(self, host, *options):
        self.process = host.start(WEFT, "discover", "--watch", "--json", *options)

    def next(self, event, name):
        found = json.loads(self.process.stdout.readline())
        expect((found["event"], found["name"]) == (event, name), found)
        return found

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        rest, errors = self.process.communicate(timeout=PATIENCE_S)
        expect(self.process.returncode == 0 and not errors, (self.process.returncode, errors))
        return rest


def ends_well(process):
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    expect(process.returncode == 0 and not errors, (process.returncode, errors))


def is_at(found, *addresses):
    return found["addresses"] == list(addresses)


# ---- Finding -------------------------------------------------------------------------------


@case("three hosts announce, a fourth finds them all, sorted, with their addresses")
def _():
    with House() as house:
        told, _ = announce(house.kitchen, "Kitchen", "--service", "http")
        announce(house.cellar, "Cellar", port=21)
        announce(house.attic, "Attic", "--service", "ftp", port=2121)
        found = discover(house.study, least=3)
        expect([one["name"] for one in found] == ["Attic", "Cellar", "Kitchen"], found)
        expect([one["port"] for one in found] == [2121, 21, 8080], found)
        expect([one["service"] for one in found] == ["ftp", "weft", "http"], found)
        expect(is_at(found[0], "10.77.1.3") and is_at(found[1], "10.77.1.2"), found)
        expect(is_at(found[2], "10.77.1.1"), found)
        expect(found[2]["instance"] == told["instance"], (found, told))
        only = discover(house.study, "--service", "ftp")
        expect([one["name"] for one in only] == ["Attic"], only)


@case("people get a table, and nobody there is status 1 in a line")
def _():
    with House() as house:
        announce(house.kitchen, "K\u00fcche", "--service", "http")
        done = ask(house.study, lambda done: "8080" in done.stdout)
        expect(re.fullmatch(r"NAME +SERVICE +ADDRESS\nK\u00fcche +http +10\.77\.1\.1:8080\n",
                            done.stdout), done)
        columns = [line.index(word) for line, word in
                   zip(done.stdout.splitlines(), ("ADDRESS", "10.77"))]
        expect(columns[0] == columns[1], done.stdout)
        done = house.barn.run(WEFT, "discover", "--timeout", "0.2")
        expect(done.returncode == 1 and not done.stdout, done)
        expect(done.stderr == NOBODY + " 0.2 s.\n", done.stderr)


@case("another network sees nothing of it, neither asking nor watching")
def _():
    with House() as house:
        announce(house.kitchen, "Kitchen", "--interval", "0.05")
        near, far = Watch(house.study), Watch(house.barn)
        near.next("came", "Kitchen")
        expect(discover(house.barn, least=0) == [], "seen from another network")
        expect(far.end() == "", "heard on another network")
        near.end()


@case("a host on two networks is one, with both its addresses")
def _():
    with House() as house:
        hall = house.host("hall", one="10.77.1.7/24", two="10.77.2.7/24")
        both = house.host("both", one="10.77.1.8/24", two="10.77.2.8/24")
        announce(hall, "Hall")
        found = discover(both, addresses=2)
        expect(len(found) == 1 and is_at(found[0], "10.77.1.7", "10.77.2.7"), found)
        expect(is_at(discover(house.study)[0], "10.77.1.7"), "from network one")
        expect(is_at(discover(house.barn)[0], "10.77.2.7"), "from network two")
        done = ask(both, lambda done: done.stdout.count("8080") == 2)
        lines = done.stdout.splitlines()
        expect(len(lines) == 3 and lines[2].strip() == "10.77.2.7:8080", done.stdout)
        expect(lines[1].index("10.77") == lines[2].index("10.77"), done.stdout)


@case("who asks on its own host finds itself, without the loopback's address")
def _():
    with House() as house:
        announce(house.kitchen, "Kitchen")
        found = discover(house.kitchen)
        expect(len(found) == 1 and is_at(found[0], "10.77.1.1"), found)


@case("a host without a network finds itself on the loopback")
def _():
    with lan.Lan() as alone:
        hut = alone.host("hut")
        announce(hut, "Hut")
        found = discover(hut)
        expect(len(found) == 1 and is_at(found[0], "127.0.0.1"), found)


@case("two of the same name are two")
def _():
    with House() as house:
        announce(house.kitchen, "Hub")
        announce(house.cellar, "Hub")
        announce(house.cellar, "Hub", port=9090)
        found = discover(house.study, least=3)
        expect([(one["name"], one["addresses"], one["port"]) for one in found] ==
               [("Hub", ["10.77.1.1"], 8080), ("Hub", ["10.77.1.2"], 8080),
                ("Hub", ["10.77.1.2"], 9090)], found)
        expect(len({one["instance"] for one in found}) == 3, found)


# ---- Coming and going --------------------------------------------------------------------------


@case("who comes, and who leaves on SIGTERM, is told to those who watch")
def _():
    with House() as house:
        watch = Watch(house.study)
        _, process = announce(house.kitchen, "Kitchen")
        watch.next("came", "Kitchen")
        ends_well(process)
        gone = watch.next("left", "Kitchen")
        expect(is_at(gone, "10.77.1.1") and gone["port"] == 8080, gone)
        announce(house.cellar, "Cellar")
        watch.next("came", "Cellar")
        expect(watch.end() == "", "more was told")


@case("who is killed expires")
def _():
    with House() as house:
        watch = Watch(house.study)
        _, process = announce(house.kitchen, "Kitchen", "--interval", "0.1", "--expiry", "1")
        watch.next("came", "Kitchen")
        process.kill()
        watch.next("expired", "Kitchen")
        watch.end()


@case("who is heard of goes on to count, and who watches hears rounds, not only answers")
def _():
    def attempt(expiry):
        with House() as house:
            watch = Watch(house.study)
            announce(house.kitchen, "Kitchen", "--interval", "0.05", "--expiry", expiry)
            watch.next("came", "Kitchen")
            # More than the expiry of the first goes by: only rounds can have kept it.
            announce(house.cellar, "Brief", "--interval", "3600", "--expiry",
                     str(int(expiry) + 1))
            watch.next("came", "Brief")
            house.cellar.end()
            watch.next("expired", "Brief")
            expect(watch.end() == "", "Kitchen was lost")

    on_a_slow_machine(attempt, 1, 5, 20)


@case("an interface that comes later is announced on, and asked on")
def _():
    with House() as house:
        late = house.host("late")
        announce(late, "Late", "--interval", "0.1")
        watch = Watch(house.study)
        late.link("one", "10.77.1.20/24")
        expect(is_at(watch.next("came", "Late"), "10.77.1.20"), "its address")
        later = house.host("later")
        watching = Watch(later)
        later.link("one", "10.77.1.21/24")
        watching.next("came", "Late")
        watching.end()
        watch.end()


@case("an interface that goes takes its address along, and nothing else")
def _():
    def attempt(expiry):
        with House() as house:
            hall = house.host("hall", one="10.77.1.7/24", two="10.77.2.7/24")
            both = house.host("both", one="10.77.1.8/24", two="10.77.2.8/24")
            announce(hall, "Hall", "--interval", "0.1", "--expiry", expiry)
            watch = Watch(both)
            seen = watch.next("came", "Hall")
            while not is_at(seen, "10.77.1.7", "10.77.2.7"):
                seen = watch.next("changed", "Hall")
            hall.unlink("two")
            expect(is_at(watch.next("changed", "Hall"), "10.77.1.7"), "which address is left")
            watch.end()

    on_a_slow_machine(attempt, 1, 5, 20)


# ---- Enemies -----------------------------------------------------------------------------------


def message(kind, port=0, instance=0, expiry_ms=0, name=b"", service=b""):
    return struct.pack("!4sBBHQIBB", b"weft", 1, kind, port, instance, expiry_ms, len(name),
                       len(service)) + name + service


QUESTION = message(1).ljust(128, b"\0")


def shout(host, datagrams):
    """Send these to everybody on network one."""
    host.python(f"""
import socket
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
mouth.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
for datagram in {datagrams!r}:
    mouth.sendto(datagram, ("10.77.1.255", {PORT}))
""")


@case("hostile datagrams harm nobody")
def _():
    whole = message(2, 80, 7, 60000, b"Liar", b"http")
    hostile = [whole[:cut] for cut in range(len(whole))]
    hostile += [b"", b"\0" * 1400, b"weft" * 300, whole + b"\0", b"WEFT" + whole[4:],
                whole[:4] + b"\2" + whole[5:], QUESTION[:-1], QUESTION + b"\0",
                whole.ljust(60000, b"x"), message(2, 0, 7, 60000, b"Liar", b"http"),
                message(2, 80, 7, 2**32 - 1, b"Liar", b"http"),
                message(2, 80, 7, 60000, b"\xff\xfe", b"http"),
                message(2, 80, 7, 60000, b"Liar", b"../x"), message(3)]
    with House() as house:
        _, process = announce(house.kitchen, "Kitchen")
        watch = Watch(house.study)
        watch.next("came", "Kitchen")
        shout(house.attic, hostile)
        announce(house.cellar, "Cellar")
        watch.next("came", "Cellar")
        expect(watch.end() == "", "a liar was believed")
        ends_well(process)


@case("a name from a stranger can not steer the terminal")
def _():
    name = b"\x1b[31mred\x07\xc2\x9b\xe2\x80\xae\nline"
    with House() as house:
        watch = house.study.start(WEFT, "discover", "--watch")
        listing = Watch(house.cellar)
        announce(house.kitchen, "First")  # once it is told of, both are listening
        expect("First" in watch.stdout.readline(), "it was not told")
        listing.next("came", "First")
        shout(house.attic, [message(2, 80, 7, 60000, name, b"http")])
        line = watch.stdout.readline()
        expect(line.isascii() and line.rstrip("\n").isprintable(), ascii(line))
        expect("\\x1b[31mred\\x07\\xc2\\x9b\\xe2\\x80\\xae\\x0aline" in line, ascii(line))
        expect(listing.next("came", name.decode())["instance"] == "0000000000000007", "as JSON")
        listing.end()


@case("nobody says goodbye for another host")
def _():
    with House() as house:
        told, _ = announce(house.kitchen, "Kitchen")
        watch = Watch(house.study)
        watch.next("came", "Kitchen")
        shout(house.attic, [message(3, instance=int(told["instance"], 16))])
        announce(house.cellar, "Cellar")
        watch.next("came", "Cellar")
        expect(watch.end() == "", "it was believed")


@case("a question from no local network gets no answer, and no answer is longer than its question")
def _():
    with House() as house:
        announce(house.kitchen, "x" * 63, "--service", "s" * 31)
        # The source is somewhere else, though the kitchen knows the way there.
        house.attic.run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
        house.kitchen.run("ip", "route", "add", "192.0.2.1", "via", "10.77.1.3")
        said = house.attic.python(f"""
import socket
far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
far.bind(("192.0.2.1", 0))
near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
near.settimeout({PATIENCE_S})
far.sendto({QUESTION!r}, ("10.77.1.1", {PORT}))
near.sendto({QUESTION!r}, ("10.77.1.1", {PORT}))
answer = near.recv(65536)
far.setblocking(False)
try:
    print("far", len(far.recv(65536)))
except BlockingIOError:
    print("near", len(answer))
""")
        kind, length = said.split()
        expect(kind == "near" and int(length) <= len(QUESTION), said)


@case("many questions at once get a bounded number of answers")
def _():
    with House() as house:
        announce(house.kitchen, "Kitchen")
        said = house.attic.python(f"""
import socket, time
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.settimeout({PATIENCE_S})
began = time.monotonic()
for _ in range(2000):
    mouth.sendto({QUESTION!r}, ("10.77.1.1", {PORT}))
answers = 0
try:
    while mouth.recv(65536):
        answers += 1
        mouth.settimeout(0.5)
except TimeoutError:
    pass
print(answers, time.monotonic() - began)
""")
        answers, seconds = said.split()
        expect(1 <= int(answers) <= 2 + float(seconds) / 0.05, said)


# ---- The commands ------------------------------------------------------------------------------


@case("announce says what it announces")
def _():
    with House() as house:
        told, process = announce(house.kitchen, "Kitchen \"1\"", "--service", "http")
        expect(re.fullmatch(r"[0-9a-f]{16}", told.pop("instance")), told)
        expect(told == {"name": "Kitchen \"1\"", "service": "http", "port": 8080,
                        "udp_port": PORT}, told)
        ends_well(process)
        process = house.kitchen.start(WEFT, "announce", "\x1bK", "--port", "80")
        expect(re.fullmatch(r"weft \d+\.\d+\.\d+ announces\n", process.stdout.readline()))
        expect(process.stdout.readline() == "  name     \\x1bK\n")
        expect(process.stdout.readline() == "  service  weft, port 80\n")
        ends_well(process)


@case("another port of announcements is another world")
def _():
    with House() as house:
        announce(house.kitchen, "Kitchen", "--port-announce", "7777")
        expect(discover(house.study, least=0) == [], "on the usual port")
        found = discover(house.study, "--port-announce", "7777")
        expect(len(found) == 1, found)


@case("a port that another program has for itself is status 1 in a line")
def _():
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("", 0))
    port = str(taken.getsockname()[1])
    for arguments in (("announce", "a", "--port", "1"), ("discover", "--watch")):
        done = weft(*arguments, "--port-announce", port)
        expect(done.returncode == 1 and not done.stdout, done)
        expect(done.stderr.count("\n") == 1 and port in done.stderr, done.stderr)
    taken.close()


@case("wrong usage is status 2, one line of what and one of where to look")
def _():
    for arguments in (("announce",), ("announce", "a"), ("announce", "a", "b", "--port", "1"),
                      ("announce", "a", "--port", "0"), ("announce", "a", "--port", "65536"),
                      ("announce", "", "--port", "1"), ("announce", "x" * 64, "--port", "1"),
                      ("announce", b"\xff", "--port", "1"),
                      ("announce", "a", "--port", "1", "--service", "a b"),
                      ("announce", "a", "--port", "1", "--interval", "0.001"),
                      ("announce", "a", "--port", "1", "--expiry", "3601"),
                      ("discover", "a"), ("discover", "--service", ""),
                      ("discover", "--timeout", "0"), ("discover", "--port-announce", "x")):
        done = weft(*arguments)
        expect(done.returncode == 2 and not done.stdout, (arguments, done))
        expect(done.stderr.count("\n") == 2, (arguments, done.stderr))
        expect(done.stderr.isascii(), done.stderr)


lan.enter()
sys.exit(run())
