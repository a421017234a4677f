#!/usr/bin/env python3
# check: waits
"""test_examples.py - the examples of src/io do what they say, against Python's sockets."""
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.dirname(__file__))
from examples import build, listening, path, sh  # noqa: E402
from tap import case, expect, run  # noqa: E402

MODELS = ("fiber", "loop", "thread", "pool", "fork", "prefork")


@contextmanager
def running(name, *arguments):
    """A program that serves until it is killed, and what it prints."""
    with subprocess.Popen([build(name), *arguments], stdout=subprocess.PIPE,
                          text=True) as server:
        try:
            yield server.stdout
        finally:
            server.kill()


def port_of(output):
    return int(re.fullmatch(r"port (\d+)\n", output.readline()).group(1))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def until_it_works(*command):
    """Run it again and again, until it ends well; for as long as one has patience."""
    deadline = time.monotonic() + 60
    done = sh(*command)
    while done.returncode != 0 and time.monotonic() < deadline:
        time.sleep(0.01)
        done = sh(*command)
    return done


@case("echo_server and echo_client talk to each other, and to a socket of Python's")
def _():
    with listening("echo_server") as address:
        done = sh("sh", "-c", 'echo hello | "$0" "$1"', build("echo_client"), address)
        expect("hello" in done.stdout, done)
        with connect(int(address.rpartition(":")[2])) as peer:
            peer.sendall(b"one\ntwo\n")
            with peer.makefile("rb") as answers:
                expect(answers.read(8) == b"one\ntwo\n", "echo")


@case("udp_echo answers Python, and asks itself")
def _():
    with running("udp_echo", "127.0.0.1:0") as output:
        port = port_of(output)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(60)
            peer.sendto(b"ping", ("127.0.0.1", port))
            expect(peer.recv(100) == b"ping", "echo")
        done = sh(build("udp_echo"), f"127.0.0.1:{port}", "hello")
        expect(done.stdout == "hello\n" and done.returncode == 0, done)
    done = sh(build("udp_echo"), f"127.0.0.1:{port}", "hello")
    expect("refused" in done.stderr and done.returncode == 1, done)


@case("broadcast is heard, from Python and from itself")
def _():
    with running("broadcast", "0") as output:
        port = port_of(output)
        done = sh(build("broadcast"), f"127.255.255.255:{port}", "to all")
        expect(done.returncode == 0, done)
        expect(re.fullmatch(r"127\.0\.0\.1:\d+: to all\n", output.readline()), "heard")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            peer.sendto(b"x" * 2000, ("127.255.255.255", port))
        expect(output.readline().count("x") == 1500, "cut")


@case("unix_socket hands a file over, and knows who asks")
def _():
    with open(path("secret"), "w") as file:
        file.write("between us\n")
    with running("unix_socket", path("secret"), path("sock")) as output:
        # The file is there a moment before anybody listens behind it.
        done = until_it_works("sh", "-c", 'echo $$; exec "$0" "$1"', build("unix_socket"),
                              path("sock"))
        pid, text = done.stdout.splitlines()
        expect(text == "between us", done)
        expect(output.readline() == f"user {os.getuid()}, process {pid}\n", "who")
    # Killed, it has left its socket behind; the next one takes its place.
    with running("unix_socket", path("secret"), path("sock")):
        done = until_it_works(build("unix_socket"), path("sock"))
        expect(done.stdout == "between us\n", done)


def ask_in_time(listener, address, answer):
    """What examples/timeouts.c prints and says when it gets that answer."""
    with subprocess.Popen([build("timeouts"), address], stdout=subprocess.PIPE,
                          text=True) as client:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(60)
            if answer:
                peer.sendall(answer)
            output, _ = client.communicate(timeout=60)
            with peer.makefile("rb") as said:
                return output, said.read()


@case("timeouts gives up after its second, and says so to the server")
def _():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        for answer, told in ((b"hi\n", "hi\n"), (b"", "no answer in time\n")):
            for _ in range(5):  # an answer of ours may be late on a busy machine
                output, heard = ask_in_time(listener, address, answer)
                if output == told and heard.startswith(b"hello\n"):
                    break
            expect(output == told, output)
            expect(heard.startswith(b"hello\n") and (b"too late" in heard) == (not answer), heard)


@case("sticky_packets shows them, and their cure")
def _():
    done = sh(build("sticky_packets"))
    expect(done.returncode == 0 and done.stdout, done)


@case("every_model serves by every model")
def _():
    for model in MODELS:
        with running("every_model", model) as output:
            with connect(port_of(output)) as peer:
                peer.sendall(b"Ada\n")
                with peer.makefile() as lines:
                    text = lines.read()
        expect(f"Who is there? Hello Ada, from {model}: process" in text, text)
        # A process has its only thread; of the others each says what runs it.
        expect(("only thread" in text) == (model in ("fork", "prefork")), text)
        expect(("a fiber" in text) == (model == "fiber"), text)


@case("http_shout answers a body of curl's while it comes, known in length or not")
def _():
    with running("http_shout", "127.0.0.1:0") as output:
        url = "http://127.0.0.1:%d/" % port_of(output)
        text = "hello, world\n" * 100000
        with open(path("text"), "w") as file:
            file.write(text)
        for more in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            done = sh("curl", "-sS", "--max-time", "60", *more, "--data-binary",
                      "@" + path("text"), url)
            expect(done.returncode == 0 and done.stdout == text.upper(), done.stderr)


@case("http_users lets in who knows the password")
def _():
    with running("http_users", "127.0.0.1:0") as output:
        url = "http://127.0.0.1:%d/" % port_of(output)
        for user, text in (("guest:sesame", "Welcome, guest.\n"), ("guest:simsim", "401")):
            done = sh("curl", "-sS", "--max-time", "60", "-u", user, url)
            expect(text in done.stdout, done)


@case("http_routes greets by name, and has a folder beside it")
def _():
    with open(path("a note.txt"), "w") as file:
        file.write("buy milk")
    with running("http_routes", "127.0.0.1:0", os.path.dirname(path("a note.txt"))) as output:
        url = "http://127.0.0.1:%d" % port_of(output)
        for where, text in (("/hello/you%20two", "Hello, you two.\n"),
                            ("/files/a%20note.txt", "buy milk")):
            done = sh("curl", "-sS", "--max-time", "60", url + where)
            expect(done.stdout == text, done.stdout)
        done = sh("curl", "-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}",
                  "-X", "DELETE", url + "/hello/you")
        expect(done.stdout == "405", done.stdout)


@case("http_form tells what a form of curl's has brought, in memory and on the disk")
def _():
    with running("http_form", "127.0.0.1:0") as output:
        url = "http://127.0.0.1:%d/" % port_of(output)
        for name, size in (("small", 1000), ("large", 3000000)):
            with open(path(name), "w") as file:
                file.write("x" * size)
        done = sh("curl", "-sS", "--max-time", "60", "-F", "who=Ada", "-F",
                  "file=@" + path("small"), "-F", "file=@" + path("large"), url)
        expect(done.stdout == "Hello, Ada.\nsmall: 1000 bytes, in memory\n"
               "large: 3000000 bytes, on the disk\n", done)
        done = sh("curl", "-sS", "--max-time", "60", "-d", "who=Ada+L.", url)
        expect(done.stdout == "Hello, Ada L..\n", done)
        done = sh("curl", "-sS", "--max-time", "60", url)
        expect("<form" in done.stdout, done)


@contextmanager
def stopped_after(name):
    """The same with one that ends well by SIGTERM: its port."""
    with subprocess.Popen([build(name), "127.0.0.1:0"], stdout=subprocess.PIPE,
                          text=True) as server:
        try:
            yield port_of(server.stdout)
            server.terminate()
            expect(server.wait(timeout=60) == 0, server.returncode)
        finally:
            server.kill()


@case("http_notes keeps notes as JSON for who has logged in, and ends by SIGTERM")
def _():
    with stopped_after("http_notes") as port:
        def ask(where, *options):
            done = sh("curl", "-sS", "--max-time", "60", "-b", path("jar"), "-c", path("jar"),
                      "-w", "%{http_code}", f"http://127.0.0.1:{port}{where}", *options)
            return done.stdout
        expect(ask("/notes/0").endswith("403"), "nobody is logged in")
        expect(ask("/login", "-d", "password=x").endswith("403"), "a wrong password")
        expect(ask("/login", "-d", "password=sesame").endswith("303"), "the password")
        expect(ask("/notes", "-d", 'buy "milk"') ==
               '{"id": 0, "text": "buy \\"milk\\""}\n201', "add")
        expect(ask("/notes/0").endswith("200"), "show")
        expect(ask("/notes/1").endswith("404"), "a note that is not there")
        expect(ask("/notes/0x").endswith("404"), "no number")
        expect(ask("/notes", "-d", "x" * 5000).endswith("413"), "too long")


def join_room(port, room):
    peer = connect(port)
    peer.sendall(f"GET /{room} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\n"
                 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    stream = peer.makefile("rwb", buffering=0)
    expect(b" 101 " in stream.readline(), "accepted")
    while stream.readline() != b"\r\n":
        pass
    say(stream, room)
    expect(stream.read(2 + len(room)) == bytes([0x81, len(room)]) + room.encode(), "is a member")
    return stream


@case("run_sort feeds a program, and reads what it makes of it")
def _():
    words = [f"word {n % 5000:05}" for n in range(9000)]
    done = sh(build("run_sort"), *words)
    expect(done.returncode == 0, done.stderr)
    expect(done.stdout == "\n".join(sorted(set(words))) + "\nsort exited with 0\n", "the order")


def say(stream, text):
    stream.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode())


@case("ws_chat lets all in a room hear, and tells them when it ends by SIGTERM")
def _():
    with stopped_after("ws_chat") as port:
        red, other, blue = (join_room(port, room) for room in ("red", "red", "blue"))
        expect(red.read(5) == b"\x81\x03red", "the other's first word")
        say(red, "hello")
        say(blue, "alone")
        expect(red.read(7) == b"\x81\x05hello" == other.read(7), "the room")
        expect(blue.read(7) == b"\x81\x05alone", "another room")
    for stream in (red, other, blue):
        expect(stream.read(4) == b"\x88\x02\x03\xe9", "1001")
        stream.close()


@case("jobs: what one process adds another works on, until it is closed")
def _():
    name = f"example-{os.getpid()}"
    with running("jobs", name, "work") as output:
        expect(output.readline().endswith(" waits\n"), "it doesn't wait")
        expect(sh(path("jobs"), name, "add", "one", "two words").returncode == 0, "not added")
        expect(output.readline() == "one\n", "not one")
        expect(output.readline() == "two words\n", "not two")
        expect(sh(path("jobs"), name, "close").returncode == 0, "not closed")
        expect(output.readline() == "", "it goes on")


sys.exit(run())
