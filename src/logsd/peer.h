/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks to us. */
#pragma once

#include "base/error.h"

struct logsd;

int peers_listen(struct logsd *l, const char *run_dir, struct error *err);
/* Answers readers of ended dynos, once everything sent and written before was processed. */
void peers_answer_late(struct logsd *l);
/* Takes what has been sent already: before the end. */
void peers_drain(struct logsd *l);
void peers_free(struct logsd *l);
