#!/usr/bin/env python3
"""test_readme_zh.py - README.zh.md says what README.md does: commands, code, tables, figures.

What is prose can't be compared; what stands in it as code, as a number or as a link can be. Who
changes README.md changes the same place of README.zh.md: what fails here names it.
"""
import os
import re
import sys
from collections import Counter

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(HOUSE, "tests", "tools"))
from tap import case, expect, run  # noqa: E402

CODE = re.compile(r"`([^`\n]+)`")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LINK = re.compile(r"\]\(([^)]+)\)")
FILE = re.compile(r"[\w./-]+\.(?:md|yaml)\b")


def read(name):
    with open(os.path.join(HOUSE, name), encoding="utf-8") as file:
        return file.read()


class Page:
    """Its parts by kind, in their order."""

    def __init__(self, name):
        text = read(name)
        self.fenced = re.findall(r"^```.*?^```$", text, re.M | re.S)
        text = re.sub(r"^```.*?^```$\n", "", text, flags=re.M | re.S)
        self.headings = re.findall(r"^(#+) ", text, re.M)
        self.sections = re.split(r"^#+ .*\n", text, flags=re.M)
        lines = text.split("\n")
        self.indented = [line for line in lines if line.startswith("\t")]
        self.tables = re.findall(r"(?:^\|.*\n)+", text, re.M)


ENGLISH, CHINESE = Page("README.md"), Page("README.zh.md")


def prose(section):
    """Without tables and what is indented."""
    return "\n".join(line for line in section.split("\n") if line[:1] not in ("|", "\t"))


def difference(pattern, english, chinese):
    """What one has and the other lacks."""
    ours, theirs = (Counter(pattern.findall(text)) for text in (english, chinese))
    return sorted((ours - theirs).elements()), sorted((theirs - ours).elements())


@case("the same headings stand in the same order")
def _():
    expect(ENGLISH.headings == CHINESE.headings, (ENGLISH.headings, CHINESE.headings))


@case("programs are the same, byte for byte")
def _():
    expect(ENGLISH.fenced == CHINESE.fenced and ENGLISH.fenced)


@case("commands and paths are the same; what is said of them is not compared")
def _():
    def bare(lines):
        return [re.split(r"  +|\t", line[1:])[0] for line in lines]

    for english, chinese in zip(ENGLISH.indented, CHINESE.indented):
        expect(bare([english]) == bare([chinese]), (english, chinese))
    expect(len(ENGLISH.indented) == len(CHINESE.indented))
    english, chinese = "\n".join(ENGLISH.indented), "\n".join(CHINESE.indented)
    for pattern in (FILE, re.compile(r"https?://[\w.:/-]+")):
        expect(difference(pattern, english, chinese) == ([], []),
               difference(pattern, english, chinese))


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


@case("tables have the same rows, with the same figures, names and pages in each cell")
def _():
    expect(len(ENGLISH.tables) == len(CHINESE.tables) > 2)
    for english, chinese in zip(ENGLISH.tables, CHINESE.tables):
        rows, others = english.strip().split("\n"), chinese.strip().split("\n")
        for row, other in zip(rows, others):
            expect(len(cells(row)) == len(cells(other)), (row, other))
            for cell, same in zip(cells(row), cells(other)):
                for pattern in (CODE, NUMBER, FILE):
                    expect(difference(pattern, cell, same) == ([], []),
                           (difference(pattern, cell, same), row, other))
                expect(bool(cell) == bool(same), (row, other))
        expect(len(rows) == len(others), "a row is missing: " +
               repr((rows + others)[min(len(rows), len(others)):][:1]))


@case("what stands in the text as code, and what is linked, is the same in each section")
def _():
    for number, (english, chinese) in enumerate(zip(ENGLISH.sections, CHINESE.sections)):
        english, chinese = prose(english), prose(chinese)
        expect(difference(CODE, english, chinese) == ([], []),
               (number, difference(CODE, english, chinese)))
        links = [[link for link in LINK.findall(text) if not link.startswith("README")]
                 for text in (english, chinese)]
        expect(links[0] == links[1], links)
        expect(difference(NUMBER, english, chinese) == ([], []),
               (number, difference(NUMBER, english, chinese)))


@case("each leads to the other")
def _():
    expect("(README.zh.md)" in read("README.md") and "(README.md)" in read("README.zh.md"))


if __name__ == "__main__":
    sys.exit(run())
