/*
 * server_limits.h - every limit of the FTP server, in one place.
 *
 * What a peer can make it hold, read or wait for is bounded here and nowhere else. docs/ftp.md
 * lists them for users.
 */
#ifndef WEFT_SRC_FTP_SERVER_LIMITS_H
#define WEFT_SRC_FTP_SERVER_LIMITS_H

#include "weft/api.h"

/* ---- Commands -------------------------------------------------------------------- */

/** Longest path from a visitor's home on, with its NUL. */
#define WEFT__FTPD_PATH_SIZE 4096

/** Longest command line with its end: a path and a verb. Over it: 500, and the line is dropped. */
#define WEFT__FTPD_LINE_MAX (WEFT__FTPD_PATH_SIZE + 64)

/** Longest verb, with its NUL: XSHA256. */
#define WEFT__FTPD_VERB_SIZE 8

/** A line that is too long is read so far, then the connection ends. */
#define WEFT__FTPD_LINE_DROP_MAX ((size_t)64 * 1024)

/** Commands before a log-in, and such that nobody knows in a row. Over it: 421. */
#define WEFT__FTPD_EARLY_MAX   50
#define WEFT__FTPD_UNKNOWN_MAX 20

/** Log-ins that fail on one connection. Then: 421. */
#define WEFT__FTPD_LOGINS_MAX 3

/** How long somebody waits for a 530. */
#define WEFT__FTPD_LOGIN_DELAY_NS WEFT_MILLISECONDS(500)

/** Log-ins that fail from one address: so many, and one more each so many seconds. */
#define WEFT__FTPD_FAILURES_BURST 20
#define WEFT__FTPD_FAILURES_EVERY 15

/** NOOPs that come while data flows, and are answered behind it. */
#define WEFT__FTPD_NOOPS_MAX 100000

/** Commands a second of one session, on average and at once; beyond, it is made to wait. */
#define WEFT__FTPD_COMMANDS_RATE  2000
#define WEFT__FTPD_COMMANDS_BURST 4000

/* ---- Names and lists ------------------------------------------------------------- */

/** Connections beyond the bound that are let in at a time, to be told so. */
#define WEFT__FTPD_CONNECTIONS_SPARE 64

/** Longest name or password, with its NUL. */
#define WEFT__FTPD_NAME_SIZE     256
#define WEFT__FTPD_PASSWORD_SIZE 1024

/** Stars of one pattern. */
#define WEFT__FTPD_STARS_MAX 16

/** Entries that STAT shows of a folder: it goes over the control connection. */
#define WEFT__FTPD_STAT_ENTRIES_MAX 2000

/** Interrupted uploads that one server remembers; the oldest is forgotten first. */
#define WEFT__FTPD_RESUMABLE_MAX 4096

/** Shorter uploads are not kept when they are interrupted: they are sooner sent again. */
#define WEFT__FTPD_RESUMABLE_MIN ((size_t)64 * 1024)

/* ---- Transfers ------------------------------------------------------------------- */

/** How often a visitor is looked at again while one of his takes its time. */
#define WEFT__FTPD_LOOK_EVERY_NS WEFT_SECONDS(2)

/* ---- Data connections ------------------------------------------------------------ */

/** Lowest port that PORT and EPRT may name (RFC 2577, section 3). */
#define WEFT__FTPD_ACTIVE_PORT_MIN 1024

/** Ports of the passive range that are tried for one PASV. */
#define WEFT__FTPD_PASSIVE_TRIES_MAX 1024

/** Strangers that are turned away at one data port before it is given up; so many may wait there
 * before the command comes, and the peer beside them. */
#define WEFT__FTPD_STRANGERS_MAX 64

/** What is read, or turned into lines, at a time. */
#define WEFT__FTPD_CHUNK ((size_t)64 * 1024)

/** So much of a file goes by sendfile(2) within one data timeout: the slowest reader allowed. */
#define WEFT__FTPD_SEND_CHUNK ((size_t)256 * 1024)

/**
 * An upload that fails is read on, and dropped, so far, so long, and so many of them at a time: a
 * client that sees its connection reset does not look for the reply that says why.
 */
#define WEFT__FTPD_DRAIN_MAX  ((int64_t)64 * 1024 * 1024)
#define WEFT__FTPD_DRAIN_NS   WEFT_SECONDS(15)
#define WEFT__FTPD_DRAINS_MAX 16

/** How long the end of an upload in the clear waits for the end of the control connection. */
#define WEFT__FTPD_SETTLE_NS WEFT_MILLISECONDS(2)

/** How much faster than allowed a transfer may be for a moment. */
#define WEFT__FTPD_RATE_SLACK_NS WEFT_MILLISECONDS(100)

/** The longest wait of a transfer that is too fast. */
#define WEFT__FTPD_RATE_NAP_NS WEFT_MILLISECONDS(200)

/* ---- Time, where the options say nothing ------------------------------------------ */

#define WEFT__FTPD_LOGIN_TIMEOUT_NS   WEFT_SECONDS(60)
#define WEFT__FTPD_IDLE_TIMEOUT_NS    WEFT_SECONDS(300)
#define WEFT__FTPD_CONNECT_TIMEOUT_NS WEFT_SECONDS(30)
#define WEFT__FTPD_DATA_TIMEOUT_NS    WEFT_SECONDS(60)
#define WEFT__FTPD_GRACE_NS           WEFT_SECONDS(10)

/** For a reply to be taken, and for a handshake. */
#define WEFT__FTPD_REPLY_TIMEOUT_NS     WEFT_SECONDS(30)
#define WEFT__FTPD_HANDSHAKE_TIMEOUT_NS WEFT_SECONDS(20)

/** For the rest of a line to come, once it has begun. */
#define WEFT__FTPD_LINE_TIMEOUT_NS WEFT_SECONDS(60)

/** Silence after which the control connection is looked at by TCP, how often, and how many times
 * without an answer: routers forget what is silent, and hosts go without a word. */
#define WEFT__FTPD_KEEPALIVE_IDLE_S  60
#define WEFT__FTPD_KEEPALIVE_EVERY_S 20
#define WEFT__FTPD_KEEPALIVE_COUNT   6

/** A session that is idle so long gives its fiber back until the next byte. */
#define WEFT__FTPD_PARK_AFTER_NS WEFT_MILLISECONDS(50)

/** For a last word that nobody waits for: it fits the socket's buffer. */
#define WEFT__FTPD_FAREWELL_NS WEFT_MILLISECONDS(20)

/* ---- The log ---------------------------------------------------------------------- */

/** Bytes of lines that wait for the disk; lines beyond are counted and dropped. */
#define WEFT__FTPD_LOG_SIZE ((size_t)256 * 1024)

/** Longest line: a path whose every byte is escaped, and the rest. */
#define WEFT__FTPD_LOG_LINE_MAX (4 * WEFT__FTPD_PATH_SIZE + 1024)

/** How long a line waits in memory at most. */
#define WEFT__FTPD_LOG_FLUSH_NS WEFT_MILLISECONDS(500)

#endif
