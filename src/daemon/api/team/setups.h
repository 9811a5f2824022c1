/* SPDX-License-Identifier: Apache-2.0 */
/* App setups, for those that review apps are made by; api/team/setups.c. */
#pragma once

#include "daemon/http/http.h"

struct app;
struct setup;

/*
 * The row of a setup, by the request's "source_blob"; `overrides` are as in its body, `extra` (or
 * NULL) more members of its data. Then, when what belongs to it is written as well (`result` 0), the
 * app; else the row goes again.
 */
int api_setup_begin(struct request *r, const char *name, json_t *overrides, json_t *take_extra,
		    struct setup *s, struct app *app, struct error *err);
int api_setup_go(struct request *r, struct setup *s, struct app *app, int result,
		 struct error *err);
