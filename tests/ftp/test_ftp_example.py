#!/usr/bin/env python3
"""test_ftp_example.py - examples/ftp_share.c does what it says, against Python's ftplib."""
import ftplib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "io"))
from examples import build  # noqa: E402
from tap import case, expect, run  # noqa: E402


def log_in(port, *who):
    ftp = ftplib.FTP(timeout=60)
    ftp.connect("127.0.0.1", port)
    ftp.login(*who)
    return ftp


@case("ftp_share lets strangers read and one person change, until it is told to stop")
def _():
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [build("ftp_share"), folder, "anna", "secret", "127.0.0.1:0"],
            stdout=subprocess.PIPE, text=True) as server:
        port = int(re.fullmatch(r"port (\d+)\n", server.stdout.readline()).group(1))
        with log_in(port, "anna", "secret") as ftp:
            ftp.storbinary("STOR june.txt", io.BytesIO(b"Dear Ben,\n"))
        with log_in(port) as ftp:
            lines = []
            ftp.retrlines("RETR june.txt", lines.append)
            expect(lines == ["Dear Ben,"], lines)
            try:
                ftp.delete("june.txt")
                expect(False, "a stranger may remove files")
            except ftplib.error_perm:
                pass
        server.send_signal(signal.SIGTERM)
        expect(server.wait(60) == 0)
        expect(os.listdir(folder) == ["june.txt"], os.listdir(folder))


sys.exit(run())
