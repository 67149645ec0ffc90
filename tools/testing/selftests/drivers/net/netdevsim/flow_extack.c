// SPDX-License-Identifier: GPL-2.0
/* flow_extack NS DEVICE...
 *
 * Asks for a flowtable with "flags offload" on these devices, as nft does, and
 * prints what nft does not: error=NUMBER, and the text= that came with it. The
 * table is removed again if that was no error.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "flow_traffic.h"

#define TABLE		"flow_extack"
#define BATCH_MAX	4096

enum { SEQ_BEGIN, SEQ_TABLE, SEQ_FLOWTABLE, SEQ_AFTER, SEQ_END };

static _Alignas(NLMSG_ALIGNTO) uint8_t batch[BATCH_MAX];
static size_t len;

static void *put(size_t size)
{
	void *p = batch + len;

	errno = E2BIG;
	if (len + NLMSG_ALIGN(size) > sizeof(batch))
		die("devices");
	len += NLMSG_ALIGN(size);
	return p;
}

static struct nlmsghdr *put_msg(int type, int flags, int family, int res_id,
				int seq)
{
	struct nlmsghdr *nlh = put(NLMSG_LENGTH(sizeof(struct nfgenmsg)));
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	nfg->nfgen_family = family;
	nfg->res_id = htons(res_id);
	return nlh;
}

static void end_msg(struct nlmsghdr *nlh)
{
	nlh->nlmsg_len = batch + len - (uint8_t *)nlh;
}

static struct nlattr *put_attr(int type, const void *data, size_t size)
{
	struct nlattr *nla = put(NLA_HDRLEN + size);

	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((uint8_t *)nla + NLA_HDRLEN, data, size);
	return nla;
}

static void put_string(int type, const char *value)
{
	put_attr(type, value, strlen(value) + 1);
}

static void put_u32(int type, uint32_t value)
{
	value = htonl(value);
	put_attr(type, &value, sizeof(value));
}

static struct nlattr *start_nest(int type)
{
	return put_attr(type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(struct nlattr *nest)
{
	nest->nla_len = batch + len - (uint8_t *)nest;
}

static void put_table(int cmd, int flags, int seq)
{
	struct nlmsghdr *nlh;

	nlh = put_msg(NFNL_SUBSYS_NFTABLES << 8 | cmd, flags | NLM_F_ACK,
		      NFPROTO_INET, 0, seq);
	put_string(NFTA_TABLE_NAME, TABLE);
	end_msg(nlh);
}

static void put_flowtable(char **devices)
{
	struct nlattr *hook, *devs;
	struct nlmsghdr *nlh;

	nlh = put_msg(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE,
		      NLM_F_CREATE | NLM_F_ACK, NFPROTO_INET, 0, SEQ_FLOWTABLE);
	put_string(NFTA_FLOWTABLE_TABLE, TABLE);
	put_string(NFTA_FLOWTABLE_NAME, "ft");
	put_u32(NFTA_FLOWTABLE_FLAGS, NFT_FLOWTABLE_HW_OFFLOAD);
	hook = start_nest(NFTA_FLOWTABLE_HOOK);
	put_u32(NFTA_FLOWTABLE_HOOK_NUM, NF_NETDEV_INGRESS);
	put_u32(NFTA_FLOWTABLE_HOOK_PRIORITY, 0);
	devs = start_nest(NFTA_FLOWTABLE_HOOK_DEVS);
	for (; *devices; devices++)
		put_string(NFTA_DEVICE_NAME, *devices);
	end_nest(devs);
	end_nest(hook);
	end_msg(nlh);
}

static void start_batch(void)
{
	len = 0;
	end_msg(put_msg(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
			NFNL_SUBSYS_NFTABLES, SEQ_BEGIN));
}

static void send_batch(int fd)
{
	end_msg(put_msg(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES,
			SEQ_END));
	if (send(fd, batch, len, 0) != (ssize_t)len)
		die("send");
}

static void print_text(const struct nlmsghdr *nlh)
{
	const struct nlattr *nla;
	size_t off;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	for (off = NLMSG_LENGTH(sizeof(struct nlmsgerr));
	     off + NLA_HDRLEN <= nlh->nlmsg_len;
	     off += NLA_ALIGN(nla->nla_len)) {
		nla = (const void *)((const uint8_t *)nlh + off);
		if (nla->nla_len < NLA_HDRLEN)
			return;
		if ((nla->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			printf(" text=%s", (const char *)nla + NLA_HDRLEN);
	}
}

/* The answer to the flowtable; true if it was no error */
static bool print_answer(int fd)
{
	static _Alignas(NLMSG_ALIGNTO) uint8_t buf[16384];
	const struct nlmsgerr *err;
	const struct nlmsghdr *nlh;
	ssize_t got;

	for (;;) {
		got = recv(fd, buf, sizeof(buf), 0);
		if (got < 0)
			die("recv");
		for (nlh = (void *)buf; NLMSG_OK(nlh, got);
		     nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			err = NLMSG_DATA(nlh);
			/* Not of the batch: it is the end of it. */
			if (err->msg.nlmsg_seq != SEQ_FLOWTABLE &&
			    (!err->error || err->msg.nlmsg_seq == SEQ_AFTER))
				continue;
			printf("error=%d", -err->error);
			print_text(nlh);
			putchar('\n');
			return !err->error;
		}
	}
}

static int open_netlink(void)
{
	struct timeval patience = { .tv_sec = 20 };
	int fd, one = 1;

	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)))
		die("netlink");
	return fd;
}

int main(int argc, char **argv)
{
	int fd;

	errno = EINVAL;
	if (argc < 3)
		die("NS DEVICE...");
	enter_netns(argv[1]);
	fd = open_netlink();

	start_batch();
	put_table(NFT_MSG_NEWTABLE, NLM_F_CREATE, SEQ_TABLE);
	put_flowtable(argv + 2);
	/* What comes after an error takes no part in what it says. */
	put_table(NFT_MSG_NEWTABLE, NLM_F_CREATE, SEQ_AFTER);
	send_batch(fd);
	if (print_answer(fd)) {
		start_batch();
		put_table(NFT_MSG_DELTABLE, 0, SEQ_TABLE);
		send_batch(fd);
	}
	return 0;
}
