#!/usr/bin/env python3
"""test_service.py - packaging/weft.service is a unit that systemd takes, exposes little, and lets
the server have the system calls that it has left itself.
"""
import os
import re
import shutil
import subprocess
import tempfile

from tap import Skip, case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PACKAGING = os.path.join(HOUSE, "packaging")
UNIT = os.path.join(PACKAGING, "weft.service")

# systemd-analyze's figure, times ten: 0 is best, 100 worst. It was 19 by systemd 252, and each
# version looks at more; the rest is that it serves a network.
EXPOSURE_MAX = 22

# What systemd does not filter away from a service that it starts: its own part.
OF_SYSTEMD = {"execve", "capset", "prctl", "seccomp", "landlock_create_ruleset",
              "landlock_add_rule", "landlock_restrict_self"}


def read(*path):
    with open(os.path.join(HOUSE, *path), encoding="utf-8") as file:
        return file.read()


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


@case("systemd finds nothing wrong with it")
def _():
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "weft.service")
        text = read("packaging", "weft.service").replace("/usr/bin/weft", shutil.which("true"))
        with open(unit, "w", encoding="utf-8") as file:
            # The manual is not installed here.
            file.write(re.sub(r"(?m)^Documentation=.*\n", "", text))
        done = analyze("verify", unit)
        complaints = [line for line in done.stderr.splitlines() if "weft.service" in line]
        expect(done.returncode == 0 or "weft.service" not in done.stderr, done)
        expect(complaints == [], complaints)


@case("its exposure is low")
def _():
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", UNIT)
    if "unrecognized option" in done.stderr:
        raise Skip("a systemd that can't look at a unit offline")
    last = (done.stdout.strip().splitlines() or [done.stderr])[-1]
    print("#", last)
    expect(done.returncode == 0, last)


def sets():
    """Names of system calls by the names of systemd's sets."""
    found, name = {}, None
    for line in analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = []
        elif name and re.match(r" +[@a-z]", line):
            found[name].append(line.strip())
    expect("@system-service" in found, sorted(found))
    return found


def members(name, found):
    if not name.startswith("@"):
        return {name}
    return set().union(*(members(one, found) for one in found.get(name, [])))


@case("its filter has every call that the server's own filter leaves")
def _():
    source = read("src", "hub", "confine_calls.c")
    needed = set(OF_SYSTEMD)
    for array in ("allowed", "of_forks", "of_uring"):
        text = re.search(array + r"\[\] = \{(.*?)\};", source, re.S)[1]
        needed |= set(re.findall(r'"([a-z0-9_]+)"', text))
    needed |= set(re.findall(r'(?:allow_if|add)\(filter, (?:SCMP_ACT_ALLOW, )?"([a-z0-9_]+)"',
                             source))
    found = sets()
    left = members("@default", found)
    for words in re.findall(r"(?m)^SystemCallFilter=(.*)", read("packaging", "weft.service")):
        takes = words.startswith("~")
        for word in words.lstrip("~").split():
            left = left - members(word, found) if takes else left | members(word, found)
    # Asked for by nobody who serves: a priority, processors, what a page is in, bounds by their
    # old name.
    missing = needed - left - {"sched_setaffinity", "setpriority", "mincore", "setrlimit"}
    expect(len(needed) > 150 and missing == set(), missing)


@case("none of its other options takes a call away that nothing goes without")
def _():
    # systemd can't look into what openat2(2) is given, and refuses all of it.
    expect(not re.search(r"(?m)^RestrictSUIDSGID=", read("packaging", "weft.service")))


@case("its user, its folders and its command are what the other files, and the command, know")
def _():
    unit = read("packaging", "weft.service")
    user = re.search(r"(?m)^User=(.*)", unit)[1]
    expect(re.search(rf"(?m)^u {user} ", read("packaging", "weft.sysusers")), user)
    # Not by --dir: what the command line says, the settings could not change.
    expect("--dir" not in re.search(r"(?m)^ExecStart=(.*)", unit)[1])
    folder = re.search(r"(?m)^WorkingDirectory=(.*)", unit)[1]
    expect(re.search(rf"(?m)^d {folder} \d+ {user} {user} ", read("packaging", "weft.tmpfiles")),
           folder)
    expect(f"ReadWritePaths=-{folder}\n" in unit, unit)
    # By $CONFIGURATION_DIRECTORY it finds the settings that the package has.
    expect("\nConfigurationDirectory=weft\n" in unit and
           '"etc", "weft"' in read("tools", "deb"))
    options = re.findall(r" (--[a-z-]+)", re.search(r"(?m)^ExecStart=(.*)", unit)[1])
    manual = read("docs", "man", "weft-serve.1").replace("\\-", "-")
    for option in options:
        expect(option in manual, option)


if __name__ == "__main__":
    run()
