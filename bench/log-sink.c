/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A syslog receiver that checks what it gets, for the bench of the log path:
 *     log-sink PORT COUNT [framing: octets | lines]
 * Listens on 127.0.0.1, takes one connection after another until lines 0 to COUNT - 1 are
 * there or reported as dropped, and then prints JSON: lines, missing, doubled, disordered, dropped
 * (as told by L10 notices), seconds from the first to the last. SIGTERM prints what there is.
 * SIGUSR1: it is gone for OUTAGE_S seconds, and so is its socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 20)

static unsigned char *seen;
static unsigned long count, lines, distinct, doubled, disordered, dropped, next;
static double first_s, last_s;
static volatile sig_atomic_t over, gone;

static void on_term(int signal)
{
	(void)signal;
	over = 1;
}

static void on_usr1(int signal)
{
	(void)signal;
	gone = 1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take(const char *frame, size_t n)
{
	const char *mark = memchr(frame, '#', n), *notice;
	unsigned long v = 0;

	if (!mark || mark + 11 >= frame + n) {
		notice = memmem(frame, n, "Error L10", 9);
		notice = notice ? memmem(notice, n - (size_t)(notice - frame), "): ", 3) : NULL;
		if (notice)
			dropped += strtoul(notice + 3, NULL, 10);
		return;
	}
	for (int i = 1; i <= 10; i++)
		v = v * 10 + (unsigned long)(mark[i] - '0');
	lines++;
	if (v >= count)
		return;
	if (seen[v]) {
		doubled++;
		return;
	}
	seen[v] = 1;
	distinct++;
	if (v < next)
		disordered++;
	else
		next = v + 1;
}

/* Whole frames of the buffer; returns the bytes that they took. */
static size_t split(const char *data, size_t n, int octets)
{
	size_t at = 0;

	while (at < n) {
		if (octets) {
			size_t size = 0, k = at;

			while (k < n && data[k] >= '0' && data[k] <= '9')
				size = size * 10 + (size_t)(data[k++] - '0');
			if (k >= n || k + 1 + size > n)
				return at;
			take(data + k + 1, size);
			at = k + 1 + size;
		} else {
			const char *lf = memchr(data + at, '\n', n - at);

			if (!lf)
				return at;
			take(data + at, (size_t)(lf - data) - at);
			at = (size_t)(lf - data) + 1;
		}
	}
	return at;
}

static void serve(int fd, int octets)
{
	static char data[BUFFER];
	size_t have = 0, used;
	ssize_t n;

	while (!over && distinct + dropped < count) {
		/* What has come is read before it goes, as a server does that ends in order. */
		n = recv(fd, data + have, sizeof(data) - have, gone ? MSG_DONTWAIT : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (!lines)
			first_s = now_s();
		have += (size_t)n;
		used = split(data, have, octets);
		memmove(data, data + used, have - used);
		have -= used;
		last_s = now_s();
	}
	close(fd);
}

static int open_listener(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((unsigned short)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0) {
		perror("log-sink");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction term = { .sa_handler = on_term }, usr1 = { .sa_handler = on_usr1 };
	int octets = argc < 4 || strcmp(argv[3], "octets") == 0,
	    port = argc > 2 ? atoi(argv[1]) : 0, fd;
	const char *outage = getenv("OUTAGE_S");

	if (argc < 3)
		return 2;
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	count = strtoul(argv[2], NULL, 10);
	seen = calloc(count + 1, 1);
	if (!seen)
		return 1;
	fd = open_listener(port);
	while (!over && distinct + dropped < count) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0)
			serve(c, octets);
		if (gone) {
			close(fd);
			sleep(outage ? (unsigned)atoi(outage) : 5);
			gone = 0;
			fd = open_listener(port);
		}
	}
	printf("{\"lines\": %lu, \"distinct\": %lu, \"missing\": %lu, \"doubled\": %lu, "
	       "\"disordered\": %lu, "
	       "\"dropped\": %lu, \"seconds\": %.6f}\n",
	       lines, distinct, count - distinct, doubled, disordered, dropped, last_s - first_s);
	return 0;
}
