/*
 * test_carry.c - whoever keeps something by path is told of what gets another, before and after.
 */
#include <stdarg.h>

#include "files/house.h"
#include "weft/files_carry.h"
#include "weft/files_trash.h"

static struct {
	char said[256]; /* what came, in order */
	int found, refuses;
} log_of;

static void say(const char *format, ...)
{
	size_t len = strlen(log_of.said);
	va_list list;

	va_start(list, format);
	vsnprintf(log_of.said + len, sizeof log_of.said - len, format, list);
	va_end(list);
}

static int is_there(const char *path)
{
	return access(place(path), F_OK) == 0;
}

static int asks(void *arg, const struct weft_files_carry *carry)
{
	(void)arg;
	say("?%s", carry->is_copy ? "c" : "");
	return log_of.found;
}

static int begin(void *arg, const struct weft_files_carry *carry, void **ret_state)
{
	(void)arg;
	say(" %s>%s %d%d", carry->from, carry->to, is_there(carry->from), is_there(carry->to));
	if (log_of.refuses) {
		errno = log_of.refuses;
		return -1;
	}
	*ret_state = strdup(carry->to);
	return 0;
}

static void end(void *arg, void *state, enum weft_files_carried how)
{
	(void)arg;
	say(" %d%d", is_there(state), (int)how);
	free(state);
}

static const struct weft_files_carrier carrier = {asks, begin, end};

#define CHECK_SAID(text)                      \
	do {                                  \
		CHECK_STR(log_of.said, text); \
		log_of.said[0] = '\0';        \
	} while (0)

static int move(const struct weft_files_visitor *visitor, const char *from, const char *to)
{
	return weft_files_move(
		house, visitor, &(struct weft_files_move){.from = from, .to = to}, NULL);
}

static void open_house(void)
{
	memset(&log_of, 0, sizeof log_of);
	house_open(&(struct weft_files_options){.carrier = &carrier});
	CHECK_INT(weft_files_mkdir(house, &all, "a"), ==, 0);
	CHECK_INT(house_put(&all, "a/x", "x"), ==, 0);
	log_of.found = 1;
}

CHECK_CASE(it_is_told_before_the_rename_and_after_it)
{
	static const struct weft_files_visitor at_home = {
		.name = "mia", .home = "b", .rights = WEFT_FILES_ALL};

	open_house();
	CHECK_INT(move(&all, "a", "//b/"), ==, 0);
	CHECK_SAID("? a>b 10 10");
	CHECK_INT(move(&at_home, "x", "y"), ==, 0);
	CHECK_SAID("? b/x>b/y 10 10");
	log_of.found = 0;
	CHECK_INT(move(&all, "b", "c"), ==, 0);
	CHECK_SAID("?");
}

CHECK_CASE(it_can_refuse_and_is_told_of_failures)
{
	open_house();
	CHECK_INT(weft_files_mkdir(house, &all, "b"), ==, 0);
	CHECK_FAILS(move(&all, "a", "b"), EEXIST);
	CHECK_SAID("? a>b 11 12");
	CHECK_FAILS(move(&all, "a", "b/c/d"), ENOENT);
	CHECK_SAID("? a>b/c/d 10 02");
	log_of.refuses = EIO;
	CHECK_FAILS(move(&all, "a", "c"), EIO);
	CHECK_SAID("? a>c 10");
	log_of.found = -1;
	errno = 0;
	CHECK(move(&all, "a", "c") < 0);
	CHECK_SAID("?");
	CHECK(is_there("a/x") && !is_there("c"));
	/* Nothing is held by those that failed. */
	log_of.refuses = 0;
	log_of.found = 1;
	CHECK_INT(move(&all, "a", "c"), ==, 0);
	CHECK_SAID("? a>c 10 10");
}

CHECK_CASE(a_name_that_is_found_by_turns_is_told_of_as_it_is)
{
	open_house();
	CHECK_INT(weft_files_mkdir(house, &all, "b"), ==, 0);
	CHECK_INT(
		weft_files_move(house, &all,
			&(struct weft_files_move){.from = "a", .to = "b", .is_unique = true}, NULL),
		==, 0);
	CHECK_SAID("? a>b 11 12? a>b (2) 10 10");
}

CHECK_CASE(copies_and_what_comes_out_of_the_trash_elsewhere_are_told_as_copies)
{
	char id[WEFT_FILES_TRASH_ID_SIZE];
	struct weft_files_restore restore = {.id = id};

	open_house();
	CHECK_INT(weft_files_copy_all(
			  house, &all, &(struct weft_files_move){.from = "a", .to = "b"}, NULL),
		==, 0);
	CHECK_SAID("?c a>b 10 10");
	CHECK_INT(weft_files_copy(
			  house, &all, &(struct weft_files_move){.from = "a/x", .to = "x"}, NULL),
		==, 0);
	CHECK_SAID("?c a/x>x 10 10");
	CHECK_INT(weft_files_trash(house, &all, "b", NULL, id), ==, 0);
	CHECK_INT(weft_files_trash_restore(house, &all, &restore, NULL), ==, 0);
	CHECK_SAID("");
	CHECK_INT(weft_files_trash(house, &all, "b", NULL, id), ==, 0);
	restore.to = "c";
	CHECK_INT(weft_files_trash_restore(house, &all, &restore, NULL), ==, 0);
	CHECK_SAID("?c b>c 00 10");
}

CHECK_CASE(what_stands_for_the_old_path_stays_while_the_trash_has_something_of_it)
{
	char id[WEFT_FILES_TRASH_ID_SIZE];

	open_house();
	CHECK_INT(weft_files_mkdir(house, &all, "ab"), ==, 0);
	CHECK_INT(weft_files_trash(house, &all, "ab", NULL, id), ==, 0);
	CHECK_INT(move(&all, "a", "b"), ==, 0);
	CHECK_SAID("? a>b 10 10");
	CHECK_INT(weft_files_trash(house, &all, "b/x", NULL, id), ==, 0);
	CHECK_INT(move(&all, "b", "c"), ==, 0);
	CHECK_SAID("? b>c 10 11");
	CHECK_INT(weft_files_trash_remove(house, &all, id), ==, 0);
	CHECK_INT(move(&all, "c", "b"), ==, 0);
	CHECK_SAID("? c>b 10 10");
}

CHECK_MAIN()
