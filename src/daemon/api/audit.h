/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: who did what to which app, as rows of the store (store_audit_*). Each request
 * that is no GET, of somebody known, is noted when it is answered, refused ones too; what it was
 * about comes from request_note(). `twelve audit` and GET /twelve/audit show it.
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/http/http.h"

void audit_request(struct request *r, int status);
/* The app that a request is about, when its path does not name one. */
void audit_app(struct request *r, const struct app *app);
