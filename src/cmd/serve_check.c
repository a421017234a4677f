/*
 * serve_check.c - options of `weft serve` that would do nothing, or not what was meant: each is
 * told at the start, before somebody relies on it.
 *
 * Entry points: weft__serve_check_useless(), weft__serve_warn().
 *
 * What can't be meant is refused. What may be meant, or be mended while it serves, is a line on
 * stderr, and it goes on.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"

/* ---- Of no use ---------------------------------------------------------------------------- */

static bool is_unix(const char *text)
{
	return text && strncmp(text, "unix:", 5) == 0;
}

static bool has_unix_door(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->http.count; i++)
		if (is_unix(serve->http.items[i]))
			return true;
	for (unsigned i = 0; i < serve->https.count; i++)
		if (is_unix(serve->https.items[i]))
			return true;
	return is_unix(serve->metrics_at);
}

static bool has_unix_chat(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->chat.plain.count; i++)
		if (is_unix(serve->chat.plain.items[i]))
			return true;
	return false;
}

static bool trusts_everybody(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->proxies.count; i++) {
		const char *slash = strrchr(serve->proxies.items[i], '/');

		if (slash && slash[1] && strspn(slash + 1, "0") == strlen(slash + 1))
			return true;
	}
	return false;
}

static bool trusts_unix(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->proxies.count; i++)
		if (strcmp(serve->proxies.items[i], "unix") == 0)
			return true;
	return false;
}

int weft__serve_check_useless(const struct serve *serve)
{
	if (serve->keys.count > 0 && (serve->certificates.count == 0 || serve->own_certificate))
		return weft__cmd_usage(NAME, "--tls-key is of --tls-cert FILE.");
	if (serve->allows_plain_auth && !serve->auth_file && !serve->state)
		return weft__cmd_usage(NAME, "--insecure-auth is of --auth-file or --state.");
	if (serve->watch_ns && !serve->auth_file && serve->certificates.count == 0)
		return weft__cmd_usage(NAME, "--watch is of --tls-cert or --auth-file.");
	if (serve->unix_mode && !has_unix_door(serve) && !has_unix_chat(serve))
		return weft__cmd_usage(NAME, "--unix-mode is for --http or --chat unix:/PATH.");
	if (serve->has_log_format && serve->access_log && strcmp(serve->access_log, "none") == 0)
		return weft__cmd_usage(NAME, "--log-format has no use without --access-log.");
	if (trusts_unix(serve) && !has_unix_door(serve))
		return weft__cmd_usage(NAME, "--trust-proxy unix is for --http unix:/PATH.");
	if (trusts_everybody(serve))
		return weft__cmd_usage(
			NAME, "--trust-proxy of all addresses would believe everybody who he is.");
	return CMD_DONE;
}

/* ---- Certificates ------------------------------------------------------------------------- */

static X509 *read_certificate(const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	return certificate;
}

static void warn_of_dates(const char *path, const X509 *certificate)
{
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		weft__cmd_fail(
			NAME, "the certificate in %s has expired: browsers will refuse it.", path);
	else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		weft__cmd_fail(NAME,
			"the certificate in %s is not valid yet: browsers will refuse it.", path);
}

/* Whether any certificate is for the host of --https HOST:PORT; an address may be any's. */
static bool is_for_door(const struct serve *serve, const char *door)
{
	const char *colon = strrchr(door, ':');
	char host[SERVE_HOST_SIZE];
	bool is = false;

	if (!colon || is_unix(door) || colon - door >= SERVE_HOST_SIZE ||
		strspn(door, "0123456789.:[]*abcdefABCDEF%") >= (size_t)(colon - door))
		return true;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - door), door);
	for (unsigned i = 0; i < serve->certificates.count && !is; i++) {
		X509 *certificate = read_certificate(serve->certificates.items[i]);

		is = !certificate || X509_check_host(certificate, host, 0, 0, NULL) == 1;
		X509_free(certificate);
	}
	return is;
}

static void warn_of_key(const char *path)
{
	struct stat stat_of;

	if (stat(path, &stat_of) == 0 && (stat_of.st_mode & S_IROTH))
		weft__cmd_fail(NAME,
			"everybody on this machine can read the private key %s: "
			"chmod 600 is for it.",
			path);
}

void weft__serve_warn_of_certificates(const struct serve *serve)
{
	const struct cmd_texts *keys = serve->keys.count ? &serve->keys : &serve->certificates;

	for (unsigned i = 0; i < serve->certificates.count; i++) {
		X509 *certificate = read_certificate(serve->certificates.items[i]);

		if (certificate)
			warn_of_dates(serve->certificates.items[i], certificate);
		X509_free(certificate);
	}
	for (unsigned i = 0; i < keys->count; i++)
		warn_of_key(keys->items[i]);
	for (unsigned i = 0; i < serve->https.count; i++)
		if (!is_for_door(serve, serve->https.items[i]))
			weft__cmd_fail(NAME,
				"no certificate is for the host of --https %s: browsers will "
				"refuse it.",
				serve->https.items[i]);
}

/* ---- Links -------------------------------------------------------------------------------- */

/** Names of the shared folder that are looked at: a start takes no longer for a hundred thousand.
 */
#define NAMES_MAX 1000

static bool has_link(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	bool has = false;

	for (int i = 0; dir && !has && i < NAMES_MAX && (entry = readdir(dir)); i++)
		has = entry->d_type == DT_LNK && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return has;
}

/* There is nothing where they are: who shares them by links has to hear why. */
static void warn_of_links(const struct serve *serve)
{
	if (serve->files_options.visitor && serve->links != WEFT_HTTP_LINKS_NONE &&
		has_link(serve->folder))
		weft__cmd_fail(NAME,
			"symbolic links in %s are not followed: with accounts, one could lead past "
			"somebody's rights. Instead of a link, a folder can be mounted there "
			"(mount --bind).",
			serve->folder);
}

/* ---- Others ------------------------------------------------------------------------------- */

void weft__serve_warn(const struct serve *serve)
{
	const struct weft_http_files_options *files = &serve->files_options;

	weft__serve_warn_of_certificates(serve);
	warn_of_links(serve);
	if ((files->allow_upload || files->allow_change) && access(serve->folder, W_OK) < 0)
		weft__cmd_fail(NAME, "nothing can be changed in %s, which this user may not: %s.",
			serve->folder, strerror(errno));
	if (serve->has_log_format && !serve->log)
		weft__cmd_fail(NAME, "there is no access log, whatever its --log-format: "
				     "--access-log PATH makes one.");
}
