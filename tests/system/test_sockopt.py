#!/usr/bin/env python3
"""test_sockopt.py - `weft sockopt`: what it prints is what Python's getsockopt says.

The same kind of socket is made by both, connected to the same listener, and every option that does
not change by itself is compared.
"""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from served import WEFT, Skip, case, expect, has_ipv6, run, weft

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "man", "weft-sockopt.1")

# Numbers of their own for each socket, or that move with time and traffic.
RESTLESS = {"SO_COOKIE", "SO_INCOMING_CPU", "SO_INCOMING_NAPI_ID", "SO_MEMINFO", "TCP_CC_INFO",
            "TCP_INFO", "TCP_QUICKACK", "TCP_TIMESTAMP", "TCP_WINDOW_CLAMP", "IP_PROTOCOL"}


def sockopt(*arguments):
    done = weft("sockopt", "--json", *arguments)
    expect(done.returncode == 0 and done.stderr == "", done)
    return json.loads(done.stdout)


def by_name(facts):
    return {option["name"]: option for option in facts["options"]}


def python_value(peer, option):
    """What Python's getsockopt says, in the form of the JSON; None for an OSError."""
    value = option["value"]
    room = 8 if option["name"] == "SO_NETNS_COOKIE" else 256  # that one takes no other
    try:
        raw = peer.getsockopt(option["level_number"], option["number"], room)
    except OSError:
        return None
    if isinstance(value, bool):
        return struct.unpack("=i", raw[:4])[0] != 0
    if isinstance(value, float):
        seconds, micros = struct.unpack("=qq", raw)
        return seconds + micros / 1e6
    if isinstance(value, int):
        if option["name"] in ("IP_UNICAST_IF", "IPV6_UNICAST_IF"):
            return struct.unpack("!i", raw[:4])[0]
        return int.from_bytes(raw, "little", signed=value < 0)
    if isinstance(value, dict) and "seconds" in value:
        on, seconds = struct.unpack("=ii", raw)
        return {"on": on != 0, "seconds": seconds}
    if option["name"] == "IPV6_PATHMTU":
        return {"mtu": int.from_bytes(raw[28:32], "little")}  # behind a sockaddr_in6
    if isinstance(value, (dict, list)):
        names = list(value) if isinstance(value, dict) else None
        size = len(raw) // max(len(value), 1) if value else 4
        numbers = [int.from_bytes(raw[at:at + size], "little") for at in range(0, len(raw), size)]
        return dict(zip(names, numbers)) if names else numbers
    if option["name"] == "IP_MULTICAST_IF":
        return socket.inet_ntoa(raw[:4])
    if option["name"] in ("TCP_CONGESTION", "SO_BINDTODEVICE", "TCP_ULP", "SO_PEERSEC"):
        return raw.split(b"\0")[0].decode()
    return raw.hex()


def compare(facts, peer):
    compared = 0
    for option in facts["options"]:
        name, value = option["name"], option["value"]
        if name in RESTLESS or option.get("missing") == "can only be set":
            continue
        other = python_value(peer, option)
        expect(value == other, f"{name}: {value!r} ({option.get('missing')}), Python: {other!r}")
        compared += 1
    return compared


class Listener:
    """A listening socket that nobody accepts from: connecting to it succeeds all the same."""

    def __init__(self, family, kind, address):
        self.socket = socket.socket(family, kind)
        self.socket.bind(address)
        if kind == socket.SOCK_STREAM:
            self.socket.listen()

    def __enter__(self):
        return self.socket

    def __exit__(self, *_):
        self.socket.close()


def check_connected(family, kind, host, written, *options):
    with Listener(family, kind, (host, 0)) as listener, socket.socket(family, kind) as peer:
        port = listener.getsockname()[1]
        peer.connect((host, port))
        facts = sockopt(f"{written}:{port}", *options)
        expect(facts["peer"] == f"{written}:{port}" and facts["state"] == "connected", facts)
        expect(facts["family"] == peer.family.name and facts["type"] == peer.type.name, facts)
        expect(facts["protocol"] == {1: "IPPROTO_TCP", 2: "IPPROTO_UDP"}[kind], facts)
        expect(facts["fileno"] > 2 and facts["unread"] == facts["unsent"] == 0, facts)
        expect(facts["error_pending"] is False, facts)
        return facts, compare(facts, peer)


@case("every option of a TCP connection is as Python has it")
def _():
    facts, compared = check_connected(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", "127.0.0.1")
    expect(compared > 110, compared)
    expect({option["level"] for option in facts["options"]} ==
           {"SOL_SOCKET", "IPPROTO_IP", "IPPROTO_TCP"}, "other levels")
    info = by_name(facts)["TCP_INFO"]["value"]
    expect(info["tcpi_state"] == 1 and info["tcpi_snd_mss"] > 500, info)
    expect(info["tcpi_segs_in"] >= 1 and info["tcpi_rtt"] > 0, info)


@case("every option of an IPv6 TCP connection is as Python has it")
def _():
    if not has_ipv6():
        raise Skip("no IPv6 here")
    facts, compared = check_connected(socket.AF_INET6, socket.SOCK_STREAM, "::1", "[::1]")
    expect(compared > 120, compared)
    expect("IPPROTO_IPV6" in {option["level"] for option in facts["options"]}, "no IPv6")


@case("every option of a connected UDP socket is as Python has it")
def _():
    facts, compared = check_connected(
        socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", "127.0.0.1", "--udp")
    expect(compared > 80, compared)
    expect("UDP_SEGMENT" in by_name(facts) and "TCP_NODELAY" not in by_name(facts), "levels")


@case("a host's addresses are tried in turn")
def _():
    for family, host in ((socket.AF_INET, "127.0.0.1"),
                         (socket.AF_INET6, "::1"))[:1 + has_ipv6()]:
        with Listener(family, socket.SOCK_STREAM, (host, 0)) as listener:
            facts = sockopt(f"localhost:{listener.getsockname()[1]}", "--set", "TCP_NODELAY=on")
            expect(facts["family"] == family.name and facts["state"] == "connected", facts)
            expect(by_name(facts)["TCP_NODELAY"]["value"] is True, facts)


@case("a Unix socket tells who the peer is")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with Listener(socket.AF_UNIX, socket.SOCK_STREAM, path), \
                socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            facts = sockopt("unix:" + path)
            expect(facts["family"] == "AF_UNIX" and facts["peer"] == "unix:" + path, facts)
            compare(facts, peer)
            value = by_name(facts)["SO_PEERCRED"]["value"]
            expect(value == {"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid()}, value)


@case("a listener is one, with its backlog's options as Python has them")
def _():
    facts = sockopt("127.0.0.1:0", "--listen")
    expect(facts["state"] == "listening" and facts["peer"] is None, facts)
    expect(int(facts["name"].rpartition(":")[2]) > 0, facts)
    expect(by_name(facts)["SO_ACCEPTCONN"]["value"] is True, "it does not listen")
    expect(by_name(facts)["IP_MTU"]["missing"] == "needs a connection", "IP_MTU")
    with Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as twin:
        compare(facts, twin)


@case("--all shows the other protocols' options, marked")
def _():
    options = by_name(sockopt("127.0.0.1:0", "--listen", "--udp", "--all"))
    expect(options["TCP_NODELAY"]["missing"] == "not of this socket", options["TCP_NODELAY"])
    expect(options["IPV6_V6ONLY"]["missing"] == "not of this socket", options["IPV6_V6ONLY"])
    expect(options["IPV6_CHECKSUM"]["missing"] == "raw sockets only", options["IPV6_CHECKSUM"])
    expect(options["UDP_GRO"]["value"] is False, options["UDP_GRO"])


@case("--set sets before it shows, as often as it is given")
def _():
    settings = {"TCP_NODELAY=on": True, "SO_LINGER=7": {"on": True, "seconds": 7},
                "IP_TTL=0x20": 32, "SO_MAX_PACING_RATE=5000000000": 5000000000,
                "SO_TXTIME=flags=2,clockid=1": {"clockid": 1, "flags": 2}}
    arguments = [part for setting in settings for part in ("--set", setting)]
    with Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as listener:
        options = by_name(sockopt(f"127.0.0.1:{listener.getsockname()[1]}", *arguments))
    for setting, value in settings.items():
        name = setting.partition("=")[0]
        expect(options[name]["value"] == value, options[name])


@case("an option that needs a connection is set when there is one")
def _():
    with open("/proc/sys/net/ipv4/tcp_available_ulp", encoding="ascii") as file:
        if "tls" not in file.read():
            return  # this kernel has none that could be set so
    with Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        expect(by_name(sockopt(address, "--set", "TCP_ULP=tls"))["TCP_ULP"]["value"] == "tls")


@case("the table for people has a line for each option, of at most 120 columns")
def _():
    if not has_ipv6():
        raise Skip("no IPv6 here")
    done = weft("sockopt", "--listen", "[::1]:0")
    expect(done.returncode == 0 and not done.stderr, done)
    lines = done.stdout.splitlines()
    expect(re.match(r"family +AF_INET6", lines[0]), lines[0])
    expect(any(re.match(r"  IPV6_V6ONLY +(on|off) +has no IPv4 peers", line) for line in lines),
           done.stdout)
    expect(max(map(len, lines)) <= 120, max(lines, key=len))


@case("wrong usage is status 2, and what failed is status 1, in a line each")
def _():
    for arguments in ((), ("a:1", "b:2"), ("nowhere",), ("127.0.0.1:0", "--set", "TCP_NODELAY"),
                      ("127.0.0.1:0", "--set", "SO_WONDER=1"),
                      ("127.0.0.1:0", "--set", "TCP_NODELAY=maybe"),
                      ("127.0.0.1:0", "--set", "SO_TYPE=1"),
                      ("127.0.0.1:0", "--set", "=" + "x" * 200)):
        done = weft("sockopt", *arguments)
        expect(done.returncode == 2 and not done.stdout, (arguments, done))
        expect(done.stderr.count("\n") == 2, done.stderr)
    with Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as listener:
        taken = f"127.0.0.1:{listener.getsockname()[1]}"
        for arguments in ((taken, "--listen"), (taken, "--set", "UDP_CORK=on"),
                          ("unix:/nowhere/at/all",)):
            done = weft("sockopt", *arguments)
            expect(done.returncode == 1 and not done.stdout, (arguments, done))
            expect(done.stderr.count("\n") == 1, done.stderr)


# ---- Completeness --------------------------------------------------------------------------------

# Values, sizes and flags that have an option's prefix.
NO_OPTION = re.compile(
    r"(IP|IPV6)_(PMTUDISC|DEFAULT|FL|PRIORITY|TLV|PREFER_SRC)_|IPV6_FLOWINFO_(FLOWLABEL|PRIORITY)$"
    r"|IP_MSFILTER_SIZE|MCAST_(EX|IN)CLUDE|(TCP|UDP)_ENCAP_\w|TCP_MD5SIG_(MAX|FLAG)|TCP_MSS_"
    r"|TCP_REPAIR_O(N|FF)|TCP_RECEIVE_|TCP_AO_(MAX|KEYF)|GROUP_|IP_(XFRM|IPSEC)_(MODE|PROTO)")


def defined():
    """The names that the kernel's headers define and that look like options."""
    source = "".join(f"#include <{name}>\n" for name in (
        "asm/socket.h", "linux/in.h", "linux/in6.h", "linux/tcp.h", "linux/udp.h"))
    done = subprocess.run(["cc", "-E", "-dM", "-"], input=source, capture_output=True, text=True,
                          check=True)
    names = set(re.findall(r"^#define ((?:SO|IP|IPV6|TCP|UDP|MCAST)_\w+)", done.stdout, re.M))
    return {name for name in names if not NO_OPTION.match(name)}


@case("every option of the kernel's headers is shown, or its absence is explained in the manual")
def _():
    shown = set(by_name(sockopt("127.0.0.1:0", "--listen", "--all")))
    with open(PAGE, encoding="utf-8") as file:
        section = file.read().partition(".SH WHAT IS NOT SHOWN")[2].partition("\n.SH ")[0]
    listed = re.findall(r"^\.B ((?:[A-Z0-9_]+ ?)+)$", section, re.M)
    explained = {name for line in listed for name in line.split()}
    names = defined()
    expect(len(names) > 150, names)
    expect(not names - shown - explained, f"neither: {sorted(names - shown - explained)}")
    expect(not shown & explained, f"both: {sorted(shown & explained)}")


def status_with(stdout, *arguments):
    done = subprocess.run([WEFT, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stderr


@case("what could not be printed was not done, unless the reader has gone")
def _():
    for arguments in (("sockopt", "--help"), ("help",), ("--version",)):
        with open("/dev/full", "wb", buffering=0) as full:
            status, said = status_with(full, *arguments)
        expect(status == 1 and "standard output" in said, (status, said))
        reader, writer = os.pipe()
        os.close(reader)
        status, said = status_with(writer, *arguments)
        os.close(writer)
        expect(status in (0, -signal.SIGPIPE) and said == "", (status, said))


sys.exit(run())
