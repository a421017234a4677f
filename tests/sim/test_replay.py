#!/usr/bin/env python3
"""test_replay.py - a seed does the same, to the byte, in another process: other addresses,
other times, the same trace (weft/sim.h)."""
import os
import subprocess

BUILD = os.environ.get("WEFT_TEST_BUILD", "build/release")
TESTS = ["test_storm", "test_http", "test_tls"]


def trace(test, seed):
    env = dict(os.environ, SIM_SEED=str(seed), SIM_TRACE="1")
    done = subprocess.run([os.path.join(BUILD, "tests", "sim", test)], env=env, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stderr


def case(number, name, holds):
    print("%s %d - %s" % ("ok" if holds else "not ok", number, name), flush=True)


print("1..%d" % (2 * len(TESTS)))
for index, test in enumerate(TESTS):
    traces = [trace(test, seed) for seed in (3, 4) for _ in range(3)]
    case(2 * index + 1, test + "_has_the_same_trace_in_every_process",
         traces[0] == traces[1] == traces[2] and traces[3] == traces[4] == traces[5]
         and len(traces[0].splitlines()) > 300)
    case(2 * index + 2, test + "_has_another_trace_with_another_seed", traces[0] != traces[3])
