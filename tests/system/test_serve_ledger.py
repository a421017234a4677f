#!/usr/bin/env python3
"""test_serve_ledger.py - --connections-per-client: a host's connections by all doors together."""
import base64
import socket
import time

from served import PATIENCE_S, Connection, Folder, Server, case, expect, run

GET = b"GET /a.txt HTTP/1.1\r\nHost: test\r\n\r\n"
UPGRADE = (b"GET /.chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(bytes(16)) +
           b"\r\n\r\n")


class Hub(Server):
    """All doors, with a bound for all of them together."""

    def __init__(self, folder, per_host):
        super().__init__(folder.path, "--connections-per-client", str(per_host),
                         "--idle-timeout", "1000", "--ftp", "127.0.0.1:0", "--ftp-anonymous",
                         "--chat", "127.0.0.1:0", "--chat-web")

    def door(self, name):
        host, _, port = self.facts[name].rpartition(":")
        return host, int(port)

    # Each comes in, and stays, or says why not: a connection, and what was said first.

    def by_http(self):
        connection = Connection(self.door("http"))
        connection.send(GET)
        return connection.socket, connection.reply().status

    def by_web(self):
        connection = Connection(self.door("http"))
        connection.send(UPGRADE)
        line = b""
        while b"\r\n" not in line:
            data = connection.socket.recv(4096)
            expect(data, line)
            line += data
        return connection.socket, int(line.split()[1])

    def by_line(self, door, says=b""):
        """Chat says nothing of its own to who is let in."""
        peer = socket.create_connection(self.door(door), timeout=PATIENCE_S)
        peer.sendall(says)
        line = b""
        while not line.endswith(b"\n"):
            data = peer.recv(4096)
            if not data:
                break
            line += data
        return peer, line.decode()

    def by_datagram(self, name):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(PATIENCE_S)
        peer.connect(self.door("chat"))
        peer.send(b"L " + name.encode() + b"\n")
        return peer, peer.recv(4096).decode()


@case("one of each door, and none more by any of them")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        with Hub(folder, 5) as hub:
            here = []
            for way, answer in ((hub.by_http, 200), (hub.by_web, 101)):
                peer, status = way()
                expect(status == answer, (way, status))
                here.append(peer)
            peer, greeting = hub.by_line("ftp")
            expect(greeting.startswith("220"), greeting)
            here.append(peer)
            peer, answer = hub.by_line("chat", b"GUEST bob\n")
            expect(answer.startswith("OK"), answer)
            here.append(peer)
            peer, answer = hub.by_datagram("mia")
            expect(answer.startswith("OK"), answer)
            here.append(peer)
            # That were five.
            for way in (hub.by_http, hub.by_web):
                peer, status = way()
                expect(status == 429, (way, status))
                peer.close()
            peer, greeting = hub.by_line("ftp")
            expect(greeting.startswith("421"), greeting)
            peer.close()
            peer, greeting = hub.by_line("chat")
            expect(greeting == "over too many of your address are here\n", greeting)
            peer.close()
            peer, answer = hub.by_datagram("tom")
            expect("too many of your address" in answer, answer)
            peer.close()
            # Who goes makes room, at any door.
            here.pop(2).close()
            began, status = time.monotonic(), 429
            while status == 429:
                expect(time.monotonic() - began < PATIENCE_S, "there is never room")
                peer, status = hub.by_http()
                if status == 429:
                    peer.close()
            expect(status == 200, status)
            peer.close()
            for peer in here:
                peer.close()


def tried(way):
    """What is said; "": it was over before that."""
    try:
        peer, said = way()
        peer.close()
        return str(said)
    except ConnectionError:
        return ""


@case("who has gone is not counted: many come, one after the other")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        with Hub(folder, 2) as hub:
            for turn in range(12):
                for way, answer in ((hub.by_http, "200"), (lambda: hub.by_line("ftp"), "220"),
                                    (lambda: hub.by_line("chat", b"GUEST bob\n"), "OK")):
                    began = time.monotonic()
                    while not tried(way).startswith(answer):
                        expect(time.monotonic() - began < PATIENCE_S, f"turn {turn}: {answer}")


@case("where nobody said how many, one client does not take all that FTP has")
def _():
    with Folder() as folder, Server(folder.path, "--ftp", "127.0.0.1:0", "--ftp-anonymous",
                                    prefix=("prlimit", "--nofile=600:600")) as server:
        host, _, port = server.facts["ftp"].rpartition(":")
        held = []

        def comes(source):
            peer = socket.create_connection((host, int(port)), PATIENCE_S, (source, 0))
            held.append(peer)
            with peer.makefile("rb") as lines:
                return lines.readline().decode()

        for _ in range(600):
            greeting = comes("127.0.0.1")
            if not greeting.startswith("220"):
                break
        expect("from your address" in greeting and 10 < len(held) < 60, (greeting, len(held)))
        greeting = comes("127.0.0.2")
        expect(greeting.startswith("220"), greeting)
        for peer in held:
            peer.close()


if __name__ == "__main__":
    run()
