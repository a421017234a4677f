#!/usr/bin/env python3
# check: waits
"""test_http_policy.py - the options of `weft serve` that say how files are shared."""
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "io"))

from examples import build  # noqa: E402
from served import PATIENCE_S, Connection, Folder, Server, case, expect, run, weft  # noqa: E402


def settle():
    time.sleep(0.1)


def names_listed(server, target="/"):
    return [os.fsdecode(urllib.parse.unquote_to_bytes(entry["href"][2:])) for entry in
            json.loads(server.get(target, "Accept: application/json").body)["entries"]]


# ---- What is there ---------------------------------------------------------------------------


@case("--hidden shows names that begin with a dot, and still nothing above the folder")
def _():
    with Folder() as folder:
        folder.write(".env", "a")
        folder.write("sub/.git/config", "b")
        folder.write(".weft-upload-0123456789abcdef", "half")
        folder.write("sub/.weft-upload/0123456789abcdef", "half")
        with Server(folder.path, "--hidden") as server:
            for target in ("/.weft-upload-0123456789abcdef", "/sub/.weft-upload/",
                           "/sub/.weft-upload/0123456789abcdef"):
                expect(server.get(target).status == 404, "an upload under way is not there yet")
            expect(server.get("/.env").body == b"a")
            expect(server.get("/sub/.git/config").body == b"b")
            expect(names_listed(server) == ["sub/", ".env"], names_listed(server))
            expect(names_listed(server, "/sub/") == [".git/"])
            for target in ("/..", "/../x", "/sub/../..", "/%2e%2e/x"):
                expect(server.get(target).status == 400, target)


@case("--links says which are followed, in listings as well")
def _():
    with Folder() as folder:
        folder.write("sub/b.txt", "b")
        with open(os.path.join(folder.top, "outside"), "w", encoding="ascii") as file:
            file.write("out")
        for name, to in (("in", "sub/b.txt"), ("dir", "sub"), ("out", "../outside"),
                         ("absolute", folder.path + "/sub/b.txt"), ("broken", "nothing")):
            os.symlink(to, folder.at(name))
        rows = {"inside": {"/in": b"b", "/dir/b.txt": b"b", "/absolute": b"b", "/out": 403,
                           "/broken": 404, "list": ["dir/", "sub/", "absolute", "in"]},
                "none": {"/in": 404, "/dir/b.txt": 404, "/dir/": 404, "/absolute": 404,
                         "/out": 404, "/broken": 404, "/sub/b.txt": b"b", "list": ["sub/"]},
                "all": {"/in": b"b", "/dir/b.txt": b"b", "/absolute": b"b", "/out": b"out",
                        "/broken": 404, "/../outside": 400,
                        "list": ["dir/", "sub/", "absolute", "in", "out"]}}
        for which, expected in rows.items():
            with Server(folder.path, "--links", which) as server:
                for target, answer in expected.items():
                    if target == "list":
                        expect(names_listed(server) == answer, (which, names_listed(server)))
                        continue
                    for _ in range(2):  # from the cache, too
                        reply = server.get(target)
                        expect(answer in (reply.body, reply.status), (which, target, reply))


@case("--index names what stands for a folder, the first that is there")
def _():
    with Folder() as folder:
        folder.write("home.htm", "home")
        folder.write("sub/index.html", "index")
        settle()
        with Server(folder.path, "--index", "start.html", "--index", "home.htm",
                    workers=1) as server:
            for _ in range(2):
                expect(server.get("/").body == b"home")
            folder.write("start.html", "start")
            expect(server.get("/").body == b"start", "at once: it goes before")
            expect(names_listed(server, "/sub/") == ["index.html"])
        with Server(folder.path, "--index", "none") as server:
            expect(names_listed(server, "/sub/") == ["index.html"])


# ---- Pages -----------------------------------------------------------------------------------


@case("--error-page is the page of a 404, and never another status")
def _():
    with Folder() as folder:
        folder.write("404.html", "<h1>lost</h1>")
        folder.write(".lost.html", "hidden")
        folder.write("sub/a.txt", "a")
        settle()
        with Server(folder.path, "--error-page", "404.html", workers=1) as server:
            for target in ("/none", "/sub/none", "/.lost.html", "/sub/a.txt/"):
                for fields in ((), ("Range: bytes=0-1",), ("If-None-Match: *",)):
                    reply = server.get(target, *fields)
                    expect(reply.status == 404 and reply.body == b"<h1>lost</h1>", reply)
                    expect(reply["Content-Type"] == "text/html; charset=utf-8", reply)
                    expect(reply["ETag"] is None and reply["Last-Modified"] is None, reply)
            head = server.get("/none", method="HEAD")
            expect(head.status == 404 and head["Content-Length"] == "13", head)
            problem = server.get("/none", "Accept: application/json")
            expect(problem["Content-Type"] == "application/problem+json", problem)
            expect(server.get("/404.html").status == 200)
            folder.write("404.html", "<h1>gone</h1>")
            expect(server.get("/none").body == b"<h1>gone</h1>")
            os.unlink(folder.at("404.html"))
            expect(b"There is nothing at this address" in server.get("/none").body)
        with Server(folder.path, "--error-page", ".lost.html", workers=1) as server:
            for _ in range(2):
                expect(server.get("/none").body == b"hidden")
                reply = server.get("/.lost.html")
                expect(reply.status == 404, "the page itself stays hidden")


@case("--spa is for addresses that lead nowhere and look like pages")
def _():
    with Folder() as folder:
        folder.write("index.html", "<p>app</p>")
        folder.write("404.html", "lost")
        folder.write("app.js", "js")
        settle()
        with Server(folder.path, "--spa", "index.html", "--error-page", "404.html",
                    workers=1) as server:
            for target in ("/", "/users/7", "/users/7/", "/a?x=1", "/a.b/c"):
                reply = server.get(target, "Accept: text/html,*/*;q=0.8")
                expect(reply.status == 200 and reply.body == b"<p>app</p>", (target, reply))
            tag = server.get("/users")["ETag"]
            expect(server.get("/other", f"If-None-Match: {tag}").status == 304)
            for target, fields in (("/none.js", ()), ("/.hidden/x", ()), ("/x/.y", ()),
                                   ("/users", ("Accept: application/json",)),
                                   ("/users", ("Accept: image/*",))):
                expect(server.get(target, *fields).status == 404, target)
            expect(server.get("/app.js").body == b"js")
            for target in ("/a?download", "/" + "a" * 5000 + "?download"):
                reply = server.get(target)
                expect(reply.status == 200 and reply["Content-Disposition"] is None, reply)


@case("a page that is not there is said at the start, and so is an option that can't be meant")
def _():
    with Folder() as folder:
        for options, status, text in (
                (("--spa", "none.html"), 1, 'can\'t read the page "none.html"'),
                (("--error-page", "none.html"), 1, 'can\'t read the page "none.html"'),
                (("--spa", "../x"), 2, "no path below"), (("--cache", "x"), 2, "no rule"),
                (("--type", "x"), 2, "no content type"), (("--cors", "x"), 2, "no origin"),
                (("--links", "x"), 2, "inside, none, all"), (("--index", "a/b"), 2, "no name")):
            result = weft("serve", folder.path, "--http", "127.0.0.1:0", *options)
            expect(result.returncode == status and text in result.stderr, (options, result))


# ---- What is said ----------------------------------------------------------------------------


@case("--cache rules are said with a file, and with its 304")
def _():
    with Folder() as folder:
        for name in ("a.css", "app.3f9a1c07.js", "index.html", "b.txt"):
            folder.write(name, "x")
        settle()
        with Server(folder.path, "--cache", "*.css=60", "--cache", ":hashed=immutable",
                    "--cache", "*.html=no-cache", workers=1) as server:
            for target, value in (("/a.css", "max-age=60"), ("/", "no-cache"), ("/b.txt", None),
                                  ("/app.3f9a1c07.js", "public, max-age=31536000, immutable")):
                reply = server.get(target)
                expect(reply["Cache-Control"] == value, reply)
                same = server.get(target, "If-None-Match: " + reply["ETag"])
                expect(same.status == 304 and same["Cache-Control"] == value, same)
                part = server.get(target, "Range: bytes=0-0")
                expect(part.status == 206 and part["Cache-Control"] == value, part)
            expect(server.get("/none.css")["Cache-Control"] is None)


@case("--cors lets other origins read files, listings and errors, and answers their preflights")
def _():
    with Folder() as folder:
        folder.write("a.txt", "0123456789")
        folder.write("sub/b", "b")
        settle()
        for origin in ("*", "https://app.example"):
            with Server(folder.path, "--cors", origin, workers=1) as server:
                for target, fields, status in (
                        ("/a.txt", (), 200), ("/a.txt", ("Range: bytes=0-1",), 206),
                        ("/a.txt", ("If-None-Match: *",), 304), ("/a.txt", ("If-Match: x",), 412),
                        ("/a.txt", ("Range: bytes=99-",), 416), ("/", (), 200), ("/sub", (), 301),
                        ("/none", (), 404), ("/none", ("Accept: application/json",), 404)):
                    reply = server.get(target, f"Origin: {origin}", *fields)
                    expect(reply.status == status, (target, reply))
                    expect(reply["Access-Control-Allow-Origin"] == origin, (target, reply))
                reply = server.get("/a.txt", f"Origin: {origin}")
                expect("Content-Range" in reply["Access-Control-Expose-Headers"], reply)
                for target in ("/a.txt", "/none", "/"):
                    reply = server.get(target, f"Origin: {origin}",
                                       "Access-Control-Request-Method: GET",
                                       "Access-Control-Request-Headers: range", method="OPTIONS")
                    expect(reply.status == 204, reply)
                    expect(reply["Access-Control-Allow-Origin"] == origin, reply)
                    expect("GET" in reply["Access-Control-Allow-Methods"], reply)
                    expect("Range" in reply["Access-Control-Allow-Headers"], reply)
        with Server(folder.path) as server:
            reply = server.get("/a.txt", "Origin: https://x", "Access-Control-Request-Method: GET",
                               method="OPTIONS")
            expect(reply.status == 204 and "GET" in reply["Allow"], reply)
            for reply in (reply, server.get("/a.txt"), server.get("/none")):
                expect(not any(name.startswith("access-control") for name in reply.fields), reply)


@case("--type is the content type of an extension")
def _():
    with Folder() as folder:
        folder.write("a.weft", "x" * 2000)
        folder.write("a.MD", "x")
        with Server(folder.path, "--type", "weft=text/x-weft; charset=utf-8",
                    "--type", "md=text/html") as server:
            expect(server.get("/a.weft")["Content-Type"] == "text/x-weft; charset=utf-8")
            expect(server.get("/a.MD")["Content-Type"] == "text/html")


@case("?download and --download have a browser save a file, under its own name")
def _():
    with Folder() as folder:
        folder.write("a.html", "x" * 5000)
        folder.write("Grüße \"1\".txt", "x")
        folder.write("evil.svg", "<svg/>")
        settle()
        name = "/Gr%C3%BC%C3%9Fe%20%221%22.txt"
        with Server(folder.path, "--download", "*.svg", workers=1) as server:
            for query, is_download in (("", False), ("?x", False), ("?download", True),
                                       ("?download=", True), ("?download=1&x", True),
                                       ("?x&download", True), ("?downloads", False),
                                       ("?xdownload", False), ("?x=download", False),
                                       ("?&&download&", True)):
                for _ in range(2):
                    reply = server.get("/a.html" + query)
                    expect(reply.status == 200 and reply.body == b"x" * 5000, reply)
                    expect(reply["Content-Disposition"]
                           == ('attachment; filename="a.html"' if is_download else None), query)
            expect(server.get(name + "?download")["Content-Disposition"]
                   == "attachment; filename=\"Gr__e _1_.txt\"; "
                      "filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.txt")
            for target in ("/evil.svg", "/evil.svg?download"):
                expect(server.get(target)["Content-Disposition"]
                       == 'attachment; filename="evil.svg"')
            part = server.get("/a.html?download", "Range: bytes=0-0")
            expect(part.status == 206 and part["Content-Disposition"], part)
            expect(server.get("/?download")["Content-Disposition"] is None)
            expect(server.get("/none?download").status == 404)


def listening(path):
    """A connection to a socket that somebody is about to make: its file is there before it
    listens."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Connection(path, socket.AF_UNIX)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@case("examples/http_files.c shares a folder and answers one address itself")
def _():
    with Folder() as folder:
        folder.write("app.3f9a1c07.js", "js")
        path = os.path.join(folder.top, "socket")
        with subprocess.Popen([build("http_files"), folder.path, "unix:" + path]) as program:
            try:
                with listening(path) as connection:
                    connection.send(b"GET /time HTTP/1.1\r\nHost: x\r\n\r\n"
                                    b"GET /app.3f9a1c07.js HTTP/1.1\r\nHost: x\r\n\r\n"
                                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    expect(abs(int(connection.reply().body) - time.time()) < 60)
                    reply = connection.reply()
                    expect(reply.body == b"js" and "immutable" in reply["Cache-Control"], reply)
                    expect(connection.reply().status == 403, "no listing")
            finally:
                program.kill()
        expect(subprocess.run([build("http_files")], capture_output=True,
                              check=False).returncode == 2)


# ---- Ranges ----------------------------------------------------------------------------------


@case("thousands of ranges are answered by the whole file, or by one part, and at once")
def _():
    with Folder() as folder:
        content = os.urandom(1 << 20)
        folder.write("a.bin", content)
        settle()
        bombs = ("0-,", "0-0,", "-1,", "5-5,7-7,", "0-1048575,")
        with Server(folder.path, workers=1) as server:
            for bomb in bombs:
                value = "bytes=" + (bomb * (15000 // len(bomb))).rstrip(",")
                reply = server.get("/a.bin", f"Range: {value}")
                expect(reply.status == 200 and reply.body == content, bomb)
                fields = [f"Range: bytes={bomb.rstrip(',')}"] * 50
                reply = server.get("/a.bin", *fields)
                expect(reply.status in (200, 206) and len(reply.body) <= len(content), bomb)
            value = ",".join(f"{i * 100}-{i * 100}" for i in range(16))
            reply = server.get("/a.bin", f"Range: bytes={value}")
            expect(reply.status == 206 and len(reply.body) < 5000, "near ones come as one")


@case("a HEAD with a range is about the whole file")
def _():
    with Folder() as folder:
        folder.write("a.txt", "0123456789")
        settle()
        with Server(folder.path) as server:
            for value in ("bytes=0-0", "bytes=99-", "bytes=0-0,5-5", "x"):
                reply = server.get("/a.txt", f"Range: {value}", method="HEAD")
                expect(reply.status == 200 and reply["Content-Length"] == "10", reply)
                expect(reply["Accept-Ranges"] == "bytes" and reply["Content-Range"] is None, reply)


if __name__ == "__main__":
    sys.exit(run())
