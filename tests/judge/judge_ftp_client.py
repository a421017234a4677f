#!/usr/bin/env python3
"""judge_ftp_client.py - `weft ftp` with the servers that others run: vsftpd, Pure-FTPd, ProFTPD.

Each serves a folder on loopback over TLS, and demands of data connections that they resume the
session of the control connection where it knows how to. tools/judge fetches what is not
installed (Debian's servers conflict with one another) and unpacks it below build/ only.
"""
import filecmp
import glob
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from ftp_judged import CHANGES, USERS
from judged import Skip, case, expect, run
from served import WEFT as BUILT

WEFT = os.path.abspath(BUILT)
UNPACKED = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "judge",
                                        "ftp"))
PATIENCE_S = 200  # of one command: a tree of small files has needed 30 on a busy machine
NO_SUMS = "The server computes no SHA-256: only lengths are compared.\n"

VSFTPD = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
run_as_launching_user=YES
background=NO
seccomp_sandbox=NO
anonymous_enable=YES
ftp_username={user}
anon_root={shared}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_world_readable_only=NO
allow_writeable_chroot=YES
secure_chroot_dir={top}/empty
xferlog_enable=NO
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
strict_ssl_read_eof=YES
ssl_tlsv1=YES
ssl_ciphers=HIGH
rsa_cert_file={top}/cert
rsa_private_key_file={top}/key
"""

PROFTPD = """
ServerName weft
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
User {user}
Group {group}
UseIPv6 off
ModulePath {modules}
LoadModule mod_tls.c
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
AllowStoreRestart on
DelayEngine off
TLSEngine on
TLSRequired on
TLSLog {top}/tls.log
TLSECCertificateFile {top}/cert
TLSECCertificateKeyFile {top}/key
"""


def find(program):
    """Installed, or unpacked; its path."""
    path = shutil.which(program, path=f"/usr/sbin:/usr/bin:{UNPACKED}/usr/sbin:{UNPACKED}/usr/bin")
    if not path:
        raise Skip(f"{program} is not here")
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Peer:
    """A server of somebody else's, on a folder `shared`, and a folder `here` beside it."""

    name = user = ""
    prohibits = ()  # names that it refuses, or lists as others

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="weft-judge-")
        os.chmod(self.top, 0o755)
        self.shared, self.here = self.top + "/shared", self.top + "/here"
        for folder in (self.shared, self.here, self.top + "/empty"):
            os.mkdir(folder)
        self.port = free_port()
        try:
            self.certify()
            libraries = ":".join(glob.glob(UNPACKED + "/usr/lib/*-linux-gnu*"))
            self.process = subprocess.Popen(
                self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=dict(os.environ, LD_LIBRARY_PATH=libraries))
            self.await_port()
        except BaseException:
            shutil.rmtree(self.top)
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.top)

    def certify(self):
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout",
             self.top + "/key", "-out", self.top + "/cert"], capture_output=True, check=False)
        expect(made.returncode == 0, made.stderr)

    def await_port(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Skip(f"{self.name} does not start here")
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise Skip(f"{self.name} never listened")

    def write(self, path, text):
        with open(os.path.join(self.top, path), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(os.path.join(self.top, path), 0o600)
        return os.path.join(self.top, path)

    def arguments(self, *words):
        place = f"{self.user}@127.0.0.1:{self.port}" if self.user else f"127.0.0.1:{self.port}"
        return [WEFT, "ftp", place, "--issuers", self.top + "/cert", *words]

    def ftp(self, *words):
        """(status, stdout, stderr)"""
        env = dict(os.environ, WEFT_FTP_PASSWORD="secret", HOME="/nonexistent")
        done = subprocess.run(self.arguments(*words), cwd=self.here, env=env, timeout=PATIENCE_S,
                              capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


class Vsftpd(Peer):
    """Every data connection has to resume; no MLSD, no MFMT."""

    name = "vsftpd"

    def command(self):
        return [find("vsftpd"),
                self.write("conf", VSFTPD.format(top=self.top, shared=self.shared,
                                                 port=self.port,
                                                 user=pwd.getpwuid(os.getuid()).pw_name))]


class Proftpd(Peer):
    """Every data connection has to resume; MLSD, MFMT, and whole answers to MLST."""

    name, user = "ProFTPD", "ada"

    def command(self):
        program, modules = find("proftpd"), UNPACKED + "/usr/lib/proftpd"
        if os.path.exists("/usr/lib/proftpd/mod_tls.so"):
            modules = "/usr/lib/proftpd"
        elif not os.path.exists(modules + "/mod_tls.so"):
            raise Skip("proftpd's mod_tls is not here")
        hashed = subprocess.run(["openssl", "passwd", "-1", "secret"], capture_output=True,
                                text=True, check=True).stdout.strip()
        self.write("passwd",
                   f"ada:{hashed}:{os.getuid()}:{os.getgid()}::{self.shared}:/bin/sh\n")
        config = PROFTPD.format(top=self.top, port=self.port, modules=modules,
                                user=pwd.getpwuid(os.getuid()).pw_name,
                                group=grp.getgrgid(os.getgid()).gr_name)
        return [program, "-n", "-q", "-c", self.write("conf", config)]


class PureFtpd(Peer):
    """TLS for all; MLSD, MFMT; it begins as root and goes on as nobody."""

    name, user = "Pure-FTPd", "ada"
    prohibits = ("back\\slash", "tail ")

    def command(self):
        if os.getuid() != 0:
            raise Skip("Pure-FTPd needs root")
        program = find("pure-ftpd")
        with open(self.top + "/key", encoding="utf-8") as key, \
                open(self.top + "/cert", encoding="utf-8") as cert:
            self.write("both", key.read() + cert.read())
        os.chown(self.shared, 65534, 65534)
        subprocess.run([find("pure-pw"), "useradd", "ada", "-u", "65534", "-g", "65534", "-d",
                        self.shared, "-f", self.top + "/passwd", "-m", "-F", self.top + "/pdb"],
                       input=b"secret\nsecret\n", capture_output=True, check=True)
        return [program, "-S", f"127.0.0.1,{self.port}", "-l", f"puredb:{self.top}/pdb", "-E",
                "-H", "-Y", "3", "-2", self.top + "/both", "-g", self.top + "/pid"]


class Weft(Peer):
    """Our own, which hides what begins with a dot, and takes no upload under such a name."""

    name, user, prohibits = "weft serve", "anna", ("...",)

    def command(self):
        return [WEFT, "serve", self.shared, "--http", "none", "--ftp", f"127.0.0.1:{self.port}",
                "--tls-cert", self.top + "/cert", "--tls-key", self.top + "/key", "--auth-file",
                self.write("users", USERS), *CHANGES]


PEERS = (Vsftpd, Proftpd, PureFtpd, Weft)


def plant(folder, without):
    """Names and sizes that something could trip over."""
    sizes = [0, 1, 2, 1023, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 1 << 20]
    names = ["a b", "ünï", "-dash", "it's", 'quo"te', "semi;colon", "star*", "[br]", "back\\slash",
             "#hash", "a&b", "dot.", "...", "100%", "日本", "é" * 60, "~tilde", "$x", "tail "]
    names = [name for name in names if name not in without]
    for depth in ("", "sub", "sub/deep er", "sub/deep er/ünder"):
        os.makedirs(os.path.join(folder, depth), exist_ok=True)
        for i, name in enumerate(names):
            with open(os.path.join(folder, depth, name), "wb") as file:
                file.write(os.urandom(sizes[(i + len(depth)) % len(sizes)]))
    for i in range(100):
        with open(os.path.join(folder, "sub", f"{i:03}"), "wb") as file:
            file.write(os.urandom(i * 37))
    return 100 + 4 * len(names)


def same_trees(one, other):
    compared = filecmp.dircmp(one, other, ignore=[])
    _, differ, odd = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    here = compared.left_only + compared.right_only + compared.funny_files + differ + odd
    expect(not here, (one, here))
    for name in compared.common_dirs:
        same_trees(os.path.join(one, name), os.path.join(other, name))


def for_each_peer(title):
    """A case for each server."""
    def make(function):
        for kind in PEERS:
            @case(f"{kind.name}: {title}")
            def _(kind=kind):
                with kind() as peer:
                    function(peer)
        return function
    return make


# ---- What each of them must be good for ----------------------------------------------------------


@for_each_peer("a tree of odd names goes there and back, and then there is nothing to do")
def _(peer):
    count = plant(peer.here + "/tree", peer.prohibits)
    status, out, err = peer.ftp("-c", "mirror -R -P 4 tree tree; mirror -R tree tree")
    expect((status, err) == (0, ""), err)
    expect(f"\n0 files moved, {count} the same, 0 removed" in out, out[-300:])
    same_trees(peer.here + "/tree", peer.shared + "/tree")
    status, out, err = peer.ftp("-c", "mirror -P 4 tree back; mirror tree back")
    expect((status, err) == (0, "") and f"\n0 files moved, {count} the same" in out, err)
    same_trees(peer.here + "/tree", peer.here + "/back")
    status, _, err = peer.ftp("-c", "rm -r tree")
    expect((status, err) == (0, "") and not os.path.exists(peer.shared + "/tree"), err)


@for_each_peer("a download that was broken off goes on; so does an upload")
def _(peer):
    content = os.urandom(40 << 20)
    with open(peer.shared + "/big", "wb") as file:
        file.write(content)
    os.chmod(peer.shared + "/big", 0o644)
    env = dict(os.environ, WEFT_FTP_PASSWORD="secret", HOME="/nonexistent")
    with subprocess.Popen(peer.arguments("-c", "get big"), cwd=peer.here, env=env,
                          stderr=subprocess.PIPE) as process:
        # Until some of it is here.
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and process.poll() is None:
            parts = os.listdir(peer.here)
            if parts and os.path.getsize(os.path.join(peer.here, parts[0])) > 1 << 20:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    broken = process.returncode == 1 and os.listdir(peer.here)[0].endswith(".part")
    status, out, err = peer.ftp("-c", "get big")
    expect((status, err) == (0, ""), err)
    expect("were there" in out or not broken, out)
    with open(peer.here + "/big", "rb") as file:
        expect(file.read() == content, "not the same")
    expect(os.listdir(peer.here) == ["big"])
    os.truncate(peer.shared + "/big", 12345678)
    if os.getuid() == 0:
        os.chown(peer.shared + "/big", *os.stat(peer.shared)[4:6])
    status, out, err = peer.ftp("-c", "put -c big")
    expect((status, err) == (0, "") and "12 MB were there" in out, (out, err))
    with open(peer.shared + "/big", "rb") as file:
        expect(file.read() == content, "not the same")


@for_each_peer("an upload takes another name until it is whole; its sum is compared if it can be")
def _(peer):
    content = os.urandom(3 << 20)
    with open(peer.here + "/x", "wb") as file:
        file.write(content)
    os.utime(peer.here + "/x", (981173106, 981173106))
    status, _, err = peer.ftp("--temporary", "--verify", "-c", "mkdir d; put x d/x; put x d/x")
    expect(status == 0 and err in ("", NO_SUMS), err)
    expect(os.listdir(peer.shared + "/d") == ["x"], os.listdir(peer.shared + "/d"))
    with open(peer.shared + "/d/x", "rb") as file:
        expect(file.read() == content, "not the same")
    # What a broken upload leaves is gone on with, and the old file is there up to the end.
    with open(peer.shared + "/d/x.part", "wb") as file:
        file.write(content[:1 << 20])
    os.chown(peer.shared + "/d/x.part", *os.stat(peer.shared)[4:6])
    os.truncate(peer.shared + "/d/x", 5)
    status, out, err = peer.ftp("--temporary", "-c", "put -c x d/x")
    expect((status, err) == (0, "") and "1.0 MB were there" in out, (out, err))
    with open(peer.shared + "/d/x", "rb") as file:
        expect(file.read() == content, "not the same")
    expect(os.listdir(peer.shared + "/d") == ["x"], os.listdir(peer.shared + "/d"))


@for_each_peer("files are listed, renamed, removed, asked for in vain")
def _(peer):
    with open(peer.here + "/x", "wb") as file:
        file.write(b"hello")
    status, out, err = peer.ftp(
        "-c", "mkdir 'new one'; cd 'new one'; put x; mv x y; ls; ls --json; cat y; -get none;"
        "-cd none; ls -1 *; rm y; cd ..; rmdir 'new one'; pwd; status")
    expect(status == 0 and "550" in err, (out, err))
    expect('"name":"y","type":"file","size":5' in out and "hello" in out and "TLSv1" in out, out)
    expect(os.listdir(peer.shared) == [], os.listdir(peer.shared))


@for_each_peer("the server may connect to here")
def _(peer):
    plant(peer.here + "/tree", peer.prohibits)
    status, _, err = peer.ftp("--active", "-c", "mirror -R tree tree; mirror tree back")
    expect((status, err) == (0, ""), err)
    same_trees(peer.here + "/tree", peer.here + "/back")


@for_each_peer("who nobody vouches for is refused, and hears no password")
def _(peer):
    place = peer.arguments()[2]
    done = subprocess.run([WEFT, "ftp", place, "-c", "pwd"], capture_output=True, check=False,
                          env=dict(os.environ, WEFT_FTP_PASSWORD="secret"), timeout=PATIENCE_S)
    expect(done.returncode == 1 and b"not trusted" in done.stderr, done.stderr)


sys.exit(run())
