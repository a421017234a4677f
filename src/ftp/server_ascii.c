/*
 * server_ascii.c - line ends of TYPE A (RFC 959, section 3.1.1.1), both ways.
 *
 *	file: "a\n"     wire: "a\r\n"
 *	file: "a\r\n"   wire: "a\r\r\n"		and so back, byte for byte
 *
 * Never: guesses. A file that has CR LF of its own is not spared its second CR, or it would come
 * back without the first.
 */
#include <string.h>

#include "ftp/server.h"

size_t weft__ftpd_ascii_encode(const char *data, size_t len, char *ret_out)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			ret_out[out++] = '\r';
		ret_out[out++] = data[i];
	}
	return out;
}

size_t weft__ftpd_ascii_decode(const char *data, size_t len, bool *has_cr, char *ret_out)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (*has_cr && data[i] != '\n')
			ret_out[out++] = '\r';
		*has_cr = data[i] == '\r';
		if (!*has_cr)
			ret_out[out++] = data[i];
	}
	return out;
}
