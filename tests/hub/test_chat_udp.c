/*
 * test_chat_udp.c - the door for datagrams: transcripts that are kept as they are, in a simulation,
 * where ten minutes of silence take no time.
 *
 *	mia> L mia			mia sends it; \n, \x1b and $name are replaced
 *	mia< OK				what she gets next; $name takes six hexadecimal digits
 *	mia.				she gets nothing more for a second
 *	wait 61				seconds
 *	burst 10 tom> C tom #		ten at once, numbered
 *	long 1401 mia> C mia		with as many x as it takes to that length
 *	fill 800 mia> C mia \n		with so many of the last character
 *	skip mia 5			five, whatever they are
 *	empty mia			all that there is
 *
 * Each name is a host of its own; those that begin with "far" are not near.
 *
 * check: tsan
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hub/chat.h"
#include "hub/chat_udp.h"
#include "io/place.h"
#include "weft/scope.h"
#include "weft/sim.h"
#include "weft/utf8.h"

#define PEERS_MAX 16
#define VARS_MAX  16
#define LINE_SIZE 4096

struct peer {
	char name[32];
	struct weft_udp *udp;
};

static struct peer peers[PEERS_MAX];
static unsigned peer_count;
static struct {
	char name[32], value[8];
} vars[VARS_MAX];
static unsigned var_count;

static const char *path;
static unsigned line_number;
static struct hub_chat *chat;
static struct hub_chat_udp *door;

#define FAIL(...) check_fail(path, (int)line_number, __VA_ARGS__)

/* ---- The world --------------------------------------------------------------------------------
 */

/* 10.0.0.1 is where the test begins, 10.0.0.2 the server, and the peers are those behind it. */
static bool is_near(void *arg, const struct weft_address *address)
{
	unsigned number = ntohl(address->in.sin_addr.s_addr) & 0xff;

	(void)arg;
	return number < 3 || strncmp(peers[number - 3].name, "far", 3) != 0;
}

/* One name is an account's, with a code. */
static int who(void *arg, const struct hub_chat_udp_asker *asker, struct hub_chat_udp_who *ret_who)
{
	const char *code = asker->code;

	if (strcmp(asker->name, "acc") != 0)
		return weft__hub_chat_udp_who(arg, asker, ret_who);
	ret_who->account = 7;
	memcpy(ret_who->key, "acc", 4);
	if (!code[0])
		ret_who->why = "this name needs a code of its owner's: send: L name code";
	else if (strcmp(code, "123456") != 0)
		ret_who->why = "this code is wrong, or over";
	return 0;
}

static struct peer *peer_of(const char *name, size_t len)
{
	struct peer *peer = &peers[peer_count];

	for (unsigned i = 0; i < peer_count; i++)
		if (strlen(peers[i].name) == len && memcmp(peers[i].name, name, len) == 0)
			return &peers[i];
	CHECK(peer_count < PEERS_MAX && len < sizeof(peer->name));
	memcpy(peer->name, name, len);
	peer->name[len] = '\0';
	CHECK_INT(weft_sim_host(peer->name), ==, 0);
	peer->udp = weft_udp_connect("server:7000", NULL);
	CHECK(peer->udp != NULL);
	peer_count++;
	return peer;
}

/* ---- Lines ------------------------------------------------------------------------------------
 */

static const char *value_of(const char *name, size_t len)
{
	for (unsigned i = 0; i < var_count; i++)
		if (strlen(vars[i].name) == len && memcmp(vars[i].name, name, len) == 0)
			return vars[i].value;
	return NULL;
}

static size_t word_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz");
}

/* Escapes and variables replaced. Its length. */
static size_t unescape(const char *text, char *ret_bytes)
{
	size_t len = 0;

	while (*text) {
		char digits[3] = {0};

		if (text[0] == '$') {
			const char *value = value_of(text + 1, word_len(text + 1));

			if (!value)
				FAIL("no value: %s", text);
			memcpy(ret_bytes + len, value, 6);
			len += 6;
			text += 1 + word_len(text + 1);
			continue;
		}
		if (text[0] != '\\') {
			ret_bytes[len++] = *text++;
			continue;
		}
		text++;
		if (*text == 'x') {
			memcpy(digits, text + 1, 2);
			ret_bytes[len++] = (char)strtoul(digits, NULL, 16);
			text += 3;
		} else {
			ret_bytes[len++] = *text == 'n'   ? '\n'
					   : *text == 'r' ? '\r'
					   : *text == 't' ? '\t'
							  : *text;
			text++;
		}
	}
	return len;
}

static ssize_t hear(struct peer *peer, char *bytes, size_t size)
{
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(1))
		len = weft_udp_recv(peer->udp, bytes, size, NULL);
	return len;
}

/* Where the wanted has a variable that is new, it is what stands there. */
static void learn(const char *wanted, const char *got)
{
	const char *at = strchr(wanted, '$');
	size_t before = at ? (size_t)(at - wanted) : 0;

	if (!at || value_of(at + 1, word_len(at + 1)) || strlen(got) < before + 6)
		return;
	CHECK(var_count < VARS_MAX);
	memcpy(vars[var_count].name, at + 1, word_len(at + 1));
	memcpy(vars[var_count].value, got + before, 6);
	if (strspn(vars[var_count].value, "0123456789abcdef") != 6)
		FAIL("no cookie: %s", got);
	var_count++;
}

static void expect_heard(struct peer *peer, const char *wanted)
{
	char got[LINE_SIZE], bytes[LINE_SIZE];
	ssize_t len = hear(peer, got, sizeof(got) - 1);
	size_t wanted_len;

	if (len < 0)
		FAIL("%s got nothing, not: %s", peer->name, wanted);
	got[len] = '\0';
	learn(wanted, got);
	wanted_len = unescape(wanted, bytes);
	if ((size_t)len != wanted_len || memcmp(got, bytes, wanted_len) != 0)
		FAIL("%s got: %s\n# not: %s", peer->name, got, wanted);
}

static void expect_silence(struct peer *peer)
{
	char got[LINE_SIZE];
	ssize_t len = hear(peer, got, sizeof(got) - 1);

	if (len >= 0) {
		got[len] = '\0';
		FAIL("%s got: %s", peer->name, got);
	}
}

static void skip(struct peer *peer, unsigned count)
{
	char got[LINE_SIZE];

	while (count-- > 0) {
		ssize_t len = hear(peer, got, sizeof(got));

		if (len < 0)
			FAIL("%s got nothing, and %u are missing", peer->name, count + 1);
		if (len > WEFT_CHAT_DATAGRAM_MAX)
			FAIL("%s got %zd bytes", peer->name, len);
	}
}

static void say(struct peer *peer, const char *bytes, size_t len)
{
	CHECK_INT(weft_udp_send(peer->udp, bytes, len, NULL), ==, 0);
}

/* "NAME> text", said once, or as the command wants it. */
static void take_said(const char *command, unsigned number, const char *line)
{
	static char bytes[16384];
	const char *end = strchr(line, '>');
	struct peer *peer = peer_of(line, (size_t)(end - line));
	size_t len = unescape(end + 2, bytes);

	if (strcmp(command, "long") == 0) {
		memset(bytes + len, 'x', number - len);
		len = number;
	} else if (strcmp(command, "fill") == 0) {
		memset(bytes + len, bytes[len - 1], number - 1);
		len += number - 1;
	} else if (strcmp(command, "burst") == 0) {
		for (unsigned i = 1; i <= number; i++) {
			int digits = snprintf(bytes + len - 1, 16, "%u", i);

			say(peer, bytes, len - 1 + (bytes[0] == 'C' ? (size_t)digits : 1));
			/* So that they come in this order. */
			weft_sleep(WEFT_MILLISECONDS(1));
		}
		return;
	}
	say(peer, bytes, len);
}

static void take_line(const char *line)
{
	char word[16], name[32], got[LINE_SIZE];
	size_t name_len = strcspn(line, "<>. ");
	unsigned number;
	int used = 0;

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (line[name_len] == '>')
		take_said("", 0, line);
	else if (line[name_len] == '<')
		expect_heard(peer_of(line, name_len), line + name_len + 2);
	else if (line[name_len] == '.')
		expect_silence(peer_of(line, name_len));
	else if (sscanf(line, "wait %u", &number) == 1)
		CHECK_INT(weft_sleep(WEFT_SECONDS(number)), ==, 0);
	else if (sscanf(line, "skip %31s %u", name, &number) == 2)
		skip(peer_of(name, strlen(name)), number);
	else if (sscanf(line, "empty %31s", name) == 1)
		while (hear(peer_of(name, strlen(name)), got, sizeof(got)) >= 0)
			continue;
	else if (sscanf(line, "%15s %u %n", word, &number, &used) == 2 && used)
		take_said(word, number, line + used);
	else
		FAIL("what is this: %s", line);
}

/* ---- Transcripts ------------------------------------------------------------------------------
 */

static int run_door(void *arg)
{
	CHECK_INT(weft_sim_host("server"), ==, 0);
	return weft__hub_chat_udp_run(arg);
}

static void play(void)
{
	FILE *file = fopen(path, "r");
	char line[LINE_SIZE];

	CHECK(file != NULL);
	line_number = 0;
	while (fgets(line, sizeof(line), file)) {
		line_number++;
		line[strcspn(line, "\n")] = '\0';
		take_line(line);
	}
	fclose(file);
	for (unsigned i = 0; i < peer_count; i++)
		expect_silence(&peers[i]);
}

static weft_fiber_id open_door(const char *address, weft_fiber_fn *run)
{
	struct hub_chat_udp_options options = {.who = who, .is_near = is_near};
	weft_fiber_id fiber;

	chat = weft__hub_chat_new(&(struct hub_chat_options){.dir = NULL});
	CHECK(chat != NULL);
	options.rooms = weft__hub_chat_rooms(chat);
	options.arg = chat;
	door = weft__hub_chat_udp_new(address, &options);
	CHECK(door != NULL);
	fiber = weft_spawn(run, door);
	CHECK(fiber != 0);
	return fiber;
}

static void close_door(weft_fiber_id fiber)
{
	int result = -1;

	weft__hub_chat_udp_stop(door);
	CHECK_INT(weft_join(fiber, &result, WEFT_SECONDS(60)), ==, 0);
	CHECK_INT(result, ==, 0);
	weft__hub_chat_udp_free(door);
	for (unsigned i = 0; i < peer_count; i++)
		weft_udp_free(peers[i].udp);
	weft__hub_chat_shut(chat, "the end");
	weft__hub_chat_free(chat);
}

static int transcript(void *arg)
{
	weft_fiber_id fiber;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	fiber = open_door("0.0.0.0:7000", run_door);
	play();
	close_door(fiber);
	return 0;
}

static void run_transcript(const char *name)
{
	const struct weft_sim_options options = {.in_order = true};

	path = name;
	CHECK_INT(weft_sim_run(1, &options, transcript, NULL), ==, 0);
}

CHECK_CASE(who_enters_speaks_and_leaves_gets_the_documented_answers)
{
	run_transcript("tests/hub/chat_udp_basics.txt");
}

CHECK_CASE(who_is_silent_is_asked_and_then_out)
{
	run_transcript("tests/hub/chat_udp_silent.txt");
}

CHECK_CASE(who_is_far_away_repeats_a_cookie_and_an_account_has_a_code)
{
	run_transcript("tests/hub/chat_udp_cookie.txt");
}

CHECK_CASE(who_is_too_fast_is_late_then_dropped_then_out)
{
	run_transcript("tests/hub/chat_udp_flood.txt");
}

CHECK_CASE(what_is_no_request_harms_nobody)
{
	run_transcript("tests/hub/chat_udp_hostile.txt");
}

/* ---- Noise ------------------------------------------------------------------------------------
 */

#define NOISES 2000

static size_t make_noise(char *bytes)
{
	static const char *const parts[] = {"L ", "C ", "Q ", "mia", "tom", "acc", "far", " ",
		"123456", "\n", "\x1b[2J", "\xe2\x80\xae", "\xff", "SERVER", "send: ", "\x01",
		"hello"};
	size_t len = 0, count = weft_random() % 8;

	for (size_t i = 0; i < count; i++) {
		uint64_t random = weft_random();
		const char *part = parts[random % (sizeof(parts) / sizeof(parts[0]))];

		if (random >> 60 == 0) {
			bytes[len++] = (char)(random >> 32);
		} else {
			memcpy(bytes + len, part, strlen(part));
			len += strlen(part);
		}
	}
	return len;
}

static void check_answer(const char *bytes, size_t len)
{
	uint32_t character;

	CHECK_INT(len, <=, WEFT_CHAT_DATAGRAM_MAX);
	len -= len > 0 && bytes[len - 1] == '\n';
	for (size_t at = 0, size; at < len; at += size) {
		size = weft_utf8_read(bytes + at, len - at, &character);
		CHECK_INT(size, >, 0);
		CHECK(!weft_utf8_is_dangerous(character));
	}
}

/* Of who has not come in: for each datagram at most one, and not much longer. */
static int hear_noise(void *arg)
{
	static size_t sent_bytes, heard_bytes;
	struct peer *peer = arg;
	char bytes[LINE_SIZE];
	bool is_stranger = strcmp(peer->name, "farther") == 0;

	for (int i = 0; i < NOISES; i++) {
		size_t len = make_noise(bytes);
		ssize_t heard;

		if (is_stranger && bytes[0] == 'L')
			bytes[0] = 'Q';
		say(peer, bytes, len);
		sent_bytes += is_stranger ? len : 0;
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
			while ((heard = weft_udp_recv(peer->udp, bytes, sizeof(bytes), NULL)) >=
				0) {
				check_answer(bytes, (size_t)heard);
				heard_bytes += is_stranger ? (size_t)heard : 0;
			}
	}
	if (is_stranger) {
		CHECK_INT(heard_bytes, >, 0);
		CHECK_INT(heard_bytes, <=, sent_bytes + NOISES * 40);
	}
	return 0;
}

static int make_much_noise(void *arg)
{
	static const char *const names[] = {"mia", "tom", "far", "farther"};
	weft_fiber_id door_fiber, fibers[4];

	(void)arg;
	peer_count = 0;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	door_fiber = open_door("0.0.0.0:7000", run_door);
	for (int i = 0; i < 4; i++)
		peer_of(names[i], strlen(names[i]));
	for (int i = 0; i < 4; i++)
		fibers[i] = weft_spawn(hear_noise, &peers[i]);
	CHECK_INT(weft_join_all(fibers, 4, NULL, WEFT_FOREVER), ==, 4);
	close_door(door_fiber);
	return 0;
}

CHECK_CASE(noise_is_answered_shortly_and_in_clean_text)
{
	struct weft_sim_report report;
	const struct weft_sim_options options = {.duplicate_chance = 0.1,
		.loss_chance = 0.1,
		.reorder_chance = 0.1,
		.report = &report};

	CHECK_INT(weft_sim_run(7, &options, make_much_noise, NULL), ==, 0);
	CHECK_INT(report.open_descriptors, ==, 0);
}

/* ---- Several workers --------------------------------------------------------------------------
 */

#define CROWD 8
#define TEXTS 4

static int run_plainly(void *arg)
{
	return weft__hub_chat_udp_run(arg);
}

static atomic_uint names, came, heard_all;

static void await_crowd(const atomic_uint *count)
{
	while (atomic_load(count) < CROWD)
		weft_sleep(WEFT_MILLISECONDS(1));
}

/* Comes in, says some when all are there, hears all that the others say, and leaves. */
static int talk(void *arg)
{
	struct weft_udp *udp = weft_udp_connect(arg, NULL);
	unsigned number = atomic_fetch_add(&names, 1), texts = 0;
	char bytes[LINE_SIZE];
	ssize_t len;
	int said;

	CHECK(udp != NULL);
	len = snprintf(bytes, sizeof(bytes), "L m%u", number);
	CHECK_INT(weft_udp_send(udp, bytes, (size_t)len, NULL), ==, 0);
	len = weft_udp_recv(udp, bytes, sizeof(bytes), NULL);
	CHECK(len == 2 && memcmp(bytes, "OK", 2) == 0);
	atomic_fetch_add(&came, 1);
	await_crowd(&came);
	for (said = 0; said < TEXTS; said++) {
		len = snprintf(bytes, sizeof(bytes), "C m%u hello", number);
		CHECK_INT(weft_udp_send(udp, bytes, (size_t)len, NULL), ==, 0);
		weft_yield();
	}
	while (texts < (CROWD - 1) * TEXTS) {
		len = weft_udp_recv(udp, bytes, sizeof(bytes), NULL);
		CHECK_INT(len, >, 0);
		texts += len > 5 && memcmp(bytes + len - 5, "hello", 5) == 0;
	}
	atomic_fetch_add(&heard_all, 1);
	await_crowd(&heard_all);
	len = snprintf(bytes, sizeof(bytes), "Q m%u", number);
	CHECK_INT(weft_udp_send(udp, bytes, (size_t)len, NULL), ==, 0);
	weft_udp_free(udp);
	return 0;
}

static int talk_across(void *arg)
{
	weft_fiber_id door_fiber, fibers[CROWD];
	char address[WEFT_ADDRESS_TEXT_MAX];

	(void)arg;
	door_fiber = open_door("127.0.0.1:0", run_plainly);
	weft_address_print(weft__hub_chat_udp_address(door), address, sizeof(address));
	for (int i = 0; i < CROWD; i++)
		fibers[i] = weft_spawn(talk, address);
	CHECK_INT(weft_join_all(fibers, CROWD, NULL, WEFT_FOREVER), ==, CROWD);
	close_door(door_fiber);
	return 0;
}

CHECK_CASE(members_on_several_workers_come_talk_and_go)
{
	const struct weft_run_options two = {.workers = 2};

	CHECK_INT(weft_run(&two, talk_across, NULL), ==, 0);
}

CHECK_MAIN()
