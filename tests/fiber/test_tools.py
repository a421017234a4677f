#!/usr/bin/env python3
"""test_tools.py - C++ exceptions inside a fiber, and what gdb sees of one.

Each case builds a small program against libweft.a and is skipped where its tool is missing.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))

from tap import Skip, case, expect, run  # noqa: E402  pylint: disable=wrong-import-position

URING = ["-luring"] if os.path.exists("/usr/include/liburing.h") else []
BUILD = os.environ.get("WEFT_BUILD", "build")
IS_PLAIN = not any(variant in BUILD for variant in ("asan", "tsan"))

CXX = r"""
#include <cstdio>
#include <stdexcept>
#include <weft/weft.h>

struct guard { int *count; ~guard() { ++*count; } };

static int thrower(void *arg)
{
	int unwound = 0, caught = 0;

	for (int i = 0; i < 3; i++) {
		try {
			guard held{&unwound};
			weft_sleep(WEFT_MICROSECONDS(10)); /* others run, and throw, in between */
			throw std::runtime_error("inside");
		} catch (const std::runtime_error &) {
			weft_yield();
			caught++;
		}
	}
	return *static_cast<int *>(arg) + caught * 10 + unwound;
}

static int start(void *)
{
	int base = 100, results[4] = {};
	weft_fiber_id fibers[4];

	for (auto &fiber : fibers)
		fiber = weft_spawn(thrower, &base);
	if (weft_join_all(fibers, 4, results, WEFT_FOREVER) != 4)
		return 1;
	for (int result : results)
		if (result != 133)
			return 2;
	std::puts("caught");
	return 0;
}

int main() { return weft_run(nullptr, start, nullptr); }
"""

GDB = r"""
#include <weft/fiber.h>

__attribute__((noinline)) void deep_inside(int *n) { __asm__ volatile("" : : "r"(n) : "memory"); }
static int in_a_fiber(void *arg) { (void)arg; int n = 0; weft_yield(); deep_inside(&n); return n; }
static int start(void *arg)
{
	(void)arg;
	return weft_join(weft_spawn(in_a_fiber, 0), 0, WEFT_FOREVER);
}
int main(void) { return weft_run(&(struct weft_run_options){.workers = 1}, start, 0); }
"""


NAPPER = r"""
#include <weft/fiber.h>
__attribute__((noinline)) int nap(int n)
{
	volatile int x = n;
	return weft_sleep(WEFT_SECONDS(60)) + x;
}
__attribute__((noinline)) void everybody_sleeps(void) { __asm__(""); }
static int napper(void *arg) { (void)arg; return nap(1) + 1; }
static int start(void *arg)
{
	struct weft_spawn_options options = {.name = "napper", .detached = true};

	(void)arg;
	weft_spawn_with(&options, napper, 0);
	weft_yield();
	everybody_sleeps();
	return 0;
}
int main(void) { return weft_run(&(struct weft_run_options){.workers = 1}, start, 0); }
"""


def build(folder, compiler, name, text):
    source, program = os.path.join(folder, name), os.path.join(folder, "program")
    with open(source, "w", encoding="ascii") as file:
        file.write(text)
    flags = ["-fsanitize=address,undefined"] if "asan" in BUILD else []
    subprocess.run([compiler, "-g", "-O1", *flags, source, "-Iinclude", f"{BUILD}/libweft.a",
                    *URING, "-pthread", "-o", program], check=True)
    return program


def needs(tool, is_meant=True):
    if not is_meant or not shutil.which(tool):
        raise Skip(f"no {tool} here, or a sanitized build")


def outcome_of(*command):
    """Run it: (status, stdout, both). A program that hangs is told of by tap.py."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stdout + done.stderr


@case("an_exception_is_caught_inside_its_fiber_across_waits")
def _():
    needs("g++")
    with tempfile.TemporaryDirectory() as folder:
        status, printed, said = outcome_of(build(folder, "g++", "exceptions.cc", CXX))
    expect(status == 0 and printed == "caught\n", said)


@case("a_gdb_script_lists_fibers_and_shows_their_stacks")
def _():
    needs("gdb", IS_PLAIN)
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder, "gcc", "napper.c", NAPPER)
        _, _, said = outcome_of("gdb", "-nx", "-batch", "-ex", "source tools/weft-gdb.py",
                                "-ex", "break everybody_sleeps", "-ex", "run",
                                "-ex", "weft fibers", "-ex", "weft bt napper",
                                "-ex", "weft bt nobody", program)
    expect('"main" on worker 0: runs' in said, said)
    expect('"napper" on worker 0: waits for sleep' in said, said)
    expect("  nap " in said and "no live fiber nobody" in said, said)


@case("gdbs_backtrace_of_a_fiber_ends_at_its_first_frame")
def _():
    needs("gdb", IS_PLAIN)
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder, "gcc", "backtrace.c", GDB)
        _, printed, said = outcome_of("gdb", "-nx", "-batch", "-ex", "break deep_inside",
                                      "-ex", "run", "-ex", "bt", program)
    frames = [line for line in printed.splitlines() if line.startswith("#")]
    names = " ".join(frames)
    expect("deep_inside" in names and "in_a_fiber" in names and len(frames) <= 5, said)
    expect("weft__entry" in frames[-1] and "Backtrace stopped" not in printed, said)


sys.exit(run())
