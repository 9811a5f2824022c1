/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks one thing over and over on some kept connections, for some seconds, and prints what came of
 * it as JSON:
 *
 *     api-load PORT CONNECTIONS SECONDS TOKEN METHOD PATH [BODY]
 *
 * "%d" in the body is another number each time. Blocking threads: the server is what is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384

static int port;
static const char *token, *method, *path, *body;
static double until;
static atomic_long good, bad, bytes, number;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void ask(int fd)
{
	char text[4096] = "", request[8192];
	int n;

	if (body)
		snprintf(text, sizeof(text), body, (int)atomic_fetch_add(&number, 1));
	n = snprintf(request, sizeof(request),
		     "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\n"
		     "Accept: application/vnd.heroku+json; version=3\r\nContent-Type: "
		     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
		     method, path, port, token, strlen(text), text);
	if (write(fd, request, (size_t)n) != n) {
		perror("write");
		exit(1);
	}
}

/* The whole answer: its status. All of ours say how long they are. *ret_last: the connection ends
 * with it, as where haproxy was reloaded. */
static int answer(int fd, int *ret_last)
{
	char head[HEAD_MAX + 1], *end = NULL, *length;
	size_t n = 0;
	long rest;

	while (!end && n < HEAD_MAX) {
		ssize_t got = read(fd, head + n, HEAD_MAX - n);

		if (got <= 0) {
			fprintf(stderr, "the connection ended\n");
			exit(1);
		}
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	length = strcasestr(head, "\r\ncontent-length:");
	if (!end || !length) {
		fprintf(stderr, "an answer without a length: %.200s\n", head);
		exit(1);
	}
	*ret_last = strcasestr(head, "\r\nconnection: close") != NULL;
	rest = strtol(length + strlen("\r\ncontent-length:"), NULL, 10) -
	       (long)(n - (size_t)(end + 4 - head));
	atomic_fetch_add(&bytes, rest);
	while (rest > 0) {
		static _Thread_local char sink[65536];
		ssize_t got =
			read(fd, sink, rest < (long)sizeof(sink) ? (size_t)rest : sizeof(sink));

		if (got <= 0)
			exit(1);
		rest -= got;
	}
	return atoi(head + strlen("HTTP/1.1 "));
}

static void *work(void *unused)
{
	int fd = dial();

	(void)unused;
	while (now() < until) {
		int status, last;

		ask(fd);
		status = answer(fd, &last);
		if (last) {
			close(fd);
			fd = dial();
		}
		atomic_fetch_add(status >= 200 && status < 300 ? &good : &bad, 1);
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc > 2 ? atoi(argv[2]) : 0;
	double began = now();

	if (argc < 7 || n < 1 || n > 64)
		return 2;
	port = atoi(argv[1]);
	until = began + atof(argv[3]);
	token = argv[4];
	method = argv[5];
	path = argv[6];
	body = argc > 7 ? argv[7] : NULL;
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("{\"good\": %ld, \"bad\": %ld, \"bytes\": %ld, \"seconds\": %.3f}\n",
	       atomic_load(&good), atomic_load(&bad), atomic_load(&bytes), now() - began);
	return 0;
}
