/*
 * sem.c - counting semaphores (include/weft/sem.h).
 *
 * Must never: have a free permit while somebody waits.
 */
#include "weft/sem.h"

#include "sync/gate.h"

int weft_sem_init(struct weft_sem *sem, uint32_t permits, const char *name)
{
	if (permits > WEFT_SEM_MAX)
		return weft__sync_fail(EINVAL);
	*sem = (struct weft_sem){.permits = permits, .name = name};
	return 0;
}

/* Others look at the count without the gate. */
static inline void set_permits(struct weft_sem *sem, uint32_t permits)
{
	__atomic_store_n(&sem->permits, permits, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) int acquire_slow(struct weft_sem *sem)
{
	struct weft__place self;
	int code;

	weft__place_init(&self, WEFT__WAIT_SEM, sem);
	weft__waitlist_push_back(&sem->waiters, &self.node);
	weft__gate_leave(&sem->gate);
	code = weft__node_wait(&sem->gate, &sem->waiters, &self.node);
	return code ? weft__sync_fail(code) : 0;
}

int weft_sem_acquire(struct weft_sem *sem)
{
	int code = weft__sync_begin(weft__worker);

	if (WEFT__UNLIKELY(code))
		return weft__sync_fail(code);
	weft__gate_enter(&sem->gate);
	if (WEFT__UNLIKELY(!sem->permits))
		return acquire_slow(sem);
	set_permits(sem, sem->permits - 1);
	weft__gate_leave(&sem->gate);
	return 0;
}

int weft_sem_try_acquire(struct weft_sem *sem)
{
	bool is_free;

	weft__gate_enter(&sem->gate);
	is_free = sem->permits > 0;
	if (is_free)
		set_permits(sem, sem->permits - 1);
	weft__gate_leave(&sem->gate);
	return is_free ? 0 : weft__sync_fail(EAGAIN);
}

int weft_sem_release(struct weft_sem *sem, uint32_t count)
{
	struct weft__wakes wakes = {0};
	struct weft__node *node;
	bool fits;

	weft__gate_enter(&sem->gate);
	fits = count <= WEFT_SEM_MAX - sem->permits;
	if (fits) {
		for (; count > 0 && (node = weft__waitlist_pop(&sem->waiters)); count--)
			weft__wakes_add(&wakes, node);
		set_permits(sem, sem->permits + count);
	}
	weft__gate_leave(&sem->gate);
	weft__wake_all(wakes.first);
	return fits ? 0 : weft__sync_fail(EOVERFLOW);
}

uint32_t weft_sem_count(const struct weft_sem *sem)
{
	return __atomic_load_n(&sem->permits, __ATOMIC_RELAXED);
}
