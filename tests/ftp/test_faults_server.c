/*
 * test_faults_server.c - memory, descriptors and threads are refused to an FTP server: a reply is
 * whole or its connection ends; what was acknowledged is there, and nothing is kept.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ftp/server.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* In memory, where there is such a place: some hundred uploads are synced. */
static char shared[64];

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat, (void)type, (void)walk;
	return remove(path);
}

struct world {
	struct weft_files *files;
	struct weft_ftp_log *log;
	struct weft_ftp_server *server;
	struct weft_listener *listener;
};

static int serve(void *arg)
{
	struct world *world = arg;

	if (!FAULTS_TRY(weft_ftp_server_run(world->server, world->listener) == 0))
		weft_shutdown(weft_listener_fd(world->listener), SHUT_RDWR);
	return 0;
}

static int let_in(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	(void)arg;
	CHECK_STR(login->name, "anna");
	*ret_visitor = (struct weft_files_visitor){.name = "anna", .rights = WEFT_FILES_ALL};
	return 0;
}

/* The code of the next reply, its last line in text; 0: the connection has ended. */
static int hear(struct weft_stream *control, char text[256])
{
	const char *line;
	ssize_t len;

	do {
		len = weft_stream_readline(control, &line);
		if (len <= 0)
			return 0;
		CHECK(len > 4 && line[len - 1] == '\n');
	} while (line[3] != ' ');
	len = len < 255 ? len : 255;
	memcpy(text, line, (size_t)len);
	text[len] = '\0';
	return (int)strtol(line, NULL, 10);
}

static int say(struct weft_stream *control, const char *command, char text[256])
{
	if (weft_stream_printf(control, "%s\r\n", command) < 0 || weft_stream_flush(control) < 0)
		return 0;
	return hear(control, text);
}

/*
 * A transfer of what is sent, or read and dropped. The last code; 0: it could not be, or it is
 * the client whom something was refused, so that nobody knows what he has sent.
 */
static int transfer(struct weft_stream *control, const char *command, const char *sent)
{
	bool is_sent = false;

	struct weft_stream *data = NULL;
	char text[256], buffer[512];
	unsigned port;
	int code = say(control, "EPSV", text);

	if (code != 229)
		return code;
	CHECK_INT(sscanf(strchr(text, '('), "(|||%u|)", &port), ==, 1);
	snprintf(buffer, sizeof(buffer), "127.0.0.1:%u", port);
	data = weft_stream_connect(buffer);
	code = say(control, command, text);
	if (code == 150) {
		is_sent = data && sent && weft_stream_write_all(data, sent, strlen(sent)) == 0 &&
			  weft_stream_flush(data) == 0;
		while (data && !sent && weft_stream_read(data, buffer, sizeof(buffer)) > 0)
			;
		weft_stream_free(data);
		data = NULL;
		code = hear(control, text);
	}
	weft_stream_free(data);
	return sent && !is_sent ? 0 : code;
}

static void check_stored(void)
{
	char text[64], path[128];
	FILE *file;
	size_t len;

	faults_hold();
	snprintf(path, sizeof(path), "%s/a", shared);
	file = fopen(path, "r");
	CHECK(file != NULL);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	faults_go_on();
	CHECK_STR(text, "acknowledged");
}

static void visit(struct weft_stream *control)
{
	char text[256];

	if (hear(control, text) != 220 || say(control, "USER anna", text) != 331 ||
		say(control, "PASS x", text) != 230 || say(control, "TYPE I", text) != 200)
		return;
	if (transfer(control, "STOR a", "acknowledged") == 226)
		check_stored();
	transfer(control, "RETR a", NULL);
	transfer(control, "LIST", NULL);
	say(control, "MKD d", text);
	say(control, "CWD d", text);
	say(control, "RNFR /d", text);
	say(control, "RNTO /e", text);
	say(control, "RMD /e", text);
	say(control, "RMD /d", text);
	say(control, "DELE /a", text);
	say(control, "QUIT", text);
}

static void use_server(struct world *world)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	struct weft_stream *control;
	weft_fiber_id server;

	weft_address_print(weft_listener_address(world->listener), address, sizeof(address));
	server = weft_spawn(serve, world);
	if (!FAULTS_TRY(server != 0))
		return;
	control = weft_stream_connect(address);
	if (control)
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(100)) /* of a hang only */
			visit(control);
	weft_stream_free(control);
	weft_ftp_server_stop(world->server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
}

static int use_ftp(void *arg)
{
	struct world world = {.files = weft_files_new(shared, NULL)};
	struct weft_ftp_server_options options = {.files = world.files,
		.login = let_in,
		.connections_per_client = 10,
		.sessions_per_user = 10,
		.connect_timeout_ns = WEFT_MILLISECONDS(20)};

	(void)arg;
	if (FAULTS_TRY(world.files != NULL)) {
		world.log = options.log = weft_ftp_log_new("/dev/null");
		FAULTS_TRY(world.log != NULL);
		world.server = weft_ftp_server_new(&options);
		FAULTS_TRY(world.server != NULL);
		world.listener = weft_listener_new(own_address(), NULL);
		FAULTS_TRY(world.listener != NULL);
		if (world.server && world.listener)
			use_server(&world);
	}
	weft_listener_free(world.listener);
	weft_ftp_server_free(world.server);
	weft_ftp_log_free(world.log);
	weft_files_free(world.files);
	return 0;
}

static int run_ftp(void *arg)
{
	const struct weft_run_options options = {.workers = 1};

	(void)arg;
	FAULTS_TRY(weft_run(&options, use_ftp, NULL) == 0);
	return 0;
}

/*
 * Whether one sweep leaves no more in use than the one before. What is leaked grows with each; what
 * the C library keeps of threads only as often as more of them than ever have met.
 */
static bool grows_no_more(void)
{
	for (int i = 0; i < 5; i++) {
		long in_use = atomic_load(&faults_in_use);
		int open = descriptors();

		faults_sweep_once(run_ftp, NULL);
		if (atomic_load(&faults_in_use) <= in_use && descriptors() <= open)
			return true;
	}
	return false;
}

CHECK_CASE(a_server_by_ftp_answers_as_well_as_it_can_and_keeps_its_word)
{
	snprintf(shared, sizeof(shared), "%s/weft-ftp-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(shared) != NULL);
	CHECK_INT(faults_sweep_once(run_ftp, NULL), >, 50);
	CHECK(grows_no_more());
	CHECK_INT(nftw(shared, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
