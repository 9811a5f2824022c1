/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipelines, as the API's handlers see them. Who may do what:
 *
 *     see a pipeline      its owner, administrators, who may view an app that is in it
 *     rename, give away,  its owner, administrators
 *     destroy it
 *     put an app in       who may manage the app, and who is the pipeline's owner or may
 *                         manage an app that is in it already
 *     change a stage,     who may manage the app; the pipeline's owner
 *     take an app out
 *     promote             who may view the source and deploy to each target: an app in a
 *                         pipeline gives its slug to the others of it
 */
#pragma once

#include "daemon/http/http.h"
#include "store/pipeline.h"

/* One by name or id; one that the caller may not see is not there: ERROR_NOT_FOUND. */
int pipeline_named(struct request *r, const char *name, struct pipeline *ret, struct error *err);
/* The same for the one in the path. */
int pipeline_in_path(struct request *r, struct pipeline *ret, struct error *err);
/* 0, or -1 with ERROR_FORBIDDEN. */
int pipeline_may_change(struct request *r, const struct pipeline *p, struct error *err);
int pipeline_may_add(struct request *r, const struct pipeline *p, struct error *err);
/* For lists: whether it is shown. */
bool pipeline_is_seen(struct request *r, const struct pipeline *p);

json_t *pipeline_json(const struct pipeline *p);
json_t *coupling_json(const struct coupling *c);
