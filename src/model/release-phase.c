/* SPDX-License-Identifier: Apache-2.0 */
/* The release phase; see release-phase.h. */
#include "model/release-phase.h"

static struct release_phase_step look(enum release_phase_state state,
				      const struct release_phase_facts *f)
{
	if (!f->has_command)
		return (struct release_phase_step){ state, RELEASE_PHASE_SKIP };
	if (f->older_runs)
		return (struct release_phase_step){ state, RELEASE_PHASE_WAIT };
	if (state != RELEASE_PHASE_IDLE)
		return (struct release_phase_step){ state, RELEASE_PHASE_NOTHING };
	return (struct release_phase_step){ RELEASE_PHASE_RUNS,
					    f->runs ? RELEASE_PHASE_FOLLOW : RELEASE_PHASE_START };
}

static enum release_phase_action outcome(const struct release_phase_facts *f)
{
	if (!f->pending)
		return RELEASE_PHASE_FORGET;
	return f->succeeded ? RELEASE_PHASE_PASS : RELEASE_PHASE_FAIL;
}

struct release_phase_step release_phase_next(enum release_phase_state state,
					     enum release_phase_event event,
					     const struct release_phase_facts *f)
{
	if (event == RELEASE_PHASE_LOOK)
		return look(state, f);
	if (event == RELEASE_PHASE_EXIT && state == RELEASE_PHASE_RUNS)
		return (struct release_phase_step){ RELEASE_PHASE_ENDED, RELEASE_PHASE_ASK_REST };
	if (event == RELEASE_PHASE_TOLD && state == RELEASE_PHASE_ENDED)
		return (struct release_phase_step){ RELEASE_PHASE_IDLE, outcome(f) };
	return (struct release_phase_step){ state, RELEASE_PHASE_NOTHING };
}
