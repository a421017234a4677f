#!/usr/bin/env python3
"""judge_browser.py - Chromium, driven by playwright-core, at `weft serve`: browser.mjs's claims."""
import sys

from judged import Site, Skip, expect, need, need_module, node


def run():
    """Hand on the TAP of browser.mjs: its claims are the cases."""
    try:
        need("chromium")
        need_module("playwright-core")
    except Skip as reason:
        print(f"1..1\nok 1 - Chromium # SKIP {reason}")
        return 0
    with Site("--allow-upload") as site:
        done = node("browser.mjs", site.url(""), "pages", "upload")
        sys.stdout.write(done.stdout)
        expect(done.stdout.startswith("1.."), done.stderr)
    return 1 if "\nnot ok " in done.stdout else 0


sys.exit(run())
