#!/usr/bin/env python3
"""test_embed.py - tools/embed: what it leaves out of scripts and styles means nothing."""
import os
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
        subprocess.run([EMBED, out, root, *paths], check=True, timeout=60)
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


@case("comments, indentation and spaces around signs stay behind; texts are as they were")
def _():
    for line, wanted in (
            ("\tconst a = b + 1; // why\n", "const a=b+1;"),
            ("// all of it\n\n\t// this, too\nx();\n", "x();"),
            ('\tsay("a // b", c); // and\n', 'say("a // b",c);\n'),
            ("\tsay('a // b');\n", "say('a // b');\n"),
            ("x = 1; // it isn't one\n", "x=1;// it isn't one\n"),
            ('say("it\'s  { so }" , "x = y");\n', 'say("it\'s  { so }","x = y");'),
            ("a = b - -c; d = e++ + f; g = -h + i;\n", "a=b- -c;d=e++ +f;g=-h+i;"),
            ("return x in y ? z : \u00e4 in \u00f6;\n", "return x in y?z:\u00e4 in \u00f6;"),
            ("a = b / c; d = / +/.test(e); // f\n", "a=b/ c; d = / +/.test(e);"),
            ("say(`a  = ${b + c}`); // d\n", "say(`a  = ${b + c}`);"),
            ("a = b + `c = ${d} } e` + f;\n", "a=b+`c = ${d} } e`+f;"),
            ("a = `b ${c ? `d + e` : f} g` + h;\n", "a=`b ${c ? `d + e` : f} g` + h;"),
            ("a = `b ${c('}')} g` + `h + i`;\n", "a=`b ${c('}')} g` + `h + i`;"),
            ('say("\\" = ", a);\n', 'say("\\" = ", a);'),
            ('a = "/b = c" + d', 'a="/b = c"+d'),
            ("f(\n\ta, [\n\t\tb\n\t]\n)\ng()\n", "f(a,[b\n]\n)\ng()\n"),
            ("f(a, // {\n\tb)\n", "f(a,b)\n"),
            ("f(a, // it's {\n\tb)\n", "f(a,// it's {\nb)\n"),
            ("x = 1", "x=1")):
        expect(stripped("a.js", line) == wanted, (line, stripped("a.js", line)))
    expect(stripped("a.css", "/* a\n b */\na {\n\tcolor: red; /* c */\n}\n") ==
           "a{color:red;}")
    expect(stripped("a.css", "a :is(b, c) > d,\ne {\n\tgap: calc(1px + 2px) 3px;\n}\n") ==
           "a :is(b,c) > d,e{gap:calc(1px + 2px) 3px;}")
    expect(stripped("a.css", 'a::before {\n\tcontent: ", : {";\n}\n') ==
           'a::before{content: ", : {";}')
    expect(stripped("a.html", "<p>a // b</p>\n\n") == "<p>a // b</p>\n\n")


@case("each script of the page is one still")
def _():
    if not shutil.which("node"):
        raise Skip("node is not installed")
    with tempfile.TemporaryDirectory() as folder:
        files = {name: text for name, text in pack(os.path.join(HOUSE, "web")).items()
                 if name.endswith(".js")}
        expect(len(files) > 10, files.keys())
        for name, text in files.items():
            path = os.path.join(folder, name.replace("/", "_").replace(".js", ".mjs"))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run(["node", "--check", path], capture_output=True, text=True,
                                  check=False, timeout=60)
            expect(done.returncode == 0, f"{name}: {done.stderr}")


if __name__ == "__main__":
    sys.exit(run())
