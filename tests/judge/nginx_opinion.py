#!/usr/bin/env python3
"""nginx_opinion.py [--all] - what nginx says to every hostile request of our own tests.

Sends the requests of tests/http/test_parse.c (the table `hostile`) and the chunked bodies of
tests/http/test_chunks.c (`bad`) as raw bytes to weft and to nginx, and prints where they
differ: weft's status, nginx's, input; --all prints every row. `-` is a connection that was
closed without an answer, `...` one that waits for more. A POST goes to a handler that reads
its body, anything else to a folder. docs/http.md says of each difference why.

Needs build/weft, build/weft-bench (whose handler reads bodies) and nginx.
Never: a verdict; that is for a person to give.
"""
import ast
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from judged import Site, need

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("WEFT_BUILD", os.path.join(ROOT, "build"))
PATIENCE_S = 1.0

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

# What is no row of a table: a NUL in each part, and paths.
MORE = [b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\0\r\n\r\n"]
MORE += [b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n" for path in (
    b"//hello.txt", b"/./hello.txt", b"/sub/../hello.txt", b"/..", b"/%2e%2e/hello.txt",
    b"/sub%2fdeep", b"/%00", b"/%zz", b"/%4", b"/hello.txt/", b"/hello.txt%20", b"/\\hello.txt",
    b"/hello.txt;x", b"/\xff")]

CONFIG = """daemon off;
master_process off;
pid nginx.pid;
error_log /dev/null;
events { worker_connections 64; }
http {
    access_log off;
    default_type text/plain;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    server { listen 127.0.0.1:%d; root docs; autoindex on; }
    server { listen 127.0.0.1:%d; location / { proxy_pass http://unix:%s/behind; } }
    server { listen unix:%s/behind; return 200; }
}
"""


# ---- The inputs: C string literals of our tests -------------------------------------------------


def table(path, begin):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    macros = {}
    for name, body in re.findall(r'#define (\w+) +((?:"[^\n]*"|HOST| )+)\n', text):
        macros[name] = literal(body, macros)
    rows = text[text.index(begin):]
    return re.sub(r"/\*.*?\*/", "", rows[:rows.index("\n};")], flags=re.DOTALL), macros


def literal(text, macros):
    """Adjacent string literals and macros, as C puts them together."""
    result = b""
    for word in re.findall(r'"(?:\\.|[^"\\])*"|\b[A-Z]+\b', text):
        result += ast.literal_eval("b" + word) if word[0] == '"' else macros[word]
    return result


def hostile_heads():
    rows, macros = table("tests/http/test_parse.c", "hostile[] = {")
    for row in re.findall(r"\{(.*?),\s*BAD\(\w+\)\}", rows, flags=re.DOTALL):
        yield literal(row, macros)


def bad_bodies():
    rows, macros = table("tests/http/test_chunks.c", "bad[] = {")
    for row in re.findall(r"BAD_BODY\((.*?)\),\n", rows):
        yield literal(row, macros)


# ---- Asking ---------------------------------------------------------------------------------


def ask(port, data):
    """The statuses of all answers; what became of the connection when there is none."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(PATIENCE_S)
        reply, end = b"", ""
        try:
            connection.sendall(data)
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                reply += part
        except socket.timeout:
            end = "..."
        except OSError:
            pass
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", reply)
    if reply and not statuses:
        return "a page without a head"  # HTTP/0.9
    return " ".join(status.decode() for status in statuses if status != b"100") or end or "-"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx:
    """One process of nginx over the site's folder."""

    def __init__(self, site):
        self.place = tempfile.TemporaryDirectory()
        os.chmod(self.place.name, 0o755)
        os.chmod(site.folder.top, 0o755)
        os.symlink(site.folder.path, os.path.join(self.place.name, "docs"))
        self.port, self.reader_port = free_port(), free_port()
        with open(os.path.join(self.place.name, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG % (self.port, self.reader_port, self.place.name, self.place.name))
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", self.place.name, "-c", "nginx.conf"],
            stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("nginx did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.place.cleanup()


def start_reader():
    """weft with a handler that reads bodies: its process and port."""
    process = subprocess.Popen([os.path.join(BUILD, "weft-bench"), "--child", "http"],
                               stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


# ---- The table ---------------------------------------------------------------------------------


def shown(data):
    return repr(data)[2:-1].replace("\\'", "'")


def row(data, weft, nginx, everything):
    if everything or weft != nginx:
        print(f"{weft:8} {nginx:22} {shown(data)}", flush=True)
    return weft != nginx


def main():
    everything = "--all" in sys.argv[1:]
    need("nginx")
    count = differ = 0
    with Site() as site:
        nginx = Nginx(site)
        reader, reader_port = start_reader()
        print(f"{'weft':8} {'nginx':22} request")
        for data in [*hostile_heads(), *MORE]:
            count += 1
            ports = (reader_port, nginx.reader_port) if data.startswith(b"POST") \
                else (site.server.port, nginx.port)
            differ += row(data, ask(ports[0], data), ask(ports[1], data), everything)
        print(f"\n{'weft':8} {'nginx':22} chunked body, of a POST whose handler reads it")
        for body in bad_bodies():
            count += 1
            differ += row(body, ask(reader_port, CHUNKED + body),
                          ask(nginx.reader_port, CHUNKED + body), everything)
        reader.terminate()
        reader.wait()
        nginx.stop()
    print(f"\n{count} requests, {differ} answered otherwise")


if __name__ == "__main__":
    main()
