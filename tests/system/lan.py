"""lan.py - hosts on networks of their own, for the tests: namespaces, veth links and bridges.

	enter()	# from here on this process has networks of its own; or it skips
	with Lan() as lan:
		lan.switch("one")
		kitchen = lan.host("kitchen", one="10.77.1.1/24")
		kitchen.run("ip", "addr")

A host is a network namespace that a sleeping process holds; its links go to switches, which are
bridges in the namespace of the test itself. All of it is gone when the test ends.

Never: a change to the machine's own network.
"""
import itertools
import os
import shutil
import subprocess
import sys

PATIENCE_S = 60
NUMBERS = itertools.count(1)


def skip(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def enter():
    """Go on in a network namespace of one's own, as root there. Returns in that one only."""
    if os.environ.get("WEFT_LAN_ENTERED"):
        try_out()
        return
    for tool in ("unshare", "nsenter", "ip"):
        if not shutil.which(tool):
            skip(f"there is no {tool} here")
    # As a user, one is root of a namespace of users first, where the kernel allows that.
    for options in (["-n"], ["-U", "-r", "-n"]):
        if subprocess.run(["unshare", *options, "true"], capture_output=True,
                          check=False).returncode == 0:
            os.environ["WEFT_LAN_ENTERED"] = "yes"
            os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
    skip("this machine lets nobody make network namespaces")


def try_out():
    """Skip where the kernel has no bridges or no veth links."""
    for command in (["ip", "link", "add", "try", "type", "bridge"],
                    ["ip", "link", "add", "try0", "type", "veth", "peer", "name", "try1"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            skip(f"{' '.join(command)}: {done.stderr.strip()}")
        subprocess.run(["ip", "link", "del", command[3]], check=True)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=PATIENCE_S)


class Host:
    """A network namespace, and what runs in it."""

    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "ip link set lo up; echo ready; exec sleep infinity"],
            stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n", "no namespace"
        self.started, self.ports = [], {}

    def command(self, *arguments):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *arguments]

    def run(self, *arguments, **options):
        """Run a program to its end."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, **options)

    def start(self, *arguments):
        """Start a program; it ends with the host at the latest."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def python(self, program):
        """Run a Python program to its end; what it printed."""
        done = self.run(sys.executable, "-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def link(self, switch, address):
        """A cable to a switch; the interface has its name."""
        # A port of its own name: the kernel clears away a host that has gone when it likes.
        port = self.ports[switch] = f"{switch}-{next(NUMBERS)}"
        ip("link", "add", port, "type", "veth", "peer", "name", switch,
           "netns", str(self.holder.pid))
        ip("link", "set", port, "master", switch, "up")
        for command in (("ip", "addr", "add", address, "dev", switch),
                        ("ip", "link", "set", switch, "up")):
            done = self.run(*command)
            assert done.returncode == 0, done.stderr

    def unlink(self, switch):
        """Take the cable away, with the interface."""
        ip("link", "del", self.ports.pop(switch))

    def end(self):
        """As if its plug were pulled. Its links go with it."""
        for process in [*self.started, self.holder]:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()


class Lan:
    """Switches and hosts, gone at the end."""

    def __init__(self):
        self.hosts, self.switches = [], []

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        """What is there from the beginning."""

    def __exit__(self, *_):
        for host in self.hosts:
            host.end()
        for switch in self.switches:
            ip("link", "del", switch)

    def switch(self, name):
        ip("link", "add", name, "type", "bridge")
        self.switches.append(name)
        ip("link", "set", name, "up")

    def host(self, name, **links):
        host = Host(name)
        self.hosts.append(host)
        for switch, address in links.items():
            host.link(switch, address)
        return host
