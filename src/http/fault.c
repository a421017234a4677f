/*
 * fault.c - what each fault of a request head is answered with.
 *
 * Entry points: weft__http_fault_status(), weft__http_fault_text().
 * Never: quotes the peer; every sentence is a constant.
 */
#include "http/parse.h"

static const struct {
	int status;
	const char *text;
} faults[WEFT__HTTP_FAULT_COUNT_] = {
	[WEFT__HTTP_FAULT_METHOD] = {400, "The request does not begin with an HTTP method."},
	[WEFT__HTTP_FAULT_REQUEST_LINE] = {400, "The request line is not METHOD TARGET HTTP/1.1."},
	[WEFT__HTTP_FAULT_TARGET] = {400, "The address holds a character that must be encoded."},
	[WEFT__HTTP_FAULT_TARGET_FORM] = {400, "The address has a form that this method has not."},
	[WEFT__HTTP_FAULT_LINE_END] = {400, "A line does not end in CR LF."},
	[WEFT__HTTP_FAULT_VERSION] = {400, "The HTTP version can not be read."},
	[WEFT__HTTP_FAULT_VERSION_UNKNOWN] = {505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."},
	[WEFT__HTTP_FAULT_REQUEST_LINE_LONG] = {414, "The address is too long."},
	[WEFT__HTTP_FAULT_HEAD_LONG] = {431, "The header fields are too long, taken together."},
	[WEFT__HTTP_FAULT_FIELDS_MANY] = {431, "There are too many header fields."},
	[WEFT__HTTP_FAULT_FIELD_NAME] = {400, "A header line is not NAME: VALUE."},
	[WEFT__HTTP_FAULT_FIELD_VALUE] = {400, "A header field holds a control character."},
	[WEFT__HTTP_FAULT_FOLD] = {400, "A header field is continued on a second line."},
	[WEFT__HTTP_FAULT_HOST_MISSING] = {400, "The Host field is missing."},
	[WEFT__HTTP_FAULT_HOST_TWICE] = {400, "The Host field is there twice."},
	[WEFT__HTTP_FAULT_HOST] = {400,
		"The host is not a name or address, with or without a port."},
	[WEFT__HTTP_FAULT_LENGTH] = {400, "Content-Length is not a number of bytes."},
	[WEFT__HTTP_FAULT_LENGTH_TWICE] = {400, "Content-Length is there twice."},
	[WEFT__HTTP_FAULT_LENGTH_AND_CODING] = {400,
		"Content-Length and Transfer-Encoding exclude each other."},
	[WEFT__HTTP_FAULT_CODING] = {400, "Transfer-Encoding does not end in chunked."},
	[WEFT__HTTP_FAULT_CODING_TWICE] = {400, "Transfer-Encoding is there twice."},
	[WEFT__HTTP_FAULT_CODING_UNKNOWN] = {501,
		"Only the transfer coding chunked is known here."},
	[WEFT__HTTP_FAULT_CODING_OLD] = {400, "HTTP/1.0 has no Transfer-Encoding."},
	[WEFT__HTTP_FAULT_EXPECT] = {417, "Only the expectation 100-continue can be met."},
	[WEFT__HTTP_FAULT_STATUS_LINE] = {502,
		"The response does not begin with HTTP/1.1, a status and a reason."},
	[WEFT__HTTP_FAULT_LENGTH_DIFFERS] = {502, "Content-Length is there twice, and differs."},
};

int weft__http_fault_status(enum weft__http_fault fault)
{
	return faults[fault].status;
}

const char *weft__http_fault_text(enum weft__http_fault fault)
{
	return faults[fault].text;
}
