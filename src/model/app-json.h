/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.json (devcenter.heroku.com/articles/app-json-schema): what an app needs besides its source.
 * Somebody's repository holds it, so nothing in it is taken for granted; members that mean nothing
 * here (logo, keywords) are let pass.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

#define APP_JSON_MAX_BYTES (256 << 10)
#define APP_JSON_ADDONS_MAX 20

/*
 * Reads the text into one plain form, a new reference:
 *
 *     {"name": string or null, "stack": string or null, "success_url": string or null,
 *      "postdeploy": command or null,
 *      "env": {KEY: {"value": string or null, "required": bool, "secret": bool}},
 *      "addons": [{"plan": string, "as": string or null}], "buildpacks": [url],
 *      "formation": {TYPE: {"quantity": number or null, "size": name or null}}}
 *
 * `environment` ("review", "test", or NULL) names the one of "environments" that stands above the
 * rest: its env is laid over the app's, other members take the place of the app's. NULL when
 * something is wrong, with a sentence for each fault in `errors`, an array: app.json: "env.PORT": a
 * string, or ..., is needed.
 */
json_t *app_json_parse(const char *text, size_t n, const char *environment, json_t *errors);

/*
 * The config vars of a parsed file under somebody's own (`overrides`: an object of strings; NULL
 * and null are none): a new object of strings. Secrets are 64 random hex digits. One that is
 * required and has no value is a sentence in `errors`, and NULL comes back.
 */
json_t *app_json_env(json_t *parsed, json_t *overrides, json_t *errors);
