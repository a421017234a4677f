/*
 * page_pack.h - how tools/embed packs the files of web/ for the program: a head, a table, and the
 * bytes of each file in up to three codings. Numbers are the machine's own, offsets from the head.
 *
 *	struct page_pack_head | struct page_pack_file ... | bytes
 */
#ifndef WEFT_SRC_HUB_PAGE_PACK_H
#define WEFT_SRC_HUB_PAGE_PACK_H

#include <stdint.h>

/** The 64 bits of the hash over all files, in hexadecimal digits. */
#define PAGE_PACK_HASH_LEN 16

/** What stands in index.html for it. */
#define PAGE_PACK_HASH_MARK "@HASH-OF-ALL@@@@"

/** Longest name of a file below web/, with its NUL. */
#define PAGE_PACK_NAME_SIZE 64

enum page_pack_coding {
	PAGE_PACK_PLAIN,
	PAGE_PACK_GZIP,
	PAGE_PACK_BROTLI,
	PAGE_PACK_CODINGS, /* how many there are */
};

struct page_pack_head {
	char hash[PAGE_PACK_HASH_LEN + 4]; /* NUL-terminated */
	uint32_t count;
};

struct page_pack_file {
	char name[PAGE_PACK_NAME_SIZE]; /* "core/app.js"; NUL-terminated, in ascending order */
	uint32_t at[PAGE_PACK_CODINGS];
	uint32_t len[PAGE_PACK_CODINGS]; /* 0 of a coding: there is none of it */
};

#endif
