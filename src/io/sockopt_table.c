/*
 * sockopt_table.c - every socket option that has a value: the table of weft/sockopt.h.
 *
 * A new option is one line here; tests/system/test_sockopt.py finds those of the kernel's
 * headers that are neither here nor among the exclusions of docs/man/weft-sockopt.1.
 */
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "io/sockopt.h"

/*
 * Options of newer kernels, or of kernel headers that don't go with the C library's. These
 * numbers are the same on x86-64 and aarch64, and the kernel never changes them.
 */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#endif
#ifndef UDP_NO_CHECK6_RX
#define UDP_NO_CHECK6_RX 102
#endif
#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif
#ifndef TCP_RTO_MIN_US
#define TCP_RTO_MIN_US 45
#endif
#ifndef TCP_DELACK_MAX_US
#define TCP_DELACK_MAX_US 46
#endif

/* The name is made a text where it is first seen: passed on, it would be its number. */
#define ROW(level_, option_, kind_, summary_, ...)                            \
	.level = (level_), .option = (option_), .kind = WEFT_SOCKOPT_##kind_, \
	.summary = (summary_), __VA_ARGS__

#define SOCKET(name_, ...)                                          \
	{                                                           \
		.name = #name_, ROW(SOL_SOCKET, name_, __VA_ARGS__) \
	}
#define IP(name_, ...)                                              \
	{                                                           \
		.name = #name_, ROW(IPPROTO_IP, name_, __VA_ARGS__) \
	}
#define IP6(name_, ...)                                               \
	{                                                             \
		.name = #name_, ROW(IPPROTO_IPV6, name_, __VA_ARGS__) \
	}
#define TCP(name_, ...)                                              \
	{                                                            \
		.name = #name_, ROW(IPPROTO_TCP, name_, __VA_ARGS__) \
	}
#define UDP(name_, ...)                                              \
	{                                                            \
		.name = #name_, ROW(IPPROTO_UDP, name_, __VA_ARGS__) \
	}

#define READ_ONLY       .is_read_only = true
#define WRITE_ONLY      .is_write_only = true
#define NETWORK_ORDER   .is_network_order = true
#define SIZE(bytes)     .size_bytes = (bytes)
#define FIELDS(fields_) .fields = weft__sockopt_##fields_

/* By level, then by name. */
const struct weft_sockopt weft__sockopts[] = {
	SOCKET(SO_ACCEPTCONN, BOOL, "it listens", READ_ONLY),
	SOCKET(SO_BINDTODEVICE, TEXT, "the only interface it uses"),
	SOCKET(SO_BINDTOIFINDEX, INT, "the same, by its index"),
	SOCKET(SO_BPF_EXTENSIONS, INT, "filter extensions the kernel has", READ_ONLY),
	SOCKET(SO_BROADCAST, BOOL, "may send to broadcast addresses"),
	SOCKET(SO_BUF_LOCK, INT, "buffer sizes were set: 1 sending, 2 receiving"),
	SOCKET(SO_BUSY_POLL, INT, "microseconds to spin for data"),
	SOCKET(SO_BUSY_POLL_BUDGET, INT, "packets for each spin", WRITE_ONLY),
	SOCKET(SO_CNX_ADVICE, INT, "1: the path seems bad, take another", WRITE_ONLY),
	SOCKET(SO_COOKIE, UNSIGNED, "the kernel's number of this socket", READ_ONLY, SIZE(8)),
	SOCKET(SO_DEBUG, BOOL, "debugging information is kept"),
	SOCKET(SO_DOMAIN, INT, "address family", READ_ONLY),
	SOCKET(SO_DONTROUTE, BOOL, "sends to directly connected hosts only"),
	SOCKET(SO_ERROR, INT, "pending error; reading it clears it", READ_ONLY),
	SOCKET(SO_INCOMING_CPU, INT, "CPU that last received for it"),
	SOCKET(SO_INCOMING_NAPI_ID, UNSIGNED, "device queue of the last packet", READ_ONLY,
		SIZE(4)),
	SOCKET(SO_KEEPALIVE, BOOL, "asks an idle peer whether it lives"),
	SOCKET(SO_LINGER, LINGER, "close waits for what is unsent"),
	SOCKET(SO_LOCK_FILTER, BOOL, "its filter can't be changed"),
	SOCKET(SO_MARK, INT, "mark on packets, for routing and firewalls"),
	SOCKET(SO_MAX_PACING_RATE, UNSIGNED, "bytes a second at most; all ones: no bound",
		SIZE(sizeof(long))),
	SOCKET(SO_MEMINFO, GROUP, "its memory, in bytes", READ_ONLY, FIELDS(memory)),
	SOCKET(SO_NETNS_COOKIE, UNSIGNED, "number of its network namespace", READ_ONLY, SIZE(8)),
	SOCKET(SO_NOFCS, BOOL, "the frame's checksum is the sender's own"),
	SOCKET(SO_NO_CHECK, BOOL, "sends UDP without checksums"),
	SOCKET(SO_OOBINLINE, BOOL, "urgent data comes among the other"),
	SOCKET(SO_PASSCRED, BOOL, "receives the sender's credentials (Unix)"),
	SOCKET(SO_PASSPIDFD, BOOL, "receives a pidfd of the sender (Unix)"),
	SOCKET(SO_PASSRIGHTS, BOOL, "receives descriptors (Unix)"),
	SOCKET(SO_PASSSEC, BOOL, "receives the sender's security label (Unix)"),
	SOCKET(SO_PEEK_OFF, INT, "where MSG_PEEK looks; -1: at the front"),
	SOCKET(SO_PEERCRED, GROUP, "who the peer is (Unix)", READ_ONLY, FIELDS(credentials)),
	SOCKET(SO_PEERGROUPS, GROUP, "the peer's groups (Unix)", READ_ONLY),
	SOCKET(SO_PEERSEC, TEXT, "the peer's security label", READ_ONLY),
	SOCKET(SO_PREFER_BUSY_POLL, BOOL, "spinning goes before interrupts"),
	SOCKET(SO_PRIORITY, INT, "priority in the queues of devices"),
	SOCKET(SO_PROTOCOL, INT, "protocol", READ_ONLY),
	SOCKET(SO_RCVBUF, INT, "receive buffer, in bytes"),
	SOCKET(SO_RCVBUFFORCE, INT, "the same, over the system's bound", WRITE_ONLY),
	SOCKET(SO_RCVLOWAT, INT, "bytes that make it readable"),
	SOCKET(SO_RCVMARK, BOOL, "receives the mark of packets"),
	SOCKET(SO_RCVPRIORITY, BOOL, "receives the priority of packets"),
	SOCKET(SO_RCVTIMEO, DURATION, "longest wait to receive; 0: no bound"),
	SOCKET(SO_RESERVE_MEM, INT, "memory kept for it, in bytes"),
	SOCKET(SO_REUSEADDR, BOOL, "may bind where old connections linger"),
	SOCKET(SO_REUSEPORT, BOOL, "several may bind one address"),
	SOCKET(SO_RXQ_OVFL, BOOL, "receives how many were dropped"),
	SOCKET(SO_SELECT_ERR_QUEUE, BOOL, "select(2) tells of the error queue"),
	SOCKET(SO_SNDBUF, INT, "send buffer, in bytes"),
	SOCKET(SO_SNDBUFFORCE, INT, "the same, over the system's bound", WRITE_ONLY),
	SOCKET(SO_SNDLOWAT, INT, "bytes of room that make it writable", READ_ONLY),
	SOCKET(SO_SNDTIMEO, DURATION, "longest wait to send; 0: no bound"),
	SOCKET(SO_TIMESTAMP, BOOL, "receives when each packet came, in microseconds"),
	SOCKET(SO_TIMESTAMPING, INT, "which timestamps are made and told (flags)"),
	SOCKET(SO_TIMESTAMPNS, BOOL, "receives when each packet came, in nanoseconds"),
	SOCKET(SO_TXREHASH, INT, "takes another path when packets are lost"),
	SOCKET(SO_TXTIME, GROUP, "the clock of packets that say when to go", SIZE(8),
		FIELDS(transmit_time)),
	SOCKET(SO_TYPE, INT, "type", READ_ONLY),
	SOCKET(SO_WIFI_STATUS, BOOL, "receives whether wireless frames arrived"),
	SOCKET(SO_ZEROCOPY, BOOL, "MSG_ZEROCOPY may be used"),

	IP(IP_BIND_ADDRESS_NO_PORT, BOOL, "bind to port 0 waits for connect to choose one"),
	IP(IP_CHECKSUM, BOOL, "receives the checksum (UDP)"),
	IP(IP_FREEBIND, BOOL, "may bind to addresses that are not there yet"),
	IP(IP_HDRINCL, BOOL, "the header is the sender's own (raw)"),
	IP(IP_LOCAL_PORT_RANGE, GROUP, "ports the kernel chooses from; 0: the system's", SIZE(4),
		FIELDS(port_range)),
	IP(IP_MINTTL, INT, "drops packets with a lower time to live"),
	IP(IP_MTU, INT, "bytes of the largest packet on the path", READ_ONLY),
	IP(IP_MTU_DISCOVER, INT, "how it finds that: 0 not, 1 route's, 2 always, 3 probe"),
	IP(IP_MULTICAST_ALL, BOOL, "receives of groups that others here joined"),
	IP(IP_MULTICAST_IF, HOST, "address of the interface groups are sent on"),
	IP(IP_MULTICAST_LOOP, BOOL, "this host gets what it sends to groups"),
	IP(IP_MULTICAST_TTL, INT, "routers and one that groups' packets pass"),
	IP(IP_NODEFRAG, BOOL, "fragments are not joined (raw)"),
	IP(IP_OPTIONS, BYTES, "options in each packet"),
	IP(IP_PASSSEC, BOOL, "receives the security label"),
	IP(IP_PKTINFO, BOOL, "receives address and interface of arrival"),
	IP(IP_PROTOCOL, INT, "protocol, of a socket of any (IPPROTO_RAW)", READ_ONLY),
	IP(IP_RECVERR, BOOL, "keeps the network's errors in a queue"),
	IP(IP_RECVERR_RFC4884, BOOL, "with where their extensions begin"),
	IP(IP_RECVFRAGSIZE, BOOL, "receives the size of the largest fragment"),
	IP(IP_RECVOPTS, BOOL, "receives the options"),
	IP(IP_RECVORIGDSTADDR, BOOL, "receives the address it was sent to"),
	IP(IP_RECVTOS, BOOL, "receives the type of service"),
	IP(IP_RECVTTL, BOOL, "receives the time to live"),
	IP(IP_RETOPTS, BOOL, "receives the options, unprocessed"),
	IP(IP_ROUTER_ALERT, INT, "gets packets for routers (raw)", WRITE_ONLY),
	IP(IP_TOS, INT, "type of service (DSCP and ECN)"),
	IP(IP_TRANSPARENT, BOOL, "may be bound to addresses of others"),
	IP(IP_TTL, INT, "time to live: routers and one on the way"),
	IP(IP_UNICAST_IF, INT, "index of the interface it sends on", NETWORK_ORDER),

	IP6(IPV6_2292DSTOPTS, BOOL, "receives destination options (RFC 2292)"),
	IP6(IPV6_2292HOPLIMIT, BOOL, "receives the hop limit (RFC 2292)"),
	IP6(IPV6_2292HOPOPTS, BOOL, "receives hop-by-hop options (RFC 2292)"),
	IP6(IPV6_2292PKTINFO, BOOL, "receives address and interface (RFC 2292)"),
	IP6(IPV6_2292RTHDR, BOOL, "receives the routing header (RFC 2292)"),
	IP6(IPV6_ADDRFORM, INT, "2: becomes an IPv4 socket", WRITE_ONLY),
	IP6(IPV6_ADDR_PREFERENCES, INT, "which own address it takes (flags)"),
	IP6(IPV6_AUTOFLOWLABEL, BOOL, "labels flows by itself"),
	IP6(IPV6_CHECKSUM, INT, "where the checksum is; -1: none (raw)"),
	IP6(IPV6_DONTFRAG, BOOL, "does not fragment"),
	IP6(IPV6_DSTOPTS, BYTES, "destination options in each packet"),
	IP6(IPV6_FLOWINFO, BOOL, "receives the flow label and class"),
	IP6(IPV6_FLOWINFO_SEND, BOOL, "sends the flow label of the address"),
	IP6(IPV6_FREEBIND, BOOL, "may bind to addresses that are not there yet"),
	IP6(IPV6_HDRINCL, BOOL, "the header is the sender's own (raw)"),
	IP6(IPV6_HOPOPTS, BYTES, "hop-by-hop options in each packet"),
	IP6(IPV6_MINHOPCOUNT, INT, "drops packets with a lower hop limit"),
	IP6(IPV6_MTU, INT, "bytes of the largest packet on the path"),
	IP6(IPV6_MTU_DISCOVER, INT, "how it finds that: 0 not, 1 route's, 2 always, 3 probe"),
	IP6(IPV6_MULTICAST_ALL, BOOL, "receives of groups that others here joined"),
	IP6(IPV6_MULTICAST_HOPS, INT, "routers and one that groups' packets pass"),
	IP6(IPV6_MULTICAST_IF, INT, "index of the interface groups are sent on"),
	IP6(IPV6_MULTICAST_LOOP, BOOL, "this host gets what it sends to groups"),
	IP6(IPV6_PATHMTU, GROUP, "bytes of the largest packet on the path", READ_ONLY,
		FIELDS(path_mtu)),
	IP6(IPV6_RECVDSTOPTS, BOOL, "receives destination options"),
	IP6(IPV6_RECVERR, BOOL, "keeps the network's errors in a queue"),
	IP6(IPV6_RECVERR_RFC4884, BOOL, "with where their extensions begin"),
	IP6(IPV6_RECVFRAGSIZE, BOOL, "receives the size of the largest fragment"),
	IP6(IPV6_RECVHOPLIMIT, BOOL, "receives the hop limit"),
	IP6(IPV6_RECVHOPOPTS, BOOL, "receives hop-by-hop options"),
	IP6(IPV6_RECVORIGDSTADDR, BOOL, "receives the address it was sent to"),
	IP6(IPV6_RECVPATHMTU, BOOL, "receives changes of the path's largest packet"),
	IP6(IPV6_RECVPKTINFO, BOOL, "receives address and interface of arrival"),
	IP6(IPV6_RECVRTHDR, BOOL, "receives the routing header"),
	IP6(IPV6_RECVTCLASS, BOOL, "receives the traffic class"),
	IP6(IPV6_ROUTER_ALERT, INT, "gets packets for routers (raw)", WRITE_ONLY),
	IP6(IPV6_ROUTER_ALERT_ISOLATE, BOOL, "of its own namespace only"),
	IP6(IPV6_RTHDR, BYTES, "routing header in each packet"),
	IP6(IPV6_RTHDRDSTOPTS, BYTES, "destination options for those on the route"),
	IP6(IPV6_TCLASS, INT, "traffic class (DSCP and ECN)"),
	IP6(IPV6_TRANSPARENT, BOOL, "may be bound to addresses of others"),
	IP6(IPV6_UNICAST_HOPS, INT, "hop limit: routers and one on the way"),
	IP6(IPV6_UNICAST_IF, INT, "index of the interface it sends on", NETWORK_ORDER),
	IP6(IPV6_V6ONLY, BOOL, "has no IPv4 peers"),

	TCP(TCP_CC_INFO, BYTES, "what the congestion algorithm tells, as it is", READ_ONLY),
	TCP(TCP_CONGESTION, TEXT, "congestion algorithm"),
	TCP(TCP_CORK, BOOL, "sends full segments only"),
	TCP(TCP_DEFER_ACCEPT, INT, "seconds accept waits for data"),
	TCP(TCP_DELACK_MAX_US, INT, "longest delay of an acknowledgement, in microseconds"),
	TCP(TCP_FASTOPEN, INT, "connections with early data that may wait"),
	TCP(TCP_FASTOPEN_CONNECT, BOOL, "connect waits for data to take along"),
	TCP(TCP_FASTOPEN_KEY, BYTES, "keys of early data's cookies"),
	TCP(TCP_FASTOPEN_NO_COOKIE, BOOL, "early data needs no cookie"),
	TCP(TCP_INFO, GROUP, "the connection's state and counters", READ_ONLY, FIELDS(tcp_info)),
	TCP(TCP_INQ, BOOL, "receives how much is unread"),
	TCP(TCP_IS_MPTCP, BOOL, "it is a path of an MPTCP connection", READ_ONLY),
	TCP(TCP_KEEPCNT, INT, "unanswered questions until a peer counts as dead"),
	TCP(TCP_KEEPIDLE, INT, "idle seconds before the first question"),
	TCP(TCP_KEEPINTVL, INT, "seconds between questions"),
	TCP(TCP_LINGER2, INT, "seconds in FIN_WAIT2"),
	TCP(TCP_MAXSEG, INT, "bytes of the largest segment"),
	TCP(TCP_NODELAY, BOOL, "sends small segments at once"),
	TCP(TCP_NOTSENT_LOWAT, INT, "unsent bytes up to which it is writable; 0: the system's"),
	TCP(TCP_QUEUE_SEQ, UNSIGNED, "sequence number of the chosen queue (repair)", SIZE(4)),
	TCP(TCP_QUICKACK, BOOL, "acknowledges at once, for now"),
	TCP(TCP_REPAIR, INT, "may be saved and restored"),
	TCP(TCP_REPAIR_QUEUE, INT, "the queue that is: 1 receiving, 2 sending (repair)"),
	TCP(TCP_REPAIR_WINDOW, GROUP, "its windows (repair)", SIZE(20), FIELDS(repair_window)),
	TCP(TCP_RTO_MAX_MS, INT, "longest wait to send again, in milliseconds"),
	TCP(TCP_RTO_MIN_US, INT, "shortest wait to send again, in microseconds"),
	TCP(TCP_SAVED_SYN, BYTES, "headers of the first packet; told once", READ_ONLY),
	TCP(TCP_SAVE_SYN, INT, "keeps those of what it accepts: 1 from IP, 2 from the link"),
	TCP(TCP_SYNCNT, INT, "times that connect tries again"),
	TCP(TCP_THIN_DUPACK, BOOL, "sends again at the first duplicate (no effect now)"),
	TCP(TCP_THIN_LINEAR_TIMEOUTS, BOOL, "does not wait longer each time, with few packets"),
	TCP(TCP_TIMESTAMP, UNSIGNED, "its clock", SIZE(4)),
	TCP(TCP_TX_DELAY, INT, "microseconds each segment is delayed"),
	TCP(TCP_ULP, TEXT, "protocol on top that the kernel does (tls)"),
	TCP(TCP_USER_TIMEOUT, INT, "milliseconds without an acknowledgement; 0: the system's"),
	TCP(TCP_WINDOW_CLAMP, INT, "bytes that its window has at most"),

	UDP(UDP_CORK, BOOL, "gathers what is sent into one datagram"),
	UDP(UDP_ENCAP, INT, "what is inside the datagrams: 2 ESP, 3 L2TP, ..."),
	UDP(UDP_GRO, BOOL, "several datagrams may come as one"),
	UDP(UDP_NO_CHECK6_RX, BOOL, "receives without checksums (IPv6)"),
	UDP(UDP_NO_CHECK6_TX, BOOL, "sends without checksums (IPv6)"),
	UDP(UDP_SEGMENT, INT, "bytes that what is sent is cut into; 0: it is not"),
};

const size_t weft__sockopt_count = sizeof(weft__sockopts) / sizeof(weft__sockopts[0]);

const char *weft_sockopt_level_name(int level)
{
	switch (level) {
	case SOL_SOCKET:
		return "SOL_SOCKET";
	case IPPROTO_IP:
		return "IPPROTO_IP";
	case IPPROTO_IPV6:
		return "IPPROTO_IPV6";
	case IPPROTO_TCP:
		return "IPPROTO_TCP";
	case IPPROTO_UDP:
		return "IPPROTO_UDP";
	default:
		return NULL;
	}
}
