#!/usr/bin/env python3
"""test_chat_web.py - chat by WebSocket with JSON, frame by frame, and where its page is."""
import base64
import json
import os
import re
import socket
import struct
import sys

from accounted import PASSWORD, ApiServer, State
from served import PATIENCE_S, Connection, Folder, Server, case, expect, run, weft

KEY = base64.b64encode(b"sixteen bytes...")
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Page(Connection):
    """A WebSocket at /.chat, by hand."""

    def __init__(self, server, *fields, small=False):
        super().__init__((server.host, server.port))
        if small:  # and no smaller: a window below two segments of the loopback's is slow itself
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        self.send(b"GET /.chat HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: " + KEY + b"\r\n" +
                  b"".join(field.encode() + b"\r\n" for field in fields) + b"\r\n")
        while b"\r\n\r\n" not in self.buffer:
            expect(self.fill(), "no answer")
        self.head = self.take(self.buffer.index(b"\r\n\r\n") + 4).decode("latin-1")
        self.status = int(self.head.split()[1])
        self.serial = 0

    def frame(self, opcode, data, first=0x80):
        mask = os.urandom(4)
        data = data.encode() if isinstance(data, str) else data
        size = len(data)
        head = bytes([first | opcode, 0x80 | min(size, 126)]) if size < 65536 else \
            bytes([first | opcode, 0xff])
        if size >= 126:
            head += struct.pack(">H" if size < 65536 else ">Q", size)
        repeated = (mask * (size // 4 + 1))[:size]
        masked = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
        self.send(head + mask + masked.to_bytes(size, "big"))

    def need(self, count):
        while len(self.buffer) < count:
            expect(self.fill(), f"it ended: {bytes(self.buffer)!r}")

    def take_frame(self):
        """(opcode, data) of the next; the server masks none and sends whole ones."""
        self.need(2)
        first, size = self.buffer[0], self.buffer[1]
        expect(first & 0x80 and not size & 0x80, self.buffer[:2])
        self.take(2)
        if size >= 126:
            length = 2 if size == 126 else 8
            self.need(length)
            size = int.from_bytes(self.take(length), "big")
        self.need(size)
        return first & 15, self.take(size)

    def say(self, **command):
        self.frame(TEXT, json.dumps(command))

    def hear(self):
        opcode, data = self.take_frame()
        while opcode == PING:
            self.frame(PONG, data)
            opcode, data = self.take_frame()
        expect(opcode == TEXT, (opcode, data))
        return json.loads(data)

    def closed(self):
        """The code it is closed with, whatever comes before; None: without one."""
        while True:
            try:
                opcode, data = self.take_frame()
            except (AssertionError, ConnectionError):
                return None
            if opcode == CLOSE:
                return int.from_bytes(data[:2], "big")

    def ask(self, **command):
        """(the answer, its rows, what else came before it)."""
        self.serial += 1
        tag = f"t{self.serial}"
        self.say(**command, tag=tag)
        rows, others = [], []
        while True:
            said = self.hear()
            if said.get("tag") != tag:
                others.append(said)
            elif "ok" in said:
                return said, rows, others
            else:
                rows.append(said)

    def enter(self, name, room="lobby"):
        expect(self.status == 101, self.head)
        answer, _, _ = self.ask(do="guest", name=name)
        expect(answer["ok"], answer)
        answer, _, _ = self.ask(do="join", room=room)
        expect(answer["ok"], answer)
        return self

    def until(self, event):
        while True:
            said = self.hear()
            if said.get("event") == event:
                return said


def web(folder, *options):
    return Server(folder.path, "--chat-web", *options)


# ---- The page ------------------------------------------------------------------------------------


@case("the page is that of the hub, with chat alone; what led to another one leads there")
def _():
    with Folder() as folder, web(folder) as server:
        expect(server.facts["chat-web"] == "/.chat/", server.facts)
        for path, place in (("/.chat", "/.chat/"), ("/.chat/", "/.weft/chat"),
                            ("/.chat/account.html", "/.weft/me")):
            reply = server.get(path)
            expect(reply.status == 307 and reply["location"] == place, (path, reply))
        page = server.get("/.weft/chat/lobby")
        expect(page.status == 200 and page["content-type"] == "text/html; charset=utf-8", page)
        expect(re.search(rb'src="/\.weft/[0-9a-f]+/core/app\.js"', page.body), page.body)
        facts = json.loads(server.get("/.weft/hub.json").body)
        expect(facts["has"] == {"files": False, "chat": True, "accounts": False, "status": False},
               facts)


@case("files are where they were, to a browser, too")
def _():
    fields = ("Accept: text/html", "Sec-Fetch-Dest: document")
    with Folder() as folder, web(folder) as server:
        folder.write("a.txt", "hello")
        folder.write(".chat/index.html", "not this one")
        expect(server.get("/a.txt").body == b"hello")
        listing = server.get("/", *fields)
        expect(listing.status == 200 and b"a.txt" in listing.body, listing)
        for name in ("index.html", "chat.js", "none.js"):
            expect(server.get("/.chat/" + name, *fields).status == 404, name)
    with Folder() as folder, Server(folder.path) as server:
        for path in ("/.chat/", "/.chat", "/.weft/chat", "/.weft/hub.json"):
            expect(server.get(path, *fields).status == 404, path)


@case("where there can be no page, the command says so")
def _():
    for words in (("--model", "thread"), ("--http", "none", "--chat", "127.0.0.1:0")):
        done = weft("serve", "/", "--chat-web", *words)
        expect(done.returncode == 2 and "--chat-web" in done.stderr, done)


# ---- Talking -------------------------------------------------------------------------------------


def plain(said):
    """Without what differs from run to run."""
    expect(re.fullmatch("[0-9a-f]{8}", said.pop("epoch", "0" * 8)), said)
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                        said.pop("at", "2026-01-01T00:00:00.000Z")), said)
    return said


@case("a guest comes in, joins and speaks, and another hears it: word for word")
def _():
    with Folder() as folder, web(folder) as server, \
            Page(server) as mia, Page(server).enter("bob") as bob:
        mia.say(do="say", tag="a0", room="lobby", text="hello")
        expect(mia.hear()["fault"] == "log-in-first")
        mia.say(do="guest", name="mia", tag="a1")
        expect(mia.hear() == {"tag": "a1", "ok": True, "who": "mia", "guest": True})
        mia.say(do="join", room="lobby", tag="a2")
        expect(plain(mia.hear()) == {"event": "entered", "room": "lobby", "last": 0, "count": 2,
                                     "text": ""})
        expect(plain(mia.hear()) == {"tag": "a2", "ok": True, "room": "lobby", "last": 0,
                                     "read": 0})
        expect(bob.hear() == {"event": "joined", "room": "lobby", "count": 2, "who": "mia",
                              "guest": True})
        mia.say(do="say", tag="a3", room="lobby", text='a "line" \u6f22\n\U0001f389</script>')
        first, second = sorted([mia.hear(), mia.hear()], key=lambda said: "tag" in said)
        expect(plain(second) == {"tag": "a3", "ok": True, "room": "lobby", "seq": 1}, second)
        message = {"event": "message", "room": "lobby", "seq": 1, "who": "mia", "guest": True,
                   "text": 'a "line" \u6f22\n\U0001f389</script>'}
        expect(plain(first) == message, first)
        expect(plain(bob.hear()) == message)
        mia.say(do="say", tag="a3", room="lobby", text='a "line" \u6f22\n\U0001f389</script>')
        expect(plain(mia.hear()) == second, "sent again, it is another")
        mia.frame(CLOSE, struct.pack(">H", 1000))
        expect(mia.closed() == 1000)
        expect(plain(bob.hear()) == {"event": "left", "room": "lobby", "count": 1, "who": "mia",
                                     "guest": True, "text": ""})


@case("who may make rooms is told so when she is let in, and the others are not")
def _():
    with Folder() as folder, web(folder) as server, Page(server) as mia:
        expect("make" not in mia.ask(do="guest", name="mia")[0])
        expect(mia.ask(do="make", room="den")[0]["fault"] == "not-allowed")
    with Folder() as folder, web(folder, "--chat-guest-rooms") as server, Page(server) as mia:
        expect(mia.ask(do="guest", name="mia")[0].get("make") is True)
        expect(mia.ask(do="make", room="den")[0]["ok"])


@case("who comes back goes on after what it had, without a gap and without anything twice")
def _():
    with Folder() as folder, web(folder) as server, Page(server).enter("bob") as bob:
        with Page(server).enter("mia") as mia:
            for number in range(3):
                bob.say(do="say", room="lobby", text=str(number))
            had = [mia.until("message") for _ in range(3)][-1]
        for number in range(3, 40):
            bob.ask(do="say", room="lobby", text=str(number))
        with Page(server) as mia:
            expect(mia.ask(do="guest", name="mia2")[0]["ok"])
            mia.say(do="join", room="lobby", epoch=had["epoch"], seq=had["seq"])
            texts = [mia.until("message")["text"] for _ in range(3, 40)]
            expect(texts == [str(number) for number in range(3, 40)], texts)


@case("a browser that is slow is told its gap, and fetches it")
def _():
    with Folder() as folder, web(folder, "--chat-rate", "100000") as server, \
            Page(server, small=True).enter("slow") as slow, Page(server).enter("bob") as bob:
        size, said, gaps, got = 4000, 500, [], {}
        for number in range(said):
            bob.say(do="say", room="lobby", text=f"{number} ".ljust(size, "x"), tag=f"m{number}")
        answered = 0
        while answered < said:
            answered += "tag" in bob.hear()
        # Two megabytes: more than the kernel is to hold for her, and the room.
        while (max(got) if got else 0) < said:
            event = slow.hear()
            if event["event"] == "gap":
                gaps.append(event)
            elif event["event"] == "message":
                expect(event["seq"] not in got, "twice")
                got[event["seq"]] = event["text"]
        expect(gaps)
        for gap in gaps:
            upto = gap["to"] + 1
            while upto > gap["from"]:
                answer, rows, _ = slow.ask(do="history", room="lobby", before=upto, limit=500)
                expect(answer["ok"] and rows, answer)
                for row in rows:
                    if row["seq"] >= gap["from"]:
                        expect(row["seq"] not in got, "twice")
                        got[row["seq"]] = row["text"]
                upto = rows[0]["seq"]
        for seq in range(1, said + 1):
            expect(got[seq].startswith(f"{seq - 1} "), seq)
        expect(gaps, "it was never slow")


# ---- Hostile -------------------------------------------------------------------------------------

# What is sent as text, and the word it is refused with.
BAD_JSON = [
    "", "{", "[]", "null", "1", '"say"', '{"do":1}', '{"do":"no-such"}', "{}", '{"do":"guest"}',
    '{"do":"guest","name":["mia"]}', '{"do":"guest","name":{"a":1}}', '{"do":"guest","name":null}',
    '{"do":"guest","do":"ping"}', '{"do":"guest","name":"a\\u0000b"}', '{"do":"ping","tag":1}',
    '{"do":"ping","tag":"' + "a" * 41 + '"}', '{"do":"ping","tag":"a b"}',
    '{"do":"join","room":"lobby","epoch":12,"seq":1}', '{"do":"join","room":"lobby","seq":-1}',
    '{"do":"history","room":"lobby","before":1e99}', '{"do":"history","room":"lobby","before":1.5}',
    '{"do":"history","room":"lobby","before":99999999999999999999}',
    '{"do":"ping"} {"do":"ping"}', '{"do":"ping",}', "[" * 4000, '{"a":' * 1500,
    '{"do":"say","room":"lobby","text":"' + "x" * 5000 + '"}',
    '{"do":"say","room":"' + "r" * 500 + '","text":"x"}', "\ufeff{}", '{"do":"ping"}\u0000',
]

# Frames, and the code that each is closed with.
BAD_FRAMES = [
    ("bytes", lambda page: page.frame(BINARY, b"{}"), 1003),
    ("text that is not UTF-8", lambda page: page.frame(TEXT, b'{"do":"\xff"}'), 1007),
    ("half a character", lambda page: page.frame(TEXT, b"\xc3"), 1007),
    ("an opcode that there isn't", lambda page: page.frame(3, b""), 1002),
    ("a reserved bit", lambda page: page.frame(TEXT, b"{}", 0xc0), 1002),
    ("a fragment of nothing", lambda page: page.frame(0, b"{}"), 1002),
    ("a ping in fragments", lambda page: page.frame(PING, b"", 0), 1002),
    ("a long ping", lambda page: page.frame(PING, b"x" * 126), 1002),
    ("no mask", lambda page: page.send(b"\x81\x02{}"), 1002),
    ("too long", lambda page: page.frame(TEXT, b" " * 9000), 1009),
    ("a length beyond all", lambda page: page.send(b"\x81\xff\x7f" + b"\xff" * 7 + b"x" * 9999),
     1009),
    ("a close with half a code", lambda page: page.frame(CLOSE, b"\x03"), 1002),
]


@case("JSON that is none, or not of the protocol, is refused with a sentence; it goes on")
def _():
    with Folder() as folder, web(folder, "--chat-rate", "100000") as server, Page(server) as page:
        for text in BAD_JSON:
            page.frame(TEXT, text)
            said = page.hear()
            expect(said["ok"] is False and said["fault"] == "bad-command" and said["text"],
                   (text[:60], said))
            expect(page.ask(do="ping")[0] == {"tag": f"t{page.serial}", "ok": True}, text[:60])
        page.enter("mia")
        answer, _, _ = page.ask(do="say", room="lobby", text="\u0007\u202e\x9b1m")
        expect(answer["fault"] == "text-not-utf8", answer)


@case("frames that break the protocol are closed with the code of what is wrong")
def _():
    with Folder() as folder, web(folder) as server:
        for number, (what, send, code) in enumerate(BAD_FRAMES):
            with Page(server).enter(f"guest{number}") as page:
                send(page)
                got = page.closed()
                expect(got == code, f"{what}: {got}")
        with Page(server).enter("mia") as page:
            page.frame(TEXT, b'{"do":"pi', 0)
            page.frame(PING, b"still there?")
            page.frame(0, b'ng","tag":"x"}')
            opcode, data = page.take_frame()
            while opcode == TEXT:  # somebody of before has left only now
                opcode, data = page.take_frame()
            expect((opcode, data) == (PONG, b"still there?"))
            said = page.hear()
            while "event" in said:
                said = page.hear()
            expect(said == {"tag": "x", "ok": True})


@case("a page of another site is refused, and what no page has sent is let in")
def _():
    with Folder() as folder, State() as state:
        state.add("ann")
        with ApiServer(folder, state, "--chat-web") as server:
            cookie = "Cookie: " + server.log_in("ann").fields["Cookie"]
            for origin in ("http://evil.example", "null", "http://here.evil.example", "file://"):
                with Page(server, "Origin: " + origin, cookie) as page:
                    expect(page.status == 403, (origin, page.head))
            for fields in ((), ("Origin: http://here",)):
                with Page(server, cookie, *fields) as page:
                    expect(page.status == 101, (fields, page.head))
                    expect(page.hear() == {"ok": True, "who": "ann", "make": True})


# ---- Files ---------------------------------------------------------------------------------------


@case("a file is shared as a message that every door shows; what can't be is refused")
def _():
    with Folder() as folder, Server(folder.path, "--chat-web", "--chat", "127.0.0.1:0") as server:
        folder.write("pets/my cat \u732b.jpg", "meow")
        folder.write(".secret", "x")
        folder.write("a\nb.txt", "x")
        folder.write("evil\u202e.txt", "x")
        os.symlink("/etc/passwd", folder.path + "/out.txt")
        os.mkfifo(folder.path + "/pipe")
        host, port = server.facts["chat"].rsplit(":", 1)
        with Page(server).enter("mia") as mia, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(PATIENCE_S)
            datagrams.connect((host, int(port)))
            datagrams.send(b"L nan")
            expect(datagrams.recv(2000) == b"OK")
            mia.until("joined")
            answer, _, others = mia.ask(do="share", room="lobby", path="//pets/./my cat \u732b.jpg")
            expect(answer["ok"] and answer["seq"] == 1, answer)
            said = others[-1] if others else mia.until("message")
            address = "/pets/my%20cat%20%E7%8C%AB.jpg"
            expect(said["file"] == {"name": "my cat \u732b.jpg", "size": 4, "type": "image/jpeg",
                                    "path": address}, said)
            expect(server.get(said["file"]["path"]).body == b"meow")
            heard = datagrams.recv(2000).decode()
            expect(heard == f"mia: my cat \u732b.jpg (4 bytes, image/jpeg) {address}", heard)
            for path in ("nothing", "pets", "pets/", "../etc/passwd", "pets/../pets/x", "/", ".",
                         "..", ".secret", "out.txt", "pipe", "javascript:alert(1)",
                         "//evil.example/x", "pets/my cat \u732b.jpg/", "x" * 4096, "a/" * 2000):
                answer, _, _ = mia.ask(do="share", room="lobby", path=path)
                expect(answer.get("fault") == "no-file", (path[:40], answer))
            for path in ("a\nb.txt", "evil\u202e.txt"):
                answer, _, _ = mia.ask(do="share", room="lobby", path=path)
                expect(answer.get("fault") == "bad-name", answer)
            expect(mia.ask(do="share", room="lobby")[0]["fault"] == "bad-command")
            expect(mia.ask(do="share", room="cave", path="pets")[0]["fault"] == "no-file")
            # What looks like one is none.
            mia.ask(do="say", room="lobby", text=said["text"])
            os.unlink(folder.path + "/pets/my cat \u732b.jpg")
            _, rows, _ = mia.ask(do="history", room="lobby")
            expect(["file" in row for row in rows] == [True, False], rows)
            expect(server.get(rows[0]["file"]["path"]).status == 404)


@case("who shares a file may read it; who follows the link is asked for her own rights")
def _():
    with Folder() as folder, State() as state:
        folder.write("open.txt", "all")
        folder.write("inner/plan.txt", "some")
        folder.write("homes/bob/own.txt", "one")
        state.add("ann")
        state.add("bob", PASSWORD, "--home", "homes/bob")
        state.do("grant", "set", "role:stranger", "", "read,list")
        state.do("grant", "set", "role:stranger", "inner", "none")
        state.do("grant", "set", "user:ann", "inner", "read,list")
        state.do("grant", "set", "user:bob", "homes/bob", "read,list")
        with ApiServer(folder, state, "--chat-web") as server:
            ann, bob = (server.log_in(name) for name in ("ann", "bob"))
            with Page(server).enter("gus") as gus, \
                    Page(server, "Cookie: " + ann.fields["Cookie"]) as page, \
                    Page(server, "Cookie: " + bob.fields["Cookie"]) as other:
                page.ask(do="join", room="lobby")
                other.ask(do="join", room="lobby")
                expect(gus.ask(do="share", room="lobby", path="inner/plan.txt")[0]["fault"] ==
                       "no-file")
                expect(gus.ask(do="share", room="lobby", path="open.txt")[0]["ok"])
                expect(page.ask(do="share", room="lobby", path="inner/plan.txt")[0]["ok"])
                expect(other.ask(do="share", room="lobby", path="open.txt")[0]["fault"] ==
                       "no-file", "it is above her home")
                expect(other.ask(do="share", room="lobby", path="own.txt")[0]["ok"])
                _, rows, _ = gus.ask(do="history", room="lobby")
                paths = [row["file"]["path"] for row in rows if "file" in row]
                expect(paths == ["/open.txt", "/inner/plan.txt", "/homes/bob/own.txt"], rows)
                expect(server.get(paths[1]).status == 401, "a stranger reads it")
                expect(server.get(paths[1], "Cookie: " + ann.fields["Cookie"]).body == b"some")


# ---- Accounts ------------------------------------------------------------------------------------


@case("a session's cookie and a token are who they are; one that is over is nobody")
def _():
    with Folder() as folder, State() as state:
        state.add("ann")
        state.add("bob")
        token = state.token("bob")
        with ApiServer(folder, state, "--chat-web") as server:
            ann = server.log_in("ann")
            cookie = "Cookie: " + ann.fields["Cookie"]
            with Page(server, cookie) as page, \
                    Page(server, "Authorization: Bearer " + token) as bob:
                expect(page.hear() == {"ok": True, "who": "ann", "make": True})
                expect(bob.hear() == {"ok": True, "who": "bob", "make": True})
                expect(page.ask(do="guest", name="x")[0]["fault"] == "already")
                expect(page.ask(do="join", room="lobby")[0]["ok"])
                expect(bob.ask(do="join", room="lobby")[0]["ok"])
                bob.ask(do="say", room="lobby", text="hi")
                said = page.until("message")
                expect(said["who"] == "bob" and "guest" not in said, said)
                expect(page.ask(do="read", room="lobby", seq=1)[0]["ok"])
                room = page.ask(do="direct", name="bob")[0]["room"]
                expect(page.ask(do="say", room=room, text="only you")[0]["ok"])
                expect(bob.until("entered")["room"] == room)
                expect(bob.until("message")["text"] == "only you")
                expect(ann.delete("/sessions/current").status == 204)
                page.say(do="rooms", tag="last")
                expect(page.until("over")["text"] == "your log-in is over")
                expect(page.closed() is not None)
            with Page(server, cookie) as page:
                expect(page.ask(do="rooms")[0]["fault"] == "log-in-first")
                expect(page.ask(do="guest", name="ann")[0]["fault"] == "name-taken")
                expect(page.ask(do="guest", name="mia")[0]["ok"])
            with Page(server, "Authorization: Bearer weft_t_nonsense") as page:
                expect(page.status == 401, page.head)


@case("at a stop pages are told that it is over, and closed")
def _():
    with Folder() as folder:
        with web(folder) as server:
            page = Page(server).enter("mia")
        with page:
            expect(page.closed() == 1001)


sys.exit(run())
