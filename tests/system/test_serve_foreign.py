#!/usr/bin/env python3
"""test_serve_foreign.py - what a page of another site has the browser of somebody send, who is
logged in here, changes nothing: every address where something can be changed, in every form that
browsers give such a request. And what such a page is told, of every kind of answer.

The operations of the API are those of docs/account-api.yaml, all of them; those on files are below.
"""
import base64
import http.client
import os
import re

import yaml
from accounted import PASSWORD, ApiServer, State
from served import PATIENCE_S, Folder, Server, case, expect, run

with open("docs/account-api.yaml", encoding="utf-8") as described:
    API = yaml.safe_load(described)

BASIC = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()

# How browsers say where a request comes from; Fetch Metadata is not sent to others' http://.
FOREIGN = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another site, by Origin alone": {"Origin": "https://evil.example"},
    "another site, without Origin": {"Sec-Fetch-Site": "cross-site"},
    "a sibling of ours": {"Origin": "http://other.localhost", "Sec-Fetch-Site": "same-site"},
    "another port of ours": {"Origin": "http://127.0.0.1:1"},
    "a sandbox": {"Origin": "null"},
    "what is like ours": {"Origin": "http://127.0.0.1.evil.example"},
    "two origins": {"Origin": "http://127.0.0.1 https://evil.example"},
}

MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TUS = {"Tus-Resumable": "1.0.0"}
# By names of their own, so that they are not refused for what is there.
NAMED = {"Upload-Length": "5", "Upload-Metadata": "filename b25lLnR1cw=="}
OTHER = {"Upload-Length": "5", "Upload-Metadata": "filename dHdvLnR1cw=="}
UPLOAD = (b'--x\r\nContent-Disposition: form-data; name="f"; filename="b.txt"\r\n\r\nhello\r\n'
          b'--x--\r\n')

# Method, address, fields, body. {tus} is an upload under way, {trash} what was thrown away.
FILES = (
    ("PUT", "/new.txt", {}, b"hello"),
    ("PUT", "/a.txt", {"If-Match": "*"}, b"other"),
    ("POST", "/", MULTIPART, UPLOAD),
    ("POST", "/sub/", MULTIPART, UPLOAD),
    ("DELETE", "/a.txt", {}, None),
    ("DELETE", "/a.txt?trash", {}, None),
    ("DELETE", "/sub/?trash", {}, None),
    ("MKCOL", "/made", {}, None),
    ("MOVE", "/a.txt", {"Destination": "/moved.txt"}, None),
    ("POST", "/.tus/", {**TUS, **OTHER}, b""),
    ("PATCH", "{tus}", {**TUS, "Upload-Offset": "0",
                        "Content-Type": "application/offset+octet-stream"}, b"hello"),
    ("DELETE", "{tus}", TUS, None),
    ("POST", "/.trash/{trash}", {}, b""),
    ("DELETE", "/.trash/{trash}", {}, None),
    ("DELETE", "/.trash/", {}, None),
)


class Site:
    """A server with all that can be changed, and ann, who may change it all."""

    def __enter__(self):
        self.folder, self.state = Folder().__enter__(), State().__enter__()
        self.folder.write("a.txt", "hello")
        self.folder.write("sub/b.txt", "hello")
        self.folder.write("thrown.txt", "away")
        self.state.add("ann", PASSWORD, "--role", "admin")
        self.state.add("bob")
        self.server = ApiServer(self.folder, self.state, "--chat", "127.0.0.1:0", "--chat-web",
                                "--page")
        self.ann = self.server.log_in("ann")
        self.cookie = self.ann.fields["Cookie"]
        self.own = {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}
        begun = self.send("POST", "/.tus/", {**self.own, **TUS, **NAMED}, b"")
        expect(begun.status == 201, begun.status)
        self.tus = re.sub(r"^https?://[^/]*", "", begun.headers["Location"])
        thrown = self.send("DELETE", "/thrown.txt?trash", self.own, None)
        expect(thrown.status == 200, thrown.status)
        self.trash = re.search(r'"id": *"([^"]+)"', thrown.text)[1]
        return self

    def __exit__(self, *what):
        self.server.__exit__(*what)
        self.state.__exit__(*what)
        self.folder.__exit__(*what)

    def send(self, method, path, fields, body):
        connection = http.client.HTTPConnection(
            self.server.host, self.server.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            answer.text = answer.read().decode("utf-8", "replace")
            return answer
        finally:
            connection.close()

    def address(self, path):
        return path.format(tus=self.tus, trash=self.trash)

    def look(self):
        """All that could have changed."""
        files = {}
        for top, _, names in os.walk(self.folder.path):
            files[top] = None
            for name in names:
                with open(os.path.join(top, name), "rb") as file:
                    files[os.path.join(top, name)] = file.read()
        people = [self.ann.get(path).json for path in ("/users", "/groups", "/grants", "/roles")]
        sessions = [(one["id"]) for one in self.ann.get("/sessions").json["sessions"]]
        for one in people[0]["users"]:
            del one["seen"]  # which asking changes
        return files, people, sessions


def operations():
    """Method and path of what changes something, by the document."""
    for path, methods in API["paths"].items():
        for method in methods:
            if method in ("post", "put", "patch", "delete"):
                known = {"user": "bob", "id": "1", "group": "friends", "role": "member"}
                yield method.upper(), re.sub(
                    r"\{(\w+)\}", lambda match: known[match[1]], path)  # noqa: B023


@case("no operation of the API is done for a page of another site")
def _():
    with Site() as site:
        before = site.look()
        seen = 0
        for method, path in operations():
            for whence, fields in FOREIGN.items():
                sent = {"Cookie": site.cookie, "Content-Type": "application/json", **fields}
                answer = site.send(method, "/api/v1" + path, sent, b"{}")
                expect(answer.status == 403 and '"foreign"' in answer.text,
                       (method, path, whence, answer.status, answer.text))
            # Nor where nobody says whence it comes, by a cookie.
            answer = site.send(method, "/api/v1" + path, {"Cookie": site.cookie}, b"{}")
            expect(answer.status == 403 or path == "/sessions", (method, path, answer.status))
            seen += 1
        expect(seen > 25, seen)
        expect(site.look() == before, "something has changed")
        # That it is the site that counts: the same, from here.
        answer = site.send("DELETE", "/api/v1/sessions/current", site.own, None)
        expect(answer.status in (200, 204), answer.status)


@case("no file is changed for a page of another site, whoever is logged in, and how")
def _():
    with Site() as site:
        before = site.look()
        for method, path, more, body in FILES:
            for whence, fields in FOREIGN.items():
                for who in ({"Cookie": site.cookie}, {"Authorization": BASIC}):
                    answer = site.send(method, site.address(path), {**who, **more, **fields}, body)
                    expect(answer.status == 403 and "A page of another site" in answer.text,
                           (method, path, whence, answer.status, answer.text))
        expect(site.look() == before, "something has changed")
        # The same from here is done, or refused for another reason.
        for method, path, more, body in FILES:
            answer = site.send(method, site.address(path), {**site.own, **more}, body)
            expect(answer.status in (200, 201, 204, 303, 404), (method, path, answer.status,
                                                               answer.text))


@case("without accounts, too, no file is changed for a page of another site")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("sub/b.txt", "hello")
        with Server(folder.path, "--allow-upload", "--allow-overwrite", "--allow-change") as server:
            site = Site()
            site.server = server
            for method, path, more, body in FILES:
                for whence, fields in FOREIGN.items():
                    answer = site.send(method, path.format(tus="/.tus/x", trash="x"),
                                       {**more, **fields}, body)
                    expect(answer.status in (403, 404, 405), (method, path, whence, answer.status))
            for top, folders, names in os.walk(folder.path):
                expect(set(folders) <= {"sub", ".weft-upload"} and
                       set(names) <= {"a.txt", "b.txt"}, (top, folders, names))


@case("no page of another site opens a WebSocket of chat")
def _():
    with Site() as site:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), "Cookie": site.cookie}
        for path in ("/.chat", ):
            for whence, fields in FOREIGN.items():
                answer = site.send("GET", path, {**upgrade, **fields}, None)
                expect(answer.status == 403, (path, whence, answer.status))
            own = {"Origin": f"http://{site.server.host}:{site.server.port}"}
            expect(site.send("GET", path, {**upgrade, **own}, None).status == 101, path)


@case("a cookie goes with no request of another site, and no script gets it")
def _():
    with Site() as site:
        answer = site.server.stranger().post("/sessions", {"name": "ann", "password": PASSWORD})
        cookie = answer.fields["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            expect(word in cookie, cookie)
        expect("Domain" not in cookie, cookie)


def all_kinds(site):
    """Every kind of answer that there is to a GET, and some to others: method, path, fields."""
    for name, text in (("x.html", "<p>hi"), ("x.svg", "<svg/>"), ("p.png", "\x89PNG"),
                       ("j.js", "1"), ("d.pdf", "%PDF-"), ("sub/x.html", "<p>hi")):
        site.folder.write(name, text)
    own, asked = site.own, {"Accept": "application/json", **site.own}
    page = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
    for path in ("/a.txt", "/x.html", "/x.svg", "/p.png", "/j.js", "/d.pdf", "/", "/sub/",
                 "/nothing", "/?archive=zip", "/?search=a", "/?about", "/.chat/", "/.weft/",
                 "/.weft/files", "/.weft/no-such-view", "/.tus/none", "/.trash/", "/api/v1/me",
                 "/api/v1/users", "/api/v1/none", "/api/v1/export", "/sub", "/%00", "/../.."):
        yield "GET", path, own
        yield "GET", path, {}
        yield "GET", path, page
    for path in ("/", "/sub/", "/nothing", "/.trash/"):
        yield "GET", path, asked
    yield "GET", "/x.html", {**own, "Range": "bytes=0-1"}
    yield "GET", "/x.html", {**own, "Range": "bytes=9-"}
    yield "GET", "/a.txt", {**own, "If-None-Match": "*"}
    yield "HEAD", "/x.html", own
    yield "OPTIONS", "/", own
    yield "PUT", "/q.txt", {**own, "If-Match": '"no"'}
    yield "DELETE", "/sub/", own
    yield "POST", "/", {**own, "Content-Type": "text/strange"}
    yield "GET", "/", {"Authorization": "Basic xxxx"}
    yield "GET", "/", {"Authorization": BASIC[:-4] + "AAAA"}


def rules_of(policy):
    return dict((rule + " ").split(" ", 1) for rule in policy.split("; ")) if policy else {}


@case("every answer of the hub says what browsers may do with it")
def _():
    with Site() as site:
        count = 0
        for method, path, fields in all_kinds(site):
            answer = site.send(method, path, fields, b"x" if method in ("PUT", "POST") else None)
            what = (method, path, answer.status, answer.getheaders())
            names = [name.lower() for name, _ in answer.getheaders()]
            expect(len(names) == len(set(names)), what)
            expect("access-control-allow-origin" not in names and "x-powered-by" not in names, what)
            if answer.status == 400 and "referrer-policy" not in names:
                continue  # no request at all: nobody is asked
            expect(answer.headers["Referrer-Policy"] == "same-origin", what)
            expect(answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", what)
            kind = (answer.headers["Content-Type"] or "").partition(";")[0]
            expect(not kind or answer.headers["X-Content-Type-Options"] == "nosniff", what)
            if kind in ("text/html", "image/svg+xml"):
                rules = rules_of(answer.headers["Content-Security-Policy"])
                expect("'none'" in rules.get("frame-ancestors", "") or
                       rules.get("frame-ancestors", "").strip() == "'self'", what)
                script = rules.get("script-src", rules.get("default-src", "")).split()
                expect("sandbox" in rules or script in (["'none'"], ["'self'"]), what)
                expect("sandbox" not in rules or "allow-same-origin" not in rules["sandbox"], what)
            count += 1
        expect(count > 60, count)


@case("the page's document has what Mozilla's guidelines ask of a site")
def _():
    with Site() as site:
        page = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}
        fields = site.send("GET", "/", page, None).headers
        rules = rules_of(fields["Content-Security-Policy"])
        for name, value in (("default-src", "'none'"), ("script-src", "'self'"),
                            ("base-uri", "'none'"), ("form-action", "'self'"),
                            ("frame-ancestors", "'none'")):
            expect(rules[name].strip() == value, (name, rules))
        expect("unsafe" not in fields["Content-Security-Policy"], rules)
        expect(fields["Cross-Origin-Opener-Policy"] == "same-origin", fields)
        expect("camera=()" in fields["Permissions-Policy"], fields)


@case("a folder that is only shared may be shown elsewhere")
def _():
    with Folder() as folder:
        folder.write("p.png", b"\x89PNG")
        with Server(folder.path) as server:
            reply = server.get("/p.png")
            expect(reply["Cross-Origin-Resource-Policy"] is None, reply)
            expect(reply["X-Content-Type-Options"] == "nosniff", reply)


if __name__ == "__main__":
    run()
