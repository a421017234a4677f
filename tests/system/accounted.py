"""accounted.py - drives the accounts of `weft` for the tests: the command, and the API of a server.

	with State() as state, Folder() as folder, ApiServer(folder, state) as server:
		state.add("ann", "correct horse 9", "--role", "admin")
		ann = server.log_in("ann", "correct horse 9")
		expect(ann.get("/me").json["name"] == "ann")

Passwords are hashed at the least cost that is allowed, some 30 ms each: who needs no log-in makes a
token instead.
"""
import http.client
import json
import os
import shutil
import subprocess
import tempfile

from served import PATIENCE_S, WEFT, Server, expect

PASSWORD = "correct horse 9"


class State:
    """A state folder, gone afterwards."""

    def __enter__(self):
        # In memory, where there is such a place: a database syncs with every change.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.top = tempfile.mkdtemp(prefix="weft-test-", dir=memory)
        self.path = os.path.join(self.top, "state")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)

    def run(self, *arguments, text="", where=None, **variables):
        """`weft account`, to its end: on this folder, or where it is said."""
        return subprocess.run(
            [WEFT, "account", *arguments, *(where or ("--state", self.path))], input=text,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            env={**os.environ, "LC_ALL": "C", **variables}, start_new_session=True)

    def do(self, *arguments, **options):
        """The same, which has to work; what it printed."""
        done = self.run(*arguments, **options)
        expect(done.returncode == 0, f"{arguments}: {done}")
        expect(done.stderr == "", f"{arguments}: {done}")
        return done.stdout

    def facts(self, *arguments, **options):
        return json.loads(self.do(*arguments, "--json", **options))

    def add(self, name, password=PASSWORD, *options):
        return self.do("add", name, "--password-stdin", *options, text=password + "\n")

    def token(self, name, *options):
        return self.do("token", "add", name, "--label", "a test's", *options).strip()


class Answer:
    """One answer of the API."""

    def __init__(self, response):
        self.status = response.status
        self.fields = response.headers
        self.body = response.read()
        self.type = (self.fields["Content-Type"] or "").partition(";")[0]
        self.json = json.loads(self.body) if self.type.endswith("json") else None

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"

    def is_fault(self, status, word):
        return self.status == status and self.json.get("fault") == word


class Client:
    """Somebody who asks the API, each time with the same header fields."""

    def __init__(self, server, **fields):
        self.server = server
        self.fields = {name.replace("_", "-"): value for name, value in fields.items()}

    def ask(self, method, path, body=None, fields=None, prefix="/api/v1"):
        """A body that is no bytes is sent as JSON."""
        sent = dict(self.fields)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(fields or {})
        connection = http.client.HTTPConnection(
            self.server.host, self.server.port, timeout=PATIENCE_S)
        try:
            connection.request(method, prefix + path, body, {
                name: value for name, value in sent.items() if value is not None})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.ask("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.ask("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)


class ApiServer(Server):
    """`weft serve` with accounts."""

    def __init__(self, folder, state, *options):
        super().__init__(folder.path, "--state", state.path, "--hash-cost", "least", *options)

    def stranger(self):
        return Client(self)

    def bearer(self, token):
        return Client(self, Authorization="Bearer " + token)

    def browser(self, cookie):
        """What a page of the server's own sends."""
        return Client(self, Cookie=cookie, Sec_Fetch_Site="same-origin")

    def log_in(self, name, password=PASSWORD):
        answer = self.stranger().post("/sessions", {"name": name, "password": password})
        expect(answer.status == 201, answer)
        return self.browser(answer.fields["Set-Cookie"].partition(";")[0])
