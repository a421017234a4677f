#!/usr/bin/env python3
# check: waits
"""test_serve_recount.py - servers with accounts that are killed: what each uses is, soon after the
next one begins, what is there of hers, whatever was under way, and whatever happens meanwhile."""
import ftplib
import http.client
import io
import os
import random
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress

from accounted import PASSWORD, ApiServer, State
from aged import made_older
from served import PATIENCE_S, Folder, case, expect, run

ROUNDS = 4 * int(os.environ.get("CHECK_ROUNDS", "1"))  # make soak
MIB = 1 << 20
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": None}
PATCH = {**TUS, "Content-Type": "application/offset+octet-stream"}


def kill(server):
    server.process.kill()
    server.process.communicate(timeout=PATIENCE_S)


def stored(folder, owner):
    """What is there of that owner's: files, the trash, and unfinished uploads."""
    total = 0
    for top, _, names in os.walk(folder.path):
        for name in names:
            path = os.path.join(top, name)
            with suppress(OSError):
                if os.getxattr(path, "user.weft.owner") == owner:
                    total += os.stat(path).st_size
    return total


def used(state, name):
    return state.facts("show", name)["used"]


def why(state):
    """What the database says of counts, for who reads of a failure."""
    with closing(sqlite3.connect(os.path.join(state.path, "accounts.db"))) as database:
        return [database.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("charging", "owners", "reservations")] + [
                    database.execute("SELECT name, used, settled FROM users").fetchall(),
                    database.execute("SELECT at, action, detail FROM audit WHERE action ="
                                     " 'account.recount'").fetchall()]


def wait_used(state, name, bytes_):
    deadline = time.monotonic() + PATIENCE_S
    while used(state, name) != bytes_:
        expect(time.monotonic() < deadline,
               f"{name}: {used(state, name)}, not {bytes_}; {why(state)}")
        time.sleep(0.05)


def wait_right(state, folder):
    """Until a count finds everybody's use to be what it is said to be."""
    deadline = time.monotonic() + PATIENCE_S
    while wrong := state.facts("recount", folder.path, "--trial")["accounts"]:
        expect(time.monotonic() < deadline, (wrong, why(state)))
        time.sleep(0.05)


def put(person, path, size):
    return person.ask("PUT", path, b"x" * size, {"Content-Type": None}, prefix="")


def begin(person, len_):
    answer = person.ask("POST", "/.tus/", b"", {
        **TUS, "Upload-Length": str(len_), "Upload-Metadata": "filename YmlnLmJpbg=="}, prefix="")
    expect(answer.status == 201, answer)
    return answer.fields["Location"]


def offset_of(person, address):
    answer = person.ask("HEAD", address, None, TUS, prefix="")
    expect(answer.status == 200, answer)
    return int(answer.fields["Upload-Offset"])


def go_on(person, address, offset, body):
    return person.ask("PATCH", address, body, {**PATCH, "Upload-Offset": str(offset)}, prefix="")


def break_off(server, person, address, len_, synced):
    """Send all but the last byte of a PATCH, and kill the server when so much is on the disk."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
    connection.putrequest("PATCH", address)
    for name, value in {**PATCH, **person.fields, "Upload-Offset": "0",
                        "Content-Length": str(len_)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    block = b"x" * MIB
    for _ in range(len_ // MIB - 1):
        connection.send(block)
    deadline = time.monotonic() + PATIENCE_S
    while offset_of(person, address) < synced:
        expect(time.monotonic() < deadline, "nothing of it is on the disk")
        time.sleep(0.02)
    kill(server)
    connection.close()


@case("an upload whose server is killed counts as it is, however it goes on")
def _():
    with State() as state, Folder() as folder:
        state.add("mia", PASSWORD, "--quota", "150M")
        token = state.token("mia")
        for end in ("finished", "removed", "left"):
            before = used(state, "mia")
            server = ApiServer(folder, state)
            address = begin(server.bearer(token), 20 * MIB)
            break_off(server, server.bearer(token), address, 20 * MIB, 16 * MIB)
            expect(used(state, "mia") == before, "it was charged: nothing is tried here")
            with ApiServer(folder, state) as server:
                mia = server.bearer(token)
                if end == "finished":  # at once, while it is counted
                    offset = offset_of(mia, address)
                    done = go_on(mia, address, offset, b"x" * (20 * MIB - offset))
                    expect(done.status == 204, done)
                    before += 20 * MIB
                elif end == "removed":
                    expect(mia.ask("DELETE", address, None, TUS, prefix="").status == 204)
                else:
                    before += offset_of(mia, address)
                wait_used(state, "mia", before)
                wait_right(state, folder)


@case("what was cleared at the start is credited, as all that goes while it serves")
def _():
    with State() as state, Folder() as folder:
        state.add("mia", PASSWORD)
        with ApiServer(folder, state) as server:
            mia = server.bearer(state.token("mia"))
            for name in ("a", "b"):
                expect(put(mia, "/" + name, 300).status == 201)
            expect(mia.ask("DELETE", "/b?trash", prefix="").status == 200)
        expect(used(state, "mia") == 600)
        # As somebody has left it who was killed while it went for good.
        os.rename(folder.at("a"), folder.at(".weft-trash/d-" + "0" * 32))
        with ApiServer(folder, state):
            expect(used(state, "mia") == 300, used(state, "mia"))


@case("what has expired before the start is credited as what expires while it serves")
def _():
    with State() as state, Folder() as folder:
        state.add("ben", PASSWORD)
        token = state.token("ben")
        with ApiServer(folder, state) as server:
            ben = server.bearer(token)
            os.mkdir(folder.at("in"))
            for path, size in (("/a", 300000), ("/in/b", 7000), ("/in/c", 50), ("/kept", 9)):
                expect(put(ben, path, size).status == 201, path)
            for path in ("/a", "/in/"):
                done = ben.ask("DELETE", path + "?trash", prefix="")
                expect(done.status == 200, (path, done))
            address = begin(ben, 2 * MIB)
            expect(go_on(ben, address, 0, b"x" * 1000).status == 204)
        expect(used(state, "ben") == 308059, used(state, "ben"))
        with ApiServer(folder, state):
            expect(used(state, "ben") == 308059, used(state, "ben"))
        expect(made_older(folder, days=40) == 3)
        with ApiServer(folder, state):
            expect(used(state, "ben") == 9, used(state, "ben"))
            expect(os.listdir(folder.at(".weft-trash")) == [])


def ftp_of(server):
    ftp = ftplib.FTP(timeout=PATIENCE_S)
    ftp.connect("127.0.0.1", int(server.facts["ftp"].rpartition(":")[2]))
    ftp.login("zoe", PASSWORD)
    return ftp


class Busy(threading.Thread):
    """Somebody who does all that changes what is charged, until the server is gone."""

    NAMES = [folder + name for folder in ("", "one/", "two/") for name in "abcd"]

    def __init__(self, server, token, seed, deeds):
        super().__init__()
        self.person, self.server = server.bearer(token), server
        self.random = random.Random(seed)
        self.deeds = deeds
        self.is_over = threading.Event()
        self.count, self.ftp = 0, None

    def run(self):
        with suppress(OSError, http.client.HTTPException, EOFError):
            while not self.is_over.is_set():
                getattr(self, self.random.choice(self.deeds))()
                self.count += 1
        if self.ftp:
            self.ftp.close()

    def ask(self, method, path, body=None, **fields):
        return self.person.ask(method, "/" + path, body, {"Content-Type": None, **fields},
                               prefix="")

    def name(self):
        return self.random.choice(self.NAMES)

    def size(self):
        return self.random.choice((0, 700, 5000, 200000))

    def put(self):
        self.ask("PUT", self.name(), b"x" * self.size())

    def delete(self):
        self.ask("DELETE", self.name())

    def trash(self):
        self.ask("DELETE", self.name() + "?trash")

    def empty(self):
        self.ask("DELETE", ".trash/")

    def move(self):
        self.ask("MOVE", self.name(), Destination="/" + self.name())

    def copy(self):
        self.ask("COPY", self.name(), Destination="/" + self.name())

    def copy_folder(self):
        self.ask("COPY", self.random.choice(("one", "two")), Destination=f"/copy{self.count % 3}")

    def move_folder(self):
        self.ask("MOVE", f"copy{self.count % 3}", Destination=f"/moved{self.count % 5}")

    def remove_folder(self):
        self.ask("DELETE", self.random.choice(("moved0?all", "moved1?trash", "moved2?all")))

    def upload(self):
        size = self.size() + 2
        answer = self.ask("POST", ".tus/", b"", **{
            **TUS, "Upload-Length": str(size), "Upload-Metadata": "filename YmlnLmJpbg=="})
        if answer.status != 201:
            return
        address = answer.fields["Location"]
        go_on(self.person, address, 0, b"x" * (size // 2))
        end = self.random.randrange(3)
        if end == 0:
            go_on(self.person, address, size // 2, b"x" * (size - size // 2))
        elif end == 1:
            self.person.ask("DELETE", address, None, TUS, prefix="")

    def append(self):
        self.ftp = self.ftp or ftp_of(self.server)
        with suppress(ftplib.Error):
            self.ftp.storbinary("APPE " + self.name(), io.BytesIO(b"x" * self.size()))


ALL = ("put", "put", "put", "delete", "trash", "empty", "move", "copy", "copy_folder",
       "move_folder", "remove_folder")


def storm(server, tokens, seed):
    people = [Busy(server, tokens["mia"], seed, ALL + ("upload",) * 3),
              Busy(server, tokens["ben"], seed + 1, ALL + ("upload",)),
              Busy(server, tokens["zoe"], seed + 2, ALL + ("append",) * 3)]
    for person in people:
        person.start()
    return people


def stop(people):
    for person in people:
        person.is_over.set()
    for person in people:
        person.join(PATIENCE_S)
    return sum(person.count for person in people)


@case("servers are killed in a storm, and the next ones: what each uses is what is there")
def _():
    chance, done = random.Random(7), 0
    with State() as state, Folder() as folder:
        tokens = {}
        for name, quota in (("mia", "40M"), ("ben", "40M"), ("zoe", "0")):
            state.add(name, PASSWORD, "--quota", quota)
            tokens[name] = state.token(name)
        for name in Busy.NAMES:
            folder.write(name, "nobody's")
        for life in range(ROUNDS):
            for _ in range(chance.randrange(1, 3)):  # killed while it counts, too
                server = ApiServer(folder, state, "--ftp", "127.0.0.1:0")
                people = storm(server, tokens, life * 10)
                time.sleep(chance.uniform(0.05, 0.6))
                kill(server)
                done += stop(people)
            with ApiServer(folder, state, "--ftp", "127.0.0.1:0") as server:
                people = storm(server, tokens, life * 10 + 5)
                time.sleep(chance.uniform(0, 0.3))
                done += stop(people)
                expect(put(server.bearer(tokens["zoe"]), "/zoes", 9).status in (201, 204))
                wait_right(state, folder)
                owner = os.getxattr(folder.at("zoes"), "user.weft.owner")
                expect(used(state, "zoe") == stored(folder, owner), (life, used(state, "zoe")))
            wait_right(state, folder)
    print(f"# {done} deeds")


sys.exit(run())
