/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App setups: create an app from an archive with an app.json (model/app-json.h). The row
 * (store/setup.h) has the current step of a setup. Each turn looks at the app, its add-ons, build,
 * release and dyno, and continues from there:
 *
 *     making ─▶ reading ─▶ preparing ─▶ addons ─▶ building ─▶ releasing ─▶ running ─▶ succeeded
 *        └─────────┴───────────┴──────────┴──────────┴───────────┴───────────┴─▶ removing ─▶ failed
 *
 *     making      creates the row of the app (a turn sees this only after a kill)
 *     reading     a child process reads app.json from the archive
 *     preparing   sets buildpacks, formation and config vars, and creates the rows of add-ons
 *     addons      waits for all add-ons
 *     building    an ordinary build
 *     releasing   waits until its release is live
 *     running     runs scripts.postdeploy in a one-off dyno
 *     removing    destroys the app and keeps the reason
 *
 * Each step can be repeated, so a kill of twelved costs one step at most. The exception is a
 * postdeploy script that ended while twelved was down: it may have done anything, so it is not run
 * again, and the setup fails with a message about it.
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
/* Ends its child processes. */
void setups_free(struct setups *ss);
/* Schedules a turn. NULL is allowed. */
void setups_kick(struct setups *ss);
/* A one-off dyno of SETUP_DYNO_TYPE has ended. NULL is allowed. */
void setups_dyno_ended(struct setups *ss, const struct dyno *dyno);
/* Records why the setup failed (a sentence for people); its app is destroyed after that. */
void setup_fail(struct setups *ss, struct setup *s, const char *why);

/* main() of `twelved app-json`: fetches the archive if it has a URL, then writes 't' or 'f'
 * (whether app.json was in a top folder) and the text of app.json, or an error sentence. */
int setup_reader_main(void);
