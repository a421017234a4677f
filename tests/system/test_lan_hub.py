#!/usr/bin/env python3
# check: waits
"""test_lan_hub.py - `weft serve --lan`: the whole hub for the local network, by TLS.

Other hosts get to every door; the web is HTTPS with a certificate that the server has made, whose
fingerprint is told; passwords go by TLS only; `weft discover` finds it all. And the address as a
picture on the terminal: read here as a camera would, from the modules to the text.
"""
import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time

import lan
from accounted import PASSWORD
from served import WEFT, case, expect, run
from typed import Terminal

WEFT = os.path.abspath(WEFT)
OUR_ADDRESS, NEW_ADDRESS = "10.79.1.1", "10.79.1.9"


class House(lan.Lan):
    """One network: the hub's, and somebody's."""

    def build(self):
        # pylint: disable=consider-using-with,attribute-defined-outside-init
        self.switch("one")
        self.hub = self.host("hub", one=OUR_ADDRESS + "/24")
        self.away = self.host("away", one="10.79.1.2/24")
        self.temporary = tempfile.TemporaryDirectory(prefix="weft-test-")
        self.path = self.temporary.name
        self.state, self.shared = self.path + "/state", self.path + "/shared"
        self.pem = self.state + "/lan.pem"
        os.mkdir(self.shared)
        with open(self.shared + "/a.txt", "w", encoding="ascii") as file:
            file.write("hello")

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self.temporary.cleanup()

    def command(self, *options):
        """Root's usual place is no test's."""
        return ("env", "STATE_DIRECTORY=" + self.state, "LC_ALL=C.UTF-8", "TERM=xterm",
                WEFT, "serve", self.shared, "--config", "none", "--lan", *options)

    def serve(self, *options):
        server = self.hub.start(*self.command("--json", *options))
        line = server.stdout.readline()
        expect(line, lambda: server.stderr.read())
        return json.loads(line), server

    def stop(self, server):
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=lan.PATIENCE_S)
        expect(server.returncode == 0 and errors == "", errors)

    def curl(self, *arguments):
        return self.away.run("curl", "-sS", "--noproxy", "*", *arguments)


def port_of(place):
    return int(place.rpartition(":")[2])


def digest_of(path):
    """SHA-256 of the certificate in a file, as it is told."""
    with open(path, encoding="ascii") as file:
        pem = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----", file.read(), re.S)[0]
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[i:i + 2] for i in range(0, 64, 2))


@case("other hosts get to every door: the web by HTTPS, to which HTTP leads")
def _():
    with House() as house:
        facts, server = house.serve()
        web = f"https://{OUR_ADDRESS}:{port_of(facts['https'])}"
        done = house.curl("--cacert", house.pem, web + "/a.txt")
        expect(done.stdout == "hello", done)
        done = house.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}",
                          f"http://{OUR_ADDRESS}:{port_of(facts['http'])}/a.txt")
        expect(done.stdout == "308 " + web + "/a.txt", done)
        ftp = f"ftp://{OUR_ADDRESS}:{port_of(facts['ftp'])}/"
        done = house.curl(ftp)
        expect("a.txt" in done.stdout, done)
        done = house.curl("--ssl-reqd", "--cacert", house.pem, ftp + "a.txt")
        expect(done.stdout == "hello", done)
        said = house.away.python(f"""
import socket
line = socket.create_connection(("{OUR_ADDRESS}", {port_of(facts["chat"])}))
line.sendall(b"GUEST mia\\n")
print(line.recv(100).split()[0])
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(("{OUR_ADDRESS}", {port_of(facts["chat"])}))
peer.settimeout({lan.PATIENCE_S})
peer.send(b"L bob")
print(peer.recv(100))
""")
        expect(said == "b'OK'\nb'OK'\n", said)
        house.stop(server)


@case("passwords go by TLS only: by FTP, and in the rooms")
def _():
    with House() as house:
        facts, server = house.serve("--hash-cost", "least")
        done = house.hub.run("env", "STATE_DIRECTORY=" + house.state, WEFT, "account", "add", "ann",
                             "--password-stdin", input=PASSWORD + "\n")
        expect(done.returncode == 0, done)
        ftp = f"ftp://ann:{PASSWORD.replace(' ', '%20')}@{OUR_ADDRESS}:{port_of(facts['ftp'])}/"
        done = house.curl(ftp)
        expect(done.returncode != 0 and "a.txt" not in done.stdout, done)
        done = house.curl("--ssl-reqd", "--cacert", house.pem, ftp)
        expect("a.txt" in done.stdout, done)
        for place, option, says in ((f"tls://{OUR_ADDRESS}:{port_of(facts['chat-tls'])}",
                                     ("--tls-ca", house.pem), 0),
                                    (f"{OUR_ADDRESS}:{port_of(facts['chat'])}", (), 1)):
            done = house.away.run("env", "WEFT_CHAT_PASSWORD=" + PASSWORD, "HOME=" + house.path,
                                  WEFT, "chat", place, "--user", "ann", *option, input="hello\n")
            expect(done.returncode == says, (place, done))
        house.stop(server)


@case("its certificate is told, kept, and made anew when it does not do any more")
def _():
    with House() as house:
        facts, server = house.serve()
        first = facts["certificate"]
        expect(first["sha256"] == digest_of(house.pem), facts)
        expect(os.stat(house.pem).st_mode & 0o777 == 0o600)
        house.stop(server)
        facts, server = house.serve("--ftp", "none")
        expect(facts["certificate"] == first and "ftp" not in facts, facts)
        house.stop(server)
        house.hub.run("ip", "addr", "add", NEW_ADDRESS + "/24", "dev", "one")
        facts, server = house.serve()
        second = facts["certificate"]
        expect(second != first and second["sha256"] == digest_of(house.pem), facts)
        done = house.curl("--cacert", house.pem,
                          f"https://{NEW_ADDRESS}:{port_of(facts['https'])}/a.txt")
        expect(done.stdout == "hello", done)
        house.stop(server)
        # One for the same names and addresses that ends within the month; and no key at all.
        names = f"subjectAltName=DNS:{os.uname().nodename.partition('.')[0]}," \
                f"IP:{OUR_ADDRESS},IP:{NEW_ADDRESS}"
        for days, is_kept in ("10", False), ("90", True):
            done = house.hub.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                 "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-days",
                                 days, "-addext", names, "-keyout", house.path + "/key", "-out",
                                 house.path + "/cert")
            expect(done.returncode == 0, done)
            with open(house.pem, "w", encoding="ascii") as file:
                for part in "cert", "key":
                    with open(f"{house.path}/{part}", encoding="ascii") as source:
                        file.write(source.read())
            ours = digest_of(house.pem)
            facts, server = house.serve()
            expect((facts["certificate"]["sha256"] == ours) == is_kept, (days, facts))
            house.stop(server)
        with open(house.pem, "w", encoding="ascii") as file:
            file.write("no certificate\n")
        facts, server = house.serve()
        expect(facts["certificate"]["sha256"] == digest_of(house.pem), facts)
        house.stop(server)
        os.remove(house.pem)
        for names in ("--tls-cert", "--tls-key"), ("--cert", "--key"):
            facts, server = house.serve(names[0], house.path + "/cert", names[1],
                                        house.path + "/key")
            expect(facts["certificate"]["sha256"] == digest_of(house.path + "/cert"), facts)
            expect(not os.path.exists(house.pem), "it made one all the same")
            house.stop(server)


@case("a new address while it serves: a SIGHUP makes a new certificate, and drops nobody")
def _():
    with House() as house:
        facts, server = house.serve()
        place = (OUR_ADDRESS, port_of(facts["https"]))
        # pylint: disable=consider-using-with
        kept = subprocess.Popen(house.away.command(sys.executable, "-c", f"""
import socket, ssl, sys
plain = socket.create_connection({place!r})
peer = ssl._create_unverified_context().wrap_socket(plain)
for _ in range(2):
    peer.sendall(b"GET /a.txt HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    got = b""
    while not got.endswith(b"hello"):
        more = peer.recv(65536)
        assert more, got
        got += more
    print("hello", flush=True)
    sys.stdin.readline()
"""), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        house.away.started.append(kept)
        expect(kept.stdout.readline() == "hello\n", "no answer")
        house.hub.run("ip", "addr", "add", NEW_ADDRESS + "/24", "dev", "one")
        server.send_signal(signal.SIGHUP)
        shown = facts["certificate"]["sha256"]
        deadline = time.monotonic() + lan.PATIENCE_S
        while shown == facts["certificate"]["sha256"]:
            expect(time.monotonic() < deadline, "it has the old certificate still")
            shown = house.away.python(f"""
import hashlib, ssl
pem = ssl.get_server_certificate({place!r})
print(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper())
""").strip()
            shown = ":".join(shown[i:i + 2] for i in range(0, 64, 2))
        expect(shown == digest_of(house.pem), shown)
        expect(os.stat(house.pem).st_mode & 0o777 == 0o600)
        rest, errors = kept.communicate("\n\n", timeout=lan.PATIENCE_S)
        expect(rest == "hello\n", errors)
        done = house.curl("--cacert", house.pem, f"https://{NEW_ADDRESS}:{place[1]}/a.txt")
        expect(done.stdout == "hello", done)
        house.stop(server)


@case("weft discover finds the web, FTP and the rooms, unless it is not wanted")
def _():
    with House() as house:
        facts, server = house.serve("--announce", "The attic")
        awaited = {("https", port_of(facts["https"])), ("ftp", port_of(facts["ftp"])),
                   ("weft-chat", port_of(facts["chat"])),
                   ("weft-chat-tls", port_of(facts["chat-tls"]))}
        found = set()
        while not awaited <= found:
            done = house.away.run(WEFT, "discover", "--json")
            found |= {(one["service"], one["port"]) for one in json.loads(done.stdout)
                      if (one["name"], one["addresses"]) == ("The attic", [OUR_ADDRESS])}
        expect(found == awaited, found)
        house.stop(server)
        facts, server = house.serve("--no-announce")
        expect("announced" not in facts, facts)
        house.stop(server)


@case("a door that is named is where it is said, beside the others")
def _():
    with House() as house:
        facts, server = house.serve("--https", "127.0.0.1:0", "--chat", "none", "--state", "none")
        expect(facts["https"].startswith("127.0.0.1:") and "ftp" in facts, facts)
        expect(not {"chat", "chat-tls", "chat-web", "state"} & set(facts), facts)
        done = house.hub.run("curl", "-sS", "--cacert", house.pem,
                             f"https://{facts['https']}/a.txt")
        expect(done.stdout == "hello", done)
        house.stop(server)


# ---- The picture -------------------------------------------------------------------------------


def modules_of(lines):
    """Dark or not, by row and column, from half blocks; without the light margin."""
    rows = []
    for text in lines:
        rows.append([char in "\u2580\u2588" for char in text])
        rows.append([char in "\u2584\u2588" for char in text])
    top = next(i for i, row in enumerate(rows) if any(row))
    left = rows[top].index(True)
    size = 0
    while left + size < len(rows[top]) and any(row[left + size] for row in rows):
        size += 1
    expect(size % 4 == 1 and size >= 21, size)
    expect(top >= 2 and left >= 2, "no margin")
    return [row[left:left + size] for row in rows[top:top + size]]


MASKS = (lambda y, x: (y + x) % 2, lambda y, x: y % 2, lambda y, x: x % 3,
         lambda y, x: (y + x) % 3, lambda y, x: (y // 2 + x // 3) % 2,
         lambda y, x: y * x % 2 + y * x % 3, lambda y, x: (y * x % 2 + y * x % 3) % 2,
         lambda y, x: ((y + x) % 2 + y * x % 3) % 2)


def is_data(y, x, size):
    """Of versions 1 to 6, which have one alignment pattern at most."""
    if (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9):
        return False
    if y == 6 or x == 6:
        return False
    return size == 21 or not (abs(y - (size - 7)) <= 2 and abs(x - (size - 7)) <= 2)


def text_of(modules):
    """Of one block of bytes: ISO/IEC 18004, without the correction of errors."""
    size = len(modules)
    form = [modules[8][x] for x in (0, 1, 2, 3, 4)]
    mask = MASKS[sum((bit ^ flip) << (2 - i) for i, (bit, flip) in
                     enumerate(zip(form[2:], (1, 0, 1))))]
    bits, column, upwards = [], size - 1, True
    while column > 0:
        column -= column == 6
        for y in reversed(range(size)) if upwards else range(size):
            for x in column, column - 1:
                if is_data(y, x, size):
                    bits.append(int(modules[y][x] ^ (mask(y, x) == 0)))
        column, upwards = column - 2, not upwards

    def number(begin, length):
        return int("".join(map(str, bits[begin:begin + length])), 2)
    expect(number(0, 4) == 4, "not of bytes")
    return bytes(number(12 + 8 * i, 8) for i in range(number(4, 8))).decode()


@case("on a terminal the address is a picture, too, which says what is written beside it")
def _():
    with House() as house:
        command = house.hub.command(*house.command())
        path = next(place for place in os.environ["PATH"].split(":")
                    if os.access(place + "/" + command[0], os.X_OK))
        with Terminal(path + "/" + command[0], *command[1:]) as typed:
            text = typed.until("Ctrl-C").replace("\r", "")
            os.kill(typed.pid, signal.SIGTERM)
        lines = re.findall("\x1b\\[38;5;16;48;5;231m(.*?)\x1b\\[0m", text)
        url = re.search(r"web +(https://[0-9.]+:\d+/)", text)[1]
        expect(url.startswith(f"https://{OUR_ADDRESS}:"), url)
        expect(text_of(modules_of(lines)) == url, text)
        expect(re.search(r"certificate self-made.*\n +([0-9A-F]{2}:){15}[0-9A-F]{2}\n", text), text)
        plain = re.sub("\x1b\\[[0-9;]*m", "", text)
        expect(max(len(line) for line in plain.splitlines()
                   if house.path not in line and "confined" not in line) <= 80,
               "a line is too long")
        command[command.index("TERM=xterm")] = "TERM=dumb"
        with Terminal(path + "/" + command[0], *command[1:]) as typed:
            text = typed.until("Ctrl-C")
            expect("\x1b" not in text and "web " in text, text)
            os.kill(typed.pid, signal.SIGTERM)


lan.enter()
sys.exit(run())
