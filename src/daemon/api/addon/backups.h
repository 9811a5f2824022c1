/* SPDX-License-Identifier: Apache-2.0 */
/* Backups and their schedules, for the endpoints of Heroku's tools; api/addon/backups.c. */
#pragma once

#include "daemon/http/http.h"
#include "store/store.h"

/* The file as the answer. */
int api_answer_backup(struct request *r, const struct backup *b, struct error *err);
/* Daily backups at a minute of the day in UTC, -1 for none. */
int api_schedule_set(struct request *r, struct addon *a, int64_t minute, int64_t keep,
		     struct error *err);
