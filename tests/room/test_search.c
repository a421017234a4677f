/*
 * test_search.c - how much a page of what is found may cost.
 */
#include "room/world.h"

#define SAID 700

struct found {
	unsigned last, count;
};

/* "knot 17 interwoven": each once, the newest first. */
static int take(const struct weft_room_event *event, void *arg)
{
	struct found *found = arg;
	unsigned number = 0;

	CHECK_INT(sscanf(event->text, "knot %u interwoven", &number), ==, 1);
	CHECK_INT(number, <, found->last);
	found->last = number;
	found->count++;
	return 0;
}

/* Returns how many pages it took. */
static int search_all(struct weft_room_client *client, const char *text, unsigned count)
{
	struct weft_room_search search = {.text = text, .limit = 500};
	struct found found = {.last = SAID};
	int pages = 0;

	do {
		int64_t next = weft_room_search(client, &search, take, &found);

		CHECK_INT(next, >=, 0);
		CHECK(next == 0 || search.before == 0 || next < search.before);
		search.before = next;
		pages++;
	} while (search.before > 0);
	CHECK_INT(found.count, ==, count);
	return pages;
}

static void say_all(struct weft_room_client *client)
{
	static const char *const rooms[] = {"lobby", "den", "lobby"};
	char text[64];

	for (int i = 0; i < SAID; i++) {
		snprintf(text, sizeof text, "knot %d interwove%s", i, i % 7 ? "" : "n");
		CHECK_INT(world_post(client, rooms[i % 3], NULL, text), ==, 0);
		if (i % 64 == 0)
			world_taken(client);
	}
	CHECK_INT(weft_room_settle(client), ==, 0);
}

CHECK_CASE(a_page_that_has_had_its_time_goes_on_later_and_nothing_is_left_out)
{
	/* What is searched for begins as all do; the index is no help with the other. */
	static const char *const texts[] = {"interwoven", "en ot"};
	const struct weft_room_join_options makes = {.makes = true};
	struct weft_room_client *mia;

	for (int64_t search_ns = 0; search_ns < 2; search_ns++) {
		world_open_with((struct weft_rooms_options){.search_ns = search_ns});
		mia = world_in_lobby(world_account(1, "mia"));
		CHECK_INT(weft_room_join(mia, "den", &makes, NULL), ==, 0);
		if (search_ns == 0)
			say_all(mia);
		for (int i = 0; i < 2; i++) {
			int pages = search_all(mia, texts[i], (SAID + 6) / 7);

			CHECK_INT(pages, >=, search_ns ? 4 : 1);
			CHECK_INT(pages, <=, search_ns ? 20 : 1);
		}
		weft_room_exit(mia);
		world_close();
	}
}

CHECK_MAIN()
