/*
 * mime.c - the table of content types.
 *
 * Entry point: weft__http_mime_type().
 *
 * Text is said to be UTF-8, as nearly all of it is by now. Source code and scripts
 * are plain text, so that a browser shows them rather than runs or saves them.
 *
 * Never: looks into the file, or guesses; nosniff tells browsers not to, either.
 */
#include "http/mime.h"

#include <string.h>

#include "http/chars.h"
#include "weft/search.h"

#define TEXT(subtype) "text/" subtype "; charset=utf-8"

/** Longest extension in the table. */
#define EXTENSION_MAX 16

struct type {
	const char *extension; /* in lower case; the table is sorted by it */
	const char *value;
};

static const struct type types[] = {
	/* clang-format off */
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apk", "application/vnd.android.package-archive"},
	{"asc", TEXT("plain")},
	{"atom", "application/atom+xml"},
	{"avi", "video/x-msvideo"},
	{"avif", "image/avif"},
	{"bin", "application/octet-stream"},
	{"bmp", "image/bmp"},
	{"bz2", "application/x-bzip2"},
	{"c", TEXT("plain")},
	{"cc", TEXT("plain")},
	{"cfg", TEXT("plain")},
	{"conf", TEXT("plain")},
	{"cpp", TEXT("plain")},
	{"css", TEXT("css")},
	{"csv", TEXT("csv")},
	{"deb", "application/vnd.debian.binary-package"},
	{"diff", TEXT("plain")},
	{"djvu", "image/vnd.djvu"},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"epub", "application/epub+zip"},
	{"exe", "application/vnd.microsoft.portable-executable"},
	{"flac", "audio/flac"},
	{"gif", "image/gif"},
	{"go", TEXT("plain")},
	{"gpx", "application/gpx+xml"},
	{"gz", "application/gzip"},
	{"h", TEXT("plain")},
	{"heic", "image/heic"},
	{"hpp", TEXT("plain")},
	{"htm", TEXT("html")},
	{"html", TEXT("html")},
	{"ico", "image/x-icon"},
	{"ics", TEXT("calendar")},
	{"ini", TEXT("plain")},
	{"iso", "application/vnd.efi.iso"},
	{"jar", "application/java-archive"},
	{"java", TEXT("plain")},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", TEXT("javascript")},
	{"json", "application/json"},
	{"jsonl", TEXT("plain")},
	{"jxl", "image/jxl"},
	{"log", TEXT("plain")},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"m4v", "video/mp4"},
	{"map", "application/json"},
	{"md", TEXT("markdown")},
	{"mid", "audio/midi"},
	{"mjs", TEXT("javascript")},
	{"mkv", "video/matroska"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpeg", "video/mpeg"},
	{"mpg", "video/mpeg"},
	{"odp", "application/vnd.oasis.opendocument.presentation"},
	{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
	{"odt", "application/vnd.oasis.opendocument.text"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"patch", TEXT("plain")},
	{"pdf", "application/pdf"},
	{"pem", "application/x-pem-file"},
	{"php", TEXT("plain")},
	{"pl", TEXT("plain")},
	{"png", "image/png"},
	{"ppt", "application/vnd.ms-powerpoint"},
	{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"ps", "application/postscript"},
	{"py", TEXT("plain")},
	{"rar", "application/vnd.rar"},
	{"rb", TEXT("plain")},
	{"rs", TEXT("plain")},
	{"rss", "application/rss+xml"},
	{"rst", TEXT("plain")},
	{"rtf", "application/rtf"},
	{"s", TEXT("plain")},
	{"sh", TEXT("plain")},
	{"sql", TEXT("plain")},
	{"srt", TEXT("plain")},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tex", TEXT("plain")},
	{"tgz", "application/gzip"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"toml", TEXT("plain")},
	{"ts", TEXT("plain")},
	{"tsv", TEXT("tab-separated-values")},
	{"ttf", "font/ttf"},
	{"txt", TEXT("plain")},
	{"vcf", TEXT("vcard")},
	{"vtt", TEXT("vtt")},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json"},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xhtml", "application/xhtml+xml"},
	{"xls", "application/vnd.ms-excel"},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"xml", "application/xml"},
	{"xz", "application/x-xz"},
	{"yaml", TEXT("plain")},
	{"yml", TEXT("plain")},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
	/* clang-format on */
};

static int by_extension(const void *key, const void *element, void *context)
{
	(void)context;
	return strcmp(key, ((const struct type *)element)->extension);
}

const char *weft__http_mime_type(const char *name)
{
	static const struct weft_sorted sorted = {
		types, sizeof(types) / sizeof(types[0]), sizeof(types[0]), by_extension, NULL};
	const char *dot = strrchr(name, '.');
	char extension[EXTENSION_MAX];
	const struct type *type;
	size_t len;

	len = dot ? strlen(dot + 1) : 0;
	if (len == 0 || len >= sizeof(extension))
		return "application/octet-stream";
	for (size_t i = 0; i <= len; i++)
		extension[i] = weft__http_lower(dot[1 + i]);
	type = weft_search(&sorted, extension);
	return type ? type->value : "application/octet-stream";
}
