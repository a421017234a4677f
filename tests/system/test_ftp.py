#!/usr/bin/env python3
# check: waits
"""test_ftp.py - `weft serve --ftp` by Python's ftplib and curl, in the clear and by TLS."""
import ftplib
import hashlib
import io
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

from accounted import PASSWORD, State
from served import PATIENCE_S, Folder, Server, Skip, case, expect, has_ipv6, run, weft

# "secret", hashed as cheaply as can be.
USERS = "anna:$2b$04$7vDpurJCjBBKxzpAOYTXS.vhl.V74uuCGsr7Bvzm9l.A4hciAljsa\n"
CHANGES = ("--allow-upload", "--allow-overwrite", "--allow-change")
FIN_WAIT_1 = 4  # of TCP_INFO: our end is on its way
BIG = b"".join(number.to_bytes(8, "big") for number in range(1 << 17))


def port_of(address):
    return int(address.rpartition(":")[2])


class Share:
    """A folder, and the server of it by FTP."""

    def __init__(self, *options, users=True, tls=False):
        self.options, self.users, self.tls = list(options), users, tls

    def __enter__(self):
        self.folder = Folder().__enter__()
        options = ["--ftp", "127.0.0.1:0", *self.options]
        if self.users:
            path = os.path.join(self.folder.top, "users")
            with open(path, "w", encoding="ascii") as file:
                file.write(USERS)
            options += ["--auth-file", path]
        if self.tls:
            self.certificate = os.path.join(self.folder.top, "own.pem")
            key = os.path.join(self.folder.top, "own.key")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", self.certificate,
                 "-days", "60", "-subj", "/CN=localhost", "-addext",
                 "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                check=True, capture_output=True, timeout=PATIENCE_S)
            options += ["--tls-cert", self.certificate, "--tls-key", key,
                        "--ftps", "127.0.0.1:0"]
        self.server = Server(self.folder.path, *options)
        self.port = port_of(self.server.facts["ftp"])
        return self

    def __exit__(self, *what):
        try:
            self.server.__exit__(*what)
        finally:
            self.folder.__exit__(*what)

    def log_in(self, name="anna", password="secret"):
        ftp = ftplib.FTP(timeout=PATIENCE_S)
        ftp.connect("127.0.0.1", self.port)
        ftp.login(name, password)
        return ftp

    def read(self, name):
        with open(self.folder.at(name), "rb") as file:
            return file.read()

    def url(self, path="", scheme="ftp"):
        return f"{scheme}://anna:secret@127.0.0.1:{port_of(self.server.facts[scheme])}/{path}"


def fetch(ftp, name):
    parts = []
    ftp.retrbinary("RETR " + name, parts.append)
    return b"".join(parts)


def refused(call, *arguments):
    """The reply that a call is refused with."""
    try:
        call(*arguments)
    except ftplib.Error as error:
        return str(error)
    return "done"


def send_too_much(ftp, command):
    """The server closes the data connection when it has had enough."""
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd(command) as data:
        try:
            data.sendall(BIG)
        except OSError:
            pass
    ftp.voidresp()


def eventually(fact):
    """Whether it becomes true."""
    end = time.monotonic() + PATIENCE_S
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def curl(*words):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    return subprocess.run(["curl", "-sS", "--max-time", "20", *words], capture_output=True,
                          timeout=PATIENCE_S, check=False)


# ---- ftplib -------------------------------------------------------------------------------------


@case("files and folders are put, listed, renamed, fetched and removed")
def _():
    with Share(*CHANGES) as share, share.log_in() as ftp:
        expect(ftp.mkd("letters") == "/letters")
        ftp.cwd("letters")
        ftp.storbinary("STOR big \u00e4.bin", io.BytesIO(BIG))
        expect(share.read("letters/big \u00e4.bin") == BIG)
        expect(fetch(ftp, "/letters/big \u00e4.bin") == BIG)
        expect(ftp.size("big \u00e4.bin") is not None)
        ftp.rename("big \u00e4.bin", "small")
        ftp.storlines("STOR text", io.BytesIO(b"one\ntwo\n"))
        expect(share.read("letters/text") == b"one\ntwo\n")
        lines = []
        ftp.retrlines("RETR text", lines.append)
        expect(lines == ["one", "two"])
        facts = dict(ftp.mlsd())
        expect(sorted(facts) == ["small", "text"], facts)
        expect(facts["small"]["size"] == str(len(BIG)) and facts["small"]["type"] == "file")
        expect(sorted(ftp.nlst()) == ["small", "text"])
        expect(ftp.nlst("/letters/t*") == ["/letters/text"])
        expect(refused(ftp.rmd, "/letters").startswith("550"))
        ftp.delete("small")
        ftp.delete("text")
        ftp.cwd("/")
        ftp.rmd("letters")
        expect(ftp.nlst() == [])


@case("a part is fetched from where it is wanted, and its digest is told")
def _():
    with Share() as share:
        share.folder.write("a.bin", BIG)
        with share.log_in() as ftp:
            parts = []
            ftp.retrbinary("RETR a.bin", parts.append, rest=len(BIG) - 5)
            expect(b"".join(parts) == BIG[-5:])
            reply = ftp.sendcmd("HASH a.bin")
            expect(hashlib.sha256(BIG).hexdigest() in reply, reply)


@case("without the options for changes, nothing can be changed; strangers come in when let")
def _():
    with Share("--ftp-anonymous") as share:
        share.folder.write("a.txt", "hello")
        for ftp in (share.log_in(), share.log_in("anonymous", "me@example.org")):
            with ftp:
                expect(fetch(ftp, "a.txt") == b"hello")
                for call, name in ((ftp.delete, "a.txt"), (ftp.mkd, "b"), (ftp.rmd, "b")):
                    expect(refused(call, name).startswith("550"), name)
                expect(refused(ftp.storbinary, "STOR b", io.BytesIO(b"b")).startswith("550"))
        expect(refused(share.log_in, "anna", "guess").startswith("530"))
        expect(os.listdir(share.folder.path) == ["a.txt"])
    with Share() as share:
        expect(refused(share.log_in, "anonymous", "").startswith("530"))


@case("by TLS: AUTH, data, and no password in the clear")
def _():
    with Share(*CHANGES, tls=True) as share:
        expect(refused(share.log_in).startswith("530"))
        context = ssl.create_default_context(cafile=share.certificate)
        with ftplib.FTP_TLS(context=context, timeout=PATIENCE_S) as ftp:
            ftp.connect("127.0.0.1", share.port)
            ftp.login("anna", "secret")
            expect(refused(ftp.nlst).startswith("521"))
            ftp.prot_p()
            ftp.storbinary("STOR a.bin", io.BytesIO(BIG))
            expect(fetch(ftp, "a.bin") == BIG)
            expect(ftp.nlst() == ["a.bin"])
        expect(share.read("a.bin") == BIG)


@case("an upload whose client is killed leaves nothing")
def _():
    with Share(*CHANGES) as share:
        share.folder.write("a.bin", "old")
        ftp = share.log_in()
        ftp.voidcmd("TYPE I")
        data = ftp.transfercmd("STOR a.bin")
        data.sendall(BIG)
        # As the kernel closes what a killed process had: in the order of the descriptors. Each
        # processor has a queue of packets, so the other end has to say that it knows of the first.
        ftp.sock.shutdown(socket.SHUT_WR)
        is_known = eventually(lambda: ftp.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                              != FIN_WAIT_1)
        expect(is_known, "nobody has heard of the end")
        ftp.sock.close()
        ftp.file.close()
        data.close()
        with share.log_in() as other:
            time.sleep(0.2)
            expect(fetch(other, "a.bin") == b"old")


@case("a stop during a download lets it end; the log has a line for each file")
def _():
    with Folder() as top:
        log = os.path.join(top.top, "log")
        with Share(*CHANGES, "--ftp-log", log) as share:
            ftp = share.log_in()
            ftp.storbinary("STOR a b", io.BytesIO(b"123"))
            share.folder.write("big", BIG * 8)
            ftp.voidcmd("TYPE I")
            data = ftp.transfercmd("RETR big")
            share.server.process.terminate()
            got = 0
            while (part := data.recv(65536)):
                got += len(part)
            expect(got == 8 * len(BIG), got)
            expect(ftp.voidresp().startswith("226"))
            data.close()
            ftp.close()
            share.server.process.wait(PATIENCE_S)  # a second signal would kill it
        with open(log, encoding="utf-8") as file:
            lines = file.read().splitlines()
        expect(len(lines) == 2 and lines[0].endswith(" 3 /a_b b _ i r anna ftp 0 * c"), lines)
        expect(lines[1].endswith(f" {8 * len(BIG)} /big b _ o r anna ftp 0 * c"), lines)


# ---- curl ---------------------------------------------------------------------------------------


@case("curl fetches, puts, lists, quotes and calls back, in the clear and by TLS")
def _():
    with Share(*CHANGES, "--insecure-auth", tls=True) as share:
        big = os.path.join(share.folder.top, "big")
        with open(big, "wb") as file:
            file.write(BIG)
        ways = (("ftp", ()), ("ftp", ("--ssl-reqd",)), ("ftps", ()),
                ("ftp", ("--ftp-port", "127.0.0.1")))
        for number, (scheme, words) in enumerate(ways):
            words += ("--cacert", share.certificate)
            name = f"d/f{number}"
            done = curl(*words, "--ftp-create-dirs", "-T", big, share.url(name, scheme))
            expect(done.returncode == 0, done.stderr)
            expect(share.read(name) == BIG)
            done = curl(*words, share.url(name, scheme))
            expect(done.returncode == 0 and done.stdout == BIG, done.stderr)
            done = curl(*words, "-r", "3-7", share.url(name, scheme))
            expect(done.stdout == BIG[3:8], done.stderr)
            done = curl(*words, "-l", share.url("d/", scheme))
            expect(f"f{number}" in done.stdout.decode().split(), done.stdout)
        done = curl(share.url("d/"), "-Q", "RNFR d/f0", "-Q", "RNTO d/g", "-l")
        expect(done.returncode == 0, done.stderr)
        expect(share.read("d/g") == BIG)


@case("by IPv6, and with TLS sessions that data has to go on from")
def _():
    if not has_ipv6():
        raise Skip("no IPv6 here")
    with Share(*CHANGES, "--ftp", "[::1]:0", "--ftp-tls-reuse", "--insecure-auth",
               tls=True) as share:
        port = port_of(share.server.facts["doors"][-2])
        path = os.path.join(share.folder.top, "big")
        with open(path, "wb") as file:
            file.write(BIG)
        url = f"ftp://anna:secret@[::1]:{port}/a"
        for words in ((), ("--ftp-port", "-"), ("--ssl-reqd", "-k")):
            done = curl("-6", *words, "-T", path, url)
            expect(done.returncode == 0, done.stderr)
            done = curl("-6", *words, url)
            expect(done.returncode == 0 and done.stdout == BIG, done.stderr)
        done = curl("--ssl-reqd", "-k", "--no-sessionid", share.url("a"))
        expect(done.returncode != 0 and done.stdout == b"", done.stderr)


@case("curl -C - goes on with a download, and with an upload that broke")
def _():
    with Share(*CHANGES) as share:
        share.folder.write("down", BIG)
        path = os.path.join(share.folder.top, "place")
        with open(path, "wb") as file:
            file.write(BIG[:300000])
        done = curl("-C", "-", "-o", path, share.url("down"))
        with open(path, "rb") as file:
            expect(done.returncode == 0 and file.read() == BIG, done.stderr)
        ftp = share.log_in()
        ftp.voidcmd("TYPE I")
        data = ftp.transfercmd("STOR up")
        data.sendall(BIG[:400000])
        ftp.sendcmd("STAT")
        ftp.putcmd("ABOR")
        expect(ftp.getline().startswith("426") and ftp.getline().startswith("226"))
        data.close()
        ftp.close()
        expect(not os.path.exists(share.folder.at("up")))
        done = curl("-C", "-", "-T", path, share.url("up"))
        expect(done.returncode == 0, done.stderr)
        expect(share.read("up") == BIG)


# ---- Accounts -----------------------------------------------------------------------------------


@case("accounts log in, with their homes, rights and quotas; who is locked is out at once")
def _():
    with State() as state, Folder() as folder:
        os.mkdir(folder.at("mias"))
        folder.write("other", "not hers")
        state.add("mia", PASSWORD, "--home", "mias", "--quota", "100000")
        with Server(folder.path, "--state", state.path, "--hash-cost", "least", "--ftp",
                    "127.0.0.1:0") as server:
            with ftplib.FTP(timeout=PATIENCE_S) as ftp:
                ftp.connect("127.0.0.1", port_of(server.facts["ftp"]))
                expect(refused(ftp.login, "mia", "guess").startswith("530"))
                ftp.login("mia", PASSWORD)
                expect(ftp.nlst() == [])
                ftp.storbinary("STOR a", io.BytesIO(b"1" * 1000))
                with open(folder.at("mias/a"), "rb") as file:
                    expect(file.read() == b"1" * 1000)
                expect(refused(ftp.size, "/../other").startswith("550"))
                expect(refused(send_too_much, ftp, "STOR b").startswith("552"))
                expect(sorted(ftp.nlst()) == ["a"])
                state.do("lock", "mia")
                expect(eventually(lambda: refused(ftp.pwd).startswith("421")))
        expect(state.facts("show", "mia")["used"] == 1000, state.facts("show", "mia"))


def begin_by_http(server, token):
    """A download and an upload that do not go on."""
    fields = b"Host: x\r\nAuthorization: Bearer %s\r\n" % token.encode()
    down, up = server.connect(), server.connect()
    down.send(b"GET /big HTTP/1.1\r\n%s\r\n" % fields)
    down.fill()
    up.send(b"PUT /web HTTP/1.1\r\nContent-Length: 1000000\r\n%s"
            b"Expect: 100-continue\r\n\r\n" % fields)
    while b"100 Continue" not in up.buffer:
        expect(up.fill(), "not begun")
    up.send(b"1" * 1000)
    return down, up


def is_cut_off(connection):
    """Once all is read that had come by then."""
    try:
        while connection.fill():
            connection.buffer.clear()
    except OSError:
        pass
    return True


@case("transfers of who is locked end within seconds, by either door")
def _():
    with State() as state, Folder() as folder:
        with open(folder.at("big"), "wb") as file:
            file.truncate(1 << 32)
        state.add("mia", PASSWORD, "--role", "admin")
        state.add("ann", PASSWORD, "--role", "admin")
        tokens = [state.token(name) for name in ("mia", "ann")]
        with Server(folder.path, "--state", state.path, "--hash-cost", "least", "--ftp",
                    "127.0.0.1:0") as server:
            ended, going = (begin_by_http(server, token) for token in tokens)
            sessions = [ftplib.FTP(timeout=PATIENCE_S) for _ in range(2)]
            for ftp in sessions:
                ftp.connect("127.0.0.1", port_of(server.facts["ftp"]))
                ftp.login("mia", PASSWORD)
                ftp.voidcmd("TYPE I")
            data = [ftp.transfercmd(command) for ftp, command in zip(sessions, ("RETR big",
                                                                                "STOR ftp"))]
            data[1].sendall(b"1" * 1000)
            state.do("lock", "mia")
            for ftp in sessions:
                expect(refused(ftp.voidresp).startswith("426"))
                expect(refused(ftp.pwd).startswith("421"))
            for connection in ended:
                expect(is_cut_off(connection))
            # Who is not locked goes on.
            going[1].send(b"1" * 999000)
            while b"HTTP/1.1 201" not in going[1].buffer:
                expect(going[1].fill(), "it was cut off, too")
            for connection in (*ended, *going, *data):
                getattr(connection, "socket", connection).close()
        expect(sorted(os.listdir(folder.path))[-2:] == ["big", "web"], os.listdir(folder.path))
        with open(folder.at("web"), "rb") as file:
            expect(file.read() == b"1" * 1000000)


# ---- The command line ---------------------------------------------------------------------------


@case("options that do not go together are told so")
def _():
    with Folder() as folder:
        for words, what in (
                (("--ftp", "127.0.0.1:0"), "nobody could come in by FTP"),
                (("--ftps", "127.0.0.1:0", "--ftp-anonymous"), "--ftps needs --tls-cert"),
                (("--ftp-anonymous",), "is of FTP, which is off"),
                (("--ftp-no-active",), "is of FTP, which is off"),
                (("--ftp-rate-per-user", "1M"), "is of FTP, which is off"),
                (("--ftp", "127.0.0.1:0", "--ftp-anonymous", "--ftp-tls-reuse"),
                 "--ftp-tls-reuse is of --tls-cert"),
                (("--ftp", "127.0.0.1:0", "--ftp-anonymous", "--ftp-passive", "50-40"),
                 "--ftp-passive takes ports"),
                (("--ftp", "127.0.0.1:0", "--ftp-anonymous", "--ftp-passive", "2000"),
                 "--ftp-passive takes ports"),
                (("--ftp", "127.0.0.1:0", "--ftp-anonymous", "--ftp-public", "here"),
                 "--ftp-public takes an IPv4 address")):
            done = weft("serve", folder.path, "--http", "127.0.0.1:0", *words)
            expect(done.returncode == 2 and what in done.stderr, done.stderr)


@case("a name has so many sessions, a transfer its rate; what became of all is counted")
def _():
    with Share(*CHANGES, "--metrics", "127.0.0.1:0", "--ftp-sessions-per-user", "1", "--ftp-rate",
               "4M", "--ftp-rate-per-client", "8M", "--ftp-idle-timeout", "100") as share:
        with share.log_in() as ftp:
            expect(refused(share.log_in).startswith("421"))
            begun = time.monotonic()
            ftp.storbinary("STOR a", io.BytesIO(BIG))
            expect(time.monotonic() - begun > 0.1)
            expect(fetch(ftp, "a") == BIG)
            url = f"http://127.0.0.1:{port_of(share.server.facts['metrics'])}/"
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
                lines = reply.read().decode().splitlines()
        for line in ("uploads_total 1", "downloads_total 1", "logins_total 1", "refused_total 1",
                     "connections_total 2", "sessions 1", "transfers_failed_total 0",
                     f"received_bytes_total {len(BIG)}", f"sent_bytes_total {len(BIG)}"):
            expect("weft_ftp_" + line in lines, (line, lines))
        expect("weft_http_connections_open 0" in lines, lines)


@case("without active mode PORT and EPRT are refused, and passive mode does all there is to do")
def _():
    with Share(*CHANGES, "--ftp-no-active") as share:
        share.folder.write("a", BIG)
        with share.log_in() as ftp:
            for command in ("PORT 127,0,0,1,200,200", "EPRT |1|127.0.0.1|51400|"):
                expect(refused(ftp.sendcmd, command).startswith("502"), command)
            expect("EPRT" not in ftp.sendcmd("FEAT"))
            expect(fetch(ftp, "a") == BIG and ftp.nlst() == ["a"])
            ftp.storbinary("STOR b", io.BytesIO(BIG))
            expect(ftp.size("b") == len(BIG))
    with Share() as share, share.log_in() as ftp:
        expect("EPRT" in ftp.sendcmd("FEAT"))


@case("data comes from the ports that were named")
def _():
    low = 21000 + os.getpid() % 10000
    with Share("--ftp-passive", f"{low}-{low + 20}", "--ftp-public", "192.0.2.7") as share:
        share.folder.write("a", "hello")
        with share.log_in() as ftp:
            host, port = ftp.makepasv()
            expect(host == "127.0.0.1" and low <= port <= low + 20, (host, port))
            expect("127,0,0,1," in ftp.sendcmd("PASV"))  # for who is on this machine
            expect(fetch(ftp, "a") == b"hello")


sys.exit(run())
