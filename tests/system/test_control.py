#!/usr/bin/env python3
"""test_control.py - the control socket of `weft serve`, and the commands that ask there: ps, top,
stats, stop, reload, log."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

from served import PATIENCE_S, WEFT, Connection, Folder, Server, Skip, case, expect, run, weft
from typed import Terminal

NOBODY = 65534
BIG = 64 << 20  # more than sockets' buffers take
PATIENT = ("--write-timeout", "3600", "--body-timeout", "3600")  # with who waits for something else


class Site:
    """A server with a control socket in a folder of its own."""

    def __init__(self, *options, **named):
        self.options, self.named = options, named

    def __enter__(self):
        self.place = tempfile.mkdtemp(prefix="weft-control-")
        self.path = self.place + "/control"
        self.folder = Folder().__enter__()
        self.server = Server(self.folder.path, "--control", self.path, *self.options,
                             **self.named).__enter__()
        return self

    def __exit__(self, *reason):
        try:
            self.server.__exit__(*reason)
        finally:
            self.folder.__exit__()
            shutil.rmtree(self.place, ignore_errors=True)

    def do(self, command, *arguments, status=0):
        done = weft(command, *arguments, "--control", self.path)
        expect(done.returncode == status, (command, arguments, done))
        return done.stdout if status == 0 else done.stderr

    def facts(self, command, *arguments):
        return json.loads(self.do(command, *arguments, "--json"))

    def curl(self, target, *arguments):
        if not shutil.which("curl"):
            raise Skip("there is no curl")
        done = subprocess.run(
            ["curl", "-sS", "--unix-socket", self.path, "-w", "\n%{http_code}", *arguments,
             "http://localhost" + target], capture_output=True, timeout=PATIENCE_S, check=False)
        expect(done.returncode == 0, done)
        body, _, code = done.stdout.rpartition(b"\n")
        return int(code), body

    def until(self, is_so, command, *arguments):
        """Ask again until it is so; a wait for what the server is about to see."""
        limit = time.monotonic() + PATIENCE_S
        while True:
            facts = self.facts(command, *arguments)
            if is_so(facts):
                return facts
            expect(time.monotonic() < limit, ("it never was so", facts))
            time.sleep(0.02)


# ---- The socket --------------------------------------------------------------------------


@case("the socket is its owner's alone, answers curl, and goes with the server")
def _():
    with Site() as site:
        found = os.stat(site.path)
        expect(stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600, found)
        code, body = site.curl("/api/v1/status")
        facts = json.loads(body)
        expect(code == 200 and facts["pid"] == site.server.process.pid, facts)
        expect(facts["doors"][0]["address"].endswith(str(site.server.port)), facts["doors"])
        expect(facts["doors"][-1]["door"] == "control", facts["doors"])
        path = site.path
        expect(site.curl("/nosuch")[0] == 404 and site.curl("/")[0] == 404)
        expect(site.curl("/api/v1/stop")[0] == 405)
        expect(site.curl("/api/v1/fibers?limit=x")[0] == 400)
        expect(site.curl("/api/v1/log?level=loud")[0] == 400)
    expect(not os.path.lexists(path), "it stays")


@case("other users are refused, by the socket's permissions and by who they are")
def _():
    if os.geteuid() != 0:
        raise Skip("only root can be somebody else")
    with Site() as site:
        os.chmod(site.place, 0o755)

        def ask():
            return subprocess.run(
                ["curl", "-sS", "--unix-socket", site.path, "http://localhost/api/v1/status"],
                capture_output=True, timeout=PATIENCE_S, check=False, user=NOBODY, group=NOBODY,
                extra_groups=[])

        done = ask()
        expect(done.returncode == 7 and done.stdout == b"", done)  # could not connect
        os.chmod(site.path, 0o666)
        done = ask()
        problem = json.loads(done.stdout)
        expect(problem["status"] == 403 and "root" in problem["detail"], problem)
        expect(site.facts("stats")["pid"] == site.server.process.pid)


@case("what has expired is looked for wherever files may be changed, whatever doors there are")
def _():
    def has_sweeper(facts):
        return any(fiber["name"] == "expired files" for fiber in facts["fibers"])

    for options in (("--allow-upload",), ("--allow-change",)):
        with Site(*options) as site:
            site.until(has_sweeper, "ps")
    with Site() as site:
        expect(not has_sweeper(site.facts("ps")), "nobody writes here")


@case("a user finds his server without being told where it is, and asks which of several")
def _():
    if os.geteuid() != 0:
        raise Skip("only root can be a user without servers")
    with tempfile.TemporaryDirectory(prefix="weft-control-") as place:
        os.chmod(place, 0o755)
        home, shared = place + "/home", place + "/shared"
        os.mkdir(home, 0o700)
        os.chown(home, NOBODY, NOBODY)
        os.mkdir(shared)
        program = shutil.copy(WEFT, place)  # ours may lie where nobody else gets to
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": [],
                "env": {"HOME": home, "XDG_RUNTIME_DIR": home, "PATH": os.environ["PATH"]}}

        def do(*arguments):
            return subprocess.run([program, *arguments], capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False, **user)

        def start(*options):
            process = subprocess.Popen(
                [program, "serve", shared, "--http", "127.0.0.1:0", "--json", *options],
                stdout=subprocess.PIPE, **user)
            expect(process.stdout.readline(), "it did not start")
            return process

        done = do("ps")
        expect(done.returncode == 1 and "no server" in done.stderr, done)
        first = start()
        try:
            expect(json.loads(do("stats", "--json").stdout)["pid"] == first.pid)
            second = start()
            try:
                done = do("ps")
                expect(done.returncode == 1 and "2 servers run" in done.stderr, done)
                paths = re.findall(r"--control (\S+)  http 127\.0\.0\.1:\d+", done.stderr)
                expect(len(paths) == 2, done)
                done = do("stop", "--control", f"{home}/weft/{second.pid}.sock")
                expect(done.returncode == 0, done)
                expect(second.wait(PATIENCE_S) == 0)
            finally:
                second.kill()
                second.communicate()
            # One that was killed leaves its socket, which is no server.
            third = start()
            third.kill()
            third.communicate()
            expect(os.path.exists(f"{home}/weft/{third.pid}.sock"))
            # The next one sweeps it, and a link that leads nowhere, whoever has its number now.
            os.symlink("/nowhere/control", f"{home}/weft/1.sock")
            fourth = start()
            fourth.kill()
            fourth.communicate()
            expect(sorted(os.listdir(home + "/weft")) ==
                   sorted(f"{pid}.sock" for pid in (first.pid, fourth.pid)),
                   os.listdir(home + "/weft"))
            done = do("stop", "--json")
            expect(done.returncode == 0 and json.loads(done.stdout) ==
                   {"pid": first.pid, "ended": True}, done)
            expect(first.wait(PATIENCE_S) == 0)
            expect(os.listdir(home + "/weft") == [], os.listdir(home + "/weft"))
        finally:
            first.kill()
            first.communicate()


@case("with a state folder the socket is there, and --control none makes none")
def _():
    with Folder() as folder, Folder() as state:
        kept = state.path + "/kept"
        with Server(folder.path, "--state", kept, "--hash-cost", "least") as server:
            done = weft("stats", "--json", "--state", kept)
            expect(json.loads(done.stdout)["pid"] == server.process.pid, done)
            expect(stat.S_ISSOCK(os.stat(kept + "/control").st_mode))
        done = weft("ps", "--state", kept)
        expect(done.returncode == 1 and "no server" in done.stderr, done)
        with Server(folder.path, "--state", kept, "--hash-cost", "least", "--control", "none"):
            expect(not os.path.exists(kept + "/control"))
        for wrong in (("ps", "--frob"), ("ps", "--control", "a", "--state", "b"),
                      ("stats", "--json", "--prometheus"), ("log", "--requests"),
                      ("log", "--level", "loud"), ("stop", "now"), ("top", "-n", "x")):
            expect(weft(*wrong).returncode == 2, wrong)
        for command in ("ps", "top", "stats", "stop", "reload", "log"):
            expect(weft(command, "--help").returncode == 0)
            done = weft(command, "--control", kept + "/none")
            expect(done.returncode == 1 and kept in done.stderr, done)


@case("a path that another server or a file has is refused, one that is left behind is not")
def _():
    with Site() as site, Folder() as folder:
        done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--control", site.path)
        expect(done.returncode == 1 and site.path in done.stderr, done)
        folder.write("file")
        done = weft("serve", folder.path, "--http", "127.0.0.1:0", "--control",
                    folder.at("file"))
        expect(done.returncode == 1, done)
        left = socket.socket(socket.AF_UNIX)
        left.bind(folder.path + "/left")
        left.close()
        with Server(folder.path, "--control", folder.path + "/left") as server:
            facts = json.loads(weft("stats", "--json", "--control", folder.path + "/left").stdout)
            expect(facts["pid"] == server.process.pid)


@case("garbage, endless heads, long bodies and the slow keep nobody else from asking")
def _():
    with Site() as site:
        held = []
        try:
            for i in range(60):  # more than are let in at once
                peer = socket.socket(socket.AF_UNIX)
                peer.settimeout(PATIENCE_S)
                peer.connect(site.path)
                if i % 3 == 1:
                    peer.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: ")
                held.append(peer)
            expect(site.facts("stats")["pid"] == site.server.process.pid)
        finally:
            for peer in held:
                peer.close()
        for sent, code in ((b"\x00\xff\x16\x03" * 1000 + b"\r\n\r\n", b"400"),
                           (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200000, b"431"),
                           (b"GET /" + b"x" * 200000, b"414"),
                           (b"POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                            b"chunked\r\n\r\nzz\r\n", None),
                           (b"POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: "
                            b"9999999\r\n\r\n" + b"x" * 100000, None)):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(PATIENCE_S)
                peer.connect(site.path)
                try:
                    peer.sendall(sent)
                except OSError:
                    pass  # it has answered, and gone
                try:
                    answer = peer.recv(65536)
                except ConnectionResetError:
                    answer = b""
                if code and answer:
                    expect(answer.startswith(b"HTTP/1.1 " + code), (sent[:40], answer[:200]))
        facts = site.facts("stats")
        expect(facts["pid"] == site.server.process.pid and facts["memory"]["resident"] > 0)


# ---- Looking -----------------------------------------------------------------------------


@case("status counts requests, errors, bytes and connections, with a little of the past")
def _():
    with Site() as site:
        site.folder.write("a", b"x" * 1000)
        with Connection((site.server.host, site.server.port)) as connection:
            for target in ["/a"] * 20 + ["/nosuch"]:
                connection.send(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                connection.reply()
            facts = site.until(lambda facts: facts["requests"]["last_10s"]["count"] == 21, "stats")
            expect(facts["requests"]["total"] == 21 and facts["requests"]["errors"] == 0, facts)
            expect(facts["bytes"]["sent"] >= 20000 and facts["bytes"]["received"] > 500, facts)
            expect(facts["doors"][0]["accepted"] == 1 and facts["doors"][0]["open"] == 1, facts)
            latency = facts["requests"]["last_10s"]["latency"]
            expect(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"],
                   latency)
            history = facts["history"]
            lengths = {len(series) for name, series in history.items() if name != "interval"}
            expect(len(lengths) == 1 and 1 <= lengths.pop() <= 120, history)
            expect(sum(history["requests"]) == 21 and max(history["p99"]) > 0, history)
            expect(history["memory"][-1] > 1 << 20, history)
            expect(facts["fibers"] >= len(facts["workers"]) == 2 or facts["model"] != "fiber")
            expect(0 < facts["descriptors"]["open"] < facts["descriptors"]["limit"], facts)
        text = site.do("stats")
        expect("21 in all" in text and "half within" in text, text)


def see_transfers(site):
    with site:
        with open(site.folder.path + "/big", "wb") as file:
            file.truncate(BIG)
        address = (site.server.host, site.server.port)
        with Connection(address) as down, Connection(address) as up:
            down.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            up.send(b"PUT /new HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n" +
                    b"x" * 500000)
            facts = site.until(lambda facts: len(facts["transfers"]) == 2 and all(
                transfer["bytes"] > 0 for transfer in facts["transfers"]), "stats")
            found = {transfer["direction"]: transfer for transfer in facts["transfers"]}
            expect(found["down"]["what"] == "/big" and found["down"]["total"] == BIG, found)
            expect(found["down"]["door"] == "http" and found["down"]["person"] == "", found)
            expect(found["up"]["what"] == "/new" and found["up"]["total"] == 1000000, found)
            expect(found["up"]["bytes"] <= 500000, found)
            expect(found["up"]["peer"].startswith("127.0.0.1:"), found)
            expect("/big" in site.do("stats"))
            doors = {door["door"]: door for door in facts["doors"]}
            expect(doors["http"]["open"] == 2, facts)
            up.send(b"x" * 500000)
            expect(up.reply().status == 201)
            facts = site.facts("stats")
            expect(facts["files"] == {"stored": 1, "stored_bytes": 1000000}, facts)
            text = site.curl("/metrics")[1].decode()
            expect("\nweft_files_stored_total 1\n" in text, text)
        site.until(lambda facts: facts["transfers"] == [], "stats")
        forks = "--model" in site.options
        expect(facts["forks"] == site.facts("ps")["forks"] == forks, facts)
        expect(("of this process alone" in site.do("stats")) == forks)
        expect(("are not seen" in site.do("ps")) == forks)


@case("transfers under way are listed both ways, with how far they are, until they end")
def _():
    see_transfers(Site("--allow-upload", *PATIENT))


@case("so they are where processes serve, and what those have done is counted")
def _():
    for model in (("prefork", "--size", "4"), ("fork",)):
        see_transfers(Site("--allow-upload", *PATIENT, "--model", *model))


@case("each fiber is listed with its door and peer; words find, keys sort, and a limit cuts")
def _():
    with Site("--header-timeout", "3600") as site:
        talkers = []
        try:
            for _ in range(20):  # each with half a question
                talkers.append(socket.create_connection(
                    (site.server.host, site.server.port), timeout=PATIENCE_S))
                talkers[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
            # A worker that gets no processor does not answer in time, and is told of as busy.
            facts = site.until(lambda facts: facts["found"] >= 20 and facts["busy"] == [],
                               "ps", "HTTP", "127.0.0.1:")
            peers = {fiber["peer"] for fiber in facts["fibers"] if fiber["door"] == "http"}
            ours = {"%s:%d" % talker.getsockname() for talker in talkers}
            expect(ours <= peers, ours - peers)
            one = next(fiber for fiber in facts["fibers"] if fiber["peer"] in ours)
            expect(one["state"] in ("waits", "ready") and one["age"] > 0, one)
            expect(0 <= one["stack"]["used"] < one["stack"]["size"], one)
            expect(facts["count"] >= facts["found"], facts)
            some = site.facts("ps", "--limit", "7", "http")
            expect(len(some["fibers"]) == 7 and some["found"] >= 20, some)
            expect(site.facts("ps", "nosuchword")["found"] == 0)
            lines = site.do("ps", "--sort", "age", "http").splitlines()
            expect(re.match(r"id +wrk +state", lines[0]) and len(lines) >= 22, lines[:3])
            expect(re.fullmatch(r"\d+ of \d+ fibers", lines[-1]), lines[-1])
            for key in ("door", "name", "peer", "state", "for", "stack", "worker", "wait"):
                expect(len(site.do("ps", "--sort", key, "--limit", "5").splitlines()) == 7, key)
        finally:
            for talker in talkers:
                talker.close()


SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)"
                    r'(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? '
                    r"(-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+?Inf|NaN))")


@case("metrics are what Prometheus reads: one HELP and TYPE each, before samples that fit")
def _():
    with Site("--ftp", "127.0.0.1:0", "--ftp-anonymous", "--chat", "127.0.0.1:0") as site:
        site.server.get("/")
        text = site.do("stats", "--prometheus")
        code, body = site.curl("/metrics")
        expect(code == 200 and body.startswith(b"# HELP "), body[:100])
        kinds, helped, seen, current = {}, set(), set(), None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                current = line.split()[2]
                expect(current not in helped and len(line.split(None, 3)) == 4, line)
                helped.add(current)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                expect(name == current and name not in kinds, line)
                expect(kind in ("counter", "gauge", "histogram"), line)
                kinds[name] = kind
            else:
                found = SAMPLE.fullmatch(line)
                expect(found, line)
                name, labels = found[1], found[2] or ""
                suffix = r"(_bucket|_sum|_count)?$" if kinds[current] == "histogram" else "$"
                expect(re.match(re.escape(current) + suffix, name), (current, line))
                expect((name, labels) not in seen, line)
                expect(kinds[current] != "counter" or name.endswith("_total"), line)
                seen.add((name, labels))
        names = {name for name, _ in seen}
        expect({"weft_connections", "weft_http_requests_total", "weft_ftp_sessions",
                "weft_chat_clients", "weft_fibers", "weft_worker_cpu_seconds_total",
                "process_resident_memory_bytes", "process_open_fds", "weft_transfers",
                "weft_http_request_duration_seconds_bucket"} <= names, names)
        expect(re.search(r'weft_connections_total\{door="http",address="[^"]+"\} 1$', text, re.M))


@case("top prints a line for each look in a pipe, and has a screen on a terminal")
def _():
    with Site() as site:
        lines = site.do("top", "-n", "3", "--interval", "0.05").splitlines()
        expect(len(lines) == 4 and "requests/s" in lines[0], lines)
        looks = site.do("top", "-n", "2", "--interval", "0.05", "--json").splitlines()
        expect([json.loads(look)["pid"] for look in looks] == [site.server.process.pid] * 2)
        environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8")
        command = (WEFT, "top", "--control", site.path, "--interval", "0.1")
        with Terminal(*command, env=environment, width=100) as typed:
            typed.until(f"process {site.server.process.pid}")
            typed.until("transfers under way")
            typed.type("d")
            typed.until("control")
            typed.type("q")
            expect(typed.end() == 0, typed.all)
        with Terminal(*command, "--plain", "-n", "2", env=environment) as typed:
            typed.until("requests/s")
            expect(typed.end() == 0, typed.all)


# ---- Telling -----------------------------------------------------------------------------


@case("reload says what could be taken up and what was wrong with the rest")
def _():
    with Folder() as folder:
        users = folder.path + "/users"
        made = subprocess.run(["openssl", "passwd", "-6", "secret word"], capture_output=True,
                              text=True, check=True).stdout.strip()
        with open(users, "w", encoding="ascii") as file:
            file.write(f"ann:{made}\n")
        with Site("--auth-file", users) as site:
            expect("taken up" in site.do("reload"))
            with open(users, "w", encoding="ascii") as file:
                file.write("this is no line\n")
            errors = site.do("reload", status=1)
            expect("users" in errors or "line" in errors, errors)
            code, body = site.curl("/api/v1/reload", "-X", "POST")
            expect(code == 422 and json.loads(body)["detail"], body)
            lines = [json.loads(line) for line in site.do("log", "--json").splitlines()]
            expect(any(line["level"] in ("warn", "error") for line in lines), lines)
            with open(users, "w", encoding="ascii") as file:
                file.write(f"ann:{made}\n")
            expect(site.facts("reload") == {"reloaded": True, "told": []})
            site.server.process.terminate()  # it has complained, which is what was wanted
            _, errors = site.server.process.communicate(timeout=PATIENCE_S)
            expect(site.server.process.returncode == 0 and b"users" in errors, errors)
            site.server.__class__ = Ended


@case("reload tells what holds from now on, and what is odd about a certificate")
def _():
    with Folder() as folder:
        settings, certificate = folder.top + "/weft.conf", folder.top + "/cert.pem"
        key = folder.top + "/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-keyout", key,
                        "-out", certificate], capture_output=True, check=True)
        os.chmod(key, 0o644)
        with open(settings, "w", encoding="ascii") as file:
            file.write(f"https = 127.0.0.1:0\ntls-cert = {certificate}\ntls-key = {key}\n")
        with Site("--config", settings) as site:
            with open(settings, "a", encoding="ascii") as file:
                file.write("rate = 5000\n")
            said = site.do("reload")
            expect("from now on: rate = 5000." in said and "can read the private key" in said,
                   said)
            said = site.facts("reload")
            expect(said["reloaded"] is True and len(said["told"]) == 1 and
                   "can read the private key" in said["told"][0], said)
            site.server.process.terminate()  # it has complained, which is what was wanted
            site.server.process.communicate(timeout=PATIENCE_S)
            site.server.__class__ = Ended


class Ended(Server):
    """One that has been waited for."""

    def __exit__(self, *_):
        pass


@case("log tells what was logged, follows, and has requests where they are wanted")
def _():
    with Site() as site:
        text = site.do("log")
        expect("message=serving" in text, text)
        for _ in range(3):
            site.do("reload")
        lines = [json.loads(line) for line in site.do("log", "--json").splitlines()]
        expect([line["number"] for line in lines] == list(range(1, len(lines) + 1)), lines)
        expect(len(site.do("log", "--lines", "2").splitlines()) == 2)
        expect("reload" not in site.do("log", "--level", "error"))
        follower = subprocess.Popen(
            [WEFT, "log", "--follow", "--requests", "--control", site.path, "--lines", "1"],
            stdout=subprocess.PIPE, text=True)
        try:
            expect("reload" in follower.stdout.readline())
            line, limit = "", time.monotonic() + PATIENCE_S
            asker = Asker(site)  # the follower wants requests from some moment on
            while "/wanted" not in line:
                line = follower.stdout.readline()
                expect(line and time.monotonic() < limit, "no line of a request")
            asker.end()
            site.do("stop")
            rest = follower.communicate(timeout=PATIENCE_S)[0]
            expect("message=\"stop: told to\"" in rest and follower.returncode == 0, rest)
        finally:
            follower.kill()
            follower.communicate()


class Asker:
    """Asks for /wanted again and again."""

    def __init__(self, site):
        self.is_over = False
        self.thread = threading.Thread(target=self.ask, args=(site.server,))
        self.thread.start()

    def ask(self, server):
        while not self.is_over:
            server.get("/wanted")
            time.sleep(0.02)

    def end(self):
        self.is_over = True
        self.thread.join()


@case("stop lets what is under way come to its end, and returns when the process has ended")
def _():
    with Site("--grace", "600", *PATIENT) as site:
        with open(site.folder.path + "/big", "wb") as file:
            file.truncate(BIG)
        with Connection((site.server.host, site.server.port)) as down:
            down.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            site.until(lambda facts: len(facts["transfers"]) == 1, "stats")
            errors = site.do("stop", "--wait", "0.1", status=1)
            expect("goes on" in errors, errors)
            stopper = subprocess.Popen([WEFT, "stop", "--control", site.path],
                                       stdout=subprocess.PIPE, text=True)
            try:
                expect(len(down.reply().body) == BIG)
                out, _ = stopper.communicate(timeout=PATIENCE_S)
            finally:
                stopper.kill()
                stopper.wait()
            expect(stopper.returncode == 0 and "has ended" in out, out)
        expect(site.server.process.wait(PATIENCE_S) == 0)
        expect(not os.path.lexists(site.path))


@case("stop --now cuts off what is under way")
def _():
    with Site("--grace", "3600", *PATIENT) as site:
        with open(site.folder.path + "/big", "wb") as file:
            file.truncate(BIG)
        with Connection((site.server.host, site.server.port)) as down:
            down.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            site.until(lambda facts: len(facts["transfers"]) == 1, "stats")
            expect(site.facts("stop", "--now")["ended"] is True)
        expect(site.server.process.wait(PATIENCE_S) == 0)
        expect(not os.path.lexists(site.path))


sys.exit(run())
