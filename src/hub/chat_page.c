/*
 * chat_page.c - see chat_page.h. The assembler takes the files as they are (.incbin), by paths from
 * the top of the sources, where make runs; the Makefile says that this file is made of them.
 *
 * Never: a page that may run or load anything but its own files; its policy forbids scripts made of
 * text, too (Trusted Types).
 */
#include "chat_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EMBED(name, path)                                 \
	__asm__(".pushsection .rodata\n"                  \
		".hidden weft__chat_file_" #name "\n"     \
		".globl weft__chat_file_" #name "\n"      \
		"weft__chat_file_" #name ":\n"            \
		".incbin \"" path "\"\n"                  \
		".hidden weft__chat_file_" #name "_end\n" \
		".globl weft__chat_file_" #name "_end\n"  \
		"weft__chat_file_" #name "_end:\n"        \
		".popsection\n");                         \
	extern const char weft__chat_file_##name[], weft__chat_file_##name##_end[]

EMBED(page, "web/chat/index.html");
EMBED(account, "web/chat/account.html");
EMBED(account_script, "web/chat/account.js");
EMBED(style, "web/chat/chat.css");
EMBED(chat, "web/chat/chat.js");
EMBED(composer, "web/chat/composer.js");
EMBED(door, "web/chat/door.js");
EMBED(elements, "web/chat/elements.js");
EMBED(feed, "web/chat/feed.js");
EMBED(files, "web/chat/files.js");
EMBED(kept, "web/chat/kept.js");
EMBED(link, "web/chat/link.js");
EMBED(log, "web/chat/log.js");
EMBED(panels, "web/chat/panels.js");
EMBED(room, "web/chat/room.js");
EMBED(words, "web/chat/words.js");
EMBED(icon, "web/chat/icon.svg");

static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	"require-trusted-types-for 'script'; trusted-types 'none'";

struct page_file {
	const char *name, *type, *bytes, *end;
};

#define SCRIPT "text/javascript; charset=utf-8"
#define FILE_OF(symbol, name, type)                                                  \
	{                                                                            \
		name, type, weft__chat_file_##symbol, weft__chat_file_##symbol##_end \
	}

static const struct page_file files[] = {
	FILE_OF(page, "", "text/html; charset=utf-8"),
	FILE_OF(account, "account.html", "text/html; charset=utf-8"),
	FILE_OF(account_script, "account.js", SCRIPT),
	FILE_OF(style, "chat.css", "text/css; charset=utf-8"),
	FILE_OF(chat, "chat.js", SCRIPT),
	FILE_OF(composer, "composer.js", SCRIPT),
	FILE_OF(door, "door.js", SCRIPT),
	FILE_OF(elements, "elements.js", SCRIPT),
	FILE_OF(feed, "feed.js", SCRIPT),
	FILE_OF(files, "files.js", SCRIPT),
	FILE_OF(kept, "kept.js", SCRIPT),
	FILE_OF(link, "link.js", SCRIPT),
	FILE_OF(log, "log.js", SCRIPT),
	FILE_OF(panels, "panels.js", SCRIPT),
	FILE_OF(room, "room.js", SCRIPT),
	FILE_OF(words, "words.js", SCRIPT),
	FILE_OF(icon, "icon.svg", "image/svg+xml"),
};

/* FNV-1a: it is to tell two versions of a file apart, no more. */
static void make_tag(const struct page_file *file, char ret_tag[HUB_CHAT_PAGE_TAG_SIZE])
{
	uint64_t sum = 0xcbf29ce484222325;

	for (const char *at = file->bytes; at < file->end; at++)
		sum = (sum ^ (unsigned char)*at) * 0x100000001b3;
	snprintf(ret_tag, HUB_CHAT_PAGE_TAG_SIZE, "\"%016" PRIx64 "\"", sum);
}

static int add_fields(struct weft_http_response *response, const char *tag)
{
	const char *const fields[][2] = {{"ETag", tag}, {"Cache-Control", "no-cache"},
		{"Content-Security-Policy", policy}, {"X-Content-Type-Options", "nosniff"},
		{"Cross-Origin-Opener-Policy", "same-origin"}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (weft_http_response_field(response, fields[i][0], fields[i][1]) < 0)
			return -1;
	return 0;
}

static int send_file(struct weft_http_request *request, struct weft_http_response *response,
	const struct page_file *file)
{
	const struct weft_http_content content = {
		file->type, file->bytes, (size_t)(file->end - file->bytes)};
	struct weft_http_text has = weft_http_request_field(request, "If-None-Match");
	char tag[HUB_CHAT_PAGE_TAG_SIZE];

	make_tag(file, tag);
	if (add_fields(response, tag) < 0)
		return -1;
	if (has.data && memmem(has.data, has.len, tag, strlen(tag)))
		return weft_http_response_send(response, 304, NULL);
	return weft_http_response_send(response, 200, &content);
}

int weft__hub_chat_page_send(
	struct weft_http_request *request, struct weft_http_response *response, const char *name)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i].name, name) == 0)
			return send_file(request, response, &files[i]);
	return 404;
}
