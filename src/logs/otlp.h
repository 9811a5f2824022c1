/* SPDX-License-Identifier: Apache-2.0 */
/* What an OTLP receiver says of a batch that it took. */
#pragma once

#include "logs/drain.h"

/* n_refused, as it says, and its message. Nonsense changes nothing. */
void otlp_read_reply(const struct drain_reply *r, bool is_json, struct drain_judgement *j);
