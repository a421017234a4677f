#!/usr/bin/env python3
"""judge_chat_page.py - Chromium and npm's ws in rooms of `weft serve --chat-web`: chat_page.mjs."""
import os
import sys

from judged import Folder, Skip, expect, need, need_module, node
from accounted import ApiServer, State  # pylint: disable=wrong-import-order


def run():
    """Hand on the TAP of chat_page.mjs: its claims are the cases."""
    try:
        need("chromium")
        need_module("playwright-core")
        need_module("ws")
    except Skip as reason:
        print(f"1..1\nok 1 - Chromium in a room # SKIP {reason}")
        return 0
    with Folder() as folder, State() as state:
        for name in ("ann", "bob"):
            state.add(name)
        with ApiServer(folder, state, "--chat-web", "--chat-rate", "10000") as server:
            # Anybody else may look only.
            state.do("grant", "set", "role:stranger", "", "read,list")
            state.do("grant", "set", "user:ann", "", "read,list,write")
            os.environ["JUDGE_LINK"] = state.facts("add", "dora", "--invite")["secret"]
            done = node("chat_page.mjs", f"{server.host}:{server.port}")
            sys.stdout.write(done.stdout)
            expect(done.stdout.startswith("1.."), done.stderr)
    return 1 if "\nnot ok " in done.stdout else 0


sys.exit(run())
