#!/usr/bin/python3
"""gevent_peer.py - peer: echo by a greenlet per connection, a file by gevent's WSGI server.

    gevent_peer.py echo|DIR

Prints the port that the kernel chose.
"""
import os
import socket
import sys
from email.utils import formatdate

from gevent.pywsgi import WSGIServer
from gevent.server import StreamServer


def send_at_once(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def echo(sock, _address):
    send_at_once(sock)
    while True:
        data = sock.recv(16384)
        if not data:
            return
        sock.sendall(data)


class HttpServer(WSGIServer):
    """Head and body leave in two writes: without TCP_NODELAY the second one waits for an ACK."""

    def handle(self, sock, address):
        send_at_once(sock)
        super().handle(sock, address)


def file_application(docs_dir):
    def application(environ, start_response):
        path = os.path.join(docs_dir, os.path.basename(environ["PATH_INFO"]))
        with open(path, "rb") as file:
            body, stat = file.read(), os.fstat(file.fileno())
        start_response("200 OK", [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Last-Modified", formatdate(stat.st_mtime, usegmt=True)),
            ("ETag", f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'),
            ("Accept-Ranges", "bytes"),
        ])
        return [body]

    return application


def main():
    work = sys.argv[1] if len(sys.argv) > 1 else "echo"
    if work == "echo":
        server = StreamServer(("127.0.0.1", 0), echo, backlog=4096)
    else:
        server = HttpServer(("127.0.0.1", 0), file_application(work), log=None, backlog=4096)
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()


main()
