#!/usr/bin/env python3
"""judge_client.py - servers that others wrote, asked by `weft get`: nginx, Python's, Node's.

The other judges are clients; these are what our own client meets in the wild: bodies by length,
by chunks and by the connection's end, compressed ones, redirects, TLS, pages of errors.
"""
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time

from judged import Folder, big, case, expect, need, run, tool
from served import WEFT

CONFIG = """daemon off;
master_process off;
pid nginx.pid;
error_log /dev/null;
events { worker_connections 256; }
http {
    access_log off;
    types { text/html html; text/plain txt; }
    default_type application/octet-stream;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    gzip on; gzip_types text/plain; gzip_min_length 100;
    server {
        listen 127.0.0.1:%(plain)d;
        listen 127.0.0.1:%(secure)d ssl;
        listen unix:%(place)s/door;
        ssl_certificate cert.pem; ssl_certificate_key key.pem;
        root docs;
        location /moved/ { return 302 /again/$uri; }
        location /again/ { return 301 http://127.0.0.1:%(plain)d/page.txt; }
        location /loop { return 302 /loop; }
        location /secure { return 302 https://127.0.0.1:%(secure)d/page.txt; }
        location /limited { limit_rate 2m; alias docs; }
        location /upload { proxy_pass http://unix:%(place)s/behind; }
        location /teapot { return 418 "short and stout"; }
    }
    server { listen unix:%(place)s/behind; return 200 "$request_method $content_length"; }
}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    expect(False, "the server did not start")


class Nginx:
    def __enter__(self):
        need("nginx", "openssl")
        self.room = tempfile.TemporaryDirectory()
        self.place = self.room.name
        os.chmod(self.place, 0o755)
        os.mkdir(os.path.join(self.place, "docs"))
        self.contents = {"page.txt": b"a line that repeats\n" * 5000, "big.bin": big(),
                         "empty": b""}
        for name, content in self.contents.items():
            with open(os.path.join(self.place, "docs", name), "wb") as file:
                file.write(content)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout",
             self.place + "/key.pem", "-out", self.place + "/cert.pem"],
            capture_output=True, check=True)
        self.plain, self.secure = free_port(), free_port()
        with open(self.place + "/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG % {"plain": self.plain, "secure": self.secure,
                                 "place": self.place})
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.place, "-c", "nginx.conf"],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.plain)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.room.cleanup()

    def url(self, path):
        return f"http://127.0.0.1:{self.plain}{path}"

    def get(self, path, *words):
        return get(self.url(path), *words)


def get(url, *words, **options):
    return tool(WEFT, "get", url, *words, text=False, **options)


@case("weft get reads nginx's files: large, small, empty, and over a Unix socket")
def _():
    with Nginx() as nginx:
        for name, content in nginx.contents.items():
            done = nginx.get("/" + name)
            expect(done.returncode == 0 and done.stdout == content, (name, done.stderr))
        done = get("http://any/page.txt", "--unix", nginx.place + "/door")
        expect(done.stdout == nginx.contents["page.txt"], done.stderr)


@case("weft get --gzip undoes what nginx compresses, which comes in chunks")
def _():
    with Nginx() as nginx:
        done = nginx.get("/page.txt", "--gzip")
        expect(done.stdout == nginx.contents["page.txt"], done.stderr)
        raw = nginx.get("/page.txt", "--header", "Accept-Encoding: gzip").stdout
        expect(raw[:2] == b"\x1f\x8b" and len(raw) < 5000, raw[:20])


@case("weft get follows nginx's redirects, to HTTPS too, and ends a loop")
def _():
    with Nginx() as nginx:
        done = nginx.get("/moved/x")
        expect(done.stdout == nginx.contents["page.txt"], done.stderr)
        done = nginx.get("/secure", "--issuers", nginx.place + "/cert.pem")
        expect(done.stdout == nginx.contents["page.txt"], done.stderr)
        expect(nginx.get("/loop").returncode == 1)
        done = nginx.get("/moved/x", "--no-redirects", "--head")
        expect(b"302" in done.stdout.splitlines()[0], done.stdout)


@case("weft get trusts nginx's certificate when told to, and not else")
def _():
    with Nginx() as nginx:
        url = f"https://127.0.0.1:{nginx.secure}/big.bin"
        expect(get(url).returncode == 1)
        for words in (["--issuers", nginx.place + "/cert.pem"], ["--insecure"]):
            done = get(url, *words)
            expect(done.stdout == nginx.contents["big.bin"], done.stderr)


@case("weft get --fail, --output and --data at nginx")
def _():
    with Nginx() as nginx:
        expect(b"short and stout" in nginx.get("/teapot").stdout)
        expect(nginx.get("/teapot", "--fail").returncode == 1)
        path = nginx.place + "/copy"
        expect(nginx.get("/big.bin", "--output", path).returncode == 0)
        with open(path, "rb") as file:
            expect(hashlib.sha256(file.read()).digest()
                   == hashlib.sha256(nginx.contents["big.bin"]).digest())
        done = nginx.get("/upload", "--data", "@" + nginx.place + "/docs/page.txt")
        expect(done.stdout == b"POST 100000", done)
        # Over nginx's bound of 1 MiB: its answer comes while the body is still being sent.
        expect(b"413" in nginx.get("/upload", "--data", "@" + path).stdout)


@case("weft get reads Python's http.server, which ends bodies with the connection")
def _():
    with Folder() as folder:
        folder.write("big.bin", big())
        folder.write("sub/page.txt", "page\n")
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1",
             "--directory", folder.path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            expect(get(f"http://127.0.0.1:{port}/big.bin").stdout == big())
            expect(b"page.txt" in get(f"http://127.0.0.1:{port}/sub").stdout)  # 301 to sub/
            expect(get(f"http://127.0.0.1:{port}/nothing", "--fail").returncode == 1)
        finally:
            process.terminate()
            process.wait()


NODE = """
const http = require("node:http");
const server = http.createServer((request, reply) => {
	if (request.url === "/trailers") {
		reply.writeHead(200, { Trailer: "X-Sum" });
		reply.write("body");
		reply.addTrailers({ "X-Sum": "1" });
		reply.end();
	} else if (request.url === "/early") {
		reply.writeEarlyHints({ link: "</a.css>; rel=preload" });
		reply.end("late");
	} else if (request.url === "/cut") {
		reply.write("half");
		setTimeout(() => request.socket.destroy(), 50);
	} else {
		let size = 0;
		request.on("data", (data) => { size += data.length; });
		request.on("end", () => { reply.write(request.method); reply.end(` ${size}`); });
	}
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@case("weft get reads Node's chunks, trailers and early hints, and tells what was cut off")
def _():
    need("node")
    with subprocess.Popen(["node", "-e", NODE], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            expect(get(url + "/trailers").stdout == b"body")
            expect(get(url + "/early").stdout == b"late")
            expect(get(url + "/cut").returncode == 1)
            expect(get(url + "/", "--data", "x" * 100000).stdout == b"POST 100000")
            expect(get(url + "/", "--method", "PUT", "--data", "@-",
                       input=b"y" * 50000).stdout == b"PUT 50000")
        finally:
            process.terminate()


sys.exit(run())
