#!/usr/bin/env python3
"""judge_ftp_curl.py - curl and wget at `weft serve --ftp`, beside vsftpd.

aria2c is not asked: when "150" and "226" come in one read, as they do from a quick server, it waits
for another byte until its timeout."""
import os
import sys

from ftp_judged import (BIG, Vsftpd, Weft, both, case, done_well, expect, expect_same, make_tree,
                        run, tool)


def curl(share, *words):
    return tool("curl", "-sS", "--cacert", share.certificate, "--max-time", "60", *words,
                text=False)


WAYS = {
    "in the clear": (),
    "by AUTH TLS": ("--ssl-reqd",),
    "PORT": ("--ftp-port", "127.0.0.1", "--disable-eprt"),
    "EPRT": ("--ftp-port", "127.0.0.1"),
    "PASV": ("--disable-epsv",),
    "TLS 1.2": ("--ssl-reqd", "--tls-max", "1.2"),
}


@both("curl puts and fetches by every kind of data connection")
def _(share):
    with open(share.at("big"), "wb") as file:
        file.write(BIG)
    for number, (way, words) in enumerate(WAYS.items()):
        for size, content in (("big", BIG), ("empty", b"")):
            with open(share.at(size), "wb") as file:
                file.write(content)
            name = f"{size}{number}"
            # By TLS 1.3 curl leaves without a look at vsftpd's tickets, and so now and then resets
            # what vsftpd has not read yet: that is between those two. Ours has to take it as it is.
            for _ in range(5 if isinstance(share, Vsftpd) else 1):
                done = curl(share, *words, "-T", share.at(size), share.url(name))
                if b"426" not in done.stderr:
                    break
            expect(done.returncode == 0, f"{way}: {done.stderr}")
            expect(share.read(name) == content, way)
            done = curl(share, *words, share.url(name))
            expect(done.returncode == 0 and done.stdout == content, f"{way}: {done.stderr}")


@case("curl speaks implicit TLS")
def _():
    with Weft() as share:
        share.folder.write("a", "hello")
        expect(curl(share, share.url("a", "ftps")).stdout == b"hello")
        with open(share.at("b"), "wb") as file:
            file.write(BIG)
        done_well(curl(share, "-T", share.at("b"), share.url("b", "ftps")))
        expect(share.read("b") == BIG)


@both("curl -C - goes on with downloads and uploads; -r takes a part; -a appends")
def _(share):
    share.folder.write("down", BIG)
    with open(share.at("down"), "wb") as file:
        file.write(BIG[:12345])
    done_well(curl(share, "-C", "-", "-o", share.at("down"), share.url("down")))
    with open(share.at("down"), "rb") as file:
        expect(file.read() == BIG)
    expect(curl(share, "-r", "5-9", share.url("down")).stdout == BIG[5:10])
    expect(curl(share, "-r", "-9", share.url("down")).stdout == BIG[-9:])
    share.folder.write("up", BIG[:100000])
    os.chmod(share.folder.at("up"), 0o666)
    if os.getuid() == 0 and share.base:
        os.chown(share.folder.at("up"), 65534, 65534)
    done = curl(share, "-C", "-", "-T", share.at("down"), share.url("up2"))
    expect(done.returncode == 0 and share.read("up2") == BIG, done.stderr)
    done = curl(share, "-a", "-T", share.at("down"), share.url("up2"))
    expect(done.returncode == 0 and share.read("up2") == BIG + BIG, done.stderr)


@case("curl that is cut off twice goes on with its upload by -C -")
def _():
    with Weft() as share:
        with open(share.at("big"), "wb") as file:
            file.write(BIG * 4)
        for _ in range(2):
            done = curl(share, "-C", "-", "--limit-rate", "1M", "--max-time", "1.2", "-T",
                        share.at("big"), share.url("up"))
            expect(done.returncode == 28, done.stderr)
            expect(not os.path.exists(share.folder.at("up")), "half a file shows")
        done_well(curl(share, "-C", "-", "-T", share.at("big"), share.url("up")))
        expect(share.read("up") == BIG * 4)


@both("curl lists, makes folders, quotes, asks for times and sizes, converts line ends")
def _(share):
    with open(share.at("a"), "wb") as file:
        file.write(b"one\ntwo\n")
    done_well(curl(share, "--ftp-create-dirs", "-T", share.at("a"), share.url("d/e%20f/a")))
    expect(b"e f" in curl(share, share.url("d/")).stdout)
    expect(curl(share, "-l", share.url("d/")).stdout == b"e f\n")
    expect(curl(share, "-B", share.url("d/e%20f/a")).stdout == b"one\ntwo\n")
    done = done_well(curl(share, "-I", share.url("d/e%20f/a")))
    expect(b"Content-Length: 8" in done.stdout and b"Last-Modified: " in done.stdout, done.stdout)
    done_well(curl(share, "-R", "-o", share.at("b"), share.url("d/e%20f/a")))
    expect(abs(os.stat(share.at("b")).st_mtime -
               os.stat(share.folder.at("d/e f/a")).st_mtime) < 1.5)
    done_well(curl(share, "-Q", "-RNFR a", "-Q", "-RNTO b", share.url("d/e%20f/a")))
    expect(share.read("d/e f/b") == b"one\ntwo\n")
    for method in ("multicwd", "singlecwd", "nocwd"):
        done = curl(share, "--ftp-method", method, share.url("d/e%20f/b"))
        expect(done.stdout == b"one\ntwo\n", (method, done.stderr))
    expect(curl(share, share.url("none")).returncode in (19, 78))


@both("many transfers over one connection, and several at a time")
def _(share):
    for number in range(40):
        share.folder.write(f"f{number}", b"%d" % number)
    done = done_well(curl(share, "--parallel", "--parallel-max", "8",
                          share.url("f[0-39]"), "-o", share.at("g#1")))
    for number in range(40):
        with open(share.at(f"g{number}"), "rb") as file:
            expect(file.read() == b"%d" % number, done.stderr)


@both("wget -r fetches a tree")
def _(share):
    make_tree(share.folder.path, 150, without="%")  # wget itself makes an A of %41
    done_well(tool("wget", "-q", "-r", "-nH", "-P", share.place, share.url()))
    expect_same(share.folder.path, os.path.join(share.place, share.base))


sys.exit(run())
