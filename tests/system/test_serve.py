#!/usr/bin/env python3
# check: waits
"""test_serve.py - the `weft` command: how it starts, what it says, how it stops, its log."""
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

from served import PATIENCE_S, WEFT, Connection, Folder, Server, case, expect, has_ipv6, run, weft

GET = b"GET /a.txt HTTP/1.1\r\nHost: test\r\n\r\n"


def wait_for(fact, what):
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        expect(time.monotonic() < deadline, f"{what} never came")
        time.sleep(0.01)


def knock(path):
    """A connection to a Unix socket that somebody is about to make, and then to listen at."""
    came = []

    def is_there():
        try:
            came.append(Connection(path, socket.AF_UNIX))
        except OSError:
            return False
        return True

    wait_for(is_there, "the server")
    return came[0]


def is_one_line(text):
    return text.endswith("\n") and text.count("\n") == 1


# ---- The command -----------------------------------------------------------------------------


@case("weft says its version and helps")
def _():
    expect(re.fullmatch(r"weft \d+\.\d+\.\d+\n", weft("--version").stdout))
    for arguments in (("help",), ("--help",), ("help", "serve"), ("serve", "--help")):
        done = weft(*arguments)
        expect(done.returncode == 0 and "usage: weft" in done.stdout and not done.stderr, done)
        expect(max(map(len, done.stdout.splitlines())) <= 100, "a line is too long")


@case("wrong usage is status 2, one line of what and one of where to look")
def _():
    for arguments in ((), ("wonder",), ("serve", "--wonder"), ("serve", "--workers"),
                      ("serve", "--workers", "0"), ("serve", "--workers", "x"),
                      ("serve", "--workers", "-1"), ("serve", "--header-timeout", "0"),
                      ("serve", "--idle-timeout", "nan"), ("serve", "a", "b"),
                      ("serve", "--http", "none"), ("serve", "--http", "127.0.0.1"),
                      ("serve", "--http", "127.0.0.1:99999"), ("serve", "--http", "1.2.3:x"),
                      ("serve", "--driver", "wonder"), ("help", "wonder")):
        done = weft(*arguments)
        expect(done.returncode == 2 and not done.stdout, (arguments, done))
        lines = done.stderr.splitlines()
        expect(len(lines) == 2 and lines[0].startswith("weft"), (arguments, done.stderr))
        expect(lines[1].startswith("Try: weft "), done.stderr)


@case("none closes a door, and what else is told of that door is no mistake then")
def _():
    doors = ("https", "ftp", "ftps", "chat", "chat-tls", "metrics")
    with Folder() as folder:
        settings = os.path.join(folder.top, "weft.conf")
        with open(settings, "w", encoding="ascii") as file:
            file.write("[serve]\nftp = 127.0.0.1:0\nftp-anonymous = yes\n"
                       "chat = 127.0.0.1:0\nchat-rate = 5\nno-announce = yes\n")
        for options in (tuple(word for door in doors for word in ("--" + door, "none")),
                        ("--config", settings, "--ftp", "none", "--chat", "none")):
            with Server(folder.path, *options) as server:
                expect(not set(doors) & set(server.facts), server.facts)
                expect(server.get("/").status == 200)
        with Server(folder.path, "--config", settings, "--ftp", "none") as server:
            expect("chat" in server.facts and "ftp" not in server.facts, server.facts)
    for options in (("--http", "none", "--chat", "none"), ("--chat", "none", "--chat", "none"),
                    ("--http", "127.0.0.1:0", "--ftp-rate", "5K"),
                    ("--http", "127.0.0.1:0", "--chat-rate", "5")):
        expect(weft("serve", *options).returncode == 2, options)


@case("wrong usage is named as it was written, and can not colour a terminal")
def _():
    for arguments, word in ((("-xy",), "-x."), (("--help=yes",), "no value"),
                            (("--no-listing=perhaps",), 'yes or no, not "perhaps"'),
                            (("--wonder=1",), "--wonder=1"), (("",), '""'),
                            (("a\x1b[31m\nb",), "a\\x1B[31m\\x0Ab")):
        done = weft("serve", *arguments)
        expect(word in done.stderr.splitlines()[0] and "\x1b" not in done.stderr, done)
    done = weft("serve", "--http", "127.0.0.1:wonder")
    expect(done.returncode == 2 and "no host, interface or port" in done.stderr, done)
    done = weft("serve", "--http", "127.0.0.1:0", env={"WEFT_DRIVER": "wonder"})
    expect(done.returncode == 2 and "WEFT_DRIVER" in done.stderr, done)


@case("standard streams that are closed do not become somebody's connection")
def _():
    with Folder() as folder:
        path = os.path.join(folder.top, "door")
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', WEFT, "serve", folder.path,
             "--http", "unix:" + path, "--access-log", "-"])
        # The socket is there before a signal is waited for: but not before an answer.
        with knock(path) as connection:
            connection.send(GET)
            expect(connection.reply().status == 404)
        for fd in range(3):
            expect(os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null", fd)
        process.terminate()
        expect(process.wait(PATIENCE_S) == 0)


@case("a folder that is not there, or is none, is one clear line and status 1")
def _():
    with Folder() as folder:
        folder.write("file")
        for path, word in ((folder.path + "/nothing", "no folder"),
                           (folder.path + "/file", "not a folder")):
            done = weft("serve", path, "--http", "127.0.0.1:0")
            expect(done.returncode == 1 and not done.stdout, done)
            expect(is_one_line(done.stderr) and word in done.stderr and path in done.stderr, done)


@case("a port in use is one clear line and status 1")
def _():
    with socket.socket() as taken, Folder() as folder:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = weft("serve", folder.path, "--http", address)
        expect(done.returncode == 1 and not done.stdout, done)
        expect(is_one_line(done.stderr) and "in use" in done.stderr and address in done.stderr)
        path = folder.write("there")
        done = weft("serve", folder.path, "--http", b"unix:" + path)
        expect(done.returncode == 1 and is_one_line(done.stderr), done)
        expect("something at " + os.fsdecode(path) in done.stderr, done)
        done = weft("serve", folder.path, "--http", "192.0.2.1:8080")
        expect(done.returncode == 1 and is_one_line(done.stderr), done)


@case("a log that can't be opened is one clear line and status 1")
def _():
    with Folder() as folder:
        done = weft("serve", folder.path, "--http", "127.0.0.1:0",
                    "--access-log", folder.path + "/no/log")
        expect(done.returncode == 1 and is_one_line(done.stderr), done)


@case("when descriptors are short, who is idle makes room for who comes")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        prefix = ("sh", "-c", 'ulimit -n 200; exec "$@"', "sh")
        with Server(folder.path, workers=1, prefix=prefix) as server:
            crowd = [server.connect() for _ in range(250)]
            for connection in crowd:
                connection.send(GET)
            wait_for(lambda: server.get("/a.txt").body == b"hello", "an answer")
            for connection in crowd:
                connection.socket.close()


@case("it says where, what, with how many workers, by which driver, and how to stop it")
def _():
    with Folder() as folder:
        process = subprocess.Popen([WEFT, "serve", folder.path, "--http", "127.0.0.1:0",
                                    "--workers", "1"], stdout=subprocess.PIPE, text=True)
        lines = [process.stdout.readline()]
        while lines[-1] and not lines[-1].startswith("  stop "):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_S)
        text = "".join(lines)
        expect(re.search(r"http://127\.0\.0\.1:\d+/\n", text), text)
        expect(os.path.realpath(folder.path) in text, text)
        expect(re.search(r"workers +1 \(driver \w+\)", text), text)
        expect(re.search(r"\n  stop +(Ctrl-C|\w+ \w+)", text) and rest == "", text + rest)
        expect(process.returncode == 0, process.returncode)


@case("--json says the same for programs")
def _():
    with Folder() as folder, Server(folder.path, workers=1) as server:
        expect(server.facts["folder"] == os.path.realpath(folder.path))
        expect(server.facts["workers"] == 1 and server.facts["driver"])
        expect(server.facts["http"].startswith("127.0.0.1:"))


@case("it listens on IPv6, on all addresses, on names and on Unix sockets")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        for address in ("[::1]:0", "0.0.0.0:0", "localhost:0")[0 if has_ipv6() else 1:]:
            with Server(folder.path, http=address) as server:
                host = {"0.0.0.0": "127.0.0.1"}.get(server.host, server.host)
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                with Connection((host, server.port), family) as connection:
                    connection.send(GET)
                    expect(connection.reply().body == b"hello")
        path = os.path.join(folder.top, "socket")
        with Server(folder.path, http="unix:" + path) as server:
            with Connection(path, socket.AF_UNIX) as connection:
                connection.send(GET)
                expect(connection.reply().body == b"hello")
        expect(not os.path.exists(path), "the socket is left behind")


# ---- Stopping --------------------------------------------------------------------------------


@case("SIGINT and SIGTERM end it at once when it is idle, however many are connected")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        for number in (signal.SIGINT, signal.SIGTERM):
            with Server(folder.path, "--grace", "1000") as server:
                connections = [server.connect() for _ in range(20)]
                for connection in connections[:10]:
                    connection.send(GET)
                    expect(connection.reply().status == 200)
                server.process.send_signal(number)
                server.process.wait(PATIENCE_S)  # or it waits for idle connections
                for connection in connections:
                    expect(connection.at_end())
                    connection.socket.close()


@case("a download under way is finished after SIGTERM, and nobody new is let in")
def _():
    content = os.urandom(32 << 20)
    with Folder() as folder:
        folder.write("big", content)
        with Server(folder.path, "--grace", "60") as server, server.connect() as connection:
            idle = server.connect()
            connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n" + GET)
            connection.fill()
            server.process.send_signal(signal.SIGTERM)
            expect(idle.at_end(), "the stop has begun")
            late = server.connect()
            late.send(GET)
            expect(server.process.poll() is None, "it ended before the download")
            expect(connection.reply().body == content)
            last = connection.reply()
            expect(last is None or last["Connection"] == "close", last)
            server.process.wait(PATIENCE_S)
            try:
                expect(late.reply() is None, "it was let in")
            except ConnectionResetError:
                pass


@case("a download that takes longer than the grace time is cut off")
def _():
    with Folder() as folder:
        with open(folder.at("big"), "wb") as file:
            file.truncate(256 << 20)
        with Server(folder.path, "--grace", "0.3") as server, server.connect() as connection:
            connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            connection.fill()
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(PATIENCE_S)
            expect(server.process.returncode == 0)


@case("a second signal ends it without grace")
def _():
    with Folder() as folder:
        with open(folder.at("big"), "wb") as file:
            file.truncate(256 << 20)
        server = Server(folder.path, "--grace", "3600")
        with server.connect() as connection:
            connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
            connection.fill()

            def is_ended():
                server.process.send_signal(signal.SIGINT)
                time.sleep(0.05)
                return server.process.poll() is not None

            wait_for(is_ended, "the end")
        expect(server.process.returncode == -signal.SIGINT, server.process.returncode)
        server.process.communicate()


# ---- The log ---------------------------------------------------------------------------------

LINE = re.compile(r'(\S+) - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "([^"]*)" (\d+) (\d+)')


def logged(requests, *options):
    """The lines that the log has of some raw requests, each on a connection of its own."""
    with Folder() as folder:
        folder.write("a.txt", "hello")
        path = os.path.join(folder.top, "log")
        with Server(folder.path, "--access-log", path, *options, workers=1) as server:
            for request in requests:
                with server.connect() as connection:
                    connection.send(request)
                    connection.reply(head_only=request.startswith(b"HEAD"))
        with open(path, encoding="ascii") as file:
            return [LINE.fullmatch(line.rstrip("\n")) or line for line in file]


@case("each answer is a line in the common log format")
def _():
    lines = logged([GET, b"HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /no?x=1 HTTP/1.0\r\n\r\n", b"nonsense\r\n\r\n"])
    found = [line.groups() for line in lines]
    expect(found[0] == ("127.0.0.1", "GET /a.txt HTTP/1.1", "200", "5"), lines)
    expect(found[1] == ("127.0.0.1", "HEAD /a.txt HTTP/1.1", "200", "0"), lines)
    expect(found[2][1:3] == ("GET /no?x=1 HTTP/1.0", "404"), lines)
    expect(found[3][1:3] == ("nonsense", "400") and len(found) == 4, lines)


@case("what comes from outside can not forge a line of the log, or colour a terminal")
def _():
    lines = logged([b"GET /\x1b[31m\"evil\\\xff HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /a\rb\nc HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /\"-\"\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /" + b"\xe9" * 8000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"])
    expect(all(not isinstance(line, str) for line in lines), lines)
    expect(lines[0][2] == "GET /\\x1B[31m\\x22evil\\x5C\\xFF HTTP/1.1", lines[0])
    expect(lines[2][2] == "GET /\\x22-\\x22\\xC3\\xA9 HTTP/1.1", lines[2])
    expect(len(lines) == 4 and len(lines[3][0]) < 5000, "a line may not grow without bound")


@case("who resets the connection is named in the log all the same")
def _():
    with Folder() as folder:
        path = os.path.join(folder.top, "log")
        with Server(folder.path, "--access-log", path, workers=1) as server:
            for _ in range(20):
                with server.connect() as connection:
                    connection.send(GET * 10)
                    connection.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with server.connect() as connection:
                connection.send(GET)
                connection.reply()
        with open(path, encoding="ascii") as file:
            peers = {line.split()[0] for line in file}
        expect(peers == {"127.0.0.1"}, peers)


@case("a download that was cut off is logged with no more bytes than went out")
def _():
    with Folder() as folder:
        with open(folder.at("big"), "wb") as file:
            file.truncate(1 << 32)
        path = os.path.join(folder.top, "log")
        with Server(folder.path, "--access-log", path, workers=1) as server:
            with server.connect() as connection:
                connection.send(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
                while len(connection.buffer) < 1 << 20:
                    connection.fill()
        with open(path, encoding="ascii") as file:
            line = LINE.fullmatch(file.read().rstrip("\n"))
        expect(line[3] == "200" and 1 << 18 <= int(line[4]) < 1 << 28, line[0])


@case("a log whose disk is full says afterwards how many lines are missing")
def _():
    with Folder() as folder:
        path = os.path.join(folder.top, "log")
        with open(path, "wb") as log, Server(folder.path, "--access-log", path) as server:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, 2000000))
            asked = 0
            while os.fstat(log.fileno()).st_size < 1000:
                expect(server.ask(GET).status == 404)
                asked += 1
            expect(server.ask(GET).status == 404)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (2000000, 2000000))
            expect(server.ask(GET).status == 404)
            asked += 2
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        whole = [line for line in lines if LINE.fullmatch(line)]
        lost = [int(line.split()[1]) for line in lines if line.startswith("# ")]
        expect(lost and len(whole) + sum(lost) == asked and lines[-1][0] in "#1", lines)


@case("the log is written while the server runs, in the order of the requests")
def _():
    with Folder() as folder:
        path = os.path.join(folder.top, "log")
        with Server(folder.path, "--access-log", path, workers=1) as server:
            with server.connect() as connection:
                for i in range(1000):
                    connection.send(f"GET /{i} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                    connection.reply()

            def lines():
                with open(path, encoding="ascii") as file:
                    return file.read().splitlines()

            wait_for(lambda: len(lines()) == 1000, "the log")
            expect([LINE.fullmatch(line)[2] for line in lines()]
                   == [f"GET /{i} HTTP/1.1" for i in range(1000)])


@case("a log that nobody reads holds up neither the server nor its end")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        with Server(folder.path, "--access-log", "-", workers=1) as server:
            with server.connect() as connection:
                for _ in range(100):
                    connection.send(GET * 100)
                    for _ in range(100):
                        expect(connection.reply().body == b"hello")
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(PATIENCE_S)


@case("--access-log - writes to the standard output")
def _():
    with Folder() as folder:
        folder.write("a.txt", "hello")
        with Server(folder.path, "--access-log", "-") as server:
            expect(server.ask(GET).status == 200)
            expect(LINE.fullmatch(server.process.stdout.readline().decode().rstrip("\n")))


if __name__ == "__main__":
    sys.exit(run())
