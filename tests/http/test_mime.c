/*
 * test_mime.c - tests src/http/mime.c: types by extension; the table is sorted.
 */
#include "check.h"

#include "http/mime.h"

CHECK_CASE(extensions_give_types_in_any_case)
{
	CHECK_STR(weft__http_mime_type("index.html"), "text/html; charset=utf-8");
	CHECK_STR(weft__http_mime_type("a/b.c/INDEX.HTM"), "text/html; charset=utf-8");
	CHECK_STR(weft__http_mime_type("x.tar.gz"), "application/gzip");
	CHECK_STR(weft__http_mime_type("photo.JPG"), "image/jpeg");
	CHECK_STR(weft__http_mime_type("a.mp4"), "video/mp4");
	CHECK_STR(weft__http_mime_type("main.c"), "text/plain; charset=utf-8");
	CHECK_STR(weft__http_mime_type("main.js"), "text/javascript; charset=utf-8");
	CHECK_STR(weft__http_mime_type("a.json"), "application/json");
	CHECK_STR(weft__http_mime_type("a.svg"), "image/svg+xml");
	/* The first and the last of the table. */
	CHECK_STR(weft__http_mime_type("a.7z"), "application/x-7z-compressed");
	CHECK_STR(weft__http_mime_type("a.zst"), "application/zstd");
}

CHECK_CASE(the_rest_is_bytes)
{
	static const char *const names[] = {"", ".", "README", "a.", "a.unknown", "html",
		"a.html/b", "a.averyveryverylongextension", "a.html "};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_STR(weft__http_mime_type(names[i]), "application/octet-stream");
}

/* Binary search finds nothing reliably in a table that is not sorted: ask for every row. */
CHECK_CASE(no_common_extension_is_lost)
{
	static const char *const known[] = {"css", "csv", "gif", "ico", "jpeg", "md", "mjs", "mp3",
		"ogg", "pdf", "png", "py", "txt", "wasm", "wav", "webm", "webp", "woff", "woff2",
		"xhtml", "xml", "xz", "yaml", "zip"};
	char name[32];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		snprintf(name, sizeof(name), "x.%s", known[i]);
		CHECK(strcmp(weft__http_mime_type(name), "application/octet-stream") != 0);
	}
}

CHECK_MAIN()
