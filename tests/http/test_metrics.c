/*
 * test_metrics.c - durations in fine buckets; the text for Prometheus
 * (include/weft/http_metrics.h).
 */
#include "http/metrics.h"

#include <string.h>

#include "check.h"
#include "weft/str.h"

static struct weft_http_counts counts;

static void answer(struct weft_http_metrics *metrics, int64_t duration_ns)
{
	const struct weft__http_tally_answer answered = {
		.status = 200, .duration_ns = duration_ns, .received_bytes = 10, .sent_bytes = 20};

	weft__http_metrics_answer(metrics, &answered);
}

static struct weft_http_metrics *metrics_new(void)
{
	struct weft_http_metrics *metrics = weft_http_metrics_new();

	CHECK(metrics);
	weft__http_metrics_event(metrics, WEFT__HTTP_CONNECTION_ACCEPTED);
	return metrics;
}

/* The end of the bucket that a duration is counted in. */
static int64_t bucket_end_of(int64_t duration_ns)
{
	struct weft_http_metrics *metrics = metrics_new();
	int64_t end = -1;

	answer(metrics, duration_ns);
	weft_http_metrics_read(metrics, &counts);
	for (unsigned i = 0; i < WEFT_HTTP_LATENCIES; i++)
		if (counts.latencies[i]) {
			CHECK_INT(end, ==, -1);
			CHECK_INT(counts.latencies[i], ==, 1);
			end = weft_http_metrics_latency_ns(i);
		}
	CHECK_INT(counts.requests, ==, 1);
	weft_http_metrics_free(metrics);
	return end;
}

CHECK_CASE(a_duration_is_counted_in_a_bucket_that_ends_within_an_eighth_above_it)
{
	for (int64_t ns = 8192; ns < WEFT_SECONDS(60); ns += ns / 3 + 7) {
		int64_t end = bucket_end_of(ns);

		CHECK_INT(end, >, ns);
		CHECK_INT(end, <=, ns + ns / 8 + 1);
	}
	CHECK_INT(bucket_end_of(0), ==, 1024);
	CHECK_INT(bucket_end_of(-5), ==, 1024);
	CHECK_INT(bucket_end_of(8191), ==, 8192);
	CHECK_INT(bucket_end_of(8192), ==, 9 * 1024);
	CHECK_INT(bucket_end_of(WEFT_SECONDS(200)), ==, INT64_MAX);
	CHECK_INT(bucket_end_of(INT64_MAX), ==, INT64_MAX);
}

CHECK_CASE(each_bucket_ends_above_the_one_before)
{
	for (unsigned i = 1; i < WEFT_HTTP_LATENCIES; i++)
		CHECK_INT(weft_http_metrics_latency_ns(i), >, weft_http_metrics_latency_ns(i - 1));
	CHECK_INT(weft_http_metrics_latency_ns(WEFT_HTTP_LATENCIES - 1), ==, INT64_MAX);
	CHECK_INT(weft_http_metrics_latency_ns(WEFT_HTTP_LATENCIES + 7), ==, INT64_MAX);
}

static void add_line(struct weft_str *text, void *arg)
{
	weft_str_append(text, arg);
}

CHECK_CASE(the_text_has_the_sums_and_what_the_program_adds_and_says_when_there_is_no_room)
{
	struct weft_http_metrics *metrics = metrics_new();
	struct weft_str text;

	answer(metrics, WEFT_MILLISECONDS(3));
	weft_http_metrics_add_text(metrics, add_line, "own 1\n");
	weft_str_init(&text, 65536);
	CHECK_INT(weft_http_metrics_text(metrics, &text), ==, 0);
	CHECK(strstr(weft_str_text(&text), "\nweft_http_requests_total{code=\"200\"} 1\n"));
	CHECK(strstr(weft_str_text(&text), "_seconds_bucket{le=\"0.005\"} 1\n"));
	CHECK(strstr(weft_str_text(&text), "\nown 1\n"));
	weft_str_fini(&text);
	weft_str_init(&text, 100);
	CHECK_INT(weft_http_metrics_text(metrics, &text), ==, -1);
	weft_str_fini(&text);
	weft_http_metrics_free(metrics);
}

CHECK_MAIN()
