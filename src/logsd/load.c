/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast apps are: what the router tells of each request is counted as its line comes by. A few
 * hundred bytes an app, and nothing that a kill has to leave: who asks is told for how long it was
 * counted.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ipc/ipc.h"
#include "ipc/logs-proto.h"
#include "logs/latency.h"
#include "logsd/app.h"
#include "logsd/load.h"
#include "route/route.h"

struct load {
	struct latency latency;
	int64_t since_ms; /* monotonic */
};

void app_measure(struct app *a, const char *line, size_t n)
{
	struct route_measure m;

	if (!route_log_measure(line, n, &m))
		return;
	if (!a->load) {
		a->load = xcalloc(1, sizeof(*a->load));
		a->load->since_ms = clock_now_ms();
	}
	latency_add(&a->load->latency, m.service_ms, m.failed);
}

int app_answer_load(struct app *a, const char *id, int peer_fd)
{
	static const struct load none;
	const struct load *l = a && a->load ? a->load : &none;
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int64_t now_ms = clock_now_ms();
	int r;

	m.type = LOGS_LOAD;
	ipc_put(&m, "app", id);
	ipc_put_i64(&m, "requests", l->latency.requests);
	ipc_put_i64(&m, "failed", l->latency.failed);
	ipc_put_i64(&m, "p95_ms", latency_p95(&l->latency));
	ipc_put_i64(&m, "for_ms", l == &none ? 0 : now_ms - l->since_ms);
	r = ipc_send(peer_fd, &m);
	if (r == 0 && a && a->load)
		*a->load = (struct load){ .since_ms = now_ms };
	return r;
}
