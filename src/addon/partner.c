/* SPDX-License-Identifier: Apache-2.0 */
/* The Add-on Partner API; see partner.h. */
#include "addon/partner.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"

#define MESSAGE_MAX 300
#define RETRY_MAX_S 3600

/* ---- the manifest ---- */

static int wrong(const char *field, const char *expected, struct error *err)
{
	return error_set(err, ERROR_INVALID, "The provider's manifest: \"%s\" must be %s", field,
			 expected);
}

static const char *text(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s && s[0] ? s : NULL;
}

/* Passwords go there: TLS, unless it does not leave the machine. */
static bool url_is_safe(const char *url)
{
	static const char *const local[] = { "http://127.0.0.1", "http://localhost",
					     "http://[::1]" };

	if (str_starts(url, "https://") && url[8])
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (str_starts(url, local[i]) && strchr(":/", url[strlen(local[i])]))
			return true;
	return false;
}

/* "production" is a URL, or an object with base_url. */
static const char *base_url(json_t *api)
{
	json_t *production = json_object_get(api, "production");

	return json_is_string(production) ? json_string_value(production)
					  : text(production, "base_url");
}

static int check_vars(const struct partner *p, struct error *err)
{
	json_t *var;
	size_t i;

	if (!json_is_array(p->config_vars) || !json_array_size(p->config_vars))
		return wrong("api.config_vars", "an array of names of config vars", err);
	json_array_foreach (p->config_vars, i, var)
		if (!json_is_string(var) || name_check_config_key(json_string_value(var), NULL) < 0)
			return wrong("api.config_vars", "an array of names of config vars", err);
	return 0;
}

static int check_plans(const struct partner *p, struct error *err)
{
	json_t *plan;
	size_t i;

	if (!json_is_array(p->plans) || !json_array_size(p->plans))
		return wrong("plans",
			     "an array of {name, description}, which Heroku keeps elsewhere", err);
	json_array_foreach (p->plans, i, plan)
		if (!text(plan, "name") || name_check_type(text(plan, "name"), NULL) < 0)
			return wrong("plans", "an array of {name, description}", err);
	return 0;
}

static char *make_prefix(const char *id)
{
	char *s = xstrdup(id);

	for (char *p = s; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return s;
}

int partner_parse(json_t *manifest, struct partner *ret, struct error *err)
{
	json_t *api = json_object_get(manifest, "api");
	struct partner p = { .manifest = manifest,
			     .id = text(manifest, "id"),
			     .name = text(manifest, "name"),
			     .base_url = base_url(api),
			     .password = text(api, "password"),
			     .config_vars = json_object_get(api, "config_vars"),
			     .plans = json_object_get(manifest, "plans") };

	if (!p.id || strlen(p.id) > 30 || !islower((unsigned char)p.id[0]) ||
	    strspn(p.id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(p.id))
		return wrong("id", "a name of lower-case letters, digits and dashes", err);
	if (!p.password)
		return wrong("api.password", "the password that we are to use", err);
	if (!p.base_url || !url_is_safe(p.base_url))
		return wrong("api.production.base_url",
			     "a URL of https, or of http on this machine", err);
	if (check_vars(&p, err) < 0 || check_plans(&p, err) < 0)
		return -1;
	if (!p.name)
		p.name = p.id;
	p.prefix = text(api, "config_vars_prefix");
	if (!p.prefix)
		p.prefix = p.made_prefix = make_prefix(p.id);
	*ret = p;
	return 0;
}

void partner_done(struct partner *p)
{
	free(p->made_prefix);
	*p = (struct partner){ 0 };
}

bool partner_has_plan(const struct partner *p, const char *name)
{
	json_t *plan;
	size_t i;

	json_array_foreach (p->plans, i, plan)
		if (streq(text(plan, "name"), name))
			return true;
	return false;
}

const char *partner_default_plan(const struct partner *p)
{
	return text(json_array_get(p->plans, 0), "name");
}

/* ---- requests ---- */

json_t *partner_provision_body(const struct partner_resource *r)
{
	char expires[CLOCK_ISO_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:n, s:n}", "uuid",
			 r->uuid, "name", r->name, "plan", r->plan, "region",
			 "amazon-web-services::us-east-1", "callback_url", r->callback_url,
			 "options", r->options ? json_incref(r->options) : json_object(),
			 "oauth_grant", "code", r->grant_code, "expires_at",
			 clock_iso(r->grant_expires_ms, expires), "type", "authorization_code",
			 "log_input_url", "log_drain_token");
}

/* ---- answers ---- */

void partner_outcome_done(struct partner_outcome *o)
{
	free(o->provider_id);
	free(o->message);
	json_decref(o->config);
	*o = (struct partner_outcome){ 0 };
}

/* One line of printable ASCII, cut. Heap. */
static char *clean(const char *s)
{
	char *copy = xstrndup(s, strnlen(s, MESSAGE_MAX));

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = ' ';
	return copy;
}

static void say(struct partner_outcome *o, enum partner_end end, char *take_message)
{
	o->end = end;
	free(o->message);
	o->message = take_message;
}

static bool is_declared(const struct partner *p, const char *var)
{
	json_t *item;
	size_t i;

	json_array_foreach (p->config_vars, i, item)
		if (streq(json_string_value(item), var))
			return true;
	return false;
}

static int take_var(const struct partner *p, json_t *config, const char *name, json_t *value,
		    struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	if (!name || !json_is_string(value))
		return error_set(err, ERROR_INVALID, "its config is not made of names and strings");
	if (!is_declared(p, name))
		return error_set(err, ERROR_INVALID,
				 "it gave the config var %s, which its manifest does not name",
				 name_excerpt(excerpt, name));
	if (json_string_length(value) > PARTNER_MAX_CONFIG_VALUE ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return error_set(err, ERROR_INVALID,
				 "the value that it gave for %s is too long, or holds a NUL", name);
	return json_object_set(config, name, value);
}

json_t *partner_config(const struct partner *p, json_t *given, struct error *err)
{
	json_t *config = json_object(), *item;
	const char *name;
	int r = 0;
	size_t i;

	if (json_is_array(given))
		json_array_foreach (given, i, item)
			r = r < 0 ? r
				  : take_var(p, config, text(item, "name"),
					     json_object_get(item, "value"), err);
	else if (json_is_object(given))
		json_object_foreach (given, name, item)
			r = r < 0 ? r : take_var(p, config, name, item, err);
	else
		r = error_set(err, ERROR_INVALID, "its config is no object");
	if (r == 0)
		return config;
	json_decref(config);
	return NULL;
}

/* What it is called, and its config if it is there at once. */
static void provisioned(const struct partner *p, long status, json_t *j, struct partner_outcome *o)
{
	const char *id = text(j, "id");
	json_t *number = json_object_get(j, "id"), *config = json_object_get(j, "config");
	struct error err = ERROR_INIT;

	if (!id && !json_is_integer(number)) {
		say(o, PARTNER_REFUSED, xstrdup("it answered without an id"));
		return;
	}
	o->provider_id = id ? clean(id) : xasprintf("%lld", (long long)json_integer_value(number));
	if (status == 202) {
		o->end = PARTNER_PENDING;
		return;
	}
	o->config = config ? partner_config(p, config, &err) : json_object();
	if (!o->config)
		say(o, PARTNER_REFUSED, xstrdup(err.message));
}

static void succeeded(const struct partner *p, enum partner_verb verb, long status,
		      const char *body, struct partner_outcome *o)
{
	json_t *j = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	const char *message = text(j, "message");
	struct error err = ERROR_INIT;

	o->end = PARTNER_DONE;
	if (message) {
		free(o->message);
		o->message = clean(message);
	}
	if (verb == PARTNER_PROVISION && !json_is_object(j)) {
		say(o, PARTNER_REFUSED, xstrdup("its response is not a JSON object"));
	} else if (verb == PARTNER_PROVISION) {
		provisioned(p, status, j, o);
	} else if (verb == PARTNER_PLAN && json_object_get(j, "config")) {
		o->config = partner_config(p, json_object_get(j, "config"), &err);
		if (!o->config)
			say(o, PARTNER_REFUSED, xstrdup(err.message));
	}
	json_decref(j);
}

static void refused(long status, const char *body, struct partner_outcome *o)
{
	json_t *j = json_loads(body, 0, NULL);
	const char *message = text(j, "message");
	_cleanup_free_ char *said = message ? clean(message) : NULL;

	say(o, PARTNER_REFUSED,
	    said ? xstrdup(said) : xasprintf("it responded with status %ld", status));
	json_decref(j);
}

void partner_answer(const struct partner *p, enum partner_verb verb, long status, const char *body,
		    int64_t retry_after_s, struct partner_outcome *ret)
{
	struct partner_outcome o = { .message = xstrdup("") };

	if (retry_after_s > RETRY_MAX_S)
		retry_after_s = RETRY_MAX_S;
	o.retry_ms = retry_after_s > 0 ? retry_after_s * 1000 : 0;
	if (status == 0) {
		_cleanup_free_ char *why = clean(body);

		say(&o, PARTNER_RETRY, xasprintf("it could not be reached: %s", why));
	} else if (status >= 500 || status == 408 || status == 429) {
		say(&o, PARTNER_RETRY, xasprintf("it responded with status %ld", status));
	} else if (status >= 200 && status < 300) {
		succeeded(p, verb, status, body, &o);
	} else if (verb == PARTNER_DEPROVISION && (status == 404 || status == 410)) {
		o.end = PARTNER_DONE;
	} else {
		refused(status, body, &o);
	}
	*ret = o;
}

/* ---- config vars ---- */

json_t *partner_vars(const struct partner *p, json_t *config, const char *attachment)
{
	json_t *vars = json_object(), *value;
	size_t n = strlen(p->prefix);
	const char *key;

	json_object_foreach (config, key, value) {
		bool has_prefix = strncmp(key, p->prefix, n) == 0 && key[n] == '_';
		_cleanup_free_ char *name =
			xasprintf("%s_%s", attachment, has_prefix ? key + n + 1 : key);

		json_object_set(vars, name, value);
	}
	return vars;
}
