/*
 * variants.c - see variants.h.
 *
 * Entry points: weft__http_variants_new() when a file is opened, weft__http_variants_choose() for
 * each request of it.
 *
 *	slot	EMPTY ---> READY	a sibling is there, or it was compressed
 *		      \--> USELESS	it did not get smaller, or could not be read
 *
 * Compressing takes a CPU for long: it is done by a thread of weft/offload.h, one job for a
 * file and so many in all; whoever asks meanwhile gets the file as it is. A slot is filled
 * once and never changes, as does what is in it: somebody may be sending it.
 *
 * A choice is remembered with the words that it was made for: browsers all say the same.
 *
 * Never: sends a form that is older than its file, or two forms under one tag.
 */
#include "http/variants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http/compress.h"
#include "http/limits.h"
#include "http/siblings.h"
#include "weft/offload.h"

/** Longest Accept-Encoding whose choice is remembered. */
#define WORDS_MAX 64

/* Beside the codings: nothing will do. */
#define NO_CODING (-1)

enum slot_state {
	SLOT_EMPTY,
	SLOT_READY,
	SLOT_USELESS,
};

struct slot {
	enum slot_state state;
	bool is_sibling;
	struct weft__http_file *file; /* when it is ready */
	struct weft__http_sibling_mark mark;
};

struct weft__http_variants {
	struct weft__http_facts facts;
	bool takes_siblings;
	bool is_busy; /* a job is filling a slot */
	atomic_uint *jobs;
	unsigned jobs_max;
	size_t words_len; /* 0: no choice is remembered */
	const struct weft__http_file *chosen;
	char words[WORDS_MAX];
	struct slot slots[WEFT__HTTP_CODING_COUNT];
};

/* ---- Life ------------------------------------------------------------------------------------ */

/* Fill the slot with a sibling, if there is one. */
static void find_sibling(struct weft__http_variants *variants,
	const struct weft__http_variants_source *source, enum weft__http_coding coding)
{
	struct slot *slot = &variants->slots[coding];
	char tag[WEFT__HTTP_TAG_SIZE];
	struct weft__http_source sibling = {
		.tag = tag, .coding = weft__http_coding_name(coding), .facts = &variants->facts};

	slot->mark = weft__http_sibling_look(source->root, source->path, coding);
	if (slot->mark.inode == 0)
		return;
	sibling.fd = weft__http_sibling_open(
		source->root, source->path, source->stat, coding, &sibling.stat);
	if (sibling.fd < 0)
		return;
	weft__http_sibling_tag(tag, source->stat, coding, &sibling.stat);
	slot->file = weft__http_file_new(&sibling);
	if (!slot->file) {
		close(sibling.fd);
		return;
	}
	slot->state = SLOT_READY;
	slot->is_sibling = true;
}

struct weft__http_variants *weft__http_variants_new(
	const struct weft__http_variants_source *source, struct weft__http_facts *facts)
{
	struct weft__http_variants *variants = calloc(1, sizeof(*variants));

	if (!variants)
		return NULL;
	variants->facts = *facts;
	variants->facts.varies = true; /* whoever gets another form is told so */
	variants->takes_siblings = source->takes_siblings;
	variants->jobs = source->jobs;
	variants->jobs_max = source->jobs_max;
	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++) {
		struct slot *slot = &variants->slots[coding];

		if (source->takes_siblings)
			find_sibling(variants, source, (enum weft__http_coding)coding);
		if (slot->state == SLOT_EMPTY &&
			!(source->may_compress &&
				weft__http_can_compress((enum weft__http_coding)coding)))
			slot->state = SLOT_USELESS;
		facts->varies = facts->varies || slot->state != SLOT_USELESS;
	}
	variants->facts.varies = facts->varies;
	*facts = variants->facts;
	return variants;
}

void weft__http_variants_free(struct weft__http_variants *variants)
{
	if (!variants)
		return;
	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++)
		weft__http_file_release(variants->slots[coding].file);
	weft__http_facts_fini(&variants->facts);
	free(variants);
}

size_t weft__http_variants_bytes(const struct weft__http_variants *variants)
{
	size_t bytes = 0;

	for (int coding = 0; variants && coding < WEFT__HTTP_CODING_COUNT; coding++)
		if (variants->slots[coding].file)
			bytes += variants->slots[coding].file->text_len;
	return bytes;
}

bool weft__http_variants_stand(
	const struct weft__http_variants *variants, const struct weft__root *root, const char *path)
{
	if (!variants || !variants->takes_siblings)
		return true;
	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++) {
		struct weft__http_sibling_mark mark =
			weft__http_sibling_look(root, path, (enum weft__http_coding)coding);

		if (!weft__http_sibling_marks_equal(&mark, &variants->slots[coding].mark))
			return false;
	}
	return true;
}

/* ---- Compressing ------------------------------------------------------------------------------
 */

/* What a thread is to do: with what the worker's fiber lends it until it is done. */
struct job {
	const struct weft__http_file *file;
	enum weft__http_coding coding;
	bool has_run;
	char *data; /* the result, to be freed */
	ssize_t len;
};

/* A text must lose an eighth, or the peer's work is for nothing. */
static size_t worth_len(size_t len)
{
	return len - len / 8;
}

static int compress_text(struct job *job, const struct weft_http_text *text)
{
	size_t size_bytes = worth_len(text->len);

	job->data = malloc(size_bytes);
	if (!job->data)
		return -1;
	job->len = weft__http_compress(job->coding, text, job->data, size_bytes);
	return job->len < 0 ? -1 : 0;
}

/* On a thread of its own. */
static int run_job(void *arg)
{
	struct job *job = arg;
	const struct weft__http_file *file = job->file;
	struct weft_http_text text = {NULL, (size_t)file->stat.st_size};
	char *content;
	int result = -1;

	job->has_run = true;
	if (file->has_content) {
		text.data = file->text + file->fields_len + 2;
		return compress_text(job, &text);
	}
	content = malloc(text.len);
	/* What has changed while it was read is of no state that has a tag. */
	if (content && weft__http_file_read(file->fd, content, text.len) &&
		weft__http_file_is_current(file)) {
		text.data = content;
		result = compress_text(job, &text);
	}
	free(content);
	return result;
}

/* Put what the job has made into its slot. */
static void fill_slot(struct slot *slot, const struct job *job)
{
	char tag[WEFT__HTTP_TAG_SIZE], more[16];
	struct weft__http_source source = {
		.fd = -1,
		.stat = job->file->stat,
		.tag = tag,
		.coding = weft__http_coding_name(job->coding),
		.content = job->data,
		.facts = &job->file->variants->facts,
	};

	source.stat.st_size = job->len;
	snprintf(more, sizeof(more), "-%s", source.coding);
	weft__http_file_tag(tag, &job->file->stat, more);
	slot->file = weft__http_file_new(&source);
	if (slot->file)
		slot->state = SLOT_READY;
}

/* Fill an empty slot, and wait until that is done. False: not now, there is too much to do. */
static bool compress_slot(struct weft__http_file *file, enum weft__http_coding coding)
{
	struct weft__http_variants *variants = file->variants;
	struct slot *slot = &variants->slots[coding];
	struct job job = {.file = file, .coding = coding};

	if (variants->is_busy || !file->is_settled)
		return false;
	if (atomic_fetch_add(variants->jobs, 1) < variants->jobs_max) {
		variants->is_busy = true;
		if (weft_offload(run_job, &job) == 0)
			fill_slot(slot, &job);
		free(job.data);
		file->forms_bytes = weft__http_variants_bytes(variants);
		variants->is_busy = false;
	}
	atomic_fetch_sub(variants->jobs, 1);
	if (job.has_run && slot->state == SLOT_EMPTY)
		slot->state = SLOT_USELESS;
	return job.has_run;
}

/* ---- Choosing ---------------------------------------------------------------------------------
 */

#define FIELD_NAME "Accept-Encoding"

/*
 * The next field of that name from *index on; data is NULL when there is none. It is looked for
 * only where a file has other forms, so that the parser need not know it.
 */
static struct weft_http_text next_field(const struct weft_http_request *request, unsigned *index)
{
	const struct weft__http_head *head = &request->head;

	while (*index < head->field_count) {
		const struct weft__http_field *field = &head->fields[(*index)++];

		if (field->name.len != sizeof(FIELD_NAME) - 1)
			continue;
		/* As nearly all write it, that is two comparisons. */
		if (memcmp(request->data + field->name.at, FIELD_NAME, sizeof(FIELD_NAME) - 1) ==
				0 ||
			strncasecmp(request->data + field->name.at, FIELD_NAME,
				sizeof(FIELD_NAME) - 1) == 0)
			return weft__http_place_text(request->data, field->value);
	}
	return (struct weft_http_text){NULL, 0};
}

/*
 * The coding that is wanted most, of those that there are or, if may_fill, can be made. Among
 * those that are wanted alike, a sibling, which costs nothing, goes before the smaller one.
 */
static int rank(const struct weft__http_variants *variants, const struct weft__http_wanted *wanted,
	bool may_fill)
{
	int best = NO_CODING, best_score = 0;
	int identity = weft__http_wanted_quality(wanted, WEFT__HTTP_IDENTITY);

	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++) {
		const struct slot *slot = &variants->slots[coding];
		int quality = weft__http_wanted_quality(wanted, (enum weft__http_coding)coding);
		int score = 2 * quality + slot->is_sibling;

		if (slot->state == SLOT_USELESS || (slot->state == SLOT_EMPTY && !may_fill) ||
			quality == 0 || quality < identity || score <= best_score)
			continue;
		best = coding;
		best_score = score;
	}
	if (best == NO_CODING && identity > 0)
		best = WEFT__HTTP_IDENTITY;
	return best;
}

/* Send that form, unless it is a sibling that has changed. */
static int take_form(const struct weft__http_file *file, const struct weft__http_file *form,
	const struct weft__http_file **ret_form)
{
	if (form != file && form->fd >= 0 && !weft__http_file_is_current(form)) {
		errno = ESTALE;
		return -1;
	}
	*ret_form = form;
	return 0;
}

/* Choose by what is wanted. Returns as weft__http_variants_choose(). */
static int choose(struct weft__http_file *file, const struct weft__http_wanted *wanted,
	const struct weft__http_file **ret_form)
{
	struct weft__http_variants *variants = file->variants;
	bool may_fill = true;
	int coding;

	/* Each round fills a slot or finds that none can be filled now. */
	while ((coding = rank(variants, wanted, may_fill)) != NO_CODING) {
		const struct slot *slot;

		if (coding == WEFT__HTTP_IDENTITY)
			return take_form(file, file, ret_form);
		slot = &variants->slots[coding];
		if (slot->state == SLOT_READY)
			return take_form(file, slot->file, ret_form);
		may_fill = compress_slot(file, (enum weft__http_coding)coding);
	}
	return may_fill ? 406 : 503;
}

/* Remember the form for these words, unless another will be better soon. */
static void remember(struct weft__http_variants *variants, const struct weft__http_wanted *wanted,
	struct weft_http_text words, const struct weft__http_file *form)
{
	int coding = rank(variants, wanted, true);

	if (words.len == 0 || words.len > sizeof(variants->words) ||
		(coding != WEFT__HTTP_IDENTITY && variants->slots[coding].state != SLOT_READY))
		return;
	memcpy(variants->words, words.data, words.len);
	variants->words_len = words.len;
	variants->chosen = form;
}

/* Choose by the field with these words, and those of its name from index on. */
__attribute__((noinline)) static int choose_by_words(struct weft__http_file *file,
	const struct weft_http_request *request, struct weft_http_text words, unsigned index,
	const struct weft__http_file **ret_form)
{
	struct weft__http_variants *variants = file->variants;
	struct weft_http_text more;
	struct weft__http_wanted wanted;
	int result;

	weft__http_wanted_init(&wanted);
	weft__http_wanted_take(&wanted, words.data, words.len);
	while ((more = next_field(request, &index)).data) {
		weft__http_wanted_take(&wanted, more.data, more.len);
		words.len = 0; /* not to be remembered */
	}
	result = choose(file, &wanted, ret_form);
	if (result == 0)
		remember(variants, &wanted, words, *ret_form);
	return result;
}

int weft__http_variants_choose(struct weft__http_file *file,
	const struct weft_http_request *request, const struct weft__http_file **ret_form)
{
	const struct weft__http_variants *variants = file->variants;
	unsigned index = 0, rest;
	struct weft_http_text words = next_field(request, &index);

	if (!words.data ||
		(request->head.known[WEFT__HTTP_RANGE] && request->head.method == WEFT_HTTP_GET))
		return take_form(file, file, ret_form);
	rest = index;
	if (variants->chosen && words.len == variants->words_len &&
		memcmp(words.data, variants->words, words.len) == 0 &&
		!next_field(request, &rest).data)
		return take_form(file, variants->chosen, ret_form);
	return choose_by_words(file, request, words, index, ret_form);
}
