#!/usr/bin/env python3
"""test_serve_accounts.py - `weft serve --state DIR`: who sees and changes which files, and what the
first start does."""
import base64
import ftplib
import io
import json
import os
import re
import subprocess
import sys

from accounted import PASSWORD, ApiServer, Client, State
from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run, weft


def basic(name, password=PASSWORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def ask(server, method, path, body=None, **fields):
    return Client(server, **fields).ask(
        method, path, body, {"Content-Type": None} if body is not None else None, prefix="")


@case("the first start makes an administrator, and tells the password once")
def _():
    with State() as state, Folder() as folder:
        log = os.path.join(state.top, "log")
        with ApiServer(folder, state, "--access-log", log) as server:
            first = server.facts["admin"]
            expect(first["name"] == "admin" and server.facts["state"] == state.path, server.facts)
            admin = server.log_in("admin", first["password"])
            expect(admin.get("/me").json["must_change"])
            expect(ask(server, "GET", "/", **basic("admin", first["password"])).status == 403)
            expect(admin.put("/me/password", {"old_password": first["password"],
                                              "new_password": PASSWORD}).status == 204)
            expect(ask(server, "GET", "/", **basic("admin")).status == 200)
        with ApiServer(folder, state) as server:
            expect("admin" not in server.facts, server.facts)
        with open(log, encoding="utf-8") as file:
            expect(first["password"] not in file.read() + state.do("audit"))


@case("a start that fails tells no password, and so makes no administrator")
def _():
    with State() as state, Folder() as folder, ApiServer(folder, state) as server:
        with State() as other:
            done = weft("serve", folder.path, "--state", other.path, "--hash-cost", "least",
                        "--http", server.address)
            expect(done.returncode == 1, done)
            expect(other.facts("find") == [], done)


@case("strangers read and change nothing, until they are granted more or less")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("in/b.txt", "there")
        state.add("ann", PASSWORD, "--role", "admin")
        with ApiServer(folder, state) as server:
            expect(ask(server, "GET", "/a.txt").body == b"hello")
            expect(b"a.txt" in ask(server, "GET", "/").body)
            for path in ("/in/", "/in//", "//in/", "/./in/"):
                expect(b"b.txt" in ask(server, "GET", path).body, path)
            for method, path in (("PUT", "/new.txt"), ("PUT", "/a.txt"), ("DELETE", "/a.txt"),
                                 ("POST", "/"), ("MKCOL", "/new"), ("MOVE", "/a.txt")):
                answer = ask(server, method, path, b"x", Destination="/c.txt", If_Match="*")
                expect(answer.status in (401, 403), (method, path, answer))
                expect(answer.status != 401 or "Basic" in answer.fields["WWW-Authenticate"])
        state.do("grant", "set", "role:stranger", "", "none")
        state.do("grant", "set", "role:stranger", "in", "read,list,write")
        with ApiServer(folder, state) as server:
            expect(ask(server, "GET", "/a.txt").status == 401)
            expect(ask(server, "GET", "/").status == 401)
            expect(ask(server, "GET", "/in/b.txt").body == b"there")
            expect(b"b.txt" in ask(server, "GET", "/in/").body)
            expect(ask(server, "PUT", "/in/c.txt", b"mine").status == 201)
            expect(ask(server, "PUT", "/in/b.txt", b"mine").status in (401, 403, 412))
            expect(ask(server, "GET", "/in/b.txt").body == b"there")
        expect(sorted(os.listdir(folder.at("in"))) == [b"b.txt", b"c.txt"])


@case("who may not is told whether to sign in, to ask for it, or that it is the server that can't")
def _():
    def why(answer):
        return json.loads(answer.body)["detail"]

    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("in/b.txt", "there")
        state.add("gus", PASSWORD, "--role", "guest")
        state.add("mia")
        state.do("grant", "set", "role:stranger", "in", "read,list,write")
        with ApiServer(folder, state) as server:
            json_too = {"Accept": "application/json"}
            for method in ("PUT", "DELETE", "MKCOL"):
                told = ask(server, method, "/new", **json_too)
                expect(told.status == 401 and "sign in" in why(told), told)
            told = ask(server, "DELETE", "/in/b.txt", **json_too)
            expect(told.status == 403 and "Guests may not" in why(told) and
                   "Sign in" in why(told), told)
            for method in ("PUT", "DELETE", "MKCOL"):
                told = ask(server, method, "/a.txt", **json_too, **basic("gus"))
                expect(told.status == 403 and "You may not do this here" in why(told),
                       (method, told))
            told = ask(server, "MOVE", "/a.txt", Destination="/in/c.txt", **json_too,
                       **basic("gus"))
            expect(told.status == 403 and "You may not do this here" in why(told), told)
            if os.geteuid() != 0:
                os.chmod(folder.at("in"), 0o555)
                told = ask(server, "PUT", "/in/x", b"x", **json_too, **basic("mia"))
                expect(told.status == 403 and "server may not write" in why(told), told)
                os.chmod(folder.at("in"), 0o755)


@case("cookie, password and token let the same person in; what is wrong lets in nobody")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia")
        state.do("grant", "set", "role:stranger", "", "none")
        token = state.token("mia")
        reader = state.token("mia", "--rights", "read,list")
        with ApiServer(folder, state) as server:
            cookie = {"Cookie": server.log_in("mia").fields["Cookie"]}
            ways = (cookie, basic("mia"), {"Authorization": "Bearer " + token})
            for number, fields in enumerate(ways):
                expect(ask(server, "GET", "/a.txt", **fields).body == b"hello", fields)
                expect(ask(server, "PUT", f"/{number}.txt", b"x", **fields).status == 201, fields)
            read_only = {"Authorization": "Bearer " + reader}
            expect(ask(server, "GET", "/a.txt", **read_only).body == b"hello")
            expect(ask(server, "PUT", "/no.txt", b"x", **read_only).status == 403)
            for fields in (basic("mia", "wrong horse 1"), basic("nobody"), basic("", ""),
                           basic("mia", ""), {"Authorization": "Bearer x"},
                           {"Authorization": "Basic ???"}, {"Cookie": "weft-session=x"},
                           {**cookie, **basic("mia", "wrong horse 1")}):
                answer = ask(server, "GET", "/a.txt", **fields)
                expect(answer.status == 401 and b"hello" not in answer.body, (fields, answer))
            foreign = ask(server, "PUT", "/f.txt", b"x", Origin="http://evil.example", **cookie)
            expect(foreign.status == 403, foreign)


@case("what is granted, locked and removed holds with the next requests")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia", PASSWORD, "--role", "guest")
        token = state.token("ann", "--powers", "all")
        with ApiServer(folder, state) as server:
            ann, mia = server.bearer(token), server.log_in("mia")
            cookie = {"Cookie": mia.fields["Cookie"]}
            expect(ask(server, "PUT", "/b.txt", b"x", **cookie).status == 403)
            grant = {"to": "user", "subject": "mia", "folder": "", "rights": ["read", "write"]}
            expect(ann.put("/grants", grant).status == 204)
            expect(ask(server, "PUT", "/b.txt", b"x", **cookie).status == 201)
            expect(ask(server, "GET", "/", **cookie).status == 403)
            expect(ann.post("/users/mia/lock").status == 204)
            expect(mia.get("/me").status == 401)
            expect(ask(server, "PUT", "/c.txt", b"x", **cookie).status in (401, 403))
            expect(ask(server, "GET", "/a.txt", **basic("mia")).status in (401, 403))


@case("who has a home sees nothing else, and a quota is kept")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("mias/own.txt", "mine")
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia", PASSWORD, "--home", "mias", "--quota", "1000")
        with ApiServer(folder, state) as server:
            mia = {"Cookie": server.log_in("mia").fields["Cookie"]}
            expect(ask(server, "GET", "/own.txt", **mia).body == b"mine")
            expect(ask(server, "GET", "/a.txt", **mia).status == 404)
            expect(ask(server, "GET", "/../a.txt", **mia).status in (400, 404))
            expect(ask(server, "PUT", "/small", b"x" * 900, **mia).status == 201)
            expect(ask(server, "PUT", "/large", b"x" * 900, **mia).status == 507)
            expect(ask(server, "DELETE", "/small", **mia).status == 204)
            expect(ask(server, "PUT", "/large", b"x" * 900, **mia).status == 201)
        expect(sorted(os.listdir(folder.at("mias"))) == [b"large", b"own.txt"])
        expect(state.facts("show", "mia")["used"] == 900, state.facts("show", "mia"))


def reply_of(call, *arguments):
    """The code of an FTP reply, also of a refusal."""
    try:
        return call(*arguments)[:3]
    except ftplib.Error as error:
        return str(error)[:3]


@case("who stored a file is credited by whoever removes it, and a recount sets right the rest")
def _():
    with State() as state, Folder() as folder:
        for name in ("mia", "ben"):
            state.add(name, PASSWORD, "--quota", "1000")
        used = lambda: tuple(state.facts("show", name)["used"] for name in ("mia", "ben"))
        with ApiServer(folder, state) as server:
            mia, ben = ({"Cookie": server.log_in(name).fields["Cookie"]} for name in ("mia", "ben"))
            for name in ("a", "b", "c"):
                # Who a client says it is counts for nothing.
                expect(ask(server, "PUT", "/" + name, b"x" * 300, **mia,
                           **{"user.weft.owner": "#2.0"}).status == 201)
            expect(used() == (900, 0), used())
            expect(ask(server, "PUT", "/a", b"y" * 100, **ben).status == 204)
            expect(ask(server, "DELETE", "/b", **ben).status == 204)
            expect(used() == (300, 100), used())
        folder.write("strays", "12345")
        os.unlink(folder.at("c"))
        found = state.facts("recount", os.fsdecode(folder.at("")), "--trial")
        expect(found == {"accounts": [{"name": "mia", "before": 300, "found": 0,
                                       "is_busy": False}], "others": 5}, found)
        expect(used() == (300, 100))
        expect("1 of 3 were wrong" in state.do("recount", os.fsdecode(folder.at(""))))
        expect(used() == (0, 100))
        expect(state.run("recount", "/nowhere").returncode == 1)
        expect(state.run("recount", where=("--server", "http://127.0.0.1:1")).returncode == 2)


@case("a folder that is renamed, by any door, stays closed, and the home that it was")
def _():
    with State() as state, Folder() as folder:
        folder.write("board/minutes.txt", "secret")
        folder.write("sales/plan.txt", "plan")
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia", PASSWORD)
        state.add("sam", PASSWORD, "--home", "sales")
        for role in ("member", "guest", "stranger"):
            state.do("grant", "set", "role:" + role, "board", "none")
        state.do("grant", "set", "role:member", "sales", "read,list")
        state.do("grant", "set", "sam", "sales", "read,list,write")
        ann, mia, sam = (state.token(name) for name in ("ann", "mia", "sam"))
        held = lambda: sorted({grant["folder"] for grant in state.facts("grant", "list")} - {""})
        with ApiServer(folder, state, "--ftp", "127.0.0.1:0") as server:
            def reads(path):
                """Whether anybody but the administrator does."""
                return [ask(server, "GET", path, **who).status
                        for who in ({"Authorization": "Bearer " + mia}, {})]

            def door(name):
                ftp = ftplib.FTP(timeout=PATIENCE_S)
                ftp.connect("127.0.0.1", int(server.facts["ftp"].rpartition(":")[2]))
                ftp.login(name, PASSWORD)
                return ftp

            as_ann = {"Authorization": "Bearer " + ann}
            as_sam = {"Authorization": "Bearer " + sam}
            expect(reads("/board/minutes.txt") == [403, 401], reads("/board/minutes.txt"))
            with door("mia") as waiting, door("ann") as mover:
                expect(reply_of(waiting.retrbinary, "RETR board/minutes.txt", len) == "550")
                moved = ask(server, "MOVE", "/board", Destination="/board-2025", **as_ann)
                expect(moved.status == 201, moved)
                expect(reads("/board-2025/minutes.txt") == [403, 401])
                expect(reply_of(waiting.retrbinary, "RETR board-2025/minutes.txt", len) == "550")
                mover.rename("board-2025", "old")
                expect(reads("/old/minutes.txt") == [403, 401])
                expect(reply_of(waiting.retrbinary, "RETR old/minutes.txt", len) == "550")
                mover.rename("sales", "trade")
            expect(held() == ["old", "trade"], held())
            expect(ask(server, "GET", "/plan.txt", **as_sam).body == b"plan")
            expect(ask(server, "PUT", "/more.txt", b"more", **as_sam).status == 201)
            expect(ask(server, "COPY", "/old", Destination="/new", **as_ann).status == 201)
            expect(reads("/new/minutes.txt") == [403, 401])
            expect(reads("/old/minutes.txt") == [403, 401])
        expect(state.facts("show", "sam")["home"] == "trade")
        expect(os.path.exists(folder.at("trade/more.txt")))
        log = state.facts("audit", "--action", "grant.move")
        expect([(line["who"], line["target"], line["detail"]) for line in log] == [
            ("ann", "sales", "trade"), ("ann", "board-2025", "old"),
            ("ann", "board", "board-2025")], log)


@case("by FTP it is the same people, the same rights, the same strangers")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("mias/own.txt", "mine")
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("mia", PASSWORD, "--home", "mias", "--quota", "1000")
        token = state.token("ann", "--powers", "all")
        with ApiServer(folder, state, "--ftp", "127.0.0.1:0", "--ftp-anonymous") as server:
            def come(name, password):
                ftp = ftplib.FTP(timeout=PATIENCE_S)
                ftp.connect("127.0.0.1", int(server.facts["ftp"].rpartition(":")[2]))
                return ftp, reply_of(ftp.login, name, password)

            mia, code = come("mia", PASSWORD)
            expect(code == "230" and mia.nlst() == ["own.txt"], code)
            expect(reply_of(mia.storbinary, "STOR small", io.BytesIO(b"x" * 900)) == "226")
            expect(reply_of(mia.storbinary, "STOR large", io.BytesIO(b"x" * 900)) == "552")
            expect(come("mia", "wrong horse 1")[1] == "530" and come("zoe", PASSWORD)[1] == "530")
            nobody, code = come("anonymous", "me@example.org")
            expect(code == "230" and sorted(nobody.nlst()) == ["a.txt", "mias"], code)
            expect(reply_of(nobody.storbinary, "STOR b", io.BytesIO(b"x")) == "550")
            ann = server.bearer(token)
            expect(ann.put("/grants", {"to": "role", "subject": "stranger", "folder": "",
                                       "rights": []}).status == 204)
            expect(ann.post("/users/mia/lock").status == 204)
            expect(reply_of(nobody.retrbinary, "RETR a.txt", len) == "550")
            expect(reply_of(mia.voidcmd, "DELE small") in ("421", "530"))
        expect(state.facts("show", "mia")["used"] == 900)


@case("one person's answer is kept for no other, and that is said once")
def _():
    with State() as state, Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("long.txt", "hello " * 1000)
        folder.write("sub/b.txt", "hello")
        state.add("ann", PASSWORD, "--role", "admin")
        with ApiServer(folder, state) as server:
            answer = ask(server, "GET", "/a.txt")
            expect("private" in answer.fields["Cache-Control"], answer.fields)
            expect("Cookie" in answer.fields["Vary"], answer.fields)
            tag = {"If_None_Match": answer.fields["ETag"]}
            for path, fields in (("/a.txt", {}), ("/a.txt", tag), ("/", {}), ("/sub", {}),
                                 ("/long.txt", {"Accept_Encoding": "gzip"}), ("/long.txt", {}),
                                 ("/none", {}), ("/?archive=tar", {}), ("/?search=a", {}),
                                 ("/a.txt?sha256", {}), ("/a.txt?download", {}),
                                 ("/a.txt", {"Range": "bytes=0-1"})):
                answer = ask(server, "GET", path, **fields)
                for name, part in (("Vary", "Cookie, Authorization"),
                                   ("Cache-Control", "no-")):
                    values = answer.fields.get_all(name)
                    expect(len(values) == 1 and part in values[0], (path, answer.fields.items()))
        with ApiServer(folder, state, "--cache", "*=no-store") as server:
            answer = ask(server, "GET", "/a.txt")
            expect(answer.fields.get_all("Cache-Control") == ["no-store"], answer.fields.items())


@case("passwords go over no network in the clear unless that is said, and the state is not shared")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        for options, status, part in (
                (("--http", "0.0.0.0:0"), 2, "--state sends passwords in the clear"),
                (("--auth-file", "x"), 2, "one"), (("--model", "fork"), 2, "fork"),
                (("--links", "all"), 2, "past somebody's rights")):
            done = weft("serve", folder.path, "--state", state.path, "--hash-cost", "least",
                        *options)
            expect(done.returncode == status and part in done.stderr, done)
        done = weft("config", "check", env={**os.environ, "WEFT_SERVE_LINKS": "all",
                                            "WEFT_SERVE_STATE": state.path})
        expect(done.returncode == 2 and "past somebody's rights" in done.stderr, done)
        done = weft("serve", state.top, "--state", state.path, "--hash-cost", "least")
        expect(done.returncode == 1 and "state folder" in done.stderr, done)
        done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--hash-cost", "least")
        expect(done.returncode == 2, done)


@case("with accounts no link is followed, and the start says so where it sees one")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        folder.write("a.txt", "hello")
        for links, name, is_said in ((), None, False), ((), "b.txt", True), \
                (("--links", "none"), None, False):
            if name:
                os.symlink("a.txt", folder.at(name))
            server = ApiServer(folder, state, *links)
            ann = basic("ann")
            found = [ask(server, "GET", path, **ann).status for path in ("/a.txt", "/b.txt")]
            server.process.terminate()
            said = server.process.communicate(timeout=PATIENCE_S)[1].decode()
            expect(found[0] == 200 and found[1] != 200, found)
            expect(("symbolic links in" in said) == is_said, said)


@case("without --state, and with none, nobody is asked, and there is no API")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        for options in ((), ("--state", "none")):
            with Server(folder.path, *options) as server:
                expect(server.get("/a.txt").body == b"hello")
                expect(server.get("/api/v1/me").status == 404)
                expect("state" not in server.facts)


@case("the usual folder is below XDG_STATE_HOME, and is the command's, too")
def _():
    if os.geteuid() == 0: # root's is /var/lib/weft, which is no test's
        wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    else:
        wrapper = []
    with State() as state:
        os.chmod(state.top, 0o777)
        done = subprocess.run(
            [*wrapper, os.path.abspath(WEFT), "account", "add", "ann", "--password-stdin"],
            input=PASSWORD + "\n", env={"XDG_STATE_HOME": os.path.join(state.top, "deep", "er")},
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        if wrapper and done.returncode == 126:
            raise Skip("nobody else may run the build")
        expect(done.returncode == 0, done)
        path = os.path.join(state.top, "deep", "er", "weft")
        expect(re.search("accounts.db", " ".join(os.listdir(path))), path)
        expect(os.stat(path).st_mode & 0o777 == 0o700)


sys.exit(run())
