/* SPDX-License-Identifier: Apache-2.0 */
/* SNI endpoints: certificates that apps bring, and those that were got for them. A key comes in and
 * is never shown. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/edge/cert.h"
#include "daemon/edge/certs.h"
#include "daemon/lines/lines.h"
#include "model/names.h"

static json_t *ssl_cert_json(const struct sni_endpoint *e)
{
	struct error ignored = ERROR_INIT;
	json_t *names = json_array(), *j;
	struct cert c = { 0 };
	char id[UUID_SIZE];

	if (cert_read(e->chain, &c, &ignored) < 0) {
		json_decref(names);
		return json_object();
	}
	for (char **name = c.names; name && *name; name++)
		json_array_append_new(names, json_text(*name));
	j = json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:s}", "id",
		      name_uuid("certificate", c.fingerprint, id), "ca_signed?", (int)e->trusted,
		      "acm", (int)e->acm, "cert_domains", names, "issuer", json_text(c.issuer),
		      "subject", json_text(c.subject), "starts_at", json_time(c.starts_ms),
		      "expires_at", json_time(c.expires_ms), "self_signed?", (int)c.self_signed,
		      "fingerprint", c.fingerprint);
	cert_done(&c);
	return j;
}

static json_t *domain_ids(struct parts *parts, const struct sni_endpoint *e)
{
	struct error ignored = ERROR_INIT;
	struct domain *domains = NULL;
	json_t *list = json_array();
	size_t n = 0;

	if (store_domain_list(parts->platform.store, e->app_id, &domains, &n, &ignored) < 0)
		return list;
	for (size_t i = 0; i < n; i++) {
		if (streq(domains[i].sni_id, e->id))
			json_array_append_new(list, json_string(domains[i].id));
		domain_done(&domains[i]);
	}
	free(domains);
	return list;
}

static json_t *sni_json(struct parts *parts, const struct app *app, const struct sni_endpoint *e)
{
	json_t *j =
		json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", e->id, "name", e->name, "display_name",
			  e->name, "certificate_chain", e->chain, "app", api_app_ref(app));

	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:o}", "created_at",
					    json_time(e->created_ms), "updated_at",
					    json_time(e->updated_ms), "domains",
					    domain_ids(parts, e), "ssl_cert", ssl_cert_json(e)));
	return j;
}

static int api_sni_list(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct sni_endpoint *list = NULL;
	json_t *j = json_array();
	const struct app *app = request_app(r);
	size_t n = 0;
	int result = store_sni_list(parts->platform.store, app->id, &list, &n, err);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, sni_json(parts, app, &list[i]));
	sni_endpoint_free_array(list, n);
	if (result == 0)
		result = request_answer_list(r, j);
	else
		json_decref(j);
	return result;
}

static int find(struct request *r, struct sni_endpoint *e, struct error *err)
{
	return store_sni_get(request_store(r), request_app(r)->id, request_param(r, "sni"), e, err);
}

static int api_sni_get(struct request *r, struct error *err)
{
	struct sni_endpoint e = { 0 };
	int result = find(r, &e, err);

	if (result == 0)
		result = request_answer(r, 200, sni_json(request_parts(r), request_app(r), &e));
	sni_endpoint_done(&e);
	return result;
}

/* Chain and key of the body, checked and written anew: into e->chain and *ret_key. */
static int read_pair(struct request *r, struct sni_endpoint *e, char **ret_key, struct error *err)
{
	const char *chain, *key;
	char *checked;

	if (request_string(r, "certificate_chain", true, &chain, err) < 0 ||
	    request_string(r, "private_key", true, &key, err) < 0 ||
	    cert_check(chain, key, &checked, ret_key, err) < 0)
		return -1;
	free(e->chain);
	e->chain = checked;
	e->trusted = cert_is_trusted(checked);
	return 0;
}

static void wipe_key(char **key)
{
	if (*key)
		explicit_bzero(*key, strlen(*key));
	free(*key);
}
#define _cleanup_key_ __attribute__((cleanup(wipe_key)))

static int answer_changed(struct request *r, int status, const struct sni_endpoint *e,
			  const char *what)
{
	const struct app *app = request_app(r);
	struct parts *parts = request_parts(r);

	request_note(r, "certificate %s %s", e->name, what);
	logs_append(parts->logs, app->id, "app", "api", "Certificate %s %s by user %s", e->name,
		    what, request_caller(r)->name);
	certs_changed(parts->certs);
	return request_answer(r, status, sni_json(parts, app, e));
}

static int api_sni_create(struct request *r, struct error *err)
{
	_cleanup_key_ char *key = NULL;
	struct sni_endpoint e = { 0 };
	char name[APP_NAME_MAX + 1];
	int result = read_pair(r, &e, &key, err);

	if (result == 0) {
		name_generate(name, sizeof(name));
		e.name = xstrdup(name);
		memcpy(e.app_id, request_app(r)->id, sizeof(e.app_id));
		result = store_sni_create(request_store(r), &e, key, err);
	}
	if (result == 0)
		result = answer_changed(r, 201, &e, "added");
	sni_endpoint_done(&e);
	return result;
}

/* A domain must not be left with a certificate that is not for it. */
static int check_domains(struct request *r, const struct sni_endpoint *e, struct error *err)
{
	struct domain *domains = NULL;
	struct cert c = { 0 };
	int result = cert_read(e->chain, &c, err);
	size_t n = 0;

	if (result == 0)
		result = store_domain_list(request_store(r), e->app_id, &domains, &n, err);
	for (size_t i = 0; i < n; i++) {
		if (result == 0 && streq(domains[i].sni_id, e->id) &&
		    !cert_covers(&c, domains[i].hostname))
			result = error_set(
				err, ERROR_INVALID,
				"The new certificate is not for %s, which is served with %s: add "
				"it as another one "
				"(certs:add), or take the domain away from this one first",
				domains[i].hostname, e->name);
		domain_done(&domains[i]);
	}
	free(domains);
	cert_done(&c);
	return result;
}

static int check_own(const struct sni_endpoint *e, struct error *err)
{
	if (!e->acm)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "%s is managed automatically: turn that off with certs:auto:disable",
			 e->name);
}

static int api_sni_update(struct request *r, struct error *err)
{
	_cleanup_key_ char *key = NULL;
	struct sni_endpoint e = { 0 };
	int result = find(r, &e, err);

	if (result == 0 &&
	    (check_own(&e, err) < 0 || read_pair(r, &e, &key, err) < 0 ||
	     check_domains(r, &e, err) < 0 || store_sni_update(request_store(r), &e, key, err) < 0))
		result = -1;
	if (result == 0)
		result = answer_changed(r, 200, &e, "updated");
	sni_endpoint_done(&e);
	return result;
}

static int api_sni_delete(struct request *r, struct error *err)
{
	struct sni_endpoint e = { 0 };
	int result = find(r, &e, err);

	if (result == 0 &&
	    (check_own(&e, err) < 0 || store_sni_delete(request_store(r), e.id, err) < 0))
		result = -1;
	if (result == 0)
		result = answer_changed(r, 200, &e, "removed");
	sni_endpoint_done(&e);
	return result;
}

const struct api_route sni_routes[] = {
	{ "GET", "/apps/:app/sni-endpoints", NEED_VIEW, api_sni_list, "certificates of an app",
	  .answer = "[sni-endpoint]" },
	{ "POST", "/apps/:app/sni-endpoints", NEED_OPERATE, api_sni_create,
	  "add a certificate and its key, both PEM; the key is never shown",
	  "certificate_chain:string private_key:string", .answer = "sni-endpoint" },
	{ "GET", "/apps/:app/sni-endpoints/:sni", NEED_VIEW, api_sni_get,
	  "one certificate, by its endpoint's name or id", .answer = "sni-endpoint" },
	{ "PATCH", "/apps/:app/sni-endpoints/:sni", NEED_OPERATE, api_sni_update,
	  "replace a certificate and its key", "certificate_chain:string private_key:string",
	  .answer = "sni-endpoint" },
	{ "DELETE", "/apps/:app/sni-endpoints/:sni", NEED_OPERATE, api_sni_delete,
	  "remove a certificate", .answer = "sni-endpoint" },
	{ 0 },
};
