#!/usr/bin/env python3
# check: waits
"""test_http_upload.py - files put into a shared folder, and changed there: by raw requests, by curl
and by Python's client; who may, what is refused, and that nothing is left of what did not end well.
"""
import contextlib
import hashlib
import http.client
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import served
from served import PATIENCE_S, Server, Skip, case, expect, run, weft
from uploading import Upload, form

BOUNDARY = "Content-Type: multipart/form-data; boundary=XX"


def until(fact, what):
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        expect(time.monotonic() < deadline, what)
        time.sleep(0.005)


def curl(*arguments, text=True, **options):
    if not shutil.which("curl"):
        raise Skip("no curl here")
    done = subprocess.run(["curl", "-sS", "-m", str(PATIENCE_S), *arguments], capture_output=True,
                          text=text, check=False, **options)
    expect(done.returncode == 0, done)
    return done.stdout


def some_bytes(count, seed=1):
    """The same each time, and compressing badly."""
    block = b"".join(hashlib.sha256(b"%d %d" % (seed, i)).digest() for i in range(2048))
    return (block * (count // len(block) + 1))[:count]


# ---- Who may -----------------------------------------------------------------------------------


@case("nothing is changed unless it is allowed")
def _():
    with Upload("--no-listing") as site:
        site.folder.write("a", b"old")
        for method in ("PUT", "POST", "DELETE"):
            reply = site.ask(method, "/a", body=b"")
            # Of a folder a POST may ask for an archive, which changes nothing.
            allow = "GET, HEAD, OPTIONS" if method == "POST" else "GET, HEAD, POST, OPTIONS"
            expect(reply.status == 405 and reply["Allow"] == allow, reply)
        for method in ("MKCOL", "COPY", "MOVE"):
            expect(site.ask(method, "/b", "Destination: /c").status == 501)
        expect(site.names() == ["a"] and site.content("a") == b"old")
    with Upload("--json") as site:
        expect(b"<form" not in site.server.get("/").body)


@case("each option allows what it says, and Allow tells")
def _():
    table = (
        (("--allow-upload",), "GET, HEAD, POST, PUT, OPTIONS, COPY, MKCOL"),
        (("--allow-change",), "GET, HEAD, POST, DELETE, OPTIONS, MOVE"),
        (("--allow-upload", "--allow-change"),
         "GET, HEAD, POST, PUT, DELETE, OPTIONS, COPY, MKCOL, MOVE"),
    )
    for options, allow in table:
        with Upload(*options) as site:
            site.folder.write("a", b"old")
            expect(site.ask("OPTIONS", "/a")["Allow"] == allow)
            reply = site.ask("TRACE", "/a")
            # Without regard to the address: PATCH and DELETE are for uploads that were begun.
            missing = set(allow.split(", ")) - set(reply["Allow"].split(", "))
            expect(reply.status == 405 and not missing, reply)
            may_upload, may_change = "PUT" in allow, "DELETE" in allow
            expect((site.put("/new", b"x").status == 201) == may_upload)
            expect((site.ask("MKCOL", "/folder").status == 201) == may_upload)
            expect((site.move("/a", "/b").status == 201) == may_change)
            expect((site.ask("DELETE", "/b").status == 204) == may_change)
            expect((b"<form" in site.server.get("/").body) == may_upload)


@case("a page of another site changes nothing, whatever it sends")
def _():
    with Upload("--allow-upload", "--allow-change", "--allow-overwrite") as site:
        site.folder.write("a", b"old")
        host = site.server.address
        port = host.rpartition(":")[2]
        foreign = (
            "Origin: http://evil.example", f"Origin: http://evil.example:{port}", "Origin: null",
            f"Origin: http://{host}.evil.example", "Origin: http://127.0.0.1:1",
            "Origin: http://127.0.0.1", f"Origin: ftp://{host}", f"Origin: {host}", "Origin: ",
            f"Origin: http://evil@{host}", f"Origin: http://{host}/path", "Origin: http://",
            "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: x",
            f"Origin: http://{host}\r\nSec-Fetch-Site: cross-site",
            f"Origin: http://{host}\r\nOrigin: http://evil.example",
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site",
        )
        for field in foreign:
            for reply in (site.put("/new", b"x", field), site.put("/a", b"x", field),
                          site.post("/", [("f", "new", b"x")], field),
                          site.ask("DELETE", "/a", field), site.ask("MKCOL", "/new", field),
                          site.move("/a", "/new", field)):
                expect(reply.status == 403, f"{field}: {reply}")
        expect(site.names() == ["a"] and site.content("a") == b"old")
        for i, field in enumerate((
                f"Origin: http://{host}", f"Origin: HTTP://{host}", f"Origin: https://{host}",
                "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none",
                f"Origin: http://{host}\r\nSec-Fetch-Site: same-origin")):
            expect(site.put(f"/new{i}", b"x", field).status == 201, field)
        for i, (host, origin, status) in enumerate((
                ("a.example", "http://a.example", 201), ("a.example", "http://A.example:80", 201),
                ("a.example:80", "http://a.example", 201), ("a.example", "https://a.example", 201),
                ("a.example", "https://a.example:443", 201), ("[::1]", "http://[::1]", 201),
                ("[::1]:8080", "http://[::1]:8080", 201), ("[::1]", "http://[::1]:8080", 403),
                ("[::1]:1", "http://[::2]:1", 403), ("a.example", "http://a.example:8080", 403),
                ("a.example:443", "http://a.example", 403), ("a.example", "http://a.exampl", 403),
                ("", "http://", 403))):
            reply = site.server.ask(
                f"PUT /other{i} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
                "Content-Length: 0\r\n\r\n".encode())
            expect(reply.status == status, (host, origin, reply))


@case("--cors-change lets scripts of one origin change what may be changed, and tells the methods")
def _():
    origin = "https://app.example"
    allowed = ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods")
    asks = (f"Origin: {origin}", "Access-Control-Request-Method: PUT")
    for options, methods, status in (
            ((), "GET, HEAD", 403),
            (("--cors-change",), "GET, HEAD, POST, PUT, OPTIONS, COPY, MKCOL", 201)):
        with Upload("--allow-upload", "--cors", origin, *options) as site:
            reply = site.ask("OPTIONS", "/", *asks)
            expect([reply[name] for name in allowed] == [origin, methods], reply)
            reply = site.put("/a", b"x", f"Origin: {origin}", "Sec-Fetch-Site: cross-site")
            expect(reply.status == status, reply)
            if status == 201:
                expect(reply[allowed[0]] == origin, reply)
                expect("Location" in reply["Access-Control-Expose-Headers"], reply)
                reply = site.put("/a", b"x", f"Origin: {origin}")
                expect(reply.status == 409 and reply[allowed[0]] == origin, reply)
                expect(site.ask("DELETE", "/a", f"Origin: {origin}").status == 405)
            for field in ("Origin: https://evil.example", f"Origin: {origin}.evil.example",
                          f"Origin: {origin}\r\nOrigin: {origin}", "Origin: null",
                          "Sec-Fetch-Site: cross-site", f"Origin: {origin}:8443"):
                expect(site.put("/b", b"x", field).status == 403, field)
    with Upload("--allow-upload", "--allow-change", "--cors", origin, "--cors-change") as site:
        reply = site.ask("OPTIONS", "/", *asks)
        expect("DELETE" in reply[allowed[1]] and "MOVE" in reply[allowed[1]], reply)
        expect("Destination" in reply["Access-Control-Allow-Headers"], reply)
        site.folder.write("c", b"c")
        expect(site.move("/c", "/d", f"Origin: {origin}").status == 201)
        expect(site.ask("DELETE", "/d", f"Origin: {origin}").status == 204)
    for options in (("--cors", "*", "--cors-change", "--allow-upload"),
                    ("--cors-change", "--allow-upload"), ("--cors", origin, "--cors-change")):
        expect(weft("serve", "--http", "127.0.0.1:0", *options).returncode == 2, options)


# ---- PUT ---------------------------------------------------------------------------------------


@case("a new file is 201 with its tag and address, and not put twice")
def _():
    with Upload() as site:
        reply = site.put("/gr%C3%BCn%20%23.txt", b"hello")
        expect(reply.status == 201 and reply["Location"] == "/gr%C3%BCn%20%23.txt", reply)
        expect(reply.body == b"" and site.names() == ["grün #.txt"])
        expect(site.content("grün #.txt") == b"hello")
        tag = reply["ETag"]
        expect(tag.startswith('"') and tag.endswith('"'), "it is a strong one")
        reply = site.put("/gr%C3%BCn%20%23.txt", b"again")
        expect(reply.status == 409 and b"already" in reply.body, reply)
        expect(site.content("grün #.txt") == b"hello")
        got = site.server.get("/gr%C3%BCn%20%23.txt", "If-None-Match: " + tag)
        expect(got.status == 304, got)
        expect(site.put("//evil.example/x", b"").status == 409)
        reply = site.put("//x", b"")
        expect(reply.status == 201 and reply["Location"] == "/x", "it leads to no other host")


@case("what is replaced is 204, shows at once, and keeps its permissions")
def _():
    with Upload("--allow-upload", "--allow-overwrite") as site:
        for i in range(50):
            reply = site.put("/a", b"%d" % i)
            expect(reply.status == (204 if i else 201), reply)
            expect(("location" in reply.fields) == (i == 0))
            got = site.server.get("/a")
            expect(got.body == b"%d" % i, (i, got))
            expect(got["ETag"].removeprefix("W/") == reply["ETag"])
        os.chmod(site.folder.at("a"), 0o640)
        expect(site.put("/a", b"new").status == 204)
        expect(os.stat(site.folder.at("a")).st_mode & 0o7777 == 0o640)


@case("conditions are held before the bytes are taken (RFC 9110, section 13.2)")
def _():
    with Upload() as site:
        tag = site.put("/a", b"one")["ETag"]
        date = "If-Unmodified-Since: Tue, 15 Nov 1994 12:45:26 GMT"
        for target, fields, status in (
                ("/a", ('If-Match: "x"',), 412), ("/a", ("If-Match: W/" + tag,), 412),
                ("/a", ("If-None-Match: *",), 412), ("/a", ("If-None-Match: " + tag,), 412),
                ("/a", (date,), 412), ("/a", ("If-Match: " + tag, "If-None-Match: *"), 412),
                ("/new", ("If-Match: *",), 412), ("/new", ("If-Match: " + tag,), 412),
                ("/a", ('If-None-Match: "x"',), 409), ("/a", ("If-Unmodified-Since: x",), 409)):
            # Nobody is told to go on who may not.
            reply = site.ask("PUT", target, *fields, "Expect: 100-continue", "Content-Length: 9")
            expect(reply.status == status, (target, fields, reply))
        expect(site.names() == ["a"] and site.content("a") == b"one")
        expect(site.put("/b", b"new", "If-None-Match: *").status == 201)
        expect(site.put("/c", b"new", date).status == 201)
        reply = site.put("/a", b"two", 'If-Match: "x", ' + tag)
        expect(reply.status == 204 and site.content("a") == b"two", reply)
        expect(site.put("/a", b"three", "If-Match: " + tag).status == 412)
        tag = reply["ETag"]
        expect(site.put("/a", b"three", "If-Match: " + tag[:-1] + '-br"').status == 204,
               "the tag of its compressed form is the file's, too")
        expect(site.put("/a", b"four", "If-Match: *").status == 204)


@case("what can not be put is told, with nothing left and nothing sent for it")
def _():
    with Upload("--allow-upload", "--upload-max", "1000") as site:
        site.folder.write("file", b"x")
        site.folder.write("folder/x", b"x")
        os.symlink("/tmp", site.folder.at("out"))
        os.symlink("file", site.folder.at("link"))
        os.mkfifo(site.folder.at("fifo"))
        before = site.names()
        for target, fields, status in (
                ("/a", ("Content-Range: bytes 0-1/2",), 400), ("/a%00b", (), 400),
                ("/a%0Ab", (), 400), ("/a%7F", (), 400), ("/../a", (), 400), ("/a%2Fb", (), 400),
                ("/.hidden", (), 403), ("/folder/.hidden", (), 403), ("/.weft-upload/x", (), 403),
                ("/out/x", (), 403), ("/fifo", (), 403), ("/link", (), 403),
                ("/folder/", (), 409), ("/folder", (), 409), ("/", (), 409), ("/new/", (), 409),
                ("/nothing/x", (), 409), ("/file/x", (), 409), ("/" + "x" * 256, (), 414),
                ("/a", ("Content-Encoding: gzip",), 415), ("/a", ("Content-Length: 1001",), 413)):
            length = () if "Content-Length" in "".join(fields) else ("Content-Length: 2",)
            reply = site.ask("PUT", target, *fields, *length, "Expect: 100-continue")
            expect(reply.status == status, (target, fields, reply))
        expect(site.names() == before and site.names("folder") == ["x"])
        expect(site.put("/a", b"x", "Content-Encoding: identity").status == 201)
        expect(site.put("/" + "x" * 255, b"x").status == 201)
        expect(site.put("/longest", b"x" * 1000).status == 201)


@case("a chunked body is taken, and refused when it is too long or broken")
def _():
    with Upload("--allow-upload", "--upload-max", "100000") as site:
        chunked = "Transfer-Encoding: chunked"
        for body, status in ((b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: x\r\n\r\n", 201),
                             (b"0\r\n\r\n", 409), (b"zz\r\n", 400)):
            with site.server.connect() as connection:
                connection.send(b"PUT /%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (
                    b"a" if status != 400 else b"b", chunked.encode()) + body)
                reply = connection.reply()
                expect(reply.status == status, reply)
        expect(site.content("a") == b"hello!")
        with site.server.connect() as connection:
            connection.send(b"PUT /long HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % chunked.encode())
            for _ in range(11):
                connection.send(b"2710\r\n" + b"x" * 10000 + b"\r\n")
            expect(connection.reply().status == 413)
        expect(site.names() == ["a"])


@case("an upload that is cut short leaves nothing, also in the folder's place for such")
def _():
    with Upload("--allow-upload", "--allow-overwrite") as site:
        site.folder.write("a", b"old")
        for body in (b"", b"x", b"x" * 300000):
            with site.server.connect() as connection:
                connection.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
                                + body)
                connection.socket.shutdown(1)
                expect(connection.reply().status == 400)
        with site.server.connect() as connection:
            body = form([("f", "new", b"x"), ("g", "newer", b"y" * 100000)])[:-20]
            connection.send(b"POST / HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: 200000\r\n\r\n%s"
                            % (BOUNDARY.encode(), body))
            connection.socket.shutdown(1)
            expect(connection.reply().status == 400)
        expect(site.names() == ["a"] and site.content("a") == b"old")


@case("requests go on behind an upload on the same connection")
def _():
    with Upload() as site, site.server.connect() as connection:
        for i in range(3):
            connection.send(b"PUT /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /%d "
                            b"HTTP/1.1\r\nHost: x\r\n\r\n" % (i, i))
            expect(connection.reply().status == 201)
            expect(connection.reply().body == b"hello")
        connection.send(b"PUT /0 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nagainGET /0 "
                        b"HTTP/1.1\r\nHost: x\r\n\r\n")
        expect(connection.reply().status == 409)
        expect(connection.reply().body == b"hello")


@case("what is on its way in is not shown, where hidden names are")
def _():
    with Upload("--allow-upload", "--hidden") as site:
        site.folder.write(".weft-upload/notes", b"secret")
        site.folder.write("sub/.weft-upload-0123456789abcdef", b"secret")
        site.folder.write("sub/.env", b"shown")
        expect(site.server.get("/sub/.env").body == b"shown")
        for target in ("/.weft-upload/", "/.weft-upload/notes",
                       "/sub/.weft-upload-0123456789abcdef"):
            expect(site.server.get(target).status == 404, target)
        expect(b"weft-upload" not in site.server.get("/").body + site.server.get("/sub/").body)
        expect(site.put("/sub/.new", b"x").status == 403)
        os.remove(site.folder.at(".weft-upload/notes"))


@case("what is no use alone is wrong usage")
def _():
    for options in (("--allow-overwrite",), ("--allow-upload", "--upload-max", "0"),
                    ("--allow-upload", "--upload-max", "many")):
        expect(weft("serve", *options).returncode == 2, options)


# ---- Forms -------------------------------------------------------------------------------------


@case("the page of a folder has a form; its files are there after a 303 back to it")
def _():
    with Upload() as site:
        site.folder.write("sub folder/x", b"x")
        page = site.server.get("/sub%20folder/").body
        expect(b'method="post" enctype="multipart/form-data"' in page, page)
        expect(b"<script" not in page)
        for target in ("/sub%20folder/", "/sub%20folder", "/sub%20folder/?sort=size"):
            name = "a" + str(len(target))
            reply = site.post(target, [("file", name, b"one"), ("file", name + "b", b""),
                                       ("file", "", b""), ("note", None, b"passed over")])
            expect(reply.status == 303 and reply["Location"] == "/sub%20folder/", reply)
            expect(site.content("sub folder/" + name) == b"one")
            expect(site.content("sub folder/" + name + "b") == b"")
        expect(len(site.names("sub folder")) == 7 and site.names() == ["sub folder"])


@case("who would rather have JSON gets what was kept, or why not")
def _():
    with Upload() as site:
        wants = "Accept: application/json"
        reply = site.post("/", [("f", 'a "b".txt', b"x" * 10), ("f", "größe", b"")], wants)
        expect(reply.status == 201 and reply["Location"] == "/", reply)
        files = json.loads(reply.body)["files"]
        expect([f["name"] for f in files] == ['a "b".txt', "größe"], files)
        expect(files[0]["size"] == 10 and files[0]["created"] is True)
        got = site.server.get("/" + files[0]["href"][2:], "If-None-Match: " + files[0]["etag"])
        expect(got.status == 304, got)
        reply = site.post("/", [("f", "größe", b"")], wants)
        expect(reply.status == 409 and "größe" in json.loads(reply.body)["detail"], reply)


@case("of a form's files all are kept, or none, and the page says which is in the way")
def _():
    with Upload() as site:
        site.folder.write("there", b"old")
        for parts, status, word in (
                ([("f", "a", b"1"), ("f", "there", b"2"), ("f", "c", b"3")], 409, b"there"),
                ([("f", "a", b"1"), ("f", "a", b"2")], 409, b"&quot;a&quot;"),
                ([("f", "a", b"1"), ("f", ".hidden", b"2")], 403, b".hidden"),
                ([("f", "a", b"1"), ("f", "y" * 256, b"2")], 400, b"yyy"),
                ([("f", "a", b"1")] + [("f", f"b{i}", b"") for i in range(100)], 413, b"many"),
                ([("f", "", b"")], 400, b"chosen"), ([("f", None, b"x")], 400, b"chosen"),
                ([], 400, b"chosen")):
            reply = site.post("/", parts)
            expect(reply.status == status and word in reply.body, reply)
            expect(site.names() == ["there"] and site.content("there") == b"old")
        reply = site.post("/", [("f", f"b{i}", b"%d" % i) for i in range(100)])
        expect(reply.status == 303 and site.content("b42") == b"42")


@case("names in forms lead nowhere else")
def _():
    with Upload() as site:
        site.folder.write("sub/x", b"x")
        for sent, name in (("../up", "up"), ("/etc/abs", "abs"), ("sub/deep", "deep"),
                           ("C:\\\\dir\\\\win", "win"), ("line%0D%0Aend", "line__end")):
            expect(site.post("/sub/", [("f", sent, b"x")]).status == 303, sent)
            expect(name in site.names("sub"), name)
        expect(site.names() == ["sub"] and len(site.names("sub")) == 6)


@case("what is no form for a folder is refused")
def _():
    with Upload("--allow-upload", "--upload-max", "10000") as site:
        site.folder.write("file", b"x")
        good = form([("f", "a", b"1")])
        for target, kind, body, status in (
                ("/", "text/plain", good, 415), ("/", "multipart/form-data", good, 400),
                ("/", "application/x-www-form-urlencoded", b"a=1", 415),
                ("/", "multipart/form-data; boundary=YY", good, 400),
                ("/", "multipart/form-data; boundary=XX", good[:-4], 400),
                ("/", "multipart/form-data; boundary=XX", form([("f", "b", b"x" * 10000)]), 413),
                ("/file", "multipart/form-data; boundary=XX", good, 409),
                ("/nothing/", "multipart/form-data; boundary=XX", good, 404),
                ("/.hidden/", "multipart/form-data; boundary=XX", good, 403)):
            reply = site.ask("POST", target, "Content-Type: " + kind, body=body)
            expect(reply.status == status, (target, kind, reply))
        expect(site.names() == ["file"])


@case("who sends all of a form before it looks, as browsers do, sees why it is refused")
def _():
    with Upload("--allow-upload", "--upload-max", "1G") as site:
        site.folder.write("a", b"old")
        reply = site.post("/", [("f", "a", b"x" * 8000000)])
        expect(reply.status == 409, reply)
        reply = site.put("/a", b"x" * 8000000)
        expect(reply.status == 409, reply)
        for target, status in (("/nothing/", 404), ("/a/", 409)):
            reply = site.post(target, [("f", "b", b"x" * 8000000)])
            expect(reply.status == status, (target, reply))


# ---- Clients -----------------------------------------------------------------------------------


@case("curl -T and curl -F, small and large, with a length and without")
def _():
    with Upload("--allow-upload", "--allow-overwrite") as site:
        url = f"http://{site.server.address}/"
        big = some_bytes(5000000)
        path = os.path.join(site.folder.top, "big.bin")
        with open(path, "wb") as file:
            file.write(big)
        code = ("-o", os.path.join(site.folder.top, "out"), "-w", "%{http_code}")
        expect(curl(*code, "-T", path, url) == "201")
        expect(site.content("big.bin") == big)
        expect(curl(*code, "-T", path, url + "again") == "201")
        expect(curl(*code, "-T", "-", url + "stdin", text=False, input=big) == b"201")
        expect(site.content("stdin") == big)
        expect(curl(*code, "-H", "Expect:", "-T", path, url + "stdin") == "204")
        expect(curl(*code, "-F", f"file=@{path};filename=f1", "-F", f"file=@{path};filename=f2",
                    url) == "303")
        expect(site.content("f1") == big and site.content("f2") == big)
        expect(curl(*code, "-L", "-F", f"file=@{path};filename=q\"uote", url) == "200")
        expect(site.content('q"uote') == big)
        expect(site.names() == ["again", "big.bin", "f1", "f2", 'q"uote', "stdin"])


@case("Python's client, with a file and with chunks")
def _():
    with Upload() as site:
        connection = http.client.HTTPConnection(site.server.address, timeout=PATIENCE_S)
        connection.request("PUT", "/a", body=b"hello")
        reply = connection.getresponse()
        expect(reply.status == 201 and reply.read() == b"")
        connection.request("PUT", "/b", body=iter([b"hello", b", ", b"world"]),
                           encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        reply = connection.getresponse()
        expect(reply.status == 201 and reply.read() == b"")
        connection.request("GET", "/b")
        expect(connection.getresponse().read() == b"hello, world")
        connection.close()


# ---- Folders, removing, moving -----------------------------------------------------------------


CHANGES = ("--allow-upload", "--allow-change")


@case("MKCOL makes a folder (RFC 4918, section 9.3)")
def _():
    with Upload(*CHANGES) as site:
        for target, fields, status in (
                ("/new", (), 201), ("/new", (), 405), ("/new/", (), 405), ("/", (), 405),
                ("/new/deeper/", (), 201), ("/x/y", (), 409), ("/.hidden", (), 403),
                ("/a%0Ab", (), 400), ("/" + "x" * 256, (), 414)):
            reply = site.ask("MKCOL", target, *fields)
            expect(reply.status == status, (target, reply))
            if status == 405:
                expect("DELETE" in reply["Allow"])
        expect(site.ask("MKCOL", "/other", body=b"<xml/>").status == 415)
        expect(site.names() == ["new"] and site.names("new") == ["deeper"])


@case("DELETE removes a file, a link or an empty folder, by conditions")
def _():
    with Upload(*CHANGES) as site:
        tag = site.put("/a", b"x")["ETag"]
        site.folder.write("folder/x", b"x")
        os.symlink("folder", site.folder.at("link"))
        expect(site.server.get("/a").status == 200)
        for target, fields, status in (
                ("/nothing", (), 404), ("/a/x", (), 404), ("/", (), 403), ("/.hidden", (), 403),
                ("/a", ('If-Match: "x"',), 412), ("/a", ("If-None-Match: " + tag,), 412),
                ("/folder", (), 409), ("/folder/", (), 409), ("/a", ("If-Match: " + tag,), 204),
                ("/link", (), 204), ("/folder/x", (), 204), ("/folder/", (), 204)):
            reply = site.ask("DELETE", target, *fields)
            expect(reply.status == status, (target, fields, reply))
        expect(site.server.get("/a").status == 404)
        expect(site.names() == [])


def count_files(site):
    """Those below the folder that the server has open."""
    folder, count = "/proc/%d/fd/" % site.server.process.pid, 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(folder + fd).startswith(site.folder.path + "/")
    return count


@case("uploads that do not go on leave descriptors for who reads")
def _():
    if served.MODEL not in ("", "fiber", "thread"):
        raise Skip("other models have fewer connections at a time, or a table for each")

    def with_few(*arguments):
        return Server(*arguments, prefix=("prlimit", "--nofile=1024:1024"))

    with Upload("--allow-upload", "--allow-overwrite", server=with_few) as site, \
            contextlib.ExitStack() as stack:
        site.folder.write("a", b"a")
        for i in range(100):
            connection = stack.enter_context(site.server.connect())
            connection.send(b"PUT /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1" % i)
        deadline = time.monotonic() + PATIENCE_S
        while count_files(site) < 100:
            expect(time.monotonic() < deadline, "the uploads do not get in")
            time.sleep(0.01)
        reply = site.put("/b", b"b")
        expect(reply.status == 503, reply)
        expect(site.ask("GET", "/a").body == b"a")


@case("MOVE renames within the folder, and nowhere else (RFC 4918, section 9.9)")
def _():
    with Upload(*CHANGES) as site:
        url = f"http://{site.server.address}"
        site.folder.write("a", b"a")
        site.folder.write("b", b"b")
        site.folder.write("sub/x", b"x")
        expect(site.server.get("/a").body == b"a")
        for target, destination, fields, status in (
                ("/a", "", (), 400), ("/a", "c", (), 400), ("/a", "//", (), 403),
                ("/a", "http://evil.example/c", (), 502), ("/a", url, (), 400),
                ("/a", "ftp://127.0.0.1/c", (), 400), ("/a", "/c?q", (), 400),
                ("/a", "/../c", (), 400), ("/a", "/c%00", (), 400), ("/a", "/.c", (), 403),
                ("/a", "/a", (), 403), ("/a", "/", (), 403), ("/", "/c", (), 403),
                ("/a", "/b", (), 403), ("/a", "/b", ("Overwrite: F",), 412),
                ("/a", "/b", ("Overwrite: x",), 400),
                ("/a", "/b", ("Overwrite: T", "Overwrite: F"), 400),
                ("/a", "/c", ("Destination: /d",), 400), ("/a", "/x/c", (), 409),
                ("/nothing", "/c", (), 404), ("/sub", "/sub/y", (), 409),
                ("/a", "/c", ('If-Match: "x"',), 412), ("/a", "/" + "x" * 256, (), 414)):
            reply = site.move(target, destination, *fields)
            expect(reply.status == status, (target, destination, fields, reply))
        expect(site.names() == ["a", "b", "sub"])
        reply = site.move("/a", url + "/sub/%C3%A4", "Overwrite: F")
        expect(reply.status == 201 and reply["Location"] == "/sub/%C3%A4", reply)
        expect(site.server.get("/a").status == 404)
        expect(site.server.get("/sub/%C3%A4").body == b"a")
        reply = site.move("/sub/", "/new/")
        expect(reply.status == 201 and reply["Location"] == "/new/", reply)
        expect(site.names() == ["b", "new"] and site.names("new") == ["x", "ä"])
    with Upload(*CHANGES, "--allow-overwrite") as site:
        site.folder.write("a", b"a")
        site.folder.write("b", b"b")
        expect(site.move("/a", "/b", "Overwrite: F").status == 412)
        expect(site.move("/a", "/b").status == 204)
        expect(site.names() == ["b"] and site.content("b") == b"a")


# ---- Disks -------------------------------------------------------------------------------------


class Small(Server):
    """A server whose folder is a file system of 1 MiB, which only it sees."""

    program = ["unshare", "-rm", "sh", "-c",
               'mount -t tmpfs -o size=1m tmpfs "$3" && eval "$PREPARE" && exec "$@"', "-"]
    prepare = "true"
    may_say = b"the disk of"  # if it looks just then

    def __init__(self, folder, *options):
        try:
            subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", folder], check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Skip("no file system can be mounted here") from error
        os.environ["PREPARE"] = self.prepare.replace("DIR", folder)
        super().__init__(folder, *options, prefix=self.program)
        self.seen = f"/proc/{self.process.pid}/root{folder}"


class ReadOnly(Small):
    """The same, and nobody may write."""

    prepare = "echo old >DIR/a && mount -o remount,ro DIR"


@case("a full disk is 507, before the bytes where their number is known, and nothing is left")
def _():
    with Upload("--allow-upload", "--allow-overwrite", server=Small) as site:
        expect(site.put("/a", b"x" * 100000).status == 201)
        free = os.statvfs(site.server.seen).f_bavail
        reply = site.ask("PUT", "/b", "Content-Length: 2000000", "Expect: 100-continue")
        expect(reply.status == 507, reply)
        with site.server.connect() as connection:
            connection.send(b"PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(200):
                connection.send(b"2710\r\n" + b"x" * 10000 + b"\r\n")
            until(lambda: os.statvfs(site.server.seen).f_bavail == free,
                  "what is refused holds the disk while the rest of it is read")
            connection.send(b"0\r\n\r\n")
            expect(connection.reply().status == 507)
        reply = site.post("/", [("f", "c", b"x"), ("f", "d", b"x" * 2000000)])
        expect(reply.status == 507, reply)
        expect(site.put("/a", b"y" * 950000).status == 507, "both are there for a moment")
        expect(os.listdir(site.server.seen) == ["a"])
        until(lambda: os.statvfs(site.server.seen).f_bavail == free, "blocks are missing")
        expect(site.server.get("/a").body == b"x" * 100000)


@case("a disk that becomes full is told of once, and when it has space again")
def _():
    if served.MODEL in ("fork", "prefork"):
        raise Skip("what watches the disk is a fiber of the process that serves")
    with Upload(*CHANGES, server=Small) as site:
        name = site.server.seen + "/filler"
        disk = os.statvfs(site.server.seen)
        with open(name, "wb") as file:
            file.write(b"x" * disk.f_bavail * disk.f_frsize)
        said = site.server.process.stderr.readline().decode()
        expect("the disk of" in said and "is full" in said, said)
        expect(site.put("/a", b"x" * 100000).status == 507)
        os.unlink(name)
        said = site.server.process.stderr.readline().decode()
        expect("has space again" in said, said)
        expect(site.put("/a", b"x" * 100000).status == 201)


@case("a disk that may not be written to is 403")
def _():
    with Upload(*CHANGES, "--allow-overwrite", server=ReadOnly) as site:
        expect(b"nothing can be changed in" in site.server.process.stderr.readline())
        for reply in (site.put("/b", b"x"), site.put("/a", b"x"),
                      site.post("/", [("f", "b", b"x")]), site.ask("MKCOL", "/b"),
                      site.ask("DELETE", "/a"), site.move("/a", "/b")):
            expect(reply.status == 403, reply)
        expect(site.server.get("/a").body == b"old\n")


@case("a file that is larger than files may be is 413, and the server lives")
def _():
    class Limited(Server):
        """A server whose files may not grow."""

        def __init__(self, folder, *options):
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, limit[1]))
            try:
                super().__init__(folder, *options)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    with Upload("--allow-upload", server=Limited) as site:
        expect(site.put("/a", b"x" * 300000).status == 201)
        expect(site.put("/b", b"x" * 1000000).status == 413)
        expect(site.names() == ["a"])


# ---- Ends --------------------------------------------------------------------------------------


@case("a stop lets an upload finish within the grace time, and leaves nothing of one that is cut")
def _():
    for grace, is_whole in (("30", True), ("0.05", False)):
        with Upload("--allow-upload", "--grace", grace) as site, site.server.connect() as peer:
            peer.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                      b"Expect: 100-continue\r\n\r\n")
            while b"100 Continue\r\n\r\n" not in peer.buffer:
                expect(peer.fill())
            peer.buffer.clear()
            peer.send(b"x" * 50000)
            site.server.process.send_signal(signal.SIGTERM)
            if is_whole:
                peer.send(b"x" * 50000)
                expect(peer.reply().status == 201)
            site.server.process.wait(PATIENCE_S)
            expect(site.names() == (["a"] if is_whole else []))


@case("what a killed server has left is swept by the next one")
def _():
    if served.MODEL:
        raise Skip("once is enough")
    with Upload("--allow-upload", "--allow-overwrite") as site:
        leftover = site.folder.write(".weft-upload/.weft-upload-0123456789abcdef", b"left")
        site.folder.write("a", b"a")
        with Server(site.folder.path, "--allow-upload"):
            expect(not os.path.exists(leftover))
            expect(site.put("/a", b"b").status == 204, "the other one makes its place again")
        expect(site.put("/a", b"c").status == 204)


sys.exit(run())
