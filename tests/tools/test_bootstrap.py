#!/usr/bin/env python3
"""test_bootstrap.py - tools/bootstrap asks for what is missing, and for nothing else.

The machine is made of stand-ins: PATH holds only what a case puts there, and sudo
writes down what it was asked to do instead of doing it.
"""
import os
import subprocess
import sys
import tempfile

from tap import Skip, case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SUDO = '#!/bin/sh\necho "$*" >>"$LOG"\ncase "$*" in *install*) exit ${INSTALL_STATUS:-0};; esac\n'
TOOLS = {
    "id": "#!/bin/sh\necho 1000\n",
    "uname": "#!/bin/sh\necho x86_64\n",
    "apt-get": "#!/bin/sh\nexit 99\n",
    "sudo": SUDO,
}
COMPILER = ("make", "gcc", "esbuild")
CHECKERS = ("prove", "python3", "curl", "openssl", "nc", "socat", "logger", "unshare", "clang",
            "g++", "gdb", "valgrind", "unzip", "tmux", "eatmydata", "ip", "qemu-aarch64",
            "aarch64-linux-gnu-gcc")
PASSED_ON = ("mktemp", "rm", "tail")


def machine(*commands, without=(), goal="run", **environ):
    """Run the bootstrap where only these commands exist: (status, output, what sudo did)."""
    with tempfile.TemporaryDirectory() as folder:
        bin_folder, log = os.path.join(folder, "bin"), os.path.join(folder, "log")
        os.mkdir(bin_folder)
        for name in PASSED_ON:
            os.symlink(f"/bin/{name}", os.path.join(bin_folder, name))
        scripts = {name: text for name, text in TOOLS.items() if name not in without}
        scripts.update({name: "#!/bin/sh\nexit 1\n" for name in commands})
        for name, text in scripts.items():
            with open(os.path.join(bin_folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(os.path.join(bin_folder, name), 0o755)
        done = subprocess.run(["/bin/sh", f"{HOUSE}/tools/bootstrap", goal],
                              env=dict(environ, PATH=bin_folder, LOG=log, TMPDIR=folder),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=200)
        did = ""
        if os.path.exists(log):
            with open(log, encoding="utf-8") as file:
                did = file.read()
        return done.returncode, done.stdout, did


def installed(did):
    for line in did.splitlines():
        if " install " in line:
            return set(line.split(" install ")[1].split())
    return set()


@case("says and does nothing when nothing is missing")
def _():
    status, said, did = machine(*COMPILER)
    expect((status, said, did) == (0, "", ""), (status, said, did))


@case("installs what is missing through sudo, and says so first")
def _():
    status, said, did = machine("make", "esbuild")
    expect(status == 0, said)
    expect(installed(did) == {"gcc"}, did)
    expect("gcc" in said.splitlines()[0], said)
    expect("--no-install-recommends" in did, did)


@case("make run asks for no test tools, make check does")
def _():
    _, _, did = machine("make", "esbuild", goal="run")
    expect("perl" not in did, did)
    _, _, did = machine("make", "esbuild", goal="check")
    expect({"gcc", "perl", "python3"} <= installed(did), did)


@case("make install asks for what makes its manual, and for what finds it, and for no test tools")
def _():
    _, _, did = machine(*COMPILER, goal="install")
    expect({"python3", "pkgconf"} <= installed(did) and "perl" not in did, did)
    _, _, did = machine(*COMPILER, "python3", "pkg-config", goal="install")
    expect(not {"python3", "pkgconf"} & installed(did), did)


@case("gives up with a clear line when the packages can't be installed")
def _():
    status, said, _ = machine("make", "esbuild", INSTALL_STATUS="100")
    expect(status == 1 and "could not install" in said, said)


@case("tells the command to run when there is no sudo")
def _():
    status, said, did = machine("make", "esbuild", without=("sudo",))
    expect(status == 1 and "apt-get update && apt-get install gcc" in said and did == "", said)
    expect("installing" not in said, said)


@case("names what is missing where there is no apt-get")
def _():
    status, said, _ = machine("make", "esbuild", without=("apt-get",))
    expect(status == 1 and said.rstrip().endswith("gcc"), said)


@case("make check goes on without a browser where there is none to be had")
def _():
    status, said, did = machine(*COMPILER, *CHECKERS, goal="check", INSTALL_STATUS="100")
    if "could not install them" in said:
        raise Skip("this machine lacks libraries that make check wants")
    expect(status == 0 and said.count("tests are skipped") == 3, said)
    expect("install chromium" in did and "install npm" in did, did)
    status, said, _ = machine(*COMPILER, *CHECKERS, goal="check", without=("sudo",))
    expect((status, said) == (0, ""), (status, said))


@case("what the page can go without is no reason to end")
def _():
    status, said, did = machine("make", "gcc", INSTALL_STATUS="100")
    if "could not install them" in said:
        raise Skip("this machine lacks libraries that make run wants")
    expect(status == 0 and "as they are written" in said and "install esbuild" in did, said)


@case("refuses a goal it does not know")
def _():
    status, said, _ = machine(*COMPILER, goal="lunch")
    expect(status == 1 and "lunch" in said, said)


if __name__ == "__main__":
    sys.exit(run())
