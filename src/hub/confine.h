/*
 * confine.h - the process can do no more than it was started for: files, TCP, system calls.
 *
 * Entry points: weft__hub_confine_files() before there is a second thread,
 *weft__hub_confine_calls() once everything is open, weft__hub_confine_dumps() at any time.
 *
 *	confine.c         Landlock: which files, which ports (landlock(7))
 *	confine_calls.c   seccomp: which system calls (seccomp(2)), by libseccomp
 *	user.c            whose process it is (user.h)
 *
 * Nothing of it can be taken back, by nobody: neither by this process nor by its children. What
 * the kernel lacks is told by facts; the caller decides whether that matters.
 */
#ifndef WEFT_SRC_HUB_CONFINE_H
#define WEFT_SRC_HUB_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What may be done with a path, and with everything below it. Nothing may ever be run. */
enum hub_confine_right {
	HUB_CONFINE_READ = 1,   /* files are read, folders listed */
	HUB_CONFINE_CHANGE = 2, /* READ; and files and folders made, written, moved, removed */
	HUB_CONFINE_APPEND =
		4, /* files are made and written, not read, cut short or removed: logs */
	HUB_CONFINE_SOCKET = 8, /* sockets, and links to them, are made and removed */
	HUB_CONFINE_EMPTY = 16, /* folders that are empty are removed */
};

struct hub_confine_path {
	const char *path; /* of what is not there, nothing is allowed: that is no error */
	unsigned rights;  /* of enum hub_confine_right */
};

struct hub_confine_options {
	const struct hub_confine_path *paths;
	size_t path_count;
	const uint16_t *bind_ports; /* of TCP; 0 among them: any that the kernel chooses */
	size_t bind_count;
	bool binds_anywhere;    /* bind_ports says nothing */
	bool connects_anywhere; /* by TCP; else nowhere */
	bool has_abstract;      /* abstract Unix sockets of others are connected to */
	/* For the system calls. */
	bool calls_connect; /* connect(2) is needed at all, for Unix sockets say */
	bool forks;         /* processes are made; they run the same program */
	bool uses_uring;
};

/** Longest of the sentences, with its NUL. */
#define HUB_CONFINE_WHY_MAX 128

/** What is in force. */
struct hub_confine_facts {
	int landlock;        /* the kernel's version of it; 0: files are not confined */
	bool bounds_bind;    /* TCP: listening elsewhere is refused */
	bool bounds_connect; /* TCP: connecting is refused */
	bool bounds_signals; /* and abstract sockets: to processes outside */
	unsigned calls;      /* system calls that are left; 0: all are */
	char why_not_files[HUB_CONFINE_WHY_MAX]; /* "": they are */
	char why_not_calls[HUB_CONFINE_WHY_MAX];
};

/**
 * From here on this thread, and those it makes, touch only those paths and ports, and gain no
 * privilege by any program. Others that run already are not bounded: so EBUSY is the answer where
 * there are any.
 * 0: also where the kernel has no Landlock, or one that could not be used; why_not_files says it.
 * -1 with errno: EBUSY, EINVAL, ENOMEM, what landlock_add_rule(2) says; then nothing is confined.
 */
int weft__hub_confine_files(
	const struct hub_confine_options *options, struct hub_confine_facts *facts);

/**
 * From here on no thread of the process gets any system call but those a server needs.
 *
 *	on the list          it is done
 *	harm alone           EPERM: execve, ptrace, mount, bpf, setuid, capset, ...
 *	all else             ENOSYS, as from a kernel without it: libraries know what to do then
 *
 * 0: also where it could not be, and why_not_calls says it. -1 with errno, as seccomp_load(3).
 */
int weft__hub_confine_calls(
	const struct hub_confine_options *options, struct hub_confine_facts *facts);

/**
 * No core dump, and no debugger of the same user: what is in memory are passwords and keys.
 * -1 with errno.
 */
int weft__hub_confine_dumps(void);

/** Whether this build runs under a sanitizer, which needs more than a server. */
bool weft__hub_confine_is_sanitized(void);

#endif
