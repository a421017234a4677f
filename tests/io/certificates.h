/*
 * certificates.h - keys and certificates for the tests of TLS, made when they are needed.
 *
 *	struct authority authority;
 *	authority_make(&authority, "Test Authority");
 *	certificate_make(&authority, "server", &(struct certificate){.hosts = "DNS:a.test"});
 *
 * leaves server.pem (certificate and key) in the case's folder; paths come from path_of().
 * Keys are on P-256, which is quick, or on Ed25519, of which all that is sent has the same
 * length every time, so that a simulated run can be repeated. Times are relative to
 * weft_wall_now(): under the simulator, to its own.
 */
#ifndef TESTS_IO_CERTIFICATES_H
#define TESTS_IO_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "check.h"
#include "weft/fiber.h"

#define DAY_S 86400

struct certificate {
	const char *name;    /* common name; NULL: "weft test" */
	const char *hosts;   /* subjectAltName; NULL: localhost and 127.0.0.1 */
	int from_s, until_s; /* from now; 0, 0: a day before and after */
	bool is_self_signed; /* not by the authority */
};

struct authority {
	bool has_fixed_lengths; /* set before it is made */
	EVP_PKEY *key;
	X509 *certificate;
};

static char certificates_folder[64];

static void certificates_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", certificates_folder);
	if (certificates_folder[0] && system(command) != 0)
		printf("# %s stays\n", certificates_folder);
}

/* The path of a file in the case's folder; four at a time. */
static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	if (!certificates_folder[0]) {
		snprintf(certificates_folder, sizeof(certificates_folder), "/tmp/weft-tls-XXXXXX");
		CHECK(mkdtemp(certificates_folder) != NULL);
		atexit(certificates_remove);
	}
	snprintf(path, sizeof(paths[0]), "%s/%s", certificates_folder, name);
	return path;
}

static void add_extension(X509 *certificate, X509 *issuer, int which, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
	CHECK(extension != NULL);
	CHECK(X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static EVP_PKEY *new_key(const struct authority *authority)
{
	EVP_PKEY *key = authority->has_fixed_lengths ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
						     : EVP_EC_gen("P-256");

	CHECK(key != NULL);
	return key;
}

static void sign(X509 *certificate, const struct authority *authority, EVP_PKEY *key)
{
	CHECK(X509_sign(certificate, key, authority->has_fixed_lengths ? NULL : EVP_sha256()) > 0);
}

static X509 *unsigned_certificate(EVP_PKEY *key, const struct certificate *what)
{
	const char *name = what->name ? what->name : "weft test";
	time_t now_s = (time_t)(weft_wall_now() / WEFT_SECONDS(1));
	X509 *certificate = X509_new();
	static uint64_t serial = UINT64_C(1) << 62; /* always eight bytes */

	CHECK(certificate != NULL);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial++);
	ASN1_TIME_set(X509_getm_notBefore(certificate),
		now_s + (what->from_s || what->until_s ? what->from_s : -DAY_S));
	ASN1_TIME_set(X509_getm_notAfter(certificate),
		now_s + (what->from_s || what->until_s ? what->until_s : DAY_S));
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	CHECK(X509_set_pubkey(certificate, key) == 1);
	return certificate;
}

static void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	if (certificate)
		CHECK(PEM_write_X509(file, certificate) == 1);
	if (key)
		CHECK(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK_INT(fclose(file), ==, 0);
}

/* An authority; its certificate is NAME.pem. */
static __attribute__((unused)) void authority_make(struct authority *authority, const char *name)
{
	struct certificate what = {.name = name};
	char file[64];

	authority->key = new_key(authority);
	authority->certificate = unsigned_certificate(authority->key, &what);
	X509_set_issuer_name(authority->certificate, X509_get_subject_name(authority->certificate));
	add_extension(authority->certificate, authority->certificate, NID_basic_constraints,
		"critical,CA:TRUE");
	add_extension(
		authority->certificate, authority->certificate, NID_subject_key_identifier, "hash");
	sign(authority->certificate, authority, authority->key);
	snprintf(file, sizeof(file), "%s.pem", name);
	write_pem(path_of(file), authority->certificate, NULL);
}

static __attribute__((unused)) void authority_end(struct authority *authority)
{
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
}

/* NAME.pem holds certificate and key; NAME.key the key alone. */
static __attribute__((unused)) void certificate_make(
	struct authority *authority, const char *file, const struct certificate *what)
{
	static const struct certificate usual;
	EVP_PKEY *key = new_key(authority);
	X509 *certificate, *issuer;
	char name[64];

	what = what ? what : &usual;
	certificate = unsigned_certificate(key, what);
	issuer = what->is_self_signed ? certificate : authority->certificate;
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	add_extension(certificate, issuer, NID_subject_alt_name,
		what->hosts ? what->hosts : "DNS:localhost,IP:127.0.0.1");
	sign(certificate, authority, what->is_self_signed ? key : authority->key);
	snprintf(name, sizeof(name), "%s.pem", file);
	write_pem(path_of(name), certificate, key);
	snprintf(name, sizeof(name), "%s.key", file);
	write_pem(path_of(name), NULL, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

#endif
