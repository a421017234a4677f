#!/usr/bin/env python3
"""test_http_folder.py - what is asked of a whole folder by a query, as others' programs see it: zip
by Python's zipfile and unzip, tar by tarfile and tar; searches; SHA-256.

CHECK_ROUNDS (make soak) makes the folders of 100,000 files, and one of more than 4 GiB.
"""
import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import zipfile

from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run

SOAK = int(os.environ.get("CHECK_ROUNDS", "1")) > 1
NAMES = 100000 if SOAK else 3000

# A name as it is on the disk, and what it may be in an archive.
HOSTILE = [b"up\\..\\..\\evil", b"C:x", b"a:b?.txt", b"esc\x1b[2Jx", b"bad\xff\xfe.jpg", b"-rf",
           b"a_b", b"a\\b",
           "gr\u00fc\u00dfe \u65e5\u672c.txt".encode(), "rtl\u202egpj.exe".encode(),
           b"n" * 255, b"new\nline"]


def receive(server, target, method="GET"):
    """The status, fields and body, of chunks, of one request; a body that is cut off fails."""
    with server.connect() as connection:
        connection.send(b"%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method.encode(), target.encode()))
        while b"\r\n\r\n" not in connection.buffer:
            expect(connection.fill(), "no answer")
        head = connection.take(connection.buffer.index(b"\r\n\r\n") + 4)
        lines = head.decode("latin-1").split("\r\n")[:-2]
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        status = int(lines[0].split()[1])
        if method == "HEAD":
            return status, fields, b""
        expect(fields.get("transfer-encoding") == "chunked", head)
        body = bytearray()
        while True:
            while b"\r\n" not in connection.buffer:
                expect(connection.fill(), "cut off")
            size = int(connection.take(connection.buffer.index(b"\r\n") + 2), 16)
            while len(connection.buffer) < size + 2:
                expect(connection.fill(), "cut off")
            body += connection.take(size + 2)[:-2]
            if size == 0:
                return status, fields, bytes(body)


def furnish(folder):
    """Returns what an archive must have: contents by name, those of hostile names apart."""
    contents = {"a.txt": b"hello\n" * 1000, "random": os.urandom(700000), "zero": b"",
                "large.txt": b"some text " * 300000, "sub/deep/x": b"x",
                "/".join(["folder" * 10] * 12) + "/deep": b"d", "exact": bytes(131072)}
    for name, content in contents.items():
        folder.write(name, content)
    os.mkdir(folder.at("empty"))
    os.symlink("/etc/passwd", folder.at("out"))
    os.symlink("a.txt", folder.at("in"))
    os.mkfifo(folder.at("fifo"))
    folder.write(".hidden", "h")
    for name in HOSTILE:
        folder.write(name, name)
    return contents


def check_members(members, contents):
    """members: the contents by name, without the folder that all is in."""
    for name, content in contents.items():
        expect(members.pop(name, None) == content, name)
    expect("gr\u00fc\u00dfe \u65e5\u672c.txt" in members and "a_b" in members, members.keys())
    expect(sorted(members.values()) == sorted(HOSTILE), members.keys())
    for name in members:
        expect("\\" not in name and "/" not in name and name.isprintable(), name)


@case("zip: all that is there, by Python and by unzip; hostile names do no harm, links stay out")
def _():
    with Folder() as folder, Server(folder.path) as server:
        contents = furnish(folder)
        status, fields, body = receive(server, "/?archive=zip")
        expect(status == 200 and fields["content-type"] == "application/zip", fields)
        expect('filename="files.zip"' in fields["content-disposition"], fields)
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            expect(archive.testzip() is None)
            names = archive.namelist()
            expect(all(name.startswith("files/") for name in names), names)
            expect("files/empty/" in names)
            check_members({name[6:]: archive.read(name) for name in names
                           if not name.endswith("/")}, contents)
        if shutil.which("unzip"):
            with tempfile.TemporaryDirectory() as place:
                path = os.path.join(place, "x.zip")
                with open(path, "wb") as file:
                    file.write(body)
                done = subprocess.run(["unzip", "-tq", path], capture_output=True, text=True,
                                      check=False, timeout=PATIENCE_S)
                expect(done.returncode == 0, done.stdout + done.stderr)


@case("tar: the same, by Python and by tar")
def _():
    with Folder() as folder, Server(folder.path) as server:
        contents = furnish(folder)
        _, fields, body = receive(server, "/?archive=tar")
        expect(fields["content-type"] == "application/x-tar", fields)
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            expect(all(member.isfile() or member.isdir() for member in archive))
            check_members({member.name[6:]: archive.extractfile(member).read()
                           for member in archive if member.isfile()}, contents)
        done = subprocess.run(["tar", "-tf", "-"], input=body, capture_output=True, check=False)
        expect(done.returncode == 0 and done.stderr == b"", done.stderr)


@case("a folder below the root is an archive of its name; HEAD tells its type")
def _():
    with Folder() as folder, Server(folder.path) as server:
        folder.write("sub/deep/x", "x")
        for target in ("/sub/?archive=zip", "/sub?archive=zip"):
            _, fields, body = receive(server, target)
            expect('filename="sub.zip"' in fields["content-disposition"], fields)
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                expect(archive.namelist() == ["sub/deep/", "sub/deep/x"], archive.namelist())
        status, fields, _ = receive(server, "/sub/?archive=zip", method="HEAD")
        expect(status == 200 and fields["content-type"] == "application/zip")


@case("an archive of the names that a form has: they and all below them, and nothing else")
def _():
    with Folder() as folder, Server(folder.path) as server:
        for name in ("sub/deep/x", "sub/other/y", "sub/a b.txt", "sub/gr\u00fc\u00dfe", "sub/no"):
            folder.write(name, name)
        os.symlink("a b.txt", f"{folder.path}/sub/link")
        names = ["deep", "a b.txt", "gr\u00fc\u00dfe", "link"]
        form = urllib.parse.urlencode([("name", name) for name in names])
        for kind in ("zip", "tar"):
            done = subprocess.run(
                ["curl", "-sS", "-d", form, f"http://{server.address}/sub/?archive={kind}"],
                capture_output=True, check=True, timeout=PATIENCE_S).stdout
            if kind == "zip":
                with zipfile.ZipFile(io.BytesIO(done)) as archive:
                    found = [name for name in archive.namelist() if not name.endswith("/")]
            else:
                with tarfile.open(fileobj=io.BytesIO(done)) as archive:
                    found = [member.name for member in archive if member.isfile()]
            expect(sorted(found) == ["sub/a b.txt", "sub/deep/x", "sub/gr\u00fc\u00dfe"], found)


@case("no archive of a file, of what is not there or hidden, of another kind, or without listings")
def _():
    with Folder() as folder:
        folder.write("a.txt", "a")
        folder.write(".hidden/x", "x")
        with Server(folder.path) as server:
            expect(server.get("/a.txt?archive=zip").status == 400)
            expect(server.get("/?archive=rar").status == 400)
            expect(server.get("/nowhere/?archive=zip").status == 404)
            expect(server.get("/.hidden/?archive=zip").status == 404)
            expect(server.get("/?archive2=zip").status == 200)
        with Server(folder.path, "--no-listing") as server:
            expect(server.get("/?archive=zip").status == 403)
            expect(server.get("/?search=a").status == 403)


def memory_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


@case(f"{NAMES} small files: all are in the zip, in the tar and found; in bounded memory")
def _():
    with Folder() as folder, Server(folder.path) as server:
        for i in range(NAMES):
            with open(os.path.join(folder.path, f"file-{i}"), "wb") as file:
                file.write(b"%d" % i)
        before = memory_kb(server)
        _, _, body = receive(server, "/?archive=tar")
        after_tar = memory_kb(server)
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            expect(sum(1 for _ in archive) == NAMES)
        _, _, body = receive(server, "/?archive=zip")
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            expect(len(archive.namelist()) == NAMES)
            expect(archive.read(f"files/file-{NAMES - 1}") == b"%d" % (NAMES - 1))
        _, _, body = receive(server, f"/?search=file-{NAMES - 1}")
        expect([found["path"] for found in json.loads(body)["found"]] == [f"file-{NAMES - 1}"])
        print(f"# {before} KiB before, {after_tar} KiB after the tar, {memory_kb(server)} at last")
        if "asan" not in WEFT:
            expect(after_tar - before < 8192, "the tar took memory")
            expect(memory_kb(server) - before < 8192 + NAMES * 200 // 1024, "the zip took memory")


@case("a file of more than 4 GiB goes in, and comes out of both")
def _():
    if not SOAK:
        raise Skip("only by make soak")
    size = (4 << 30) + 12345
    with Folder() as folder, Server(folder.path) as server:
        with open(os.path.join(folder.path, "sparse"), "wb") as file:
            file.truncate(size)
        folder.write("a", "after")
        folder.write("z", "after")
        for kind, lister in (("zip", None), ("tar", ["tar", "-tvf", "-"])):
            url = f"http://{server.address}/?archive={kind}"
            if lister:
                done = subprocess.run(f"curl -s '{url}' | tar -tvf -", shell=True, check=True,
                                      capture_output=True, text=True)
                expect(str(size) in done.stdout, done.stdout)
                continue
            path = os.path.join(folder.top, "x.zip")
            subprocess.run(["curl", "-s", "-o", path, url], check=True)
            with zipfile.ZipFile(path) as archive:
                expect(archive.getinfo("files/sparse").file_size == size)
                expect(archive.testzip() is None)


@case("a search finds names in any case, and hostile ones as JSON; not what is hidden")
def _():
    with Folder() as folder, Server(folder.path) as server:
        furnish(folder)

        def search(pattern, path="/"):
            status, fields, body = receive(server, f"{path}?search={pattern}")
            expect(status == 200 and fields["content-type"] == "application/json")
            said = json.loads(body.decode("utf-8"))
            expect(said["is_complete"])
            return {found["path"]: found for found in said["found"]}

        expect(search("A.TXT")["a.txt"]["size"] == 6000)
        expect(search("GR%C3%9C*")["gr\u00fc\u00dfe \u65e5\u672c.txt"]["type"] == "file")
        expect(list(search("deep", "/sub/")) == ["deep"])
        expect(not search("hidden") and not search("passwd") and not search("%22%5C%22"))
        expect("new\nline" in search("line"))
        hrefs = [found["href"] for found in search("*").values()]
        for href in hrefs:
            expect(server.get("/" + href[2:]).status in (200, 301), href)
        expect(server.get("/?search=").status == 400)
        expect(server.get("/?search=" + "a" * 256).status == 400)
        expect(server.get("/?search=%FF").status == 400)


@case("SHA-256: as sha256sum has it, and as Repr-Digest of a HEAD; anew when the file has changed")
def _():
    with Folder() as folder, Server(folder.path) as server:
        for content in (b"one", b"other"):
            folder.write("a b", content)
            digest = hashlib.sha256(content)
            for _ in range(2):
                reply = server.get("/a%20b?sha256")
                expect(reply.body == digest.hexdigest().encode() + b"  a b\n", reply)
                reply = server.get("/a%20b", "Want-Repr-Digest: sha-256=5", method="HEAD")
                expect(reply["repr-digest"] == "sha-256=:%s:" % base64.b64encode(
                    digest.digest()).decode(), reply)
        for field in ("Want-Repr-Digest: sha-256=0", "Want-Repr-Digest: md5=1", "X: y"):
            expect(not server.get("/a%20b", field, method="HEAD")["repr-digest"])
        expect(server.get("/?sha256").status == 400)
        expect(server.get("/nowhere?sha256").status == 404)


sys.exit(run())
