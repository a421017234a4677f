/*
 * web.c - the client for HTTP of any kind: pipelined, large, posted, or one per connection.
 *
 * Entry points: web_run(), web_hold(), web_release().
 *
 *	ask once, and see how long an answer is -> connect all -> warm up -> window -> close
 *
 * All answers of a server to one request are of one length (its date has a fixed one), so an
 * answer is counted by its bytes; that each begins with a 200 is looked at. The inside of a
 * large one is thrown away by the kernel: so the client is not the limit.
 *
 * Never: a request sent before the answers to the last write were all there.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX  512
#define STUCK_MS    10000
#define BUFFER_LEN  (64 * 1024)
#define HEAD_MAX    4096
#define PER_ADDRESS 20000 /* connections from one address: there are some 28,000 ports */
#define ADDRESSES   64

static const char good[] = "HTTP/1.1 200";
#define GOOD_LEN (sizeof(good) - 1)

struct asker {
	int fd;
	unsigned due;  /* answers to the last write that are not there yet */
	size_t at;     /* bytes of the current answer so far */
	size_t out_at; /* bytes of the write so far */
	int64_t sent_at;
};

struct crowd {
	const struct load *load;
	int epoll_fd;
	struct asker *askers;
	char *batch; /* one write */
	size_t batch_len, answer_len;
	const char *start; /* of a good answer */
	size_t start_len;
	unsigned depth, connected;
	unsigned waiting; /* connections with answers due */
	bool is_open, is_ending;
	uint64_t answers;
	struct latencies latencies;
	char buffer[BUFFER_LEN];
};

/* ---- Connecting -------------------------------------------------------------------- */

/* From the address for the nth connection: one address has too few ports for all. */
static int connect_nth(uint16_t port, unsigned nth)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + nth / PER_ADDRESS % ADDRESSES)};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = STUCK_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* The port is chosen by connect(2), which knows that only the pair has to be new. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_whole(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* The length of a whole answer whose head is in text; 0: there is none yet, or nobody knows. */
static size_t measure_answer(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n"),
		   *field = strcasestr(text, "\r\ncontent-length:");

	if (end == NULL || field == NULL || field > end)
		return 0;
	return (size_t)(end + 4 - text) + strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
}

/* One request on a blocking connection. Returns the answer's length, 0 when there is none. */
static size_t ask_once(int fd, const struct web *web)
{
	char text[HEAD_MAX + 1];
	size_t have = 0, len = 0;

	if (!send_whole(fd, web->request, web->request_len))
		return 0;
	while (len == 0 || have < len) {
		size_t room = len ? len - have : HEAD_MAX - have;
		ssize_t got = recv(fd, len ? NULL : text + have, room, len ? MSG_TRUNC : 0);

		if (got <= 0)
			return 0;
		have += (size_t)got;
		if (len == 0) {
			text[have] = '\0';
			len = measure_answer(text);
		}
	}
	return memcmp(text, good, GOOD_LEN) == 0 ? len : 0;
}

int web_hold(struct web_crowd *crowd, uint16_t port, const struct web *web, unsigned count)
{
	const struct linger reset = {.l_onoff = 1};

	*crowd = (struct web_crowd){.fds = calloc(count + 1, sizeof(*crowd->fds))};
	for (; crowd->fds != NULL && crowd->count < count; crowd->count++) {
		int fd = connect_nth(port, crowd->count);

		if (fd < 0 || ask_once(fd, web) == 0) {
			fprintf(stderr, "weft-bench: idle connection %u: %s\n", crowd->count,
				strerror(errno));
			if (fd >= 0)
				close(fd);
			return -1;
		}
		/* They end with a reset: so many ports in TIME_WAIT would be missed later. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		crowd->fds[crowd->count] = fd;
	}
	return crowd->fds != NULL ? 0 : -1;
}

void web_release(struct web_crowd *crowd)
{
	while (crowd->count > 0)
		close(crowd->fds[--crowd->count]);
	free(crowd->fds);
	crowd->fds = NULL;
}

/* ---- One connection ------------------------------------------------------------------ */

/* What does not fit now goes out with the event of room. */
static int send_more(struct crowd *crowd, struct asker *asker)
{
	while (asker->out_at < crowd->batch_len) {
		ssize_t sent = send(asker->fd, crowd->batch + asker->out_at,
			crowd->batch_len - asker->out_at, MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		asker->out_at += (size_t)sent;
	}
	return 0;
}

static int begin(struct crowd *crowd, struct asker *asker)
{
	asker->due = crowd->depth;
	asker->at = asker->out_at = 0;
	crowd->waiting++;
	return send_more(crowd, asker);
}

/* Say what comes before everything else, on a blocking connection. */
static int shake_hands(int fd, const char *handshake)
{
	static const char welcome[] = "HTTP/1.1 101";
	char text[HEAD_MAX + 1];
	size_t have = 0;

	if (!send_whole(fd, handshake, strlen(handshake)))
		return -1;
	do {
		ssize_t got = recv(fd, text + have, HEAD_MAX - have, 0);

		if (got <= 0)
			return -1;
		have += (size_t)got;
		text[have] = '\0';
	} while (strstr(text, "\r\n\r\n") == NULL);
	return memcmp(text, welcome, sizeof(welcome) - 1) == 0 ? 0 : -1;
}

static int connect_asker(struct crowd *crowd, struct asker *asker)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = asker};

	asker->sent_at = bench_now();
	asker->fd = connect_nth(crowd->load->port, crowd->connected++);
	if (asker->fd >= 0 && crowd->load->web->handshake != NULL &&
		shake_hands(asker->fd, crowd->load->web->handshake) < 0)
		return -1;
	if (asker->fd < 0 || fcntl(asker->fd, F_SETFL, O_NONBLOCK) < 0 ||
		epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, asker->fd, &event) < 0)
		return -1;
	return begin(crowd, asker);
}

/* All answers to a write are there. */
static int on_answered(struct crowd *crowd, struct asker *asker)
{
	int64_t now = bench_now();

	crowd->waiting--;
	if (crowd->is_open) {
		latencies_add(&crowd->latencies, now - asker->sent_at);
		crowd->answers += crowd->depth;
	}
	if (crowd->load->web->reconnects) {
		close(asker->fd);
		asker->fd = -1;
		return crowd->is_ending ? 0 : connect_asker(crowd, asker);
	}
	asker->sent_at = now;
	return crowd->is_ending ? 0 : begin(crowd, asker);
}

/* Count what has come; each answer has to begin as a good one does. */
static int take(struct crowd *crowd, struct asker *asker, size_t len)
{
	for (size_t from = 0; from < len;) {
		size_t some = crowd->answer_len - asker->at;

		some = some < len - from ? some : len - from;
		if (asker->due == 0 ||
			(asker->at == 0 &&
				memcmp(crowd->buffer + from, crowd->start,
					some < crowd->start_len ? some : crowd->start_len) != 0)) {
			fprintf(stderr, "weft-bench: a wrong answer: %.40s\n",
				crowd->buffer + from);
			return -1;
		}
		asker->at += some;
		from += some;
		if (asker->at == crowd->answer_len) {
			asker->at = 0;
			asker->due--;
		}
	}
	return 0;
}

/* One read. Returns 1 when there may be more, 0 when not, -1. */
static int receive(struct crowd *crowd, struct asker *asker)
{
	bool is_inside = asker->at > 0 && crowd->answer_len - asker->at > BUFFER_LEN;
	size_t room = is_inside ? crowd->answer_len - asker->at - BUFFER_LEN : BUFFER_LEN;
	ssize_t len = recv(asker->fd, crowd->buffer, room, is_inside ? MSG_TRUNC : 0);

	if (len < 0)
		return errno == EAGAIN ? 0 : -1;
	if (len == 0)
		return crowd->load->web->reconnects && asker->due == 0 ? on_answered(crowd, asker)
								       : -1;
	if (is_inside)
		asker->at += (size_t)len;
	else if (take(crowd, asker, (size_t)len) < 0)
		return -1;
	if (crowd->load->web->reconnects || asker->due > 0)
		return 1;
	return on_answered(crowd, asker);
}

static int on_event(struct crowd *crowd, struct asker *asker, uint32_t events)
{
	int more = 1;

	if (asker->out_at < crowd->batch_len && send_more(crowd, asker) < 0)
		return -1;
	/* A short read says that nothing is left; the next edge tells of more. */
	while (more > 0 && (events & (EPOLLIN | EPOLLHUP)))
		more = receive(crowd, asker);
	return more;
}

/* ---- The run --------------------------------------------------------------------------- */

static int turn_once(struct crowd *crowd)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, STUCK_MS);

	if (count == 0)
		fprintf(stderr, "weft-bench: no answer within %d ms\n", STUCK_MS);
	if (count == 0 || (count < 0 && errno != EINTR))
		return -1;
	for (int i = 0; i < count; i++)
		if (on_event(crowd, events[i].data.ptr, events[i].events) < 0)
			return -1;
	return 0;
}

static int turn_until(struct crowd *crowd, int64_t end)
{
	int status = 0;

	while (status == 0 && bench_now() < end)
		status = turn_once(crowd);
	return status;
}

static int measure(struct crowd *crowd, struct load_result *ret_result)
{
	const struct load *load = crowd->load;
	int64_t start, cpu, client_cpu, wall;
	double answers;

	if (turn_until(crowd, bench_now() + load->warm_up_ns) < 0)
		return -1;
	crowd->is_open = true;
	cpu = bench_clock(load->server_clock);
	client_cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
	start = bench_now();
	if (turn_until(crowd, start + load->window_ns) < 0 || crowd->answers == 0)
		return -1;
	wall = bench_now() - start;
	cpu = bench_clock(load->server_clock) - cpu;
	client_cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - client_cpu;
	crowd->is_open = false;
	answers = (double)crowd->answers;
	*ret_result = (struct load_result){
		.per_second = answers * 1e9 / (double)wall,
		.p50_ns = latencies_at(&crowd->latencies, 0.50),
		.p99_ns = latencies_at(&crowd->latencies, 0.99),
		.cpu_ns = (double)cpu / answers,
		.busy = (double)cpu / (double)wall,
		.client_busy = (double)client_cpu / (double)wall,
	};
	crowd->is_ending = true;
	while (crowd->waiting > 0)
		if (turn_once(crowd) < 0)
			return -1;
	return 0;
}

/* What an answer is like: for HTTP, by asking once. */
static int learn_answer(struct crowd *crowd, const struct load *load)
{
	const struct web *web = load->web;
	int fd;

	crowd->start = web->handshake ? web->answer_start : good;
	crowd->start_len = web->handshake ? web->answer_start_len : GOOD_LEN;
	crowd->answer_len = web->answer_len;
	if (web->handshake != NULL)
		return 0;
	fd = connect_nth(load->port, 0);
	if (fd < 0)
		return -1;
	crowd->answer_len = ask_once(fd, web);
	close(fd);
	if (crowd->answer_len == 0)
		fprintf(stderr, "weft-bench: no good answer to %.30s\n", web->request);
	return crowd->answer_len != 0 ? 0 : -1;
}

static int crowd_init(struct crowd *crowd, const struct load *load)
{
	const struct web *web = load->web;

	crowd->load = load;
	crowd->depth = web->depth ? web->depth : 1;
	crowd->batch_len = web->request_len * crowd->depth;
	crowd->batch = malloc(crowd->batch_len);
	crowd->askers = calloc(load->connections, sizeof(*crowd->askers));
	crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; crowd->askers != NULL && i < load->connections; i++)
		crowd->askers[i].fd = -1;
	if (latencies_init(&crowd->latencies) < 0 || crowd->batch == NULL ||
		crowd->askers == NULL || crowd->epoll_fd < 0 || learn_answer(crowd, load) < 0)
		return -1;
	for (unsigned i = 0; i < crowd->depth; i++)
		memcpy(crowd->batch + i * web->request_len, web->request, web->request_len);
	for (unsigned i = 0; i < load->connections; i++)
		if (connect_asker(crowd, &crowd->askers[i]) < 0)
			return -1;
	return 0;
}

static void crowd_fini(struct crowd *crowd)
{
	for (unsigned i = 0; crowd->askers != NULL && i < crowd->load->connections; i++)
		if (crowd->askers[i].fd >= 0)
			close(crowd->askers[i].fd);
	if (crowd->epoll_fd >= 0)
		close(crowd->epoll_fd);
	latencies_fini(&crowd->latencies);
	free(crowd->askers);
	free(crowd->batch);
	free(crowd);
}

int web_run(const struct load *load, struct load_result *ret_result)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	int status;

	if (crowd == NULL)
		return -1;
	status = crowd_init(crowd, load);
	if (status == 0)
		status = measure(crowd, ret_result);
	crowd_fini(crowd);
	return status;
}
