/*
 * weft/sim.h - run a program in a simulated world: its clock, its network, its scheduler's
 * choices, all out of one seed.
 *
 *	static int test(void *arg)
 *	{
 *		weft_spawn(server, NULL);		// begins with weft_sim_host("server")
 *		weft_sim_host("client");
 *		WEFT_WITH_TIMEOUT (WEFT_SECONDS(86400))	// takes no time at all
 *			return talk(weft_stream_connect("server:80"));
 *		return -1;
 *	}
 *	weft_sim_run(seed, &(struct weft_sim_options){.reset_chance = 0.01}, test, NULL);
 *
 * The program needs no change: it makes the same calls. There is one worker. Time stands
 * still while a fiber runs, but for cpu_ns at each switch, and jumps to the next event when
 * none can. Any runnable fiber may be next. A failure is replayed by running its seed again:
 * the same program with the same seed and options does the same, step by step.
 *
 * Hosts have a name and an IPv4 address (10.0.0.1, 10.0.0.2, ... in the order in which they
 * are first named); each has its own 127.0.0.1, ports and Unix names. Names resolve
 * by weft_dns_lookup() and all that stands on it. TCP, UDP, Unix sockets, pipes and pairs are
 * simulated; files, eventfds and other descriptors are the real ones.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include <stdio.h>

#include "weft/fiber.h"

WEFT_BEGIN

/** Longest name of a host, without the NUL. */
#define WEFT_SIM_HOST_NAME_MAX 31

/** All zero: a friendly network. Chances are from 0 to 1. */
struct weft_sim_options {
	int64_t latency_min_ns, latency_max_ns; /* between hosts, one way; 0, 0: 100 us */
	int64_t bandwidth;                      /* bytes per second and direction; 0: no bound */
	int64_t cpu_ns;                         /* a fiber's turn; 0: 1 us */

	double partial_chance; /* a read or write of a stream moves less than it could */
	double reset_chance;   /* a piece of a stream between hosts resets its connection */
	double refuse_chance;  /* a connect between hosts is refused */

	double loss_chance, duplicate_chance, reorder_chance; /* of a datagram */

	double emfile_chance;  /* making a descriptor fails with EMFILE */
	double enobufs_chance; /* sending a datagram fails with ENOBUFS */
	int descriptors_max;   /* open at once, more fail with EMFILE; 0: 65536 */

	bool in_order; /* fibers run in the order in which they became runnable */
	FILE *trace;   /* a line per event and choice; NULL: none */

	size_t stack_size_bytes; /* as in weft_run_options */

	struct weft_sim_report *report; /* filled in at the end; may be NULL */
};

struct weft_sim_report {
	uint64_t trace_hash;     /* of all events and choices: the same seed, the same hash */
	uint64_t events;         /* of the network */
	uint64_t faults;         /* that weft_sim_fail() asked for, and that happened */
	uint64_t choices;        /* of the scheduler, among two fibers or more */
	int64_t duration_ns;     /* on the virtual clock */
	size_t open_descriptors; /* simulated ones that were not closed */
};

/**
 * weft_run() under the simulator. Returns what fn returns. When all fibers wait and no event
 * is to come, they are listed on the standard error and cancelled: EDEADLK.
 * Errors: those of weft_run(); EINVAL (an option out of range).
 */
WEFT_API int weft_sim_run(
	uint64_t seed, const struct weft_sim_options *options, weft_fiber_fn *fn, void *arg);

/**
 * The calling fiber, and every fiber it starts from now on, is on the host of that name, which
 * is made when there is none. The first fiber begins on "localhost".
 * Errors: ENOTSUP (no simulator), EINVAL (no name, or too long), ENOMEM.
 */
WEFT_API int weft_sim_host(const char *name);

/**
 * From now on nothing gets from either host to the other (of connections: for a minute or
 * so, then they time out; of datagrams: ever). Heal ends that. Errors: ENOTSUP, ENOENT.
 */
WEFT_API int weft_sim_partition(const char *one, const char *other);
WEFT_API int weft_sim_heal(const char *one, const char *other);

/** All connections of a host with others are reset, as after a crash. Errors: as above. */
WEFT_API int weft_sim_reset_host(const char *name);

/* ---- Faults at chosen points ------------------------------------------------------- */

/** Calls on simulated descriptors, by what they do. */
enum weft_sim_call {
	WEFT_SIM_ANY,     /* any of these */
	WEFT_SIM_SOCKET,  /* socket, socketpair, pipe */
	WEFT_SIM_BIND,    /* bind */
	WEFT_SIM_LISTEN,  /* listen */
	WEFT_SIM_CONNECT, /* connect */
	WEFT_SIM_ACCEPT,  /* accept */
	WEFT_SIM_READ,    /* read, recv and all their forms, poll */
	WEFT_SIM_WRITE,   /* write, send and all their forms, sendfile */
	WEFT_SIM_OPTION,  /* setsockopt, getsockopt, getsockname, getpeername, shutdown */
};

/**
 * The nth such call from now (1: the next), by whichever fiber, fails with that errno, once;
 * with 0, the one most usual for it (EMFILE, EADDRINUSE, EADDRINUSE, ECONNREFUSED, EMFILE,
 * ECONNRESET, ECONNRESET, ENOBUFS; of a datagram ECONNREFUSED and ENOBUFS). A stream whose read
 * or write fails with ECONNRESET, EPIPE or ETIMEDOUT has ended, for its peer as well. What the
 * library itself calls counts. One call is chosen at a time: this replaces the choice before,
 * and nth 0 takes it back. report.faults says whether it has come to it, so that a loop over
 * n = 1, 2, 3 ... meets every point there is:
 *
 *	do
 *		weft_sim_run(seed, &options, test, &n);	// which calls weft_sim_fail(..., n++, 0)
 *	while (report.faults > 0);
 *
 * Errors: ENOTSUP (no simulator), EINVAL (no such call, code below 0).
 */
WEFT_API int weft_sim_fail(enum weft_sim_call call, uint64_t nth, int code);

/** Count, hash and print a line of the program's own in the trace. No effect without a simulator.
 */
__attribute__((format(printf, 1, 2))) WEFT_API void weft_sim_trace(const char *format, ...);

WEFT_END

#endif
