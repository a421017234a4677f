#!/usr/bin/env python3
"""judge_curl.py - curl's options, one by one, at `weft serve`."""
import contextlib
import os
import subprocess
import sys
import tempfile

from judged import Site, case, expect, need, run, tool

HELLO = b"Hello, world\n"


@contextlib.contextmanager
def at(*options, **more):
    with Site(*options, **more) as site, tempfile.TemporaryDirectory() as place:
        site.place = place
        yield site


def curl(*words, **options):
    done = tool("curl", "-sS", *words, text=False, **options)
    return done.returncode, done.stdout, done.stderr.decode()


def status(*words):
    """The HTTP status, and curl's own."""
    code, out, _ = curl("-o", "/dev/null", "-w", "%{http_code}", *words)
    return int(out), code


# ---- Getting ---------------------------------------------------------------------------------


@case("curl URL prints the file")
def _():
    with at() as site:
        expect(curl(site.url("/hello.txt")) == (0, HELLO, ""))
        expect(curl(site.url("/big.bin"))[1] == site.read("big.bin"))
        expect(curl(site.url("/empty")) == (0, b"", ""))


@case("curl -I prints a head, and the connection goes on")
def _():
    with at() as site:
        code, out, _ = curl("-I", site.url("/hello.txt"), site.url("/big.bin"))
        expect(code == 0 and out.count(b"HTTP/1.1 200 OK\r\n") == 2, out)
        expect(b"Content-Length: 13\r\n" in out and b"Content-Length: 8388608\r\n" in out, out)


@case("curl -r gets parts: first, middle, last, several; and 416 beyond the end")
def _():
    with at() as site:
        url = site.url("/hello.txt")
        expect(curl("-r", "0-4", url)[1] == b"Hello")
        expect(curl("-r", "7-", url)[1] == b"world\n")
        expect(curl("-r", "-6", url)[1] == b"world\n")
        expect(status("-r", "0-4", url) == (206, 0))
        expect(status("-r", "100-", url)[0] == 416)
        _, out, _ = curl("-r", "0-0,12-12", url)
        expect(out.count(b"Content-Range: bytes") in (1, 2) or out == HELLO, out)
        _, out, _ = curl("-r", "0-9,4000000-4000009", site.url("/big.bin"))
        expect(out.count(b"Content-Range: bytes") == 2, out)


@case("curl -C - goes on where a download was cut, and does nothing to a whole one")
def _():
    with at() as site:
        path = os.path.join(site.place, "big.bin")
        with open(path, "wb") as file:
            file.write(site.read("big.bin")[:1234567])
        for _ in range(2):
            code, _, errors = curl("-C", "-", "-o", path, site.url("/big.bin"))
            expect(code == 0, errors)
            with open(path, "rb") as file:
                expect(file.read() == site.read("big.bin"), "not the same")


@case("curl whose reader goes away leaves the server well, and -C - gets the rest")
def _():
    with at() as site:
        path = os.path.join(site.place, "big.bin")
        subprocess.run(["sh", "-c", f"curl -sS {site.url('/big.bin')} 2>/dev/null | "
                        f"head -c 1000000 >{path}"], check=True, timeout=30)
        expect(os.path.getsize(path) == 1000000)
        expect(curl("-C", "-", "-o", path, site.url("/big.bin"))[0] == 0)
        with open(path, "rb") as file:
            expect(file.read() == site.read("big.bin"), "not the same")


@case("curl --compressed gets the same bytes")
def _():
    with at() as site:
        for name in ("hello.txt", "page.html", "big.bin"):
            expect(curl("--compressed", site.url("/" + name))[1] == site.read(name), name)


@case("curl --compressed is sent less of a page, and never a compressed part")
def _():
    with at() as site:
        _, out, _ = curl("--compressed", "-o", "/dev/null", "-w", "%{size_download}",
                         site.url("/page.html"))
        expect(0 < int(out) < len(site.read("page.html")) / 2, out)
        expect(curl("--compressed", "-r", "0-9", site.url("/page.html"))[1]
               == site.read("page.html")[:10])


@case("curl --tr-encoding gets the same bytes")
def _():
    with at() as site:
        expect(curl("--tr-encoding", site.url("/page.html"))[1] == site.read("page.html"))


@case("curl -z DATE and -z FILE: 304 for what is not newer")
def _():
    with at() as site:
        url = site.url("/hello.txt")
        path = os.path.join(site.place, "kept")
        expect(status("-z", "1 Jan 2099", url)[0] == 304)
        expect(status("-z", "1 Jan 2001", url)[0] == 200)
        expect(curl("-R", "-o", path, url)[0] == 0)
        expect(os.stat(path).st_mtime == int(os.stat(site.folder.at("hello.txt")).st_mtime))
        expect(status("-z", path, url)[0] == 304)
        expect(status("-z", "-1 Jan 2001", url)[0] == 412)  # If-Unmodified-Since


@case("curl --etag-save and --etag-compare: the second time is 304")
def _():
    with at() as site:
        url, tag = site.url("/hello.txt"), os.path.join(site.place, "tag")
        expect(curl("--etag-save", tag, url)[1] == HELLO)
        expect(os.path.getsize(tag) > 2, "no tag")
        expect(status("--etag-compare", tag, url)[0] == 304)
        site.folder.write("hello.txt", "Hello, other world\n")
        expect(status("--etag-compare", tag, url)[0] == 200)


@case("curl -L follows a folder to its slash; -O, -J and --remote-name-all name files")
def _():
    with at() as site:
        expect(b"It works" in curl("-L", site.url("/site"))[1])
        expect(status(site.url("/site"))[0] == 301)
        code, _, errors = curl("--remote-name-all", "-J", site.url("/hello.txt"),
                               site.url("/sub/deep/er.txt"), cwd=site.place)
        expect(code == 0 and sorted(os.listdir(site.place)) == ["er.txt", "hello.txt"], errors)


@case("curl -f fails for what is not there, and says 404")
def _():
    with at() as site:
        code, out, errors = curl("-f", site.url("/nothing"))
        expect(code == 22 and out == b"" and "404" in errors, errors)


@case("curl reads odd names, escaped and raw")
def _():
    with at() as site:
        expect(curl(site.url("/odd/a%20b&c%23d%3Fe%25.txt"))[1] == b"odd\n")
        expect(curl(site.url("/odd/\u00e4\u6f22.txt"))[1] == b"utf-8\n")
        expect(curl(site.url("/odd/%C3%A4%E6%BC%A2.txt"))[1] == b"utf-8\n")


@case("curl with what the server has no use for: -u -b -e -A -H -G -d --oauth2-bearer")
def _():
    with at() as site:
        for words in (["-u", "me:secret"], ["-b", "a=b; c=d"], ["-e", "http://x/"],
                      ["-A", ""], ["-A", "x" * 4000], ["-H", "X-Y: z"], ["-H", "Accept:"],
                      ["-H", "X-Empty;"], ["-G", "-d", "a=b"],
                      ["-G", "--data-urlencode", "a=\u00e4 &"],
                      ["--oauth2-bearer", "token"], ["--http2"], ["--no-keepalive"],
                      ["-H", "Connection: close"], ["-H", "TE: trailers"], ["--tcp-nodelay"],
                      ["--ignore-content-length"], ["-N"], ["--raw"], ["--tcp-fastopen"]):
            code, out, errors = curl(*words, site.url("/hello.txt"))
            expect(code == 0 and out == HELLO, (words, code, out, errors))


@case("curl -w json and --remote-time agree with the file")
def _():
    with at() as site:
        _, out, _ = curl("-o", "/dev/null", "-w",
                         "%{http_version} %{content_type} %{size_download} %{num_redirects}",
                         site.url("/hello.txt"))
        expect(out == b"1.1 text/plain; charset=utf-8 13 0", out)


# ---- Versions and connections ----------------------------------------------------------------


@case("curl --http1.0 gets the file, then the connection is closed")
def _():
    with at() as site:
        expect(curl("--http1.0", site.url("/hello.txt")) == (0, HELLO, ""))
        _, out, _ = curl("--http1.0", "-w", "%{num_connects}", site.url("/hello.txt"),
                         site.url("/hello.txt"))
        expect(out == (HELLO + b"1") * 2, out)


@case("curl --http2-prior-knowledge is refused, not answered with nonsense")
def _():
    with at() as site:
        code, out, _ = curl("--http2-prior-knowledge", site.url("/hello.txt"))
        expect(code != 0 and HELLO not in out, (code, out))
        expect(curl(site.url("/hello.txt"))[1] == HELLO)


@case("curl --haproxy-protocol is refused: no line before the request is believed")
def _():
    with at() as site:
        expect(status("--haproxy-protocol", site.url("/hello.txt"))[0] == 400)


@case("curl goes over one connection for many URLs, errors and bodies among them")
def _():
    with at() as site:
        paths = ["/hello.txt", "/nothing", "/site", "/big.bin", "/", "/hello.txt"]
        words = []
        for path in paths:
            words += ["-o", "/dev/null", site.url(path)]
        _, out, _ = curl("-w", "%{num_connects}", *words)
        expect(out == b"100000", out)


@case("curl --next mixes methods, ranges and conditions on one connection")
def _():
    with at() as site:
        url = site.url("/hello.txt")
        one = ["-sS", "-o", "/dev/null", "-w", "%{http_code}:%{num_connects} ", url]
        _, out, _ = curl(*one[1:], "--next", "-I", *one, "--next", "-r", "1-2", *one,
                         "--next", "-X", "DELETE", *one, "--next", "-d", "a=b", *one,
                         "--next", *one)
        expect(out == b"200:1 200:0 206:0 405:0 405:0 200:0 ", out)


@case("curl -Z asks for fifty files at once")
def _():
    with at() as site:
        words = []
        for number in range(50):
            words += ["-o", os.path.join(site.place, str(number)), site.url("/big.bin")]
        code, _, errors = curl("-Z", "--parallel-max", "50", "--parallel-immediate", *words)
        expect(code == 0, errors)
        for number in range(50):
            with open(os.path.join(site.place, str(number)), "rb") as file:
                expect(file.read() == site.read("big.bin"), number)


@case("curl --unix-socket, and -6")
def _():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "door")
        with at(http="unix:" + path) as site:
            expect(curl("--unix-socket", path, "http://any/hello.txt") == (0, HELLO, ""))
    with at(http="[::1]:0") as site:
        expect(curl("-6", f"http://[::1]:{site.server.port}/hello.txt") == (0, HELLO, ""))


@case("nc with a pipeline of all kinds gets its answers in order, then the end")
def _():
    need("nc")
    with at() as site:
        head = "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n"
        text = (head % ("GET", "/hello.txt", "") + head % ("HEAD", "/hello.txt", "")
                + head % ("GET", "/nothing", "") + head % ("OPTIONS", "*", "")
                + head % ("POST", "/", "Content-Length: 5\r\n") + "hello"
                + head % ("GET", "/hello.txt", "Range: bytes=0-4\r\n")
                + head % ("GET", "/hello.txt", "Connection: close\r\n")
                + head % ("GET", "/never", ""))
        done = subprocess.run(["nc", "-N", site.server.host, str(site.server.port)],
                              input=text.encode(), capture_output=True, timeout=30, check=True)
        # A body of "Hello, world\n" ends without CR LF: the next status line is behind it.
        statuses = [part[:3] for part in done.stdout.split(b"HTTP/1.1 ")[1:]]
        expect(statuses == [b"200", b"200", b"404", b"204", b"405", b"206", b"200"], statuses)


# ---- Methods, targets, bodies ------------------------------------------------------------------


@case("curl -X: each method has its answer, 405 names what is allowed, unknown ones are 501")
def _():
    with at() as site:
        url = site.url("/hello.txt")
        for method, expected in (("GET", 200), ("OPTIONS", 204), ("POST", 405), ("PUT", 405),
                                 ("DELETE", 405), ("PATCH", 405), ("TRACE", 405),
                                 ("PROPFIND", 501), ("get", 501), ("BREW", 501)):
            got = status("-X", method, url)
            expect(got == (expected, 0), (method, got))
        out = curl("-X", "POST", "-D", "-", "-o", "/dev/null", url)[1]
        expect(b"\r\nAllow: GET, HEAD" in out, out)
        # CONNECT has another form of target.
        expect(status("-X", "CONNECT", "--request-target", "example.org:443", url)[0] == 405)


@case("curl --request-target: asterisk, absolute, and what is no target")
def _():
    with at() as site:
        url = site.url()
        for words, expected in ((["-X", "OPTIONS", "--request-target", "*"], 204),
                                (["--request-target", "http://other/hello.txt"], 200),
                                (["--request-target", "http://other"], 200),
                                (["--request-target", "*"], 400),
                                (["--request-target", "hello.txt"], 400),
                                (["--request-target", "/hello.txt#x"], 400),
                                (["--request-target", "/hello.txt?x"], 200),
                                (["--request-target", "/a b"], 400),
                                (["--request-target", "ftp://other/"], 400),
                                (["--request-target", "//other/hello.txt"], 404)):
            got = status(*words, url)[0]
            expect(got == expected or (expected == 404 and got == 400), (words, got))


@case("curl -x uses the server like a proxy: it answers for itself, and tunnels nowhere")
def _():
    with at() as site:
        expect(curl("-x", site.url(), "http://example.invalid/hello.txt")[1] == HELLO)
        code, _, errors = curl("-p", "-x", site.url(), "http://example.invalid/hello.txt")
        expect(code != 0 and "405" in errors, (code, errors))


@case("curl --path-as-is never leaves the folder")
def _():
    with at() as site:
        for path in ("/../../../../etc/passwd", "/sub/../../../../etc/passwd", "/..%2f..%2fetc",
                     "/%2e%2e/%2e%2e/etc/passwd", "/..", "/sub/..", "/.%00./", "/..;/etc",
                     "/..%5c..%5cetc/passwd", "/%252e%252e/etc/passwd"):
            got, _ = status("--path-as-is", site.url(path))
            expect(got in (400, 404), (path, got))
        expect(status("--path-as-is", site.url("/sub/./deep/er.txt"))[0] == 404)


@case("curl -d with Expect: 100-continue is answered without its second of waiting")
def _():
    with at() as site:
        code, out, _ = curl("-H", "Expect: 100-continue", "-d", "@" + "/etc/hostname",
                            "-o", "/dev/null", "-w", "%{http_code} %{time_total}", site.url("/"))
        http, seconds = out.split()
        expect(code == 0 and http == b"405" and float(seconds) < 0.9, out)
        expect(status("-H", "Expect: a-miracle", site.url("/"))[0] == 417)


@case("curl -F, --data-binary @FILE and chunked bodies at a folder that takes none: 405")
def _():
    with at() as site:
        path = os.path.join(site.place, "body")
        with open(path, "wb") as file:
            file.write(bytes(40000))
        for words in (["-F", "file=@" + path], ["--data-binary", "@" + path],
                      ["-H", "Transfer-Encoding: chunked", "--data-binary", "@" + path],
                      ["-T", path], ["--json", "{}"], ["--data-raw", ""]):
            got = status(*words, site.url("/"))
            expect(got == (405, 0), (words, got))
        expect(status("-X", "GET", "--data-binary", "@" + path, site.url("/"))[0] == 200)


@case("curl -H Host: none, bad, any")
def _():
    with at() as site:
        url = site.url("/hello.txt")
        for value, expected in (("Host:", 400), ("Host: a b", 400), ("Host: a,b", 400),
                                ("Host: u@a", 400), ("Host: a:b", 400), ("Host: a:80", 200),
                                ("Host: [::1]:80", 200), ("Host: xn--4ca.example", 200)):
            got = status("-H", value, url)[0]
            expect(got == expected, (value, got))
        expect(status("--http1.0", "-H", "Host:", url)[0] == 200)


@case("curl with too much: a long target is 414, long and many fields are 431")
def _():
    with at() as site:
        expect(status(site.url("/" + "a" * 9000))[0] == 414)
        expect(status("-H", "X: " + "a" * 20000, site.url("/"))[0] == 431)
        many = []
        for number in range(120):
            many += ["-H", f"X-{number}: 1"]
        expect(status(*many, site.url("/"))[0] == 431)


# ---- Uploads -----------------------------------------------------------------------------------


@case("curl -T puts a file, small and large, known length and chunked, and gets it back")
def _():
    with at("--allow-upload") as site:
        path = site.folder.at("big.bin").decode()
        expect(status("-T", path, site.url("/new.bin")) == (201, 0))
        expect(site.read("new.bin") == site.read("big.bin"), "not the same")
        expect(curl(site.url("/new.bin"))[1] == site.read("big.bin"))
        expect(curl("-T", "-", site.url("/chunked.txt"), input=b"from stdin\n")[0] == 0)
        expect(site.read("chunked.txt") == b"from stdin\n")
        # An address that ends in a slash: curl puts the file's name behind it.
        expect(status("-T", path, site.url("/sub/")) == (201, 0))
        expect(site.read("sub/big.bin") == site.read("big.bin"), "not the same")


@case("curl -T replaces nothing, but by If-Match; If-None-Match: * is kept")
def _():
    with at("--allow-upload") as site:
        path, url = os.path.join(site.place, "x"), site.url("/hello.txt")
        tag = os.path.join(site.place, "tag")
        with open(path, "wb") as file:
            file.write(b"replaced\n")
        expect(status("-T", path, url)[0] in (409, 412) and site.read("hello.txt") == HELLO)
        expect(status("-T", path, "-H", "If-None-Match: *", url)[0] == 412)
        expect(status("-T", path, "-H", 'If-Match: "other"', url)[0] == 412)
        expect(site.read("hello.txt") == HELLO)
        curl("--etag-save", tag, url)
        with open(tag, encoding="ascii") as file:
            expect(status("-T", path, "-H", "If-Match: " + file.read().strip(), url)[0]
                   in (200, 204))
        expect(site.read("hello.txt") == b"replaced\n")


@case("curl -F posts files as a form does, several at once, names kept below the folder")
def _():
    with at("--allow-upload") as site:
        path = site.folder.at("big.bin").decode()
        code, _ = status("-F", f"file=@{path};filename=one.bin", "-F",
                         f"file=@{path};filename=\u00e4 b.bin", site.url("/sub/"))
        expect(200 <= code < 400, code)
        for name in ("sub/one.bin", "sub/\u00e4 b.bin"):
            expect(site.read(name) == site.read("big.bin"), name)
        code, _ = status("-F", f"file=@{path};filename=../../out.bin", site.url("/sub/"))
        expect(not os.path.exists(site.folder.path + "/../out.bin"), code)
        expect(not os.path.exists(site.folder.at("out.bin")), code)


@case("curl -T that breaks off leaves nothing behind")
def _():
    with at("--allow-upload") as site:
        before = sorted(os.listdir(site.folder.path))
        path = site.folder.at("big.bin").decode()
        curl("-T", path, "--limit-rate", "1M", "--max-time", "1", site.url("/broken.bin"))
        subprocess.run(["sh", "-c", "head -c 500000 /dev/zero | timeout 1 curl -sS -H "
                        f"'Content-Length: 9000000' -T - {site.url('/short.bin')}"],
                       check=False, capture_output=True, timeout=30)
        expect(status(site.url("/broken.bin"))[0] == 404)
        expect(status(site.url("/short.bin"))[0] == 404)
        expect(sorted(os.listdir(site.folder.path)) == before, os.listdir(site.folder.path))


@case("curl over --upload-max is 413, with Expect before a byte of it is sent")
def _():
    with at("--allow-upload", "--upload-max", "1M") as site:
        path = site.folder.at("big.bin").decode()
        expect(status("-T", path, "-H", "Expect:", site.url("/new.bin"))[0] == 413)
        _, out, _ = curl("-T", path, "-H", "Expect: 100-continue", "-o", "/dev/null", "-w",
                         "%{http_code} %{size_upload}", site.url("/new.bin"))
        expect(out == b"413 0", out)
        expect(not os.path.exists(site.folder.at("new.bin")))


@case("curl -X MKCOL, MOVE and DELETE, when allowed; 405 when not")
def _():
    with at("--allow-upload", "--allow-change") as site:
        expect(status("-X", "MKCOL", site.url("/made/"))[0] == 201)
        expect(os.path.isdir(site.folder.at("made")))
        expect(status("-X", "MOVE", "-H", "Destination: /made/moved.txt",
                      site.url("/hello.txt"))[0] == 201)
        expect(site.read("made/moved.txt") == HELLO)
        expect(status(site.url("/hello.txt"))[0] == 404)
        expect(status("-X", "DELETE", site.url("/made/moved.txt"))[0] == 204)
        expect(status("-X", "DELETE", site.url("/made/moved.txt"))[0] == 404)
    with at("--allow-upload") as site:
        expect(status("-X", "DELETE", site.url("/hello.txt"))[0] in (403, 405))
        expect(site.read("hello.txt") == HELLO)


sys.exit(run())
