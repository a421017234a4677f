/*
 * test_model.c - random posts, joins, resumes, slow clients and rooms that are opened again,
 * against a model that knows nothing but the log: everybody gets each message once, in order, or is
 * told exactly which ones not.
 *
 * check: tsan
 */
#include "room/world.h"
#include "weft/sim.h"

#define CLIENTS  6
#define LOG_MAX  4000
#define TAIL_MAX 700

/* A form whose events are of a size of their own: {kind, epoch, from, to, text...}. */
struct wire {
	uint32_t size, epoch;
	uint64_t kind, from, to;
};

static size_t wire_write(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	struct wire wire = {
		.size = (uint32_t)(sizeof wire + event->text_len),
		.epoch = event->epoch,
		.kind = event->kind,
		.from = event->kind == WEFT_ROOM_GAP ? event->from : event->seq,
		.to = event->kind == WEFT_ROOM_GAP ? event->to : event->client,
	};

	/* Who is here is not what this is about; but it is between the messages. */
	if (wire.size > size)
		return wire.size;
	memcpy(ret_bytes, &wire, sizeof wire);
	memcpy(ret_bytes + sizeof wire, event->text, event->text_len);
	return wire.size;
}

static const struct weft_room_form forms[2] = {
	{.name = "all", .write = wire_write},
	{.name = "others", .write = wire_write, .skips_own = true},
};

struct member {
	struct weft_room_client *client; /* NULL: away */
	const struct weft_room_form *form;
	uint64_t number;
	uint64_t has;       /* it has, or was told that it hasn't, all up to here */
	uint64_t asked[16]; /* behind what it resumes, where that has not begun yet */
	unsigned asked_count;
	bool is_in;
	uint64_t answered; /* posts of this client */
	uint64_t posted;
	unsigned gaps;
};

static struct {
	uint32_t state;
	uint32_t epoch;
	struct member members[CLIENTS];
	uint64_t writers[LOG_MAX]; /* by seq: whose connection */
	uint64_t claims[LOG_MAX];  /* who skipped it, as its own */
	char texts[LOG_MAX][24];
	uint64_t last; /* the highest seq that anybody has seen */
	uint64_t accepted;
} model;

static uint32_t roll(uint32_t below)
{
	model.state = model.state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(model.state >> 8) * below >> 24);
}

/* ---- What a client gets --------------------------------------------------------------------- */

/* What it skips is its own: that is seen when it is answered, or by others. */
static void pass_own(struct member *member, uint64_t to)
{
	while (member->form->skips_own && member->has + 1 < to) {
		uint64_t *claim = &model.claims[++member->has];

		CHECK(*claim == 0 || *claim == member->number);
		*claim = member->number;
	}
}

static void see_message(struct member *member, const struct wire *wire, const char *text)
{
	uint64_t seq = wire->from;
	size_t len = wire->size - sizeof *wire;

	CHECK_INT(seq, <, LOG_MAX);
	CHECK_INT(len, <, sizeof model.texts[0]);
	/* All agree about what it is; from the log nobody knows by which connection it came. */
	if (model.texts[seq][0])
		CHECK(strncmp(model.texts[seq], text, len) == 0 && model.texts[seq][len] == '\0');
	memcpy(model.texts[seq], text, len);
	if (wire->to)
		model.writers[seq] = wire->to;
	pass_own(member, seq);
	CHECK_INT(seq, ==, member->has + 1);
	if (member->form->skips_own)
		CHECK(wire->to != member->number);
	member->has = seq;
	if (seq > model.last)
		model.last = seq;
}

static void see(struct member *member, const struct wire *wire, const char *text)
{
	switch (wire->kind) {
	case WEFT_ROOM_MESSAGE:
		see_message(member, wire, text);
		break;
	case WEFT_ROOM_GAP:
		pass_own(member, wire->from);
		CHECK_INT(wire->from, ==, member->has + 1);
		CHECK_INT(wire->to, >=, wire->from);
		member->has = wire->to;
		member->gaps++;
		break;
	case WEFT_ROOM_ACCEPTED:
		member->answered++;
		model.accepted++;
		/* Its own, before it comes to it: so that it can be passed over. */
		CHECK_INT(wire->from, <, LOG_MAX);
		model.writers[wire->from] = member->number;
		if (wire->from > model.last)
			model.last = wire->from;
		break;
	case WEFT_ROOM_ENTERED:
		/* From here on it is what it asked for. */
		CHECK_INT(member->asked_count, >, 0);
		member->has = member->asked[0];
		memmove(member->asked, member->asked + 1, sizeof member->asked - sizeof(uint64_t));
		member->asked_count--;
		break;
	default:
		CHECK(wire->kind == WEFT_ROOM_JOINED || wire->kind == WEFT_ROOM_LEFT ||
			wire->kind == WEFT_ROOM_COUNT);
	}
}

static size_t take(struct member *member, size_t size)
{
	static char bytes[1 << 17];
	uint32_t ends[64];
	struct weft_room_ends where = {ends, roll(2) ? 1 + roll(64) : 0};
	bool has_ends = where.count > 0;
	ssize_t len = weft_room_take(member->client, bytes, size, has_ends ? &where : NULL);
	size_t at = 0, count = 0;

	CHECK(len >= 0);
	CHECK_INT(len, <=, size);
	for (; at < (size_t)len; count++) {
		struct wire wire;

		memcpy(&wire, bytes + at, sizeof wire);
		CHECK_INT(at + wire.size, <=, len);
		see(member, &wire, bytes + at + sizeof wire);
		at += wire.size;
		if (has_ends)
			CHECK_INT(ends[count], ==, at);
	}
	if (has_ends)
		CHECK_INT(where.count, ==, count);
	return (size_t)len;
}

static void take_all(struct member *member)
{
	while (take(member, 1 << 16) > 0)
		;
}

/* ---- What may happen ------------------------------------------------------------------------ */

static void come(struct member *member)
{
	size_t i = (size_t)(member - model.members);
	char name[8];
	struct weft_room_person person = {.account = (int64_t)i % 3 + 1, .name = name};

	snprintf(name, sizeof name, "p%zu", i % 3);
	member->form = &forms[roll(2)];
	member->client = weft_room_enter(world, &person, member->form, NULL);
	CHECK(member->client != NULL);
	member->number = weft_room_client_number(member->client);
	member->answered = member->posted = 0;
}

static void go(struct member *member)
{
	/* What it has taken is all that it has. */
	weft_room_exit(member->client);
	member->client = NULL;
	member->is_in = false;
	member->asked_count = 0;
}

static void join(struct member *member)
{
	struct weft_room_facts facts;
	struct weft_room_join_options options = {
		.resumes = true, .epoch = model.epoch, .after = member->has};

	CHECK_INT(weft_room_join(member->client, "lobby", &options, &facts), ==, 0);
	CHECK(!model.epoch || facts.epoch == model.epoch);
	model.epoch = facts.epoch;
	member->is_in = true;
	member->asked[member->asked_count++] = options.after;
	if (member->asked_count == 16)
		take_all(member);
}

static void post(struct member *member)
{
	char text[16];

	if (!member->is_in)
		return;
	snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)member->number,
		(unsigned long long)++member->posted);
	CHECK_INT(world_post(member->client, "lobby", NULL, text), ==, 0);
}

static void check_claims(void)
{
	for (size_t seq = 1; seq < LOG_MAX; seq++)
		CHECK(!model.claims[seq] || !model.writers[seq] ||
			model.claims[seq] == model.writers[seq]);
}

static void open_again(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (model.members[i].client)
			go(&model.members[i]);
	weft_rooms_shut(world, "again");
	weft_rooms_close(world);
	check_claims();
	memset(model.writers, 0, sizeof model.writers);
	memset(model.claims, 0, sizeof model.claims);
	world_open_with((struct weft_rooms_options){.tail_max = TAIL_MAX, .queue_max = 4000});
}

static void step(void)
{
	struct member *member = &model.members[roll(CLIENTS)];
	unsigned what = roll(100);

	if (what == 0)
		open_again();
	else if (!member->client)
		come(member);
	else if (what < 4)
		go(member);
	else if (what < 8 && member->is_in) {
		CHECK_INT(weft_room_leave(member->client, "lobby", NULL), ==, 0);
		member->is_in = false;
	} else if (!member->is_in && what < 30)
		join(member);
	else if (what < 40)
		take(member, 200 + roll(2000));
	else if (what < 50)
		take_all(member);
	else if (what < 60)
		weft_sleep(weft_self() ? roll(2) * WEFT_SECONDS(25) : 0);
	else
		for (unsigned posts = 1 + roll(6); posts > 0; posts--)
			post(member);
}

static int run(void *arg)
{
	uint64_t total = 0;

	memset(&model, 0, sizeof model);
	model.state = *(unsigned *)arg;
	/* Nothing here is about the disk. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	place_make();
	world = NULL;
	world_open_with((struct weft_rooms_options){.tail_max = TAIL_MAX, .queue_max = 4000});
	for (int i = 0; i < 250; i++)
		step();
	for (size_t i = 0; i < CLIENTS; i++) {
		struct member *member = &model.members[i];

		if (!member->client)
			come(member);
		if (!member->is_in)
			join(member);
	}
	/* After these nothing is under way. */
	for (size_t i = 0; i < CLIENTS; i++)
		world_say(model.members[i].client, "lobby", "end");
	for (size_t i = 0; i < CLIENTS; i++)
		take_all(&model.members[i]);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct member *member = &model.members[i];

		CHECK_INT(member->answered, ==, member->posted);
		total += member->gaps;
	}
	check_claims();
	for (size_t i = 0; i < CLIENTS; i++) {
		/* The last one is its own. */
		pass_own(&model.members[i], model.last + 1);
		CHECK_INT(model.members[i].has, ==, model.last);
		go(&model.members[i]);
	}
	world_close();
	place_end();
	CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	return (int)(total > 0);
}

CHECK_CASE(everybody_gets_each_message_once_in_order_or_is_told_which_not_simulated)
{
	unsigned rounds = check_rounds(100), with_gaps = 0;

	for (unsigned seed = 1; seed <= rounds; seed++) {
		int result = weft_sim_run(seed, NULL, run, &seed);

		CHECK_INT(result, >=, 0);
		with_gaps += (unsigned)result;
	}
	CHECK_INT(with_gaps, >, 0);
}

CHECK_CASE(the_same_with_a_writer_on_a_thread)
{
	for (unsigned seed = 1; seed <= check_rounds(20); seed++)
		CHECK_INT(run(&seed), >=, 0);
}

CHECK_MAIN()
