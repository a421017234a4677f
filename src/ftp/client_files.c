/*
 * client_files.c - one command each: where one is, rename, delete, folders, times, sums.
 *
 * Entry points: weft_ftp_client_pwd(), _cwd(), _rename(), _delete(), _mkdir(), _rmdir(),
 * _chmod(), _noop(), _size(), _modified(), _set_modified(), _hash(); weft_ftp_name_is_safe().
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ftp/client.h"
#include "ftp/listing.h"

/* ---- Names from outside --------------------------------------------------------------- */

static bool is_part(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, ".weft-", 6) == 0 && len >= 11 && strcmp(name + len - 5, ".part") == 0;
}

bool weft_ftp_name_is_safe(const char *name)
{
	size_t len = strnlen(name, NAME_MAX + 1);

	if (len == 0 || len > NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		if (*at < 0x20 || *at == 0x7f || *at == '/')
			return false;
	return !is_part(name);
}

/* ---- Where one is --------------------------------------------------------------------- */

/* "/a ""quoted"" name" and something behind it, cut out in place: RFC 959, appendix II. */
static bool unquote(char *text)
{
	char *to = text;

	if (*text++ != '"')
		return false;
	for (; *text; text++) {
		if (*text == '"' && *++text != '"') {
			*to = '\0';
			return true;
		}
		*to++ = *text;
	}
	return false;
}

const char *weft_ftp_client_pwd(struct weft_ftp_client *client)
{
	char *folder;
	int code;

	if (client->folder)
		return client->folder;
	code = weft__ftp_ask(client, "PWD", NULL);
	if (code < 0)
		return NULL;
	if (code != 257) {
		weft__ftp_fail_reply(client, "PWD");
		return NULL;
	}
	folder = strdup(weft_str_text(&client->reply.text));
	if (!folder) {
		weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
		return NULL;
	}
	if (unquote(folder))
		return client->folder = folder;
	free(folder);
	weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
		"The server does not say in which folder one is.");
	return NULL;
}

/* An order about a path. */
static int order(struct weft_ftp_client *client, const char *verb, const char *path)
{
	return weft__ftp_check_path(client, path) < 0 ? -1 : weft__ftp_order(client, verb, path);
}

int weft_ftp_client_cwd(struct weft_ftp_client *client, const char *path)
{
	int result = strcmp(path, "..") == 0 ? weft__ftp_order(client, "CDUP", NULL)
					     : order(client, "CWD", path);

	if (result == 0) {
		free(client->folder);
		client->folder = NULL;
	}
	return result;
}

/* ---- Changing what is there ----------------------------------------------------------- */

int weft_ftp_client_rename(struct weft_ftp_client *client, const char *from, const char *to)
{
	int code;

	if (weft__ftp_check_path(client, from) < 0 || weft__ftp_check_path(client, to) < 0)
		return -1;
	code = weft__ftp_ask(client, "RNFR", from);
	if (code < 0)
		return -1;
	if (code / 100 != 3)
		return weft__ftp_fail_order(client, "RNFR", from);
	return weft__ftp_order(client, "RNTO", to);
}

int weft_ftp_client_delete(struct weft_ftp_client *client, const char *path)
{
	return order(client, "DELE", path);
}

int weft_ftp_client_mkdir(struct weft_ftp_client *client, const char *path)
{
	return order(client, "MKD", path);
}

int weft_ftp_client_rmdir(struct weft_ftp_client *client, const char *path)
{
	return order(client, "RMD", path);
}

int weft_ftp_client_chmod(struct weft_ftp_client *client, const char *path, unsigned mode)
{
	char verb[32];

	snprintf(verb, sizeof(verb), "SITE CHMOD %03o", mode & 07777);
	return order(client, verb, path);
}

int weft_ftp_client_noop(struct weft_ftp_client *client)
{
	return weft__ftp_order(client, "NOOP", NULL);
}

/* ---- Facts ---------------------------------------------------------------------------- */

/* TYPE I, because in TYPE A a size is another one: RFC 3659, section 4. */
int64_t weft_ftp_client_size(struct weft_ftp_client *client, const char *path)
{
	long long size;
	char *end;

	if (!client->is_binary) {
		if (weft__ftp_order(client, "TYPE", "I") < 0)
			return -1;
		client->is_binary = true;
	}
	if (order(client, "SIZE", path) < 0)
		return -1;
	errno = 0;
	size = strtoll(weft_str_text(&client->reply.text), &end, 10);
	if (errno || end == weft_str_text(&client->reply.text) || size < 0)
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to SIZE is no number.");
	return size;
}

int weft_ftp_client_modified(
	struct weft_ftp_client *client, const char *path, int64_t *ret_modified_s)
{
	if (order(client, "MDTM", path) < 0)
		return -1;
	if (!weft__ftp_parse_time(weft_str_text(&client->reply.text), ret_modified_s))
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to MDTM is no time.");
	return 0;
}

/* MFMT; servers without it often take a time before the name of MDTM. */
int weft_ftp_client_set_modified(
	struct weft_ftp_client *client, const char *path, int64_t modified_s)
{
	const char *word = client->features & WEFT_FTP_MFMT ? "MFMT" : "MDTM";
	time_t time = (time_t)modified_s;
	char verb[32];
	struct tm parts;

	if (!(client->features & (WEFT_FTP_MFMT | WEFT_FTP_MDTM)))
		return weft__ftp_fail(
			client, WEFT_FTP_REFUSED, ENOSYS, "The server can not set times.");
	if (!gmtime_r(&time, &parts) || parts.tm_year > 9999 - 1900 || parts.tm_year < 0)
		return weft__ftp_fail(
			client, WEFT_FTP_BAD_ARGUMENT, EINVAL, "That is no time to be told.");
	snprintf(verb, sizeof(verb), "%s %04u%02u%02u%02u%02u%02u", word,
		(unsigned)parts.tm_year + 1900U, (unsigned)parts.tm_mon + 1U,
		(unsigned)parts.tm_mday, (unsigned)parts.tm_hour, (unsigned)parts.tm_min,
		(unsigned)parts.tm_sec);
	return order(client, verb, path);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "SHA-256 0-49 <64 digits> name". */
static bool take_hash(const char *text, uint8_t ret_sha256[32])
{
	const char *at = strchr(text, ' ');
	uint8_t sum[32];

	if (strncasecmp(text, "SHA-256 ", 8) != 0 || !(at = strchr(at + 1, ' ')))
		return false;
	at++;
	for (int i = 0; i < 32; i++, at += 2) {
		int high = hex_digit(at[0]), low = high < 0 ? -1 : hex_digit(at[1]);

		if (low < 0)
			return false;
		sum[i] = (uint8_t)(high << 4 | low);
	}
	if (*at != ' ' && *at != '\0')
		return false;
	memcpy(ret_sha256, sum, sizeof(sum));
	return true;
}

int weft_ftp_client_hash(struct weft_ftp_client *client, const char *path, uint8_t ret_sha256[32])
{
	if (!(client->features & WEFT_FTP_HASH))
		return weft__ftp_fail(
			client, WEFT_FTP_REFUSED, ENOSYS, "The server computes no SHA-256.");
	if (order(client, "HASH", path) < 0)
		return -1;
	if (!take_hash(weft_str_text(&client->reply.text), ret_sha256))
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to HASH can't be read.");
	return 0;
}
