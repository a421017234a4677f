/*
 * limits.h - every limit of the HTTP server and client, in one place.
 *
 * What a peer can make them hold, read or wait for is bounded here and
 * nowhere else. docs/http.md lists them for users.
 */
#ifndef WEFT_SRC_HTTP_LIMITS_H
#define WEFT_SRC_HTTP_LIMITS_H

#include <sys/types.h>

#include "weft/api.h"

/* ---- A request's head -------------------------------------------------------- */

/** Longest request line, in bytes without its CRLF. Over it: 414. */
#define WEFT__HTTP_REQUEST_LINE_MAX 8192

/** Longest head, in bytes with all line ends: what a stream's buffer holds. Over it: 431. */
#define WEFT__HTTP_HEAD_MAX 16384

/** Most header fields. Over it: 431. */
#define WEFT__HTTP_FIELDS_MAX 100

/** Largest body of a GET or HEAD that is read and dropped, in bytes. Over it: 413. */
#define WEFT__HTTP_UNUSED_BODY_MAX 65536

/** After so many requests that came at once, their fiber lets the others run. */
#define WEFT__HTTP_PIPELINED_TURN 32

/** Longest body, where the options say nothing. Over it: 413. */
#define WEFT__HTTP_BODY_MAX ((int64_t)1024 * 1024)

/** So much of a body must come within the body timeout: the slowest writer allowed. */
#define WEFT__HTTP_BODY_BLOCK 16384

/** Longest body of an upload to a shared folder, where the options say nothing. Over it: 413. */
#define WEFT__HTTP_UPLOAD_MAX ((int64_t)4 * 1024 * 1024 * 1024)

/** One of so many descriptors is for a file that is being put, if that is enough for two forms. */
#define WEFT__HTTP_UPLOAD_SHARE 16

/** Most files of one form that go to a shared folder: each is open till all have come. */
#define WEFT__HTTP_UPLOAD_FILES_MAX 100

/** Archives and searches at a time; and of one client, or of one visitor with a name. */
#define WEFT__HTTP_WALKS_MAX  8
#define WEFT__HTTP_WALKS_EACH 2

/** A peer that takes nothing for so long loses its place there, when all are taken and asked for.
 */
#define WEFT__HTTP_WALK_HURRY_NS WEFT_SECONDS(3)

/** Once half of the places for files are taken, no client gets more than one of so many. */
#define WEFT__HTTP_UPLOAD_CLIENT_SHARE 8

/** And each block of a body must come so soon: 3 KiB a second. */
#define WEFT__HTTP_UPLOAD_HURRY_NS WEFT_SECONDS(5)

/**
 * What is read of an upload that is refused, so that its sender looks at the answer: browsers send
 * all of a form first. All of it in the time for one block.
 */
#define WEFT__HTTP_UPLOAD_DRAIN_MAX ((int64_t)16 * 1024 * 1024)

/* ---- Time, where the options say nothing -------------------------------------- */

#define WEFT__HTTP_HEADER_TIMEOUT_NS WEFT_SECONDS(10)
#define WEFT__HTTP_IDLE_TIMEOUT_NS   WEFT_SECONDS(60)
#define WEFT__HTTP_WRITE_TIMEOUT_NS  WEFT_SECONDS(30)
#define WEFT__HTTP_BODY_TIMEOUT_NS   WEFT_SECONDS(30)
#define WEFT__HTTP_GRACE_NS          WEFT_SECONDS(10)

/** A connection that is idle so long gives its fiber back until the next byte. */
#define WEFT__HTTP_PARK_AFTER_NS WEFT_SECONDS(1)

/** Bytes of a file that must go out within one write timeout: the slowest reader allowed. */
#define WEFT__HTTP_WRITE_CHUNK ((size_t)256 * 1024)

/** After a last answer, what the peer still sends is read so long and so far, then cut off. */
#define WEFT__HTTP_LINGER_NS        WEFT_SECONDS(2)
#define WEFT__HTTP_LINGER_BYTES_MAX ((size_t)64 * 1024 * 1024)

/** At a stop: how long a request may be under way to a server that waits for none any more. */
#define WEFT__HTTP_LEAVE_NS WEFT_MILLISECONDS(250)

/** Connections of one worker that are looked at for one that can be closed to make room. */
#define WEFT__HTTP_EVICTION_LOOK_MAX 4096

/* ---- The open-file cache, of each worker --------------------------------------- */

/** Largest file that is kept in memory whole, in bytes. */
#define WEFT__HTTP_CACHED_FILE_MAX 16384

/** Open files kept, and the bytes of content they may hold together. */
#define WEFT__HTTP_CACHE_ENTRIES_MAX 512
#define WEFT__HTTP_CACHE_BYTES_MAX   ((size_t)12 * 1024 * 1024)

/** Bytes on the disk of open files kept: so much may stay taken there of what was removed. */
#define WEFT__HTTP_CACHE_HELD_MAX ((off_t)64 * 1024 * 1024)

/** Files that are compressed on the fly, in bytes. */
#define WEFT__HTTP_COMPRESS_MIN 1024
#define WEFT__HTTP_COMPRESS_MAX ((off_t)4 * 1024 * 1024)

/**
 * How long ago a file must have changed before its content is kept: two changes within
 * one tick of a file system's clock can't be told apart.
 */
#define WEFT__HTTP_CACHE_SETTLE_NS WEFT_MILLISECONDS(50)

/* ---- WebSocket, where the options say nothing ----------------------------------- */

/** Longest message received, in bytes, and most frames of one. Over it: closed with 1009. */
#define WEFT__WS_MESSAGE_MAX   ((size_t)1024 * 1024)
#define WEFT__WS_FRAGMENTS_MAX 65536

#define WEFT__WS_PING_INTERVAL_NS     WEFT_SECONDS(30)
#define WEFT__WS_PONG_TIMEOUT_NS      WEFT_SECONDS(10)
#define WEFT__WS_CLOSE_TIMEOUT_NS     WEFT_SECONDS(5)
#define WEFT__WS_HANDSHAKE_TIMEOUT_NS WEFT_SECONDS(10)

/** A WebSocket on which nothing comes for so long gives back memory until something does. */
#define WEFT__WS_REST_AFTER_NS WEFT_SECONDS(1)

/** At a stop, or when cancelled, the peer gets no longer to answer a close. */
#define WEFT__WS_HASTE_NS WEFT_SECONDS(1)

/** Shorter messages are not compressed: it would rather lengthen them. */
#define WEFT__WS_DEFLATE_MIN 64

/** Windows for compression, as powers of two. zlib can't compress with 8. */
#define WEFT__WS_WINDOW_BITS     12
#define WEFT__WS_WINDOW_BITS_MIN 9
#define WEFT__WS_WINDOW_BITS_MAX 15

/* ---- Listings and the log -------------------------------------------------------- */

/** Most names shown of one folder; the page says how many more there are. */
#define WEFT__HTTP_LISTING_ENTRIES_MAX 10000

/** The same as JSON: a page that shows what scrolls into sight takes a folder whole. */
#define WEFT__HTTP_LISTING_JSON_MAX 100000

/** So many more are counted; then it says that there are more yet. */
#define WEFT__HTTP_LISTING_COUNT_MAX 100000

/** Listings that a worker keeps, and the bytes they may hold together. */
#define WEFT__HTTP_LISTINGS_MAX       64
#define WEFT__HTTP_LISTINGS_BYTES_MAX ((size_t)24 * 1024 * 1024)

/** Listings that are compressed, in bytes. */
#define WEFT__HTTP_LISTING_COMPRESS_MAX ((size_t)24 * 1024 * 1024)

/** Bytes of listings that a worker has in all, those that slow readers hold among them: over it
 * 503. */
#define WEFT__HTTP_LISTINGS_ALIVE_MAX ((size_t)64 * 1024 * 1024)

/** How old what a listing says of files may be. */
#define WEFT__HTTP_LISTING_BELIEVE_NS WEFT_SECONDS(1)

/**
 * How long ago a folder must have changed before its listing is believed: two changes within a tick
 * of its file system's clock (2 s of FAT) can't be told apart.
 */
#define WEFT__HTTP_LISTING_SETTLE_NS WEFT_SECONDS(2)

/** Bytes of log lines a worker may be ahead of the disk; lines beyond are counted and dropped. */
#define WEFT__HTTP_LOG_RING_SIZE ((size_t)256 * 1024)

/** Longest line of the access log; what is quoted from the request is cut. */
#define WEFT__HTTP_LOG_LINE_MAX 4096

/** How long a log line waits in memory at most. */
#define WEFT__HTTP_LOG_FLUSH_NS WEFT_MILLISECONDS(500)

/* ---- The client ------------------------------------------------------------------- */

/** Responses of 1xx before the one that counts. Over it the response can't be read. */
#define WEFT__HTTP_INTERIM_MAX 8

/** Redirects, and the time for a step, where the options say nothing. */
#define WEFT__HTTP_REDIRECTS_MAX 10
#define WEFT__HTTP_STALL_NS      WEFT_SECONDS(60)

/** How long leave to send a body is waited for: RFC 9110, section 10.1.1, says: not for ever. */
#define WEFT__HTTP_CONTINUE_NS WEFT_SECONDS(1)

/** So much of a body must be taken within the time for a step. */
#define WEFT__HTTP_SEND_PIECE ((size_t)64 * 1024)

/** What is read and dropped of a redirect's body, so long and so far, to keep its connection. */
#define WEFT__HTTP_DROP_NS        WEFT_SECONDS(1)
#define WEFT__HTTP_DROP_BYTES_MAX ((int64_t)64 * 1024)

/** Connections that a client keeps open while unused, where the options say nothing. */
#define WEFT__HTTP_IDLE_PER_HOST    8
#define WEFT__HTTP_IDLE_TOTAL       64
#define WEFT__HTTP_IDLE_TOTAL_MAX   4096
#define WEFT__HTTP_KEEP_IDLE_FOR_NS WEFT_SECONDS(30)

#endif
