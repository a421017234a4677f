"""test_page.py - the page of the hub by HTTP: who gets it and who the listing, its files, its
facts, its policy, its caches (docs/page.md). What it does in a browser: tests/web."""
import gzip
import os
import re
import sys
from unittest import mock

from accounted import PASSWORD, ApiServer, Client, State
from served import Folder, Server, case, expect, run, weft

# The page as tools/page has made it ready.
WEB = os.path.join(os.environ.get("WEFT_TEST_BUILD", "build/release"), "page")

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TAB = {**HTML, "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}

# All of it, as it is sent to a browser.
COMPRESSED_MAX = 100 * 1024


def ask(server, path, fields=None, method="GET"):
    return Client(server).ask(method, path, fields=fields, prefix="")


def is_page(answer):
    return answer.type == "text/html" and b"/core/app.js" in answer.body


def is_listing(answer):
    return answer.type == "text/html" and b"/core/app.js" not in answer.body and \
        b"a.txt" in answer.body


def hash_of(server):
    page = ask(server, "/", TAB).body
    return re.search(rb"/\.weft/([0-9a-f]{16})/core/app\.js", page)[1].decode()


def hub(folder, *options):
    return Server(folder.path, "--page", *options)


def web_files():
    found = []
    for top, _, names in os.walk(WEB):
        found += [os.path.relpath(os.path.join(top, name), WEB) for name in names]
    return sorted(found)


def is_packed(name, text, sent):
    """Whether that is how a file of the page is sent."""
    if name.endswith(".css"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        return re.sub(r"\s", "", text) == re.sub(r"\s", "", sent)
    return text == sent


@case("a browser that goes to a folder gets the page; programs get what they got before")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("sub/a.txt", "hello")
        with hub(folder) as server:
            for path in ("/", "/sub/"):
                for fields in (HTML, TAB, {**TAB, "Accept": "TEXT/plain, text/html"}):
                    answer = ask(server, path, fields)
                    expect(answer.status == 200 and is_page(answer), (path, fields, answer))
                for fields in ({}, {"Accept": "*/*"}, {**HTML, "Sec-Fetch-Dest": "iframe"},
                               {**HTML, "Sec-Fetch-Dest": "empty"}):
                    expect(is_listing(ask(server, path, fields)), (path, fields))
                for query in ("?plain", "?sort=size", "?order=desc", "?plain&x=1"):
                    expect(is_listing(ask(server, path + query, TAB)), query)
                expect(is_page(ask(server, path + "?x=plain", TAB)))
                answer = ask(server, path, {"Accept": "application/json"})
                expect("a.txt" in [one["name"] for one in answer.json["entries"]], answer)
                expect(ask(server, path + "?archive=zip", TAB).type == "application/zip")
            expect(ask(server, "/a.txt", TAB).body == b"hello")
            expect(ask(server, "/sub", TAB).fields["Location"] == "./sub/")
            answer = ask(server, "/", TAB, "HEAD")
            expect(answer.status == 200 and answer.body == b"", answer)
            expect(int(answer.fields["Content-Length"]) > 500, answer.fields)
        with Server(folder.path) as server:
            expect(is_listing(ask(server, "/", TAB)), "there without --page")
            expect(ask(server, "/.weft/", TAB).status == 404)


@case("a folder with an index has that alone; one that is not there says so in the page")
def _():
    with Folder() as folder:
        folder.write("site/index.html", "<h1>own</h1>")
        folder.write("a.txt", "hello")
        with hub(folder) as server:
            expect(ask(server, "/site/", TAB).body == b"<h1>own</h1>")
            answer = ask(server, "/none/", TAB)
            expect(answer.status == 404 and is_page(answer), answer)
            answer = ask(server, "/none.txt", TAB)
            expect(answer.status == 404 and not is_page(answer), answer)
            expect(not is_page(ask(server, "/none/")))
            for path in ("/none/", "/.weft/x/", "/.weft/hub.json/"):
                answer = ask(server, path, TAB)
                expect(is_page(answer), answer)
                expect(answer.fields.get_all("Cache-Control") == ["no-cache"], answer.fields)
        with hub(folder, "--no-listing") as server:
            expect(is_page(ask(server, "/", TAB)) and ask(server, "/").status == 403)


@case("its document is the same at each of its addresses, and there are no others")
def _():
    with Folder() as folder, hub(folder) as server:
        first = ask(server, "/", TAB)
        for path in ("/.weft/", "/.weft/chat", "/.weft/chat/lobby", "/.weft/people",
                     "/.weft/people/mia", "/.weft/me", "/.weft/status", "/.weft/status/fibers"):
            answer = ask(server, path)
            expect(answer.status == 200 and answer.body == first.body, (path, answer))
        for path in ("/.weft/x", "/.weft/chats", "/.weft/core/app.js", "/.weft/hub.jso"):
            answer = ask(server, path)
            expect(answer.status == 404 and answer.fields["Cache-Control"] == "no-store", answer)
        expect(ask(server, "/.weft/chat", method="POST").status == 405)
        for fields in ({}, TAB):
            answer = ask(server, "/.weft", fields)
            expect(answer.status == 307 and answer.fields["Location"] == "/.weft/", answer)


@case("the document runs and loads nothing but the server's own, and is asked for anew each time")
def _():
    with Folder() as folder, hub(folder) as server:
        answer = ask(server, "/", TAB)
        policy = dict(rule.partition(" ")[::2]
                      for rule in answer.fields["Content-Security-Policy"].split("; "))
        expect(policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and
               policy["style-src"] == "'self'" and policy["frame-ancestors"] == "'none'" and
               policy["base-uri"] == "'none'" and policy["trusted-types"] == "'none'" and
               policy["require-trusted-types-for"] == "'script'", policy)
        expect("unsafe" not in str(policy) and "*" not in str(policy) and ":" not in
               str(policy).replace("blob:", "").replace("': '", "").replace("': \"", ""), policy)
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache"),
                            ("Referrer-Policy", "same-origin"),
                            ("Cross-Origin-Opener-Policy", "same-origin"),
                            ("Cross-Origin-Resource-Policy", "same-origin")):
            expect(answer.fields[name] == value, (name, answer.fields[name]))
        expect("camera=()" in answer.fields["Permissions-Policy"])
        expect({"Accept", "Sec-Fetch-Dest", "Accept-Encoding"} ==
               set(answer.fields["Vary"].split(", ")), answer.fields["Vary"])
        again = ask(server, "/", {**TAB, "If-None-Match": answer.fields["ETag"]})
        expect(again.status == 304 and again.body == b"", again)
        expect(ask(server, "/", {**TAB, "If-None-Match": '"x"'}).status == 200)
        expect(not re.search(rb"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=", answer.body))


@case("each file is there below the hash of all, to be kept for ever, with its type and coding")
def _():
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
             ".html": "text/html"}
    names = web_files()
    sent = 0
    with Folder() as folder, hub(folder) as server:
        now = hash_of(server)
        for name in names:
            with open(os.path.join(WEB, name), encoding="utf-8") as file:
                text = file.read().replace("@HASH-OF-ALL@@@@", now)
            path = f"/.weft/{now}/{name}"
            plain = ask(server, path)
            wanted = plain.body
            expect(is_packed(name, text, wanted.decode()), name)
            expect(plain.fields["Content-Encoding"] is None, name)
            expect(plain.type == types[os.path.splitext(name)[1]], (name, plain.type))
            expect("immutable" in plain.fields["Cache-Control"] and
                   plain.fields["X-Content-Type-Options"] == "nosniff" and
                   plain.fields["Vary"] == "Accept-Encoding", plain.fields)
            answer = ask(server, path, {"Accept-Encoding": "gzip, deflate"})
            if answer.fields["Content-Encoding"] == "gzip":
                expect(gzip.decompress(answer.body) == wanted, name)
                expect(len(answer.body) < len(wanted))
            else:
                expect(answer.body == wanted, name)
            answer = ask(server, path, {"Accept-Encoding": "gzip, deflate, br, zstd"})
            sent += len(answer.body)
            refused = ask(server, path, {"Accept-Encoding": "br;q=0, gzip;q=0.0"})
            expect(refused.body == wanted and refused.fields["Content-Encoding"] is None, name)
        expect(answer.fields["Content-Encoding"] in ("br", "gzip", None))
        if "files/list.js" not in names:  # by esbuild: one script of each view (tools/page)
            expect(sent < COMPRESSED_MAX, f"all of the page is {sent} bytes")
        print(f"# {len(names)} files, {sent} bytes")


@case("of another version there is nothing, and that is not kept")
def _():
    with Folder() as folder, hub(folder) as server:
        now = hash_of(server)
        for path in ("/.weft/0123456789abcdef/core/app.js", f"/.weft/{now[:-1]}/core/app.js",
                     f"/.weft/{now}x/core/app.js"):
            answer = ask(server, path)
            expect(answer.status == 404 and answer.fields["Cache-Control"] == "no-store", answer)
        for name in ("core/none.js", "README.md", "", "../web/index.html", "core", "core/"):
            answer = ask(server, f"/.weft/{now}/{name}")
            expect(answer.status in (400, 404), (name, answer))
            expect("immutable" not in str(answer.fields["Cache-Control"]), answer.fields)


@case("hub.json tells what there is, who asks, and what strangers may")
def _():
    with Folder() as folder, State() as state:
        with hub(folder, "--upload-max", "5M", "--allow-upload") as server:
            answer = ask(server, "/.weft/hub.json")
            expect(answer.fields["Cache-Control"] == "no-store", answer.fields)
            facts = answer.json
            expect(facts["has"] == {"files": True, "chat": False, "accounts": False,
                                    "status": False}, facts)
            expect(facts["me"] is None and facts["limits"] == {"upload_max": 5 << 20}, facts)
            expect(facts["strangers"] == {"may": ["read", "list", "write"]}, facts)
            expect(facts["chat"] == {"udp": None, "lines": None}, facts)
            expect(facts["name"] and facts["version"] == weft("--version").stdout.split()[1])
        state.add("mia", PASSWORD, "--role", "admin", "--display-name", "Mia <b>\u6f22")
        state.add("new", PASSWORD, "--must-change")
        with ApiServer(folder, state, "--page", "--chat-web", "--chat", "127.0.0.1:0") as server:
            facts = ask(server, "/.weft/hub.json").json
            expect(facts["has"]["chat"] and facts["has"]["accounts"] and
                   facts["has"]["status"], facts)
            expect(facts["me"] is None and facts["strangers"]["may"] == ["read", "list"], facts)
            expect(facts["chat"] == {"udp": server.facts["chat"], "lines": server.facts["chat"]})
            mia = server.log_in("mia", PASSWORD)
            facts = mia.get("/hub.json", prefix="/.weft").json
            expect(facts["me"] == {
                "name": "mia", "display": "Mia <b>\u6f22", "role": "admin", "must_change": False,
                "powers": ["accounts", "audit", "backup", "moderate", "operate"]}, facts)
            new = server.log_in("new", PASSWORD)
            facts = new.get("/hub.json", prefix="/.weft").json
            expect(facts["me"]["must_change"] and facts["me"]["powers"] == [], facts)
            over = {"Cookie": "weft-session=weft_s_nobody"}
            expect(ask(server, "/.weft/hub.json", over).json["me"] is None)


@case("who may not see it is asked by the page, not by the browser; programs are asked as before")
def _():
    with Folder() as folder, State() as state:
        folder.write("hers/a.txt", "secret")
        folder.write("a.txt", "hello")
        state.add("mia")
        state.add("new", PASSWORD, "--must-change")
        state.do("grant", "set", "role:stranger", "hers", "none")
        state.do("grant", "set", "user:mia", "hers", "read,list")
        with ApiServer(folder, state, "--page") as server:
            for path in ("/hers/", "/hers/a.txt"):
                answer = ask(server, path, TAB)
                expect(answer.status == 401 and is_page(answer), answer)
                expect(b"secret" not in answer.body and answer.fields["Cache-Control"], answer)
                for fields in (TAB, HTML, {"Sec-Fetch-Dest": "empty"},
                               {"X-Requested-With": "weft"}):
                    answer = ask(server, path, fields)
                    expect(answer.status == 401 and
                           answer.fields["WWW-Authenticate"].startswith("Bearer"), answer.fields)
                for fields in ({}, {"Accept": "*/*"}, {"X-Requested-With": "other"}):
                    answer = ask(server, path, fields)
                    expect(answer.fields["WWW-Authenticate"].startswith("Basic"), answer.fields)
                    expect(answer.status == 401 and not is_page(answer), answer)
            mia, new = server.log_in("mia", PASSWORD), server.log_in("new", PASSWORD)
            expect(is_page(mia.get("/hers/", fields=TAB, prefix="")))
            expect(mia.get("/hers/a.txt", fields=TAB, prefix="").body == b"secret")
            answer = new.get("/", fields=TAB, prefix="")
            expect(answer.status == 403 and is_page(answer), answer)
            answer = new.get("/", prefix="")
            expect(answer.status == 403 and not is_page(answer), answer)
        with ApiServer(folder, state) as server:
            answer = ask(server, "/hers/", TAB)
            expect(answer.fields["WWW-Authenticate"].startswith("Basic"), "without --page")


@case("the chat's own document leads to the page; its WebSocket stays where it is")
def _():
    with Folder() as folder, hub(folder, "--chat-web") as server:
        for path, place in (("/.chat/", "/.weft/chat"), ("/.chat", "/.chat/"),
                            ("/.chat/account.html", "/.weft/me")):
            answer = ask(server, path, TAB)
            expect(answer.status == 307 and answer.fields["Location"] == place, answer.fields)
        answer = ask(server, "/.chat", {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
        expect(answer.status == 101, answer)


@case("it is there by threads and processes, too")
def _():
    for model in ("pool", "fork"):
        with mock.patch("served.MODEL", model), Folder() as folder, hub(folder) as server:
            expect(is_page(ask(server, "/", TAB)))
            expect(ask(server, "/.weft/hub.json").json["has"]["files"])
            expect(ask(server, f"/.weft/{hash_of(server)}/core/app.js").status == 200)


@case("it is of a door by HTTP, and there is one way to say so in a file")
def _():
    with Folder() as folder:
        done = weft("serve", folder.path, "--page", "--http", "none", "--ftp", "127.0.0.1:0")
        expect(done.returncode == 2 and "--page" in done.stderr, done)
        path = os.path.join(folder.top, "weft.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("page = yes\n")
        with Server(folder.path, "--config", path) as server:
            expect(is_page(ask(server, "/", TAB)))


sys.exit(run())
