/*
 * skeleton.c - names that look alike have one skeleton (after Unicode's TR 39, section 4).
 *
 * A name's skeleton is its compatibility decomposition (NFKD), case-folded, with each letter of
 * the table in place of those that look like it. Covered are the letters of Latin, Greek,
 * Cyrillic and Armenian that are drawn alike in small form, styled and wide letters (NFKD),
 * digits that look like letters, and letters that look like two. Not covered: other scripts
 * among themselves, letters that differ by a mark ("jose" and "josé" are two people), capitals
 * (names are folded before), and fonts.
 *
 * Entry points: weft_account_name_skeleton(), weft_account_name_is_reserved().
 * Never: shows a skeleton to anybody; it is for comparing.
 */
#include "account/skeleton.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "account/names.h"
#include "weft/utf8.h"

/* ---- What looks like what
 * ------------------------------------------------------------------------ */

struct lookalike {
	uint32_t character;
	const char *as;
};

/* By number, so that it can be searched by halves. */
static const struct lookalike lookalikes[] = {
	{'0', "o"},
	{'1', "l"},
	{'m', "rn"},
	{'w', "vv"},
	{0x00e6, "ae"},
	{0x00f0, "d"},
	{0x00f8, "o"},
	{0x00fe, "p"},
	{0x0111, "d"},
	{0x0127, "h"},
	{0x0131, "i"},
	{0x0142, "l"},
	{0x0153, "oe"},
	{0x0167, "t"},
	{0x0180, "b"},
	{0x0192, "f"},
	{0x0197, "i"},
	{0x019a, "l"},
	{0x01a5, "p"},
	{0x01ad, "t"},
	{0x01b4, "y"},
	{0x01b6, "z"},
	{0x01bf, "p"},
	{0x01c0, "l"},
	{0x0251, "a"},
	{0x0253, "b"},
	{0x0256, "d"},
	{0x0257, "d"},
	{0x0260, "g"},
	{0x0261, "g"},
	{0x0266, "h"},
	{0x0268, "i"},
	{0x0269, "i"},
	{0x026a, "i"},
	{0x026b, "l"},
	{0x026f, "vv"},
	{0x0271, "rn"},
	{0x0272, "n"},
	{0x0273, "n"},
	{0x0275, "o"},
	{0x027d, "r"},
	{0x0282, "s"},
	{0x0288, "t"},
	{0x028b, "v"},
	{0x028f, "y"},
	{0x0290, "z"},
	/* Greek */
	{0x03b1, "a"},
	{0x03b3, "y"},
	{0x03b5, "e"},
	{0x03b7, "n"},
	{0x03b9, "i"},
	{0x03ba, "k"},
	{0x03bd, "v"},
	{0x03bf, "o"},
	{0x03c1, "p"},
	{0x03c3, "o"},
	{0x03c4, "t"},
	{0x03c5, "u"},
	{0x03c7, "x"},
	{0x03c9, "vv"},
	{0x03f2, "c"},
	{0x03f3, "j"},
	{0x03f8, "p"},
	/* Cyrillic */
	{0x0430, "a"},
	{0x0432, "b"},
	{0x0433, "r"},
	{0x0435, "e"},
	{0x043a, "k"},
	{0x043c, "rn"},
	{0x043d, "h"},
	{0x043e, "o"},
	{0x043f, "n"},
	{0x0440, "p"},
	{0x0441, "c"},
	{0x0442, "t"},
	{0x0443, "y"},
	{0x0445, "x"},
	{0x0448, "vv"},
	{0x044c, "b"},
	{0x0454, "e"},
	{0x0455, "s"},
	{0x0456, "i"},
	{0x0458, "j"},
	{0x045b, "h"},
	{0x0461, "vv"},
	{0x0475, "v"},
	{0x048f, "p"},
	{0x0491, "r"},
	{0x049b, "k"},
	{0x04a3, "h"},
	{0x04af, "y"},
	{0x04b1, "y"},
	{0x04b3, "x"},
	{0x04bb, "h"},
	{0x04cf, "l"},
	{0x04d5, "ae"},
	{0x04d9, "e"},
	{0x04e9, "o"},
	{0x0501, "d"},
	{0x050d, "g"},
	{0x051b, "q"},
	{0x051d, "vv"},
	/* Armenian */
	{0x0561, "vv"},
	{0x0563, "q"},
	{0x0566, "q"},
	{0x0570, "h"},
	{0x0575, "j"},
	{0x0578, "n"},
	{0x057c, "n"},
	{0x057d, "u"},
	{0x0581, "g"},
	{0x0584, "p"},
	{0x0585, "o"},
	/* Digits of other scripts that are drawn as these letters */
	{0x0660, "."},
	{0x0661, "l"},
	{0x0665, "o"},
	{0x06f0, "."},
	{0x06f1, "l"},
	{0x06f5, "o"},
	{0x0966, "o"},
	{0x09e6, "o"},
	{0x0be6, "o"},
	{0x0e50, "o"},
	{0x0ed0, "o"},
	{0x1d0f, "o"},
	{0x1d11, "o"},
	{0x1d1c, "u"},
	{0x1d20, "v"},
	{0x1d21, "vv"},
	{0x1d22, "z"},
	{0x2c9f, "o"},
	{0xa793, "c"},
};

static int compare(const void *key, const void *element)
{
	uint32_t character = *(const uint32_t *)key;
	const struct lookalike *lookalike = element;

	return character < lookalike->character ? -1 : character > lookalike->character;
}

const char *weft__skeleton_of(uint32_t character)
{
	const struct lookalike *found = bsearch(&character, lookalikes,
		sizeof(lookalikes) / sizeof(lookalikes[0]), sizeof(lookalikes[0]), compare);

	return found ? found->as : NULL;
}

/* ---- A whole name
 * -------------------------------------------------------------------------------- */

static int replace(const char *text, struct weft_str *skeleton)
{
	size_t len = strlen(text);
	uint32_t character;
	const char *as;

	for (size_t at = 0, used; at < len; at += used) {
		used = weft_utf8_read(text + at, len - at, &character);
		if (used == 0) {
			errno = EINVAL;
			return -1;
		}
		as = weft__skeleton_of(character);
		if (as ? weft_str_append(skeleton, as)
		       : weft_str_append_bytes(skeleton, text + at, used))
			return -1;
	}
	return 0;
}

int weft_account_name_skeleton(const char *name, char *ret_skeleton, size_t size)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)name, 0, &mapped,
		UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE |
			UTF8PROC_STABLE | UTF8PROC_NULLTERM);
	struct weft_str skeleton;
	int result;

	if (size == 0 || len < 0) {
		free(mapped);
		errno = len == UTF8PROC_ERROR_NOMEM ? ENOMEM : EINVAL;
		return -1;
	}
	weft_str_init_in(&skeleton, ret_skeleton, size);
	result = replace((const char *)mapped, &skeleton);
	free(mapped);
	return result;
}

/* ---- Names that are not for everybody ------------------------------------------------------- */

/* As their skeletons are: "rn" for m, "vv" for w. */
static const char *const nobodys[] = {"all", "anonyrnous", "anybody", "anyone", "everybody",
	"everyone", "here", "localhost", "rne", "nobody", "none", "null", "public", "roorn", "self",
	"server", "sorneone", "stranger", "systern", "undefined", "unknovvn", "vveft", "you"};

static const char *const admins[] = {"adrnin", "adrninistrator", "host", "rnoderator", "operator",
	"ovvner", "root", "security", "staff", "superuser", "support", "sysadrnin", "sysop",
	"vvebrnaster"};

static bool is_among(const char *skeleton, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(skeleton, names[i]) == 0)
			return true;
	return false;
}

bool weft__name_is_reserved(const char *skeleton)
{
	return is_among(skeleton, nobodys, sizeof(nobodys) / sizeof(nobodys[0]));
}

bool weft__name_is_for_admins(const char *skeleton)
{
	return is_among(skeleton, admins, sizeof(admins) / sizeof(admins[0]));
}

bool weft_account_name_is_reserved(const char *name)
{
	char skeleton[WEFT__SKELETON_SIZE];

	if (weft_account_name_skeleton(name, skeleton, sizeof(skeleton)) < 0)
		return true;
	return weft__name_is_reserved(skeleton) || weft__name_is_for_admins(skeleton);
}
