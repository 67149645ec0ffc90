// SPDX-License-Identifier: GPL-2.0
/* First process in the initramfs of the guest `stock`: loads the modules that
 * the root file system needs, mounts it, and becomes the init= of the command
 * line. scripts/build makes it; its environment is what the kernel does not
 * know of that line.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what, const char *name)
{
	printf("stock-init: %s %s: %s\n", what, name, strerror(errno));
	fflush(stdout);
	sleep(1);
	reboot(RB_AUTOBOOT);
	exit(1);
}

static void load(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("module", name);
	close(fd);
}

/* /modules has one name per line, in the order to load them in. */
static void load_all(void)
{
	FILE *list = fopen("/modules", "r");
	char name[256];

	if (!list)
		die("open", "/modules");
	while (fgets(name, sizeof(name), list)) {
		name[strcspn(name, "\n")] = '\0';
		load(name);
	}
	fclose(list);
}

static char *init_of(char *cmdline)
{
	char *word = strtok(cmdline, " \n");

	while (word && strncmp(word, "init=", 5))
		word = strtok(NULL, " \n");
	if (!word)
		die("command line", "init=");
	return word + 5;
}

int main(void)
{
	const char *options = "trans=virtio,version=9p2000.L,msize=262144,"
			      "cache=loose";
	char *argv[] = { NULL, NULL };
	static char cmdline[4096];
	int fd;

	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount", "/proc");
	fd = open("/proc/cmdline", O_RDONLY);
	if (fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) < 0)
		die("read", "/proc/cmdline");
	close(fd);
	argv[0] = init_of(cmdline);

	load_all();
	if (mount("/dev/root", "/root", "9p", MS_RDONLY, options))
		die("mount", "/root");
	umount("/proc");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		die("change to", "/root");
	execv(argv[0], argv);
	die("run", argv[0]);
}
