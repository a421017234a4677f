/*
 * load.c - the client that all servers are measured with.
 *
 * Entry points: load_run(), load_raise_fds().
 * A closed loop: each connection has one request under way, and sends the next one
 * when the reply is complete. Replies before the window opens are warm-up; the
 * server's CPU clock is read when the window opens and when it closes.
 * Idle connections are open meanwhile, and send nothing.
 * Never: a request sent before its connection's last reply was checked.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ECHO_SIZE   64
#define REQUEST_MAX 256
#define REPLY_MAX   2048
#define EVENTS_MAX  512
#define STUCK_MS    5000
#define FDS_SPARE   64

struct connection {
	int fd;
	unsigned reply_len; /* bytes of the current reply so far */
	int64_t sent_at;
	char reply[REPLY_MAX];
};

struct client {
	const struct load *load;
	int epoll_fd;
	struct connection *connections;
	int *idle_fds;
	unsigned idle_count;
	char request[REQUEST_MAX];
	unsigned request_len;
	bool is_open;     /* the window is: replies count */
	bool is_ending;   /* no request follows a reply */
	unsigned waiting; /* connections with a request under way */
	struct latencies latencies;
};

/* ---- One connection -------------------------------------------------------------- */

static int send_request(struct client *client, struct connection *connection)
{
	ssize_t len = send(connection->fd, client->request, client->request_len, MSG_NOSIGNAL);

	/* So small a request always fits: the last one has been answered. */
	connection->reply_len = 0;
	client->waiting++;
	return len == (ssize_t)client->request_len ? 0 : -1;
}

static bool is_complete(const struct client *client, const struct connection *connection)
{
	if (client->load->kind == LOAD_ECHO)
		return connection->reply_len == client->request_len;
	return connection->reply_len > BENCH_BODY_LEN &&
	       memcmp(connection->reply + connection->reply_len - BENCH_BODY_LEN, BENCH_BODY,
		       BENCH_BODY_LEN) == 0;
}

static bool is_right(const struct client *client, const struct connection *connection)
{
	if (client->load->kind == LOAD_ECHO)
		return memcmp(connection->reply, client->request, client->request_len) == 0;
	return memcmp(connection->reply, "HTTP/1.1 200", 12) == 0;
}

static int on_reply(struct client *client, struct connection *connection)
{
	int64_t now = bench_now();

	if (!is_right(client, connection)) {
		fprintf(stderr, "weft-bench: a wrong reply: %.40s\n", connection->reply);
		return -1;
	}
	if (client->is_open)
		latencies_add(&client->latencies, now - connection->sent_at);
	client->waiting--;
	if (client->is_ending)
		return 0;
	connection->sent_at = now;
	return send_request(client, connection);
}

/* One read: what does not complete the reply comes with another event. */
static int on_readable(struct client *client, struct connection *connection)
{
	unsigned room = REPLY_MAX - connection->reply_len;
	ssize_t len = recv(connection->fd, connection->reply + connection->reply_len, room, 0);

	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len <= 0 || (unsigned)len == room) {
		fprintf(stderr, "weft-bench: %s\n",
			len < 0    ? strerror(errno)
			: len == 0 ? "the server closed a connection"
				   : "a reply is too long");
		return -1;
	}
	connection->reply_len += (unsigned)len;
	return is_complete(client, connection) ? on_reply(client, connection) : 0;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* They end with a reset: ten thousand ports in TIME_WAIT would be missing in the next round. */
static int connect_idle(struct client *client)
{
	const struct linger reset = {.l_onoff = 1};

	for (; client->idle_count < client->load->idle; client->idle_count++) {
		int fd = connect_to(client->load->port);

		if (fd < 0)
			return -1;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		client->idle_fds[client->idle_count] = fd;
	}
	return 0;
}

static int connect_one(struct client *client, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = connection};
	int one = 1;

	connection->fd = connect_to(client->load->port);
	if (connection->fd < 0 ||
		setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
		fcntl(connection->fd, F_SETFL, O_NONBLOCK) < 0 ||
		epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		return -1;
	connection->sent_at = bench_now();
	return send_request(client, connection);
}

/* ---- The run --------------------------------------------------------------------- */

/* Root may lift the hard limit, too; the rest must do with it. */
void load_raise_fds(unsigned connections)
{
	rlim_t wanted = connections + FDS_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted) {
		struct rlimit lifted = {wanted, wanted};

		if (setrlimit(RLIMIT_NOFILE, &lifted) == 0)
			return;
		limit.rlim_cur = limit.rlim_max;
	}
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void client_fini(struct client *client)
{
	for (unsigned i = 0; client->connections != NULL && i < client->load->connections; i++)
		if (client->connections[i].fd >= 0)
			close(client->connections[i].fd);
	while (client->idle_count > 0)
		close(client->idle_fds[--client->idle_count]);
	if (client->epoll_fd >= 0)
		close(client->epoll_fd);
	free(client->idle_fds);
	free(client->connections);
	latencies_fini(&client->latencies);
}

static int client_init(struct client *client, const struct load *load)
{
	*client = (struct client){.load = load};
	if (load->kind == LOAD_ECHO) {
		memset(client->request, 'x', ECHO_SIZE);
		client->request_len = ECHO_SIZE;
	} else {
		client->request_len = (unsigned)snprintf(client->request, REQUEST_MAX,
			"GET /hello.txt HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
			"User-Agent: weft-bench\r\nAccept: */*\r\n\r\n",
			load->port);
	}
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->connections = calloc(load->connections, sizeof(*client->connections));
	client->idle_fds = calloc(load->idle + 1, sizeof(*client->idle_fds));
	for (unsigned i = 0; client->connections != NULL && i < load->connections; i++)
		client->connections[i].fd = -1;
	if (latencies_init(&client->latencies) < 0 || client->epoll_fd < 0 ||
		client->connections == NULL || client->idle_fds == NULL || connect_idle(client) < 0)
		goto fail;
	for (unsigned i = 0; i < load->connections; i++)
		if (connect_one(client, &client->connections[i]) < 0)
			goto fail;
	return 0;

fail:
	fprintf(stderr, "weft-bench: connect: %s\n", strerror(errno));
	client_fini(client);
	return -1;
}

static int turn_once(struct client *client)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(client->epoll_fd, events, EVENTS_MAX, STUCK_MS);

	if (count == 0)
		fprintf(stderr, "weft-bench: no reply within %d ms\n", STUCK_MS);
	if (count == 0 || (count < 0 && errno != EINTR))
		return -1;
	for (int i = 0; i < count; i++)
		if (on_readable(client, events[i].data.ptr) < 0)
			return -1;
	return 0;
}

static int turn_until(struct client *client, int64_t end)
{
	int status = 0;

	while (status == 0 && bench_now() < end)
		status = turn_once(client);
	return status;
}

/* Read the replies that are still due: closed before them, a connection would be reset. */
static int finish(struct client *client)
{
	int status = 0;

	client->is_open = false;
	client->is_ending = true;
	while (status == 0 && client->waiting > 0)
		status = turn_once(client);
	return status;
}

int load_run(const struct load *load, struct load_result *ret_result)
{
	struct client client;
	int64_t start, cpu_start, wall, cpu;
	int status = -1;

	if (client_init(&client, load) < 0)
		return -1;
	if (turn_until(&client, bench_now() + load->warm_up_ns) < 0)
		goto done;
	client.is_open = true;
	cpu_start = bench_clock(load->server_clock);
	start = bench_now();
	if (turn_until(&client, start + load->window_ns) < 0 || client.latencies.count == 0)
		goto done;
	wall = bench_now() - start;
	cpu = bench_clock(load->server_clock) - cpu_start;
	*ret_result = (struct load_result){
		.per_second = (double)client.latencies.count * 1e9 / (double)wall,
		.p50_ns = latencies_at(&client.latencies, 0.50),
		.p99_ns = latencies_at(&client.latencies, 0.99),
		.cpu_ns = (double)cpu / (double)client.latencies.count,
		.busy = (double)cpu / (double)wall,
	};
	status = finish(&client);
done:
	client_fini(&client);
	return status;
}
