#!/usr/bin/env python3
"""test_package.py - `make dist` and `make deb`: what others build from, and install."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import tap
from tap import Skip, case, expect, run

# Ten seconds of work in one case, which a busy machine makes minutes of.
tap.CASE_LIMIT_S = max(tap.CASE_LIMIT_S, 600)

HOUSE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDER = tempfile.TemporaryDirectory()
IS_SOAK = int(os.environ.get("CHECK_ROUNDS", "1")) > 1

with open(f"{HOUSE}/VERSION", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()


def sh(*command, cwd=HOUSE, **more):
    """What it prints; it must not fail."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environ.update(more)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, cwd=cwd, timeout=800, env=environ)
    expect(done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}")
    return done.stdout


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@case("the version is in one place, and of the form MAJOR.MINOR.PATCH")
def _():
    expect(re.fullmatch(r"\d+\.\d+\.\d+", VERSION), VERSION)
    expect(sh("build/weft", "--version") == f"weft {VERSION}\n")
    for path in ("Makefile", "packaging/weft.pc.in", "tools/man3", "tools/deb"):
        with open(f"{HOUSE}/{path}", encoding="utf-8") as file:
            expect(VERSION not in file.read(), path)


# ---- A tarball ----------------------------------------------------------------------------------


def make_dist():
    """Its path, and the folder that it unpacks to."""
    try:
        sh("git", "rev-parse", "HEAD")
    except (AssertionError, OSError) as none:
        raise Skip("this is no clone") from none
    sh("make", "dist")
    return f"{HOUSE}/build/weft-{VERSION}.tar.gz", f"{FOLDER.name}/weft-{VERSION}"


@case("make dist packs the committed tree, the same bytes each time")
def _():
    path, _ = make_dist()
    first = sum_of(path)
    make_dist()
    expect(sum_of(path) == first)
    with tarfile.open(path) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()} - {""}
        expect(all(name.startswith(f"weft-{VERSION}") for name in packed.getnames()))
    listed = set(sh("git", "ls-tree", "-r", "--name-only", "HEAD").split("\n")) - {""}
    expect(listed <= names and not names & {"build", ".git"}, listed - names)


@case("what is unpacked builds where there is no git")
def _():
    path, top = make_dist()
    with tarfile.open(path) as packed:
        packed.extractall(FOLDER.name)
    bare = f"{FOLDER.name}/bin"
    os.mkdir(bare)
    with open(f"{bare}/git", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 127\n")
    os.chmod(f"{bare}/git", 0o755)
    more = {"PATH": f"{bare}:{os.environ['PATH']}", "GIT_DIR": "/nonexistent"}
    # All of it takes minutes; what it would do is known at once.
    expect("libweft.so" in sh("make", "-n", "all", cwd=top, **more))
    if IS_SOAK:
        sh("make", f"-j{os.cpu_count()}", "CFLAGS=-O0", "build/weft", cwd=top, **more)
        expect(sh("build/weft", "--version", cwd=top) == f"weft {VERSION}\n")
    else:
        sh("make", "build/release/src/base/buf.c.o", cwd=top, **more)
    pages = f"{FOLDER.name}/pages"
    sh("tools/man3", pages, cwd=top, **more)
    expect(len(os.listdir(pages)) > 500)


# ---- Debian's packages --------------------------------------------------------------------------


def make_debs():
    """The three of them, by name."""
    for tool in ("dpkg-deb", "dpkg-shlibdeps", "dpkg-gensymbols"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is missing")
    place = f"{FOLDER.name}/deb"
    if not os.path.exists(place):
        sh("tools/deb", place)
    return {os.path.basename(path).partition("_")[0]: path for path in glob.glob(f"{place}/*.deb")}


def field(path, name):
    return sh("dpkg-deb", "-f", path, name).strip()


@case("make deb makes three packages, each with its fields")
def _():
    debs = make_debs()
    so = VERSION.partition(".")[0]
    expect(sorted(debs) == sorted(["weft", f"libweft{so}", "libweft-dev"]), debs)
    for name, path in debs.items():
        expect(field(path, "Version") == VERSION and field(path, "Source") == "weft")
        expect(field(path, "Architecture") == sh("dpkg", "--print-architecture").strip())
        expect(field(path, "Description") and int(field(path, "Installed-Size")) > 500)
        expect(max(map(len, sh("dpkg-deb", "-f", path, "Description").splitlines())) <= 80, name)
        if name != "libweft-dev":
            expect(re.search(r"\blibc6 \(>= ", field(path, "Depends")), field(path, "Depends"))
    expect(field(debs["libweft-dev"], "Depends") == f"libweft{so} (= {VERSION})")
    expect("libweft" not in field(debs["weft"], "Depends"), "the command has the library in it")


@case("each has what is its own, owned by root, and nothing that others could write")
def _():
    debs, owned = make_debs(), {}
    for name, path in debs.items():
        for line in sh("dpkg-deb", "-c", path).splitlines():
            mode, owner, *_, file = line.partition(" -> ")[0].split()
            expect(owner == "root/root" and (mode[0] == "l" or mode[8] == "-"), line)
            if mode[0] != "d":
                expect(owned.setdefault(file, name) == name, f"{file} is in two packages")
    for file, name in (("./usr/bin/weft", "weft"), ("./etc/weft/weft.conf", "weft"),
                       ("./usr/share/man/man1/weft-serve.1.gz", "weft"),
                       ("./usr/share/man/man3/weft_stream.3.gz", "libweft-dev"),
                       ("./usr/include/weft/weft.h", "libweft-dev"),
                       ("./usr/lib/systemd/system/weft.service", "weft"),
                       ("./usr/share/doc/weft/copyright", "weft")):
        expect(owned.get(file) == name, (file, owned.get(file)))
    for script in ("postinst", "prerm", "postrm"):
        said = subprocess.run(["sh", "-n"], input=sh("dpkg-deb", "-I", debs["weft"], script),
                              text=True, check=False, stderr=subprocess.PIPE)
        expect(said.returncode == 0, said)
    expect([name for file, name in owned.items() if re.search(r"/libweft\.so\.\d", file)] ==
           [f"libweft{VERSION.partition('.')[0]}"] * 2)


@case("the same tree makes the same packages, byte for byte")
def _():
    debs = make_debs()
    again = f"{FOLDER.name}/again"
    sh("tools/deb", again)
    for name, path in debs.items():
        expect(sum_of(path) == sum_of(f"{again}/{os.path.basename(path)}"), name)


def unpacked():
    root = f"{FOLDER.name}/root"
    for path in make_debs().values():
        sh("dpkg-deb", "-x", path, root)
    return root


@case("no call of a library can be turned elsewhere: the tables are read-only")
def _():
    root = unpacked()
    for path in (f"{root}/usr/bin/weft", *glob.glob(f"{root}/usr/lib/*/libweft.so.*")):
        expect(re.search(r"BIND_NOW|\bNOW\b", sh("readelf", "-dW", path)), path)
        expect("GNU_RELRO" in sh("readelf", "-lW", path), path)


@case("unpacked, the command runs, and a program is built by pkg-config and runs")
def _():
    root = unpacked()
    expect(sh(f"{root}/usr/bin/weft", "--version") == f"weft {VERSION}\n")
    folder = os.path.dirname(glob.glob(f"{root}/usr/lib/*/libweft.so")[0])
    source = f"{FOLDER.name}/main.c"
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <weft/fiber.h>\nstatic int one(void *arg) { (void)arg; return 7; }\n"
                   "int main(void) { return weft_run(0, one, 0) == 7 ? 0 : 1; }\n")
    flags = [f"-I{root}/usr/include", f"-L{folder}", "-lweft", "-pthread"]
    if shutil.which("pkg-config"):
        said = sh("pkg-config", "--cflags", "--libs", "weft", PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                  PKG_CONFIG_ALLOW_SYSTEM_LIBS="1", PKG_CONFIG_LIBDIR=f"{folder}/pkgconfig")
        expect("-I/usr/include" in said and "-lweft" in said, said)
        flags = re.sub(r"-([IL])/usr/", rf"-\1{root}/usr/", said).split()
    sh("gcc", source, *flags, "-o", f"{FOLDER.name}/main")
    sh(f"{FOLDER.name}/main", LD_LIBRARY_PATH=folder)


@case("the library's package tells dpkg-shlibdeps which version a program needs")
def _():
    path = make_debs()[f"libweft{VERSION.partition('.')[0]}"]
    said = sh("dpkg-deb", "-I", path, "symbols")
    expect(said.startswith("libweft.so.") and " weft_run@WEFT_1.0 1.0.0\n" in said, said[:200])
    expect(said.count("\n") > 500 and "#MISSING" not in said)
    expect("ldconfig" in sh("dpkg-deb", "-I", path, "triggers"))


@case("what was packed has the sums that the package says")
def _():
    root = unpacked()
    for path in make_debs().values():
        lines = sh("dpkg-deb", "-I", path, "md5sums")
        done = subprocess.run(["md5sum", "-c", "--quiet", "-"], input=lines, text=True, cwd=root,
                              check=False, capture_output=True)
        expect(done.returncode == 0, done)


if __name__ == "__main__":
    sys.exit(run())
