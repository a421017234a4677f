/*
 * fuzz_settings.c - a file of settings from an enemy (src/cmd/settings.c).
 *
 * Whatever it says, the places hold what their options allow, all that was given points to what was
 * kept, and what is told of it is bounded.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/service.h"
#include "cmd/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned told;

/* Of the command, which is not here. */
int weft__cmd_fail(const char *name, const char *format, ...)
{
	char line[8192];
	va_list args;

	(void)name;
	va_start(args, format);
	if (vsnprintf(line, sizeof(line), format, args) >= (int)sizeof(line))
		abort();
	va_end(args);
	told++;
	return CMD_FAILED;
}

int weft__cmd_usage(const char *name, const char *format, ...)
{
	(void)name;
	(void)format;
	return CMD_USAGE;
}

void weft__cmd_print_json_text(const char *text)
{
	(void)text;
}

void weft__cmd_print_visible(const char *text, int width)
{
	(void)text;
	(void)width;
}

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const words[] = {"one", "two", NULL};
	struct cmd_settings settings = {.command = "serve", .path = strdup("fuzz")};
	struct cmd_texts http = {0};
	const char *spa = NULL;
	unsigned rate = 0, links = 0;
	uint64_t most = 0;
	int64_t grace = 0;
	bool hidden = false;
	const struct cmd_option options[] = {
		CMD_OPTION("http", CMD_TEXTS, &http),
		CMD_OPTION("spa", CMD_TEXT, &spa),
		CMD_OPTION("rate", CMD_COUNT, &rate, .min = 2, .max = 9),
		CMD_OPTION("links", CMD_CHOICE, &links, .choices = words),
		CMD_OPTION("upload-max", CMD_BYTES, &most, .min = 1, .max = 1 << 20),
		CMD_OPTION("grace", CMD_SECONDS, &grace, .zero_ns = -1),
		CMD_OPTION("hidden", CMD_FLAG, &hidden),
		CMD_OPTION("json", CMD_FLAG, &hidden, .is_of_line = true),
		CMD_OPTIONS_END,
	};
	FILE *file = len > 0 ? fmemopen((void *)data, len, "r") : NULL;
	int status;

	told = 0;
	if (file) {
		status = weft__settings_read_stream(&settings, options, file);
		fclose(file);
		require((status == CMD_DONE) == (told == 0));
	}
	require(http.count <= CMD_TEXTS_MAX && !http.items[http.count]);
	for (unsigned i = 0; i < http.count; i++)
		require(strlen(http.items[i]) < CMD_SETTINGS_LINE);
	require(!spa || strlen(spa) < CMD_SETTINGS_LINE);
	require(rate == 0 || (rate >= 2 && rate <= 9));
	require(links < 2 && most <= 1 << 20 && grace >= -1);
	for (size_t i = 0; options[i].name; i++)
		require(settings.given[i].from == CMD_BY_DEFAULT ||
			(settings.given[i].from == CMD_BY_FILE && settings.given[i].line > 0));
	weft__settings_fini(&settings);
	return 0;
}
