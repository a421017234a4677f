/*
 * pool_worker.c - a worker of a pool: it does what it is sent, one by one, to the end.
 *
 * It is the child of a fork, on the only thread there. Its parent's pools are foreign there.
 *
 * Must never: begin what it could not claim.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/pool.h"

/** A reply of a chunk this long is a message too long: its rest fails. */
#define REPLY_SLACK ((size_t)1 << 20)

struct worker {
	struct weft_pool *pool;
	struct weft__pool_slot *slot;
	struct weft__wire wire;
	struct weft_buf reply, result;
};

/* The socket blocks, and there is nothing else to do. */
static int64_t perform(struct weft__op *op)
{
	int64_t result;

	do
		result = op->kind == WEFT__OP_SENDMSG ? sendmsg(op->fd, op->data, op->flags)
						      : recvmsg(op->fd, op->data, op->flags);
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
	weft_buf_clear(&worker->result);
	errno = 0;
	if (fn(data, len, &worker->result) == 0)
		return 0;
	weft_buf_clear(&worker->result);
	return errno ? errno : EIO;
}

/* False: no memory, not even for that. */
static bool put_outcome(struct worker *worker, int error)
{
	struct weft_buf *result = &worker->result;
	struct weft__pool_outcome outcome = {.len = weft_buf_len(result), .error = error};

	if (weft_buf_reserve(&worker->reply, sizeof outcome + weft_buf_len(result))) {
		weft_buf_append(&worker->reply, &outcome, sizeof outcome);
		weft_buf_append(&worker->reply, weft_buf_data(result), weft_buf_len(result));
		return true;
	}
	outcome = (struct weft__pool_outcome){.error = errno};
	return weft_buf_append(&worker->reply, &outcome, sizeof outcome) == 0;
}

/* False: the memory is out. */
static bool do_items(
	struct worker *worker, const struct weft__pool_request *request, const char *at)
{
	weft_pool_fn *fn = worker->pool->calls[request->call].fn;

	for (uint32_t i = 0; i < request->count; i++) {
		uint64_t len;
		int error;

		memcpy(&len, at, sizeof len);
		at += sizeof len;
		atomic_store(&worker->slot->item, i);
		error = call(worker, fn, at, (size_t)len);
		if (!put_outcome(worker, error))
			return false;
		at += len;
	}
	return true;
}

static bool do_task(struct worker *worker, const struct weft_pipe_message *message)
{
	struct weft__pool_request request;
	struct weft__pool_reply head;
	struct weft_pipe_message reply;

	memcpy(&request, message->data, sizeof request);
	if (!claim(worker, request.number))
		return true;
	head = (struct weft__pool_reply){.number = request.number, .count = request.count};
	weft_buf_clear(&worker->reply);
	if (weft_buf_append(&worker->reply, &head, sizeof head) < 0 ||
		!do_items(worker, &request, (const char *)message->data + sizeof request))
		return false;
	reply = (struct weft_pipe_message){
		.data = weft_buf_data(&worker->reply), .len = weft_buf_len(&worker->reply)};
	return weft__wire_send(&worker->wire, &reply, waiting) == 0;
}

int weft__pool_worker_main(void *arg)
{
	struct weft__pool_birth *birth = arg;
	const struct weft_pool_options *options = &birth->pool->options;
	struct worker worker = {.pool = birth->pool, .slot = birth->worker->slot};
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
