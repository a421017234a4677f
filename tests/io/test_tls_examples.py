#!/usr/bin/env python3
"""test_tls_examples.py - examples/tls_*.c do what they say, against openssl and Python."""
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(__file__))
from examples import build, listening, path, sh  # noqa: E402
from tap import case, expect, run  # noqa: E402


def make_pair():
    if not os.path.exists(path("cert.pem")):
        done = sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-keyout", path("key.pem"), "-out",
                  path("cert.pem"), "-subj", "/CN=localhost", "-addext",
                  "subjectAltName=DNS:localhost")
        expect(done.returncode == 0, done.stderr)


@case("tls_echo_server talks to openssl s_client")
def _():
    make_pair()
    with listening("tls_echo_server", path("cert.pem"), path("key.pem")) as address:
        done = sh("openssl", "s_client", "-connect", address, "-servername", "localhost",
                  "-verify_hostname", "localhost", "-verify_return_error", "-brief",
                  "-CAfile", path("cert.pem"), input="")
        expect("Verification: OK" in done.stderr, done.stderr)


@case("tls_echo_server says what is wrong with its files")
def _():
    done = sh(build("tls_echo_server"), "/nothing.pem", path("key.pem"))
    expect(done.returncode != 0 and "/nothing.pem: No such file" in done.stderr, done.stderr)


class Page(http.server.BaseHTTPRequestHandler):
    """One page, and no log."""
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a page of Python's")
        self.connection.unwrap()  # http.server itself says no goodbye

    def log_message(self, *_):
        pass


@case("tls_get fetches from a server it can trust, and from no other")
def _():
    make_pair()
    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("cert.pem"), path("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = "localhost:%d" % server.server_address[1]
    done = sh(build("tls_get"), host, "/", path("cert.pem"))
    expect(done.returncode == 0 and done.stdout.endswith("a page of Python's"), done)
    expect("TLSv1.3" in done.stderr and "CN=localhost" in done.stderr, done.stderr)
    done = sh(path("tls_get"), host, "/")
    expect(done.returncode != 0 and "signed by itself" in done.stderr, done.stderr)
    done = sh(path("tls_get"), host.replace("localhost", "127.0.0.1"), "/", path("cert.pem"))
    expect(done.returncode != 0 and
           "the certificate is for localhost, not for 127.0.0.1" in done.stderr, done.stderr)


@case("tls_get says what a server objects to after the handshake")
def _():
    make_pair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("cert.pem"), path("key.pem"))
    context.load_verify_locations(path("cert.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = "localhost:%d" % listener.getsockname()[1]
        client = subprocess.Popen([build("tls_get"), host, "/", path("cert.pem")],
                                  stderr=subprocess.PIPE, text=True)
        peer, _ = listener.accept()
        # Closed with bytes of the client's unread it would reset, and take the alert away.
        with peer.dup() as open_still:
            try:
                context.wrap_socket(peer, server_side=True)
                expect(False, "a client without a certificate was let in")
            except ssl.SSLError:
                pass
            said = client.communicate(timeout=60)[1]
            open_still.close()
    expect("needs a certificate" in said, said)


if __name__ == "__main__":
    sys.exit(run())
