/* test_discover_wire.c - datagrams of announcing: one form of each, and nothing else is taken. */
#include "check.h"
#include "io/discover.h"

static const struct weft__discover_message kitchen = {.kind = WEFT__DISCOVER_ANNOUNCEMENT,
	.instance = 77,
	.port = 8080,
	.expiry_ms = 5000,
	.name = "Kitchen",
	.service = "http"};

static size_t write_kitchen(unsigned char *ret_datagram)
{
	return weft__discover_write(&kitchen, ret_datagram);
}

CHECK_CASE(every_message_reads_as_it_was_written)
{
	static const struct weft__discover_message messages[] = {
		{.kind = WEFT__DISCOVER_QUESTION},
		{.kind = WEFT__DISCOVER_QUESTION, .service = "http"},
		{.kind = WEFT__DISCOVER_GOODBYE, .instance = UINT64_MAX},
		{.kind = WEFT__DISCOVER_ANNOUNCEMENT,
			.instance = 1,
			.port = 65535,
			.expiry_ms = 3600000,
			.name = "\x1b[31m K\xc3\xbc"
				"che",
			.service = "A.b-c_9"},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
		struct weft__discover_message read;
		size_t len = weft__discover_write(&messages[i], datagram);

		CHECK(weft__discover_parse(datagram, len, &read) == NULL);
		CHECK_INT(read.kind, ==, messages[i].kind);
		CHECK_INT(read.instance, ==, messages[i].instance);
		CHECK_INT(read.port, ==, messages[i].port);
		CHECK_INT(read.expiry_ms, ==, messages[i].expiry_ms);
		CHECK_STR(read.name, messages[i].name);
		CHECK_STR(read.service, messages[i].service);
	}
}

CHECK_CASE(no_answer_is_longer_than_its_question)
{
	struct weft__discover_message longest = kitchen,
				      question = {.kind = WEFT__DISCOVER_QUESTION};
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
	size_t asked = weft__discover_write(&question, datagram);

	memset(longest.name, 'n', WEFT_DISCOVER_NAME_MAX);
	memset(longest.service, 's', WEFT_DISCOVER_SERVICE_MAX);
	CHECK_INT(weft__discover_write(&longest, datagram), <=, asked);
}

/* A byte of an announcement, of a question or of a goodbye that makes it none. */
CHECK_CASE(what_is_not_wholly_a_message_is_refused)
{
	static const struct {
		enum weft__discover_kind kind;
		size_t at;
		unsigned char byte;
	} table[] = {
		{WEFT__DISCOVER_ANNOUNCEMENT, 0, 'W'},   /* magic */
		{WEFT__DISCOVER_ANNOUNCEMENT, 4, 0},     /* version */
		{WEFT__DISCOVER_ANNOUNCEMENT, 4, 2},     /* version */
		{WEFT__DISCOVER_ANNOUNCEMENT, 5, 0},     /* kind */
		{WEFT__DISCOVER_ANNOUNCEMENT, 5, 1},     /* a question of that length */
		{WEFT__DISCOVER_ANNOUNCEMENT, 5, 3},     /* a goodbye with a name */
		{WEFT__DISCOVER_ANNOUNCEMENT, 5, 4},     /* kind */
		{WEFT__DISCOVER_ANNOUNCEMENT, 16, 1},    /* it counts for half a year */
		{WEFT__DISCOVER_ANNOUNCEMENT, 20, 0},    /* no name */
		{WEFT__DISCOVER_ANNOUNCEMENT, 20, 6},    /* a byte too much */
		{WEFT__DISCOVER_ANNOUNCEMENT, 20, 8},    /* a byte too few */
		{WEFT__DISCOVER_ANNOUNCEMENT, 20, 255},  /* far too few */
		{WEFT__DISCOVER_ANNOUNCEMENT, 21, 0},    /* no service */
		{WEFT__DISCOVER_ANNOUNCEMENT, 22, 0},    /* a NUL in the name */
		{WEFT__DISCOVER_ANNOUNCEMENT, 22, 0xff}, /* no UTF-8 */
		{WEFT__DISCOVER_ANNOUNCEMENT, 29, '/'},  /* no letter of a service */
		{WEFT__DISCOVER_ANNOUNCEMENT, 32, 0x1b}, /* no letter of a service */
		{WEFT__DISCOVER_QUESTION, 5, 2},         /* an announcement of that length */
		{WEFT__DISCOVER_QUESTION, 7, 1},         /* a port */
		{WEFT__DISCOVER_QUESTION, 15, 1},        /* an instance */
		{WEFT__DISCOVER_QUESTION, 19, 1},        /* a time */
		{WEFT__DISCOVER_QUESTION, 20, 1},        /* a name */
		{WEFT__DISCOVER_QUESTION, 21, 32},       /* too long a service */
		{WEFT__DISCOVER_QUESTION, 21, 255},      /* far too long a service */
		{WEFT__DISCOVER_QUESTION, 22, 'h'},      /* something in the padding */
		{WEFT__DISCOVER_QUESTION, 127, 1},       /* something in the padding */
		{WEFT__DISCOVER_GOODBYE, 15, 0},         /* no instance */
		{WEFT__DISCOVER_GOODBYE, 7, 1},          /* a port */
		{WEFT__DISCOVER_GOODBYE, 19, 1},         /* a time */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct weft__discover_message message = {.kind = table[i].kind, .instance = 1};
		unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
		size_t len;

		if (message.kind == WEFT__DISCOVER_ANNOUNCEMENT)
			message = kitchen;
		if (message.kind == WEFT__DISCOVER_QUESTION)
			message.instance = 0;
		len = weft__discover_write(&message, datagram);
		CHECK(weft__discover_parse(datagram, len, &message) == NULL);
		datagram[table[i].at] = table[i].byte;
		message.port = 4711;
		if (!weft__discover_parse(datagram, len, &message))
			check_fail(__FILE__, __LINE__, "line %zu was taken", i);
		CHECK_INT(message.port, ==, 4711);
	}
}

CHECK_CASE(a_message_of_another_length_is_none)
{
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX + 1] = {0};
	struct weft__discover_message message, question = {.kind = WEFT__DISCOVER_QUESTION};
	size_t len = write_kitchen(datagram);

	for (size_t other = 0; other <= sizeof(datagram); other++)
		CHECK((weft__discover_parse(datagram, other, &message) == NULL) == (other == len));
	weft__discover_write(&question, datagram);
	for (size_t other = 0; other <= sizeof(datagram); other++)
		CHECK((weft__discover_parse(datagram, other, &message) == NULL) ==
			(other == WEFT__DISCOVER_DATAGRAM_MAX));
}

CHECK_MAIN()
