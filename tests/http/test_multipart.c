/*
 * test_multipart.c - forms taken apart: what is read, what is refused, and that no cut of the
 * bytes changes either.
 *
 * check: aarch64 valgrind
 */
#include "check.h"
#include "http/multipart.h"
#include "http/part.h"

/* ---- A form as a text: "name|filename|type|content;" for each part, then "." or "!" -------- */

static char outcome[200000];
static size_t outcome_len;

static void note(const char *text, size_t len)
{
	CHECK(outcome_len + len < sizeof(outcome));
	memcpy(outcome + outcome_len, text, len);
	outcome_len += len;
	outcome[outcome_len] = '\0';
}

static void note_part(const struct weft__http_part *part)
{
	note(part->name, strlen(part->name));
	note("|", 1);
	note(part->has_filename ? part->filename : "-",
		part->has_filename ? strlen(part->filename) : 1);
	note("|", 1);
	note(part->has_type ? part->type : "-", part->has_type ? strlen(part->type) : 1);
	note("|", 1);
}

static const char *read_with(
	struct weft__multipart *form, const char *data, size_t len, size_t piece)
{
	static struct weft__http_part part;
	size_t at = 0, there = 0;

	outcome_len = 0;
	outcome[0] = '\0';
	for (;;) {
		size_t used;
		/* In a block of its own size: no byte behind the window is looked at. */
		char *window = malloc(there - at + 1);
		enum weft__multipart_result result;
		const char *why = NULL;

		memcpy(window, data + at, there - at);
		result = weft__multipart_next(form, window, there - at, there == len, &used);
		CHECK(used <= there - at);
		if (result == WEFT__MULTIPART_PART)
			why = weft__http_part_parse(&part, window, used);
		if (result == WEFT__MULTIPART_PART && !why)
			note_part(&part);
		if (result == WEFT__MULTIPART_DATA)
			note(window, used);
		free(window);
		if (result == WEFT__MULTIPART_STOP)
			note(";", 1);
		if (result == WEFT__MULTIPART_END)
			note(".", 1);
		if (result == WEFT__MULTIPART_BAD || why) {
			CHECK(why || form->why);
			return "!";
		}
		if (result == WEFT__MULTIPART_END)
			return outcome;
		at += used;
		if (result == WEFT__MULTIPART_MORE && used == 0) {
			CHECK_INT(there, <, len);
			there = len - there < piece ? len : there + piece;
		}
	}
}

/* Cut in pieces of this size. */
static const char *read_in(const char *data, size_t len, size_t piece)
{
	struct weft__multipart form;

	CHECK(weft__multipart_init(&form, "XX", 2));
	return read_with(&form, data, len, piece);
}

static void expect_form(const char *form, const char *means)
{
	size_t len = strlen(form);

	for (size_t piece = 1; piece <= len + 1; piece++)
		CHECK_STR(read_in(form, len, piece), means);
}

#define NAMED(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

CHECK_CASE(parts_are_read_the_same_however_they_are_cut)
{
	expect_form("--XX\r\n" NAMED("a") "1\r\n--XX--\r\n", "a|-|-|1;.");
	expect_form("--XX\r\n" NAMED("a") "1\r\n--XX\r\n" NAMED("b") "22\r\n--XX--",
		"a|-|-|1;b|-|-|22;.");
	expect_form("--XX\r\n" NAMED("a") "\r\n--XX--\r\n", "a|-|-|;.");
	expect_form("--XX--\r\n", ".");
	expect_form("--XX--", ".");
	expect_form("\r\n--XX\r\n" NAMED("a") "1\r\n--XX--\r\n", "a|-|-|1;.");
	expect_form("before\r\n--XX\r\n" NAMED("a") "1\r\n--XX--\r\nafter", "a|-|-|1;.");
	expect_form("--XX \t\r\n" NAMED("a") "1\r\n--XX-- \t\r\n", "a|-|-|1;.");
	expect_form("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n"
		    "Content-Type: text/plain\r\nX-Other: y\r\n\r\n"
		    "line\r\n--XX--\r\n",
		"f|x.txt|text/plain|line;.");
}

CHECK_CASE(content_may_look_like_half_a_boundary)
{
	expect_form("--XX\r\n" NAMED("a") "\r\n-\r\n--\r\n--X\r\r\n--\r\n--XX--\r\n",
		"a|-|-|\r\n-\r\n--\r\n--X\r\r\n--;.");
	expect_form("--XX\r\n" NAMED("a") "-\n--XX\r\n--XX--\r\n", "a|-|-|-\n--XX;.");
	expect_form("--XX\r\n" NAMED("a") "x--XX\r\n--XX--\r\n", "a|-|-|x--XX;.");
	expect_form("--XX\r\n" NAMED("a") "--X\r\n\r\n--XX--\r\n", "a|-|-|--X\r\n;.");
	expect_form("--XX\r\n" NAMED("a") "\r\r\n--XX--", "a|-|-|\r;.");
}

CHECK_CASE(what_two_programs_could_read_in_two_ways_is_refused)
{
	static const char *const forms[] = {
		"",
		"--XX",
		"--XX\r\n",
		"--XX-",
		"--XX---",
		"--XX--\r",
		"--XX--x",
		"XX--",
		"--XX\r\n--XX--\r\n",          /* a part without a header */
		"--XX\r\n\r\n1\r\n--XX--\r\n", /* an empty one */
		"--XX\r\n" NAMED("a") "1",     /* no end */
		"--XX\r\n" NAMED("a") "1\r\n--XX",
		"--XX\r\n" NAMED("a") "1\r\n--XX\r\n",
		"--XX\r\n" NAMED("a") "1\r\n--XX-",
		"--XX\r\n" NAMED("a") "1\n--XX--\n", /* bare line feeds */
		"--XX\n" NAMED("a") "1\r\n--XX--\r\n",
		"--XX\r\n" NAMED("a") "1\r\n--XX\n--XX--\r\n",
		"--XX\r\n" NAMED("a") "1\r\n--XXY\r\n\r\n--XX--\r\n", /* like a boundary */
		"--XX\r\n" NAMED("a") "1\r\n--XX Y\r\n--XX--\r\n",
		"--XX\r\n" NAMED("a") "1\r\n--XX\rY\r\n--XX--\r\n",
		"--XX\r\n" NAMED("a") "--XX\r\n" NAMED("b") "1\r\n--XX--", /* no line end before */
		"--XX\r\nX: y\r\n\r\n1\r\n--XX--\r\n",                     /* no name */
		"--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--",
		"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		expect_form(forms[i], "!");
}

/* ---- Headers of parts --------------------------------------------------------------------- */

static struct weft__http_part part;

static const char *parse_part(const char *header)
{
	return weft__http_part_parse(&part, header, strlen(header));
}

#define DISPOSITION "Content-Disposition: form-data; "

CHECK_CASE(headers_of_parts_are_strict)
{
	static const char *const headers[] = {
		"\r\n",
		DISPOSITION "name=a\r\n" DISPOSITION "name=a\r\n\r\n",
		DISPOSITION "name=a; name=b\r\n\r\n",
		DISPOSITION "name=a; filename=b; filename=c\r\n\r\n",
		DISPOSITION "name=a;\r\n\r\n",
		DISPOSITION "name\r\n\r\n",
		DISPOSITION "name=\r\n\r\n",
		DISPOSITION "=a\r\n\r\n",
		DISPOSITION "name=\"a\r\n\r\n",
		DISPOSITION "name=\"a\\\"\r\n\r\n",
		DISPOSITION "name=\"a\"x\r\n\r\n",
		DISPOSITION "name=\"a\" filename=b\r\n\r\n",
		DISPOSITION "name=a b\r\n\r\n",
		DISPOSITION "name = a\r\n\r\n",
		"Content-Disposition : form-data; name=a\r\n\r\n",
		"Content-Disposition: form-data;\r\n name=a\r\n\r\n",
		DISPOSITION "name=a\r\nX\r\n\r\n",
		DISPOSITION "name=a\r\n: x\r\n\r\n",
		DISPOSITION "name=a\r\nX: \x01\r\n\r\n",
		DISPOSITION "name=a\nX: y\r\n\r\n",
		DISPOSITION "name=a\rX: y\r\n\r\n",
		DISPOSITION "name=a\r\nContent-Type: x/y\r\nContent-Type: x/y\r\n\r\n",
		DISPOSITION "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		DISPOSITION "name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
		DISPOSITION "name=a; filename*=b\r\n\r\n",
		DISPOSITION "name=a; filename*=\"UTF-8''b\"\r\n\r\n",
		DISPOSITION "name=a; filename*=latin1''b\r\n\r\n",
		DISPOSITION "name=a; filename*=UTF-8''%0\r\n\r\n",
		DISPOSITION "name=a; filename*=UTF-8''%00\r\n\r\n",
		DISPOSITION "name=a; filename*=UTF-8''%ff\r\n\r\n",
		DISPOSITION "name=a; filename=..\r\n\r\n",
		DISPOSITION "name=a; filename=\"dir/\"\r\n\r\n",
		DISPOSITION "name=a; filename*=UTF-8''%2e%2e\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		CHECK(parse_part(headers[i]));
		CHECK(strlen(parse_part(headers[i])) > 10);
	}
	CHECK(!parse_part(DISPOSITION "name=a\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n"));
	CHECK(!parse_part("content-disposition:form-data;name=a\t;\tx=y \r\n\r\n"));
	CHECK_STR(part.name, "a");
	CHECK(!part.has_filename && !part.has_type);
}

CHECK_CASE(a_name_longer_than_its_bound_is_refused)
{
	char header[3000];

	for (int len = WEFT_HTTP_FORM_NAME_MAX; len <= WEFT_HTTP_FORM_NAME_MAX + 1; len++) {
		bool fits = len <= WEFT_HTTP_FORM_NAME_MAX;

		snprintf(header, sizeof(header), DISPOSITION "name=\"%0*d\"\r\n\r\n", len, 0);
		CHECK_INT(!parse_part(header), ==, fits);
		snprintf(header, sizeof(header), DISPOSITION "name=%0*d\r\n\r\n", len, 0);
		CHECK_INT(!parse_part(header), ==, fits);
		snprintf(header, sizeof(header), DISPOSITION "name=a; filename=\"%0*d\"\r\n\r\n",
			len, 0);
		CHECK_INT(!parse_part(header), ==, fits);
		snprintf(header, sizeof(header),
			DISPOSITION "name=a; filename*=UTF-8''%0*d\r\n\r\n", len, 0);
		CHECK_INT(!parse_part(header), ==, fits);
	}
}

CHECK_CASE(names_of_files_are_read_as_their_senders_write_them_and_lead_nowhere)
{
	static const struct {
		const char *sent, *means;
	} names[] = {
		{"filename=\"a.txt\"", "a.txt"},
		{"filename=a.txt", "a.txt"},
		{"filename=\"\"", ""},
		{"filename=\"a%22b%0D%0a.txt\"", "a\"b__.txt"}, /* browsers */
		{"filename=\"100%25.txt\"", "100%25.txt"},      /* which escape nothing else */
		{"filename=\"a%2fb%00c\"", "a%2fb%00c"},
		{"filename=\"a\\\"b.txt\"", "a\"b.txt"},  /* curl, and others */
		{"filename=\"a\\\\b.txt\"", "b.txt"},     /* a backslash is a path's */
		{"filename=\"C:\\dir\\b.txt\"", "b.txt"}, /* a browser of long ago */
		{"filename=\"/etc/passwd\"", "passwd"},
		{"filename=\"../../x\"", "x"},
		{"filename=\"..\\..\\x\"", "x"},
		{"filename=\".hidden\"", ".hidden"},
		{"filename=\"gr\xc3\xbc\xc3\x9f.txt\"", "gr\xc3\xbc\xc3\x9f.txt"},
		{"filename=\"gr\xfc\xdf.txt\"", "gr__.txt"},
		{"filename=\"a\xe2\x80\xae"
		 "b\"",
			"a_b"}, /* right to left */
		{"filename=\"x\"; filename*=UTF-8''gr%c3%bc.txt", "gr\xc3\xbc.txt"},
		{"filename*=utf-8'de'a%2Fb.txt; filename=\"x\"", "b.txt"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char header[300];

		snprintf(header, sizeof(header), DISPOSITION "name=\"f\"; %s\r\n\r\n",
			names[i].sent);
		CHECK(!parse_part(header));
		CHECK(part.has_filename);
		CHECK_STR(part.filename, names[i].means);
	}
}

/* ---- Boundaries ------------------------------------------------------------------------------ */

static int boundary_of(const char *type, struct weft__multipart *form)
{
	struct weft_http_text boundary;
	int result = weft__http_part_boundary(type, strlen(type), &boundary);

	if (result == 1 && !weft__multipart_init(form, boundary.data, boundary.len))
		return -1;
	return result;
}

CHECK_CASE(a_form_has_exactly_one_boundary_by_the_rules)
{
	static const struct {
		const char *type;
		int is;
	} types[] = {
		{"multipart/form-data; boundary=XX", 1},
		{"Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b'()+_,-./:=?\"", 1},
		{"multipart/form-data; boundary="
		 "0123456789012345678901234567890123456789012345678901234567890123456789",
			1},
		{"multipart/form-data; boundary="
		 "01234567890123456789012345678901234567890123456789012345678901234567890",
			-1},
		{"multipart/form-data", -1},
		{"multipart/form-data; boundary=", -1},
		{"multipart/form-data; boundary=\"\"", -1},
		{"multipart/form-data; boundary=\"a \"", -1},
		{"multipart/form-data; boundary=\"a\\\"b\"", -1},
		{"multipart/form-data; boundary=a%b", -1},
		{"multipart/form-data; boundary=a; boundary=b", -1},
		{"multipart/form-data; boundary=a;", -1},
		{"multipart/form-data, boundary=a", -1},
		{"multipart/form-data boundary=a", -1},
		{"multipart/form-data2; boundary=a", 0},
		{"multipart/mixed; boundary=a", 0},
		{"application/x-www-form-urlencoded", 0},
		{"multipart/form-dat", 0},
		{"", 0},
	};
	struct weft__multipart form;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		CHECK_INT(boundary_of(types[i].type, &form), ==, types[i].is);
}

/* ---- Limits -------------------------------------------------------------------------- */

/* Whether a form of these parts, around len bytes of a filling, is read; all cuts agree. */
static bool is_read(const char *before, size_t len, const char *behind)
{
	static char form[20000];
	size_t before_len = strlen(before), behind_len = strlen(behind);
	bool result;

	CHECK(before_len + len + behind_len < sizeof(form));
	memcpy(form, before, before_len);
	memset(form + before_len, 'x', len);
	memcpy(form + before_len + len, behind, behind_len);
	len += before_len + behind_len;
	result = read_in(form, len, len)[0] != '!';
	for (size_t piece = 1; piece < len; piece += piece / 2 + 61)
		CHECK_INT(read_in(form, len, piece)[0] != '!', ==, result);
	return result;
}

CHECK_CASE(each_limit_holds_to_the_byte)
{
	static const char start[] = "--XX\r\n" DISPOSITION "name=a\r\nX: ";
	size_t most = WEFT_HTTP_FORM_HEADER_MAX - (sizeof(start) - 7) - 4;

	CHECK(is_read(start, most, "\r\n\r\n1\r\n--XX--"));
	CHECK(!is_read(start, most + 1, "\r\n\r\n1\r\n--XX--"));
	CHECK(is_read("", WEFT__MULTIPART_PREAMBLE_MAX, "\r\n--XX--"));
	CHECK(!is_read("", WEFT__MULTIPART_PREAMBLE_MAX + 1, "\r\n--XX--"));
	CHECK(is_read("--XX--\r\n", WEFT__MULTIPART_EPILOGUE_MAX - 2, ""));
	CHECK(!is_read("--XX--\r\n", WEFT__MULTIPART_EPILOGUE_MAX - 1, ""));
}

CHECK_CASE(blanks_behind_a_boundary_and_parts_are_bounded)
{
	static char form[WEFT_HTTP_FORM_PARTS_MAX * 70 + 1000];

	for (int blanks = WEFT__MULTIPART_PADDING_MAX; blanks <= WEFT__MULTIPART_PADDING_MAX + 1;
		blanks++) {
		snprintf(form, sizeof(form), "--XX%*s\r\n" NAMED("a") "1\r\n--XX--", blanks, "");
		CHECK_INT(read_in(form, strlen(form), 7)[0] != '!', ==,
			blanks == WEFT__MULTIPART_PADDING_MAX);
	}
	for (int parts = WEFT_HTTP_FORM_PARTS_MAX; parts <= WEFT_HTTP_FORM_PARTS_MAX + 1; parts++) {
		size_t len = 0;

		for (int i = 0; i < parts; i++)
			len += (size_t)snprintf(
				form + len, sizeof(form) - len, "--XX\r\n" NAMED("a") "\r\n");
		len += (size_t)snprintf(form + len, sizeof(form) - len, "--XX--");
		CHECK_INT(
			read_in(form, len, 4096)[0] != '!', ==, parts == WEFT_HTTP_FORM_PARTS_MAX);
	}
}

CHECK_CASE(a_random_body_comes_out_as_it_went_in)
{
	static const char letters[] = "\r\n-X";
	unsigned seed = 1;

	for (unsigned round = 0; round < check_rounds(3000); round++) {
		char content[40], form[300], means[100];
		size_t len = rand_r(&seed) % (sizeof(content) - 1);
		int form_len, means_len;

		for (size_t i = 0; i < len; i++)
			content[i] = letters[(unsigned)rand_r(&seed) % 4];
		content[len] = '\0';
		if (strstr(content, "\r\n--XX") || strncmp(content, "--XX", 4) == 0)
			continue;
		form_len =
			snprintf(form, sizeof(form), "--XX\r\n" NAMED("a") "%s\r\n--XX--", content);
		means_len = snprintf(means, sizeof(means), "a|-|-|%s;.", content);
		CHECK(form_len > 0 && means_len > 0);
		CHECK_STR(read_in(form, (size_t)form_len, 1 + (unsigned)rand_r(&seed) % 20), means);
	}
}

CHECK_MAIN()
