/*
 * writer.h - the one who changes the log and the rules: all that came during the last commit in
 * one transaction, one wait for the disk, and then everybody is told, in the log's order.
 *
 *	job --push--> queue --all of it--> judge each, in memory
 *	                                   write each     | one transaction
 *	                                   commit         |
 *	                                   apply each: memory, and what is told in the room
 *	                                   wake the rooms' clients, once
 *	                                   answer each
 *
 * The writer is a fiber where the rooms were opened in weft_run(), else a thread.
 * Never: waits for more to come; tells of what is not on the disk.
 */
#ifndef ROOM_WRITER_H
#define ROOM_WRITER_H

#include "room/inside.h"

/** Jobs in one transaction, at most. */
#define WEFT__GROUP_MAX 2048

struct weft__job;

struct weft__job_ops {
	/** Whether it may be, by what is in memory. Nothing is written where it may not. */
	enum weft_room_fault (*judge)(struct weft__job *job);

	/**
	 * Write it. It may be called again from the start. -1: the whole group is taken back. A
	 * fault set here, before anything is written, refuses this one only. Called of refused ones
	 * with an id as well, which may be resent: see weft__job.
	 */
	int (*write)(struct weft__tx *tx, struct weft__job *job);

	/** It is on the disk. */
	void (*apply)(struct weft__job *job);

	/** It is not, though it was judged that it may be: the disk's fault, or one that write
	 * found. NULL: nothing. */
	void (*undo)(struct weft__job *job);

	/** Tell who waits for it without waiting. NULL: nobody. */
	void (*answer)(struct weft__job *job);

	void (*free)(struct weft__job *job);

	bool is_lazy;    /* a crash of the machine may take it back */
	bool ends_group; /* what comes after it is judged when this has been applied */
};

struct weft__job {
	struct weft_mpsc_node node;
	struct weft__job *next;
	const struct weft__job_ops *ops;
	struct weft_rooms *rooms;
	struct weft_room_client *client; /* kept; NULL: the house's own */
	struct weft__room *room;         /* NULL: none, or none yet */
	int64_t now_ns;                  /* when its group was taken */
	enum weft_room_fault fault, judged;
	int code;            /* errno, where fault is FAILED */
	bool writes_refused; /* write is called though it was refused */
	bool is_waited;
	_Atomic int state;
	struct weft_event done;
};

struct weft__writer;

/** Errors: ENOMEM, EAGAIN. */
struct weft__writer *weft__writer_new(struct weft_rooms *rooms);

/** All that was pushed is written; then it ends. */
void weft__writer_end(struct weft__writer *writer);
void weft__writer_free(struct weft__writer *writer);

/** Transactions that were on the disk. */
uint64_t weft__writer_commits(const struct weft__writer *writer);

/** It is the writer's now, who frees it. -1 with ESHUTDOWN: it is still the caller's. */
int weft__writer_push(struct weft__writer *writer, struct weft__job *job);

/**
 * Push it and wait: 0, and it is the caller's again. -1: it could not be pushed (it is the
 * caller's; ESHUTDOWN), or the wait was interrupted (it is the writer's).
 */
int weft__writer_do(struct weft__writer *writer, struct weft__job *job, bool *ret_is_mine);

/** Some room owes a count, or has a tail that may be given back. Any thread, any lock held. */
void weft__writer_tick(struct weft__writer *writer);

/* ---- What jobs need ------------------------------------------------------------------------- */

/** In a transaction: the next number of the room's log. */
uint64_t weft__log_next(struct weft__job *job);

/** Put an event into the log under event->seq. writer: whose its id is; may be NULL. */
int weft__log_write(struct weft__tx *tx, struct weft__room *room,
	const struct weft_room_event *event, const char *writer);

/** Tell it in the job's room; its clients are woken at the group's end. Takes the room's lock. */
void weft__writer_publish(struct weft__job *job, const struct weft_room_event *event);

/** By the writer: put what was said in a room up to `to` into the index of words, at most so many.
 * Returns how many numbers that were; 0: all is there. */
int64_t weft__index_room(struct weft__room *room, uint64_t to, unsigned max);

/** The same of some room that is behind; *ret_left: there was one. */
int weft__index_some(struct weft_rooms *rooms, unsigned max, bool *ret_left);

/* ---- Makers of jobs ------------------------------------------------------------------------- */

/** A public room of that name, made by the client. NULL with a fault. */
struct weft__room *weft__room_make(struct weft_room_client *client, const char *name);

/** The same with what the change says of it; NAME_TAKEN where there is one. */
struct weft__room *weft__room_make_with(
	struct weft_room_client *client, const char *name, const struct weft_room_change *change);

#endif
