"""ftp_judged.py - what the judges of FTP share: programs that others wrote, at `weft serve --ftp`
and, to tell a program's quirk from a fault of ours, at vsftpd.

	@both("lftp mirrors a tree")
	def _(share):
		lftp(share, "mirror -R src up")

vsftpd is found by PATH or the environment's WEFT_VSFTPD; without it its half is skipped. It
runs as whoever runs the judges, on a free port, for strangers who may do everything: it needs no
account of the machine.

Never: a claim that tests/ftp or tests/system could show as well.
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# pylint: disable=unused-import
from judged import Folder, Server, Skip, case, expect, need, run, tool  # noqa: F401

# "secret", hashed as cheaply as can be.
USERS = "anna:$2b$04$7vDpurJCjBBKxzpAOYTXS.vhl.V74uuCGsr7Bvzm9l.A4hciAljsa\n"
CHANGES = ("--allow-upload", "--allow-overwrite", "--allow-change", "--insecure-auth")
BIG = b"".join(number.to_bytes(8, "big") for number in range(1 << 18))


def find_vsftpd():
    found = os.environ.get("WEFT_VSFTPD") or shutil.which(
        "vsftpd", path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise Skip("vsftpd is not installed")
    return found


def make_certificate(top):
    paths = [os.path.join(top, "own" + end) for end in (".pem", ".key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", paths[1], "-out", paths[0], "-days", "60", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True, timeout=30)
    return paths


class Share:
    """A folder by FTP, and a place beside it for what programs fetch."""

    name, password, base = "anna", "secret", ""

    def __enter__(self):
        self.folder = Folder().__enter__()
        self.top = self.folder.top
        self.place = os.path.join(self.top, "place")
        os.mkdir(self.place)
        self.certificate, self.key = make_certificate(self.top)
        self.start()
        return self

    def __exit__(self, *what):
        try:
            self.stop(*what)
        finally:
            self.folder.__exit__(*what)

    def url(self, path="", scheme="ftp"):
        port = self.port if scheme == "ftp" else self.implicit_port
        return f"{scheme}://{self.name}:{self.password}@127.0.0.1:{port}/{self.base}{path}"

    def at(self, name):
        return os.path.join(self.place, name)

    def read(self, name):
        with open(self.folder.at(name), "rb") as file:
            return file.read()


class Weft(Share):
    def start(self):
        users = os.path.join(self.top, "users")
        with open(users, "w", encoding="ascii") as file:
            file.write(USERS)
        self.server = Server(
            self.folder.path, "--ftp", "127.0.0.1:0", "--ftps", "127.0.0.1:0", "--tls-cert",
            self.certificate, "--tls-key", self.key, "--auth-file", users, *CHANGES)
        self.port, self.implicit_port = (
            int(self.server.facts[kind].rpartition(":")[2]) for kind in ("ftp", "ftps"))

    def stop(self, *what):
        self.server.__exit__(*what)


class Vsftpd(Share):
    """
    It knows no users of its own: who comes in is a stranger who may do all, but for the folder that
    he comes in at, which must not be his.
    """

    name, password, base = "ftp", "secret", "shared/"
    implicit_port = 0

    def start(self):
        if os.getuid() == 0:
            os.chmod(self.top, 0o555)
            os.chmod(self.folder.path, 0o777)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        empty = os.path.join(self.top, "empty")
        os.mkdir(empty)
        settings = {
            "listen": "YES", "listen_address": "127.0.0.1", "listen_port": self.port,
            "background": "NO", "anonymous_enable": "YES", "local_enable": "NO",
            "write_enable": "YES", "anon_upload_enable": "YES", "anon_umask": "022",
            "anon_mkdir_write_enable": "YES", "anon_other_write_enable": "YES",
            "anon_root": self.top, "ftp_username": "daemon",
            "secure_chroot_dir": empty, "seccomp_sandbox": "NO", "utf8_filesystem": "YES",
            "ssl_enable": "YES", "allow_anon_ssl": "YES", "rsa_cert_file": self.certificate,
            "rsa_private_key_file": self.key, "xferlog_enable": "NO", "use_localtime": "NO",
            "max_clients": 0, "max_per_ip": 0,
            "ssl_ciphers": "HIGH", "require_ssl_reuse": "NO",
            "ascii_upload_enable": "YES", "ascii_download_enable": "YES",
        }
        if os.getuid() != 0:
            settings["run_as_launching_user"] = "YES"
        path = os.path.join(self.top, "vsftpd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{name}={value}\n" for name, value in settings.items()))
        self.process = subprocess.Popen([find_vsftpd(), path], start_new_session=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise Skip(f"vsftpd does not start: {self.process.stdout.read().decode()}")
            time.sleep(0.05)
        raise Skip("vsftpd does not listen")

    def stop(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def both(name):
    """A case for each of the two servers."""
    def declare(function):
        for share in (Weft, Vsftpd):
            def body(share=share):
                with share() as opened:
                    function(opened)
            case(f"{name} ({share.__name__.lower()})")(body)
        return function
    return declare


# ---- Trees --------------------------------------------------------------------------------------

ODD = ("a b", " x", "-dash", "q'uote", 'd"ouble', "[brackets]", "{braces}", "se;mi", "a&b", "100%",
       "%41", "#hash", "tilde~", "~user", "com,ma", "e=quals", "e+t", "$dollar", "bang!",
       "\u00e4\u00f6\u00fc", "\u6f22\u5b57", "\U0001f600", "e\u0301", "a.b.c", "a..b", "(paren)",
       "caret^", "grave`", "at@", "co:lon")


def make_tree(top, files, without=""):
    """So many files with odd names, in folders with odd names; some empty, some larger."""
    chance = random.Random(1)
    odd = [name for name in ODD if not set(name) & set(without)]
    folders = [""]
    for number in range(files // 40 + 3):
        parent = chance.choice(folders[-8:])
        folders.append(os.path.join(parent, f"{chance.choice(odd)}{number}"))
        os.makedirs(os.path.join(top, folders[-1]), exist_ok=True)
    for number in range(files):
        name = os.path.join(top, chance.choice(folders), f"{number}{chance.choice(odd)}")
        size = chance.choice((0, 1, 2, 511, 4096, chance.randrange(20000), 65537))
        with open(name, "wb") as file:
            file.write(chance.randbytes(size))


def tree_of(top):
    found = {}
    for path, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(path, name), top)] = None
        for name in files:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                found[os.path.relpath(full, top)] = file.read()
    return found


def expect_same(one, other):
    one, other = tree_of(one), tree_of(other)
    missing, more = sorted(set(one) - set(other)), sorted(set(other) - set(one))
    expect(not missing and not more, f"missing {missing[:5]}, more {more[:5]}")
    different = [name for name in one if one[name] != other[name]]
    expect(not different, f"not the same: {different[:5]}")


def done_well(done):
    expect(done.returncode == 0, f"{done.returncode}: {done.stderr} {done.stdout}"[:2000])
    return done
