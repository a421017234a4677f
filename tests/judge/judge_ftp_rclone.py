#!/usr/bin/env python3
"""judge_ftp_rclone.py - rclone's FTP backend at `weft serve --ftp`, beside vsftpd: a tree of 2,000
odd names and sizes goes there and back, and rclone itself says whether it is the same."""
import os
import subprocess
import sys

from ftp_judged import Weft, both, case, done_well, expect, expect_same, make_tree, run, tool


def rclone(share, *words, tls=False):
    path = share.at("rclone.conf")
    secret = subprocess.run(["rclone", "obscure", share.password], check=True, timeout=30,
                            capture_output=True, text=True).stdout.strip()
    with open(path, "w", encoding="ascii") as file:
        file.write(f"[f]\ntype = ftp\nhost = 127.0.0.1\nport = {share.port}\n"
                   f"user = {share.name}\npass = {secret}\n"
                   f"explicit_tls = {'true' if tls else 'false'}\nno_check_certificate = true\n")
    return tool("rclone", "--config", path, "--retries", "1", *words)


def there_and_back(share, files, tls):
    source, back = share.at("source"), share.at("back")
    make_tree(source, files)
    remote = f"f:{share.base}tree"
    done_well(rclone(share, "copy", source, remote, tls=tls))
    done_well(rclone(share, "check", "--download", source, remote, tls=tls))
    expect_same(source, share.folder.at("tree").decode())
    done_well(rclone(share, "copy", remote, back, tls=tls))
    expect_same(source, back)


@both("a tree of 2,000 odd names goes there and back, and rclone check agrees")
def _(share):
    there_and_back(share, 2000, False)


@case("the same by TLS, with 300")
def _():
    with Weft() as share:
        there_and_back(share, 300, True)


@both("sync removes, moveto renames, purge empties; times and sizes are kept")
def _(share):
    source = share.at("source")
    make_tree(source, 40)
    remote = f"f:{share.base}tree"
    done_well(rclone(share, "sync", source, remote))
    again = done_well(rclone(share, "sync", "-v", source, remote))
    expect("Copied" not in again.stderr, again.stderr)
    victim = next(name for name in sorted(os.listdir(source))
                  if os.path.isfile(os.path.join(source, name)))
    os.unlink(os.path.join(source, victim))
    done_well(rclone(share, "sync", source, remote))
    expect_same(source, share.folder.at("tree").decode())
    done_well(rclone(share, "moveto", remote, f"f:{share.base}other"))
    expect_same(source, share.folder.at("other").decode())
    done_well(rclone(share, "purge", f"f:{share.base}other"))
    expect(not os.path.exists(share.folder.at("other")))


sys.exit(run())
