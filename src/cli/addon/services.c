/* SPDX-License-Identifier: Apache-2.0 */
/* addons:services, addons:plans, addons:docs: what there is to attach; and services of providers.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/addon/addon.h"

/* ---- services ---- */

static int services_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "SERVICE", "NAME", "WHAT IT IS" };
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *s;
	size_t i;

	table_init(&t, 3, headings);
	if (!cli_api(c, err) || api_get(c->api, &list, err, "/addon-services") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, s)
		table_add(&t, json_str(s, "name", ""), json_str(s, "human_name", ""),
			  json_str(s, "twelve.description", ""));
	table_print(c, &t);
	return 0;
}

static const struct command cmd_addons_services = {
	.name = "addons:services",
	.usage = "",
	.summary = "list available add-on services",
	.flags = CMD_JSON,
	.run = services_run,
	.examples = "twelve addons:services",
};

static int plans_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "PLAN", "MEMORY", "DISK", "WHAT IT IS" };
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *p;
	size_t i;

	table_init(&t, 4, headings);
	if (!cli_api(c, err) || api_get(c->api, &list, err, "/addon-services/%s/plans", name) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, p) {
		char memory[DURATION_SIZE], disk[DURATION_SIZE];

		table_add(&t, json_str(p, "name", ""),
			  bytes_text(json_i64(p, "twelve.memory_bytes", 0), memory),
			  bytes_text(json_i64(p, "twelve.disk_bytes", 0), disk),
			  json_str(p, "description", ""));
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_addons_plans = {
	.name = "addons:plans",
	.usage = "SERVICE",
	.min_args = 1,
	.max_args = 1,
	.summary = "list the plans of a service",
	.flags = CMD_JSON,
	.run = plans_run,
	.examples = "twelve addons:plans postgresql",
};

static int docs_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *s = NULL, *a = NULL;
	struct error first = ERROR_INIT, ignored = ERROR_INIT;
	const char *docs;

	if (!cli_api(c, err))
		return -1;
	/* A service, or an add-on of one. */
	if (api_get(c->api, &s, &first, "/addon-services/%s", name) < 0) {
		a = addon_find(c, cli_rest(c, 0), &ignored);
		if (!a) {
			*err = first;
			return -1;
		}
		if (api_get(c->api, &s, err, "/addon-services/%s",
			    json_str(a, "addon_service.name", "")) < 0)
			return -1;
	}
	docs = json_str(s, "twelve.docs", NULL);
	if (!docs)
		return error_set(err, ERROR_NOT_FOUND, "%s has no documentation",
				 json_str(s, "name", ""));
	fputs(docs, stdout);
	return 0;
}

static const struct command cmd_addons_docs = {
	.name = "addons:docs",
	.usage = "SERVICE|ADDON",
	.min_args = 1,
	.max_args = 1,
	.summary = "show how to connect to a service",
	.flags = CMD_APP,
	.run = docs_run,
	.examples = "twelve addons:docs postgresql",
};

/* ---- providers ---- */

#define MANIFEST_MAX_BYTES (256 << 10)

static size_t on_manifest(char *data, size_t size, size_t n, void *userdata)
{
	struct buf *text = userdata;

	(void)size;
	if (text->len + n > MANIFEST_MAX_BYTES)
		return 0;
	buf_append(text, data, n);
	return n;
}

static int fetch_manifest(const char *url, struct buf *text, struct error *err)
{
	CURL *curl = curl_easy_init();
	CURLcode code;
	long status = 0;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_manifest);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code != CURLE_OK)
		return error_set(err, ERROR_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(code));
	if (status != 200)
		return error_set(err, ERROR_UNAVAILABLE, "%s responded with status %ld", url,
				 status);
	return 0;
}

static int read_manifest(const char *from, struct buf *text, struct error *err)
{
	char chunk[4096];
	ssize_t n;
	int r;

	if (strstr(from, "://"))
		return fetch_manifest(from, text, err);
	if (!streq(from, "-")) {
		r = fs_read_file(from, MANIFEST_MAX_BYTES, text);
		return r < 0 ? error_set_errno(err, r, "reading %s", from) : 0;
	}
	while ((n = fd_read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 &&
	       text->len < MANIFEST_MAX_BYTES)
		buf_append(text, chunk, (size_t)n);
	return 0;
}

static int services_add_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *s = NULL;
	json_error_t where;
	json_t *manifest;

	if (!cli_api(c, err) || read_manifest(cli_rest(c, 0), &text, err) < 0)
		return -1;
	manifest = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!manifest)
		return error_set(err, ERROR_INVALID, "%s:%d: %s", cli_rest(c, 0), where.line,
				 where.text);
	if (api_request(c->api, "POST", json_pack("{s:o}", "manifest", manifest), &s, err,
			"/addon-services") < 0)
		return -1;
	note(c, "%s is a service now: twelve addons:plans %s", json_str(s, "name", ""),
	     json_str(s, "name", ""));
	return 0;
}

static const struct command cmd_addons_services_add = {
	.name = "addons:services:add",
	.usage = "FILE|URL|-",
	.min_args = 1,
	.max_args = 1,
	.summary = "add an add-on provider by its manifest",
	.flags = 0,
	.run = services_add_run,
	.details = "The manifest is Heroku's addon-manifest.json with an additional member "
		   "\"plans\": [{\"name\", \"description\"}]. The provider implements Heroku's "
		   "Add-on Partner API, version 3.",
	.examples = "twelve addons:services:add addon-manifest.json",
};

static int services_remove_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/addon-services/%s", name) < 0)
		return -1;
	note(c, "%s is no longer offered", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_addons_services_remove = {
	.name = "addons:services:remove",
	.usage = "SERVICE",
	.min_args = 1,
	.max_args = 1,
	.summary = "remove an add-on provider",
	.flags = 0,
	.run = services_remove_run,
	.examples = "twelve addons:services:remove acme",
};

const struct command *const services_commands[] = {
	&cmd_addons_services,	  &cmd_addons_plans,	       &cmd_addons_docs,
	&cmd_addons_services_add, &cmd_addons_services_remove, NULL,
};
