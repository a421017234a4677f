#!/usr/bin/env python3
"""test_install.py - what `make install` leaves is enough to build and run programs with."""
import glob
import os
import re
import subprocess
import sys
import tempfile

import tap
from tap import case, expect, run

# 180 compilations in one case, half a minute of work: two minutes and more on a busy machine.
tap.CASE_LIMIT_S = max(tap.CASE_LIMIT_S, 600)

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
STAGE = tempfile.TemporaryDirectory()
ROOT = os.path.join(STAGE.name, "opt", "weft")
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
HEADERS = sorted(os.path.basename(path) for path in glob.glob(f"{HOUSE}/include/weft/*.h"))

# Uses what a first program uses: the runtime, and a socket of its own.
PROGRAM = """
#include <weft/fiber.h>
#include <stdio.h>
static int body(void *arg)
{
	(void)arg;
	weft_yield();
	puts("from a fiber");
	return 7;
}
int main(void)
{
	return weft_run(NULL, body, NULL) == 7 ? 0 : 1;
}
"""

# The macros in all their forms: no extension of a compiler is asked of who uses them.
MACROS = """
#include <weft/weft.h>
static struct weft_lock lock = WEFT_LOCK_INIT;
static struct weft_sem sem = WEFT_SEM_INIT(1);
int main(void)
{
	struct weft_select_case cases[] = {WEFT_SELECT_TIMER(1), WEFT_SELECT_FD(-1, 1)};

	weft_log(WEFT_LOG_DEBUG, "only a message");
	weft_log(WEFT_LOG_DEBUG, "fields", WEFT_KV("n", 1), WEFT_KV_ERRNO(1));
	weft_log_to(weft_logger_default(), WEFT_LOG_DEBUG, "only a message");
	weft_log_to(weft_logger_default(), WEFT_LOG_DEBUG, "a field", WEFT_KV("n", 1));
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(1))
		weft_lock_acquire(&lock);
	WEFT_SHIELDED {
		weft_sem_acquire(&sem);
	}
	return (int)weft_select(cases, 2);
}
"""


def sh(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, cwd=HOUSE, timeout=240, **more)
    return done.returncode, done.stdout


def make(*goals):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return sh("make", *goals, env=environ)


def compile_program(source, output, *more):
    return sh("gcc", "-std=gnu17", *WARNINGS, "-pthread", f"-I{ROOT}/include", source, "-o", output,
              *more)


@case("make install fills PREFIX below DESTDIR")
def _():
    status, said = make("install", f"DESTDIR={STAGE.name}", "PREFIX=/opt/weft")
    expect(status == 0, said)
    for path in ["bin/weft", "lib/libweft.a", "lib/libweft.so", "lib/pkgconfig/weft.pc",
                 "share/man/man1/weft-serve.1", "share/man/man7/weft.7",
                 "share/bash-completion/completions/weft", "share/zsh/site-functions/_weft",
                 "share/fish/vendor_completions.d/weft.fish", "share/man/man3/weft_stream.3",
                 "share/man/man3/weft_spawn.3"]:
        expect(os.path.exists(f"{ROOT}/{path}"), path)
    expect(sorted(os.listdir(f"{ROOT}/include/weft")) == HEADERS)


@case("make install begins with what is missing; who packs, by DESTDIR, gets nothing installed")
def _():
    status, said = make("-n", "install", "PREFIX=/nowhere")
    expect(status == 0 and said.index("tools/bootstrap install") < said.index("install -d"), said)
    status, said = make("-n", "install", "PREFIX=/nowhere", f"DESTDIR={STAGE.name}")
    expect(status == 0 and "bootstrap" not in said and "install -d" in said, said)


@case("where the manual can't be made, make install fails before it copies anything")
def _():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/bin")
        with open(f"{folder}/bin/python3", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho no python >&2\nexit 127\n")
        os.chmod(f"{folder}/bin/python3", 0o755)
        path = f"PATH={folder}/bin:{os.environ['PATH']}"
        status, said = make("install", f"DESTDIR={folder}/root", path)
        expect(status != 0 and "no python" in said, said)
        expect(not os.path.exists(f"{folder}/root"), said)


@case("libweft.so is found by its soname, through links")
def _():
    _, said = sh("readelf", "-d", f"{ROOT}/lib/libweft.so")
    soname = re.search(r"SONAME.*\[(.*)\]", said).group(1)
    expect(re.fullmatch(r"libweft\.so\.\d+", soname), soname)
    real = os.path.realpath(f"{ROOT}/lib/libweft.so")
    expect(os.path.realpath(f"{ROOT}/lib/{soname}") == real)
    expect(os.path.basename(real).startswith(soname + "."), real)


@case("weft.pc names the installed folders and no build folder")
def _():
    with open(f"{ROOT}/lib/pkgconfig/weft.pc", encoding="utf-8") as file:
        text = file.read()
    expect("prefix=/opt/weft\n" in text and "libdir=/opt/weft/lib\n" in text, text)
    expect("@" not in text and STAGE.name not in text, text)


@case("a program that is built by weft.pc finds a library where the loader does not look")
def _():
    with tempfile.TemporaryDirectory() as folder:
        status, said = make("install-files", f"PREFIX={folder}/it", f"MAN3={ROOT}/share/man/man3")
        expect(status == 0 and f'PKG_CONFIG_PATH="{folder}/it/lib/pkgconfig"' in said, said)
        environ = dict(os.environ, PKG_CONFIG_PATH=f"{folder}/it/lib/pkgconfig")
        status, said = sh("pkg-config", "--cflags", "--libs", "weft", env=environ)
        expect(status == 0, said)
        program_runs("elsewhere", *said.split())


def private_libs():
    """What a static link needs besides, as weft.pc says."""
    with open(f"{ROOT}/lib/pkgconfig/weft.pc", encoding="utf-8") as file:
        return re.search(r"^Libs\.private:(.*)$", file.read(), re.M).group(1).split()


def program_runs(name, *link, **more):
    source, output = f"{STAGE.name}/{name}.c", f"{STAGE.name}/{name}"
    with open(source, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    status, said = compile_program(source, output, *link)
    expect(status == 0, said)
    status, said = sh(output, **more)
    expect(status == 0 and said == "from a fiber\n", said)


@case("a program builds against the installed static library and runs")
def _():
    program_runs("static", f"{ROOT}/lib/libweft.a", *private_libs())


@case("a program builds against the installed shared library and runs")
def _():
    environ = dict(os.environ, LD_LIBRARY_PATH=f"{ROOT}/lib")
    program_runs("shared", f"-L{ROOT}/lib", "-lweft", env=environ)


@case("the examples build against what is installed, without a warning")
def _():
    for source in sorted(glob.glob(f"{HOUSE}/examples/*.c")):
        output = f"{STAGE.name}/{os.path.basename(source)[:-2]}"
        status, said = compile_program(
            source, output, f"{ROOT}/lib/libweft.a", *private_libs())
        expect(status == 0, said)


C = (["gcc", "-std=c17"], ["clang", "-std=c17"])
CPLUSPLUS = (["g++", "-x", "c++", "-std=c++17"], ["clang++", "-x", "c++", "-std=c++17"])


def compile_strictly(source, language):
    status, said = sh(*language, *WARNINGS, "-pedantic", "-fsyntax-only", f"-I{ROOT}/include",
                      source)
    expect(status == 0, f"{language[0]}:\n{said}")


def includes(*headers):
    source = f"{STAGE.name}/includes.c"
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(f"#include <weft/{header}>\n" for header in headers)
        file.write("extern int unused;\n")
    return source


@case("each public header compiles alone, as C17 and as C++17 to the letter")
def _():
    for header in HEADERS:
        for language in C[0], CPLUSPLUS[0]:
            compile_strictly(includes(header), language)


@case("all public headers together are to the letter for each compiler")
def _():
    for language in C + CPLUSPLUS:
        compile_strictly(includes(*HEADERS), language)


@case("the macros are C17 to the letter")
def _():
    source = f"{STAGE.name}/macros.c"
    with open(source, "w", encoding="utf-8") as file:
        file.write(MACROS)
    for language in C:
        compile_strictly(source, language)


def exported():
    _, said = sh("nm", "-D", "--defined-only", f"{ROOT}/lib/libweft.so")
    # Without their version, which is a symbol of its own.
    return {line.split()[-1].partition("@")[0] for line in said.splitlines()
            if line.split()[-2] != "A"}


@case("libweft.so exports what the public headers declare, all of it and no more")
def _():
    declared = set()
    for header in HEADERS:
        with open(f"{HOUSE}/include/weft/{header}", encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
        text = re.sub(r"^\s*#.*(\\\n.*)*", "", text, flags=re.MULTILINE)
        for declaration in re.findall(r"WEFT_API\b([^;{]*)", text):
            declared.add(re.search(r"\b(weft_\w+)\s*(?:\(|\[|$)", declaration.strip()).group(1))
    expect(exported() - declared == set(), f"not declared: {sorted(exported() - declared)}")
    expect(declared - exported() == set(), f"not there: {sorted(declared - exported())}")


@case("libweft.a takes no name outside weft_")
def _():
    _, said = sh("nm", "-g", "--defined-only", f"{ROOT}/lib/libweft.a")
    names = {line.split()[-1] for line in said.splitlines() if len(line.split()) == 3}
    others = sorted(name for name in names if not name.startswith("weft_"))
    expect(others == [], others)


@case("a second make has nothing to do")
def _():
    status, said = make()
    expect(status == 0 and not re.search(r"^  [A-Z]+ ", said, re.MULTILINE), said)


@case("make help lists what a newcomer needs")
def _():
    _, said = make("help")
    for goal in ("run", "check", "bench", "fuzz", "lint", "format", "install", "help"):
        expect(re.search(rf"^  make {goal} +\S", said, re.MULTILINE), goal)


if __name__ == "__main__":
    sys.exit(run())
