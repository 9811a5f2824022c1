/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: who did what to which app, as rows in the store (store/audit.h). Each request of
 * a known caller that is not a GET is recorded when its response is sent, even if it was refused.
 * request_note() sets the text. `twelve audit` and GET /twelve/audit show the trail.
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/http/http.h"

void audit_request(struct request *r, int status);
/* Names the app of a request whose path does not. */
void audit_app(struct request *r, const struct app *app);
