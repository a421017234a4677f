#!/usr/bin/env python3
# check: waits
"""test_http_upload_kill.py - servers that are killed while files come in: what was answered 201 or
204 is there, whole; of the rest nothing shows but what was there before, or all of it; and the next
server finds nothing to trip over.

CHECK_ROUNDS in the environment (make soak) multiplies the number of killed servers.
"""
import os
import random
import sys
import time

from served import Folder, Server, case, expect, run
from storming import Client, check

ROUNDS = 20 * int(os.environ.get("CHECK_ROUNDS", "1"))
LIVES = 4  # servers of one folder, one after the other
SECONDS_MAX = 200  # of all rounds together: a case is bounded

OPTIONS = ("--allow-upload", "--allow-overwrite")


def kill_one(folder, seed, acknowledged, version, span_s):
    """One server's life, of span_s at most. Returns the next version."""
    chance = random.Random(seed)
    server = Server(folder.path, *OPTIONS)
    clients = [Client(server, i, version, seed * 10 + i) for i in range(3)]
    for client in clients:
        client.start()
    time.sleep(chance.uniform(0, span_s))
    server.process.kill()
    server.process.communicate()
    for client in clients:
        client.join()
        expect(not client.failure, client.failure)
        acknowledged.update(client.acknowledged)
    return max(client.version for client in clients) + 1


@case(f"{ROUNDS * LIVES} servers, killed at any moment, lose nothing and leave nothing half")
def _():
    began, version, acknowledged, span_s = time.monotonic(), 0, {}, 0.06
    for seed in range(ROUNDS):
        with Folder() as folder:
            kept = {}
            for life in range(LIVES):  # the next one goes on where the last one was killed
                version = kill_one(folder, seed * LIVES + life, kept, version, span_s)
                check(folder, kept)
            with Server(folder.path, *OPTIONS):
                expect(".weft-upload" not in os.listdir(folder.path), "a leftover was not swept")
            acknowledged.update(kept)
            if not kept:
                span_s *= 2  # a disk that takes long to sync
        if time.monotonic() - began > SECONDS_MAX:
            print(f"# {seed + 1} rounds in the time there is")
            break
    print(f"# {len(acknowledged)} files were acknowledged by servers that were then killed")
    expect(len(acknowledged) > 0, "nothing was tried")


sys.exit(run())
