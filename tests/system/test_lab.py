#!/usr/bin/env python3
"""test_lab.py - `weft lab`: a short run, its files, its end.

Nothing here depends on how fast anything is: figures are only compared with each other.
"""
import csv
import html.parser
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from served import PATIENCE_S, WEFT, case, expect, on_a_slow_machine, run, weft

SHORT = ("--workloads", "echo,short", "--models", "fiber,loop", "--connections", "1,4",
         "--duration", "0.1", "--rounds", "1")

# Of a loop, in which there must be some requests: on a slow machine the longer ones.
DURATIONS_S = (0.1, 0.5, 2)

VOID = {"meta", "br", "img", "hr", "input", "link"}


class Page(html.parser.HTMLParser):
    """Checks that elements are closed in order, and collects what the page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.references, self.ids = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.references += [attrs[name] for name in ("src", "href", "action") if name in attrs]
        self.ids.add(attrs.get("id"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        expect(self.open and self.open[-1] == tag, f"</{tag}> in {self.open}")
        self.open.pop()


def children_of(pid):
    """All processes whose parent is pid, or was."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(name))
    return found


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def await_gone(family):
    """Who is killed with its parent is gone a moment later."""
    until = time.monotonic() + PATIENCE_S
    while any(is_there(pid) for pid in family):
        expect(time.monotonic() < until, family)
        time.sleep(0.01)


def short_run(folder, *more):
    """A lab in folder, which is gone through to its end."""
    return subprocess.run([os.path.abspath(WEFT), "lab", *SHORT, *more], cwd=folder,
                          capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False)


@case("a short run: its table, JSON, CSV and report tell the same")
def _():
    on_a_slow_machine(check_short_run, *DURATIONS_S)


def check_short_run(duration):
    with tempfile.TemporaryDirectory() as folder:
        done = short_run(folder, "--json", "lab.json", "--csv", "lab.csv", "--duration", duration)
        expect(done.returncode == 0, done)
        expect(sorted(os.listdir(folder)) == ["lab.csv", "lab.json", "weft-lab.html"],
               os.listdir(folder))
        with open(os.path.join(folder, "lab.json"), encoding="utf-8") as file:
            facts = json.load(file)
        with open(os.path.join(folder, "lab.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with open(os.path.join(folder, "weft-lab.html"), encoding="utf-8") as file:
            page = file.read()
    cells = facts["cells"]
    expect(facts["is_complete"] and [one["workload"] for one in facts["verdicts"]] ==
           ["echo", "short"], facts["verdicts"])
    # Who is at fault at one level is spared the next: on a busy machine, that is.
    whole = len(cells) == 8 or any(cell["fault"] for cell in cells)
    expect(len(cells) == len(rows) and whole, (cells, rows))
    for cell, row in zip(cells, rows):
        expect((cell["workload"], str(cell["level"]), cell["contender"]) ==
               (row["workload"], row["level"], row["contender"]), (cell, row))
        expect(f'{cell["requests_per_s"]["median"]:.3f}' == row["requests_per_s"], (cell, row))
        expect((cell["fault"] or "") == row["fault"], (cell, row))
        order = [cell["latency_ns"][name]["median"] for name in ("p50", "p90", "p99", "max")
                 if cell["latency_ns"][name]]
        expect(order == sorted(order), order)
        expect(f'\n  {cell["contender"]} ' in done.stdout, done.stdout)
    check_figures(cells)
    check_page(page)


def check_figures(cells):
    for cell in cells:
        if cell["contender"] == "loop" and cell["workload"] == "echo" and cell["level"] > 1:
            # Its second connection waits for ever: that is the model.
            expect(cell["fault"] == "starved", cell)
            continue
        expect(cell["requests"] > 0, cell)
        if cell["fault"]:
            continue  # the machine is busy with other tests
        expect(cell["requests_per_s"]["median"] > 0, cell)
        # The kernel counts it in ticks, of which few requests may use none.
        expect(cell["cpu_ns_per_request"]["median"] > 0 or cell["requests"] < 20000, cell)
        expect(cell["open_loop_rate"]["median"] <=
               max(1, 0.6 * cell["requests_per_s"]["median"]), cell)
        expect(cell["server"].startswith("taskset -c "), cell)


def check_page(page):
    parsed = Page()
    parsed.feed(page)
    parsed.close()
    expect(parsed.open == [], parsed.open)
    expect("script" not in parsed.tags and parsed.tags.count("svg") > 8, parsed.tags)
    expect(all(one[0] == "#" and one[1:] in parsed.ids for one in parsed.references),
           parsed.references)
    expect("url(" not in page and "@import" not in page, "it refers to something")
    drawings = re.findall(r'<svg height=.*?\n</svg>', page, re.DOTALL)
    expect(len(drawings) == 8, len(drawings))
    for drawing in drawings:
        root = xml.etree.ElementTree.fromstring(drawing)
        expect(root.find("title").text and root.find("desc").text, drawing[:200])
        expect("nan" not in drawing and "inf" not in drawing, drawing)
    expect(os.getcwd() not in page and "/tmp/" not in page, "a path of this machine")


@case("- is standard output, in place of the table")
def _():
    with tempfile.TemporaryDirectory() as folder:
        done = short_run(folder, "--html", "none", "--json", "-", "--workloads", "echo",
                         "--connections", "1")
        expect(done.returncode == 0 and os.listdir(folder) == [], done)
        expect(len(json.loads(done.stdout)["cells"]) == 2, done.stdout)
        done = short_run(folder, "--html", "none", "--csv", "-", "--workloads", "echo",
                         "--connections", "1")
        expect(len(list(csv.reader(io.StringIO(done.stdout)))) == 3, done.stdout)


@case("a crowd and a page are measured, too")
def _():
    def attempt(duration):
        with tempfile.TemporaryDirectory() as folder:
            done = short_run(folder, "--workloads", "http,idle,slow,cpu", "--models", "fiber,pool",
                             "--connections", "4", "--html", "none", "--json", "-", "--duration",
                             duration)
        expect(done.returncode == 0, done)
        cells = json.loads(done.stdout)["cells"]
        expect(len(cells) == 8 and all(cell["requests"] > 0 for cell in cells), cells)

    on_a_slow_machine(attempt, *DURATIONS_S)


@case("Ctrl-C ends it and its children, and what there is by then is told, as incomplete")
def _():
    for sign in signal.SIGINT, signal.SIGTERM:
        with tempfile.TemporaryDirectory() as folder:
            with subprocess.Popen(
                    [os.path.abspath(WEFT), "lab", "--workloads", "http", "--models", "prefork",
                     "--connections", "1,2,4", "--duration", "60", "--json", "lab.json"],
                    cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    env=dict(os.environ, TMPDIR=folder)) as process:
                until = time.monotonic() + PATIENCE_S
                family = set()
                # Server, its processes, and the load.
                while len(family) < 4 and time.monotonic() < until:
                    children = children_of(process.pid)
                    family.update(children)
                    for child in children:
                        family.update(children_of(child))
                    time.sleep(0.01)
                expect(len(family) >= 4, family)
                process.send_signal(sign)
                output, errors = process.communicate(timeout=PATIENCE_S)
            expect(process.returncode == 1, (process.returncode, errors))
            expect("INCOMPLETE" in output, output)
            await_gone(family)
            with open(os.path.join(folder, "lab.json"), encoding="utf-8") as file:
                expect(json.load(file)["is_complete"] is False, "it says that it is complete")
            expect(sorted(os.listdir(folder)) == ["lab.json", "weft-lab.html"],
                   os.listdir(folder))


@case("its children end with it, however it ends")
def _():
    with tempfile.TemporaryDirectory() as folder, \
            subprocess.Popen([WEFT, "lab", "--workloads", "echo", "--models", "prefork",
                              "--duration", "60", "--html", "none"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env=dict(os.environ, TMPDIR=folder)) as process:
        until = time.monotonic() + PATIENCE_S
        family = set()
        while len(family) < 4 and time.monotonic() < until:
            children = children_of(process.pid)
            family.update(children)
            for child in children:
                family.update(children_of(child))
            time.sleep(0.01)
        process.kill()
        process.wait()
    await_gone(family)


@case("a file that no lab wrote is not overwritten, one that a lab wrote is")
def _():
    with tempfile.TemporaryDirectory() as folder:
        for name, option in (("page.html", "--html"), ("a.json", "--json"), ("a.csv", "--csv")):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("precious\n")
            done = short_run(folder, option, name)
            expect(done.returncode == 1 and "no lab wrote it" in done.stderr, done)
            with open(path, encoding="utf-8") as file:
                expect(file.read() == "precious\n", name)
        for _ in range(2):
            done = short_run(folder, "--html", "mine.html", "--workloads", "echo",
                             "--connections", "1")
            expect(done.returncode == 0, done)
        done = short_run(folder, "--html", "nowhere/at.html")
        expect(done.returncode == 1 and "nowhere" in done.stderr, done)


@case("wrong usage is told in a line, with status 2")
def _():
    for options, word in ((["--models", "fibre"], "fibre"), (["--workloads", "echos"], "echos"),
                          (["--connections", "0"], "0"), (["--connections", "8,x"], "x"),
                          (["--rounds", "99"], "99"), (["--duration", "-1"], "-1"),
                          (["--server-cpus", "nine"], "nine"), (["--load-cpus", "4095"], "4095"),
                          (["--models", ""], "there is no"), (["stray"], "stray"),
                          (["--connections", "8", "--max-connections", "4"], "nothing is left")):
        done = weft("lab", *options)
        expect(done.returncode == 2 and word in done.stderr and not done.stdout, done)
    done = weft("lab", "--help")
    expect(done.returncode == 0 and "--quick" in done.stdout, done)


@case("a handler that computes uses that much CPU, also when its thread has to wait for one")
def _():
    cpu = min(os.sched_getaffinity(0))
    with subprocess.Popen(["taskset", "-c", str(cpu), WEFT, "echo", "127.0.0.1:0", "--model",
                           "thread", "--spin", "0.005", "--json"],
                          stdout=subprocess.PIPE) as server:
        address = json.loads(server.stdout.readline())["echo"]
        done = weft("load", address, "--connections", "16", "--requests", "100", "--json")
        expect(json.loads(done.stdout)["requests"] == 100, done)
        with open(f"/proc/{server.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        server.terminate()
        server.wait()
    expect(used >= 0.45, used)


sys.exit(run())
