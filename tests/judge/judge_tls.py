#!/usr/bin/env python3
"""judge_tls.py - HTTPS and passwords: curl, wget, aria2c, ab, wrk, openssl, htpasswd.

The certificate is made for each site by openssl, for localhost and 127.0.0.1.
"""
import hashlib
import os
import signal
import subprocess
import sys
import time

from judged import Site, case, expect, need, run, tool

HELLO = b"Hello, world\n"


class Secure(Site):
    """A site with both doors, and what a client needs to trust it."""

    def __init__(self, *options):
        super().__init__(*options)
        self.extra = options

    def fill(self):
        need("openssl")
        super().fill()
        top = self.folder.top
        self.certificate, self.key = top + "/cert.pem", top + "/key.pem"
        self.renew()
        self.options = ("--https", "127.0.0.1:0", "--tls-cert", self.certificate,
                        "--tls-key", self.key, *self.extra)

    def renew(self):
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout", self.key,
             "-out", self.certificate], capture_output=True, check=False)
        expect(done.returncode == 0, done.stderr)

    def secure(self, path="/"):
        return f"https://{self.server.facts['https']}{path}"

    def curl(self, *words):
        done = tool("curl", "-sS", "--cacert", self.certificate, *words, text=False)
        return done.returncode, done.stdout, done.stderr.decode()


# ---- TLS ---------------------------------------------------------------------------------------


@case("curl gets files over TLS 1.2 and 1.3, and trusts nobody it should not")
def _():
    with Secure() as site:
        for words in ([], ["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.1"], ["--no-alpn"],
                      ["--http2"], ["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256", "--tls-max",
                                    "1.2"], ["--curves", "X25519"]):
            expect(site.curl(*words, site.secure("/hello.txt")) == (0, HELLO, ""), words)
        expect(site.curl(site.secure("/big.bin"))[1] == site.read("big.bin"), "not the same")
        done = tool("curl", "-sS", site.secure("/hello.txt"))
        expect(done.returncode == 60, done)  # no authority knows it
        expect(site.curl("--tls-max", "1.1", "--tlsv1.1", site.secure("/"))[0] != 0)


@case("curl -r, -C -, --etag-compare and many URLs on one connection over TLS")
def _():
    with Secure() as site:
        expect(site.curl("-r", "7-11", site.secure("/hello.txt"))[1] == b"world")
        path = site.folder.top + "/part"
        with open(path, "wb") as file:
            file.write(site.read("big.bin")[:1000001])
        expect(site.curl("-C", "-", "-o", path, site.secure("/big.bin"))[0] == 0)
        with open(path, "rb") as file:
            expect(file.read() == site.read("big.bin"), "not the same")
        words = []
        for name in ("hello.txt", "big.bin", "nothing", ""):
            words += ["-o", "/dev/null", site.secure("/" + name)]
        expect(site.curl("-w", "%{num_connects}", *words)[1] == b"1000")


@case("HTTP at the door of HTTPS, and HTTPS at that of HTTP, get no file and harm nobody")
def _():
    with Secure() as site:
        code, out, _ = site.curl(site.secure("/hello.txt").replace("https:", "http:"))
        expect(HELLO not in out, (code, out))
        expect(site.curl(site.url("/hello.txt").replace("http:", "https:"))[0] != 0)
        expect(site.curl(site.secure("/hello.txt"))[1] == HELLO)


@case("curl -L is led from HTTP to HTTPS by --redirect-https")
def _():
    with Secure("--redirect-https") as site:
        _, out, _ = site.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}",
                              site.url("/hello.txt?x=1"))
        status, url = out.decode().split()
        expect(status in ("301", "308") and url.startswith("https://"), out)
        expect(url.endswith("/hello.txt?x=1"), out)
        expect(site.curl("-L", "--max-redirs", "2", site.url("/hello.txt"))[1] == HELLO)


@case("wget and aria2c over TLS")
def _():
    with Secure() as site:
        place = site.folder.top
        done = tool("wget", "-nv", "--tries=1", "--ca-certificate=" + site.certificate,
                    site.secure("/big.bin"), cwd=place)
        expect(done.returncode == 0, done.stderr)
        digest = hashlib.sha256(site.read("big.bin")).hexdigest()
        done = tool("aria2c", "-x8", "-s8", "-k1M", "--no-conf", "--checksum=sha-256=" + digest,
                    "--ca-certificate=" + site.certificate, "-d", place, "-o", "again.bin",
                    "--file-allocation=none", site.secure("/big.bin"))
        expect(done.returncode == 0, done.stdout)


@case("ab -f TLS1.3 and wrk over TLS: all answers, none failed")
def _():
    with Secure() as site:
        done = tool("ab", "-q", "-k", "-n", "5000", "-c", "20", site.secure("/hello.txt"))
        expect("Failed requests:        0" in done.stdout, done.stdout + done.stderr)
        done = tool("wrk", "-t1", "-c20", "-d1s", site.secure("/hello.txt"))
        expect("errors" not in done.stdout and "Requests/sec" in done.stdout, done.stdout)


@case("openssl s_client resumes a session, and what is no TLS ends in an alert")
def _():
    with Secure() as site:
        session = site.folder.top + "/session"
        request = "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        words = ["openssl", "s_client", "-connect", site.server.facts["https"], "-CAfile",
                 site.certificate, "-ign_eof"]
        done = tool(*words, "-sess_out", session, input=request)
        expect("Hello, world" in done.stdout and "New, TLSv1.3" in done.stdout, done.stdout)
        done = tool(*words, "-sess_in", session, input=request)
        expect("Reused, TLSv1.3" in done.stdout, done.stdout)


@case("a new certificate is served after SIGHUP, and downloads go on")
def _():
    with Secure() as site:
        path = site.folder.top + "/slow"
        with subprocess.Popen(["curl", "-sS", "-k", "--limit-rate", "3M", "-o", path,
                               site.secure("/big.bin")]) as slow:
            site.renew()
            expect(site.curl(site.secure("/hello.txt"))[0] == 60)  # the old one is served
            site.server.process.send_signal(signal.SIGHUP)
            for _ in range(100):
                if site.curl(site.secure("/hello.txt"))[0] == 0:
                    break
                time.sleep(0.05)
            expect(site.curl(site.secure("/hello.txt"))[1] == HELLO, "the old one still")
            expect(slow.wait(60) == 0)
        with open(path, "rb") as file:
            expect(file.read() == site.read("big.bin"), "not the same")


# ---- Who, and how much ---------------------------------------------------------------------------


@case("curl -u: only with the password that htpasswd -B wrote, 401 else")
def _():
    need("htpasswd")
    with Secure() as plain:  # only for its place
        users = plain.folder.top + "/users"
        expect(tool("htpasswd", "-cbB", users, "ada", "s3cret:\u00e4").returncode == 0)
        with Secure("--auth-file", users) as site:
            url = site.secure("/hello.txt")
            expect(site.curl("-u", "ada:s3cret:\u00e4", url)[1] == HELLO)
            for words in ([], ["-u", "ada:wrong"], ["-u", "bob:s3cret:\u00e4"], ["-u", "ada:"],
                          ["-H", "Authorization: Basic !!!"], ["--digest", "-u", "ada:x"]):
                _, out, _ = site.curl("-o", "/dev/null", "-w", "%{http_code}", *words, url)
                expect(out == b"401", (words, out))
            expect(site.curl("--anyauth", "-u", "ada:s3cret:\u00e4", url)[1] == HELLO)
            done = tool("wget", "-nv", "-O", "-", "--ca-certificate=" + site.certificate,
                        "--user=ada", "--password=s3cret:\u00e4", url)
            expect(done.stdout.encode() == HELLO, done)


@case("curl over --rate gets 429 with Retry-After, and is let in again")
def _():
    with Site("--rate", "5", "--rate-burst", "5") as site:
        words = []
        for _ in range(12):
            words += ["-o", "/dev/null", site.url("/hello.txt")]
        done = tool("curl", "-sS", "-w", "%{http_code} %header{retry-after}\n", *words)
        lines = done.stdout.splitlines()
        expect(sum(line.startswith("200") for line in lines) in range(5, 8), lines)
        refused = [line.split() for line in lines if line.startswith("429")]
        expect(refused and all(int(line[1]) >= 1 for line in refused), lines)
        time.sleep(int(refused[-1][1]) + 0.2)
        expect(tool("curl", "-sS", site.url("/hello.txt")).stdout.encode() == HELLO)


@case("curl reads the metrics, each line as Prometheus writes them")
def _():
    with Site("--metrics", "127.0.0.1:0") as site:
        for path in ("/hello.txt", "/nothing", "/big.bin"):
            tool("curl", "-sS", "-o", "/dev/null", site.url(path))
        done = tool("curl", "-sS", "-D", "-", f"http://{site.server.facts['metrics']}/metrics")
        head, _, body = done.stdout.partition("\n\n")
        expect("text/plain" in head, head)
        expect(body.endswith("\n") and "# TYPE " in body, body[:500])
        names = [line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")]
        for line in body.splitlines():
            if not line.startswith("#"):
                expect(any(line.startswith(name) for name in names), line)
                float(line.rpartition(" ")[2])


@case("the JSON log is JSON to jq's like, a line for each request")
def _():
    with Site() as plain:
        path = os.path.join(plain.folder.top, "log")
        with Site("--access-log", path, "--log-format", "json") as site:
            tool("curl", "-sS", "-A", 'a "quoted" \u00e4\\agent', "-e", "http://x/\u00fc",
                 "-o", "/dev/null", site.url("/hello.txt?\"x\""))
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        expect(len(lines) == 1, lines)
        done = tool("python3", "-m", "json.tool", "--json-lines", path)
        expect(done.returncode == 0 and "quoted" in done.stdout, done)


sys.exit(run())
