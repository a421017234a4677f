#!/usr/bin/env python3
"""judge_ftp_lftp.py - lftp at `weft serve --ftp`, beside vsftpd: trees both ways, going on, TLS."""
import os
import shutil
import sys

from ftp_judged import BIG, Weft, both, case, done_well, expect, expect_same, make_tree, run, tool

WAYS = {
    "in the clear": "set ftp:ssl-allow no",
    "by TLS": "set ftp:ssl-force yes; set ftp:ssl-protect-data yes",
    "active": "set ftp:ssl-allow no; set ftp:passive-mode no",
    "without MLSD": "set ftp:ssl-allow no; set ftp:use-mlsd no; set ftp:use-feat no",
}


def lftp(share, script, way="in the clear"):
    """Its result; it fails at the first command that does."""
    head = (f"set cmd:fail-exit yes; set net:timeout 20; set net:max-retries 1; {WAYS[way]}; "
            f"set ssl:ca-file {share.certificate}; set ssl:check-hostname no; "
            "set xfer:use-temp-file no; set cmd:interactive no; "
            f"open {share.url()}; ")
    return tool("lftp", "--norc", "-c", head + script, cwd=share.place)


@both("a tree is mirrored there and back, in every way")
def _(share):
    source = share.at("source")
    make_tree(source, 200)
    for number, way in enumerate(WAYS):
        back = share.at(f"back{number}")
        done_well(lftp(share, f"mirror -R --parallel=4 source tree{number}", way))
        expect_same(source, share.folder.at(f"tree{number}").decode())
        done_well(lftp(share, f"mirror --parallel=4 tree{number} {back}", way))
        expect_same(source, back)
        shutil.rmtree(back)


@both("mirror once more does nothing, and takes up what is new and what is gone")
def _(share):
    source = share.at("source")
    make_tree(source, 60)
    done_well(lftp(share, "mirror -R source tree"))
    again = done_well(lftp(share, "mirror -R -v source tree"))
    expect("Transferring file" not in again.stdout, again.stdout)
    shutil.rmtree(os.path.join(source, sorted(
        name for name in os.listdir(source) if os.path.isdir(os.path.join(source, name)))[0]))
    with open(os.path.join(source, "new one"), "wb") as file:
        file.write(b"new")
    done_well(lftp(share, "mirror -R -e source tree"))
    expect_same(source, share.folder.at("tree").decode())


@case("times come along, there and back")
def _():
    with Weft() as share:
        source = share.at("source")
        make_tree(source, 20)
        names = [name for name in os.listdir(source)
                 if os.path.isfile(os.path.join(source, name))]
        for number, name in enumerate(names):
            os.utime(os.path.join(source, name), (1e9 + number, 1e9 + number))
        done_well(lftp(share, "mirror -R source tree; mirror tree back"))
        for number, name in enumerate(names):
            expect(os.stat(share.folder.at("tree/" + name)).st_mtime == 1e9 + number, name)
            expect(os.stat(share.at("back/" + name)).st_mtime == 1e9 + number, name)


@case("reput goes on with an upload that was cut off; a half file never shows")
def _():
    with Weft() as share:
        with open(share.at("big"), "wb") as file:
            file.write(BIG * 4)
        for _ in range(2):
            done = tool("timeout", "-s", "KILL", "1.5", "lftp", "--norc", "-c",
                        "set ftp:ssl-allow no; set net:limit-rate 1M; set xfer:use-temp-file no;"
                        f"open {share.url()}; put -c big", cwd=share.place)
            expect(done.returncode != 0)
            expect(not os.path.exists(share.folder.at("big")), "half a file shows")
        done_well(lftp(share, "reput big"))
        expect(share.read("big") == BIG * 4)


@both("reget goes on with a download; pget takes several parts at a time")
def _(share):
    share.folder.write("big", BIG * 2)
    with open(share.at("big"), "wb") as file:
        file.write(BIG[:54321])
    done_well(lftp(share, "reget big"))
    with open(share.at("big"), "rb") as file:
        expect(file.read() == BIG * 2)
    done_well(lftp(share, "pget -n 4 big -o other"))
    with open(share.at("other"), "rb") as file:
        expect(file.read() == BIG * 2)


@both("files and folders are made, moved, shown and removed")
def _(share):
    with open(share.at("a"), "wb") as file:
        file.write(b"hello\n")
    done = done_well(lftp(
        share, 'mkdir -p "d/e f"; put a -o "d/e f/a"; mv "d/e f/a" d/b; cls -1 d; cat d/b; '
        'cd d; pwd; rmdir "e f"; mput ../../a -O . || put a; rm b; mrm a*; cd ..; rmdir d; ls'))
    expect("hello\n" in done.stdout and "d/b\n" in done.stdout, done.stdout)
    expect(os.listdir(share.folder.path) == [], os.listdir(share.folder.path))


@both("a hundred commands go at once, with no word lost")
def _(share):
    for number in range(100):
        share.folder.write(f"f{number}", b"%d" % number)
    script = "; ".join(f"get f{number}" for number in range(100))
    done_well(lftp(share, "set ftp:sync-mode no; " + script))
    for number in range(100):
        with open(share.at(f"f{number}"), "rb") as file:
            expect(file.read() == b"%d" % number)


sys.exit(run())
