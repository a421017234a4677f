/*
 * libuv_echo.c - peer: an echo server as one writes it with libuv.
 *
 * Prints the port that the kernel chose. One buffer per connection; writes are tried at
 * once (uv_try_write), and queued only when the socket is full.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BUFFER_SIZE 16384

struct connection {
	uv_tcp_t tcp;
	char buffer[BUFFER_SIZE];
};

struct queued {
	uv_write_t request;
	char data[];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
	struct connection *connection = handle->data;

	(void)size;
	*ret_buffer = uv_buf_init(connection->buffer, BUFFER_SIZE);
}

static void on_written(uv_write_t *request, int status)
{
	(void)status;
	free(request->data);
}

static void write_later(uv_stream_t *stream, const char *data, size_t len)
{
	struct queued *queued = malloc(sizeof(*queued) + len);
	uv_buf_t buffer;

	if (queued == NULL)
		return;
	memcpy(queued->data, data, len);
	queued->request.data = queued;
	buffer = uv_buf_init(queued->data, (unsigned)len);
	uv_write(&queued->request, stream, &buffer, 1, on_written);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	uv_buf_t reply;
	int sent;

	if (len < 0) {
		uv_close((uv_handle_t *)stream, on_closed);
		return;
	}
	if (len == 0)
		return;
	reply = uv_buf_init(buffer->base, (unsigned)len);
	sent = uv_try_write(stream, &reply, 1);
	if (sent < 0)
		sent = 0;
	if (sent < len)
		write_later(stream, buffer->base + sent, (size_t)(len - sent));
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct connection *connection;

	if (status < 0 || (connection = malloc(sizeof(*connection))) == NULL)
		return;
	uv_tcp_init(listener->loop, &connection->tcp);
	connection->tcp.data = connection;
	if (uv_accept(listener, (uv_stream_t *)&connection->tcp) < 0) {
		uv_close((uv_handle_t *)&connection->tcp, on_closed);
		return;
	}
	uv_tcp_nodelay(&connection->tcp, 1);
	uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t listener;
	struct sockaddr_in address;
	int len = sizeof(address);

	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &listener);
	if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) < 0 ||
		uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) < 0 ||
		uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &len) < 0)
		return 1;
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
