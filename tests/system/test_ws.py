#!/usr/bin/env python3
"""test_ws.py - WebSocket with the Python library `websockets` at the other end, both ways,
under each model, and through a stop."""
import asyncio
import http
import os
import signal
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))

from tap import Skip, case, expect, run  # noqa: E402

sys.path.append("/usr/lib/python3/dist-packages")
try:
    import websockets
except ImportError:
    websockets = None

PEER = os.path.join(os.environ.get("WEFT_TEST_BUILD", "build/release"), "tests/system/ws_peer")
MODELS = ("fiber", "loop", "thread", "pool", "fork", "prefork")
PATIENCE_S = 60

SAMPLES = ["", "hello", "\u00fc\u20ac\U0001d11e" * 500, "x" * 200000, b"", b"\0\xff" * 70,
           bytes(range(256)) * 300, "a sentence that repeats itself, " * 5000]


class Server:
    """A server of ours."""

    def __init__(self, model, *options, pem=None):
        if websockets is None:
            raise Skip("the Python library websockets is missing")
        if not os.path.exists(PEER):
            raise Skip("it was built without wslay")
        self.process = subprocess.Popen([PEER, "serve", model, *options],
                                        stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "WEFT_PEM": pem} if pem else None)
        self.address = self.process.stdout.readline().strip()
        self.url = f"{'wss' if pem else 'ws'}://{self.address}/"
        self.is_stopped = False

    def __enter__(self):
        return self

    def stop(self):
        """Once: a second signal would end it at once."""
        if not self.is_stopped:
            self.is_stopped = True
            self.process.send_signal(signal.SIGTERM)

    def __exit__(self, kind, *_):
        self.stop()
        try:
            self.said, _ = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            expect(self.process.returncode == 0, f"it ended with {self.process.returncode}")


def play(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, PATIENCE_S))


async def exchange(peer):
    for sample in SAMPLES:
        await peer.send(sample)
        expect(await peer.recv() == sample, repr(sample[:20]))

    async def fragments():
        for number in range(200):
            yield f"fragment {number} "

    await peer.send(fragments())
    expect(await peer.recv() == "".join([f"fragment {number} " for number in range(200)]))
    await (await peer.ping(b"are you there"))


def check_model(model):
    async def talk(url, compression):
        async with websockets.connect(url, compression=compression, max_size=None,
                                      subprotocols=["echo.v1", "other"]) as peer:
            offered = peer.response_headers.get("Sec-WebSocket-Extensions", "")
            expect(("permessage-deflate" in offered) == bool(compression), offered)
            expect(peer.subprotocol == "echo.v1", peer.subprotocol)
            await exchange(peer)
            await peer.close(3456, "enough")
        expect(peer.close_code == 3456, peer.close_code)

    async def both(url):
        await talk(url, None)
        await talk(url, "deflate")

    with Server(model, "deflate") as server:
        play(both(server.url))
    expect(server.said.count("9 messages, code 3456, sent 3456, errno 0") == 2, server.said)


for name in MODELS:
    case(f"{name}: messages, fragments, pings and a close, plain and compressed")(
        lambda model=name: check_model(model))


def check_stop(model):
    async def wait(server):
        async with websockets.connect(server.url) as peer:
            await peer.send("one")
            await peer.recv()
            server.stop()
            try:
                await peer.recv()
                expect(False, "a message came")
            except websockets.ConnectionClosed as closed:
                expect(closed.rcvd.code == 1001, repr(closed))

    with Server(model) as server:
        play(wait(server))
    expect("1 messages, code 1001, sent 1001, errno 0" in server.said, server.said)


for name in MODELS:
    case(f"{name}: at a stop an idle peer is told 1001")(
        lambda model=name: check_stop(model))


@case("every way to compress that the library can ask for is met")
def _():
    async def talk(url):
        for ours in (None, 9, 10, 15):
            for theirs in (None, True, 9, 15):
                for resets in (False, True):
                    factory = websockets.extensions.permessage_deflate
                    offer = factory.ClientPerMessageDeflateFactory(
                        server_no_context_takeover=resets, client_no_context_takeover=resets,
                        server_max_window_bits=ours, client_max_window_bits=theirs)
                    async with websockets.connect(url, extensions=[offer], compression=None,
                                                  max_size=None) as peer:
                        await exchange(peer)

    with Server("fiber", "deflate") as server:
        play(talk(server.url))


@case("a hundred peers at once get their own messages back")
def _():
    async def one(url, number):
        async with websockets.connect(url) as peer:
            for turn in range(20):
                await peer.send(f"{number} says {turn}")
                expect(await peer.recv() == f"{number} says {turn}")

    async def all_of_them(url):
        await asyncio.gather(*[one(url, number) for number in range(100)])

    with Server("fiber", "deflate") as server:
        play(all_of_them(server.url))


# ---- Our client ---------------------------------------------------------------------------------

async def visit(handler, *options, pem=None, trusts=True, **server_options):
    """Let our client visit a server of theirs; what it said."""
    context = None
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    async with websockets.serve(handler, "127.0.0.1", 0, max_size=None, ssl=context,
                                **server_options) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(
            PEER, "connect", f"{'wss' if pem else 'ws'}://127.0.0.1:{port}/", *options,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "WEFT_PEM": pem} if pem and trusts else None)
        said, _ = await client.communicate()
        return said.decode()


def need_library():
    if websockets is None or not os.path.exists(PEER):
        raise Skip("the Python library websockets, or wslay, is missing")


@case("our client sends back what their server says, plain and compressed")
def _():
    need_library()

    async def handler(peer, *_):
        await exchange(peer)
        await peer.close(1000, "thank you")

    async def both():
        said = await visit(handler, subprotocols=["echo"])
        expect('protocol "echo", plain' in said, said)
        expect("9 messages, code 1000, sent 1000, errno 0" in said, said)
        said = await visit(handler, "deflate")
        expect("compressing" in said, said)
        expect("9 messages, code 1000, sent 1000, errno 0" in said, said)

    play(both())


# ---- By TLS ------------------------------------------------------------------------------------


def make_pem(folder):
    """A certificate for 127.0.0.1 and its key, in one file."""
    path = os.path.join(folder, "both.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", path, "-out", path + ".cert", "-days", "5", "-subj", "/CN=here",
         "-addext", "subjectAltName=IP:127.0.0.1"], capture_output=True, check=True)
    with open(path, "a", encoding="ascii") as both, open(path + ".cert", encoding="ascii") as one:
        both.write(one.read())
    return path


@case("by TLS the library talks to our server, and our client to the library's")
def _():
    need_library()

    async def handler(peer, *_):
        await exchange(peer)
        await peer.close(1000, "thank you")

    async def talk(url, pem):
        context = ssl.create_default_context(cafile=pem)
        async with websockets.connect(url, ssl=context, max_size=None) as peer:
            await exchange(peer)
            await peer.close(3456, "enough")

    async def be_visited(pem):
        said = await visit(handler, "deflate", pem=pem)
        expect("compressing" in said and "9 messages, code 1000, sent 1000, errno 0" in said, said)
        said = await visit(handler, pem=pem, trusts=False)
        expect("not connected, status 0" in said, said)

    with tempfile.TemporaryDirectory() as folder:
        pem = make_pem(folder)
        for model in ("fiber", "thread"):
            with Server(model, "deflate", pem=pem) as server:
                play(talk(server.url, pem))
            expect("9 messages, code 3456, sent 3456, errno 0" in server.said, server.said)
        play(be_visited(pem))


@case("what our client gets from a server that says no, or falls silent in the middle")
def _():
    need_library()

    async def refuse(*_):
        return http.HTTPStatus.FORBIDDEN, [], b"no\n"

    async def drop(peer, *_):
        await peer.send("one")
        await peer.recv()
        peer.transport.abort()

    async def both():
        said = await visit(drop, process_request=refuse)
        expect("not connected, status 403" in said, said)
        said = await visit(drop)
        expect("1 messages, code 1006, sent 0, errno 104" in said, said)

    play(both())


sys.exit(run())
