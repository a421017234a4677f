/*
 * discover_wire.c - the datagrams of announcing and discovering (docs/discover.md).
 *
 *	 0      4         5      6      8          16         20         21            22
 *	 | weft | version | kind | port | instance | expiry_ms | name_len | service_len | ...
 *
 * Big-endian. Name and service follow. A question is filled up with zeros to
 * WEFT__DISCOVER_DATAGRAM_MAX, so that what it asks for is never longer; the others end there.
 *
 * Entry points: weft__discover_write(), weft__discover_parse().
 *
 * Never: accept what this file would not write.
 */
#include <assert.h>
#include <string.h>

#include "io/discover.h"
#include "weft/pack.h"
#include "weft/utf8.h"

#define VERSION  1
#define HEAD     "!4sBBHQIBB"
#define HEAD_LEN 22

_Static_assert(HEAD_LEN + WEFT_DISCOVER_NAME_MAX + WEFT_DISCOVER_SERVICE_MAX <=
		       WEFT__DISCOVER_DATAGRAM_MAX,
	"no answer is longer than a question");

bool weft__discover_is_name(const char *text, size_t len)
{
	return len > 0 && len <= WEFT_DISCOVER_NAME_MAX && !memchr(text, '\0', len) &&
	       weft_utf8_is_valid(text, len);
}

bool weft__discover_is_service(const char *text, size_t len)
{
	if (len == 0 || len > WEFT_DISCOVER_SERVICE_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

size_t weft__discover_write(const struct weft__discover_message *message,
	unsigned char ret_datagram[WEFT__DISCOVER_DATAGRAM_MAX])
{
	size_t name_len = strlen(message->name), service_len = strlen(message->service);
	ssize_t len;

	memset(ret_datagram, 0, WEFT__DISCOVER_DATAGRAM_MAX);
	len = weft_pack(ret_datagram, WEFT__DISCOVER_DATAGRAM_MAX, HEAD, "weft", (size_t)4, VERSION,
		(int)message->kind, (int)message->port, (unsigned long long)message->instance,
		(unsigned)message->expiry_ms, (int)name_len, (int)service_len);
	assert(len == HEAD_LEN);
	memcpy(ret_datagram + HEAD_LEN, message->name, name_len);
	memcpy(ret_datagram + HEAD_LEN + name_len, message->service, service_len);
	return message->kind == WEFT__DISCOVER_QUESTION ? WEFT__DISCOVER_DATAGRAM_MAX
							: HEAD_LEN + name_len + service_len;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct head {
	char magic[4];
	unsigned char version, kind, name_len, service_len;
	unsigned short port;
	unsigned long long instance;
	unsigned expiry_ms;
};

static bool is_zero(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i])
			return false;
	return true;
}

static const char *check_question(const struct head *head, const unsigned char *data, size_t len)
{
	size_t used = HEAD_LEN + (size_t)head->service_len;

	if (len != WEFT__DISCOVER_DATAGRAM_MAX)
		return "a question of another length";
	if (head->port || head->instance || head->expiry_ms || head->name_len)
		return "a question that tells something";
	if (head->service_len > WEFT_DISCOVER_SERVICE_MAX)
		return "too long a service";
	if (head->service_len &&
		!weft__discover_is_service((const char *)data + HEAD_LEN, head->service_len))
		return "no service";
	return is_zero(data + used, len - used) ? NULL : "a question with something behind it";
}

static const char *check_announcement(
	const struct head *head, const unsigned char *data, size_t len)
{
	const char *name = (const char *)data + HEAD_LEN;

	if (len != HEAD_LEN + (size_t)head->name_len + head->service_len)
		return "an announcement of another length";
	if (!weft__discover_is_name(name, head->name_len))
		return "no name";
	if (!weft__discover_is_service(name + head->name_len, head->service_len))
		return "no service";
	if (!head->port)
		return "no port";
	if (!head->instance)
		return "no instance";
	if (!head->expiry_ms || WEFT_MILLISECONDS(head->expiry_ms) > WEFT_DISCOVER_EXPIRY_MAX)
		return "no time that it counts";
	return NULL;
}

static const char *check_goodbye(const struct head *head, size_t len)
{
	if (len != HEAD_LEN || head->name_len || head->service_len || head->port || head->expiry_ms)
		return "a goodbye that tells something";
	return head->instance ? NULL : "no instance";
}

static const char *check(const struct head *head, const unsigned char *data, size_t len)
{
	if (memcmp(head->magic, "weft", sizeof(head->magic)) != 0)
		return "something else";
	if (head->version != VERSION)
		return "another version";
	switch (head->kind) {
	case WEFT__DISCOVER_QUESTION:
		return check_question(head, data, len);
	case WEFT__DISCOVER_ANNOUNCEMENT:
		return check_announcement(head, data, len);
	case WEFT__DISCOVER_GOODBYE:
		return check_goodbye(head, len);
	default:
		return "no such kind";
	}
}

const char *weft__discover_parse(
	const unsigned char *data, size_t len, struct weft__discover_message *ret_message)
{
	struct head head;
	const char *why;

	if (len < HEAD_LEN)
		return "too short";
	weft_unpack(data, HEAD_LEN, HEAD, head.magic, &head.version, &head.kind, &head.port,
		&head.instance, &head.expiry_ms, &head.name_len, &head.service_len);
	why = check(&head, data, len);
	if (why)
		return why;
	*ret_message = (struct weft__discover_message){
		.kind = head.kind,
		.instance = head.instance,
		.port = head.port,
		.expiry_ms = head.expiry_ms,
	};
	memcpy(ret_message->name, data + HEAD_LEN, head.name_len);
	memcpy(ret_message->service, data + HEAD_LEN + head.name_len, head.service_len);
	return NULL;
}
