/*
 * form_whole.c - a form read whole: values in memory, large files in files without a name.
 *
 * Entry points: weft_http_form_read(), weft_http_form_get(), weft_http_form_at().
 *
 * Never: a file that is left behind when the form, or the process, is gone.
 */
#include "weft/http_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/dir.h"
#include "weft/fiber.h"
#include "weft/vec.h"

#define VALUE_MAX  ((size_t)64 * 1024)
#define MEMORY_MAX ((size_t)1024 * 1024)
#define FILES_MAX  64

#define PIECE_SIZE ((size_t)32 * 1024)

/** Names that are tried where the file system has no files without one. */
#define NAME_TRIES 16

struct weft_http_form {
	struct weft_http_form_options options; /* without zeros */
	struct weft_vec fields;                /* struct weft_http_form_field * */
	struct weft_http_params *params;       /* of pairs: what the fields lend */
	size_t memory;                         /* bytes of names and data so far */
	size_t files;                          /* on the disk */
};

/* A field whose content grows. */
struct growing {
	struct weft_http_form *form;
	struct weft_http_form_field *field;
	char *data; /* what the field's data will be */
	size_t size;
};

/* ---- Fields ------------------------------------------------------------------------------ */

static void free_field(struct weft_http_form *form, struct weft_http_form_field *field)
{
	weft_file_close(field->file);
	if (!form->params)
		free((char *)field->data);
	free(field);
}

void weft_http_form_free(struct weft_http_form *form)
{
	int code = errno;

	if (!form)
		return;
	for (size_t i = 0; i < weft_vec_len(&form->fields); i++)
		free_field(form, *weft_vec_get(&form->fields, struct weft_http_form_field *, i));
	weft_vec_fini(&form->fields);
	weft_http_params_free(form->params);
	free(form);
	errno = code;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *copy_text(const char *text, char **to)
{
	size_t size = text_size(text);
	char *copy = *to;

	if (!text)
		return NULL;
	memcpy(copy, text, size);
	*to += size;
	return copy;
}

static int fail(int code)
{
	errno = code;
	return -1;
}

/* So many bytes more in memory. 0, or -1 with EMSGSIZE: too many. */
static int count_memory(struct weft_http_form *form, size_t len)
{
	if (len > form->options.memory_max - form->memory)
		return fail(EMSGSIZE);
	form->memory += len;
	return 0;
}

/* A field of the form, with copies of the texts behind it; NULL. */
static struct weft_http_form_field *add_field(
	struct weft_http_form *form, const struct weft_http_part *part)
{
	size_t texts = text_size(part->name) + text_size(part->filename) + text_size(part->type);
	struct weft_http_form_field *field;
	char *to;

	if (count_memory(form, texts) < 0)
		return NULL;
	field = calloc(1, sizeof(*field) + texts);
	if (!field)
		return NULL;
	to = (char *)(field + 1);
	field->name = copy_text(part->name, &to);
	field->filename = copy_text(part->filename, &to);
	field->type = copy_text(part->type, &to);
	if (weft_vec_push(&form->fields, &field) == 0)
		return field;
	free(field);
	return NULL;
}

/* ---- Files on the disk ---------------------------------------------------------------------- */

/* Where there are no files without a name: one that loses its name at once. */
static struct weft_file *open_and_remove(const char *folder)
{
	struct weft_file *file = NULL;
	char path[512]; /* a folder that is chosen for this has no longer name */

	for (int i = 0; i < NAME_TRIES && !file; i++) {
		if (snprintf(path, sizeof(path), "%s/.weft-form-%016llx", folder,
			    (unsigned long long)weft_random()) >= (int)sizeof(path)) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		file = weft_file_open_flags(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (!file && errno != EEXIST)
			return NULL;
	}
	if (file && weft_dir_remove(path) < 0) {
		int code = errno;

		weft_file_close(file);
		errno = code;
		return NULL;
	}
	return file;
}

static struct weft_file *open_nameless(const char *folder)
{
	struct weft_file *file = weft_file_open_flags(folder, O_TMPFILE | O_RDWR | O_EXCL, 0600);

	if (!file && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOSYS))
		file = open_and_remove(folder);
	return file;
}

/* What is in memory of the growing field goes to a file. */
static int move_to_disk(struct growing *growing)
{
	struct weft_http_form *form = growing->form;
	struct weft_http_form_field *field = growing->field;

	if (form->files == form->options.files_max)
		return fail(EMSGSIZE);
	field->file = open_nameless(form->options.folder);
	if (!field->file)
		return -1;
	form->files++;
	if (weft_file_write(field->file, growing->data, (size_t)field->len) < 0)
		return -1;
	form->memory -= (size_t)field->len;
	free(growing->data);
	growing->data = NULL;
	return 0;
}

/* ---- Content ------------------------------------------------------------------------------- */

/* Whether so many bytes more of it may be in memory. */
static bool fits(const struct growing *growing, size_t len)
{
	const struct weft_http_form *form = growing->form;

	if (len > form->options.memory_max - form->memory)
		return false;
	return growing->field->filename ||
	       (uint64_t)growing->field->len + len <= form->options.value_max;
}

static int append_in_memory(struct growing *growing, const char *data, size_t len)
{
	size_t have = (size_t)growing->field->len, size = growing->size;

	if (have + len + 1 > size) {
		char *larger;

		size = size * 2 > have + len + 1 ? size * 2 : have + len + 1;
		larger = realloc(growing->data, size);
		if (!larger)
			return -1;
		growing->data = larger;
		growing->size = size;
	}
	memcpy(growing->data + have, data, len);
	return count_memory(growing->form, len);
}

static int append(struct growing *growing, const char *data, size_t len)
{
	struct weft_http_form_field *field = growing->field;
	int64_t max = growing->form->options.file_max;
	int result;

	if (field->filename && max > 0 && (int64_t)len > max - field->len)
		return fail(EMSGSIZE);
	if (!field->file && !fits(growing, len)) {
		if (!field->filename)
			return fail(EMSGSIZE);
		if (move_to_disk(growing) < 0)
			return -1;
	}
	result = field->file ? weft_file_write(field->file, data, len)
			     : append_in_memory(growing, data, len);
	if (result == 0)
		field->len += (int64_t)len;
	return result;
}

static int end_content(struct growing *growing)
{
	struct weft_http_form_field *field = growing->field;

	if (field->file)
		return weft_file_seek(field->file, 0, SEEK_SET) < 0 ? -1 : 0;
	if (append_in_memory(growing, "", 0) < 0)
		return -1;
	growing->data[field->len] = '\0';
	field->data = growing->data;
	growing->data = NULL;
	return 0;
}

static int read_content(struct weft_http_multipart *parts, struct growing *growing, char *piece)
{
	ssize_t len;

	while ((len = weft_http_multipart_read(parts, piece, PIECE_SIZE)) > 0)
		if (append(growing, piece, (size_t)len) < 0)
			return -1;
	return len < 0 ? -1 : end_content(growing);
}

static int read_parts(struct weft_http_form *form, struct weft_http_multipart *parts, char *piece)
{
	struct weft_http_part part;
	int more, result = 0;

	while (result == 0 && (more = weft_http_multipart_next(parts, &part)) != 0) {
		struct growing growing = {.form = form};

		if (more < 0)
			return -1;
		growing.field = add_field(form, &part);
		result = growing.field ? read_content(parts, &growing, piece) : -1;
		free(growing.data);
	}
	return result;
}

/* ---- Both kinds of forms -------------------------------------------------------------------- */

static int read_multipart(struct weft_http_form *form, struct weft_http_request *request)
{
	struct weft_http_multipart *parts = weft_http_multipart_new(request);
	char *piece;
	int result = -1, code;

	if (!parts)
		return -1;
	piece = malloc(PIECE_SIZE);
	if (piece)
		result = read_parts(form, parts, piece);
	code = errno;
	free(piece);
	weft_http_multipart_free(parts);
	errno = code;
	return result;
}

static int read_pairs(struct weft_http_form *form, struct weft_http_request *request)
{
	const char *name, *value;

	form->params = weft_http_request_form(request, form->options.memory_max);
	if (!form->params)
		return -1;
	form->options.memory_max = SIZE_MAX; /* it was read within its bound */
	for (size_t i = 0; weft_http_params_at(form->params, i, &name, &value); i++) {
		struct weft_http_part part = {.name = name};
		struct weft_http_form_field *field = add_field(form, &part);

		if (!field)
			return -1;
		field->data = value;
		field->len = (int64_t)strlen(value);
		if ((uint64_t)field->len > form->options.value_max)
			return fail(EMSGSIZE);
	}
	return 0;
}

static void choose_options(
	struct weft_http_form_options *own, const struct weft_http_form_options *options)
{
	if (options)
		*own = *options;
	own->value_max = own->value_max ? own->value_max : VALUE_MAX;
	own->memory_max = own->memory_max ? own->memory_max : MEMORY_MAX;
	own->files_max = own->files_max ? own->files_max : FILES_MAX;
	if (!own->folder)
		own->folder = getenv("TMPDIR");
	if (!own->folder || !own->folder[0])
		own->folder = "/var/tmp";
}

struct weft_http_form *weft_http_form_read(
	struct weft_http_request *request, const struct weft_http_form_options *options)
{
	struct weft_http_form *form = calloc(1, sizeof(*form));
	int result;

	if (!form)
		return NULL;
	weft_vec_init(&form->fields, sizeof(struct weft_http_form_field *));
	choose_options(&form->options, options);
	result = read_multipart(form, request);
	if (result < 0 && errno == EPROTOTYPE)
		result = read_pairs(form, request);
	if (result == 0)
		return form;
	weft_http_form_free(form);
	return NULL;
}

/* ---- Looking ------------------------------------------------------------------------------- */

const struct weft_http_form_field *weft_http_form_at(
	const struct weft_http_form *form, size_t index)
{
	struct weft_http_form_field **fields = form->fields.items;

	return index < weft_vec_len(&form->fields) ? fields[index] : NULL;
}

const struct weft_http_form_field *weft_http_form_get(
	const struct weft_http_form *form, const char *name, size_t nth)
{
	const struct weft_http_form_field *field;

	for (size_t i = 0; (field = weft_http_form_at(form, i)); i++)
		if (strcmp(field->name, name) == 0 && nth-- == 0)
			return field;
	return NULL;
}
