#!/usr/bin/env python3
# check: waits
"""test_serve_doors.py - `weft serve` by HTTPS, for users with passwords, with limits, counters and
logs: under each model where that makes a difference."""
import base64
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time

import served
from served import PATIENCE_S, Connection, Folder, Server, Skip, case, expect, run, weft

MODELS = ("fiber", "loop", "thread", "pool", "fork", "prefork")
GET = b"GET /%s HTTP/1.1\r\nHost: test\r\n\r\n"



def sh(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S,
                          check=True, **options).stdout


def certificate(folder, name, host="localhost"):
    """A self-signed one; the paths of certificate and key."""
    paths = [os.path.join(folder.top, name + end) for end in (".pem", ".key")]
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
       "-nodes", "-keyout", paths[1], "-out", paths[0], "-days", "5", "-subj", "/CN=" + name,
       "-addext", "subjectAltName=DNS:%s,IP:127.0.0.1" % host)
    return paths


def by_tls(paths, *more):
    return ("--https", "127.0.0.1:0", "--tls-cert", paths[0], "--tls-key", paths[1]) + more


def port_of(address):
    return int(address.rpartition(":")[2])


class Encrypted(Connection):
    """A raw connection over TLS; the peer's certificate is not checked but can be looked at."""

    def __init__(self, server, name="localhost", protocols=("http/1.1",)):
        super().__init__(("127.0.0.1", port_of(server.facts["https"])))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(protocols))
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def common_name(self):
        text = ssl.DER_cert_to_PEM_cert(self.socket.getpeercert(True))
        subject = sh("openssl", "x509", "-noout", "-subject", input=text)
        return re.search(r"CN ?= ?(\S+)", subject)[1]


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def with_model(model):
    served.MODEL = model


def until(fact, what):
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        expect(time.monotonic() < deadline, f"{what} never came")
        time.sleep(0.01)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# ---- Hosts and proxies ------------------------------------------------------------------------


def statuses_of(server, hosts):
    return {host: server.ask(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode()).status
            for host in hosts}


@case("a name that only leads here is 421, and the answer names the option")
def _():
    with_model("fiber")
    own = socket.gethostname().partition(".")[0]
    good = ["localhost:8080", "app.localhost", "127.0.0.1", "[::1]:1", "192.0.2.1", own,
            own + ".local", "files.example", "FILES.example.:80"]
    bad = ["evil.example", "a.files.example", "nas", "nas.local"]
    with Folder() as folder, Server(folder.path, "--host", "files.example",
                                    "--metrics", "127.0.0.1:0") as server:
        expect(statuses_of(server, good) == dict.fromkeys(good, 200), statuses_of(server, good))
        expect(statuses_of(server, bad) == dict.fromkeys(bad, 421), statuses_of(server, bad))
        reply = server.ask(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        expect(b"weft serve with --host and that name" in reply.body, reply.body)
        with Connection(("127.0.0.1", port_of(server.facts["metrics"]))) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            expect(connection.reply().status == 421)


@case("a page of a site whose name leads here reads and changes nothing")
def _():
    with_model("fiber")
    put = (b"PUT /new.txt HTTP/1.1\r\nHost: evil.example:%d\r\nOrigin: http://evil.example:%d\r\n"
           b"Sec-Fetch-Site: same-origin\r\nContent-Length: 2\r\n\r\nhi")
    with Folder() as folder, Server(folder.path, "--allow-upload",
                                    "--host", "files.example") as server:
        expect(server.ask(put % (server.port, server.port)).status == 421)
        expect(not os.path.exists(os.path.join(folder.path, "new.txt")))


@case("by HTTPS, and by HTTP that leads there, any name is served")
def _():
    with_model("fiber")
    with Folder() as folder:
        paths = certificate(folder, "first")
        with Server(folder.path, *by_tls(paths, "--redirect-https")) as server:
            expect(server.ask(GET % b"").status == 308)
            with Encrypted(server) as connection:
                connection.send(GET % b"")
                expect(connection.reply().status == 200)


@case("--host '*' serves any name; what is no name, or of no use, is said")
def _():
    with_model("fiber")
    with Folder() as folder:
        paths = certificate(folder, "first")
        with Server(folder.path, "--host", "*") as server:
            expect(statuses_of(server, ["evil.example"]) == {"evil.example": 200})
        for options, why in ((("--host", "a:80"), "is no name of a host"),
                             (("--host", "*", "--host", "a"), "leaves nothing"),
                             (("--host", "a", "--http", "unix:/x"), "is for HTTP without TLS"),
                             (("--host", "a", "--http", "none", *by_tls(paths)),
                              "is for HTTP without TLS"),
                             (("--trust-proxy", "proxy"), "is no address of a proxy"),
                             (("--forwarded",), "is of --trust-proxy")):
            done = weft("serve", folder.path, *options)
            expect(done.returncode == 2 and why in done.stderr, done)


@case("rates and log go by the client that a trusted proxy names")
def _():
    with_model("fiber")
    ask = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.1.1.1, %s\r\n\r\n"
    with Folder() as folder:
        log = os.path.join(folder.top, "log")
        with Server(folder.path, "--trust-proxy", "127.0.0.0/8", "--rate", "1", "--rate-burst",
                    "1", "--access-log", log) as server:
            statuses = [server.ask(ask % b"203.0.113.1").status]
            while statuses[-1] == 200:  # once a second it may
                statuses.append(server.ask(ask % b"203.0.113.1").status)
            expect(len(statuses) > 1 and statuses[-1] == 429, statuses)
            expect(server.ask(ask % b"203.0.113.2").status == 200)
        with Server(folder.path, "--trust-proxy", "10.0.0.0/8", "--access-log", log) as server:
            server.ask(ask % b"203.0.113.3")
        expect(sorted(re.findall(r"(?m)^\S+", read(log)))
               == ["127.0.0.1"] + ["203.0.113.1"] * len(statuses) + ["203.0.113.2"], read(log))


# ---- HTTPS ------------------------------------------------------------------------------------


for _model in MODELS:

    @case(f"under {_model} files come by HTTPS, and HTTP leads there")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            paths = certificate(folder, "first")
            options = by_tls(paths, "--redirect-https", "--hsts", "365")
            with Server(folder.path, *options) as server:
                url = "https://localhost:%d/a.txt" % port_of(server.facts["https"])
                expect(sh("curl", "-sS", "--http1.1", "--cacert", paths[0], url) == "hello")
                expect("max-age=31536000" in sh("curl", "-sSI", "--cacert", paths[0], url))
                reply = server.get("/a.txt?q", "X: y")
                expect(reply.status == 308, reply)
                expect(reply["location"] == "https://test:%d/a.txt?q"
                       % port_of(server.facts["https"]), reply.head)
                expect(reply["strict-transport-security"] is None)
                with Encrypted(server) as connection:
                    expect(connection.socket.selected_alpn_protocol() == "http/1.1")
                    connection.send((GET % b"a.txt") * 3)
                    for _ in range(3):
                        expect(connection.reply().body == b"hello")


@case("the certificate is the one for the name that is asked for")
def _():
    with_model("fiber")
    with Folder() as folder:
        first = certificate(folder, "first", "a.test")
        second = certificate(folder, "second", "b.test")
        more = ("--tls-cert", second[0], "--tls-key", second[1])
        with Server(folder.path, *by_tls(first, *more)) as server:
            for name, common in (("a.test", "first"), ("b.test", "second"), ("c.test", "first")):
                with Encrypted(server, name) as connection:
                    expect(connection.common_name() == common, (name, connection.common_name()))


@case("who offers other protocols only, or no TLS, is not served; who speaks HTTP is told so")
def _():
    with_model("fiber")
    with Folder() as folder:
        with Server(folder.path, *by_tls(certificate(folder, "first"))) as server:
            try:
                Encrypted(server, protocols=("h2",))
                expect(False, "h2 was agreed on")
            except ssl.SSLError as error:
                expect("ALPN" in str(error).upper() or "alert" in str(error), error)
            with Connection(("127.0.0.1", port_of(server.facts["https"]))) as connection:
                connection.send(GET % b"")
                reply = connection.reply()
                expect(reply.status == 400 and b"https://" in reply.body, reply)
                expect(connection.at_end())
            with Connection(("127.0.0.1", port_of(server.facts["https"]))) as connection:
                connection.send(b"SSH-2.0-OpenSSH_9.2\r\n" * 20)
                try:
                    while connection.fill():
                        pass
                except ConnectionResetError:
                    pass
                expect(b"a.txt" not in connection.buffer, connection.buffer)


for _model in ("fiber", "thread", "fork", "prefork"):

    @case(f"under {_model} a SIGHUP takes up a new certificate, and keeps who is there")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            paths = certificate(folder, "first")
            with Server(folder.path, *by_tls(paths)) as server, \
                    Encrypted(server) as old:
                old.send(GET % b"a.txt")
                expect(old.reply().status == 200)
                for path, new in zip(paths, certificate(folder, "second")):
                    os.replace(new, path)

                def has_new():
                    server.process.send_signal(signal.SIGHUP)
                    with Encrypted(server) as connection:
                        connection.send(GET % b"a.txt")
                        expect(connection.reply().status == 200)
                        return connection.common_name() == "second"

                until(has_new, "the new certificate")
                old.send(GET % b"a.txt")
                expect(old.reply().status == 200)


@case("a new certificate that can't be read leaves the old one, and one line says so")
def _():
    with_model("fiber")
    with Folder() as folder:
        paths = certificate(folder, "first")
        server = Server(folder.path, *by_tls(paths))
        with open(paths[0], "w", encoding="ascii") as file:
            file.write("nonsense")
        server.process.send_signal(signal.SIGHUP)
        line = server.process.stderr.readline().decode()
        expect("the old certificates stay" in line, line)
        with Encrypted(server) as connection:
            expect(connection.common_name() == "first")
        server.process.terminate()
        expect(server.process.communicate(timeout=PATIENCE_S)[1] == b"")


@case("a new certificate is taken up without a signal, once it looks the same twice")
def _():
    with_model("fiber")
    with Folder() as folder:
        paths = certificate(folder, "first")
        with Server(folder.path, *by_tls(paths, "--watch", "0.02")) as server:
            for path, new in zip(paths, certificate(folder, "second")):
                os.replace(new, path)

            def has_new():
                with Encrypted(server) as connection:
                    return connection.common_name() == "second"

            until(has_new, "the new certificate")


# ---- Users ------------------------------------------------------------------------------------


def users_file(folder, text):
    path = os.path.join(folder.top, "users")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    return path


def make_users(folder, *pairs):
    text = "# who may come in\n\n"
    for name, password in pairs:
        hashed = sh("openssl", "passwd", "-6", "-salt", "abcdefgh", password).strip()
        text += f"{name}:{hashed}\n"
    return users_file(folder, text)


for _model in MODELS:

    @case(f"under {_model} only users with their passwords come in, and the log has their names")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            log = os.path.join(folder.top, "log")
            path = make_users(folder, ("anna", "secret"), ("jos\u00e9", "p\u00e9:x"))
            with Server(folder.path, "--auth-file", path, "--access-log", log,
                        "--metrics", "127.0.0.1:0") as server:
                reply = server.get("/a.txt")
                expect(reply.status == 401, reply)
                expect(reply["www-authenticate"] == 'Basic realm="weft", charset="UTF-8"')
                for user, password in (("anna", "secret"), ("jos\u00e9", "p\u00e9:x")):
                    reply = server.get("/a.txt", basic(user, password))
                    expect(reply.body == b"hello", reply)
                for user, password in (("anna", "wrong"), ("nobody", "secret"), ("", ""),
                                       ("anna", "")):
                    reply = server.get("/a.txt", basic(user, password))
                    expect(reply.status == 401 and b"hello" not in reply.body, reply)
                expect(server.get("/a.txt", "Authorization: Basic !").status == 401)
                port = port_of(server.facts["metrics"])
                with Connection(("127.0.0.1", port)) as connection:
                    connection.send(GET % b"metrics")
                    text = connection.reply().body.decode()
                expect('weft_http_requests_total{code="200"} 2\n' in text, text)
                expect('weft_http_requests_total{code="401"} 6\n' in text, text)
            lines = read(log).splitlines()
            expect(len(lines) == 8, lines)
            expect(sum(" - anna [" in line for line in lines) == 1, lines)
            expect(sum(" - jos\\xC3\\xA9 [" in line for line in lines) == 1, lines)


for _model in ("fiber", "prefork"):

    @case(f"under {_model} a user who is taken out of the file is out after a SIGHUP")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            path = make_users(folder, ("anna", "secret"), ("ben", "other"))
            with Server(folder.path, "--auth-file", path) as server:
                expect(server.get("/a.txt", basic("anna", "secret")).status == 200)
                make_users(folder, ("ben", "other"), ("anna", "changed"))
                server.process.send_signal(signal.SIGHUP)
                until(lambda: server.get("/a.txt", basic("anna", "changed")).status == 200,
                      "the new password")
                expect(server.get("/a.txt", basic("anna", "secret")).status == 401)


@case("who guesses is slowed down, and a user who is known gets in from there all the same")
def _():
    with_model("fiber")
    with Folder() as folder:
        folder.write("a.txt", b"hello")
        with Server(folder.path, "--auth-file", make_users(folder, ("anna", "secret"))) as server:
            expect(server.get("/a.txt", basic("anna", "secret")).status == 200)
            statuses = [server.get("/a.txt", basic("anna", f"guess {i}")).status
                        for i in range(13)]
            expect(statuses[:10] == [401] * 10 and 429 in statuses[10:], statuses)
            reply = server.get("/a.txt", basic("anna", "guess"))
            expect(reply.status == 429 and 1 <= int(reply["retry-after"]) <= 11, reply)
            expect(server.get("/a.txt", basic("anna", "secret")).status == 200)


def link_local():
    """An address of this machine that is good on one link only: fe80::1%eth0."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            rows = [line.split() for line in file]
    except FileNotFoundError:
        rows = []
    for address, _, _, _, flags, name in rows:
        # Those that are tentative, or taken by somebody else, nobody can be reached at.
        if address.startswith("fe80") and not int(flags, 16) & (0x40 | 0x08):
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address)) + "%" + name
    raise Skip("no IPv6 on a link")


@case("who guesses from the same link is slowed down, too")
def _():
    with_model("fiber")
    with Folder() as folder:
        users = make_users(folder, ("anna", "secret"))
        with Server(folder.path, "--auth-file", users, "--insecure-auth",
                    http="[::]:0") as server:
            address = socket.getaddrinfo(link_local(), server.port, socket.AF_INET6)[0][4]
            statuses = []
            for i in range(13):
                with Connection(address, socket.AF_INET6) as connection:
                    connection.send(b"GET / HTTP/1.1\r\nHost: test\r\n%s\r\n\r\n"
                                    % basic("anna", f"guess {i}").encode())
                    statuses.append(connection.reply().status)
            expect(statuses[:10] == [401] * 10 and 429 in statuses[10:], statuses)


@case("a script's browser may ask first whether it may ask, and only that")
def _():
    with_model("fiber")
    with Folder() as folder:
        folder.write("a.txt", b"hello")
        path = make_users(folder, ("anna", "secret"))
        with Server(folder.path, "--auth-file", path, "--cors", "https://app.example") as server:
            fields = ("Origin: https://app.example", "Access-Control-Request-Method: GET")
            reply = server.get("/a.txt", *fields, method="OPTIONS")
            expect(reply.status < 300 and reply["access-control-allow-origin"], reply.head)
            expect(server.get("/a.txt", *fields).status == 401)
            expect(server.get("/a.txt", method="OPTIONS").status == 401)


@case("a file of users with something wrong in it is refused, with the line")
def _():
    with Folder() as folder:
        good = sh("openssl", "passwd", "-6", "secret").strip()
        for text, words in (("anna\n", "line 1"), ("#\n:" + good + "\n", "line 2"),
                            ("anna:secret\n", "htpasswd -B"),
                            ("anna:$apr1$abcdefgh$aaaaaaaaaaaaaaaaaaaaaa\n", "htpasswd -B"),
                            (f"anna:{good}\nanna:{good}\n", "once more"),
                            ("a\x01:" + good + "\n", "control character"),
                            ("x" * 2000 + "\n", "too long")):
            done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--auth-file",
                        users_file(folder, text))
            expect(done.returncode == 1 and words in done.stderr, (text, done))
            expect(good not in done.stderr)
        done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--auth-file", "/nowhere")
        expect(done.returncode == 1 and "can't open /nowhere" in done.stderr, done)


@case("passwords do not go over a network in the clear, unless they are told to")
def _():
    with_model("fiber")
    with Folder() as folder:
        path = make_users(folder, ("anna", "secret"))
        done = weft("serve", folder.path, "--http", "0.0.0.0:0", "--auth-file", path)
        expect(done.returncode == 2 and "--insecure-auth" in done.stderr, done)
        options = ("--auth-file", path)
        with Server(folder.path, *options, "--insecure-auth", http="0.0.0.0:0"):
            pass
        paths = certificate(folder, "first")
        with Server(folder.path, *options, *by_tls(paths, "--redirect-https"),
                    http="0.0.0.0:0") as server:
            server.host = "127.0.0.1"
            expect(server.get("/").status == 308)


# ---- Limits -----------------------------------------------------------------------------------


for _model in MODELS:

    @case(f"under {_model} a client that asks too often, or comes too often, gets 429")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"a")
            with Server(folder.path, "--rate", "1", "--rate-burst", "5") as server:
                replies = [server.get("/a.txt") for _ in range(5)]
                expect(all(reply.status == 200 for reply in replies), replies)
                while replies[-1].status == 200:
                    replies.append(server.get("/a.txt"))
                expect(replies[-1].status == 429 and int(replies[-1]["retry-after"]) >= 1)
            if model == "loop":
                return  # there is one at a time
            with Server(folder.path, "--connections-per-client", "2") as server:
                with server.connect() as one, server.connect() as two:
                    for connection in (one, two):
                        connection.send(GET % b"a.txt")
                        expect(connection.reply().status == 200)
                    with server.connect() as third:
                        expect(third.reply().status == 429)

                def is_let_in():
                    with server.connect() as connection:
                        try:
                            connection.send(GET % b"a.txt")
                            reply = connection.reply()
                            return reply is not None and reply.status == 200
                        except (ConnectionResetError, BrokenPipeError):
                            return False

                until(is_let_in, "a place")


@case("an upload that does not come is 408 after the time that it has")
def _():
    with_model("fiber")
    with Folder() as folder:
        with Server(folder.path, "--allow-upload", "--body-timeout", "0.2") as server, \
                server.connect() as connection:
            connection.send(b"PUT /new HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\nx")
            expect(connection.reply().status == 408)
        expect(os.listdir(folder.path) in ([], [".weft-upload"]), os.listdir(folder.path))


def crowd():
    """How many are slow: 400, or 10,000 in make soak, as far as there are descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(10000 if int(os.environ.get("CHECK_ROUNDS", "1")) > 1 else 400, hard - 200)


def begin_slow(server, count):
    """Connections whose heads never end, and some that say nothing."""
    slow = []
    for i in range(count):
        connection = server.connect()
        if i % 4:
            connection.send(b"GET /a.txt HTTP/1.1\r\nHost: test\r\nX-%d: " % i)
        slow.append(connection)
    return slow


for _model in ("fiber", "thread"):

    @case(f"under {_model} many who are slow do not keep out those who are not")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            # A stop does not wait for them either: it would be for longer than this test does.
            options = ("--connections", "50", "--header-timeout", "1000", "--grace", "1000",
                       "--idle-timeout", "1000", "--metrics", "127.0.0.1:0")
            with Server(folder.path, *options) as server:
                slow = begin_slow(server, crowd())
                # A thread that is told to make room does so when it runs: until then it's busy.
                for number in range(100):
                    began, status = time.monotonic(), 503
                    while status == 503:
                        expect(time.monotonic() - began < PATIENCE_S, f"{number} were let in")
                        status = server.get("/a.txt").status
                        expect(status == 200 or model == "thread", status)
                    expect(status == 200, status)
                with Connection(("127.0.0.1", port_of(server.facts["metrics"]))) as connection:
                    connection.send(GET % b"metrics")
                    text = connection.reply().body.decode()
                closed = int(re.search(r"closed_for_room_total (\d+)", text)[1])
                expect(closed >= 1, text)
            for connection in slow:
                connection.socket.close()


@case("when there are few descriptors, many who are slow do not keep out those who are not")
def _():
    with_model("fiber")
    with Folder() as folder:
        folder.write("a.txt", b"hello")
        limited = os.path.join(folder.top, "weft-limited")
        with open(limited, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nulimit -n 200\nexec "%s" "$@"\n' % os.path.abspath(served.WEFT))
        os.chmod(limited, 0o755)
        usual, served.WEFT = served.WEFT, limited
        try:
            with Server(folder.path, "--header-timeout", "1000") as server:
                slow = begin_slow(server, 400)
                for _ in range(50):
                    expect(server.get("/a.txt").body == b"hello")
                for connection in slow:
                    connection.socket.close()
        finally:
            served.WEFT = usual


# ---- Doors, logs ------------------------------------------------------------------------------


@case("there can be many doors, a Unix socket among them")
def _():
    with_model("fiber")
    with Folder() as folder:
        folder.write("a.txt", b"hello")
        path = os.path.join(folder.top, "socket")
        options = ("--http", "unix:" + path, "--unix-mode", "660", "--http", "127.0.0.1:0",
                   "--metrics", "127.0.0.1:0")
        with Server(folder.path, *options) as server:
            doors = server.facts["doors"]
            expect(len(doors) == 4 and doors[0] == server.facts["http"], doors)
            for address in (("127.0.0.1", port_of(doors[0])), ("127.0.0.1", port_of(doors[2]))):
                with Connection(address) as connection:
                    connection.send(GET % b"a.txt")
                    expect(connection.reply().body == b"hello")
            expect(os.stat(path).st_mode & 0o777 == 0o660)
            with Connection(path, socket.AF_UNIX) as connection:
                connection.send(GET % b"a.txt")
                expect(connection.reply().body == b"hello")
            with Connection(("127.0.0.1", port_of(doors[3]))) as connection:
                connection.send(GET % b"a.txt")
                expect(b"weft_http_requests_total" in connection.reply().body)
        expect(not os.path.exists(path))


for _model in MODELS:

    @case(f"under {_model} the log is JSON if asked to, and goes on in a new file after a SIGHUP")
    def _(model=_model):
        with_model(model)
        with Folder() as folder:
            folder.write("a.txt", b"hello")
            log = os.path.join(folder.top, "log")
            options = ("--access-log", log, "--log-format", "json")
            with Server(folder.path, *options) as server:
                server.get("/a.txt", 'Referer: http://x/"', "User-Agent: \u00e9\\")
                until(lambda: os.path.getsize(log), "the first line")
                os.rename(log, log + ".1")
                server.process.send_signal(signal.SIGHUP)
                count = 1

                def goes_on():
                    nonlocal count
                    expect(server.get("/nothing").status == 404)
                    count += 1
                    return os.path.exists(log) and os.path.getsize(log)

                until(goes_on, "the new log")
            lines = [json.loads(line) for line in (read(log + ".1") + read(log)).splitlines()]
            expect(len(lines) == count, (count, lines))
            line = lines[0]
            expect(line["status"] == 200 and line["bytes"] == 5 and line["method"] == "GET", line)
            expect(line["referer"] == 'http://x/"' and line["agent"] == "\u00e9\\", line)
            expect(line["tls"] is None and line["user"] is None, line)
            expect(isinstance(line["duration_us"], int), line)
            expect(all(line["status"] == 404 for line in lines[1:]), lines)


@case("a terminal that is closed ends it, as Ctrl-C does")
def _():
    with Folder() as folder:
        try:
            leader, terminal = os.openpty()
        except OSError as error:
            raise Skip(f"no terminals here: {error}") from error
        process = subprocess.Popen(
            [served.WEFT, "serve", folder.path, "--http", "127.0.0.1:0", "--access-log", "none"],
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
        os.close(terminal)
        text = b""
        while b"Ctrl-C" not in text:
            text += os.read(leader, 4096)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        expect(process.poll() is None, "it took a SIGHUP for an end")
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        expect(process.wait(PATIENCE_S) == 0, process.returncode)


@case("doors that do not go together are wrong usage")
def _():
    for arguments in (("--https", "127.0.0.1:0"), ("--tls-cert", "a"), ("--hsts", "1"),
                      ("--redirect-https",), ("--http", "none", "--http", "none"),
                      ("--https", "127.0.0.1:0", "--tls-cert", "a", "--tls-cert", "b",
                       "--tls-key", "c"),
                      ("--https", "127.0.0.1:0", "--tls-cert", "a", "--redirect-https"),
                      ("--unix-mode", "9"), ("--unix-mode", "0"), ("--unix-mode", "+660"),
                      ("--unix-mode", "1777"), ("--log-format", "wonder"), ("--rate", "0"),
                      ("--hsts", "4000"), ("--rate-burst", "5"), ("--size", "5"),
                      ("--upload-max", "5M"), ("--trust-proxy", "unix")):
        done = weft("serve", *arguments)
        expect(done.returncode == 2 and not done.stdout, (arguments, done))
        expect(len(done.stderr.splitlines()) == 2, done.stderr)
    done = weft("serve", "--https", "127.0.0.1:0", "--tls-cert", "/nowhere.pem")
    expect(done.returncode == 1 and "/nowhere.pem" in done.stderr, done)


@case("keys, users or a log in the shared folder are refused: everybody could read them")
def _():
    with Folder() as folder:
        first = certificate(folder, "first")
        both = folder.write("both.pem", (read(first[0]) + read(first[1])).encode())
        key = folder.write("key.pem", read(first[1]).encode())
        users = folder.write("users", b"")
        link = os.path.join(folder.top, "link")
        os.symlink(os.fsdecode(folder.path), link)
        tls = ("--https", "127.0.0.1:0", "--tls-cert")
        for options in (tls + (both,), tls + (first[0], "--tls-key", key),
                        tls + (first[0], "--tls-key", os.path.join(link, "key.pem")),
                        ("--auth-file", users),
                        ("--access-log", os.path.join(link, "new.log"))):
            done = weft("serve", folder.path, "--http", "127.0.0.1:0", *options)
            expect(done.returncode == 1 and not done.stdout, (options, done))
            expect("in the folder that is shared" in done.stderr, done)
        expect(not os.path.exists(os.path.join(link, "new.log")))
        for state in (folder.path, link, folder.at("state")):
            done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--state", state)
            expect(done.returncode == 1 and "in the folder that is shared" in done.stderr, done)
        made = [name for _, _, names in os.walk(folder.path) for name in names]
        expect(not any("db" in name for name in made), made)
        hidden = folder.write(".users", b"anna:$2y$10$" + b"a" * 53 + b"\n")
        with Server(folder.path, "--auth-file", hidden) as server:
            expect(server.get("/.users").status == 401)
        done = weft("serve", folder.path, "--hidden", "--auth-file", hidden)
        expect(done.returncode == 1, done)


def said_at_start(*options):
    """What it complains of, and whether it serves all the same."""
    command = [served.WEFT, "serve", *options, "--json"]
    if "--http" not in options:
        command += ["--http", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        serves = bool(process.stdout.readline())
        process.terminate()
        return process.communicate(timeout=PATIENCE_S)[1], serves


@case("options that would do nothing are refused, and say what they are of")
def _():
    with Folder() as folder:
        first = certificate(folder, "first")
        empty = os.path.join(folder.top, "users")
        with open(empty, "w", encoding="utf-8") as file:
            file.write("# nobody\n")
        for options, why in ((("--tls-key", first[1]), "--tls-key is of --tls-cert FILE"),
                             (("--insecure-auth",), "is of --auth-file"),
                             (("--watch", "5"), "is of --tls-cert or --auth-file"),
                             (("--unix-mode", "660"), "is for --http or --chat unix:/PATH"),
                             (("--log-format", "json", "--access-log", "none"), "no use"),
                             (("--trust-proxy", "10.0.0.1", "--trust-proxy", "::/0"), "everybody"),
                             (("--auth-file", empty), "there are no users in")):
            said, serves = said_at_start(folder.path, *options)
            expect(why in said and not serves, (options, said))


@case("what is odd is said at the start, and served all the same")
def _():
    with Folder() as folder:
        first, old = certificate(folder, "first"), certificate(folder, "old")
        sh("openssl", "x509", "-in", old[0], "-signkey", old[1], "-out", old[0], "-days", "-1")
        os.chmod(old[1], 0o644)
        expect(said_at_start(folder.path, *by_tls(first)) == ("", True))
        said, serves = said_at_start(folder.path, *by_tls(old))
        expect("has expired" in said and "can read the private key" in said and serves, said)
        other = certificate(folder, "other", "b.test")
        said, serves = said_at_start(folder.path, "--https", "localhost:0", "--tls-cert",
                                     other[0], "--tls-key", other[1])
        expect("no certificate is for the host of --https localhost:0" in said and serves, said)
        said, serves = said_at_start(folder.path, "--log-format", "json")
        expect("there is no access log" in said and serves, said)
        if os.geteuid() != 0:
            os.chmod(folder.path, 0o555)
            said, serves = said_at_start(folder.path, "--allow-upload")
            os.chmod(folder.path, 0o755)
            expect("nothing can be changed in" in said and serves, said)


@case("what is said of an address for all says what it is for")
def _():
    with Folder() as folder:
        command = [served.WEFT, "serve", folder.path,
                   *by_tls(certificate(folder, "first"), "--redirect-https"),
                   "--http", "0.0.0.0:0", "--metrics", "0.0.0.0:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = iter(process.stdout.readline, "")
            said = [next(lines)]
            while not said[-1].startswith("  folder"):
                said.append(next(lines))
            process.terminate()
        expect(any(line.startswith("  metrics  http://") for line in said), said)
        expect(any(line.startswith("  address  http://") and "leads to HTTPS" in line
                   for line in said), said)


sys.exit(run())
