#!/usr/bin/env python3
# check: waits
"""test_http_coding.py - which form of a file `weft serve` sends: as it is, or compressed."""
import gzip
import os
import random
import subprocess
import sys
import threading
import time

from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run

TEXT = b"".join(b"line %d of a text that is worth compressing\n" % i for i in range(400))
BROWSER = "Accept-Encoding: gzip, deflate, br, zstd"


def settle():
    """Let the files' last change be past: what has just changed is not compressed."""
    time.sleep(0.1)


def has_library(name):
    return name in subprocess.run(["ldd", WEFT], capture_output=True, text=True, check=True).stdout


def need(*names):
    for name in names:
        if not has_library(name):
            raise Skip(f"this build is without {name}")


def both():
    need("libz.", "libbrotlienc")


def coding_of(reply):
    return reply["Content-Encoding"]


def plain(reply):
    """The body, decoded: gzip here, brotli by curl elsewhere."""
    return gzip.decompress(reply.body) if coding_of(reply) == "gzip" else reply.body


def write_pair(folder, name, content, br=None):
    """A file and its siblings, none of them older."""
    folder.write(name, content)
    if br is not None:
        folder.write(name + ".br", br)
    folder.write(name + ".gz", gzip.compress(content))
    now = time.time_ns()
    for path in (name, name + ".br", name + ".gz"):
        if os.path.exists(folder.at(path)):
            os.utime(folder.at(path), ns=(now, now))
    settle()


# ---- Siblings --------------------------------------------------------------------------------


@case("a sibling is sent to who wants it most, each with a tag of its own, and Vary to all")
def _():
    with Folder() as folder:
        write_pair(folder, "a.css", b"plain", br=b"as brotli")
        rows = (((), None), (("Accept-Encoding:",), None), (("Accept-Encoding: identity",), None),
                (("Accept-Encoding: gzip",), "gzip"), (("Accept-Encoding: x-gzip",), "gzip"),
                (("Accept-Encoding: br",), "br"), (("Accept-Encoding: gzip, br",), "br"),
                ((BROWSER,), "br"), (("Accept-Encoding: gzip;q=0.9, br;q=0.8",), "gzip"),
                (("Accept-Encoding: br;q=0, gzip;q=0.1",), "gzip"),
                (("Accept-Encoding: gzip;q=0.5, identity",), None),
                (("Accept-Encoding: gzip;q=0, br;q=0",), None), (("Accept-Encoding: *",), "br"),
                (("Accept-Encoding: deflate, zstd",), None), (("accept-ENCODING: BR",), "br"),
                (("Accept-Encoding: br;q=0", "Accept-Encoding: gzip"), "gzip"),
                (("Accept-Encoding: gzip", "Accept-Encoding: br"), "br"),
                (("Accept-Encoding: identity;q=0, gzip",), "gzip"))
        with Server(folder.path, workers=1) as server:
            tags = set()
            for fields, coding in rows * 2:
                reply = server.get("/a.css", *fields)
                expect(reply.status == 200 and coding_of(reply) == coding, (fields, reply))
                expect(reply["Vary"] == "Accept-Encoding", reply)
                expect(reply["Content-Type"] == "text/css; charset=utf-8", reply)
                expect(reply.body == b"as brotli" if coding == "br" else plain(reply) == b"plain",
                       reply)
                expect((reply["Accept-Ranges"] is None) == (coding is not None), reply)
                tags.add(reply["ETag"])
                head = server.get("/a.css", *fields, method="HEAD")
                for name in ("Content-Encoding", "Content-Length", "ETag", "Vary"):
                    expect(head[name] == reply[name], (name, head, reply))
            expect(len(tags) == 3 and not any(tag.startswith("W/") for tag in tags), tags)


@case("what the peer has is 304 by the tag of the form that it would get")
def _():
    with Folder() as folder:
        write_pair(folder, "a.css", b"plain", br=b"as brotli")
        with Server(folder.path, workers=1) as server:
            tags = {coding: server.get("/a.css", f"Accept-Encoding: {coding}")["ETag"]
                    for coding in ("identity", "gzip", "br")}
            for asked in tags:
                for coding, tag in tags.items():
                    for field, same, other in (("If-None-Match", 304, 200), ("If-Match", 200, 412)):
                        reply = server.get("/a.css", f"Accept-Encoding: {asked}",
                                           f"{field}: {tag}")
                        expect(reply.status == (same if asked == coding else other),
                               (asked, coding, field, reply))
                        if reply.status == 304:
                            expect(reply["ETag"] == tag, reply)
                            expect(reply["Vary"] == "Accept-Encoding", reply)
                reply = server.get("/a.css", f"Accept-Encoding: {asked}",
                                   "If-None-Match: " + ", ".join(tags.values()))
                expect(reply.status == 304 and reply["ETag"] == tags[asked], reply)


@case("what only looks like a sibling is none")
def _():
    with Folder() as folder:
        with open(os.path.join(folder.top, "secret"), "wb") as file:
            file.write(b"secret")
        for name in ("older", "empty", "folder", "outside", "other", "cut", "nothing"):
            folder.write(f"{name}.txt", b"plain")
        packed = gzip.compress(b"plain")
        folder.write("empty.txt.gz", b"")
        folder.write("empty.txt.br", b"")
        os.mkdir(folder.at("folder.txt.gz"))
        os.mkdir(folder.at("folder.txt.br"))
        os.symlink("../secret", folder.at("outside.txt.br"))
        os.symlink("../secret", folder.at("outside.txt.gz"))
        folder.write("other.txt.gz", gzip.compress(b"of another length"))
        folder.write("cut.txt.gz", packed[:-1])
        folder.write("older.txt.gz", packed)
        folder.write("older.txt.br", b"older")
        folder.write("image.png", b"image")
        folder.write("image.png.gz", gzip.compress(b"image"))
        for name in ("older.txt.gz", "older.txt.br"):
            os.utime(folder.at(name), (1000, 1000))
        settle()
        with Server(folder.path) as server:
            for name in ("older", "empty", "folder", "outside", "other", "cut", "nothing"):
                reply = server.get(f"/{name}.txt", BROWSER)
                expect(reply.body == b"plain" and coding_of(reply) is None, reply)
                expect(reply["Vary"] is None, reply)
            reply = server.get("/image.png", BROWSER)
            expect(reply.body == b"image" and coding_of(reply) is None, reply)
            reply = server.get("/cut.txt.gz")
            expect(reply["Content-Type"] == "application/gzip" and coding_of(reply) is None, reply)


@case("a sibling that comes, changes or goes shows soon, and never a mix")
def _():
    with Folder() as folder:
        folder.write("a.txt", b"first")
        settle()
        with Server(folder.path, workers=1) as server:

            def wait_for(body, coding, but=None):
                deadline = time.monotonic() + PATIENCE_S
                while True:
                    reply = server.get("/a.txt", BROWSER)
                    expect(plain(reply) in (b"first", b"again"), reply)
                    if (plain(reply), coding_of(reply)) == (body, coding) and reply["ETag"] != but:
                        return reply["ETag"]
                    expect(time.monotonic() < deadline, (reply, body, coding))

            wait_for(b"first", None)
            folder.write("a.txt.gz", gzip.compress(b"first"))
            one = wait_for(b"first", "gzip")
            os.replace(folder.write(".new", gzip.compress(b"first", 1)), folder.at("a.txt.gz"))
            expect(plain(server.get("/a.txt", BROWSER)) == b"first")
            wait_for(b"first", "gzip", but=one)
            os.unlink(folder.at("a.txt.gz"))
            expect(plain(server.get("/a.txt", BROWSER)) == b"first")
            wait_for(b"first", None)
            folder.write("a.txt.gz", gzip.compress(b"first"))
            wait_for(b"first", "gzip")
            # The file itself: at once, for its sibling is older then.
            folder.write("a.txt", b"again")
            reply = server.get("/a.txt", BROWSER)
            expect(reply.body == b"again" and coding_of(reply) is None, reply)


@case("a large sibling that is written anew in place is whole with the next request")
def _():
    content = random.Random(3).randbytes(60000).hex().encode()
    with Folder() as folder:
        folder.write("a.txt", content)
        folder.write("a.txt.gz", gzip.compress(content, 1))
        settle()
        with Server(folder.path, "--no-compression", workers=1) as server:
            expect(coding_of(server.get("/a.txt", BROWSER)) == "gzip")
            for level in (9, 1, 6):
                folder.write("a.txt.gz", gzip.compress(content, level))
                expect(plain(server.get("/a.txt", BROWSER)) == content, level)


# ---- On the fly ------------------------------------------------------------------------------


@case("text is compressed on the first request for it, and comes out the same")
def _():
    both()
    with Folder() as folder:
        large = b"".join(b"%d " % (i * i) for i in range(200000))
        for name, content in (("small.txt", TEXT[:1100]), ("a.txt", TEXT), ("large.json", large)):
            folder.write(name, content)
            settle()
            with Server(folder.path, workers=1) as server:
                reply = server.get("/" + name, "Accept-Encoding: gzip")
                expect(coding_of(reply) == "gzip" and plain(reply) == content, reply)
                expect(len(reply.body) < len(content) * 7 / 8, reply)
                expect(reply["Vary"] == "Accept-Encoding", reply)
                again = server.get("/" + name, BROWSER)
                expect(coding_of(again) == "br" and len(again.body) < len(reply.body), again)
                expect(again["ETag"] != reply["ETag"] != server.get("/" + name)["ETag"], again)
                same = server.get("/" + name, BROWSER, "If-None-Match: " + again["ETag"])
                expect(same.status == 304, same)
                for coding in ("gzip", "br"):
                    curl = subprocess.run(
                        ["curl", "-s", "--compressed", "-H", f"Accept-Encoding: {coding}",
                         f"http://{server.address}/{name}"], capture_output=True, check=True)
                    expect(curl.stdout == content, (coding, len(curl.stdout)))


@case("what is too short, too long, packed already, or does not get smaller is sent as it is")
def _():
    need("libz.")
    with Folder() as folder:
        contents = {"short.txt": TEXT[:1000], "image.png": TEXT, "none": TEXT,
                    "random.txt": random.Random(1).randbytes(20000)}
        for name, content in contents.items():
            folder.write(name, content)
        folder.write("long.txt", b"")
        os.truncate(folder.at("long.txt"), (4 << 20) + 1)
        settle()
        with Server(folder.path, workers=1) as server:
            for _ in range(2):
                for name, content in contents.items():
                    reply = server.get("/" + name, BROWSER)
                    expect(coding_of(reply) is None and reply.body == content, (name, reply))
                expect(coding_of(server.get("/long.txt", BROWSER)) is None)
            expect(server.get("/short.txt", BROWSER)["Vary"] is None)


@case("a range is one of the file itself, and If-Range holds by that file's own tag")
def _():
    need("libz.")
    with Folder() as folder:
        folder.write("a.txt", TEXT)
        settle()
        with Server(folder.path, workers=1) as server:
            own = server.get("/a.txt")["ETag"]
            coded = server.get("/a.txt", "Accept-Encoding: gzip")["ETag"]
            for more, status in (((), 206), ((f"If-Range: {own}",), 206),
                                 ((f"If-Range: {coded}",), 200)):
                reply = server.get("/a.txt", "Accept-Encoding: gzip", "Range: bytes=10-19", *more)
                expect(reply.status == status and coding_of(reply) is None, (more, reply))
                expect(reply.body == (TEXT[10:20] if status == 206 else TEXT), reply)
                expect(reply["ETag"] == own, reply)
            head = server.get("/a.txt", "Accept-Encoding: gzip", "Range: bytes=10-19",
                              method="HEAD")
            expect(head.status == 200 and coding_of(head) == "gzip", head)


@case("who refuses a file as it is gets another form, or 406 where no form will do")
def _():
    both()
    with Folder() as folder:
        folder.write("a.txt", TEXT)
        folder.write("short.txt", b"x")
        settle()
        with Server(folder.path, workers=1) as server:
            for asked, status, coding in (("identity;q=0, gzip", 200, "gzip"),
                                          ("identity;q=0, *;q=0.1", 200, "br"),
                                          ("*;q=0, br;q=0.001", 200, "br"),
                                          ("identity;q=0", 406, None), ("*;q=0", 406, None)):
                reply = server.get("/a.txt", f"Accept-Encoding: {asked}")
                expect(reply.status == status and coding_of(reply) == coding, (asked, reply))
                expect(reply["Vary"] == "Accept-Encoding", reply)
            # Where there is one form only, there is nothing to choose: RFC 9110, section 12.4.1.
            expect(server.get("/short.txt", "Accept-Encoding: identity;q=0").status == 200)


@case("who has seen a compressed form may replace the file by its tag")
def _():
    need("libz.")
    with Folder() as folder:
        folder.write("a.txt", TEXT)
        settle()
        with Server(folder.path, "--allow-upload", workers=1) as server:
            put = (b"PUT /a.txt HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n"
                   b"If-Match: %s\r\n\r\nnew")
            tag = server.get("/a.txt", "Accept-Encoding: gzip")["ETag"].encode()
            expect(server.ask(put % tag.replace(b"-gzip", b"0-gzip")).status == 412)
            expect(server.ask(put % tag).status in (200, 204))
            expect(server.get("/a.txt").body == b"new")
            expect(server.ask(put % tag).status == 412)


@case("the options turn siblings and compressing off, each alone")
def _():
    need("libz.")
    with Folder() as folder:
        write_pair(folder, "a.txt", TEXT)
        for options, coding in (((), "gzip"), (("--no-compression",), "gzip"),
                                (("--no-precompressed",), "gzip"),
                                (("--no-compression", "--no-precompressed"), None)):
            with Server(folder.path, *options, workers=1) as server:
                reply = server.get("/a.txt", "Accept-Encoding: gzip")
                expect(coding_of(reply) == coding and plain(reply) == TEXT, (options, reply))
                expect((reply["Vary"] is None) == (coding is None), (options, reply))
        os.unlink(folder.at("a.txt.gz"))
        with Server(folder.path, "--no-compression") as server:
            expect(coding_of(server.get("/a.txt", BROWSER)) is None)


@case("who asks while a file is compressed gets it as it is, and all get it whole")
def _():
    need("libz.")
    content = b"".join(b"%x\n" % (i * 2654435761 % (1 << 32)) for i in range(400000))[:3 << 20]
    with Folder() as folder:
        for i in range(4):
            folder.write(f"{i}.txt", content)
        settle()
        with Server(folder.path, workers=2) as server:
            replies, threads = [], []
            for i in range(16):
                threads.append(threading.Thread(target=lambda i=i: replies.append(
                    server.get(f"/{i % 4}.txt", "Accept-Encoding: gzip"))))
                threads[-1].start()
            for thread in threads:
                thread.join()
            expect(len(replies) == 16 and all(plain(reply) == content for reply in replies))
            expect({coding_of(reply) for reply in replies} <= {"gzip", None})
            expect(any(coding_of(reply) == "gzip" for reply in replies))


@case("who refuses a file as it is, while that is all there is, is asked to come again")
def _():
    need("libz.")
    content = random.Random(9).randbytes(2 << 20).hex().encode()
    with Folder() as folder:
        folder.write("a.txt", content)
        settle()
        with Server(folder.path, workers=1) as server, server.connect() as first:
            first.send(b"GET /a.txt HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
            deadline = time.monotonic() + 60
            while True:
                reply = server.get("/a.txt", "Accept-Encoding: gzip, identity;q=0")
                if reply.status != 503 or time.monotonic() > deadline:
                    break
                expect(reply["Retry-After"] == "1" and reply["Vary"], reply)
            expect(reply.status == 200 and plain(reply) == content, reply)
            expect(plain(first.reply()) == content)


@case("a file that changes all the time is never sent in two states at once")
def _():
    need("libz.")
    with Folder() as folder:
        folder.write("a.txt", b"0" * 50000)
        settle()
        with Server(folder.path, workers=1) as server, server.connect() as connection:
            for i in range(200):
                if i % 3 == 0:
                    time.sleep(0.06)  # long enough to be compressed
                os.replace(folder.write(".new", b"%d" % (i % 10) * 50000), folder.at("a.txt"))
                for _ in range(2):
                    connection.send(b"GET /a.txt HTTP/1.1\r\nHost: x\r\n"
                                    b"Accept-Encoding: gzip\r\n\r\n")
                    body = plain(connection.reply())
                    expect(body == b"%d" % (i % 10) * 50000, (i, body[:10], len(body)))


@case("more compressed files than the cache keeps are all served")
def _():
    need("libz.")
    generator = random.Random(7)
    with Folder() as folder:
        contents = [generator.randbytes(400000).hex().encode() for _ in range(40)]
        for i, content in enumerate(contents):
            folder.write(f"{i}.txt", content)
        settle()
        with Server(folder.path, workers=1) as server, server.connect() as connection:
            for i in list(range(40)) + list(range(0, 40, 8)):
                connection.send(b"GET /%d.txt HTTP/1.1\r\nHost: x\r\n"
                                b"Accept-Encoding: gzip\r\n\r\n" % i)
                expect(plain(connection.reply()) == contents[i], i)
            with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
                rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
            # A sanitizer keeps what is freed for a while.
            expect(rss < 64 << 10 or has_library("san."), f"{rss} KiB")


if __name__ == "__main__":
    sys.exit(run())
