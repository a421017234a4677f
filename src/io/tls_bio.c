/*
 * tls_bio.c - where libssl finds the bytes that came, and leaves those that are to go.
 *
 * Entry points: weft__tls_bio_attach(), weft__tls_out_...(), weft__tls_kernel_can().
 *
 *	out	buffers[0]            buffers[1]      buffers[count - 1]
 *		[ sent | to send ...] [............]  [......... | free ]
 *		       ^ start                                   ^ end
 *
 * Where the kernel can encrypt (kTLS), OpenSSL asks its BIO to hand it the keys; a BIO of
 * OpenSSL's own, `kernel`, does that for ours. From then on what OpenSSL writes (alerts,
 * tickets) goes plain to the descriptor, each with the type of its record, and out stays
 * empty. Receiving is never the kernel's: it would cost a system call for each record.
 *
 * Never: wait, move bytes that are being sent, or raise SIGPIPE.
 */
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "io/buffer.h"
#include "io/tls.h"
#include "weft/socket.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* Numbers that OpenSSL has for itself; a comment in its bio.h reserves them. */
#define CTRL_SET_KTLS           72
#define CTRL_SET_KTLS_CONTROL   74
#define CTRL_CLEAR_KTLS_CONTROL 75

/* ---- What is to go ------------------------------------------------------------------- */

size_t weft__tls_out_len(const struct weft__tls_out *out)
{
	if (out->count == 0)
		return 0;
	return (size_t)(out->count - 1) * WEFT_STREAM_BUFFER_SIZE + out->end - out->start;
}

int weft__tls_out_reserve(struct weft__tls_out *out, size_t len)
{
	size_t held = weft__tls_out_len(out) + out->start, room;
	unsigned need;

	room = (size_t)WEFT__TLS_OUT_BUFFERS * WEFT_STREAM_BUFFER_SIZE - held;
	if (len > room) {
		errno = ENOBUFS;
		return -1;
	}
	need = (unsigned)((held + len + WEFT_STREAM_BUFFER_SIZE - 1) / WEFT_STREAM_BUFFER_SIZE);
	for (unsigned i = out->count; i < need; i++) {
		if (!out->buffers[i])
			out->buffers[i] = weft__buffer_take();
		if (!out->buffers[i])
			return -1;
	}
	return 0;
}

static int out_append(struct weft__tls_out *out, const char *data, size_t len)
{
	if (weft__tls_out_reserve(out, len) < 0)
		return -1;
	while (len > 0) {
		size_t part;

		if (out->count == 0 || out->end == WEFT_STREAM_BUFFER_SIZE) {
			out->count++;
			out->end = 0;
		}
		part = WEFT_STREAM_BUFFER_SIZE - out->end;
		if (part > len)
			part = len;
		memcpy(out->buffers[out->count - 1] + out->end, data, part);
		out->end += part;
		data += part;
		len -= part;
	}
	return 0;
}

int weft__tls_out_parts(
	const struct weft__tls_out *out, struct iovec ret_parts[WEFT__TLS_OUT_BUFFERS])
{
	for (unsigned i = 0; i < out->count; i++) {
		size_t from = i == 0 ? out->start : 0;
		size_t to = i + 1 == out->count ? out->end : WEFT_STREAM_BUFFER_SIZE;

		ret_parts[i] = (struct iovec){out->buffers[i] + from, to - from};
	}
	return (int)out->count;
}

void weft__tls_out_advance(struct weft__tls_out *out, size_t len)
{
	unsigned done;

	len += out->start;
	done = (unsigned)(len / WEFT_STREAM_BUFFER_SIZE);
	out->start = len % WEFT_STREAM_BUFFER_SIZE;
	if (done < out->count && (done + 1 < out->count || out->start < out->end)) {
		for (unsigned i = 0; i < done; i++)
			weft__buffer_give(out->buffers[i]);
		memmove(out->buffers, out->buffers + done,
			(WEFT__TLS_OUT_BUFFERS - done) * sizeof(*out->buffers));
		memset(out->buffers + WEFT__TLS_OUT_BUFFERS - done, 0,
			done * sizeof(*out->buffers));
		out->count -= done;
		return;
	}
	weft__tls_out_fini(out);
}

void weft__tls_out_fini(struct weft__tls_out *out)
{
	for (unsigned i = 0; i < WEFT__TLS_OUT_BUFFERS; i++)
		weft__buffer_give(out->buffers[i]);
	memset(out, 0, sizeof(*out));
}

/* ---- The kernel's encryption ------------------------------------------------------------- */

/* A socket that isn't connected: ENOTCONN where there is TLS, ENOENT where there is none. */
static bool probe_kernel(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = false;

	if (fd < 0)
		return false;
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0 || errno == ENOTCONN)
		can = true;
	close(fd);
	return can;
}

bool weft__tls_kernel_can(void)
{
	static atomic_int answer; /* 0: not asked yet */
	int known = atomic_load_explicit(&answer, memory_order_relaxed);

	if (known == 0) {
		known = probe_kernel() ? 1 : -1;
		atomic_store_explicit(&answer, known, memory_order_relaxed);
	}
	return known > 0;
}

static bool is_kernel_tcp(int fd)
{
	struct weft__driver *driver;
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return weft__net(&driver) == &weft__net_kernel &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_TCP;
}

static bool is_kernel_sending(const struct weft__tls *tls)
{
	return tls->kernel && BIO_get_ktls_send(tls->kernel);
}

/* One record of the kernel's, of the type that OpenSSL has said before. */
static ssize_t send_to_kernel(struct weft__tls *tls, const void *data, size_t len)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(unsigned char))];
	} control;
	struct iovec part = {(void *)data, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	memset(&control, 0, sizeof(control));
	if (tls->control) {
		control.head.cmsg_level = SOL_TLS;
		control.head.cmsg_type = TLS_SET_RECORD_TYPE;
		control.head.cmsg_len = CMSG_LEN(sizeof(unsigned char));
		*CMSG_DATA(&control.head) = (unsigned char)tls->control;
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	do
		sent = sendmsg(tls->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		tls->control = 0;
	return sent;
}

/* All that is in out must be on its way before the kernel takes over. */
static bool flush_to_kernel(struct weft__tls *tls)
{
	while (weft__tls_out_len(&tls->out) > 0) {
		struct iovec parts[WEFT__TLS_OUT_BUFFERS];
		struct msghdr message = {.msg_iov = parts};
		ssize_t sent;

		message.msg_iovlen = (size_t)weft__tls_out_parts(&tls->out, parts);
		sent = sendmsg(tls->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		weft__tls_out_advance(&tls->out, (size_t)sent);
	}
	return true;
}

/* ---- The BIO --------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *buffer, int size_bytes)
{
	struct weft__tls *tls = BIO_get_data(bio);
	size_t count = tls->in.end - tls->in.start;

	BIO_clear_retry_flags(bio);
	if (count == 0) {
		if (tls->is_in_over)
			return 0;
		BIO_set_retry_read(bio);
		return -1;
	}
	if (count > (size_t)size_bytes)
		count = (size_t)size_bytes;
	memcpy(buffer, tls->in.data + tls->in.start, count);
	tls->in.start += count;
	weft__stream_half_rest(&tls->in);
	return (int)count;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct weft__tls *tls = BIO_get_data(bio);
	ssize_t sent;

	BIO_clear_retry_flags(bio);
	if (is_kernel_sending(tls)) {
		sent = send_to_kernel(tls, data, (size_t)len);
		if (sent < 0 && errno == EAGAIN)
			BIO_set_retry_write(bio);
		else if (sent < 0)
			tls->wire_code = errno;
		return (int)sent;
	}
	if (out_append(&tls->out, data, (size_t)len) == 0)
		return len;
	if (errno == ENOBUFS)
		BIO_set_retry_write(bio);
	else
		tls->wire_code = errno;
	return -1;
}

static long bio_flush(BIO *bio, struct weft__tls *tls)
{
	BIO_clear_retry_flags(bio);
	if (!tls->kernel || flush_to_kernel(tls))
		return 1;
	BIO_set_retry_write(bio);
	return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	struct weft__tls *tls = BIO_get_data(bio);

	switch (command) {
	case BIO_CTRL_FLUSH:
		return bio_flush(bio, tls);
	case BIO_CTRL_EOF:
		return tls->is_in_over && tls->in.start == tls->in.end;
	case BIO_CTRL_PENDING:
		return (long)(tls->in.end - tls->in.start);
	case BIO_CTRL_WPENDING:
		return (long)weft__tls_out_len(&tls->out);
	case CTRL_SET_KTLS: /* number: whether it is for sending */
		return tls->kernel && number ? BIO_ctrl(tls->kernel, command, number, pointer) : 0;
	case CTRL_SET_KTLS_CONTROL:
		tls->control = (int)number;
		return 0;
	case CTRL_CLEAR_KTLS_CONTROL:
		tls->control = 0;
		return 0;
	case BIO_CTRL_GET_KTLS_SEND:
		return is_kernel_sending(tls);
	default:
		return 0;
	}
}

static BIO_METHOD *method; /* under the mutex */
static pthread_mutex_t method_mutex = PTHREAD_MUTEX_INITIALIZER;

/* At the program's end: what is left of libssl's own is looked for by leak finders. */
static void method_free(void)
{
	BIO_meth_free(method);
	method = NULL;
}

static BIO_METHOD *method_make(void)
{
	BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft");

	if (!made)
		return NULL;
	BIO_meth_set_read(made, bio_read);
	BIO_meth_set_write(made, bio_write);
	BIO_meth_set_ctrl(made, bio_ctrl);
	OPENSSL_atexit(method_free);
	return made;
}

static BIO *bio_new(void)
{
	BIO *bio = NULL;

	pthread_mutex_lock(&method_mutex);
	if (!method)
		method = method_make();
	if (method)
		bio = BIO_new(method);
	pthread_mutex_unlock(&method_mutex);
	return bio;
}

int weft__tls_bio_attach(struct weft__tls *tls)
{
	BIO *bio = bio_new();

	if (!bio) {
		errno = ENOMEM;
		return -1;
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	if ((SSL_get_options(tls->ssl) & SSL_OP_ENABLE_KTLS) && is_kernel_tcp(tls->fd))
		tls->kernel = BIO_new_socket(tls->fd, BIO_NOCLOSE); /* NULL: we do it ourselves */
	return 0;
}
