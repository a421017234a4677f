#!/usr/bin/env python3
"""test_collect.py - what `weft collect` records, of clients that are not ours, and how."""
import datetime
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import tempfile

from collected import Collector, Skip, case, client, expect, finish, run, until, weft
from numbered import in_queue
from served import PATIENCE_S, has_ipv6, on_a_slow_machine

DRIVERS = ("epoll", "uring", "epoll-level", "poll", "select")


# ---- Clients that are not ours -----------------------------------------------------------------


@case("nc sends lines over TCP, a datagram over UDP, and lines over a Unix socket")
def _():
    with Collector() as collector:
        client("nc", "-N", "127.0.0.1", str(collector.tcp), data=b"one\ntwo\n")
        client("nc", "-u", "-q0", "127.0.0.1", str(collector.udp), data=b"three\n")
        client("nc", "-N", "-U", collector.stream, data=b"four\n")
        order = ["one", "two", "three", "four"]
        lines = sorted(collector.wait(4), key=lambda line: order.index(line.text))
        kinds = [line.source.split(":")[0] for line in lines]
        expect(kinds == ["tcp", "tcp", "udp", "unix"], lines)
        expect(re.fullmatch(r"tcp:127\.0\.0\.1:\d+", lines[0].source), lines)
        expect(re.fullmatch(rf"unix:\d+/{os.geteuid()}", lines[3].source), lines)


@case("logger's messages come whole, in each of its forms")
def _():
    with Collector() as collector:
        server = ("--server", "127.0.0.1", "--port")
        count = 0
        for form in ("--rfc3164", "--rfc5424"):
            for more in ((), ("--octet-count",)):
                client("logger", "--tcp", *server, str(collector.tcp), form, *more,
                       f"t{count} hello")
                count += 1
            client("logger", "--udp", *server, str(collector.udp), form, f"t{count} hello")
            client("logger", "--socket", collector.datagram, form, f"t{count + 1} hello")
            count += 2
        lines = collector.wait(count)
        expect(len(lines) == count, lines)
        for line in lines:
            expect(re.fullmatch(r"<13>.*t\d hello", line.text), line)
        sources = sorted(line.source.split(":")[0] for line in lines)
        expect(sources == ["tcp"] * 4 + ["udp"] * 2 + ["unix"] * 2, sources)


@case("socat sends over TCP, UDP and both kinds of Unix sockets")
def _():
    with Collector() as collector:
        for place in (f"TCP:127.0.0.1:{collector.tcp}", f"UDP:127.0.0.1:{collector.udp}",
                      f"UNIX-CONNECT:{collector.stream}", f"UNIX-SENDTO:{collector.datagram}"):
            client("socat", "-u", "-", place, data=b"by " + place.split(":")[0].encode() + b"\n")
        texts = sorted(line.text for line in collector.wait(4))
        expect(texts == ["by TCP", "by UDP", "by UNIX-CONNECT", "by UNIX-SENDTO"], texts)


@case("every driver records the same, of every kind of source, while idle peers stay")
def _():
    for driver in DRIVERS:
        with Collector("--driver", driver) as collector:
            expect(collector.facts["driver"] == driver or driver == "uring", collector.facts)
            idle = [collector.connect() for _ in range(50)]
            collector.send_tcp(b"a\n7 <1>b\ncd")
            collector.send_udp(b"e")
            with collector.connect_unix() as peer:
                peer.sendall(b"f\n")
                finish(peer)
            client("logger", "--socket", collector.datagram, "--rfc3164", "g")
            texts = sorted(re.sub("^<13>.* ", "", line.text) for line in collector.wait(5))
            expect(texts == sorted(["a", r"<1>b\ncd", "e", "f", "g"]), (driver, texts))
            for peer in idle:
                peer.close()


# ---- Framing -----------------------------------------------------------------------------------


@case("newlines inside a counted message stay inside its line, and framings mix")
def _():
    with Collector() as collector:
        collector.send_tcp(b"13 <13>one\nt\n\rwo<14>line\r\n9 <15>three4 <1>\n10 green bottles\n")
        expect(collector.texts() == [r"<13>one\nt\n\rwo", "<14>line", "<15>three", r"<1>\n",
                                     "10 green bottles"], collector.texts())


@case("a counted message comes whole byte by byte")
def _():
    with Collector("--framing", "octets") as collector:
        with collector.connect() as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"12 hello\nworld!3 end":
                peer.send(bytes([byte]))
            finish(peer)
        expect(collector.texts() == [r"hello\nworld!", "end"], collector.texts())


@case("what is no octet count is taken as a line, marked, and the next message is one again")
def _():
    bad = [b"999999999999 x", b"0 x", b"03 abc", b"12x", b"-3 abc", b"4294967297 x"]
    with Collector("--framing", "octets") as collector:
        for text in bad:
            collector.send_tcp(text + b"\n2 ok")
        expected = [line for text in bad for line in (text.decode() + r"\{no count}", "ok")]
        expect(collector.texts() == expected, collector.texts())
        expect(collector.counts()["no_count"] == len(bad))


@case("a message that a disconnect has cut is recorded, and marked")
def _():
    with Collector() as collector:
        collector.send_tcp(b"whole\nhalf a li")
        collector.send_tcp(b"100 <13>announced")
        with collector.connect() as peer:
            peer.sendall(b"reset")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            until(lambda: in_queue(collector.tcp) == 0, "that it is read")
        expect([line.text for line in collector.wait(4)] == [
            "whole", r"half a li\{unfinished}", r"<13>announced\{unfinished}",
            r"reset\{unfinished}"], collector.texts())
        expect(collector.counts()["unfinished"] == 3)


@case("a message over --line-max is cut and marked at once, and what follows it is whole")
def _():
    with Collector("--line-max", "100") as collector:
        collector.send_tcp(b"x" * 100 + b"\r\n" + b"y" * 101 + b"\nnext\n205 <" + b"z" * 204 +
                           b"last\n")
        expect(collector.texts() == ["x" * 100, "y" * 100 + r"\{cut}", "next",
                                     "<" + "z" * 99 + r"\{cut}", "last"], collector.texts())
        with collector.connect() as endless:
            endless.sendall(b"e" * 50000)
            expect(collector.wait(6)[5].text == "e" * 100 + r"\{cut}")
            finish(endless)
        collector.send_udp(b"u" * 100 + b"\n")
        collector.wait(7)
        collector.send_udp(b"v" * 5000)
        expect([line.text for line in collector.wait(8)[6:]] ==
               ["u" * 100, "v" * 100 + r"\{cut}"], collector.texts())
        counts = collector.counts()
        expect(counts["cut"] == 4, counts)
        expect(counts["dropped_bytes"] == 1 + 105 + 49900 + 4900, counts)


@case("the longest line there can be is escaped whole")
def _():
    with Collector("--line-max", "1M") as collector:
        collector.send_tcp(b"\x1b" * (1 << 20) + b"\n")
        expect(collector.texts() == [r"\x1b" * (1 << 20)], "it is another")


@case("a datagram is one message; with --framing lines each of its lines is")
def _():
    for framing, expected in (("auto", [r"a\nb", "c"]), ("lines", ["a", "b", "c"])):
        with Collector("--framing", framing) as collector:
            collector.send_udp(b"a\nb\n")
            collector.wait(len(expected) - 1)
            collector.send_udp(b"c\0")
            lines = collector.wait(len(expected))
            expect([line.text for line in lines] == expected, lines)


@case("no byte from outside ends a line, forges one, or steers a terminal")
def _():
    forged = b"\n2026-01-01T00:00:00.000000Z tcp:x forged "
    sent = b"\0a\r\nb\x1b[2J\x9b\xff\n".replace(b"\n", forged)
    with Collector("--framing", "octets") as collector:
        collector.send_tcp(b"%d %s" % (len(sent), sent))
        with open(collector.path, "rb") as file:
            content = file.read()
        expect(content.count(b"\n") == 1 and re.fullmatch(rb"[ -~]*\n", content), content)


# ---- Sources and stamps ------------------------------------------------------------------------


@case("lines of a pipe are recorded with --stdin, and its end ends nothing else")
def _():
    with Collector("--stdin", stdin=subprocess.PIPE) as collector:
        collector.process.stdin.write(b"one\n12 <13>line\ntwo")
        collector.process.stdin.close()
        lines = collector.wait(3)
        expect([line.text for line in lines] == ["one", "12 <13>line", r"two\{unfinished}"], lines)
        expect({line.source for line in lines} == {"stdin"}, lines)
        collector.send_tcp(b"and on\n")
        expect(collector.texts()[3] == "and on")


@case("lines of a file, and of a pipe whose writer has gone, are recorded with --stdin")
def _():
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with open(fifo, "wb") as writer:
            writer.write(b"left\n")
        with Collector("--stdin", stdin=reader) as collector:
            expect(collector.wait(1)[0].text == "left")
        os.close(reader)
    with open(__file__, "rb") as file, Collector("--stdin", stdin=file) as collector:
        file.seek(0)
        expected = file.read().count(b"\n")
        lines = collector.wait(expected)
        expect(lines[0].text == "#!/usr/bin/env python3" and len(lines) == expected, lines[:2])


def open_terminal():
    try:
        return pty.openpty()
    except OSError as error:
        raise Skip(f"no terminals here: {error}") from error


@case("on a terminal its own lines are recorded, and the terminal stays as it was")
def _():
    leader, follower = open_terminal()
    # In the foreground of a terminal of its own, as a shell would start it.
    with Collector(wrapper=("setsid", "--ctty"), stdin=follower) as collector:
        expect(collector.facts["stdin"], collector.facts)
        os.write(leader, b"typed\n")
        expect(collector.wait(1)[0].text == "typed")
        expect(os.get_blocking(follower), "it is not blocking any more")
    os.close(leader)
    os.close(follower)


@case("it stops when its terminal is closed, and rotates nothing")
def _():
    leader, follower = open_terminal()
    with Collector(wrapper=("setsid", "--ctty"), stdin=follower) as collector:
        os.close(follower)
        os.write(leader, b"typed\n")
        collector.wait(1)
        os.close(leader)
        expect(collector.process.wait(PATIENCE_S) == 0)
        expect(collector.texts() == ["typed"], collector.texts())


@case("times are UTC, or local with their offset, and those of the moment")
def _():
    before = datetime.datetime.now(datetime.timezone.utc)
    for options, ending in (((), "Z"), (("--stamp", "local"), "+05:30")):
        with Collector(*options, wrapper=("env", "TZ=XYZ-5:30")) as collector:
            collector.send_tcp(b"x\n")
            stamp = collector.lines()[0].stamp
        expect(stamp.endswith(ending), stamp)
        when = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        after = datetime.datetime.now(datetime.timezone.utc)
        expect(before - datetime.timedelta(seconds=0.1) <= when <= after, (before, stamp, after))


@case("addresses can be given several times, and none closes a door")
def _():
    if not has_ipv6():
        raise Skip("no IPv6 here")
    with Collector("--tcp", "127.0.0.1:0", "--tcp", "[::1]:0", "--udp", "none",
                   "--unix", "none", "--unix-dgram", "none") as collector:
        facts = collector.facts
        expect(len(facts["tcp"]) == 2 and facts["udp"] + facts["unix"] == [], facts)
        port = int(facts["tcp"][1].rpartition(":")[2])
        with socket.create_connection(("::1", port)) as peer:
            own = peer.getsockname()[1]
            peer.sendall(b"six\n")
            finish(peer)
        expect(collector.lines()[0].source == f"tcp:[::1]:{own}", collector.lines())


@case("Unix sockets are the own user's, or whose --unix-mode says")
def _():
    for options, mode in (((), 0o600), (("--unix-mode", "666"), 0o666)):
        with Collector(*options) as collector:
            for path in (collector.stream, collector.datagram):
                expect(os.stat(path).st_mode & 0o777 == mode, oct(os.stat(path).st_mode))


@case("descriptors that come with a Unix datagram are closed")
def _():
    with Collector() as collector, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.connect(collector.datagram)
        ends = os.pipe()
        socket.send_fds(peer, [b"with a pipe"], [ends[1]])
        os.close(ends[1])
        expect(collector.wait(1)[0].text == "with a pipe")
        expect(os.read(ends[0], 1) == b"", "it is open")
        os.close(ends[0])


@case("abstract Unix sockets are listened on, and paths are removed at the end")
def _():
    name = f"weft-test-{os.getpid()}"
    with Collector("--unix", "unix:@" + name) as collector:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect("\0" + name)
            peer.sendall(b"abstract\n")
            finish(peer)
        expect(collector.texts() == ["abstract"])
        expect(os.path.exists(collector.datagram))
        collector.stop()
        expect(not os.path.exists(collector.datagram) and not os.path.exists(collector.stream))


# ---- Limits and refusals -----------------------------------------------------------------------


@case("a silent connection is closed after --idle-timeout, its last line recorded")
def _():
    def attempt(timeout):
        with Collector("--idle-timeout", timeout) as collector, collector.connect() as peer:
            peer.sendall(b"half")
            expect(peer.recv(1) == b"", "it is not closed")
            expect(collector.texts() == [r"half\{unfinished}"], collector.texts())

    on_a_slow_machine(attempt, 0.1, 2, 10)


@case("over --connections peers wait, and are heard when their turn comes")
def _():
    with Collector("--connections", "2") as collector:
        first, second, third = (collector.connect() for _ in range(3))
        for number, peer in enumerate((first, second, third)):
            peer.sendall(b"%d\n" % number)
        expect(sorted(line.text for line in collector.wait(2)) == ["0", "1"])
        finish(first)
        expect(collector.wait(3)[2].text == "2")
        for peer in (first, second, third):
            peer.close()


@case("a file that was removed is made anew with the next line, and one that was cut goes on")
def _():
    with Collector("--rotate-size", "10000") as collector:
        collector.send_tcp(b"one\n")
        os.unlink(collector.path)
        collector.send_tcp(b"two\n")
        expect([line.text for line in collector.lines()] == ["two"], "made anew")
        for _ in range(3):
            # As logrotate's copytruncate does: what was counted before is not counted on.
            collector.send_tcp(b"x" * 5000 + b"\n")
            os.truncate(collector.path, 0)
        collector.send_tcp(b"end\n")
        expect([line.text for line in collector.lines()] == ["end"], "cut")
        expect(not os.path.exists(collector.path + ".1"), "rotated too early")


@case("a second collector on a file is refused, and so is what is no file")
def _():
    with Collector() as collector:
        doors = ("--tcp", "127.0.0.1:0", "--udp", "none")
        done = weft("collect", collector.path, *doors)
        expect(done.returncode == 1 and "another collector" in done.stderr, done)
        fifo = collector.at("fifo")
        os.mkfifo(fifo)
        for path, word in ((fifo, "not a regular file"), (collector.folder, "directory"),
                           ("/nowhere/log", "No such file")):
            done = weft("collect", path, *doors)
            expect(done.returncode == 1 and word in done.stderr, done)


@case("wrong usage is status 2 and says what is wrong")
def _():
    for options, word in (((), "which file"), (("f", "g"), "one file"),
                          (("f", "--framing", "x"), "auto, lines, octets"),
                          (("f", "--fsync", "-1"), "always, never or seconds"),
                          (("f", "--fsync", "soon"), "always, never or seconds"),
                          (("f", "--line-max", "1"), "from 64 to"),
                          (("f", "--unix-mode", "999"), "permissions such as"),
                          (("f", "--unix", "x" * 200), "shorter than"),
                          (("f", "--tcp", "none", "--udp", "none"), "every door is closed"),
                          (("f", "--driver", "x"), "no driver")):
        with tempfile.TemporaryDirectory() as folder:
            place = [os.path.join(folder, "f") if word == "f" else word for word in options]
            done = weft("collect", *place, stdin=subprocess.DEVNULL)
        expect(done.returncode == 2 and word in done.stderr, (options, done))


if __name__ == "__main__":
    sys.exit(run())
