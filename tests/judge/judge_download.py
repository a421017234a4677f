#!/usr/bin/env python3
"""judge_download.py - what people download with: wget and aria2c, at `weft serve`."""
import filecmp
import hashlib
import os
import sys
import tempfile

from judged import Site, case, expect, run, tool


def wget(*words, **options):
    return tool("wget", "-nv", "--tries=1", "--timeout=30", *words, **options)


def same(site, name, path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest() == hashlib.sha256(site.read(name)).digest()


@case("wget gets a file with its time")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        done = wget(site.url("/big.bin"), cwd=place)
        path = os.path.join(place, "big.bin")
        expect(done.returncode == 0 and same(site, "big.bin", path), done)
        expect(int(os.stat(path).st_mtime) == int(os.stat(site.folder.at("big.bin")).st_mtime))


@case("wget -c goes on where a download was cut, and leaves a whole one alone")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "big.bin")
        with open(path, "wb") as file:
            file.write(site.read("big.bin")[:3333333])
        for _ in range(2):
            done = tool("wget", "-c", site.url("/big.bin"), cwd=place)
            expect(done.returncode == 0 and same(site, "big.bin", path), done)
        expect("416" in done.stderr or "nothing to do" in done.stderr, done.stderr)


@case("wget -N fetches again only what has changed")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        for count in (1, 0):
            done = tool("wget", "-N", site.url("/hello.txt"), cwd=place)
            expect(done.returncode == 0, done)
            expect(("304 Not Modified" in done.stderr) == (count == 0), done.stderr)


@case("wget -r copies a tree through the listings, odd names included")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        done = wget("-r", "-np", "-nH", "-R", "index.html?*", "--restrict-file-names=nocontrol",
                    "--local-encoding=UTF-8", "-P", place, site.url("/"))
        expect(done.returncode == 0, done.stderr)
        for top, _, names in os.walk(site.folder.path):
            for name in names:
                path = os.path.join(top, name)
                copy = os.path.join(place, os.path.relpath(path, site.folder.path))
                expect(os.path.exists(copy), f"no {copy}: {done.stderr}")
                expect(filecmp.cmp(path, copy, shallow=False), f"{copy} is another file")


@case("wget --spider -r finds no dead link")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        done = tool("wget", "--spider", "-r", "-np", "-nd", site.url("/"), cwd=place)
        expect(done.returncode == 0, done.stderr[-2000:])
        expect("Found no broken links" in done.stderr, done.stderr[-2000:])


@case("wget --compression=auto gets the same bytes")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        done = wget("--compression=auto", site.url("/page.html"), cwd=place)
        path = os.path.join(place, "page.html")
        expect(done.returncode == 0 and same(site, "page.html", path), done)


@case("wget without keep-alive, and with a proxy's absolute targets")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        done = wget("--no-http-keep-alive", site.url("/hello.txt"), cwd=place)
        expect(done.returncode == 0 and same(site, "hello.txt", place + "/hello.txt"), done)
        done = wget("-O", "by-proxy", "http://example.invalid/hello.txt", cwd=place,
                    env={"http_proxy": site.url("/")})
        expect(done.returncode == 0 and same(site, "hello.txt", place + "/by-proxy"), done)


@case("aria2c -x8 gets a file in eight parts at a time, by its checksum")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        digest = hashlib.sha256(site.read("big.bin")).hexdigest()
        done = tool("aria2c", "-x8", "-s8", "-k1M", "--no-conf", "--checksum=sha-256=" + digest,
                    "-d", place, "--file-allocation=none", site.url("/big.bin"))
        expect(done.returncode == 0, done.stdout)
        expect(same(site, "big.bin", os.path.join(place, "big.bin")), "not the same")


@case("aria2c goes on with a download that was stopped, and pipelines many small ones")
def _():
    with Site() as site, tempfile.TemporaryDirectory() as place:
        options = ["--no-conf", "--file-allocation=none", "-d", place]
        # Stopped by itself after a second, at a rate that is not done by then.
        tool("aria2c", *options, "-x4", "-s4", "-k1M", "--max-overall-download-limit=1M",
             "--stop=2", site.url("/big.bin"))
        expect(os.path.exists(os.path.join(place, "big.bin.aria2")), "it was not stopped")
        done = tool("aria2c", *options, "-x4", "-s4", "-k1M", site.url("/big.bin"))
        expect(done.returncode == 0, done.stdout)
        expect(same(site, "big.bin", os.path.join(place, "big.bin")), "not the same")
        done = tool("aria2c", *options, "-Z", "--enable-http-pipelining=true",
                    site.url("/hello.txt"), site.url("/page.html"), site.url("/empty"),
                    site.url("/sub/deep/er.txt"))
        expect(done.returncode == 0, done.stdout)
        expect(same(site, "page.html", os.path.join(place, "page.html")), "not the same")


sys.exit(run())
