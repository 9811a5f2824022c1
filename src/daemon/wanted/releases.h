/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that make a release. Each writes one immutable row (in one
 * transaction with what goes along) and wakes the reconciler, which runs the
 * release phase and the rollout. The row is there when the function returns.
 *
 * A release without a slug has nothing to run and succeeds at once. The config
 * that a change starts from is that of the newest pending release if there is
 * one, else of the current one: a failed release leaves nothing behind.
 */
#pragma once

#include "build/build.h"
#include "daemon/core/daemon.h"

/* The release that a change starts from: pending and not failing already, or current.
 * ERROR_NOT_FOUND when the app has none. */
int releases_base(struct daemon *d, const struct app *app, struct release *ret, struct error *err);
/*
 * What became of a release that a newer one took the place of: while *r has expired and its
 * successor has the same slug and commit, so that it has *r in it, *r becomes that one.
 */
int releases_follow(struct daemon *d, struct release *r, struct error *err);

/* v1 of a new app: no slug, no config. Makes the row of the app too if it has no id yet, all or
 * nothing. */
int releases_initial(struct daemon *d, struct app *app, const struct caller *who,
		     struct error *err);

/* A finished build, or a slug, becomes vN: slug + config of the base. description NULL: "Deploy
 * COMMIT". */
int releases_deploy(struct daemon *d, struct app *app, const struct build_result *build,
		    const char *commit, const char *description, const struct caller *who,
		    struct release *ret, struct error *err);

/*
 * Sets (strings) and removes (null) config vars; `changes` is a JSON object.
 * Keys and values are checked, all before anything changes. When nothing would
 * change no release is made and *ret_changed is false.
 */
int releases_set_config(struct daemon *d, struct app *app, json_t *changes,
			const struct caller *who, struct release *ret, bool *ret_changed,
			struct error *err);

/*
 * The slug and process types of another app's release, which has one, with the target's own config
 * and attachments. The target's row (store/pipeline.h) gets the release in the same transaction.
 */
struct promotion_target;
int releases_promote(struct daemon *d, struct app *app, const struct app *source,
		     const struct release *from, const struct promotion_target *target,
		     const struct caller *who, struct release *ret, struct error *err);

/* What is released now, on another stack (a digest). */
int releases_restack(struct daemon *d, struct app *app, const char *stack, const char *description,
		     const struct caller *who, struct release *ret, struct error *err);

/*
 * Slug, config, process types and attachments of `version` as a new release. A release that
 * failed, or has no slug, is ERROR_INVALID with a sentence that says so. *ret is empty, and nothing
 * is done, when its attachments need credentials that are not there any more: services_rollback()
 * makes them first.
 */
int releases_rollback(struct daemon *d, struct app *app, int64_t version, const struct caller *who,
		      struct release *ret, struct error *err);

/*
 * Another set of attachments (addon/attach.h) with the values of their config vars. What
 * the release is besides comes from `version`, or from the base when that is 0. A release is
 * made in any case.
 */
int releases_set_attachments(struct daemon *d, struct app *app, int64_t version, json_t *list,
			     json_t *vars, const char *description, const struct caller *who,
			     struct release *ret, struct error *err);
