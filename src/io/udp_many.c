/*
 * udp_many.c - datagrams in batches, and one message as many datagrams (weft/udp.h).
 */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "io/udp.h"
#include "weft/socket.h"

/** Segments that the kernel takes in one call: UDP_MAX_SEGMENTS. */
#define SEGMENTS_MAX 64

struct batch {
	struct mmsghdr messages[WEFT_UDP_BATCH_MAX];
	struct iovec parts[WEFT_UDP_BATCH_MAX];
	_Alignas(struct cmsghdr)
		uint8_t controls[WEFT_UDP_BATCH_MAX][WEFT_UDP_HERE_SIZE + CMSG_SPACE(sizeof(int))];
};

static unsigned at_most(unsigned count)
{
	return count < WEFT_UDP_BATCH_MAX ? count : WEFT_UDP_BATCH_MAX;
}

/* ---- Receiving ------------------------------------------------------------------------- */

static void prepare_recv(struct batch *batch, struct weft_datagram *datagrams, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		batch->parts[i] = (struct iovec){datagrams[i].data, datagrams[i].size_bytes};
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &datagrams[i].peer.any,
			.msg_namelen = sizeof(datagrams[i].peer.un),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
			.msg_control = batch->controls[i],
			.msg_controllen = sizeof(batch->controls[i]),
		};
	}
}

/* What UDP_GRO says of it; 0: it is one. */
static size_t segment_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
		if (part->cmsg_level == IPPROTO_UDP && part->cmsg_type == UDP_GRO) {
			int len;

			memcpy(&len, CMSG_DATA(part), sizeof(len));
			return (size_t)len;
		}
	return 0;
}

int weft_udp_recv_many(struct weft_udp *udp, struct weft_datagram *datagrams, unsigned count)
{
	struct batch batch;
	int received;

	count = at_most(count);
	prepare_recv(&batch, datagrams, count);
	received = weft_recvmmsg(udp->fd, batch.messages, count, MSG_TRUNC);
	for (int i = 0; i < received; i++) {
		datagrams[i].len = batch.messages[i].msg_len;
		datagrams[i].peer.len = batch.messages[i].msg_hdr.msg_namelen;
		datagrams[i].segment_len = segment_of(&batch.messages[i].msg_hdr);
		if (datagrams[i].segment_len >= datagrams[i].len)
			datagrams[i].segment_len = 0;
		weft__udp_here_read(&batch.messages[i].msg_hdr, &datagrams[i].here);
	}
	return received;
}

/* ---- Sending ----------------------------------------------------------------------------- */

static void prepare_send(struct batch *batch, const struct weft_datagram *datagrams, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct weft_address *to = &datagrams[i].peer;

		batch->parts[i] = (struct iovec){datagrams[i].data, datagrams[i].len};
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = to->len ? (void *)(uintptr_t)&to->any : NULL,
			.msg_namelen = to->len,
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
		};
		if (!datagrams[i].here.family)
			continue;
		batch->messages[i].msg_hdr.msg_control = batch->controls[i];
		batch->messages[i].msg_hdr.msg_controllen =
			weft_udp_here_write(&datagrams[i].here, batch->controls[i]);
	}
}

int weft_udp_send_many(struct weft_udp *udp, const struct weft_datagram *datagrams, unsigned count)
{
	unsigned done = 0;
	struct batch batch;

	while (done < count) {
		unsigned some = at_most(count - done);
		int sent;

		prepare_send(&batch, datagrams + done, some);
		sent = weft_sendmmsg(udp->fd, batch.messages, some, 0);
		if (sent < 0)
			return done > 0 ? (int)done : -1;
		done += (unsigned)sent;
	}
	return (int)done;
}

/* ---- Segments ------------------------------------------------------------------------------ */

struct segments {
	struct weft_udp *udp;
	const char *data;
	size_t len, segment_len;
	const struct weft_address *to; /* NULL: the connected peer */
};

/* All of it by one call, which the kernel, or the network card, cuts. */
static int send_whole(const struct segments *segments, size_t len)
{
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)segments->data, len};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	uint16_t size = (uint16_t)segments->segment_len;

	if (segments->to) {
		message.msg_name = (void *)(uintptr_t)&segments->to->any;
		message.msg_namelen = segments->to->len;
	}
	header->cmsg_level = IPPROTO_UDP;
	header->cmsg_type = UDP_SEGMENT;
	header->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(header), &size, sizeof(size));
	return weft_sendmsg(segments->udp->fd, &message, 0) < 0 ? -1 : 0;
}

static int send_each(const struct segments *segments, size_t len)
{
	struct weft_datagram datagrams[SEGMENTS_MAX];
	unsigned count = 0;

	for (size_t at = 0; at < len; at += segments->segment_len) {
		size_t left = len - at;

		datagrams[count] =
			(struct weft_datagram){.data = (void *)(uintptr_t)(segments->data + at),
				.len = left < segments->segment_len ? left : segments->segment_len};
		if (segments->to)
			datagrams[count].peer = *segments->to;
		count++;
	}
	for (unsigned done = 0; done < count;) {
		int sent = weft_udp_send_many(segments->udp, datagrams + done, count - done);

		if (sent < 0)
			return -1;
		done += (unsigned)sent;
	}
	return 0;
}

static bool is_refusal(int code)
{
	return code == EINVAL || code == EIO || code == EOPNOTSUPP || code == ENOPROTOOPT;
}

static int send_some(const struct segments *segments, size_t len)
{
	if (len <= segments->segment_len ||
		atomic_load_explicit(&segments->udp->has_no_segments, memory_order_relaxed))
		return send_each(segments, len);
	if (send_whole(segments, len) == 0)
		return 0;
	/* EMSGSIZE: a segment is over what the way there takes, and goes in fragments. */
	if (errno != EMSGSIZE) {
		if (!is_refusal(errno))
			return -1;
		atomic_store(&segments->udp->has_no_segments, true);
	}
	return send_each(segments, len);
}

int weft_udp_send_segments(struct weft_udp *udp, const void *data, size_t len, size_t segment_len,
	const struct weft_address *to)
{
	struct segments segments = {udp, data, len, segment_len, to && to->len ? to : NULL};
	size_t most;

	if (segment_len == 0 || segment_len > WEFT_UDP_LEN_MAX) {
		errno = segment_len ? EMSGSIZE : EINVAL;
		return -1;
	}
	most = WEFT_UDP_LEN_MAX / segment_len;
	most = segment_len * (most < SEGMENTS_MAX ? most : SEGMENTS_MAX);
	while (segments.len > 0) {
		size_t some = segments.len < most ? segments.len : most;

		if (send_some(&segments, some) < 0)
			return -1;
		segments.data += some;
		segments.len -= some;
	}
	return 0;
}
