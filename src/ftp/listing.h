/*
 * listing.h - lines of an FTP server's listings, as entries.
 *
 * A line is a NUL-terminated string without its line end, and is cut up in place: the
 * entry points into it.
 */
#ifndef WEFT_SRC_FTP_LISTING_H
#define WEFT_SRC_FTP_LISTING_H

#include "weft/ftp_client.h"

/**
 * A line of MLSD or MLST (RFC 3659, section 7): "fact=value;...; name". False: it is none.
 * A name with slashes is left as it is. *ret_is_self: the folder itself, or the one above.
 */
bool weft__ftp_parse_facts(char *line, struct weft_ftp_entry *ret_entry, bool *ret_is_self);

/**
 * A line of LIST as servers on Unix or on DOS write it. now_s: since 1970, for dates without a
 * year. False: it is neither ("total 12").
 */
bool weft__ftp_parse_list(char *line, int64_t now_s, struct weft_ftp_entry *ret_entry);

/** "20261121134500", with or without a fraction: UTC. False: it is none. */
bool weft__ftp_parse_time(const char *text, int64_t *ret_s);

#endif
