#!/usr/bin/env python3
"""test_check.py - tools/check counts cases truly, whatever way a test goes wrong."""
import os
import shutil
import subprocess
import sys
import tempfile

from tap import case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MAKEFILE = "%:\n\t@true\nall test-binaries fuzz-replay:\n\t@$(BUILD_STATUS)\n"

WAITS = "# check:" + " waits\n"  # said in one piece it would be said of this test


def check(*scripts, build="true", **more):
    """Run tools/check in a tree of nothing but these scripts: (status, output)."""
    with tempfile.TemporaryDirectory() as tree:
        os.makedirs(f"{tree}/tests/sample")
        os.mkdir(f"{tree}/tools")
        shutil.copy(f"{HOUSE}/tools/check", f"{tree}/tools/check")
        with open(f"{tree}/Makefile", "w", encoding="utf-8") as file:
            file.write(MAKEFILE)
        for number, text in enumerate(scripts):
            with open(f"{tree}/tests/sample/test_{number}.sh", "w", encoding="utf-8") as file:
                file.write(text + "\n")
        environ = dict(os.environ, VARIANTS="release", BUILD_STATUS=build, **more)
        done = subprocess.run([f"{tree}/tools/check"], env=environ, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=200)
        return done.returncode, done.stdout


def counts(expected, *scripts, **more):
    status, said = check(*scripts, **more)
    last = said.splitlines()[-1]
    expect(last == expected, said)
    expect((status == 0) == (" 0 failed" in expected), said)
    return said


@case("all passed")
def _():
    counts("3 passed, 0 failed", "echo 1..2; echo ok 1; echo ok 2 - two", "echo 1..1; echo ok 1")


@case("a failed case is counted and shown with what it said")
def _():
    said = counts("1 passed, 1 failed",
                  "echo 1..2; echo ok 1; echo '# because'; echo not ok 2 - two; exit 1")
    expect("# because\nnot ok 2 - two" in said, said)


@case("at the end stands what failed, in short: cases, what they said, which did not end")
def _():
    said = counts("1 passed, 4 failed", "echo 1..1; echo '# running: one'; echo ok 1 - one",
                  "echo 1..2; echo '# running: two'; echo '# because'; echo not ok 1 - two;"
                  "echo '# running: three'; echo '# on the way'; exit 124",
                  "echo 1..1; echo oh no >&2; exit 3",
                  "echo 1..1; seq -f '# line %g' 100; echo not ok 1 - long; exit 1")
    digest = said.split("in short:\n")[1].splitlines()
    expect(len(digest) <= 33, said)
    for line in ("release:tests/sample/test_1.sh (exit status 124)", "  not ok 1 - two",
                 "    # because", "  did not end: three", "    # on the way",
                 "release:tests/sample/test_2.sh (exit status 3)", "    oh no",
                 "  not ok 1 - long", "    # line 100"):
        expect(line in digest, (line, said))
    expect("    # line 50" not in digest and "one" not in said.split("in short:")[1], said)
    expect("in short" not in check("echo 1..1; echo ok 1")[1])


@case("a script's case that does not end fails by its name, and says where it waits")
def _():
    with open(f"{HOUSE}/tests/tools/tap.py", encoding="utf-8") as file:
        tap = file.read()
    script = ("mkdir -p tests/tools; cat >tests/tools/tap.py <<'END'\n" + tap + "END\n"
              "cat >tests/sample/slow.py <<'END'\nimport subprocess, sys\n"
              "sys.path.insert(0, 'tests/tools')\nfrom tap import case, run\n"
              "@case('one')\ndef _():\n    try:\n        subprocess.run(['sleep', '1000'])\n"
              "    except Exception: pass\n"
              "@case('two')\ndef _(): pass\nsys.exit(run())\nEND\n"
              "CHECK_LIMIT_S=5 python3 tests/sample/slow.py")
    said = counts("1 passed, 1 failed", script)
    digest = said.split("in short:\n")[1]
    for line in ("not ok 1 - one", "slow.py:7: subprocess.run(['sleep', '1000'])",
                 ": sleep 1000"):
        expect(line in digest, (line, said))


@case("what a failing test wrote to stderr is shown")
def _():
    said = counts("0 passed, 1 failed", "echo 1..1; echo oh no >&2; echo not ok 1; exit 1")
    expect("oh no" in said, said)


@case("cases that a crash left out are failures")
def _():
    counts("1 passed, 2 failed", "echo 1..3; echo ok 1; kill -SEGV $$")


@case("a crash before the first line is a failure")
def _():
    counts("0 passed, 1 failed", "kill -SEGV $$")


@case("a bad end after good cases is a failure")
def _():
    counts("1 passed, 1 failed", "echo 1..1; echo ok 1; exit 3")


@case("more cases than planned is a failure")
def _():
    counts("2 passed, 1 failed", "echo 1..1; echo ok 1; echo ok 2")


@case("no plan is a failure")
def _():
    counts("1 passed, 1 failed", "echo ok 1")


@case("skipped cases and files are told apart")
def _():
    counts("1 passed, 0 failed, 2 skipped",
           "echo 1..2; echo ok 1; echo 'ok 2 # SKIP no such kernel'", "echo '1..0 # SKIP all'")


@case("a test that waits runs beside the others, and is counted like them")
def _():
    # Each is only done when it has seen the other one running.
    meet = "touch %s; n=0; until [ -e %s ] || [ $((n += 1)) -gt 3000 ]; do sleep 0.01; done; " \
           "[ -e %s ] && echo 1..1 && echo ok 1"
    counts("2 passed, 0 failed", meet % ("a", "b", "b"),
           WAITS + meet % ("b", "a", "a"), JOBS="1")
    counts("1 passed, 1 failed", "echo 1..1; echo ok 1", "# check: waits\necho 1..1; echo not ok 1")


@case("a build that fails is a failure")
def _():
    counts("1 passed, 1 failed", "echo 1..1; echo ok 1", build="false")


@case("a test finds the build folder in WEFT_BUILD")
def _():
    counts("1 passed, 0 failed", 'echo 1..1; [ "$WEFT_BUILD" = "$PWD/build" ] && echo ok 1')


if __name__ == "__main__":
    sys.exit(run())
