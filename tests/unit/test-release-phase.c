/* SPDX-License-Identifier: Apache-2.0 */
/* The release phase, cell by cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/release-phase.h"

#define IDLE RELEASE_PHASE_IDLE
#define RUNS RELEASE_PHASE_RUNS
#define ENDED RELEASE_PHASE_ENDED

struct row {
	const char *what;
	enum release_phase_state from;
	enum release_phase_event event;
	struct release_phase_facts facts;
	enum release_phase_state to;
	enum release_phase_action action;
};

static const struct row rows[] = {
	{ "no command", IDLE, RELEASE_PHASE_LOOK, { 0 }, IDLE, RELEASE_PHASE_SKIP },
	{ "no command, though an older one runs",
	  RUNS,
	  RELEASE_PHASE_LOOK,
	  { .older_runs = true },
	  RUNS,
	  RELEASE_PHASE_SKIP },
	{ "an older one runs",
	  IDLE,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true, .older_runs = true },
	  IDLE,
	  RELEASE_PHASE_WAIT },
	{ "an older one is followed",
	  RUNS,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true, .older_runs = true },
	  RUNS,
	  RELEASE_PHASE_WAIT },
	{ "the rest of an older one is awaited",
	  ENDED,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true, .older_runs = true },
	  ENDED,
	  RELEASE_PHASE_WAIT },
	{ "nothing runs",
	  IDLE,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true },
	  RUNS,
	  RELEASE_PHASE_START },
	{ "it was started by an earlier twelved",
	  IDLE,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true, .runs = true },
	  RUNS,
	  RELEASE_PHASE_FOLLOW },
	{ "it is followed",
	  RUNS,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true, .runs = true },
	  RUNS,
	  RELEASE_PHASE_NOTHING },
	{ "its rest is awaited",
	  ENDED,
	  RELEASE_PHASE_LOOK,
	  { .has_command = true },
	  ENDED,
	  RELEASE_PHASE_NOTHING },
	{ "it ends",
	  RUNS,
	  RELEASE_PHASE_EXIT,
	  { .has_command = true },
	  ENDED,
	  RELEASE_PHASE_ASK_REST },
	{ "the end is told again", ENDED, RELEASE_PHASE_EXIT, { 0 }, ENDED, RELEASE_PHASE_NOTHING },
	{ "the end of one that nobody follows",
	  IDLE,
	  RELEASE_PHASE_EXIT,
	  { 0 },
	  IDLE,
	  RELEASE_PHASE_NOTHING },
	{ "it went well",
	  ENDED,
	  RELEASE_PHASE_TOLD,
	  { .pending = true, .succeeded = true },
	  IDLE,
	  RELEASE_PHASE_PASS },
	{ "it failed", ENDED, RELEASE_PHASE_TOLD, { .pending = true }, IDLE, RELEASE_PHASE_FAIL },
	{ "it was superseded",
	  ENDED,
	  RELEASE_PHASE_TOLD,
	  { .succeeded = true },
	  IDLE,
	  RELEASE_PHASE_FORGET },
	{ "it was superseded, and failed",
	  ENDED,
	  RELEASE_PHASE_TOLD,
	  { 0 },
	  IDLE,
	  RELEASE_PHASE_FORGET },
	{ "output ends before the command does",
	  RUNS,
	  RELEASE_PHASE_TOLD,
	  { .pending = true },
	  RUNS,
	  RELEASE_PHASE_NOTHING },
	{ "output of nobody",
	  IDLE,
	  RELEASE_PHASE_TOLD,
	  { .pending = true },
	  IDLE,
	  RELEASE_PHASE_NOTHING },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct release_phase_step s = release_phase_next(r->from, r->event, &r->facts);

		if (s.to != r->to || s.action != r->action)
			fail_msg("%s: to %d by %d, expected %d by %d", r->what, s.to, s.action,
				 r->to, r->action);
	}
}

/* Whatever happens, an outcome comes only from a command that has ended, and two commands never run at once. */
static void test_all(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 32; n++) {
		struct release_phase_facts f = { n & 1, n & 2, n & 4, n & 8, n & 16 };

		for (int from = 0; from < _RELEASE_PHASE_STATE_MAX; from++)
			for (int event = 0; event < _RELEASE_PHASE_EVENT_MAX; event++) {
				struct release_phase_step s = release_phase_next(from, event, &f);

				if (s.action == RELEASE_PHASE_PASS ||
				    s.action == RELEASE_PHASE_FAIL)
					assert_true(from == ENDED && event == RELEASE_PHASE_TOLD &&
						    f.pending);
				if (s.action == RELEASE_PHASE_START)
					assert_true(from == IDLE && !f.older_runs && !f.runs);
				if (from != (int)s.to)
					assert_int_not_equal(s.action, RELEASE_PHASE_NOTHING);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
