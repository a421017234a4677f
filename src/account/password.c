/*
 * password.c - passwords judged: long enough, and not among the first that are guessed.
 *
 * Beyond the length only what guessing programs try first is refused: common words, however
 * they are decorated ("P@ssw0rd2024!"), walks over the keyboard, the alphabet or the digits,
 * a short piece repeated, dates and other plain numbers, the account's or the site's own name.
 * No rule asks for a capital, a digit or a sign: they only make passwords alike.
 *
 * Entry point: weft__password_judge().
 * Never: keeps a password, or says more than which rule it breaks.
 */
#include "account/password.h"

#include <ctype.h>
#include <string.h>

#include "weft/utf8.h"

#define BYTES_MAX (WEFT_ACCOUNT_PASSWORD_MAX * 4)

/** What may stand before and behind a common word and leaves it one. */
#define DECORATION_MAX 4

/** Digits alone are a date, a telephone number or a walk below this many. */
#define DIGITS_MIN 13

/* ---- Words ---------------------------------------------------------------------------------- */

/* What people write for a letter; the others as they are. */
static char plain_letter(char c)
{
	switch (c) {
	case '@':
	case '4':
		return 'a';
	case '3':
		return 'e';
	case '1':
	case '!':
		return 'i';
	case '0':
		return 'o';
	case '5':
	case '$':
		return 's';
	case '7':
		return 't';
	default:
		return c;
	}
}

/* A common word when what surrounds it is taken off; word is folded. */
static bool holds_common(const char *word, size_t len, size_t decoration_max)
{
	for (size_t front = 0; front <= decoration_max && front < len; front++) {
		for (size_t back = 0; front + back <= decoration_max && front + back < len; back++)
			if (weft__password_is_common(word + front, len - front - back))
				return true;
		if (isalpha((unsigned char)word[front]))
			break; /* a letter is no decoration */
	}
	return false;
}

/* Letters and signs at the end that aren't letters, before the rest. */
static size_t core_len(const char *word, size_t len)
{
	while (len > 0 && !isalpha((unsigned char)word[len - 1]))
		len--;
	return len;
}

static bool is_decorated_word(const char *folded, size_t len)
{
	char plain[BYTES_MAX + 1];
	size_t core = core_len(folded, len);

	if (weft__password_is_common(folded, len))
		return true;
	/* "dragon2024": the whole tail of digits and signs counts as one decoration of it. */
	if (len - core <= DECORATION_MAX + 2 && holds_common(folded, core, DECORATION_MAX))
		return true;
	for (size_t i = 0; i < len; i++)
		plain[i] = plain_letter(folded[i]);
	if (holds_common(plain, len, 0))
		return true;
	/* "p4ssw0rd!99": letters in place of signs, but for the tail. */
	return len - core <= DECORATION_MAX + 2 && holds_common(plain, core, DECORATION_MAX);
}

/* ---- Patterns ------------------------------------------------------------------------------- */

static const char *const walks[] = {"abcdefghijklmnopqrstuvwxyz", "01234567890123456789",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "yxcvbnm", "qsdfghjklm",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp",
	"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qweasdzxcrtyfghvbnuiojklm", "147258369",
	"159357", "789456123", "741852963", "!@#$%^&*()_+", "!\"#$%&/()=?"};

/* How many characters from here on follow a walk, in either direction. */
static size_t walk_len(const char *text, size_t len, const char *walk)
{
	size_t walk_size = strlen(walk), best = 0;

	for (size_t from = 0; from < walk_size; from++) {
		size_t up = 0, down = 0;

		while (up < len && from + up < walk_size && text[up] == walk[from + up])
			up++;
		while (down < len && down <= from && text[down] == walk[from - down])
			down++;
		best = up > best ? up : best;
		best = down > best ? down : best;
	}
	return best;
}

/* The whole of it is pieces of walks of at least three keys, and at most three pieces and two
 * other characters. */
static bool is_walk(const char *folded, size_t len)
{
	size_t pieces = 0, others = 0;

	for (size_t at = 0; at < len;) {
		size_t longest = 0;

		for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
			size_t found = walk_len(folded + at, len - at, walks[i]);

			longest = found > longest ? found : longest;
		}
		if (longest >= 3) {
			at += longest;
			pieces++;
		} else {
			at++;
			others++;
		}
	}
	return pieces <= 3 && others <= 2;
}

/* A piece of at most six characters, again and again. */
static bool is_repetition(const char *folded, size_t len)
{
	for (size_t period = 1; period <= 6 && period * 2 <= len; period++) {
		size_t i = period;

		while (i < len && folded[i] == folded[i - period])
			i++;
		if (i == len)
			return true;
	}
	return false;
}

static bool has_few_characters(const char *folded, size_t len)
{
	char seen[4] = "";
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		if (memchr(seen, folded[i], count))
			continue;
		if (count == 3)
			return false;
		seen[count++] = folded[i];
	}
	return true;
}

static bool is_number(const char *folded, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++)
		if (isdigit((unsigned char)folded[i]))
			digits++;
		else if (!strchr(" -./_", folded[i]))
			return false;
	return digits < DIGITS_MIN;
}

/* ---- All rules ------------------------------------------------------------------------------ */

/* Equal but for case, signs and up to four decorating characters that aren't letters. */
static bool is_like(const char *folded, size_t len, const char *other)
{
	size_t other_len = strlen(other), at = 0, letters = 0;

	if (other_len < 3 || len < other_len || len > other_len * 2 + DECORATION_MAX)
		return false;
	while (at < len && !isalnum((unsigned char)folded[at]) && (signed char)folded[at] >= 0)
		at++;
	if (at + other_len > len)
		return false;
	for (size_t i = 0; i < other_len; i++)
		if (tolower((unsigned char)folded[at + i]) != tolower((unsigned char)other[i]))
			return false;
	at += other_len;
	/* The name twice is the name. */
	if (len - at == other_len && strncasecmp(folded + at, other, other_len) == 0)
		return true;
	for (; at < len; at++)
		letters += isalpha((unsigned char)folded[at]) || (signed char)folded[at] < 0;
	return letters == 0;
}

static enum weft_account_fault judge_form(const char *password, size_t *ret_len)
{
	size_t len = strnlen(password, BYTES_MAX + 1), characters = 0;
	uint32_t character;

	if (len > BYTES_MAX)
		return WEFT_ACCOUNT_PASSWORD_TOO_LONG;
	for (size_t at = 0, used; at < len; at += used, characters++) {
		used = weft_utf8_read(password + at, len - at, &character);
		if (used == 0 || character < 0x20 || (character >= 0x7f && character < 0xa0))
			return WEFT_ACCOUNT_PASSWORD_NOT_UTF8;
	}
	*ret_len = len;
	if (characters < WEFT_ACCOUNT_PASSWORD_MIN)
		return WEFT_ACCOUNT_PASSWORD_TOO_SHORT;
	return characters > WEFT_ACCOUNT_PASSWORD_MAX ? WEFT_ACCOUNT_PASSWORD_TOO_LONG
						      : WEFT_ACCOUNT_FAULT_NONE;
}

enum weft_account_fault weft__password_judge(
	const char *password, const char *name, const char *site)
{
	enum weft_account_fault fault;
	char folded[BYTES_MAX + 1];
	bool is_common;
	size_t len = 0;

	fault = judge_form(password, &len);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return fault;
	for (size_t i = 0; i < len; i++)
		folded[i] = (char)tolower((unsigned char)password[i]);
	folded[len] = '\0';
	if ((name && is_like(folded, len, name)) || (site && is_like(folded, len, site)))
		fault = WEFT_ACCOUNT_PASSWORD_IS_NAME;
	is_common = is_number(folded, len) || is_repetition(folded, len) ||
		    has_few_characters(folded, len) || is_walk(folded, len) ||
		    is_decorated_word(folded, len);
	if (fault == WEFT_ACCOUNT_FAULT_NONE && is_common)
		fault = WEFT_ACCOUNT_PASSWORD_COMMON;
	explicit_bzero(folded, sizeof(folded));
	return fault;
}
