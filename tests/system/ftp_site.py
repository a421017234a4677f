"""ftp_site.py - an FTP server of the tests' own, on a folder: what `weft ftp` is tried against.

	with Folder() as folder, FtpSite(folder.path) as site:
		...weft("ftp", site.place, "-c", "ls")...
		expect("MLSD" in site.commands())

It is as strict as a test wants it: options leave features out, tell names that a folder can't
have, cut a file off, stall. Everything it heard is in `heard`.

Never: a fixed port, or a wait that is not for something.
"""
import hashlib
import os
import socket
import ssl
import threading
import time

FEATURES = ("EPSV", "EPRT", "SIZE", "MDTM", "MFMT", "REST STREAM",
            "MLST type*;size*;modify*;", "UTF8", "HASH SHA-256*")


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


class Session:
    """One control connection."""

    def __init__(self, site, peer):
        self.site, self.peer = site, peer
        self.folder, self.user, self.offset, self.rename = "/", "", 0, None
        self.listener = self.active = None
        self.is_private = False
        self.buffer = b""

    # ---- Lines ----

    def say(self, text):
        self.peer.sendall(text.encode("utf-8", "surrogateescape") + b"\r\n")

    def hear(self):
        while b"\n" not in self.buffer:
            data = self.peer.recv(4096)
            if not data:
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def path(self, name):
        """Below the site's folder, whatever ".." there is."""
        whole = os.path.normpath(os.path.join("/", self.folder, name))
        return whole, os.path.join(self.site.folder, whole.lstrip("/"))

    def serve(self):
        self.say("220 ready")
        while (line := self.hear()) is not None:
            self.site.heard.append(line)
            verb, _, word = line.partition(" ")
            method = getattr(self, "do_" + verb.upper(), None)
            if method is None or verb.upper() in self.site.refuses:
                self.say("502 no such command")
                continue
            try:
                if method(word) == "end":
                    return
            except (FileNotFoundError, NotADirectoryError):
                self.say("550 no such file")
            except OSError as error:
                self.say(f"550 {error.strerror}")

    # ---- Who ----

    def do_USER(self, word):
        self.user = word
        self.say("331 and the password?")

    def do_PASS(self, word):
        if self.user not in ("anonymous", "ada") or (self.user == "ada" and word != "secret"):
            return self.say("530 not you")
        return self.say("230 in")

    def do_AUTH(self, _):
        if not self.site.tls:
            return self.say("502 no TLS")
        self.say("234 go on")
        self.peer = self.site.tls.wrap_socket(self.peer, server_side=True)
        return None

    def do_PBSZ(self, _):
        self.say("200 fine")

    def do_PROT(self, word):
        self.is_private = word == "P"
        self.say("200 fine")

    def do_FEAT(self, _):
        self.say("211-can")
        for feature in FEATURES:
            if feature.split()[0] not in self.site.refuses:
                self.say(" " + feature)
        self.say("211 end")

    def do_OPTS(self, _):
        self.say("200 fine")

    do_TYPE = do_NOOP = do_OPTS

    def do_QUIT(self, _):
        self.say("221 bye")
        return "end"

    def do_ABOR(self, _):
        self.say("226 nothing to abort")

    # ---- Where ----

    def do_PWD(self, _):
        self.say('257 "%s"' % self.folder.replace('"', '""'))

    def do_CWD(self, word):
        whole, path = self.path(word)
        if not os.path.isdir(path):
            return self.say("550 no such folder")
        self.folder = whole
        return self.say("250 there")

    def do_CDUP(self, _):
        self.do_CWD("..")

    # ---- Data ----

    def do_EPSV(self, _):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.say(f"229 here (|||{self.listener.getsockname()[1]}|)")

    def do_PASV(self, _):
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        # Somebody else's address.
        self.say(f"227 here (192,0,2,1,{port >> 8},{port & 255})")

    def do_EPRT(self, word):
        self.active = ("127.0.0.1", int(word.split("|")[3]))
        self.say("200 fine")

    def data(self):
        if self.active:
            made = socket.create_connection(self.active)
            self.active = None
        else:
            made, _ = self.listener.accept()
            self.listener.close()
        return self.site.tls.wrap_socket(made, server_side=True) if self.is_private else made

    def close(self, data):
        if self.is_private:
            data = data.unwrap()
        data.close()

    def do_REST(self, word):
        self.offset = int(word)
        self.say("350 from there")

    def do_RETR(self, word):
        _, path = self.path(word)
        with open(path, "rb") as file:
            file.seek(self.offset)
            self.offset = 0
            content = file.read()
        self.say("150 soon")
        data = self.data()
        cut = self.site.cuts.pop(os.path.basename(path), None)
        try:
            data.sendall(content[:cut])
            if cut is not None and self.site.stalls:
                self.site.stalled.set()
                data.recv(1)  # until the client has had enough
            self.close(data)
            self.say("226 done" if cut is None else "426 broken off")
        except OSError:
            self.say("426 broken off")

    def store(self, word, mode):
        _, path = self.path(word)
        self.say("150 soon")
        data = self.data()
        with open(path, mode) as file:
            while block := data.recv(65536):
                file.write(block)
        self.close(data)
        self.say("226 done")

    def do_STOR(self, word):
        self.store(word, "wb")

    def do_APPE(self, word):
        self.store(word, "ab")

    # ---- Listings ----

    def names(self, path):
        return sorted(os.listdir(path)) + self.site.extra_names

    def facts(self, path):
        if not os.path.lexists(path):
            return "type=file;size=5;modify=20200101000000;"
        status = os.stat(path)
        kind = "dir" if os.path.isdir(path) else "file"
        return f"type={kind};size={status.st_size};modify={stamp(status.st_mtime)};"

    def listing(self, word, line):
        _, path = self.path("" if word.startswith("-") else word)
        lines = [line(path, name) for name in self.names(path)]
        self.say("150 soon")
        data = self.data()
        data.sendall("".join(one + "\r\n" for one in lines).encode("utf-8", "surrogateescape"))
        self.close(data)
        self.say("226 done")

    def do_MLSD(self, word):
        self.listing(word, lambda path, name: f"{self.facts(os.path.join(path, name))} {name}")

    def do_LIST(self, word):
        def line(path, name):
            one = os.path.join(path, name)
            status = os.stat(one)
            date = time.strftime("%b %d %H:%M", time.gmtime(status.st_mtime))
            if time.time() - status.st_mtime > 180 * 86400:
                date = time.strftime("%b %d  %Y", time.gmtime(status.st_mtime))
            kind = "d" if os.path.isdir(one) else "-"
            return f"{kind}rw-r--r-- 1 ada users {status.st_size} {date} {name}"
        self.listing(word, line)

    def do_MLST(self, word):
        whole, path = self.path(word)
        os.stat(path)
        self.say(f"250-here\r\n {self.facts(path)} {whole}\r\n250 end")

    def do_SIZE(self, word):
        _, path = self.path(word)
        if os.path.isdir(path):
            return self.say("550 a folder")
        return self.say(f"213 {os.stat(path).st_size}")

    def do_MDTM(self, word):
        self.say("213 " + stamp(os.stat(self.path(word)[1]).st_mtime))

    def do_HASH(self, word):
        with open(self.path(word)[1], "rb") as file:
            content = file.read()
        total = hashlib.sha256(content).hexdigest()
        self.say(f"213 SHA-256 0-{len(content)} {total} {word}")

    def do_MFMT(self, word):
        when, _, name = word.partition(" ")
        seconds = int(time.mktime(time.strptime(when, "%Y%m%d%H%M%S"))) - time.timezone
        os.utime(self.path(name)[1], (seconds, seconds))
        self.say(f"213 Modify={when}; {name}")

    # ---- Changes ----

    def do_RNFR(self, word):
        self.rename = self.path(word)[1]
        os.stat(self.rename)
        self.say("350 to?")

    def do_RNTO(self, word):
        os.rename(self.rename, self.path(word)[1])
        self.say("250 renamed")

    def do_DELE(self, word):
        os.unlink(self.path(word)[1])
        self.say("250 gone")

    def do_MKD(self, word):
        os.mkdir(self.path(word)[1])
        self.say("257 made")

    def do_RMD(self, word):
        os.rmdir(self.path(word)[1])
        self.say("250 gone")

    def do_SITE(self, word):
        words = word.split(" ", 2)
        os.chmod(self.path(words[2])[1], int(words[1], 8))
        self.say("200 done")


class FtpSite:
    """The server, with a thread for each connection."""

    def __init__(self, folder, tls=None, refuses=(), extra_names=(), cuts=None, stalls=False,
                 session=Session):
        self.folder, self.tls, self.session = folder, None, session
        self.refuses, self.extra_names = set(refuses), list(extra_names)
        self.cuts, self.stalls, self.stalled = dict(cuts or {}), stalls, threading.Event()
        self.heard = []
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(tls)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.place = f"ada@127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # Whoever waits in accept() is told so by this, not by a close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = self.session(self, peer)
        try:
            session.serve()
        except OSError:
            pass  # it has gone
        finally:
            session.peer.close()

    def commands(self):
        return [line.split(" ")[0] for line in self.heard]

