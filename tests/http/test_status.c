/*
 * test_status.c - tests src/http/status.c: phrases, and the statuses of what the system says.
 */
#include "check.h"

#include "weft/http.h"

CHECK_CASE(what_the_system_says_has_a_status_that_tells_whose_fault_it_is)
{
	static const struct {
		int code, status;
	} rows[] = {{ENOENT, 404}, {ENOTDIR, 404}, {EACCES, 403}, {EPERM, 403}, {EROFS, 403},
		{ENOSPC, 507}, {EDQUOT, 507}, {ENAMETOOLONG, 414}, {EEXIST, 409}, {ENOTEMPTY, 409},
		{ESTALE, 412}, {EFBIG, 413}, {EMSGSIZE, 413}, {EINVAL, 400}, {EMFILE, 503},
		{ENOMEM, 503}, {ECANCELED, 503}, {ETIMEDOUT, 504}, {ECONNREFUSED, 502},
		{ENOTSUP, 501}, {EOPNOTSUPP, 501}, {ENOSYS, 501}, {EIO, 500}, {EFAULT, 500},
		{0, 500}, {-1, 500}, {1000000, 500}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (weft_http_status_of_errno(rows[i].code) != rows[i].status)
			check_fail(__FILE__, __LINE__, "errno %d: %d", rows[i].code,
				weft_http_status_of_errno(rows[i].code));
}

CHECK_CASE(each_status_of_an_errno_has_a_phrase)
{
	for (int code = 0; code < 200; code++)
		CHECK(strcmp(weft_http_status_phrase(weft_http_status_of_errno(code)), "Unknown"));
	CHECK_STR(weft_http_status_phrase(599), "Unknown");
}

CHECK_MAIN()
