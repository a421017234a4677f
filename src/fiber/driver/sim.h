/*
 * sim.h - the simulator's inside: driver "sim".
 *
 *	sim.c         the driver: clock, events, waiting, trace
 *	sim_ops.c     what fibers do to descriptors, and wait for
 *	sim_net.c     the calls that never wait
 *	sim_socket.c  descriptors, who is bound where, options
 *	sim_host.c    hosts and addresses
 *	sim_stream.c  TCP, Unix streams, pairs, pipes
 *	sim_dgram.c   UDP, Unix datagrams
 *	sim_fault.c   calls that are chosen to fail
 *	sim_run.c     weft/sim.h
 *
 * There is one simulator at a time, on one thread. All that happens later is an event, in
 * one heap, by time; what must keep its order has different times. Whatever may differ from run
 * to run (addresses, real time, numbers of fibers) stays out of decisions and of the trace.
 */
#ifndef FIBER_DRIVER_SIM_H
#define FIBER_DRIVER_SIM_H

#include <netinet/in.h>
#include <sys/un.h>

#include "fiber/driver/driver.h"
#include "weft/buf.h"
#include "weft/heap.h"
#include "weft/list.h"
#include "weft/sim.h"
#include "weft/tree.h"
#include "weft/vec.h"

/** Simulated descriptors have numbers from here on. */
#define SIM_FD_FIRST (1 << 20)

/** Bytes a stream holds at its receiver, and on the way to it. */
#define SIM_STREAM_BUFFER 65536
/** Datagrams that wait at their receiver. */
#define SIM_DGRAM_MAX  256
#define SIM_DGRAM_SIZE 65507
#define SIM_HOSTS_MAX  64
/** Ports below are given to nobody who doesn't ask for them. */
#define SIM_PORT_FIRST  32768
#define SIM_OPTIONS_MAX 16

/** Options of the environment, kept and handed back; what they mean is not simulated. */
struct sim_option {
	int level, option;
	socklen_t len;
	char value[64];
};

struct sim_host {
	char name[WEFT_SIM_HOST_NAME_MAX + 1];
	uint16_t next_port;
	uint64_t cut_off; /* bit i: nothing gets to or from host i */
};

/** Where a socket is: on a host, under a port or a Unix name. */
struct sim_address {
	uint32_t host;
	int domain; /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: none */
	uint16_t port;
	bool is_any, is_broadcast;
	uint32_t shown; /* IPv4, host order: as it was given */
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint8_t name_len;
};

enum sim_state {
	SIM_IDLE,
	SIM_LISTENING,
	SIM_CONNECTING,
	SIM_CONNECTED, /* a stream: or was, and has ended; a datagram socket: has a peer */
};

struct sim_piece; /* of a stream on its way: sim_stream.c */

/** One end: a descriptor's, or one that is closed but still has something on its way. */
struct sim_socket {
	int fd; /* -1: closed */
	uint32_t number;
	int domain, type; /* type 0: an end of a pipe */
	enum sim_state state;
	unsigned users; /* the descriptor, its peer, events: freed by the last */
	struct weft_list watchers;

	struct sim_address local, remote;
	struct weft_tree_node place; /* in sim->bound, when is_bound */
	bool is_bound;
	uint8_t option_count;
	struct sim_option options[SIM_OPTIONS_MAX];

	/* Streams. */
	struct sim_socket *peer;
	struct weft_buf in;                 /* what has come */
	size_t on_the_way;                  /* bytes to the peer */
	uint64_t pieces_sent, pieces_there; /* to the peer: each is there in its turn */
	int64_t last_ns;                    /* when the last piece gets there */
	int64_t line_free_ns;               /* when the last byte has left */
	int code;                           /* SO_ERROR */
	bool is_in_ended;                   /* the peer's end has come */
	bool is_in_shut, is_out_shut;
	bool is_reset;

	/* Listeners: connections that can be accepted. Theirs: the link in it. */
	struct weft_list backlog;
	struct weft_list_node backlog_node;
	int backlog_count, backlog_max;
	struct sim_socket *listener; /* of one in a backlog */

	/* Datagrams. */
	struct weft_list datagrams;
	size_t datagram_count;
};

struct sim_event {
	struct weft_heap_node node;
	void (*happen)(struct sim_event *event);
	struct sim_socket *from, *to; /* used by it; may be NULL */
};

struct sim {
	struct weft__driver driver;
	struct weft_sim_options options;
	uint64_t seed, random[4];
	int64_t now_ns, began_ns;
	struct weft_heap events;
	uint32_t socket_count;       /* made so far */
	struct sim_socket **sockets; /* by descriptor less SIM_FD_FIRST */
	size_t sockets_len, open_count;
	struct weft_tree bound; /* sockets by host, kind and port or name */
	uint32_t host_count;
	struct sim_host hosts[SIM_HOSTS_MAX];
	struct weft_list foreign; /* watches on descriptors that aren't ours */
	bool is_woken;
	struct {
		enum weft_sim_call call;
		uint64_t left; /* calls up to it, and with it; 0: none is to fail */
		int code;
	} fault;
	struct weft_sim_report report;
};

extern struct sim *weft__sim; /* NULL: none */

/* ---- sim.c ------------------------------------------------------------------------------ */

/** What the next driver that is created begins with. */
struct weft__sim_begin {
	uint64_t seed;
	const struct weft_sim_options *options;
};
extern const struct weft__sim_begin *weft__sim_begin;

uint64_t weft__sim_random(void);
/** From low to high, both included. */
int64_t weft__sim_between(int64_t low, int64_t high);
bool weft__sim_chance(double chance);

/** Let it happen at that time, or now if that is past. No memory is a bug of the test's size. */
void weft__sim_event_at(struct sim_event *event, int64_t when_ns);
/** An event of that size, which uses the sockets (which may be NULL). */
void *weft__sim_event_new(size_t size_bytes, void (*happen)(struct sim_event *event),
	struct sim_socket *from, struct sim_socket *to);
/** Its sockets are not used by it any more; and it is freed. */
void weft__sim_event_done(struct sim_event *event);

/** Memory, or the end of the program: a simulation that runs out of it proves nothing. */
void *weft__sim_alloc(size_t size_bytes);

/** Count and hash a line of the trace, and print it if wanted. */
__attribute__((format(printf, 1, 2))) void weft__sim_trace(const char *format, ...);

/* ---- sim_ops.c -------------------------------------------------------------------------- */

int64_t weft__sim_perform(struct weft__driver *driver, struct weft__op *op);

/* ---- sim_net.c -------------------------------------------------------------------------- */

extern const struct weft__net_ops weft__sim_net;

/* ---- sim_fault.c ------------------------------------------------------------------------ */

/** The errno that this call, on this socket (NULL: it is to be made), fails with; else 0. */
int weft__sim_fault(enum weft_sim_call call, struct sim_socket *socket);
/** The same, of an operation. */
int weft__sim_fault_of(const struct weft__op *op, struct sim_socket *socket);

/* ---- sim_socket.c ----------------------------------------------------------------------- */

struct sim_socket *weft__sim_socket_of(int fd);
/** A socket with a descriptor; NULL with EMFILE. */
struct sim_socket *weft__sim_socket_new(int domain, int type);
/** A socket without a descriptor, and giving it one: -1 with EMFILE. */
struct sim_socket *weft__sim_socket_bare(int domain, int type);
int weft__sim_socket_name(struct sim_socket *socket);
void weft__sim_socket_use(struct sim_socket *socket);
void weft__sim_socket_drop(struct sim_socket *socket);

/** Whoever waits for one of these events looks again. */
void weft__sim_socket_wake(struct sim_socket *socket, int events);

void weft__sim_bound_begin(void);
/** Who is bound there; domain and type are the kind of socket asked for. */
struct sim_socket *weft__sim_bound_find(int type, const struct sim_address *address);
/** 0 or an errno value. */
int weft__sim_bind(struct sim_socket *socket, const struct sim_address *address);
/** Give it an address of its own, if it has none: 0 or an errno value. */
int weft__sim_bind_any(struct sim_socket *socket);
void weft__sim_unbind(struct sim_socket *socket);

/** The value an option was set to, 0 when it never was. */
int weft__sim_option_int(const struct sim_socket *socket, int level, int option);
int weft__sim_setsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option);
int weft__sim_getsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option);

/* ---- sim_host.c ------------------------------------------------------------------------- */

/** The host of the calling fiber. */
uint32_t weft__sim_here(void);
struct sim_host *weft__sim_host_find(const char *name, uint32_t *ret_index);
/** Find it, or make it: 0 or an errno value. */
int weft__sim_host_make(const char *name, uint32_t *ret_index);
bool weft__sim_is_cut(uint32_t one, uint32_t other);
/** How long something takes from one host to another, now. */
int64_t weft__sim_latency(uint32_t from, uint32_t to);
int weft__sim_resolve(struct weft__driver *driver, const char *name, uint32_t *ret_address);

/** 0, or an errno value. */
int weft__sim_address_read(const struct sockaddr *address, socklen_t len, struct sim_address *ret);
void weft__sim_address_write(
	const struct sim_address *from, struct sockaddr *ret_address, socklen_t *len);
void weft__sim_address_print(const struct sim_address *address, char *ret_text, size_t size_bytes);

/* ---- sim_stream.c, sim_dgram.c -------------------------------------------------------------- */

/** Results as of weft__attempt(): -EAGAIN when it would have to wait. */
int64_t weft__sim_stream_connect(struct sim_socket *socket, const struct sim_address *to);
int64_t weft__sim_stream_accept(struct sim_socket *listener, struct weft__op *op);
int64_t weft__sim_stream_recv(
	struct sim_socket *socket, const struct iovec *parts, int count, int flags);
int64_t weft__sim_stream_send(struct sim_socket *socket, const struct iovec *parts, int count);
int weft__sim_stream_shutdown(struct sim_socket *socket, int how);
void weft__sim_stream_close(struct sim_socket *socket);
int weft__sim_stream_poll(const struct sim_socket *socket);
void weft__sim_stream_join(struct sim_socket *one, struct sim_socket *other);
/** Its connection ends, here at once, there by a reset. */
void weft__sim_stream_abort(struct sim_socket *socket);
/** Its connection ends at once at this end, with that errno. */
void weft__sim_stream_break(struct sim_socket *socket, int code);

int64_t weft__sim_dgram_recv(struct sim_socket *socket, struct msghdr *message, int flags);
int64_t weft__sim_dgram_send(struct sim_socket *socket, const struct msghdr *message);
int weft__sim_dgram_poll(const struct sim_socket *socket);
void weft__sim_dgram_clear(struct sim_socket *socket);

#endif
