/*
 * serve_tidy.c - `weft serve` lets go of what has expired: in the trash, and uploads that nobody
 * goes on with. The engine does so when it starts and by the way, too; but who has used up her
 * quota puts nothing, and where nobody puts anything the disk would stay full.
 *
 * Never: a reason not to serve.
 */
#include "serve.h"

#include "weft/fiber.h"
#include "weft/files.h"

/** So often; what is in the trash is kept for days. */
#define EVERY_NS WEFT_SECONDS(600)

/* By HTTP alone, without accounts, the files have an engine of their own; NULL: nobody writes. */
static struct weft_files *engine_of(const struct serve *serve)
{
	return serve->engine ? serve->engine : weft_http_files_engine(serve->files);
}

static int tidy(void *arg)
{
	struct weft_files *engine = engine_of(arg);

	while (weft_sleep(EVERY_NS) == 0)
		weft_files_expire(engine);
	return 0;
}

void weft__serve_tidy_begin(struct serve *serve)
{
	const struct weft_spawn_options options = {.name = "expired files"};

	if (engine_of(serve))
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
