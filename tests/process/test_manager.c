/*
 * test_manager.c - descriptors handed over by name, and both ends of what a manager is told.
 */
#include "weft/manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"
#include "weft/buf.h"
#include "weft/process.h"

static int file_with(const char *text)
{
	char path[] = "/tmp/weft-manager-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	CHECK(fd >= 0 && unlink(path) == 0);
	CHECK_INT(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	CHECK_INT(lseek(fd, 0, SEEK_SET), ==, 0);
	return fd;
}

static void prints(const struct weft_process_options *options, const char *line, const char *wanted)
{
	const char *const words[] = {"sh", "-c", line, NULL};
	struct weft_process_options how = *options;
	struct weft_process *process;
	struct weft_buf output;

	how.streams[1].kind = WEFT_PROCESS_PIPE;
	process = weft_process_new_program(&how, words);
	CHECK(process != NULL);
	weft_buf_init(&output, 10000);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_communicate(process, NULL, 0, &output, NULL), ==, 0);
	CHECK_INT(weft_buf_append(&output, "", 1), ==, 0);
	CHECK_STR(weft_buf_data(&output), wanted);
	weft_buf_fini(&output);
	CHECK_INT(weft_process_join(process, NULL, WEFT_FOREVER), ==, 0);
	weft_process_free(process);
}

CHECK_CASE(a_program_has_them_from_three_on_whatever_their_numbers_were)
{
	static const char line[] = "echo $LISTEN_FDS $LISTEN_FDNAMES $((LISTEN_PID - $$)) $A; "
				   "cat <&3; cat <&4; cat <&5; [ -e /dev/fd/6 ] || echo end";
	int a = file_with("a\n"), b = file_with("b\n"), c = file_with("c\n");
	const struct weft_process_handed rising[] = {{"a", a}, {"b", b}, {NULL, c}};
	const struct weft_process_handed crossed[] = {{"c", c}, {"a", a}, {"b", b}};
	struct weft_process_options options = {.handed = rising, .handed_count = 3};

	/* An older manager's word is not passed on. */
	CHECK_INT(setenv("LISTEN_FDS", "7", 1), ==, 0);
	CHECK_INT(setenv("A", "kept", 1), ==, 0);
	prints(&options, line, "3 a:b:unknown 0 kept\na\nb\nc\nend\n");
	CHECK_INT(lseek(a, 0, SEEK_SET) + lseek(b, 0, SEEK_SET) + lseek(c, 0, SEEK_SET), ==, 0);
	options.handed = crossed;
	options.environment = (const char *const[]){"LISTEN_PID=1", "A=own", NULL};
	prints(&options, line, "3 c:a:b 0 own\nc\na\nb\nend\n");
	close(a);
	close(b);
	close(c);
}

CHECK_CASE(what_cannot_be_handed_over_is_refused)
{
	static const char *const words[] = {"true", NULL};
	const int kept = 4;
	struct weft_process_handed handed[] = {{"a:b", 3}, {"b", 4}};
	struct weft_process_options options = {.handed = handed, .handed_count = 1};

	CHECK_ERRNO(weft_process_new_program(&options, words), EINVAL);
	handed[0].name = "";
	CHECK_ERRNO(weft_process_new_program(&options, words), EINVAL);
	handed[0] = (struct weft_process_handed){"a", 2};
	CHECK_ERRNO(weft_process_new_program(&options, words), EINVAL);
	handed[0].fd = 5;
	options.handed_count = 2;
	options.kept_fds = &kept;
	options.kept_fd_count = 1;
	CHECK_ERRNO(weft_process_new_program(&options, words), EINVAL);
}

/* Returns 0 when all is as it should be. */
static int take_all(void *arg)
{
	int last = *(int *)arg, b = weft_manager_take("b"), a = weft_manager_take(NULL);

	if (a < 0 || b != last || weft_manager_take("a") >= 0 || errno != ENOENT)
		return 1;
	return getenv("A") && strcmp(getenv("A"), "own") == 0 ? 0 : 2;
}

CHECK_CASE(a_function_has_them_too_each_once_and_its_own_environment)
{
	int a = file_with("a"), b = file_with("b");
	const struct weft_process_handed handed[] = {{"a", a}, {"b", b}};
	const struct weft_process_options options = {.handed = handed,
		.handed_count = 2,
		.environment = (const char *const[]){"A=own", NULL}};
	struct weft_process *process = weft_process_new(&options, take_all, &b);
	struct weft_process_end end;

	CHECK_ERRNO(weft_manager_take("a"), ENOENT);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(end.how, ==, WEFT_PROCESS_EXITED);
	CHECK_INT(end.code, ==, 0);
	weft_process_free(process);
	close(a);
	close(b);
}

CHECK_CASE(what_is_handed_to_this_program_is_taken_once_and_by_its_name)
{
	char pid[16];
	int fd = fcntl(file_with("x"), F_DUPFD_CLOEXEC, 10);

	CHECK_INT(dup2(fd, 3), ==, 3);
	CHECK_INT(dup2(fd, 4), ==, 4);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	CHECK_INT(setenv("LISTEN_PID", pid, 1) + setenv("LISTEN_FDS", "2", 1), ==, 0);
	CHECK_INT(setenv("LISTEN_FDNAMES", "web:web", 1), ==, 0);
	CHECK_ERRNO(weft_manager_take("we"), ENOENT);
	CHECK_INT(weft_manager_take("web"), ==, 3);
	CHECK_INT(fcntl(3, F_GETFD), ==, FD_CLOEXEC);
	CHECK_INT(weft_manager_take("web"), ==, 4);
	CHECK_ERRNO(weft_manager_take(NULL), ENOENT);
	/* Not for this process, and no number. */
	CHECK_INT(dup2(fd, 3), ==, 3);
	CHECK_INT(setenv("LISTEN_PID", "1", 1), ==, 0);
	CHECK_ERRNO(weft_manager_take(NULL), ENOENT);
	CHECK_INT(setenv("LISTEN_PID", pid, 1) + setenv("LISTEN_FDS", "2x", 1), ==, 0);
	CHECK_ERRNO(weft_manager_take(NULL), ENOENT);
}

CHECK_CASE(a_manager_is_told_by_path_or_name_and_one_that_is_gone_is_an_error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof address;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char place[120], text[32];

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address.sun_family), ==, 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
	snprintf(place, sizeof place, "@%.*s",
		(int)(len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	CHECK_INT(unsetenv("NOTIFY_SOCKET"), ==, 0);
	CHECK_INT(weft_manager_tell("READY=1"), ==, 0);
	CHECK_INT(setenv("NOTIFY_SOCKET", place, 1), ==, 0);
	CHECK_ERRNO(weft_manager_tell(""), EINVAL);
	CHECK_INT(weft_manager_tell("READY=1"), ==, 1);
	CHECK_INT(read(fd, text, sizeof text), ==, 7);
	close(fd);
	CHECK_ERRNO(weft_manager_tell("READY=1"), ECONNREFUSED);
	CHECK_INT(setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1), ==, 0);
	CHECK_ERRNO(weft_manager_tell("READY=1"), ENOENT);
	CHECK_INT(setenv("NOTIFY_SOCKET", "vsock:2:1", 1), ==, 0);
	CHECK_ERRNO(weft_manager_tell("READY=1"), EINVAL);
}

CHECK_MAIN()
