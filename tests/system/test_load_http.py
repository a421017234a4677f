#!/usr/bin/env python3
"""test_load_http.py - `weft load` and HTTP: framings, what is no answer, connections that end."""
import socket
import sys

from loaded import OK, Peer, answer_all, ask, close_after, load
from served import Folder, Server, case, expect, on_a_slow_machine, run


# ---- HTTP's answers --------------------------------------------------------------------------


@case("answers of every framing are whole, however they are cut")
def _():
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    chunked = (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n"
               b"5;a=b\r\nhello\r\n0A \r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n")
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + OK
    for reply in (OK, chunked, interim, b"HTTP/1.1 204 \r\n\r\n", b"HTTP/1.1 304\r\n\r\n",
                  b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
                  b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"):
        for parts in [reply], [reply[i:i + 1] for i in range(len(reply))]:
            with Peer(answer_all(parts)) as peer:
                figures = ask(peer, "--connections", "2", "--requests", "20")
                expect(figures["requests"] == 20 and not figures["errors"]["all"], figures)
                expect(peer.accepted == 2 and figures["bytes_in"] == 20 * len(reply), figures)
    with Peer(answer_all(long)) as peer:
        figures = ask(peer, "--connections", "2", "--requests", "20", "--pipeline", "3")
        expect(figures["requests"] == 20 and figures["bytes_in"] == 20 * len(long), figures)


@case("HEAD has no body to wait for")
def _():
    with Peer(answer_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as peer:
        figures = ask(peer, "--method", "HEAD", "--requests", "50", "--connections", "2")
        expect(figures["requests"] == 50 and not figures["errors"]["all"], figures)


@case("statuses but 2xx and 3xx are answers, and counted")
def _():
    with Peer(answer_all(OK.replace(b"200 OK", b"503 Busy"))) as peer:
        figures = ask(peer, "--requests", "50", "--connections", "2")
        expect(figures["requests"] == 50 == figures["errors"]["status"], figures)
        expect("503" in figures["first_error"], figures)


@case("what is no answer is counted, and the first is shown with nothing that a terminal obeys")
def _():
    for reply, word in ((b"\x1b[31mgarbage\r\n\r\n", "\\x1B[31mgarbage"),
                        (b"HTTP/2 200 OK\r\n\r\n", "status line"),
                        (b"HTTP/1.1 20 OK\r\n\r\n", "status line"),
                        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
                        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                         "Content-Length"),
                        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                         "Content-Length"),
                        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", "field"),
                        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "chunk"),
                        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "chunk"),
                        (OK + b"more", "more came"),
                        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000, "too long")):
        with Peer(answer_all(reply)) as peer:
            status = 0 if reply.startswith(OK) else 1
            figures = ask(peer, "--requests", "10", "--connections", "2", status=status)
            expect(figures["errors"]["protocol"] > 0, (reply, figures))
            expect(word in figures["first_error"] and "\x1b" not in figures["first_error"],
                   (word, figures))


# ---- Connections that end ----------------------------------------------------------------------


@case("a server may end a connection between two answers: it is made again, and no error")
def _():
    for reply, each in ((OK, 3), (OK.replace(b"hello", b"hello"), 1),
                        (OK.replace(b"\r\n\r\n", b"\r\nConnection: x, Close\r\n\r\n"), 1),
                        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 1),
                        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 1)):
        with Peer(close_after(each, reply)) as peer:
            figures = ask(peer, "--requests", "60", "--connections", "3")
            expect(figures["requests"] == 60 and not figures["errors"]["all"], (reply, figures))
            expect(figures["connections_opened"] >= 60 / each, figures)


@case("requests that were under way behind the last answer are asked again, each once")
def _():
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def talk(peer, one, _):
        for done, _ in enumerate(peer.heads(one), 1):
            one.sendall(closing if done == 3 else OK)
            if done == 3:
                one.shutdown(socket.SHUT_WR)
                while one.recv(65536):  # closed before, it would be a reset
                    pass
                return

    with Peer(talk) as peer:
        figures = ask(peer, "--requests", "200", "--connections", "2", "--pipeline", "8")
        expect(figures["requests"] == 200 and not figures["errors"]["all"], figures)
        expect(figures["connections_opened"] >= 200 / 3, figures)


def half_of_the_second(peer, one, _):
    for done, _ in enumerate(peer.heads(one)):
        one.sendall(OK[:-1] if done else OK)
        if done:
            return


@case("a connection that ends within an answer is a read error, and the run goes on")
def _():
    with Peer(close_after(1, OK[:-1])) as peer:
        figures = ask(peer, "--requests", "20", "--connections", "2", status=1)
        expect(figures["errors"]["read"] == 20 and figures["requests"] == 0, figures)
        expect("closed" in figures["first_error"], figures)
    with Peer(half_of_the_second) as peer:
        figures = ask(peer, "--requests", "20", "--connections", "1")
        expect(figures["errors"]["read"] == 10 == figures["requests"], figures)
    with Peer(lambda peer, one, number: answer_all(OK)(peer, one, 0) if number % 2 else None
              ) as peer:
        figures = ask(peer, "--requests", "50", "--connections", "4")
        expect(figures["requests"] + figures["errors"]["read"] + figures["errors"]["write"] == 50,
               figures)
        expect(figures["requests"] > 0 and figures["errors"]["all"] > 0, figures)


@case("a server that goes away is a matter of connect errors, not of giving up")
def _():
    def talk(peer, one, number):
        close_after(20, OK)(peer, one, number)
        peer.close()

    def attempt(duration):
        with Peer(talk) as peer:
            figures = ask(peer, "--connections", "1", "--duration", duration)
        expect(figures["requests"] >= 20 and figures["errors"]["connect"] > 0, figures)
        expect(figures["duration_s"] >= float(duration), figures)

    on_a_slow_machine(attempt, 0.5, 3, 10)


@case("no answer in time is a timeout, and waited so long")
def _():
    def talk(peer, one, number):
        for _ in peer.heads(one):
            if number > 0:
                one.sendall(OK)

    with Peer(talk) as peer:
        figures = ask(peer, "--connections", "1", "--requests", "30", "--timeout", "1")
        late = figures["errors"]["timeout"]
        expect(late >= 1 and late == figures["errors"]["all"], figures)
        expect(figures["requests"] + late == 30 == figures["latency_ns"]["count"], figures)
        expect(figures["latency_ns"]["max"] >= 1e9 and peer.accepted == 1 + late, figures)


# ---- weft serve ------------------------------------------------------------------------------


@case("weft serve and weft load understand each other")
def _():
    with Folder() as folder, Server(folder.path) as server:
        folder.write("a.txt", b"x" * 100)
        folder.write("big.bin", b"y" * 1000000)
        url = "http://" + server.address
        for options in ((), ("--pipeline", "8"), ("--method", "HEAD"), ("--new-connections",),
                        ("--rate", "500")):
            figures, _ = load(url + "/a.txt", "--requests", "200", "--connections", "5", *options)
            expect(figures["requests"] == 200 and not figures["errors"]["all"], figures)
        figures, _ = load(url + "/big.bin", "--requests", "20", "--connections", "3")
        expect(figures["requests"] == 20 and figures["bytes_in"] > 20e6, figures)
        figures, _ = load(url + "/nothing", "--requests", "20")
        expect(figures["errors"]["status"] == 20 == figures["requests"], figures)


sys.exit(run())
