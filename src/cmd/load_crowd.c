/*
 * load_crowd.c - connections of `weft load` that are there beside those that are measured:
 * idle ones, and slow ones that dribble their requests.
 *
 * Entry points: weft__load_idle, weft__load_idle_close, weft__load_slow.
 * Never: a figure of theirs among the measured ones.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load_reply.h"
#include "weft/socket.h"

/** Of a slow connection that can't connect. */
#define PAUSE_NS WEFT_SECONDS(1)

/** Receive buffer of a slow reader: the kernel's own would read for him. */
#define SLOW_RECEIVE_BUFFER 4096

/* ---- Idle ----------------------------------------------------------------------------- */

/* Several do this at a time, and each ends when it can't connect: the others try on. */
int weft__load_idle(void *arg)
{
	struct load_start *start = arg;
	struct load *load = start->load;
	struct load_worker *worker = &load->workers[weft_worker_index()];
	unsigned index;

	free(start);
	while ((index = atomic_fetch_add(&load->idle_next, 1)) < load->idle) {
		int fd = weft__load_dial_in_turn(load);

		if (fd < 0) {
			if (errno != ECANCELED)
				weft__load_note(
					worker, weft_now(), LOAD_CONNECT, strerror(errno), NULL);
			break;
		}
		load->idle_fds[index] = fd;
		atomic_fetch_add(&load->idle_open, 1);
	}
	weft__load_opened(load);
	return 0;
}

/* They end with a reset: ten thousand ports in TIME_WAIT would be missing in the next run. */
void weft__load_idle_close(struct load *load)
{
	const struct linger reset = {.l_onoff = 1};
	char byte;

	for (unsigned i = 0; i < load->idle; i++) {
		int fd = load->idle_fds[i];

		if (fd < 0)
			continue;
		if (weft_recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0 || errno == EAGAIN)
			load->idle_left++;
		weft_setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		weft_close(fd);
	}
}

/* ---- Slow ----------------------------------------------------------------------------- */

struct slow {
	struct load *load;
	struct load_worker *worker;
	int fd;
	size_t chunk_len; /* moved at once */
	int64_t gap_ns;   /* before the next of them */
	struct load_reply reply;
	char buffer[LOAD_BUFFER_SIZE];
};

/* Over a thousand bytes a second the gaps stay a thousandth of one, and the chunks grow. */
static void set_pace(struct slow *slow)
{
	unsigned rate = slow->load->slow_rate;

	slow->chunk_len = rate <= 1000 ? 1 : rate / 1000;
	slow->gap_ns = rate <= 1000 ? WEFT_SECONDS(1) / rate : WEFT_MILLISECONDS(1);
}

static int open_slow(struct slow *slow)
{
	int size = SLOW_RECEIVE_BUFFER;

	slow->fd = weft__load_dial_in_turn(slow->load);
	if (slow->fd < 0)
		return -1;
	slow->worker->counts.opened++;
	if (slow->load->is_slow_read)
		weft_setsockopt(slow->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static int send_slowly(struct slow *slow)
{
	const struct load_target *target = &slow->load->target;

	for (size_t at = 0; at < target->request_len;) {
		size_t left = target->request_len - at;
		ssize_t len = weft_send(slow->fd, target->data + at,
			left < slow->chunk_len ? left : slow->chunk_len, 0);

		if (len < 0)
			return -1;
		at += (size_t)len;
		if (at < target->request_len && weft_sleep(slow->gap_ns) < 0)
			return -1;
	}
	return 0;
}

/* Bytes at the back of what is kept. */
static ssize_t receive(struct slow *slow, size_t kept)
{
	size_t room = sizeof(slow->buffer) - kept;
	ssize_t len = -1;

	if (slow->load->is_slow_read) {
		if (weft_sleep(slow->gap_ns) < 0)
			return -1;
		room = room < slow->chunk_len ? room : slow->chunk_len;
	}
	WEFT_WITH_TIMEOUT (slow->load->timeout_ns)
		len = weft_recv(slow->fd, slow->buffer + kept, room, 0);
	return len;
}

static int await_echo(struct slow *slow)
{
	for (size_t left = slow->load->target.request_len; left > 0;) {
		ssize_t len = receive(slow, 0);

		if (len <= 0 || (size_t)len > left)
			return -1;
		left -= (size_t)len;
	}
	return 0;
}

static int await_reply(struct slow *slow)
{
	size_t kept = 0, used;

	weft__load_reply_reset(&slow->reply);
	for (;;) {
		ssize_t len = kept < sizeof(slow->buffer) ? receive(slow, kept) : -1;

		if (len == 0 && slow->reply.part == LOAD_REPLY_UNTIL_CLOSE)
			return 0;
		if (len <= 0)
			return -1;
		kept += (size_t)len;
		switch (weft__load_reply_take(&slow->reply, slow->buffer, kept, &used)) {
		case LOAD_REPLY_BAD:
			return -1;
		case LOAD_REPLY_DONE:
			return 0;
		case LOAD_REPLY_MORE:
			kept -= used;
			memmove(slow->buffer, slow->buffer + used, kept);
		}
	}
}

static void ask_slowly(struct slow *slow)
{
	bool is_http = slow->load->target.is_http;
	bool is_answered =
		send_slowly(slow) == 0 && (is_http ? await_reply(slow) : await_echo(slow)) == 0;

	if (is_answered)
		slow->worker->counts.slow_requests++;
	else if (weft_interrupted() == 0)
		slow->worker->counts.slow_errors++;
	if (is_answered && !(is_http && slow->reply.is_closing) && !slow->load->is_new_each)
		return;
	weft_close(slow->fd);
	slow->fd = -1;
}

/* NULL when there is no memory. Its first connection is open before the start, if it can be. */
static struct slow *new_slow(struct load *load)
{
	struct slow *slow = calloc(1, sizeof(*slow));

	if (!slow)
		return NULL;
	slow->load = load;
	slow->worker = &load->workers[weft_worker_index()];
	slow->fd = -1;
	slow->reply.is_to_head = strcmp(load->method, "HEAD") == 0;
	set_pace(slow);
	open_slow(slow);
	return slow;
}

int weft__load_slow(void *arg)
{
	struct load_start *start = arg;
	struct load *load = start->load;
	struct slow *slow = new_slow(load);
	int is_started;

	free(start);
	weft__load_opened(load);
	is_started = weft_event_wait(&load->start);
	while (slow && is_started == 0 && weft_interrupted() == 0) {
		if (slow->fd >= 0 || open_slow(slow) == 0) {
			ask_slowly(slow);
		} else if (weft_interrupted() == 0) {
			slow->worker->counts.slow_errors++;
			weft_sleep(PAUSE_NS);
		}
	}
	if (slow && slow->fd >= 0)
		weft_close(slow->fd);
	free(slow);
	return 0;
}
