/*
 * transfer.c - the transfers under way, in the order in which they began (weft/transfer.h).
 *
 * One lock guards the list; a transfer takes it when it begins and ends, never on its way.
 */
#include "weft/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/list.h"

struct weft_transfers {
	pthread_mutex_t lock;
	struct weft_list under_way; /* the oldest first */
	size_t count;
	uint64_t next_id;
};

struct weft_transfer {
	struct weft_list_node in_transfers;
	struct weft_transfers *transfers;
	int64_t began_ns;
	_Atomic int64_t bytes;
	struct weft_transfer_facts facts;
};

struct weft_transfers *weft_transfers_new(void)
{
	struct weft_transfers *transfers = calloc(1, sizeof(*transfers));

	if (!transfers)
		return NULL;
	pthread_mutex_init(&transfers->lock, NULL);
	weft_list_init(&transfers->under_way);
	transfers->next_id = 1;
	return transfers;
}

void weft_transfers_free(struct weft_transfers *transfers)
{
	if (!transfers)
		return;
	pthread_mutex_destroy(&transfers->lock);
	free(transfers);
}

/* ---- By who transfers ------------------------------------------------------------------------ */

/* Cut before a character that does not fit. */
static void copy(char *to, size_t size, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= size)
		for (len = size - 1; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	if (len > 0)
		memcpy(to, text, len);
	to[len] = '\0';
}

struct weft_transfer *weft_transfer_begin(
	struct weft_transfers *transfers, const struct weft_transfer_options *options)
{
	struct weft_transfer *transfer = calloc(1, sizeof(*transfer));
	struct weft_transfer_facts *facts;

	if (!transfer)
		return NULL;
	facts = &transfer->facts;
	transfer->transfers = transfers;
	transfer->began_ns = weft_now();
	facts->is_upload = options->is_upload;
	facts->total = options->total < 0 ? -1 : options->total;
	copy(facts->door, sizeof(facts->door), options->door);
	copy(facts->peer, sizeof(facts->peer), options->peer);
	copy(facts->person, sizeof(facts->person), options->person);
	copy(facts->what, sizeof(facts->what), options->what);
	pthread_mutex_lock(&transfers->lock);
	facts->id = transfers->next_id++;
	transfers->count++;
	weft_list_push_back(&transfers->under_way, &transfer->in_transfers);
	pthread_mutex_unlock(&transfers->lock);
	return transfer;
}

void weft_transfer_at(struct weft_transfer *transfer, int64_t bytes)
{
	if (transfer)
		atomic_store_explicit(&transfer->bytes, bytes, memory_order_relaxed);
}

void weft_transfer_end(struct weft_transfer *transfer)
{
	int saved = errno;

	if (!transfer)
		return;
	pthread_mutex_lock(&transfer->transfers->lock);
	weft_list_remove(&transfer->in_transfers);
	transfer->transfers->count--;
	pthread_mutex_unlock(&transfer->transfers->lock);
	free(transfer);
	errno = saved;
}

/* ---- By who looks ---------------------------------------------------------------------------- */

static int64_t bytes_of(struct weft_transfer *transfer)
{
	return atomic_load_explicit(&transfer->bytes, memory_order_relaxed);
}

ssize_t weft_transfers_list(struct weft_transfers *transfers, size_t max,
	struct weft_transfer_facts **ret_list, size_t *ret_left_out)
{
	int64_t now = weft_now();
	struct weft_transfer_facts *list;
	size_t count = 0;

	pthread_mutex_lock(&transfers->lock);
	if (max > transfers->count)
		max = transfers->count;
	list = malloc((max + 1) * sizeof(*list));
	weft_list_each (node, &transfers->under_way) {
		struct weft_transfer *transfer =
			weft_container_of(node, struct weft_transfer, in_transfers);

		if (!list || count == max)
			break;
		list[count] = transfer->facts;
		list[count].bytes = bytes_of(transfer);
		if (list[count].total >= 0 && list[count].bytes > list[count].total)
			list[count].total = list[count].bytes;
		list[count++].age_ns = now > transfer->began_ns ? now - transfer->began_ns : 0;
	}
	if (list && ret_left_out)
		*ret_left_out = transfers->count - count;
	pthread_mutex_unlock(&transfers->lock);
	if (!list)
		return -1;
	*ret_list = list;
	return (ssize_t)count;
}

void weft_transfers_list_free(struct weft_transfer_facts *list)
{
	free(list);
}

void weft_transfers_sum(struct weft_transfers *transfers, struct weft_transfers_sums *ret_sums)
{
	struct weft_transfers_sums sums = {.count = 0};

	pthread_mutex_lock(&transfers->lock);
	weft_list_each (node, &transfers->under_way) {
		struct weft_transfer *transfer =
			weft_container_of(node, struct weft_transfer, in_transfers);

		sums.count++;
		if (transfer->facts.is_upload)
			sums.received_bytes += (uint64_t)bytes_of(transfer);
		else
			sums.sent_bytes += (uint64_t)bytes_of(transfer);
	}
	pthread_mutex_unlock(&transfers->lock);
	*ret_sums = sums;
}
