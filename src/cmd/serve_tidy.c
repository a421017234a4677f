/*
 * serve_tidy.c - `weft serve` lets go of what has expired: in the trash, and uploads that nobody
 * goes on with. The engine does so by the way, too; but who has used up her quota puts nothing.
 *
 * Never: a reason not to serve.
 */
#include "serve.h"

#include "weft/fiber.h"
#include "weft/files.h"

/** So often; what is in the trash is kept for days. */
#define EVERY_NS WEFT_SECONDS(600)

static int tidy(void *arg)
{
	struct serve *serve = arg;

	while (weft_sleep(EVERY_NS) == 0)
		weft_files_expire(serve->engine);
	return 0;
}

void weft__serve_tidy_begin(struct serve *serve)
{
	const struct weft_spawn_options options = {.name = "expired files"};

	if (serve->engine)
		serve->tidy = weft_spawn_with(&options, tidy, serve);
}

void weft__serve_tidy_end(struct serve *serve)
{
	if (!serve->tidy)
		return;
	weft_cancel(serve->tidy);
	weft_join(serve->tidy, NULL, WEFT_FOREVER);
	serve->tidy = 0;
}
