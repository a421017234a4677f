#!/usr/bin/env python3
"""test_pack_python.py - weft_pack and Python's struct agree on random formats and values.

Drives $WEFT_BUILD/libweft.so (default: build) by ctypes, and regenerates the checked-in vectors.
Deterministic: one seed. CHECK_ROUNDS multiplies the work.

Never: a build under a sanitizer, whose library a plain python3 can't load (skipped).
"""
import ctypes
import errno
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))

from tap import case, run  # noqa: E402  pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(os.environ.get("WEFT_BUILD", "build"), "libweft.so")
ROUNDS = 6000 * int(os.environ.get("CHECK_ROUNDS", "1"))
BITS = {"b": 8, "h": 16, "i": 32, "l": 64, "q": 64, "n": 64}
LETTERS = "xcbB?hHiIlLqQefdspnNP"
NATIVE_ONLY = "nNP"


class Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Value(ctypes.Union):
    _fields_ = [("i", ctypes.c_int64), ("u", ctypes.c_uint64), ("d", ctypes.c_double),
                ("text", Text)]


class BackText(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Back(ctypes.Union):
    _fields_ = [("i", ctypes.c_int64), ("u", ctypes.c_uint64), ("d", ctypes.c_double),
                ("text", BackText)]


def load():
    lib = ctypes.CDLL(LIBRARY, use_errno=True, mode=os.RTLD_LAZY)
    lib.weft_pack_compile.restype = ctypes.c_void_p
    lib.weft_pack_compile.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    lib.weft_pack_format_free.argtypes = [ctypes.c_void_p]
    lib.weft_pack_size.restype = ctypes.c_ssize_t
    lib.weft_pack_size.argtypes = [ctypes.c_char_p]
    for name in ("weft_pack_values", "weft_unpack_values"):
        getattr(lib, name).restype = ctypes.c_ssize_t
        getattr(lib, name).argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
    lib.weft_pack.restype = ctypes.c_ssize_t
    lib.weft_unpack.restype = ctypes.c_ssize_t
    return lib


# ---- Random formats and values ---------------------------------------------------------------


def random_format(rng):
    """A good format and the letter of each of its values, with the room of texts."""
    mark = rng.choice(["", "@", "=", "<", ">", "!"])
    letters = LETTERS if mark in ("", "@") else LETTERS.rstrip(NATIVE_ONLY)
    out, takes = mark, []
    for _ in range(rng.randrange(10)):
        letter = rng.choice(letters)
        count = rng.choice([None, None, 0, 1, 2, 3, 7, 300 if letter in "spx" else 12])
        if letter == "p" and count == 0:
            count = 1  # Python reads the byte after the field
        blank = " " * rng.randrange(2) * (len(out) > 0)
        out += blank + ("" if count is None else str(count)) + letter
        count = 1 if count is None else count
        if letter in "sp":
            takes.append((letter, count))
        elif letter != "x":
            takes.extend([(letter, 1)] * count)
    return out, takes


def random_value(rng, letter, count, wild):
    if letter == "c":
        return bytes([rng.randrange(256)])
    if letter in "sp":
        return rng.randbytes(rng.randrange(count + 3))
    if letter == "?":
        return rng.choice([False, True])
    if letter in "efd":
        bits = {"e": "<e", "f": "<f", "d": "<d"}[rng.choice("efd") if wild else letter]
        return struct.unpack(bits, rng.randbytes(struct.calcsize(bits)))[0]
    bits = rng.choice([8, 16, 32, 64]) if wild else BITS.get(letter.lower(), 64)
    if not wild and letter in "lL":
        bits = 32
    if letter in BITS:
        low, high = -1 << bits - 1, (1 << bits - 1) - 1
        return rng.choice([rng.randrange(low, high + 1), low, high])
    return rng.choice([rng.randrange(1 << bits), 0, (1 << bits) - 1])


def python_packs(fmt, values):
    try:
        return struct.pack(fmt, *values)
    except (struct.error, OverflowError):
        return None


# ---- The compiled form -----------------------------------------------------------------------


def to_values(takes, values):
    array = (Value * (len(values) + 1))()
    for slot, (letter, _), value in zip(array, takes, values):
        if letter == "c":
            slot.u = value[0]
        elif letter in "sp":
            slot.text.data, slot.text.len = value, len(value)
        elif letter in "efd":
            slot.d = value
        elif value < 0:
            slot.i = value
        else:
            slot.u = value
    return array


def from_values(takes, array):
    out = []
    for slot, (letter, _) in zip(array, takes):
        if letter == "c":
            out.append(bytes([slot.u]))
        elif letter in "sp":
            out.append(ctypes.string_at(slot.text.data, slot.text.len))
        elif letter in "efd":
            out.append(slot.d)
        elif letter == "?":
            out.append(bool(slot.i))
        else:
            out.append(slot.i if letter in BITS else slot.u)
    return out


def same(left, right):
    return len(left) == len(right) and all(
        a == b or (a != a and b != b) for a, b in zip(left, right))


def compare_compiled(lib, rng):
    fmt, takes = random_format(rng)
    wild = rng.random() < 0.3
    values = [random_value(rng, letter, count, wild) for letter, count in takes]
    expect = python_packs(fmt, values)
    size = struct.calcsize(fmt)
    assert lib.weft_pack_size(fmt.encode()) == size, fmt
    compiled = lib.weft_pack_compile(fmt.encode(), None)
    assert compiled, fmt
    buffer = ctypes.create_string_buffer(b"\xa5" * (size + 8), size + 8)
    got = lib.weft_pack_values(compiled, buffer, size, to_values(takes, values), len(values))
    if expect is None:
        assert got == -1 and ctypes.get_errno() == errno.ERANGE, (fmt, values)
        assert buffer.raw == b"\xa5" * (size + 8), (fmt, values)
    else:
        assert got == size and buffer.raw == expect + b"\xa5" * 8, (fmt, values, buffer.raw, expect)
    data = rng.randbytes(size)
    back = (Back * (len(values) + 1))()
    assert lib.weft_unpack_values(compiled, data, size, back, len(values)) == size, fmt
    assert same(from_values(takes, back), list(struct.unpack(fmt, data))), (fmt, data)
    lib.weft_pack_format_free(compiled)


# ---- The variadic form -----------------------------------------------------------------------

C_TYPES = {
    "c": ctypes.c_char, "b": ctypes.c_byte, "B": ctypes.c_ubyte, "?": ctypes.c_bool,
    "h": ctypes.c_short, "H": ctypes.c_ushort, "i": ctypes.c_int, "I": ctypes.c_uint,
    "l": ctypes.c_long, "L": ctypes.c_ulong,
    "q": ctypes.c_longlong, "Q": ctypes.c_ulonglong, "n": ctypes.c_ssize_t, "N": ctypes.c_size_t,
    "P": ctypes.c_void_p, "e": ctypes.c_float, "f": ctypes.c_float, "d": ctypes.c_double,
}
PROMOTED = {"c": ctypes.c_int, "b": ctypes.c_int, "B": ctypes.c_int, "?": ctypes.c_int,
            "h": ctypes.c_int,
            "H": ctypes.c_int, "e": ctypes.c_double, "f": ctypes.c_double}


def to_arguments(takes, values):
    out = []
    for (letter, _), value in zip(takes, values):
        if letter in "sp":
            out += [ctypes.c_char_p(value), ctypes.c_size_t(len(value))]
        else:
            value = value[0] if letter == "c" else value
            out.append(PROMOTED.get(letter, C_TYPES.get(letter))(value))
    return out


def unpack_by_pointers(lib, fmt, takes, data):
    slots, args = [], []
    for letter, count in takes:
        is_text = letter in "sp"
        slots.append(ctypes.create_string_buffer(count + 1) if is_text else C_TYPES[letter]())
        args.append(ctypes.byref(slots[-1]))
        if letter == "p":
            slots[-1] = (slots[-1], ctypes.c_size_t())
            args.append(ctypes.byref(slots[-1][1]))
    got = lib.weft_unpack(ctypes.c_char_p(data), ctypes.c_size_t(len(data)),
                          ctypes.c_char_p(fmt.encode()), *args)
    assert got == len(data), fmt
    out = []
    for slot, (letter, count) in zip(slots, takes):
        if letter == "s":
            out.append(slot.raw[:count])
        elif letter == "p":
            out.append(slot[0].raw[:slot[1].value])
        else:
            out.append(slot.value or 0 if letter == "P" else slot.value)
    return out


def compare_variadic(lib, rng):
    fmt, takes = random_format(rng)
    values = [random_value(rng, letter, count, False) for letter, count in takes]
    expect = python_packs(fmt, values)
    size = struct.calcsize(fmt)
    buffer = ctypes.create_string_buffer(b"\xa5" * (size + 8), size + 8)
    got = lib.weft_pack(buffer, ctypes.c_size_t(size), ctypes.c_char_p(fmt.encode()),
                        *to_arguments(takes, values))
    assert expect is not None and got == size, (fmt, values)
    assert buffer.raw == expect + b"\xa5" * 8, (fmt, values, buffer.raw, expect)
    data = rng.randbytes(size)
    theirs = list(struct.unpack(fmt, data))
    assert same(unpack_by_pointers(lib, fmt, takes, data), theirs), (fmt, data)


# ---- Formats of any bytes --------------------------------------------------------------------


def compare_text(lib, rng):
    """Noise out of the language's own alphabet: the same verdict and the same size."""
    alphabet = "@=<>! \t\n0123456789" + LETTERS * 2 + "zZ.-%\x7f"
    fmt = "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))
    if rng.random() < 0.2:
        fmt = fmt[:4] + str(rng.randrange(1 << 66)) + fmt[4:]
    try:
        expect = struct.calcsize(fmt)
    except struct.error:
        expect = -1
    assert lib.weft_pack_size(fmt.encode()) == expect, (fmt, expect)


# ---- TAP -------------------------------------------------------------------------------------


def many(compare, lib, seed):
    rng = random.Random(seed)
    for _ in range(ROUNDS):
        compare(lib, rng)


def vectors_are_fresh():
    made = subprocess.run([sys.executable, os.path.join(HERE, "make_pack_vectors.py")], check=True,
                          capture_output=True, text=True).stdout
    with open(os.path.join(HERE, "vectors", "pack.inc"), encoding="ascii") as checked_in:
        assert made == checked_in.read(), "run make_pack_vectors.py > vectors/pack.inc again"


def skip(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def main():
    if sys.byteorder != "little" or struct.calcsize("l") != 8:
        skip("the vectors are for little-endian LP64 machines")
    try:
        with open(LIBRARY, "rb") as library:
            content = library.read()
    except OSError as error:
        skip("no library: %s" % error)
    if b"__asan_init" in content or b"__tsan_init" in content:
        skip("a library under a sanitizer")
    lib = load()
    case("compiled_formats_pack_and_unpack_as_python_does")(lambda: many(compare_compiled, lib, 1))
    case("variadic_calls_pack_and_unpack_as_python_does")(lambda: many(compare_variadic, lib, 2))
    case("any_text_is_a_format_or_not_as_for_python")(lambda: many(compare_text, lib, 3))
    case("the_checked_in_vectors_are_what_python_makes_today")(vectors_are_fresh)
    sys.exit(run())


if __name__ == "__main__":
    main()
