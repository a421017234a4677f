/*
 * client.c - clients, and the connections that they keep open while nobody uses them.
 *
 * Entry points: weft_http_client_new(), _free(), _idle(); weft__http_client_take(), _keep().
 *
 * The last one kept is the first one taken: it is the least likely to have been closed
 * meanwhile. There is no timer: whoever comes by closes what is over its time.
 *
 * Never: says a word on a connection of the process that this one was forked from, waits, holds the
 * mutex across a system call, or hands out a connection on which bytes came that nobody had asked
 * for.
 */
#include "http/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/socket.h"

/* ---- Life --------------------------------------------------------------------------- */

static unsigned or_usual(unsigned value, unsigned usual)
{
	return value ? value : usual;
}

struct weft_http_client *weft_http_client_new(const struct weft_http_client_options *given)
{
	struct weft_http_client_options options = {0};
	struct weft_http_client *client;

	if (given)
		options = *given;
	options.idle_max = or_usual(options.idle_max, WEFT__HTTP_IDLE_TOTAL);
	options.idle_per_host_max = or_usual(options.idle_per_host_max, WEFT__HTTP_IDLE_PER_HOST);
	if (options.idle_timeout_ns == 0)
		options.idle_timeout_ns = WEFT__HTTP_KEEP_IDLE_FOR_NS;
	if (!options.user_agent)
		options.user_agent = "weft/" WEFT_VERSION;
	if (options.idle_max > WEFT__HTTP_IDLE_TOTAL_MAX) {
		errno = EINVAL;
		return NULL;
	}
	client = calloc(1, sizeof(*client) + options.idle_max * sizeof(client->idle[0]));
	if (!client)
		return NULL;
	client->options = options;
	client->continue_ns = WEFT__HTTP_CONTINUE_NS;
	client->process = getpid();
	pthread_mutex_init(&client->mutex, NULL);
	return client;
}

/*
 * In a child of fork(2): the connection is the parent's, who goes on with it. What TLS says at the
 * end must not be said on it, so the descriptor leads to nothing from here on.
 */
static void part_from_parent(struct weft_stream *stream)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup3(fd, weft_stream_fd(stream), O_CLOEXEC);
	close(fd);
}

void weft__http_client_connection_free(struct weft__http_client_connection *connection)
{
	int saved_errno = errno;

	if (!connection)
		return;
	if (connection->stream && connection->process != getpid())
		part_from_parent(connection->stream);
	weft_stream_free(connection->stream);
	free(connection);
	errno = saved_errno;
}

/*
 * In a child of fork(2), before the mutex is taken for the first time: it has no connections yet.
 * Where another thread had the mutex at the fork, nobody knows what is among the idle ones, and
 * they are left alone.
 */
static void become_own(struct weft_http_client *client)
{
	unsigned count;

	if (client->process == getpid())
		return;
	client->process = getpid();
	count = client->idle_count;
	client->idle_count = 0;
	if (pthread_mutex_trylock(&client->mutex) != 0) {
		pthread_mutex_init(&client->mutex, NULL);
		return;
	}
	pthread_mutex_unlock(&client->mutex);
	for (unsigned i = 0; i < count; i++)
		weft__http_client_connection_free(client->idle[i]);
}

void weft_http_client_free(struct weft_http_client *client)
{
	if (!client)
		return;
	become_own(client);
	for (unsigned i = 0; i < client->idle_count; i++)
		weft__http_client_connection_free(client->idle[i]);
	weft_tls_free(client->tls);
	pthread_mutex_destroy(&client->mutex);
	free(client);
}

/* ---- The kept connections, under the mutex ------------------------------------------ */

static struct weft__http_client_connection *remove_at(
	struct weft_http_client *client, unsigned index)
{
	struct weft__http_client_connection *connection = client->idle[index];

	client->idle_count--;
	memmove(&client->idle[index], &client->idle[index + 1],
		(client->idle_count - index) * sizeof(client->idle[0]));
	return connection;
}

/* Those that are over their time are the first: they go to *list. */
static void remove_old(struct weft_http_client *client, struct weft__http_client_connection **list)
{
	int64_t now_ns = weft_now();

	while (client->idle_count > 0 &&
		now_ns - client->idle[0]->idle_since_ns >= client->options.idle_timeout_ns) {
		struct weft__http_client_connection *connection = remove_at(client, 0);

		connection->next = *list;
		*list = connection;
	}
}

/* The oldest of that key, and how many there are; idle_count: none. */
static unsigned find_oldest(
	const struct weft_http_client *client, const char *key, unsigned *ret_count)
{
	unsigned oldest = client->idle_count;

	*ret_count = 0;
	for (unsigned i = client->idle_count; i-- > 0;) {
		if (strcmp(client->idle[i]->key, key) != 0)
			continue;
		oldest = i;
		++*ret_count;
	}
	return oldest;
}

static void close_list(struct weft__http_client_connection *list)
{
	while (list) {
		struct weft__http_client_connection *next = list->next;

		weft__http_client_connection_free(list);
		list = next;
	}
}

/* ---- Taking and keeping ------------------------------------------------------------- */

/* Nothing has come since, and it is not closed. */
static bool still_stands(struct weft__http_client_connection *connection)
{
	char byte;
	ssize_t len =
		weft_recv(weft_stream_fd(connection->stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static struct weft__http_client_connection *take_newest(struct weft_http_client *client,
	const char *key, struct weft__http_client_connection **ret_old)
{
	struct weft__http_client_connection *found = NULL;

	pthread_mutex_lock(&client->mutex);
	remove_old(client, ret_old);
	for (unsigned i = client->idle_count; i-- > 0 && !found;)
		if (strcmp(client->idle[i]->key, key) == 0)
			found = remove_at(client, i);
	pthread_mutex_unlock(&client->mutex);
	return found;
}

struct weft__http_client_connection *weft__http_client_take(
	struct weft_http_client *client, const char *key)
{
	struct weft__http_client_connection *old = NULL, *found;

	become_own(client);
	while ((found = take_newest(client, key, &old)) && !still_stands(found))
		weft__http_client_connection_free(found);
	close_list(old);
	return found;
}

void weft__http_client_keep(
	struct weft_http_client *client, struct weft__http_client_connection *connection)
{
	struct weft__http_client_connection *closing = NULL, *surplus = NULL;
	unsigned of_host, oldest;

	become_own(client);
	if (connection->process != getpid()) {
		weft__http_client_connection_free(connection);
		return;
	}
	connection->is_reused = true;
	connection->idle_since_ns = weft_now();
	pthread_mutex_lock(&client->mutex);
	remove_old(client, &closing);
	oldest = find_oldest(client, connection->key, &of_host);
	if (of_host >= client->options.idle_per_host_max)
		surplus = remove_at(client, oldest);
	else if (client->idle_count >= client->options.idle_max)
		surplus = remove_at(client, 0);
	client->idle[client->idle_count++] = connection;
	pthread_mutex_unlock(&client->mutex);
	weft__http_client_connection_free(surplus);
	close_list(closing);
}

unsigned weft_http_client_idle(struct weft_http_client *client)
{
	struct weft__http_client_connection *old = NULL;
	unsigned count;

	become_own(client);
	pthread_mutex_lock(&client->mutex);
	remove_old(client, &old);
	count = client->idle_count;
	pthread_mutex_unlock(&client->mutex);
	close_list(old);
	return count;
}

/* ---- TLS ---------------------------------------------------------------------------- */

/*
 * Reading the system's authorities takes some milliseconds, and is done without the mutex:
 * of two who need them first, one has read them in vain.
 */
struct weft_tls *weft__http_client_tls(
	struct weft_http_client *client, struct weft_tls_fault *ret_fault)
{
	static const char *const protocols[] = {"http/1.1", NULL};
	const struct weft_tls_client_options options = {.protocols = protocols};
	struct weft_tls *tls = client->options.tls, *made;

	if (tls)
		return tls;
	become_own(client);
	pthread_mutex_lock(&client->mutex);
	tls = client->tls;
	pthread_mutex_unlock(&client->mutex);
	if (tls)
		return tls;
	made = weft_tls_client_new(&options, ret_fault);
	if (!made)
		return NULL;
	pthread_mutex_lock(&client->mutex);
	if (!client->tls) {
		client->tls = made;
		made = NULL;
	}
	tls = client->tls;
	pthread_mutex_unlock(&client->mutex);
	weft_tls_free(made);
	return tls;
}
