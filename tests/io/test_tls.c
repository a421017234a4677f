/*
 * test_tls.c - TLS on streams: what both sides agree on, and what they refuse.
 *
 * check: drivers valgrind tsan
 */
#include "io/certificates.h"
#include "io/tls_pair.h"

/* ---- What works ------------------------------------------------------------------------ */

BOTH_CASE(a_line_goes_there_and_back_encrypted)
{
	struct pair pair;

	pair_make(&pair, NULL, NULL);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	CHECK_STR(weft_stream_tls(pair.client)->version, "TLSv1.3");
	pair_end(&pair);
}

CHECK_MAIN()
