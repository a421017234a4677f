#!/usr/bin/env python3
# check: waits
"""test_http_requests.py - what `weft serve` makes of requests: good, odd, hostile and slow ones."""
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time

from served import (MODEL, PATIENCE_S, Folder, Server, Skip, case, expect, on_a_slow_machine,
                    run)

GET = b"GET /a.txt HTTP/1.1\r\nHost: test\r\n\r\n"


def shared():
    folder = Folder().__enter__()
    folder.write("a.txt", "hello, world\n")
    folder.write("sub/b.txt", "b")
    folder.write("big.bin", bytes(range(256)) * 4096)
    time.sleep(0.1)  # what has just changed gets a weak tag
    return folder


FOLDER = shared()


def served(*options, **more):
    return Server(FOLDER.path, *options, **more)


@case("a GET is answered with the file and what a browser needs to know of it")
def _():
    with served() as server:
        reply = server.get("/a.txt")
    expect(reply.status == 200 and reply.body == b"hello, world\n", reply)
    expect(reply["Content-Type"] == "text/plain; charset=utf-8", reply)
    for name in ("Date", "Last-Modified", "ETag", "Accept-Ranges", "X-Content-Type-Options"):
        expect(reply[name], f"{name} is missing")
    expect(reply["Connection"] is None, "1.1 keeps alive without a word")


@case("a HEAD has the fields of the GET and no body")
def _():
    with served() as server, server.connect() as connection:
        for target in (b"/a.txt", b"/", b"/sub", b"/nothing", b"/big.bin"):
            connection.send(b"HEAD %s HTTP/1.1\r\nHost: test\r\n\r\n" % target)
            head = connection.reply(head_only=True)
            connection.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % target)
            whole = connection.reply()
            expect(head.status == whole.status, target)
            expect(head["Content-Length"] == str(len(whole.body)), target)
            del head.fields["date"], whole.fields["date"]
            expect(head.fields == whole.fields, target)


@case("many requests go over one connection")
def _():
    with served() as server:
        client = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
        for _ in range(50):
            client.request("GET", "/a.txt")
            reply = client.getresponse()
            expect(reply.read() == b"hello, world\n")
        local = client.sock.getsockname()
        client.request("GET", "/sub/b.txt")
        expect(client.getresponse().read() == b"b")
        expect(client.sock.getsockname() == local, "another connection")
        client.close()


@case("pipelined requests are answered in order, whatever they are")
def _():
    with served() as server, server.connect() as connection:
        connection.send(GET * 20 + b"GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n"
                        + b"GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n" + GET * 20)
        for _ in range(20):
            expect(connection.reply().body == b"hello, world\n")
        expect(connection.reply().status == 404)
        expect(len(connection.reply().body) == 1 << 20)
        for _ in range(20):
            expect(connection.reply().body == b"hello, world\n")


@case("requests that come byte by byte are the same requests")
def _():
    with served() as server, server.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET + GET:
            connection.send(bytes([byte]))
        for _ in range(2):
            expect(connection.reply().body == b"hello, world\n")


@case("small pipelined answers leave in one packet")
def _():
    with served() as server, server.connect() as connection:
        connection.send(GET * 8)
        connection.fill()
        expect(connection.buffer.count(b"HTTP/1.1 200 OK") == 8, connection.buffer)


@case("Connection: close is kept, and nothing after it is looked at")
def _():
    with served() as server, server.connect() as connection:
        connection.send(GET[:-2] + b"Connection: close\r\n\r\n" + GET)
        reply = connection.reply()
        expect(reply.status == 200 and reply["Connection"] == "close")
        expect(connection.at_end())


@case("HTTP/1.0 closes, unless keep-alive was asked for")
def _():
    with served() as server:
        with server.connect() as connection:
            connection.send(b"GET /a.txt HTTP/1.0\r\n\r\n")
            reply = connection.reply()
            expect(reply.body == b"hello, world\n" and reply["Connection"] == "close")
            expect(connection.at_end())
        with server.connect() as connection:
            for _ in range(2):
                connection.send(b"GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                reply = connection.reply()
                expect(reply.body == b"hello, world\n")
                expect(reply["Connection"] == "keep-alive")


@case("an absolute target is taken apart")
def _():
    with served() as server:
        expect(server.get("http://test/a.txt?x").body == b"hello, world\n")
        expect(server.get("http://test").status == 200)


BAD = [
    (400, b"nonsense\r\n\r\n"),
    (400, b"GET /a.txt\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\nHost: a\n\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\n"
          b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"),
    (400, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"),
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    (413, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n"),
    (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    (414, b"GET /" + b"a" * 20000),
    (417, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"),
    (431, b"GET /a.txt HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
    (431, b"GET /a.txt HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20000 + b"\r\n\r\n"),
    (501, b"POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    (505, b"GET /a.txt HTTP/2.0\r\nHost: a\r\n\r\n"),
    (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
]


@case("what is no request gets its status, a sentence, and the end of the connection")
def _():
    with served() as server:
        for status, request in BAD:
            with server.connect() as connection:
                connection.send(request + GET)
                reply = connection.reply()
                expect(reply.status == status, f"{request[:60]!r}: {reply}")
                expect(reply["Connection"] == "close", reply)
                expect(b"<h1>%d " % status in reply.body, reply)
                expect(connection.at_end(), f"{request[:60]!r} was followed by more")
        expect(server.get("/a.txt").status == 200)


@case("known methods are 405 with Allow, others 501")
def _():
    with served() as server, server.connect() as connection:
        for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE"):
            connection.send(method + b" /a.txt HTTP/1.1\r\nHost: test\r\n\r\n")
            reply = connection.reply()
            # Of a folder a POST may ask for an archive.
            allow = "GET, HEAD, OPTIONS" if method == b"POST" else "GET, HEAD, POST, OPTIONS"
            expect(reply.status == 405 and reply["Allow"] == allow, reply)
        connection.send(b"CONNECT test:1 HTTP/1.1\r\nHost: test:1\r\n\r\n")
        expect(connection.reply().status == 405)
        for target in (b"*", b"/a.txt"):
            connection.send(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: test\r\n\r\n")
            reply = connection.reply(head_only=True)
            expect(reply.status == 204 and reply["Allow"] == "GET, HEAD, POST, OPTIONS", reply)
        connection.send(b"BREW /a.txt HTTP/1.1\r\nHost: test\r\n\r\n")
        expect(connection.reply().status == 501)
        connection.send(GET)
        expect(connection.reply().status == 200, "the connection lives on")


@case("a body that nobody reads is dropped exactly")
def _():
    with served() as server, server.connect() as connection:
        body = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        for method, status in ((b"GET", 200), (b"HEAD", 200), (b"POST", 405), (b"BREW", 501)):
            connection.send(b"%s /a.txt HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s%s"
                            % (method, len(body), body, GET))
            reply = connection.reply(head_only=method == b"HEAD")
            expect(reply.status == status, reply)
            expect(connection.reply().body == b"hello, world\n", "the body became a request")


@case("a large body of a GET is dropped although it comes late and in parts")
def _():
    with served() as server, server.connect() as connection:
        connection.send(b"GET /a.txt HTTP/1.1\r\nHost: test\r\nContent-Length: 65536\r\n\r\n")
        expect(connection.reply().status == 200, "the answer does not wait for the body")
        for _ in range(64):
            connection.send(b"x" * 1024)
        connection.send(GET)
        expect(connection.reply().body == b"hello, world\n")


@case("a body that only drips has one deadline for all of it")
def _():
    def attempt(timeout):
        with served("--header-timeout", timeout) as server, server.connect() as connection:
            connection.send(b"GET /a.txt HTTP/1.1\r\nHost: test\r\n"
                            b"Content-Length: 60000\r\n\r\n")
            expect(connection.reply().status == 200)
            expect(not drips_on(connection), "it waits for each byte anew")

    on_a_slow_machine(attempt, 0.5, 3, 10)


def drips_on(connection):
    """Whether one may send a byte now and then for as long as one has patience."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            connection.send(b"x")
            time.sleep(0.05)
    except OSError:
        return False
    return True


@case("a body that can not be dropped ends the connection after the answer")
def _():
    fields = (b"Content-Length: 99999\r\n", b"Transfer-Encoding: chunked\r\n")
    with served() as server:
        for method, field in ((b"POST", fields[0]), (b"POST", fields[1]), (b"GET", fields[1]),
                              (b"GET", b"Content-Length: 9\r\nExpect: 100-continue\r\n")):
            with server.connect() as connection:
                connection.send(method + b" /a.txt HTTP/1.1\r\nHost: test\r\n" + field + b"\r\n"
                                + b"0\r\n\r\n" + GET)
                reply = connection.reply()
                expect(reply.status == (405 if method == b"POST" else 200), reply)
                expect(reply["Connection"] == "close", reply)
                expect(connection.at_end(), "a body became a request")


@case("an answer survives that its peer still sends")
def _():
    with served() as server, server.connect() as connection:
        connection.send(b"POST /a.txt HTTP/1.1\r\nHost: test\r\nContent-Length: 300000\r\n\r\n")
        connection.send(b"x" * 300000)
        expect(connection.reply().status == 405)
        expect(connection.at_end())


@case("an answer survives that its peer sends all of a long body before it looks")
def _():
    def attempt(mib):
        body = b"x" * (int(mib) << 20)  # more than the kernel keeps for us
        with served() as server, server.connect() as connection:
            connection.send(b"POST /a.txt HTTP/1.1\r\nHost: test\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(body))
            connection.send(body)
            expect(connection.reply().status == 405)
            expect(connection.at_end())

    # The server reads on for two seconds: whoever is late in that is reset, as he would be.
    on_a_slow_machine(attempt, 16, 16, 12, 8)


@case("a head that never ends is 408 after the header timeout")
def _():
    def attempt(timeout):
        with served("--header-timeout", timeout) as server, server.connect() as connection:
            connection.send(b"GET /a.txt HTTP/1.1\r\nHost:")
            reply = connection.reply()
            expect(reply.status == 408 and reply["Connection"] == "close", reply)
            expect(connection.at_end())

    on_a_slow_machine(attempt, 0.3, 3, 10)


def trickle(connection):
    """Byte after byte of a head, until something comes back."""
    connection.socket.settimeout(0.02)
    for byte in b"GET /a.txt HTTP/1.1\r\nX: " + b"y" * 2000:
        try:
            connection.send(bytes([byte]))
            if connection.fill():
                break
        except socket.timeout:
            continue
    connection.socket.settimeout(PATIENCE_S)


@case("a head that trickles in is 408 all the same")
def _():
    def attempt(timeout):
        with served("--header-timeout", timeout) as server, server.connect() as connection:
            trickle(connection)
            expect(connection.reply().status == 408)

    on_a_slow_machine(attempt, 0.5, 3, 10)


@case("a connection that says nothing, or nothing more, is closed without a word")
def _():
    def attempt(timeout):
        with served("--header-timeout", timeout, "--idle-timeout", timeout) as server:
            with server.connect() as connection:
                expect(connection.at_end())
            with server.connect() as connection:
                connection.send(GET)
                expect(connection.reply().status == 200)
                expect(connection.at_end())

    on_a_slow_machine(attempt, 0.2, 3, 10)


@case("a reader that stops reading is cut off after the write timeout")
def _():
    FOLDER.write("huge.bin", b"")
    with open(FOLDER.at("huge.bin"), "wb") as file:
        file.truncate(64 << 20)
    log = os.path.join(FOLDER.top, "log")
    with served("--write-timeout", "0.5", "--access-log", log) as server, \
            server.connect() as connection:
        connection.send(b"GET /huge.bin HTTP/1.1\r\nHost: test\r\n\r\n")
        connection.fill()
        # A line of the log is what says that it has given up.
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.getsize(log):
            expect(time.monotonic() < deadline, "it waits on")
            time.sleep(0.01)
        received = 0
        try:
            while connection.fill():
                received += len(connection.buffer)
                connection.buffer.clear()
        except ConnectionResetError:
            pass
        expect(received < 64 << 20, "all of it came")
        expect(server.get("/a.txt").status == 200)


@case("a peer that goes away in the middle harms nobody")
def _():
    with served() as server:
        for _ in range(20):
            with server.connect() as connection:
                connection.send(b"GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n" * 4)
                connection.fill()
        for part in (b"G", GET[:-2], GET[:-1]):
            with server.connect() as connection:
                connection.send(part)
        expect(server.get("/a.txt").status == 200)


@case("a thousand connections are open at once, and each is served")
def _():
    if MODEL not in ("", "fiber", "thread"):
        raise Skip(f"{MODEL} is not for so many")
    with served() as server:
        connections = [server.connect() for _ in range(1000)]
        for connection in connections:
            connection.send(GET)
        for connection in connections:
            expect(connection.reply().body == b"hello, world\n")
        for connection in connections:
            connection.socket.close()


@case("curl downloads, resumes, asks for heads and follows redirects")
def _():
    if not shutil.which("curl"):
        return
    with served() as server:
        base = f"http://{server.address}"

        def curl(*arguments):
            return subprocess.run(["curl", "-sS", *arguments], capture_output=True, timeout=60,
                                  check=False)

        expect(curl(base + "/a.txt").stdout == b"hello, world\n")
        expect(curl("-r", "7-11", base + "/a.txt").stdout == b"world")
        expect(b"Content-Length: 13" in curl("-I", base + "/a.txt").stdout)
        expect(b"b.txt" in curl("-L", base + "/sub").stdout)
        many = curl("-w", "%{num_connects}", base + "/a.txt", base + "/a.txt")
        expect(many.stdout == b"hello, world\n1hello, world\n0", many)
        post = curl("-w", "%{http_code}", "-o", "/dev/null", "-d", "x=1", base + "/a.txt")
        expect(post.stdout == b"405", post)


if __name__ == "__main__":
    STATUS = run()
    FOLDER.__exit__()
    sys.exit(STATUS)
