"""loaded.py - servers for the tests of `weft load`, each with one peculiarity, and its figures.

	with Peer(answer_all(OK)) as peer:
		figures = ask(peer, "--requests", "300")
		expect(figures["requests"] == len(peer.requests))

Never: a fixed port.
"""
import contextlib
import json
import socket
import threading

from served import expect, weft

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Peer:
    """A server on a free port: talk(socket, number) in a thread for each connection."""

    def __init__(self, talk, path=None):
        self.talk, self.accepted, self.sockets = talk, 0, []
        self.lock = threading.Lock()
        self.requests = []  # heads, as they came
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.listener.listen(1000)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Let in nobody any more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self.listener.accept()
                if one.family == socket.AF_INET:
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets.append(one)
                number, self.accepted = self.accepted, self.accepted + 1
                threading.Thread(target=self.serve, args=(one, number), daemon=True).start()

    def serve(self, one, number):
        with contextlib.suppress(OSError):
            with one:
                self.talk(self, one, number)

    def heads(self, one):
        """The heads of the requests on a connection, and how many there were by now."""
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = one.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            with self.lock:
                self.requests.append(head)
                count = len(self.requests)
            yield head, count


def answer_all(reply):
    """A talk that answers each request so; reply may be a list of what is sent in turns."""
    parts = reply if isinstance(reply, list) else [reply]

    def talk(peer, one, _):
        for _ in peer.heads(one):
            for part in parts:
                one.sendall(part)

    return talk


def echo(_, one, __):
    while data := one.recv(65536):
        one.sendall(data)


def load(target, *options, status=0):
    """The figures of a run, and what it printed on stderr."""
    if "--timeout" not in options:  # the usual one is less than some machines take
        options += ("--timeout", "50")
    done = weft("load", target, "--json", *options)
    expect(done.returncode == status, done)
    expect(done.stdout.count("\n") == 1, done)
    figures = json.loads(done.stdout)
    errors = figures["errors"]
    expect(errors["all"] == sum(n for name, n in errors.items() if name != "all"), errors)
    return figures, done.stderr


def ask(peer, *options, status=0, path="/"):
    return load(f"http://{peer.address}{path}", *options, status=status)[0]


def close_after(count, reply):
    def talk(peer, one, _):
        for done, _ in enumerate(peer.heads(one), 1):
            one.sendall(reply)
            if done == count:
                return

    return talk
