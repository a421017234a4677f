/*
 * fuzz_account_name.c - a name from an enemy: what passes is bounded, holds nothing that another
 * program would stumble over, and stays what it is when it is normalised again.
 */
#include <stdlib.h>
#include <string.h>

#include "account/names.h"
#include "account/password.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_name(const struct weft__name *name)
{
	size_t len = strlen(name->text);
	enum weft_account_fault fault;
	struct weft__name again;
	uint32_t character;

	require(len > 0 && len <= WEFT_ACCOUNT_NAME_MAX);
	require(!strchr(".-+@_", name->text[0]) &&
		!strpbrk(name->text, "/\\:;,'\"=<>|&$ \t\r\n%*?"));
	for (size_t at = 0, used; at < len; at += used) {
		used = weft_utf8_read(name->text + at, len - at, &character);
		require(used > 0 && !weft_utf8_is_dangerous(character));
	}
	require(weft__name_read(name->text, &again, &fault) == 0);
	require(strcmp(again.text, name->text) == 0);
	require(strcmp(again.skeleton, name->skeleton) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum weft_account_fault fault;
	struct weft__name name;
	char *text = malloc(len + 1);

	require(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	if (weft__name_read(text, &name, &fault) == 0)
		check_name(&name);
	else
		require(fault != WEFT_ACCOUNT_FAULT_NONE);
	require(weft__password_judge(text, "mia", "weft") < WEFT_ACCOUNT_FAULTS);
	weft__folder_is_fine(text);
	free(text);
	return 0;
}
