#!/usr/bin/env python3
"""test_account.py - `weft account`, on its own database and by a server's API."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import termios
import unicodedata

from accounted import PASSWORD, ApiServer, State
from served import PATIENCE_S, WEFT, Folder, Skip, case, expect, run
from typed import Terminal

COMMANDS = ("add", "remove", "change", "find", "show", "passwd", "link", "lock", "unlock", "token",
            "session", "group", "role", "grant", "audit", "export", "import", "backup")


def fails(done, status, part):
    expect(done.returncode == status, done)
    expect(part in done.stderr, done)
    expect(done.stdout == "", done)


@case("an account is added with a password from the standard input, as scripts do it")
def _():
    with State() as state:
        expect(state.add("mia", PASSWORD, "--role", "guest") == "mia is added.\n")
        mia = state.facts("show", "MIA")
        expect(mia["name"] == "mia" and mia["role"] == "guest" and mia["has_password"], mia)
        mode = os.stat(os.path.join(state.path, "accounts.db")).st_mode
        expect(stat.S_IMODE(mode) == 0o600, oct(mode))


@case("what can't be is refused with a sentence, and nothing is made")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        fails(state.run("add", "bob", "--password-stdin", text="short\n"), 1, "at least 8")
        fails(state.run("add", "bob", "--password-stdin", text="password1\n"), 1, "guessed")
        fails(state.run("add", "bob", "--password-stdin", text=""), 1, "no line")
        fails(state.run("add", "b b", "--invite"), 1, "letters")
        fails(state.run("add", "bob", "--invite", "--role", "king"), 1, "no such role")
        fails(state.run("add", "bob", "--invite", "--group", "none"), 1, "no such group")
        fails(state.run("add", "ANN", "--invite"), 1, "taken")
        fails(state.run("add", b"b\xff", "--invite"), 2, "UTF-8")
        fails(state.run("show", "bob"), 1, '"bob": nobody has this name')
        fails(state.run("lock", "ann"), 1, "the last account that may manage")
        expect(len(state.facts("find")) == 1)


@case("root does it as the user whose the state is: a server's user can go on with what is there")
def _():
    if os.geteuid() != 0:
        raise Skip("this is not root")
    with State() as state:
        state.add("ann")
        parent = os.path.dirname(state.path)
        os.chmod(parent, 0o711)
        for name in (".", *os.listdir(state.path)):
            os.chown(os.path.join(state.path, name), 65534, 65534)
        state.add("mia", PASSWORD)
        owners = {os.stat(os.path.join(state.path, name)).st_uid for name in os.listdir(state.path)}
        expect(owners == {65534}, owners)
        expect(len(state.facts("find")) == 2)


@case("wrong usage is status 2: no name, two, an unknown command or option")
def _():
    with State() as state:
        state.add("ann")
        fails(subprocess.run([WEFT, "account"], capture_output=True, text=True, check=False), 2,
              "what is it to do")
        for line, part in ((("frob",), "no command"), (("add",), "one name"),
                           (("add", "a", "b"), "what is"), (("find", "--frob"), "no option"),
                           (("change", "ann"), "what is to be changed"),
                           (("add", "b", "--invite", "--password-stdin"), "one of them"),
                           (("token", "add", "ann"), "--label"),
                           (("token", "remove", "ann"), "--all"),
                           (("token", "remove", "ann", "x"), "number"),
                           (("add", "bob", "--invite", "--server", "http://127.0.0.1:1"), "one of"),
                           (("find", "--token-file", "x"), "--server"),
                           (("audit", "--since", "soon"), "takes a time")):
            done = state.run(*line)
            fails(done, 2, part)


@case("a password is never taken from the command line, or shown in a list of processes")
def _():
    with State() as state:
        fails(state.run("add", "bob", "--password", PASSWORD), 2, "what is")
        fails(state.run("add", "bob", "--password=" + PASSWORD), 2, "no value")


@case("a folder without accounts is not made by looking for them")
def _():
    with State() as state:
        fails(state.run("find"), 1, "no accounts in")
        expect(not os.path.exists(state.path))


@case("accounts are found by name, role, group and state, over pages")
def _():
    with State() as state:
        table = "name,role,display_name\n" + "".join(
            f"user{i:04},{'guest' if i % 2 else 'member'},Number {i}\n" for i in range(1200))
        state.do("import", "-", text=table)
        state.do("group", "add", "choir")
        state.do("group", "join", "choir", "user0007")
        state.do("lock", "user0008")
        names = [user["name"] for user in state.facts("find")]
        expect(names == [f"user{i:04}" for i in range(1200)], len(names))
        expect(len(state.facts("find", "--limit", "1100")) == 1100)
        expect(len(state.facts("find", "--role", "guest")) == 600)
        expect([user["name"] for user in state.facts("find", "--group", "choir")] == ["user0007"])
        expect([user["name"] for user in state.facts("find", "--is", "locked")] == ["user0008"])
        expect([user["name"] for user in state.facts("find", "NUMBER 99")][0] == "user0099")
        expect(state.facts("show", "user0007")["groups"] == ["choir"])


def width(text):
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


@case("tables stand under their heads, however wide the characters are")
def _():
    with State() as state:
        for name, shown in (("a", "Zo\u0301e"), ("b", "山田 太郎"), ("c", "x"),
                            ("d", "Жёлтый")):
            state.do("add", name, "--invite", "--display-name", shown)
        lines = state.do("find").splitlines()
        column = lines[0].index("ROLE")
        for line in lines[1:]:
            before = line[:line.index("member")]
            expect(width(before) == column, lines)
        expect(all(line == line.rstrip() for line in lines), lines)


@case("what came from outside moves no cursor")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        with ApiServer(folder, state) as server:
            server.stranger().post("/sessions", {"name": "a\u001b[2J\u202e", "password": PASSWORD})
            answer = server.stranger().post(
                "/sessions", {"name": "ann", "password": PASSWORD, "label": "a\u202eb"})
        listed = state.do("session", "list", "ann") + state.do("audit")
        expect("\x1b" not in listed and "\u202e" not in listed, listed)
        expect(answer.status in (201, 422), answer)


def account(*words):
    """`weft account` on a terminal of its own, with no other way to ask."""
    return Terminal(WEFT, "account", *words)


@case("on a terminal a password is asked for twice, and not shown")
def _():
    with State() as state:
        with account("add", "mia", "--state", state.path) as typed:
            typed.until("Password: ")
            typed.type("a secret word\n")
            typed.until("Once more: ")
            typed.type("a secret word\n")
            typed.until("mia is added")
            expect(typed.end() == 0)
            expect("secret" not in typed.all, typed.all)
        with account("passwd", "mia", "--state", state.path) as typed:
            typed.until("Password: ")
            typed.type("another word\n")
            typed.until("Once more: ")
            typed.type("another wort\n")
            typed.until("two different ones")
            expect(typed.end() == 1)


@case("Ctrl-C at the password ends it, with the terminal as it was")
def _():
    with State() as state:
        with account("add", "mia", "--state", state.path) as typed:
            typed.until("Password: ")
            expect(not typed.mode(termios.ECHO))
            typed.type("\x03")
            typed.until_mode(termios.ECHO, True)
            expect(typed.end() == -signal.SIGINT)
        expect(not os.path.exists(state.path))


@case("on a terminal it asks before it removes; --yes and scripts are not asked")
def _():
    with State() as state:
        for name in ("ann", "mia"):
            state.do("add", name, "--invite")
        with account("remove", "mia", "--state", state.path) as typed:
            typed.until("Remove the account mia? [y/N] ")
            typed.type("\n")
            typed.until("nothing was done")
            expect(typed.end() == 1)
        with account("remove", "mia", "--state", state.path) as typed:
            typed.until("[y/N] ")
            typed.type("y\n")
            typed.until("mia is removed")
            expect(typed.end() == 0)
        expect(state.facts("show", "mia")["state"] == "removed")
        state.do("remove", "ann", "--purge")
        fails(state.run("show", "ann"), 1, "nobody")


@case("who is removed leaves files to the trash, or to somebody; purged is she after that")
def _():
    with Folder() as folder, State() as state:
        for name in ("mia", "zoe"):
            state.add(name, PASSWORD, "--quota", "100")
        state.add("ben", PASSWORD)
        owner = {}
        with ApiServer(folder, state) as server:
            state.do("grant", "set", "role:member", "", "read,list,write")
            for name in ("mia", "ben"):
                for number in range(2):
                    done = server.bearer(state.token(name)).ask(
                        "PUT", f"/{name}{number}", b"x" * 45, prefix="")
                    expect(done.status == 201, done)
                owner[name] = os.getxattr(folder.at(f"{name}0"), "user.weft.owner")
        here = ("--folder", folder.path)
        for words, what in ((("--trash-files",), "--folder DIR"), (here, "is of --trash-files"),
                            (("--trash-files", "--give-files", "zoe", *here), "not both")):
            fails(state.run("remove", "mia", *words), 2, what)
        # What can't be is said before anybody is gone.
        nowhere = ("--folder", folder.path + "/no")
        for words, what in ((("nobody", *here), "nobody has this name"),
                            (("mia", *here), "herself"), (("zoe", *nowhere), "no folder")):
            fails(state.run("remove", "mia", "--give-files", *words), 1, what)
        state.do("change", "zoe", "--quota", "60")
        done = state.run("remove", "mia", "--purge", "--give-files", "zoe", *here)
        fails(done, 1, "zoe has room for 60 bytes")
        expect("90" in done.stderr and "nothing was done" in done.stderr, done)
        for deed, word, back in (("lock", "locked", "unlock"), ("remove", "removed", "unlock")):
            state.do(deed, "zoe")
            fails(state.run("remove", "mia", "--give-files", "zoe", *here), 1, f"zoe is {word}")
            state.do(back, "zoe")
        expect(state.facts("show", "mia")["state"] == "active")
        expect((state.facts("show", "mia")["used"], state.facts("show", "zoe")["used"]) == (90, 0))
        # Half of it, as where both change meanwhile: what is left can be given later.
        state.add("ann", PASSWORD, "--role", "admin")
        with ApiServer(folder, state) as server:
            ann = server.bearer(state.token("ann", "--powers", "all"))
            expect(ann.delete("/users/mia").status == 204)
            done = ann.post("/users/mia/files", {"do": "give", "to": "zoe"})
            expect(done.status == 200 and done.json["full"] and done.json["files"] == 1, done)
        expect((state.facts("show", "mia")["used"], state.facts("show", "zoe")["used"]) == (45, 45))
        state.do("change", "zoe", "--quota", "90")
        state.do("remove", "mia", "--purge", "--give-files", "zoe", *here)
        fails(state.run("show", "mia"), 1, "nobody")
        expect(state.facts("show", "zoe")["used"] == 90)
        owners = {os.getxattr(folder.at(f"mia{n}"), "user.weft.owner") for n in range(2)}
        expect(len(owners) == 1 and owner["mia"] not in owners, owners)
        done = state.do("remove", "ben", "--trash-files", *here)
        expect(sorted(name for name in os.listdir(folder.path) if name[0] != ".") ==
               ["mia0", "mia1"], done)
        expect(state.facts("show", "ben")["used"] == 90)


@case("an export goes into another folder as it is, and formulas come to no harm")
def _():
    with State() as state, State() as other:
        state.do("add", "mia", "--invite", "--display-name", "=1+1", "--quota", "3G")
        table = state.do("export")
        expect("'=1+1" in table, table)
        expect(other.do("import", "-", text=table) == "1 added, 0 changed, 0 left out\n")
        expect(other.facts("show", "mia")["display_name"] == "=1+1")
        expect(other.facts("show", "mia")["quota"] == 3 << 30)
        fails(other.run("import", "-", text=table), 1, "line 2, name: this name is taken")
        expect("(nothing was done)" in other.do("import", "-", "--update", "--trial", text=table))


@case("a backup is whole, nobody else's, and over nothing that is there")
def _():
    with State() as state:
        state.add("ann")
        copy = os.path.join(state.top, "copy.db")
        state.do("backup", copy)
        expect(stat.S_IMODE(os.stat(copy).st_mode) == 0o600)
        fails(state.run("backup", copy), 1, f"{copy} is there already")
        fails(state.run("backup", state.top), 1, f"{state.top} is there already")
        lost = os.path.join(state.top, "nowhere", "copy.db")
        fails(state.run("backup", lost), 1, f"the folder that {lost} is to be in is not there")
        os.mkdir(os.path.join(state.top, "again"), 0o700)
        os.rename(copy, os.path.join(state.top, "again", "accounts.db"))
        again = json.loads(state.do("find", "--json",
                                    where=("--state", os.path.join(state.top, "again"))))
        expect([user["name"] for user in again] == ["ann"], again)


@case("roles, groups, grants and tokens are made, listed and removed")
def _():
    with State() as state:
        state.add("ann", PASSWORD, "--role", "admin")
        state.do("role", "set", "keeper", "audit,backup")
        expect({"name": "keeper", "powers": ["audit", "backup"]} in state.facts("role", "list"))
        fails(state.run("role", "set", "keeper", "audit,fly"), 1, "takes of these")
        state.do("role", "remove", "keeper")
        state.do("group", "add", "choir")
        state.do("group", "join", "choir", "ann")
        expect(state.facts("group", "list") == [{"name": "choir", "members": 1}])
        state.do("grant", "set", "group:choir", "music", "read,list")
        granted = state.facts("grant", "list", "music")
        expect(granted == [{"to": "group", "subject": "choir", "folder": "music",
                            "rights": ["read", "list"]}], granted)
        state.do("grant", "remove", "group:choir", "music")
        expect(state.facts("grant", "list", "music") == [])
        # Slashes around a folder say nothing: "/" is the shared one itself.
        state.do("grant", "set", "group:choir", "/", "read")
        state.do("grant", "set", "group:choir", "/music/", "read")
        expect([one["folder"] for one in state.facts("grant", "list")
                if one["subject"] == "choir"] == ["", "music"])
        expect([one["rights"] for one in state.facts("grant", "list", "/")
                if one["subject"] == "choir"] == [["read"]])
        state.do("grant", "remove", "group:choir", "/")
        state.do("grant", "remove", "group:choir", "music//")
        expect(state.facts("grant", "list", "/music") == [])
        state.do("change", "ann", "--home", "/music/")
        expect(state.facts("show", "ann")["home"] == "music")
        state.do("change", "ann", "--home", "/")
        expect(state.facts("show", "ann")["home"] == "")
        table = "name,home\nann,/music/\nzoe,/\n"
        state.do("import", "-", "--update", text=table)
        expect([state.facts("show", name)["home"] for name in ("ann", "zoe")] == ["music", ""])
        state.do("import", "-", "--update", text="name,home\nann,/\n")
        expect(state.facts("show", "ann")["home"] == "")
        state.do("group", "leave", "choir", "ann")
        state.do("group", "remove", "choir")
        expect(state.token("ann").startswith("weft_t_"))
        (token,) = state.facts("token", "list", "ann")
        expect(len(token["rights"]) == 6 and token["powers"] == [], token)
        expect(state.token("ann", "--folder", "/").startswith("weft_t_"))
        expect([one["folder"] for one in state.facts("token", "list", "ann")] == ["", ""])
        state.do("token", "remove", "ann",
                 str(max(one["id"] for one in state.facts("token", "list", "ann"))))
        state.do("token", "remove", "ann", str(token["id"]))
        expect(state.facts("token", "list", "ann") == [])


@case("by --server it is the same, with a token from the environment or a file of one's own")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        token = state.token("ann", "--powers", "all")
        with ApiServer(folder, state) as server:
            where = ("--server", f"http://{server.address}")
            by = {"where": where, "WEFT_TOKEN": token}
            expect("invit" not in state.do("add", "zoe", "--role", "guest", **by))
            expect(state.facts("show", "zoe", **by) == state.facts("show", "zoe"))
            expect(state.facts("find", "--limit", "1", **by) == state.facts("find", "--limit", "1"))
            expect(state.do("export", **by) == state.do("export"))
            copy = os.path.join(state.top, "copy.db")
            state.do("backup", copy, **by)
            expect(stat.S_IMODE(os.stat(copy).st_mode) == 0o600)
            expect(state.do("import", "-", text="name\nkim\n", **by).startswith("1 added"))
            for name in ("..", "a/../b", ".", ""):
                fails(state.run("session", "end", name, "--all", **by), 1, "a name is made of")
            fails(state.run("show", "a?b#c%2e", **by), 1, "nobody has this name")
            fails(state.run("find", where=where, WEFT_TOKEN="weft_t_0"), 1, "not valid")
            fails(state.run("find", where=where, WEFT_TOKEN=""), 2, "needs a token")
            fails(state.run("passwd", "zoe", "--password-stdin", text="x\n", **by), 1, "no line")
            path = os.path.join(state.top, "token")
            with open(path, "w", encoding="utf-8") as file:
                file.write(token + "\n")
            os.chmod(path, 0o644)
            fails(state.run("find", where=(*where, "--token-file", path)), 1, "others may read")
            os.chmod(path, 0o600)
            state.do("find", where=(*where, "--token-file", path))
            state.do("passwd", "ann", "--password-stdin", text=PASSWORD + "\nanother horse\n",
                     where=where)
            server.log_in("ann", "another horse")
            made = state.do("token", "add", "ann", "--label", "x", "--powers", "accounts",
                            "--password-stdin", text="another horse\n", where=where).strip()
            state.do("find", where=where, WEFT_TOKEN=made)
            (session,) = state.facts("session", "list", "ann")
            expect(session["label"] != "weft account", session) # that one was logged out


@case("an invitation or a reset is used from anywhere: by its secret, or as the end of a URL")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        state.add("zoe")
        with ApiServer(folder, state) as server:
            url = f"http://{server.address}"

            def link():
                return state.facts("link", "zoe")["secret"]

            def use(link, text, *options, where=("--yes",)):
                return state.run("passwd", "--link", link, "--password-stdin", *options,
                                 text=text + "\n", where=where)

            first = link()
            fails(use(first, "short", where=("--server", url)), 1, "at least 8")
            done = use(first, "a first horse 1", where=("--server", url))
            expect(done.returncode == 0 and "of zoe is set" in done.stdout, done)
            server.log_in("zoe", "a first horse 1")
            fails(use(first, "a first horse 2", where=("--server", url)), 1, "not valid")
            done = use(f"{url}/anything?x=1#{link()}", "a second horse 2")
            expect(done.returncode == 0, done)
            server.log_in("zoe", "a second horse 2")
            # Not on the command line; and on the own database.
            done = use("-", f"{link()}\na third horse 3", where=("--state", state.path))
            expect(done.returncode == 0, done)
            server.log_in("zoe", "a third horse 3")
            done = use(f"/.weft/me#{link()}", "a fourth horse 4", where=("--state", state.path))
            expect(done.returncode == 0, done)
            server.log_in("zoe", "a fourth horse 4")
            fails(use("http://192.0.2.1/#x", "a horse 4"), 2, "https")
            fails(use(url + "/#", "a horse 4"), 2, "no secret")
            fails(use("x", "a horse 4", "zoe"), 2, "whose password")
            fails(use("x", "a horse 4", "--must-change"), 2, "--must-change")
            fails(state.run("passwd"), 2, "whose?")


@case("an invitation is printed as a link, where it is known how the server's page is reached")
def _():
    with State() as state, Folder() as folder:
        state.add("ann", PASSWORD, "--role", "admin")
        token = state.token("ann", "--powers", "all")
        said, link = state.do("add", "zoe", "--invite").splitlines()
        expect("zoe is added" in said and "within 3 days" in said and "behind it" in said, said)
        expect(re.fullmatch(r"/\.weft/me#weft_l_\S+", link), link)
        with ApiServer(folder, state, "--page") as server:
            url = f"http://{server.address}"
            said, link = state.do("link", "zoe", "--days", "1").splitlines()
            expect("of zoe is set" in said and "within 1 day, " in said, said)
            expect("on this machine only" in said, said)
            expect(link.startswith(url + "/.weft/me#weft_l_"), link)
            place, _, secret = link.partition("#")
            expect(server.get(place[len(url):]).status == 200, place)
            answer = server.stranger().post("/links/look", {"secret": secret})
            expect(answer.json["name"] == "zoe", answer)
            facts = state.facts("link", "zoe")
            expect(facts["link"] == f"{url}/.weft/me#{facts['secret']}", facts)
            by = {"where": ("--server", url + "/"), "WEFT_TOKEN": token}
            expect(state.do("add", "mia", **by).splitlines()[-1].startswith(url + "/.weft/me#"))
        with ApiServer(folder, state) as server:  # it has no page
            by = {"where": ("--server", f"http://{server.address}"), "WEFT_TOKEN": token}
            for where in ({}, by):
                said, link = state.do("link", "zoe", **where).splitlines()
                expect("passwd --link" in said and link.startswith("weft_l_"), (said, link))
                expect("link" not in state.facts("link", "zoe", **where))


@case("a link to a server with a certificate of its own is used as any other server is trusted")
def _():
    with State() as state, Folder() as folder:
        state.add("zoe")
        key, paper = state.top + "/key.pem", state.top + "/paper.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", paper,
                        "-days", "5", "-subj", "/CN=home", "-addext",
                        "subjectAltName=IP:127.0.0.1"], capture_output=True, check=True)
        with ApiServer(folder, state, "--page", "--https", "127.0.0.1:0", "--tls-cert", paper,
                       "--tls-key", key) as server:
            for number, trust in enumerate((("--insecure",), ("--issuers", paper))):
                link = state.facts("link", "zoe")["link"]
                expect(link.startswith("https://127.0.0.1:"), link)
                arguments = ("passwd", "--password-stdin", "--link", link)
                text = f"horse number {number}\n"
                fails(state.run(*arguments, text=text, where=("--yes",)), 1, "certificate")
                done = state.run(*arguments, text=text, where=trust)
                expect(done.returncode == 0 and "of zoe is set" in done.stdout, done)
                server.log_in("zoe", text.strip())
            secret = link.partition("#")[2]
            fails(state.run("passwd", "--link", secret, "--insecure"), 2, "--server URL")
        fails(state.run("passwd", "zoe", "--insecure"), 2, "--server URL")


@case("a token goes to no server in the clear, but this machine's")
def _():
    with State() as state:
        where = ("--server", "http://192.0.2.1/")
        fails(state.run("find", where=where, WEFT_TOKEN="x"), 2, "https")


@case("every command has --help, and the manual page knows each")
def _():
    with open("docs/man/weft-account.1", encoding="utf-8") as file:
        page = file.read()
    for command in COMMANDS:
        done = subprocess.run([WEFT, "account", command, "--help"], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        expect(done.returncode == 0, done)
        expect(done.stdout.startswith(f"usage: weft account {command}"), done)
        hinted = re.search(r"Each has --help: weft (account .*)", done.stdout)
        if hinted:
            subprocess.run([WEFT, *hinted[1].split()], stdout=subprocess.DEVNULL,
                           timeout=PATIENCE_S, check=True)
        expect(re.search(r"^\.(B|BI|BR|TP|SS).*\b%s\b" % command, page, re.M), command)


sys.exit(run())
