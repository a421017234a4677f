/*
 * crowd.h - members of a room of chat, and one who speaks: the client of the subjects of chat.
 *
 * The same for all contenders, in their own words: lines of `weft serve --chat`, the frames of its
 * WebSocket, or what redis says to subscribers. One thread, one epoll. Members only count what
 * comes; what is said is as much as may be under way, so that nobody is ever so far behind that the
 * server drops any of it.
 *
 * Never: a figure with a message in it that did not reach everybody.
 */
#ifndef CROWD_H
#define CROWD_H

#include "bench.h"

#define CROWD_TEXT 64 /* bytes of what is said */

enum crowd_words {
	CROWD_LINES,
	CROWD_WEB, /* JSON in frames of WebSocket */
	CROWD_REDIS,
};

struct crowd_options {
	enum crowd_words words;
	uint16_t port;
	unsigned members; /* beside the one who speaks */
	unsigned rooms;   /* 0: all are in one */
	unsigned first;   /* number of the first: names are not taken twice */
};

struct member {
	int fd;
	unsigned answers; /* or bytes of one, of redis */
	bool is_inside_line, is_in;
	bool is_open;      /* past the handshake */
	uint8_t start_len; /* of a frame: its first bytes */
	uint32_t rest;     /* of a frame: bytes to come */
	char start[16];
};

struct crowd {
	struct crowd_options options;
	struct member *members; /* the first speaks, when there is one room */
	unsigned count, opened, in;
	int epoll_fd;
	uint64_t said, answered, delivered, bytes;
	bool has_failed;
};

struct crowd_result {
	double per_second; /* deliveries */
	double cpu_ns;     /* the server's, of each */
	double said;       /* messages a second */
	double busy;       /* the server's CPU time over wall time */
};

/** Connect all, and wait until all are in. 0 or -1. End it with crowd_close() in any case. */
int crowd_open(struct crowd *crowd, const struct crowd_options *options);
void crowd_close(struct crowd *crowd);

/** One speaks for this long, after a while that does not count; then all is taken. 0 or -1. */
int crowd_speak(struct crowd *crowd, int64_t window_ns, clockid_t server_clock,
	struct crowd_result *ret_result);

#endif
