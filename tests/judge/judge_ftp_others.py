#!/usr/bin/env python3
"""judge_ftp_others.py - ncftp, tnftp and Python's ftplib at `weft serve --ftp`, beside vsftpd."""
import ftplib
import io
import os
import ssl
import sys

from ftp_judged import BIG, both, done_well, expect, expect_same, make_tree, run, tool


def where(share):
    return ("-u", share.name, "-p", share.password, "-P", str(share.port))


@both("ncftpput -R and ncftpget -R take a tree there and back")
def _(share):
    source = share.at("source")
    make_tree(source, 100)
    done_well(tool("ncftpput", "-V", "-m", "-R", *where(share), "127.0.0.1", share.base + "up",
                   source))
    expect_same(source, share.folder.at("up/source").decode())
    os.mkdir(share.at("back"))
    done_well(tool("ncftpget", "-V", "-R", *where(share), "127.0.0.1", share.at("back"),
                   f"/{share.base}up/source"))
    expect_same(source, share.at("back/source"))


@both("ncftpls lists; ncftpget goes on; ncftpput -a and -A")
def _(share):
    share.folder.write("a b", BIG)
    done = done_well(tool("ncftpls", "-l", *where(share), f"ftp://127.0.0.1/{share.base}"))
    expect("a b" in done.stdout and str(len(BIG)) in done.stdout, done.stdout)
    with open(share.at("a b"), "wb") as file:
        file.write(BIG[:4321])
    done_well(tool("ncftpget", "-V", *where(share), "127.0.0.1", share.place,
                   f"/{share.base}a b"))
    with open(share.at("a b"), "rb") as file:
        expect(file.read() == BIG)
    with open(share.at("text"), "wb") as file:
        file.write(b"one\ntwo\n")
    for option in ("-a", "-A"):
        done_well(tool("ncftpput", "-V", option, *where(share), "127.0.0.1", share.base,
                       share.at("text")))
    expect(share.read("text") == b"one\ntwo\n" * 2)


@both("tnftp: get, put, mget, mput, reget, ls, rename, both modes")
def _(share):
    for name in ("x1", "x2", "x 3"):
        share.folder.write(name, BIG[:50000])
    with open(share.at("big"), "wb") as file:
        file.write(BIG)
    with open(share.at("x1"), "wb") as file:
        file.write(BIG[:100])
    for mode in ("passive on", "passive off"):
        script = "\n".join((
            f"open 127.0.0.1 {share.port}", f"user {share.name} {share.password}", mode,
            f"cd /{share.base}", "binary", "prompt off", "reget x1", "mget x*", "put big",
            "mput b*", "ls", "mkdir d", "rename big d/big", "cd d", "get big back", "ascii",
            "delete big", "cd ..", "rmdir d", "size x2", "modtime x2", "quit", ""))
        done = done_well(tool("tnftp", "-n", "-v", "-i", input=script, cwd=share.place))
        for name in ("x1", "x2", "x 3"):
            with open(share.at(name), "rb") as file:
                expect(file.read() == BIG[:50000], (mode, name, done.stdout))
        with open(share.at("back"), "rb") as file:
            expect(file.read() == BIG, (mode, done.stdout))
        os.unlink(share.at("back"))
        expect(not os.path.exists(share.folder.at("d")), done.stdout)


@both("ftplib by TLS: both ways, lines, lists, abort")
def _(share):
    context = ssl.create_default_context(cafile=share.certificate)
    with ftplib.FTP_TLS(context=context, timeout=30, encoding="utf-8") as ftp:
        ftp.connect("127.0.0.1", share.port)
        ftp.login(share.name, share.password)
        ftp.prot_p()
        ftp.cwd("/" + share.base)
        for content in (b"", b"a", BIG):
            ftp.storbinary("STOR a", io.BytesIO(content))
            expect(share.read("a") == content)
            parts = []
            ftp.retrbinary("RETR a", parts.append)
            expect(b"".join(parts) == content)
        expect(ftp.nlst() == ["a"])
        ftp.storlines("STOR \u00e4", io.BytesIO(b"one\r\ntwo\r\n"))
        expect(share.read("\u00e4") == b"one\ntwo\n")
        with ftp.transfercmd("RETR a") as data:
            data.recv(1000)
        try:
            ftp.voidresp()  # of a transfer that was broken off
        except ftplib.Error:
            pass
        expect(ftp.pwd() == ("/" + share.base).rstrip("/") or share.base == "")


sys.exit(run())
