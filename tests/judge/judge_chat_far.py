#!/usr/bin/env python3
"""judge_chat_far.py - datagrams of chat over networks: nc in network namespaces with a router
between, and nft's `numgen random` for what is lost.

	far, thief -- two -- router (we) -- one -- hub, near

Skipped, with the reason, where the kernel or one's rights forbid any of it.
"""
import ctypes
import random
import re
import subprocess
import sys
import time
from contextlib import contextmanager

from chat_judged import Datagrams, Rooms, Skip, Typist, case, come_in, expect, need, run
from lossy import Patient

import lan  # pylint: disable=wrong-import-order

HUB, NEAR, FAR, THIEF = "10.77.1.1", "10.77.1.2", "10.77.2.2", "10.77.2.3"
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"1..1\nok 1 - datagrams over networks # SKIP {why}")
    sys.exit(0)


@contextmanager
def at(host):
    """Sockets that are made here are that host's."""
    with open("/proc/self/ns/net", "rb") as own, \
            open(f"/proc/{host.holder.pid}/ns/net", "rb") as other:
        go(other)
        try:
            yield
        finally:
            go(own)


def go(network):
    if LIBC.setns(network.fileno(), 0) < 0:
        raise OSError(ctypes.get_errno(), "setns")


class Networks(lan.Lan):
    """Two networks with us as the router between them, and a hub in one of them."""

    def build(self):
        for number, name in ((1, "one"), (2, "two")):
            self.switch(name)
            lan.ip("addr", "add", f"10.77.{number}.254/24", "dev", name)
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
            file.write("1")
        self.hub = self.host("hub", one=HUB + "/24")
        self.near = self.host("near", one=NEAR + "/24")
        self.far = self.host("far", two=FAR + "/24")
        self.thief = self.host("thief", two=THIEF + "/24")
        for number, host in ((1, self.hub), (1, self.near), (2, self.far), (2, self.thief)):
            host.run("ip", "route", "add", "default", "via", f"10.77.{number}.254")

    def rooms(self, *options):
        return Rooms(*options, prefix=self.hub.command(), at=HUB)

    def nc(self, host, place):
        need("nc.openbsd")
        return Typist(host.command("nc.openbsd", "-u", place[0], str(place[1])))

    def lose(self, percent):
        """From here on so many of the datagrams to the hub, and of those from it, are lost."""
        need("nft")
        rules = ["add table inet loss"] + [
            f"add chain inet loss {hook} {{ type filter hook {hook} priority 0 ; }}"
            for hook in ("input", "output")] + [
            f"add rule inet loss {hook} meta l4proto udp numgen random mod 100 < {percent}"
            " counter drop" for hook in ("input", "output")]
        done = self.hub.run("nft", "; ".join(rules))
        if done.returncode:
            raise Skip(f"nft: {done.stderr.strip().splitlines()[0]}")

    def lost(self):
        """How many that were."""
        said = self.hub.run("nft", "list", "table", "inet", "loss").stdout
        return [int(number) for number in re.findall(r"packets (\d+)", said)]


def cookie_of(peer, name):
    peer.types(f"L {name}")
    return re.fullmatch(f"send: (L {name} [0-9a-f]{{6}})", peer.line())[1]


@case("nc from the same network comes in at once, from another one by a cookie")
def _():
    with Networks() as networks, networks.rooms() as rooms, \
            networks.nc(networks.near, rooms.place) as mia, \
            networks.nc(networks.far, rooms.place) as bob:
        mia.asks("L mia", "OK")
        again = cookie_of(bob, "bob")
        expect(cookie_of(bob, "bob") == again or cookie_of(bob, "bob"), "the minute has ended")
        bob.asks("C bob hello", "you are not in: send: L bob")
        bob.types("L bob 000000")
        expect(re.fullmatch("send: L bob [0-9a-f]{6} 000000", bob.line()), "a wrong cookie")
        bob.asks(again, "OK")
        mia.reads("SERVER: bob has joined")
        bob.types("C bob hello from far away")
        mia.reads("bob: hello from far away")
        bob.asks(again, "OK")
        bob.asks("L bob", "OK")
        bob.asks("Q bob", "EXIT")
        mia.reads("SERVER: bob has left")


@case("a cookie is of its address and port, and no use to another; nobody speaks for another")
def _():
    with Networks() as networks, networks.rooms() as rooms:
        with at(networks.far):
            bob, sister = Datagrams(rooms.place), Datagrams(rooms.place)
        with at(networks.thief):
            thief = Datagrams(rooms.place)
        again = cookie_of(bob, "bob")
        for other in (sister, thief):
            other.types(again)
            got = other.line()
            expect(re.fullmatch("send: L bob [0-9a-f]{6} [0-9a-f]{6}", got), got)
            expect(got.split()[3] != again.split()[2], "the same cookie")
        bob.asks(again, "OK")
        for text in ("C bob I am bob", "Q bob"):
            thief.asks(text, "you are not in: send: L bob")
        own = cookie_of(thief, "bob")
        thief.asks(own, "this name is taken")
        bob.reads("SERVER: bob, are you still there?")
        bob.asks("L bob", "OK")


@case("whose program has ended, or whose port says no, is out: ICMP crosses the router")
def _():
    with Networks() as networks, networks.rooms() as rooms:
        with at(networks.near):
            mia = Datagrams(rooms.place)
        mia.asks("L mia", "OK")
        with networks.nc(networks.far, rooms.place) as bob:
            bob.asks(cookie_of(bob, "bob"), "OK")
            mia.reads("SERVER: bob has joined")
        mia.types("C mia are you there?")
        mia.reads("SERVER: bob has left (gone)")


@case("who can't be where he says gets little: one answer each, 40 bytes longer, at most a rate")
def _():
    with Networks() as networks, networks.rooms() as rooms:
        with at(networks.far):
            stranger = Datagrams(rooms.place)
        chance = random.Random(7)
        sent = answers = 0
        begun = time.monotonic()
        for number in range(40):
            text = chance.choice((
                b"x", b"", b"\n", b"L bob\n", b"C bob hi", b"Q b", b"L " + b"b" * 60,
                b"L bob 111111 222222", chance.randbytes(chance.randrange(1400))))
            stranger.types(text)
            sent += len(text)
            try:
                stranger.socket.settimeout(0.2)
                got = stranger.socket.recv(65536)
                answers += len(got)
                expect(len(got) <= len(text) + 40, (text, got))
            except TimeoutError:
                pass
        stranger.drain()
        # As fast as it goes: most of it meets no answer.
        for _ in range(20000):
            stranger.types("x")
        end = time.monotonic()
        time.sleep(0.5)
        count = len(stranger.drain())
        expect(count <= 60 + 10 * (end - begun + 1), f"{count} answers in {end - begun} s")
        print(f"# {answers} bytes of answers to {sent}; then {count} of 36 to 20000 of 1 in "
              f"{end - begun:.1f} s")


@case("of 30 % lost both ways (nft): who repeats L and Q comes in, speaks and leaves")
def _():
    with Networks() as networks, networks.rooms() as rooms:
        with at(networks.near):
            mia = Patient(Datagrams(rooms.place), "mia")
        with at(networks.far):
            bob = Patient(Datagrams(rooms.place), "bob")
        networks.lose(30)
        for round_number in range(3):
            mia.enter()
            bob.enter()
            bob.say(25)
            heard = mia.heard_of("bob")
            expect(heard == sorted(set(heard)) and heard, f"out of order, or twice: {heard}")
            expect(len(heard) < 25, "nothing was lost")
            bob.leave()
            mia.leave()
            print(f"# round {round_number}: {len(heard)} of 25 texts came; tries: {bob.tries}")
        lost = networks.lost()
        expect(len(lost) == 2 and all(lost), f"nft has dropped {lost}")
        # Nothing is left of them: their names are free, and nobody is in.
        networks.hub.run("nft", "delete", "table", "inet", "loss")
        with at(networks.near):
            eve = Datagrams(rooms.place)
        come_in(eve, "bob")


def main():
    lan.skip = skip
    lan.enter()
    for command in (["ip", "link", "set", "lo", "up"],):
        subprocess.run(command, check=True)
    return run()


sys.exit(main())
