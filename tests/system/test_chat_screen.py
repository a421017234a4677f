#!/usr/bin/env python3
# check: waits
"""test_chat_screen.py - `weft chat` on a terminal: in tmux, as people see it.

Against chat_hub.py, which loses, cuts and lies where a hub has to.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from chat_hub import EVIL, WEFT, ChatHub, environment
from served import PATIENCE_S, Skip, case, expect, run


class Terminal:
    """`weft chat` in tmux."""

    def __init__(self, place, *words, columns=72, rows=16, term="xterm"):
        if not shutil.which("tmux"):
            raise Skip("there is no tmux")
        self.top = tempfile.mkdtemp(prefix="weft-tmux-")
        command = (f"trap : INT; export TERM={term}; {WEFT} chat {place} {' '.join(words)}; "
                   "echo status $?; stty -a; cat")
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        shutil.rmtree(self.top)

    def tmux(self, *words):
        done = subprocess.run(
            ["tmux", "-S", os.path.join(self.top, "s"), "-f", "/dev/null", "-u", *words],
            capture_output=True, timeout=PATIENCE_S, check=False, env=environment())
        return done.stdout.decode()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def look(self, *options):
        return self.tmux("capture-pane", "-p", *options).split("\n")

    def wait(self, holds):
        """Wait until the screen is as holds() says; it."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            screen = self.look()
            if holds(screen):
                return screen
            time.sleep(0.02)
        raise AssertionError("the screen is:\n" + "\n".join(self.look("-e")))

    def wait_text(self, text):
        return self.wait(lambda screen: any(text in row for row in screen))


@case("on a terminal: history, wide characters in columns, escapes written out, an edited line")
def _():
    with ChatHub() as hub:
        hub.say("lobby", "bob", "\u65e5\u672c\u8a9e|e\u0301|\U0001f600|")
        hub.say("lobby", "eve", EVIL)
        hub.say("lobby", "bob", "word " * 30 + "end")
        with Terminal(hub.place, "--guest mia --room lobby --room dev") as terminal:
            terminal.wait_text("You are ~mia")
            # All of it is waited for: a screen may be looked at when it is half painted.
            evil = "17:20 eve: \\u{1b}[2J\\u{1b}[31m\\u{7}\\u{202e}\\u{9b}1mred"
            terminal.wait(lambda screen: evil in screen and
                          "17:20 bob: \u65e5\u672c\u8a9e|e\u0301|\U0001f600|" in screen and
                          "      word word word word word end" in screen and
                          screen[0].startswith(" lobby  Welcome") and
                          re.match(r"\[1 lobby\] 2 dev .*~mia  1 here  online", screen[14]))
            colours = "\n".join(terminal.look("-e"))
            expect("\x1b[31mred" not in colours)
            terminal.type("h\u00e9llo \u4f60x\u597d")
            terminal.keys("Left", "BSpace", "C-a", "C-k", "C-y", "Enter")
            terminal.wait_text("~mia: h\u00e9llo \u4f60\u597d")
            terminal.keys("Up")
            terminal.wait(lambda screen: screen[15] == "> h\u00e9llo \u4f60\u597d")
            terminal.keys("C-u")
            terminal.type("bo")
            terminal.keys("Tab")
            terminal.wait(lambda screen: screen[15].startswith("> bob:"))
            terminal.keys("C-c")
            hub.say("dev", "bob", "Mia!")
            hub.say("dev", "bob", "again")
            terminal.wait_text("2 dev(2!)")
            terminal.keys("M-2")
            terminal.wait_text("1 lobby [2 dev]")
            terminal.wait(lambda screen: "17:20 bob: Mia!" in screen)
            expect([text for _, text in hub.rooms["lobby"].log][-1] == "h\u00e9llo \u4f60\u597d")


@case("commands ask the hub, their answers are told, and what is wrong is explained")
def _():
    with ChatHub() as hub, Terminal(hub.place, "--guest mia", rows=40) as terminal:
        terminal.wait_text("You are ~mia")
        for typed, told in (
                ("/who", "In this room: ~mia (you)"),
                ("/rooms", "  dev               1 here  Welcome"),
                ("/kick bob", "No: this is not allowed (not-allowed)."),
                ("/announce at nine", "* SERVER: at nine"), ("/invite bob", "Invited."),
                ("/ban bob 2h spam", "* SERVER: bob is banned: spam"), ("/ban", "It is: /ban NAME"),
                ("/slow soon", "It is: /slow DURATION"), ("/dance", "There is no command /dance"),
                ("/join none", "none: there is no such room. To make it: /make none"),
                ("/room lobby", "[1 lobby]"), ("//help me", "~mia: /help me"),
                ("/search help", "lobby 2026-11-21 17:20 ~mia: /help me"),
                ("/topic", "The topic is: Welcome"), ("/help ban", "/ban NAME [10m|2h|1d|0 [WHY]]"),
                ("/help keys", "complete a command"), ("/he", "/make\u00a0ROOM"),
                ("/make den private mine", "den  mine"), ("/room lobby", "[1 lobby]")):
            terminal.type(typed)
            terminal.keys("Enter")
            terminal.wait_text(told)
        expect(any(line.endswith("BAN lobby bob 7200 spam") for line in hub.lines), hub.lines)
        for typed, shown in (("/j", "> /join "), ("d", "> /join de"), ("v", "> /join dev ")):
            terminal.type(typed)
            terminal.keys("Tab")  # she has been in none of these rooms
            terminal.wait(lambda screen, shown=shown: screen[39].startswith(shown.rstrip()))
        terminal.keys("Enter")
        terminal.wait_text("[4 dev]")
        terminal.type("/quit")
        terminal.keys("Enter")
        terminal.wait_text("status 0")


@case("pages go back into history that is fetched, and a room that is scrolled back stays")
def _():
    with ChatHub() as hub:
        hub.rooms["lobby"].log += [("bob", f"number {i};") for i in range(1, 201)]
        with Terminal(hub.place, "--guest mia --last 20 --room lobby --room dev") as terminal:
            terminal.wait_text("number 200;")
            for _ in range(40):
                terminal.keys("PPage")
                if any("number 150;" in row for row in terminal.look()):
                    break
                time.sleep(0.02)
            terminal.wait_text("[scrolled back]")
            terminal.type("y")  # behind all the pages
            screen = terminal.wait(lambda now: now[15] == "> y")
            hub.say("lobby", "bob", "new")
            hub.say("dev", "bob", "new")
            terminal.wait_text("2 dev(1)")
            now = terminal.look()
            expect(now[1:14] == screen[1:14], (screen, now))
            terminal.keys("BSpace")
            terminal.type("x")
            terminal.tmux("resize-window", "-x", "50", "-y", "10")
            terminal.wait(lambda screen: screen[9] == "> x" and
                          screen[8].startswith("[1 lobby(1)]"))
            terminal.keys("BSpace")

            def goes_home(screen):
                terminal.keys("Home")  # each time, what is older is fetched
                return "the beginning" in screen[1]

            terminal.wait(goes_home)
            terminal.keys("End")
            terminal.wait(lambda screen: re.fullmatch("\u2500{5} new \u2500+", screen[6]) and
                          screen[7] == "17:20 bob: new" and "[1 lobby] " in screen[8])


@case("what is pasted is one message, with its lines; and the terminal is left as it was")
def _():
    with ChatHub() as hub, Terminal(hub.place, "--guest mia", rows=24) as terminal:
        terminal.wait_text("You are ~mia")
        terminal.tmux("set-buffer", "one\n\ttwo\x1b[31m")
        terminal.tmux("paste-buffer", "-p", "-r")
        terminal.wait(lambda screen: screen[22:24] == ["> one\u21b5", "      two"])
        terminal.keys("Enter")
        hub.wait(lambda: hub.rooms["lobby"].log)
        expect(hub.rooms["lobby"].log[0][1] == "one\\n\\ttwo", hub.rooms["lobby"].log)
        terminal.wait(lambda screen: any("~mia: one" in row for row in screen) and
                      any(row.startswith("          two") for row in screen))
        terminal.keys("C-c")
        terminal.wait_text("Ctrl-C once more leaves")
        terminal.keys("C-c")
        screen = terminal.wait_text("status 0")
        expect(re.search(r"[^-]icanon.*", "\n".join(terminal.wait_text("icanon"))), screen)
        expect(re.search(r"[ ;]echo ", "\n".join(terminal.look())), screen)


@case("keys that TERM does not know do what they say, or nothing; a paste too long is told")
def _():
    with ChatHub() as hub, Terminal(hub.place, "--guest mia", rows=24) as terminal:
        terminal.wait_text("You are ~mia")
        # As terminals send them whose description is another one's; a focus; a click.
        for sequence in ("\x1b[34;2~", "\x1b[I", "\x1bOZ", "\x1b[<0;12;3M", "\x1b[1;5P"):
            terminal.type(sequence)
        terminal.type("bc d")
        terminal.type("\x1b[7~")
        terminal.type("a")
        terminal.type("\x1b[4~")
        terminal.type("e")
        terminal.type("\x1b[1;5D")
        terminal.type("_")
        terminal.wait(lambda screen: screen[23] == "> abc _de")
        terminal.keys("Enter")
        terminal.wait_text("~mia: abc _de")
        terminal.type("abc")
        terminal.keys("C-r")
        terminal.wait(lambda screen: screen[23] == "> abc _de")
        terminal.keys("C-c")
        terminal.tmux("set-buffer", "x\n" * 2000 + "y" * 100)
        terminal.tmux("paste-buffer", "-p", "-r")
        terminal.wait_text("The last 4 characters of what you pasted are left out")
        terminal.keys("C-c")
        terminal.type("word " * 30)
        terminal.wait(lambda screen: screen[20].startswith("[1 lobby]") and
                      screen[21].startswith("> word") and screen[23].startswith("  d word"))


@case("a terminal that can't be painted on has lines, and Ctrl-D leaves")
def _():
    with ChatHub() as hub:
        with Terminal(hub.place, "--guest mia", term="dumb") as terminal:
            terminal.wait_text("There is no painting on this terminal")
            hub.wait(lambda: any(one.rooms for one in hub.sessions))
            terminal.type("hello")
            terminal.keys("Enter")
            terminal.wait_text("17:20 ~mia: hello")
            terminal.keys("C-d")
            terminal.wait_text("status 0")


@case("on a terminal a lost connection shows, and what is typed meanwhile comes through once")
def _():
    with ChatHub() as hub, Terminal(hub.place, "--guest mia") as terminal:
        terminal.wait_text("You are ~mia")
        held = []

        def refuse(session, line):
            if "GUEST" in line and not held:
                held.append(session)
                return True
            return False

        with hub.lock:
            hub.answer = refuse
            hub.cut()
        hub.wait(lambda: held)
        terminal.wait_text("connecting...")
        terminal.type("meanwhile")
        terminal.keys("Enter")
        terminal.wait_text("... ~mia: meanwhile")
        held[0].cut()
        terminal.wait_text("17:20 ~mia: meanwhile")
        terminal.wait_text("online")
        expect(hub.rooms["lobby"].log == [("~mia", "meanwhile")], hub.rooms["lobby"].log)


@case("without a name she is asked for it, and without ncurses there are lines")
def _():
    with ChatHub() as hub:
        with Terminal(hub.place) as terminal:
            terminal.wait_text("Your name, as a guest:")
            terminal.type("zo\u00eb")
            terminal.keys("Enter")
            terminal.wait_text("You are ~zo\u00eb")
        with Terminal(hub.place, "--user mia --plain") as terminal:
            terminal.wait_text("Password of mia:")
            terminal.type("secret")
            terminal.keys("Enter")
            hub.wait(lambda: any(one.name == "mia" and one.rooms for one in hub.sessions))
            terminal.type("hello")
            terminal.keys("Enter")
            terminal.wait_text("17:20 mia: hello")
            hub.say("lobby", "bob", "hi")
            terminal.wait_text("17:20 bob: hi")  # so her OK is in, too: nothing is left open
            expect(not any("secret" in row for row in terminal.look()))
            terminal.keys("C-c")
            terminal.wait_text("status 0")


@case("a wrong password is asked for again, three times in all")
def _():
    def answer(terminal, password, nth):
        terminal.wait(lambda screen: sum("Password of mia:" in row for row in screen) == nth)
        terminal.type(password)
        terminal.keys("Enter")

    for options in ("--user mia", "--user mia --plain"):
        with ChatHub() as hub:
            with Terminal(hub.place, options) as terminal:
                answer(terminal, "wrong", 1)
                answer(terminal, "secret", 2)
                hub.wait(lambda: any(one.name == "mia" and one.rooms for one in hub.sessions))
                terminal.type("hello")
                terminal.keys("Enter")
                terminal.wait_text("17:20 mia: hello")
            with Terminal(hub.place, options) as terminal:
                for nth in (1, 2, 3):
                    answer(terminal, "wrong", nth)
                terminal.wait_text("status 1")
                expect(sum("LOGIN mia wrong" in line for line in hub.lines) == 4, hub.lines)


if __name__ == "__main__":
    sys.exit(run())
