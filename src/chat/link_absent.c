/*
 * link_absent.c - weft/chat_link.h and weft/chat_port.h where libsodium was missing at build time:
 * every call that can fail does, with ENOSYS.
 *
 * Never: compiled beside the rest of link*.c (the Makefile sees to it).
 */
#include "weft/chat_link.h"
#include "weft/chat_port.h"

#include <errno.h>

/* Nothing here looks at what it is given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

int weft_chat_link_key_new(uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE])
{
	return refuse();
}

int weft_chat_link_key_public(
	const uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE], uint8_t ret_public[WEFT_CHAT_LINK_KEY_SIZE])
{
	return refuse();
}

int weft_chat_link_key_print(const uint8_t public_key[WEFT_CHAT_LINK_KEY_SIZE],
	char ret_text[WEFT_CHAT_LINK_FINGERPRINT_SIZE])
{
	return refuse();
}

struct weft_chat_endpoint *weft_chat_endpoint_new(const struct weft_chat_endpoint_options *options)
{
	refuse();
	return NULL;
}

void weft_chat_endpoint_free(struct weft_chat_endpoint *endpoint)
{
}

void weft_chat_endpoint_input(
	struct weft_chat_endpoint *endpoint, const struct weft_datagram *datagram, int64_t now_ns)
{
}

bool weft_chat_endpoint_output(
	struct weft_chat_endpoint *endpoint, struct weft_datagram *datagram, int64_t now_ns)
{
	return false;
}

int64_t weft_chat_endpoint_deadline(const struct weft_chat_endpoint *endpoint)
{
	return INT64_MAX;
}

bool weft_chat_endpoint_event(
	struct weft_chat_endpoint *endpoint, struct weft_chat_link_event *ret_event)
{
	return false;
}

void weft_chat_endpoint_counts(
	const struct weft_chat_endpoint *endpoint, struct weft_chat_endpoint_counts *ret_counts)
{
}

struct weft_chat_link *weft_chat_link_connect(struct weft_chat_endpoint *endpoint,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options)
{
	refuse();
	return NULL;
}

const struct weft_chat_link_login *weft_chat_link_login(const struct weft_chat_link *link)
{
	return NULL;
}

int weft_chat_link_welcome(struct weft_chat_link *link, const char *text)
{
	return refuse();
}

int weft_chat_link_refuse(struct weft_chat_link *link, const char *reason)
{
	return refuse();
}

int weft_chat_link_send(struct weft_chat_link *link, const void *data, size_t len)
{
	return refuse();
}

ssize_t weft_chat_link_receive(struct weft_chat_link *link, void *ret_data, size_t size_bytes)
{
	return refuse();
}

size_t weft_chat_link_pending(const struct weft_chat_link *link)
{
	return 0;
}

const char *weft_chat_link_why_text(enum weft_chat_link_why why)
{
	return "this weft was built without libsodium";
}

void weft_chat_link_close(struct weft_chat_link *link, const char *reason)
{
}

void weft_chat_link_free(struct weft_chat_link *link)
{
}

enum weft_chat_link_why weft_chat_link_why(const struct weft_chat_link *link)
{
	return WEFT_CHAT_LINK_NOT_OVER;
}

const char *weft_chat_link_reason(const struct weft_chat_link *link)
{
	return "";
}

void weft_chat_link_set_owner(struct weft_chat_link *link, void *owner)
{
}

void *weft_chat_link_owner(const struct weft_chat_link *link)
{
	return NULL;
}

void weft_chat_link_address(const struct weft_chat_link *link, struct weft_address *ret_address)
{
}

const uint8_t *weft_chat_link_peer_key(const struct weft_chat_link *link)
{
	return NULL;
}

const uint8_t *weft_chat_link_binding(const struct weft_chat_link *link)
{
	return NULL;
}

int64_t weft_chat_link_rtt_ns(const struct weft_chat_link *link)
{
	return 0;
}

struct weft_chat_port *weft_chat_port_new(
	struct weft_udp *udp, const struct weft_chat_port_options *options)
{
	refuse();
	return NULL;
}

void weft_chat_port_free(struct weft_chat_port *port)
{
}

struct weft_udp *weft_chat_port_udp(const struct weft_chat_port *port)
{
	return NULL;
}

int weft_chat_port_move(struct weft_chat_port *port, struct weft_udp *udp)
{
	return refuse();
}

void weft_chat_port_counts(
	struct weft_chat_port *port, struct weft_chat_endpoint_counts *ret_counts)
{
}

struct weft_chat_session *weft_chat_port_accept(struct weft_chat_port *port)
{
	refuse();
	return NULL;
}

struct weft_chat_session *weft_chat_port_connect(struct weft_chat_port *port,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options,
	struct weft_chat_ending *ret_ending)
{
	refuse();
	return NULL;
}

const struct weft_chat_link_login *weft_chat_session_login(struct weft_chat_session *session)
{
	return NULL;
}

int weft_chat_session_welcome(struct weft_chat_session *session, const char *text)
{
	return refuse();
}

int weft_chat_session_refuse(struct weft_chat_session *session, const char *reason)
{
	return refuse();
}

int weft_chat_session_send(struct weft_chat_session *session, const void *data, size_t len)
{
	return refuse();
}

int weft_chat_session_flush(struct weft_chat_session *session)
{
	return refuse();
}

ssize_t weft_chat_session_receive(
	struct weft_chat_session *session, void *ret_data, size_t size_bytes)
{
	return refuse();
}

int weft_chat_session_close(struct weft_chat_session *session, const char *reason)
{
	return refuse();
}

void weft_chat_session_free(struct weft_chat_session *session)
{
}

void weft_chat_session_ending(
	struct weft_chat_session *session, struct weft_chat_ending *ret_ending)
{
}

void weft_chat_session_address(struct weft_chat_session *session, struct weft_address *ret_address)
{
}
