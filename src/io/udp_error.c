/*
 * udp_error.c - what the network says of earlier datagrams (weft/udp.h; IP_RECVERR in ip(7)).
 *
 * Entry point: weft_udp_errors().
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
/* After them: it knows no struct timespec of its own. */
#include <linux/errqueue.h>

#include "io/udp.h"

/* 0: it says nothing of an error. */
static int code_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
		if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
			(part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR)) {
			struct sock_extended_err error;

			memcpy(&error, CMSG_DATA(part), sizeof(error));
			return (int)error.ee_errno;
		}
	return 0;
}

/* 1, 0: there is none. */
static int take(struct weft_udp *udp, struct weft_udp_error *ret_error)
{
	/* The error, and behind it the address of who reports it. */
	union {
		char bytes[CMSG_SPACE(
				   sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) *
			   2];
		struct cmsghdr align;
	} control;
	struct iovec part = {ret_error->data, sizeof(ret_error->data)};
	struct msghdr message = {.msg_name = &ret_error->peer.any,
		.msg_namelen = sizeof(ret_error->peer.un),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	/* Past the driver: that this queue is empty says nothing of the datagrams that it waits
	 * for. A simulated socket is no descriptor of the kernel's, and has no errors. */
	ssize_t len = recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (len < 0)
		return 0;
	ret_error->peer.len = message.msg_namelen;
	ret_error->len = (size_t)len;
	ret_error->code = code_of(&message);
	return 1;
}

int weft_udp_errors(struct weft_udp *udp, struct weft_udp_error *ret_errors, unsigned count)
{
	int saved = errno;
	unsigned taken = 0;

	while (taken < count && take(udp, &ret_errors[taken]))
		if (ret_errors[taken].code)
			taken++;
	errno = saved;
	return (int)taken;
}
