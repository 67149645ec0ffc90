// SPDX-License-Identifier: GPL-2.0
/* flow_pppoe NETNS DEV REMOTE-MAC SESSION
 *
 * A PPPoE session without PPP around it: makes ppp0 in NETNS on top of DEV,
 * prints its name and keeps it until standard input ends.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_pppox.h>
#include <linux/ppp-ioctl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "flow_traffic.h"

static int open_session(const char *dev, const char *mac, unsigned int sid)
{
	struct sockaddr_pppox addr = {
		.sa_family = AF_PPPOX,
		.sa_protocol = PX_PROTO_OE,
	};
	uint8_t *remote = addr.sa_addr.pppoe.remote;
	int fd;

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", remote, remote + 1,
		   remote + 2, remote + 3, remote + 4, remote + 5) !=
	    ETH_ALEN) {
		errno = EINVAL;
		die("%s", mac);
	}
	addr.sa_addr.pppoe.sid = htons(sid);
	strncpy(addr.sa_addr.pppoe.dev, dev,
		sizeof(addr.sa_addr.pppoe.dev) - 1);

	fd = socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_OE);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("PPPoE session on %s", dev);

	return fd;
}

static int open_ppp(void)
{
	int fd = open("/dev/ppp", O_RDWR);

	if (fd < 0)
		die("/dev/ppp");

	return fd;
}

int main(int argc, char **argv)
{
	int session, channel, unit, index, number_of = -1;
	char c;

	if (argc != 5) {
		errno = EINVAL;
		die("usage: flow_pppoe NETNS DEV REMOTE-MAC SESSION");
	}
	enter_netns(argv[1]);
	session = open_session(argv[2], argv[3], number(argv[4], 10, 65535));
	channel = open_ppp();
	unit = open_ppp();
	if (ioctl(session, PPPIOCGCHAN, &index) ||
	    ioctl(channel, PPPIOCATTCHAN, &index) ||
	    ioctl(unit, PPPIOCNEWUNIT, &number_of) ||
	    ioctl(channel, PPPIOCCONNECT, &number_of))
		die("PPP unit");

	printf("ppp%d\n", number_of);
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
