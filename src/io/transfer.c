/*
 * transfer.c - the transfers under way, in the order in which they began (weft/transfer.h).
 *
 * One lock guards the list; a transfer takes it when it begins and ends, never on its way.
 *
 * Processes that were forked by the one that made the list put theirs into slots of memory that all
 * of them share; a slot is one process's at a time:
 *
 *	free --(compare and swap of its process)--> being filled --is_ready--> seen by who looks
 *	  ^------------------------------------------------------------------- at its end
 *
 * Of a process that is gone the slots are freed by who looks.
 *
 * Never: a lock that a forked process could have inherited while it was held.
 */
#include "weft/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/list.h"

/** Of forked processes, all together; more are not seen. */
#define SLOTS 4096

struct slot {
	_Atomic pid_t process; /* whose it is; 0: nobody's */
	atomic_bool is_ready;
	_Atomic uint64_t serial; /* of its uses: another one, and what was read is not believed */
	_Atomic int64_t bytes;
	int64_t began_ns;
	struct weft_transfer_facts facts;
};

/* A page of it exists once it is used, so nobody looks beyond what has been. */
struct shared {
	_Atomic uint64_t next_id;
	_Atomic unsigned used; /* slots that have ever been used are below this */
	struct slot slots[SLOTS];
};

struct weft_transfers {
	pthread_mutex_t lock;
	struct weft_list under_way; /* the oldest first; of this process */
	size_t count;
	pid_t process; /* that made it; all others use slots */
	struct shared *shared;
};

struct weft_transfer {
	struct weft_list_node in_transfers;
	struct weft_transfers *transfers;
	struct slot *slot; /* NULL: it is in the list */
	int64_t began_ns;
	_Atomic int64_t bytes;
	struct weft_transfer_facts facts;
};

struct weft_transfers *weft_transfers_new(void)
{
	struct weft_transfers *transfers = calloc(1, sizeof(*transfers));

	if (!transfers)
		return NULL;
	transfers->shared = mmap(NULL, sizeof(*transfers->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (transfers->shared == MAP_FAILED) {
		free(transfers);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&transfers->lock, NULL);
	weft_list_init(&transfers->under_way);
	transfers->process = getpid();
	atomic_store(&transfers->shared->next_id, 1);
	return transfers;
}

void weft_transfers_free(struct weft_transfers *transfers)
{
	if (!transfers)
		return;
	pthread_mutex_destroy(&transfers->lock);
	munmap(transfers->shared, sizeof(*transfers->shared));
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

/* ---- Slots ----------------------------------------------------------------------------------- */

/* That it is freed is between the two values of its process: of several who look, one does it. */
#define BEING_FREED ((pid_t)-1)

static void free_slot(struct slot *slot, pid_t process)
{
	if (!atomic_compare_exchange_strong(&slot->process, &process, BEING_FREED))
		return;
	atomic_store_explicit(&slot->is_ready, false, memory_order_release);
	atomic_fetch_add(&slot->serial, 1);
	atomic_store(&slot->process, 0);
}

static struct slot *take_slot(struct shared *shared, pid_t process)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &shared->slots[i];
		unsigned used = atomic_load(&shared->used);
		pid_t nobody = 0;

		if (!atomic_compare_exchange_strong(&slot->process, &nobody, process))
			continue;
		while (used <= i && !atomic_compare_exchange_weak(&shared->used, &used, i + 1))
			;
		return slot;
	}
	return NULL;
}

/* Into a slot, whole, before anybody sees it. */
static void show(struct weft_transfer *transfer, pid_t process)
{
	struct slot *slot = take_slot(transfer->transfers->shared, process);

	transfer->slot = slot;
	if (!slot)
		return;
	slot->began_ns = transfer->began_ns;
	slot->facts = transfer->facts;
	atomic_store_explicit(&slot->bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->is_ready, true, memory_order_release);
}

/* A copy of what is in a slot; false: there is nothing, or not any more. */
static bool read_slot(struct slot *slot, struct weft_transfer *ret)
{
	pid_t process = atomic_load(&slot->process);
	uint64_t serial = atomic_load(&slot->serial);

	if (process <= 0)
		return false;
	if (kill(process, 0) < 0 && errno == ESRCH) {
		free_slot(slot, process);
		return false;
	}
	if (!atomic_load_explicit(&slot->is_ready, memory_order_acquire))
		return false;
	ret->began_ns = slot->began_ns;
	ret->facts = slot->facts;
	atomic_store_explicit(&ret->bytes, atomic_load_explicit(&slot->bytes, memory_order_relaxed),
		memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&slot->serial) == serial;
}

/* ---- Beginning and ending -------------------------------------------------------------------- */

static void list_it(struct weft_transfer *transfer)
{
	struct weft_transfers *transfers = transfer->transfers;

	pthread_mutex_lock(&transfers->lock);
	transfers->count++;
	weft_list_push_back(&transfers->under_way, &transfer->in_transfers);
	pthread_mutex_unlock(&transfers->lock);
}

struct weft_transfer *weft_transfer_begin(
	struct weft_transfers *transfers, const struct weft_transfer_options *options)
{
	pid_t process = getpid();
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
	facts->id = atomic_fetch_add(&transfers->shared->next_id, 1);
	if (process == transfers->process)
		list_it(transfer);
	else
		show(transfer, process);
	return transfer;
}

void weft_transfer_at(struct weft_transfer *transfer, int64_t bytes)
{
	if (!transfer)
		return;
	atomic_store_explicit(transfer->slot ? &transfer->slot->bytes : &transfer->bytes, bytes,
		memory_order_relaxed);
}

static void unlist(struct weft_transfer *transfer)
{
	struct weft_transfers *transfers = transfer->transfers;

	pthread_mutex_lock(&transfers->lock);
	weft_list_remove(&transfer->in_transfers);
	transfers->count--;
	pthread_mutex_unlock(&transfers->lock);
}

void weft_transfer_end(struct weft_transfer *transfer)
{
	int saved = errno;

	if (!transfer)
		return;
	if (transfer->slot)
		free_slot(transfer->slot, getpid());
	else if (getpid() == transfer->transfers->process)
		unlist(transfer);
	free(transfer);
	errno = saved;
}

/* ---- By who looks ---------------------------------------------------------------------------- */

static int64_t bytes_of(struct weft_transfer *transfer)
{
	return atomic_load_explicit(&transfer->bytes, memory_order_relaxed);
}

static struct weft_transfer_facts facts_of(struct weft_transfer *transfer, int64_t now)
{
	struct weft_transfer_facts facts = transfer->facts;

	facts.bytes = bytes_of(transfer);
	if (facts.total >= 0 && facts.bytes > facts.total)
		facts.total = facts.bytes;
	facts.age_ns = now > transfer->began_ns ? now - transfer->began_ns : 0;
	return facts;
}

/* What has been put in so far, and room for more. */
struct listing {
	struct weft_transfer_facts *list;
	size_t count, room;
	int64_t now;
};

static void put(struct listing *listing, struct weft_transfer *transfer)
{
	if (listing->count < listing->room)
		listing->list[listing->count++] = facts_of(transfer, listing->now);
}

static int compare(const void *a, const void *b)
{
	const struct weft_transfer_facts *first = a, *second = b;

	return first->id < second->id ? -1 : first->id > second->id;
}

/* Those of forked processes, and then all of them in order. */
static void add_slots(struct listing *listing, struct shared *shared, unsigned used)
{
	struct weft_transfer transfer;

	for (unsigned i = 0; i < used; i++)
		if (read_slot(&shared->slots[i], &transfer))
			put(listing, &transfer);
	if (used > 0)
		qsort(listing->list, listing->count, sizeof(*listing->list), compare);
}

ssize_t weft_transfers_list(struct weft_transfers *transfers, size_t max,
	struct weft_transfer_facts **ret_list, size_t *ret_left_out)
{
	unsigned used = atomic_load(&transfers->shared->used);
	struct listing listing = {.now = weft_now()};
	size_t count;

	pthread_mutex_lock(&transfers->lock);
	/* All of them where some come from slots: which are the oldest is known at the end. */
	listing.room = used > 0 || transfers->count < max ? transfers->count + used : max;
	count = transfers->count;
	listing.list = malloc((listing.room + 1) * sizeof(*listing.list));
	weft_list_each (node, &transfers->under_way) {
		if (!listing.list || listing.count == listing.room)
			break;
		put(&listing, weft_container_of(node, struct weft_transfer, in_transfers));
	}
	pthread_mutex_unlock(&transfers->lock);
	if (!listing.list)
		return -1;
	add_slots(&listing, transfers->shared, used);
	if (used > 0)
		count = listing.count;
	if (listing.count > max)
		listing.count = max;
	if (ret_left_out)
		*ret_left_out = count - listing.count;
	*ret_list = listing.list;
	return (ssize_t)listing.count;
}

void weft_transfers_list_free(struct weft_transfer_facts *list)
{
	free(list);
}

static void add(struct weft_transfers_sums *sums, struct weft_transfer *transfer)
{
	sums->count++;
	if (transfer->facts.is_upload)
		sums->received_bytes += (uint64_t)bytes_of(transfer);
	else
		sums->sent_bytes += (uint64_t)bytes_of(transfer);
}

void weft_transfers_sum(struct weft_transfers *transfers, struct weft_transfers_sums *ret_sums)
{
	unsigned used = atomic_load(&transfers->shared->used);
	struct weft_transfers_sums sums = {.count = 0};
	struct weft_transfer transfer;

	pthread_mutex_lock(&transfers->lock);
	weft_list_each (node, &transfers->under_way)
		add(&sums, weft_container_of(node, struct weft_transfer, in_transfers));
	pthread_mutex_unlock(&transfers->lock);
	for (unsigned i = 0; i < used; i++)
		if (read_slot(&transfers->shared->slots[i], &transfer))
			add(&sums, &transfer);
	*ret_sums = sums;
}
