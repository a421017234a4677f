#!/usr/bin/env python3
"""judge_chat_lines.py - the line protocol of docs/chat-protocol.md, typed by nc, ncat and socat,
by TLS with openssl and socat, by the Unix socket.

Its WebSocket: judge_chat_doors.py, and frames that must not be: judge_chat_attack.py.
"""
import re
import subprocess
import sys

from chat_judged import (PASSWORD, PATIENCE_S, TCP_TOOLS, Rooms, State, Typist, case, each, expect,
                         need, run)

AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def whole_session(typist, witness):
    """What the document shows, and the rest of what a guest does."""
    typist.asks("GUEST mia", "OK ~mia")
    typist.types("JOIN lobby")
    epoch = typist.finds(r"entered lobby ([0-9a-f]+) 0 2( .*)?")[1]
    typist.reads(f"OK lobby {epoch} 0 0")
    for _ in range(2):  # sent again: the same answer, one message
        typist.types("#a7 SAY lobby hello all")
        expect(typist.finds(f"#a7 OK lobby {epoch} 1|message .*")[0])
    expect(witness.event("message").text == "hello all")
    typist.types("SAY lobby one\\ntwo \\\\ \\u{1f600}")
    said = witness.event("message")
    expect((said.seq, said.text) == (2, "one\ntwo \\ \U0001f600"), said)
    typist.types("#h history lobby after 0 10")
    typist.finds(f"#h message lobby {epoch} 1 {AT} ~mia hello all")
    typist.finds(f"#h message lobby {epoch} 2 {AT} ~mia one\\\\ntwo \\\\\\\\ \U0001f600")
    typist.finds("#h OK")
    typist.asks("#m MEMBERS lobby", "#m member ~mia here", "#m member ~witness here", "#m OK")
    typist.asks("#x NOPE", "#x NO bad-command there is no such command: HELP lists them")
    typist.asks("PING", "OK")
    typist.asks("QUIT", "OK")
    expect(typist.at_end())
    expect(witness.event("left").who == "~mia")


@each(TCP_TOOLS, "a whole session by lines, and its end")
def _(command):
    with Rooms() as rooms, rooms.guest("witness") as witness, \
            Typist(command, *rooms.place) as mia:
        whole_session(mia, witness)


@case("openssl s_client: the same by TLS, with the certificate checked")
def _():
    with Rooms() as rooms, rooms.guest("witness") as witness, \
            Typist(["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
                    rooms.certificate, "-connect", "%s:%d" % rooms.tls]) as mia:
        whole_session(mia, witness)


@case("socat: the same by TLS")
def _():
    with Rooms() as rooms, rooms.guest("witness") as witness, \
            Typist(["socat", "-", "OPENSSL:%s:%d" % rooms.tls +
                    f",cafile={rooms.certificate},commonname=localhost"]) as mia:
        whole_session(mia, witness)


@case("netcat-openbsd's nc -U and socat: the same by the Unix socket")
def _():
    for command in (["nc.openbsd", "-U"], ["socat", "-"]):
        with Rooms() as rooms, rooms.guest("witness") as witness:
            path = rooms.unix if command[0] == "nc.openbsd" else f"UNIX-CONNECT:{rooms.unix}"
            with Typist([*command, path]) as mia:
                whole_session(mia, witness)


@case("a script's lines at once are all answered before nc, ncat and socat go")
def _():
    need("nc.openbsd", "ncat", "socat")
    with Rooms() as rooms, rooms.guest("witness") as witness:
        place = "%s %d" % rooms.place
        for number, command in enumerate((f"nc.openbsd -N {place}", f"ncat {place}",
                                          "socat -t 10 - TCP:%s:%d" % rooms.place)):
            text = f"GUEST script{number}\nJOIN lobby\n" + "".join(
                f"#i{i} SAY lobby line {i}\n" for i in range(30))
            done = subprocess.run(command.split(), input=text, text=True, capture_output=True,
                                  timeout=PATIENCE_S, check=True)
            answers = re.findall(r"^#i(\d+) OK lobby \S+ (\d+)$", done.stdout, re.M)
            expect([int(i) for i, _ in answers] == list(range(30)), (command, done))
            expect([int(seq) for _, seq in answers] == list(range(30 * number + 1,
                                                                  30 * number + 31)), answers)
            for i in range(30):
                expect(witness.event("message").text == f"line {i}")


@case("passwords by TLS and from this machine; what is no line is refused; five guesses and out")
def _():
    with State() as state:
        state.add("ann", PASSWORD)
        with Rooms(state=state) as rooms:
            with Typist(["openssl", "s_client", "-quiet", "-CAfile", rooms.certificate, "-connect",
                         "%s:%d" % rooms.tls]) as ann:
                ann.asks(f"LOGIN ann {PASSWORD}", "OK ann")
            with Typist("nc.openbsd {0} {1}", *rooms.place) as thief:
                for _ in range(5):
                    thief.types("LOGIN ann guess")
                    thief.finds("NO .*")
                expect(thief.at_end())


sys.exit(run())
