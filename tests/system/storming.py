"""storming.py - clients that put files as fast as they are taken, and know which were acknowledged.

	client = Client(server, number, first_version, seed)
	client.start()
	... the server dies ...
	client.join()
	check(folder, client.acknowledged)

Contents tell which file, which version and what length they are of, so that what is cut, mixed or
another's shows.
"""
import hashlib
import os
import random
import socket
import threading

from served import expect
from uploading import form


def content_of(name, version, size):
    """Bytes that tell which file, which version and what length they are of."""
    head = b"%s %d %d\n" % (name.encode(), version, size)
    return head + hashlib.sha256(head).digest() * (size // 32)


def version_of(name, content):
    """The version of a whole content; what is cut, mixed or another file's fails."""
    words = content.split(b"\n", 1)[0].split()
    expect(len(words) == 3 and words[1].isdigit() and words[2].isdigit(),
           f"{name} is not whole: {content[:60]!r}, {len(content)} bytes")
    said, version, size = words
    expect(said == name.encode() and content == content_of(name, int(version), int(size)),
           f"{name} is not whole: {content[:60]!r}, {len(content)} bytes")
    return int(version)


class Client(threading.Thread):
    """Puts files, one after the other, until the server is gone."""

    def __init__(self, server, number, first, seed, disk_may_go=False):
        super().__init__()
        self.disk_may_go = disk_may_go
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
        # 403: ext4 that was shut down may be read-only by now.
        if (reply.status >= 500 or reply.status == 403) and self.disk_may_go:
            raise ConnectionResetError("without a disk")
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
        if name in (".weft-upload", "lost+found"):
            continue
        with open(folder.at(name), "rb") as file:
            found[name] = version_of(name, file.read())
    for name, version in acknowledged.items():
        expect(found.get(name, -1) >= version, f"{name}: {version} was lost, {found.get(name)} is")
    return found
