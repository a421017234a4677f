/*
 * describe.c - what the objects of this floor are, in words, for weft_dump() and the search
 * for deadlocks (src/fiber/dump.h).
 *
 * Must never: enter a gate. The object may be in use, or in a broken program even gone.
 */
#include "fiber/dump.h"
#include "sync/chan.h"
#include "weft/event.h"
#include "weft/group.h"
#include "weft/lock.h"
#include "weft/sem.h"

#define READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static void print(FILE *out, const char *what, const char *name, const void *object)
{
	if (name)
		fprintf(out, "%s \"%.40s\"", what, name);
	else
		fprintf(out, "%s %p", what, object);
}

static void chan_print(const struct weft_chan *chan, FILE *out)
{
	print(out, "channel", chan->name, chan);
	if (chan->capacity > 0)
		fprintf(out, " of %zu items, %zu in it", chan->capacity,
			READ(chan->ring.tail) - READ(chan->ring.head));
}

static void describe(enum weft__wait_kind kind, const void *object, FILE *out)
{
	switch (kind) {
	case WEFT__WAIT_LOCK:
		print(out, "lock", ((const struct weft_lock *)object)->name, object);
		break;
	case WEFT__WAIT_RWLOCK:
		print(out, "read-write lock", ((const struct weft_rwlock *)object)->name, object);
		fprintf(out, ", %u readers", READ(((const struct weft_rwlock *)object)->readers));
		break;
	case WEFT__WAIT_COND:
		print(out, "condition", ((const struct weft_cond *)object)->name, object);
		break;
	case WEFT__WAIT_EVENT:
		print(out, "event", ((const struct weft_event *)object)->name, object);
		break;
	case WEFT__WAIT_SEM:
		print(out, "semaphore", ((const struct weft_sem *)object)->name, object);
		break;
	case WEFT__WAIT_BARRIER:
		print(out, "barrier", ((const struct weft_barrier *)object)->name, object);
		fprintf(out, ", %u of %u are there",
			READ(((const struct weft_barrier *)object)->arrived),
			READ(((const struct weft_barrier *)object)->parties));
		break;
	case WEFT__WAIT_GROUP:
		print(out, "group", ((const struct weft_group *)object)->name, object);
		fprintf(out, ", %u to go", READ(((const struct weft_group *)object)->count));
		break;
	case WEFT__WAIT_CHAN_SEND:
	case WEFT__WAIT_CHAN_RECV:
		chan_print(object, out);
		break;
	default:
		fprintf(out, "%p", object);
	}
}

/* A thread that owns a lock is no fiber: its number is below any fiber's. */
static weft_fiber_id owner(enum weft__wait_kind kind, const void *object)
{
	uint64_t id = 0;

	if (kind == WEFT__WAIT_LOCK)
		id = READ(((const struct weft_lock *)object)->owner);
	else if (kind == WEFT__WAIT_RWLOCK)
		id = READ(((const struct weft_rwlock *)object)->writer);
	else if (kind == WEFT__WAIT_ONCE)
		id = READ(((const struct weft_once *)object)->runner);
	return id >> 32 ? id : 0;
}

static const struct weft__object_ops ops = {describe, owner};

void weft__describe_install(void)
{
	weft__object_ops = &ops;
}
