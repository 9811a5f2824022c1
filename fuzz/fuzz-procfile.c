/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Procfile out of somebody's repository, and what somebody's buildpack
 * printed: what is accepted keeps the bounds and can be found again, what is
 * refused comes with a line and leaves nothing behind.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/names.h"
#include "model/procfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct procfile *p)
{
	assert(p->n_types <= PROCFILE_TYPES_MAX);
	for (size_t i = 0; i < p->n_types; i++) {
		const struct process_type *t = &p->types[i];

		assert(name_check_type(t->name, NULL) == 0);
		assert(t->command[0] && strlen(t->command) <= PROCFILE_COMMAND_MAX);
		assert(procfile_get(p, t->name) == t->command);
	}
}

static void check_refused(const struct procfile *p, const struct error *err, const char *label)
{
	assert(p->n_types == 0 && !p->types);
	assert(err->kind == ERROR_INVALID);
	assert(str_starts(err->message, label));
	/* One line of UTF-8 that a terminal can show. */
	for (const char *s = err->message; *s;) {
		size_t n = utf8_character(s, strlen(s));

		assert(n && (unsigned char)*s >= ' ' && *s != 0x7f);
		s += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	struct error err = ERROR_INIT;
	struct procfile p = { 0 };

	if (procfile_parse(text, "Procfile", &p, &err) == 0)
		check_accepted(&p);
	else
		check_refused(&p, &err, "Procfile:");
	procfile_done(&p);
	if (procfile_parse_release(text, &p, &err) == 0)
		check_accepted(&p);
	else
		check_refused(&p, &err, "bin/release:");
	procfile_done(&p);
	if (procfile_parse_heroku_yml(text, &p, &err) == 0)
		check_accepted(&p);
	else
		check_refused(&p, &err, "heroku.yml:");
	procfile_done(&p);
	return 0;
}
