#!/usr/bin/env python3
# check: waits
"""test_http_files.py - which files `weft serve` shows, how, and that changes show at once."""
import email
import email.policy
import email.utils
import html.parser
import json
import os
import random
import sys
import time
import urllib.parse

from served import PATIENCE_S, Folder, Server, case, expect, run


def settle():
    """Let the files' last change be past: what has just changed gets a weak tag."""
    time.sleep(0.1)


def fill(folder, names):
    """Make empty files; most are links, which cost the disk less than files do."""
    for i, name in enumerate(names):
        if i % 1000 == 0:
            first = folder.write(name)
        else:
            os.link(first, folder.at(name))


class Links(html.parser.HTMLParser):
    """The links of a page with their texts, and whatever could run."""

    def __init__(self, page):
        super().__init__()
        self.links, self.scripts, self.href = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.href = dict(attrs)["href"]
            self.links[self.href] = ""
        if tag in ("script", "img", "iframe") or any(name.startswith("on") for name, _ in attrs):
            self.scripts.append(tag)

    def handle_endtag(self, tag):
        if tag == "b":
            self.href = None

    def handle_data(self, data):
        if self.href:
            self.links[self.href] += data


def names_listed(page):
    """Names as the hrefs of the list say them."""
    return [os.fsdecode(urllib.parse.unquote_to_bytes(href[2:]))
            for href in Links(page.decode()).links if href.startswith("./") and href != "./"]


# ---- Where a path leads ----------------------------------------------------------------------


@case("no spelling of a path leads out of the folder")
def _():
    with Folder() as folder:
        folder.write("a.txt", "a")
        folder.write("sub/b.txt", "b")
        with open(os.path.join(folder.top, "secret"), "w", encoding="ascii") as file:
            file.write("secret")
        with Server(folder.path) as server:
            for target in ("/../secret", "/..", "/%2e%2e/secret", "/.%2e/secret", "/sub/../a.txt",
                           "/sub/..%2f..%2fsecret", "/..%5csecret", "/%2e%2e%2fsecret",
                           "/sub/%2e%2e/%2e%2e/secret", "/a.txt%00.html", "/%c0%ae%c0%ae/secret",
                           "/%252e%252e/secret", "//../secret", "/sub//../../secret", "/a.txt/..",
                           "http://x/../secret", "/%", "/%2", "/%zz"):
                reply = server.get(target)
                expect(reply.status in (400, 404), f"{target}: {reply}")
                expect(b"secret" not in reply.body, target)


@case("double slashes mean one, and never another host")
def _():
    with Folder() as folder:
        folder.write("sub/b.txt", "b")
        with Server(folder.path) as server:
            expect(server.get("//sub///b.txt").body == b"b")
            reply = server.get("//sub")
            expect(reply.status == 301 and reply["Location"] == "./sub/", reply)


@case("hidden names are not there, at any depth")
def _():
    with Folder() as folder:
        for name in (".hidden", ".git/config", "sub/.env", "sub/.d/f"):
            folder.write(name, "secret")
        with Server(folder.path) as server:
            for target in ("/.hidden", "/.git/config", "/.git/", "/sub/.env", "/sub/.d/f",
                           "/%2ehidden", "/sub/%2Eenv", "/./", "/sub/."):
                expect(server.get(target).status == 404, target)
            expect(b"hidden" not in server.get("/").body)
            expect(names_listed(server.get("/sub/").body) == [])


@case("links inside are followed, links that leave are refused and not listed")
def _():
    with Folder() as folder:
        folder.write("sub/b.txt", "b")
        with open(os.path.join(folder.top, "secret"), "w", encoding="ascii") as file:
            file.write("secret")
        for name, to in (("in", "sub/b.txt"), ("dir", "sub"), ("sub/up", "../sub/b.txt"),
                         ("absolute", folder.path + "/sub/b.txt"), ("out", "../secret"),
                         ("out2", "/etc/passwd"), ("outdir", "/etc"), ("loop", "loop"),
                         ("broken", "nothing"), ("proc", "/proc/self/root/etc/passwd")):
            os.symlink(to, folder.at(name))
        with Server(folder.path) as server:
            for target in ("/in", "/dir/b.txt", "/sub/up", "/absolute", "/dir/up"):
                expect(server.get(target).body == b"b", target)
            for target in ("/out", "/out2", "/outdir/passwd", "/outdir/", "/proc"):
                expect(server.get(target).status == 403, target)
            for target in ("/loop", "/broken"):
                expect(server.get(target).status == 404, target)
            expect(names_listed(server.get("/").body) == ["dir/", "sub/", "absolute", "in"])


@case("what is neither file nor folder is refused, without a wait and without being opened")
def _():
    with Folder() as folder:
        os.mkfifo(folder.at("fifo"))
        os.symlink("fifo", folder.at("link"))
        with Server(folder.path) as server:
            expect(server.get("/fifo").status == 403)
            expect(server.get("/link").status == 403)
            expect(names_listed(server.get("/").body) == [])


@case("a file of any year is served, and no date to come is sent as its own")
def _():
    with Folder() as folder, Server(folder.path) as server:
        for name, year_s in (("old", -10 ** 9), ("epoch", 0), ("soon", 4 * 10 ** 9),
                             ("far", 15 * 10 ** 9), ("farther", 250 * 10 ** 9)):
            path = folder.write(name, name)
            try:
                os.utime(path, (year_s, year_s))
            except OverflowError:
                continue
            settle()
            reply = server.get("/" + name)
            expect(reply.status == 200 and reply.body == name.encode(), reply)
            expect((reply["Last-Modified"] is None) == (year_s > time.time()), reply)
            same = server.get("/" + name, "If-None-Match: " + reply["ETag"])
            expect(same.status == 304, same)
            expect(server.get("/").status == 200)


@case("a file that may not be read is 403")
def _():
    if os.geteuid() == 0:
        return
    with Folder() as folder:
        os.chmod(folder.write("locked", "x"), 0)
        with Server(folder.path) as server:
            expect(server.get("/locked").status == 403)


@case("names too long for a file are 404, not an error")
def _():
    with Folder() as folder, Server(folder.path) as server:
        expect(server.get("/" + "a" * 300).status == 404)
        expect(server.get("/" + "a/" * 3000).status == 404)
        folder.write("a.txt", "x")
        expect(server.get("/a.txt/").status == 404)
        expect(server.get("/a.txt/b").status == 404)


# ---- Listings --------------------------------------------------------------------------------


@case("a folder without its slash is redirected to it, query and all")
def _():
    with Folder() as folder:
        folder.write('sub "<dir>/a', "x")
        with Server(folder.path) as server:
            for target, location in (("/sub%20%22%3cdir%3E/deep", "./deep/"),
                                     ("/http:", "./http:/"), ("/http%3A", "./http%3A/")):
                os.makedirs(folder.at(urllib.parse.unquote(target[1:])), exist_ok=True)
                reply = server.get(target)
                expect(urllib.parse.unquote(reply["Location"])
                       == urllib.parse.unquote(location), reply)
                expect(server.get(urllib.parse.urljoin(target, reply["Location"])).status == 200)
            reply = server.get("/sub%20%22%3cdir%3E?a=1&b")
            expect(reply.status == 301, reply)
            expect(reply["Location"] == "./sub%20%22%3Cdir%3E/?a=1&b", reply)


@case("odd names are listed so that their links lead to them, and nothing runs")
def _():
    names = ["a b", "<script>alert(1)</script>".replace("/", ""), "quote\"'s", "&amp;", "100%",
             "q?x=1", "h#ash", "semi;colon:", "Grüße 日本語", "back\\slash", "new\nline",
             "\udcff\udcfe", "javascript:alert(1)", "onload=x", "-", "~", "%2e%2e"]
    with Folder() as folder:
        for name in names:
            folder.write(name, name.encode("utf-8", "surrogateescape"))
        with Server(folder.path) as server:
            page = server.get("/")
            expect(page.status == 200 and page["Content-Type"] == "text/html; charset=utf-8")
            expect("default-src 'none'" in page["Content-Security-Policy"])
            expect(sorted(names_listed(page.body)) == sorted(names), names_listed(page.body))
            parsed = Links(page.body.decode())
            expect(parsed.scripts == [], parsed.scripts)
            for href in parsed.links:
                if not href.startswith("./") or href == "./":
                    continue
                name = os.fsdecode(urllib.parse.unquote_to_bytes(href[2:]))
                reply = server.get(href[1:])
                expect(reply.body == name.encode("utf-8", "surrogateescape"), (href, reply))
            expect("Grüße 日本語" in parsed.links.values())


@case("folders come first, names in natural order, with a way up")
def _():
    with Folder() as folder:
        for name in ("10.txt", "9.txt", "b.txt", "A.txt", "zz/x", "Yy/x", "zz/sub/x"):
            folder.write(name, "x")
        with Server(folder.path) as server:
            page = server.get("/").body
            expect(names_listed(page) == ["Yy/", "zz/", "9.txt", "10.txt", "A.txt", "b.txt"])
            expect('href="../"' not in page.decode(), "there is no way up from the top")
            below = server.get("/zz/sub/").body.decode()
            for link, name in (("../../", "Home"), ("../", "zz")):
                expect(f'<a href="{link}"><bdi>{name}</bdi>' in below, below)


@case("a listing is sorted by a click: by name, size or time, either way, folders first")
def _():
    now = int(time.time())
    with Folder() as folder:
        for name, size, age_s in (("b", 30, 10), ("a", 20, 30), ("c", 10, 20), ("sub/x", 1, 0),
                                  ("dir/x", 1, 0)):
            os.utime(folder.write(name, b"x" * size), (now - age_s, now - age_s))
        os.utime(folder.at("sub"), (now - 50, now - 50))
        os.utime(folder.at("dir"), (now - 60, now - 60))
        orders = {"": "dir/ sub/ a b c", "?sort=name": "dir/ sub/ a b c",
                  "?order=desc": "sub/ dir/ c b a", "?sort=name&order=desc": "sub/ dir/ c b a",
                  "?sort=size": "dir/ sub/ b a c", "?sort=size&order=asc": "dir/ sub/ c a b",
                  "?sort=time": "sub/ dir/ b c a", "?sort=time&order=asc": "dir/ sub/ a c b",
                  "?sort=%73ize": "dir/ sub/ b a c", "?sort=nonsense&order=": "dir/ sub/ a b c",
                  "?sort=%00": "dir/ sub/ a b c", "?" + "x&" * 2000: "dir/ sub/ a b c",
                  "?sort=size&sort=time": "dir/ sub/ b a c"}
        with Server(folder.path) as server:
            for query, names in orders.items():
                reply = server.get("/" + query)
                got = [name.partition("?")[0] for name in names_listed(reply.body) if name]
                expect(got == names.split(), (query, got))
                reply = server.get("/" + query, "Accept: application/json")
                got = [entry["name"] for entry in json.loads(reply.body)["entries"]]
                expect(got == names.replace("/", "").split(), (query, got))
            page = server.get("/?sort=size").body.decode()
            for link in ('href="?sort=size&amp;order=asc" aria-current', 'href="?sort=time">',
                         'href="./">Name', 'href="./sub/?sort=size"'):
                expect(link in page, (link, page))
            expect('href="../?sort=size"' in server.get("/sub/?sort=size").body.decode())


@case("sizes and times are for people, and exact ones are there too")
def _():
    with Folder() as folder:
        os.utime(folder.write("a.txt", b"x" * 1234567), (86400 * 365, 86400 * 365))
        with Server(folder.path) as server:
            page = server.get("/").body.decode()
            expect('<data value="1234567" title="1,234,567 bytes">1.2 MB</data>' in page, page)
            expect('datetime="1971-01-01T00:00:00Z"' in page, page)
            expect("<p>1 file, 1.2 MB</p>" in page, page)


@case("of a huge folder so many names are shown and the rest counted; as JSON there are all")
def _():
    with Folder() as folder:
        fill(folder, [f"{i}" for i in range(10050)])
        with Server(folder.path) as server:
            page = server.get("/").body
            expect(len(names_listed(page)) == 10000)
            expect(b"50 more are in this folder" in page)
            listing = json.loads(server.get("/", "Accept: application/json").body)
            expect((len(listing["entries"]), listing["left_out"], listing["has_more"])
                   == (10050, 0, False))


@case("a listing fits a phone and the dark")
def _():
    with Folder() as folder, Server(folder.path) as server:
        page = server.get("/").body.decode()
        expect('name="viewport" content="width=device-width' in page)
        expect("prefers-color-scheme:dark" in page)
        expect("This folder is empty." in page)


@case("a folder of 3000 names is listed whole")
def _():
    with Folder() as folder:
        fill(folder, [f"file {i}.txt" for i in range(3000)])
        with Server(folder.path) as server:
            expect(names_listed(server.get("/").body) == [f"file {i}.txt" for i in range(3000)])


@case("index.html stands for its folder, and --no-listing hides the others")
def _():
    with Folder() as folder:
        folder.write("index.html", "<p>home")
        folder.write("sub/a.txt", "a")
        os.mkdir(folder.at("odd"))
        os.mkdir(folder.at("odd/index.html"))
        with Server(folder.path) as server:
            reply = server.get("/")
            expect(reply.body == b"<p>home" and reply["Content-Type"].startswith("text/html"))
            expect(names_listed(server.get("/sub/").body) == ["a.txt"])
            expect(names_listed(server.get("/odd/").body) == ["index.html/"])
        with Server(folder.path, "--no-listing") as server:
            expect(server.get("/").status == 200)
            expect(server.get("/sub/").status == 403)
            expect(server.get("/sub/a.txt").status == 200)


@case("a listing and an error are JSON for who would rather have that")
def _():
    with Folder() as folder:
        folder.write("a b.txt", "12345")
        folder.write("quote\".txt", "1")
        os.mkdir(folder.at("sub"))
        with open(os.fsencode(folder.path) + b"/\xff\xfe", "wb"):
            pass
        with Server(folder.path) as server:
            reply = server.get("/", "Accept: application/json")
            expect(reply["Content-Type"] == "application/json", reply)
            expect(reply["Vary"] == "Accept, Accept-Encoding", reply)
            entries = json.loads(reply.body)["entries"]
            expect([entry["type"] for entry in entries] == ["folder"] + ["file"] * 3, entries)
            expect({entry["name"]: entry.get("size") for entry in entries}
                   == {"sub": None, "a b.txt": 5, "quote\".txt": 1, "\ufffd\ufffd": 0}, entries)
            for entry in entries:
                expect(server.get("/" + entry["href"][2:]).status == 200, entry)
            reply = server.get("/none", "Accept: application/json")
            expect(reply.status == 404, reply)
            expect(reply["Content-Type"] == "application/problem+json", reply)
            expect(json.loads(reply.body)["status"] == 404, reply)
            expect(b"<html" in server.get("/", "Accept: */*").body)


# ---- Conditions and ranges -------------------------------------------------------------------


@case("what the peer has already is 304, without a body")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        settle()
        with Server(folder.path) as server:
            first = server.get("/a.txt")
            tag, date = first["ETag"], first["Last-Modified"]
            expect(not tag.startswith("W/"), tag)
            later = email.utils.formatdate(time.time() + 60, usegmt=True)
            for fields, status in (((f"If-None-Match: {tag}",), 304),
                                   ((f"If-None-Match: W/{tag}",), 304),
                                   (("If-None-Match: \"x\"",), 200),
                                   ((f"If-Modified-Since: {date}",), 304),
                                   ((f"If-Modified-Since: {later}",), 304),
                                   (("If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT",), 200),
                                   (("If-None-Match: \"x\"", f"If-Modified-Since: {later}"), 200),
                                   (("If-Match: \"x\"",), 412),
                                   ((f"If-Match: {tag}",), 200)):
                for method in ("GET", "HEAD"):
                    reply = server.get("/a.txt", *fields, method=method)
                    expect(reply.status == status, f"{method} {fields}: {reply}")
                    if status == 304:
                        expect(reply["ETag"] == tag and reply["Date"], reply)
                        expect(reply["Content-Length"] is None, reply)


@case("ranges of small and of large files are the bytes that were asked for")
def _():
    contents = {"small": bytes(range(100)), "large": bytes(range(251)) * 1000}
    with Folder() as folder:
        for name, content in contents.items():
            folder.write(name, content)
        folder.write("empty")
        settle()
        with Server(folder.path) as server:
            for name, content in contents.items():
                size = len(content)
                for text, first, last in (("0-0", 0, 0), ("10-19", 10, 19), ("50-", 50, size - 1),
                                          ("-7", size - 7, size - 1), (f"-{size * 2}", 0, size - 1),
                                          (f"90-{size * 2}", 90, size - 1),
                                          (f"{size - 1}-", size - 1, size - 1)):
                    reply = server.get("/" + name, f"Range: bytes={text}")
                    expect(reply.status == 206, (text, reply))
                    expect(reply.body == content[first:last + 1], (name, text))
                    expect(reply["Content-Range"] == f"bytes {first}-{last}/{size}", reply)
                for text in (f"{size}-", "-0", "99999999999999999999-"):
                    reply = server.get("/" + name, f"Range: bytes={text}")
                    expect(reply.status == 416, (text, reply))
                    expect(reply["Content-Range"] == f"bytes */{size}", reply)
                for text in ("bytes=0-" + ",0-" * 30, "bytes=5-3", "bytes=x", "items=0-1",
                             "bytes 0-1"):
                    reply = server.get("/" + name, f"Range: {text}")
                    expect(reply.status == 200 and reply.body == content, (text, reply))
            expect(server.get("/empty", "Range: bytes=0-").status == 416)
            expect(server.get("/empty").body == b"")


@case("several ranges come as multipart/byteranges, and those that overlap as one")
def _():
    content = bytes(random.Random(5).randbytes(100000))
    with Folder() as folder:
        folder.write("small.txt", content[:5000])
        folder.write("large.txt", content)
        settle()
        with Server(folder.path) as server:
            for name, whole in (("small.txt", content[:5000]), ("large.txt", content)):
                size = len(whole)
                for text, parts in (
                        ("0-9,1000-1999", ((0, 9), (1000, 1999))),
                        ("1000-1999,0-9,-5", ((1000, 1999), (0, 9), (size - 5, size - 1))),
                        (f"0-9,{size}-,1000-1000", ((0, 9), (1000, 1000)))):
                    reply = server.get("/" + name, f"Range: bytes={text}")
                    expect(reply.status == 206, (text, reply))
                    expect(reply["Content-Length"] == str(len(reply.body)), reply)
                    message = email.message_from_bytes(
                        b"Content-Type: " + reply["Content-Type"].encode() + b"\r\n\r\n"
                        + reply.body, policy=email.policy.HTTP)
                    expect(message.get_content_type() == "multipart/byteranges", reply)
                    got = message.get_payload()
                    expect(len(got) == len(parts), (text, reply))
                    for part, (first, last) in zip(got, parts):
                        expect(part["Content-Range"] == f"bytes {first}-{last}/{size}", text)
                        expect((part.get_content_type(), part.get_content_charset())
                               == ("text/plain", "utf-8"), part["Content-Type"])
                    # email changes line ends in binary parts: the bytes are looked for as they are.
                    at = 0
                    for first, last in parts:
                        at = reply.body.index(b"\r\n\r\n" + whole[first:last + 1] + b"\r\n--", at)
                for text, first, last in (("0-,0-,0-", 0, size - 1), ("5-9,0-7", 0, 9),
                                          ("0-9,20-29", 0, 29)):
                    reply = server.get("/" + name, f"Range: bytes={text}")
                    expect(reply.status == 206, (text, reply))
                    expect(reply["Content-Range"] == f"bytes {first}-{last}/{size}", reply)
                    expect(reply.body == whole[first:last + 1], text)


@case("a range is only sent of the file that the peer has a part of")
def _():
    with Folder() as folder:
        folder.write("a.txt", "0123456789")
        settle()
        with Server(folder.path) as server:
            first = server.get("/a.txt")
            for value, status in ((first["ETag"], 206), ("\"x\"", 200), ("W/" + first["ETag"], 200),
                                  (first["Last-Modified"], 206),
                                  ("Sat, 01 Jan 2000 00:00:00 GMT", 200)):
                reply = server.get("/a.txt", "Range: bytes=1-2", f"If-Range: {value}")
                expect(reply.status == status, (value, reply))
            head = server.get("/a.txt", "Range: bytes=1-2", method="HEAD")
            expect(head.status == 200 and head["Content-Length"] == "10", head)
            folder.write("a.txt", "abcdefghij")
            reply = server.get("/a.txt", "Range: bytes=1-2", f"If-Range: {first['ETag']}")
            expect(reply.status == 200 and reply.body == b"abcdefghij", reply)


# ---- Changes ---------------------------------------------------------------------------------


def check_change(change, before, after, target="/a.txt", rounds=1, may_wait=False):
    """before and after are bodies, or None for 404; after must show at once, unless it may wait."""
    with Folder() as folder:
        folder.write("a.txt", "first!")
        folder.write("d/a.txt", "first!")
        settle()
        with Server(folder.path, workers=1) as server, server.connect() as connection:

            def body():
                connection.send(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                reply = connection.reply()
                return None if reply.status == 404 else reply.body

            for _ in range(3):
                expect(body() == before)
            for i in range(rounds):
                change(folder, i)
                wanted = after(i) if callable(after) else after
                deadline = time.monotonic() + PATIENCE_S * may_wait
                got = body()
                while got != wanted and time.monotonic() < deadline:
                    got = body()
                expect(got == wanted, f"round {i}: {got!r}, not {wanted!r}")


@case("a file edited in place is new with the next request, even within one clock tick")
def _():
    def edit(folder, i):
        with open(folder.at("a.txt"), "r+b") as file:
            file.write(b"%06d" % i)

    check_change(edit, b"first!", lambda i: b"%06d" % i, rounds=300)


@case("a file replaced by a rename is new with the next request")
def _():
    def replace(folder, i):
        os.replace(folder.write(".new", b"%06d" % i), folder.at("a.txt"))

    check_change(replace, b"first!", lambda i: b"%06d" % i, rounds=300)


@case("a deleted file is gone with the next request")
def _():
    check_change(lambda folder, _: os.unlink(folder.at("a.txt")), b"first!", None)


@case("a file renamed away is gone with the next request")
def _():
    check_change(lambda folder, _: os.rename(folder.at("a.txt"), folder.at("b.txt")),
                 b"first!", None)


@case("a file that grows large, and small again, is whole")
def _():
    check_change(lambda folder, i: folder.write("a.txt", b"x" * (100000 >> i)), b"first!",
                 lambda i: b"x" * (100000 >> i), rounds=8)


@case("a renamed folder shows soon")
def _():
    check_change(lambda folder, _: os.rename(folder.at("d"), folder.at("e")), b"first!", None,
                 target="/d/a.txt", may_wait=True)


@case("a download that has begun keeps the file that it began with")
def _():
    content = os.urandom(8 << 20)
    with Folder() as folder:
        folder.write("big", content)
        settle()
        with Server(folder.path) as server, server.connect() as connection:
            connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            connection.fill()
            os.replace(folder.write(".new", b"short"), folder.at("big"))
            expect(connection.reply().body == content)
            connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            expect(connection.reply().body == b"short")


@case("more files than the cache keeps are all served")
def _():
    with Folder() as folder:
        for i in range(1500):
            folder.write(f"{i}", f"file {i}")
        with Server(folder.path, workers=1) as server, server.connect() as connection:
            for i in list(range(1500)) * 2:
                connection.send(f"GET /{i} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                expect(connection.reply().body == f"file {i}".encode())


if __name__ == "__main__":
    sys.exit(run())
