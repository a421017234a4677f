/*
 * link_loss.c - what of a link's is lost, and when that is known; how much may be under way.
 *
 * An ACK names the newest datagram that had come when it was made (RFC 9002, section 5): a part
 * goes in a datagram of another number each time, so that no round trip is measured wrongly, and
 * what went before that one, and is not told of, is lost:
 *
 *	sent      7  8  9  10  11  12        newest = 11, not told of: 8, 10, 12
 *	          +  ?  +  ?   +   ?
 *	             |     |       +-- nothing is known of it: rto_at
 *	             |     +-- overtaken by one: lost at loss_at, 9/8 round trips after it went
 *	             +-- overtaken by three: lost
 *
 * When nothing is heard until rto_at, a datagram's worth of the oldest goes again, to be told the
 * newest by it (section 6.2): that is what ends the doubt about all others. How many bytes may be
 * under way grows and shrinks as TCP's window does (RFC 5681), and they do not go all at once.
 *
 * Entry points: weft__loss_find(), weft__loss_timer(), weft__loss_may_go().
 * Never: sends more than a datagram of what may have come, or doubles its wait for less than a
 * whole one.
 */
#include "chat/link.h"

#define PACE_RTT_MIN WEFT_MILLISECONDS(2) /* nearer, the kernel's queues are all there is */
#define PACE_AT_ONCE ((int64_t)WEFT__LINK_FLIGHT_FIRST)
#define PACE_WAKE    ((int64_t)(2 * WEFT__LINK_FULL))

/* ---- Round trips ----------------------------------------------------------------------------- */

static int64_t longer(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

void weft__loss_measured(struct weft__link_out *out, int64_t rtt)
{
	int64_t off;

	if (rtt <= 0)
		rtt = 1;
	if (rtt > WEFT_SECONDS(60))
		return;
	out->rtt_last = rtt;
	if (out->rtt == 0) {
		out->rtt = rtt;
		out->rtt_var = rtt / 2;
	} else {
		off = out->rtt > rtt ? out->rtt - rtt : rtt - out->rtt;
		out->rtt_var += (off - out->rtt_var) / 4;
		out->rtt += (rtt - out->rtt) / 8;
	}
	out->rto = out->rtt + longer(4 * out->rtt_var, WEFT__LINK_GRAIN) + WEFT__LINK_ACK_DELAY;
	out->rto = longer(out->rto, WEFT__LINK_RTO_MIN);
	if (out->rto > WEFT__LINK_RTO_MAX)
		out->rto = WEFT__LINK_RTO_MAX;
}

/* Doubled from the second time on: the first may just be the end of what was said. */
int64_t weft__loss_patience(const struct weft__link_out *out)
{
	int64_t patience = out->rto;

	for (unsigned i = 1; i < out->timeouts && patience < WEFT__LINK_RTO_MAX; i++)
		patience *= 2;
	return patience < WEFT__LINK_RTO_MAX ? patience : WEFT__LINK_RTO_MAX;
}

/* ---- How much ------------------------------------------------------------------------------- */

static size_t half(size_t flight)
{
	return flight / 2 > WEFT__LINK_FLIGHT_MIN ? flight / 2 : WEFT__LINK_FLIGHT_MIN;
}

/* What was never reached says nothing of what the path would carry: RFC 9002, section 7.8. */
void weft__loss_grow(struct weft__link_out *out, size_t acked)
{
	if (!out->is_limited)
		return;
	out->is_limited = false;
	if (out->flight_max < out->threshold)
		out->flight_max += acked;
	else {
		out->grown += acked;
		if (out->grown >= out->flight_max) {
			out->grown = 0;
			out->flight_max += WEFT__LINK_FULL;
		}
	}
	if (out->flight_max > WEFT__LINK_FLIGHT_MAX)
		out->flight_max = WEFT__LINK_FLIGHT_MAX;
}

bool weft__loss_may_go(struct weft_chat_link *link)
{
	struct weft__link_out *out = &link->out;
	int64_t now = link->endpoint->now, waited = now - out->paced_at;
	int64_t in_a_trip = (int64_t)out->flight_max * 5 / 4;

	if (out->rtt < PACE_RTT_MIN) {
		out->credit = PACE_AT_ONCE;
		return true;
	}
	out->credit += waited < out->rtt ? waited * in_a_trip / out->rtt : PACE_AT_ONCE;
	if (out->credit > PACE_AT_ONCE)
		out->credit = PACE_AT_ONCE;
	out->paced_at = now;
	if (out->credit > 0)
		return true;
	out->pace_at = now + out->rtt * (PACE_WAKE - out->credit) / in_a_trip;
	return false;
}

/* ---- What is lost ---------------------------------------------------------------------------- */

static void lose(struct weft__link_out *out, struct weft__part *part)
{
	part->is_lost = true;
	out->lost++;
	out->flight -= weft__part_weight(part);
}

void weft__loss_find(struct weft_chat_link *link)
{
	struct weft__link_out *out = &link->out;
	int64_t now = link->endpoint->now, trip = longer(out->rtt, out->rtt_last);
	int64_t reach = trip ? longer(trip + trip / 8, WEFT__LINK_GRAIN) : WEFT__LINK_RTO_FIRST;
	bool is_new = false;

	out->loss_at = INT64_MAX;
	for (struct weft__part *part = out->parts.first; part && part != out->fresh;
		part = part->next) {
		if (part->is_acked || part->is_lost || part->counter >= out->came)
			continue;
		if (part->counter + WEFT__LINK_REORDER > out->came && part->sent_at + reach > now) {
			if (part->sent_at + reach < out->loss_at)
				out->loss_at = part->sent_at + reach;
			continue;
		}
		lose(out, part);
		is_new |= part->counter >= out->recovers;
	}
	/* Once for all that is lost within a round trip. */
	if (!is_new)
		return;
	out->recovers = link->counter;
	out->flight_max = half(out->flight_max);
	out->threshold = out->flight_max;
}

/* ---- Nothing is heard ------------------------------------------------------------------------ */

/* Nothing is missing, but the peer took no more when it was last heard: does it now? */
static void ask(struct weft__link_out *out)
{
	struct weft__part *first = out->parts.first;

	if (!out->fresh && first) {
		first->is_acked = false;
		first->is_lost = true;
		out->lost++;
	}
}

/* A datagram's worth of what is under way, the oldest. */
static void lose_oldest(struct weft__link_out *out)
{
	size_t weight = 0;

	for (struct weft__part *part = out->parts.first; part && part != out->fresh;
		part = part->next) {
		if (part->is_acked)
			continue;
		weight += weft__part_weight(part);
		if (weight > WEFT__LINK_FULL)
			return;
		lose(out, part);
	}
}

static void nothing_heard(struct weft_chat_link *link)
{
	struct weft__link_out *out = &link->out;

	if (out->flight + out->lost == 0)
		ask(out);
	else if (out->lost == 0)
		lose_oldest(out);
	out->urgent = out->lost > 0 ? WEFT__LINK_FULL : 0;
	out->probes = out->lost > 0 || out->fresh;
	out->timeouts++;
	if (out->timeouts == WEFT__LINK_TIMEOUTS) {
		out->threshold = half(out->flight_max);
		out->flight_max = WEFT__LINK_FLIGHT_MIN;
		out->recovers = link->counter;
	}
	out->rto_at = out->probes ? link->endpoint->now + weft__loss_patience(out) : INT64_MAX;
}

void weft__loss_timer(struct weft_chat_link *link)
{
	struct weft__link_out *out = &link->out;
	int64_t now = link->endpoint->now;

	if (out->pace_at <= now)
		out->pace_at = INT64_MAX;
	if (out->loss_at <= now)
		weft__loss_find(link);
	if (out->rto_at <= now)
		nothing_heard(link);
}
