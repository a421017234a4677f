/*
 * sockopt_group.c - options whose value is a struct of numbers: where each of them is.
 *
 * Entry points: weft__sockopt_group_unpack(), weft__sockopt_group_pack(), and a table for
 * each struct. linux/tcp.h can't be seen beside netinet/tcp.h, which knows less of them.
 *
 * Never: a number read from beyond what the kernel has filled in.
 */
#include "io/sockopt.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "BITS() counts from the lowest bit");

#define FIELD(type, member)                                        \
	{                                                          \
		.name = #member, .offset = offsetof(type, member), \
		.size_bytes = sizeof(((type *)0)->member)          \
	}
#define NUMBER(name_, offset_, size_)                                       \
	{                                                                   \
		.name = (name_), .offset = (offset_), .size_bytes = (size_) \
	}
#define BITS(name_, offset_, shift_, bits_)                                               \
	{                                                                                 \
		.name = (name_), .offset = (offset_), .size_bytes = 1, .shift = (shift_), \
		.bits = (bits_)                                                           \
	}
#define WORD(name_, index) NUMBER(name_, (index) * sizeof(uint32_t), sizeof(uint32_t))
#define END                  \
	{                    \
		.name = NULL \
	}

#define INFO(member) FIELD(struct tcp_info, member)

const struct weft_sockopt_field weft__sockopt_tcp_info[] = {
	INFO(tcpi_state),
	INFO(tcpi_ca_state),
	INFO(tcpi_retransmits),
	INFO(tcpi_probes),
	INFO(tcpi_backoff),
	INFO(tcpi_options),
	BITS("tcpi_snd_wscale", 6, 0, 4),
	BITS("tcpi_rcv_wscale", 6, 4, 4),
	BITS("tcpi_delivery_rate_app_limited", 7, 0, 1),
	BITS("tcpi_fastopen_client_fail", 7, 1, 2),
	INFO(tcpi_rto),
	INFO(tcpi_ato),
	INFO(tcpi_snd_mss),
	INFO(tcpi_rcv_mss),
	INFO(tcpi_unacked),
	INFO(tcpi_sacked),
	INFO(tcpi_lost),
	INFO(tcpi_retrans),
	INFO(tcpi_fackets),
	INFO(tcpi_last_data_sent),
	INFO(tcpi_last_ack_sent),
	INFO(tcpi_last_data_recv),
	INFO(tcpi_last_ack_recv),
	INFO(tcpi_pmtu),
	INFO(tcpi_rcv_ssthresh),
	INFO(tcpi_rtt),
	INFO(tcpi_rttvar),
	INFO(tcpi_snd_ssthresh),
	INFO(tcpi_snd_cwnd),
	INFO(tcpi_advmss),
	INFO(tcpi_reordering),
	INFO(tcpi_rcv_rtt),
	INFO(tcpi_rcv_space),
	INFO(tcpi_total_retrans),
	INFO(tcpi_pacing_rate),
	INFO(tcpi_max_pacing_rate),
	INFO(tcpi_bytes_acked),
	INFO(tcpi_bytes_received),
	INFO(tcpi_segs_out),
	INFO(tcpi_segs_in),
	INFO(tcpi_notsent_bytes),
	INFO(tcpi_min_rtt),
	INFO(tcpi_data_segs_in),
	INFO(tcpi_data_segs_out),
	INFO(tcpi_delivery_rate),
	INFO(tcpi_busy_time),
	INFO(tcpi_rwnd_limited),
	INFO(tcpi_sndbuf_limited),
	INFO(tcpi_delivered),
	INFO(tcpi_delivered_ce),
	INFO(tcpi_bytes_sent),
	INFO(tcpi_bytes_retrans),
	INFO(tcpi_dsack_dups),
	INFO(tcpi_reord_seen),
	INFO(tcpi_rcv_ooopack),
	INFO(tcpi_snd_wnd),
	/* Of newer kernels than Debian 12's headers. */
	NUMBER("tcpi_rcv_wnd", 232, 4),
	NUMBER("tcpi_rehash", 236, 4),
	NUMBER("tcpi_total_rto", 240, 2),
	NUMBER("tcpi_total_rto_recoveries", 242, 2),
	NUMBER("tcpi_total_rto_time", 244, 4),
	END,
};

const struct weft_sockopt_field weft__sockopt_repair_window[] = {
	FIELD(struct tcp_repair_window, snd_wl1),
	FIELD(struct tcp_repair_window, snd_wnd),
	FIELD(struct tcp_repair_window, max_window),
	FIELD(struct tcp_repair_window, rcv_wnd),
	FIELD(struct tcp_repair_window, rcv_wup),
	END,
};

const struct weft_sockopt_field weft__sockopt_credentials[] = {
	FIELD(struct ucred, pid),
	FIELD(struct ucred, uid),
	FIELD(struct ucred, gid),
	END,
};

const struct weft_sockopt_field weft__sockopt_memory[] = {
	WORD("rmem_alloc", SK_MEMINFO_RMEM_ALLOC),
	WORD("rcvbuf", SK_MEMINFO_RCVBUF),
	WORD("wmem_alloc", SK_MEMINFO_WMEM_ALLOC),
	WORD("sndbuf", SK_MEMINFO_SNDBUF),
	WORD("fwd_alloc", SK_MEMINFO_FWD_ALLOC),
	WORD("wmem_queued", SK_MEMINFO_WMEM_QUEUED),
	WORD("optmem", SK_MEMINFO_OPTMEM),
	WORD("backlog", SK_MEMINFO_BACKLOG),
	WORD("drops", SK_MEMINFO_DROPS),
	END,
};

const struct weft_sockopt_field weft__sockopt_transmit_time[] = {
	FIELD(struct sock_txtime, clockid),
	FIELD(struct sock_txtime, flags),
	END,
};

/* One 32-bit number: the lower half is the low port. */
const struct weft_sockopt_field weft__sockopt_port_range[] = {
	NUMBER("low", 0, 2),
	NUMBER("high", 2, 2),
	END,
};

/* struct ip6_mtuinfo, behind the address. */
const struct weft_sockopt_field weft__sockopt_path_mtu[] = {
	NUMBER("mtu", sizeof(struct sockaddr_in6), 4),
	END,
};

/* ---- In and out ----------------------------------------------------------------------- */

/* A number of a list that has no names. */
static const struct weft_sockopt_field list_item = {.size_bytes = sizeof(uint32_t)};

size_t weft__sockopt_field_count(const struct weft_sockopt *option)
{
	size_t count = 0;

	while (option->fields && option->fields[count].name)
		count++;
	return count;
}

const char *weft_sockopt_field_name(const struct weft_sockopt *option, size_t index)
{
	return index < weft__sockopt_field_count(option) ? option->fields[index].name : NULL;
}

static uint64_t number_read(const unsigned char *at, const struct weft_sockopt_field *field)
{
	uint64_t number = 0;

	memcpy(&number, at, field->size_bytes);
	if (field->bits)
		number = number >> field->shift & ((1u << field->bits) - 1);
	return number;
}

void weft__sockopt_group_unpack(const struct weft_sockopt *option,
	const union weft__sockopt_raw *raw, size_t len, struct weft_sockopt_group *ret_group)
{
	size_t named = weft__sockopt_field_count(option), count = 0;

	if (len > sizeof(raw->bytes))
		len = sizeof(raw->bytes);
	while (count < (named ? named : WEFT_SOCKOPT_NUMBERS_MAX)) {
		const struct weft_sockopt_field *field =
			named ? &option->fields[count] : &list_item;
		size_t offset = named ? field->offset : count * field->size_bytes;

		if (offset + field->size_bytes > len)
			break;
		ret_group->numbers[count++] = number_read(raw->bytes + offset, field);
	}
	ret_group->count = count;
}

int weft__sockopt_group_pack(const struct weft_sockopt *option,
	const struct weft_sockopt_group *group, union weft__sockopt_raw *raw)
{
	/* A list without names can only be read, and so can a group with bit fields. */
	if (group->count != weft__sockopt_field_count(option)) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < group->count; i++) {
		const struct weft_sockopt_field *field = &option->fields[i];

		if (field->size_bytes < sizeof(uint64_t) &&
			group->numbers[i] >> (8 * field->size_bytes)) {
			errno = EDOM;
			return -1;
		}
		memcpy(raw->bytes + field->offset, &group->numbers[i], field->size_bytes);
	}
	return 0;
}
