#!/usr/bin/env python3
"""test_serve_lost.py - accounts that are lost, empty or damaged: nothing starts that would let in
whom they kept out, and all stays as it is; a backup is put back, or it is begun anew on purpose."""
import os
import shutil
import stat
import sys

from accounted import PASSWORD, ApiServer, State
from served import Folder, case, expect, run, weft

MARK = "accounts-were-here"


def refused(done, state, *parts):
    expect(done.returncode == 1 and done.stdout == "", done)
    for part in (*parts, state.path, "docs/running-a-hub.md"):
        expect(part in done.stderr, (part, done))


def serve(folder, state):
    """To its end, which comes at once where it is refused."""
    return weft("serve", folder.path, "--state", state.path, "--hash-cost", "least",
                "--http", "127.0.0.1:0")


def may_read(server):
    return server.stranger().ask("GET", "/a.txt", prefix="").status


def shut(folder, state):
    """A state at which strangers may do nothing; and a backup of it."""
    folder.write("a.txt", "hello")
    state.add("ann", PASSWORD, "--role", "admin")
    state.do("grant", "set", "role:stranger", "", "none")
    with ApiServer(folder, state) as server:
        expect(may_read(server) == 401)
    backup = os.path.join(state.top, "backup.db")
    state.do("backup", backup)
    return backup


def database(state):
    return os.path.join(state.path, "accounts.db")


def lose(state, how):
    if how == "empty":
        with open(database(state), "wb"):
            pass
    else:
        os.rename(database(state), os.path.join(state.top, "away.db"))


def contents(state):
    found = {}
    for name in os.listdir(state.path):
        path = os.path.join(state.path, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[name] = file.read()
    return found


@case("where the accounts are gone or empty, nothing starts, and nothing is made")
def _():
    for how in ("empty", "gone"):
        with State() as state, Folder() as folder:
            shut(folder, state)
            expect(stat.S_IMODE(os.stat(os.path.join(state.path, MARK)).st_mode) == 0o600)
            lose(state, how)
            before = contents(state)
            refused(serve(folder, state), state, "lost", "empty or gone", MARK)
            refused(state.run("find"), state, "lost", MARK)
            refused(state.run("add", "eve", "--password-stdin", text=PASSWORD), state, "lost")
            expect(contents(state) == before, (how, os.listdir(state.path)))


@case("a backup in their place brings all of it back")
def _():
    for how in ("empty", "gone"):
        with State() as state, Folder() as folder:
            backup = shut(folder, state)
            lose(state, how)
            refused(serve(folder, state), state, "lost")
            for name in os.listdir(state.path):  # as docs/running-a-hub.md says
                if name.startswith("accounts.db"):
                    os.unlink(os.path.join(state.path, name))
            refused(serve(folder, state), state, "lost")
            shutil.copy(backup, database(state))
            with ApiServer(folder, state) as server:
                expect("admin" not in server.facts, server.facts)
                expect(may_read(server) == 401)


@case("without the mark it is the first start again")
def _():
    with State() as state, Folder() as folder:
        shut(folder, state)
        lose(state, "gone")
        os.unlink(os.path.join(state.path, MARK))
        with ApiServer(folder, state) as server:
            expect(server.facts["admin"]["name"] == "admin", server.facts)
            expect(may_read(server) == 200)
        expect(MARK in os.listdir(state.path), os.listdir(state.path))


@case("a state of an older weft gets the mark; a first start that was killed before it goes on")
def _():
    with State() as state, Folder() as folder:
        shut(folder, state)
        os.unlink(os.path.join(state.path, MARK))
        with ApiServer(folder, state) as server:
            expect(may_read(server) == 401)
        lose(state, "empty")
        refused(serve(folder, state), state, "lost")
    with State() as state, Folder() as folder:
        os.mkdir(state.path, 0o700)
        for name in ("accounts.db", "accounts.db-owners"):
            with open(os.path.join(state.path, name), "wb"):
                pass
        with ApiServer(folder, state) as server:
            expect(server.facts["admin"]["name"] == "admin", server.facts)


@case("damaged accounts are said to be, and a backup to be what helps")
def _():
    with State() as state, Folder() as folder:
        shut(folder, state)
        with open(database(state), "r+b") as file:
            file.write(b"\0" * 4096)
        for name in ("accounts.db-wal", "accounts.db-shm"):
            if os.path.exists(os.path.join(state.path, name)):
                os.unlink(os.path.join(state.path, name))
        refused(serve(folder, state), state, "damaged", "backup")
        refused(state.run("find"), state, "damaged", "backup")


sys.exit(run())
