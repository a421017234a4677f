#!/usr/bin/env python3
"""test_http_models.py - `weft serve` under each model: the HTTP tests, its stop, its log."""
import os
import re
import signal
import subprocess
import sys
import time

import served
from served import PATIENCE_S, Folder, Server, case, expect, run

MODELS = ("loop", "thread", "pool", "fork", "prefork")
PROGRAMS = ("test_http_requests.py", "test_http_files.py", "test_http_upload.py")
AT_ONCE = 4
GET = b"GET /%s HTTP/1.1\r\nHost: test\r\n\r\n"
BIG = 16 << 20  # more than the buffers of both sides hold

HERE = os.path.dirname(os.path.abspath(__file__))


class Programs:
    """The HTTP tests under all models, some at once: they wait more than they work. All at once
    would be their own slow machine."""

    started = {}

    @classmethod
    def get(cls, model, program):
        pairs = [(model, program) for model in MODELS for program in PROGRAMS]
        for pair in pairs[:pairs.index((model, program)) + AT_ONCE]:
            if pair not in cls.started:
                cls.started[pair] = subprocess.Popen(
                    [sys.executable, os.path.join(HERE, pair[1])], stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True,
                    env={**os.environ, "WEFT_TEST_MODEL": pair[0]})
        return cls.started[model, program]


def with_model(model, *options):
    """A server, in a session of its own: what is sent to its group reaches nobody else."""
    def make(folder):
        served.MODEL = model
        return Server(folder.path, *options, session=True)
    return make


def is_empty(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def await_empty(group):
    deadline = time.monotonic() + PATIENCE_S
    while not is_empty(group):
        expect(time.monotonic() < deadline, "somebody of the group still lives")
        time.sleep(0.01)


def begin_big(server):
    connection = server.connect()
    connection.send(GET % b"big")
    connection.fill()
    return connection


def begin_idle(server):
    connection = server.connect()
    connection.send(GET % b"a.txt")
    expect(connection.reply().status == 200)
    return connection


def catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        mask = re.search(r"^SigCgt:\s*(\w+)", file.read(), re.M)[1]
    return int(mask, 16) >> (number - 1) & 1


def await_stop(server, idle):
    """It has heard the signal, and, if idle is a connection, its processes have."""
    deadline = time.monotonic() + PATIENCE_S
    while catches(server.process.pid, signal.SIGINT):
        expect(time.monotonic() < deadline, "it did not hear the signal")
        time.sleep(0.01)
    if idle:
        expect(idle.at_end())


for _model in MODELS:
    for _program in PROGRAMS:

        @case(f"{_program} under {_model}")
        def _(model=_model, program=_program):
            output, _ = Programs.get(model, program).communicate()  # its cases have limits
            failed = re.sub(r"^(ok|1\.\.|# running: ).*\n", "", output, flags=re.M)
            expect(Programs.get(model, program).returncode == 0, failed)
            expect(re.search(r"^ok 20 ", output, re.M), output)


for _model in ("fiber",) + MODELS:

    @case(f"under {_model} a stop lets downloads finish, cuts them after the grace time")
    def _(model=_model):
        with Folder() as folder:
            folder.write("big", bytes(BIG))
            with with_model(model, "--grace", "30")(folder) as server:
                with begin_big(server) as connection:
                    os.killpg(server.process.pid, signal.SIGINT)
                    expect(len(connection.reply().body) == BIG)
                    expect(connection.at_end())
                # A second signal would end it at once.
                expect(server.process.wait(PATIENCE_S) == 0)
            with with_model(model, "--grace", "0.01")(folder) as server:
                with begin_big(server) as connection:
                    os.killpg(server.process.pid, signal.SIGTERM)
                    expect(server.process.wait(PATIENCE_S) == 0)
                    while connection.fill():
                        expect(len(connection.buffer) < BIG, "it was not cut")
                await_empty(server.process.pid)

    @case(f"under {_model} a second Ctrl-C ends downloads at once")
    def _(model=_model):
        with Folder() as folder:
            folder.write("big", bytes(BIG))
            folder.write("a.txt", b"a")
            server = with_model(model, "--grace", "1000")(folder)
            with begin_big(server):
                idle = begin_idle(server) if "fork" in model else None
                os.killpg(server.process.pid, signal.SIGINT)
                await_stop(server, idle)
                os.killpg(server.process.pid, signal.SIGINT)
                expect(server.process.wait(PATIENCE_S) == -signal.SIGINT)
                await_empty(server.process.pid)
            server.process.communicate()

    @case(f"under {_model} the access log has each request on a line of its own")
    def _(model=_model):
        with Folder() as folder:
            folder.write("a.txt", b"a")
            log = os.path.join(folder.top, "log")
            with with_model(model, "--access-log", log)(folder) as server:
                if model == "loop":
                    connections = [server.connect()]
                else:
                    connections = [server.connect() for _ in range(6)]
                for connection in connections:
                    connection.send((GET % b"a.txt") * 50)
                for connection in connections:
                    for _ in range(50):
                        expect(connection.reply().status == 200)
                    connection.socket.close()
            with open(log, "rb") as file:
                lines = file.read().split(b"\n")
            expect(lines.pop() == b"" and len(lines) == 50 * len(connections), len(lines))
            for line in lines:
                expect(re.fullmatch(
                    rb'127\.0\.0\.1 - - \[[^]]+\] "GET /a\.txt HTTP/1\.1" 200 1', line), line)


for _model in ("thread", "fork"):

    @case(f"under {_model} who is one too many is told so by 503")
    def _(model=_model):
        with Folder() as folder:
            folder.write("a.txt", b"a")
            folder.write("big", bytes(BIG))
            with with_model(model, "--connections", "1")(folder) as server:
                with begin_big(server):
                    for _ in range(3):
                        reply = server.get("/a.txt")
                        expect(reply.status == 503 and reply["retry-after"], reply)


sys.exit(run())
