/*
 * pool_worker.c - a worker of a pool: it does what it is sent, one by one, to the end.
 *
 * It is the child of a fork, on the only thread there. Its parent's pools are foreign there.
 *
 * Must never: begin what it could not claim.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/pool.h"
#include "weft/fiber.h"

/** What a reply has beside one result: parts are sent before that gets scarce. */
#define REPLY_SLACK ((size_t)1 << 20)

/** A part of a reply goes when it has so many bytes, or so much was worked for it. */
#define PART_SIZE ((size_t)64 * 1024)
#define PART_NS   WEFT_MILLISECONDS(2)

struct worker {
	struct weft_pool *pool;
	struct weft__pool_slot *slot;
	struct weft__wire wire;
	struct weft_buf reply, result;
	unsigned forks; /* weft__pool_forks of this process */
	int64_t sent_ns;
	uint32_t count; /* outcomes in the reply */
};

/* What a wire asks for. */
static ssize_t perform_once(const struct weft__op *op)
{
	switch (op->kind) {
	case WEFT__OP_SEND:
		return send(op->fd, op->data, op->len, op->flags);
	case WEFT__OP_SENDMSG:
		return sendmsg(op->fd, op->data, op->flags);
	case WEFT__OP_RECVMSG:
		return recvmsg(op->fd, op->data, op->flags);
	default:
		errno = EINVAL;
		return -1;
	}
}

/* The socket blocks, and there is nothing else to do. */
static int64_t perform(struct weft__op *op)
{
	int64_t result;

	do
		result = perform_once(op);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

static const struct weft__wire_how waiting = {perform, 0};

static bool claim(struct worker *worker, uint64_t number)
{
	uint64_t wanted = weft__pool_claim(number, WEFT__POOL_GIVEN);

	atomic_store(&worker->slot->item, 0);
	return atomic_compare_exchange_strong(&worker->slot->claims[number % WEFT__POOL_CLAIMS],
		&wanted, weft__pool_claim(number, WEFT__POOL_BEGUN));
}

/* The error of one item, whose result is in worker->result. */
static int call(struct worker *worker, weft_pool_fn *fn, const void *data, size_t len)
{
	int result;

	weft_buf_clear(&worker->result);
	errno = 0;
	result = fn(data, len, &worker->result);
	/* It has forked, and its child has come back, too: that one is no worker. */
	if (worker->forks != weft__pool_forks)
		_exit(1);
	if (result == 0)
		return 0;
	weft_buf_clear(&worker->result);
	return errno > 0 ? errno : EIO;
}

/* False: no memory, not even for that. */
static bool put_outcome(struct worker *worker, int error)
{
	struct weft_buf *result = &worker->result;
	struct weft__pool_outcome outcome = {.len = weft_buf_len(result), .error = error};
	static const char padding[8];
	size_t padded = weft__pool_padded(weft_buf_len(result));

	worker->count++;
	if (weft_buf_reserve(&worker->reply, sizeof outcome + padded)) {
		weft_buf_append(&worker->reply, &outcome, sizeof outcome);
		weft_buf_append(&worker->reply, weft_buf_data(result), weft_buf_len(result));
		weft_buf_append(&worker->reply, padding, padded - weft_buf_len(result));
		return true;
	}
	outcome = (struct weft__pool_outcome){.error = errno};
	return weft_buf_append(&worker->reply, &outcome, sizeof outcome) == 0;
}

/* ---- Replies --------------------------------------------------------------------------- */

/* False: the memory is out. */
static bool begin_reply(struct worker *worker)
{
	static const struct weft__pool_reply room;

	worker->count = 0;
	weft_buf_clear(&worker->reply);
	return weft_buf_append(&worker->reply, &room, sizeof room) == 0;
}

static bool send_reply(struct worker *worker, uint64_t number, bool is_last)
{
	struct weft__pool_reply head = {
		.number = number, .count = worker->count, .is_last = is_last};
	struct weft_pipe_message reply = {
		.data = weft_buf_data(&worker->reply), .len = weft_buf_len(&worker->reply)};

	assert(reply.data); /* begin_reply() */
	memcpy((void *)reply.data, &head, sizeof head);
	return weft__wire_send(&worker->wire, &reply, waiting) == 0;
}

/* What is done of many goes at times: so nobody waits for it longer than for the next one, and no
 * reply is longer than a message may be. */
static bool send_part(struct worker *worker, uint64_t number)
{
	int64_t now_ns = weft_now();

	if (weft_buf_len(&worker->reply) < PART_SIZE && now_ns - worker->sent_ns < PART_NS)
		return true;
	worker->sent_ns = now_ns;
	return send_reply(worker, number, false) && begin_reply(worker);
}

/* ---- Tasks ------------------------------------------------------------------------------- */

/* Whether the rest of its items is wanted. */
static bool is_wanted(const struct worker *worker, uint64_t number)
{
	return atomic_load(&worker->slot->claims[number % WEFT__POOL_CLAIMS]) ==
	       weft__pool_claim(number, WEFT__POOL_BEGUN);
}

/* False: the memory is out, or the pool is gone. */
static bool do_items(
	struct worker *worker, const struct weft__pool_request *request, const char *at)
{
	weft_pool_fn *fn = worker->pool->calls[request->call].fn;

	for (uint32_t i = 0; i < request->count; i++) {
		uint64_t len;
		int error;

		if (i > 0 && !send_part(worker, request->number))
			return false;
		if (i > 0 && !is_wanted(worker, request->number))
			break;
		memcpy(&len, at, sizeof len);
		at += sizeof len;
		atomic_store(&worker->slot->item, i);
		error = call(worker, fn, at, (size_t)len);
		if (!put_outcome(worker, error))
			return false;
		at += weft__pool_padded((size_t)len);
	}
	return send_reply(worker, request->number, true);
}

static bool do_task(struct worker *worker, const struct weft_pipe_message *message)
{
	struct weft__pool_request request;

	memcpy(&request, message->data, sizeof request);
	if (!claim(worker, request.number))
		return true;
	if (request.count > 1)
		worker->sent_ns = weft_now();
	return begin_reply(worker) &&
	       do_items(worker, &request, (const char *)message->data + sizeof request);
}

int weft__pool_worker_main(void *arg)
{
	struct weft__pool_birth *birth = arg;
	const struct weft_pool_options *options = &birth->pool->options;
	struct worker worker = {
		.pool = birth->pool, .slot = birth->worker->slot, .forks = weft__pool_forks};
	struct weft_pipe_message message;

	close(birth->parent_fd);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	sigaction(SIGHUP, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	weft__wire_init(&worker.wire, birth->fd, SIZE_MAX);
	weft_buf_init(&worker.reply, options->message_max + REPLY_SLACK);
	weft_buf_init(&worker.result, options->message_max);
	if (options->begin && options->begin(options->arg) != 0)
		return 1;
	atomic_store(&worker.slot->is_ready, 1);
	while (weft__wire_recv(&worker.wire, &message, waiting) > 0)
		if (!do_task(&worker, &message))
			return 1;
	return 0;
}
