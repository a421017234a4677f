#!/usr/bin/env python3
# check: waits
"""test_client.py - `weft get`, and so the HTTP client of the library, against Python's servers,
openssl's and `weft serve`.

Every server is on a port that the kernel chose, and every wait is for something: a server that
says nothing is left by the client's own deadline.
"""
import contextlib
import gzip
import http.server
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "io"))

from examples import build  # noqa: E402
from served import (PATIENCE_S, WEFT, Folder, Server, Skip, case, expect,  # noqa: E402
                    on_a_slow_machine, run, weft)

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "man", "weft-get.1")
CONTENT = os.urandom(100) + bytes(range(256)) * 12000


class Handler(http.server.BaseHTTPRequestHandler):
    """What the paths of the test's site do."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while (size := int(self.rfile.readline(), 16)):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def do_GET(self):
        body = self.body()
        if self.path == "/content":
            self.answer(200, CONTENT, Content_Type="application/x-test")
        elif self.path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(CONTENT), 70001):
                part = CONTENT[at:at + 70001]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/gzip":
            packed = "gzip" in self.headers.get("Accept-Encoding", "")
            self.answer(200, gzip.compress(CONTENT) if packed else CONTENT,
                        **({"Content_Encoding": "gzip"} if packed else {}))
        elif self.path.startswith("/redirect/"):
            self.answer(int(self.path[10:13]), b"elsewhere", Location="/echo")
        elif self.path == "/loop":
            self.answer(302, Location="loop")
        elif self.path == "/missing":
            self.answer(404, b"not here")
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        else:
            said = {"method": self.command, "path": self.path, "body": body.hex(),
                    "fields": {name.lower(): value for name, value in self.headers.items()}}
            self.answer(200, json.dumps(said).encode())

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Site:
    """Python's server on a thread; with a certificate, over TLS."""

    def __init__(self, certificate=None, handler=Handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that leave are what is tested
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, path, host="localhost"):
        return f"{self.scheme}://{host}:{self.server.server_address[1]}{path}"


def get(*arguments, **options):
    """Run `weft get`, whose output is bytes."""
    return subprocess.run([WEFT, "get", *arguments], capture_output=True, timeout=PATIENCE_S,
                          check=False, **options)


def got(*arguments, **options):
    done = get(*arguments, **options)
    expect(done.returncode == 0 and done.stderr == b"", done)
    return done.stdout


def refused(why, *arguments):
    done = get(*arguments)
    expect(done.returncode == 1 and why in done.stderr.decode(), done)
    expect(done.stdout == b"", done)


def echoed(*arguments, **options):
    said = json.loads(got(*arguments, **options))
    said["body"] = bytes.fromhex(said["body"])
    return said


# ---- Bodies --------------------------------------------------------------------------------


@case("a body comes whole, by length, in chunks and packed")
def _():
    with Site() as site:
        for path in ("/content", "/chunks", "/gzip"):
            expect(got(site.url(path)) == CONTENT, path)
        expect(got(site.url("/gzip"), "--gzip") == CONTENT)
        expect(got(site.url("/content", "127.0.0.1")) == CONTENT)


@case("a server of HTTP/1.0 is read up to its end")
def _():
    class Old(Handler):
        protocol_version = "HTTP/1.0"

    with Site(handler=Old) as site:
        expect(got(site.url("/content")) == CONTENT)


@case("a body is sent as text, from a file and from a pipe")
def _():
    with Site() as site, tempfile.NamedTemporaryFile() as file:
        file.write(CONTENT)
        file.flush()
        said = echoed(site.url("/echo"), "--data", "hello", "--type", "text/plain")
        expect(said["method"] == "POST" and said["body"] == b"hello", said)
        expect(said["fields"]["content-type"] == "text/plain", said)
        said = echoed(site.url("/echo"), "--data", "@" + file.name, "--method", "PUT")
        expect(said["method"] == "PUT" and said["body"] == CONTENT)
        expect(said["fields"]["content-length"] == str(len(CONTENT)))
        said = echoed(site.url("/echo"), "--data", "@-", input=CONTENT)
        expect(said["body"] == CONTENT and said["fields"]["transfer-encoding"] == "chunked")


@case("a file is replaced by a whole body only")
def _():
    with Site() as site, Folder() as folder:
        path = os.path.join(folder.path, "file")
        expect(got(site.url("/content"), "--output", path) == b"")
        with open(path, "rb") as file:
            expect(file.read() == CONTENT)
        refused("cut off", site.url("/short"), "--output", path)
        with open(path, "rb") as file:
            expect(file.read() == CONTENT)
        refused("404 Not Found", site.url("/missing"), "--output", path, "--fail")
        expect(os.listdir(folder.path) == ["file"], os.listdir(folder.path))
        refused("/nowhere/at/all is to be in is not there", site.url("/content"), "--output",
                "/nowhere/at/all")
        refused("is a folder", site.url("/content"), "--output", os.path.dirname(path))
        refused("is a folder", site.url("/content"), "--output", ".")
        refused("wants the name", site.url("/content"), "--output", "")


@case("a pipe or a device is written to, and never replaced by a file")
def _():
    with Site() as site, Folder() as folder:
        path = os.path.join(folder.path, "pipe")
        os.mkfifo(path)
        with subprocess.Popen([WEFT, "get", site.url("/content"), "--output", path],
                              stderr=subprocess.PIPE) as fetching:
            with open(path, "rb") as pipe:
                expect(pipe.read() == CONTENT)
            expect(fetching.wait(PATIENCE_S) == 0, fetching.stderr.read())
        expect(stat.S_ISFIFO(os.lstat(path).st_mode), "it is a pipe no more")
        expect(os.listdir(folder.path) == ["pipe"], os.listdir(folder.path))


# ---- What is shown --------------------------------------------------------------------------


@case("the head and the facts are shown")
def _():
    with Site() as site:
        head, _, body = got(site.url("/missing"), "--head").partition(b"\n\n")
        expect(head.startswith(b"404 Not Found\nServer: ") and body == b"not here", head)
        facts = json.loads(got(site.url("/redirect/302"), "--json"))
        expect(facts["url"] == site.url("/echo") and facts["redirects"] == 1, facts)
        expect(facts["status"] == 200 and facts["reason"] == "OK", facts)
        expect(["Content-Length", str(facts["body_len"])] in facts["fields"], facts)


@case("fields are sent as they are given, but for those that frame the message")
def _():
    with Site() as site:
        said = echoed(site.url("/a b?\u00fc"), "--header", "X-One: 1", "--header", "X-Two:2")
        expect(said["fields"]["x-one"] == "1" and said["fields"]["x-two"] == "2", said)
        expect(said["path"] == "/a%20b?%C3%BC", said)
        expect(said["fields"]["host"] == site.url("").partition("//")[2], said)
        refused("can not be sent", site.url("/"), "--header", "Content-Length: 5")
        refused("can not be sent", site.url("/"), "--header", "A: b\r\nC: d")


# ---- Redirects --------------------------------------------------------------------------------


@case("redirects are followed with the method and body that the status asks for")
def _():
    with Site() as site:
        for status, method, body in ((301, "GET", b""), (302, "GET", b""), (303, "GET", b""),
                                     (307, "POST", b"data"), (308, "POST", b"data")):
            said = echoed(site.url(f"/redirect/{status}"), "--data", "data")
            expect(said["method"] == method and said["body"] == body, (status, said))
        expect(got(site.url("/redirect/302"), "--no-redirects") == b"elsewhere")


@case("a loop of redirects is left")
def _():
    with Site() as site:
        refused("again and again", site.url("/loop"))


@case("a body from a pipe can not be sent twice")
def _():
    with Site() as site:
        done = get(site.url("/redirect/307"), "--data", "@-", input=b"data")
        expect(done.returncode == 1 and b"Illegal seek" in done.stderr, done)


# ---- Waiting ------------------------------------------------------------------------------------


@case("a server that says nothing, or half, is left at the deadline")
def _():
    for begin in (b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\n\r\nhalf"):
        on_a_slow_machine(lambda time_s, said=begin: is_left(said, time_s), 0.5, 3, 10)


def is_left(said, time_s):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peers = []

        def serve():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                peers.append(peer)
                peer.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        done = get("http://127.0.0.1:%d/" % listener.getsockname()[1], "--timeout", time_s)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        expect(peers, "its time was over before it came")
        peers[0].close()
        expect(done.returncode == 1 and b"in time" in done.stderr, done)


@case("what can not be reached, and what is no URL, is said")
def _():
    with socket.socket() as unused:  # bound, and so nobody else's
        unused.bind(("127.0.0.1", 0))
        refused("Connection refused", f"http://127.0.0.1:{unused.getsockname()[1]}/")
    refused("was not found", "http://no-such-host.invalid/")
    refused("http:// or https://", "ftp://localhost/")
    refused("control character", "http://localhost/\r\nX: y")
    refused("user's name", "http://user:pass@localhost/")


# ---- TLS ----------------------------------------------------------------------------------------


def certificate(folder, host):
    """A certificate with its key for host, by nobody but itself."""
    path = os.path.join(folder.path, f"{host}.pem")
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", path + ".key", "-out", path, "-subj", f"/CN={host}", "-addext",
         f"subjectAltName=DNS:{host}"], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stderr)
    with open(path, "a", encoding="ascii") as both, open(path + ".key", encoding="ascii") as key:
        both.write(key.read())
    return path


@case("https is fetched from who can prove to be that host, and from nobody else")
def _():
    with Folder() as folder:
        good, other = certificate(folder, "localhost"), certificate(folder, "other.test")
        with Site(good) as site:
            expect(got(site.url("/content"), "--issuers", good) == CONTENT)
            expect(got(site.url("/redirect/302"), "--issuers", good) != b"")
            refused("certificate", site.url("/content"))
            refused("certificate", site.url("/content", "127.0.0.1"), "--issuers", good)
            refused("certificate", site.url("/content"), "--issuers", other)
            expect(got(site.url("/content"), "--insecure") == CONTENT)
            refused("No such file", site.url("/content"), "--issuers", "/nowhere.pem")
        with Site() as site:
            refused("TLS", site.url("/").replace("http:", "https:"), "--issuers", good)


@case("openssl's own server is fetched from")
def _():
    with Folder() as folder:
        good = certificate(folder, "localhost")
        with open(os.path.join(folder.path, "file"), "wb") as file:
            file.write(CONTENT)
        # -HTTP sends the file as it is, with the head in it.
        with open(os.path.join(folder.path, "reply"), "wb") as file:
            file.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT) + CONTENT)
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", good, "-HTTP"],
            cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL)
        try:
            line = b""
            while not line.startswith(b"ACCEPT"):
                line = server.stdout.readline()
                expect(line, "it did not start")
            port = line.strip().rpartition(b":")[2].decode()
            expect(got(f"https://localhost:{port}/reply", "--issuers", good) == CONTENT)
        finally:
            server.kill()
            server.communicate()


@case("a redirect from https to http is refused")
def _():
    with Folder() as folder, Site() as plain:
        good = certificate(folder, "localhost")

        class Down(Handler):
            def do_GET(self):
                self.answer(302, Location=plain.url("/content"))

        with Site(good, Down) as site:
            refused("from https to http", site.url("/"), "--issuers", good)


# ---- weft's own server -------------------------------------------------------------------------


@case("weft's own server is fetched from, over TCP and a Unix socket")
def _():
    with Folder() as folder, tempfile.TemporaryDirectory() as sockets:
        folder.write("file", CONTENT)
        with Server(folder.path) as server:
            expect(got(f"http://{server.address}/file") == CONTENT)
            refused("404", f"http://{server.address}/other", "--fail")
        path = os.path.join(sockets, "door")
        with Server(folder.path, http=f"unix:{path}"):
            expect(got("http://some.host/file", "--unix", path) == CONTENT)


@case("an IPv6 address is fetched from")
def _():
    with Folder() as folder:
        folder.write("file", "hello")
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as reason:
            raise Skip("no IPv6 here") from reason
        with Server(folder.path, http="[::1]:0") as server:
            expect(got(f"http://[::1]:{server.port}/file") == b"hello")


@case("examples/http_get.c fetches several at once, and says what fails")
def _():
    with Site() as site:
        done = subprocess.run([build("http_get"), site.url("/content"), site.url("/redirect/302")],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        expect(done.returncode == 0, done)
        expect(f"200 {len(CONTENT)} bytes {site.url('/content')}\n" in done.stdout, done)
        expect(f" bytes {site.url('/echo')}\n" in done.stdout, done)
        done = subprocess.run([build("http_get"), site.url("/short")], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        expect(done.returncode == 1 and "cut off" in done.stderr, done)


# ---- The command -------------------------------------------------------------------------------


@case("wrong usage is told from failure")
def _():
    for arguments in ((), ("a", "b"), ("http://a/", "--nonsense"), ("http://a/", "--header", "x")):
        done = weft("get", *arguments)
        expect(done.returncode == 2 and "weft get --help" in done.stderr, done)


@case("the manual has every option of the help, and no other")
def _():
    shown = set(re.findall(r"^  --([a-z-]+)", weft("get", "--help").stdout, re.M))
    with open(PAGE, encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    told = set(re.findall(r"^\.BI? --([a-z-]+)", page, re.M))
    expect(len(shown) > 10 and shown - {"help"} == told - {"help"}, (shown, told))


sys.exit(run())
