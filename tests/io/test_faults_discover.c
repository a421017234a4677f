/* test_faults_discover.c - announcing and discovering with each allocation or descriptor refused.
 */
#include "faults.h"

#include <sched.h>

#include "weft/discover.h"
#include "weft/scope.h"

#ifdef HAS_FAULTS

static int use_announcer(void *arg)
{
	const struct weft_announcer_options options = {.name = "Kitchen", .port = 1};
	struct weft_announcer *announcer = weft_announcer_new(&options);

	(void)arg;
	if (!FAULTS_TRY(announcer != NULL))
		return 0;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		FAULTS_TRY(weft_announcer_run(announcer) < 0 && errno == ETIMEDOUT);
	weft_announcer_free(announcer);
	return 0;
}

static int use_discovery(void *arg)
{
	const struct weft_discovery_options options = {.timeout_ns = WEFT_MILLISECONDS(1)};
	struct weft_discovery *discovery = weft_discovery_new(&options);
	struct weft_discovered found;

	(void)arg;
	if (FAULTS_TRY(discovery != NULL))
		CHECK_INT(weft_discovery_list(discovery, &found, 1), ==, 0);
	weft_discovery_free(discovery);
	FAULTS_TRY(weft_discover(&options, &found, 1) >= 0);
	return 0;
}

/* In a network of the test's own, where it may have one. */
static void sweep(int (*use)(void *arg), int refused_min)
{
	if (unshare(CLONE_NEWNET) < 0)
		(void)unshare(CLONE_NEWUSER | CLONE_NEWNET);
	CHECK_INT(faults_sweep(use, NULL), >, refused_min);
}

CHECK_CASE(an_announcer_is_whole_or_not_there)
{
	sweep(use_announcer, 2);
}

CHECK_CASE(a_discovery_is_whole_or_not_there)
{
	sweep(use_discovery, 3);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
