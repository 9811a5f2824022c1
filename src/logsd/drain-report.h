/* SPDX-License-Identifier: Apache-2.0 */
/* How a drain fares; see drains.h. */
#pragma once

#include "logsd/drains.h"

/* It works: what was told of failures is over. */
void drain_ok(struct drain *d);
/* An attempt failed: the next one follows after a pause, or after retry_after_ms if that is not 0.
 */
void drain_fail(struct drain *d, int64_t retry_after_ms, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A certificate was refused: L14, told at once. */
void drain_fail_certificate(struct drain *d, const char *why);
/* Reports a problem in the status and in the app's stream, without pausing. */
void drain_complain(struct drain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* L13: it has failed for long. */
void drain_report_long(struct drain *d, int64_t now_ms);
/* Writes pending messages to the app's stream. This calls the app's drains, so never call it from
 * within one. */
void drain_flush_tells(struct drain *d);
/* True if a test is waiting: its line, and the test is then running. */
bool drain_take_test(struct drain *d, struct log_record *ret, char text[static DRAIN_TEXT_MAX]);
bool drain_test_runs(const struct drain *d);
void drain_test_result(struct drain *d, bool passed, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
