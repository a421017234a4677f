/*
 * load.h - what the files of `weft load` share.
 *
 *	load.c			the command line; the run from start to end
 *	load_target.c		what is asked of whom: the target, the bytes of a request
 *	load_connection.c	one connection: sends requests, takes the answers
 *	load_requests.c		which requests are under way on it
 *	load_reply.c		how far an HTTP answer has come
 *	load_crowd.c		connections that are idle, or slow
 *	load_report.c		what came of it, as text and JSON
 *
 * Each connection is a fiber, bound to one worker. What it counts it counts at its worker's
 * place, which no other worker touches; the places are added up when all fibers have ended.
 */
#ifndef WEFT_SRC_CMD_LOAD_H
#define WEFT_SRC_CMD_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "weft/address.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/histogram.h"
#include "weft/scope.h"
#include "weft/sem.h"

#define LOAD_NAME "load"

/* ---- Limits ----------------------------------------------------------------------------- */

#define LOAD_CONNECTIONS_MAX 1000000
#define LOAD_RATE_MAX        100000000
#define LOAD_PIPELINE_MAX    1024
#define LOAD_SIZE_MAX        (UINT64_C(1) << 20)
#define LOAD_IN_FLIGHT_MAX   (UINT64_C(64) << 20) /* bytes of requests, on one connection */
#define LOAD_REQUEST_MAX     65536                /* bytes of an HTTP request */
#define LOAD_BUFFER_SIZE     32768                /* an answer's head fits, or is refused */
#define LOAD_ERROR_TEXT_MAX  160

/* ---- What is counted -------------------------------------------------------------------- */

enum load_error {
	LOAD_CONNECT,  /* no connection */
	LOAD_READ,     /* the connection was lost before the answer was whole */
	LOAD_WRITE,    /* it was lost before the request was sent */
	LOAD_TIMEOUT,  /* no answer in time */
	LOAD_STATUS,   /* an answer that is neither 2xx nor 3xx; it counts as an answer, too */
	LOAD_PROTOCOL, /* what came is no HTTP answer */
	LOAD_MISMATCH, /* what came back is not what was sent */
	LOAD_ERROR_COUNT,
};

extern const char *const weft__load_error_names[LOAD_ERROR_COUNT];

struct load_counts {
	uint64_t requests;   /* answered */
	uint64_t unfinished; /* under way at the end; with a rate, also due and not sent */
	uint64_t opened;     /* connections made, from the very start */
	uint64_t bytes_in, bytes_out;
	uint64_t slow_requests, slow_errors; /* of slow connections, counted nowhere else */
	uint64_t errors[LOAD_ERROR_COUNT];
};

/** The place of one worker. Aligned: two workers must not write to one cache line. */
struct load_worker {
	_Alignas(64) struct load_counts counts;
	struct weft_histogram *latency;
	int64_t first_error_ns; /* INT64_MAX: none */
	char first_error[LOAD_ERROR_TEXT_MAX];
};

/* ---- The run ----------------------------------------------------------------------------- */

/** A request that is asked for again and again. */
struct load_target {
	const char *text; /* as it was written */
	bool is_http;
	char *host_port; /* to be resolved */
	struct weft_address address;

	/*
	 * What a connection sends is an endless stream: these bytes, over and over, of which every
	 * request_len are a request. Behind the period they go on for as long as requests under
	 * way can be, so that these are always in one piece.
	 */
	char *data;
	size_t period, request_len;
};

struct load {
	/* What the command line says. */
	struct weft_run_options run;
	unsigned connections, requests, rate, pipeline, idle, slow, slow_rate;
	int64_t duration_ns, warmup_ns, timeout_ns;
	uint64_t size;
	struct cmd_texts headers;
	const char *method;
	bool is_new_each, is_slow_read, is_json, is_detailed, has_duration, has_size;

	struct load_target target;
	struct load_worker *workers;

	/* Before the start. */
	int first_fd;             /* the connection that showed that somebody is there; -1: taken */
	struct weft_sem dialling; /* connects at a time */
	atomic_uint opening;      /* fibers that still open connections */
	struct weft_event opened; /* that none does any more, or we were stopped */
	atomic_uint open_at_start;
	int *idle_fds; /* -1: not opened */
	atomic_uint idle_next, idle_open;
	unsigned idle_left; /* that were open at the end */

	/* From the start on. */
	struct weft_event start, over;
	int64_t start_ns, begin_ns; /* begin: what comes from here on counts */
	_Atomic int64_t end_ns;     /* INT64_MAX: not known yet */
	int64_t cpu_ns;             /* of this process, from begin to the end */
	_Atomic uint64_t taken;     /* requests that count, with a bound on them */
	atomic_uint running;        /* connections that have more to do */
	atomic_bool is_stopped;     /* by a signal */
};

/** What happened at now_ns, in words; text is from outside, and is escaped. */
void weft__load_note(struct load_worker *worker, int64_t now_ns, enum load_error kind,
	const char *what, const char *text);

/* ---- load_target.c ----------------------------------------------------------------------- */

/** Read load->target.text, and make the request. A status. */
int weft__load_target_init(struct load *load);
void weft__load_target_fini(struct load *load);

/**
 * Find the address of the target that takes connections; the connection that showed it is
 * load->first_fd. In a fiber. A status.
 */
int weft__load_target_find(struct load *load);

/** Connect to it, within the timeout. A descriptor, or -1. */
int weft__load_dial(const struct load *load);

/** The same before the start: not too many at a time. */
int weft__load_dial_in_turn(struct load *load);

/** One of the fibers that load->opening counts has opened what it can. */
void weft__load_opened(struct load *load);

/* ---- load_connection.c ------------------------------------------------------------------- */

/** What a connection's fiber is started with; it frees it. */
struct load_start {
	struct load *load;
	unsigned index;
};

/** A fiber: one of load->connections. */
int weft__load_connection(void *arg);

/* ---- load_crowd.c ------------------------------------------------------------------------ */

/** A fiber: opens some of load->idle. */
int weft__load_idle(void *arg);

/** Count those that are still open, and close them. */
void weft__load_idle_close(struct load *load);

/** A fiber: one of load->slow. */
int weft__load_slow(void *arg);

/* ---- load_report.c ----------------------------------------------------------------------- */

/** What is about to be done. Nothing with --json. */
void weft__load_report_start(const struct load *load);

/** What came of it. A status: it failed when there was not one answer. */
int weft__load_report(const struct load *load);

#endif
