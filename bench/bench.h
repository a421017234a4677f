/*
 * bench.h - what the files of weft-bench share.
 *
 * A subject (echo-64) is measured on several contenders: the yardstick, weft, peers.
 * Every contender is a program of its own: it either times itself and prints its
 * figures, or serves and is measured from outside. The contenders take turns, round
 * after round, so a machine that grows slower meanwhile is slow for all of them.
 *
 * Never: src/ (like any user, the benchmarks see include/weft/ only), or a figure
 * of weft without its yardstick from the same run.
 */
#ifndef BENCH_H
#define BENCH_H

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BENCH_ROUNDS_MAX     31
#define BENCH_CONTENDERS_MAX 12
#define BENCH_MEASURES_MAX   4
#define BENCH_FIGURES_MAX    1024
#define BENCH_ARGS_MAX       32

/** Room for the path of build/; what lies below it fits into PATH_MAX. */
#define BENCH_DIR_MAX (PATH_MAX - 256)

/* ---- Figures (report.c) ------------------------------------------------------ */

enum bound_kind {
	BOUND_NONE,
	BOUND_VALUE_MAX, /* the value itself */
	BOUND_VALUE_MIN,
	BOUND_RATIO_MAX, /* the value over the yardstick */
	BOUND_RATIO_MIN,
};

/* What is promised of a figure. */
struct bound {
	enum bound_kind kind;
	double limit;
};

/* One result. NAN stands for "none" in yardstick and ratio. */
struct figure {
	char name[64]; /* subject.measure, and .peer unless it is weft's */
	const char *unit;
	double value, yardstick;
	double ratio; /* median of the rounds' own ratios: not quite value / yardstick */
	struct bound bound;
};

struct report {
	bool is_json;
	size_t count;
	struct figure figures[BENCH_FIGURES_MAX];
};

void report_add(struct report *report, const struct figure *figure);

/** Print one subject's figures of weft with their bounds; nothing under --json. */
void report_print_subject(const struct report *report, size_t first);

/** Under --json: print all figures as one array. */
void report_print_json(const struct report *report);

/* ---- The run (main.c) --------------------------------------------------------- */

struct bench {
	char build_dir[BENCH_DIR_MAX]; /* where weft-bench itself lies */
	bool without_peers;
	unsigned rounds;   /* 0: the subject's own choice */
	int64_t window_ns; /* how long a server is watched in each round */
	cpu_set_t all_cpus, server_cpu, client_cpu;
	struct report report;
};

struct subject {
	const char *name, *about;
	/* Measure and report. -1: it could not be done, and stderr says why. */
	int (*run)(struct bench *bench, const struct subject *subject);
};

/** Subjects, ended by a NULL name: subject_*.c. */
extern const struct subject bench_fiber_subjects[];
extern const struct subject bench_sync_subjects[];
extern const struct subject bench_queue_subjects[];
extern const struct subject bench_pool_subjects[];
extern const struct subject bench_process_subjects[];
extern const struct subject bench_chat_link_subjects[];
extern const struct subject bench_net_subjects[];
extern const struct subject bench_http_subjects[];
extern const struct subject bench_parse_subjects[];
extern const struct subject bench_ws_subjects[];
extern const struct subject bench_idle_subjects[];
extern const struct subject bench_scale_subjects[];
extern const struct subject bench_steady_subjects[];
extern const struct subject bench_tls_subjects[];
extern const struct subject bench_udp_subjects[];
extern const struct subject bench_files_subjects[];
extern const struct subject bench_rooms_subjects[];
extern const struct subject bench_chat_subjects[];
extern const struct subject bench_ftp_subjects[];
extern const struct subject bench_login_subjects[];
extern const struct subject bench_driver_subjects[];
extern const struct subject bench_load_subjects[];

/* ---- Measuring (measure.c) ---------------------------------------------------- */

/** Any clock, in nanoseconds; 0 when it is gone. */
int64_t bench_clock(clockid_t clock);

/** CLOCK_MONOTONIC in nanoseconds. */
int64_t bench_now(void);

/** CPU time of this process in nanoseconds: what times a loop that never waits. */
int64_t bench_cpu(void);

/** Median of count numbers, at most BENCH_ROUNDS_MAX. NAN of none. */
double bench_median(const double *values, size_t count);

/** Median of values[i] / yardsticks[i]. */
double bench_median_ratio(const double *values, const double *yardsticks, size_t count);

/** Contender that has turn number turn in this round: there and back again in turns. */
size_t bench_turn(unsigned round, size_t turn, size_t contender_count);

/* ---- Percentiles (latency.c) ---------------------------------------------------- */

struct latencies {
	uint64_t count;
	uint32_t *buckets;
};

/** Returns 0, or -1: no memory. End it with latencies_fini(), also then. */
int latencies_init(struct latencies *latencies);
void latencies_fini(struct latencies *latencies);
void latencies_add(struct latencies *latencies, int64_t duration_ns);

/** The duration that this share of them stays below. NAN of none. */
double latencies_at(const struct latencies *latencies, double share);

/* ---- Programs (program.c) ------------------------------------------------------ */

struct program {
	const char *argv[BENCH_ARGS_MAX]; /* ended by NULL */
	const cpu_set_t *cpus;
};

/** Bytes of a program's output that are looked at, and the NUL. */
#define PROGRAM_OUTPUT_MAX 4096

/** Run a program to its end; its output, as far as there is room. Returns 0 or -1. */
int program_output(const struct program *program, char ret_output[PROGRAM_OUTPUT_MAX]);

/** The same, and read the count numbers that it begins with. Returns 0 or -1. */
int program_time(const struct program *program, double *ret_numbers, size_t count);

/* A program that serves. */
struct server {
	pid_t pid;
	clockid_t cpu_clock; /* CPU time of the whole process, all its threads */
	int output_fd;
	uint16_t port;
};

/**
 * Start a server and wait until it takes connections. Port 0: it prints the port it has
 * got, alone on a line or as http://HOST:PORT/. Returns 0, or -1 with nothing left behind.
 */
int server_start(struct server *server, const struct program *program, uint16_t port);

/** End it: SIGTERM, and SIGKILL when that does not help. */
void server_stop(struct server *server);

/** A port of 127.0.0.1 that is free now, for servers that can't be told to choose. */
uint16_t server_free_port(void);

/* ---- The load client (load.c) --------------------------------------------------- */

enum load_kind {
	LOAD_ECHO, /* the reply is what was sent */
	LOAD_HTTP, /* the reply ends with BENCH_BODY */
};

#define BENCH_BODY     "Hello, world\n"
#define BENCH_BODY_LEN 13
#define BENCH_LARGE    (1 << 20)

struct load {
	enum load_kind kind;
	uint16_t port;
	unsigned connections; /* that ask */
	unsigned idle;        /* that are open besides */
	int64_t warm_up_ns, window_ns;
	clockid_t server_clock;
	const struct web *web; /* web_run() only */
};

struct load_result {
	double per_second;     /* replies */
	double p50_ns, p99_ns; /* from the request's send to the reply's last byte */
	double cpu_ns;         /* the server's CPU time per reply */
	double busy;           /* the server's CPU time over wall time */
	double client_busy;    /* ours; of web_run() only */
};

/** Closed loop: each connection sends its next request when the reply is there. 0 or -1. */
int load_run(const struct load *load, struct load_result *ret_result);

/* ---- The client for HTTP of any kind (web.c) ------------------------------------- */

/* What a connection sends, over and over. */
struct web {
	const char *request; /* whole; its answers are all of one length, and 200 */
	size_t request_len;
	unsigned depth;  /* requests in one write, answered before the next; 0: one */
	bool reconnects; /* each on a new connection, which the server closes */

	/* Something else than HTTP after a handshake that is answered 101; NULL: none. */
	const char *handshake, *answer_start;
	size_t answer_start_len, answer_len;
};

/**
 * The same closed loop: load->web is what is sent. load->idle connections are open besides,
 * which have had one answer each. A latency is that of a whole write's answers. 0 or -1.
 */
int web_run(const struct load *load, struct load_result *ret_result);

/* Connections kept between two measurements: see web_hold(). */
struct web_crowd {
	int *fds;
	unsigned count;
};

/** Open count connections that have had one answer each, from ever other addresses. 0 or -1. */
int web_hold(struct web_crowd *crowd, uint16_t port, const struct web *web, unsigned count);
void web_release(struct web_crowd *crowd);

/** Raise this process's limit of descriptors, and its children's, as far as it goes. */
void load_raise_fds(unsigned connections);

/* ---- Peers (peers.c) ------------------------------------------------------------ */

enum peer_work {
	PEER_ECHO,
	PEER_HTTP,     /* the small file */
	PEER_LOGGED,   /* the same with an access log */
	PEER_LARGE,    /* the large one */
	PEER_HANDLERS, /* GET /json, POST /upload: as child_http.c answers them */
	PEER_TLS,
	PEER_WEBSOCKET,
};

struct peer {
	const char *name;
	struct program program;
	uint16_t port; /* 0: the server prints it */
	char path[PATH_MAX];
	char argument[PATH_MAX];
};

/** The folder with the file that is served over HTTP, and with the peers' own files. */
struct peer_room {
	char dir[PATH_MAX];      /* temporary */
	char docs_dir[PATH_MAX]; /* holds hello.txt, and large.bin of BENCH_LARGE bytes */
};

int peer_room_init(struct peer_room *room, const struct bench *bench);
void peer_room_fini(struct peer_room *room);

/** Build what is installed here into build/peers/; silent when that is done already. */
void peers_build(const struct bench *bench);

/** The same, and list it. Returns how many peers, at most max. */
size_t peers_find(const struct bench *bench, const struct peer_room *room, enum peer_work work,
	struct peer *ret_peers, size_t max);

/* ---- weft's own side (child_*.c): weft-bench --child NAME [ARGUMENT] -------------- */

int child_run(const char *name, const char *argument);

#endif
