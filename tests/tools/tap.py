"""tap.py - TAP for the Python tests of the tools: a function per case.

	@case("what it shows")
	def _():
		expect(status == 0, output)
	sys.exit(run())

Never: state shared between cases.
"""
import traceback

CASES = []


class Skip(Exception):
    """Raised by a case that can't be tried here; says why."""


def case(name):
    def keep(function):
        CASES.append((name, function))
        return function

    return keep


def expect(holds, explanation=""):
    if not holds:
        raise AssertionError(explanation)


def run():
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    for number, (name, function) in enumerate(CASES, 1):
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {name}", flush=True)
    return 1 if failed else 0
