/*
 * supervisor_policy.c - whether a process that has ended is started again, and when.
 *
 * Must never: ask a clock. The time is told.
 */
#include "process/supervisor.h"

/* Doubled from end to end, as long as lives are short. */
static int64_t pause_of(const struct weft__restart_policy *policy, unsigned quick_count)
{
	int64_t pause_ns = policy->pause_ns;

	for (unsigned i = 1; i < quick_count && pause_ns < policy->pause_max_ns; i++)
		pause_ns *= 2;
	return pause_ns < policy->pause_max_ns ? pause_ns : policy->pause_max_ns;
}

/* Whether the last give_up_count ends lie within the time. */
static bool is_too_often(
	const struct weft__restart_policy *policy, const struct weft__restart_past *past)
{
	unsigned count = policy->give_up_count, last = past->end_count - 1;
	const int64_t *ends = past->ends_ns;

	if (count == 0 || past->end_count < count)
		return false;
	return ends[last % WEFT_SUPERVISOR_GIVE_UP_MAX] -
		       ends[(last - (count - 1)) % WEFT_SUPERVISOR_GIVE_UP_MAX] <=
	       policy->give_up_ns;
}

enum weft__restart_verdict weft__restart_judge(const struct weft__restart_policy *policy,
	struct weft__restart_past *past, const struct weft__restart_end *end, int64_t *ret_pause_ns)
{
	if (policy->restart == WEFT_SUPERVISOR_NEVER ||
		(policy->restart == WEFT_SUPERVISOR_ON_FAILURE && !end->has_failed))
		return WEFT__RESTART_DONE;
	past->ends_ns[past->end_count++ % WEFT_SUPERVISOR_GIVE_UP_MAX] = end->now_ns;
	past->quick_count = end->lived_ns < policy->pause_max_ns ? past->quick_count + 1 : 1;
	if (is_too_often(policy, past))
		return WEFT__RESTART_GIVE_UP;
	*ret_pause_ns = pause_of(policy, past->quick_count);
	return WEFT__RESTART_AGAIN;
}
