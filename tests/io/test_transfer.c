/*
 * test_transfer.c - transfers under way, listed (include/weft/transfer.h).
 * check: tsan
 */
#include "weft/transfer.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static struct weft_transfer *begin(
	struct weft_transfers *transfers, const char *what, bool is_upload)
{
	struct weft_transfer *transfer =
		weft_transfer_begin(transfers, &(struct weft_transfer_options){.door = "ftp",
						       .peer = "10.0.0.2:4711",
						       .person = "mia",
						       .what = what,
						       .is_upload = is_upload,
						       .total = 1000});

	CHECK(transfer);
	return transfer;
}

CHECK_CASE(what_is_under_way_is_listed_the_oldest_first_until_it_ends)
{
	struct weft_transfers *transfers = weft_transfers_new();
	struct weft_transfer *first = begin(transfers, "/a", false);
	struct weft_transfer *second = begin(transfers, "/b", true);
	struct weft_transfers_sums sums;
	struct weft_transfer_facts *list;
	size_t left_out = 99;

	weft_transfer_at(first, 100);
	weft_transfer_at(second, 7);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, &left_out), ==, 2);
	CHECK_INT(left_out, ==, 0);
	CHECK_STR(list[0].what, "/a");
	CHECK_STR(list[0].door, "ftp");
	CHECK_STR(list[0].peer, "10.0.0.2:4711");
	CHECK_STR(list[0].person, "mia");
	CHECK_INT(list[0].bytes, ==, 100);
	CHECK_INT(list[0].total, ==, 1000);
	CHECK(!list[0].is_upload && list[1].is_upload);
	CHECK(list[0].id != list[1].id && list[0].age_ns >= 0);
	weft_transfers_list_free(list);
	weft_transfers_sum(transfers, &sums);
	CHECK_INT(sums.count, ==, 2);
	CHECK_INT(sums.sent_bytes, ==, 100);
	CHECK_INT(sums.received_bytes, ==, 7);
	CHECK_INT(weft_transfers_list(transfers, 1, &list, &left_out), ==, 1);
	CHECK_INT(left_out, ==, 1);
	weft_transfers_list_free(list);
	weft_transfer_end(first);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, NULL), ==, 1);
	CHECK_STR(list[0].what, "/b");
	weft_transfers_list_free(list);
	weft_transfer_end(second);
	weft_transfer_end(NULL);
	weft_transfer_at(NULL, 1);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, NULL), ==, 0);
	weft_transfers_list_free(list);
	weft_transfers_free(transfers);
	weft_transfers_free(NULL);
}

CHECK_CASE(texts_are_cut_between_characters)
{
	struct weft_transfers *transfers = weft_transfers_new();
	struct weft_transfer_facts *list;
	struct weft_transfer *transfer;
	char what[1001] = "";

	for (int i = 0; i < 500; i++)
		memcpy(what + (size_t)i * 2, "\xc3\xa4", 2);
	transfer = begin(transfers, what, false);
	CHECK_INT(weft_transfers_list(transfers, 1, &list, NULL), ==, 1);
	CHECK_INT(strlen(list[0].what), ==, 510);
	CHECK(memcmp(list[0].what, what, 510) == 0);
	weft_transfers_list_free(list);
	weft_transfer_end(transfer);
	weft_transfers_free(transfers);
}

static void *come_and_go(void *transfers)
{
	for (int i = 0; i < 500; i++) {
		struct weft_transfer *transfer = begin(transfers, "/x", i % 2);

		weft_transfer_at(transfer, i);
		weft_transfer_end(transfer);
	}
	return NULL;
}

CHECK_CASE(threads_come_and_go_while_somebody_looks)
{
	struct weft_transfers *transfers = weft_transfers_new();
	struct weft_transfer_facts *list;
	pthread_t threads[4];
	ssize_t count;

	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, come_and_go, transfers), ==, 0);
	for (int i = 0; i < 200; i++) {
		count = weft_transfers_list(transfers, 3, &list, NULL);
		CHECK(count >= 0 && count <= 3);
		for (ssize_t j = 0; j < count; j++)
			CHECK_STR(list[j].what, "/x");
		weft_transfers_list_free(list);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(weft_transfers_list(transfers, 3, &list, NULL), ==, 0);
	weft_transfers_list_free(list);
	weft_transfers_free(transfers);
}

/* ---- Other processes -------------------------------------------------------------------------
 */

/* A process that has one under way, and does what the byte says that comes: 'e': ends it. */
static pid_t fork_one(struct weft_transfers *transfers, const char *what, int order, int answer)
{
	pid_t process = fork();
	struct weft_transfer *transfer;
	char byte = 'b';

	CHECK(process >= 0);
	if (process > 0)
		return process;
	transfer = begin(transfers, what, true);
	weft_transfer_at(transfer, 70);
	CHECK_INT(write(answer, &byte, 1), ==, 1);
	CHECK_INT(read(order, &byte, 1), ==, 1);
	weft_transfer_end(transfer);
	_exit(0);
}

CHECK_CASE(those_of_forked_processes_are_seen_until_they_end_or_are_killed)
{
	struct weft_transfers *transfers = weft_transfers_new();
	struct weft_transfer *own = begin(transfers, "/own", false);
	struct weft_transfer_facts *list;
	struct weft_transfers_sums sums;
	int orders[2], answers[2];
	pid_t ends, dies;
	char byte;

	weft_transfer_at(own, 5);
	CHECK(pipe(orders) == 0 && pipe(answers) == 0);
	ends = fork_one(transfers, "/ends", orders[0], answers[1]);
	CHECK_INT(read(answers[0], &byte, 1), ==, 1);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, NULL), ==, 2);
	CHECK_STR(list[0].what, "/own");
	CHECK_STR(list[1].what, "/ends");
	CHECK_STR(list[1].person, "mia");
	CHECK_INT(list[1].bytes, ==, 70);
	CHECK(list[1].id != list[0].id && list[1].age_ns >= 0);
	weft_transfers_list_free(list);
	weft_transfers_sum(transfers, &sums);
	CHECK_INT(sums.count, ==, 2);
	CHECK_INT(sums.received_bytes, ==, 70);
	CHECK_INT(sums.sent_bytes, ==, 5);
	CHECK_INT(write(orders[1], "e", 1), ==, 1);
	CHECK_INT(waitpid(ends, NULL, 0), ==, ends);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, NULL), ==, 1);
	weft_transfers_list_free(list);
	dies = fork_one(transfers, "/dies", orders[0], answers[1]);
	CHECK_INT(read(answers[0], &byte, 1), ==, 1);
	weft_transfers_sum(transfers, &sums);
	CHECK_INT(sums.count, ==, 2);
	CHECK_INT(kill(dies, SIGKILL), ==, 0);
	CHECK_INT(waitpid(dies, NULL, 0), ==, dies);
	weft_transfers_sum(transfers, &sums);
	CHECK_INT(sums.count, ==, 1);
	weft_transfer_end(own);
	CHECK_INT(weft_transfers_list(transfers, 10, &list, NULL), ==, 0);
	weft_transfers_list_free(list);
	weft_transfers_free(transfers);
}

CHECK_MAIN()
