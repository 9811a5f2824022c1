/* SPDX-License-Identifier: Apache-2.0 */
/* What the API's files share: looking things up, and the JSON shapes of Heroku's schema. */
#pragma once

#include "daemon/services/services.h"
#include "daemon/api/find.h"
#include "daemon/api/route.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"

/* New references. */
json_t *api_app_json(struct request *r, const struct app *a);
json_t *api_app_ref(const struct app *a);
/*
 * What many items of a list have is made once for a request and shared by them: by kind and name,
 * with make(r, name). It is not to be changed. A new reference.
 */
json_t *api_shared(struct request *r, const char *kind, const char *name,
		   json_t *(*make)(struct request *r, const char *name));
/* Answers with the one of a list whose name or id is the path's parameter `what`. Takes the list.
 */
int api_answer_one(struct request *r, json_t *take, const char *what, struct error *err);
json_t *api_release_json(struct request *r, const struct app *a, const struct release *rel);
/* Answers with a release of the path's app that was made just now: both as they are now. */
int api_answer_release(struct request *r, int64_t version, struct error *err);
json_t *api_dyno_json(struct request *r, const struct app *a, const struct dyno *dyno);
char *api_app_url(struct parts *parts, const char *app_name);

/* A new credential for an attachment of an app, make before break: the endpoint's answer. */
int api_rotate_attachment(struct request *r, const struct app *app, const struct attachment *at,
			  struct error *err);
/* api/addon/heroku-data.c: the first config var that the owner has of an add-on. Heap; NULL when it
 * is not attached there. */
char *api_data_variable(struct request *r, const struct addon *a);
/* api/addon/backups.c: the file as the answer; and daily backups at a minute of the day in UTC, -1
 * for none. */
int api_answer_backup(struct request *r, const struct backup *b, struct error *err);
int api_schedule_set(struct request *r, struct addon *a, int64_t minute, int64_t keep,
		     struct error *err);
json_t *api_provider_json(struct request *r, const struct partner *p);

/* api/app/slugs.c: POST /apps/:app/releases with a slug. */
int api_slug_release(struct request *r, struct error *err);

/*
 * api/team/setups.c: the row of a setup, by the request's "source_blob"; `overrides` are as in its
 * body, `extra` (or NULL) more members of its data. Then, when what belongs to it is written as
 * well (`result` 0), the app; else the row goes again.
 */
struct setup;
int api_setup_begin(struct request *r, const char *name, json_t *overrides, json_t *take_extra,
		    struct setup *s, struct app *app, struct error *err);
int api_setup_go(struct request *r, struct setup *s, struct app *app, int result,
		 struct error *err);
