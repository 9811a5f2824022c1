/* SPDX-License-Identifier: Apache-2.0 */
/* How fast an app is. */
#pragma once

#include <stddef.h>

struct app;

/* Counts the request of a router's line, if it measures the app (route/route.h). */
void app_measure(struct app *a, const char *line, size_t n);
/* Answers LOGS_LOAD and resets the counters. A NULL app has had no requests. 0 or a negative errno.
 */
int app_answer_load(struct app *a, const char *id, int peer_fd);
