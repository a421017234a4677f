/*
 * chat_probe.c - whether a guest is still there whose name somebody else wants: her connection is
 * asked by TCP, which her kernel answers, whatever her program does.
 *
 *	keepalive, at once and each second --> an ACK came since: she is there
 *	                                   \-> none for SILENT_NS: the connection is shut down
 *
 * What is left when the network has gone without a word (a laptop that was closed, another Wi-Fi)
 * is let go within seconds so, only because somebody else asks. Who wants the name can't make a
 * live peer's kernel fall silent. One that takes no more bytes is not judged here: its kernel is
 * asked less and less often; the door gives it up itself.
 *
 * Entry points: weft__hub_chat_probe(), weft__chat_probes_begin().
 *
 * Never: waits in weft__hub_chat_probe(), or keeps the connection's own descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat_session.h"
#include "weft/event.h"
#include "weft/scope.h"

/** An ACK has to come within so long; looked for so often. */
#define SILENT_NS WEFT_SECONDS(4)
#define LOOK_NS   WEFT_MILLISECONDS(250)

/** Connections that are asked at a time: beyond, those who want names wait longer for them. */
#define PROBES_MAX 64

/** How often a connection is asked while nobody wants its name, in seconds. */
#define IDLE_S     90
#define INTERVAL_S 30

struct chat_probes {
	struct hub_chat *chat;
	weft_fiber_id fiber;
	struct weft_event asked;
	pthread_mutex_t lock;
	unsigned count;
	struct probe {
		int fd; /* a copy */
		ino_t socket;
		int64_t begun_ns;
	} all[PROBES_MAX];
};

/* ---- One connection ---------------------------------------------------------------------------
 */

static void ask_each(int fd, int idle_s, int interval_s)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
}

/* The peer's window is closed: then nothing is sent that it would have to answer soon. */
static bool is_full(int fd, const struct tcp_info *info)
{
	int unsent = 0;

	return info->tcpi_unacked == 0 && ioctl(fd, SIOCOUTQNSD, &unsent) == 0 && unsent > 0;
}

/* True: it is done with. */
static bool look(const struct probe *probe)
{
	int64_t asked_ns = weft_now() - probe->begun_ns;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(probe->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return true;
	if (info.tcpi_last_ack_recv * WEFT_MILLISECONDS(1) < asked_ns)
		return true;
	if (asked_ns < SILENT_NS)
		return false;
	if (!is_full(probe->fd, &info))
		shutdown(probe->fd, SHUT_RDWR);
	return true;
}

static void finish(struct probe *probe)
{
	ask_each(probe->fd, IDLE_S, INTERVAL_S);
	close(probe->fd);
}

/* ---- All of them ------------------------------------------------------------------------------
 */

/* Two at a time would take each other's keepalive away. */
static bool is_asked(const struct chat_probes *probes, ino_t socket)
{
	for (unsigned i = 0; i < probes->count; i++)
		if (probes->all[i].socket == socket)
			return true;
	return false;
}

void weft__hub_chat_probe(struct hub_chat *chat, int fd)
{
	struct chat_probes *probes = chat->probes;
	struct stat facts;
	int copy = -1;

	if (fstat(fd, &facts) < 0)
		return;
	pthread_mutex_lock(&probes->lock);
	if (probes->count < PROBES_MAX && !is_asked(probes, facts.st_ino))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy >= 0) {
		ask_each(copy, 1, 1);
		probes->all[probes->count++] = (struct probe){copy, facts.st_ino, weft_now()};
		weft_event_set(&probes->asked);
	}
	pthread_mutex_unlock(&probes->lock);
}

static unsigned look_at_all(struct chat_probes *probes)
{
	unsigned left;

	pthread_mutex_lock(&probes->lock);
	for (unsigned i = probes->count; i-- > 0;) {
		if (!look(&probes->all[i]))
			continue;
		finish(&probes->all[i]);
		probes->all[i] = probes->all[--probes->count];
	}
	left = probes->count;
	if (left == 0)
		weft_event_clear(&probes->asked);
	pthread_mutex_unlock(&probes->lock);
	return left;
}

static int run(void *arg)
{
	struct chat_probes *probes = arg;

	while (weft_event_wait(&probes->asked) == 0)
		do
			if (weft_sleep(LOOK_NS) < 0)
				return 0;
		while (look_at_all(probes) > 0);
	return 0;
}

int weft__chat_probes_begin(struct hub_chat *chat)
{
	const struct weft_spawn_options options = {.name = "chat: who is still there"};
	struct chat_probes *probes = calloc(1, sizeof(*probes));

	if (!probes)
		return -1;
	probes->chat = chat;
	pthread_mutex_init(&probes->lock, NULL);
	weft_event_init(&probes->asked, "chat: names that are wanted");
	probes->fiber = weft_spawn_with(&options, run, probes);
	chat->probes = probes;
	return probes->fiber ? 0 : -1;
}

void weft__chat_probes_end(struct hub_chat *chat)
{
	struct chat_probes *probes = chat->probes;

	if (!probes)
		return;
	if (probes->fiber) {
		weft_cancel(probes->fiber);
		WEFT_SHIELDED
			weft_join(probes->fiber, NULL, WEFT_FOREVER);
	}
	while (probes->count > 0)
		close(probes->all[--probes->count].fd);
	pthread_mutex_destroy(&probes->lock);
	free(probes);
	chat->probes = NULL;
}
