/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App setups: an app out of an archive with an app.json (model/app-json.h). The row (store/setup.h)
 * has the step at which a setup is; each turn looks at what there is (the app, its add-ons, build,
 * release, dyno) and goes on from there:
 *
 *     making ─▶ reading ─▶ preparing ─▶ addons ─▶ building ─▶ releasing ─▶ running ─▶ succeeded
 *        └─────────┴───────────┴──────────┴──────────┴───────────┴───────────┴─▶ removing ─▶ failed
 *
 *     making      the row of the app (a turn finds this only after a kill)
 *     reading     a child looks for app.json in the archive
 *     preparing   buildpacks, formation, config vars, rows of add-ons
 *     addons      until all of them are there
 *     building    a build like any
 *     releasing   until its release is live
 *     running     scripts.postdeploy in a one-off dyno
 *     removing    the app goes; the reason stays
 *
 * Each step can be taken again, so that a kill of twelved costs a step at most. But for one: a
 * postdeploy script that ended while twelved was away may have done anything, and is not run again;
 * the setup fails and says so.
 */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"
#include "store/setup.h"

struct setups;

#define SETUP_DYNO_TYPE "postdeploy"

struct setups_options {
	struct platform *platform;
	struct apps *apps;
	struct wanted *wanted;
	struct builds *builds;
	const struct collect *collect;
	struct dynos *dynos;
	struct services *services;
	struct logs_client *logs;
};

struct setups *setups_new(const struct setups_options *o);
/* Ends the children. */
void setups_free(struct setups *ss);
/* There is one to be looked at. NULL is allowed. */
void setups_kick(struct setups *ss);
/* A one-off dyno of SETUP_DYNO_TYPE has ended. NULL is allowed. */
void setups_dyno_ended(struct setups *ss, const struct dyno *dyno);
/* Why it failed is written before the app goes. A sentence for people. */
void setup_fail(struct setups *ss, struct setup *s, const char *why);

/* main() of `twelved app-json`: fetches the archive if it stands elsewhere, and writes 't' or 'f'
 * (whether it was in a top folder) and the text, or a sentence. */
int setup_reader_main(void);
