/*
 * test_guard.c - src/http/guard.c: what one client may have, and what is counted.
 *
 * check: tsan drivers
 */
#include "http/guard.h"

#include <stdatomic.h>

#include "http/site.h"
#include "io/stream.h"
#include "weft/http_metrics.h"

#define GET_A    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_LAST "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {"text/plain", "hello", 5};

	(void)arg;
	if (strcmp(weft_http_request_path(request), "/a") != 0)
		return 404;
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service service = {.on_get = on_get};

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

/* ---- How often ---------------------------------------------------------------------------------
 */

/* They are asked within a second, in which one more would be free. */
CHECK_CASE_IN_TIME(who_asks_too_often_is_told_when_to_come_back)
{
	const char *answers;

	site.options.rate = 1;
	site.options.rate_burst = 3;
	site_open(&service);
	answers = ask(GET_A GET_A GET_A GET_A GET_LAST);
	CHECK_INT(count_of(answers, "HTTP/1.1 200 "), ==, 3);
	CHECK_INT(count_of(answers, "HTTP/1.1 429 Too Many Requests\r\n"), ==, 2);
	CHECK(has(answers, "\r\nRetry-After: 1\r\n"));
	/* By the address, not by the connection. */
	CHECK_INT(count_of(ask(GET_A GET_A GET_A GET_A GET_LAST), "HTTP/1.1 429 "), >=, 2);
	site_close();
}

/* ---- Other limits meanwhile -------------------------------------------------------------------
 */

/* On the same connection: 200s of five requests. */
static unsigned let_through(int fd)
{
	char text[8192];
	size_t len = 0;

	say(fd, GET_A GET_A GET_A GET_A GET_A);
	while (len + 1 < sizeof(text)) {
		ssize_t more = recv(fd, text + len, sizeof(text) - 1 - len, 0);

		CHECK_INT(more, >, 0);
		len += (size_t)more;
		text[len] = '\0';
		if (count_of(text, "HTTP/1.1 ") == 5 && len >= 5 &&
			count_of(text, "\r\n\r\n") == 5 &&
			(strcmp(text + len - 5, "hello") == 0 || text[len - 1] == '\n' ||
				text[len - 1] == '>'))
			break;
	}
	return count_of(text, "HTTP/1.1 200 ");
}

CHECK_CASE(another_rate_holds_for_who_is_there)
{
	struct weft_http_limits limits = {.rate = 1, .rate_burst = 2};
	int fd;

	site.options.rate = 100000;
	site_open(&service);
	fd = visit();
	CHECK_INT(let_through(fd), ==, 5);
	CHECK_INT(weft_http_server_set_limits(site.server, &limits), ==, 0);
	CHECK_INT(let_through(fd), <, 5);
	limits.rate = limits.rate_burst = 0;
	CHECK_INT(weft_http_server_set_limits(site.server, &limits), ==, 0);
	CHECK_INT(let_through(fd), ==, 5);
	limits.connections_per_client = 5;
	CHECK_ERRNO(weft_http_server_set_limits(site.server, &limits), ENOTSUP);
	limits = (struct weft_http_limits){.rate = 1, .rate_burst = 4000000000U};
	CHECK_ERRNO(weft_http_server_set_limits(site.server, &limits), EINVAL);
	CHECK_INT(let_through(fd), ==, 5);
	close(fd);
	site_close();
}

CHECK_CASE(a_rate_where_there_is_no_guard_is_refused)
{
	const struct weft_http_limits limits = {.rate = 1}, times = {.header_timeout_ns = 1};

	site_open(&service);
	CHECK_ERRNO(weft_http_server_set_limits(site.server, &limits), ENOTSUP);
	CHECK(has(ask(GET_LAST), "HTTP/1.1 200 "));
	/* The time of a head: of connections that are there, too. */
	CHECK_INT(weft_http_server_set_limits(site.server, &times), ==, 0);
	CHECK_INT(count_of(hear_all(visit()), "HTTP/1.1 200 "), ==, 0);
	site_close();
}

CHECK_CASE(a_bound_on_connections_that_was_there_may_change)
{
	struct weft_http_limits limits = {.connections_per_client = 1};
	int first;

	site.options.connections_per_client = 100;
	site_open(&service);
	first = visit();
	CHECK_INT(let_through(first), ==, 5);
	CHECK_INT(weft_http_server_set_limits(site.server, &limits), ==, 0);
	CHECK_MEM(hear_all(visit()), "HTTP/1.1 429 Too Many Requests\r\n", 32);
	CHECK_INT(let_through(first), ==, 5);
	limits.connections_per_client = 0;
	CHECK_INT(weft_http_server_set_limits(site.server, &limits), ==, 0);
	CHECK(has(ask(GET_LAST), "HTTP/1.1 200 "));
	close(first);
	site_close();
}

CHECK_CASE(peers_of_a_unix_socket_are_not_one_client)
{
	char path[64], address[80];

	snprintf(path, sizeof(path), "/tmp/weft-guard-%d", (int)getpid());
	unlink(path); /* of one that died */
	snprintf(address, sizeof(address), "unix:%s", path);
	site.address = address;
	site.options.rate = 1;
	site.options.rate_burst = 1;
	site.options.connections_per_client = 1;
	site_open(&service);
	for (int i = 0; i < 3; i++) {
		int other = visit();

		CHECK(has(ask(GET_A GET_A GET_LAST), " 200 "));
		CHECK(!has(ask(GET_A GET_A GET_LAST), " 429 "));
		close(other);
	}
	site_close();
	unlink(path);
}

/* ---- How many ----------------------------------------------------------------------------------
 */

/* Whether a connection that has just come is let in. */
static bool is_let_in(int fd)
{
	char text[13] = "";

	say(fd, GET_A);
	CHECK_INT(recv(fd, text, 12, MSG_WAITALL), ==, 12);
	return strcmp(text, "HTTP/1.1 200") == 0;
}

/* The same where it may be refused, by an answer or, when that is taken away, by a reset. */
static bool is_one_let_in(void)
{
	char text[13] = "";
	int fd = visit();
	bool is_answered = send(fd, GET_A, sizeof(GET_A) - 1, MSG_NOSIGNAL) > 0 &&
			   recv(fd, text, 12, MSG_WAITALL) == 12;

	close(fd);
	return is_answered && strcmp(text, "HTTP/1.1 200") == 0;
}

CHECK_CASE(a_client_has_so_many_connections_and_another_when_one_has_ended)
{
	int first, second;
	const char *answer;

	site.options.connections_per_client = 2;
	site_open(&service);
	first = visit();
	CHECK(is_let_in(first));
	second = visit();
	CHECK(is_let_in(second));
	for (int i = 0; i < 3; i++) {
		/* Nothing is asked: what would be unread takes the answer away. */
		answer = hear_all(visit());
		CHECK_MEM(answer, "HTTP/1.1 429 Too Many Requests\r\n", 32);
		CHECK(has(answer, "\r\nConnection: close\r\n"));
	}
	/* Ended by the server, so that it is sure to know. */
	say(first, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	hear_all(first);
	for (int tries = 0; !is_one_let_in(); tries++) {
		CHECK_INT(tries, <, 10000);
		poll(NULL, 0, 1);
	}
	close(second);
	site_close();
}

/* A connection that was accepted from there; it is never used. */
static struct weft_stream from(const char *text)
{
	static const struct weft__stream_layer
		silent; /* as of TLS: who is refused is told nothing */
	struct weft_stream stream = {.fd = -1, .layer = &silent};
	struct weft_address address;

	CHECK_INT(weft_address_parse(&address, text), ==, 0);
	stream.accepted.len = address.len;
	memcpy(&stream.accepted.in6, &address.in6, address.len);
	return stream;
}

CHECK_CASE(a_client_is_an_address_or_a_64th_of_ipv6)
{
	static const struct {
		const char *first, *second;
		bool is_same;
	} pairs[] = {
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:1", true},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false},
		{"[::ffff:192.0.2.1]:1", "192.0.2.1:1", true},
		{"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false},
	};
	struct weft_http_server_options options = {
		.service = &service, .connections_per_client = 1};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct weft_stream first = from(pairs[i].first), second = from(pairs[i].second);
		struct weft__http_guard guard;

		CHECK_INT(weft__http_guard_init(&guard, &options), ==, 0);
		CHECK(weft__http_guard_enter(&guard, &first));
		CHECK(weft__http_guard_enter(&guard, &second) == !pairs[i].is_same);
		weft__http_guard_leave(&guard, &first);
		CHECK(weft__http_guard_enter(&guard, &first));
		weft__http_guard_fini(&guard);
	}
}

/* ---- Making room -------------------------------------------------------------------------------
 */

static atomic_bool is_begun, may_end;

/* /wait waits until it may end. */
static int on_get_wait(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	if (strcmp(weft_http_request_path(request), "/wait") != 0)
		return on_get(request, response, arg);
	atomic_store(&is_begun, true);
	while (!atomic_load(&may_end))
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
	return weft_http_response_send(
		response, 200, &(struct weft_http_content){"text/plain", "at last", 7});
}

static const struct weft_http_service waiting_service = {.on_get = on_get_wait};

static bool is_closed(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0;
}

CHECK_CASE(who_is_slow_or_silent_makes_room_when_all_places_are_taken_and_who_is_served_stays)
{
	enum { SLOW = 7 };
	struct weft_http_counts counts;
	int served, slow[SLOW], closed = 0;

	site.options.metrics = weft_http_metrics_new();
	site.options.connections_max = SLOW + 1;
	/* Else the time of a head is over, too, and closes some, where this takes long. */
	site.options.header_timeout_ns = site.options.idle_timeout_ns = WEFT_SECONDS(3600);
	site_open(&waiting_service);
	served = visit();
	say(served, "GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while (!atomic_load(&is_begun))
		sched_yield();
	for (int i = 0; i < SLOW; i++) {
		slow[i] = visit();
		say(slow[i], i % 2 ? "GET / HTTP/1.1\r\nHo" : "");
	}
	for (int i = 0; i < 5 * SLOW; i++)
		CHECK(has(ask(GET_LAST), "hello"));
	for (int i = 0; i < SLOW; i++)
		closed += is_closed(slow[i]);
	/* No more than there were who came. */
	CHECK_INT(closed, >=, 1);
	atomic_store(&may_end, true);
	CHECK(has(hear_all(served), "at last"));
	for (int i = 0; i < SLOW; i++)
		close(slow[i]);
	site_close();
	weft_http_metrics_read(site.options.metrics, &counts);
	CHECK_INT(counts.closed_for_room, >=, closed);
	weft_http_metrics_free(site.options.metrics);
}

/* With so many workers each accepts by itself, and has those parked that it accepted. */
CHECK_CASE(who_is_parked_with_another_worker_makes_room_too)
{
	enum { WORKERS = 6 };
	int parked, next;

	site.workers = WORKERS;
	site.options.connections_max = 1;
	site_open(&service);
	parked = visit();
	CHECK(is_let_in(parked));
	poll(NULL, 0, 1100); /* WEFT__HTTP_PARK_AFTER_NS */
	next = visit();
	CHECK(is_let_in(next));
	CHECK(is_closed(parked));
	close(parked);
	close(next);
	site_close();
}

/* ---- What is counted ---------------------------------------------------------------------------
 */

CHECK_CASE(requests_connections_bytes_and_durations_are_counted)
{
	static const char other[] = "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct weft_http_counts counts;
	struct weft_http_metrics *metrics = weft_http_metrics_new();
	uint64_t durations = 0;

	CHECK(metrics);
	weft_http_metrics_read(metrics, &counts);
	CHECK_INT(counts.requests + counts.connections_accepted, ==, 0);
	site.options.metrics = metrics;
	site_open(&service);
	CHECK(has(ask(GET_A GET_LAST), "hello"));
	CHECK(has(ask(other), " 404 "));
	CHECK(has(ask("nonsense\r\n\r\n"), " 400 "));
	site_close();
	weft_http_metrics_read(metrics, &counts);
	CHECK_INT(counts.requests, ==, 4);
	CHECK_INT(counts.statuses[200 - 100], ==, 2);
	CHECK_INT(counts.statuses[404 - 100], ==, 1);
	CHECK_INT(counts.statuses[400 - 100], ==, 1);
	CHECK_INT(counts.connections_accepted, ==, 3);
	CHECK_INT(counts.connections_ended, ==, 3);
	CHECK_INT(counts.received_bytes, >=, strlen(GET_A GET_LAST) + strlen(other));
	CHECK_INT(counts.sent_bytes, >, 10);
	for (unsigned i = 0; i < WEFT_HTTP_DURATIONS; i++)
		durations += counts.durations[i];
	CHECK_INT(durations, ==, 4);
	CHECK_INT(counts.duration_ns, >, 0);
	weft_http_metrics_free(metrics);
}

CHECK_CASE(the_sums_are_told_in_prometheus_text)
{
	static const char *const lines[] = {
		"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		"\n# TYPE weft_http_requests_total counter\n",
		"\nweft_http_requests_total{code=\"200\"} 2\n",
		"\nweft_http_request_duration_seconds_bucket{le=\"0.0001\"} ",
		"\nweft_http_request_duration_seconds_bucket{le=\"+Inf\"} 2\n",
		"\nweft_http_request_duration_seconds_count 2\n",
		"\nweft_http_connections_open 1\n",
		"\nweft_http_connections_accepted_total 2\n",
	};
	const char *answer;

	site.options.metrics = weft_http_metrics_new();
	site.options.arg = site.options.metrics;
	site_open(&weft_http_metrics_service);
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n" GET_LAST), " 200 "));
	answer = ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!has(answer, lines[i]))
			check_fail(__FILE__, __LINE__, "%s is not in:\n%s", lines[i], answer);
	site_close();
	weft_http_metrics_free(site.options.metrics);
}

CHECK_CASE(buckets_have_ends_that_grow)
{
	for (unsigned i = 1; i < WEFT_HTTP_DURATIONS; i++)
		CHECK(weft_http_metrics_duration_ns(i - 1) < weft_http_metrics_duration_ns(i));
	CHECK(weft_http_metrics_duration_ns(WEFT_HTTP_DURATIONS - 1) == INT64_MAX);
}

CHECK_MAIN()
