#!/usr/bin/env python3
"""test_man.py - the manual pages: those that are written, and those made of the headers."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDER = tempfile.TemporaryDirectory()
MAN3 = os.path.join(FOLDER.name, "man3")
WRITTEN = sorted(glob.glob(f"{HOUSE}/docs/man/*.[1-8]"))
HEADERS = sorted(os.path.basename(path)[:-2] for path in glob.glob(f"{HOUSE}/include/weft/*.h"))


def sh(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, cwd=HOUSE, timeout=120, **more)


def made():
    """The pages of section 3."""
    if not os.path.exists(MAN3):
        done = sh("tools/man3", MAN3)
        expect(done.returncode == 0 and done.stdout == "", done)
    return MAN3


def source(name):
    with open(os.path.join(made(), name + ".3"), encoding="utf-8") as file:
        return file.read()


def page_of(name):
    """The source of the page that tells of it, by one of that name if there is."""
    text = source(name)
    match = re.fullmatch(r"\.so man3/(\w+)\.3\n", text) or re.search(
        rf"^The call .*{name}.* is told of in\n\.BR (\w+) ", text, re.M)
    return source(match[1]) if match else text


def plain(text):
    """What is read of it, without blanks."""
    for mark, sign in ((r"\(aq", "'"), (r"\(ga", "`"), (r"\(ha", "^"), (r"\(ti", "~"), (r"\-", "-"),
                       (r"\&", ""), (r"\fB", ""), (r"\fP", ""), (r"\e", "\\")):
        text = text.replace(mark, sign)
    return re.sub(r"\s+", "", text)


def read_header(name):
    with open(f"{HOUSE}/include/weft/{name}.h", encoding="utf-8") as file:
        return file.read()


@case("each public header has a page, each call one that leads to its prototype")
def _():
    for name in HEADERS:
        expect(f"<weft/{name}.h>" in source("weft" if name == "weft" else "weft_" + name), name)
    with open(f"{HOUSE}/packaging/libweft.symbols", encoding="ascii") as file:
        names = re.findall(r"^ (weft_\w+)@", file.read(), re.M)
    expect(len(names) > 500)
    for name in names:
        expect(re.search(rf"[ *]{name}(\(|;|\[)", page_of(name)), name)
    for name in ("WEFT_WITH_TIMEOUT", "weft_list_each", "weft_list_init", "WEFT_KV"):
        expect(plain(page_of(name)).count(name), name)


@case("no paragraph begins where a section has begun one")
def _():
    for name in HEADERS:
        page = source("weft" if name == "weft" else "weft_" + name)
        expect(not re.search(r"^\.SH .*\n\.PP$", page, re.M), name)


@case("what a header's comments say stands in its page, word for word")
def _():
    for name in HEADERS:
        if name == "weft":
            continue
        page = plain(source("weft_" + name))
        for comment in re.findall(r"^/\*\*(.*?)\*/", read_header(name), re.M | re.S):
            for line in comment.split("\n"):
                text = re.sub(r"^(- |\* )", "", re.sub(r"^ ?\* ?", "", line).strip())
                expect(re.sub(r"\s+", "", text) in page, (name, line))


@case("structures, their fields and what is said of these are there as in the header")
def _():
    for name, text in (("scope", "int64_t deadline_ns; /* on weft_now(); INT64_MAX: none */"),
                       ("log", "const char *data; /* NULL is written as null */"),
                       ("room", "WEFT_ROOM_READ_ONLY,       /* EROFS */"),
                       ("log", "#define WEFT_LOG_LINE_MAX 4096")):
        expect(re.sub(r"\s+", "", text) in plain(source("weft_" + name)), text)


@case("no page has a fault that groff knows")
def _():
    if not shutil.which("groff"):
        raise Skip("groff is missing")
    pages = [os.path.join(made(), name) for name in os.listdir(made()) if
             not source(name[:-2]).startswith(".so ")]
    for page in WRITTEN + sorted(pages):
        done = sh("groff", "-man", "-Tutf8", "-ww", "-z", page)
        expect(done.returncode == 0 and done.stdout == "", (page, done.stdout))


@case("each page has a name and a sentence, as whatis(1) wants them")
def _():
    if not shutil.which("lexgrog"):
        raise Skip("lexgrog of man-db is missing")
    for page in WRITTEN + [os.path.join(made(), "weft_stream.3"), os.path.join(made(), "weft.3")]:
        name = os.path.basename(page).rpartition(".")[0]
        done = sh("lexgrog", page)
        expect(re.search(rf': "{re.escape(name)} - \S', done.stdout), done.stdout)


@case("a page that another names is there")
def _():
    there = {tuple(os.path.basename(path).rsplit(".", 1)) for path in WRITTEN} | \
        {(name[:-2], "3") for name in os.listdir(made())}
    for path in WRITTEN + [os.path.join(made(), "weft.3")]:
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("\\-", "-")
        for name, section in re.findall(r"^\.BR (weft[\w-]*) \((\d)\)", text, re.M):
            expect((name, section) in there, (path, name, section))


@case("the example of weft.7 compiles without a warning")
def _():
    with open(f"{HOUSE}/docs/man/weft.7", encoding="utf-8") as file:
        example = re.search(r"^\.EX\n(#include.*?)^\.EE", file.read(), re.M | re.S)[1]
    path = os.path.join(FOLDER.name, "echo.c")
    with open(path, "w", encoding="ascii") as file:
        file.write(example.replace("\\-", "-"))
    done = sh("gcc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Iinclude", path)
    expect(done.returncode == 0, done.stdout)


if __name__ == "__main__":
    sys.exit(run())
