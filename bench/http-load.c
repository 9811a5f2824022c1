/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a router that is measured, each with one thread and epoll:
 *
 *     http-load serve PORT                                   answers each request, keeps connections
 *     http-load ask PORT HOST CONNECTIONS SECONDS [METHOD]   asks over and over on kept connections
 *
 * The second prints what came of it as JSON. A request here is one packet, as is its answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SAMPLES_MAX (1 << 22)
#define EVENTS 256

static const char reply[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
	"Hello, world\n";

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void watch(int epoll, int fd, uint64_t what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = what };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll_ctl");
}

/* ---- serve ---- */

static void answer(int fd)
{
	char data[16384];
	ssize_t n = read(fd, data, sizeof(data) - 1);
	const char *last = "\r\nconnection: close";

	if (n <= 0) {
		close(fd);
		return;
	}
	data[n] = '\0';
	if (write(fd, reply, sizeof(reply) - 1) < 0 || strcasestr(data, last))
		close(fd);
}

static void serve(const char *port)
{
	struct sockaddr_in a = loopback(port);
	struct epoll_event events[EVENTS];
	int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), n;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 1024) < 0)
		fail("listen");
	watch(epoll, listener, (uint64_t)listener);
	while ((n = epoll_wait(epoll, events, EVENTS, -1)) >= 0 || errno == EINTR)
		for (int i = 0; i < n; i++) {
			int fd = (int)events[i].data.u64;

			if (fd != listener) {
				answer(fd);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			if (fd < 0)
				continue;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
			watch(epoll, fd, (uint64_t)fd);
		}
}

/* ---- ask ---- */

struct client {
	int fd;
	int64_t began_ns;
};

static char request[1024];
static size_t request_len;
static struct client clients[CONNECTIONS_MAX];
static uint32_t *samples; /* µs */
static size_t n_samples, bad;

static void dial(int epoll, const char *port, size_t i)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	clients[i].fd = fd;
	watch(epoll, fd, i);
}

static void ask(struct client *c)
{
	c->began_ns = now_ns();
	if (write(c->fd, request, request_len) != (ssize_t)request_len)
		fail("write");
}

static void take(int epoll, const char *port, size_t i)
{
	struct client *c = &clients[i];
	char data[16384];
	ssize_t n = read(c->fd, data, sizeof(data) - 1);
	const char *last = "\r\nconnection: close";

	data[n > 0 ? n : 0] = '\0';
	bad += n < 12 || memcmp(data + 9, "200", 3) != 0;
	if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = (uint32_t)((now_ns() - c->began_ns) / 1000);
	if (n <= 0 || strcasestr(data, last)) {
		close(c->fd);
		dial(epoll, port, i);
	}
	ask(c);
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void ask_all(const char *port, size_t n_clients, double seconds)
{
	int64_t began_ns = now_ns(), until_ns = began_ns + (int64_t)(seconds * 1e9), took_ns;
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(0);

	for (size_t i = 0; i < n_clients; i++) {
		dial(epoll, port, i);
		ask(&clients[i]);
	}
	while (now_ns() < until_ns) {
		int n = epoll_wait(epoll, events, EVENTS, 1000);

		for (int i = 0; i < n; i++)
			take(epoll, port, events[i].data.u64);
	}
	took_ns = now_ns() - began_ns;
	qsort(samples, n_samples, sizeof(*samples), by_size);
	printf("{\"good\": %zu, \"bad\": %zu, \"seconds\": %.3f, \"p50_us\": %u, \"p99_us\": %u}\n",
	       n_samples - bad, bad, (double)took_ns / 1e9, n_samples ? samples[n_samples / 2] : 0,
	       n_samples ? samples[n_samples * 99 / 100] : 0);
}

int main(int argc, char **argv)
{
	const char *method = argc > 6 ? argv[6] : "GET";

	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		serve(argv[2]);
		return 1;
	}
	if (argc < 6 || strcmp(argv[1], "ask") != 0 || atoi(argv[4]) < 1 ||
	    atoi(argv[4]) > CONNECTIONS_MAX)
		return 2;
	samples = calloc(SAMPLES_MAX, sizeof(*samples));
	if (!samples)
		fail("calloc");
	request_len = (size_t)snprintf(
		request, sizeof(request),
		"%s / HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
		"x86_64)\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip"
		"\r\nAccept-Language: en\r\n%s\r\n",
		method, argv[3], strcmp(method, "GET") == 0 ? "" : "Content-Length: 0\r\n");
	ask_all(argv[2], (size_t)atoi(argv[4]), atof(argv[5]));
	return 0;
}
