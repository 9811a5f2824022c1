/* SPDX-License-Identifier: Apache-2.0 */
/* What endpoints of add-ons share: Heroku's shapes of add-ons and attachments. New references. */
#pragma once

#include "addon/attach.h"
#include "daemon/api/sight.h"

/* {id, name, app: {id, name}} */
json_t *api_addon_ref(const struct addon *a);
json_t *api_addon_json(struct request *r, const struct addon *a);
/* The same, for one of many: from what was read for all of them. */
json_t *api_addon_json_in(struct sight *sight, const struct addon *a);
/* Of one app (a is an item of its list). */
json_t *api_attachment_json(struct request *r, const struct app *app, const struct attachment *a);
json_t *api_price(void);
/* "plan" of the body: a string, or an object with a name or an id (Heroku's clients send both).
 * NULL: there is none. */
const char *api_plan_of(struct request *r);
