#!/usr/bin/env python3
# check: waits
"""test_power_loss.py - the power goes while files come in: an ext4 on a loop device is shut down by
EXT4_IOC_SHUTDOWN, so that nothing reaches its disk any more, also not what its journal holds in
memory. What was answered 201 or 204 is there after mounting again, whole; so is each message of
chat that was answered OK, at its number. With a server whose syncs do nothing (eatmydata), some of
it is not: so this test sees what it is to see.

And a disk of 1 MB is full: 507 by HTTP, 452 by FTP, and nothing is left behind.

Needs root, for a mount namespace of its own. CHECK_ROUNDS (make soak) multiplies the losses.
"""
import ctypes
import fcntl
import ftplib
import io
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from chatting import House
from served import PATIENCE_S, WEFT, Server, Skip, case, expect, run
from storming import Client, check

ROUNDS = 3 * int(os.environ.get("CHECK_ROUNDS", "1"))
OPTIONS = ("--allow-upload", "--allow-overwrite", "--allow-change")
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
CLONE_NEWNS = 0x20000


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"{' '.join(words)}: {done.stderr.strip()}")


def until(holds, what):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        expect(time.monotonic() < deadline, f"{what} never came")
        time.sleep(0.01)


def own_mounts():
    """From here on, mounts are this process's own, and go with it."""
    if os.geteuid() != 0:
        raise Skip("only root may mount here")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise Skip("no mount namespaces")
    command("mount", "--make-rprivate", "/")


class Mount:
    """A file system of its own, gone afterwards; as a Folder."""

    def __enter__(self):
        own_mounts()
        self.top = tempfile.mkdtemp(prefix="weft-test-")
        self.path = os.path.join(self.top, "shared")
        os.mkdir(self.path)
        try:
            self.make()
        except Skip:
            shutil.rmtree(self.top)
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)
        shutil.rmtree(self.top)

    def at(self, name):
        return os.path.join(os.fsencode(self.path), os.fsencode(name))


class Ext4(Mount):
    """An ext4 in a file, whose power can go."""

    def make(self):
        if not shutil.which("mkfs.ext4"):
            raise Skip("there is no mkfs.ext4 here")
        self.image = os.path.join(self.top, "image")
        with open(self.image, "wb") as image:
            image.truncate(96 << 20)
        command("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", self.image)
        self.mount()

    def mount(self):
        command("mount", "-t", "ext4", "-o", "loop", self.image, self.path)

    def cut_power(self):
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            raise Skip(f"EXT4_IOC_SHUTDOWN: {error.strerror}") from error
        finally:
            os.close(fd)

    def mount_again(self):
        command("umount", self.path)
        self.mount()


class Tiny(Mount):
    """A megabyte."""

    def make(self):
        command("mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", self.path)


def storm(disk, seed, seconds, prefix=()):
    """A server's life up to the power's end. Returns what it had acknowledged by then."""
    server, acknowledged = Server(disk.path, *OPTIONS, prefix=prefix), {}
    clients = [Client(server, i, 1, seed * 10 + i, disk_may_go=True) for i in range(4)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    until(lambda: any(client.acknowledged for client in clients), "the first file")
    # What comes after this line may be lost; what came before may not.
    for client in clients:
        acknowledged.update(client.acknowledged)
    disk.cut_power()
    for client in clients:
        client.join()
        expect(not client.failure, client.failure)
    server.process.kill()
    server.process.communicate()
    disk.mount_again()
    return acknowledged



@case(f"{ROUNDS} power losses lose nothing that was acknowledged, and leave nothing half")
def _():
    count = 0
    for seed in range(ROUNDS):
        with Ext4() as disk:
            acknowledged = storm(disk, seed, random.Random(seed).uniform(0.2, 0.6))
            check(disk, acknowledged)
            count += len(acknowledged)
            with Server(disk.path, *OPTIONS):
                staged = os.path.join(disk.path, ".weft-upload")
                expect(not os.path.exists(staged) or os.listdir(staged) == [], "a leftover")
    print(f"# {count} files were acknowledged before")
    expect(count > 0, "nothing was tried")


@case("where syncs do nothing, a power loss loses what was acknowledged")
def _():
    if "asan" in WEFT:
        raise Skip("a sanitizer wants to be preloaded first")
    if not shutil.which("eatmydata"):
        raise Skip("there is no eatmydata here")
    with Ext4() as disk:
        acknowledged = storm(disk, 1, 0.5, prefix=("eatmydata",))
        expect(acknowledged, "nothing was tried")
        try:
            check(disk, acknowledged)
        except AssertionError as loss:
            print(f"# {str(loss)[:100]}")
            return
        expect(False, f"all of {len(acknowledged)} files are there")


# ---- Chat ------------------------------------------------------------------------------------

class ChatHouse(House):
    """A server with its state on the disk whose power goes; what it shares is elsewhere."""

    def __init__(self, disk, prefix=()):
        super().__init__("--chat-rate", "1000000", "--state", disk.at("state").decode(),
                         "--hash-cost", "least")
        self.prefix = prefix


class Talker(threading.Thread):
    """Says as much as may be under way, each with an id, until nothing is answered any more."""

    def __init__(self, house, number):
        super().__init__()
        self.person = house.guest(f"talker-{number}")
        self.person.waiting.clear()
        self.number, self.said = number, 0
        self.acknowledged = {}  # the room's number: what was said
        self.failure = None

    def say(self):
        self.said += 1
        self.person.send(f"#{self.number}-{self.said}-{time.time_ns()} "
                         f"SAY lobby {self.number}:{self.said}")

    def run(self):
        answered = 0
        try:
            for _ in range(16):
                self.say()
            while True:
                said = self.person.said()
                if said is None or (said.tag and said.word == "NO"):
                    return  # it was killed, or has no disk any more
                if said.tag:
                    answered += 1
                    expect(said.tag.startswith(f"{self.number}-{answered}-"), said)
                    self.acknowledged[int(said.rest.split()[2])] = f"{self.number}:{answered}"
                    self.say()
        except OSError:
            pass
        except AssertionError as failure:
            if "half a line" not in str(failure):
                self.failure = failure
        finally:
            self.person.socket.close()


def chat_storm(disk, seconds, prefix=()):
    """What had been answered OK when the power went: its number, and its text."""
    acknowledged = {}
    house = ChatHouse(disk, prefix).__enter__()
    try:
        talkers = [Talker(house, number) for number in range(4)]
        for talker in talkers:
            talker.start()
        time.sleep(seconds)
        until(lambda: any(talker.acknowledged for talker in talkers), "the first message")
        for talker in talkers:
            acknowledged.update(talker.acknowledged.copy())
        disk.cut_power()
        house.kill()
        for talker in talkers:
            talker.join()
            expect(not talker.failure, talker.failure)
    finally:
        house.server.process.kill()
        house.folder.__exit__(None, None, None)
    disk.mount_again()
    return acknowledged


def check_chat(disk, acknowledged):
    """All of it is in the history, at its number, and nothing is there twice or missing between."""
    with ChatHouse(disk) as house, house.guest("reader") as reader:
        history, after, more = {}, 0, True
        while more:
            answer, rows = reader.list(f"HISTORY lobby after {after} 500")
            history.update((row.seq, row.text) for row in rows)
            after, more = max(history, default=0), answer.rest == "more" and rows
    expect(sorted(history) == list(range(1, len(history) + 1)), "a hole in the numbers")
    expect(len(set(history.values())) == len(history), "something is there twice")
    for seq, text in acknowledged.items():
        expect(history.get(seq) == text, f"{seq}, {text!r} was lost: {history.get(seq)!r} is")


@case("a power loss in a storm of talk loses no message that was answered OK")
def _():
    count = 0
    for seed in range(max(1, ROUNDS // 3)):
        with Ext4() as disk:
            acknowledged = chat_storm(disk, random.Random(seed).uniform(0.3, 0.6))
            check_chat(disk, acknowledged)
            count += len(acknowledged)
    print(f"# {count} messages were acknowledged before")
    expect(count > 0, "nothing was tried")


@case("where syncs do nothing, a power loss loses messages that were answered OK")
def _():
    if "asan" in WEFT:
        raise Skip("a sanitizer wants to be preloaded first")
    if not shutil.which("eatmydata"):
        raise Skip("there is no eatmydata here")
    with Ext4() as disk:
        acknowledged = chat_storm(disk, 0.5, prefix=("eatmydata",))
        expect(acknowledged, "nothing was tried")
        try:
            check_chat(disk, acknowledged)
        except (AssertionError, OSError) as loss:
            print(f"# {str(loss)[:100]}")
            return
        expect(False, f"all of {len(acknowledged)} messages are there")


# ---- A full disk -----------------------------------------------------------------------------

@case("a full disk is 507, and 452 by FTP; nothing is left behind, and what fits goes in")
def _():
    with Tiny() as disk, tempfile.TemporaryDirectory() as elsewhere:
        users = os.path.join(elsewhere, "users")
        password = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True,
                                  text=True, check=True).stdout
        with open(users, "w", encoding="ascii") as file:
            file.write("ann:" + password)
        with Server(disk.path, *OPTIONS, "--ftp", "127.0.0.1:0", "--auth-file", users) as server:
            fill(disk, server)


def fill(disk, server):
    large = bytes(2 << 20)
    who = b"Authorization: Basic YW5uOnNlY3JldA==\r\n"

    def put(name, head, body):
        return server.ask(b"PUT /%s HTTP/1.1\r\nHost: x\r\n%s%s\r\n%s" % (
            name, who, head, body)).status

    def nothing_but(names):
        left = [name for name in os.listdir(disk.path) if name != ".weft-upload"]
        expect(sorted(left) == names, left)
        staged = os.path.join(disk.path, ".weft-upload")
        expect(not os.path.exists(staged) or os.listdir(staged) == [], "a leftover")

    expect(put(b"a", b"Content-Length: 600000\r\n", large[:600000]) == 201)
    expect(put(b"b", b"Content-Length: %d\r\n" % len(large), large) == 507)
    nothing_but(["a"])
    # Nobody knows how long it is before the disk is full.
    expect(put(b"c", b"Transfer-Encoding: chunked\r\n",
               b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)) == 507)
    nothing_but(["a"])
    # Over what is there, whose old bytes stay.
    expect(put(b"a", b"Transfer-Encoding: chunked\r\n",
               b"%x\r\n%s\r\n0\r\n\r\n" % (700000, large[:700000])) == 507)
    expect(os.path.getsize(disk.at("a")) == 600000)
    host, _, port = server.facts["ftp"].rpartition(":")
    with ftplib.FTP() as client:
        client.connect(host, int(port))
        client.login("ann", "secret")
        # The server stops reading: a sender still at work meets a closed connection first.
        try:
            client.storbinary("STOR d", io.BytesIO(large))
            expect(False, "it was stored")
        except ConnectionError:
            answer = refusal(client)
        except ftplib.Error as error:
            answer = str(error)
        expect(answer[:3] == "452", answer)
        nothing_but(["a"])
        client.storbinary("STOR e", io.BytesIO(b"fits"))
    nothing_but(["a", "e"])


def refusal(client):
    """The answer that a broken transfer left unread."""
    try:
        return client.getresp()
    except ftplib.Error as error:
        return str(error)


sys.exit(run())
