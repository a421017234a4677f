#!/usr/bin/env python3
"""judge_load.py - load generators at `weft serve`: every answer must come, and be right.

How fast is not asked here; bench/ does.
"""
import json
import os
import re
import sys

from judged import NODE_MODULES, Site, case, expect, need_module, run, tool


def number(text, label):
    match = re.search(label + r"[^\d\n]*([\d.]+)", text)
    expect(match, f"no {label!r} in {text}")
    return float(match[1])


@case("ab -k: all answers, none failed, none other than 200, all kept alive")
def _():
    with Site() as site:
        done = tool("ab", "-q", "-k", "-n", "20000", "-c", "100", site.url("/hello.txt"))
        expect(done.returncode == 0, done.stderr)
        expect(number(done.stdout, "Complete requests:") == 20000, done.stdout)
        expect(number(done.stdout, "Failed requests:") == 0, done.stdout)
        expect(number(done.stdout, "Keep-Alive requests:") == 20000, done.stdout)
        expect(number(done.stdout, "HTML transferred:") == 20000 * 13, done.stdout)
        expect("Non-2xx" not in done.stdout, done.stdout)


@case("ab without -k: a connection for each request, all answered")
def _():
    with Site() as site:
        done = tool("ab", "-q", "-n", "5000", "-c", "50", site.url("/hello.txt"))
        expect(done.returncode == 0, done.stderr)
        expect(number(done.stdout, "Failed requests:") == 0, done.stdout)
        expect(number(done.stdout, "HTML transferred:") == 5000 * 13, done.stdout)


@case("ab -i, and ab of a large file")
def _():
    with Site() as site:
        done = tool("ab", "-q", "-i", "-k", "-n", "2000", "-c", "20", site.url("/hello.txt"))
        expect(number(done.stdout, "Failed requests:") == 0, done.stdout)
        done = tool("ab", "-q", "-k", "-n", "100", "-c", "10", site.url("/big.bin"))
        expect(number(done.stdout, "Failed requests:") == 0, done.stdout)
        expect(number(done.stdout, "HTML transferred:") == 100 << 23, done.stdout)


@case("ab -p: bodies that nobody reads end no connection and upset no answer")
def _():
    with Site() as site:
        done = tool("ab", "-q", "-k", "-n", "2000", "-c", "20", "-p",
                    os.fsdecode(site.folder.at("page.html")), "-T", "text/html", site.url("/"))
        expect(number(done.stdout, "Complete requests:") == 2000, done.stdout)
        expect(number(done.stdout, "Non-2xx responses:") == 2000, done.stdout)


@case("wrk: no socket error, no answer but 200")
def _():
    with Site() as site:
        done = tool("wrk", "-t2", "-c64", "-d2s", site.url("/hello.txt"))
        expect(done.returncode == 0 and number(done.stdout, "Requests/sec:") > 100, done)
        expect("errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout)


@case("wrk over 1000 connections: no socket error, no answer but 200")
def _():
    with Site() as site:
        done = tool("wrk", "-t2", "-c1000", "-d2s", "--timeout", "10s", site.url("/page.html"))
        expect("errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout)


@case("siege: availability 100 %, a tree of URLs, with and without keep-alive")
def _():
    for connection in ("keep-alive", "close"):
        with Site() as site:
            path = os.path.join(site.folder.top, "siegerc")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"verbose = false\nconnection = {connection}\nlogging = false\n"
                           "json_output = true\nparser = false\n")
            urls = os.path.join(site.folder.top, "urls")
            with open(urls, "w", encoding="utf-8") as file:
                for name in ("hello.txt", "page.html", "site/", "sub/deep/er.txt", ""):
                    file.write(site.url("/" + name) + "\n")
            done = tool("siege", "-R", path, "-b", "-c", "20", "-r", "200", "-f", urls,
                        env={"HOME": site.folder.top})
            expect(number(done.stdout, '"availability":') == 100, done.stdout + done.stderr)
            expect(number(done.stdout, '"failed_transactions":') == 0, done.stdout)


def autocannon(*words):
    need_module("autocannon")
    path = os.path.join(NODE_MODULES, "autocannon", "autocannon.js")
    done = tool("node", path, "--json", *words)
    return json.loads(done.stdout.strip().splitlines()[-1])


@case("autocannon: no error, no timeout, only 200, and the body is the file's")
def _():
    with Site() as site:
        facts = autocannon("-c", "50", "-d", "2", "--expectBody", "Hello, world\n",
                           site.url("/hello.txt"))
        for name in ("errors", "timeouts", "non2xx", "mismatches", "resets"):
            expect(facts[name] == 0, (name, facts))
        expect(facts["2xx"] > 100, facts)


@case("autocannon -p 16: pipelined, the same")
def _():
    with Site() as site:
        facts = autocannon("-c", "50", "-p", "16", "-d", "2", "--expectBody", "Hello, world\n",
                           site.url("/hello.txt"))
        for name in ("errors", "timeouts", "non2xx", "mismatches", "resets"):
            expect(facts[name] == 0, (name, facts))


@case("autocannon over a Unix socket")
def _():
    with Site(http="unix:/tmp/weft-judge-%d" % os.getpid()) as site:
        facts = autocannon("-c", "10", "-d", "1", "-S", site.server.address.partition(":")[2],
                           "http://localhost/hello.txt")
        expect(facts["errors"] == facts["non2xx"] == 0 and facts["2xx"] > 100, facts)


sys.exit(run())
