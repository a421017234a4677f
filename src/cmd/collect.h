/*
 * collect.h - what the parts of `weft collect` share.
 *
 *	sources --whole lines, in blocks--> full --> writer --> file
 *	   ^------------------------------- free <-----'
 *
 * There is a fixed number of blocks, so memory is bounded, and a source that finds none free
 * waits, and does not read on: over TCP the sender is held up then, over UDP the kernel drops
 * and counts. Nobody keeps a block while it waits for a peer. One fiber writes, so no two
 * sources meet inside a line.
 */
#ifndef WEFT_SRC_CMD_COLLECT_H
#define WEFT_SRC_CMD_COLLECT_H

#include <stdatomic.h>

#include "collect_file.h"
#include "collect_frame.h"
#include "collect_line.h"
#include "options.h"
#include "weft/chan.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/sem.h"
#include "weft/serve.h"
#include "weft/udp.h"
#include "weft/unix.h"

#define COLLECT_NAME "collect"

/** Addresses of a kind. */
#define COLLECT_ADDRESSES_MAX CMD_TEXTS_MAX

/** Bytes of all blocks together, unless long lines need more. */
#define COLLECT_BLOCKS_BYTES ((size_t)8 << 20)
#define COLLECT_BLOCK_SIZE   ((size_t)64 << 10)
#define COLLECT_BLOCKS_MIN   8

/** Bytes written at once, unless a block has more. */
#define COLLECT_BATCH_SIZE ((size_t)512 << 10)

/** Somebody who waits until all that it has handed over is in the file. */
struct collect_receipt {
	struct weft_event is_written;
	bool is_lost;                 /* it isn't, and won't be */
	struct collect_receipt *next; /* the writer's */
};

struct collect_block {
	size_t len; /* of whole lines */
	struct collect_receipt *receipt;
	char bytes[];
};

struct collect_counts {
	_Atomic uint64_t lines, bytes;      /* written */
	_Atomic uint64_t lost;              /* lines that could not be written at the end */
	_Atomic uint64_t cut, unfinished;   /* messages */
	_Atomic uint64_t no_count;          /* messages */
	_Atomic uint64_t dropped_bytes;     /* of messages that were cut */
	_Atomic uint64_t connections;       /* ever */
	_Atomic uint64_t udp_dropped;       /* datagrams, by the kernel */
	_Atomic uint64_t rotations, stalls; /* stalls: how often writing was impossible */
};

struct collect;

/** A socket that something comes in by. */
struct collect_door {
	struct collect *collect;
	struct weft_listener *listener;   /* of streams, or NULL */
	struct weft_udp *udp;             /* or NULL */
	struct weft_unix *box;            /* of Unix datagrams, or NULL */
	struct weft_sem connections;      /* how many more it may have */
	uint64_t dropped;                 /* UDP: already told */
	char text[WEFT_ADDRESS_TEXT_MAX]; /* where it listens */
};

struct collect {
	/* What the command line says. */
	struct cmd_texts tcp, udp, unix_stream, unix_datagram;
	bool reads_stdin, is_on_terminal, is_json;
	unsigned framing; /* enum collect_framing */
	unsigned stamp;   /* 0: UTC */
	uint64_t line_max;
	unsigned connections_max, unix_mode;
	int64_t idle_timeout_ns, grace_ns;
	struct collect_file_options file_options;
	struct weft_run_options run;

	/* What is made of it. */
	struct collect_file file;
	struct collect_door doors[4 * COLLECT_ADDRESSES_MAX];
	unsigned door_count;
	size_t block_size, batch_size;
	unsigned block_count;
	char *batch;                   /* the writer's */
	struct weft_chan *free, *full; /* of struct collect_block * */
	struct weft_chan *signals;     /* int: for the writer */
	struct weft_event stopping;
	struct weft_event can_write; /* cleared while the disk is full */
	_Atomic int64_t deadline_ns; /* on weft_now(): when the writer gives up; 0: not stopping */
	struct collect_counts counts;
};

/** Where one source puts its lines. */
struct collect_sink {
	struct collect *collect;
	struct collect_block *block; /* being filled; NULL: none */
	struct collect_origin origin;
};

/* ---- collect_door.c ---------------------------------------------------------------------- */

/** Open all that were asked for. In a fiber. Returns a status, having said what went wrong. */
int weft__collect_doors_open(struct collect *collect);

/** Those that are open. */
void weft__collect_doors_close(struct collect *collect);

/* ---- collect_sink.c --------------------------------------------------------------------- */

int weft__collect_blocks_new(struct collect *collect);
void weft__collect_blocks_free(struct collect *collect);

void weft__collect_sink_init(struct collect_sink *sink, struct collect *collect);

/** Add a message; may hand over, and wait for a free block, whatever the scope says. */
void weft__collect_record(struct collect_sink *sink, const struct collect_message *message);

/** Hand over what was recorded. To be called before any wait for a peer. */
void weft__collect_hand_over(struct collect_sink *sink);

/**
 * Hand over, and wait until all of it is in the file, and on the disk if that is the policy.
 * False: it will never be.
 */
bool weft__collect_settle(struct collect_sink *sink);

/* ---- collect_writer.c ------------------------------------------------------------------- */

/** A fiber: writes until the channel of full blocks is closed and empty. Returns a status. */
int weft__collect_write(void *collect);

/* ---- collect_stream.c, collect_datagram.c: fibers, arg being a door --------------------- */

int weft__collect_streams(void *door);
int weft__collect_udp(void *door);
int weft__collect_unix_datagrams(void *door);

/** arg is the struct collect. */
int weft__collect_stdin(void *collect);

/** arg is the struct collect: calls weft__collect_tell_drops() each second. */
int weft__collect_watch_drops(void *collect);

/** Write a line for each socket that the kernel has dropped more datagrams of. One at a time. */
void weft__collect_tell_drops(struct collect *collect);

/** Whether fd has something to read now. */
bool weft__collect_has_more(int fd);

/** Whether somebody who stops may still look for more: there is time, and the disk takes it, or
 * did so when that was waited for. */
bool weft__collect_may_drain(struct collect *collect);

/* ---- collect_tell.c --------------------------------------------------------------------- */

void weft__collect_print_facts(const struct collect *collect);
void weft__collect_print_counts(const struct collect *collect);

#endif
