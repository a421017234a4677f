"""uploading.py - sends files to `weft serve` for the tests, and looks at what is there.

Never: a look at the folder through the server that is tested.
"""
import os

from served import Folder, Server, expect


class Upload:
    """A folder, and a server that takes files into it."""

    def __init__(self, *options, server=Server):
        self.folder = Folder()
        self.options = options or ("--allow-upload",)
        self.make = server

    def __enter__(self):
        self.folder.__enter__()
        self.server = self.make(self.folder.path, *self.options).__enter__()
        return self

    def __exit__(self, kind, *rest):
        try:
            self.server.__exit__(kind, *rest)
            if kind is None:
                expect(".weft-upload" not in os.listdir(self.folder.path), "something stayed")
        finally:
            self.folder.__exit__()

    def ask(self, method, target, *fields, body=None):
        """One request; a body has its length."""
        target = target.encode() if isinstance(target, str) else target
        fields = [field.encode() if isinstance(field, str) else field for field in fields]
        if body is not None:
            fields.append(b"Content-Length: %d" % len(body))
        with self.server.connect() as connection:
            connection.send(b"".join([
                b"%s %s HTTP/1.1\r\nHost: %s\r\n" % (
                    method.encode(), target, self.server.address.encode()),
                *[field + b"\r\n" for field in fields], b"\r\n", body or b""]))
            reply = connection.reply(head_only=method == "HEAD")
            if reply.status == 204:
                expect("content-length" not in reply.fields)
            return reply

    def put(self, target, body, *fields):
        return self.ask("PUT", target, *fields, body=body)

    def post(self, target, parts, *fields):
        """A form of (name, filename or None, content)."""
        return self.ask("POST", target, "Content-Type: multipart/form-data; boundary=XX", *fields,
                        body=form(parts))

    def move(self, source, target, *fields):
        return self.ask("MOVE", source, f"Destination: {target}", *fields)

    def names(self, path=""):
        """All that is in the folder but the place for what has no name yet, which is empty."""
        names = os.listdir(os.path.join(self.folder.path, path))
        if ".weft-upload" in names:
            expect(os.listdir(os.path.join(self.folder.path, ".weft-upload")) == [], "a leftover")
            names.remove(".weft-upload")
        return sorted(names)

    def content(self, name):
        with open(self.folder.at(name), "rb") as file:
            return file.read()


def form(parts):
    """multipart/form-data as browsers send it, with the boundary "XX"."""
    body = b""
    for name, filename, content in parts:
        more = b"" if filename is None else b'; filename="%s"' % os.fsencode(
            filename.replace('"', "%22"))
        body += b'--XX\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
            name.encode(), more, content)
    return body + b"--XX--\r\n"
