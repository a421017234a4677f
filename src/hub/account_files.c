/*
 * account_files.c - the operation on the files of somebody who goes (weft/account_estate.h).
 *
 *	who asks may remove that account --> all files of that owner that she sees, and may remove
 *	                                     herself --> the trash, or another's
 *
 * Never: a file touched that who asks could not remove by any other door.
 */
#include <errno.h>
#include <string.h>

#include "account_ops.h"
#include "weft/account_estate.h"
#include "weft/files_trash.h"
#include "weft/scope.h"

/** So long at a time: whoever asks is told that there is more. */
#define TIME_NS WEFT_SECONDS(30)

static int refuse(struct hub_ask *ask, int status, const char *word, const char *detail)
{
	weft__hub_ask_refuse(ask, status, word, detail);
	errno = ENOTSUP;
	return -1;
}

/* What was done, though there is more; which is none that it could ever be. */
static int tell(struct hub_ask *ask, const struct weft_files_estate_done *done, int code)
{
	return weft__hub_give(
		ask, json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "files", (json_int_t)done->files,
			     "bytes", (json_int_t)done->bytes, "uploads", (json_int_t)done->uploads,
			     "left", (json_int_t)done->left, "more", code == ETIMEDOUT, "full",
			     code == EDQUOT));
}

static int settle(struct hub_ask *ask, struct weft_account_estate *of_both)
{
	static const struct weft_files_visitor anybody = {.rights = WEFT_FILES_ALL};
	const struct weft_files_estate estate = {.owner = of_both->owner,
		.heir = of_both->heir[0] ? of_both->heir : NULL,
		.pass = weft_account_estate_pass,
		.arg = of_both};
	struct weft_files_visitor visitor = anybody;
	struct weft_files_estate_done done = {.files = 0};
	int code = 0;

	if (!ask->call.is_local)
		ask->visit(ask->call.who, &visitor);
	WEFT_WITH_TIMEOUT (TIME_NS)
		if (weft_files_settle_estate(ask->files, &visitor, &estate, &done) < 0)
			code = errno;
	/* Who asks may be late herself, or gone. */
	if (code == ETIMEDOUT && weft_interrupted())
		return -1;
	if (code == ENOTSUP)
		return refuse(ask, 409, "no-owners",
			"the file system of the shared folder does not keep who has stored a file");
	errno = code;
	return code == 0 || code == ETIMEDOUT || code == EDQUOT ? tell(ask, &done, code) : -1;
}

int weft__hub_settle_files(struct hub_ask *ask)
{
	const char *what = weft__hub_text(ask, "do"), *heir = weft__hub_text(ask, "to");
	bool gives = strcmp(what, "give") == 0;
	struct weft_account_estate estate;

	if ((!gives && strcmp(what, "trash") != 0) || gives != (heir != NULL)) {
		weft__hub_ask_refuse(ask, 422, "bad-word",
			"\"do\" is \"trash\", or \"give\" with the name of an account as \"to\"");
		errno = EINVAL;
		return -1;
	}
	if (!ask->files)
		return refuse(ask, 409, "no-files", "there is no shared folder here");
	if (!gives && weft_files_trash_days(ask->files) == 0)
		return refuse(ask, 409, "no-trash", "there is no trash here");
	if (weft_account_estate(
		    ask->accounts, &ask->call, weft__hub_text(ask, "user"), heir, &estate) < 0)
		return -1;
	return settle(ask, &estate);
}
