/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's manifest and a provider's answers, both from somebody else: what is accepted
 * keeps its bounds, what is refused comes with a sentence and leaves nothing behind.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addon/partner.h"
#include "addon/service.h"
#include "base/cleanup.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void manifest(const char *text)
{
	const struct service_values v = {
		.user = "u", .password = "p", .host = "h", .ports = { 1, 2, 3, 4 }
	};
	struct error err = ERROR_INIT;
	struct service s;
	json_t *vars;

	if (service_parse(text, "x", "/srv/shelf", &s, &err) < 0) {
		assert(err.kind == ERROR_INVALID && str_starts(err.message, "x"));
		return;
	}
	assert(s.n_plans && s.ports >= 1 && s.ports <= SERVICE_MAX_PORTS && s.stop_timeout_s > 0);
	vars = service_config(&s, "NAME", &v);
	assert(json_object_size(vars) == json_object_size(s.config));
	json_decref(vars);
	service_done(&s);
}

static json_t *acme(void)
{
	return json_loads(
		"{\"id\": \"acme\", \"api\": {\"config_vars\": [\"ACME_URL\"], \"password\": \"p\","
		" \"production\": {\"base_url\": \"https://acme.example\"}}, \"plans\": "
		"[{\"name\": \"a\"}]}",
		0, NULL);
}

static void answers(const char *text)
{
	static const long statuses[] = { 0, 200, 202, 302, 404, 422, 503 };
	struct error err = ERROR_INIT;
	json_t *j = acme();
	struct partner p;

	if (partner_parse(j, &p, &err) < 0)
		abort();
	for (size_t i = 0; i < 3 * ARRAY_SIZE(statuses); i++) {
		struct partner_outcome o;

		partner_answer(&p, (enum partner_verb)(i % 3), statuses[i / 3], text, 0, &o);
		for (const char *c = o.message; *c; c++)
			assert(*c >= ' ' && *c <= '~');
		assert(!o.config || json_object_size(o.config) <= 1);
		partner_outcome_done(&o);
	}
	partner_done(&p);
	json_decref(j);
}

static void provider(const char *text)
{
	struct error err = ERROR_INIT;
	json_t *j = json_loads(text, 0, NULL);
	struct partner p;

	if (j && partner_parse(j, &p, &err) == 0) {
		assert(partner_default_plan(&p) && partner_has_plan(&p, partner_default_plan(&p)));
		partner_done(&p);
	}
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);

	manifest(text);
	answers(text);
	provider(text);
	return 0;
}
