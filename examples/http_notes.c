/*
 * http_notes.c - notes as JSON, for who has logged in: routes, a cookie, middleware, a clean stop.
 *
 *	http_notes [ADDRESS]
 *	curl -c jar -d password=sesame http://127.0.0.1:8080/login
 *	curl -b jar -d 'buy milk' http://127.0.0.1:8080/notes
 *	curl -b jar http://127.0.0.1:8080/notes/0
 *
 * A handler returns 0 when it has answered, or the status of an error page. SIGTERM ends it: what
 * is under way is still answered.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/fiber.h>
#include <weft/http_escape.h>
#include <weft/http_route.h>
#include <weft/lock.h>
#include <weft/signal.h>

#define NOTES_MAX 1000
#define NOTE_MAX  4096

static char session[40]; /* of all who know the password */
static char *notes[NOTES_MAX];
static size_t count;
static struct weft_lock lock = WEFT_LOCK_INIT;

static int log_in(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_cookie cookie = {.name = "session", .value = session};
	struct weft_http_params *form = weft_http_request_form(request, 1000);
	const char *password = form ? weft_http_params_get(form, "password", 0) : NULL;
	bool is_right = password && strcmp(password, "sesame") == 0;

	(void)arg;
	weft_http_params_free(form); /* and the password in it */
	if (!is_right)
		return weft_http_response_error(response, 403, "That is not the password.");
	if (weft_http_response_cookie(response, &cookie) < 0)
		return -1;
	return weft_http_response_redirect(response, 303, "/notes/0");
}

/* Middleware: who has no cookie of ours gets no further than the login. */
static int check(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	struct weft_http_text cookie = weft_http_request_cookie(request, "session");

	(void)arg;
	if (strcmp(weft_http_request_path(request), "/login") == 0 ||
		(cookie.data && cookie.len == strlen(session) &&
			memcmp(cookie.data, session, cookie.len) == 0))
		return weft_http_next(next);
	return weft_http_response_error(response, 403, "Please log in.");
}

static int send_note(struct weft_http_response *response, int status, size_t id, const char *text)
{
	struct weft_http_content content = {.type = "application/json"};
	struct weft_str json;
	int result = 503;

	weft_str_init(&json, 8 * NOTE_MAX);
	weft_str_appendf(&json, "{\"id\": %zu, \"text\": ", id);
	weft_http_escape_json(&json, text, strlen(text));
	weft_str_append(&json, "}\n");
	content.data = weft_str_text(&json);
	content.len = weft_str_len(&json);
	if (!weft_str_error(&json))
		result = weft_http_response_send(response, status, &content);
	weft_str_fini(&json);
	return result;
}

static int show(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char *end;
	size_t id = strtoul(weft_http_request_param(request, "id"), &end, 10);
	const char *text = NULL;

	(void)arg;
	if (weft_lock_acquire(&lock) < 0)
		return -1;
	if (*end == '\0' && id < count)
		text = notes[id]; /* which stays: nothing here removes any */
	weft_lock_release(&lock);
	return text ? send_note(response, 200, id, text) : 404;
}

static int add(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char text[NOTE_MAX + 1] = "", *note;
	size_t len = 0, id = NOTES_MAX;
	ssize_t more;

	(void)arg;
	while ((more = weft_http_request_read(request, text + len, NOTE_MAX - len)) > 0)
		if ((len += (size_t)more) == NOTE_MAX)
			return 413;
	if (more < 0)
		return -1; /* too slow, cut short: the server says so */
	note = strdup(text);
	if (!note || weft_lock_acquire(&lock) < 0) {
		free(note);
		return 503;
	}
	if (count < NOTES_MAX) {
		id = count++;
		notes[id] = note;
	}
	weft_lock_release(&lock);
	if (id < NOTES_MAX)
		return send_note(response, 201, id, note);
	free(note);
	return 507;
}

static int stop(void *server)
{
	const int signals[] = {SIGINT, SIGTERM};

	if (weft_signal_wait(signals, 2) > 0)
		weft_http_server_stop(server);
	return 0;
}

static int serve(void *address)
{
	const struct weft_http_route routes[] = {
		{.methods = "POST", .pattern = "/login", .handler = log_in},
		{.methods = "POST", .pattern = "/notes", .handler = add},
		{.methods = "GET", .pattern = "/notes/{id}", .handler = show},
	};
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_router *router = weft_http_router_new();
	struct weft_http_server *server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &weft_http_router_service, .arg = router});
	int result = router && server ? weft_http_router_use(router, check, NULL) : -1;

	for (size_t i = 0; result == 0 && i < sizeof(routes) / sizeof(*routes); i++)
		result = weft_http_router_add(router, &routes[i]);
	snprintf(session, sizeof(session), "%016llx%016llx", (unsigned long long)weft_random(),
		(unsigned long long)weft_random());
	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (result == 0 && weft_spawn(stop, server))
		result = weft_http_server_run(server, listener);
	if (result < 0)
		perror(address);
	weft_http_server_free(server);
	weft_http_router_free(router);
	weft_listener_free(listener);
	while (count > 0)
		free(notes[--count]);
	return result < 0;
}

int main(int argc, char **argv)
{
	char address[] = "127.0.0.1:8080";

	return weft_run(NULL, serve, argc > 1 ? argv[1] : address);
}
