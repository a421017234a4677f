/*
 * page_files.c - see page_files.h. The assembler takes the pack as it is (.incbin); the Makefile
 * says what it is made of.
 *
 * Never: a page that may run or load anything but what comes from this server; its policy forbids
 * scripts made of text, too (Trusted Types).
 */
#include "page_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "page_pack.h"

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	".hidden weft__page_pack\n"
	".globl weft__page_pack\n"
	"weft__page_pack:\n"
	".incbin \"page.pack\"\n"
	".popsection\n");
extern const char weft__page_pack[];

static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
	"media-src 'self' blob:; frame-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
	"require-trusted-types-for 'script'; trusted-types 'none'";

static const char permissions[] =
	"camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
	"display-capture=(), browsing-topics=()";

static const struct page_pack_head *head(void)
{
	return (const void *)weft__page_pack;
}

const char *weft__hub_page_hash(void)
{
	return head()->hash;
}

static int compare(const void *name, const void *file)
{
	return strcmp(name, ((const struct page_pack_file *)file)->name);
}

static const struct page_pack_file *find(const char *name)
{
	return bsearch(name, head() + 1, head()->count, sizeof(struct page_pack_file), compare);
}

/* ---- Which coding ------------------------------------------------------------------------- */

static const char *const coding_names[] = {
	[PAGE_PACK_PLAIN] = NULL, [PAGE_PACK_GZIP] = "gzip", [PAGE_PACK_BROTLI] = "br"};

/* "br;q=0" is a no (RFC 9110, section 12.5.3). */
static bool is_refused(struct weft_http_text item)
{
	const char *q = memmem(item.data, item.len, "q=", 2);

	if (!q)
		return false;
	for (q += 2; q < item.data + item.len; q++)
		if (*q != '0' && *q != '.')
			return false;
	return true;
}

static bool takes(const struct weft_http_request *request, const char *coding)
{
	struct weft_http_text list = weft_http_request_field(request, "Accept-Encoding"), item;
	size_t len = strlen(coding);

	while (list.data && weft_http_list_next(&list, &item))
		if (item.len >= len && strncasecmp(item.data, coding, len) == 0 &&
			(item.len == len || item.data[len] == ';' || item.data[len] == ' '))
			return !is_refused(item);
	return false;
}

static enum page_pack_coding choose(
	const struct weft_http_request *request, const struct page_pack_file *file)
{
	for (int coding = PAGE_PACK_CODINGS - 1; coding > PAGE_PACK_PLAIN; coding--)
		if (file->len[coding] > 0 && takes(request, coding_names[coding]))
			return (enum page_pack_coding)coding;
	return PAGE_PACK_PLAIN;
}

/* ---- Sending ------------------------------------------------------------------------------ */

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
		{".svg", "image/svg+xml"}, {".webmanifest", "application/manifest+json"}};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static int add_fields(struct weft_http_response *response, const char *const (*fields)[2])
{
	for (; (*fields)[0]; fields++)
		if (weft_http_response_field(response, (*fields)[0], (*fields)[1]) < 0)
			return -1;
	return 0;
}

static int send_coded(struct weft_http_request *request, struct weft_http_response *response,
	const struct page_pack_file *file, int status)
{
	enum page_pack_coding coding = choose(request, file);
	const struct weft_http_content content = {
		type_of(file->name), weft__page_pack + file->at[coding], file->len[coding]};

	if (coding != PAGE_PACK_PLAIN &&
		weft_http_response_field(response, "Content-Encoding", coding_names[coding]) < 0)
		return -1;
	return weft_http_response_send(response, status, &content);
}

int weft__hub_page_send_file(
	struct weft_http_request *request, struct weft_http_response *response, const char *name)
{
	static const char *const fields[][2] = {
		{"Cache-Control", "public, max-age=31536000, immutable"},
		{"Vary", "Accept-Encoding"}, {"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{NULL, NULL}};
	const struct page_pack_file *file = find(name);

	if (!file)
		return 404;
	return add_fields(response, fields) < 0 ? -1 : send_coded(request, response, file, 200);
}

int weft__hub_page_send_document(
	struct weft_http_request *request, struct weft_http_response *response, int status)
{
	static const char *const fields[][2] = {{"Cache-Control", "no-cache"},
		{"Vary", "Accept-Encoding, Accept, Sec-Fetch-Dest"},
		{"Content-Security-Policy", policy}, {"X-Content-Type-Options", "nosniff"},
		{"Cross-Origin-Opener-Policy", "same-origin"}, {"Permissions-Policy", permissions},
		{NULL, NULL}};
	struct weft_http_text has = weft_http_request_field(request, "If-None-Match");
	char tag[PAGE_PACK_HASH_LEN + 8];

	/* The same page in other codings: the tag is a weak one. */
	snprintf(tag, sizeof(tag), "W/\"%s\"", weft__hub_page_hash());
	if (add_fields(response, fields) < 0 || weft_http_response_field(response, "ETag", tag) < 0)
		return -1;
	if (status == 200 && has.data && memmem(has.data, has.len, tag + 2, strlen(tag + 2)))
		return weft_http_response_send(response, 304, NULL);
	return send_coded(request, response, find("index.html"), status);
}
