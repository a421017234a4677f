/*
 * service.h - what the sub-commands that serve, or ask servers, share.
 *
 * Each returns a status (cmd.h), and has said on stderr what went wrong.
 */
#ifndef WEFT_SRC_CMD_SERVICE_H
#define WEFT_SRC_CMD_SERVICE_H

#include "cmd.h"
#include "weft/fiber.h"
#include "weft/serve.h"

/** In the state folder: chat, for `weft admin` of the server's own user. */
#define CMD_CHAT_SOCKET "chat.sock"

/** weft_run() of first(arg), whose result is the status. */
int weft__cmd_run(
	const char *name, const struct weft_run_options *options, weft_fiber_fn *first, void *arg);

/** What weft_address_resolve() failed with, for the option that gave host_port. */
int weft__cmd_fail_resolve(const char *name, const char *option, const char *host_port);

/** What listening on, or binding to, an address that was printed failed with. */
int weft__cmd_fail_listen(const char *name, const char *option, const char *address);

/** What stands before the name of a listener that was handed over (weft/manager.h). */
#define CMD_HANDED "fd:"
bool weft__cmd_is_handed(const char *host_port);

/** Listen on HOST:PORT, unix:/PATH or fd:NAME, as the option says; options may be NULL. In a fiber.
 */
int weft__cmd_listen(const char *name, const char *option, const char *host_port,
	const struct weft_listener_options *options, struct weft_listener **ret_listener);

/** Threads or processes of a pool, at most. */
#define CMD_MODEL_SIZE_MAX 4096

/** The models of weft_serve(), as the choices of an option; NULL at the end. */
const char *const *weft__cmd_models(void);

/** The drivers of weft_run(), in the same way. */
const char *const *weft__cmd_drivers(void);

/**
 * Whether the run's options go with the model, by its place in that list: only "fiber" has a
 * choice of driver and workers; the others get one worker, to wait for signals.
 */
int weft__cmd_model_fits(const char *name, unsigned model, struct weft_run_options *run);

/**
 * A fiber that calls stop(arg) at the first SIGINT or SIGTERM; the second one does what
 * signals do: it kills. Signals are waited for when this returns: whoever reads our first
 * line may send one at once. 0 with errno when it can't. End it with weft__cmd_unstop().
 */
weft_fiber_id weft__cmd_on_stop(void (*stop)(void *arg), void *arg);
void weft__cmd_unstop(weft_fiber_id stopper);

/** A connection is a descriptor, and the usual limit of 1024 is for those who use select(2). */
void weft__cmd_raise_descriptor_limit(void);

/** text as a JSON string on stdout, quotes included. What is no UTF-8 is U+FFFD. */
void weft__cmd_print_json_text(const char *text);

/** text from outside on stdout, harmless to a terminal, filled up with spaces to width. */
void weft__cmd_print_visible(const char *text, int width);

#endif
