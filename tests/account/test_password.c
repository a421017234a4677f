/*
 * test_password.c - passwords that are refused, and such that are not.
 *
 * check: tsan
 */
#include "account/password.h"
#include "account/world.h"

static const char *word_of(const char *password, const char *name)
{
	return weft_account_fault_word(weft__password_judge(password, name, "Weaver's Nook"));
}

CHECK_CASE(the_commonest_are_refused_however_they_are_decorated)
{
	static const char *const passwords[] = {"password", "Password1", "P@ssw0rd", "p4ssw0rd!99",
		"PASSWORD2024!", "123456789", "12345678", "87654321", "qwertyuiop", "qwerty123",
		"1q2w3e4r", "1qaz2wsx", "zaq12wsx", "asdfghjkl", "iloveyou", "sunshine1",
		"princess12", "football!", "Dragon2023", "letmein123", "trustno1", "abc12345",
		"aaaaaaaa", "abababab", "abcabcabc", "11111111", "00000000", "19901231",
		"1990-12-31", "0151 234 567", "monkey!!!!", "!!superman!!", "welcome2025",
		"Liverpool1", "starwars77", "qazwsxedc", "147258369", "aabbccaabb", "abcdefgh",
		"zyxwvuts", "passw0rd", "changeme1", "michael1", "charlie12"};

	for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
		if (strcmp(word_of(passwords[i], NULL), "password-common") != 0)
			printf("# %s\n", passwords[i]);
		CHECK_STR(word_of(passwords[i], NULL), "password-common");
	}
}

CHECK_CASE(honest_ones_pass_whatever_they_are_made_of)
{
	static const char *const passwords[] = {"correct horse battery", "silver haddock 9 tables",
		"vbqktrma", "Tr0ub4dor&3", "my dog has three legs", "dragonfly tea at noon",
		"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80",
		"\xe7\xbb\x87\xe5\xb8\x83\xe6\x9c\xba\xe5\x9c\xa8\xe6\xad\xa4\xe5\xa4\x84\xe5\xa4"
		"\x84\xe5\xa5"
		"\xbd",
		"3141592653589793", "x9K!mQ2p", "     indented      ", "monkeys eat purple soup"};

	for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
		if (*word_of(passwords[i], "mia"))
			printf("# %s\n", passwords[i]);
		CHECK_STR(word_of(passwords[i], "mia"), "");
	}
}

CHECK_CASE(the_length_counts_characters)
{
	char text[600];

	CHECK_STR(word_of("", NULL), "password-too-short");
	CHECK_STR(word_of("x9K!mQ2", NULL), "password-too-short");
	CHECK_STR(word_of("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", NULL), "password-too-short");
	for (int i = 0; i < 128; i++)
		memcpy(text + 2 * i, i % 3 ? "\xc3\xa4" : i % 5 ? "\xc3\xb6" : "\xc3\xbc", 3);
	CHECK_STR(word_of(text, NULL), "");
	memcpy(text + 256, "x", 2);
	CHECK_STR(word_of(text, NULL), "password-too-long");
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CHECK_STR(word_of(text, NULL), "password-too-long");
}

CHECK_CASE(control_characters_and_broken_utf8_are_refused)
{
	CHECK_STR(word_of("silver\nhaddock", NULL), "password-not-utf8");
	CHECK_STR(word_of("silver\xffhaddock", NULL), "password-not-utf8");
	CHECK_STR(word_of("silver\xc2\x85haddock", NULL), "password-not-utf8");
}

CHECK_CASE(the_name_and_the_site_are_no_passwords)
{
	CHECK_STR(word_of("wilhelmina", "wilhelmina"), "password-is-name");
	CHECK_STR(word_of("Wilhelmina1!", "wilhelmina"), "password-is-name");
	CHECK_STR(word_of("1999wilhelmina", "wilhelmina"), "");
	CHECK_STR(word_of("olafolaf", "olaf"), "password-is-name");
	CHECK_STR(word_of("Weaver's Nook", "mia"), "password-is-name");
	CHECK_STR(word_of("weaver's nook 7", "mia"), "password-is-name");
	CHECK_STR(word_of("mia likes chives", "mia"), "");
}

CHECK_CASE(every_word_of_the_list_is_found)
{
	CHECK(weft__password_is_common("007bond", 7));
	CHECK(weft__password_is_common("abc123", 6));
	CHECK(weft__password_is_common("monkey", 6));
	CHECK(weft__password_is_common("zxczxc", 6));
	CHECK(!weft__password_is_common("zzz", 3));
	CHECK(!weft__password_is_common("000", 3));
	CHECK(!weft__password_is_common("monke", 5));
	CHECK(!weft__password_is_common("monkey 1", 8));
	CHECK(!weft__password_is_common("", 0));
}

CHECK_MAIN()
