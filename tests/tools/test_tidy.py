#!/usr/bin/env python3
"""test_tidy.py - tools/tidy catches each breach it claims to, and passes this tree."""
import os
import subprocess
import sys
import tempfile

from tap import case, expect, run

HERE = os.path.dirname(os.path.abspath(__file__))
TIDY = os.path.join(HERE, "..", "..", "tools", "tidy")


def head(path):
    return f"/*\n * {os.path.basename(path)} - a sample.\n */\n"


def lines_of(count):
    return "".join(f"int weft_number_{i};\n" for i in range(count))


def function_of(count):
    return "static void long_one(void)\n{\n" + "\twork();\n" * count + "}\n"


PUBLIC = "include/weft/sample.h"
SOURCE = "src/io/sample.c"

# (what is caught, the rule that says so, files: the first one's breach is the sample)
BREACHES = [
    ("a floor above", "floors", {
        "src/base/low.c": '#include "fiber/high.h"\n', "src/fiber/high.h": ""}),
    ("a sibling floor", "floors", {
        "src/http/one.c": '#include "ftp/other.h"\n', "src/ftp/other.h": ""}),
    ("a floor above through its public header", "floors", {
        "src/base/low.c": '#include "weft/stream.h"\n',
        "include/weft/stream.h": "/** One. */\nWEFT_API int weft_stream(void);\n",
        "src/io/stream.c": "int weft_stream(void)\n{\n}\n"}),
    ("a relative way to a floor above", "floors", {
        "src/io/low.c": '#include "../http/high.h"\n', "src/http/high.h": ""}),
    ("a command that looks into a floor", "floors", {
        "src/cmd/serve.c": '#include "base/low.h"\n', "src/base/low.h": ""}),
    ("a hub that looks into a floor", "floors", {
        "src/hub/hub.c": '#include "base/low.h"\n', "src/base/low.h": ""}),
    ("a public header that looks into src", "floors", {
        PUBLIC: '#include "base/low.h"\n', "src/base/low.h": ""}),
    ("a benchmark that looks into src", "floors", {
        "bench/one.c": '#include "base/low.h"\n', "src/base/low.h": ""}),
    ("a yardstick that uses weft", "floors", {"bench/limit/one.c": "#include <weft/stream.h>\n"}),
    ("a folder that is no floor", "floors", {"src/attic/one.c": "#include <stdio.h>\n"}),
    ("a file of 801 lines", "file-length", {SOURCE: lines_of(798)}),
    ("a function of 71 lines", "function-length", {SOURCE: function_of(71)}),
    ("six parameters in a header", "parameters", {
        "src/io/sample.h": "int weft__six(int a, int b, int c, int d, int e, int f);\n"}),
    ("six parameters in a definition", "parameters", {
        SOURCE: "static int six(int a, int b, int c,\n\tint d, int e, int f)\n{\n\tg();\n}\n"}),
    ("six parameters, one of them a function", "parameters", {
        "src/io/sample.h":
            "int weft__six(int a, int (*b)(int, int), int c, int d, int e, int f);\n"}),
    ("a visible function without the prefix", "names", {SOURCE: "int helper(void)\n{\n}\n"}),
    ("a visible prototype without the prefix", "names", {
        "src/io/sample.h": "struct thing *thing_new(int size);\n"}),
    ("a public function without a comment", "public", {PUBLIC: "\nWEFT_API int weft_one(void);\n"}),
    ("a public function below a section mark only", "public", {
        PUBLIC: "\n/* ---- Life ---- */\nWEFT_API int weft_one(void);\n"}),
    ("a public function that is not exported", "public", {
        PUBLIC: "/** One. */\nint weft_one(void);\n"}),
    ("a file without a first comment", "file-header", {SOURCE: None}),
    ("a line of 101 columns", "columns", {SOURCE: "/* " + "x" * 95 + " */\n"}),
    ("a tab counts as eight columns", "columns", {SOURCE: "\t\t/* " + "x" * 79 + " */\n"}),
    ("blanks at a line's end", "blanks", {SOURCE: "int weft_one; \n"}),
    ("no newline at the end", "blanks", {SOURCE: "int weft_one;"}),
    ("spaces for a tab", "tabs", {SOURCE: "static void f(void)\n{\n    g();\n}\n"}),
] + [
    (f"a call of {name}", "banned", {SOURCE: f"static void f(void)\n{{\n\t{name}(a, b);\n}}\n"})
    for name in ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "gets", "signal",
                 "alloca")
]

# (what is let through, files)
FINE = [
    ("a floor below", {"src/http/one.c": '#include "io/low.h"\n', "src/io/low.h": ""}),
    ("its own floor", {"src/io/one.c": '#include "io/two.h"\n', "src/io/two.h": ""}),
    ("a driver uses its floor", {
        "src/fiber/driver/epoll.c": '#include "fiber/wait.h"\n', "src/fiber/wait.h": ""}),
    ("a public header that a floor below has part in", {
        "src/fiber/close.c": '#include "weft/socket.h"\nint weft_close(void)\n{\n}\n',
        "include/weft/socket.h":
            "/** Both. */\nWEFT_API int weft_close(void);\nWEFT_API int weft_read(void);\n",
        "src/io/socket.c": "int weft_read(void)\n{\n}\n"}),
    ("a command uses public headers", {
        "src/cmd/serve.c": '#include "weft/stream.h"\n#include "cmd.h"\n', "src/cmd/cmd.h": "",
        "include/weft/stream.h": "", "src/io/stream.c": ""}),
    ("a file of 800 lines", {SOURCE: lines_of(797)}),
    ("a longer file that says why", {
        SOURCE: "/* tidy: allow file-length, because it is a table. */\n" + lines_of(900)}),
    ("a function of 70 lines", {SOURCE: function_of(70)}),
    ("five parameters", {
        "src/io/sample.h": "int weft__five(int a, int (*b)(int, int), int c, int d, int e);\n"}),
    ("POSIX signatures", {
        PUBLIC: "/** sendto(2). */\n"
                "WEFT_API long weft_sendto(int a, void *b, long c, int d, void *e, int f);\n"}),
    ("one comment above a group", {
        PUBLIC: "/** Both. */\nWEFT_API int weft_one(void);\nWEFT_API int weft_two(void);\n"}),
    ("bounded and look-alike calls", {
        SOURCE: "static void f(void)\n{\n\tsnprintf(a);\n\tstrtok_r(a);\n\tp->signal(a);\n"
                "\tweft_signal(a);\n\t/* strcpy(a) */\n\tg(\"gets(a)\");\n}\n"}),
    ("a banned call that says why", {
        SOURCE: "static void f(void)\n{\n\t/* tidy: allow banned, because it is a test */\n"
                "\tsignal(a, b);\n}\n"}),
    ("static functions of any name", {SOURCE: "static int helper(void)\n{\n}\n"}),
    ("tables and function pointers", {
        SOURCE: "static const struct ops table[] = {\n\t{open, close(1)},\n};\n"
                "typedef int (*fn)(int a, int b, int c, int d, int e, int f);\n"
                "struct s {\n\tint (*six)(int a, int b, int c, int d, int e, int f);\n};\n"}),
    ("attributes", {
        PUBLIC: "/** Say. */\n__attribute__((format(printf, 1, 2))) WEFT_API void weft_say(\n"
                "\tconst char *format, ...);\n"
                "/** Say. */\nWEFT_API void weft_say2(const char *format, ...)\n"
                "\t__attribute__((format(printf, 1, 2)));\n"}),
    ("an indented continuation inside a comment", {SOURCE: "/*\n *     drawn\n     */\n"}),
]


def tidy(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write("int weft_x;\n" if text is None else head(path) + text)
        done = subprocess.run([sys.executable, TIDY, "--root", root],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def is_caught(rule, files):
    status, said = tidy(files)
    first = next(iter(files))
    expect(status == 1 and said != "", said)
    for line in said.splitlines():
        expect(line.startswith(first) and f" {rule}: " in line, said)


def is_let_through(files):
    status, said = tidy(files)
    expect(status == 0, said)


for what, broken, sample in BREACHES:
    case(f"catches {what}")(lambda rule=broken, files=sample: is_caught(rule, files))
for what, sample in FINE:
    case(f"lets through: {what}")(lambda files=sample: is_let_through(files))


@case("this tree keeps the rules")
def _():
    done = subprocess.run([sys.executable, TIDY], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(run())
