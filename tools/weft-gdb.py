"""weft-gdb.py - gdb commands for programs with fibers.

    (gdb) source weft-gdb.py
    (gdb) weft fibers          list the live fibers
    (gdb) weft bt NAME|#SLOT   the backtrace of one that does not run

It reads the records in src/fiber/fiber.h, so libweft must have debugging information.
Of a fiber that runs, gdb's own `bt` on its thread is the backtrace.
Never: changes the program it looks at, but for the registers it puts back.
"""
import gdb

STATES = ["can run", "runs", "waits", "ended"]
LIVE, ENDED = 1 << 10, 1 << 7
# Words from the stack pointer up to the saved rbp, as weft__switch() leaves them (x86-64):
# floating-point control, r15, r14, r13, r12, rbx, rbp.
SAVED_FRAME = 6
KINDS = "sleep join fd descriptor last-fiber lock rwlock cond event sem barrier group once " \
    "chan-send chan-recv select scope offload thread".split()


def records():
    table = gdb.parse_and_eval("table")
    count = int(table["slot_count"])
    for slot in range(count):
        slab = table["slabs"][slot >> 10]
        fiber = slab[slot & 1023]
        control = int(fiber["control"])
        if control & LIVE and not control & ENDED:
            yield slot, fiber


def describe(slot, fiber):
    name = fiber["name"].string()
    state = int(fiber["state"])
    text = STATES[state]
    if int(fiber["sp"]) == 0:
        text = "has not started"
    elif state == 2 and int(fiber["wait"]):
        wait = fiber["wait"].dereference()
        text += f" for {KINDS[int(wait['kind'])]}"
        if int(wait["kind"]) == 2:
            text += f" {int(wait['number'])}"
    worker = fiber["worker"]
    index = int(worker["index"]) if int(worker) else -1
    return f'#{slot + 1:<6} "{name}" on worker {index}: {text}'


class Weft(gdb.Command):
    """Fibers of a program that uses weft: `weft fibers`, `weft bt NAME`."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, prefix=False)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument)
        if words == ["fibers"]:
            for slot, fiber in records():
                print(describe(slot, fiber))
        elif len(words) == 2 and words[0] == "bt":
            self.backtrace(words[1])
        else:
            print(self.__doc__)

    def backtrace(self, wanted):
        for slot, fiber in records():
            if wanted in (fiber["name"].string(), f"#{slot + 1}"):
                print(describe(slot, fiber))
                if int(fiber["state"]) == 1 or int(fiber["sp"]) == 0:
                    print("  (it runs: see the threads)" if int(fiber["sp"]) else "")
                else:
                    self.walk(fiber)
                return
        print(f"no live fiber {wanted}")

    def walk(self, fiber):
        """Frame by frame, along the frame pointers that libweft is compiled with."""
        sp = int(fiber["sp"])
        pointer = gdb.lookup_type("unsigned long").pointer()
        frame = int(gdb.Value(sp).cast(pointer)[SAVED_FRAME])
        depth = 0
        while frame and depth < 64:
            words = gdb.Value(frame).cast(pointer)
            address = int(words[1])
            if address == 0:
                break
            block = gdb.find_pc_line(address - 1)
            function = gdb.block_for_pc(address - 1)
            while function and not function.function:
                function = function.superblock
            name = function.function.name if function else "??"
            place = f"{block.symtab.filename}:{block.line}" if block.symtab else ""
            print(f"  {name:<32}{place}")
            if name in ("weft__fiber_main", "coro_main"):
                break
            following = int(words[0])
            if following <= frame:
                break
            frame = following
            depth += 1


Weft()
