#!/usr/bin/env python3
"""test_collect.py - what `weft collect` records of clients that are not ours, and how."""
import os
import re
import sys

from collected import Collector, case, client, expect, run


# ---- Clients that are not ours ------------------------------------------------------------------


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


if __name__ == "__main__":
    sys.exit(run())
