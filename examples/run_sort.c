/*
 * run_sort.c - sorts its arguments with sort(1): a program is started, fed and read, and its end
 * is told.
 */
#include <stdio.h>
#include <string.h>

#include <weft/buf.h>
#include <weft/process.h>

int main(int argc, char **argv)
{
	const char *const words[] = {"sort", "-u", NULL};
	const struct weft_process_options how = {
		.streams = {{WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *sort = weft_process_new_program(&how, words);
	struct weft_buf lines, sorted;
	struct weft_process_end end;
	char text[WEFT_PROCESS_END_TEXT_SIZE];

	weft_buf_init(&lines, 1 << 20);
	weft_buf_init(&sorted, 1 << 20);
	for (int i = 1; i < argc; i++) {
		weft_buf_append(&lines, argv[i], strlen(argv[i]));
		weft_buf_append(&lines, "\n", 1);
	}
	/* Both ways at once: however much it is, neither waits for the other for ever. */
	if (!sort || weft_process_start(sort) < 0 ||
		weft_process_communicate(
			sort, weft_buf_data(&lines), weft_buf_len(&lines), &sorted, NULL) < 0 ||
		weft_process_join(sort, &end, WEFT_SECONDS(10)) < 0) {
		perror("sort");
		return 1;
	}
	fwrite(weft_buf_data(&sorted), 1, weft_buf_len(&sorted), stdout);
	printf("sort %s\n", weft_process_end_text(&end, text));
	weft_process_free(sort);
	weft_buf_fini(&sorted);
	weft_buf_fini(&lines);
	return 0;
}
