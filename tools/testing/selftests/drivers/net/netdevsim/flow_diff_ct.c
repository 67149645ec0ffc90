// SPDX-License-Identifier: GPL-2.0
/* What flow_differential asks of ctnetlink, and how. */
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>

#include "flow_diff_ct.h"
#include "flow_packet.h"

struct ct_msg {
	struct nlmsghdr		nlh;
	struct nfgenmsg		nfg;
	char			attrs[512];
};

int ct_socket(const char *ns, uint32_t groups)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = groups,
	};
	int fd, size = 8 << 20;

	enter_netns(ns);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (fd < 0 || bind(fd, (struct sockaddr *)&nl, sizeof(nl)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("netlink of %s", ns);

	return fd;
}

static void *nla_put(struct ct_msg *msg, uint16_t type, const void *data,
		     unsigned int len)
{
	struct nlattr *nla = (void *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len);

	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((void *)nla + NLA_HDRLEN, data, len);
	msg->nlh.nlmsg_len = NLMSG_ALIGN(msg->nlh.nlmsg_len) +
			     NLA_ALIGN(nla->nla_len);
	return nla;
}

static struct nlattr *nla_nest(struct ct_msg *msg, uint16_t type)
{
	return nla_put(msg, type | NLA_F_NESTED, NULL, 0);
}

static void nla_end(struct ct_msg *msg, struct nlattr *nest)
{
	nest->nla_len = (void *)msg + msg->nlh.nlmsg_len - (void *)nest;
}

static void ct_msg_init(struct ct_msg *msg, int type, int flags, int family)
{
	memset(msg, 0, sizeof(*msg));
	msg->nlh.nlmsg_len = NLMSG_LENGTH(sizeof(msg->nfg));
	msg->nlh.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nfg.nfgen_family = family;
	msg->nfg.version = NFNETLINK_V0;
}

static void ct_put_tuple(struct ct_msg *msg, const struct ends *ends, bool udp)
{
	bool ipv4 = ends->family == AF_INET;
	uint8_t proto = udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint16_t sport = htons(ends->port[CLIENT]);
	uint16_t dport = htons(ends->port[SERVER]);
	struct nlattr *tuple, *nest;

	tuple = nla_nest(msg, CTA_TUPLE_ORIG);
	nest = nla_nest(msg, CTA_TUPLE_IP);
	nla_put(msg, ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, &ends->addr[CLIENT],
		ipv4 ? 4 : 16);
	nla_put(msg, ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, &ends->addr[SERVER],
		ipv4 ? 4 : 16);
	nla_end(msg, nest);
	nest = nla_nest(msg, CTA_TUPLE_PROTO);
	nla_put(msg, CTA_PROTO_NUM, &proto, 1);
	nla_put(msg, CTA_PROTO_SRC_PORT, &sport, 2);
	nla_put(msg, CTA_PROTO_DST_PORT, &dport, 2);
	nla_end(msg, nest);
	nla_end(msg, tuple);
}

static uint32_t nla_u32(const struct nlattr *nla)
{
	uint32_t value;

	memcpy(&value, (void *)nla + NLA_HDRLEN, sizeof(value));
	return ntohl(value);
}

static uint64_t nla_u64(const struct nlattr *nla)
{
	uint64_t value;

	memcpy(&value, (void *)nla + NLA_HDRLEN, sizeof(value));
	return be64toh(value);
}

static uint16_t nla_u16(const struct nlattr *nla)
{
	uint16_t value;

	memcpy(&value, (void *)nla + NLA_HDRLEN, sizeof(value));
	return ntohs(value);
}

static uint8_t nla_u8(const struct nlattr *nla)
{
	return *(uint8_t *)((void *)nla + NLA_HDRLEN);
}

#define nla_for_each(nla, head, end)					\
	for (nla = (head); (void *)nla + NLA_HDRLEN <= (void *)(end);	\
	     nla = (void *)nla + NLA_ALIGN(nla->nla_len))

#define nla_for_each_nested(nla, nest)					\
	nla_for_each(nla, (void *)(nest) + NLA_HDRLEN,			\
		     (void *)(nest) + (nest)->nla_len)

static int nla_type(const struct nlattr *nla)
{
	return nla->nla_type & NLA_TYPE_MASK;
}

static void ct_get_counters(const struct nlattr *nest, struct ct_info *info,
			    int dir)
{
	const struct nlattr *nla;

	nla_for_each_nested(nla, nest) {
		if (nla_type(nla) == CTA_COUNTERS_PACKETS)
			info->packets[dir] = nla_u64(nla);
		else if (nla_type(nla) == CTA_COUNTERS_BYTES)
			info->bytes[dir] = nla_u64(nla);
	}
}

static void ct_get_proto(const struct nlattr *tuple, struct ct_info *info)
{
	const struct nlattr *nest, *nla;

	nla_for_each_nested(nest, tuple) {
		if (nla_type(nest) != CTA_TUPLE_PROTO)
			continue;
		nla_for_each_nested(nla, nest) {
			if (nla_type(nla) == CTA_PROTO_SRC_PORT)
				info->port[0] = nla_u16(nla);
			else if (nla_type(nla) == CTA_PROTO_DST_PORT)
				info->port[1] = nla_u16(nla);
		}
	}
}

static void ct_get_tcp(const struct nlattr *protoinfo, struct ct_info *info)
{
	const struct nlattr *nest, *nla;

	nla_for_each_nested(nest, protoinfo) {
		if (nla_type(nest) != CTA_PROTOINFO_TCP)
			continue;
		nla_for_each_nested(nla, nest) {
			switch (nla_type(nla)) {
			case CTA_PROTOINFO_TCP_STATE:
				info->state = nla_u8(nla);
				break;
			case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
				info->scale[0] = nla_u8(nla);
				break;
			case CTA_PROTOINFO_TCP_WSCALE_REPLY:
				info->scale[1] = nla_u8(nla);
				break;
			}
		}
	}
}

void ct_parse(const struct nlmsghdr *nlh, struct ct_info *info)
{
	const struct nlattr *nla;

	memset(info, 0, sizeof(*info));
	info->there = true;
	info->state = -1;
	nla_for_each(nla, (void *)nlh + NLMSG_LENGTH(sizeof(struct nfgenmsg)),
		     (void *)nlh + nlh->nlmsg_len) {
		switch (nla_type(nla)) {
		case CTA_TUPLE_ORIG:
			ct_get_proto(nla, info);
			break;
		case CTA_STATUS:
			info->status = nla_u32(nla);
			break;
		case CTA_TIMEOUT:
			info->timeout = nla_u32(nla);
			info->shown = true;
			break;
		case CTA_MARK:
			info->mark = nla_u32(nla);
			break;
		case CTA_PROTOINFO:
			ct_get_tcp(nla, info);
			break;
		case CTA_COUNTERS_ORIG:
			ct_get_counters(nla, info, 0);
			break;
		case CTA_COUNTERS_REPLY:
			ct_get_counters(nla, info, 1);
			break;
		}
	}
}

/* Return: 0, or what the kernel says */
static int ct_talk(int fd, struct ct_msg *msg, struct ct_info *info)
{
	static char buf[8192];
	const struct nlmsghdr *nlh = (void *)buf;
	ssize_t len;

	if (send(fd, msg, msg->nlh.nlmsg_len, 0) < 0)
		die("netlink");
	len = recv(fd, buf, sizeof(buf), 0);
	if (len < (ssize_t)sizeof(*nlh))
		die("netlink");
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	if (info)
		ct_parse(nlh, info);
	return 0;
}

void ct_get(int fd, const struct ends *ends, bool udp, struct ct_info *info)
{
	struct ct_msg msg;

	memset(info, 0, sizeof(*info));
	ct_msg_init(&msg, IPCTNL_MSG_CT_GET, 0, ends->family);
	ct_put_tuple(&msg, ends, udp);
	if (ct_talk(fd, &msg, info))
		info->there = false;
}

int ct_delete(int fd, const struct ends *ends, bool udp)
{
	struct ct_msg msg;

	ct_msg_init(&msg, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, ends->family);
	ct_put_tuple(&msg, ends, udp);
	return ct_talk(fd, &msg, NULL);
}

int ct_flush(int fd)
{
	struct ct_msg msg;

	ct_msg_init(&msg, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_UNSPEC);
	return ct_talk(fd, &msg, NULL);
}

/* CTA_MARK or CTA_TIMEOUT */
int ct_set(int fd, const struct ends *ends, bool udp, int what, uint32_t value)
{
	struct ct_msg msg;

	value = htonl(value);
	ct_msg_init(&msg, IPCTNL_MSG_CT_NEW, NLM_F_ACK, ends->family);
	ct_put_tuple(&msg, ends, udp);
	nla_put(&msg, what, &value, sizeof(value));
	return ct_talk(fd, &msg, NULL);
}

/* Return: 'n', 'u' or 'd', or 0 for something else */
int ct_event_type(const struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type & 0xff) {
	case IPCTNL_MSG_CT_NEW:
		return nlh->nlmsg_flags & NLM_F_CREATE ? 'n' : 'u';
	case IPCTNL_MSG_CT_DELETE:
		return 'd';
	default:
		return 0;
	}
}

void ct_print(const char *what, const struct ct_info *info)
{
	if (!info->there) {
		printf("#   %s: no connection\n", what);
		return;
	}
	printf("#   %s: state %d status %x left %d mark %u scale %u %u",
	       what, info->state, info->status,
	       info->shown ? (int)info->timeout : -1, info->mark,
	       info->scale[0], info->scale[1]);
	printf(" packets %llu %llu bytes %llu %llu\n",
	       (unsigned long long)info->packets[0],
	       (unsigned long long)info->packets[1],
	       (unsigned long long)info->bytes[0],
	       (unsigned long long)info->bytes[1]);
}
