#!/usr/bin/env python3
"""test_http_upload_kill.py - servers that are killed while files come in: what was answered 201 or
204 is there, whole; of the rest nothing shows but what was there before, or all of it; and the next
server finds nothing to trip over.

CHECK_ROUNDS in the environment (make soak) multiplies the number of killed servers.
"""
import hashlib
import os
import random
import socket
import sys
import threading
import time

from served import Folder, Server, case, expect, run
from uploading import form

ROUNDS = 40 * int(os.environ.get("CHECK_ROUNDS", "1"))
LIVES = 4  # servers of one folder, one after the other
SECONDS_MAX = 200  # of all rounds together: a case is bounded

OPTIONS = ("--allow-upload", "--allow-overwrite")


def content_of(name, version, size):
    """Bytes that tell which file, which version and what length they are of."""
    head = b"%s %d %d\n" % (name.encode(), version, size)
    return head + hashlib.sha256(head).digest() * (size // 32)


def version_of(name, content):
    """The version of a whole content; what is cut, mixed or another file's fails."""
    said, version, size = content.split(b"\n", 1)[0].split()
    expect(said == name.encode() and content == content_of(name, int(version), int(size)),
           f"{name} is not whole: {content[:60]!r}, {len(content)} bytes")
    return int(version)


class Client(threading.Thread):
    """Puts files, one after the other, until the server is gone."""

    def __init__(self, server, number, first, seed):
        super().__init__()
        self.server, self.number, self.version = server, number, first
        self.random = random.Random(seed)
        self.acknowledged = {}  # name: the version that was answered 201 or 204
        self.failure = None

    def choose(self):
        """A method, and the names of the files that come with it."""
        kind = self.random.randrange(4)
        if kind == 0:
            return "PUT", [f"new-{self.number}-{self.version}"]
        if kind == 1:
            return "POST", [f"form-{self.number}-{self.version}-{i}" for i in range(3)]
        return "PUT", [f"same-{self.number}"]

    def one(self, connection):
        method, names = self.choose()
        size = self.random.choice((0, 100, 3000, 70000, 600000))
        contents = [content_of(name, self.version, size) for name in names]
        if method == "PUT":
            target, kind, body = names[0], b"application/octet-stream", contents[0]
        else:
            target, kind = "", b"multipart/form-data; boundary=XX"
            body = form([("f", name, content) for name, content in zip(names, contents)])
        connection.send(b"%s /%s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
                        b"\r\n" % (method.encode(), target.encode(), kind, len(body)) + body)
        reply = connection.reply(head_only=True)
        if reply is None:
            raise ConnectionResetError("killed")
        expect(reply.status in (201, 204, 303), reply)
        for name in names:
            self.acknowledged[name] = self.version

    def run(self):
        try:
            with self.server.connect() as connection:
                while True:
                    self.one(connection)
                    self.version += 1
        except (OSError, socket.timeout):
            pass  # it was killed
        except KeyError:
            pass  # in the middle of the head of an answer
        except AssertionError as failure:
            if "a head without its end" not in str(failure):
                self.failure = failure


def check(folder, acknowledged):
    """All that is there is whole, and all that was acknowledged is there, or newer."""
    found = {}
    for name in os.listdir(folder.path):
        if name == ".weft-upload":
            continue
        with open(folder.at(name), "rb") as file:
            found[name] = version_of(name, file.read())
    for name, version in acknowledged.items():
        expect(found.get(name, -1) >= version, f"{name}: {version} was lost, {found.get(name)} is")
    return found


def kill_one(folder, seed, acknowledged, version):
    """One server's life. Returns the next version."""
    chance = random.Random(seed)
    server = Server(folder.path, *OPTIONS)
    clients = [Client(server, i, version, seed * 10 + i) for i in range(3)]
    for client in clients:
        client.start()
    time.sleep(chance.uniform(0, 0.06))
    server.process.kill()
    server.process.communicate()
    for client in clients:
        client.join()
        expect(not client.failure, client.failure)
        acknowledged.update(client.acknowledged)
    return max(client.version for client in clients) + 1


@case(f"{ROUNDS * LIVES} servers, killed at any moment, lose nothing and leave nothing half")
def _():
    began, version, acknowledged = time.monotonic(), 0, {}
    for seed in range(ROUNDS):
        with Folder() as folder:
            kept = {}
            for life in range(LIVES):  # the next one goes on where the last one was killed
                version = kill_one(folder, seed * LIVES + life, kept, version)
                check(folder, kept)
            with Server(folder.path, *OPTIONS):
                expect(".weft-upload" not in os.listdir(folder.path), "a leftover was not swept")
            acknowledged.update(kept)
        if time.monotonic() - began > SECONDS_MAX:
            print(f"# {seed + 1} rounds in the time there is")
            break
    print(f"# {len(acknowledged)} files were acknowledged by servers that were then killed")
    expect(len(acknowledged) > 0, "nothing was tried")


sys.exit(run())
