/*
 * test_file.c - files: modes, buffered reading and writing, positions, misuse, full disks.
 *
 * check: valgrind drivers
 */
#include "weft/file.h"

#include <sys/resource.h>

#include "both.h"
#include "place.h"
#include "weft/scope.h"

static struct weft_file *open_in(const char *name, const char *mode)
{
	struct weft_file *file = weft_file_open(place(name), mode);

	CHECK(file != NULL);
	return file;
}

static void check_close(struct weft_file *file)
{
	CHECK_INT(weft_file_close(file), ==, 0);
}

/* ---- Modes --------------------------------------------------------------------------- */

BOTH_CASE(each_mode_opens_makes_and_empties_as_it_says)
{
	struct weft_file *file;
	char bytes[8];

	CHECK_ERRNO(weft_file_open(place("a"), "r"), ENOENT);
	CHECK_ERRNO(weft_file_open(place("a"), "r+"), ENOENT);
	file = open_in("a", "w");
	CHECK_INT(weft_file_write(file, "one", 3), ==, 0);
	CHECK_ERRNO(weft_file_read(file, bytes, 1), EBADF);
	check_close(file);
	CHECK_STR(place_read("a"), "one");
	file = open_in("a", "ab");
	CHECK_INT(weft_file_tell(file), ==, 3);
	CHECK_INT(weft_file_write(file, "two", 3), ==, 0);
	CHECK_INT(weft_file_tell(file), ==, 6);
	check_close(file);
	CHECK_STR(place_read("a"), "onetwo");
	CHECK_ERRNO(weft_file_open(place("a"), "x"), EEXIST);
	check_close(open_in("new", "x"));
	CHECK_STR(place_read("new"), "");
	file = open_in("a", "rb");
	CHECK_ERRNO(weft_file_write(file, "x", 1), EBADF);
	CHECK_ERRNO(weft_file_truncate(file, 0), EBADF);
	CHECK_INT(weft_file_read(file, bytes, sizeof bytes), ==, 6);
	CHECK_MEM(bytes, "onetwo", 6);
	CHECK_INT(weft_file_read(file, bytes, sizeof bytes), ==, 0);
	check_close(file);
	check_close(open_in("a", "w+b"));
	CHECK_STR(place_read("a"), "");
}

BOTH_CASE(misuse_has_defined_errors)
{
	static const char *const wrong[] = {
		"", "z", "rw", "r++", "rbb", "+r", "rt", "r b", "wx", "ra", " r"};
	struct weft_file *file = open_in("a", "w+");

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK_ERRNO(weft_file_open(place("a"), wrong[i]), EINVAL);
	CHECK_ERRNO(weft_file_open(place("."), "r"), EISDIR);
	CHECK_ERRNO(weft_file_open(place("."), "w"), EISDIR);
	CHECK_ERRNO(weft_file_open(place("a/b"), "w"), ENOTDIR);
	CHECK_ERRNO(weft_file_open(place("no/b"), "w"), ENOENT);
	CHECK_ERRNO(weft_file_new(-1), EBADF);
	CHECK_ERRNO(weft_file_seek(file, 0, 77), EINVAL);
	CHECK_ERRNO(weft_file_seek(file, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(weft_file_seek(file, INT64_MIN, SEEK_CUR), EINVAL);
	CHECK_ERRNO(weft_file_truncate(file, -1), EINVAL);
	CHECK_ERRNO(weft_file_pread(file, &file, 1, -1), EINVAL);
	CHECK_ERRNO(weft_file_pwrite(file, "x", 1, -1), EINVAL);
	CHECK_ERRNO(weft_file_commit(file), EINVAL);
	check_close(file);
	CHECK_INT(weft_file_close(NULL), ==, 0);
}

BOTH_CASE(a_path_that_is_too_long_is_refused)
{
	static char path[PATH_MAX + 8];

	memset(path, 'x', sizeof path - 1);
	CHECK_ERRNO(weft_file_open(path, "r"), ENAMETOOLONG);
	CHECK_ERRNO(weft_file_replace(path, "", 0), ENAMETOOLONG);
}

/* ---- Reading --------------------------------------------------------------------------- */

BOTH_CASE(lines_come_whole_whatever_their_length)
{
	struct weft_file *file = open_in("a", "w+");
	const char *line;
	int number = 0;

	for (int i = 0; i < 3000; i++)
		CHECK_INT(weft_file_printf(file, "%d%*s\n", i, i % 200, ""), ==, 0);
	CHECK_INT(weft_file_write(file, "last", 4), ==, 0);
	CHECK_INT(weft_file_seek(file, 0, SEEK_SET), ==, 0);
	for (; number < 3000; number++) {
		CHECK_INT(weft_file_readline(file, &line), >=, number % 200 + 2);
		CHECK_INT(atol(line), ==, number);
	}
	CHECK_INT(weft_file_readline(file, &line), ==, 4);
	CHECK_MEM(line, "last", 4);
	CHECK_INT(weft_file_readline(file, &line), ==, 0);
	CHECK_INT(weft_file_readline(file, &line), ==, 0);
	check_close(file);
}

BOTH_CASE(a_line_beyond_the_bound_is_refused_and_not_consumed)
{
	static char bytes[WEFT_FILE_LINE_MAX + 1];
	struct weft_file *file = open_in("a", "w+");
	const char *line;

	memset(bytes, 'x', sizeof bytes);
	bytes[WEFT_FILE_LINE_MAX - 1] = '\n';
	CHECK_INT(weft_file_write(file, bytes, WEFT_FILE_LINE_MAX), ==, 0);
	bytes[WEFT_FILE_LINE_MAX - 1] = 'x';
	CHECK_INT(weft_file_write(file, bytes, sizeof bytes), ==, 0);
	CHECK_INT(weft_file_seek(file, 0, SEEK_SET), ==, 0);
	CHECK_INT(weft_file_readline(file, &line), ==, WEFT_FILE_LINE_MAX);
	CHECK_ERRNO(weft_file_readline(file, &line), EMSGSIZE);
	CHECK_ERRNO(weft_file_readline(file, &line), EMSGSIZE);
	CHECK_INT(weft_file_tell(file), ==, WEFT_FILE_LINE_MAX);
	CHECK_INT(weft_file_read_exactly(file, bytes, sizeof bytes), ==, 0);
	CHECK_ERRNO(weft_file_read_exactly(file, bytes, 1), ENODATA);
	CHECK_INT(weft_file_seek(file, -2, SEEK_END), >, 0);
	CHECK_ERRNO(weft_file_read_exactly(file, bytes, 3), EPIPE);
	check_close(file);
}

BOTH_CASE(a_whole_file_is_read_within_a_bound)
{
	struct weft_file_lines lines;
	struct weft_file *file;
	char *data;

	place_write("a", "one\n\nthree");
	CHECK_INT(weft_file_read_all(place("a"), 10, &data), ==, 10);
	CHECK_STR(data, "one\n\nthree");
	free(data);
	CHECK_ERRNO(weft_file_read_all(place("a"), 9, &data), EFBIG);
	CHECK_ERRNO(weft_file_read_all(place("no"), 9, &data), ENOENT);
	CHECK_INT(weft_file_read_all("/proc/self/status", SIZE_MAX, &data), >, 100);
	free(data);
	CHECK_ERRNO(weft_file_read_all("/proc/self/status", 50, &data), EFBIG);
	file = open_in("a", "r");
	CHECK_INT(weft_file_readlines(file, 100, &lines), ==, 0);
	CHECK_INT(lines.count, ==, 3);
	CHECK_INT(lines.lines[0].iov_len, ==, 4);
	CHECK_INT(lines.lines[1].iov_len, ==, 1);
	CHECK_INT(lines.lines[2].iov_len, ==, 5);
	CHECK_MEM(lines.lines[2].iov_base, "three", 5);
	weft_file_lines_fini(&lines);
	CHECK_INT(weft_file_readlines(file, 100, &lines), ==, 0);
	CHECK_INT(lines.count, ==, 0);
	weft_file_lines_fini(&lines);
	check_close(file);
	place_write("empty", "");
	CHECK_INT(weft_file_read_all(place("empty"), 0, &data), ==, 0);
	CHECK_STR(data, "");
	free(data);
}

/* ---- Reading and writing in turns -------------------------------------------------------- */

struct model {
	char bytes[300000];
	size_t len, position;
};

static uint32_t prng(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void model_write(struct model *model, const char *data, size_t len)
{
	memcpy(model->bytes + model->position, data, len);
	model->position += len;
	if (model->position > model->len)
		model->len = model->position;
}

/* One random step on both, that must agree. */
static void model_step(struct model *model, struct weft_file *file, uint32_t *state)
{
	static char bytes[100000], got[100000];
	size_t len = prng(state) % (prng(state) % 8 ? 300 : sizeof bytes), place;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)prng(state);
	switch (prng(state) % 6) {
	case 0:
		if (model->position + len > sizeof model->bytes)
			break;
		CHECK_INT(weft_file_write(file, bytes, len), ==, 0);
		model_write(model, bytes, len);
		break;
	case 1:
		if (len > model->len - model->position)
			len = model->len - model->position;
		CHECK_INT(weft_file_read(file, got, len), ==, len);
		CHECK_MEM(got, model->bytes + model->position, len);
		model->position += len;
		break;
	case 2:
		place = prng(state) % (model->len + 1);
		CHECK_INT(weft_file_seek(file, (int64_t)place - (int64_t)model->position, SEEK_CUR),
			==, place);
		model->position = place;
		break;
	case 3:
		place = prng(state) % (model->len + 1);
		if (len > model->len - place)
			len = model->len - place;
		CHECK_INT(weft_file_pread(file, got, len, (int64_t)place), ==, len);
		CHECK_MEM(got, model->bytes + place, len);
		break;
	case 4:
		place = prng(state) % (model->len + 1);
		if (len > model->len - place)
			len = model->len - place;
		CHECK_INT(weft_file_pwrite(file, bytes, len, (int64_t)place), ==, 0);
		memcpy(model->bytes + place, bytes, len);
		break;
	default:
		if (prng(state) % 4 == 0 && model->len > model->position) {
			place = model->position + prng(state) % (model->len - model->position);
			CHECK_INT(weft_file_truncate(file, (int64_t)place), ==, 0);
			model->len = place;
		}
		CHECK_INT(weft_file_size(file), ==, model->len);
	}
	CHECK_INT(weft_file_tell(file), ==, model->position);
}

BOTH_CASE(reads_writes_and_moves_in_any_order_agree_with_a_model)
{
	static struct model model;
	struct weft_file *file = open_in("a", "w+");
	uint32_t state = 7;
	char *data;

	memset(&model, 0, sizeof model);
	for (unsigned i = 0; i < check_rounds(400); i++)
		model_step(&model, file, &state);
	check_close(file);
	CHECK_INT(weft_file_read_all(place("a"), SIZE_MAX, &data), ==, model.len);
	CHECK_MEM(data, model.bytes, model.len);
	free(data);
}

BOTH_CASE(a_position_beyond_the_end_reads_nothing_and_writes_a_hole)
{
	struct weft_file *file;
	char bytes[8];

	place_write("a", "123");
	file = open_in("a", "r+");
	CHECK_INT(weft_file_read(file, bytes, 8), ==, 3);
	CHECK_INT(weft_file_seek(file, 1, SEEK_CUR), ==, 4);
	CHECK_INT(weft_file_tell(file), ==, 4);
	CHECK_INT(weft_file_read(file, bytes, 8), ==, 0);
	CHECK_INT(weft_file_write(file, "5", 1), ==, 0);
	CHECK_INT(weft_file_size(file), ==, 5);
	CHECK_INT(weft_file_pread(file, bytes, 8, 0), ==, 5);
	CHECK_MEM(bytes,
		"123\0"
		"5",
		5);
	check_close(file);
}

BOTH_CASE(an_appending_file_writes_at_its_end_wherever_it_has_been_read)
{
	struct weft_file *file, *other;
	char byte;

	place_write("a", "12345");
	file = open_in("a", "a+");
	CHECK_INT(weft_file_seek(file, 0, SEEK_SET), ==, 0);
	CHECK_INT(weft_file_read(file, &byte, 1), ==, 1);
	CHECK_INT(byte, ==, '1');
	other = open_in("a", "a");
	CHECK_INT(weft_file_write(other, "67", 2), ==, 0);
	check_close(other);
	CHECK_INT(weft_file_write(file, "8", 1), ==, 0);
	CHECK_INT(weft_file_flush(file), ==, 0);
	CHECK_INT(weft_file_tell(file), ==, 8);
	CHECK_INT(weft_file_size(file), ==, 8);
	check_close(file);
	CHECK_STR(place_read("a"), "12345678");
}

BOTH_CASE(an_open_descriptor_goes_on_from_its_place)
{
	struct weft_file *file;
	char bytes[2];
	int fd;

	place_write("a", "12345");
	fd = open(place("a"), O_RDWR | O_CLOEXEC);
	CHECK_INT(lseek(fd, 3, SEEK_SET), ==, 3);
	file = weft_file_new(fd);
	CHECK(file != NULL);
	CHECK_INT(weft_file_fd(file), ==, fd);
	CHECK_INT(weft_file_tell(file), ==, 3);
	CHECK_INT(weft_file_read(file, bytes, 1), ==, 1);
	CHECK_INT(bytes[0], ==, '4');
	CHECK_INT(weft_file_datasync(file), ==, 0);
	CHECK_INT(weft_file_sync(file), ==, 0);
	check_close(file);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

/* ---- What goes wrong ------------------------------------------------------------------------ */

BOTH_CASE(a_full_device_is_told_by_flush_or_close)
{
	struct weft_file *file = weft_file_open("/dev/full", "w");

	CHECK_INT(weft_file_write(file, "x", 1), ==, 0);
	CHECK_ERRNO(weft_file_flush(file), ENOSPC);
	CHECK_ERRNO(weft_file_flush(file), ENOSPC);
	CHECK_ERRNO(weft_file_seek(file, 0, SEEK_SET), ESPIPE);
	CHECK_INT(weft_file_close(file), ==, -1);
	CHECK_INT(errno, ==, ENOSPC);
}

BOTH_CASE(printing_more_than_the_buffer_is_refused_and_writes_nothing)
{
	struct weft_file *file = open_in("a", "w");

	CHECK_INT(weft_file_printf(file, "%s", "before"), ==, 0);
	CHECK_ERRNO(weft_file_printf(file, "%*s", WEFT_FILE_BUFFER_SIZE, "x"), EMSGSIZE);
	CHECK_INT(weft_file_printf(file, "%*s", WEFT_FILE_BUFFER_SIZE - 1, "x"), ==, 0);
	CHECK_INT(weft_file_size(file), ==, WEFT_FILE_BUFFER_SIZE + 5);
	check_close(file);
}

BOTH_CASE(a_late_scope_stops_calls_but_loses_nothing_that_was_written)
{
	struct weft_file *file = open_in("a", "w");

	CHECK_INT(weft_file_write(file, "kept", 4), ==, 0);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_file_write(file, "x", 1), ETIMEDOUT);
		CHECK_ERRNO(weft_file_flush(file), ETIMEDOUT);
		CHECK_ERRNO(weft_file_open(place("b"), "w"), ETIMEDOUT);
		check_close(file);
	}
	CHECK_STR(place_read("a"), "kept");
}

/* Past the limit of a file's size: a signal by default, an error on threads that block it. */
static void limit_size(rlim_t size_bytes)
{
	const struct rlimit limit = {size_bytes, RLIM_INFINITY};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	CHECK_INT(sigaction(SIGXFSZ, &ignore, NULL), ==, 0);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

BOTH_CASE(what_a_full_disk_took_is_not_written_twice)
{
	static char bytes[1000];
	struct weft_file *file = open_in("a", "w");
	struct stat status;

	memset(bytes, 'x', sizeof bytes);
	limit_size(600);
	CHECK_INT(weft_file_write(file, bytes, sizeof bytes), ==, 0);
	CHECK_ERRNO(weft_file_flush(file), EFBIG);
	CHECK_INT(weft_file_tell(file), ==, 1000);
	CHECK_INT(stat(place("a"), &status), ==, 0);
	CHECK_INT(status.st_size, ==, 600);
	limit_size(RLIM_INFINITY);
	CHECK_INT(weft_file_flush(file), ==, 0);
	check_close(file);
	CHECK_INT(stat(place("a"), &status), ==, 0);
	CHECK_INT(status.st_size, ==, 1000);
}

CHECK_MAIN()
