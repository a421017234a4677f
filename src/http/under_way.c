/*
 * under_way.c - bodies that take more than one piece, put where who looks can see them
 * (weft/transfer.h).
 *
 * Entry points: weft__http_sending(), weft__http_receiving(), weft__http_transfer_end().
 *
 * Never: anything for an answer or a body that fits into one piece.
 */
#include "http/under_way.h"

#include "http/limits.h"
#include "http/response.h"
#include "io/stream.h"
#include "weft/list.h"
#include "weft/transfer.h"

static void begin(struct weft_http_request *request, bool is_upload, int64_t total)
{
	struct weft__http_output *output = request->output;
	char peer[WEFT_ADDRESS_TEXT_MAX];
	const struct weft_transfer_options options = {
		.door = weft__stream_facts(request->stream) ? "https" : "http",
		.peer = peer,
		.person = request->user,
		.what = weft_http_request_path(request),
		.is_upload = is_upload,
		.total = total};

	weft_transfer_end(output->transfer); /* of the body that came before the answer */
	weft_address_print(weft_stream_peer(request->stream), peer, sizeof(peer));
	output->transfer = weft_transfer_begin(output->transfers, &options);
	output->transfer_is_upload = is_upload;
}

void weft__http_sending(struct weft__http_output *output, int64_t left)
{
	struct weft_http_response *response =
		weft_container_of(output, struct weft_http_response, output);
	int64_t sent = response->body_len + output->written - output->write_began;
	int64_t total = sent + left;

	if (!output->transfer || output->transfer_is_upload) {
		if (response->status == 0 || (sent < (int64_t)WEFT__HTTP_WRITE_CHUNK &&
						     left <= (int64_t)WEFT__HTTP_WRITE_CHUNK))
			return;
		if (response->pieces.are_open)
			total = response->pieces.left < 0 ? -1 : total + response->pieces.left;
		begin(response->request, false, total);
	}
	weft_transfer_at(output->transfer, sent);
}

void weft__http_receiving(struct weft_http_request *request)
{
	struct weft__http_output *output = request->output;
	int64_t total = weft_http_request_body_len(request);
	int64_t received = request->body.read_len;

	if (!output->transfer) {
		if (total < 0 ? received < (int64_t)WEFT__HTTP_WRITE_CHUNK
			      : total <= (int64_t)WEFT__HTTP_WRITE_CHUNK)
			return;
		begin(request, true, total);
	}
	weft_transfer_at(output->transfer, received);
}

void weft__http_transfer_end(struct weft__http_output *output)
{
	weft_transfer_end(output->transfer);
	output->transfer = NULL;
}
