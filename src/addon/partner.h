/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that others run, by the Heroku Add-on Partner API, version 3 (Heroku Dev
 * Center, "Add-on Partner API Reference" and "Add-on Manifest"): what we ask of a
 * provider and what its answers mean. Pure functions; daemon/services/provider.c sends and keeps.
 *
 *     POST   BASE         provision: 200/201 with {id, config, message}, or 202 and a callback
 *     PUT    BASE/UUID    another plan: {plan}
 *     DELETE BASE/UUID    deprovision; 404 and 410 mean that it is gone already
 *
 * Everything that a provider says is checked: only its declared config vars are taken.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

#define PARTNER_MEDIA_TYPE "application/vnd.heroku-addons+json; version=3"
/* How long a provider may take to provision (Heroku: 12 hours), and the longest pause between two
 * tries. */
#define PARTNER_PROVISION_MS (12 * 3600 * 1000LL)
#define PARTNER_MAX_CONFIG_VALUE 32768

/* Strings are borrowed from the manifest. */
struct partner {
	json_t *manifest; /* borrowed */
	const char *id, *name, *base_url, *password;
	const char *prefix; /* of its config vars, and the usual name of attachments; heap:
			       partner_done() */
	char *made_prefix;
	json_t *config_vars; /* array of strings */
	json_t *plans;	     /* array of {name, description} */
};

/* Checks all fields that are used; errors name the field. */
int partner_parse(json_t *manifest, struct partner *ret, struct error *err);
void partner_done(struct partner *p);
/* True when it has a plan of this name. */
bool partner_has_plan(const struct partner *p, const char *name);
/* The first plan's name. */
const char *partner_default_plan(const struct partner *p);

struct partner_resource {
	const char *uuid, *name, *plan, *callback_url, *grant_code;
	int64_t grant_expires_ms;
	json_t *options; /* the user's options, an object of strings, borrowed; NULL: none */
};
/* The body of a provision request; a new reference. */
json_t *partner_provision_body(const struct partner_resource *r);

enum partner_verb { PARTNER_PROVISION, PARTNER_PLAN, PARTNER_DEPROVISION };

enum partner_end {
	PARTNER_DONE,	 /* config, if any, is in ret->config */
	PARTNER_PENDING, /* it will call back */
	PARTNER_RETRY,	 /* not now: after retry_ms, 0 for the usual pause */
	PARTNER_REFUSED, /* it said no, and why; or what it said can't be used */
};

struct partner_outcome {
	enum partner_end end;
	int64_t retry_ms;
	char *provider_id; /* or NULL */
	json_t *config;	   /* object of strings, or NULL */
	char *message;	   /* for people, one line, never NULL */
};
void partner_outcome_done(struct partner_outcome *o);

/* status 0: there was no response, and `body` says why. retry_after_s: from the header, or 0. */
void partner_answer(const struct partner *p, enum partner_verb verb, long status, const char *body,
		    int64_t retry_after_s, struct partner_outcome *ret);

/*
 * Config in one of the two shapes that providers send: {"VAR": "value"} or [{"name", "value"}]. A
 * new object, with only declared vars; NULL with *err.
 */
json_t *partner_config(const struct partner *p, json_t *given, struct error *err);

/* The config vars under the name of an attachment: PREFIX_URL becomes NAME_URL. A new object. */
json_t *partner_vars(const struct partner *p, json_t *config, const char *attachment);
