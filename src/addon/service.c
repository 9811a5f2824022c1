/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests; see service.h. Each field is read by one line of a table or function, so that a
 * mistake is named. */
#include "addon/service.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"
#include "stack/stack.h"

struct reading {
	const char *label;
	struct error *err;
};

static int wrong(const struct reading *r, const char *field, const char *expected)
{
	return error_set(r->err, ERROR_INVALID, "%s: \"%s\" must be %s", r->label, field, expected);
}

static int read_string(const struct reading *r, json_t *j, const char *field, bool required,
		       char **ret)
{
	json_t *value = json_object_get(j, field);

	if (!value && !required)
		return 0;
	if (!json_is_string(value) || !json_string_value(value)[0])
		return wrong(r, field, "a string that is not empty");
	*ret = xstrdup(json_string_value(value));
	return 0;
}

static int read_number(const struct reading *r, json_t *j, const char *field, int64_t min,
		       int64_t max, int64_t fallback, int64_t *ret)
{
	json_t *value = json_object_get(j, field);
	char expected[64];

	*ret = value ? json_integer_value(value) : fallback;
	if ((!value || json_is_integer(value)) && *ret >= min && *ret <= max)
		return 0;
	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", (long long)min,
		 (long long)max);
	return wrong(r, field, expected);
}

static int read_bool(const struct reading *r, json_t *j, const char *field, bool *ret)
{
	json_t *value = json_object_get(j, field);

	*ret = json_is_true(value);
	return !value || json_is_boolean(value) ? 0 : wrong(r, field, "true or false");
}

static int read_strings(const struct reading *r, json_t *j, const char *field, char ***ret)
{
	json_t *value = json_object_get(j, field), *item;
	size_t i;

	if (value && !json_is_array(value))
		return wrong(r, field, "an array of strings");
	json_array_foreach (value, i, item) {
		if (!json_is_string(item))
			return wrong(r, field, "an array of strings");
		strv_push(ret, json_string_value(item));
	}
	return 0;
}

/* Services, plans: what people type before and after the colon. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n && n <= SERVICE_NAME_MAX && islower((unsigned char)s[0]) && s[n - 1] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* "256M", "2G": bytes; false for anything else or less than 1 MiB. */
static bool parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	_cleanup_free_ char *number = xstrndup(text, digits);
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	int64_t n, shift;

	if (!unit || text[digits + 1])
		return false;
	shift = 10 * (unit - units + 1);
	if (!str_to_i64(number, 1, INT64_MAX >> shift, &n) || (n << shift) < (1 << 20))
		return false;
	*ret = (uint64_t)n << shift;
	return true;
}

static int read_size(const struct reading *r, json_t *j, const char *field, uint64_t *ret)
{
	const char *text = json_string_value(json_object_get(j, field));

	return text && parse_size(text, ret) ? 0 : wrong(r, field, "a size such as 256M or 2G");
}

/* Heroku's names: an array, or an object with the usual name of an attachment of each. */
static int read_heroku(const struct reading *r, json_t *j, struct service *s)
{
	json_t *value = json_object_get(j, "heroku"), *attachment;
	const char *name;

	if (!json_is_object(value) && read_strings(r, j, "heroku", &s->heroku) < 0)
		return -1;
	json_object_foreach (value, name, attachment) {
		if (!json_is_string(attachment) ||
		    name_check_config_key(json_string_value(attachment), NULL) < 0)
			return wrong(r, "heroku",
				     "an array of names, or an object such as {\"cloudamqp\": "
				     "\"CLOUDAMQP\"}");
		strv_push(&s->heroku, name);
		strv_push(&s->heroku_attachments, json_string_value(attachment));
	}
	return 0;
}

static int read_settings(const struct reading *r, json_t *j, json_t **ret)
{
	json_t *settings = json_object_get(j, "settings"), *value;
	const char *key;

	if (settings && !json_is_object(settings))
		return wrong(r, "settings", "an object of numbers and strings");
	json_object_foreach (settings, key, value)
		if ((!json_is_integer(value) && !json_is_string(value)) ||
		    name_check_config_key(key, NULL) < 0)
			return wrong(r, "settings", "an object of numbers and strings");
	*ret = json_incref(settings);
	return 0;
}

static int read_plan(const struct reading *r, json_t *j, struct service_plan *p)
{
	json_t *cpus = json_object_get(j, "cpus");

	if (read_string(r, j, "name", true, &p->name) < 0 ||
	    read_string(r, j, "description", true, &p->description) < 0 ||
	    read_size(r, j, "memory", &p->memory_bytes) < 0 ||
	    read_size(r, j, "disk", &p->disk_bytes) < 0 || read_settings(r, j, &p->settings) < 0)
		return -1;
	if (read_number(r, j, "processes", 32, 65536, SERVICE_PROCESSES_DEFAULT, &p->processes) < 0)
		return -1;
	p->disk_hard_bytes = p->disk_bytes + p->disk_bytes / 10;
	if (json_object_get(j, "disk_hard") &&
	    read_size(r, j, "disk_hard", &p->disk_hard_bytes) < 0)
		return -1;
	if (p->disk_hard_bytes <= p->disk_bytes)
		return wrong(r, "disk_hard", "more than \"disk\"");
	if (!is_name(p->name))
		return wrong(r, "name", "a name of lower-case letters, digits and dashes");
	p->cpus = json_number_value(cpus);
	return cpus && p->cpus <= 0 ? wrong(r, "cpus", "a number above 0") : 0;
}

static int read_plans(const struct reading *r, json_t *j, struct service *s)
{
	json_t *plans = json_object_get(j, "plans"), *item;
	size_t i;

	if (!json_is_array(plans) || !json_array_size(plans))
		return wrong(r, "plans", "an array of at least one plan");
	s->plans = xcalloc(json_array_size(plans), sizeof(*s->plans));
	json_array_foreach (plans, i, item) {
		_cleanup_free_ char *label = xasprintf("%s: plans[%zu]", r->label, i);
		const struct reading of_plan = { .label = label, .err = r->err };

		s->n_plans++;
		if (read_plan(&of_plan, item, &s->plans[i]) < 0)
			return -1;
	}
	return 0;
}

static int read_config(const struct reading *r, json_t *j, struct service *s)
{
	json_t *value;
	const char *key;

	s->config = json_incref(json_object_get(j, "config"));
	if (!json_is_object(s->config) || !json_object_size(s->config))
		return wrong(r, "config", "an object of templates, such as {\"URL\": \"...\"}");
	json_object_foreach (s->config, key, value)
		if (!json_is_string(value) || name_check_config_key(key, NULL) < 0)
			return wrong(r, "config",
				     "an object of templates, such as {\"URL\": \"...\"}");
	return 0;
}

static int read_databases(const struct reading *r, json_t *j, struct service *s)
{
	json_t *value = json_object_get(j, "databases");
	const char *word = json_string_value(value);

	if (!value)
		return 0;
	if (word && streq(word, "named"))
		s->databases = SERVICE_NAMED;
	else if (word && streq(word, "numbered"))
		s->databases = SERVICE_NUMBERED;
	else
		return wrong(r, "databases", "\"named\" or \"numbered\", or absent");
	return 0;
}

static int read_packages(const struct reading *r, json_t *j, struct service *s)
{
	if (read_strings(r, j, "packages", &s->packages) < 0)
		return -1;
	if (!strv_len(s->packages))
		return wrong(r, "packages", "an array of Debian packages");
	for (char **p = s->packages; *p; p++)
		if (!stack_package_is_valid(*p))
			return wrong(r, "packages",
				     "an array of names that Debian packages can have");
	return 0;
}

static int check_names(const struct reading *r, const struct service *s)
{
	const char *base = strrchr(s->dir, '/');

	if (!is_name(s->name) || !streq(base ? base + 1 : s->dir, s->name))
		return wrong(r, "name",
			     "the name of its directory: lower-case letters, digits and dashes");
	for (char **a = s->aliases; a && *a; a++)
		if (!is_name(*a))
			return wrong(r, "aliases",
				     "names of lower-case letters, digits and dashes");
	for (char **a = s->heroku; a && *a; a++)
		if (!is_name(*a))
			return wrong(r, "heroku", "names of lower-case letters, digits and dashes");
	if (name_check_config_key(s->attachment, NULL) < 0)
		return wrong(r, "attachment", "the start of a config var's name, such as DATABASE");
	if (s->backup &&
	    strspn(s->backup, "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(s->backup))
		return wrong(r, "backup", "the extension of a file, such as \"dump\"");
	return 0;
}

static int read_service(const struct reading *r, json_t *j, struct service *s)
{
	if (!json_is_object(j))
		return error_set(r->err, ERROR_INVALID, "%s: expected a JSON object", r->label);
	if (read_string(r, j, "name", true, &s->name) < 0 ||
	    read_string(r, j, "human_name", true, &s->human_name) < 0 ||
	    read_string(r, j, "description", true, &s->description) < 0 ||
	    read_string(r, j, "version", true, &s->version) < 0 ||
	    read_string(r, j, "attachment", true, &s->attachment) < 0 ||
	    read_string(r, j, "client", false, &s->client) < 0 ||
	    read_string(r, j, "backup", false, &s->backup) < 0 ||
	    read_strings(r, j, "aliases", &s->aliases) < 0 || read_heroku(r, j, s) < 0 ||
	    read_bool(r, j, "tls", &s->tls) < 0 || read_strings(r, j, "schemes", &s->schemes) < 0 ||
	    read_number(r, j, "ports", 1, SERVICE_MAX_PORTS, 1, &s->ports) < 0 ||
	    read_number(r, j, "stop_timeout", 1, 3600, SERVICE_STOP_S_DEFAULT, &s->stop_timeout_s) <
		    0)
		return -1;
	if (read_packages(r, j, s) < 0 || read_config(r, j, s) < 0 || read_databases(r, j, s) < 0 ||
	    read_plans(r, j, s) < 0)
		return -1;
	return check_names(r, s);
}

int service_parse(const char *text, const char *label, const char *dir, struct service *ret,
		  struct error *err)
{
	const struct reading r = { .label = label, .err = err };
	struct service s = { .dir = xstrdup(dir) };
	json_error_t where;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	int result;

	result = j ? read_service(&r, j, &s)
		   : error_set(err, ERROR_INVALID, "%s:%d: %s", label, where.line, where.text);
	json_decref(j);
	if (result < 0)
		service_done(&s);
	else
		*ret = s;
	return result;
}

void service_done(struct service *s)
{
	char *const strings[] = { s->name,	 s->human_name, s->description, s->version,
				  s->attachment, s->client,	s->backup,	s->dir };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	strv_free(s->aliases);
	strv_free(s->heroku);
	strv_free(s->heroku_attachments);
	strv_free(s->packages);
	strv_free(s->schemes);
	json_decref(s->config);
	for (size_t i = 0; i < s->n_plans; i++) {
		free(s->plans[i].name);
		free(s->plans[i].description);
		json_decref(s->plans[i].settings);
	}
	free(s->plans);
	*s = (struct service){ 0 };
}

const struct service_plan *service_plan_meant(const struct service *s, const char *service,
					      const char *name)
{
	const struct service_plan *p = name ? service_plan(s, name) : &s->plans[0];
	_cleanup_free_ char *family = NULL;

	if (p || !strv_has(s->heroku, service))
		return p;
	family = xstrndup(name, strcspn(name, "-"));
	p = service_plan(s, family);
	return p ? p : &s->plans[0];
}

const char *service_usual_attachment(const struct service *s, const char *name)
{
	for (size_t i = 0; s->heroku_attachments && s->heroku[i]; i++)
		if (streq(s->heroku[i], name))
			return s->heroku_attachments[i];
	return s->attachment;
}

const struct service_plan *service_plan(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->n_plans; i++)
		if (streq(s->plans[i].name, name))
			return &s->plans[i];
	return NULL;
}

bool service_has_scheme(const struct service *s, const char *scheme)
{
	return strv_has(s->schemes, scheme);
}

/* ---- templates ---- */

/* Of {port}, {port2} and so on, from 0; SERVICE_MAX_PORTS: it is another name. */
static size_t port_of(const char *name, size_t n)
{
	size_t port = 0;

	if (n < 4 || n > 5 || strncmp(name, "port", 4) != 0)
		return SERVICE_MAX_PORTS;
	if (n == 5)
		port = (size_t)(name[4] - '1');
	return port < SERVICE_MAX_PORTS ? port : SERVICE_MAX_PORTS;
}

static const char *value_of(const char *name, size_t n, const struct service_values *v,
			    char number[static 8])
{
	const struct {
		const char *name, *value;
	} strings[] = { { "user", v->user },
			{ "password", v->password },
			{ "host", v->host },
			{ "database", v->database } };
	size_t port = port_of(name, n);

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (strlen(strings[i].name) == n && strncmp(strings[i].name, name, n) == 0)
			return strings[i].value ? strings[i].value : "";
	if (port == SERVICE_MAX_PORTS)
		return NULL;
	snprintf(number, 8, "%u", v->ports[port]);
	return number;
}

static bool names_port(const char *template, size_t port)
{
	for (const char *at = strchr(template, '{'); at; at = strchr(at + 1, '{'))
		if (port_of(at + 1, strcspn(at + 1, "}")) == port && strchr(at, '}'))
			return true;
	return false;
}

bool service_app_port(const struct service *s, size_t i)
{
	json_t *template;
	const char *key;

	if ((int64_t)i >= s->ports)
		return false;
	json_object_foreach (s->config, key, template)
		if (names_port(json_string_value(template), i))
			return true;
	return false;
}

char *service_fill(const char *template, const struct service_values *v)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char number[8];

	while (*template) {
		const char *end = *template == '{' ? strchr(template, '}') : NULL;
		const char *value =
			end ? value_of(template + 1, (size_t)(end - template - 1), v, number)
			    : NULL;

		if (value) {
			buf_puts(&b, value);
			template = end + 1;
		} else {
			buf_putc(&b, *template ++);
		}
	}
	return buf_steal(&b);
}

json_t *service_config(const struct service *s, const char *attachment,
		       const struct service_values *v)
{
	json_t *vars = json_object(), *template;
	const char *key;

	json_object_foreach (s->config, key, template) {
		_cleanup_free_ char *name = xasprintf("%s_%s", attachment, key);
		_cleanup_free_ char *value = service_fill(json_string_value(template), v);

		json_object_set_new(vars, name, json_string(value));
	}
	return vars;
}
