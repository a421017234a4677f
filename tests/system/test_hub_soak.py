#!/usr/bin/env python3
# check: waits
"""test_hub_soak.py - the whole hub for a while: all doors busy, clients die, the disk fills.

For some seconds in `make check`; SOAK_SECONDS=3600 for an hour (`make soak` takes its rounds). What
was acknowledged is looked for at the end: files byte by byte, words of the rooms in their order.
Then nobody is left, and so must be no connection and no file without a name; and, in a long run,
the server's memory must not have grown from its second quarter to its last.
"""
import base64
import ftplib
import hashlib
import http.client
import io
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from accounted import PASSWORD, State
from served import PATIENCE_S, WEFT, Folder, Server, Skip, case, expect, run

ROUNDS = int(os.environ.get("CHECK_ROUNDS", "1"))
SECONDS = float(os.environ.get("SOAK_SECONDS", 6 * ROUNDS))
LONG_S = 120  # from here on memory is judged
PAUSE_S = 0.01 if SECONDS >= LONG_S else 0  # so that an hour leaves a log that can be read
DISK_MB = 64
GROWTH_MAX = 1.10
GROWTH_KB = 2048

OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
            f"mount -t tmpfs -o size={DISK_MB}m soak \"$0\" && exec \"$@\""]


def reset(peer):
    """As if its machine were gone: no goodbye."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Soak:
    """The server, what it has acknowledged, and what went wrong."""

    def __init__(self, server, token):
        self.server, self.token = server, token
        self.end = time.monotonic() + SECONDS
        self.files = {}  # name: the digests it may have; the last was acknowledged
        self.said = []  # (tag, seq): acknowledged
        self.counts = {}
        self.faults = []
        self.lock = threading.Lock()

    def goes_on(self):
        return time.monotonic() < self.end and not self.faults

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def door(self, name):
        host, _, port = self.server.facts[name].rpartition(":")
        return host, int(port)

    # ---- Files -------------------------------------------------------------------------------

    def begin_file(self, name, body):
        """It may be there from now on."""
        self.files.setdefault(name, {None}).add(hashlib.sha256(body).digest())

    def has_file(self, name, body):
        """It is, and nothing else."""
        self.files[name] = {hashlib.sha256(body).digest()}

    def check_file(self, name, body, why=""):
        digest = hashlib.sha256(body).digest() if body is not None else None
        what = "gone" if body is None else f"what nobody has sent, {len(body)} bytes: {body[:16]}"
        expect(digest in self.files.get(name, {None}), f"{name} is {what} {why}")

    def http(self):
        host, port = self.door("http")
        return http.client.HTTPConnection(host, port, timeout=PATIENCE_S)

    def ask(self, link, method, path, body=None, **fields):
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        link.request(method, path, body, {"Authorization": "Bearer " + self.token, **fields})
        answer = link.getresponse()
        return answer.status, answer.read(), answer.headers


def body_of(dice, largest):
    return dice.randbytes(int(largest ** dice.random()))


def put(soak, dice, own):
    """Files that come, are replaced, read and removed; a disk that is full says so."""
    link = soak.http()
    while soak.goes_on():
        name = f"{own}-{dice.randrange(20)}"
        body = body_of(dice, 200_000)
        before = set(soak.files.get(name, {None}))
        soak.begin_file(name, body)
        status, _, _ = soak.ask(link, "PUT", "/" + name, body)
        expect(status in (201, 204, 507), f"PUT: {status}")
        if status == 507:
            soak.count("put: full")
            soak.files[name] = before  # a body of one byte may be what was there
            continue
        soak.has_file(name, body)
        soak.count("put")
        time.sleep(PAUSE_S)
        name = f"{own}-{dice.randrange(20)}"
        status, body, _ = soak.ask(link, "GET", "/" + name)
        soak.check_file(name, body if status == 200 else None)
        if dice.random() < 0.1:
            status, _, _ = soak.ask(link, "DELETE", "/" + name)
            expect(status in (204, 404), f"DELETE: {status}")
            soak.files[name] = {None}
    link.close()


def break_off(soak, dice, own):
    """The same, by clients that are gone in the middle."""
    while soak.goes_on():
        name = f"{own}-{dice.randrange(20)}"
        body = body_of(dice, 500_000)
        peer = socket.create_connection(soak.door("http"), timeout=PATIENCE_S)
        head = (f"PUT /{name} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {soak.token}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        whole = head + body
        sent = dice.randrange(len(whole) + 1)
        if sent == len(whole):
            soak.begin_file(name, body)
        try:
            peer.sendall(whole[:sent])
        except OSError:
            pass  # full: it does not read on
        reset(peer)
        soak.count("broken off")
        time.sleep(PAUSE_S)
        link = soak.http()
        status, body, _ = soak.ask(link, "GET", "/" + name)
        soak.check_file(name, body if status == 200 else None)
        link.close()


def fill(soak, _dice, own):
    """A disk that is full, and has room again."""
    link = soak.http()
    kept = 0
    while soak.goes_on():
        status, _, _ = soak.ask(link, "PUT", f"/{own}-{kept}", b"x" * (8 << 20))
        kept += 1
        if status in (201, 204):
            continue
        expect(status == 507, f"a full disk: {status}")
        soak.count("disk full")
        while kept > 0:
            kept -= 1
            status, _, _ = soak.ask(link, "DELETE", f"/{own}-{kept}")
            expect(status in (204, 404), f"DELETE: {status}")
        time.sleep(0.5)
    for number in range(kept):
        soak.ask(link, "DELETE", f"/{own}-{number}")
    link.close()


def resume(soak, dice, own):
    """tus: what breaks off is gone on with, and is whole."""
    serial = 0
    while soak.goes_on():
        body = dice.randbytes(100_000)
        name, serial = f"{own}-{serial % 10}", serial + 1
        link = soak.http()
        soak.ask(link, "DELETE", "/" + name)
        soak.files[name] = {None}
        meta = "filename " + base64.b64encode(name.encode()).decode()
        status, _, fields = soak.ask(link, "POST", "/", Tus_Resumable="1.0.0",
                                     Upload_Length=str(len(body)), Upload_Metadata=meta)
        link.close()
        if status == 507:
            continue
        expect(status == 201, f"tus: {status}")
        soak.begin_file(name, body)
        place = re.sub("^https?://[^/]*", "", fields["Location"])
        patch(soak, dice, place, body)
        status, got, _ = soak.ask(link, "GET", "/" + name)
        soak.check_file(name, got if status == 200 else None)
        if status == 200:
            soak.has_file(name, body)
            soak.count("tus")
        link.close()


def patch(soak, dice, place, body):
    """Send the rest, breaking off now and then, to the end; given up where the disk is full."""
    while True:
        link = soak.http()
        status, _, fields = soak.ask(link, "HEAD", place, Tus_Resumable="1.0.0")
        if status != 200:
            return link.close()  # published, and forgotten
        offset = int(fields["Upload-Offset"])
        if offset == len(body):
            return link.close()
        link.close()
        part = body[offset:offset + dice.randrange(1, 60_000)]
        peer = socket.create_connection(soak.door("http"), timeout=PATIENCE_S)
        told = len(part) if dice.random() < 0.6 else len(body) - offset
        peer.sendall(f"PATCH {place} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {soak.token}"
                     "\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
                     f"Upload-Offset: {offset}\r\nContent-Length: {told}\r\n\r\n".encode() + part)
        if told == len(part):
            status = int((peer.recv(4096) or b"HTTP/1.1 000")[9:12])
            if status == 507:
                peer.close()
                link = soak.http()
                soak.ask(link, "DELETE", place, Tus_Resumable="1.0.0")
                soak.count("tus: full")
                return link.close()
            # 409, 423: the one that has just been broken off is still at its end.
            expect(status in (204, 409, 423), f"PATCH: {status}")
            peer.close()
        else:
            reset(peer)


def ftp(soak, dice, own):
    """Files by FTP, and data connections that break."""
    while soak.goes_on():
        door = ftplib.FTP(timeout=PATIENCE_S)
        door.connect(*soak.door("ftp"))
        try:
            door.login("ann", PASSWORD)
        except ftplib.error_temp as error:
            expect(str(error).startswith("421"), error)  # as many passwords as it can are looked at
            door.close()
            continue
        for _ in range(20):
            name = f"{own}-{dice.randrange(10)}"
            body = body_of(dice, 200_000)
            soak.begin_file(name, body)
            try:
                door.storbinary("STOR " + name, io.BytesIO(body))
                soak.has_file(name, body)
                soak.count("ftp")
                time.sleep(PAUSE_S)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                expect(str(error)[:3] in ("552", "452", "426", "451"), error)  # it is full
            got = io.BytesIO()
            try:
                door.retrbinary("RETR " + name, got.write)
                soak.check_file(name, got.getvalue())
            except ftplib.error_perm as error:
                soak.check_file(name, None, error)
        if dice.random() < 0.5:
            data, _ = door.ntransfercmd("STOR " + own + "-torn")
            data.sendall(b"x" * dice.randrange(1, 100_000))
            reset(data)
            reset(door.sock)
        else:
            door.quit()
            door.close()


def killed(soak, dice, own):
    """Programs that are killed while they send or fetch."""
    host, port = soak.door("http")
    big = "x" * 3_000_000
    while soak.goes_on():
        name = f"{own}-{dice.randrange(5)}"
        command = ["curl", "-s", "-o", "/dev/null", "--limit-rate", "3M", "-H",
                   f"Authorization: Bearer {soak.token}", f"http://{host}:{port}/{name}"]
        soak.begin_file(name, big.encode())
        with subprocess.Popen(command + ["-T", "-"], stdin=subprocess.PIPE) as program:
            try:
                program.stdin.write(big[:dice.randrange(len(big))].encode())
                program.stdin.flush()
            except BrokenPipeError:
                pass
            program.send_signal(signal.SIGKILL)
            try:
                program.stdin.close()
            except BrokenPipeError:
                pass
            program.wait()
        soak.count("killed")


def silent(soak, dice, _own):
    """Who says half of a request, or nothing, and is gone without a word."""
    doors = [soak.door(name) for name in ("http", "ftp", "chat")]
    while soak.goes_on():
        peers = [socket.create_connection(dice.choice(doors), timeout=PATIENCE_S)
                 for _ in range(dice.randrange(1, 30))]
        for peer in peers:
            try:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: soak\r\nX-Half"[:dice.randrange(40)])
            except OSError:
                pass
        time.sleep(dice.random() / 5)
        for peer in peers:
            if dice.random() < 0.5:
                reset(peer)
            peer.close()
        soak.count("silent")


class Talker:
    """Lines by TCP."""

    def __init__(self, soak, hello):
        self.socket = socket.create_connection(soak.door("chat"), timeout=PATIENCE_S)
        self.file = self.socket.makefile("rwb", buffering=0)
        self.reader = io.BufferedReader(self.file)
        self.do(hello)

    def do(self, line, tag=""):
        self.file.write((tag and "#" + tag + " ").encode() + line.encode() + b"\n")
        events = []
        while True:
            got = self.reader.readline().decode().rstrip("\n")
            expect(got, f"{line}: the end")
            words = got.split(" ")
            if tag and words[0] == "#" + tag:
                words = words[1:]
            elif tag and words[0].startswith("#"):
                continue
            if words[0] in ("OK", "NO"):
                return words, events
            events.append(got)

    def close(self, is_rude):
        if is_rude:
            reset(self.socket)
        self.reader.close()
        self.file.close()
        self.socket.close()


def talk(soak, dice, own):
    """What is said is there at the end, once, in the order of the OKs."""
    serial = 0
    while soak.goes_on():
        talker = Talker(soak, f"GUEST {own}{serial}")
        talker.do("JOIN lobby")
        for _ in range(dice.randrange(1, 40)):
            tag, serial = f"{own}x{serial}", serial + 1
            words, _ = talker.do(f"SAY lobby {tag}", tag)
            if words[0] == "OK":
                with soak.lock:
                    soak.said.append((own, tag))
                soak.count("said")
            time.sleep(PAUSE_S)
        talker.close(dice.random() < 0.5)


def ask_until(peer, text, wanted):
    """By UDP, which may lose it, or what comes back: so it is asked again."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        peer.send(text.encode())
        try:
            peer.settimeout(1)
            while peer.recv(4096) != wanted:
                continue
            return
        except TimeoutError:
            continue
    raise AssertionError(f"{text}: no {wanted!r}")


def datagrams(soak, dice, own):
    """By UDP: come, say something, go, or be gone."""
    serial = 0
    while soak.goes_on():
        name, serial = f"{own}{serial}", serial + 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.connect(soak.door("chat"))
            ask_until(peer, f"L {name}", b"OK")
            for _ in range(dice.randrange(5)):
                peer.send(f"C {name} hello".encode())
            if dice.random() < 0.7:
                ask_until(peer, f"Q {name}", b"EXIT")
        soak.count("datagrams")
        time.sleep(0.2)  # so many strangers of one address get an answer, and no more


def page(soak, dice, own):
    """By WebSocket: come in, hear for a while, be gone."""
    serial = 0
    while soak.goes_on():
        name, serial = f"{own}{serial}", serial + 1
        peer = socket.create_connection(soak.door("http"), timeout=PATIENCE_S)
        peer.sendall(b"GET /.chat HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: "
                     b"Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcy4uLg==\r\n\r\n")
        head = peer.recv(65536)
        expect(head.startswith(b"HTTP/1.1 101"), f"not let in: {head!r}")
        for command in ({"do": "guest", "name": name}, {"do": "join", "room": "lobby"}):
            data = json.dumps(command).encode()
            peer.sendall(bytes([0x81, 0x80 | len(data)]) + bytes(4) + data)
        expect(peer.recv(65536), "nothing was heard")
        until = time.monotonic() + dice.random()
        peer.settimeout(0.2)
        while time.monotonic() < until:
            try:
                expect(peer.recv(65536), "it was put out")
            except TimeoutError:
                pass
        (reset if dice.random() < 0.5 else socket.socket.close)(peer)
        soak.count("pages")


def reload(soak, _dice, _own):
    while soak.goes_on():
        soak.server.process.send_signal(signal.SIGHUP)
        soak.count("reloads")
        time.sleep(1)


WORKERS = (put, put, break_off, fill, resume, ftp, ftp, killed, silent, talk, talk, datagrams,
           page, page, reload)


def look(pid):
    """The kilobytes that are its own, and what its descriptors are."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        resident = int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))
    kinds = {"sockets": 0, "nameless": 0, "others": 0}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        kinds["sockets" if target.startswith("socket:") else
              "nameless" if re.search(r"/#\d+ \(deleted\)$", target) else "others"] += 1
    return resident, kinds


def work(soak):
    """All at once, to the end; the memory meanwhile."""
    def guarded(function, number):
        try:
            function(soak, random.Random(number), f"{function.__name__}{number}")
        except Exception as fault:  # pylint: disable=broad-except
            soak.faults.append(f"{function.__name__}: {fault!r}")
            raise

    threads = [threading.Thread(target=guarded, args=(function, number))
               for number, function in enumerate(WORKERS)]
    for thread in threads:
        thread.start()
    memory = []
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(1.0, SECONDS / 50))
        memory.append(look(soak.server.process.pid)[0])
    for thread in threads:
        thread.join()
    expect(not soak.faults, soak.faults)
    return memory


def check_files(soak):
    link = soak.http()
    for name in soak.files:
        status, body, _ = soak.ask(link, "GET", "/" + name)
        soak.check_file(name, body if status == 200 else None)
    link.close()


def check_said(soak):
    """The lobby's history has each acknowledged word once, each speaker's in her order."""
    reader = Talker(soak, "GUEST reader")
    reader.do("JOIN lobby")
    found, after = [], 0
    while True:
        words, events = reader.do(f"HISTORY lobby after {after}", "h")
        messages = [event.split(" ") for event in events if " message " in " " + event]
        messages = [one[one.index("message"):] for one in messages]
        found += [one[6] for one in messages]
        after = int(messages[-1][3]) if messages else after
        if words[1:2] != ["more"]:
            break
    places = {text: place for place, text in enumerate(found)}
    mine = [text for text in found if re.fullmatch(r"talk\d+x\d+", text)]
    expect(len(mine) == len(set(mine)), "a word is there twice")
    last = {}
    for own, tag in soak.said:
        expect(tag in places, f"{tag} was acknowledged, and is lost")
        expect(places[tag] > last.get(own, -1), f"{tag} is out of order")
        last[own] = places[tag]
    reader.close(False)


def check_memory(memory):
    quarter = max(1, len(memory) // 4)
    memory = memory[:1] * (2 * quarter - len(memory)) + memory  # one that was short has few looks
    early, late = (sorted(part)[len(part) // 2]
                   for part in (memory[quarter:2 * quarter], memory[-quarter:]))
    print(f"# memory: {early} kB, later {late} kB; at most {max(memory)} kB")
    if SECONDS >= LONG_S:
        expect(late <= early * GROWTH_MAX + GROWTH_KB, f"it grew from {early} to {late} kB")


def check_descriptors(pid, before):
    """All that clients brought is gone: when the last of them has been noticed."""
    until = time.monotonic() + PATIENCE_S
    _, now = look(pid)
    while (now["sockets"] > before["sockets"] or now["nameless"]) and time.monotonic() < until:
        time.sleep(0.1)
        _, now = look(pid)
    print(f"# descriptors: {before}, later {now}")
    expect(now["sockets"] <= before["sockets"] and not now["nameless"], f"left over: {now}")


@case("all doors busy, clients die, the disk fills: nothing that was acknowledged is lost")
def soaked():
    if subprocess.run([*OWN_DISK[:4], "true"], capture_output=True, check=False).returncode:
        raise Skip("no file system of one's own may be mounted here")
    signal.setitimer(signal.ITIMER_REAL, 3 * SECONDS + 240, 60)  # it may take longer than others
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        token = state.token("ann")
        with Server(folder.path, "--state", state.path, "--hash-cost", "least", "--chat-web",
                    "--chat", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--chat-rate", "2000",
                    "--allow-upload", "--allow-overwrite", "--allow-change", "--grace", "1",
                    "--insecure-auth",
                    prefix=[*OWN_DISK, folder.path]) as server:
            server.may_say = b"the disk of"  # that it is full
            soak = Soak(server, token)
            link = soak.http()
            soak.ask(link, "GET", "/")
            link.close()
            _, before = look(server.process.pid)
            memory = work(soak)
            check_files(soak)
            check_said(soak)
            print("# " + ", ".join(f"{what} {count}" for what, count in soak.counts.items()))
            check_memory(memory)
            check_descriptors(server.process.pid, before)


sys.exit(run())
