/* SPDX-License-Identifier: Apache-2.0 */
/* Services; api/addon/services.c. */
#pragma once

#include "addon/partner.h"
#include "daemon/http/http.h"

/* A provider as a service, as Heroku's schema has it. A new reference. */
json_t *api_provider_json(struct request *r, const struct partner *p);
