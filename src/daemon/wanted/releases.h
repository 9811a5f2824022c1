/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that make a release. Each writes one immutable row (in one
 * transaction with what goes along) and tells that the app has changed; the
 * reconciler runs the release phase and the rollout. The row is there when the function returns.
 *
 * A release without a slug has nothing to run and succeeds at once. The config
 * that a change starts from is that of the newest pending release if there is
 * one, else of the current one: a failed release leaves nothing behind.
 */
#pragma once

#include "build/build.h"
#include "daemon/wanted/wanted.h"

/* v1 of a new app: no slug, no config. Makes the row of the app too if it has no id yet, all or
 * nothing. */
int releases_initial(struct wanted *w, struct app *app, const struct caller *who,
		     struct error *err);

/* A finished build, or a slug, becomes vN: slug + config of the base. description NULL: "Deploy
 * COMMIT". */
int releases_deploy(struct wanted *w, struct app *app, const struct build_result *build,
		    const char *commit, const char *description, const struct caller *who,
		    struct release *ret, struct error *err);

/*
 * Sets (strings) and removes (null) config vars; `changes` is a JSON object.
 * Keys and values are checked, all before anything changes. When nothing would
 * change no release is made and *ret_changed is false.
 */
int releases_set_config(struct wanted *w, struct app *app, json_t *changes,
			const struct caller *who, struct release *ret, bool *ret_changed,
			struct error *err);

/*
 * The slug and process types of another app's release, which has one, with the target's own config
 * and attachments. The target's row (store/pipeline.h) gets the release in the same transaction.
 */
struct promotion_target;
int releases_promote(struct wanted *w, struct app *app, const struct app *source,
		     const struct release *from, const struct promotion_target *target,
		     const struct caller *who, struct release *ret, struct error *err);

/* What is released now, on another stack (a digest). */
int releases_restack(struct wanted *w, struct app *app, const char *stack, const char *description,
		     const struct caller *who, struct release *ret, struct error *err);

/* Whether an app may go back to `version` (services_rollback() does). ERROR_INVALID or
 * ERROR_CONFLICT with a sentence. */
int wanted_check_rollback(const struct wanted *w, const struct app *app, int64_t version,
			  struct error *err);

/*
 * Another set of attachments (addon/attach.h) with the values of their config vars. What
 * the release is besides comes from `version`, or from the base when that is 0. A release is
 * made in any case.
 */
int releases_set_attachments(struct wanted *w, struct app *app, int64_t version, json_t *list,
			     json_t *vars, const char *description, const struct caller *who,
			     struct release *ret, struct error *err);
