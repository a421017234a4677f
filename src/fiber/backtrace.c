/*
 * backtrace.c - backtraces of parked fibers and busy workers, with names.
 *
 * A parked fiber is asked on its own stack (weft__visit()), so its frames are unwound by
 * the compiler's tables, as gdb does it, and no frame pointer need be trusted. Names come
 * from libdw (elfutils) if it is there, loaded when the first one is wanted: it knows
 * static functions and lines. Else from dladdr(3), which knows exported names only.
 *
 * Must never: cost anything before somebody asks.
 */
#include "fiber/backtrace.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fiber/coro.h"
#include "fiber/doze.h"
#include "fiber/runtime.h"

#if __has_include(<elfutils/libdwfl.h>)
#include <elfutils/libdwfl.h>
#define HAS_LIBDW 1
#endif

/** What unwinding may need of the stack it runs on. */
#define ROOM_MIN ((size_t)8 * 1024)

/** How long a busy worker has to answer. */
#define ANSWER_MS 100

/* ---- Taking ---------------------------------------------------------------------------- */

void weft__backtrace_here(struct weft__backtrace *trace)
{
	trace->count = backtrace(trace->frames, WEFT__FRAMES_MAX);
}

static void take(void *trace)
{
	weft__backtrace_here(trace);
}

void weft__backtrace_of(struct weft__backtrace *trace, struct weft__fiber *fiber)
{
	struct weft_coro *coro = fiber->context.coro;
	char *bottom = coro ? coro->stack : fiber->stack;

	trace->count = -1;
	if ((size_t)((char *)fiber->sp - bottom) >= ROOM_MIN)
		weft__visit(weft__worker, fiber, take, trace);
}

/* What the handler fills in. The number tells a late answer from the one that is wanted. */
static struct {
	struct weft__backtrace trace;
	_Atomic pthread_t thread; /* who is asked */
	_Atomic unsigned asked, answered;
	void (*_Atomic usual)(int, siginfo_t *, void *); /* doze.h's: whom the signal else is for */
} running;

/*
 * Who is cancelled meanwhile gets the same signal, and perhaps both at once, as one: so it is
 * passed on always. To be woken for nothing harms nobody.
 */
static void on_question(int number, siginfo_t *info, void *ucontext)
{
	int saved = errno;

	if (pthread_equal(pthread_self(), atomic_load(&running.thread)) &&
		atomic_load(&running.answered) != atomic_load(&running.asked)) {
		weft__backtrace_here(&running.trace);
		atomic_store(&running.answered, atomic_load(&running.asked));
	}
	errno = saved;
	atomic_load (&running.usual)(number, info, ucontext);
}

/* SIGURG: nobody sends it but for urgent data and cancelled threads. */
static bool ask(struct weft__backtrace *trace, struct weft__worker *worker)
{
	const struct timespec pause = {0, 1000000};
	struct sigaction action = {
		.sa_sigaction = on_question, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	struct sigaction usual;
	unsigned number = atomic_load(&running.asked) + 1;
	bool has_answered = false;

	weft__backtrace_here(trace); /* loads what unwinding needs, now and not in the handler */
	weft__doze_install();        /* else it might be just now, and be put away with ours */
	if (sigaction(SIGURG, NULL, &usual) < 0 || !(usual.sa_flags & SA_SIGINFO))
		return false; /* the program has taken it for itself */
	atomic_store(&running.usual, usual.sa_sigaction);
	atomic_store(&running.thread, worker->thread);
	atomic_store(&running.asked, number);
	if (sigaction(SIGURG, &action, NULL) < 0)
		return false;
	if (pthread_kill(worker->thread, SIGURG) == 0)
		for (int i = 0; i < ANSWER_MS && !has_answered; i++) {
			nanosleep(&pause, NULL);
			has_answered = atomic_load(&running.answered) == number;
		}
	sigaction(SIGURG, &usual, NULL);
	if (has_answered) /* else it may be just about to */
		*trace = running.trace;
	return has_answered;
}

/* A list may ask while the watchdog does: each puts the handler back that it found. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

bool weft__backtrace_running(struct weft__backtrace *trace, struct weft__worker *worker)
{
	bool has_answered;

	pthread_mutex_lock(&asking);
	has_answered = ask(trace, worker);
	pthread_mutex_unlock(&asking);
	return has_answered;
}

/* ---- Names ------------------------------------------------------------------------------- */

struct place {
	const char *function; /* NULL: unknown */
	const char *file;     /* NULL: unknown */
	int line;
	char object[96]; /* when nothing is known: the file's name and an offset */
};

#ifdef HAS_LIBDW
/* The functions of libdw that are used. */
static struct {
	bool was_tried;
	Dwfl *dwfl;
	__typeof__(&dwfl_begin) begin;
	__typeof__(&dwfl_report_begin) report_begin;
	__typeof__(&dwfl_linux_proc_report) proc_report;
	__typeof__(&dwfl_report_end) report_end;
	__typeof__(&dwfl_linux_proc_find_elf) find_elf;
	__typeof__(&dwfl_standard_find_debuginfo) find_debuginfo;
	__typeof__(&dwfl_addrmodule) addrmodule;
	__typeof__(&dwfl_module_addrname) addrname;
	__typeof__(&dwfl_module_getsrc) getsrc;
	__typeof__(&dwfl_lineinfo) lineinfo;
} dw;

static bool dw_load(void)
{
	void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return false;
	/* A newer one without one of them is as good as none. */
	return (dw.begin = dlsym(library, "dwfl_begin")) &&
	       (dw.report_begin = dlsym(library, "dwfl_report_begin")) &&
	       (dw.proc_report = dlsym(library, "dwfl_linux_proc_report")) &&
	       (dw.report_end = dlsym(library, "dwfl_report_end")) &&
	       (dw.find_elf = dlsym(library, "dwfl_linux_proc_find_elf")) &&
	       (dw.find_debuginfo = dlsym(library, "dwfl_standard_find_debuginfo")) &&
	       (dw.addrmodule = dlsym(library, "dwfl_addrmodule")) &&
	       (dw.addrname = dlsym(library, "dwfl_module_addrname")) &&
	       (dw.getsrc = dlsym(library, "dwfl_module_getsrc")) &&
	       (dw.lineinfo = dlsym(library, "dwfl_lineinfo"));
}

static void dw_begin(void)
{
	static Dwfl_Callbacks callbacks;

	if (dw.was_tried)
		return;
	dw.was_tried = true;
	if (!dw_load())
		return;
	callbacks.find_elf = dw.find_elf;
	callbacks.find_debuginfo = dw.find_debuginfo;
	dw.dwfl = dw.begin(&callbacks);
	if (!dw.dwfl)
		return;
	dw.report_begin(dw.dwfl);
	dw.proc_report(dw.dwfl, getpid());
	dw.report_end(dw.dwfl, NULL, NULL);
}

static void dw_find(struct place *place, void *frame)
{
	Dwarf_Addr address = (Dwarf_Addr)frame;
	Dwfl_Module *module;
	Dwfl_Line *line;

	dw_begin();
	module = dw.dwfl ? dw.addrmodule(dw.dwfl, address) : NULL;
	if (!module)
		return;
	place->function = dw.addrname(module, address);
	line = dw.getsrc(module, address);
	if (line)
		place->file = dw.lineinfo(line, NULL, &place->line, NULL, NULL, NULL);
}
#else
static void dw_find(struct place *place, void *frame)
{
	(void)place, (void)frame;
}
#endif

static void place_find(struct place *place, void *frame)
{
	/* A return address is behind the call, and may be on another line. */
	char *call = (char *)frame - 1;
	const char *name;
	Dl_info info;

	*place = (struct place){0};
	dw_find(place, call);
	if (place->function || dladdr(call, &info) == 0)
		return;
	place->function = info.dli_sname;
	name = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
	name = name ? name + 1 : info.dli_fname ? info.dli_fname : "?";
	snprintf(place->object, sizeof(place->object), "%s+0x%zx", name,
		(size_t)(call - (char *)info.dli_fbase));
}

/* ---- Printing ------------------------------------------------------------------------------ */

/* libdw is for one thread at a time: a list may be made while the watchdog tells of somebody. */
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

void weft__backtrace_forked(void)
{
	asking = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	if (pthread_mutex_trylock(&printing) == 0) {
		pthread_mutex_unlock(&printing);
		return;
	}
	/* A thread that is not here was in the midst of it: what it has left is not to be used. */
	printing = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
#ifdef HAS_LIBDW
	dw.dwfl = NULL;
#endif
}

static bool is_among(const char *name, const char *const *names)
{
	for (; name && *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* How many frames to leave out at the innermost end: how it was asked, and the parking. */
static int frames_inside(const struct weft__backtrace *trace)
{
	static const char *const names[] = {"weft__backtrace_here", "take", "visit_call",
		"call_back", "hop", "weft__park", "weft_yield", "weft__waiter_wait",
		"weft__waiter_wait_for_sure", "wait_in_line", "weft__readiness_perform",
		"weft__perform", "weft_dump", "on_question", NULL};
	bool is_signal = false;
	struct place place;
	int last = 0;

	for (int i = 0; i < trace->count && i < 12; i++) {
		place_find(&place, trace->frames[i]);
		if (is_among(place.function, names))
			last = i + 1;
		is_signal |= place.function && strcmp(place.function, "on_question") == 0;
	}
	last += is_signal; /* the frame that the kernel put between */
	return last;
}

static void print(const struct weft__backtrace *trace, FILE *out)
{
	static const char *const outermost[] = {"weft__fiber_main", "coro_main", NULL};
	struct place place;

	if (trace->count < 0)
		fputs("\t(too little room on its stack for a backtrace)\n", out);
	for (int i = frames_inside(trace); i < trace->count; i++) {
		place_find(&place, trace->frames[i]);
		if (is_among(place.function, outermost))
			return;
		fprintf(out, "\t%-31s ", place.function ? place.function : "?");
		if (place.file)
			fprintf(out, "%s:%d\n", place.file, place.line);
		else if (place.object[0])
			fprintf(out, "%s\n", place.object);
		else
			fprintf(out, "%p\n", trace->frames[i]);
	}
}

void weft__backtrace_print(const struct weft__backtrace *trace, FILE *out)
{
	pthread_mutex_lock(&printing);
	print(trace, out);
	pthread_mutex_unlock(&printing);
}
