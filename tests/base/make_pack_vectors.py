#!/usr/bin/env python3
"""make_pack_vectors.py - write vectors/pack.inc: what Python's struct makes of every letter.

    tests/base/make_pack_vectors.py > tests/base/vectors/pack.inc

One line is one vector: {format, values to pack, bytes in hex, values unpacked from them}. The bytes
are "range" where Python refuses a number, "format" where it refuses the format. A value is i:, u:
or d: and a number (d in C's hexadecimal form), or t: and a text in hex; "=" stands for the same
values again. The lines hold for little-endian LP64 machines.

Never: random choices; the file must come out the same every time (test_pack_python.py looks).
"""
import struct

MARKS = ["", "@", "=", "<", ">", "!"]
SIGNED, UNSIGNED, REALS = "bhilqn", "BHILQNP", "efd"
INTEGER_BITS = (8, 16, 32, 64)
DOUBLES = [
    0.0, -0.0, 1.0, -1.5, 0.1, 65504.0, 65519.999, 65520.0, -65520.0, 65536.0,
    2.0 ** -14, 2.0 ** -14 * (1 - 2.0 ** -11), 2.0 ** -24, 2.0 ** -25, 2.0 ** -25 * 1.0001,
    -(2.0 ** -26), 3 * 2.0 ** -25, 1 + 2.0 ** -11, 1 + 3 * 2.0 ** -11, 1 + 2.0 ** -11 + 2.0 ** -52,
    2048.5, 2049.0, 5e-324, 3.4028234663852886e38, 3.4028235677973366e38, 3.4028235677973362e38,
    -3.5e38, 1e300, 1.7976931348623157e308, 1e-45, 7e-46, 1.1754943508222875e-38,
    float("inf"), float("-inf"), float("nan"),
]
# Whole formats, with values for each.
ROWS = [
    ("bhilq", [-1, -2, -3, -4, -5]), ("chb", [b"a", 1, 2]), ("3xH2xI", [1, 2]), ("x", []), ("", []),
    ("b0i", [1]), ("b0q", [1]), ("0ib", [1]), ("b0h0i0q", [7]), ("B2xH", [1, 2]),
    ("2B3H", [1, 2, 3, 4, 5]),
    (" b\th\n2B ", [1, 2, 3, 4]), ("0s0s", [b"a", b""]), ("3s", [b"ab"]), ("3s", [b"abcd"]),
    ("s", [b"xy"]),
    ("5p", [b"ab"]), ("5p", [b"abcdefg"]), ("1p", [b"a"]), ("p", [b""]), ("300p", [b"z" * 299]),
    ("256p", [b"q" * 255]), ("bs0i", [1, b"k"]), ("0b0d", []), ("?2?", [0, 5, -1]),
    ("3c", [b"\x00", b"\x7f", b"\xff"]),
    ("d b f b e b", [1.5, 1, 2.5, 2, 3.5, 3]), ("b e", [1, 0.5]), ("0x4i", [1, 2, 3, 4]),
    ("007h", [1, 2, 3, 4, 5, 6, 7]),
]
BAD = ["5", "b5", "3 i", "z", "b\x7f", "i@", " <i", "<<i", "-1i", "1.5i", "i,i",
       "9223372036854775808b",
       "9223372036854775807h", "9223372036854775807bb", "4611686018427387904h",
       "99999999999999999999999999i",
       "<n", ">N", "=P", "!n", "i\xe9", "0", "+b", "b\\"]


def show_value(value):
    if isinstance(value, bytes):
        return "t:" + value.hex()
    if isinstance(value, bool):
        return "i:%d" % value
    if isinstance(value, float):
        return "d:" + value.hex()
    return ("i:%d" if value < 0 else "u:%d") % value


def show_values(letters, values):
    return " ".join("u:%d" % v[0] if letter == "c" else show_value(v)
                    for letter, v in zip(letters, values))


def letters_of(fmt):
    """The letter of each value, counts written out."""
    out, count = [], ""
    for byte in fmt.lstrip("@=<>!"):
        if byte.isdigit():
            count += byte
        elif not byte.isspace():
            if byte in "sp":
                out.append(byte)
            elif byte != "x":
                out.extend(byte * int(count or 1))
            count = ""
    return out


def c_string(text):
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\?' else "\\%03o" % ord(c)
                         for c in text) + '"'


def vector(fmt, values):
    letters = letters_of(fmt)
    try:
        packed = struct.pack(fmt, *values)
        expect, back = packed.hex(), show_values(letters, struct.unpack(fmt, packed))
    except (struct.error, OverflowError):
        expect, back = "range", ""
    shown = show_values(letters, values)
    parts = (fmt, shown, expect, "=" if back == shown else back)
    return "{%s, %s, %s, %s}," % tuple(map(c_string, parts))


def good(fmt):
    try:
        struct.calcsize(fmt)
        return True
    except struct.error:
        return False


def integers(letter):
    """The edges of every width that the 64-bit values of weft_pack_value can say."""
    found = {0, 1}
    for bits in INTEGER_BITS:
        if letter in SIGNED:
            found |= {-(1 << bits - 1), (1 << bits - 1) - 1}
            if bits < 64:
                found |= {-(1 << bits - 1) - 1, 1 << bits - 1}
        else:
            found.add((1 << bits) - 1)
            if bits < 64:
                found.add(1 << bits)
    return sorted(found | {0x0123456789ABCDEF, 0x7E})


def vectors():
    for mark in MARKS:
        for fmt, values in ROWS:
            yield vector(mark + fmt, values)
        if mark == "":
            continue
        for letter in SIGNED + UNSIGNED:
            if good(mark + letter):
                yield from (vector(mark + letter, [value]) for value in integers(letter))
            else:
                yield '{%s, "", "format", ""},' % c_string(mark + letter)
        for letter in REALS:
            yield from (vector(mark + letter, [value]) for value in DOUBLES)
    for fmt in BAD:
        assert not good(fmt.encode("latin-1"))
        yield '{%s, "", "format", ""},' % c_string(fmt)


if __name__ == "__main__":
    print("/* Made by tests/base/make_pack_vectors.py from Python's struct module. "
          "Not edited by hand. */")
    for line in vectors():
        print(line)
