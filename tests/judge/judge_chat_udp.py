#!/usr/bin/env python3
"""judge_chat_udp.py - the documented datagrams (docs/chat-protocol.md), typed by hand: each `nc`,
socat, and Python's sockets, at all of what the document says, word for word.

Far networks, loss and reordering: judge_chat_far.py. Floods: judge_chat_attack.py.
"""
import re
import sys

from chat_judged import (PASSWORD, UDP_TOOLS, WEFT, Datagrams, Folder, Rooms, Screen, State, Typist,
                         bare, case, come_in, each, expect, run)

HOW = "send: L name, C name text, or Q name"


@each(UDP_TOOLS, "in, heard, heard by others, out; L and Q are answered again")
def _(command):
    with Rooms() as rooms, Typist(command, *rooms.place) as mia, Datagrams(rooms.place) as tom:
        mia.asks("L mia", "OK")
        tom.asks("L tom", "OK")
        mia.reads("SERVER: tom has joined")
        mia.types("C mia hello all")
        tom.reads("mia: hello all")
        tom.types("C tom gr\u00fc\u00df Gott \u4f60\u597d \U0001f600")
        mia.reads("tom: gr\u00fc\u00df Gott \u4f60\u597d \U0001f600")
        mia.asks("L mia", "OK")
        mia.asks("hello", HOW)
        mia.asks("C mia", "there is nothing to say: send: C name text")
        mia.asks("C tom I am tom", "you are mia here")
        mia.asks("Q tom", "you are mia here")
        mia.asks("L ann", "you are mia here: send: Q mia")
        tom.asks("Q tom", "EXIT")
        mia.reads("SERVER: tom has left")
        tom.asks("Q tom", "EXIT")
        mia.asks("Q mia", "EXIT")
        mia.asks("Q mia", "EXIT")
        mia.asks("C mia anybody?", "you are not in: send: L mia")


@each(UDP_TOOLS, "whose program has ended is out when somebody speaks, and the name is free")
def _(command):
    with Rooms() as rooms, Datagrams(rooms.place) as mia:
        mia.asks("L mia", "OK")
        with Typist(command, *rooms.place) as tom:
            tom.asks("L tom", "OK")
            mia.reads("SERVER: tom has joined")
        mia.types("C mia are you there?")
        mia.reads("SERVER: tom has left (gone)")
        with Datagrams(rooms.place) as tom:
            come_in(tom, "tom")
            mia.reads("SERVER: tom has joined")


@case("the name of whom nobody has spoken to since comes free for who asks twice")
def _():
    with Rooms() as rooms, Datagrams(rooms.place) as tom:
        with Datagrams(rooms.place) as gone:
            gone.asks("L mia", "OK")
        tom.asks("L mia", "this name is taken")
        come_in(tom, "mia")


@case("a name is its address's and port's: all else is refused, and who has it is asked")
def _():
    with Rooms() as rooms:
        mia, eve = bare(rooms.place)
        with mia, eve, Datagrams(rooms.place, "127.9.9.9") as other:
            mia.asks("L mia", "OK")
            for thief in (eve, other):
                thief.asks("C mia I am mia", "you are not in: send: L mia")
                thief.asks("Q mia", "you are not in: send: L mia")
                thief.asks("L mia", "this name is taken")
                if thief is eve:  # asked at most every five seconds
                    mia.reads("SERVER: mia, are you still there?")
            for lookalike in ("MIA", "Mia", "M\u0456\u0430", "rnia", "\uff4d\uff49\uff41"):
                eve.types(f"L {lookalike}")
                expect(eve.line() != "OK", lookalike)
            mia.asks("L mia", "OK")


@case("names that there can't be: reserved, badly made, of several scripts, too long")
def _():
    letters = "a name is made of letters, digits and . _ - + @"
    mixed = "this name mixes the letters of several scripts"
    begins = "a name begins with a letter or a digit"
    spaces = "a name has no spaces: send: L name"
    names = {
        "SERVER": "this name is reserved", "server": "this name is reserved",
        "Admin": "this name is reserved", "\uff33ERVER": "this name is reserved",
        "root": "this name is reserved", "S\u0415RVER": mixed, "a\u03a9": mixed,
        "mia:": letters, "SERVER:": letters, "~mia": letters, "a/b": letters, "*": letters,
        "\U0001f44d": letters, "a\u200db": letters, "-a": begins, ".a": begins,
        "\u0301a": begins, "a\u202eb": "this can't be a name", "a\x1b[2J": "this can't be a name",
        "x" * 33: "this name is too long: 32 characters and 64 bytes at most",
        "x" * 65: "this name is too long", "mia, tom and ann": spaces, "\u00e4 \u00f6": spaces,
        "": HOW,
    }
    with Rooms() as rooms:
        for number, (name, why) in enumerate(names.items(), 1):
            # Each from an address of its own, or the pace of answers would be in the way.
            with Datagrams(rooms.place, f"127.0.3.{number}") as eve:
                eve.asks(f"L {name}", why)


@case("an account's name needs its owner's code: good once, nobody else's, in the owner's words")
def _():
    with State() as state:
        state.add("ann")
        with Rooms(state=state) as rooms, rooms.member("ann") as ann, \
                Datagrams(rooms.place) as phone, Datagrams(rooms.place) as thief:
            thief.asks("L ann", "this name needs a code of its owner's: send: L name code")
            thief.asks("L ANN", "this name needs a code of its owner's: send: L name code")
            code = ann.do("CODE")
            expect(re.fullmatch(r"[0-9a-z]{8}", code), code)
            thief.asks(f"L ann {code[1:] + code[0]}", "this code is wrong, or over")
            phone.asks(f"L ann {code}", "OK")
            thief.asks(f"L ann {code}", "this code is wrong, or over")
            phone.types("C ann from my phone")
            expect(ann.event("message").line.endswith(" ann from my phone"), "not as ann")
            code = ann.do("CODE")
            for wrong in range(5):
                thief.asks(f"L ann {code[:7]}{'abcdefgh'.replace(code[7], '')[wrong]}",
                           "this code is wrong, or over")
            phone.asks("Q ann", "EXIT")
            phone.asks(f"L ann {code}", "OK")  # which others' guesses do not spoil
            # A key with another's look is no way in, either.
            thief.types("L \u0430nn")
            expect(thief.line() != "OK")


@case("who is muted, kicked and banned reads why; and a banned one does not come in again")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        with Rooms(state=state) as rooms, rooms.member("ann") as ann, \
                Datagrams(rooms.place) as bob, Datagrams(rooms.place) as tom:
            bob.asks("L bob", "OK")
            tom.asks("L tom", "OK")
            bob.reads("SERVER: tom has joined")
            ann.do("MUTE lobby bob 3600 too loud")
            for peer in (bob, tom):
                peer.reads("SERVER: bob is muted: too loud")
            bob.asks("C bob hm", "not said: you are muted")
            ann.do("UNMUTE lobby bob")
            for peer in (bob, tom):
                expect(peer.line().startswith("SERVER: bob "), "not told")
            ann.do("READ-ONLY lobby on")
            bob.asks("C bob hm", "not said: only moderators speak in this room")
            ann.do("READ-ONLY lobby off")
            ann.do("SLOW lobby 3600")
            bob.types("C bob one")
            tom.reads("bob: one")
            bob.asks("C bob two",
                     "not said: this room is in slow mode; wait before the next message")
            ann.do("SLOW lobby 0")
            ann.do("TOPIC lobby what is new")
            bob.reads("SERVER: the topic is: what is new")
            ann.do("ANNOUNCE at nine the hub stops")
            bob.reads("SERVER: at nine the hub stops")
            ann.do("KICK lobby bob enough of it")
            bob.reads("SERVER: you are out: enough of it")
            bob.asks("C bob what?", "you are not in: send: L bob")
            come_in(bob, "bob")
            ann.do("BAN * bob 3600 spam")
            bob.reads("SERVER: you are out: spam")
            bob.asks("L bob", "you are banned")
            # So is her address, under whatever name.
            bob.asks("L rob", "you are banned")


@case("more guests of one address than there may be: there is no more space")
def _():
    with Rooms("--chat-rate", "10000") as rooms:
        people = []
        try:
            # Ten a second are answered, after the first fifty: the lines are quicker.
            for number in range(256):
                people.append(rooms.person())
                people[-1].do(f"GUEST g{number}")
            with Datagrams(rooms.place) as late:
                late.asks("L late", "there is no more space for anybody")
        finally:
            for person in people:
                person.socket.close()


@case("no terminal is steered, no line is feigned, what is no UTF-8 is refused")
def _():
    texts = {
        "\x1b]0;pwned\x07": r"\u{1b}]0;pwned\u{7}", "one\nSERVER: two": r"one\nSERVER: two",
        "a\tb": r"a\tb", "a\rSERVER: b": r"a\rSERVER: b", "\x9b2J".encode().decode(): r"\u{9b}2J",
        "\u202e right to left": r"\u{202e} right to left", "\u2066x\u2069": r"\u{2066}x\u{2069}",
        "\u2028": r"\u{2028}", "\x7f": r"\u{7f}", "\ufeffx": r"\u{feff}x", "\u200e": r"\u{200e}",
        "\\u{1b}": r"\u{1b}", " two  spaces ": " two  spaces ",
    }
    with Rooms() as rooms, Datagrams(rooms.place) as mia, Datagrams(rooms.place) as tom:
        mia.asks("L mia", "OK")
        tom.asks("L tom", "OK")
        mia.reads("SERVER: tom has joined")
        for text, shown in texts.items():
            mia.types(f"C mia {text}")
            tom.reads(f"mia: {shown}")
        mia.asks(b"C mia \xc3(", "this is no UTF-8")
        mia.asks(b"C mia \xed\xa0\x80", "this is no UTF-8")
        mia.asks(b"C mia a\0b", "this is no UTF-8")
        mia.asks("x" * 65507, "this is too long")
        mia.asks("C mia " + "x" * 1395, "this is too long")
        mia.types("", "\1sealed?", "send: L mia 123456", "\1")
        mia.types("C mia " + "x" * 1394)
        got = tom.line()
        if len(got) < 1399:  # its speaker's name took space
            got += tom.line().removeprefix("mia: ")
        expect(got == "mia: " + "x" * 1394, len(got))
        mia.types("C mia end")
        tom.reads("mia: end")


@case("what the administrator types where it runs is read by all: SERVER; and /kick puts out")
def _():
    with Folder() as folder, Screen(
            f"{WEFT} serve {folder.path} --http none --chat 127.0.0.1:0") as screen:
        place = "127.0.0.1", int(screen.finds(r"chat://127\.0\.0\.1:(\d+)/")[1])
        mia, tom = Datagrams(place), Datagrams(place)
        mia.asks("L mia", "OK")
        tom.asks("L tom", "OK")
        mia.reads("SERVER: tom has joined")
        screen.types("hello all")
        for peer in (mia, tom):
            peer.reads("SERVER: hello all")
        screen.types("/kick tom too loud")
        tom.reads("SERVER: you are out: too loud")
        expect(mia.line().startswith("SERVER: tom "), "not told")
        screen.finds("tom is out.")
        screen.types("/who")
        screen.finds(r"~mia  udp  127\.0\.0\.1")
        mia.socket.close()
        tom.socket.close()


sys.exit(run())
