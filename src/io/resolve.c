/*
 * resolve.c - host names and service names to addresses.
 *
 * Entry point: weft_address_resolve(). Numeric forms never reach the name service.
 *
 * getaddrinfo(3) blocks, for as long as it likes, and can't be called off. So a thread
 * of its own asks, and the caller waits for its sign. A caller whose deadline comes first
 * leaves; whoever is last, thread or caller, frees what they share.
 *
 * Never: return an address of a family that streams don't speak, or more than max.
 */
#include "weft/address.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weft/socket.h"

/* Longest name that DNS can carry, in text (RFC 1035, section 2.3.4), and room to spare. */
#define HOST_MAX 255

/* What is asked, and the answer. */
struct question {
	atomic_int holders; /* the caller and the thread */
	atomic_bool is_answered;
	int done_fd; /* eventfd, readable when the answer is there */
	char host[HOST_MAX + 1], service[HOST_MAX + 1];
	int code, system_errno; /* of getaddrinfo() */
	struct addrinfo *found;
};

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
	default:
		return EAGAIN;
	}
}

/* ---- The text ------------------------------------------------------------------------ */

/* Part "HOST:SERVICE" or "[HOST]:SERVICE". Both results have HOST_MAX + 1 bytes. */
static bool split(const char *host_port, char *ret_host, char *ret_service)
{
	const char *colon = strrchr(host_port, ':');
	size_t len = colon ? (size_t)(colon - host_port) : 0;

	if (!colon || colon[1] == '\0' || strlen(colon + 1) > HOST_MAX)
		return false;
	memcpy(ret_service, colon + 1, strlen(colon + 1) + 1);
	if (len == 0 || (len == 1 && host_port[0] == '*')) {
		/* As weft_address_parse() has it: all addresses. */
		memcpy(ret_host, "::", sizeof("::"));
		return true;
	}
	if (len >= 2 && host_port[0] == '[' && host_port[len - 1] == ']') {
		host_port++;
		len -= 2;
	} else if (memchr(host_port, ':', len)) {
		return false; /* an IPv6 address without brackets: which colon is the port's? */
	}
	if (len == 0 || len > HOST_MAX)
		return false;
	memcpy(ret_host, host_port, len);
	ret_host[len] = '\0';
	return true;
}

/* getaddrinfo(3) takes a number that is no port for one, less a multiple of 65536. */
static bool is_beyond_ports(const char *service)
{
	return strspn(service, "0123456789") == strlen(service) &&
	       (strlen(service) > 5 || strtoul(service, NULL, 10) > UINT16_MAX);
}

/*
 * "localhost" and what is below it is this machine, whatever the name service knows of
 * it (RFC 6761, section 6.3): a minimal system has no /etc/hosts that would say so.
 */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host);
	size_t skipped = len > strlen("localhost") ? len - strlen("localhost") : 0;

	return strcasecmp(host + skipped, "localhost") == 0 &&
	       (skipped == 0 || host[skipped - 1] == '.');
}

/* ---- Asking --------------------------------------------------------------------------- */

static void question_drop(struct question *question)
{
	int saved_errno = errno;

	if (atomic_fetch_sub(&question->holders, 1) > 1)
		return;
	if (question->found)
		freeaddrinfo(question->found);
	weft_close(question->done_fd);
	free(question);
	errno = saved_errno;
}

static void *question_thread(void *arg)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct question *question = arg;
	struct addrinfo *found = NULL;
	const uint64_t one = 1;

	/* Without a host, getaddrinfo(3) gives the loopback addresses. */
	question->code = getaddrinfo(is_localhost(question->host) ? NULL : question->host,
		question->service, &hints, &found);
	question->system_errno = errno;
	question->found = question->code == 0 ? found : NULL;
	atomic_store(&question->is_answered, true);
	while (write(question->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	question_drop(question);
	return NULL;
}

/* Start the thread, which no signal of the program's shall choose. 0, or an errno value. */
static int question_ask(struct question *question)
{
	pthread_t thread;
	sigset_t all, before;
	int code;

	atomic_store(&question->holders, 2);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&thread, NULL, question_thread, question);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0)
		pthread_detach(thread);
	else
		atomic_store(&question->holders, 1);
	return code;
}

static struct question *question_new(const char *host_port)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	atomic_init(&question->holders, 1);
	question->done_fd = -1;
	if (!split(host_port, question->host, question->service) ||
		is_beyond_ports(question->service))
		errno = EINVAL;
	else
		question->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (question->done_fd >= 0)
		return question;
	free(question);
	return NULL;
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

static int resolve(struct weft_address *ret_addresses, int max, struct question *question)
{
	int code = question_ask(question), count = 0;
	bool is_answered = false;

	/* The wait comes first, even if the answer is there: so it obeys the scope. */
	while (code == 0 && !is_answered) {
		if (weft_wait_fd(question->done_fd, POLLIN) < 0)
			return -1;
		is_answered = atomic_load(&question->is_answered);
	}
	if (code == 0 && question->code != 0)
		code = resolve_errno(question->code, question->system_errno);
	if (code == 0) {
		count = copy_found(question->found, ret_addresses, max);
		code = count == 0 ? ENOENT : 0;
	}
	if (code == 0)
		return count;
	errno = code;
	return -1;
}

int weft_address_resolve(struct weft_address *ret_addresses, int max, const char *host_port)
{
	struct question *question;
	int count;

	if (max < 1) {
		errno = EINVAL;
		return -1;
	}
	if (weft_address_parse(ret_addresses, host_port) == 0)
		return 1;
	if (errno != EINVAL)
		return -1;
	question = question_new(host_port);
	if (!question)
		return -1;
	count = resolve(ret_addresses, max, question);
	question_drop(question);
	return count;
}
