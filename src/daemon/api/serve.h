/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Platform API as an application of the HTTP server (http/http.h). Before a request's body is
 * received, it finds the route, authenticates the caller and checks their permissions. Then it
 * checks the body and calls the handler.
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/http/http.h"

struct api;

int api_new(struct parts *parts, struct api **ret, struct error *err);
/* Call it after http_free(). */
void api_free(struct api *a);
/* Starts to serve, on the unix socket and behind haproxy. */
int api_listen(struct api *a, struct error *err);
