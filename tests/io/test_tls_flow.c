/*
 * test_tls_flow.c - TLS: many bytes, both ways at once, in all forms of writing; files.
 *
 * check: drivers tsan
 */
#include <fcntl.h>

#include "descriptors.h"
#include "io/tls.h"
#include "io/tls_wire.h"

enum { BULK = 4 << 20 };

struct flow {
	struct weft_stream *stream;
	size_t seed;
	int result;
};

/* Pieces whose lengths go through all kinds: tiny, one record, several. */
static size_t piece_len(size_t n)
{
	static const size_t lens[] = {1, 100, 4095, 4096, 16383, 16384, 16385, 40000, 7, 100000};

	return lens[n % (sizeof(lens) / sizeof(*lens))];
}

static char *pattern(size_t seed)
{
	char *data = malloc(BULK);

	for (size_t i = 0; i < BULK; i++)
		data[i] = (char)(i * 7 + i / 251 + seed);
	return data;
}

static int write_bulk(void *arg)
{
	struct flow *flow = arg;
	char *data = pattern(flow->seed);

	for (size_t done = 0, n = 0; done < BULK; n++) {
		size_t len = piece_len(n) < BULK - done ? piece_len(n) : BULK - done;

		CHECK_INT(weft_stream_write_all(flow->stream, data + done, len), ==, 0);
		done += len;
	}
	CHECK_INT(weft_stream_shutdown_write(flow->stream), ==, 0);
	free(data);
	return 0;
}

static int read_bulk(void *arg)
{
	struct flow *flow = arg;
	char *expected = pattern(flow->seed), *got = malloc(BULK);
	size_t done = 0;

	for (size_t n = 0; done < BULK; n++) {
		size_t room = piece_len(n + 3) < BULK - done ? piece_len(n + 3) : BULK - done;
		ssize_t count = weft_stream_read(flow->stream, got + done, room);

		CHECK_INT(count, >, 0);
		done += (size_t)count;
	}
	CHECK_MEM(got, expected, BULK);
	CHECK_INT(weft_stream_read(flow->stream, got, 1), ==, 0);
	free(expected);
	free(got);
	return 0;
}

static void flow_both_ways(void)
{
	struct flow up = {wire.client, 1, 0}, down = {wire.server, 2, 0};
	struct flow up_end = {wire.server, 1, 0}, down_end = {wire.client, 2, 0};
	weft_fiber_id fibers[4] = {
		weft_spawn(write_bulk, &up),
		weft_spawn(write_bulk, &down),
		weft_spawn(read_bulk, &up_end),
		weft_spawn(read_bulk, &down_end),
	};

	for (int i = 0; i < 4; i++)
		CHECK_INT(weft_join(fibers[i], NULL, WEFT_FOREVER), ==, 0);
}

WIRE_CASE(each_side_writes_while_it_reads_on_one_worker, 1)
{
	wire_make();
	flow_both_ways();
	wire_end();
	return 0;
}

WIRE_CASE(each_side_writes_while_it_reads_on_several_workers, 3)
{
	wire_make();
	flow_both_ways();
	wire_end();
	return 0;
}

WIRE_CASE(each_side_writes_while_it_reads_through_a_narrow_wire, 2)
{
	wire_open_relayed((struct relay){.piece = 1000}, (struct relay){.piece = 3333});
	wire_start();
	flow_both_ways();
	wire_end();
	return 0;
}

static void *bulk_reader(void *arg)
{
	read_bulk(arg);
	return NULL;
}

static void *bulk_writer(void *arg)
{
	write_bulk(arg);
	return NULL;
}

static void *handshake_of_server(void *arg)
{
	start_server(arg);
	return NULL;
}

static void threads_both_ways(bool is_tcp)
{
	struct flow flows[4];
	pthread_t threads[4];

	wire.is_tcp = is_tcp;
	wire_open();
	threads[0] = peer_start(handshake_of_server, NULL);
	CHECK_INT(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"), ==, 0);
	peer_end(threads[0]);
	CHECK_INT(wire.server_result, ==, 0);
	for (size_t i = 0; i < 4; i++) {
		flows[i] = (struct flow){(i == 0 || i == 3) ? wire.client : wire.server, i % 2, 0};
		threads[i] = peer_start(i < 2 ? bulk_writer : bulk_reader, &flows[i]);
	}
	for (size_t i = 0; i < 4; i++)
		peer_end(threads[i]);
	wire_end();
	wire_forget();
}

CHECK_CASE(threads_outside_of_fibers_write_while_they_read)
{
	threads_both_ways(false);
}

CHECK_CASE(threads_outside_of_fibers_write_while_they_read_over_tcp)
{
	threads_both_ways(true);
}

/* ---- Forms of writing ---------------------------------------------------------------------- */

WIRE_CASE(parts_arrive_in_order_behind_what_was_buffered, 1)
{
	enum { LARGE = 5000, COUNT = 40 };
	char *large = malloc(LARGE), *got = malloc(LARGE);
	struct iovec parts[COUNT];

	fill_pattern(large, LARGE);
	for (int i = 0; i < COUNT; i++)
		parts[i] = i % 5 == 4 ? (struct iovec){large, LARGE} : (struct iovec){"abc", 3};
	parts[7].iov_len = 0;
	wire_make();
	CHECK_INT(weft_stream_printf(wire.client, "%s-", "first"), ==, 0);
	CHECK_INT(weft_stream_writev_all(wire.client, parts, COUNT), ==, 0);
	CHECK_INT(weft_stream_read_exactly(wire.server, got, 6), ==, 0);
	CHECK_MEM(got, "first-", 6);
	for (int i = 0; i < COUNT; i++) {
		CHECK_INT(weft_stream_read_exactly(wire.server, got, parts[i].iov_len), ==, 0);
		CHECK_MEM(got, parts[i].iov_base, parts[i].iov_len);
	}
	wire_end();
	free(large);
	free(got);
	return 0;
}

static int make_file(size_t len, char **ret_data)
{
	char path[] = "/tmp/weft-tls-file-XXXXXX";
	int fd = mkstemp(path);

	CHECK_INT(fd, >=, 0);
	unlink(path);
	*ret_data = malloc(len);
	fill_pattern(*ret_data, len);
	CHECK_INT(write(fd, *ret_data, len), ==, len);
	return fd;
}

struct sending {
	int fd;
	off_t offset;
	size_t len;
};

static int send_file(void *arg)
{
	struct sending *sending = arg;

	CHECK_INT(weft_stream_printf(wire.server, "%zu\n", sending->len), ==, 0);
	return weft_stream_sendfile(wire.server, sending->fd, sending->offset, sending->len);
}

WIRE_CASE(a_file_arrives_whole_and_behind_its_header, 2)
{
	enum { LEN = 1000003 };
	char *data, *got = malloc(LEN);
	struct sending sending = {make_file(LEN, &data), 3, LEN - 3};
	weft_fiber_id sender;
	int result;

	wire_make();
	sender = weft_spawn(send_file, &sending);
	hear(wire.client, "1000000\n");
	CHECK_INT(weft_stream_read_exactly(wire.client, got, LEN - 3), ==, 0);
	CHECK_MEM(got, data + 3, LEN - 3);
	CHECK_INT(weft_join(sender, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	say(wire.server, "next\n");
	hear(wire.client, "next\n");
	wire_end();
	close(sending.fd);
	free(data);
	free(got);
	return 0;
}

WIRE_CASE(a_file_that_is_too_short_tears_the_stream, 1)
{
	char *data;
	int fd = make_file(100, &data);

	wire_make();
	CHECK_ERRNO(weft_stream_sendfile(wire.server, fd, 0, 101), ENODATA);
	CHECK_ERRNO(weft_stream_flush(wire.server), EPIPE);
	wire_end();
	close(fd);
	free(data);
	return 0;
}

/* ---- The kernel -------------------------------------------------------------------------------
 */

static bool has_kernel_tls(void)
{
	char line[256] = "";
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
	bool has = file && fgets(line, sizeof(line), file) && strstr(line, "tls");

	if (file)
		fclose(file);
	if (!has)
		printf("# this kernel has no TLS: it is only seen that we do without\n");
	return has;
}

WIRE_CASE(the_kernel_encrypts_where_it_can, 1)
{
	bool expected = wire.is_tcp && has_kernel_tls();

	wire_make();
	CHECK_INT(weft_stream_tls(wire.client)->is_kernel_sending, ==, expected);
	CHECK_INT(weft_stream_tls(wire.server)->is_kernel_sending, ==, expected);
	say(wire.client, "hello\n");
	hear(wire.server, "hello\n");
	wire_end();
	return 0;
}

WIRE_CASE(the_kernel_is_left_alone_where_that_is_said, 1)
{
	wire_tls();
	weft_tls_free(wire.server_tls);
	wire.server_tls = server_tls(&(struct weft_tls_server_options){.no_kernel = true});
	wire_make();
	CHECK(!weft_stream_tls(wire.server)->is_kernel_sending);
	say(wire.server, "hello\n");
	hear(wire.client, "hello\n");
	wire_end();
	return 0;
}

/* ---- New keys
 * ------------------------------------------------------------------------------------ */

/* RFC 8446, 4.6.3: asked by the peer, we change ours too; the kernel can't. */
WIRE_CASE(a_peer_may_change_keys_and_ask_for_ours, 1)
{
	const char *line;

	wire_tls();
	weft_tls_free(wire.client_tls);
	wire.client_tls = client_tls(&(struct weft_tls_client_options){.no_kernel = true});
	wire_make();
	for (int i = 0; i < 3; i++) {
		CHECK_INT(SSL_key_update(wire.client->tls->ssl, SSL_KEY_UPDATE_REQUESTED), ==, 1);
		say(wire.client, "with new keys\n");
		if (weft_stream_tls(wire.server)->is_kernel_sending) {
			CHECK_INT(weft_stream_readline(wire.server, &line), >=, -1);
			CHECK_ERRNO(weft_stream_readline(wire.server, &line), EPROTO);
			CHECK_INT(weft_stream_tls_fault(wire.server)->kind, ==, WEFT_TLS_BROKEN);
			break;
		}
		hear(wire.server, "with new keys\n");
		say(wire.server, "answered with new keys\n");
		hear(wire.client, "answered with new keys\n");
	}
	wire_end();
	return 0;
}

/* ---- What is left over ------------------------------------------------------------------------
 */

WIRE_CASE(no_descriptor_is_left_over_wherever_it_ends, 1)
{
	int before;

	wire_make();
	wire_end();
	before = descriptors();
	for (int i = 0; i < 10; i++) {
		wire_open_relayed((struct relay){.piece = 100}, (struct relay){.piece = 100});
		wire.server_fiber = weft_spawn(start_server, NULL);
		/* Cancelled at every stage of the handshake. */
		for (int turns = 0; turns < 3 * i; turns++)
			weft_yield();
		weft_cancel(wire.server_fiber);
		weft_join(wire.server_fiber, NULL, WEFT_FOREVER);
		wire_end();
	}
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_MAIN()
