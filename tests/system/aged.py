"""aged.py - what is in a shared folder's trash, and its unfinished uploads, made older than they
are, so that a test needs no other clock.

	made_older(folder, days=40)

Their records are those of src/files/upload_record.c: two slots of 128 bytes, each magic, serial,
offset, len, touched, base, and SipHash-1-3 of it.
"""
import glob
import struct

SLOT_BYTES, TOUCHED_AT, CHECK_AT = 128, 32, 80
WORD = (1 << 64) - 1
KEY = (0x77656674, 0x75706C6F)
START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def turned(word, bits):
    return (word << bits | word >> (64 - bits)) & WORD


def mixed(v0, v1, v2, v3):
    v0, v2 = (v0 + v1) & WORD, (v2 + v3) & WORD
    v1, v3 = turned(v1, 13) ^ v0, turned(v3, 16) ^ v2
    v0 = turned(v0, 32)
    v2, v0 = (v2 + v1) & WORD, (v0 + v3) & WORD
    v1, v3 = turned(v1, 17) ^ v2, turned(v3, 21) ^ v0
    return v0, v1, turned(v2, 32), v3


def siphash(block):
    """Of whole words."""
    state = tuple(word ^ KEY[i % 2] for i, word in enumerate(START))
    for word in (*struct.unpack(f"<{len(block) // 8}Q", block), (len(block) & 0xFF) << 56):
        v0, v1, v2, v3 = mixed(*state[:3], state[3] ^ word)
        state = (v0 ^ word, v1, v2, v3)
    state = (*state[:2], state[2] ^ 0xFF, state[3])
    for _ in range(3):
        state = mixed(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def made_older(folder, days):
    """How many there are; no server has them open."""
    count = 0
    for path in glob.glob(folder.at(".weft-*/*.info")):
        with open(path, "r+b") as file:
            for at in (0, SLOT_BYTES):
                file.seek(at)
                slot = file.read(CHECK_AT + 8)
                if len(slot) < CHECK_AT + 8 or not slot.startswith(b"weftup1\n"):
                    continue
                assert siphash(slot[:CHECK_AT]) == int.from_bytes(slot[CHECK_AT:], "little")
                touched_s = struct.unpack_from("<q", slot, TOUCHED_AT)[0] - days * 86400
                slot = (slot[:TOUCHED_AT] + struct.pack("<q", touched_s) +
                        slot[TOUCHED_AT + 8:CHECK_AT])
                file.seek(at)
                file.write(slot + struct.pack("<Q", siphash(slot)))
        count += 1
    return count
