/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that create a release. Each writes one immutable row, in one transaction with
 * related changes, and reports the app as changed; the reconciler then runs the release phase and
 * the rollout. The row exists when the function returns.
 *
 * A release without a slug has nothing to run and succeeds at once. A change starts from the config
 * of the newest pending release if there is one, else from that of the current release; failed
 * releases have no effect.
 *
 * A new app, or process types that want more dynos than the owner may have (wanted/owner.h), are
 * ERROR_INVALID.
 */
#pragma once

#include "build/build.h"
#include "daemon/wanted/wanted.h"

/* Creates v1 of a new app, without slug and config, and the app's row if it has no ID yet; all or
 * nothing. */
int releases_initial(struct wanted *w, struct app *app, const struct caller *who,
		     struct error *err);

/* Releases a finished build or a slug with the base's config. description NULL: "Deploy COMMIT". */
int releases_deploy(struct wanted *w, struct app *app, const struct build_result *build,
		    const char *commit, const char *description, const struct caller *who,
		    struct release *ret, struct error *err);

/* Sets (strings) and removes (null) config vars; `changes` is a JSON object. All keys and values
 * are checked first. If nothing would change, no release is created and *ret_changed is false. */
int releases_set_config(struct wanted *w, struct app *app, json_t *changes,
			const struct caller *who, struct release *ret, bool *ret_changed,
			struct error *err);

/* Releases the slug and process types of another app's release, with the target's own config and
 * attachments. The promotion target's row (store/pipeline.h) gets the release in the same
 * transaction. */
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

/* Releases another set of attachments (addon/attach.h) with the values of their config vars.
 * Everything else comes from `version`, or from the base if that is 0. Always creates a release. */
int releases_set_attachments(struct wanted *w, struct app *app, int64_t version, json_t *list,
			     json_t *vars, const char *description, const struct caller *who,
			     struct release *ret, struct error *err);
