/*
 * crowd.c - see crowd.h.
 *
 * Entry points: crowd_open(), crowd_speak(), crowd_close().
 *
 * A message of redis to a subscriber is of one length always, so its bytes are counted; lines are
 * counted by their ends and first letters. Members come from ever other addresses of 127.0.0.0/8:
 * a server may bound how many come from one.
 */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX    512
#define READ_SIZE     (256 * 1024)
#define ADDRESS_SHARE 200 /* members of one address */
#define ENTERING_MAX  256 /* at once */
#define PATIENCE_NS   (60 * (int64_t)1000000000)
#define WAIT_MS       100

#define BURST        64   /* messages in one write */
#define UNANSWERED   256  /* messages at once; redis has no bound but what members may lack */
#define BEHIND_MAX   1024 /* messages that members may lack, on an average */
#define WARM_UP_PART 3    /* of the window */

/* "*3 $7 message $5 lobby $64 TEXT", each with a return and a newline; and the like of "subscribe".
 */
#define REDIS_MESSAGE    (4 + 4 + 9 + 4 + 7 + 5 + CROWD_TEXT + 2)
#define REDIS_SUBSCRIBED (4 + 4 + 11 + 4 + 7 + 4)

static char bytes[READ_SIZE];

static int greet(struct crowd *crowd, struct member *member);

/* ---- What comes --------------------------------------------------------------------------- */

static bool is_speaker(const struct crowd *crowd, const struct member *member)
{
	return member == crowd->members && crowd->options.rooms == 0;
}

static void enter(struct crowd *crowd, struct member *member)
{
	crowd->in += !member->is_in;
	member->is_in = true;
}

/* How many answers say that somebody is in. */
static unsigned answers_needed(const struct crowd *crowd, const struct member *member)
{
	return (size_t)(member - crowd->members) < crowd->options.rooms ? 3 : 2;
}

static void take_line(struct crowd *crowd, struct member *member, char first)
{
	if (first == 'm') {
		crowd->delivered++;
	} else if (first == 'O') {
		if (member->is_in)
			crowd->answered++;
		else if (++member->answers == answers_needed(crowd, member))
			enter(crowd, member);
	} else if (first == ':') {
		crowd->answered++;
	} else if (first == 'N' || first == 'g' || first == '-') {
		crowd->has_failed = true; /* refused, or a gap */
	}
}

static void take_lines(struct crowd *crowd, struct member *member, size_t len)
{
	const char *at = bytes, *end = bytes + len, *newline;

	while (at < end) {
		if (!member->is_inside_line)
			take_line(crowd, member, *at);
		newline = memchr(at, '\n', (size_t)(end - at));
		member->is_inside_line = newline == NULL;
		at = newline ? newline + 1 : end;
	}
}

/* What stands in a frame's first bytes: {"event":"message" is told by its e and m, a long one. */
static void take_frame(struct crowd *crowd, struct member *member, const char *text, bool is_long)
{
	if (text[2] == 'e' && is_long && text[10] == 'm')
		crowd->delivered++;
	else if (text[2] == 'o' && text[6] == 't')
		take_line(crowd, member, 'O');
	else if (text[2] == 'o' || text[10] == 'g')
		crowd->has_failed = true; /* refused, or a gap */
}

/* Short frames have 13 bytes at least, or are of control and may have two. */
static size_t start_needed(const struct member *member)
{
	if (member->start_len < 2 || (member->start[0] & 0x0f) != 1)
		return 2;
	return member->start[1] == 126 ? 15 : 13;
}

static void end_start(struct crowd *crowd, struct member *member)
{
	const unsigned char *start = (const unsigned char *)member->start;
	bool is_long = start[1] == 126;
	size_t head = is_long ? 4 : 2, len = is_long ? (size_t)start[2] << 8 | start[3] : start[1];

	if (member->start_len > 2)
		take_frame(crowd, member, member->start + head, is_long);
	member->rest = (uint32_t)(head + len - member->start_len);
	member->start_len = 0;
}

static void take_frames(struct crowd *crowd, struct member *member, size_t len)
{
	size_t at = 0, count;

	while (at < len) {
		count = member->rest < len - at ? member->rest : len - at;
		at += count;
		member->rest -= (uint32_t)count;
		if (at == len)
			break;
		member->start[member->start_len++] = bytes[at++];
		if (member->start_len >= 2 && member->start_len == start_needed(member))
			end_start(crowd, member);
	}
}

/* The answer to a handshake comes alone: the server says nothing first. */
static void end_handshake(struct crowd *crowd, struct member *member, size_t len)
{
	static const char end[] = "\r\n\r\n";

	member->is_open = true;
	if (!memmem(bytes, len, end, sizeof end - 1) || greet(crowd, member) < 0)
		crowd->has_failed = true;
}

static void take_of_redis(struct crowd *crowd, struct member *member, size_t len)
{
	if (!member->is_in) {
		member->answers += (unsigned)len;
		if (member->answers >= REDIS_SUBSCRIBED)
			enter(crowd, member);
		return;
	}
	crowd->bytes += len;
	crowd->delivered = crowd->bytes / REDIS_MESSAGE;
}

static void take(struct crowd *crowd, struct member *member)
{
	ssize_t len = recv(member->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0)
		crowd->has_failed = true;
	else if (crowd->options.words == CROWD_WEB && !member->is_open)
		end_handshake(crowd, member, (size_t)len);
	else if (crowd->options.words == CROWD_WEB)
		take_frames(crowd, member, (size_t)len);
	else if (crowd->options.words == CROWD_LINES || is_speaker(crowd, member))
		take_lines(crowd, member, (size_t)len);
	else
		take_of_redis(crowd, member, (size_t)len);
}

/* Returns whether anything came. */
static bool turn(struct crowd *crowd, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < count; i++)
		take(crowd, events[i].data.ptr);
	return count > 0;
}

/* ---- Coming in ---------------------------------------------------------------------------- */

/* A frame of a client is masked: by zeros. */
static int frame(char *out, size_t size, const char *text)
{
	return snprintf(
		out, size, "\x81%c%c%c%c%c%s", (int)(0x80 | strlen(text)), 0, 0, 0, 0, text);
}

static int greet_by_frames(const struct crowd *crowd, const struct member *member)
{
	char text[64], out[256];
	int len;

	if (!member->is_open) {
		len = snprintf(out, sizeof(out),
			"GET /.chat HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			"Sec-WebSocket-Version: 13\r\n\r\n",
			crowd->options.port);
	} else {
		snprintf(text, sizeof(text), "{\"do\":\"guest\",\"name\":\"u%u\"}",
			crowd->options.first + (unsigned)(member - crowd->members));
		len = frame(out, sizeof(out), text);
		len += frame(out + len, sizeof(out) - (size_t)len,
			"{\"do\":\"join\",\"room\":\"lobby\"}");
	}
	return send(member->fd, out, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

static int greet(struct crowd *crowd, struct member *member)
{
	unsigned index = (unsigned)(member - crowd->members), rooms = crowd->options.rooms;
	unsigned room = rooms ? index % rooms : 0;
	char text[128];
	int len = 0;

	if (crowd->options.words == CROWD_WEB)
		return greet_by_frames(crowd, member);
	if (crowd->options.words == CROWD_REDIS && is_speaker(crowd, member)) {
		enter(crowd, member);
		return 0;
	}
	if (crowd->options.words == CROWD_REDIS)
		len = snprintf(text, sizeof(text), "SUBSCRIBE lobby\r\n");
	else if (rooms && index < rooms)
		len = snprintf(text, sizeof(text), "GUEST u%u\nMAKE r%u public\nJOIN r%u\n",
			crowd->options.first + index, room, room);
	else if (rooms)
		len = snprintf(text, sizeof(text), "GUEST u%u\nJOIN r%u\n",
			crowd->options.first + index, room);
	else
		len = snprintf(text, sizeof(text), "GUEST u%u\nJOIN lobby\n",
			crowd->options.first + index);
	return send(member->fd, text, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

static int open_one(struct crowd *crowd)
{
	struct member *member = &crowd->members[crowd->opened];
	struct sockaddr_in own = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + crowd->opened / ADDRESS_SHARE)};
	const struct sockaddr_in server = {.sin_family = AF_INET,
		.sin_port = htons(crowd->options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
	const int on = 1;

	member->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (member->fd < 0)
		return -1;
	crowd->opened++;
	setsockopt(member->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(member->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(member->fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
		connect(member->fd, (const struct sockaddr *)&server, sizeof(server)) < 0 ||
		epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, member->fd, &event) < 0)
		return -1;
	return greet(crowd, member);
}

int crowd_open(struct crowd *crowd, const struct crowd_options *options)
{
	int64_t limit_ns = bench_now() + PATIENCE_NS;

	*crowd = (struct crowd){.options = *options,
		.count = options->members + (options->rooms == 0),
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	crowd->members = calloc(crowd->count, sizeof(*crowd->members));
	if (crowd->members == NULL || crowd->epoll_fd < 0)
		return -1;
	while (crowd->in < crowd->count && !crowd->has_failed && bench_now() < limit_ns) {
		bool may_open =
			crowd->opened < crowd->count && crowd->opened - crowd->in < ENTERING_MAX;

		if (may_open && open_one(crowd) < 0)
			return -1;
		turn(crowd, may_open ? 0 : WAIT_MS);
	}
	return crowd->in == crowd->count && !crowd->has_failed ? 0 : -1;
}

void crowd_close(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->opened; i++)
		close(crowd->members[i].fd);
	if (crowd->epoll_fd >= 0)
		close(crowd->epoll_fd);
	free(crowd->members);
	*crowd = (struct crowd){.epoll_fd = -1};
}

/* ---- Speaking ----------------------------------------------------------------------------- */

/* Those who hear: of the lines, she who speaks does, too. */
static unsigned receivers(const struct crowd *crowd)
{
	return crowd->options.members + (crowd->options.words != CROWD_REDIS);
}

static uint64_t behind(const struct crowd *crowd)
{
	return crowd->said * receivers(crowd) - crowd->delivered;
}

static size_t write_burst(const struct crowd *crowd, char *burst, size_t size)
{
	char text[CROWD_TEXT + 1], json[2 * CROWD_TEXT];
	size_t len = 0;

	memset(text, 'x', CROWD_TEXT);
	text[CROWD_TEXT] = '\0';
	for (unsigned i = 0; i < BURST; i++) {
		if (crowd->options.words == CROWD_WEB) {
			snprintf(json, sizeof(json),
				"{\"do\":\"say\",\"room\":\"lobby\",\"text\":\"%s\"}", text);
			len += (size_t)frame(burst + len, size - len, json);
		} else {
			len += (size_t)snprintf(burst + len, size - len,
				crowd->options.words == CROWD_LINES
					? "SAY lobby %s\n"
					: "*3\r\n$7\r\nPUBLISH\r\n$5\r\nlobby\r\n$64\r\n%s\r\n",
				text);
		}
	}
	return len;
}

static void speak_until(struct crowd *crowd, int64_t limit_ns)
{
	char burst[BURST * 2 * CROWD_TEXT];
	size_t len = write_burst(crowd, burst, sizeof(burst));
	unsigned heard = receivers(crowd);
	unsigned unanswered = crowd->options.words == CROWD_REDIS ? BEHIND_MAX : UNANSWERED;

	while (!crowd->has_failed && bench_now() < limit_ns) {
		bool may_say = crowd->said - crowd->answered <= unanswered - BURST &&
			       behind(crowd) <= (uint64_t)heard * (BEHIND_MAX - BURST);

		if (may_say && send(crowd->members[0].fd, burst, len, MSG_NOSIGNAL) != (ssize_t)len)
			crowd->has_failed = true;
		if (may_say)
			crowd->said += BURST;
		turn(crowd, may_say ? 0 : WAIT_MS);
	}
}

static void take_rest(struct crowd *crowd)
{
	int64_t limit_ns = bench_now() + PATIENCE_NS;

	while (!crowd->has_failed && bench_now() < limit_ns &&
		(behind(crowd) > 0 || crowd->answered < crowd->said))
		turn(crowd, WAIT_MS);
	if (behind(crowd) != 0)
		crowd->has_failed = true;
}

/* All that is said is taken before the clocks are read: no part of it is left to the next. */
int crowd_speak(struct crowd *crowd, int64_t window_ns, clockid_t server_clock,
	struct crowd_result *ret_result)
{
	int64_t cpu, begun, taken_ns;
	uint64_t delivered, said;

	speak_until(crowd, bench_now() + window_ns / WARM_UP_PART);
	take_rest(crowd);
	cpu = bench_clock(server_clock);
	begun = bench_now();
	delivered = crowd->delivered;
	said = crowd->said;
	speak_until(crowd, begun + window_ns);
	take_rest(crowd);
	taken_ns = bench_now() - begun;
	cpu = bench_clock(server_clock) - cpu;
	delivered = crowd->delivered - delivered;
	*ret_result = (struct crowd_result){
		.per_second = (double)delivered * 1e9 / (double)taken_ns,
		.cpu_ns = (double)cpu / (double)delivered,
		.said = (double)(crowd->said - said) * 1e9 / (double)taken_ns,
		.busy = (double)cpu / (double)taken_ns,
	};
	return crowd->has_failed || delivered == 0 ? -1 : 0;
}
