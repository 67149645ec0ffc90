/* SPDX-License-Identifier: GPL-2.0 */
/* What programs that make traffic share. */
#ifndef _FLOW_TRAFFIC_H
#define _FLOW_TRAFFIC_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("# ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(ap);
	exit(1);
}

static inline unsigned long number(const char *s, int base, unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, base);
	if (errno || end == s || *end || n > max) {
		errno = EINVAL;
		die("%s", s);
	}

	return n;
}

/* The value of KEY=VALUE among the arguments */
static inline const char *word(int argc, char **argv, const char *key,
			       const char *otherwise)
{
	size_t len = strlen(key);
	int i;

	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], key, len) && argv[i][len] == '=')
			return argv[i] + len + 1;
	if (!otherwise) {
		errno = EINVAL;
		die("%s= is needed", key);
	}
	return otherwise;
}

static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline void enter_netns(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("netns %s", name);
	close(fd);
}

#endif /* _FLOW_TRAFFIC_H */
