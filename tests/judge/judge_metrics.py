#!/usr/bin/env python3
"""judge_metrics.py - Prometheus' own promtool at /metrics of a hub that has had visitors."""
import os
import subprocess
import sys

from judged import Folder, case, expect, need, run, tool
from accounted import ApiServer, State  # pylint: disable=wrong-import-order


@case("promtool finds nothing in the metrics of a busy hub, and knows all their types")
def _():
    need("promtool")
    with Folder() as folder, State() as state:
        folder.write("a.txt", "a")
        with ApiServer(folder, state, "--ftp", "127.0.0.1:0", "--chat", "127.0.0.1:0", "--page",
                       "--metrics", "127.0.0.1:0") as server:
            facts = server.facts
            for name in ("a.txt", "", "none", "a.txt?sha256"):
                tool("curl", "-s", f"http://{server.host}:{server.port}/{name}")
            tool("curl", "-s", "-T", os.devnull, f"http://{server.host}:{server.port}/refused")
            tool("curl", "-s", f"ftp://{facts['ftp']}/")
            host, _, port = facts["chat"].rpartition(":")
            subprocess.run(["nc.openbsd", "-N", host, port], timeout=60, check=True,
                           input=b"GUEST tom\nJOIN lobby\nSAY lobby hello\nQUIT\n",
                           stdout=subprocess.DEVNULL)
            text = tool("curl", "-s", f"http://{facts['metrics']}/metrics").stdout
        expect('code="404"' in text and "weft_chat" in text and "weft_ftp" in text, text)
        done = tool("promtool", "check", "metrics", input=text)
        expect(done.returncode == 0 and done.stdout + done.stderr == "", done)


sys.exit(run())
