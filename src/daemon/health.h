/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a dyno is ready: which TCP ports its own processes listen on, read
 * from /proc (proc(5): net/tcp, PID/fd), so that a port held by somebody else
 * is not taken for the app's; and an HTTP check of one path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event/loop.h"

#define HEALTH_MAX_PORTS 16

struct health_socket {
	uint64_t inode;
	uint16_t port;
	bool reachable; /* bound to an address at which 127.0.0.1 gets there */
};

/*
 * The listening sockets of the processes, by port, one a port (a reachable one
 * where there are several); returns how many (at most HEALTH_MAX_PORTS).
 */
size_t health_ports(const pid_t *pids, size_t n_pids,
		    struct health_socket found[static HEALTH_MAX_PORTS]);

/* Pure part, for tests: adds the listening sockets in the text of /proc/net/tcp or tcp6. */
void health_parse_net(const char *text, struct health_socket **sockets, size_t *n);

/*
 * One GET of http://127.0.0.1:PORT PATH. fn gets the status (100 to 599), or
 * 0 when there was no HTTP answer within the time. One call, then the probe is
 * freed. health_probe_cancel() frees it without a call.
 */
struct health_probe;
typedef void (*health_probe_fn)(int status, void *userdata);
struct health_probe *health_probe_start(struct loop *l, uint16_t port, const char *host, const char *path,
					int64_t timeout_ms, health_probe_fn fn, void *userdata);
void health_probe_cancel(struct health_probe *p);
/* Pure part: the status in "HTTP/1.1 200 OK", 0 when this is none. */
int health_parse_status(const char *line);
