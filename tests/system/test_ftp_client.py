#!/usr/bin/env python3
"""test_ftp_client.py - `weft ftp`, and so the FTP client of the library, from outside.

Against a server of the tests' own (ftp_site.py), and ProFTPD where that is installed; what
takes longer is tests/judge/judge_ftp_client.py.

check: waits
"""
import filecmp
import grp
import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))

from ftp_site import FtpSite, Session  # noqa: E402
from served import WEFT as BUILT  # noqa: E402
from served import PATIENCE_S, Folder, Server, Skip, case, expect, reserved_port, run  # noqa: E402
from typed import Terminal  # noqa: E402

WEFT = os.path.abspath(BUILT)
PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "man", "weft-ftp.1")
OLD = 981173106  # 2001-02-03 04:05:06


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("WEFT_FTP_PASSWORD", "HOME", "TERM")}
    return {**kept, "WEFT_FTP_PASSWORD": "secret", "HOME": "/nonexistent", **more}


def ftp(*words, cwd=None, stdin=None, env=None):
    """(status, stdout, stderr) of one run."""
    done = subprocess.run([WEFT, "ftp", *words], cwd=cwd, input=stdin, capture_output=True,
                          timeout=PATIENCE_S, check=False, env=env or environment())
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Here:
    """A folder for what comes."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="weft-ftp-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def at(self, name):
        return os.path.join(self.path, name)

    def read(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def names(self):
        return sorted(os.listdir(self.path))


def same_trees(one, other):
    compared = filecmp.dircmp(one, other, ignore=[])
    _, differ, odd = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    return not (compared.left_only or compared.right_only or compared.funny_files or differ
                or odd) and all(same_trees(os.path.join(one, name), os.path.join(other, name))
                                for name in compared.common_dirs)


def plant(folder):
    """A tree with odd names and sizes."""
    folder.write("a.txt", "hello\n")
    folder.write("empty", "")
    folder.write("deep/er/still/x", os.urandom(70000))
    folder.write("deep/a b;c", "blank")
    folder.write("deep/-rf [*] 'q'", "quotes")
    folder.write("ünï/é", os.urandom(65536))
    for i in range(8):
        folder.write(f"many/{i}", os.urandom(1000 * i))
    os.utime(folder.at("a.txt"), (OLD, OLD))


# ---- By script ---------------------------------------------------------------------------------


@case("files are brought here and there, listed, renamed and removed by one script")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        plant(folder)
        with open(here.at("up"), "wb") as file:
            file.write(b"up there")
        status, out, err = ftp(
            site.place, "-c", "pwd; get a.txt; put up; mkdir 'new one'; mv up 'new one'; ls -1;"
            "cd \"new one\"; pwd; chmod 600 up; cat up; rm u*; cd ..; rmdir new\\ one",
            cwd=here.path)
        expect((status, err) == (0, ""), (out, err))
        expect(here.read("a.txt") == b"hello\n" and os.stat(here.at("a.txt")).st_mtime == OLD)
        expect(out.startswith("/\n") and "\n/new one\nup there" in out, out)
        expect("new one\n" in out and not os.path.exists(folder.at("new one")))


@case("the exit status is 0, 1 or 2, and a script ends where it fails")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        for commands, wanted in (("pwd", 0), ("get none", 1), ("get none; pwd", 1),
                                 ("-get none; pwd", 0), ("frob", 2), ("cd", 2), ("ls -x", 2),
                                 ("chmod x y", 2), ("get 'x", 2), ("quit; get none", 0),
                                 ("# only a comment", 0), ("", 0), ("mirror -P 0 x", 2)):
            status, out, err = ftp(site.place, "-c", commands, cwd=here.path)
            expect(status == wanted, (commands, status, err))
            expect(wanted == 0 or err, commands)
            expect(("/\n" in out) == (wanted == 0 and "pwd" in commands), (commands, out))
        status, _, err = ftp(site.place, "-c", "gte x")
        expect(status == 2 and "Is it get?" in err, err)
        expect(ftp("127.0.0.1:1", "-c", "pwd")[0] == 1)
        for words in ((), ("a", "b"), ("ada:secret@127.0.0.1", "-c", "pwd"), ("@x",),
                      (site.place, "-c", "pwd", "-f", "x"), (site.place, "--security", "x")):
            expect(ftp(*words)[0] == 2, words)
        expect("secret" not in "\n".join(line for line in site.heard if "PASS" not in line))


@case("a pipe or a device here is never replaced by what comes from there")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        plant(folder)
        os.mkfifo(here.at("a.txt"))
        status, _, err = ftp(site.place, "-c", "get a.txt", cwd=here.path)
        expect(status == 1 and "a.txt" in err, err)
        expect(stat.S_ISFIFO(os.lstat(here.at("a.txt")).st_mode), "it is a pipe no more")


@case("a script may be a file, or the standard input")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        script = b"# a comment; get none\n\nmkdir x; cd x\npwd\n"
        with open(here.at("script"), "wb") as file:
            file.write(script)
        expect(ftp(site.place, "-f", here.at("script"))[:2] == (0, "/x\n"))
        os.rmdir(folder.at("x"))
        expect(ftp(site.place, "-f", "-", stdin=script)[:2] == (0, "/x\n"))
        os.rmdir(folder.at("x"))
        expect(ftp(site.place, stdin=script)[:2] == (0, "/x\n"))


@case("ls --json is JSON, by MLSD and by LIST")
def _():
    for refuses in ((), ("MLST", "MLSD")):
        with Folder() as folder, FtpSite(folder.path, refuses=refuses) as site:
            plant(folder)
            folder.write('quote " back \\', "x")
            status, out, err = ftp(site.place, "-c", "ls --json")
            expect((status, err) == (0, ""), err)
            told = {entry["name"]: entry for entry in json.loads(out)}
            expect(set(told) == {os.fsdecode(name) for name in os.listdir(folder.at(""))}, told)
            expect(told["a.txt"]["size"] == 6 and told["deep"]["type"] == "folder")
            expect(refuses or told["a.txt"]["modified"] == OLD)
            matched = json.loads(ftp(site.place, "-c", "ls --json a*")[1])
            expect([entry["name"] for entry in matched] == ["a.txt"], matched)


@case("files go to the standard output and come from the standard input, and commands run here")
def _():
    content = os.urandom(200000)
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        folder.write("x", content)
        done = subprocess.run([WEFT, "ftp", site.place, "-c", "get x -"], capture_output=True,
                              timeout=PATIENCE_S, check=False, env=environment())
        expect((done.returncode, done.stderr) == (0, b"") and done.stdout == content, done.stderr)
        expect(ftp(site.place, "-c", "put - y; ls y", stdin=content)[0] == 0)
        with open(folder.at("y"), "rb") as file:
            expect(file.read() == content)
        status, _, err = ftp(site.place, stdin=b"put - z\n")
        expect(status == 1 and "standard input" in err and not os.path.exists(folder.at("z")), err)
        status, out, _ = ftp(site.place, "-c", "!echo a; echo $0 >out\npwd; !exit 3\npwd",
                             cwd=here.path)
        expect((status, out) == (1, "a\n/\n") and here.read("out") == b"sh\n", (status, out))
        status, out, _ = ftp(site.place, "-c", "lcd ~; lpwd", env=environment(HOME=here.path))
        expect((status, out) == (0, os.path.realpath(here.path) + "\n"), out)


@case("sums are compared where there are any, and uploads are renamed when they are whole")
def _():
    class Liar(Session):
        def do_HASH(self, word):
            self.say("213 SHA-256 0-6 " + "0" * 64 + " " + word)

    with Folder() as folder, Here() as here:
        plant(folder)
        with FtpSite(folder.path) as site:
            status, _, err = ftp(site.place, "--verify", "--temporary", "-c",
                                 "mirror deep got; mirror -R got back", cwd=here.path)
            expect((status, err) == (0, ""), err)
            expect(same_trees(folder.at("deep").decode(), folder.at("back").decode()))
            expect(site.commands().count("HASH") == 6, site.commands())
            expect("STOR /back/er/still/x.part" in site.heard and "RNTO /back/er/still/x" in
                   site.heard, site.heard)
        with FtpSite(folder.path, session=Liar) as site:
            for commands in ("get --verify a.txt", "mget --verify a*", "mirror --verify . in"):
                status, _, err = ftp(site.place, "-c", commands, cwd=here.path)
                expect(status == 1 and "SHA-256" in err and "a.txt" not in here.names(), err)
            status, _, err = ftp(site.place, "-c", "put --verify --temporary got/er/still/x a.txt",
                                 cwd=here.path)
            expect(status == 1 and "a.txt.part" not in os.listdir(folder.path), err)
            expect(os.path.getsize(folder.at("a.txt")) == 6)
        with FtpSite(folder.path, refuses=("HASH",)) as site:
            status, _, err = ftp(site.place, "--verify", "-c", "get a.txt; get empty",
                                 cwd=here.path)
            expect(status == 0 and err.count("no SHA-256") == 1, err)


@case("what the server closed meanwhile is connected to anew, before a command is lost")
def _():
    class Leaver(Session):
        def do_PWD(self, _):
            self.say('257 "/"\r\n421 you were silent')
            return "end"

    with Folder() as folder, FtpSite(folder.path, session=Leaver) as site:
        status, out, err = ftp(site.place, "-c", "pwd; mkdir x; pwd; rmdir x")
        expect((status, out, err) == (0, "/\n/\n", ""), (status, out, err))
        expect(site.commands().count("USER") == 3, site.heard)


@case("a folder that is asked for as a file is told how to be brought")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        folder.write("sub/x", "x")
        for commands in ("get sub", "mget sub", "lcd /; put tmp"):
            status, _, err = ftp(site.place, "-c", commands, cwd=here.path)
            expect(status == 1 and "mirror" in err, err)


# ---- Trees -----------------------------------------------------------------------------------


@case("mirror makes one side what the other is, both ways, and then has nothing to do")
def _():
    for refuses in ((), ("MLST", "MLSD", "MFMT", "EPSV")):
        with Folder() as folder, FtpSite(folder.path, refuses=refuses) as site, Here() as here:
            plant(folder)
            status, _, err = ftp(site.place, "-c", "mirror . got", cwd=here.path)
            expect((status, err) == (0, "") and same_trees(folder.at("").decode(),
                                                           here.at("got")), err)
            _, out, _ = ftp(site.place, "-c", "mirror . got", cwd=here.path)
            expect(out.startswith("0 files moved, 14 the same, 0 removed"), out)
            status, _, err = ftp(site.place, "-c", "mirror -R -P 2 got back", cwd=here.path)
            expect((status, err) == (0, ""), err)
            expect(same_trees(folder.at("back").decode(), here.at("got")))
            _, out, _ = ftp(site.place, "-c", "mirror -R got back", cwd=here.path)
            expect(out.startswith("0 files moved, 14 the same"), out)


@case("mirror --delete removes what is too much, and --dry-run nothing at all")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        plant(folder)
        ftp(site.place, "-c", "mirror . got", cwd=here.path)
        os.makedirs(here.at("got/too/much"))
        with open(here.at("got/too/much/x"), "wb") as file:
            file.write(b"x")
        folder.write("a.txt", "longer than before")
        status, out, _ = ftp(site.place, "-c", "mirror --delete --dry-run . got", cwd=here.path)
        expect(status == 0 and "would get /a.txt" in out and "would remove got/too" in out, out)
        expect(here.read("got/a.txt") == b"hello\n" and os.path.exists(here.at("got/too")))
        expect(ftp(site.place, "-c", "mirror --delete . got", cwd=here.path)[0] == 0)
        expect(same_trees(folder.at("").decode(), here.at("got")))
        shutil.rmtree(here.at("got/deep"))
        expect(ftp(site.place, "-c", "mirror -R --delete got .", cwd=here.path)[0] == 0)
        expect(same_trees(folder.at("").decode(), here.at("got")))


@case("names that lead out of the folder, or into the terminal, do neither")
def _():
    evil = ["../evil", "..", "/tmp/weft-evil", "a/b", "\033[2J\033]0;x\007", "x\x7f",
            "\u202egpj.exe", "n" * 300]
    with Folder() as folder, FtpSite(folder.path, extra_names=evil) as site, Here() as here:
        folder.write("good", "good")
        os.mkdir(here.at("in"))
        for commands in ("mirror . in", "lcd in; mget *"):
            status, out, err = ftp(site.place, "-c", "ls; ls --json; " + commands, cwd=here.path)
            expect(status == 1, commands)
            for bad in ("\033", "\007", "\x7f", "\u202e"):
                expect(bad not in out + err, (bad, out, err))
            expect(here.names() == ["in"] and "good" in os.listdir(here.at("in")), here.names())
            expect(not os.path.exists("/tmp/weft-evil"))


@case("a link that stands in the place of a folder is not written through")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        folder.write("sub/x", "x")
        folder.write("y", "y")
        os.makedirs(here.at("in"))
        os.makedirs(here.at("elsewhere"))
        os.symlink("../elsewhere", here.at("in/sub"))
        os.symlink("../elsewhere/y", here.at("in/y"))
        expect(ftp(site.place, "-c", "mirror . in", cwd=here.path)[0] == 1)
        expect(os.listdir(here.at("elsewhere")) == [] and here.read("in/y") == b"y")


# ---- Interruptions ------------------------------------------------------------------------------


@case("what broke off is not there, and goes on where it was")
def _():
    content = os.urandom(300000)
    with Folder() as folder, FtpSite(folder.path, cuts={"big": 123456}) as site, Here() as here:
        folder.write("big", content)
        status, _, err = ftp(site.place, "-c", "get big", cwd=here.path)
        expect(status == 1 and "426" in err, err)
        expect(len(here.names()) == 1 and here.names()[0].endswith(".part"), here.names())
        status, out, _ = ftp(site.place, "-c", "get big", cwd=here.path)
        expect(status == 0 and "of which 123 KB were there" in out, out)
        expect("REST 123456" in site.heard and here.names() == ["big"])
        expect(here.read("big") == content)
        os.truncate(folder.at("big"), 100)
        expect(ftp(site.place, "-c", "put -c big", cwd=here.path)[0] == 0)
        with open(folder.at("big"), "rb") as file:
            expect(file.read()[100:] == content[100:] and "APPE /big" in site.heard)


@case("Ctrl-C breaks a transfer off, and with it a script")
def _():
    with Folder() as folder, FtpSite(folder.path, cuts={"big": 1000}, stalls=True) as site, \
            Here() as here:
        folder.write("big", os.urandom(300000))
        with subprocess.Popen([WEFT, "ftp", site.place, "-c", "get big; mkdir x"], cwd=here.path,
                              env=environment(), stderr=subprocess.PIPE) as process:
            expect(site.stalled.wait(PATIENCE_S))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
        expect(process.returncode == 1 and b"broken off" in err, err)
        expect("MKD" not in site.commands() and "ABOR" in site.commands())


@case("files that are done wait for no connection that is not")
def _():
    class Slow(Session):
        def do_USER(self, word):
            if self.site.commands().count("USER") > 1:
                self.site.stalled.wait()
            return super().do_USER(word)

    with Folder() as folder, FtpSite(folder.path, session=Slow) as site, Here() as here:
        plant(folder)
        status, _, err = ftp(site.place, "--timeout", "1000", "-c", "mirror many", cwd=here.path)
        expect((status, err) == (0, "") and len(os.listdir(here.at("many"))) == 8, err)
        site.stalled.set()


# ---- TLS and logins ---------------------------------------------------------------------------


def certificate(folder):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days",
         "2", "-keyout", folder + "/key", "-out", folder + "/cert"],
        capture_output=True, check=False)
    expect(made.returncode == 0, made.stderr)
    with open(folder + "/both", "wb") as file:
        for part in ("key", "cert"):
            with open(f"{folder}/{part}", "rb") as source:
                file.write(source.read())
    return folder + "/both"


@case("a certificate that nobody vouches for is refused, unless one says so")
def _():
    with Here() as keys:
        both = certificate(keys.path)
        with Folder() as folder, FtpSite(folder.path, tls=both) as site, Here() as here:
            plant(folder)
            status, _, err = ftp(site.place, "-c", "pwd")
            expect(status == 1 and "not trusted" in err and "USER ada" not in site.heard, err)
            for trust in (("--issuers", keys.at("cert")), ("--insecure",)):
                status, out, err = ftp(site.place, *trust, "-c", "status; mirror . got",
                                       cwd=here.path)
                expect((status, err) == (0, "") and "TLSv1.3" in out, err)
            expect(same_trees(folder.at("").decode(), here.at("got")))
            expect("PROT P" in site.heard)
            with FtpSite(folder.path) as plain:
                status, _, err = ftp(plain.place, "--security", "explicit", "-c", "pwd")
                expect(status == 1 and "AUTH TLS" in err, err)


@case("who one is comes from ~/.netrc, if nobody else can read it")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as home:
        place = f"127.0.0.1:{site.port}"
        with open(home.at(".netrc"), "w", encoding="utf-8") as file:
            file.write("# mine\nmachine elsewhere login bob password no\n"
                       "machine 127.0.0.1\n\tlogin ada password \"secret\"\n")
        env = environment(HOME=home.path)
        del env["WEFT_FTP_PASSWORD"]
        os.chmod(home.at(".netrc"), 0o644)
        status, _, err = ftp(place, "-c", "pwd", env=env)
        expect(status == 0 and "others may read it" in err and "USER anonymous" in site.heard)
        os.chmod(home.at(".netrc"), 0o600)
        expect(ftp(place, "-c", "pwd", env=env) == (0, "/\n", ""))
        expect("USER ada" in site.heard and "PASS secret" in site.heard)


# ---- At a terminal ------------------------------------------------------------------------------


def typing(*words, cwd, **more):
    """`weft ftp` at a terminal of its own."""
    return Terminal(WEFT, "ftp", *words, cwd=cwd, **more)


@case("at a terminal one is asked for the password, helped and not thrown out")
def _():
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        plant(folder)
        env = environment(TERM="xterm", HOME=here.path)
        del env["WEFT_FTP_PASSWORD"]
        with typing(site.place, cwd=here.path, env=env) as typed:
            typed.until("Password for ada")
            typed.type("secreX\x7ft\n")
            shown = typed.until("ftp /> ")
            expect("secre" not in shown and "Connected" in shown, shown)
            typed.type("gte x\n")
            typed.until("Is it get?")
            typed.until("ftp /> ")
            typed.type("cd none\n")
            typed.until("550")
            typed.until("ftp /> ")
            typed.type("quit\n")
            expect(typed.end() == 0, typed.all)


def skip_without_editing():
    built = subprocess.run(["ldd", WEFT], capture_output=True, text=True, check=False).stdout
    if "libedit" not in built and "not a dynamic" not in built:
        raise Skip("weft was built without libedit")


@case("TAB completes commands and names; Ctrl-C drops the line or the transfer, not the program")
def _():
    skip_without_editing()
    with Folder() as folder, FtpSite(folder.path, cuts={"a b": 3}, stalls=True) as site, \
            Here() as here:
        folder.write("a b", "with a blank")
        folder.write("only", "one")
        folder.write("\u00fcn\u00ef c\u00f6d\u00e9/\u65e5\u672c\u8a9e", "1")
        with typing(site.place, cwd=here.path,
                    env=environment(TERM="xterm", HOME=here.path, LC_ALL="C.UTF-8")) as typed:
            typed.until("ftp /> ")
            typed.type("mi\t")
            typed.until("rror ")
            typed.type("\x03")
            typed.until("^C")
            typed.type("get on\t\n")
            typed.until("only  3 B")
            typed.until("ftp /> ")
            typed.type("cd \u00fc\t\n")
            typed.until("ftp /\u00fcn\u00ef c\u00f6d\u00e9> ")
            typed.type("get \u65e5\t\n")
            typed.until("\u65e5\u672c\u8a9e  1 B")
            typed.until("ftp /\u00fcn\u00ef c\u00f6d\u00e9> ")
            typed.type("cd ..\n")
            typed.until("ftp /> ")
            typed.type("m\t")
            typed.until("mkdir FOLDER...")
            typed.type("\x15get a\t\n")
            expect(site.stalled.wait(PATIENCE_S), f"no get: {typed.all!r}, {site.heard}")
            typed.type("\x03")
            typed.until("broken off")
            typed.until("ftp /> ")
            typed.type("pwd\n")
            typed.until("/\r\n")
            typed.until("ftp /> ")
            typed.type("\x04")
            expect(typed.end() == 0, typed.all)
        expect(here.read("only") == b"one")
        with open(here.at(".local/state/weft/ftp_history"), encoding="utf-8") as file:
            expect("get" in file.read())


@case("who sees the prompt can type: the terminal is ready before it, whatever was typed earlier")
def _():
    class Slow(Session):
        def do_CWD(self, word):
            if not self.site.stalled.is_set():
                self.site.stalled.set()
                self.site.goes_on.wait(PATIENCE_S)
            return super().do_CWD(word)

    skip_without_editing()
    with Folder() as folder, FtpSite(folder.path, session=Slow) as site, Here() as here:
        site.goes_on = threading.Event()
        folder.write("x/y", "y")
        with typing(site.place, cwd=here.path,
                    env=environment(TERM="xterm", HOME=here.path)) as typed:
            typed.until("ftp /> ")
            typed.type("cd x\n")
            expect(site.stalled.wait(PATIENCE_S), f"no cd: {typed.all!r}, {site.heard}")
            typed.until_mode(termios.ICANON, True)
            typed.type("\x04")  # for a command that reads nothing
            # Nothing can be shown: what the terminal's mode is now, it is before the prompt.
            terminal = os.open(f"/proc/{typed.pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
            termios.tcflow(terminal, termios.TCOOFF)
            site.goes_on.set()
            typed.until_mode(termios.ICANON, False)
            termios.tcflow(terminal, termios.TCOON)
            os.close(terminal)
            typed.until("ftp /x> ")
            typed.type("\x04")
            expect(typed.end() == 0, typed.all)


@case("bars are never wider than the window, and there are none without a terminal")
def _():
    names = ["\u65e5\u672c\u8a9e" * 20, "x" * 200, "y"]
    with Folder() as folder, FtpSite(folder.path) as site, Here() as here:
        for name in names:
            folder.write(name, "x" * 100000)
        for width in (20, 34, 69, 70, 100):
            with typing(site.place, "-c", "mget -P 1 -n *", cwd=here.path, width=width,
                        env=environment(TERM="xterm")) as typed:
                expect(typed.end() == 0, typed.all)
            shown = typed.all
            bars = [line for line in re.split("[\r\n]+", shown) if line.endswith("\033[K")]
            expect(len(bars) >= 2, shown)
            for bar in bars:
                bare = re.sub("\033\\[[0-9]*[A-Z]", "", bar)
                columns = sum(2 if "\u2e80" < char < "\uffff" else 1 for char in bare)
                expect(columns < width, (width, columns, bare))
        expect("\033" not in "".join(ftp(site.place, "-c", "mget -n *", cwd=here.path)[1:]))


# ---- Other servers ----------------------------------------------------------------------------


@case("weft serve is understood")
def _():
    with Folder() as folder, Here() as here:
        plant(folder)
        users = here.at("users")
        with open(users, "w", encoding="ascii") as file:
            file.write("anna:$2b$04$7vDpurJCjBBKxzpAOYTXS.vhl.V74uuCGsr7Bvzm9l.A4hciAljsa\n")
        with Server(folder.path, "--ftp", "127.0.0.1:0", "--auth-file", users, "--allow-upload",
                    "--allow-overwrite", "--allow-change", "--insecure-auth") as server:
            place = "anna@" + server.facts["ftp"]
            status, _, err = ftp(place, "-c", "mirror . got; mirror -R got back; ls back;"
                                 "rm -r back; -get none", cwd=here.path)
            expect(status == 0 and "none" in err and err.count("\n") == 1, err)
            expect(same_trees(folder.at("").decode(), here.at("got")))


def await_port(server, port):
    """Until the server listens, or has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Skip("the server does not start here")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    expect(False, "the server never listened")


@case("ProFTPD is understood")
def _():
    program = shutil.which("proftpd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        raise Skip("proftpd is not installed")
    with Folder() as folder, Here() as here, reserved_port() as port:
        plant(folder)
        config = PROFTPD.format(top=here.path, port=port,
                                user=pwd.getpwuid(os.getuid()).pw_name,
                                group=grp.getgrgid(os.getgid()).gr_name)
        with open(here.at("conf"), "w", encoding="utf-8") as file:
            file.write(config)
        hashed = subprocess.run(["openssl", "passwd", "-1", "secret"], capture_output=True,
                                text=True, check=True).stdout.strip()
        with open(here.at("passwd"), "w", encoding="utf-8") as file:
            file.write(f"ada:{hashed}:{os.getuid()}:{os.getgid()}::{folder.path}:/bin/sh\n")
        os.chmod(here.at("passwd"), 0o600)
        with subprocess.Popen([program, "-n", "-q", "-c", here.at("conf")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                await_port(server, port)
                os.mkdir(here.at("in"))
                status, _, err = ftp(f"ada@127.0.0.1:{port}", "-c",
                                     "mirror . got; mirror -R got back; mirror . got; rm -r back",
                                     cwd=here.at("in"))
                expect((status, err) == (0, ""), err)
                expect(not os.path.exists(folder.at("back")))
                shutil.rmtree(here.at("in/got/back"))
                expect(same_trees(folder.at("").decode(), here.at("in/got")))
            finally:
                server.terminate()


PROFTPD = """
ServerName weft
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
User {user}
Group {group}
UseIPv6 off
PidFile {top}/pid
ScoreboardFile {top}/score
SystemLog {top}/log
TransferLog none
WtmpLog off
AuthUserFile {top}/passwd
AuthOrder mod_auth_file.c
RequireValidShell off
RootLogin on
AllowOverwrite on
DelayEngine off
"""


# ---- The help -----------------------------------------------------------------------------------


@case("the help and the manual page name the same options and commands")
def _():
    shown = set(re.findall(r"--([a-z-]+)", ftp("--help")[1]))
    with open(PAGE, encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    told = set(re.findall(r"^\.BI? --([a-z-]+)", page.partition(".SH COMMANDS")[0],
                          re.M))
    expect(len(shown) > 9 and shown - {"help"} == told - {"help"}, (shown, told))
    with Folder() as folder, FtpSite(folder.path) as site:
        commands = set(re.findall(r"^  ([a-z]+) ", ftp(site.place, "-c", "help")[1], re.M))
        for command in commands:
            expect(re.search(rf"\b{command}\b", page), command)
            status, out, _ = ftp(site.place, "-c", f"help {command}") if command == "get" else \
                (0, "usage", "")
            expect(status == 0 and "usage" in out)
    expect(len(commands) > 20, commands)


sys.exit(run())
