#!/usr/bin/env python3
"""judge_ws.py - npm's ws, and Chromium, at a WebSocket echo of weft's (weft-bench --child ws)."""
import os
import subprocess
import sys

from judged import Site, Skip, expect, need, need_module, node

BENCH = os.path.join(os.environ.get("WEFT_BUILD", "build"), "weft-bench")


def run():
    """Hand on the TAP of ws.mjs, then of the browser's claim."""
    try:
        need_module("ws")
    except Skip as reason:
        print(f"1..1\nok 1 - npm's ws # SKIP {reason}")
        return 0
    with subprocess.Popen([BENCH, "--child", "ws", "deflate"], stdout=subprocess.PIPE,
                          text=True) as server:
        try:
            address = f"127.0.0.1:{int(server.stdout.readline())}"
            said = [node("ws.mjs", address).stdout]
            if os.path.exists("/usr/bin/chromium"):
                need_module("playwright-core")
                with Site() as site:
                    said.append(node("browser.mjs", site.url(""), f"ws://{address}/").stdout)
        finally:
            server.terminate()
    # One plan for both: the second's numbers go on from the first's.
    lines = [line for text in said for line in text.splitlines() if not line.startswith("1..")]
    print("\n".join(lines) + f"\n1..{sum(line.startswith(('ok', 'not ok')) for line in lines)}")
    expect(all(text.startswith("1..") for text in said), "one of them broke down")
    return 1 if any(line.startswith("not ok") for line in lines) else 0


sys.exit(run())
