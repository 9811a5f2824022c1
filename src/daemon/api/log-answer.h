/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as a response. */
#pragma once

#include "daemon/api/call.h"

struct log_session {
	char app_id[UUID_SIZE];
	int64_t lines;
	bool tail;
	char *dyno, *source;	   /* NULL: all */
	int64_t release, since_ms; /* 0: all */
	int64_t after;
	bool seq; /* plain lines begin with their sequence number */
};
/* Responds with Server-Sent Events, or with plain lines if the client accepts text/plain. Copies
 * *s. */
int request_answer_logs(struct request *r, const struct log_session *s, struct error *err);
