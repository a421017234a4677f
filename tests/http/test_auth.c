/*
 * test_auth.c - src/http/auth.c: credentials in requests, hostile ones too; authorise() of
 * services and their parents.
 *
 * check: tsan drivers
 */
#include "http/auth.h"

#include "http/site.h"

/* ---- Basic -------------------------------------------------------------------------------------
 */

static const struct {
	const char *value;
	int code;
	const char *user, *password;
} basics[] = {
	/* RFC 7617: its examples. */
	{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 0, "Aladdin", "open sesame"},
	{"Basic dGVzdDoxMjPCow==", 0, "test", "123\xc2\xa3"},
	{"basic dGVzdDoxMjPCow==", 0, "test", "123\xc2\xa3"},
	{"BASIC   dGVzdDoxMjPCow==", 0, "test", "123\xc2\xa3"}, {"Basic Og==", 0, "", ""},
	{"Basic YTo=", 0, "a", ""},
	{"Basic YTpiOmM=", 0, "a", "b:c"}, /* only the first colon parts them */
	/* Another scheme is none of ours. */
	{"", ENOENT, NULL, NULL}, {"Bearer abc", ENOENT, NULL, NULL},
	{"Basi YTpi", ENOENT, NULL, NULL}, {"Basics YTpi", ENOENT, NULL, NULL},
	{"Digest username=\"a\"", ENOENT, NULL, NULL},
	/* What can't be read. */
	{"Basic", EBADMSG, NULL, NULL}, {"Basic ", EBADMSG, NULL, NULL},
	{"Basic\tYTpi", EBADMSG, NULL, NULL}, {"Basic=YTpi", EBADMSG, NULL, NULL},
	{"Basic YTpi ", EBADMSG, NULL, NULL}, {"Basic YTpi YTpi", EBADMSG, NULL, NULL},
	{"Basic YTpi,YTpi", EBADMSG, NULL, NULL}, {"Basic YTp", EBADMSG, NULL, NULL},
	{"Basic YTo", EBADMSG, NULL, NULL},
	{"Basic YT==", EBADMSG, NULL, NULL},     /* bits left over */
	{"Basic YTo_", EBADMSG, NULL, NULL},     /* base64url */
	{"Basic YQ==", EBADMSG, NULL, NULL},     /* no colon */
	{"Basic YToA", EBADMSG, NULL, NULL},     /* NUL */
	{"Basic YToK", EBADMSG, NULL, NULL},     /* LF */
	{"Basic YTp/", EBADMSG, NULL, NULL},     /* DEL */
	{"Basic YTrp", EBADMSG, NULL, NULL},     /* Latin-1 */
	{"Basic YTrAgA==", EBADMSG, NULL, NULL}, /* an overlong NUL */
	{"Basic YTrtoIA=", EBADMSG, NULL, NULL}, /* a surrogate */
};

CHECK_CASE(basic_credentials_are_read_in_one_way_or_not_at_all)
{
	for (size_t i = 0; i < sizeof(basics) / sizeof(*basics); i++) {
		size_t len = strlen(basics[i].value);
		char *value = malloc(len + 1); /* no byte more: the sanitizer looks */
		struct weft_http_basic basic = {"untouched", "untouched"};
		int result;

		memcpy(value, basics[i].value, len);
		value = realloc(value, len ? len : 1);
		errno = 0;
		result = weft__http_auth_basic(value, len, &basic);
		free(value);
		if ((result == 0 ? 0 : errno) != basics[i].code)
			check_fail(__FILE__, __LINE__, "\"%s\": %d, errno %d", basics[i].value,
				result, errno);
		CHECK_STR(basic.user, basics[i].user ? basics[i].user : "untouched");
		CHECK_STR(basic.password, basics[i].password ? basics[i].password : "untouched");
	}
}

CHECK_CASE(names_and_passwords_have_a_longest)
{
	static const struct {
		size_t user_len, password_len;
		int code;
	} pairs[] = {{255, 255, 0}, {256, 1, EMSGSIZE}, {1, 256, EMSGSIZE}, {0, 4000, EMSGSIZE},
		{255, 0, 0}, {0, 255, 0}, {300, 200, EMSGSIZE}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char pair[8192], encoded[12000], value[12100];
		struct weft_http_basic basic;
		FILE *in;
		int result;

		memset(pair, 'x', sizeof(pair));
		pair[pairs[i].user_len] = ':';
		pair[pairs[i].user_len + 1 + pairs[i].password_len] = '\0';
		setenv("PAIR", pair, 1);
		in = popen("printf %s \"$PAIR\" | base64 -w 0", "r");
		CHECK(in && fgets(encoded, sizeof(encoded), in));
		CHECK_INT(pclose(in), ==, 0);
		snprintf(value, sizeof(value), "Basic %s", encoded);
		result = weft__http_auth_basic(value, strlen(value), &basic);
		CHECK_INT(result == 0 ? 0 : errno, ==, pairs[i].code);
		if (result == 0) {
			CHECK_INT(strlen(basic.user), ==, pairs[i].user_len);
			CHECK_INT(strlen(basic.password), ==, pairs[i].password_len);
		}
	}
}

/* ---- Bearer ------------------------------------------------------------------------------------
 */

CHECK_CASE(a_bearer_token_is_one_token)
{
	static const struct {
		const char *value;
		int code;
		const char *token;
	} bearers[] = {
		{"Bearer mF_9.B5f-4.1JqM", 0, "mF_9.B5f-4.1JqM"},
		{"bearer  a~b+c/d==", 0, "a~b+c/d=="},
		{"Bearer", EBADMSG, NULL},
		{"Bearer ", EBADMSG, NULL},
		{"Bearer =", EBADMSG, NULL},
		{"Bearer a=b", EBADMSG, NULL},
		{"Bearer a b", EBADMSG, NULL},
		{"Bearer a,b", EBADMSG, NULL},
		{"Bearer a\"", EBADMSG, NULL},
		{"Bearer \xc3\xa9", EBADMSG, NULL},
		{"Basic YTpi", ENOENT, NULL},
	};

	for (size_t i = 0; i < sizeof(bearers) / sizeof(*bearers); i++) {
		struct weft_http_text token = {NULL, 0};
		int result =
			weft__http_auth_bearer(bearers[i].value, strlen(bearers[i].value), &token);

		CHECK_INT(result == 0 ? 0 : errno, ==, bearers[i].code);
		CHECK_INT(token.len, ==, bearers[i].token ? strlen(bearers[i].token) : 0);
		CHECK(!token.data || memcmp(token.data, bearers[i].token, token.len) == 0);
	}
}

/* ---- Services ----------------------------------------------------------------------------------
 */

/* Says who asks, and over what. */
static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *user = weft_http_request_user(request);
	char text[400];
	struct weft_http_content content = {"text/plain", text, 0};

	(void)arg;
	CHECK(weft_http_request_tls(request) == NULL);
	content.len = (size_t)snprintf(text, sizeof(text), "for %s by %s", user ? user : "nobody",
		weft_http_request_scheme(request));
	return weft_http_response_send(response, 200, &content);
}

/* Lets in who knows the password that is arg; /open anybody; /elsewhere it answers itself. */
static int authorise(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_path(request);
	struct weft_http_basic basic;

	if (strcmp(path, "/open") == 0)
		return 0;
	if (strcmp(path, "/elsewhere") == 0)
		return weft_http_response_redirect(response, 303, "/login");
	if (weft_http_request_basic(request, &basic) == 0 && strcmp(basic.password, arg) == 0)
		return weft_http_request_set_user(request, basic.user);
	CHECK_INT(weft_http_response_ask_basic(response, "the \"old\" arch\\ive"), ==, 0);
	return 401;
}

static const struct weft_http_service guarded = {.on_get = on_get, .authorise = authorise};

#define LAST    "Connection: close\r\n\r\n"
#define AS_TEST "Authorization: Basic dGVzdDpvcGVu\r\n" /* test:open */

CHECK_CASE(who_is_not_known_is_asked_and_who_is_gets_in)
{
	const char *answer;

	site.options.arg = "open";
	site_open(&guarded);
	answer = ask("GET / HTTP/1.1\r\nHost: x\r\n" LAST);
	CHECK_MEM(answer, "HTTP/1.1 401 Unauthorized\r\n", 27);
	CHECK(has(answer, "\r\nWWW-Authenticate: Basic realm=\"the \\\"old\\\" arch\\\\ive\", "
			  "charset=\"UTF-8\"\r\n"));
	CHECK(!has(answer, "for nobody"));
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n" AS_TEST LAST), "for test by http"));
	/* Of two, nobody knows which a server before us has looked at. */
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n" AS_TEST AS_TEST LAST), " 401 "));
	site_close();
}

CHECK_CASE(who_asks_is_forgotten_before_the_next_request)
{
	const char *answers;

	site.options.arg = "open";
	site_open(&guarded);
	answers = ask("GET / HTTP/1.1\r\nHost: x\r\n" AS_TEST "\r\n"
		      "GET /open HTTP/1.1\r\nHost: x\r\n" LAST);
	CHECK(has(answers, "for test"));
	CHECK(has(answers, "for nobody"));
	site_close();
}

static int authorise_by_path(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {"text/plain", weft_http_request_path(request), 0};

	(void)arg;
	content.len = strlen(content.data);
	return weft_http_response_send(response, 403, &content);
}

CHECK_CASE(what_is_asked_of_the_server_as_a_whole_has_a_path_too)
{
	static const struct weft_http_service by_path = {
		.on_get = on_get, .authorise = authorise_by_path};
	const char *answers;

	site_open(&by_path);
	answers = ask("GET /long/path HTTP/1.1\r\nHost: x\r\n\r\n"
		      "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"
		      "GET http://x HTTP/1.1\r\nHost: x\r\n" LAST);
	CHECK(has(answers, "\r\n\r\n/long/pathHTTP/1.1 "));
	CHECK(has(answers, "\r\n\r\n*HTTP/1.1 "));
	CHECK_STR(strrchr(answers, '\n'), "\n/");
	site_close();
}

CHECK_CASE(nothing_is_told_before_that_whatever_the_method)
{
	static const char *const requests[] = {
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" LAST,
		"OPTIONS / HTTP/1.1\r\nHost: x\r\n" LAST,
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n" LAST,
		"WONDER / HTTP/1.1\r\nHost: x\r\n" LAST,
		"TRACE / HTTP/1.1\r\nHost: x\r\n" LAST,
		"HEAD / HTTP/1.1\r\nHost: x\r\n" LAST,
		"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n" LAST,
	};

	site.options.arg = "open";
	site_open(&guarded);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const char *answer = ask(requests[i]);

		CHECK_MEM(answer, "HTTP/1.1 401 ", 13);
		CHECK(!has(answer, "Allow:"));
	}
	CHECK(has(ask("OPTIONS / HTTP/1.1\r\nHost: x\r\n" AS_TEST LAST),
		"\r\nAllow: GET, HEAD, OPTIONS"));
	site_close();
}

CHECK_CASE(one_that_answers_itself_has_the_last_word)
{
	const char *answer;

	site.options.arg = "open";
	site_open(&guarded);
	answer = ask("GET /elsewhere HTTP/1.1\r\nHost: x\r\n" LAST);
	CHECK_MEM(answer, "HTTP/1.1 303 ", 13);
	CHECK(!strstr(answer + 1, "HTTP/1.1 "));
	site_close();
}

static const struct weft_http_service child = {
	.on_get = on_get, .parent = &guarded, .parent_arg = "parents"};

static int let_in(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)response;
	CHECK_STR(arg, "own");
	return weft_http_request_set_user(request, "anybody");
}

static const struct weft_http_service open_child = {
	.authorise = let_in, .parent = &guarded, .parent_arg = "parents"};

CHECK_CASE(a_parents_authorise_holds_for_its_children_unless_they_have_one)
{
	site.options.arg = "own";
	site_open(&child);
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n" AS_TEST LAST), " 401 "));
	/* test:parents */
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n"
		      "Authorization: Basic dGVzdDpwYXJlbnRz\r\n" LAST),
		"for test"));
	site_close();
	site_open(&open_child);
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n" LAST), "for anybody"));
	site_close();
}

static int ask_strangely(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)arg;
	CHECK_ERRNO(weft_http_response_ask_basic(response, "a\r\nSet-Cookie: b"), EINVAL);
	CHECK_ERRNO(weft_http_response_ask_basic(response, "caf\xe9"), EINVAL);
	CHECK_ERRNO(weft_http_response_ask_bearer(response, "a", "b\"c"), EINVAL);
	CHECK_INT(weft_http_response_ask_bearer(response, "caf\xc3\xa9", "invalid_token"), ==, 0);
	return 401;
}

static const struct weft_http_service strange = {.on_get = ask_strangely};

CHECK_CASE(a_challenge_can_not_smuggle_a_field)
{
	site_open(&strange);
	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\n" LAST),
		"\r\nWWW-Authenticate: Bearer realm=\"caf\xc3\xa9\", error=\"invalid_token\"\r\n"));
	site_close();
}

CHECK_MAIN()
