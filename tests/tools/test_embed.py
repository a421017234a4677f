#!/usr/bin/env python3
"""test_embed.py - tools/embed and tools/page: the page that is packed is the one of web/."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from tap import Skip, case, expect, run

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EMBED = os.path.join(os.environ.get("WEFT_TEST_BUILD", HOUSE + "/build/release"), "embed")
HEAD, FILE = struct.Struct("=20sI"), struct.Struct("=64s3I3I")  # src/hub/page_pack.h


def pack(root):
    """{name: what is sent of it without a coding}, of all files below a folder."""
    paths = [os.path.join(top, name) for top, _, names in os.walk(root) for name in names
             if name.rpartition(".")[2] in ("js", "css", "html", "svg")]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        subprocess.run([EMBED, out, root, *paths], check=True, timeout=200)
        with open(out, "rb") as file:
            data = file.read()
    _, count = HEAD.unpack_from(data)
    files = (FILE.unpack_from(data, HEAD.size + FILE.size * i) for i in range(count))
    return {one[0].rstrip(b"\0").decode(): data[one[1]:one[1] + one[4]].decode() for one in files}


def stripped(name, text):
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)
        return pack(root)[name]


@case("of styles, comments, indentation and spaces around signs stay behind; the rest is as it was")
def _():
    expect(stripped("a.css", "/* a\n b */\na {\n\tcolor: red; /* c */\n}\n") ==
           "a{color:red;}")
    expect(stripped("a.css", "a :is(b, c) > d,\ne {\n\tgap: calc(1px + 2px) 3px;\n}\n") ==
           "a :is(b,c) > d,e{gap:calc(1px + 2px) 3px;}")
    expect(stripped("a.css", 'a::before {\n\tcontent: ", : {";\n}\n') ==
           'a::before{content: ", : {";}')
    for name, text in (("a.html", "<p>a // b</p>\n\n"), ("a.js", "\tsay( 1 ); // one\n")):
        expect(stripped(name, text) == text, name)


def made(folder, **environment):
    """{name: text}, of the page as tools/page makes it ready; the room is in the folder."""
    room = os.path.join(folder, "room")
    subprocess.run(["tools/page", EMBED, os.path.join(folder, "pack"), room], cwd=HOUSE, check=True,
                   timeout=200, env={**os.environ, **environment})
    return pack(room)


def check_scripts(folder, files):
    """Each is one, and what it takes from others is there."""
    for name, text in files.items():
        if not name.endswith(".js"):
            continue
        for other in re.findall(r"""(?:from|import) ?\(?["'](\.[^"']+)["']""", text):
            wanted = os.path.normpath(os.path.join(os.path.dirname(name), other))
            expect(wanted in files, f"{name} imports {other}")
        path = os.path.join(folder, name.replace("/", "_").replace(".js", ".mjs"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(["node", "--check", path], capture_output=True, text=True,
                              check=False, timeout=200)
        expect(done.returncode == 0, f"{name}: {done.stderr}")


def names_of(pattern, text, first):
    """The first or the last word of each of `a as b, c`."""
    lists = ",".join(re.findall(pattern, text)).split(",")
    return {words.split()[0 if first else -1] for words in lists if words.strip()}


def exported(text):
    return names_of(r"export ?\{([^}]*)\}", text, first=False)


@case("a view is one script, what views share is there once; without esbuild all is as written")
def _():
    if not shutil.which("node"):
        raise Skip("node is not installed")
    with tempfile.TemporaryDirectory() as folder:
        plain = made(folder, ESBUILD="")
        expect(len(plain) > 40 and "files/list.js" in plain and "README.md" not in plain, plain)
        check_scripts(folder, plain)
        if not shutil.which("esbuild"):
            raise Skip("esbuild is not installed")
        few = made(folder)
        expect({name for name in few if name.startswith("core/") and name.endswith(".js")} ==
               {"core/app.js", "core/first.js"}, few.keys())
        expect({name for name in few if not name.endswith(".js")} ==
               {name for name in plain if not name.endswith(".js")}, few.keys())
        shared = exported(few["core/app.js"])
        expect({name for name in few if name.endswith("/view.js")} ==
               {name for name in plain if name.endswith("/view.js")}, few.keys())
        expect("files/list.js" not in few, few.keys())
        for view in (name for name in few if name.endswith("/view.js")):
            expect("hub.json" not in few[view], f"{view} has core/api.js in it")
            taken = names_of(r'import ?\{([^}]*)\} ?from ?"\.\./core/app\.js"', few[view],
                             first=True)
            expect(taken and taken <= shared, f"{view} takes {taken - shared} from core/app.js")
        check_scripts(folder, few)


if __name__ == "__main__":
    sys.exit(run())
