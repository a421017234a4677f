/*
 * test_chan_faults.c - memory is refused to a channel: a defined error, and nothing lost.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "weft/chan.h"

static int use_chan(void *arg)
{
	struct weft_chan *chan = weft_chan_new(16, 8, "faults");
	char item[16] = "an item";

	(void)arg;
	if (!FAULTS_TRY(chan != NULL))
		return 0;
	CHECK_INT(weft_chan_send(chan, item), ==, 0);
	CHECK_INT(weft_chan_recv(chan, item), ==, 1);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(a_channel_is_whole_or_not_there)
{
	CHECK_INT(faults_sweep(use_chan, NULL), ==, 2); /* the channel, its items; no more */
	CHECK_INT(faults_sweep_in_run(use_chan), ==, 2);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
