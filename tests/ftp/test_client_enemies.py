#!/usr/bin/env python3
"""test_client_enemies.py - `weft ftp` and a server that means ill.

A table: what the server does, what is asked of it, and what is said then. In each case nothing
is written outside of the folder that is meant, no more memory is taken than some, it ends soon,
and what went wrong is one clear line. What needs no program is tests/ftp/test_client_hostile.c.

check: waits
"""
import os
import re
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))

from ftp_site import FtpSite, Session  # noqa: E402
from served import WEFT as BUILT  # noqa: E402
from served import PATIENCE_S, case, expect, on_a_slow_machine, run  # noqa: E402

WEFT = os.path.abspath(BUILT)

# What a run may take beyond one in which nothing happens, in KiB.
MEMORY_KIB = 160 << 10

# What the server may take for a step, in seconds, where a case needs that it be short: on a slow
# machine, where a step before those that are meant may take as long, more and more.
STEP = (1, 5, 20)

EVIL = ("../evil", "..", ".", "/etc/weft-evil", "in/../../evil", "a/b", "x\ry", "x\0y", "", " ",
        "\033[2J\033]0;x\007", "x\x7f", "\u202egpj.exe", ".weft-0123456789abcdef.part", "n" * 300,
        "\\..\\evil", "-rf", "~", "$(touch evil)", "`touch evil`")


# ---- What servers do ---------------------------------------------------------------------------


def forever(data):
    """A reply that never ends; in pieces that the client's going away breaks off."""
    def do(session, _):
        while True:
            session.peer.sendall(data * (1 + 65536 // len(data)))
    return do


def drip(data, pause_s=0.05):
    def do(session, _):
        for byte in data * 10000:
            session.peer.sendall(bytes([byte]))
            time.sleep(pause_s)
    return do


def says(*lines):
    def do(session, _):
        for line in lines:
            session.peer.sendall(line if isinstance(line, bytes) else line.encode() + b"\r\n")
    return do


def hangs_up(reply):
    def do(session, _):
        session.say(reply)
        return "end"
    return do


def lists(lines, pause_s=0):
    """A listing of these lines: of all of them, as they come from the iterator."""
    def do(session, _):
        session.say("150 soon")
        data = session.data()
        for line in lines() if callable(lines) else lines:
            data.sendall(line if isinstance(line, bytes) else
                         line.encode("utf-8", "surrogateescape") + b"\r\n")
            time.sleep(pause_s)
        session.close(data)
        session.say("226 done")
    return do


def endless(line):
    def lines():
        while True:
            yield line
    return lines


def sends(content):
    """A file of that content, piece by piece, whatever was told of it."""
    def do(session, _):
        session.say("150 soon")
        data = session.data()
        for piece in content():
            data.sendall(piece)
        session.close(data)
        session.say("226 done")
    return do


def is_file(size):
    return says(f"250-here\r\n type=file;size={size};modify=20200101000000; x\r\n250 end")


def zeros():
    while True:
        yield bytes(65536)


def begins_twice(session, _):
    session.say("150 soon")
    session.data().close()
    session.say("150 more")
    session.say("226 done")


def cut_off(session, _):
    """The data connection ends without close_notify; 226 all the same."""
    session.say("150 soon")
    data = session.data()
    data.sendall(b"hel")
    data.close()
    session.say("226 done")


FACTS = "type=file;size=5;modify=20200101000000; "
LINE = "-rw-r--r-- 1 ada users 5 Jan  1  2020 "

# What it does: the commands it answers in its own way, what is asked, and what is said then.
CASES = (
    ("greets without an end", {"GREETING": forever(b"220-hello\r\n")}, "pwd", "has no end"),
    ("greets with a line without an end", {"GREETING": forever(b"220 hello")}, "pwd",
     "a line that is too long"),
    ("is always about to be ready", {"GREETING": forever(b"120 soon\r\n")}, "pwd",
     "takes no connection"),
    ("greets byte by byte", {"GREETING": drip(b"220-hello\r\n")}, "pwd", "took too long", STEP),
    ("says nothing", {"GREETING": lambda session, _: session.hear()}, "pwd", "took too long", STEP),
    ("speaks another protocol", {"GREETING": says("SSH-2.0-OpenSSH_9.2")}, "pwd", "no FTP server"),
    ("says codes that there are none", {"PWD": says("999 what")}, "pwd", "no FTP server"),
    ("says nothing but zeros", {"PWD": forever(bytes(10))}, "pwd", "too long"),
    ("says where one is in many lines", {"PWD": forever(b"257-\"/\"\r\n")}, "pwd", "no end"),
    ("does not say where one is", {"PWD": says("257 nowhere")}, "pwd", "in which folder"),
    ("is busy for ever with a command", {"CWD": forever(b"150 soon\r\n")}, "cd x", "as if data"),
    ("begins a transfer again and again",
     {"MLST": is_file(5), "RETR": forever(b"150 soon\r\n")}, "get x", "took too long", STEP),
    ("says 150 where 226 is due", {"MLST": is_file(0), "RETR": begins_twice},
     "-get x; pwd; cd none", r"150 more(.|\n)*550 no such folder"),
    ("hangs up before the data", {"MLST": is_file(5), "RETR": hangs_up("150 soon")}, "get x",
     "took too long|closed|reset", STEP),
    ("ends the session", {"MLST": hangs_up("421 no more")}, "get x", "421 no more"),
    ("names a port that is none", {"EPSV": says("229 (|||0|)")}, "ls", "names no port"),
    ("names a port too high", {"EPSV": says("229 (|||70000|)")}, "ls", "names no port"),
    ("names no port", {"EPSV": says("500 no"), "PASV": says("227 ok")}, "ls", "names no port"),
    ("names half a port", {"EPSV": says("500 no"), "PASV": says("227 (127,0,0,1,7)")}, "ls",
     "names no port"),
    ("names a port that nobody listens at", {"EPSV": says("229 (|||1|)")}, "ls",
     "data connection to .* refused"),
    ("lists without an end", {"MLSD": lists(endless(FACTS + "n" * 8000))}, "ls",
     "too large|broken"),
    ("lists a line without an end", {"MLSD": lists(endless(b"n" * 65536))}, "ls", "too long"),
    ("lists a byte at a time", {"MLSD": lists(endless(b"n"), 0.05)}, "ls", "too long", STEP),
    # A hundred lines take longer than the longest step that is tried.
    ("lists a line at a time", {"MLSD": lists(endless(FACTS + "x"), 0.3)}, "ls", "too slow", STEP),
    ("tells names that lead elsewhere", {"MLSD": lists([FACTS + name for name in EVIL])},
     "mirror . .", "can't be the name of a file here"),
    ("tells names that lead elsewhere, for a pattern",
     {"MLSD": lists([FACTS + name for name in EVIL])}, "mget *", "passed over"),
    ("tells names that lead elsewhere by LIST",
     {"FEAT": says("500 no"), "MLST": says("500 no"), "LIST": lists([LINE + n for n in EVIL])},
     "mirror . .", "can't be the name of a file here"),
    ("has folders that lead elsewhere",
     {"MLSD": lists(["type=dir; " + name for name in EVIL[:8]])}, "mirror . .",
     "can't be the name of a file here"),
    ("has a folder in a folder, without an end", {"MLSD": lists(["type=dir; d"])}, "mirror . .",
     "too deep"),
    ("tells a link to the files of this machine",
     {"MLSD": lists(["type=OS.unix=slink:/etc; etc", "type=file;size=1; etc/passwd"])},
     "mirror . .", "can't be the name"),
    ("answers MLST with another's name",
     {"MLST": says("250-\r\n type=file;size=5;modify=20200101000000; ../../evil\r\n250 ")},
     "get x", "no such file"),
    ("sends more than it told", {"MLST": is_file(5), "RETR": sends(zeros)}, "get x", "instead of"),
    ("sends less than it told", {"MLST": is_file(500), "RETR": sends(lambda: [b"x"])}, "get x",
     "instead of"),
    ("tells a size below nothing", {"FEAT": says("500 no"), "SIZE": says("213 -5")}, "get x",
     "is no number"),
    ("tells a size beyond all", {"FEAT": says("500 no"), "SIZE": says("213 9" + "9" * 40)},
     "get x", "is no number"),
    ("sends a command to the terminal", {"CWD": says("550 \033[2J\033]0;x\007\u202e")}, "cd x",
     r"550 \\x1b\[2J\\x1b\]0;x\\x07"),
    ("cuts a file off under TLS", {"MLST": is_file(5), "RETR": cut_off}, "get x",
     "without TLS's close_notify", ("--insecure",)),
    ("offers TLS and then speaks in the clear", {"AUTH": says("234 go on\r\n220 in the clear")},
     "pwd", "TLS|encrypt", ("--insecure",)),
)


# ---- The runs ------------------------------------------------------------------------------------


def enemy(answers):
    """A session that answers some commands in its own way."""
    class Enemy(Session):
        def serve(self):
            if "GREETING" not in answers:
                return super().serve()
            return answers["GREETING"](self, "")

    for verb, answer in answers.items():
        setattr(Enemy, "do_" + verb, lambda self, word, answer=answer: answer(self, word))
    return Enemy


def ask(site, cwd, commands, words=()):
    """(status, stdout, stderr)"""
    env = {**os.environ, "WEFT_FTP_PASSWORD": "secret", "HOME": "/nonexistent"}
    done = subprocess.run([WEFT, "ftp", site.place, *words, "-c", commands], cwd=cwd, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def certificate(folder):
    path = os.path.join(folder, "both")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", path, "-out",
         path + ".cert"], capture_output=True, check=False)
    expect(made.returncode == 0, made.stderr)
    with open(path + ".cert", encoding="ascii") as cert, open(path, "a", encoding="ascii") as file:
        file.write(cert.read())
    return path


def confront(answers, commands, said, words=()):
    """What every case must be like."""
    top = tempfile.mkdtemp(prefix="weft-enemy-")
    here, shared, keys = (os.path.join(top, name) for name in ("here", "shared", "keys"))
    for folder in (here, shared, keys):
        os.mkdir(folder)
    try:
        tls = certificate(keys) if "--insecure" in words else None
        with FtpSite(shared, tls=tls, session=enemy(answers)) as site:
            status, out, err = ask(site, here, commands, words)
        if said is not None:
            expect(status == 1 and re.search(said, err), (status, out[-300:], err[-300:]))
        for bad in ("\033", "\007", "\x7f", "\u202e", "\r"):
            expect(bad not in out + err, (bad, out[-300:], err[-300:]))
        expect(sorted(os.listdir(top)) == ["here", "keys", "shared"], os.listdir(top))
        expect(not os.path.lexists("/etc/weft-evil") and os.listdir(shared) == [], shared)
        for folder, _, names in os.walk(here):
            for name in names:
                expect(not os.path.islink(os.path.join(folder, name)), name)
                expect(not re.search("evil$", name) or "touch" in name or "\\" in name, name)
    finally:
        shutil.rmtree(top)


for row in CASES:
    @case(f"a server that {row[0]}")
    def _(row=row):
        if row[-1] is not STEP:
            confront(*row[1:])
            return
        on_a_slow_machine(lambda time_s: confront(*row[1:-1], ("--timeout", time_s)), *STEP)


@case("none of them took more memory than some")
def _():
    # Of the dearest of all that ran above; sanitizers keep what was freed for a while.
    if "asan" not in WEFT:
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        expect(most < MEMORY_KIB, most)


sys.exit(run())
