/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoints of slugs share: api/app/slugs.c, api/app/slug-release.c. */
#pragma once

#include "daemon/http/http.h"
#include "model/procfile.h"
#include "store/slug.h"

/* What a slug is, wherever it came from. */
struct api_slug {
	struct slug
		row; /* id and digest are set in any case; without upload_id it came by a build */
	struct procfile types;
};
void api_slug_done(struct api_slug *f);

/* A slug of the app, or (anywhere) of another that the caller may view. */
int api_slug_find(struct request *r, const struct app *app, const char *id, bool anywhere,
		  struct api_slug *ret, struct error *err);

/* api/app/slug-release.c: POST /apps/:app/releases with a slug. */
int api_slug_release(struct request *r, struct error *err);
