/*
 * test_names.c - hostile names, and pairs of names that look alike.
 *
 * check: tsan
 */
#include "account/names.h"
#include "account/skeleton.h"
#include "account/world.h"

static enum weft_account_fault judge(const char *text, char name[WEFT_ACCOUNT_NAME_MAX + 1])
{
	enum weft_account_fault fault;

	errno = 0;
	if (weft_account_name_normalise(text, name, &fault) < 0)
		CHECK_INT(errno, ==, EINVAL);
	return fault;
}

CHECK_CASE(one_person_has_one_name_however_it_is_typed)
{
	static const struct {
		const char *typed, *name;
	} table[] = {
		{"Mia", "mia"}, {"MIA", "mia"}, {"zo\xc3\xab", "zo\xc3\xab"},
		{"zoe\xcc\x88", "zo\xc3\xab"}, /* e and a diaeresis */
		{"ZOE\xcc\x88", "zo\xc3\xab"}, {"STRASSE", "strasse"},
		{"stra\xc3\x9f"
		 "e",
			"strasse"}, /* sharp s */
		{"\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
			"\xcf\x83\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x83"}, /* sigmas */
		{"\xe7\xbb\x87\xe5\xb8\x83", "\xe7\xbb\x87\xe5\xb8\x83"},
		{"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"}, /* jamo to a syllable */
		{"j.doe+list@example.org", "j.doe+list@example.org"}, {"7of9", "7of9"},
		{"\xe2\x84\xaa"
		 "arl",
			"karl"}, /* the sign for kelvin */
	};
	char name[WEFT_ACCOUNT_NAME_MAX + 1], again[WEFT_ACCOUNT_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		CHECK_INT(judge(table[i].typed, name), ==, WEFT_ACCOUNT_FAULT_NONE);
		CHECK_STR(name, table[i].name);
		CHECK_INT(judge(name, again), ==, WEFT_ACCOUNT_FAULT_NONE);
		CHECK_STR(again, name);
	}
}

static const struct {
	const char *text;
	enum weft_account_fault fault;
} hostile[] = {
	{"", WEFT_ACCOUNT_NAME_EMPTY},
	{".", WEFT_ACCOUNT_NAME_BAD_START},
	{"..", WEFT_ACCOUNT_NAME_BAD_START},
	{".hidden", WEFT_ACCOUNT_NAME_BAD_START},
	{"-rf", WEFT_ACCOUNT_NAME_BAD_START},
	{"+1", WEFT_ACCOUNT_NAME_BAD_START},
	{"@here", WEFT_ACCOUNT_NAME_BAD_START},
	{"=1+1", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a/b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\\b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a:b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a,b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a;b", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a%", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a'--", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\"", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"<b>", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\n", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\r\nb", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\tb", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\x7f", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"a\xc2\x85", WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* C1 */
	{"a\xc2\xa0"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* no-break space */
	{"a\xe2\x80\xae"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* right to left */
	{"a\xe2\x81\xa6"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* isolate */
	{"a\xe2\x80\x8b"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* of no width */
	{"a\xe2\x80\x8d"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* joiner */
	{"a\xc2\xad"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* soft hyphen */
	{"a\xcd\x8f"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER},               /* grapheme joiner */
	{"a\xef\xb8\x8f", WEFT_ACCOUNT_NAME_BAD_CHARACTER},     /* variation */
	{"\xe3\x85\xa4", WEFT_ACCOUNT_NAME_BAD_CHARACTER},      /* Hangul filler */
	{"a\xf3\xa0\x81\x81", WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* a tag */
	{"a\xee\x80\x80", WEFT_ACCOUNT_NAME_BAD_CHARACTER},     /* private use */
	{"a\xef\xbf\xbf", WEFT_ACCOUNT_NAME_BAD_CHARACTER},     /* no character */
	{"a\xf0\x9f\x98\x80", WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* a face */
	{"a\xef\xbc\x8f"
	 "b",
		WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* wide slash */
	{"a.", WEFT_ACCOUNT_NAME_BAD_CHARACTER},
	{"\xcc\x88"
	 "a",
		WEFT_ACCOUNT_NAME_BAD_START}, /* a mark on nothing */
	{"a\xcc\xb4\xcc\xb5\xcc\xb6\xcc\xb7", WEFT_ACCOUNT_NAME_BAD_CHARACTER}, /* a pile */
	{"a\xff", WEFT_ACCOUNT_NAME_NOT_UTF8},
	{"a\xc0\xaf", WEFT_ACCOUNT_NAME_NOT_UTF8},     /* a slash, too long */
	{"a\xed\xa0\x80", WEFT_ACCOUNT_NAME_NOT_UTF8}, /* half a pair */
	{"\xd0\xb0"
	 "dmin",
		WEFT_ACCOUNT_NAME_MIXED_SCRIPTS},           /* Cyrillic a */
	{"paypa\xce\xb9", WEFT_ACCOUNT_NAME_MIXED_SCRIPTS}, /* Greek iota */
	{"abcdefghijklmnopqrstuvwxyz0123456", WEFT_ACCOUNT_NAME_TOO_LONG},
};

CHECK_CASE(hostile_names_are_refused_each_for_its_reason)
{
	char name[WEFT_ACCOUNT_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		if (judge(hostile[i].text, name) != hostile[i].fault)
			printf("# row %zu\n", i);
		CHECK_STR(weft_account_fault_word(judge(hostile[i].text, name)),
			weft_account_fault_word(hostile[i].fault));
	}
}

CHECK_CASE(a_name_is_bounded_in_characters_and_in_bytes)
{
	char text[512] = "", name[WEFT_ACCOUNT_NAME_MAX + 1];

	for (int i = 0; i < 32; i++)
		text[i] = 'a';
	CHECK_INT(judge(text, name), ==, WEFT_ACCOUNT_FAULT_NONE);
	for (int i = 0; i < 22; i++) /* 66 bytes */
		memcpy(text + 3 * i, "\xe7\xbb\x87", 4);
	CHECK_INT(judge(text, name), ==, WEFT_ACCOUNT_NAME_TOO_LONG);
	text[63] = '\0';
	CHECK_INT(judge(text, name), ==, WEFT_ACCOUNT_FAULT_NONE);
	memset(text, 'a', sizeof text - 1);
	CHECK_INT(judge(text, name), ==, WEFT_ACCOUNT_NAME_TOO_LONG);
}

CHECK_CASE(names_that_look_alike_have_one_skeleton)
{
	static const char *const pairs[][2] = {
		{"paypal", "paypa1"}, {"google", "g00gle"}, {"modern", "rnodem"},
		{"weaver", "vveaver"},
		{"cope", "\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5"},                /* all Cyrillic */
		{"ovo", "\xce\xbf\xce\xbd\xce\xbf"},                         /* all Greek */
		{"mia", "\xef\xbd\x8d\xef\xbd\x89\xef\xbd\x81"},             /* wide */
		{"mia", "\xf0\x9d\x93\xb6\xf0\x9d\x93\xb2\xf0\x9d\x93\xaa"}, /* script letters */
		{"fine", "\xef\xac\x81ne"},                                  /* a ligature */
		{"bob2", "bob\xc2\xb2"},                                     /* raised */
	};
	struct weft__name a, b;
	enum weft_account_fault fault;

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		CHECK_INT(weft__name_read(pairs[i][0], &a, &fault), ==, 0);
		CHECK_INT(weft__name_read(pairs[i][1], &b, &fault), ==, 0);
		CHECK_STR(a.skeleton, b.skeleton);
	}
}

CHECK_CASE(names_of_different_people_have_different_skeletons)
{
	static const char *const names[] = {"mia", "mai", "jose", "jos\xc3\xa9", "ali", "all2",
		"ann", "anna", "tim", "kim", "ivan", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd", "a.b",
		"a_b", "a-b"};
	enum { COUNT = sizeof names / sizeof names[0] };
	struct weft__name read[COUNT];
	enum weft_account_fault fault;

	for (size_t i = 0; i < COUNT; i++) {
		CHECK_INT(weft__name_read(names[i], &read[i], &fault), ==, 0);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(read[i].skeleton, read[j].skeleton) != 0);
	}
}

CHECK_CASE(the_table_of_lookalikes_is_in_order)
{
	/* Were it not, a search by halves would miss some. */
	static const uint32_t some[] = {'0', '1', 'm', 'w', 0xe6, 0x142, 0x251, 0x3b1, 0x3bf, 0x430,
		0x441, 0x51d, 0x585, 0x660, 0x1d22, 0x2c9f, 0xa793};

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		CHECK(weft__skeleton_of(some[i]) != NULL);
	CHECK(!weft__skeleton_of('a'));
	CHECK(!weft__skeleton_of(0x10ffff));
}

CHECK_CASE(reserved_names_are_so_in_every_disguise)
{
	static const char *const names[] = {"all", "anonymous", "anybody", "anyone", "everybody",
		"everyone", "here", "localhost", "me", "nobody", "none", "null", "public", "room",
		"self", "server", "someone", "stranger", "system", "undefined", "unknown", "weft",
		"you", "admin", "administrator", "host", "moderator", "operator", "owner", "root",
		"security", "staff", "superuser", "support", "sysadmin", "sysop", "webmaster"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		CHECK(weft_account_name_is_reserved(names[i]));
	CHECK(weft_account_name_is_reserved("adrnin"));
	CHECK(weft_account_name_is_reserved("ro0t"));
	CHECK(!weft_account_name_is_reserved("mia"));
	CHECK(!weft_account_name_is_reserved("administer"));
}

CHECK_CASE(a_folder_leads_nowhere_else)
{
	CHECK(weft__folder_is_fine(""));
	CHECK(weft__folder_is_fine("a"));
	CHECK(weft__folder_is_fine("a/b c/..d/e.."));
	CHECK(!weft__folder_is_fine("/"));
	CHECK(!weft__folder_is_fine("a/.."));
	CHECK(!weft__folder_is_fine("../a"));
	CHECK(!weft__folder_is_fine("a//b"));
	CHECK(!weft__folder_is_fine("a/"));
	CHECK(!weft__folder_is_fine("a/\xff"));
}

CHECK_MAIN()
