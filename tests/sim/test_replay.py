#!/usr/bin/env python3
"""test_replay.py - a seed does the same, to the byte, in another process: other addresses,
other times, the same trace (weft/sim.h)."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))

from tap import case, expect, run  # noqa: E402  pylint: disable=wrong-import-position

BUILD = os.environ.get("WEFT_TEST_BUILD", "build/release")
TESTS = ["test_storm", "test_http", "test_tls"]


def trace(test, seed):
    env = dict(os.environ, SIM_SEED=str(seed), SIM_TRACE="1")
    done = subprocess.run([os.path.join(BUILD, "tests", "sim", test)], env=env, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0,
           f"seed {seed} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done.stderr


def same_in_every_process(test):
    for seed in (3, 4):
        first = trace(test, seed)
        expect(len(first.splitlines()) > 300, f"seed {seed} traced only {first}")
        for _ in range(2):
            again = trace(test, seed)
            expect(again == first, f"seed {seed}: {first_difference(first, again)}")


def first_difference(left, right):
    """Where two traces part."""
    pairs = list(zip(left.splitlines(), right.splitlines()))
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            return f"line {number} is {one} and {other}"
    return f"the same for {len(pairs)} lines, then one ends"


for each in TESTS:
    case(f"{each}_has_the_same_trace_in_every_process")(
        lambda test=each: same_in_every_process(test))
    case(f"{each}_has_another_trace_with_another_seed")(
        lambda test=each: expect(trace(test, 3) != trace(test, 4), "the same trace"))

sys.exit(run())
