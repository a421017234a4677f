/*
 * test_router.c - tests src/http/router*.c and pattern.c: which handler answers which address.
 */
#include "site.h"

#include <sys/stat.h>

#include "http/pattern.h"
#include "weft/http_route.h"

/* ---- Patterns, without a server ------------------------------------------------------------- */

CHECK_CASE(what_is_no_pattern_is_refused)
{
	static const char *const bad[] = {"", "a", "//", "/a//b", "/{", "/}", "/{}", "/{1}",
		"/{a b}", "/{a}{b}", "/x{a}", "/{a}x", "/{a...}/b", "/{a}/{a}", "/{...}", "/..",
		"/.", "/a/../b", "/{a..}", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
	static const char *const bad_prefix[] = {"x", "/{a...}", "/a/", "//"};
	struct weft__http_pattern pattern;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ERRNO(weft__http_pattern_parse(&pattern, bad[i]), EINVAL);
	for (size_t i = 0; i < sizeof(bad_prefix) / sizeof(*bad_prefix); i++)
		CHECK_ERRNO(weft__http_pattern_parse_prefix(&pattern, bad_prefix[i]), EINVAL);
}

CHECK_CASE(a_pattern_fits_what_it_says_and_nothing_else)
{
	static const struct {
		const char *pattern, *path;
		bool fits;
	} rows[] = {
		{"/", "/", true}, {"/", "/a", false}, {"/a", "/a", true}, {"/a", "/a/", false},
		{"/a", "/ab", false}, {"/a/", "/a", false}, {"/a/", "/a/", true},
		{"/a/", "/a/b", false}, {"/{x}", "/", false}, {"/{x}", "/a", true},
		{"/{x}", "/a/", false}, {"/{x}/", "/a/", true}, {"/{x}/b", "/a/b", true},
		{"/{x}/b", "/a/c", false}, {"/{x...}", "/", true}, {"/{x...}", "/a/b/c", true},
		{"/a/{x...}", "/a", false}, {"/a/{x...}", "/a/", true},
		{"/a/{x...}", "/a/b/", true},
		{"/%41", "/A", false}, /* patterns are as paths are once decoded */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct weft__http_pattern pattern;
		struct weft__http_values values;

		CHECK_INT(weft__http_pattern_parse(&pattern, rows[i].pattern), ==, 0);
		if (weft__http_pattern_fits(&pattern, rows[i].path, &values) != rows[i].fits)
			check_fail(__FILE__, __LINE__, "%s at %s", rows[i].pattern, rows[i].path);
		weft__http_pattern_fini(&pattern);
	}
}

/* ---- A site -------------------------------------------------------------------------------------
 */

/* Answers with its name, and what the names in its pattern stand for. */
static int tell(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *id = weft_http_request_param(request, "id");
	const char *rest = weft_http_request_param(request, "rest");

	if (weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return -1;
	return weft_http_response_printf(response, "<%s id=%s rest=%s path=%s prefix=%.*s>",
		(const char *)arg, id ? id : "none", rest ? rest : "none",
		weft_http_request_path(request), (int)weft_http_request_prefix(request).len,
		weft_http_request_prefix(request).data);
}

static struct weft_http_router *router;

static void add(const char *methods, const char *pattern, const char *name)
{
	const struct weft_http_route route = {
		.methods = methods, .pattern = pattern, .handler = tell, .arg = (char *)name};

	CHECK_INT(weft_http_router_add(router, &route), ==, 0);
}

static void open_routes(void)
{
	router = weft_http_router_new();
	CHECK(router != NULL);
}

static void serve_routes(void)
{
	site.options = (struct weft_http_server_options){.arg = router};
	site_open(&weft_http_router_service);
}

static void close_routes(void)
{
	site_close();
	weft_http_router_free(router);
}

static const char *ask_for(const char *method_and_path)
{
	char request[9000];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		method_and_path);
	return ask(request);
}

#define CHECK_ANSWER(method_and_path, part)                                                      \
	do {                                                                                     \
		const char *answer_ = ask_for(method_and_path);                                  \
		if (!has(answer_, (part)))                                                       \
			check_fail(__FILE__, __LINE__, "%s: no \"%s\" in %s", (method_and_path), \
				(part), answer_);                                                \
	} while (0)

CHECK_CASE(the_route_that_says_more_answers)
{
	open_routes();
	add("GET", "/users/{id}", "one");
	add("GET", "/users/{rest...}", "rest");
	add("GET", "/users/me", "me");
	add("POST", "/users/me", "post me");
	add("GET", "/users/{id}/photos", "photos");
	add("GET", "/", "root");
	serve_routes();
	CHECK_ANSWER("GET /", "<root ");
	CHECK_ANSWER("GET /users/me", "<me id=none");
	CHECK_ANSWER("POST /users/me", "<post me ");
	CHECK_ANSWER("GET /users/7", "<one id=7 rest=none");
	CHECK_ANSWER("GET /users/a%20b", "<one id=a b ");
	CHECK_ANSWER("GET /users/7/photos", "<photos id=7");
	CHECK_ANSWER("GET /users/7/x/y", "<rest id=none rest=7/x/y");
	CHECK_ANSWER("GET /users/", "<rest id=none rest= path");
	CHECK_ANSWER("GET /users", "404 Not Found");
	CHECK_ANSWER("GET /other", "404 Not Found");
	close_routes();
}

CHECK_CASE(methods_are_those_of_all_routes_that_fit)
{
	open_routes();
	add("GET", "/a/b", "text");
	add("PUT DELETE", "/a/{id}", "one");
	serve_routes();
	CHECK_ANSWER("PUT /a/b", "<one id=b");
	CHECK_ANSWER("HEAD /a/b", "200 OK");
	CHECK_ANSWER("PATCH /a/b", "405 Method Not Allowed");
	CHECK_ANSWER("PATCH /a/b", "\r\nAllow: GET, HEAD, PUT, DELETE, OPTIONS\r\n");
	CHECK_ANSWER("OPTIONS /a/b", "204 No Content");
	CHECK_ANSWER("OPTIONS /a/b", "\r\nAllow: GET, HEAD, PUT, DELETE, OPTIONS\r\n");
	CHECK_ANSWER("PATCH /a/c", "\r\nAllow: PUT, DELETE, OPTIONS\r\n");
	CHECK_ANSWER("PATCH /b", "404 Not Found");
	CHECK_ANSWER("BREW /a/b", "501 Not Implemented");
	close_routes();
}

CHECK_CASE(routes_of_one_shape_may_not_share_a_method)
{
	struct weft_http_route route = {.pattern = "/a/{x}", .handler = tell};

	open_routes();
	CHECK_INT(weft_http_router_add(router, &route), ==, 0);
	route.pattern = "/a/{y}";
	CHECK_ERRNO(weft_http_router_add(router, &route), EEXIST);
	route.methods = "PUT GET";
	CHECK_ERRNO(weft_http_router_add(router, &route), EEXIST);
	route.methods = "PUT";
	CHECK_INT(weft_http_router_add(router, &route), ==, 0);
	route.pattern = "/t";
	CHECK_INT(weft_http_router_add(router, &route), ==, 0);
	CHECK_ERRNO(weft_http_router_add(router, &route), EEXIST);
	route.methods = "FETCH";
	CHECK_ERRNO(weft_http_router_add(router, &route), EINVAL);
	route.methods = "";
	CHECK_ERRNO(weft_http_router_add(router, &route), EINVAL);
	route = (struct weft_http_route){.pattern = "/u"};
	CHECK_ERRNO(weft_http_router_add(router, &route), EINVAL);
	CHECK_ERRNO(weft_http_router_mount(router, "/", NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_http_router_use(router, NULL, NULL), EINVAL);
	weft_http_router_free(router);
	weft_http_router_free(NULL);
}

/* ---- Bounds of a route
 * --------------------------------------------------------------------------- */

static int read_body(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char buffer[64];
	ssize_t len;

	(void)arg;
	while ((len = weft_http_request_read(request, buffer, sizeof(buffer))) > 0)
		;
	return len < 0 ? -1 : weft_http_response_send(response, 204, NULL);
}

static int wait_for_ever(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)response;
	(void)arg;
	return weft_sleep(WEFT_SECONDS(3600));
}

CHECK_CASE(a_route_has_bounds_of_its_own)
{
	open_routes();
	CHECK_INT(weft_http_router_add(router, &(struct weft_http_route){.methods = "POST",
						       .pattern = "/small",
						       .handler = read_body,
						       .body_max = 3}),
		==, 0);
	CHECK_INT(weft_http_router_add(router, &(struct weft_http_route){.pattern = "/slow",
						       .handler = wait_for_ever,
						       .timeout_ns = WEFT_MILLISECONDS(5)}),
		==, 0);
	serve_routes();
	CHECK(has(ask("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
		      "Connection: close\r\n\r\nabc"),
		"204 No Content"));
	CHECK(has(ask("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"), "413 "));
	CHECK_ANSWER("GET /slow", "503 Service Unavailable");
	close_routes();
}

/* ---- Mounts
 * ----------------------------------------------------------------------------------------- */

static int sorry(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	struct weft_http_content content = {"text/plain", arg, strlen(arg)};

	(void)request;
	(void)why;
	return weft_http_response_send(response, status, &content);
}

static int forbid(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)response;
	(void)arg;
	return 403;
}

static int teapot(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)response;
	(void)arg;
	return 418;
}

static const struct weft_http_service plain = {.on_get = tell};
static const struct weft_http_service closed = {
	.on_get = tell, .authorise = forbid, .on_error = sorry};
static const struct weft_http_service odd = {.on_get = teapot, .on_error = sorry};

CHECK_CASE(a_mount_sees_the_rest_of_the_path)
{
	open_routes();
	add("GET", "/app/own", "own");
	add("POST", "/app/both", "post both");
	CHECK_INT(weft_http_router_mount(router, "/app", &plain, "app"), ==, 0);
	CHECK_INT(weft_http_router_mount(router, "/app/deep", &plain, "deep"), ==, 0);
	CHECK_INT(weft_http_router_mount(router, "/u/{id}/files", &plain, "files"), ==, 0);
	CHECK_INT(weft_http_router_mount(router, "/closed", &closed, "sorry, closed"), ==, 0);
	CHECK_INT(weft_http_router_mount(router, "/odd", &odd, "sorry, odd"), ==, 0);
	serve_routes();
	CHECK_ANSWER("GET /app/own", "<own id=none rest=none path=/app/own prefix=>");
	CHECK_ANSWER("GET /app/x/y", "<app id=none rest=none path=/x/y prefix=/app>");
	CHECK_ANSWER("GET /app/", "<app id=none rest=none path=/ prefix=/app>");
	CHECK_ANSWER("GET /app/deep/z", "<deep id=none rest=none path=/z prefix=/app/deep>");
	CHECK_ANSWER("GET /app/deeper", "<app id=none rest=none path=/deeper ");
	CHECK_ANSWER("GET /u/tom/files/a", "<files id=tom rest=none path=/a prefix=/u/tom/files>");
	CHECK_ANSWER("GET /app", "308 Permanent Redirect");
	CHECK_ANSWER("GET /app?x=1", "\r\nLocation: /app/?x=1\r\n");
	CHECK_ANSWER("GET /apple", "404 Not Found");
	CHECK_ANSWER("PUT /app/x", "\r\nAllow: GET, HEAD, OPTIONS\r\n");
	CHECK_ANSWER("GET /app/both", "<app ");
	CHECK_ANSWER("PUT /app/both", "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n");
	CHECK_ANSWER("OPTIONS /app/both", "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n");
	CHECK_ANSWER("GET /closed/x", "403 Forbidden");
	CHECK_ANSWER("GET /closed/x", "\r\n\r\nsorry, closed");
	CHECK_ANSWER("GET /odd/x", "\r\n\r\nsorry, odd");
	close_routes();
}

CHECK_CASE(a_mount_at_the_root_answers_what_no_route_does)
{
	open_routes();
	add("GET", "/own", "own");
	CHECK_INT(weft_http_router_mount(router, "/", &plain, "rest"), ==, 0);
	serve_routes();
	CHECK_ANSWER("GET /own", "<own id=none rest=none path=/own prefix=>");
	CHECK_ANSWER("GET /", "<rest id=none rest=none path=/ prefix=>");
	CHECK_ANSWER("GET /a/b", "<rest id=none rest=none path=/a/b prefix=>");
	CHECK_ANSWER("PUT /a/b", "\r\nAllow: GET, HEAD, OPTIONS\r\n");
	close_routes();
}

CHECK_CASE(what_is_mounted_without_an_error_page_has_that_around_it)
{
	static const struct weft_http_service bare = {.on_get = teapot};
	struct weft_http_service outside = {.on_error = sorry, .parent = &weft_http_router_service};
	struct weft_http_router *inner, *outer;

	open_routes();
	inner = router;
	CHECK_INT(weft_http_router_mount(inner, "/bare", &bare, NULL), ==, 0);
	CHECK_INT(weft_http_router_mount(inner, "/odd", &odd, "sorry, odd"), ==, 0);
	open_routes();
	outer = router;
	CHECK_INT(weft_http_router_mount(outer, "/in", &weft_http_router_service, inner), ==, 0);
	outside.parent_arg = outer;
	site.options = (struct weft_http_server_options){.arg = "sorry, outside"};
	site_open(&outside);
	CHECK_ANSWER("GET /in/bare/x", "\r\n\r\nsorry, outside");
	CHECK_ANSWER("GET /in/nothing", "\r\n\r\nsorry, outside");
	CHECK_ANSWER("PUT /in/bare/x", "\r\n\r\nsorry, outside");
	CHECK_ANSWER("GET /in/odd/x", "\r\n\r\nsorry, odd");
	CHECK_ANSWER("GET /nothing", "\r\n\r\nsorry, outside");
	close_routes();
	weft_http_router_free(inner);
}

CHECK_CASE(routers_and_folders_can_be_mounted)
{
	char dir[] = "/tmp/weft-router-XXXXXX", sub[64];
	struct weft_http_router *outer, *inner;
	struct weft_http_files *files;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	CHECK_INT(mkdir(sub, 0755), ==, 0);
	files = weft_http_files_new(dir, NULL);
	CHECK(files != NULL);
	open_routes();
	outer = router;
	open_routes();
	inner = router;
	add("GET", "/{rest...}", "inner");
	CHECK_INT(weft_http_router_mount(inner, "/f", &weft_http_files_service, files), ==, 0);
	CHECK_INT(weft_http_router_mount(outer, "/{id}", &weft_http_router_service, inner), ==, 0);
	router = outer;
	serve_routes();
	CHECK_ANSWER("GET /a/b/c", "<inner id=a rest=b/c path=/b/c prefix=/a>");
	close_routes();
	weft_http_router_free(inner);

	open_routes();
	outer = router;
	open_routes();
	inner = router;
	CHECK_INT(weft_http_router_mount(inner, "/f", &weft_http_files_service, files), ==, 0);
	CHECK_INT(weft_http_router_mount(outer, "/{id}", &weft_http_router_service, inner), ==, 0);
	router = outer;
	serve_routes();
	CHECK_ANSWER("GET /a%20b/f/", ">sub<");
	CHECK_ANSWER("GET /a%20b/f/sub", "\r\nLocation: ./sub/\r\n");
	close_routes();
	weft_http_router_free(inner);
	weft_http_files_free(files);
	rmdir(sub);
	rmdir(dir);
}

/* ---- Middleware
 * --------------------------------------------------------------------------------------- */

static int wrap(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	int result;

	(void)request;
	CHECK_INT(weft_http_response_field(response, "X-Around", arg), ==, 0);
	result = weft_http_next(next);
	CHECK_ERRNO(weft_http_next(next), EALREADY);
	return result;
}

static int guard(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	(void)response;
	(void)arg;
	if (strcmp(weft_http_request_path(request), "/secret") == 0)
		return 401;
	return weft_http_next(next);
}

CHECK_CASE(middleware_is_around_all_that_a_router_answers)
{
	const char *answer;

	open_routes();
	add("GET", "/open", "open");
	add("GET", "/secret", "secret");
	CHECK_INT(weft_http_router_use(router, wrap, "outer"), ==, 0);
	CHECK_INT(weft_http_router_use(router, guard, NULL), ==, 0);
	CHECK_INT(weft_http_router_use(router, wrap, "inner"), ==, 0);
	serve_routes();
	answer = ask_for("GET /open");
	CHECK(has(answer, "X-Around: outer\r\nX-Around: inner\r\n") && has(answer, "<open "));
	answer = ask_for("GET /secret");
	CHECK(has(answer, "401 Unauthorized") && has(answer, "X-Around: outer\r\n"));
	CHECK(!has(answer, "inner") && !has(answer, "<secret"));
	answer = ask_for("GET /nowhere");
	CHECK(has(answer, "404 Not Found") && has(answer, "X-Around: outer\r\nX-Around: inner"));
	close_routes();
}

CHECK_MAIN()
