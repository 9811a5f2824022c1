/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/openapi.json; see api/docs.h. Shapes of answers have names only: they are those of Heroku's
 * published schema, which is not ours to copy.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/api/docs.h"
#include "daemon/api/route.h"

static json_t *reference(const char *kind, const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

/* ---- bodies ---- */

static json_t *type_schema(const struct api_member *m)
{
	static const char *const names[][2] = {
		{ "string", "string" }, { "int", "integer" },	{ "bool", "boolean" },
		{ "array", "array" },	{ "object", "object" },
	};
	_cleanup_free_ char *word = xstrndup(m->type, m->type_n);

	if (streq(word, "none"))
		return json_pack("{s:[n,b]}", "enum", 0);
	if (streq(word, "true"))
		return json_pack("{s:[n,b]}", "enum", 1);
	if (streq(word, "ref"))
		return reference("schemas", "ref");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(word, names[i][0]) && m->optional)
			return json_pack("{s:[s,s]}", "type", names[i][1], "null");
		else if (streq(word, names[i][0]))
			return json_pack("{s:s}", "type", names[i][1]);
	return json_object();
}

static json_t *body_schema(const char *body)
{
	json_t *properties = json_object(), *required = json_array();
	struct api_member m;
	json_t *schema;

	while (body && (body = api_member_next(body, &m))) {
		_cleanup_free_ char *name = xstrndup(m.name, m.name_n);

		if (m.name[0] == '*')
			continue;
		json_object_set_new(properties, name, type_schema(&m));
		if (!m.optional)
			json_array_append_new(required, json_string(name));
	}
	schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *request_body_of(const struct api_route *r)
{
	json_t *schema, *content;

	if (r->flags & API_UPLOAD)
		return json_pack("{s:b, s:{s:{}}}", "required", 1, "content",
				 "application/octet-stream");
	if (!r->body)
		return NULL;
	schema = body_schema(r->body);
	content = json_pack("{s:{s:O}}", "application/json", "schema", schema);
	if (r->flags & API_FORM)
		json_object_set_new(content, "application/x-www-form-urlencoded",
				    json_pack("{s:O}", "schema", schema));
	content = json_pack("{s:b, s:o}", "required", json_object_get(schema, "required") != NULL,
			    "content", content);
	json_decref(schema);
	return content;
}

/* ---- answers ---- */

/* What is no JSON: a word of the table, and its type. */
static const char *const media[][2] = {
	{ "text", "text/plain" }, { "page", "text/html" }, { "file", "application/octet-stream" },
	{ "upgrade", NULL },	  { "git", NULL },
};

static const char *const *media_of(const char *answer)
{
	for (size_t i = 0; answer && i < ARRAY_SIZE(media); i++)
		if (streq(answer, media[i][0]))
			return media[i];
	return NULL;
}

/* The name within "[app]"; heap. */
static char *shape_name(const char *answer)
{
	size_t n = strlen(answer);

	return answer[0] == '[' ? xstrndup(answer + 1, n - 2) : xstrdup(answer);
}

static json_t *answer_schema(const char *answer)
{
	_cleanup_free_ char *name = answer ? shape_name(answer) : xstrdup("nothing");
	json_t *one = reference("schemas", name);

	return answer && answer[0] == '[' ? json_pack("{s:s, s:o}", "type", "array", "items", one)
					  : one;
}

static json_t *good_answer(const struct api_route *r, const char *description)
{
	const char *const *m = media_of(r->answer);
	json_t *headers = json_object();

	json_object_set_new(headers, "Request-Id", reference("headers", "Request-Id"));
	if (r->answer && r->answer[0] == '[')
		json_object_set_new(headers, "Next-Range", reference("headers", "Next-Range"));
	if (m && !m[1])
		return json_pack("{s:s, s:o}", "description",
				 "The connection is a session from here on", "headers", headers);
	if (m)
		return json_pack("{s:s, s:o, s:{s:{}}}", "description", description, "headers",
				 headers, "content", m[1]);
	return json_pack("{s:s, s:o, s:{s:{s:o}}}", "description", description, "headers", headers,
			 "content", "application/json", "schema", answer_schema(r->answer));
}

static json_t *answers_of(const struct api_route *r)
{
	const char *const *m = media_of(r->answer);
	json_t *answers = json_object();

	json_object_set_new(answers, m && !m[1] ? "101" : "2XX", good_answer(r, r->help));
	if (r->answer && r->answer[0] == '[')
		json_object_set_new(answers, "206",
				    good_answer(r, "A page of it: Next-Range asks for the next"));
	json_object_set_new(answers, "4XX", reference("responses", "error"));
	json_object_set_new(answers, "5XX", reference("responses", "error"));
	return answers;
}

/* ---- paths ---- */

/* "/apps/:app/dynos" as "/apps/{app}/dynos"; the names are added to `parameters`. */
static char *template_of(const char *path, json_t *parameters)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	while (*path) {
		size_t n = strcspn(path, "/");
		_cleanup_free_ char *part = xstrndup(path, n);

		if (part[0] == ':') {
			buf_printf(&b, "{%s}", part + 1);
			json_array_append_new(parameters,
					      json_pack("{s:s, s:s, s:b, s:{s:s}}", "name",
							part + 1, "in", "path", "required", 1,
							"schema", "type", "string"));
		} else {
			buf_puts(&b, part);
		}
		path += n;
		if (*path)
			buf_putc(&b, *path++);
	}
	return buf_steal(&b);
}

/* "get-apps-app-dynos" */
static char *operation_id(const struct api_route *r)
{
	_cleanup_free_ char *method = xstrdup(r->method);
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (char *p = method; *p; p++)
		buf_putc(&b, (char)(*p - 'A' + 'a'));
	for (const char *p = r->path; *p; p++)
		if (*p != ':')
			buf_putc(&b, *p == '/' ? '-' : *p);
	return buf_steal(&b);
}

static json_t *operation(const struct api_route *r, json_t *take_parameters)
{
	_cleanup_free_ char *id = operation_id(r);
	json_t *body = request_body_of(r);
	json_t *j = json_pack("{s:s, s:s, s:s, s:o}", "operationId", id, "summary", r->help,
			      "x-need", need_names[r->need], "parameters", take_parameters);

	if (r->answer && r->answer[0] == '[' && streq(r->method, "GET"))
		json_array_append_new(take_parameters, reference("parameters", "Range"));
	if (body)
		json_object_set_new(j, "requestBody", body);
	json_object_set_new(j, "responses", answers_of(r));
	if (r->flags & API_SECRET)
		json_object_set_new(j, "x-secret", json_true());
	if (r->need == NEED_NOTHING)
		json_object_set_new(j, "security", json_array());
	return j;
}

static json_t *paths(void)
{
	json_t *all = json_object();

	for (size_t i = 0; api_route_at(i); i++) {
		json_t *parameters = json_array(), *item;
		_cleanup_free_ char *path = template_of(api_route_at(i)->path, parameters);
		_cleanup_free_ char *method = xstrdup(api_route_at(i)->method);

		/* git's protocol is none that OpenAPI could tell. */
		if (api_route_at(i)->flags & API_GIT) {
			json_decref(parameters);
			continue;
		}
		for (char *p = method; *p; p++)
			*p = (char)(*p - 'A' + 'a');
		item = json_object_get(all, path);
		if (!item) {
			item = json_object();
			json_object_set_new(all, path, item);
		}
		json_object_set_new(item, method, operation(api_route_at(i), parameters));
	}
	return all;
}

/* ---- what they refer to ---- */

static json_t *schemas(void)
{
	json_t *all =
		json_pack("{s:{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}, s:{s:s}}}}", "error", "type",
			  "object", "required", "id", "message", "properties", "id", "type",
			  "string", "message", "type", "string", "url", "type", "string");

	json_object_set_new(all, "ref",
			    json_pack("{s:s, s:[{s:s}, {s:s, s:{s:{s:s}, s:{s:s}}}, {s:s}]}",
				      "description",
				      "A name or an id, or an object with one of them", "anyOf",
				      "type", "string", "type", "object", "properties", "id",
				      "type", "string", "name", "type", "string", "type", "null"));
	json_object_set_new(all, "nothing", json_pack("{s:s}", "type", "object"));
	for (size_t i = 0; api_route_at(i); i++) {
		_cleanup_free_ char *name =
			api_route_at(i)->answer ? shape_name(api_route_at(i)->answer) : NULL;

		if (name && !media_of(name) && !json_object_get(all, name))
			json_object_set_new(
				all, name,
				json_pack("{s:s, s:s}", "title", name, "type", "object"));
	}
	return all;
}

static json_t *header(const char *description)
{
	return json_pack("{s:s, s:{s:s}}", "description", description, "schema", "type", "string");
}

static json_t *components(void)
{
	json_t *range = header("A page of the list: version 3..; order=desc, max=10"),
	       *j = json_object();

	json_object_set_new(range, "name", json_string("Range"));
	json_object_set_new(range, "in", json_string("header"));
	json_object_set_new(j, "schemas", schemas());
	json_object_set_new(j, "parameters", json_pack("{s:o}", "Range", range));
	json_object_set_new(j, "headers",
			    json_pack("{s:o, s:o}", "Request-Id",
				      header("What the request is called in the audit trail"),
				      "Next-Range",
				      header("The Range of the next page, while there is one")));
	json_object_set_new(j, "responses",
			    json_pack("{s:{s:s, s:{s:{s:o}}}}", "error", "description",
				      "What is wrong, and what to do", "content",
				      "application/json", "schema", reference("schemas", "error")));
	json_object_set_new(j, "securitySchemes",
			    json_pack("{s:{s:s, s:s}, s:{s:s, s:s}}", "bearer", "type", "http",
				      "scheme", "bearer", "basic", "type", "http", "scheme",
				      "basic"));
	return j;
}

char *api_docs_openapi(void)
{
	json_t *j = json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o}",
		"openapi", "3.1.0", "info", "title", "twelve", "version", TWELVE_VERSION,
		"description",
		"Heroku's Platform API, version 3, on one's own machines; see api.md.", "license",
		"name", "Apache-2.0", "servers", "url", "http://localhost:5000", "security",
		"bearer", "basic", "paths", paths(), "components", components());
	_cleanup_free_ char *text = json_dumps(j, JSON_INDENT(1));
	char *lines = xasprintf("%s\n", text);

	json_decref(j);
	return lines;
}
