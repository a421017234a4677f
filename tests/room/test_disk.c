/*
 * test_disk.c - what was accepted is there: after a kill in the middle of a storm; and a full disk
 * refuses, and keeps nothing half.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "room/world.h"

#define WRITERS 4

/* ---- A kill --------------------------------------------------------------------------------- */

/* What was accepted, as the processes that were killed have noted it: by writer and number. */
struct notes {
	_Atomic uint64_t accepted[WRITERS];
};

struct writer {
	struct weft_room_client *client;
	struct notes *notes;
	size_t index;
};

static int say_on(void *arg)
{
	struct writer *writer = arg;
	char id[32];
	struct weft_room_post post = {.id = id, .text = id};
	uint64_t seq;

	for (uint64_t i = writer->notes->accepted[writer->index] + 1;; i++) {
		snprintf(id, sizeof id, "%zu.%llu", writer->index, (unsigned long long)i);
		post.len = strlen(id);
		if (weft_room_say(writer->client, "lobby", &post, &seq) < 0)
			return -1;
		writer->notes->accepted[writer->index] = i;
	}
}

static int storm(void *arg)
{
	static struct writer writers[WRITERS];
	static const char *const names[WRITERS] = {"ann", "ben", "cat", "dan"};

	for (size_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){
			world_in_lobby(world_account((int64_t)i + 1, names[i])), arg, i};
		weft_spawn(say_on, &writers[i]);
	}
	return weft_sleep(WEFT_SECONDS(1000));
}

static int storm_outside(void *arg)
{
	world_open();
	return storm(arg);
}

struct audit {
	uint64_t next_seq;
	uint64_t seen[WRITERS];
};

static int look(const struct weft_room_event *event, void *arg)
{
	struct audit *audit = arg;
	unsigned long long number;
	size_t writer;

	CHECK_INT(event->seq, ==, ++audit->next_seq);
	CHECK_INT(sscanf(event->text, "%zu.%llu", &writer, &number), ==, 2);
	/* None is there twice, and none is missing in between. */
	CHECK_INT(number, ==, ++audit->seen[writer]);
	return 0;
}

static void check_log(const struct notes *notes)
{
	struct weft_room_page page = {.limit = 500};
	struct weft_room_client *client;
	struct audit audit = {.next_seq = 0};
	int more;

	world_open();
	client = world_in_lobby(world_account(99, "eve"));
	/* Forwards needs a start: the first is read by itself. */
	page.before = 2;
	CHECK_INT(weft_room_history(client, "lobby", &page, look, &audit), ==, 0);
	page.before = 0;
	do {
		page.after = audit.next_seq;
		more = weft_room_history(client, "lobby", &page, look, &audit);
		CHECK(more >= 0);
	} while (more > 0);
	for (size_t i = 0; i < WRITERS; i++) {
		CHECK_INT(audit.seen[i], >=, notes->accepted[i]);
		/* One more may be there: it was written, and nobody was told any more. */
		CHECK_INT(audit.seen[i], <=, notes->accepted[i] + 1);
	}
	weft_room_exit(client);
	world_close();
}

static uint64_t total_of(const struct notes *notes)
{
	uint64_t total = 0;

	for (size_t i = 0; i < WRITERS; i++)
		total += notes->accepted[i];
	return total;
}

CHECK_CASE(what_was_accepted_is_there_after_a_kill_and_once)
{
	struct notes *notes = mmap(
		NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(notes != MAP_FAILED);
	place_make();
	for (unsigned round = 0; round < check_rounds(4); round++) {
		uint64_t before = total_of(notes);
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(weft_run(
				&(struct weft_run_options){.workers = 2}, storm_outside, notes));
		CHECK(pid > 0);
		/* So many more, and then at any moment. */
		while (total_of(notes) < before + 30 + round * 7)
			usleep(100 + round * 37);
		CHECK_INT(kill(pid, SIGKILL), ==, 0);
		CHECK_INT(waitpid(pid, &status, 0), ==, pid);
		CHECK(WIFSIGNALED(status));
		check_log(notes);
	}
}

/* ---- A full disk ---------------------------------------------------------------------------- */

static void set_limit(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

static void ignore(int number)
{
	const struct sigaction action = {.sa_handler = SIG_IGN};

	CHECK_INT(sigaction(number, &action, NULL), ==, 0);
}

static int count(const struct weft_room_event *event, void *arg)
{
	uint64_t *count = arg;

	CHECK_INT(event->seq, ==, ++*count);
	return 0;
}

BOTH_CASE(a_full_disk_refuses_and_nothing_is_half_there)
{
	static char text[4096];
	struct weft_room_post post = {.text = text, .len = sizeof text};
	struct weft_room_client *mia, *bob;
	uint64_t accepted = 0, seq, found = 0;
	int refused = 0;

	ignore(SIGXFSZ);
	memset(text, 'x', sizeof text);
	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	world_taken(mia);
	set_limit(600000);
	for (int i = 0; i < 400; i++) {
		if (weft_room_say(mia, "lobby", &post, &seq) == 0) {
			CHECK_INT(seq, ==, ++accepted);
			continue;
		}
		CHECK_INT(weft_room_client_fault(mia), ==, WEFT_ROOM_FAILED);
		CHECK(errno == ENOSPC || errno == EIO || errno == EFBIG);
		refused++;
		if (refused == 3)
			break;
	}
	CHECK_INT(accepted, >, 10);
	CHECK_INT(refused, ==, 3);
	/* The same of what nobody waits for. */
	world_taken(mia);
	CHECK_INT(world_post(mia, "lobby", "x1", "short"), ==, 0);
	set_limit(RLIM_INFINITY);
	CHECK_INT(weft_room_say(mia, "lobby", &post, &seq), ==, 0);
	CHECK(seq == accepted + 1 || seq == accepted + 2);
	CHECK(strstr(world_taken(mia),
		seq == accepted + 1 ? "refused lobby failed x1" : "accepted lobby"));
	accepted = seq;
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(weft_room_history(
			  mia, "lobby", &(struct weft_room_page){.limit = 500}, count, &found),
		==, 0);
	CHECK_INT(found, ==, accepted);
	weft_room_exit(mia);
	world_close();
}

CHECK_MAIN()
