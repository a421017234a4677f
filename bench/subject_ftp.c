/*
 * subject_ftp.c - files and lists by FTP beside vsftpd, and sessions that are idle.
 *
 * Entry points: bench_ftp_subjects.
 *
 * One client, on its own CPU, one session at a time, which lasts for all rounds. What is measured
 * is the CPU time of the server's processes from before a command until after its last reply.
 * vsftpd never syncs what was put; weft does before it says 226, unless it is run by eatmydata(1),
 * which is how the two are compared at the same work.
 */
#include "ftp.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 7
#define DOWNLOADS      4 /* in a row, for a figure */
#define UPLOADS        1
#define IDLE_SESSIONS  300
#define SETTLE_S       3
#define NAMES          100000
#define NAME_FORMAT    "photo-%06d.jpeg"

/* How one of the contenders is talked to. */
enum way {
	CLEAR,
	TLS,
	HTTP,
	HTTPS,
};

struct contender {
	enum ftp_kind kind;
	enum way way;
	struct ftp ftp;
	struct weft_stream *http;
	double cpu[BENCH_ROUNDS_MAX], wall[BENCH_ROUNDS_MAX]; /* ms for each file */
};

/* A figure: one contender beside another. */
struct row {
	const char *name;
	size_t contender, yardstick;
	bool is_wall;
	struct bound bound;
};

static struct ftp_room room;

static bool can_run(const char *subject)
{
	if (ftp_find_vsftpd())
		return true;
	fprintf(stderr,
		"weft-bench: %s is skipped: there is no vsftpd in PATH, and WEFT_VSFTPD names "
		"none\n",
		subject);
	return false;
}

static void add(struct bench *bench, const char *subject, const char *name, struct figure figure)
{
	snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, name);
	if (figure.ratio == 0)
		figure.ratio = figure.value / figure.yardstick;
	report_add(&bench->report, &figure);
}

/* ---- Down and up ------------------------------------------------------------------------- */

static int connect_to(struct contender *one)
{
	const struct ftp_server *server = &room.servers[one->kind];

	if (one->way == HTTP)
		one->http = weft_stream_connect(server->http);
	else if (one->way == HTTPS)
		one->http = weft_stream_connect_tls(server->https, room.tls, NULL);
	else
		return ftp_open(&one->ftp, server, one->way == TLS ? room.tls : NULL);
	return one->http ? 0 : -1;
}

static void disconnect(struct contender *one)
{
	weft_stream_free(one->http);
	one->http = NULL;
	ftp_close(&one->ftp);
}

static int download(struct contender *one)
{
	struct ftp_got got;

	if (one->http)
		return ftp_http_get(one->http, "/large.bin") == FTP_LARGE ? 0 : -1;
	return ftp_get(&one->ftp, "RETR large.bin", &got) == 0 && got.bytes == FTP_LARGE ? 0 : -1;
}

/* To a name that nothing has, each time: what is in the way would have to go first. */
static int upload(struct contender *one)
{
	return ftp_put(&one->ftp, "STOR up.bin", FTP_LARGE);
}

static void forget_upload(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/up.bin", room.shared);
	unlink(path);
}

static int transfer(struct contender *one, unsigned round, bool is_upload)
{
	unsigned count = is_upload ? UPLOADS : DOWNLOADS;
	pid_t pid = room.servers[one->kind].server.pid;
	int64_t cpu = family_cpu(pid), wall = bench_now();
	int result = 0;

	for (unsigned i = 0; result == 0 && i < count; i++)
		result = is_upload ? upload(one) : download(one);
	one->wall[round] = (double)(bench_now() - wall) / 1e6 / count;
	one->cpu[round] = (double)(family_cpu(pid) - cpu) / 1e6 / count;
	if (is_upload)
		forget_upload();
	return result;
}

/* Round 0 is run twice: the first time fetches the file from the disk, and wakes everybody. */
static int transfer_all(struct contender *contenders, size_t count, unsigned rounds, bool is_upload)
{
	for (size_t i = 0; i < count; i++)
		if (connect_to(&contenders[i]) < 0)
			return -1;
	for (unsigned turn = 0; turn <= rounds; turn++)
		for (size_t i = 0; i < count; i++)
			if (transfer(&contenders[bench_turn(turn, i, count)], turn ? turn - 1 : 0,
				    is_upload) < 0)
				return -1;
	return 0;
}

static void report_rows(struct bench *bench, const char *subject,
	const struct contender *contenders, const struct row *rows, unsigned rounds)
{
	size_t first = bench->report.count;

	for (const struct row *row = rows; row->name; row++) {
		const struct contender *one = &contenders[row->contender],
				       *other = &contenders[row->yardstick];
		const double *values = row->is_wall ? one->wall : one->cpu,
			     *yardsticks = row->is_wall ? other->wall : other->cpu;

		add(bench, subject, row->name,
			(struct figure){.unit = "ms",
				.value = bench_median(values, rounds),
				.yardstick = bench_median(yardsticks, rounds),
				.ratio = bench_median_ratio(values, yardsticks, rounds),
				.bound = row->bound});
	}
	report_print_subject(&bench->report, first);
}

static int serve_all(const struct bench *bench, unsigned kinds)
{
	for (enum ftp_kind kind = 0; kind < FTP_KINDS; kind++)
		if ((kinds & 1U << kind) && ftp_serve(&room, bench, kind) < 0)
			return -1;
	return 0;
}

/* What the TLS of both is: else it would be a comparison of ciphers. */
static void print_ciphers(const struct contender *contenders, size_t count)
{
	static const char *const names[] = {"vsftpd", "weft", "weft, unsynced"};

	for (size_t i = 0; i < count; i++) {
		const struct weft_tls_facts *facts =
			contenders[i].way == TLS ? weft_stream_tls(contenders[i].ftp.control)
						 : NULL;

		if (facts)
			printf("  %s: %s, %s\n", names[contenders[i].kind], facts->version,
				facts->cipher);
	}
}

struct race_plan {
	struct contender *contenders;
	size_t count;
	const struct row *rows;
	unsigned kinds; /* bits of enum ftp_kind */
	bool is_upload;
};

static int run_race(struct bench *bench, const char *subject, const struct race_plan *plan)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	int result;

	if (ftp_room_init(&room) < 0)
		return -1;
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	result = serve_all(bench, plan->kinds);
	if (result == 0)
		result = transfer_all(plan->contenders, plan->count, rounds, plan->is_upload);
	if (result == 0 && !bench->report.is_json)
		print_ciphers(plan->contenders, plan->count);
	for (size_t i = 0; i < plan->count; i++)
		disconnect(&plan->contenders[i]);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	if (result == 0)
		report_rows(bench, subject, plan->contenders, plan->rows, rounds);
	else
		fprintf(stderr, "weft-bench: %s: no figure\n", subject);
	ftp_room_fini(&room);
	return result;
}

static int run_down(struct bench *bench, const struct subject *subject)
{
	static struct contender contenders[] = {{.kind = FTP_VSFTPD, .way = CLEAR},
		{.kind = FTP_VSFTPD, .way = TLS}, {.kind = FTP_WEFT, .way = CLEAR},
		{.kind = FTP_WEFT, .way = TLS}, {.kind = FTP_WEFT, .way = HTTP},
		{.kind = FTP_WEFT, .way = HTTPS}};
	static const struct row rows[] = {
		{"clear", 2, 0, false, {BOUND_RATIO_MAX, 1}},
		{"tls", 3, 1, false, {BOUND_RATIO_MAX, 1}},
		{"http", 4, 0, false, {BOUND_RATIO_MAX, 1}},
		{"https", 5, 1, false, {BOUND_RATIO_MAX, 1}},
		{.name = NULL},
	};
	const struct race_plan plan = {contenders, sizeof(contenders) / sizeof(*contenders), rows,
		1U << FTP_VSFTPD | 1U << FTP_WEFT, false};

	return can_run(subject->name) ? run_race(bench, subject->name, &plan) : 0;
}

static int run_up(struct bench *bench, const struct subject *subject)
{
	static struct contender contenders[] = {{.kind = FTP_VSFTPD, .way = CLEAR},
		{.kind = FTP_VSFTPD, .way = TLS}, {.kind = FTP_WEFT, .way = CLEAR},
		{.kind = FTP_WEFT, .way = TLS}, {.kind = FTP_WEFT_UNSYNCED, .way = CLEAR},
		{.kind = FTP_WEFT_UNSYNCED, .way = TLS}};
	static const struct row rows[] = {
		{"synced", 2, 0, false, {BOUND_NONE, 0}},
		{"synced-tls", 3, 1, false, {BOUND_NONE, 0}},
		{"synced-time", 2, 0, true, {BOUND_NONE, 0}},
		{"unsynced", 4, 0, false, {BOUND_RATIO_MAX, 1}},
		{"unsynced-tls", 5, 1, false, {BOUND_RATIO_MAX, 1}},
		{"unsynced-time", 4, 0, true, {BOUND_NONE, 0}},
		{.name = NULL},
	};
	static struct row synced_rows[4];
	bool has_unsynced = ftp_has_program("eatmydata");
	const struct race_plan plan = {contenders, has_unsynced ? 6 : 4,
		has_unsynced ? rows : synced_rows,
		1U << FTP_VSFTPD | 1U << FTP_WEFT | (unsigned)has_unsynced << FTP_WEFT_UNSYNCED,
		true};

	if (!can_run(subject->name))
		return 0;
	memcpy(synced_rows, rows, 3 * sizeof(*rows));
	if (!has_unsynced)
		fprintf(stderr, "weft-bench: %s: there is no eatmydata, so weft always syncs\n",
			subject->name);
	return run_race(bench, subject->name, &plan);
}

/* ---- Idle -------------------------------------------------------------------------------- */

struct memory {
	double before, after; /* the sessions, in bytes */
};

static int hold_sessions(enum ftp_kind kind, struct memory *ret_memory)
{
	static struct ftp sessions[IDLE_SESSIONS];
	pid_t pid = room.servers[kind].server.pid;
	unsigned count = 0;

	/* One has come and gone, and everything is awake. */
	if (ftp_open(&sessions[0], &room.servers[kind], NULL) < 0)
		return -1;
	ftp_close(&sessions[0]);
	nanosleep(&(struct timespec){.tv_nsec = 500 * 1000 * 1000}, NULL);
	ret_memory->before = family_pss(pid);
	while (count < IDLE_SESSIONS && ftp_open(&sessions[count], &room.servers[kind], NULL) == 0)
		count++;
	nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
	ret_memory->after = family_pss(pid);
	for (unsigned i = 0; i < count; i++)
		ftp_close(&sessions[i]);
	return count == IDLE_SESSIONS && ret_memory->before > 0 && ret_memory->after > 0 ? 0 : -1;
}

static int run_idle(struct bench *bench, const struct subject *subject)
{
	struct memory weft = {0}, vsftpd = {0};
	size_t first = bench->report.count;
	const double mib = 1 << 20;
	int result;

	if (!can_run(subject->name))
		return 0;
	if (ftp_room_init(&room) < 0)
		return -1;
	load_raise_fds(2 * IDLE_SESSIONS);
	result = serve_all(bench, 1U << FTP_VSFTPD | 1U << FTP_WEFT);
	if (result == 0 &&
		(hold_sessions(FTP_VSFTPD, &vsftpd) < 0 || hold_sessions(FTP_WEFT, &weft) < 0)) {
		fprintf(stderr, "weft-bench: %s: no figure\n", subject->name);
		result = -1;
	}
	ftp_room_fini(&room);
	if (result < 0)
		return -1;
	add(bench, subject->name, "sessions",
		(struct figure){.unit = "MiB",
			.value = (weft.after - weft.before) / mib,
			.yardstick = (vsftpd.after - vsftpd.before) / mib,
			.bound = {BOUND_RATIO_MAX, 0.02}});
	add(bench, subject->name, "in-all",
		(struct figure){
			.unit = "MiB", .value = weft.after / mib, .yardstick = vsftpd.after / mib});
	report_print_subject(&bench->report, first);
	return 0;
}

/* ---- Lists ------------------------------------------------------------------------------- */

enum list {
	VSFTPD_LIST, /* it has no MLSD */
	WEFT_LIST,
	WEFT_MLSD,
	LISTS,
};

struct listed {
	double first[BENCH_ROUNDS_MAX], all[BENCH_ROUNDS_MAX], cpu[BENCH_ROUNDS_MAX]; /* ms */
	double memory;                                                                /* bytes */
};

/* Empty files; the large one goes. */
static int make_names(void)
{
	int folder = open(room.shared, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[64];

	for (int i = 0; folder >= 0 && i < NAMES; i++) {
		int fd;

		snprintf(name, sizeof(name), NAME_FORMAT, i);
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return -1;
		close(fd);
	}
	if (folder >= 0)
		close(folder);
	unlink(room.large);
	return folder < 0 ? -1 : 0;
}

static int list_once(struct ftp *ftp, enum list list, struct listed *listed, unsigned round)
{
	pid_t pid = room.servers[list == VSFTPD_LIST ? FTP_VSFTPD : FTP_WEFT].server.pid;
	int64_t cpu = family_cpu(pid);
	struct ftp_got got;

	if (ftp_get(ftp, list == WEFT_MLSD ? "MLSD" : "LIST", &got) < 0 ||
		got.bytes < (int64_t)NAMES * 32)
		return -1;
	listed->cpu[round] = (double)(family_cpu(pid) - cpu) / 1e6;
	listed->first[round] = (double)got.first_ns / 1e6;
	listed->all[round] = (double)got.all_ns / 1e6;
	return 0;
}

/* All rounds of one, since its memory grows in the first; that one is done again. */
static int list_rounds(enum list list, struct listed *listed, unsigned rounds)
{
	const struct ftp_server *server =
		&room.servers[list == VSFTPD_LIST ? FTP_VSFTPD : FTP_WEFT];
	struct ftp ftp;
	double before;
	int result = ftp_open(&ftp, server, NULL);

	if (result < 0)
		return -1;
	before = family_peak(server->server.pid);
	for (unsigned turn = 0; result == 0 && turn <= rounds; turn++)
		result = list_once(&ftp, list, listed, turn ? turn - 1 : 0);
	listed->memory = family_peak(server->server.pid) - before;
	ftp_close(&ftp);
	return result;
}

static void report_list(struct bench *bench, const char *name, const struct listed *weft,
	const struct listed *vsftpd, unsigned rounds)
{
	const struct {
		const char *name;
		const double *values, *yardsticks;
	} times[] = {{"first", weft->first, vsftpd->first}, {"all", weft->all, vsftpd->all},
		{"cpu", weft->cpu, vsftpd->cpu}};
	char text[32];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		snprintf(text, sizeof(text), "%s-%s", name, times[i].name);
		add(bench, "ftp-list", text,
			(struct figure){.unit = "ms",
				.value = bench_median(times[i].values, rounds),
				.yardstick = bench_median(times[i].yardsticks, rounds)});
	}
	snprintf(text, sizeof(text), "%s-memory", name);
	add(bench, "ftp-list", text,
		(struct figure){.unit = "KiB",
			.value = weft->memory / 1024,
			.yardstick = vsftpd->memory / 1024});
}

static int run_list(struct bench *bench, const struct subject *subject)
{
	static struct listed listed[LISTS];
	unsigned rounds = bench->rounds ? bench->rounds : 3;
	size_t first = bench->report.count;
	int result;

	if (!can_run(subject->name))
		return 0;
	if (ftp_room_init(&room) < 0)
		return -1;
	result = make_names() < 0 ? -1 : serve_all(bench, 1U << FTP_VSFTPD | 1U << FTP_WEFT);
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	for (enum list list = 0; result == 0 && list < LISTS; list++)
		result = list_rounds(list, &listed[list], rounds);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	ftp_room_fini(&room);
	if (result < 0) {
		fprintf(stderr, "weft-bench: %s: no figure\n", subject->name);
		return -1;
	}
	report_list(bench, "mlsd", &listed[WEFT_MLSD], &listed[VSFTPD_LIST], rounds);
	report_list(bench, "list", &listed[WEFT_LIST], &listed[VSFTPD_LIST], rounds);
	report_print_subject(&bench->report, first);
	return 0;
}

const struct subject bench_ftp_subjects[] = {
	{"ftp-down", "CPU for 64 MiB down by FTP and HTTP, in the clear and by TLS, beside vsftpd",
		run_down},
	{"ftp-up", "CPU for 64 MiB up by FTP: synced, and as vsftpd does, which never syncs",
		run_up},
	{"ftp-idle", "memory of 300 sessions that are logged in and idle, beside vsftpd", run_idle},
	{"ftp-list", "a list of 100,000 names: to its first byte and its last, beside vsftpd",
		run_list},
	{NULL, NULL, NULL},
};
