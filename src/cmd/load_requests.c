/*
 * load_requests.c - the requests under way on a connection of `weft load`.
 *
 * Entry points: weft__load_await_request, weft__load_complete, weft__load_fail_oldest.
 *
 * They stand in a ring, oldest first, each with the time at which its user wanted it: in the
 * closed loop when the one before was answered, in the open loop when the rate had it due,
 * however late it then was sent. So a server that stalls is seen as its users see it. Each
 * ends once: answered, failed, or unfinished at the end.
 *
 * Never: a request that is forgotten.
 */
#include "load_connection.h"

/* ---- Counting ---------------------------------------------------------------------------- */

static int64_t take_oldest(struct load_connection *connection)
{
	int64_t begun_ns = connection->begun_ns[connection->first];

	connection->first++;
	if (connection->first == connection->load->pipeline)
		connection->first = 0;
	connection->under_way--;
	return begun_ns;
}

/*
 * Of the latency are those that were wanted within the time, in the closed loop those that
 * ended within it: which is the same but for the first and the last of each connection. With
 * a bound on the requests it is always the former, for there to be as many as were asked for.
 */
static bool is_of_latency(const struct load_connection *connection, int64_t begun_ns)
{
	bool is_by_begin = connection->interval_ns || connection->load->requests;

	return weft__load_does_count(connection, is_by_begin ? begun_ns : connection->now_ns);
}

/* Of the throughput is what was done within the time, also when it should have been before. */
static bool is_of_throughput(const struct load_connection *connection, int64_t begun_ns)
{
	return weft__load_does_count(
		connection, connection->load->requests ? begun_ns : connection->now_ns);
}

void weft__load_complete(struct load_connection *connection)
{
	struct load_worker *worker = connection->worker;
	int64_t begun_ns = take_oldest(connection);

	connection->is_proven = true;
	connection->since_ns = connection->now_ns;
	if (is_of_throughput(connection, begun_ns))
		worker->counts.requests++;
	else if (connection->now_ns > connection->load->end_ns)
		worker->counts.unfinished++;
	if (is_of_latency(connection, begun_ns))
		weft_histogram_record(worker->latency, connection->now_ns - begun_ns);
}

void weft__load_count_error(struct load_connection *connection, enum load_error kind,
	const char *what, const char *text)
{
	if (weft__load_does_count(connection, connection->now_ns))
		connection->worker->counts.errors[kind]++;
	weft__load_note(connection->worker, connection->now_ns, kind, what, text);
}

/* Whoever waited in vain waited so long at least: else a dead server would look fast. */
void weft__load_fail_oldest(struct load_connection *connection, enum load_error kind)
{
	int64_t begun_ns;

	if (connection->under_way == 0)
		return;
	begun_ns = take_oldest(connection);
	if (kind == LOAD_TIMEOUT && is_of_latency(connection, begun_ns))
		weft_histogram_record(connection->worker->latency, connection->now_ns - begun_ns);
}

/* What was still under way, and in the open loop what was due after it, waited till the end. */
void weft__load_count_unfinished(struct load_connection *connection)
{
	struct load *load = connection->load;
	struct load_worker *worker = connection->worker;
	int64_t late_ns;

	while (connection->under_way > 0) {
		int64_t begun_ns = take_oldest(connection);

		if (begun_ns >= load->end_ns)
			continue;
		worker->counts.unfinished++;
		if (connection->interval_ns && begun_ns >= load->begin_ns)
			weft_histogram_record(worker->latency, load->end_ns - begun_ns);
	}
	if (!connection->interval_ns || connection->has_none)
		return;
	if (connection->due_ns < load->begin_ns)
		connection->due_ns = load->begin_ns;
	late_ns = load->end_ns - connection->due_ns;
	if (late_ns <= 0)
		return;
	worker->counts.unfinished += 1 + (uint64_t)(late_ns / connection->interval_ns);
	weft_histogram_record_corrected(worker->latency, late_ns, connection->interval_ns);
	/* The newest, who has not waited for an interval yet, is none of the correction's. */
	if (late_ns >= connection->interval_ns)
		weft_histogram_record(worker->latency, late_ns % connection->interval_ns);
}

/* ---- What is due ------------------------------------------------------------------------- */

/* With a bound on the requests: whether one more is within it. Those of the warm-up are free. */
static bool may_take(struct load_connection *connection, int64_t begun_ns)
{
	struct load *load = connection->load;

	if (load->requests == 0 || begun_ns < load->begin_ns)
		return true;
	if (atomic_fetch_add_explicit(&load->taken, 1, memory_order_relaxed) < load->requests)
		return true;
	connection->has_none = true;
	return false;
}

static void take_one(struct load_connection *connection, int64_t begun_ns)
{
	const struct load *load = connection->load;
	unsigned place = connection->first + connection->under_way;

	if (place >= load->pipeline)
		place -= load->pipeline;
	connection->begun_ns[place] = begun_ns;
	if (connection->under_way++ == 0)
		connection->since_ns = connection->now_ns;
	if (connection->fd >= 0)
		connection->unsent += load->target.request_len;
}

/* Take what there is room for and is due. */
static void take_due(struct load_connection *connection)
{
	const struct load *load = connection->load;

	while (connection->under_way < load->pipeline && !connection->has_none) {
		int64_t begun_ns =
			connection->interval_ns ? connection->due_ns : connection->now_ns;

		if (begun_ns > connection->now_ns || !may_take(connection, begun_ns))
			return;
		take_one(connection, begun_ns);
		connection->due_ns += connection->interval_ns;
	}
}

/* Wait until a request is under way. False when there is none any more. */
bool weft__load_await_request(struct load_connection *connection)
{
	const struct load *load = connection->load;

	for (;;) {
		if (connection->is_interrupted || connection->now_ns >= load->end_ns)
			return false;
		take_due(connection);
		if (connection->under_way > 0)
			return true;
		if (connection->has_none || weft_sleep(connection->due_ns - connection->now_ns) < 0)
			return false;
		connection->now_ns = weft_now();
	}
}

/* The requests of all connections are evenly spread over the time. */
void weft__load_pace(struct load_connection *connection)
{
	const struct load *load = connection->load;
	double interval_ns;

	connection->now_ns = weft_now();
	if (load->rate == 0)
		return;
	interval_ns = (double)load->connections * 1e9 / load->rate;
	connection->interval_ns = interval_ns > 1 ? (int64_t)interval_ns : 1;
	connection->due_ns =
		load->start_ns + (int64_t)(interval_ns * connection->index / load->connections);
}
