/*
 * tls_io.c - a stream's layer of TLS: what its calls do once the handshake is made.
 *
 * Entry points: weft__tls_layer and weft__tls_kernel_layer, the tables; weft__tls_more(),
 * weft__tls_drain(), weft__tls_push(), which the handshake shares.
 *
 * The reader waits for bytes in more(), the writer for room in drain(); nobody else waits, and
 * both do so without the lock. What a call has encrypted when it is interrupted stays in out,
 * so the next one goes on where it was. What the reader has to say (an alert) it leaves to the
 * writer, if there is one.
 *
 * Never: encrypt what there is no room for; lose or repeat a byte because of an interruption;
 * end a stream with close_notify of which something is unsent.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "fiber/driver/driver.h"
#include "io/buffer.h"
#include "io/file_io.h"
#include "io/tls.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* Parts at least so large are encrypted where they are; smaller ones share a record. */
#define ALONE_MIN 4096

static int fail(int code)
{
	errno = code;
	return -1;
}

/* What others have left in the thread's queue of errors; to look first is four times cheaper. */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* ---- The descriptor ------------------------------------------------------------------- */

int weft__tls_more(struct weft__tls *tls)
{
	static const struct weft__buffers buffers = {weft__buffer_take, weft__buffer_give};
	struct weft__op op = {.kind = WEFT__OP_RECV,
		.fd = tls->fd,
		.len = WEFT_STREAM_BUFFER_SIZE,
		.buffers = &buffers};
	int64_t count = weft__perform(&op);

	if (count < 0)
		return -1;
	if (count == 0) {
		tls->is_in_over = true;
		return 0;
	}
	tls->in.data = op.data;
	tls->in.start = 0;
	tls->in.end = (size_t)count;
	return 0;
}

static ssize_t send_parts(int fd, struct iovec *parts, int count, int flags)
{
	struct msghdr message;

	if (count == 1)
		return weft_send(fd, parts[0].iov_base, parts[0].iov_len, flags | MSG_NOSIGNAL);
	memset(&message, 0, sizeof(message));
	message.msg_iov = parts;
	message.msg_iovlen = (size_t)count;
	return weft_sendmsg(fd, &message, flags | MSG_NOSIGNAL);
}

int weft__tls_drain(struct weft__tls *tls)
{
	struct iovec parts[WEFT__TLS_OUT_BUFFERS];
	ssize_t sent = 0;
	int count, code = 0;

	weft__tls_lock(tls);
	tls->is_sending = true;
	while (sent >= 0 && (count = weft__tls_out_parts(&tls->out, parts)) > 0) {
		weft__tls_unlock(tls);
		sent = send_parts(tls->fd, parts, count, 0);
		code = sent < 0 ? errno : 0;
		weft__tls_lock(tls);
		if (sent > 0)
			weft__tls_out_advance(&tls->out, (size_t)sent);
	}
	tls->is_sending = false;
	weft__tls_unlock(tls);
	return code ? fail(code) : 0;
}

void weft__tls_push(struct weft__tls *tls)
{
	struct iovec parts[WEFT__TLS_OUT_BUFFERS];
	int saved_errno = errno, count;
	ssize_t sent = 0;

	if (tls->is_sending)
		return;
	WEFT_SHIELDED
		while (sent >= 0 && (count = weft__tls_out_parts(&tls->out, parts)) > 0) {
			sent = send_parts(tls->fd, parts, count, MSG_DONTWAIT);
			if (sent > 0)
				weft__tls_out_advance(&tls->out, (size_t)sent);
		}
	errno = saved_errno;
}

int weft__tls_code(struct weft__tls *tls)
{
	if (!tls->wire_code)
		return weft__tls_fault_of_queue(&tls->fault, tls->is_ready);
	ERR_clear_error();
	return tls->wire_code;
}

/* libssl can't go on after this: say why. The errno of every call from now on. */
static int fail_for_good(struct weft__tls *tls)
{
	int code = weft__tls_code(tls);

	atomic_store(&tls->code, code);
	return code;
}

/* ---- Reading ------------------------------------------------------------------------------ */

/*
 * A peer that asks us to change keys (RFC 8446, 4.6.3) asks what the kernel can't do: OpenSSL
 * would answer with keys that the kernel goes on not knowing.
 */
static bool asks_for_keys(const struct weft__tls *tls)
{
	return tls->facts.is_kernel_sending &&
	       SSL_get_key_update_type(tls->ssl) != SSL_KEY_UPDATE_NONE;
}

/* Why SSL_read_ex() gave nothing. EAGAIN: bytes are missing. 0: the end. Under the lock. */
static int read_code(struct weft__tls *tls)
{
	switch (SSL_get_error(tls->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return fail_for_good(tls);
	}
}

/* What can be decrypted of what was received. Fails with EAGAIN when that is nothing. */
static ssize_t read_now(struct weft__tls *tls, void *buffer, size_t size_bytes)
{
	size_t count = 0;
	int code = atomic_load(&tls->code);

	if (code)
		return fail(code);
	weft__tls_lock(tls);
	forget_errors();
	if (!SSL_read_ex(tls->ssl, buffer, size_bytes, &count))
		code = read_code(tls);
	if (asks_for_keys(tls)) {
		weft__tls_fault_set(&tls->fault, WEFT_TLS_BROKEN,
			"the peer asked for new keys, which the kernel cannot change");
		atomic_store(&tls->code, EPROTO);
	}
	if (weft__tls_out_len(&tls->out) > 0)
		weft__tls_push(tls);
	weft__tls_unlock(tls);
	tls->has_more = count == size_bytes;
	return code ? fail(code) : (ssize_t)count;
}

static ssize_t layer_receive(struct weft_stream *stream, void *buffer, size_t size_bytes)
{
	for (;;) {
		ssize_t count = read_now(stream->tls, buffer, size_bytes);

		if (count >= 0 || errno != EAGAIN || weft__tls_more(stream->tls) < 0)
			return count;
	}
}

/* Without anything to decrypt no buffer is held: whoever waits here may wait for long. */
static ssize_t layer_fill(struct weft_stream *stream)
{
	struct weft__tls *tls = stream->tls;

	for (;;) {
		ssize_t count;
		char *data;

		if (tls->in.start == tls->in.end && !tls->has_more && !tls->is_in_over &&
			!atomic_load(&tls->code) && weft__tls_more(tls) < 0)
			return -1;
		data = weft__buffer_take();
		if (!data)
			return -1;
		count = read_now(tls, data, WEFT_STREAM_BUFFER_SIZE);
		if (count > 0) {
			stream->in.data = data;
			stream->in.end = (size_t)count;
			return count;
		}
		weft__buffer_give(data);
		if (count == 0 || errno != EAGAIN)
			return count;
	}
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* The bytes of one record: a large part as it is, or small ones side by side in scratch. */
static struct iovec next_record(const struct iovec *parts, int count, char *scratch)
{
	struct iovec record = {scratch, 0};

	if (count == 1 || parts[0].iov_len >= ALONE_MIN) {
		record = parts[0];
		if (record.iov_len > WEFT__TLS_PLAIN_MAX)
			record.iov_len = WEFT__TLS_PLAIN_MAX;
		return record;
	}
	for (int i = 0; i < count && record.iov_len < WEFT__TLS_PLAIN_MAX; i++) {
		size_t room = WEFT__TLS_PLAIN_MAX - record.iov_len;
		size_t len = parts[i].iov_len < room ? parts[i].iov_len : room;

		memcpy(scratch + record.iov_len, parts[i].iov_base, len);
		record.iov_len += len;
	}
	return record;
}

/* Encrypt one record, for which there is room. 0, or the errno of every write from now on. */
static int encrypt(struct weft__tls *tls, const struct iovec *record)
{
	size_t written = 0;
	int code = tls->is_shut ? EPIPE : atomic_load(&tls->code);

	if (code)
		return code;
	forget_errors();
	if (SSL_write_ex(tls->ssl, record->iov_base, record->iov_len, &written))
		return 0;
	return fail_for_good(tls);
}

/* Make room for a record of len bytes: out is sent first where there is none. */
static int make_room(struct weft__tls *tls, size_t len)
{
	int result, code;

	for (;;) {
		weft__tls_lock(tls);
		result = weft__tls_out_reserve(&tls->out, len + WEFT__TLS_OVERHEAD_MAX);
		code = errno;
		weft__tls_unlock(tls);
		if (result == 0)
			return 0;
		if (code != ENOBUFS)
			return fail(code);
		if (weft__tls_drain(tls) < 0)
			return -1;
	}
}

static ssize_t encrypt_one(struct weft__tls *tls, const struct iovec *record)
{
	int code;

	if (make_room(tls, record->iov_len) < 0)
		return -1;
	weft__tls_lock(tls);
	code = encrypt(tls, record);
	weft__tls_unlock(tls);
	return code ? fail(code) : (ssize_t)record->iov_len;
}

static ssize_t layer_send(struct weft_stream *stream, const struct iovec *parts, int count)
{
	struct iovec record;
	char *scratch = NULL;
	ssize_t sent;

	if (count > 1 && parts[0].iov_len < ALONE_MIN) {
		scratch = weft__buffer_take();
		if (!scratch)
			return -1;
	}
	record = next_record(parts, count, scratch);
	sent = encrypt_one(stream->tls, &record);
	weft__buffer_give(scratch);
	return sent;
}

static ssize_t layer_sendfile(struct weft_stream *stream, int file_fd, off_t *offset, size_t len)
{
	char *data = weft__buffer_take();
	ssize_t count;

	if (!data)
		return -1;
	if (len > WEFT__TLS_PLAIN_MAX)
		len = WEFT__TLS_PLAIN_MAX;
	count = weft__file_pread(file_fd, data, len, *offset);
	if (count > 0) {
		struct iovec record = {data, (size_t)count};

		count = encrypt_one(stream->tls, &record);
	}
	if (count > 0)
		*offset += count;
	weft__buffer_give(data);
	return count;
}

static int layer_drain(struct weft_stream *stream)
{
	int code = atomic_load(&stream->tls->code);

	return code ? fail(code) : weft__tls_drain(stream->tls);
}

/* ---- Writing, where the kernel encrypts --------------------------------------------------------
 */

static ssize_t kernel_send(struct weft_stream *stream, const struct iovec *parts, int count)
{
	int code = stream->tls->is_shut ? EPIPE : atomic_load(&stream->tls->code);

	if (code)
		return fail(code);
	return send_parts(stream->fd, (struct iovec *)parts, count, 0);
}

static ssize_t kernel_sendfile(struct weft_stream *stream, int file_fd, off_t *offset, size_t len)
{
	int code = stream->tls->is_shut ? EPIPE : atomic_load(&stream->tls->code);

	/* As the plain streams do: so much at a time that neighbours get their turn. */
	if (len > (size_t)1 << 20)
		len = (size_t)1 << 20;
	return code ? fail(code) : weft_sendfile(stream->fd, file_fd, offset, len);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

/* Put our close_notify into out, or to the kernel. False: that has no room for it now. */
static bool say_goodbye(struct weft__tls *tls)
{
	int result;

	weft__tls_lock(tls);
	ERR_clear_error();
	result = tls->is_shut ? 0 : SSL_shutdown(tls->ssl);
	if (result >= 0 || SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_WRITE)
		tls->is_shut = true;
	ERR_clear_error();
	weft__tls_unlock(tls);
	return tls->is_shut;
}

static int layer_finish(struct weft_stream *stream)
{
	struct weft__tls *tls = stream->tls;
	int code = atomic_load(&tls->code);

	if (code)
		return fail(code);
	if (!tls->facts.is_kernel_sending && make_room(tls, 0) < 0)
		return -1;
	while (!say_goodbye(tls))
		if (weft_wait_fd(tls->fd, POLLOUT) < 0)
			return -1;
	return weft__tls_drain(tls);
}

static int layer_shutdown_write(struct weft_stream *stream)
{
	if (layer_finish(stream) < 0)
		return -1;
	return weft_shutdown(stream->fd, SHUT_WR);
}

/* Whether the peer has, or is about to have, all that was written. */
static bool is_all_sent(const struct weft_stream *stream)
{
	return stream->tls->is_ready && !stream->is_torn && stream->out.start == stream->out.end &&
	       weft__tls_out_len(&stream->tls->out) == 0 && !atomic_load(&stream->tls->code);
}

/*
 * A client that has read nothing has not read its tickets either: left where they are, they
 * would make the kernel end the connection by a reset, which can overtake what was sent.
 */
static void discard_tickets(struct weft__tls *tls)
{
	char *data = SSL_is_server(tls->ssl) ? NULL : weft__buffer_take();

	if (!data)
		return;
	WEFT_SHIELDED
		weft_recv(tls->fd, data, WEFT_STREAM_BUFFER_SIZE, MSG_DONTWAIT);
	weft__buffer_give(data);
}

static void layer_free(struct weft_stream *stream)
{
	struct weft__tls *tls = stream->tls;

	if (is_all_sent(stream) && !tls->is_shut) {
		say_goodbye(tls);
		weft__tls_push(tls);
	}
	if (tls->is_ready)
		discard_tickets(tls);
	weft__tls_free(tls);
}

const struct weft__stream_layer weft__tls_layer = {
	.receive = layer_receive,
	.fill = layer_fill,
	.send = layer_send,
	.sendfile = layer_sendfile,
	.drain = layer_drain,
	.shutdown_write = layer_shutdown_write,
	.finish = layer_finish,
	.free = layer_free,
	.facts = weft_stream_tls,
	.fault = weft_stream_tls_fault,
};

const struct weft__stream_layer weft__tls_kernel_layer = {
	.receive = layer_receive,
	.fill = layer_fill,
	.send = kernel_send,
	.sendfile = kernel_sendfile,
	.drain = layer_drain,
	.shutdown_write = layer_shutdown_write,
	.finish = layer_finish,
	.free = layer_free,
	.facts = weft_stream_tls,
	.fault = weft_stream_tls_fault,
};
