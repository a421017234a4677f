/*
 * embed.c - packs the files of the page into one that the program takes in (src/hub/page_pack.h).
 *
 *	embed OUT ROOT ROOT/index.html ROOT/core/app.js ...
 *
 * It runs while weft is built, on the machine that builds (tools/page, which has made the scripts
 * ready). Of styles, comments, empty lines, indentation, ends of lines and spaces around signs stay
 * behind, where they mean nothing. With WEFT_HAS_ZLIB and WEFT_HAS_BROTLI each file is there
 * compressed, too, where that makes it smaller.
 *
 * Never: a pack that differs for the same files.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WEFT_HAS_ZLIB
#include <zlib.h>
#endif
#ifdef WEFT_HAS_BROTLI
#include <brotli/encode.h>
#endif

#include "../src/hub/page_pack.h"

struct bytes {
	uint8_t *data;
	size_t len;
};

struct source {
	const char *path, *name;
	struct bytes codings[PAGE_PACK_CODINGS];
};

static _Noreturn void fail(const char *what, const char *path)
{
	fprintf(stderr, "embed: %s: %s\n", path, what);
	exit(1);
}

static void *take(size_t size)
{
	void *memory = malloc(size + 1);

	if (!memory)
		fail("no memory", "");
	return memory;
}

static struct bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct bytes bytes;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
		fseek(file, 0, SEEK_SET) != 0)
		fail("can't read it", path);
	bytes.len = (size_t)size;
	bytes.data = take(bytes.len);
	if (fread(bytes.data, 1, bytes.len, file) != bytes.len)
		fail("can't read it", path);
	fclose(file);
	return bytes;
}

/* ---- What nobody reads in a browser ---------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* Out with what lies between those two, in place. */
static size_t strip_comments(char *text, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		const char *end = i + 1 < len && text[i] == '/' && text[i + 1] == '*'
					  ? memmem(text + i + 2, len - i - 2, "*/", 2)
					  : NULL;

		if (end)
			i = (size_t)(end + 1 - text);
		else
			text[kept++] = text[i];
	}
	return kept;
}

static size_t find_any(const char *text, size_t len, const char *chars)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] && strchr(chars, text[i]))
			return i;
	return len;
}

/* A rule of a style without the spaces that part nothing, in place; what is quoted stays. */
static size_t squeeze_rule(char *line, size_t len)
{
	size_t kept = 0;

	if (find_any(line, len, "\"'") < len)
		return len;
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' || !((kept > 0 && strchr(":,", line[kept - 1])) ||
					      (i + 1 < len && line[i + 1] == '{')))
			line[kept++] = line[i];
	while (kept > 0 && line[kept - 1] == ' ')
		kept--;
	return kept;
}

/* Out with the blanks before lines, empty lines, and the ends of those that the next can follow
 * right away. */
static size_t strip_lines(char *text, size_t len)
{
	char *to = text, *end = text + len;

	for (char *line = text, *next; line < end; line = next) {
		char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline ? newline + 1 : end;
		while (line < next && (*line == '\t' || *line == ' '))
			line++;
		if (line == next || *line == '\n')
			continue;
		memmove(to, line, (size_t)(next - line));
		to += squeeze_rule(to, (size_t)(next - line) - (newline != NULL));
		if (newline && !(to > text && strchr("{};,", to[-1])))
			*to++ = '\n';
	}
	return (size_t)(to - text);
}

static void strip(const char *name, struct bytes *bytes)
{
	if (!ends_with(name, ".css"))
		return;
	bytes->len = strip_comments((char *)bytes->data, bytes->len);
	bytes->len = strip_lines((char *)bytes->data, bytes->len);
}

/* ---- Codings -------------------------------------------------------------------------------- */

static struct bytes make_gzip(struct bytes plain)
{
	struct bytes made = {NULL, 0};
#ifdef WEFT_HAS_ZLIB
	z_stream stream = {.next_in = plain.data, .avail_in = (uInt)plain.len};

	made.len = plain.len + 1024;
	made.data = take(made.len);
	stream.next_out = made.data;
	stream.avail_out = (uInt)made.len;
	if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
		deflate(&stream, Z_FINISH) != Z_STREAM_END)
		fail("can't compress", "gzip");
	made.len = stream.total_out;
	deflateEnd(&stream);
#endif
	(void)plain;
	return made;
}

static struct bytes make_brotli(struct bytes plain)
{
	struct bytes made = {NULL, 0};
#ifdef WEFT_HAS_BROTLI
	made.len = plain.len + 1024;
	made.data = take(made.len);
	if (!BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT,
		    plain.len, plain.data, &made.len, made.data))
		fail("can't compress", "brotli");
#endif
	(void)plain;
	return made;
}

static struct bytes if_smaller(struct bytes made, struct bytes plain)
{
	return made.len < plain.len ? made : (struct bytes){NULL, 0};
}

/* ---- The pack ------------------------------------------------------------------------------- */

/* FNV-1a: it is to tell two versions of the page apart, no more. */
static uint64_t add_to_hash(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

static void make_hash(const struct source *sources, size_t count, char ret_hash[20])
{
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < count; i++) {
		struct bytes plain = sources[i].codings[PAGE_PACK_PLAIN];

		sum = add_to_hash(sum, sources[i].name, strlen(sources[i].name) + 1);
		sum = add_to_hash(sum, plain.data, plain.len);
	}
	snprintf(ret_hash, 20, "%016" PRIx64, sum);
}

static void fill_in(struct bytes page, const char *hash)
{
	uint8_t *at = page.data;

	while ((at = memmem(at, page.len - (size_t)(at - page.data), PAGE_PACK_HASH_MARK,
			PAGE_PACK_HASH_LEN)))
		memcpy(at, hash, PAGE_PACK_HASH_LEN);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->name, ((const struct source *)b)->name);
}

static void write_all(FILE *out, const void *data, size_t len, const char *path)
{
	if (len > 0 && fwrite(data, 1, len, out) != len)
		fail("can't write it", path);
}

static void write_pack(
	const char *path, const char *hash, const struct source *sources, uint32_t count)
{
	FILE *out = fopen(path, "wb");
	struct page_pack_head head = {.count = count};
	size_t at = sizeof(head) + count * sizeof(struct page_pack_file);

	if (!out)
		fail("can't write it", path);
	memcpy(head.hash, hash, PAGE_PACK_HASH_LEN);
	write_all(out, &head, sizeof(head), path);
	for (uint32_t i = 0; i < count; i++) {
		struct page_pack_file file = {.len = {0}};

		snprintf(file.name, sizeof(file.name), "%s", sources[i].name);
		for (int coding = 0; coding < PAGE_PACK_CODINGS; coding++) {
			file.at[coding] = (uint32_t)at;
			file.len[coding] = (uint32_t)sources[i].codings[coding].len;
			at += file.len[coding];
		}
		write_all(out, &file, sizeof(file), path);
	}
	for (uint32_t i = 0; i < count; i++)
		for (int coding = 0; coding < PAGE_PACK_CODINGS; coding++)
			write_all(out, sources[i].codings[coding].data,
				sources[i].codings[coding].len, path);
	if (fclose(out) != 0)
		fail("can't write it", path);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 3 ? (uint32_t)argc - 3 : 0;
	struct source *sources = calloc(count + 1, sizeof(*sources));
	size_t root_len = argc > 3 ? strlen(argv[2]) : 0;
	char hash[20];

	if (count == 0 || !sources)
		fail("usage: embed OUT ROOT ROOT/FILE...", "");
	for (uint32_t i = 0; i < count; i++) {
		struct source *source = &sources[i];

		source->path = argv[i + 3];
		if (strncmp(source->path, argv[2], root_len) != 0 || source->path[root_len] != '/')
			fail("is not below the root", source->path);
		source->name = source->path + root_len + 1;
		if (strlen(source->name) >= PAGE_PACK_NAME_SIZE)
			fail("has too long a name", source->path);
		source->codings[PAGE_PACK_PLAIN] = read_file(source->path);
		strip(source->name, &source->codings[PAGE_PACK_PLAIN]);
	}
	qsort(sources, count, sizeof(*sources), compare);
	make_hash(sources, count, hash);
	for (uint32_t i = 0; i < count; i++) {
		struct bytes *codings = sources[i].codings, plain = codings[PAGE_PACK_PLAIN];

		if (strcmp(sources[i].name, "index.html") == 0)
			fill_in(plain, hash);
		codings[PAGE_PACK_GZIP] = if_smaller(make_gzip(plain), plain);
		codings[PAGE_PACK_BROTLI] = if_smaller(make_brotli(plain), plain);
	}
	write_pack(argv[1], hash, sources, count);
	return 0;
}
