/*
 * test_owner.c - who stored a file, which is kept with it; who is credited when it goes.
 */
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files/files.h"
#include "files/house.h"
#include "files/owner.h"
#include "weft/event.h"
#include "weft/fiber.h"

#define MIA "#1.100"
#define BEN "#2.100"

static const struct weft_files_put_options replaces = {.may_replace = true};
static const struct weft_files_put_options appends = {.appends = true};

/* What two people are reckoned to use. */
static struct account {
	const char *owner;
	int64_t quota, used, reserved;
} mia = {MIA, 1000, 0, 0}, ben = {BEN, 1000, 0, 0};
static int strays; /* credits of others */

static int reserve(void *arg, int64_t bytes)
{
	struct account *account = arg;

	if (account->used + account->reserved + bytes > account->quota) {
		errno = EDQUOT;
		return -1;
	}
	account->reserved += bytes;
	return 0;
}

static void settle(void *arg, int64_t reserved, int64_t used)
{
	struct account *account = arg;

	account->reserved -= reserved;
	account->used += used;
}

static void note_freed(void *arg, const char *owner, int64_t bytes)
{
	struct account *account = strcmp(owner, MIA) == 0   ? &mia
				  : strcmp(owner, BEN) == 0 ? &ben
							    : NULL;

	CHECK(arg == &strays && bytes > 0);
	if (account)
		account->used -= bytes;
	else
		strays++;
}

static const struct weft_files_visitor as_mia = {.name = "mia",
	.owner = MIA,
	.rights = WEFT_FILES_ALL,
	.reserve = reserve,
	.settle = settle,
	.arg = &mia};
static const struct weft_files_visitor as_ben = {.name = "ben",
	.owner = BEN,
	.rights = WEFT_FILES_ALL,
	.reserve = reserve,
	.settle = settle,
	.arg = &ben};
static const struct weft_files_visitor stranger = {.rights = WEFT_FILES_ALL};

static void open_house(void)
{
	house_open(&(struct weft_files_options){.freed = note_freed, .arg = &strays});
}

#define CHECK_USED(of_mia, of_ben)                 \
	do {                                       \
		CHECK_INT(mia.used, ==, (of_mia)); \
		CHECK_INT(ben.used, ==, (of_ben)); \
		CHECK_INT(mia.reserved, ==, 0);    \
		CHECK_INT(ben.reserved, ==, 0);    \
		CHECK_INT(strays, ==, 0);          \
	} while (0)

static const char *owner_of(const char *path)
{
	static char text[64];
	ssize_t len = getxattr(place(path), WEFT__OWNER_ATTRIBUTE, text, sizeof(text) - 1);

	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static int move_over(const struct weft_files_visitor *visitor, const char *from, const char *to)
{
	return weft_files_move(house, visitor,
		&(struct weft_files_move){from, to, .may_replace = true, NULL, NULL}, NULL);
}

CHECK_CASE(who_stored_a_file_is_credited_whoever_removes_or_replaces_it)
{
	open_house();
	CHECK_INT(house_put(&as_mia, "a", "12345"), ==, 0);
	CHECK_INT(house_put(&as_mia, "b", "123"), ==, 0);
	CHECK_STR(owner_of("a"), MIA);
	CHECK_USED(8, 0);
	CHECK_INT(house_put_with(&as_ben, "a", "1234567", &replaces), ==, 0);
	CHECK_STR(owner_of("a"), BEN);
	CHECK_USED(3, 7);
	CHECK_INT(weft_files_remove(house, &as_ben, "b", NULL), ==, 0);
	CHECK_USED(0, 7);
	CHECK_INT(weft_files_remove(house, &stranger, "a", NULL), ==, 0);
	CHECK_USED(0, 0);
}

CHECK_CASE(a_file_that_is_moved_keeps_its_owner_and_a_copy_has_its_own)
{
	open_house();
	CHECK_INT(house_put(&as_mia, "a", "12345"), ==, 0);
	CHECK_INT(house_put(&as_ben, "b", "123"), ==, 0);
	CHECK_INT(move_over(&as_ben, "a", "c"), ==, 0);
	CHECK_STR(owner_of("c"), MIA);
	CHECK_USED(5, 3);
	CHECK_INT(move_over(&as_mia, "c", "b"), ==, 0);
	CHECK_STR(owner_of("b"), MIA);
	CHECK_USED(5, 0);
	CHECK_INT(weft_files_copy(
			  house, &as_ben, &(struct weft_files_move){.from = "b", .to = "d"}, NULL),
		==, 0);
	CHECK_STR(owner_of("d"), BEN);
	CHECK_USED(5, 5);
}

CHECK_CASE(who_adds_to_anothers_file_takes_all_of_it_within_her_quota)
{
	open_house();
	ben.quota = 9;
	CHECK_INT(house_put(&as_mia, "a", "12345"), ==, 0);
	CHECK_FAILS(house_put_with(&as_ben, "a", "67890", &appends), EDQUOT);
	CHECK_USED(5, 0);
	CHECK_INT(house_put_with(&as_ben, "a", "6789", &appends), ==, 0);
	CHECK_USED(0, 9);
	/* Her own has room for what is added only. */
	ben.quota = 10;
	CHECK_INT(house_put_with(&as_ben, "a", "0", &appends), ==, 0);
	CHECK_USED(0, 10);
}

CHECK_CASE(what_has_no_owner_or_another_name_credits_nobody)
{
	open_house();
	place_write("old", "12345");
	CHECK_INT(house_put(&as_mia, "a", "12345"), ==, 0);
	CHECK_INT(link(place("a"), place("b")), ==, 0);
	CHECK_INT(house_put_with(&as_ben, "a", "1", &replaces), ==, 0);
	CHECK_INT(house_put_with(&as_ben, "old", "1", &replaces), ==, 0);
	CHECK_USED(5, 2);
	CHECK_INT(weft_files_remove(house, &as_ben, "b", NULL), ==, 0);
	CHECK_USED(0, 2);
	CHECK_INT(house_put(&stranger, "s", "12345"), ==, 0);
	CHECK_STR(owner_of("s"), "");
	CHECK_INT(weft_files_remove(house, &as_mia, "s", NULL), ==, 0);
	CHECK_USED(0, 2);
}

static struct weft_files_upload *begin_upload(const char *path, const char *text)
{
	const struct weft_files_upload_options options = {.len = 5, .may_replace = true};
	struct weft_files_upload *upload = weft_files_upload_create(house, &as_mia, path, &options);

	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_write(upload, text, strlen(text)), ==, 0);
	return upload;
}

CHECK_CASE(an_upload_is_its_owners_whatever_her_name_is_and_credits_whose_file_it_replaces)
{
	const struct weft_files_visitor renamed = {.name = "maria",
		.owner = MIA,
		.rights = WEFT_FILES_ALL,
		.reserve = reserve,
		.settle = settle,
		.arg = &mia};
	const struct weft_files_visitor heir = {
		.name = "mia", .owner = "#3.300", .rights = WEFT_FILES_ALL};
	struct weft_files_upload *upload;

	open_house();
	CHECK_INT(house_put(&as_ben, "a", "123"), ==, 0);
	weft_files_upload_close(begin_upload("a", "12"));
	CHECK_USED(2, 3);
	CHECK_NULL(weft_files_upload_find(house, &heir, "a"), ENOENT);
	upload = weft_files_upload_find(house, &renamed, "a");
	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_write(upload, "345", 3), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, &replaces, NULL), ==, 0);
	CHECK_STR(owner_of("a"), MIA);
	CHECK_USED(5, 0);
}

static struct weft_files_owned seen[4];
static int seen_count;

static int see(const struct weft_files_owned *owned, void *arg)
{
	(void)arg;
	CHECK_INT(seen_count, <, 4);
	seen[seen_count] = *owned;
	seen[seen_count++].owner = owned->owner[0] ? strdup(owned->owner) : "";
	return 0;
}

static const struct weft_files_owned *seen_of(const char *owner)
{
	static const struct weft_files_owned none;

	for (int i = 0; i < seen_count; i++)
		if (strcmp(seen[i].owner, owner) == 0)
			return &seen[i];
	return &none;
}

CHECK_CASE(all_files_and_uploads_are_counted_by_owner)
{
	struct weft_files_upload *upload;

	open_house();
	CHECK_INT(weft_files_owners(house, see, NULL), ==, 0);
	CHECK_INT(seen_count, ==, 0);
	CHECK_INT(weft_files_mkdir(house, &as_mia, "sub"), ==, 0);
	CHECK_INT(house_put(&as_mia, "sub/a", "12345"), ==, 0);
	CHECK_INT(house_put(&as_ben, "b", "123"), ==, 0);
	CHECK_INT(rename(place("b"), place("sub/.hidden")), ==, 0);
	CHECK_INT(link(place("sub/.hidden"), place("sub/c")), ==, 0);
	place_write("old", "1234567");
	upload = begin_upload("u", "12");
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	CHECK_INT(weft_files_owners(house, see, NULL), ==, 0);
	CHECK_INT(seen_of(MIA)->bytes, ==, 7);
	CHECK_INT(seen_of(MIA)->files, ==, 1);
	CHECK(seen_of(MIA)->is_busy);
	CHECK_INT(seen_of(BEN)->bytes, ==, 2); /* two halves of three */
	CHECK(!seen_of(BEN)->is_busy);
	CHECK_INT(seen_of("")->bytes, ==, 7);
	weft_files_upload_close(upload);
}

/* ---- While files are changed --------------------------------------------------------------- */

static struct weft_event settling, may_settle;

static void settle_late(void *arg, int64_t reserved, int64_t used)
{
	weft_event_set(&settling);
	CHECK_INT(weft_event_wait(&may_settle), ==, 0);
	settle(arg, reserved, used);
}

static int put_late(void *arg)
{
	struct weft_files_visitor late = as_mia;

	(void)arg;
	late.settle = settle_late;
	return house_put(&late, "late", "12345");
}

static int see_settled(const struct weft_files_owned *owned, void *arg)
{
	CHECK_STR(owned->owner, MIA);
	*(int64_t *)arg = owned->bytes;
	CHECK_INT(mia.used, ==, owned->bytes);
	return 0;
}

struct late_count {
	int result, code;
	int64_t bytes;
};

static int count_late(void *arg)
{
	struct late_count *count = arg;

	count->result = weft_files_owners(house, see_settled, &count->bytes);
	count->code = errno;
	return 0;
}

/* Something of mia's is there, and not charged yet, while it is counted; moves what is there. */
static struct late_count count_while_it_is_late(bool moves)
{
	struct late_count count = {.result = 0};
	unsigned turn = atomic_load(&house->changes.turn);
	weft_fiber_id putting, counting;

	weft_event_init(&settling, "settling");
	weft_event_init(&may_settle, "may settle");
	putting = weft_spawn(put_late, NULL);
	CHECK_INT(weft_event_wait(&settling), ==, 0);
	counting = weft_spawn(count_late, &count);
	/* All files were looked at by then. */
	while (atomic_load(&house->changes.turn) == turn)
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
	if (moves)
		CHECK_INT(move_over(&as_mia, "first", "second"), ==, 0);
	weft_event_set(&may_settle);
	CHECK_INT(weft_join(counting, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_join(putting, NULL, WEFT_FOREVER), ==, 0);
	return count;
}

static int count_twice(void *arg)
{
	struct late_count count;

	(void)arg;
	open_house();
	CHECK_INT(house_put(&as_mia, "first", "12"), ==, 0);
	count = count_while_it_is_late(false);
	CHECK_INT(count.result, ==, 0);
	CHECK_INT(count.bytes, ==, 7);
	mia.used -= 5;
	CHECK_INT(unlink(place("late")), ==, 0);
	count = count_while_it_is_late(true);
	CHECK_INT(count.result, ==, -1);
	CHECK_INT(count.code, ==, EAGAIN);
	/* What is refused moves nothing. */
	CHECK_ERRNO(move_over(&as_mia, "nothing", "second"), ENOENT);
	CHECK_INT(weft_files_owners(house, see_settled, &count.bytes), ==, 0);
	return 0;
}

CHECK_CASE(what_was_seen_is_settled_when_it_is_told_and_what_moves_is_counted_again)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, count_twice, NULL), ==, 0);
}

static int64_t all_bytes;

static int add_bytes(const struct weft_files_owned *owned, void *arg)
{
	(void)arg;
	all_bytes += owned->bytes;
	return 0;
}

CHECK_CASE(copies_without_a_name_and_those_that_were_given_up_were_never_charged)
{
	open_house();
	CHECK_INT(house_put(&as_mia, "a", "12345"), ==, 0);
	CHECK_INT(mkdir(place(".weft-trash"), 0700), ==, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const kinds[] = {"c-", "x-", "d-"};
		char name[64];

		snprintf(name, sizeof name, ".weft-trash/%s%032d", kinds[i], i);
		CHECK_INT(mkdir(place(name), 0700), ==, 0);
		snprintf(name, sizeof name, ".weft-trash/%s%032d/b", kinds[i], i);
		place_write(name, i == 2 ? "1" : "12345678");
	}
	CHECK_INT(weft_files_owners(house, add_bytes, NULL), ==, 0);
	CHECK_INT(all_bytes, ==, 6);
}

/* /proc keeps no attributes. */
CHECK_CASE(without_attributes_a_file_is_put_all_the_same_and_who_removes_it_is_credited)
{
	int fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);
	struct weft__owner owner;
	struct weft__gone gone = {.bytes = 5};

	open_house();
	CHECK(fd >= 0);
	CHECK_INT(weft__owner_set(fd, MIA), ==, 0);
	owner = weft__owner_of(fd);
	CHECK(!owner.is_told);
	CHECK(weft__owner_is(&owner, &as_ben) && weft__owner_is(&owner, &stranger));
	gone.owner = owner;
	CHECK_INT(weft__gone_credit(house, &as_ben, &gone), ==, 5);
	close(fd);
}

CHECK_MAIN()
