/*
 * serve_certificate.c - the certificate that `weft serve --lan` makes for itself: it encrypts, and
 * who compares its fingerprint once knows the machine by it.
 *
 *	STATE/lan.pem   certificate and key, 0600; ECDSA with P-256, for names and addresses of
 *	                this machine; good for a year, made anew when a month is left, and when this
 *	                machine has a name or an IPv4 address that is not in it
 *
 * Addresses of IPv6 are put in, but a new one is no reason for another certificate: they change
 * daily, and with each certificate browsers ask again.
 *
 * Entry points: weft__serve_take_certificate(), weft__serve_make_certificate(),
 * weft__serve_print_fingerprint().
 *
 * Never: replaces a certificate that somebody has given, or writes a key that others can read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "serve.h"
#include "weft/str.h"

#define FILE_NAME "lan.pem"

/** What browsers take at most is 398 days. */
#define GOOD_FOR_S (397L * 86400)
#define RENEWED_S  (30L * 86400)

/** Clocks of a household differ. */
#define BEGINS_EARLIER_S 86400L

/** A serial number, in bytes. */
#define SERIAL_SIZE 16

/* ---- What it is for ----------------------------------------------------------------------- */

/* Whether others can get to it. */
static bool is_of_network(const struct ifaddrs *one)
{
	const struct sockaddr_in6 *six = (const void *)one->ifa_addr;

	if (!one->ifa_addr || !(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK))
		return false;
	return one->ifa_addr->sa_family == AF_INET ||
	       (one->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr));
}

static const char *print_host(const struct ifaddrs *one, char ret_host[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *four = (const void *)one->ifa_addr;
	const struct sockaddr_in6 *six = (const void *)one->ifa_addr;

	return one->ifa_addr->sa_family == AF_INET
		       ? inet_ntop(AF_INET, &four->sin_addr, ret_host, INET6_ADDRSTRLEN)
		       : inet_ntop(AF_INET6, &six->sin6_addr, ret_host, INET6_ADDRSTRLEN);
}

/* As a subjectAltName extension is written. */
static void list_names(const struct serve *serve, struct weft_str *names)
{
	const struct serve_own_names *own = &serve->own_names;
	struct ifaddrs *all = NULL;
	char host[INET6_ADDRSTRLEN];

	weft_str_append(names, "DNS:localhost,IP:127.0.0.1,IP:::1");
	if (own->first[0]) {
		weft_str_appendf(names, ",DNS:%s,DNS:%s", own->first, own->local);
		if (strcmp(own->whole, own->first) != 0)
			weft_str_appendf(names, ",DNS:%s", own->whole);
	}
	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *one = all; one; one = one->ifa_next)
		if (is_of_network(one) && print_host(one, host))
			weft_str_appendf(names, ",IP:%s", host);
	freeifaddrs(all);
}

/* Whether it is for all by which this machine is called now. */
static bool is_for_us(const struct serve *serve, X509 *certificate)
{
	struct ifaddrs *all = NULL;
	char host[INET6_ADDRSTRLEN];
	bool is = !serve->own_names.first[0] ||
		  X509_check_host(certificate, serve->own_names.first, 0, 0, NULL) == 1;

	if (getifaddrs(&all) < 0)
		return is;
	for (struct ifaddrs *one = all; one && is; one = one->ifa_next)
		if (is_of_network(one) && one->ifa_addr->sa_family == AF_INET &&
			print_host(one, host))
			is = X509_check_ip_asc(certificate, host, 0) == 1;
	freeifaddrs(all);
	return is;
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Of the first one in the file; with its key, if that is asked for. NULL: there is none. */
static X509 *read_pair(const char *path, EVP_PKEY **ret_key)
{
	FILE *file = fopen(path, "re");
	X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (certificate && ret_key)
		*ret_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	if (file)
		fclose(file);
	return certificate;
}

static bool is_good(const struct serve *serve)
{
	time_t soon = time(NULL) + RENEWED_S;
	EVP_PKEY *key = NULL;
	X509 *certificate = read_pair(serve->own_certificate, &key);
	bool is = certificate && key && X509_check_private_key(certificate, key) == 1 &&
		  X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0 &&
		  is_for_us(serve, certificate);

	X509_free(certificate);
	EVP_PKEY_free(key);
	return is;
}

/* ---- Making ------------------------------------------------------------------------------- */

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool is_added = extension && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return is_added;
}

static bool add_extensions(const struct serve *serve, X509 *certificate)
{
	struct weft_str names;
	bool are_added;

	weft_str_init(&names, WEFT_STR_LEN_MAX);
	list_names(serve, &names);
	are_added = add_extension(certificate, NID_subject_alt_name, weft_str_text(&names)) &&
		    add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
		    add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
		    add_extension(certificate, NID_ext_key_usage, "serverAuth");
	weft_str_fini(&names);
	return are_added;
}

static bool set_serial(X509 *certificate)
{
	unsigned char serial[SERIAL_SIZE];
	BIGNUM *number;
	bool is_set;

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] &= 0x7f; /* positive */
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return is_set;
}

/* NULL: no memory, or no randomness. */
static X509 *make_certificate(const struct serve *serve, EVP_PKEY *key)
{
	const char *name = serve->own_names.first[0] ? serve->own_names.first : "weft";
	X509 *certificate = X509_new();
	X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;

	if (certificate && X509_set_version(certificate, 2) == 1 && set_serial(certificate) &&
		X509_gmtime_adj(X509_getm_notBefore(certificate), -BEGINS_EARLIER_S) &&
		X509_gmtime_adj(X509_getm_notAfter(certificate), GOOD_FOR_S) &&
		/* Longer ones do not fit a name; what counts is in the extension. */
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
			(const unsigned char *)name, (int)strnlen(name, 64), -1, 0) == 1 &&
		X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
			(const unsigned char *)"weft", -1, -1, 0) == 1 &&
		X509_set_issuer_name(certificate, subject) == 1 &&
		X509_set_pubkey(certificate, key) == 1 && add_extensions(serve, certificate) &&
		X509_sign(certificate, key, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* 0, or -1 with errno. */
static int write_pair(const char *path, X509 *certificate, EVP_PKEY *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool is_written;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	is_written = PEM_write_X509(file, certificate) == 1 &&
		     PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		     fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) == 0 && is_written)
		return 0;
	return -1;
}

/* In its place at once: a server that reads it meanwhile reads the old one, or this. */
static int put_pair(const char *path, X509 *certificate, EVP_PKEY *key)
{
	char *beside = NULL;
	int result = -1, code;

	if (asprintf(&beside, "%s.%ld", path, (long)getpid()) < 0)
		return -1;
	if (unlink(beside) < 0 && errno != ENOENT)
		goto end;
	result = write_pair(beside, certificate, key);
	if (result == 0)
		result = rename(beside, path);
	code = errno;
	if (result < 0)
		unlink(beside);
	errno = code;
end:
	free(beside);
	return result;
}

/* Without accounts nobody has made it; if it can't be made, the file will say so. */
static void make_folder(const char *path)
{
	char *usual = weft__cmd_state_dir(NAME, NULL, true);
	char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));

	if (dir)
		mkdir(dir, 0700);
	free(dir);
	free(usual);
}

int weft__serve_make_certificate(const struct serve *serve)
{
	EVP_PKEY *key;
	X509 *certificate;
	int status = CMD_DONE;

	if (!serve->own_certificate || is_good(serve))
		return CMD_DONE;
	if (!serve->accounts)
		make_folder(serve->own_certificate);
	key = EVP_EC_gen("P-256");
	certificate = key ? make_certificate(serve, key) : NULL;
	if (!certificate)
		status = weft__cmd_fail(NAME, "can't make a certificate.");
	else if (put_pair(serve->own_certificate, certificate, key) < 0)
		status = weft__cmd_fail(NAME, "can't keep a certificate in %s: %s.",
			serve->own_certificate, strerror(errno));
	X509_free(certificate);
	EVP_PKEY_free(key);
	return status;
}

/* ---- Where -------------------------------------------------------------------------------- */

int weft__serve_take_certificate(struct serve *serve)
{
	const char *state = serve->state && strcmp(serve->state, "none") != 0 ? serve->state : NULL;
	char *dir;

	if (serve->certificates.count > 0)
		return CMD_DONE;
	/* Without accounts it has its place all the same. */
	dir = weft__cmd_state_dir(NAME, state, false);
	if (!dir)
		return CMD_FAILED;
	if (asprintf(&serve->own_certificate, "%s/" FILE_NAME, dir) < 0)
		serve->own_certificate = NULL;
	free(dir);
	if (!serve->own_certificate)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(ENOMEM));
	serve->certificates = (struct cmd_texts){.items = {serve->own_certificate}, .count = 1};
	return CMD_DONE;
}

/* ---- Saying ------------------------------------------------------------------------------- */

bool weft__serve_fingerprint(
	const struct serve *serve, char ret_text[SERVE_FINGERPRINT_SIZE], char ret_until[16])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct tm until = {0};
	X509 *certificate = serve->certificates.count > 0
				    ? read_pair(serve->certificates.items[0], NULL)
				    : NULL;
	bool is_there = certificate && X509_digest(certificate, EVP_sha256(), digest, &len) == 1 &&
			len * 3 == SERVE_FINGERPRINT_SIZE &&
			ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1;

	for (unsigned i = 0; is_there && i < len; i++)
		snprintf(ret_text + (size_t)3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
	if (is_there)
		strftime(ret_until, 16, "%Y-%m-%d", &until);
	X509_free(certificate);
	return is_there;
}
