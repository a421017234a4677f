/*
 * libevent_peer.c - peer: echo by bufferevents, HTTP by evhttp, as one writes them with libevent.
 *
 *	libevent_peer echo|http
 *
 * Prints the port that the kernel chose. The HTTP side answers every GET from memory with
 * the headers of a static file: libevent has no file server.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

static const char body[] = "Hello, world\n";

static void print_port(evutil_socket_t fd)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &len);
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

/* ---- Echo ------------------------------------------------------------------------ */

static void on_read(struct bufferevent *connection, void *arg)
{
	(void)arg;
	evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
	(void)arg;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(connection);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int len, void *base)
{
	struct bufferevent *connection = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	int one = 1;

	(void)listener;
	(void)address;
	(void)len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bufferevent_setcb(connection, on_read, NULL, on_event, NULL);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static int start_echo(struct event_base *base)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct evconnlistener *listener = evconnlistener_new_bind(base, on_accept, base,
		LEV_OPT_CLOSE_ON_FREE, SOMAXCONN, (struct sockaddr *)&address, sizeof(address));

	if (listener == NULL)
		return -1;
	print_port(evconnlistener_get_fd(listener));
	return 0;
}

/* ---- HTTP ------------------------------------------------------------------------- */

static void add_json(struct evbuffer *reply)
{
	evbuffer_add_printf(reply, "{\"items\":[");
	for (unsigned i = 0; i < 47; i++)
		evbuffer_add_printf(reply,
			"%s{\"id\":%u,\"name\":\"item number %u\",\"price\":%u.%02u,"
			"\"tags\":[\"new\",\"blue\"],\"in_stock\":%s}",
			i ? "," : "", i, i, i * 7, i, i % 2 ? "true" : "false");
	evbuffer_add_printf(reply, "]}");
}

/* As weft-bench --child http does. */
static void on_handler(struct evhttp_request *request, const char *path)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *reply = evbuffer_new();

	if (strcmp(path, "/json") == 0) {
		evhttp_add_header(headers, "Content-Type", "application/json");
		add_json(reply);
	} else {
		evhttp_add_header(headers, "Content-Type", "text/plain");
		evbuffer_add_printf(reply, "%zu\n",
			evbuffer_get_length(evhttp_request_get_input_buffer(request)));
	}
	evhttp_send_reply(request, HTTP_OK, "OK", reply);
	evbuffer_free(reply);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	const char *path = evhttp_request_get_uri(request);
	struct evbuffer *reply;

	(void)arg;
	if (strcmp(path, "/json") == 0 || strcmp(path, "/upload") == 0) {
		on_handler(request, path);
		return;
	}
	reply = evbuffer_new();
	evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
	evhttp_add_header(headers, "Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT");
	evhttp_add_header(headers, "ETag", "\"695626c0-d\"");
	evhttp_add_header(headers, "Accept-Ranges", "bytes");
	evbuffer_add(reply, body, sizeof(body) - 1);
	evhttp_send_reply(request, HTTP_OK, "OK", reply);
	evbuffer_free(reply);
}

static int start_http(struct event_base *base)
{
	struct evhttp *http = evhttp_new(base);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);

	if (bound == NULL)
		return -1;
	evhttp_set_gencb(http, on_request, NULL);
	print_port(evhttp_bound_socket_get_fd(bound));
	return 0;
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	int status;

	if (base == NULL)
		return 1;
	status = argc > 1 && strcmp(argv[1], "http") == 0 ? start_http(base) : start_echo(base);
	return status < 0 ? 1 : event_base_dispatch(base);
}
