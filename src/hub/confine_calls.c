/*
 * confine_calls.c - which system calls a server has left (confine.h): seccomp(2), by libseccomp.
 *
 * Entry point: weft__hub_confine_calls().
 *
 *	allowed[]       without a look at their arguments
 *	add_bounded()   only with some arguments: sockets of four families, no memory that is
 *	                written and run, threads but no processes, ...
 *	harmful[]       EPERM
 *	all else        ENOSYS
 *
 * Not a kill: a library that tries a call and does without it, or a plug-in of the name service,
 * would take everybody's connections with it. ENOSYS and not EPERM for what is unknown: C libraries
 * try new calls first and fall back on the old ones by that answer alone.
 *
 * Never: allows a call that runs a program, looks into another process, or changes whose process it
 * is. What io_uring does goes by no system call of its own: files and TCP are Landlock's there,
 * too.
 */
#include "confine.h"

#include <errno.h>
#include <stdio.h>

#ifdef WEFT_HAS_SECCOMP
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* libseccomp's macros for arguments leave the fields out that the comparison has no use for. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Found with strace(1) under the tests of all doors, drivers and models; and what else the C
 * library makes of the functions that are called. A name that this machine has not is passed over.
 */
static const char *const allowed[] = {
	/* Files; which ones is Landlock's matter. */
	"access",
	"chdir",
	"chmod",
	"chown",
	"close",
	"close_range",
	"copy_file_range",
	"creat",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fallocate",
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchown",
	"fchownat",
	"fcntl",
	"fdatasync",
	"fgetxattr",
	"flistxattr",
	"flock",
	"fremovexattr",
	"fsetxattr",
	"fstat",
	"fstatfs",
	"fsync",
	"ftruncate",
	"futimesat",
	"getcwd",
	"getdents",
	"getdents64",
	"getxattr",
	"lgetxattr",
	"link",
	"linkat",
	"listxattr",
	"llistxattr",
	"lremovexattr",
	"lseek",
	"lsetxattr",
	"lstat",
	"mkdir",
	"mkdirat",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pread64",
	"preadv",
	"preadv2",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"read",
	"readahead",
	"readlink",
	"readlinkat",
	"readv",
	"removexattr",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"sendfile",
	"setxattr",
	"splice",
	"stat",
	"statfs",
	"statx",
	"symlink",
	"symlinkat",
	"sync_file_range",
	"syncfs",
	"tee",
	"truncate",
	"umask",
	"unlink",
	"unlinkat",
	"utime",
	"utimensat",
	"utimes",
	"vmsplice",
	"write",
	"writev",
	/* Sockets; which kinds is add_bounded()'s. */
	"accept",
	"accept4",
	"bind",
	"getpeername",
	"getsockname",
	"getsockopt",
	"listen",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	/* Waiting. */
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd",
	"eventfd2",
	"inotify_add_watch",
	"inotify_init1",
	"inotify_rm_watch",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"pselect6",
	"select",
	"signalfd",
	"signalfd4",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_settime",
	/* Time. */
	"alarm",
	"clock_getres",
	"clock_gettime",
	"clock_nanosleep",
	"getitimer",
	"gettimeofday",
	"nanosleep",
	"setitimer",
	"time",
	"timer_create",
	"timer_delete",
	"timer_getoverrun",
	"timer_gettime",
	"timer_settime",
	"times",
	/* Memory. */
	"brk",
	"madvise",
	"mincore",
	"mlock",
	"mlock2",
	"mremap",
	"msync",
	"munlock",
	"munmap",
	/* Threads and signals. */
	"arch_prctl",
	"exit",
	"exit_group",
	"futex",
	"futex_waitv",
	"get_robust_list",
	"getcpu",
	"membarrier",
	"pause",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getattr",
	"sched_getparam",
	"sched_getscheduler",
	"sched_setaffinity",
	"sched_yield",
	"set_robust_list",
	"set_tid_address",
	"sigaltstack",
	/* What it asks about itself. */
	"capget",
	"getegid",
	"geteuid",
	"getgid",
	"getgroups",
	"getpgid",
	"getpgrp",
	"getpid",
	"getppid",
	"getpriority",
	"getrandom",
	"getresgid",
	"getresuid",
	"getrlimit",
	"getrusage",
	"getsid",
	"gettid",
	"getuid",
	"sysinfo",
	"uname",
};

/* What nobody tries who means well. */
static const char *const harmful[] = {"acct", "add_key", "adjtimex", "bpf", "capset", "chroot",
	"clock_adjtime", "clock_settime", "delete_module", "execve", "execveat", "fanotify_init",
	"finit_module", "fsconfig", "fsmount", "fsopen", "init_module", "ioperm", "iopl", "kcmp",
	"kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mknod", "mknodat", "mount",
	"mount_setattr", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree",
	"perf_event_open", "personality", "pidfd_getfd", "pivot_root", "pkey_mprotect",
	"process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl",
	"quotactl_fd", "reboot", "remap_file_pages", "request_key", "setdomainname", "setfsgid",
	"setfsuid", "setgid", "setgroups", "sethostname", "setns", "setregid", "setresgid",
	"setresuid", "setreuid", "settimeofday", "setuid", "swapoff", "swapon", "syslog", "umount2",
	"unshare", "userfaultfd", "vhangup"};

/* Calls of processes, of --model fork and prefork. */
static const char *const of_forks[] = {"clone3", "fork", "kill", "pidfd_open", "pidfd_send_signal",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpgid", "setpriority", "setsid", "tgkill",
	"tkill", "vfork", "wait4", "waitid"};

static const char *const of_uring[] = {"io_uring_enter", "io_uring_register", "io_uring_setup"};

/* Terminals, sizes of what waits, names of interfaces, copies that share their blocks; not what
 * types into a terminal (TIOCSTI). */
static const unsigned long requests[] = {FIONBIO, FIONREAD, FIOCLEX, FIONCLEX, TCGETS, TCSETS,
	TCSETSW, TCSETSF, TIOCGWINSZ, TIOCGPGRP, TIOCOUTQ, SIOCOUTQNSD, SIOCGIFNAME, SIOCGIFINDEX,
	SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR, FICLONE, FICLONERANGE, FIDEDUPERANGE};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
static const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

/* A thread's name, that of a piece of memory, a child's end with its parent, what is asked. */
static const int controls[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */,
	PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ,
	PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK};

#define LIST(of) (of), sizeof(of) / sizeof((of)[0])

/** One filter while it is made. */
struct filter {
	scmp_filter_ctx ctx;
	unsigned count;
	int code; /* the first that went wrong, negative */
};

/* Arguments, of which the first is 0. */
static struct scmp_arg_cmp is(unsigned argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp is_masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){
		.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static void add(struct filter *filter, uint32_t action, const char *name, unsigned count,
	const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name), code;

	if (number < 0) /* this architecture has none, or libseccomp knows none, of that name */
		return;
	code = seccomp_rule_add_array(filter->ctx, action, number, count, arguments);
	if (code == 0)
		filter->count += action == SCMP_ACT_ALLOW && count == 0;
	else if (!filter->code)
		filter->code = code;
}

static void add_names(
	struct filter *filter, uint32_t action, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(filter, action, names[i], 0, NULL);
}

static void allow_if(struct filter *filter, const char *name, struct scmp_arg_cmp argument)
{
	add(filter, SCMP_ACT_ALLOW, name, 1, &argument);
}

/* A socket's family and kind; raw ones see everybody's packets. */
static void add_sockets(struct filter *filter)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			const struct scmp_arg_cmp arguments[] = {is(0, (scmp_datum_t)families[i]),
				is_masked(1, 0xf, (scmp_datum_t)kinds[k])};

			add(filter, SCMP_ACT_ALLOW, "socket", 2, arguments);
		}
	/* Routes, and who is bound to a path: the kernel's C library asks through raw ones. */
	const struct scmp_arg_cmp netlink[] = {is(0, AF_NETLINK), is_masked(1, 0xf, SOCK_RAW)};

	add(filter, SCMP_ACT_ALLOW, "socket", 2, netlink);
	allow_if(filter, "socketpair", is(0, AF_UNIX));
}

/* Nothing is both written and run; what is run comes from a file, as libraries do. */
static void add_memory(struct filter *filter)
{
	allow_if(filter, "mprotect", is_masked(2, PROT_EXEC, 0));
	allow_if(filter, "mmap", is_masked(2, PROT_EXEC, 0));
	allow_if(filter, "mmap", is_masked(2, PROT_EXEC | PROT_WRITE, (scmp_datum_t)PROT_EXEC));
}

/*
 * Threads, but no processes. clone3(2) has its flags where no filter sees them: it is not on the
 * list, and the C library takes clone(2).
 */
static void add_threads(struct filter *filter)
{
	const int own[] = {SIGABRT, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	allow_if(filter, "clone", is_masked(0, CLONE_THREAD, CLONE_THREAD));
	/* A thread that waits in a call of its own is woken so. */
	allow_if(filter, "tgkill", is(0, (scmp_datum_t)getpid()));
	allow_if(filter, "rt_tgsigqueueinfo", is(0, (scmp_datum_t)getpid()));
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct scmp_arg_cmp arguments[] = {
			is(0, (scmp_datum_t)getpid()), is(1, (scmp_datum_t)own[i])};

		add(filter, SCMP_ACT_ALLOW, "kill", 2, arguments);
	}
}

static void add_processes(struct filter *filter)
{
	const scmp_datum_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
					CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

	allow_if(filter, "clone", is_masked(0, namespaces, 0));
	add_names(filter, SCMP_ACT_ALLOW, LIST(of_forks));
}

static void add_bounded(struct filter *filter, const struct hub_confine_options *options)
{
	add_sockets(filter);
	add_memory(filter);
	if (options->forks)
		add_processes(filter);
	else
		add_threads(filter);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		allow_if(filter, "ioctl", is(1, requests[i]));
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		allow_if(filter, "prctl", is(0, (scmp_datum_t)controls[i]));
	/* Its own bounds. */
	allow_if(filter, "prlimit64", is(0, 0));
	add(filter, SCMP_ACT_ALLOW, "setrlimit", 0, NULL);
	if (options->uses_uring)
		add_names(filter, SCMP_ACT_ALLOW, LIST(of_uring));
	if (options->calls_connect)
		add(filter, SCMP_ACT_ALLOW, "connect", 0, NULL);
	else
		add(filter, SCMP_ACT_ERRNO(EPERM), "connect", 0, NULL);
}

static int load(struct filter *filter, const struct hub_confine_options *options)
{
	/* All threads at once, those that run already, too. */
	filter->code = seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!filter->code)
		filter->code = seccomp_attr_set(
			filter->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree, not a list: a call costs a few comparisons, not two hundred. */
	if (!filter->code)
		filter->code = seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (filter->code)
		return filter->code;
	add_names(filter, SCMP_ACT_ALLOW, LIST(allowed));
	add_names(filter, SCMP_ACT_ERRNO(EPERM), LIST(harmful));
	add_bounded(filter, options);
	return filter->code ? filter->code : seccomp_load(filter->ctx);
}

int weft__hub_confine_calls(
	const struct hub_confine_options *options, struct hub_confine_facts *facts)
{
	struct filter filter = {.ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS))};
	int code;

	facts->calls = 0;
	if (!filter.ctx) {
		errno = ENOMEM;
		return -1;
	}
	code = load(&filter, options);
	seccomp_release(filter.ctx);
	if (code == 0) {
		facts->calls = filter.count;
		return 0;
	}
	if (code == -ENOSYS || code == -EINVAL || code == -EOPNOTSUPP) {
		snprintf(facts->why_not_calls, sizeof(facts->why_not_calls),
			"this kernel has no seccomp filters");
		return 0;
	}
	errno = -code;
	return -1;
}

#else

int weft__hub_confine_calls(
	const struct hub_confine_options *options, struct hub_confine_facts *facts)
{
	(void)options;
	facts->calls = 0;
	snprintf(facts->why_not_calls, sizeof(facts->why_not_calls),
		"this weft was built without libseccomp");
	return 0;
}

#endif
