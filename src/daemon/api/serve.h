/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Platform API as an application of the HTTP server (http/http.h). For each request it finds
 * the route in the table, the caller, and whether that one may, before the body is read; then it
 * checks the body, and calls the handler.
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/http/http.h"

struct api;

int api_new(struct parts *parts, struct api **ret, struct error *err);
/* After http_free(). */
void api_free(struct api *a);
/* Begins to serve, over the unix socket and behind haproxy. */
int api_listen(struct api *a, struct error *err);
