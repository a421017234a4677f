#!/usr/bin/env python3
"""test_trash.py - the trash of a hub with accounts, as its page uses it, beside FTP: what one has
removed she can have back, it is hers until it is gone, and no door shows it meanwhile.
"""
import ftplib
import os
import sys

from accounted import PASSWORD, ApiServer, State
from served import PATIENCE_S, Folder, case, expect, run

CONFINED = ("--confine", "auto")


class Hub:
    """A hub whose folder has some names, with ann (an administrator) and mia and ben."""

    def __init__(self, folder, state, *options):
        self.folder, self.state, self.options = folder, state, (*CONFINED, *options)
        for name, role in (("ann", "admin"), ("mia", "member"), ("ben", "member")):
            state.add(name, PASSWORD, "--role", role, "--quota", "1000")
        self.tokens = {name: state.token(name) for name in ("ann", "mia", "ben")}

    def server(self):
        return ApiServer(self.folder, self.state, *self.options)

    def ask(self, server, name, method, path, body=None, **fields):
        headers = {key.replace("_", "-"): value for key, value in fields.items()}
        return server.bearer(self.tokens[name]).ask(method, path, body, headers, prefix="")


def used(hub, server, name):
    return hub.ask(server, name, "GET", "/?about").json["quota"]["used"]


def kept(hub, server, name):
    return [item["path"] for item in hub.ask(server, name, "GET", "/.trash/").json["items"]]


@case("what one has removed is hers to have back, after a restart, too; it counts till it is gone")
def _():
    with Folder() as folder, State() as state:
        hub = Hub(folder, state)
        with hub.server() as server:
            for path in ("/album", "/album/deep"):
                expect(hub.ask(server, "mia", "MKCOL", path).status == 201)
            for path in ("/album/a", "/album/deep/b"):
                expect(hub.ask(server, "mia", "PUT", path, b"x" * 100).status == 201)
            expect(used(hub, server, "mia") == 200)
            gone = hub.ask(server, "mia", "DELETE", "/album?trash")
            expect(gone.status == 200 and gone.json["path"] == "album", gone)
            expect(hub.ask(server, "mia", "GET", "/album/a").status == 404)
            expect(used(hub, server, "mia") == 200)
        item = f"/.trash/{gone.json['id']}"
        with hub.server() as server:
            expect(kept(hub, server, "mia") == ["album"] and kept(hub, server, "ben") == [])
            expect(kept(hub, server, "ann") == ["album"])
            expect(hub.ask(server, "ben", "POST", item).status == 404)
            expect(hub.ask(server, "mia", "PUT", "/album", b"another").status == 201)
            expect(hub.ask(server, "mia", "POST", item).status == 409)
            back = hub.ask(server, "mia", "POST", item + "?unique")
            expect(back.status == 200 and back.json["path"] == "album (2)", back)
            expect(hub.ask(server, "mia", "GET", "/album%20(2)/deep/b").body == b"x" * 100)
            expect(used(hub, server, "mia") == 207)
            # Whoever removes it for good: its owner has the room again.
            gone = hub.ask(server, "ben", "DELETE", "/album%20(2)?trash")
            expect(hub.ask(server, "ann", "DELETE", f"/.trash/{gone.json['id']}").status == 204)
            expect(used(hub, server, "mia") == 7 and used(hub, server, "ben") == 0)
            expect(hub.ask(server, "mia", "DELETE", "/album?trash").status == 200)
            expect(hub.ask(server, "mia", "DELETE", "/.trash/").status == 204)
            expect(used(hub, server, "mia") == 0)
        expect(os.listdir(f"{folder.path}/.weft-trash") == [])


@case("a folder is removed for good, and copied, with all in it, within the rights and the quota")
def _():
    with Folder() as folder, State() as state:
        hub = Hub(folder, state)
        with hub.server() as server:
            hub.ask(server, "mia", "MKCOL", "/one")
            hub.ask(server, "mia", "PUT", "/one/a", b"x" * 600)
            full = hub.ask(server, "mia", "COPY", "/one", Destination="/two")
            expect(full.status == 507, full)
            expect(hub.ask(server, "mia", "GET", "/two/").status == 404)
            done = hub.ask(server, "ben", "COPY", "/one", Destination="/two")
            expect(done.status == 201 and done.fields["Location"] == "/two/", done)
            expect((used(hub, server, "mia"), used(hub, server, "ben")) == (600, 600))
            expect(server.stranger().ask("DELETE", "/two?all", prefix="").status == 401)
            expect(hub.ask(server, "mia", "DELETE", "/two").status == 409)
            expect(hub.ask(server, "mia", "DELETE", "/two?all").status == 204)
            expect((used(hub, server, "mia"), used(hub, server, "ben")) == (600, 0))
            # Of strangers a form that asks for an archive is no change.
            zipped = server.stranger().ask("POST", "/?archive=tar", b"name=one", {
                "Content-Type": "application/x-www-form-urlencoded"}, prefix="")
            expect(zipped.status == 200 and b"one/a" in zipped.body, zipped)


@case("no door shows what is in the trash; what FTP removes is gone, and what comes back is there")
def _():
    with Folder() as folder, State() as state:
        hub = Hub(folder, state, "--ftp", "127.0.0.1:0", "--hidden")
        with hub.server() as server:
            ftp = ftplib.FTP(timeout=PATIENCE_S)
            host, _, port = server.facts["ftp"].rpartition(":")
            ftp.connect(host, int(port))
            ftp.login("mia", PASSWORD)
            for name in ("a", "b"):
                hub.ask(server, "mia", "PUT", f"/{name}", b"bytes")
            gone = hub.ask(server, "mia", "DELETE", "/a?trash")
            listed = ftp.nlst("-a")
            expect([name for name in listed if name.strip(".")] == ["b"], listed)
            names = [entry["name"] for entry in hub.ask(
                server, "mia", "GET", "/", Accept="application/json").json["entries"]]
            expect(names == ["b"], names)
            expect(hub.ask(server, "mia", "GET", "/.weft-trash/").status == 404)
            for verb in ("CWD .weft-trash", "RETR .weft-trash/x", "DELE .weft-trash/x"):
                try:
                    ftp.sendcmd(verb)
                    expect(False, verb)
                except ftplib.error_perm:
                    pass
            ftp.delete("b")
            expect(kept(hub, server, "mia") == ["a"])
            expect(hub.ask(server, "mia", "POST", f"/.trash/{gone.json['id']}").status == 200)
            ftp.voidcmd("TYPE I")
            expect(ftp.size("a") == 5)
            ftp.quit()


sys.exit(run())
