"""typed.py - a program at a terminal of its own, and who types there.

	with Terminal(WEFT, "ftp", place) as typed:
		typed.until("ftp /> ")
		typed.type("quit\\n")
		expect(typed.end() == 0, typed.seen)

Never: a wait without an end, or one that does not say what it waited for and what came instead.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from served import PATIENCE_S, expect


class Terminal:
    """The program; `all` is what it has shown, `seen` what until() has not passed yet."""

    def __init__(self, *command, cwd=".", env=None, width=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 25, width, 0, 0))
                os.execve(command[0], command, env or os.environ)
            finally:
                os._exit(127)  # pylint: disable=protected-access
        self.seen = self.all = ""
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def receive(self, deadline, awaited):
        """Something more; False where nobody has the terminal open any more."""
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        expect(ready, f"{awaited} never came: {self.all!r}")
        try:
            some = os.read(self.fd, 65536).decode(errors="replace")
        except OSError:
            return False
        self.seen += some
        self.all += some
        return True

    def match(self, pattern):
        """Wait for it, and forget it with all that is before it."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.seen)):
            expect(self.receive(deadline, repr(pattern)),
                   f"it ended before {pattern!r}: {self.all!r}")
        self.seen = self.seen[found.end():]
        return found

    def until(self, text):
        """The same for a text: what was before it."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            expect(self.receive(deadline, repr(text)), f"it ended before {text!r}: {self.all!r}")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def mode(self, flag):
        """Whether the terminal has that of its local modes: termios.ECHO, termios.ICANON."""
        return bool(termios.tcgetattr(self.fd)[3] & flag)

    def until_mode(self, flag, is_on):
        deadline = time.monotonic() + PATIENCE_S
        while self.mode(flag) != is_on:
            expect(time.monotonic() < deadline,
                   f"the terminal's mode {flag:#o} never became {is_on}: {self.all!r}")
            time.sleep(0.005)

    def end(self):
        """Its exit status, when it has ended; what it still says is in `all`."""
        deadline = time.monotonic() + PATIENCE_S
        while self.receive(deadline, "its end"):
            pass
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
            expect(time.monotonic() < deadline, f"it never ended: {self.all!r}")
            time.sleep(0.005)
