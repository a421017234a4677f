/*
 * test_queue_kill.c - processes are killed in the midst of a queue: before each single instruction
 * of a put and of a get, and at any time at all while others work. Locks and their like, too.
 *
 * It looks inside (process/queue.h) only to have the steps walked that wake sleepers.
 *
 * check: apart
 */
#include "weft/queue.h"

#include <sys/mman.h>
#include <sys/ptrace.h>

#include "check.h"
#include "descriptors.h"
#include "process/queue.h"
#include "sweeps.h"
#include "weft/scope.h"

/* ---- Before each instruction ----------------------------------------------------------- */

#if defined __x86_64__ && !defined __SANITIZE_ADDRESS__

static struct weft_queue *queue_new(size_t capacity)
{
	struct weft_queue *queue =
		weft_queue_new(NULL, &(struct weft_queue_options){.capacity_bytes = capacity});

	CHECK(queue != NULL);
	return queue;
}

#define WORD_LEN 30 /* it wraps around in a queue of 64 bytes, now here, now there */

static void put_word(struct weft_queue *queue, char letter)
{
	char word[WORD_LEN];

	memset(word, letter, sizeof word);
	CHECK_INT(weft_queue_put(queue, word, sizeof word), ==, 0);
}

/* The letter of a word that is whole; 0: there is none. */
static char get_word(struct weft_queue *queue)
{
	char word[WORD_LEN + 1];
	size_t len = 0;
	int got = weft_queue_try_get(queue, word, sizeof word, &len);

	if (got < 0 && errno == EAGAIN)
		return 0;
	CHECK_INT(got, ==, 1);
	CHECK_INT(len, ==, WORD_LEN);
	for (size_t i = 1; i < len; i++)
		CHECK_INT(word[i], ==, word[0]);
	return word[0];
}

/* From where it is stepped through. */
static void be_stopped(void)
{
	weft__owner_self(); /* not the steps that are walked once in a process */
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
}

static void put_and_get(void *arg)
{
	struct weft_queue *queue = arg;
	char word[WORD_LEN];

	memset(word, 'b', sizeof word);
	be_stopped();
	weft_queue_put(queue, word, sizeof word);
	weft_queue_get(queue, word, sizeof word, NULL);
	if (word[0] == 'a')
		__builtin_trap();
}

/* Whether it wasn't at its end, which is a SIGILL. */
static bool kill_after_steps(void (*walk)(void *arg), void *arg, unsigned steps)
{
	bool is_at_end = false;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		walk(arg);
		_exit(1);
	}
	CHECK(pid > 0);
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	if (WIFEXITED(status) || WSTOPSIG(status) != SIGSTOP)
		check_skip("no process can be traced here");
	while (!is_at_end && steps-- > 0) {
		CHECK_INT(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), ==, 0);
		CHECK_INT(waitpid(pid, &status, 0), ==, pid);
		CHECK(WIFSTOPPED(status));
		is_at_end = WSTOPSIG(status) == SIGILL;
	}
	kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFSIGNALED(status));
	return !is_at_end;
}

/* What the queue may hold by then. Where in its ring a message lies makes some steps of difference:
 * so a stage may come back for a moment. */
static int stage_of(const char *letters)
{
	static const char *const stages[] = {"ac", "abc", "bc"};

	for (int i = 0; i < 3; i++)
		if (strcmp(letters, stages[i]) == 0)
			return i;
	check_fail(__FILE__, __LINE__, "the queue holds \"%s\"", letters);
}

/* Each step costs as many as there were before it: make soak walks them all, make check some. */
#define STRIDE (check_number("CHECK_ROUNDS") > 1 ? 1U : 7U)

static void step_through(bool with_sleepers)
{
	struct weft_queue *queue = queue_new(128);
	unsigned steps = with_sleepers, stride = STRIDE, seen[3] = {0};
	bool goes_on;

	do {
		char letters[10] = "";
		int count = 0;

		put_word(queue, 'a');
		atomic_store(&queue->memory->items, with_sleepers);
		atomic_store(&queue->memory->room, with_sleepers);
		goes_on = kill_after_steps(put_and_get, queue, steps);
		steps += stride;
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
			put_word(queue, 'c');
		CHECK_INT(weft_queue_len(queue), <=, 3);
		while ((letters[count] = get_word(queue)) != 0)
			count++;
		seen[stage_of(letters)]++;
	} while (goes_on);
	CHECK(seen[0] && seen[1] && seen[2]);
	weft_queue_free(queue);
}

CHECK_CASE(a_process_killed_before_any_instruction_of_a_put_or_get_leaves_the_queue_whole)
{
	step_through(false);
}

CHECK_CASE(so_does_one_that_has_sleepers_to_wake)
{
	step_through(true);
}

struct things {
	struct weft_shared_lock lock;
	struct weft_shared_sem sem;
	struct weft_shared_event event;
	struct weft_shared_cond cond;
};

static void use_things(void *arg)
{
	struct things *things = arg;

	be_stopped();
	weft_shared_lock_acquire(&things->lock);
	weft_shared_sem_release(&things->sem, 1);
	weft_shared_sem_acquire(&things->sem);
	weft_shared_event_set(&things->event);
	weft_shared_event_clear(&things->event);
	weft_shared_cond_signal(&things->cond);
	if (weft_shared_lock_release(&things->lock) == 0)
		__builtin_trap();
}

CHECK_CASE(locks_semaphores_and_events_go_on_after_a_death_at_any_instruction)
{
	struct things *things = mmap(
		NULL, sizeof *things, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned steps = 0, deaths = 0, stride = STRIDE;
	bool goes_on;

	CHECK(things != MAP_FAILED);
	do {
		int got = -1;

		/* As if somebody waited everywhere. */
		*things = (struct things){
			.sem = {.word = 0x80000000}, .event = {.word = 2}, .cond = {.waiting = 1}};
		goes_on = kill_after_steps(use_things, things, steps);
		steps += stride;
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
			got = weft_shared_lock_acquire(&things->lock);
		CHECK_INT(got, >=, 0);
		deaths += got == 1;
		CHECK_INT(weft_shared_lock_release(&things->lock), ==, 0);
		CHECK_INT(weft_shared_sem_count(&things->sem), <=, 1);
		weft_shared_event_set(&things->event);
		CHECK_INT(weft_shared_event_wait(&things->event), ==, 0);
	} while (goes_on);
	CHECK_INT(deaths, >, 3);
}
#endif

/* ---- At any time ---------------------------------------------------------------------------- */

#define PRODUCERS 3
#define CONSUMERS 2
#define LIVES_MAX 20000 /* processes that put, one after the other */
#define EACH_MAX  4000  /* messages of one */

struct record {
	_Atomic uint32_t done[LIVES_MAX]; /* by each producer: so many were put */
	_Atomic uint8_t got[LIVES_MAX][EACH_MAX];
	_Atomic uint32_t out_of_order;
};

struct message {
	uint32_t life, number;
	unsigned char rest[100];
};

struct crowd {
	char name[40];
	struct weft_queue *queue; /* the parent's; the others find it by its name */
	struct record *record;
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	uint32_t lives;
	uint32_t consumers_killed;
};

static struct weft_queue *attach(const struct crowd *crowd)
{
	struct weft_queue *queue =
		weft_queue_new(crowd->name, &(struct weft_queue_options){.must_exist = true});

	if (!queue)
		_exit(2);
	return queue;
}

static void produce(const struct crowd *crowd, uint32_t life)
{
	struct weft_queue *queue = attach(crowd);

	for (uint32_t i = 0; i < EACH_MAX; i++) {
		struct message message = {.life = life, .number = i};

		memset(message.rest, (int)i, i % sizeof message.rest);
		if (weft_queue_put(queue, &message,
			    offsetof(struct message, rest) + i % sizeof message.rest) < 0)
			_exit(1);
		atomic_store(&crowd->record->done[life], i + 1);
	}
	for (;;)
		pause();
}

static void consume(const struct crowd *crowd)
{
	static uint32_t next[LIVES_MAX];
	struct weft_queue *queue = attach(crowd);
	struct message message;
	size_t len;

	while (weft_queue_get(queue, &message, sizeof message, &len) == 1) {
		bool is_whole = message.life < LIVES_MAX && message.number < EACH_MAX &&
				len == offsetof(struct message, rest) +
						message.number % sizeof message.rest;

		if (!is_whole || message.number < next[message.life]) {
			atomic_fetch_add(&crowd->record->out_of_order, 1);
			continue;
		}
		next[message.life] = message.number + 1;
		atomic_fetch_add(&crowd->record->got[message.life][message.number], 1);
	}
	_exit(0);
}

static void start_producer(struct crowd *crowd, int i)
{
	uint32_t life = crowd->lives++;

	CHECK(life < LIVES_MAX);
	crowd->producers[i] = fork();
	CHECK(crowd->producers[i] >= 0);
	if (crowd->producers[i] == 0)
		produce(crowd, life);
}

static void start_consumer(struct crowd *crowd, int i)
{
	crowd->consumers[i] = fork();
	CHECK(crowd->consumers[i] >= 0);
	if (crowd->consumers[i] == 0)
		consume(crowd);
}

static void kill_one(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFSIGNALED(status));
}

static void kill_some(struct crowd *crowd, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		int which = rand() % (PRODUCERS + CONSUMERS);

		usleep((useconds_t)(rand() % 400));
		if (which < PRODUCERS) {
			kill_one(crowd->producers[which]);
			start_producer(crowd, which);
		} else {
			kill_one(crowd->consumers[which - PRODUCERS]);
			start_consumer(crowd, which - PRODUCERS);
			crowd->consumers_killed++;
		}
	}
}

/* By all producers so far. */
static uint64_t count_put(const struct crowd *crowd)
{
	uint64_t put = 0;

	for (uint32_t life = 0; life < crowd->lives; life++)
		put += atomic_load(&crowd->record->done[life]);
	return put;
}

/* What was put is had, once, but for at most one message of each consumer that was killed. */
static void count_up(const struct crowd *crowd)
{
	uint64_t lost = 0;

	for (uint32_t life = 0; life < crowd->lives; life++) {
		uint32_t done = atomic_load(&crowd->record->done[life]);

		for (uint32_t i = 0; i < EACH_MAX; i++) {
			unsigned got = atomic_load(&crowd->record->got[life][i]);

			CHECK_INT(got, <=, i <= done ? 1 : 0);
			lost += i < done && got == 0;
		}
	}
	CHECK_INT(lost, <=, crowd->consumers_killed);
	CHECK_INT(atomic_load(&crowd->record->out_of_order), ==, 0);
}

CHECK_CASE(processes_killed_at_any_time_lose_at_most_their_own_message)
{
	const struct weft_queue_options options = {.capacity_bytes = 4096, .must_be_new = true};
	struct crowd crowd = {0};
	int status, before;

	keep_sweeps_out(LOCK_SH);
	before = descriptors();
	snprintf(crowd.name, sizeof crowd.name, "test-queue-kill-%d", (int)getpid());
	crowd.queue = weft_queue_new(crowd.name, &options);
	CHECK(crowd.queue != NULL);
	crowd.record = mmap(NULL, sizeof *crowd.record, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(crowd.record != MAP_FAILED);
	srand((unsigned)getpid());
	for (int i = 0; i < PRODUCERS; i++)
		start_producer(&crowd, i);
	for (int i = 0; i < CONSUMERS; i++)
		start_consumer(&crowd, i);
	kill_some(&crowd, check_rounds(200));
	/* Where all were killed before they came to it, those who are left make up for them. */
	while (count_put(&crowd) <= 100)
		usleep(1000);
	for (int i = 0; i < PRODUCERS; i++)
		kill_one(crowd.producers[i]);
	weft_queue_close(crowd.queue);
	for (int i = 0; i < CONSUMERS; i++) {
		CHECK_INT(waitpid(crowd.consumers[i], &status, 0), ==, crowd.consumers[i]);
		CHECK(WIFEXITED(status));
	}
	count_up(&crowd);
	weft_queue_free(crowd.queue);
	CHECK_ERRNO(weft_segment_unlink(crowd.name), ENOENT);
	CHECK_INT(descriptors(), ==, before);
}

CHECK_MAIN()
