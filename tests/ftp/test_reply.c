/*
 * test_reply.c - replies of FTP servers, whole, in pieces and hostile.
 */
#include "check.h"
#include "ftp/reply.h"

static struct weft__ftp_reply reply;

/* Take the lines of a text; what the last one gave. */
static enum weft__ftp_reply_result take(const char *text)
{
	enum weft__ftp_reply_result result = WEFT__FTP_MORE;

	weft__ftp_reply_fini(&reply);
	weft__ftp_reply_init(&reply);
	while (*text && result == WEFT__FTP_MORE) {
		size_t len = strcspn(text, "\n") + 1;

		result = weft__ftp_reply_take(&reply, text, len);
		text += len;
	}
	return result;
}

CHECK_CASE(replies_are_read_in_every_form_that_servers_use)
{
	static const struct {
		const char *said;
		int code;
		const char *text;
	} table[] = {
		{"220 ready\r\n", 220, "ready"},
		{"220 ready\n", 220, "ready"},
		{"220\r\n", 220, ""},
		{"220 \r\n", 220, ""},
		{"220-a\r\n220 b\r\n", 220, "a\nb"},
		{"220-a\r\n b\r\n220-c\r\n220 d\r\n", 220, "a\n b\nc\nd"},
		{"211-Features:\r\n MDTM\r\n211 End\r\n", 211, "Features:\n MDTM\nEnd"},
		{"230-look\r\n530 not an end\r\n230 in\r\n", 230, "look\n530 not an end\nin"},
		{"230-\r\n\r\n\r\n230 in\r\n", 230, "\n\n\nin"},
		{"230-x\r\n2300 no\r\n230\r\n", 230, "x\n2300 no\n"},
		{"599 x\r\n", 599, "x"},
		{"100 x\r\n", 100, "x"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CHECK_INT(take(table[i].said), ==, WEFT__FTP_DONE);
		CHECK_INT(reply.code, ==, table[i].code);
		CHECK_STR(weft_str_text(&reply.text), table[i].text);
	}
}

CHECK_CASE(what_is_no_reply_is_refused_at_its_first_line)
{
	static const char *const table[] = {"\r\n", "hello\r\n", "HTTP/1.1 400 Bad\r\n", "22\r\n",
		"22x ready\r\n", "099 x\r\n", "600 x\r\n", "220x\r\n", "220_\r\n", " 220 x\r\n",
		"-220 x\r\n", "2200 x\r\n", "SSH-2.0-x\r\n"};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (take(table[i]) != WEFT__FTP_NO_REPLY)
			check_fail(__FILE__, __LINE__, "taken: %s", table[i]);
}

CHECK_CASE(a_reply_without_an_end_is_given_up)
{
	static char line[8000];
	enum weft__ftp_reply_result result = WEFT__FTP_MORE;
	unsigned count = 0;

	weft__ftp_reply_init(&reply);
	memset(line, 'x', sizeof(line));
	memcpy(line, "220-", 4);
	for (; result == WEFT__FTP_MORE && count < 100; count++)
		result = weft__ftp_reply_take(&reply, line, sizeof(line));
	CHECK_INT(result, ==, WEFT__FTP_TOO_MUCH);
	CHECK_INT(count, <=, WEFT__FTP_REPLY_TEXT_MAX / sizeof(line) + 1);

	weft__ftp_reply_reset(&reply);
	result = WEFT__FTP_MORE;
	for (count = 0; result == WEFT__FTP_MORE && count < 5000; count++)
		result = weft__ftp_reply_take(&reply, "220-\r\n", 6);
	CHECK_INT(result, ==, WEFT__FTP_TOO_MUCH);
	CHECK_INT(count, ==, WEFT__FTP_REPLY_LINES_MAX + 1);
}

CHECK_CASE(a_nul_in_a_reply_hides_nothing)
{
	weft__ftp_reply_init(&reply);
	CHECK_INT(weft__ftp_reply_take(&reply, "220 a\0b\r\n", 9), ==, WEFT__FTP_DONE);
	CHECK_STR(weft_str_text(&reply.text), "a?b");
}

CHECK_MAIN()
