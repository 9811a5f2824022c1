/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Add-ons of providers: services that others run, by the Add-on Partner API
 * (addon/partner.h). What a provider was asked is asked again after a kill: a provision carries our
 * id, so that it is the same resource.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "addon/partner.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

#define REQUEST_TIMEOUT_MS 30000
#define GRANT_MS 300000
#define LOOK_AGAIN_MS 60000

static json_t *config_of(const struct addon *a)
{
	return json_object_get(a->secret, "config");
}

/* ---- asking ---- */

static void on_answer(const struct addon_job_result *result, void *userdata);

static void ask(struct resource *r, const struct partner *p, const char *method, const char *url,
		json_t *take_body, enum life_action doing)
{
	_cleanup_free_ char *body = take_body ? json_dumps(take_body, JSON_COMPACT) : xstrdup("");
	json_t *http =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "method", method, "url", url, "user",
			  p->id, "password", p->password, "type", PARTNER_MEDIA_TYPE, "body", body);
	const struct addon_job_order o = { .http = http, .timeout_ms = REQUEST_TIMEOUT_MS };
	struct error err = ERROR_INIT;

	json_decref(take_body);
	r->doing = doing;
	if (addon_job_start(r->owner->platform, &o, on_answer, r, &r->job, &err) < 0) {
		log_error("add-on %s: %s", r->id, err.message);
		resource_retry(r);
	}
	json_decref(http);
}

static void ask_provision(struct resource *r, struct addon *a, const struct partner *p)
{
	const char *api = r->owner->platform->settings.api_address;
	_cleanup_free_ char *callback = xasprintf("http://%s/addons/%s", api, a->id);
	struct partner_resource resource = { .uuid = a->id,
					     .name = a->name,
					     .plan = a->plan,
					     .callback_url = callback,
					     .options = json_object_get(a->secret, "options"),
					     .grant_expires_ms = clock_wall_ms() + GRANT_MS };
	char code[41];

	random_hex(code, 20);
	resource.grant_code = code;
	json_object_set_new(a->secret, "grant_code", json_string(code));
	json_object_set_new(a->secret, "grant_expires_ms", json_integer(resource.grant_expires_ms));
	addon_save(r->owner, a);
	ask(r, p, "POST", p->base_url, partner_provision_body(&resource), LIFE_PREPARE);
}

/* ---- what it said ---- */

static void keep_config(struct addon *a, const struct partner_outcome *o)
{
	if (!o->config)
		return;
	if (!config_of(a))
		json_object_set_new(a->secret, "config", json_object());
	json_object_update(config_of(a), o->config);
}

static void provision_answered(struct resource *r, struct addon *a, const struct partner_outcome *o)
{
	bool late = clock_wall_ms() - a->created_ms > PARTNER_PROVISION_MS;

	/* It has called back before it answered, and said no. */
	if (r->failed)
		return;
	if (o->provider_id) {
		free(a->provider_id);
		a->provider_id = xstrdup(o->provider_id);
	}
	keep_config(a, o);
	if (o->end == PARTNER_DONE)
		json_object_set_new(a->secret, "ready", json_true());
	else if (o->end == PARTNER_PENDING)
		json_object_set_new(a->secret, "pending", json_true());
	if (o->end == PARTNER_REFUSED || (o->end == PARTNER_RETRY && late)) {
		addon_set_reason(a, xasprintf("The provider refused: %s", o->message));
		r->failed = true;
	} else {
		addon_set_reason(a,
				 o->end == PARTNER_RETRY
					 ? xasprintf("The provider is asked again: %s", o->message)
					 : NULL);
	}
}

static void plan_answered(struct addon *a, const struct partner_outcome *o)
{
	if (o->end == PARTNER_REFUSED) {
		addon_set_reason(
			a, xasprintf("The provider refused the plan %s: %s", a->plan, o->message));
		free(a->plan);
		a->plan = xstrdup(a->applied);
	} else if (o->end != PARTNER_RETRY) {
		addon_set_reason(a, NULL);
		keep_config(a, o);
		free(a->applied);
		a->applied = xstrdup(a->plan);
	}
}

/* Refused or not: it is asked until it is gone there, since somebody may have to pay for it. */
static void end_answered(struct resource *r, struct addon *a, struct partner_outcome *o)
{
	struct error err = ERROR_INIT;

	if (o->end == PARTNER_DONE) {
		if (store_addon_delete(r->owner->platform->store, a->id, &err) < 0)
			log_error("add-on %s: %s", a->name, err.message);
		return;
	}
	addon_set_reason(a, xasprintf("The provider does not take it back, and is asked again: %s",
				      o->message));
	addon_save(r->owner, a);
	o->end = PARTNER_RETRY;
}

static enum partner_verb verb_of(const struct resource *r)
{
	if (r->doing == LIFE_PREPARE)
		return PARTNER_PROVISION;
	return r->doing == LIFE_UPGRADE ? PARTNER_PLAN : PARTNER_DEPROVISION;
}

static void answered(struct resource *r, struct addon *a, const struct partner *p,
		     const struct addon_job_result *result)
{
	struct partner_outcome o;
	enum partner_verb verb = verb_of(r);

	partner_answer(p, verb, result->status,
		       result->output	? result->output
		       : result->reason ? result->reason
					: "",
		       result->retry_after_s, &o);
	if (verb == PARTNER_PROVISION)
		provision_answered(r, a, &o);
	else if (verb == PARTNER_PLAN)
		plan_answered(a, &o);
	else
		end_answered(r, a, &o);
	if (verb != PARTNER_DEPROVISION)
		addon_save(r->owner, a);
	if (o.end == PARTNER_RETRY && !r->failed) {
		resource_retry(r);
		if (o.retry_ms > r->pause_ms) {
			r->not_before_ms = clock_now_ms() + o.retry_ms;
			watch_arm(r->timer, o.retry_ms);
		}
	} else {
		resource_succeeded(r);
	}
	partner_outcome_done(&o);
}

static void on_answer(const struct addon_job_result *result, void *userdata)
{
	struct resource *r = userdata;
	struct error err = ERROR_INIT;
	json_t *manifest = NULL;
	struct partner p = { 0 };
	struct addon a = { 0 };

	r->job = NULL;
	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) == 0 &&
	    services_partner(r->owner, addon_provider(&a), &manifest, &p, &err) == 0)
		answered(r, &a, &p, result);
	else
		resource_retry(r);
	partner_done(&p);
	json_decref(manifest);
	addon_done(&a);
}

/* ---- the turn ---- */

static void wait_pending(struct resource *r, struct addon *a)
{
	if (clock_wall_ms() - a->created_ms > PARTNER_PROVISION_MS) {
		addon_set_reason(
			a, xstrdup("The provider did not say within 12 hours that it is ready"));
		addon_save(r->owner, a);
		r->failed = true;
		resource_turn_soon(r);
		return;
	}
	watch_arm(r->timer, LOOK_AGAIN_MS);
}

static void act(struct resource *r, struct addon *a, const struct partner *p)
{
	_cleanup_free_ char *url = xasprintf("%s/%s", p->base_url, a->id);

	if (a->state == ADDON_PROVISIONING && json_is_true(json_object_get(a->secret, "ready")))
		addon_attach_first(r, a);
	else if (a->state == ADDON_PROVISIONING &&
		 json_is_true(json_object_get(a->secret, "pending")))
		wait_pending(r, a);
	else if (a->state == ADDON_PROVISIONING)
		ask_provision(r, a, p);
	else if (a->state == ADDON_PROVISIONED && a->applied && !streq(a->applied, a->plan))
		ask(r, p, "PUT", url, json_pack("{s:s}", "plan", a->plan), LIFE_UPGRADE);
	else if (a->state == ADDON_DEPROVISIONING && !reference_has(r->owner, a->id))
		ask(r, p, "DELETE", url, NULL, LIFE_REMOVE);
}

void addon_provider_turn(struct resource *r, struct addon *a)
{
	struct error err = ERROR_INIT;
	json_t *manifest = NULL;
	struct partner p = { 0 };

	if (r->job)
		return;
	if (services_partner(r->owner, addon_provider(a), &manifest, &p, &err) < 0) {
		addon_set_reason(a, xstrdup(err.message));
		addon_save(r->owner, a);
		if (err.kind != ERROR_NOT_FOUND)
			resource_retry(r);
		return;
	}
	act(r, a, &p);
	partner_done(&p);
	json_decref(manifest);
}

/* ---- what it tells us by itself ---- */

static bool token_is(const struct addon *a, const char *token)
{
	const char *digest = json_string_value(json_object_get(a->secret, "token_digest"));
	char hex[DIGEST_HEX_SIZE];

	digest_bytes(token, strlen(token), hex);
	return digest && strlen(digest) == sizeof(hex) - 1 &&
	       sodium_memcmp(digest, hex, sizeof(hex) - 1) == 0;
}

bool services_provider_admit(const struct addon *a, const char *authorization)
{
	return authorization && strncasecmp(authorization, "Bearer ", 7) == 0 &&
	       token_is(a, authorization + 7);
}

int services_provider_config(struct services *sv, struct addon *a, json_t *given, struct error *err)
{
	json_t *manifest = NULL, *config;
	struct partner p = { 0 };
	int r = -1;

	if (services_partner(sv, addon_provider(a), &manifest, &p, err) < 0)
		return -1;
	config = partner_config(&p, given, err);
	if (config) {
		const struct partner_outcome o = { .config = config };

		keep_config(a, &o);
		r = store_addon_update(sv->platform->store, a, err);
	}
	json_decref(config);
	partner_done(&p);
	json_decref(manifest);
	return r;
}

int services_provider_ready(struct services *sv, struct addon *a, bool ready, struct error *err)
{
	struct resource *r = resource_find(sv, a->id);

	if (a->state != ADDON_PROVISIONING)
		return error_set(err, ERROR_CONFLICT, "%s is %s", a->name,
				 addon_state_names[a->state]);
	if (ready) {
		json_object_set_new(a->secret, "ready", json_true());
	} else {
		addon_set_reason(a, xstrdup("The provider could not make it"));
		if (r)
			r->failed = true;
	}
	if (store_addon_update(sv->platform->store, a, err) < 0)
		return -1;
	services_kick_one(sv, a->id);
	return 0;
}

int services_provider_token(struct services *sv, const char *code, const char *secret,
			    char **ret_token, struct error *err)
{
	struct addon *list = NULL;
	json_t *manifest = NULL;
	struct partner p = { 0 };
	size_t n = 0;
	int r = -1;

	if (store_addon_list(sv->platform->store, NULL, &list, &n, err) < 0)
		return -1;
	error_set(err, ERROR_UNAUTHORIZED,
		  "The grant is unknown, used or expired, or the secret is not the provider's");
	for (size_t i = 0; i < n && r < 0; i++) {
		struct addon *a = &list[i];
		const char *own = json_string_value(json_object_get(a->secret, "grant_code"));
		struct error ignored = ERROR_INIT;

		if (!own || !streq(own, code) ||
		    clock_wall_ms() >
			    json_integer_value(json_object_get(a->secret, "grant_expires_ms")) ||
		    services_partner(sv, addon_provider(a), &manifest, &p, &ignored) < 0)
			continue;
		if (streq(p.password, secret)) {
			char token[65], hex[DIGEST_HEX_SIZE];

			random_hex(token, 32);
			*ret_token = xasprintf("tw-%s", token);
			digest_bytes(*ret_token, strlen(*ret_token), hex);
			json_object_del(a->secret, "grant_code");
			json_object_set_new(a->secret, "token_digest", json_string(hex));
			r = store_addon_update(sv->platform->store, a, err);
		}
		partner_done(&p);
		json_decref(manifest);
	}
	addon_free_array(list, n);
	return r;
}
