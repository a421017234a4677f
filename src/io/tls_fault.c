/*
 * tls_fault.c - what TLS objects to, as a kind and as a sentence.
 *
 * Entry points: weft__tls_fault_set(), weft__tls_fault_of_queue(), weft__tls_fault_verify().
 *
 * libssl leaves reasons in a queue of the thread's; whoever calls it empties the queue before
 * and reads it right after, without giving way in between. Reasons are sorted by a table;
 * why a certificate is refused is said while the certificate is at hand.
 *
 * Never: a byte of a peer's that isn't printable ASCII in a text.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/tls.h"

/* Names of a certificate that a sentence can hold. */
#define NAMES_MAX 120

static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void weft__tls_fault_set(
	struct weft_tls_fault *fault, enum weft_tls_fault_kind kind, const char *format, ...)
{
	va_list args;

	if (fault->kind != WEFT_TLS_NO_FAULT)
		return;
	fault->kind = kind;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	make_printable(fault->text);
}

/* ---- libssl's reasons ----------------------------------------------------------------------- */

/* An alert of the peer's is 1000 and its number (RFC 8446, 6.2). */
#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

static const struct {
	int reason;
	enum weft_tls_fault_kind kind;
	const char *text;
} reasons[] = {
	{SSL_R_HTTP_REQUEST, WEFT_TLS_NOT_TLS, "the peer speaks HTTP without TLS"},
	{SSL_R_HTTPS_PROXY_REQUEST, WEFT_TLS_NOT_TLS, "the peer takes this for a HTTP proxy"},
	{SSL_R_WRONG_VERSION_NUMBER, WEFT_TLS_NOT_TLS, "what the peer says is not TLS"},
	{SSL_R_UNKNOWN_PROTOCOL, WEFT_TLS_NOT_TLS, "what the peer says is not TLS"},
	{SSL_R_UNSUPPORTED_PROTOCOL, WEFT_TLS_NOTHING_SHARED,
		"no version of TLS is spoken by both sides"},
	{SSL_R_NO_PROTOCOLS_AVAILABLE, WEFT_TLS_NOTHING_SHARED,
		"no version of TLS is allowed here"},
	{SSL_R_VERSION_TOO_LOW, WEFT_TLS_NOTHING_SHARED, "the peer's TLS is too old"},
	{SSL_R_NO_SHARED_CIPHER, WEFT_TLS_NOTHING_SHARED, "no cipher is known to both sides"},
	{SSL_R_NO_SUITABLE_KEY_SHARE, WEFT_TLS_NOTHING_SHARED,
		"no key exchange is known to both sides"},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, WEFT_TLS_NOTHING_SHARED,
		"no kind of signature is known to both sides"},
	{SSL_R_NO_APPLICATION_PROTOCOL, WEFT_TLS_NOTHING_SHARED,
		"no application protocol is spoken by both sides"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, WEFT_TLS_NO_CERTIFICATE,
		"the peer sent no certificate, and one is needed"},
	{ALERT(SSL_AD_PROTOCOL_VERSION), WEFT_TLS_NOTHING_SHARED,
		"the peer speaks no version of TLS that is allowed here"},
	{ALERT(SSL_AD_NO_APPLICATION_PROTOCOL), WEFT_TLS_NOTHING_SHARED,
		"the peer speaks none of the application protocols"},
	{ALERT(SSL_AD_HANDSHAKE_FAILURE), WEFT_TLS_NOTHING_SHARED,
		"the peer found nothing in common (alert: handshake failure)"},
	{ALERT(SSL_AD_INSUFFICIENT_SECURITY), WEFT_TLS_NOTHING_SHARED,
		"the peer wants more security than is offered"},
	{ALERT(SSL_AD_BAD_CERTIFICATE), WEFT_TLS_REFUSED, "the peer refuses our certificate"},
	{ALERT(SSL_AD_UNSUPPORTED_CERTIFICATE), WEFT_TLS_REFUSED,
		"the peer can't use our kind of certificate"},
	{ALERT(SSL_AD_CERTIFICATE_REVOKED), WEFT_TLS_REFUSED,
		"the peer says that our certificate is revoked"},
	{ALERT(SSL_AD_CERTIFICATE_EXPIRED), WEFT_TLS_REFUSED,
		"the peer says that our certificate has expired, or is not valid yet"},
	{ALERT(SSL_AD_CERTIFICATE_UNKNOWN), WEFT_TLS_REFUSED, "the peer refuses our certificate"},
	{ALERT(SSL_AD_UNKNOWN_CA), WEFT_TLS_REFUSED,
		"the peer does not trust whoever issued our certificate"},
	{ALERT(SSL_AD_ACCESS_DENIED), WEFT_TLS_REFUSED,
		"the peer accepts our certificate, but not us"},
	{ALERT(SSL_AD_UNRECOGNIZED_NAME), WEFT_TLS_REFUSED,
		"the peer does not know the name that it was asked for"},
	{ALERT(TLS13_AD_CERTIFICATE_REQUIRED), WEFT_TLS_REFUSED,
		"the peer needs a certificate of ours"},
};

/* Certificates are refused by a name's own words in fault_verify(), before the queue is read. */
int weft__tls_fault_of_queue(struct weft_tls_fault *fault, bool is_ready)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	const char *words = ERR_reason_error_string(error);

	ERR_clear_error();
	if (reason == ERR_R_MALLOC_FAILURE)
		return ENOMEM;
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		weft__tls_fault_set(fault, WEFT_TLS_CUT_OFF, "%s",
			is_ready ? "the connection ended without close_notify: what came may be "
				   "cut short"
				 : "the peer ended the connection in the middle of the handshake");
	if (ERR_GET_LIB(error) == ERR_LIB_SSL)
		for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
			if (reasons[i].reason == reason)
				weft__tls_fault_set(fault, reasons[i].kind, "%s", reasons[i].text);
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		weft__tls_fault_set(fault, WEFT_TLS_REFUSED, "the peer ended it: %s",
			words ? words : "an alert without a name");
	weft__tls_fault_set(fault, WEFT_TLS_BROKEN, "%s",
		words ? words : "the TLS library failed without a reason");
	return EPROTO;
}

/* ---- Certificates -----------------------------------------------------------------------------
 */

void weft__tls_print_subject(X509 *certificate, char *ret_text, size_t size)
{
	BIO *memory = BIO_new(BIO_s_mem());
	int len = 0;

	if (memory && X509_NAME_print_ex(
			      memory, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) > 0)
		len = BIO_read(memory, ret_text, (int)size - 1);
	ret_text[len > 0 ? len : 0] = '\0';
	BIO_free(memory);
}

static void print_time(const ASN1_TIME *when, char *ret_text, size_t size)
{
	struct tm parts;

	ret_text[0] = '\0';
	if (ASN1_TIME_to_tm(when, &parts) == 1)
		strftime(ret_text, size, "%Y-%m-%d %H:%M UTC", &parts);
}

static void append(char *text, size_t size, const char *more, size_t more_len)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%.*s", len ? ", " : "", (int)more_len, more);
}

/* The hosts that a certificate is for, as many as fit. */
static void print_hosts(X509 *certificate, char *ret_text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	char address[INET6_ADDRSTRLEN];

	ret_text[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		int type = 0;
		ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
		const unsigned char *data = ASN1_STRING_get0_data(value);
		int len = ASN1_STRING_length(value);

		if (type == GEN_DNS)
			append(ret_text, size, (const char *)data, (size_t)len);
		else if (type == GEN_IPADD && (len == 4 || len == 16) &&
			 inet_ntop(len == 4 ? AF_INET : AF_INET6, data, address, sizeof(address)))
			append(ret_text, size, address, strlen(address));
	}
	GENERAL_NAMES_free(names);
	if (ret_text[0] == '\0')
		weft__tls_print_subject(certificate, ret_text, size);
}

static void refuse_host(struct weft__tls *tls, X509 *certificate)
{
	char names[NAMES_MAX];
	const char *name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
	char *address = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(tls->ssl));

	if (!name)
		name = address ? address : "this host";
	print_hosts(certificate, names, sizeof(names));
	weft__tls_fault_set(&tls->fault, WEFT_TLS_WRONG_HOST,
		"the certificate is for %s, not for %.100s", names, name);
	OPENSSL_free(address);
}

static void refuse_time(struct weft__tls *tls, X509 *certificate, bool has_expired)
{
	char subject[NAMES_MAX], when[32];

	weft__tls_print_subject(certificate, subject, sizeof(subject));
	print_time(has_expired ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate),
		when, sizeof(when));
	weft__tls_fault_set(&tls->fault, has_expired ? WEFT_TLS_EXPIRED : WEFT_TLS_NOT_YET_VALID,
		has_expired ? "the certificate of %s expired at %s"
			    : "the certificate of %s is not valid before %s",
		subject, when);
}

static void refuse_issuer(struct weft__tls *tls, X509 *certificate, enum weft_tls_fault_kind kind)
{
	char subject[NAMES_MAX];

	weft__tls_print_subject(certificate, subject, sizeof(subject));
	weft__tls_fault_set(&tls->fault, kind,
		kind == WEFT_TLS_SELF_SIGNED
			? "the certificate of %s is signed by itself, and is not trusted here"
			: "the certificate of %s was issued by nobody who is trusted here",
		subject);
}

static void refuse(struct weft__tls *tls, X509 *certificate, int error)
{
	char subject[NAMES_MAX];

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		refuse_time(tls, certificate, error == X509_V_ERR_CERT_HAS_EXPIRED);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		refuse_host(tls, certificate);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		refuse_issuer(tls, certificate, WEFT_TLS_SELF_SIGNED);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		refuse_issuer(tls, certificate, WEFT_TLS_UNKNOWN_ISSUER);
		break;
	default:
		weft__tls_print_subject(certificate, subject, sizeof(subject));
		weft__tls_fault_set(&tls->fault, WEFT_TLS_BAD_CERTIFICATE,
			"the certificate of %s is refused: %s", subject,
			X509_verify_cert_error_string(error));
	}
}

int weft__tls_fault_verify(int is_good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (!is_good && certificate)
		refuse(SSL_get_app_data(ssl), certificate, X509_STORE_CTX_get_error(store));
	return is_good;
}
