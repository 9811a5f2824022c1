/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: who did what to which app, as rows of the store (store_audit_*). Each request
 * that is no GET, of somebody known, is noted when it is answered, refused ones too; what it was
 * about comes from request_note(). `twelve audit` and GET /twelve/audit show it.
 */
#pragma once

#include "daemon/http/http.h"

void audit_request(struct request *r, int status);
/* A release that came after the request for it was answered: of a build. */
void audit_release(struct daemon *d, const struct caller *who, const struct app *app,
		   int64_t version, const char *note);
/* What the platform did by itself: `who` and `action` are words for it. */
void audit_platform(struct daemon *d, const char *who, const struct app *app, const char *action,
		    const char *note);
/* The app that a request is about, when its path does not name one. */
void audit_app(struct request *r, const struct app *app);
