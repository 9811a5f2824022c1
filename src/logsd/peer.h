/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks to us. */
#pragma once

#include "base/error.h"

struct logsd;

int peers_listen(struct logsd *l, const char *run_dir, struct error *err);
/* Answers those who read of dynos that have ended, once all that has been sent and written before is taken. */
void peers_answer_late(struct logsd *l);
/* Takes what has been sent already: before the end. */
void peers_drain(struct logsd *l);
void peers_free(struct logsd *l);
