/*
 * load_connection.h - the inside of a connection of `weft load`, for its two files:
 *
 *	load_connection.c	the descriptor, the bytes, the fiber
 *	load_requests.c		the requests under way: taken when due, answered, failed
 */
#ifndef WEFT_SRC_CMD_LOAD_CONNECTION_H
#define WEFT_SRC_CMD_LOAD_CONNECTION_H

#include "load.h"
#include "load_reply.h"

struct load_connection {
	struct load *load;
	struct load_worker *worker;
	int fd; /* -1: none */
	unsigned index;
	bool is_proven;      /* it has brought an answer */
	bool is_interrupted; /* the run is over */
	bool has_none;       /* no further request is to be taken */
	int64_t now_ns;      /* when we last looked */
	int64_t due_ns;      /* open loop: of the next request */
	int64_t interval_ns; /* open loop: of this connection's requests */
	int64_t since_ns;    /* the server has been owing us an answer since then */
	int64_t pause_ns;    /* after the next failure to connect */
	size_t unsent;       /* bytes of the requests under way */
	size_t to_send;      /* place of the next byte in target->data */
	size_t to_come;      /* echo: the same of the next one to come back */
	size_t message_left; /* echo: bytes of the oldest message still to come */
	size_t kept;         /* HTTP: bytes of an unfinished head, at the front of the buffer */
	unsigned first, under_way; /* of the ring */
	struct load_reply reply;
	char *buffer;
	int64_t begun_ns[]; /* load->pipeline of them */
};

/** Before the first request. */
void weft__load_pace(struct load_connection *connection);

/**
 * Wait until a request is under way. False when there is none any more: the time is over, or
 * as many as were wanted were taken.
 */
bool weft__load_await_request(struct load_connection *connection);

/** The oldest has been answered. */
void weft__load_complete(struct load_connection *connection);

/** Something went wrong: what, in words; text is from outside. */
void weft__load_count_error(struct load_connection *connection, enum load_error kind,
	const char *what, const char *text);

/** It was the oldest that suffered, if there is one. */
void weft__load_fail_oldest(struct load_connection *connection, enum load_error kind);

/** At the end. */
void weft__load_count_unfinished(struct load_connection *connection);

/** Whether what happens at that time is within the measured time. */
static inline bool weft__load_does_count(const struct load_connection *connection, int64_t when_ns)
{
	return when_ns >= connection->load->begin_ns && when_ns <= connection->load->end_ns;
}

#endif
