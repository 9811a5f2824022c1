/* SPDX-License-Identifier: Apache-2.0 */
/* How fast an app is. */
#pragma once

#include <stddef.h>

struct app;

/* A line of the router that goes into the app's stream: the request is counted when it is a measure
 * of the app. */
void app_measure(struct app *a, const char *line, size_t n);
/* The answer to LOGS_LOAD, after which counting begins anew; a NULL app is one that had no
 * requests. 0 or a negative errno. */
int app_answer_load(struct app *a, const char *id, int peer_fd);
