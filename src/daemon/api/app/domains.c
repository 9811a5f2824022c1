/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of an app, and the certificate that each is served with. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/edge/acme.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/edge/cert.h"
#include "daemon/edge/certs.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"
#include "model/host.h"

static char *own_host(struct parts *parts, const struct app *app)
{
	return xasprintf("%s.%s", app->name, parts->platform.settings.apps_domain);
}

static json_t *sni_ref(struct parts *parts, const struct domain *dom)
{
	struct error ignored = ERROR_INIT;
	struct sni_endpoint e = { 0 };
	json_t *j;

	if (!dom->sni_id[0] ||
	    store_sni_get(parts->platform.store, dom->app_id, dom->sni_id, &e, &ignored) < 0)
		return json_null();
	j = json_pack("{s:s, s:s}", "id", e.id, "name", e.name);
	sni_endpoint_done(&e);
	return j;
}

static json_t *domain_json(struct parts *parts, const struct app *app, const struct domain *dom)
{
	_cleanup_free_ char *cname = own_host(parts, app), *text = host_to_text(dom->hostname);
	struct acme_view acm;
	json_t *j;

	acme_view(parts->acme, dom, &acm);
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s?, s:o, s:o}", "id", dom->id,
		      "hostname", dom->hostname, "kind", "custom", "cname", cname, "app",
		      api_app_ref(app), "created_at", json_time(dom->created_ms), "updated_at",
		      json_time(dom->created_ms), "status", "succeeded", "acm_status", acm.status,
		      "acm_status_reason", json_text(acm.reason), "sni_endpoint",
		      sni_ref(parts, dom));
	json_object_set_new(j, "twelve",
			    json_pack("{s:o, s:o, s:o}", "acm_tried_at", json_time(acm.tried_ms),
				      "acm_next_at", json_time(acm.next_ms), "hostname_text",
				      json_text(text)));
	acme_view_done(&acm);
	return j;
}

/* The name that every app has. */
static json_t *own_domain(struct parts *parts, const struct app *app)
{
	_cleanup_free_ char *host = own_host(parts, app);

	return json_pack("{s:s, s:s, s:s, s:n, s:o, s:o, s:o, s:s, s:n, s:n, s:n}", "id", app->id,
			 "hostname", host, "kind", "heroku", "cname", "app", api_app_ref(app),
			 "created_at", json_time(app->created_ms), "updated_at",
			 json_time(app->created_ms), "status", "none", "acm_status",
			 "acm_status_reason", "sni_endpoint");
}

static int api_domains_list(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct domain *domains = NULL;
	const struct app *app = request_app(r);
	json_t *list;
	size_t n = 0;

	if (store_domain_list(parts->platform.store, app->id, &domains, &n, err) < 0)
		return -1;
	list = json_array();
	json_array_append_new(list, own_domain(parts, app));
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, domain_json(parts, app, &domains[i]));
		domain_done(&domains[i]);
	}
	free(domains);
	return request_answer_list(r, list);
}

/* By its id or its name, in whichever form. */
static int find_domain(struct request *r, const struct app *app, struct domain *ret,
		       struct error *err)
{
	const char *text = request_param(r, "domain");
	_cleanup_free_ char *host = NULL;
	struct error no_host = ERROR_INIT;

	return store_domain_get(
		request_store(r), app->id,
		!uuid_is_valid(text) && host_from_text(text, &host, &no_host) == 0 ? host : text,
		ret, err);
}

/* Whether the path names the name that every app has, or its id. */
static bool is_own(struct parts *parts, const struct app *app, const char *which)
{
	_cleanup_free_ char *host = own_host(parts, app);

	return strcasecmp(which, host) == 0 || streq(which, app->id);
}

/* One that can be changed. */
static int find_custom(struct request *r, const struct app *app, struct domain *ret,
		       struct error *err)
{
	struct parts *parts = request_parts(r);

	if (is_own(parts, app, request_param(r, "domain")))
		return error_set(err, ERROR_INVALID,
				 "%s is the name that %s has from the platform: it stays as it is; "
				 "\"twelve apps:rename\" gives another",
				 request_param(r, "domain"), app->name);
	return find_domain(r, app, ret, err);
}

static int api_domains_get(struct request *r, struct error *err)
{
	struct domain dom = { 0 };
	const struct app *app = request_app(r);
	int result;

	if (is_own(request_parts(r), app, request_param(r, "domain")))
		return request_answer(r, 200, own_domain(request_parts(r), app));
	result = find_domain(r, app, &dom, err);
	if (result == 0)
		result = request_answer(r, 200, domain_json(request_parts(r), app, &dom));
	domain_done(&dom);
	return result;
}

/* NAME.DOMAIN belongs to the app of that name. */
static int read_domain(struct parts *parts, const char *text, char **ret, struct error *err)
{
	_cleanup_free_ char *suffix = xasprintf(".%s", parts->platform.settings.apps_domain),
			    *host = NULL;

	if (host_from_text(text, &host, err) < 0)
		return -1;
	if (strlen(host) > strlen(suffix) &&
	    strcasecmp(host + strlen(host) - strlen(suffix), suffix) == 0)
		return error_set(
			err, ERROR_INVALID,
			"Names under %s are assigned by the platform: add a domain of your own",
			parts->platform.settings.apps_domain);
	*ret = steal_ptr(host);
	return 0;
}

/* The endpoint that the body names, if it is for this host name; "" for null. */
static int read_sni(struct request *r, const struct app *app, const char *host,
		    char ret_id[static UUID_SIZE], struct error *err)
{
	struct sni_endpoint e = { 0 };
	struct cert c = { 0 };
	const char *name;
	int result;

	ret_id[0] = '\0';
	if (request_ref(r, "sni_endpoint", false, &name, err) < 0)
		return -1;
	if (!name)
		return 0;
	if (store_sni_get(request_store(r), app->id, name, &e, err) < 0)
		return -1;
	result = cert_read(e.chain, &c, err);
	if (result == 0 && !cert_covers(&c, host))
		result = error_set(err, ERROR_INVALID,
				   "The certificate of %s is not for %s: it is for %s%s", e.name,
				   host, c.names ? c.names[0] : "no host name",
				   strv_len(c.names) > 1 ? " and others" : "");
	memcpy(ret_id, e.id, sizeof(e.id));
	cert_done(&c);
	sni_endpoint_done(&e);
	return result;
}

static int api_domains_update(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct domain dom = { 0 };
	const struct app *app = request_app(r);
	char sni_id[UUID_SIZE];
	int result = -1;

	if (find_custom(r, app, &dom, err) == 0 &&
	    read_sni(r, app, dom.hostname, sni_id, err) == 0 &&
	    store_domain_set_sni(parts->platform.store, dom.id, sni_id[0] ? sni_id : NULL, err) ==
		    0) {
		memcpy(dom.sni_id, sni_id, sizeof(sni_id));
		request_note(r, "domain %s: %s certificate", dom.hostname,
			     sni_id[0] ? "another" : "no");
		certs_changed(parts->certs);
		acme_look(parts->acme);
		result = request_answer(r, 200, domain_json(parts, app, &dom));
	}
	domain_done(&dom);
	return result;
}

static int api_domains_create(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct domain dom = { 0 };
	const struct app *app = request_app(r);
	const char *text;
	int result = -1;

	if (request_string(r, "hostname", true, &text, err) < 0 ||
	    read_domain(parts, text, &dom.hostname, err) < 0 ||
	    read_sni(r, app, dom.hostname, dom.sni_id, err) < 0)
		goto out;
	memcpy(dom.app_id, app->id, sizeof(dom.app_id));
	request_note(r, "domain %s", dom.hostname);
	if (store_domain_create(parts->platform.store, &dom, err) < 0)
		goto out;
	logs_append(parts->logs, app->id, "app", "api", "Domain %s added by user %s", dom.hostname,
		    request_caller(r)->name);
	reconcile_app(parts->reconciler, app->id);
	certs_changed(parts->certs);
	acme_look(parts->acme);
	result = request_answer(r, 201, domain_json(request_parts(r), app, &dom));
out:
	domain_done(&dom);
	return result;
}

static int api_domains_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct domain dom = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (find_custom(r, app, &dom, err) == 0 &&
	    store_domain_delete(parts->platform.store, dom.id, err) == 0) {
		logs_append(parts->logs, app->id, "app", "api", "Domain %s removed by user %s",
			    dom.hostname, request_caller(r)->name);
		reconcile_app(parts->reconciler, app->id);
		certs_changed(parts->certs);
		result = request_answer(r, 200, domain_json(request_parts(r), app, &dom));
	}
	domain_done(&dom);
	return result;
}

const struct api_route domains_routes[] = {
	{ "GET", "/apps/:app/domains", NEED_VIEW, api_domains_list, "domains",
	  .answer = "[domain]" },
	{ "POST", "/apps/:app/domains", NEED_OPERATE, api_domains_create, "add a domain",
	  "hostname:string sni_endpoint?:ref", .answer = "domain" },
	{ "GET", "/apps/:app/domains/:domain", NEED_VIEW, api_domains_get, "one domain",
	  .answer = "domain" },
	{ "PATCH", "/apps/:app/domains/:domain", NEED_OPERATE, api_domains_update,
	  "choose the SNI endpoint that a domain is served with; null for none",
	  "sni_endpoint?:ref", .answer = "domain" },
	{ "DELETE", "/apps/:app/domains/:domain", NEED_OPERATE, api_domains_delete,
	  "remove a domain", .answer = "domain" },
	{ 0 },
};
