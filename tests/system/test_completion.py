#!/usr/bin/env python3
"""test_completion.py - `weft completion`: what shells offer when somebody presses the tabulator."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from served import WEFT as BUILT
from served import PATIENCE_S, Skip, case, expect, run
from typed import Terminal

WEFT = os.path.abspath(BUILT)


def weft(*arguments, **options):
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, stdin=subprocess.DEVNULL, **options)


def offered(*words):
    """Each with its summary, for what the last of the words may become."""
    done = weft("completion", "words", *words)
    lines = done.stdout.splitlines()
    return {line.partition("\t")[0]: line.partition("\t")[2] for line in lines}


COMMANDS = [line.split()[0] for line in weft("help").stdout.splitlines()
            if re.match(r"  [a-z]+ +\S", line)]


@case("every command is offered, with what it is for")
def _():
    expect(len(COMMANDS) > 10 and set(COMMANDS) == set(offered("")), (COMMANDS, offered("")))
    expect(offered("so") == {"sockopt": "make a socket, and show all of its options"})
    expect(set(COMMANDS) - {"help"} < set(offered("help", "")))


def leaves(*words):
    """Each command that takes options, as its words; "account token add" is one."""
    for word in offered(*words, ""):
        if word == "help":
            continue
        if offered(*words, word, "--") or not offered(*words, word, ""):
            yield (*words, word)
        else:
            yield from leaves(*words, word)


@case("every option that a help speaks of is offered, of each command")
def _():
    commands = list(leaves())
    expect(("account", "token", "add") in commands and len(commands) > 30, commands)
    for words in commands:
        said = weft(*words, "--help")
        expect(said.returncode == 0 and said.stdout.startswith("usage: "), said)
        options = offered(*words, "--")
        told = re.findall(r"^  (?:-\w, )?(--[a-z][\w-]*)", said.stdout, re.M)
        expect(told and set(told) <= set(options), (words, set(told) - set(options)))
        expect(all(name.startswith("--") for name in options), options)


@case("an option's summary is what the help says")
def _():
    options = offered("serve", "--dr")
    expect(list(options) == ["--driver"] and options["--driver"].startswith("how to wait"), options)
    options = offered("account", "add", "--qu")
    expect(options == {"--quota": "at most so much, such as 10G"}, options)


@case("values that are known are offered: behind a blank, behind = in one word or three")
def _():
    names = offered("serve", "--driver", "")
    expect("epoll" in names and "select" in names and "" not in names, names)
    expect(set(offered("serve", ".", "--driver", "e")) == {"epoll", "epoll-level"})
    expect(set(offered("serve", "--driver=e")) == {"--driver=epoll", "--driver=epoll-level"})
    expect(set(offered("serve", "--driver", "=", "e")) == {"epoll", "epoll-level"})
    expect(offered("serve", "--driver", "=") == names)
    expect("prefork" in offered("echo", "--model", ""))


@case("words of a command are offered, and where a file belongs nothing is")
def _():
    expect(set(offered("config", "")) == {"check", "show", "example"})
    expect(set(offered("config", "--json", "s")) == {"show"})
    expect(set(offered("completion", "")) == {"bash", "zsh", "fish"})
    expect(offered("admin", "wh") == {"who": ""})
    for words in (("serve", ""), ("serve", "--tls-cert", ""), ("serve", "a", "--json", ""),
                  ("nothing", ""), ("nothing", "-"), ("serve", "--", "x"), ("account", "zzz", "-")):
        expect(offered(*words) == {}, words)


@case("a file of settings that is wrong is in nobody's way, and nothing is served")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("nonsense\n")
        done = weft("completion", "words", "serve", "--htt",
                    env=dict(os.environ, WEFT_SERVE_CONFIG=path))
        names = [line.partition("\t")[0] for line in done.stdout.splitlines()]
        expect(names == ["--http", "--https"] and done.stderr == "", done)


@case("wrong usage is told in a line")
def _():
    for words in ((), ("ksh",), ("bash", "zsh")):
        done = weft("completion", *words)
        expect(done.returncode == 2 and done.stdout == "" and "Try: weft completion" in done.stderr,
               done)


def script(folder, shell):
    done = weft("completion", shell)
    expect(done.returncode == 0 and done.stderr == "", done)
    path = os.path.join(folder, "script." + shell)
    with open(path, "w", encoding="ascii") as file:
        file.write(done.stdout)
    return path


@case("bash completes by it, and falls back to files")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = script(folder, "bash")
        os.symlink(WEFT, os.path.join(folder, "weft"))
        with open(os.path.join(folder, "only-file"), "w", encoding="ascii"):
            pass
        env = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder, "TERM": "dumb",
               "PS1": "$ ", "LC_ALL": "C"}
        with Terminal(shutil.which("bash"), "--norc", "--noprofile", "-i", cwd=folder,
                      env=env) as typed:
            typed.type(f"bind 'set enable-bracketed-paste off'; PS1='> '; . {path}; "
                       "echo re''ady\n")
            typed.until("ready")
            for begun, completed in (("weft sock\t", "weft sockopt "),
                                     ("weft serve --redi\t", "weft serve --redirect-https "),
                                     ("weft serve --driver=epoll-\t",
                                      "weft serve --driver=epoll-level "),
                                     ("weft serve --model pref\t", "weft serve --model prefork "),
                                     ("weft serve only-\t", "weft serve only-file ")):
                typed.until("> ")
                typed.type(begun)
                typed.until(completed)
                typed.type("\x15\n")


@case("zsh completes by it")
def _():
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(WEFT, os.path.join(folder, "weft"))
        path = script(folder, "zsh")
        env = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder, "TERM": "dumb",
               "LC_ALL": "C"}
        with Terminal(shutil.which("zsh"), "-f", "-i", cwd=folder, env=env) as typed:
            typed.type("unsetopt zle_bracketed_paste; PS1='> '; autoload -U compinit; "
                       f"compinit -u -D; . {path}; echo re''ady\n")
            typed.until("ready")
            for begun, completed in (("weft sock\t", "weft sockopt "),
                                     ("weft serve --redi\t", "weft serve --redirect-https "),
                                     ("weft serve --model pref\t", "weft serve --model prefork ")):
                typed.until("> ")
                typed.type(begun)
                typed.until(completed)
                typed.type("\x15\n")


@case("fish completes by it")
def _():
    if not shutil.which("fish"):
        raise Skip("fish is not installed")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(WEFT, os.path.join(folder, "weft"))
        path = script(folder, "fish")
        for begun, word in (("weft sock", "sockopt"), ("weft serve --redi", "--redirect-https"),
                            ("weft serve --model pref", "prefork")):
            done = subprocess.run(
                ["fish", "--no-config", "-c", f"source {path}; complete -C '{begun}'"],
                capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder})
            expect(word in [line.partition("\t")[0] for line in done.stdout.splitlines()], done)


sys.exit(run())
