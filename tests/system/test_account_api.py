#!/usr/bin/env python3
"""test_account_api.py - the API of accounts over HTTP: what it does, what it refuses, and that
docs/account-api.yaml says the same as the server and its table."""
import atexit
import concurrent.futures
import http.client
import json
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

from accounted import PASSWORD, Answer, ApiServer, Client, State
from served import PATIENCE_S, Folder, case, expect, run

with open("docs/account-api.yaml", encoding="utf-8") as described:
    DOCUMENT = yaml.safe_load(described)
with open("src/hub/account_ops.c", encoding="utf-8") as table:
    TABLE = table.read()

POWERS = ("--powers", "all")


class Site:
    """A server with an administrator, ann, a member, mia, and their tokens."""

    first = None  # a state that is made once, and then copied
    tokens = ()

    def __init__(self, *options):
        self.options = options

    @classmethod
    def make_first(cls):
        cls.first = State().__enter__()
        atexit.register(cls.first.__exit__)
        cls.first.add("ann", PASSWORD, "--role", "admin")
        cls.first.add("mia", PASSWORD)
        cls.tokens = cls.first.token("ann", *POWERS), cls.first.token("mia", *POWERS)

    def __enter__(self):
        if not self.first:
            self.make_first()
        self.state, self.folder = State().__enter__(), Folder().__enter__()
        shutil.copytree(self.first.path, self.state.path)
        self.server = ApiServer(self.folder, self.state, *self.options).__enter__()
        self.ann, self.mia = map(self.server.bearer, self.tokens)
        self.nobody = self.server.stranger()
        return self

    def __exit__(self, *reason):
        try:
            self.server.__exit__(*reason)
        finally:
            self.folder.__exit__()
            self.state.__exit__()


# ---- Logging in -------------------------------------------------------------------------


@case("a log-in gives a cookie that scripts can't read and other sites can't send, and no secret")
def _():
    with Site() as site:
        answer = site.nobody.post("/sessions", {"name": "MIA", "password": PASSWORD})
        expect(answer.status == 201 and answer.json["name"] == "mia", answer)
        cookie = answer.fields["Set-Cookie"]
        expect(re.fullmatch(r"weft-session=\S+; Path=/; HttpOnly; SameSite=Strict", cookie), cookie)
        expect(cookie.split("=")[1].split(";")[0].encode() not in answer.body)
        expect(answer.fields["Cache-Control"] == "no-store")
        mia = site.server.browser(cookie.partition(";")[0])
        expect(mia.get("/me").json["name"] == "mia")
        (session,) = mia.get("/sessions").json["sessions"]
        expect(session["is_this"] and session["address"] == "127.0.0.1", session)
        done = mia.delete("/sessions/current")
        expect(done.status == 204 and "Max-Age=0" in done.fields["Set-Cookie"], done)
        expect(mia.get("/me").status == 401)


@case("a session that is remembered outlives the browser")
def _():
    with Site() as site:
        answer = site.nobody.post(
            "/sessions", {"name": "mia", "password": PASSWORD, "remember": True})
        expect("Max-Age=2592000" in answer.fields["Set-Cookie"], answer.fields)


@case("by TLS the cookie is one that no other host and no page in the clear can set")
def _():
    with Site() as site, State() as state:
        key, paper = state.top + "/key.pem", state.top + "/paper.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", paper,
                        "-days", "5", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], capture_output=True, check=True)
        by_tls = ("--https", "127.0.0.1:0", "--tls-cert", paper, "--tls-key", key)
        with ApiServer(site.folder, site.state, *by_tls) as server:
            port = server.facts["https"].rpartition(":")[2]
            server.url = f"https://localhost:{port}/api/v1"
            answer = ask_by_tls(server, paper, "POST", "/sessions",
                                {"name": "mia", "password": PASSWORD})
            cookie = answer.fields["Set-Cookie"]
            expect(re.fullmatch(r"__Host-weft=\S+; Path=/; (Secure; HttpOnly|HttpOnly; Secure); "
                                r"SameSite=Strict", cookie), cookie)
            value = cookie.partition(";")[0]
            me = ask_by_tls(server, paper, "GET", "/me", Cookie=value)
            expect(me.json["name"] == "mia", me)
            for other in (value.replace("__Host-weft", "weft-session"),
                          value.replace("__Host-weft", "__host-weft")):
                expect(ask_by_tls(server, paper, "GET", "/me", Cookie=other).status == 401, other)
            expect(server.browser(value).get("/me").status == 401)
            found = site.state.do("find", "--issuers", paper, WEFT_TOKEN=site.tokens[0],
                                  where=("--server", f"https://localhost:{port}"))
            expect("mia" in found, found)


@case("the same behind a proxy that is trusted and speaks TLS for it, and only there")
def _():
    with Site() as site:
        for trusted, proto, name in (("127.0.0.1", "https", "__Host-weft"),
                                     ("127.0.0.1", "http", "weft-session"),
                                     ("10.0.0.1", "https", "weft-session")):
            with ApiServer(site.folder, site.state, "--trust-proxy", trusted) as server:
                fields = {"X-Forwarded-Proto": proto}
                answer = server.stranger().post(
                    "/sessions", {"name": "mia", "password": PASSWORD}, fields=fields)
                cookie = answer.fields["Set-Cookie"]
                expect(cookie.startswith(name + "="), (trusted, proto, cookie))
                expect(("; Secure" in cookie) == (name == "__Host-weft"), cookie)
                expect("; HttpOnly" in cookie and "; SameSite=Strict" in cookie, cookie)
                me = server.browser(cookie.partition(";")[0]).get("/me", fields=fields)
                expect(me.json["name"] == "mia", me)


def ask_by_tls(server, paper, method, path, body=None, **fields):
    request = urllib.request.Request(server.url + path, method=method, headers=fields)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        return Answer(urllib.request.urlopen(
            request, timeout=PATIENCE_S, context=ssl.create_default_context(cafile=paper)))
    except urllib.error.HTTPError as error:
        return Answer(error)


@case("no session is fixed: a log-in makes a new one, and ends the one that came along")
def _():
    with Site() as site:
        old = site.server.log_in("mia")
        answer = Client(site.server, Cookie=old.fields["Cookie"],
                        Sec_Fetch_Site="same-origin").post(
            "/sessions", {"name": "mia", "password": PASSWORD})
        new = answer.fields["Set-Cookie"].partition(";")[0]
        expect(answer.status == 201 and new != old.fields["Cookie"], answer)
        expect(old.get("/me").status == 401)
        chosen = "weft-session=weft_s_" + "A" * 43
        answer = site.server.browser(chosen).post(
            "/sessions", {"name": "mia", "password": PASSWORD})
        expect(answer.fields["Set-Cookie"].partition(";")[0] != chosen)
        expect(site.server.browser(chosen).get("/me").status == 401)


@case("a forged cookie or token lets nobody in, whatever is in it")
def _():
    with Site() as site:
        real = site.server.log_in("mia").fields["Cookie"]
        token = site.ann.fields["Authorization"].split()[1]
        for cookie in ("weft-session=", "weft-session=x", "weft-session=" + "A" * 5000, real[:-1],
                       real + "A", real.swapcase(), "weft-session=" + token,
                       real.replace("weft-session", "__Host-weft"), "weft-session=%00",
                       "weft-session='; DROP TABLE sessions;--"):
            answer = site.server.browser(cookie).get("/me")
            expect(answer.status in (400, 401, 431), (cookie, answer))
        for value in ("Bearer", "Bearer ", "Bearer " + real.split("=")[1], "Bearer " + token + "A",
                      "Bearer " + token.lower(), "Basic YW5uOmNvcnJlY3QgaG9yc2UgOQ==",
                      "Bearer " + "A" * 4000, "Digest x", "Bearer a b"):
            answer = Client(site.server, Authorization=value).get("/me")
            expect(answer.status == 401, (value, answer))
            expect("Bearer" in answer.fields["WWW-Authenticate"], answer.fields)
        # Wrong credentials are not made good by a cookie that is right.
        both = Client(site.server, Authorization="Bearer x", Cookie=real)
        expect(both.get("/me").status == 401)


@case("a password that is changed ends all sessions; a wrong old one is no log-out")
def _():
    with Site() as site:
        one, two = site.server.log_in("mia"), site.server.log_in("mia")
        wrong = one.put("/me/password", {"old_password": "wrong horse 1",
                                         "new_password": "new horse 22"})
        expect(wrong.is_fault(403, "wrong"), wrong)
        same = one.put("/me/password", {"old_password": PASSWORD, "new_password": "password1"})
        expect(same.is_fault(422, "password-common"), same)
        done = one.put("/me/password", {"old_password": PASSWORD, "new_password": "new horse 22"})
        expect(done.status == 204, done)
        expect(one.get("/me").status == 401 and two.get("/me").status == 401)
        site.server.log_in("mia", "new horse 22")


@case("an invitation is looked at, used once, and lets her in")
def _():
    with Site() as site:
        added = site.ann.post("/users", {"name": "zoe", "invite": True})
        expect(added.status == 201, added)
        secret = {"secret": added.json["secret"]}
        look = site.nobody.post("/links/look", secret)
        expect(look.json["name"] == "zoe" and look.json["is_invitation"], look)
        bad = site.nobody.post("/links/use", {**secret, "password": "short"})
        expect(bad.is_fault(422, "password-too-short"), bad)
        good = {**secret, "password": "zoes own horse"}
        expect(site.nobody.post("/links/use", good).status == 204)
        expect(site.nobody.post("/links/use", good).status == 404)
        site.server.log_in("zoe", "zoes own horse")


@case("who must change her password may do that, and nothing else")
def _():
    with Site() as site:
        site.state.do("change", "mia", "--must-change")
        mia = site.server.log_in("mia")
        expect(mia.get("/me").json["must_change"] is True)
        expect(mia.get("/users").is_fault(403, "must-change"))
        expect(mia.put("/me/password", {"old_password": PASSWORD,
                                        "new_password": "new horse 22"}).status == 204)


@case("wrong passwords and unknown names are told the same, and after some nobody is asked")
def _():
    with Site() as site:
        seen = set()
        for name in ("mia", "nobody-here") * 20:
            answer = site.nobody.post("/sessions", {"name": name, "password": "wrong horse 1"})
            seen.add(answer.status)
            if answer.status == 401:
                expect(answer.json == {"title": "Unauthorized", "status": 401, "fault": "wrong",
                                       "detail": "wrong name or password"}, answer)
            else:
                expect(answer.is_fault(429, "throttled") and int(answer.fields["Retry-After"]) > 0)
        expect(seen == {401, 429}, seen)


@case("a flood of log-ins stays within bounds, and who is in goes on")
def _():
    with Site() as site:
        def try_one(number):
            return site.nobody.post(
                "/sessions", {"name": f"nobody{number}", "password": "wrong horse 1"}).status

        before = memory_of(site.server.process.pid)
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            flood = [pool.submit(try_one, number) for number in range(240)]
            expect(site.mia.get("/me").json["name"] == "mia")
            seen = {result.result() for result in flood}
        expect(seen <= {401, 429, 503}, seen)
        expect(memory_of(site.server.process.pid) - before < 150 << 10)
        expect(site.mia.get("/me").status == 200)


def memory_of(pid):
    """The most that it ever had, in KiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])


# ---- What is refused --------------------------------------------------------------------


@case("a page of another site changes nothing by its visitor's cookie")
def _():
    with Site() as site:
        cookie = site.server.log_in("ann").fields["Cookie"]
        own = f"http://{site.server.address}"
        for fields in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                       {"Sec-Fetch-Site": "none"}, {"Origin": "http://evil.example"},
                       {"Origin": "null"}, {"Origin": own + ".evil.example"},
                       {"Origin": own, "Sec-Fetch-Site": "cross-site"},
                       {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}):
            for method, path, body in (("POST", "/users", {"name": "eve"}),
                                       ("POST", "/users/mia/lock", None),
                                       ("DELETE", "/users/mia", None),
                                       ("DELETE", "/sessions/current", None),
                                       ("PUT", "/groups/choir", None)):
                answer = Client(site.server, Cookie=cookie).ask(method, path, body, fields)
                expect(answer.is_fault(403, "foreign"), (fields, method, path, answer))
        expect(Client(site.server, Cookie=cookie, Origin=own).put("/groups/choir").status == 204)
        # Nor does it log anybody in or out who has no cookie yet.
        body = {"name": "ann", "password": PASSWORD}
        answer = site.nobody.post("/sessions", body, fields={"Origin": "http://evil.example"})
        expect(answer.is_fault(403, "foreign") and not answer.fields["Set-Cookie"], answer)


@case("a form can't be sent: a body is JSON by its type, or a table")
def _():
    with Site() as site:
        body = json.dumps({"name": "mia", "password": PASSWORD}).encode()
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                     "application/jsonp", "text/json", None):
            answer = site.nobody.post("/sessions", body, fields={"Content-Type": kind})
            expect(answer.status == 415, (kind, answer))
        expect(site.nobody.post("/sessions", body, fields={
            "Content-Type": "Application/JSON; charset=utf-8"}).status == 201)
        expect(site.ann.post("/import", b"name\nzoe\n").status == 415)
        coded = site.nobody.post("/sessions", body, fields={"Content-Encoding": "gzip"})
        expect(coded.status == 415, coded)


HOSTILE = {
    "nothing": b"",
    "a brace": b"{",
    "no object": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "two": b"{}{}",
    "behind it": b"{} x",
    "a comment": b"{/**/}",
    "a comma": b'{"name":"x",}',
    "no quotes": b"{name:1}",
    "single quotes": b"{'name':'x'}",
    "twice": b'{"name":"a","name":"b"}',
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a BOM": b'\xef\xbb\xbf{"name":"x"}',
    "a NUL": b'{"name":"a\\u0000b"}',
    "half a surrogate": b'{"name":"\\ud800"}',
    "a raw NUL": b'{"name":"a\x00b"}',
    "deep": b'{"name":' + b"[" * 60000,
    "deep and closed": b'{"name":' + b"[" * 20 + b"]" * 20 + b"}",
    "deep objects": b'{"name":' * 5000 + b"1" + b"}" * 5000,
    "brackets in a text": b'{"name":"' + b"[" * 300 + b'"}',
    "a huge number": b'{"name":"x","quota":1e999}',
    "a long number": b'{"quota":' + b"9" * 30000 + b"}",
    "over 64 bits": b'{"name":"x","quota":9223372036854775808}',
    "a fraction": b'{"name":"x","quota":1.5}',
    "below nothing": b'{"name":"x","quota":-1}',
    "NaN": b'{"name":"x","quota":NaN}',
    "a text as a number": b'{"name":"x","quota":"1"}',
    "a number as a name": b'{"name":1}',
    "null as a name": b'{"name":null}',
    "a list as a name": b'{"name":["x"]}',
    "a number as a truth": b'{"name":"x","must_change":1}',
    "groups that are no list": b'{"name":"x","groups":"a"}',
    "groups of numbers": b'{"name":"x","groups":[1]}',
    "too many groups": json.dumps({"name": "x", "groups": ["g"] * 65}).encode(),
    "a long name": json.dumps({"name": "x" * 257}).encode(),
    "unknown": b'{"name":"x","is_admin":true}',
    "of the path": b'{"name":"x","user":"ann"}',
    "a password": json.dumps({"name": "x", "password": PASSWORD}).encode(),
    "a state": b'{"name":"x","state":"active"}',
    "an id": b'{"name":"x","id":1}',
    "__proto__": b'{"name":"x","__proto__":{}}',
    "an empty key": b'{"":1}',
}


@case("bodies that can't be meant are 400 with a sentence, and quote nothing of what was sent")
def _():
    with Site() as site:
        for what, body in HOSTILE.items():
            answer = site.ann.post("/users", body)
            expect(answer.status == 400, (what, answer))
            expect(answer.type == "application/problem+json", (what, answer))
            expect(set(answer.json) <= {"title", "status", "detail", "fault"}, (what, answer))
            expect(PASSWORD.encode() not in answer.body and b"is_admin" not in answer.body, answer)
        expect([user["name"] for user in site.ann.get("/users").json["users"]] == ["ann", "mia"])
        long = site.ann.post("/users", b'{"name":"' + b"x" * 70000 + b'"}')
        expect(long.status == 413, long)


@case("addresses and queries that can't be meant are refused, too")
def _():
    with Site() as site:
        for target, status in (("/users?limit=0x10", 400), ("/users?limit=-1", 400),
                               ("/users?limit=1001", 400), ("/users?limit=1&limit=2", 400),
                               ("/users?limit=", 400), ("/users?frob=1", 400),
                               ("/users?part=%ff", 400), ("/users?part=%00", 400),
                               ("/users?state=flying", 422), ("/audit?since=1e3", 400),
                               ("/audit?since=99999999999999999999", 400),
                               ("/users/%ff", 404), ("/users/" + "x" * 300, 400),
                               ("/users/mia/sessions/x", 405), ("/nosuch", 404), ("/", 404),
                               ("/users/ann/", 404), ("/users//ann", 200)):
            answer = site.ann.get(target)
            expect(answer.status == status, (target, answer))
            if status != 200:
                expect(answer.type == "application/problem+json", (target, answer))
        expect(site.ann.get("/users/%00").status == 400)
        expect(site.ann.delete("/users/mia/sessions/x").status == 404)
        expect(site.ann.delete("/users/mia/sessions/0").status == 404)
        expect(site.ann.delete("/users/mia/tokens/0").status == 404)
        expect(site.ann.delete("/users/mia?purge=yes").status == 400)
        expect(site.ann.get("/users/mia").status == 200)


@case("who has no power is told no, before much is read; and who is nobody 401")
def _():
    with Site() as site:
        for method, path, body in (("GET", "/users", None), ("POST", "/users", {"name": "eve"}),
                                   ("GET", "/users/ann", None), ("DELETE", "/users/ann", None),
                                   ("PATCH", "/users/mia", {"role": "admin"}),
                                   ("POST", "/users/ann/lock", None),
                                   ("POST", "/users/ann/link", {}),
                                   ("GET", "/audit", None), ("GET", "/export", None),
                                   ("POST", "/backup", None),
                                   ("PUT", "/roles/king", {"powers": []}),
                                   ("GET", "/grants", None), ("GET", "/users/ann/tokens", None),
                                   ("POST", "/users/ann/tokens", {"label": "x"}),
                                   ("DELETE", "/users/ann/sessions", None)):
            answer = site.mia.ask(method, path, body)
            expect(answer.status == 403, (method, path, answer))
            answer = site.nobody.ask(method, path, body)
            expect(answer.status == 401, (method, path, answer))
        # The rest never comes: nobody waits for it.
        connection = http.client.HTTPConnection(
            site.server.host, site.server.port, timeout=PATIENCE_S)
        connection.request("POST", "/api/v1/import", b"name\n" + b"x" * 1000, {
            **site.mia.fields, "Content-Type": "text/csv", "Content-Length": str(7 << 20)})
        answer = Answer(connection.getresponse())
        connection.close()
        expect(answer.status == 403, answer)
        mia = site.server.log_in("mia")
        expect(mia.patch("/me", {"display_name": "Mia"}).json["display_name"] == "Mia")


@case("a token that has one power has no other")
def _():
    with Site() as site:
        reader = site.server.bearer(site.state.token("ann", "--powers", "audit"))
        expect(reader.get("/audit").status == 200)
        expect(reader.get("/users").status == 403 and reader.post("/backup").status == 403)
        expect(reader.get("/me").json["powers"] == ["audit"])


@case("passwords and secrets are in no log")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        log = state.top + "/access.log"
        token = state.token("ann", *POWERS)
        with ApiServer(folder, state, "--access-log", log) as server:
            ann = server.log_in("ann")
            ann.post("/users", {"name": "zoe", "invite": True})
            server.bearer(token).get("/audit")
            secret = server.bearer(token).post("/users/zoe/link", {}).json["secret"]
        with open(log, encoding="utf-8") as file:
            lines = file.read()
        audit = state.do("audit", "--json", "--limit", "1000")
        for kept in (PASSWORD, token, secret, ann.fields["Cookie"].split("=")[1]):
            expect(kept not in lines and kept not in audit)
        expect(lines.count(" ann [") >= 3, lines)


@case("one client that asks too often is told when to come again")
def _():
    with Site() as site, site.server.connect() as connection:
        ask = ("GET /api/v1/me/rights HTTP/1.1\r\nHost: test\r\n"
               f"Authorization: {site.mia.fields['Authorization']}\r\n\r\n").encode()
        statuses, refused = [], []
        while not refused:  # 50 a second are let in: who is answered slower is never too fast
            connection.send(ask * 100)
            answers = [connection.reply() for _ in range(100)]
            statuses += [answer.status for answer in answers]
            refused = [answer for answer in answers if answer.status == 429]
        expect(statuses[:300] == [200] * 300 and set(statuses) == {200, 429}, statuses)
        expect(all(int(answer["Retry-After"]) > 0 for answer in refused), refused)


# ---- The description --------------------------------------------------------------------


def operations():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def resolve(schema):
    while "$ref" in schema:
        place = DOCUMENT
        for part in schema["$ref"].lstrip("#/").split("/"):
            place = place[part]
        schema = place
    return schema


def check_shape(value, schema, where):
    """The part of JSON Schema that the document uses."""
    schema = resolve(schema)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
             "number": float}
    kind = kinds[schema["type"]]
    expect(isinstance(value, kind) and isinstance(value, bool) == (kind is bool), (where, value))
    expect(value in schema.get("enum", [value]), (where, value))
    if kind is int and "minimum" in schema:
        expect(value >= schema["minimum"], (where, value))
    if kind is list:
        for item in value:
            check_shape(item, schema["items"], where)
    if kind is dict:
        expect(set(schema.get("required", ())) <= set(value), (where, value))
        expect(set(value) <= set(schema["properties"]), (where, value))
        for name, member in value.items():
            check_shape(member, schema["properties"][name], f"{where}.{name}")


def check_answer(answer, operation, where):
    responses = operation["responses"]
    expect(str(answer.status) in responses, (where, answer))
    content = resolve(responses[str(answer.status)]).get("content", {})
    expect(list(content) == [answer.type] if content else answer.body == b"", (where, answer))
    if answer.json is not None:
        check_shape(answer.json, content[answer.type]["schema"], where)


def table_fields(name):
    text = re.search(r"hub_field %s\[\] = \{(.*?)TAKES_END" % name, TABLE, re.S)[1]
    local = re.findall(r'TAKES\("(\w+)"[^)]*is_local', text)
    return {field for field in re.findall(r'TAKES\("(\w+)"', text) if field not in local}


@case("the description has each operation of the server's table, what it takes, and no other")
def _():
    rows = re.findall(r'OPERATION\(\s*"(\w+)", ("\w+"|NULL), "(\S+)"(.*?)\),\n', TABLE, re.S)
    ours = {}
    for name, method, path, rest in rows:
        query = re.search(r"\.query = (\w+)", rest)
        body = re.search(r"\.body = (\w+)", rest)
        if method != "NULL":
            ours[name] = (method.strip('"'), path, table_fields(query[1]) if query else set(),
                          table_fields(body[1]) if body else set(), "HUB_OPEN" in rest)
    theirs = {}
    for path, method, operation in operations():
        names = {place: {parameter["name"] for parameter in operation.get("parameters", ())
                         if parameter["in"] == place} for place in ("path", "query")}
        expect(names["path"] == set(re.findall(r"{(\w+)}", path)), path)
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {"schema": {"properties": {}}})["schema"]
        theirs[operation["operationId"]] = (
            method, path, names["query"], set(body["properties"]), "security" in operation)
    expect(len(ours) > 35 and ours == theirs, {name: (ours.get(name), theirs.get(name))
                                              for name in ours.keys() | theirs.keys()
                                              if ours.get(name) != theirs.get(name)})


@case("the files of who goes are left, or go to the trash, or count as another's")
def _():
    with Site() as site:
        for name, quota in (("ben", 0), ("zoe", 100)):
            site.ann.post("/users", {"name": name, "quota": quota})
        site.ann.put("/grants", {"to": "role", "subject": "member", "folder": "",
                                 "rights": ["read", "list", "write"]})

        def used():
            return {one["name"]: one["used"] for one in site.ann.get("/users").json["users"]}

        def stored():
            return sorted(entry["name"] for entry in site.ann.ask(
                "GET", "/", fields={"Accept": "application/json"}, prefix="").json["entries"])

        def settle(asker=site.ann, **body):
            return asker.post("/users/mia/files", body)

        for name, asker in (("a", site.mia), ("b", site.mia), ("c", site.ann)):
            expect(asker.ask("PUT", "/" + name, b"x" * 60, prefix="").status == 201)
        for asker, status in ((site.mia, 403), (site.nobody, 401)):
            expect(settle(asker, do="trash").status == status, status)
        for body in ({"do": "burn"}, {"do": "give"}, {"do": "trash", "to": "ben"},
                     {"do": "give", "to": "mia"}):
            expect(settle(**body).status == 422, body)
        expect(settle(do="give", to="nobody").status == 404)
        expect(used() == {"ann": 60, "mia": 120, "ben": 0, "zoe": 0}, used())
        # One fits; the other stays hers.
        answer = settle(do="give", to="zoe")
        expect(answer.json == {"files": 1, "bytes": 60, "uploads": 0, "left": 0, "more": False,
                               "full": True},
               answer)
        expect(used() == {"ann": 60, "mia": 60, "ben": 0, "zoe": 60}, used())
        # Who has been removed has files still.
        expect(site.ann.delete("/users/mia").status == 204)
        answer = settle(do="give", to="ben")
        expect(answer.json == {"files": 1, "bytes": 60, "uploads": 0, "left": 0, "more": False,
                               "full": False},
               answer)
        expect(used() == {"ann": 60, "ben": 60, "zoe": 60}, used())
        expect(stored() == ["a", "b", "c"])
        answer = site.ann.post("/users/ben/files", {"do": "trash"})
        expect(answer.json["files"] == 1 and len(stored()) == 2 and "c" in stored(), answer)
        trash = site.ann.ask("GET", "/.trash/", prefix="").json["items"]
        expect([item["size"] for item in trash] == [60] and used()["ben"] == 60, trash)
        lines = [line["detail"] for line in site.ann.get(
            "/audit?action=account.files").json["events"] if line["result"] == "ok"]
        expect(lines[0] == "trash" and "ben" in lines and "zoe" in lines, lines)
    with Site("--no-trash") as site:
        answer = site.ann.post("/users/mia/files", {"do": "trash"})
        expect(answer.status == 409 and answer.json["fault"] == "no-trash", answer)


EXAMPLES = {
    "logIn": {"name": "mia", "password": PASSWORD},
    "changeMe": {"display_name": "Ann"},
    "changePassword": {"old_password": "wrong horse 1", "new_password": "new horse 22"},
    "lookAtLink": {"secret": "x"}, "useLink": {"secret": "x", "password": "new horse 22"},
    "addUser": {"name": "new", "groups": ["choir"], "invite": True}, "changeUser": {"quota": 5},
    "settleFiles": {"do": "trash"}, "makeLink": {}, "addToken": {"label": "x", "rights": ["read"]},
    "putRole": {"powers": ["audit"]},
    "putGrant": {"to": "group", "subject": "choir", "folder": "music", "rights": ["read"]},
}
QUERIES = {"removeGrant": "?to=group&subject=choir&folder=music",
           "showRights": "?path=music", "findUsers": "?part=n&state=active,locked&limit=2"}


@case("each operation answers as it is described: done, to nobody, to nonsense, and to no power")
def _():
    with Site() as site:
        site.ann.put("/groups/choir")
        for name in ("victim", "other"):
            site.ann.post("/users", {"name": name})
        done = {}
        last = ["addToken", "leaveGroup", "removeGrant", "removeGroup", "removeRole", "removeUser"]
        for path, method, operation in sorted(operations(), key=lambda row: (
                last.index(row[2]["operationId"]) if row[2]["operationId"] in last else -1)):
            name = operation["operationId"]
            place = path.format(user="ann" if name == "addToken" else "victim", group="choir",
                                role="keeper", id=1)
            if name == "addGroup":
                place = "/groups/other"
            query, body = QUERIES.get(name, ""), EXAMPLES.get(name)
            table = {"body": b"name,role\nzoe,guest\n", "fields": {"Content-Type": "text/csv"}}
            extra = table if name == "importUsers" else {"body": body}
            # What only the person herself may do, a token of hers may not.
            ann = site.server.log_in("ann") if name == "addToken" else site.ann
            for who, asker in (("ann", ann), ("nobody", site.nobody), ("mia", site.mia)):
                answer = asker.ask(method, place + query, **extra)
                check_answer(answer, operation, (name, who))
                done.setdefault(name, answer.status)
            answer = site.nobody.ask(method, place + query, fields={"Authorization": "Bearer x"})
            check_answer(answer, operation, (name, "forged"))
            expect(answer.status == 401, (name, answer))
            answer = site.ann.ask(method, place + "?frob=1")
            check_answer(answer, operation, (name, "nonsense"))
            expect(answer.status == 400, (name, answer))
        refused = {name for name, status in done.items() if status >= 300}
        expect(refused == {"changePassword", "lookAtLink", "useLink", "endSession",
                           "endUserSession", "removeToken"}, {name: done[name] for name in refused})


sys.exit(run())
