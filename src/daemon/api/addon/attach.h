/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments, changed: what another endpoint does as well; api/addon/attach.c. */
#pragma once

#include "addon/attach.h"
#include "daemon/http/http.h"

struct app;

/* A new credential for an attachment of an app, make before break: the endpoint's answer. */
int api_rotate_attachment(struct request *r, const struct app *app, const struct attachment *at,
			  struct error *err);
