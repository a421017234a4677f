#!/usr/bin/env python3
"""test_abi.py - programs that were linked with an earlier libweft.so run with this one."""
import os
import subprocess
import sys
import tempfile

from tap import case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDER = tempfile.TemporaryDirectory()


def sh(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, cwd=HOUSE, timeout=120)
    return done.returncode, done.stdout


def abi(*words):
    return sh(os.path.join(HOUSE, "tools", "abi"), *words)


def library(name, source, soname="libweft.so.1"):
    """A library of its own that shows what weft's map lets it."""
    path = os.path.join(FOLDER.name, name)
    with open(path + ".c", "w", encoding="ascii") as file:
        file.write(source)
    status, said = sh("gcc", "-shared", "-fPIC", path + ".c", f"-Wl,-soname={soname}",
                      "-Wl,--version-script=packaging/libweft.map", "-o", path)
    expect(status == 0, said)
    return path


@case("libweft.so still has every call that it ever had")
def _():
    status, said = abi()
    for line in said.splitlines():
        print("#", line)
    expect(status == 0, said)


@case("each call has its version, and nothing else is shown")
def _():
    path = library("one.so", "int weft_one; void weft_two(void) {} void other(void) {}"
                             "int WEFT_0; void weftless(void) {}")
    _, said = sh("nm", "-D", "--defined-only", path)
    names = sorted(line.split()[-1] for line in said.splitlines())
    expect(names == ["WEFT_1.0", "weft_one@@WEFT_1.0", "weft_two@@WEFT_1.0"], names)
    _, said = sh("nm", "-D", "--defined-only", os.path.join(HOUSE, "build", "libweft.so"))
    others = [line for line in said.splitlines()
              if not (line.split()[-1].startswith("weft_") and "@@WEFT_" in line)]
    expect([line.split()[-1] for line in others] == ["WEFT_1.0"], others)


@case("what is gone is told, what is new is added, and what was there stays as it was")
def _():
    listed = os.path.join(FOLDER.name, "symbols")
    two = library("two.so", "int weft_one(void) { return 1; } int weft_two(void) { return 2; }")
    expect(abi("--write", two, listed) == (0, ""))
    with open(listed, encoding="ascii") as file:
        text = file.read()
    expect(text.startswith("libweft.so.1 libweft1 #MINVER#\n weft_one@WEFT_1.0 "), text)
    with open(listed, "w", encoding="ascii") as file:
        file.write(text.replace("weft_one@WEFT_1.0 ", "weft_one@WEFT_1.0 0.0."))
    other = library("three.so", "int weft_one(void) { return 1; } int weft_six(void) { return 6; }")
    status, said = abi(other, listed)
    expect(status == 1 and "gone: weft_two@WEFT_1.0, " in said and "new: weft_six@" in said, said)
    expect(abi("--write", other, listed)[0] == 1)
    with open(listed, encoding="ascii") as file:
        lines = file.read().splitlines()
    expect([line.split()[0].partition("@")[0] for line in lines[1:]] ==
           ["weft_one", "weft_six", "weft_two"], lines)
    expect(" 0.0." in lines[1], lines)


@case("another soname needs another list")
def _():
    listed = os.path.join(FOLDER.name, "of-soname")
    expect(abi("--write", library("four.so", "int weft_one;"), listed)[0] == 0)
    status, said = abi(library("five.so", "int weft_one;", "libweft.so.9"), listed)
    expect(status == 1 and "libweft.so.9" in said, said)


@case("a program is linked with the versions, not with bare names")
def _():
    path = os.path.join(FOLDER.name, "user")
    with open(path + ".c", "w", encoding="ascii") as file:
        file.write("#include <weft/fiber.h>\nint main(void) { weft_yield(); return 0; }\n")
    status, said = sh("gcc", "-Iinclude", path + ".c", "-Lbuild", "-lweft", "-pthread", "-o", path)
    expect(status == 0, said)
    _, said = sh("nm", "-D", "--undefined-only", path)
    expect("weft_yield@WEFT_1.0" in said, said)


if __name__ == "__main__":
    sys.exit(run())
