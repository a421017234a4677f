/*
 * sim_fault.c - calls on simulated descriptors that are chosen to fail (weft_sim_fail()).
 */
#include <errno.h>

#include "fiber/driver/sim.h"

int weft_sim_fail(enum weft_sim_call call, uint64_t nth, int code)
{
	if (!weft__sim) {
		errno = ENOTSUP;
		return -1;
	}
	if ((int)call < WEFT_SIM_ANY || call > WEFT_SIM_OPTION || code < 0) {
		errno = EINVAL;
		return -1;
	}
	weft__sim->fault.call = call;
	weft__sim->fault.left = nth;
	weft__sim->fault.code = code;
	return 0;
}

static int usual_code(enum weft_sim_call call, const struct sim_socket *socket)
{
	bool is_datagram = socket && socket->type == SOCK_DGRAM;

	switch (call) {
	case WEFT_SIM_SOCKET:
	case WEFT_SIM_ACCEPT:
		return EMFILE;
	case WEFT_SIM_BIND:
	case WEFT_SIM_LISTEN:
		return EADDRINUSE;
	case WEFT_SIM_CONNECT:
		return ECONNREFUSED;
	case WEFT_SIM_READ:
		return is_datagram ? ECONNREFUSED : ECONNRESET;
	case WEFT_SIM_WRITE:
		return is_datagram ? ENOBUFS : ECONNRESET;
	default:
		return ENOBUFS;
	}
}

int weft__sim_fault(enum weft_sim_call call, struct sim_socket *socket)
{
	struct sim *sim = weft__sim;
	bool is_transfer = call == WEFT_SIM_READ || call == WEFT_SIM_WRITE;
	int code;

	if (sim->fault.left == 0 || (sim->fault.call != WEFT_SIM_ANY && sim->fault.call != call))
		return 0;
	if (--sim->fault.left > 0)
		return 0;
	code = sim->fault.code ? sim->fault.code : usual_code(call, socket);
	sim->report.faults++;
	weft__sim_trace("fault in call %d: %d", call, code);
	if (is_transfer && socket->type != SOCK_DGRAM && socket->peer &&
		(code == ECONNRESET || code == EPIPE || code == ETIMEDOUT))
		weft__sim_stream_abort(socket);
	return code;
}

int weft__sim_fault_of(const struct weft__op *op, struct sim_socket *socket)
{
	switch (op->kind) {
	case WEFT__OP_POLL_NOW:
		return 0; /* a look, not a call */
	case WEFT__OP_CONNECT:
		return weft__sim_fault(WEFT_SIM_CONNECT, socket);
	case WEFT__OP_ACCEPT:
		return weft__sim_fault(WEFT_SIM_ACCEPT, socket);
	case WEFT__OP_WRITE:
	case WEFT__OP_WRITEV:
	case WEFT__OP_SEND:
	case WEFT__OP_SENDTO:
	case WEFT__OP_SENDMSG:
	case WEFT__OP_SENDMMSG:
	case WEFT__OP_SENDFILE:
		return weft__sim_fault(WEFT_SIM_WRITE, socket);
	default:
		return weft__sim_fault(WEFT_SIM_READ, socket);
	}
}
