"""tap.py - TAP for the Python tests: a function per case.

	@case("what it shows")
	def _():
		expect(status == 0, output)
	sys.exit(run())

`test_x.py WORD` runs the cases with that word in their name. A case that does not end fails by its
own name long before the file's time is over (tools/check), with the place where it waits and what
its programs do meanwhile.

Never: state shared between cases.
"""
import faulthandler
import os
import signal
import sys
import traceback

CASES = []

# Of one case: no machine is so slow that one which passes needs it.
CASE_LIMIT_S = float(os.environ.get("CHECK_LIMIT_S", "120"))

# For what it still has to clear up, when it has been broken off.
CLEARING_LIMIT_S = 15


class Skip(Exception):
    """Raised by a case that can't be tried here; says why."""


class Hung(BaseException):
    """Raised in a case that does not end; no case takes it for a failure that it expects."""


def case(name):
    def keep(function):
        CASES.append((name, function))
        return function

    return keep


def expect(holds, explanation=""):
    if not holds:
        raise AssertionError(explanation)


def read_line(path):
    try:
        with open(path, "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def below(parent):
    """The processes that one has started, and those that these have."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = read_line(f"/proc/{name}/stat").rpartition(")")[2].split()
        if fields and int(fields[1]) == parent:
            yield int(name)
            yield from below(int(name))


def threads_of(pid):
    try:
        return sorted(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []


def tell_waiting(frame):
    """What everything of this test waits for, in few lines."""
    print(f"# it has not ended after {CASE_LIMIT_S:.0f} s; its programs:")
    for pid in below(os.getpid()):
        print(f"# {pid}: {read_line(f'/proc/{pid}/cmdline')[:300]}")
        for thread in threads_of(pid)[:20]:
            at = f"/proc/{pid}/task/{thread}"
            state = read_line(at + "/stat").rpartition(")")[2].split()[:1]
            print(f"#   {read_line(at + '/comm')}: {' '.join(state)} in "
                  f"{read_line(at + '/wchan') or '?'}, {read_line(at + '/syscall') or '?'}")
    print("# it waits in:")
    for place in traceback.extract_stack(frame):
        path = os.path.abspath(place.filename)
        if os.sep + "tests" + os.sep in path and path != os.path.abspath(__file__):
            print(f"#   {place.filename}:{place.lineno}: {place.line}")


class Watch:
    """Ends a case that hangs, and says what it hung in."""

    def __init__(self):
        self.has_told = self.has_hung = False

    def begin(self):
        self.has_told = False
        # Again and again: clearing up may hang, too.
        signal.setitimer(signal.ITIMER_REAL, CASE_LIMIT_S, CLEARING_LIMIT_S)

    def end(self):
        signal.setitimer(signal.ITIMER_REAL, 0)

    def on_alarm(self, _, frame):
        if not self.has_told:
            self.has_told = self.has_hung = True
            faulthandler.dump_traceback()  # of all threads
            tell_waiting(frame)
        raise Hung


def run_case(watch, number, name, function):
    """Whether it held."""
    print(f"# running: {name}", flush=True)
    try:
        watch.begin()
        try:
            function()
        finally:
            watch.end()
        print(f"ok {number} - {name}", flush=True)
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
    except Hung:
        print(f"not ok {number} - {name}", flush=True)
        return False
    except Exception:  # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
        print(f"not ok {number} - {name}", flush=True)
        return False
    return True


def run():
    words = sys.argv[1:2] or [""]
    chosen = [(name, function) for name, function in CASES if words[0] in name]
    watch = Watch()
    signal.signal(signal.SIGALRM, watch.on_alarm)
    print(f"1..{len(chosen)}", flush=True)
    held = [run_case(watch, number, *one) for number, one in enumerate(chosen, 1)]
    if watch.has_hung:
        # Threads of it may still wait; nobody waits for them.
        for pid in below(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        os._exit(1)  # pylint: disable=protected-access
    return 0 if all(held) else 1
