/*
 * dns.c - names of hosts and services (include/weft/dns.h).
 *
 * A question is one piece of memory that the asking thread works on; a caller who leaves
 * leaves it behind (weft_offload_owned()).
 *
 * Never: ask for a number; return an address of a family that streams don't speak, or more
 * than max.
 */
#include "weft/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fiber/worker.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** For getservbyname_r(3): a line of services(5) with its aliases. */
#define SERVICE_LINE_MAX 4096

/* What is asked, and the answer. */
struct question {
	char host[WEFT_DNS_NAME_MAX + 1], service[WEFT_DNS_NAME_MAX + 1];
	char protocol[16];
	bool has_service;
	int family, type;
	struct weft_address address; /* reverse */
	int code, system_errno;      /* of getaddrinfo() */
	struct addrinfo *found;
	char name[NI_MAXHOST];
	int port;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* errno for what getaddrinfo(3) said. */
static int resolve_errno(int code, int system_errno)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_SERVICE:
	case EAI_ADDRFAMILY:
		return ENOENT;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_SYSTEM:
		return system_errno;
	case EAI_FAMILY:
		return EINVAL;
	default:
		return EAGAIN;
	}
}

/* ---- Asking ----------------------------------------------------------------------------- */

/* Copy what may be NULL; false: too long. */
static bool copy_text(char *ret_text, size_t size_bytes, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= size_bytes)
		return false;
	memcpy(ret_text, text ? text : "", len);
	ret_text[len] = '\0';
	return true;
}

static struct question *question_new(const char *host, const char *service, const char *protocol)
{
	struct question *question = calloc(1, sizeof *question);

	if (!question)
		return NULL;
	if (copy_text(question->host, sizeof question->host, host) &&
		copy_text(question->service, sizeof question->service, service) &&
		copy_text(question->protocol, sizeof question->protocol, protocol))
		return question;
	free(question);
	errno = EINVAL;
	return NULL;
}

static void question_drop(void *arg)
{
	struct question *question = arg;

	if (question->found)
		freeaddrinfo(question->found);
	free(question);
}

/* 0 when fn has answered; else question is gone. */
static int ask(struct question *question, weft_offload_fn *fn)
{
	const struct weft_offload_owned work = {
		.kind = WEFT_OFFLOAD_DNS, .fn = fn, .arg = question, .drop = question_drop};
	int result;

	return weft_offload_owned(&work, &result);
}

/* Free an answered question, and fail with code unless that is 0. */
static int finish(struct question *question, int code, int result)
{
	question_drop(question);
	return code ? fail(code) : result;
}

/* ---- Addresses ---------------------------------------------------------------------------- */

/*
 * "localhost" and what is below it is this machine, whatever the name service knows of
 * it (RFC 6761, section 6.3): a minimal system has no /etc/hosts that would say so.
 */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host), skipped;

	if (len > 0 && host[len - 1] == '.')
		len--; /* fully qualified */
	skipped = len > strlen("localhost") ? len - strlen("localhost") : 0;
	return strncasecmp(host + skipped, "localhost", len - skipped) == 0 &&
	       len - skipped == strlen("localhost") && (skipped == 0 || host[skipped - 1] == '.');
}

/* getaddrinfo(3) takes a number that is no port for one, less a multiple of 65536. */
static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static bool is_port(const char *digits)
{
	return strlen(digits) <= 5 && strtoul(digits, NULL, 10) <= UINT16_MAX;
}

static int ask_addresses(void *arg)
{
	struct question *question = arg;
	const struct addrinfo hints = {
		.ai_family = question->family, .ai_socktype = question->type};
	struct addrinfo *found = NULL;
	/* Without a host, getaddrinfo(3) gives the loopback addresses; it wants one of both. */
	const char *host = is_localhost(question->host) ? NULL : question->host;
	const char *service = question->has_service ? question->service : "0";

	question->code = getaddrinfo(host, service, &hints, &found);
	question->system_errno = errno;
	question->found = question->code == 0 ? found : NULL;
	return 0;
}

static int copy_found(const struct addrinfo *found, struct weft_address *ret_addresses, int max)
{
	int count = 0;

	for (; found && count < max; found = found->ai_next) {
		struct weft_address *address = &ret_addresses[count];

		if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
			continue;
		memset(address, 0, sizeof(*address));
		memcpy(&address->any, found->ai_addr, found->ai_addrlen);
		address->len = found->ai_addrlen;
		count++;
	}
	return count;
}

/* 1 when both are numbers, 0 when something must be asked, -1 for a number of another family. */
static int parse_numbers(const struct weft_dns_query *query, struct weft_address *ret_address)
{
	char text[WEFT_DNS_NAME_MAX + 16];
	const char *service = query->service ? query->service : "0";
	struct weft_address address;
	int len;

	len = snprintf(text, sizeof text, strchr(query->host, ':') ? "[%s]:%s" : "%s:%s",
		query->host, service);
	if ((size_t)len >= sizeof text || !*query->host || strcmp(query->host, "*") == 0 ||
		strcmp(query->host, "unix") == 0 || weft_address_parse(&address, text) < 0)
		return 0;
	if (query->family != AF_UNSPEC && query->family != weft_address_family(&address))
		return fail(ENOENT);
	*ret_address = address;
	return 1;
}

/* What a simulated world knows: no question goes out of it. */
/* The address of a simulated host, as text. */
static int find_simulated(const char *name, char ret_text[INET_ADDRSTRLEN])
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);
	uint32_t address;

	if (!net->resolve || net->resolve(driver, name, &address) < 0)
		return -1;
	address = htonl(address);
	inet_ntop(AF_INET, &address, ret_text, INET_ADDRSTRLEN);
	return 0;
}

static int resolve_simulated(
	const struct weft_dns_query *query, struct weft_address *ret_addresses, int max)
{
	static const char *const loopback[] = {"127.0.0.1", "::1"};
	struct weft_dns_query number = *query;
	char text[INET_ADDRSTRLEN];
	int count = 0;

	if (!is_localhost(query->host)) {
		if (find_simulated(query->host, text) < 0 || query->family == AF_INET6)
			return fail(ENOENT);
		number.host = text;
		return parse_numbers(&number, ret_addresses) == 1 ? 1 : fail(ENOENT);
	}
	for (int i = 0; i < 2 && count < max && is_localhost(query->host); i++) {
		number.host = loopback[i];
		count += parse_numbers(&number, &ret_addresses[count]) == 1;
	}
	return count > 0 ? count : fail(ENOENT);
}

static int resolve_asked(
	const struct weft_dns_query *query, struct weft_address *ret_addresses, int max)
{
	struct question *question = question_new(query->host, query->service, NULL);
	int count, code;

	if (!question)
		return -1;
	question->has_service = query->service != NULL;
	question->family = query->family;
	question->type = query->type ? query->type : SOCK_STREAM;
	if (ask(question, ask_addresses) < 0)
		return -1;
	count = copy_found(question->found, ret_addresses, max);
	code = question->code ? resolve_errno(question->code, question->system_errno)
	       : count == 0   ? ENOENT
			      : 0;
	return finish(question, code, count);
}

int weft_dns_resolve(
	const struct weft_dns_query *query, struct weft_address *ret_addresses, int max)
{
	int found;

	if (max < 1 || !query->host || !*query->host || (query->service && !*query->service) ||
		(query->service && is_number(query->service) && !is_port(query->service)))
		return fail(EINVAL);
	if (query->family != AF_UNSPEC && query->family != AF_INET && query->family != AF_INET6)
		return fail(EINVAL);
	found = parse_numbers(query, ret_addresses);
	if (found != 0)
		return found;
	if (weft_interrupted())
		return fail(weft_interrupted());
	if (weft__worker && weft__worker->driver->ops->net)
		return resolve_simulated(query, ret_addresses, max);
	return resolve_asked(query, ret_addresses, max);
}

int weft_dns_lookup(const char *name, int family, struct weft_address *ret_addresses, int max)
{
	const struct weft_dns_query query = {.host = name, .family = family};

	return weft_dns_resolve(&query, ret_addresses, max);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static ssize_t copy_name(const char *name, char *ret_name, size_t size_bytes)
{
	size_t len = strlen(name);

	if (len >= size_bytes)
		return fail(EMSGSIZE);
	memcpy(ret_name, name, len + 1);
	return (ssize_t)len;
}

static int ask_name(void *arg)
{
	struct question *question = arg;

	question->code = getnameinfo(&question->address.any, question->address.len, question->name,
		sizeof question->name, NULL, 0, NI_NAMEREQD);
	question->system_errno = errno;
	return 0;
}

ssize_t weft_dns_reverse(const struct weft_address *address, char *ret_name, size_t size_bytes)
{
	int family = weft_address_family(address);
	struct question *question;
	ssize_t len = -1;
	int code;

	if (family != AF_INET && family != AF_INET6)
		return fail(EINVAL);
	if (weft__worker && weft__worker->driver->ops->net)
		return weft_address_is_loopback(address)
			       ? copy_name("localhost", ret_name, size_bytes)
			       : fail(ENOENT);
	question = question_new(NULL, NULL, NULL);
	if (!question)
		return -1;
	question->address = *address;
	if (ask(question, ask_name) < 0)
		return -1;
	code = question->code ? resolve_errno(question->code, question->system_errno) : 0;
	if (!code) {
		len = copy_name(question->name, ret_name, size_bytes);
		code = len < 0 ? EMSGSIZE : 0;
	}
	question_drop(question);
	return code ? fail(code) : len;
}

/* ---- Services ---------------------------------------------------------------------------------
 */

static const char *protocol_of(const struct question *question)
{
	return *question->protocol ? question->protocol : NULL;
}

static int ask_port(void *arg)
{
	struct question *question = arg;
	struct servent entry, *found = NULL;
	char line[SERVICE_LINE_MAX];

	question->code = getservbyname_r(
		question->service, protocol_of(question), &entry, line, sizeof line, &found);
	if (question->code == 0 && found)
		question->port = ntohs((uint16_t)found->s_port);
	else if (question->code == 0)
		question->code = ENOENT;
	return 0;
}

static int ask_service(void *arg)
{
	struct question *question = arg;
	struct servent entry, *found = NULL;
	char line[SERVICE_LINE_MAX];

	question->code = getservbyport_r(htons((uint16_t)question->port), protocol_of(question),
		&entry, line, sizeof line, &found);
	if (question->code == 0 && found)
		snprintf(question->name, sizeof question->name, "%s", found->s_name);
	else if (question->code == 0)
		question->code = ENOENT;
	return 0;
}

int weft_dns_service_port(const char *service, const char *protocol)
{
	struct question *question;

	if (!*service || (is_number(service) && !is_port(service)))
		return fail(EINVAL);
	if (is_number(service))
		return (int)strtoul(service, NULL, 10);
	question = question_new(NULL, service, protocol);
	if (!question)
		return -1;
	if (ask(question, ask_port) < 0)
		return -1;
	return finish(question, question->code, question->port);
}

ssize_t weft_dns_service_name(
	uint16_t port, const char *protocol, char *ret_name, size_t size_bytes)
{
	struct question *question = question_new(NULL, NULL, protocol);
	ssize_t len = -1;
	int code;

	if (!question)
		return -1;
	question->port = port;
	if (ask(question, ask_service) < 0)
		return -1;
	code = question->code;
	if (!code) {
		len = copy_name(question->name, ret_name, size_bytes);
		code = len < 0 ? EMSGSIZE : 0;
	}
	question_drop(question);
	return code ? fail(code) : len;
}
