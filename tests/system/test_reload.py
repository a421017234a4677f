#!/usr/bin/env python3
"""test_reload.py - `weft serve` reads its settings again at a SIGHUP: limits hold from then on, and
nobody who is there is dropped.

What it takes up it says, in a line; what takes a restart, too. So each step is waited for.
"""
import ftplib
import os
import signal
import sys
import time

from accounted import PASSWORD, State
from served import PATIENCE_S, Connection, Folder, Server, case, expect, run

BIG = 32 << 20
GET = b"GET /%s HTTP/1.1\r\nHost: test\r\n\r\n"


class Settings:
    """A file of them, beside the folder."""

    def __init__(self, folder, text):
        self.path = os.path.join(folder.top, "weft.conf")
        self.say(text)

    def say(self, text):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)


def hang_up(server, lines=1):
    """SIGHUP, and what is said of it."""
    server.process.send_signal(signal.SIGHUP)
    return "".join(server.process.stderr.readline().decode() for _ in range(lines))


def put(server, size):
    with server.connect() as peer:
        peer.send(b"PUT /new-%d HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n"
                  b"Expect: 100-continue\r\n\r\n" % (size, size))
        first = peer.socket.recv(25)
        if first.startswith(b"HTTP/1.1 100"):
            peer.send(b"x" * size)
            return peer.reply().status
        peer.buffer += first
        return peer.reply().status


def is_bounded(peer):
    """Whether one a second is too many; on a machine that is slower, soon."""
    for _ in range(1000):
        peer.send(GET % b"a.txt")
        status = peer.reply().status
        expect(status in (200, 429), status)
        if status == 429:
            return True
    return False


@case("limits are taken up while a download and a kept connection go on")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        folder.write("big", b"x" * BIG)
        settings = Settings(folder, "rate = 100000\nallow-upload = yes\n")
        with Server(folder.path, "--config", settings.path, "--write-timeout", "1000") as server, \
                server.connect() as kept, server.connect() as reader:
            kept.send(GET % b"a.txt")
            expect(kept.reply().body == b"hello")
            reader.send(GET % b"big")
            expect(reader.fill(), "the download does not begin")
            expect(put(server, 2000) == 201)
            settings.say("rate = 1\nrate-burst = 1\nallow-upload = yes\nupload-max = 1000\n")
            said = hang_up(server)
            expect("from now on: " in said and "rate = 1" in said and "upload-max = 1000" in said,
                   said)
            expect(is_bounded(kept), "there is no bound")
            settings.say("allow-upload = yes\nupload-max = 1000\n")
            said = hang_up(server)
            expect("rate = none" in said, said)
            for _ in range(20):
                kept.send(GET % b"a.txt")
                expect(kept.reply().status == 200, "there is a bound still")
            expect(put(server, 2001) == 413 and put(server, 999) == 201)
            reply = reader.reply()
            expect(reply.status == 200 and reply.body == b"x" * BIG, "the download was cut short")


@case("an upload that is under way is finished by the limit of when it began")
def _():
    half = 50000
    with Folder() as folder, State() as state:
        state.add("ann", PASSWORD)
        begin = (b"PUT /%s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n"
                 b"Authorization: Bearer " + state.token("ann").encode() +
                 b"\r\nExpect: 100-continue\r\n\r\n")
        settings = Settings(folder, "")
        with Server(folder.path, "--state", state.path, "--hash-cost", "least", "--allow-upload",
                    "--ftp", "127.0.0.1:0", "--config", settings.path) as server, \
                server.connect() as peer, ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", int(server.facts["ftp"].rpartition(":")[2]),
                        timeout=PATIENCE_S)
            ftp.login("ann", PASSWORD)
            ftp.voidcmd("TYPE I")
            peer.send(begin % (b"web", 2 * half))
            expect(peer.socket.recv(25).startswith(b"HTTP/1.1 100"))
            peer.send(b"x" * half)
            data = ftp.transfercmd("STOR ftp")
            data.sendall(b"x" * half)
            settings.say("upload-max = 1000\n")
            said = hang_up(server)
            expect("upload-max = 1000" in said, said)
            peer.send(b"x" * half)
            expect(peer.reply().status == 201, "the upload by HTTP was cut short")
            data.sendall(b"x" * half)
            data.close()
            expect(ftp.voidresp().startswith("226"), "the upload by FTP was cut short")
            for name in "web", "ftp":
                expect(os.path.getsize(os.path.join(folder.path, name)) == 2 * half, name)
            peer.send(begin % (b"new", 1001))
            expect(peer.reply().status == 413, "there is no limit of HTTP")
            data = ftp.transfercmd("STOR more")
            data.sendall(b"x" * 1001)
            data.close()
            try:
                ftp.voidresp()
                expect(False, "there is no limit of FTP")
            except ftplib.error_perm as refusal:
                expect(str(refusal).startswith("552"), refusal)


@case("what takes a restart is named each time, and a mistake leaves all as it was")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        settings = Settings(folder, "rate = 100000\n")
        with Server(folder.path, "--config", settings.path) as server, server.connect() as kept:
            settings.say("rate = 1\nrate-burst = 1\nhidden = yes\nmetrics = 127.0.0.1:1\n"
                         "connections-per-client = 5\n")
            for lines in 2, 1:
                said = hang_up(server, lines)
                expect("restart" in said.splitlines()[-1] and "hidden" in said and
                       "metrics" in said and "connections-per-client" in said, said)
            settings.say("rate = 100000\nhiden = yes\n")
            said = hang_up(server, 2)
            expect("weft.conf:2: " in said and "the old settings stay" in said, said)
            expect(is_bounded(kept), "there is no bound")


@case("by FTP and in the rooms, who is in stays in, and the next transfer goes by the new rate")
def _():
    with Folder() as folder, State() as state:
        folder.write("a.txt", "x" * 20000)
        state.add("ann", PASSWORD)
        options = ("--state", state.path, "--hash-cost", "least", "--ftp", "127.0.0.1:0",
                   "--chat", "127.0.0.1:0")
        settings = Settings(folder, "")
        with Server(folder.path, *options, "--config", settings.path) as server, \
                ftplib.FTP() as ftp:
            place = server.facts["chat"].rpartition(":")
            with Connection((place[0], int(place[2]))) as talker:
                talker.send(b"GUEST mia\n")
                expect(talker.fill())
                ftp.connect("127.0.0.1", int(server.facts["ftp"].rpartition(":")[2]),
                            timeout=PATIENCE_S)
                ftp.login("ann", PASSWORD)
                settings.say("ftp-sessions-per-user = 1\nftp-rate = 100M\nchat-rate = 1000\n")
                said = hang_up(server)
                expect("ftp-sessions-per-user = 1" in said and "chat-rate = 1000" in said, said)
                got = []
                ftp.retrbinary("RETR a.txt", got.append)
                expect(len(b"".join(got)) == 20000)
                with ftplib.FTP() as second:
                    second.connect("127.0.0.1", ftp.port, timeout=PATIENCE_S)
                    try:
                        second.login("ann", PASSWORD)
                        expect(False, "a second session")
                    except ftplib.all_errors:
                        pass
                settings.say("ftp-rate = 10K\n")
                expect("ftp-rate = 10K" in hang_up(server))
                began = time.monotonic()
                ftp.retrbinary("RETR a.txt", got.append)
                expect(time.monotonic() - began > 0.5, "as fast as before")
                talker.take(len(talker.buffer))
                talker.send(b"JOIN lobby\n")
                expect(talker.fill() and b"entered lobby" in talker.buffer, talker.buffer)


if __name__ == "__main__":
    sys.exit(run())
