/*
 * test_url.c - tests src/http/url.c: URLs taken apart, refused, and referred to.
 */
#include "check.h"

#include "weft/http_client.h"

CHECK_CASE(a_url_has_one_form)
{
	static const struct {
		const char *from, *text, *host, *target;
		unsigned port;
	} good[] = {
		{"http://a", "http://a/", "a", "/", 80},
		{"HTTPS://Example.ORG:443", "https://example.org/", "example.org", "/", 443},
		{"http://a:443/", "http://a:443/", "a", "/", 443},
		{"http://a:080?q#f", "http://a/?q", "a", "/?q", 80},
		{"http://a:/b", "http://a/b", "a", "/b", 80},
		{"http://a.b-c_d.:8080/x?y=?/../z", "http://a.b-c_d.:8080/x?y=?/../z", "a.b-c_d.",
			"/x?y=?/../z", 8080},
		{"http://a#http://b", "http://a/", "a", "/", 80},
		{"http://192.0.2.7:65535/", "http://192.0.2.7:65535/", "192.0.2.7", "/", 65535},
		{"http://[::1]/", "http://[::1]/", "::1", "/", 80},
		{"https://[2001:DB8:0:0::7]:8443/a", "https://[2001:db8::7]:8443/a", "2001:db8::7",
			"/a", 8443},
		{"http://[::ffff:192.0.2.7]/", "http://[::ffff:192.0.2.7]/", "::ffff:192.0.2.7",
			"/", 80},
		{"http://a/b c\"<>\\^`{|}[]", "http://a/b%20c%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D",
			"a", "/b%20c%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D", 80},
		{"http://a/\xc3\xa9?\xff", "http://a/%C3%A9?%FF", "a", "/%C3%A9?%FF", 80},
		{"http://a/%41%2f%zz?%", "http://a/%41%2f%zz?%", "a", "/%41%2f%zz?%", 80},
		{"http://a/!$&'()*+,;=:@-._~", "http://a/!$&'()*+,;=:@-._~", "a",
			"/!$&'()*+,;=:@-._~", 80},
		{"http://a/b/./c/../d", "http://a/b/d", "a", "/b/d", 80},
		{"http://a/../../b", "http://a/b", "a", "/b", 80},
		{"http://a/b/..", "http://a/", "a", "/", 80},
		{"http://a/b/.", "http://a/b/", "a", "/b/", 80},
		{"http://a/..", "http://a/", "a", "/", 80},
		{"http://a//b/...//..c/.d", "http://a//b/...//..c/.d", "a", "//b/...//..c/.d", 80},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		enum weft_http_url_fault fault = WEFT_HTTP_URL_LONG;
		struct weft_http_url *url = weft_http_url_parse(good[i].from, &fault), *again;

		if (!url)
			check_fail(__FILE__, __LINE__, "%s: fault %d", good[i].from, fault);
		CHECK_INT(fault, ==, WEFT_HTTP_URL_GOOD);
		CHECK_STR(url->text, good[i].text);
		CHECK_STR(url->host, good[i].host);
		CHECK_STR(url->target, good[i].target);
		CHECK_INT(url->port, ==, good[i].port);
		again = weft_http_url_parse(url->text, NULL);
		CHECK(again != NULL);
		CHECK_STR(again->text, url->text);
		CHECK_INT(again->is_https, ==, url->is_https);
		weft_http_url_free(again);
		weft_http_url_free(url);
	}
}

CHECK_CASE(what_is_no_url_is_refused_and_the_fault_says_why)
{
	static const struct {
		const char *text;
		enum weft_http_url_fault fault;
	} bad[] = {
		{"", WEFT_HTTP_URL_SCHEME},
		{"example.org", WEFT_HTTP_URL_SCHEME},
		{"//example.org/", WEFT_HTTP_URL_SCHEME},
		{"ftp://a/", WEFT_HTTP_URL_SCHEME},
		{"file:///etc/passwd", WEFT_HTTP_URL_SCHEME},
		{"http:/a", WEFT_HTTP_URL_SCHEME},
		{" http://a/", WEFT_HTTP_URL_SCHEME},
		{"http://a/\r\nX: y", WEFT_HTTP_URL_CONTROL},
		{"http://a\n/", WEFT_HTTP_URL_CONTROL},
		{"http://a/\tb", WEFT_HTTP_URL_CONTROL},
		{"http://a/\x7f", WEFT_HTTP_URL_CONTROL},
		{"http://a/#\n", WEFT_HTTP_URL_CONTROL},
		{"http://user@a/", WEFT_HTTP_URL_USERINFO},
		{"http://user:pass@a/", WEFT_HTTP_URL_USERINFO},
		{"http://@a/", WEFT_HTTP_URL_USERINFO},
		{"http://a\\@b/", WEFT_HTTP_URL_USERINFO},
		{"http://", WEFT_HTTP_URL_HOST},
		{"http:///a", WEFT_HTTP_URL_HOST},
		{"http://:80/", WEFT_HTTP_URL_HOST},
		{"http://a b/", WEFT_HTTP_URL_HOST},
		{"http://a\\b/", WEFT_HTTP_URL_HOST},
		{"http://a%20b/", WEFT_HTTP_URL_HOST},
		{"http://a,b/", WEFT_HTTP_URL_HOST},
		{"http://\xc3\xa9/", WEFT_HTTP_URL_HOST},
		{"http://.a/", WEFT_HTTP_URL_HOST},
		{"http://a..b/", WEFT_HTTP_URL_HOST},
		{"http://[]/", WEFT_HTTP_URL_HOST},
		{"http://[::1/", WEFT_HTTP_URL_HOST},
		{"http://[::1]80/", WEFT_HTTP_URL_HOST},
		{"http://[fe80::1%25eth0]/", WEFT_HTTP_URL_HOST},
		{"http://[::g]/", WEFT_HTTP_URL_HOST},
		{"http://[127.0.0.1]/", WEFT_HTTP_URL_HOST},
		{"http://::1/", WEFT_HTTP_URL_HOST},
		{"http://a:0/", WEFT_HTTP_URL_PORT},
		{"http://a:65536/", WEFT_HTTP_URL_PORT},
		{"http://a:4294967376/", WEFT_HTTP_URL_PORT},
		{"http://a:99999999999999999999/", WEFT_HTTP_URL_PORT},
		{"http://a:-1/", WEFT_HTTP_URL_PORT},
		{"http://a:+80/", WEFT_HTTP_URL_PORT},
		{"http://a:80:80/", WEFT_HTTP_URL_PORT},
		{"http://a:http/", WEFT_HTTP_URL_PORT},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;

		CHECK_ERRNO(weft_http_url_parse(bad[i].text, &fault), EINVAL);
		if (fault != bad[i].fault)
			check_fail(__FILE__, __LINE__, "%s: fault %d", bad[i].text, fault);
		CHECK(weft_http_url_fault_text(fault)[0] != '\0');
	}
}

CHECK_CASE(a_host_has_253_bytes_at_most_and_a_url_8000)
{
	char text[WEFT_HTTP_URL_MAX + 100] = "http://";
	enum weft_http_url_fault fault;
	struct weft_http_url *url;

	memset(text + 7, 'a', 253);
	url = weft_http_url_parse(text, NULL);
	CHECK(url && strlen(url->host) == 253);
	weft_http_url_free(url);
	text[7 + 253] = 'a';
	CHECK_ERRNO(weft_http_url_parse(text, &fault), EINVAL);
	CHECK_INT(fault, ==, WEFT_HTTP_URL_HOST);

	memset(text, 'a', sizeof(text));
	memcpy(text, "http://a/", 9);
	text[WEFT_HTTP_URL_MAX] = '\0';
	url = weft_http_url_parse(text, NULL);
	CHECK(url && strlen(url->text) == WEFT_HTTP_URL_MAX);
	weft_http_url_free(url);
	text[10] = ' '; /* two bytes longer, once it is encoded */
	CHECK_ERRNO(weft_http_url_parse(text, &fault), EINVAL);
	CHECK_INT(fault, ==, WEFT_HTTP_URL_LONG);
	text[10] = 'a';
	text[WEFT_HTTP_URL_MAX] = 'a';
	text[WEFT_HTTP_URL_MAX + 1] = '\0';
	CHECK_ERRNO(weft_http_url_parse(text, &fault), EINVAL);
	CHECK_INT(fault, ==, WEFT_HTTP_URL_LONG);
}

/* Those of RFC 3986, section 5.4, that have an http URL as their result, and our own. */
CHECK_CASE(references_are_resolved_as_rfc_3986_section_5_4_lists_them)
{
	static const struct {
		const char *reference, *text;
	} good[] = {
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../g", "http://a/g"},
		{"../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"https://B:8/x", "https://b:8/x"},
		{"//b:9?x", "http://b:9/?x"},
		{"./a:b", "http://a/b/c/a:b"},
		{"?a:b", "http://a/b/c/d;p?a:b"},
		{"g h", "http://a/b/c/g%20h"},
	};
	struct weft_http_url *base = weft_http_url_parse("http://a/b/c/d;p?q", NULL);

	CHECK(base != NULL);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct weft_http_url *url = weft_http_url_resolve(base, good[i].reference, NULL);

		CHECK(url != NULL);
		CHECK_STR(url->text, good[i].text);
		weft_http_url_free(url);
	}
	weft_http_url_free(base);
}

CHECK_CASE(references_to_elsewhere_are_refused)
{
	static const struct {
		const char *reference;
		enum weft_http_url_fault fault;
	} bad[] = {
		{"g:h", WEFT_HTTP_URL_SCHEME},
		{"http:g", WEFT_HTTP_URL_SCHEME},
		{"javascript:alert(1)", WEFT_HTTP_URL_SCHEME},
		{"file:///etc/passwd", WEFT_HTTP_URL_SCHEME},
		{"//user@b/", WEFT_HTTP_URL_USERINFO},
		{"///b", WEFT_HTTP_URL_HOST},
		{"/a\r\nX: y", WEFT_HTTP_URL_CONTROL},
	};
	struct weft_http_url *base = weft_http_url_parse("https://a", NULL), *url;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;

		CHECK_ERRNO(weft_http_url_resolve(base, bad[i].reference, &fault), EINVAL);
		CHECK_INT(fault, ==, bad[i].fault);
	}
	url = weft_http_url_resolve(base, "x", NULL);
	CHECK_STR(url->text, "https://a/x");
	weft_http_url_free(url);
	weft_http_url_free(base);
}

CHECK_MAIN()
