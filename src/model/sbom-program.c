/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sbom-program.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* No list of modules is longer. */
#define MODULES_MAX_BYTES (32 << 20)

struct reading {
	const struct sbom_subject *subject;
	struct sbom *to;
};

static void add(const struct reading *r, const char *type, const char *name, const char *version)
{
	const struct sbom_package p = { .type = (char *)type,
					.name = (char *)name,
					.version = (char *)version,
					.installed = true };

	sbom_add(r->to, &p, r->subject);
}

void sbom_read_pom(char *text, const struct sbom_subject *subject, struct sbom *s)
{
	const struct reading r = { subject, s };
	const char *group = NULL, *artifact = NULL, *version = NULL;
	_cleanup_free_ char *name = NULL;

	for (char *line; (line = str_next_line(&text));) {
		if (str_starts(line, "groupId="))
			group = str_trim(line + 8);
		else if (str_starts(line, "artifactId="))
			artifact = str_trim(line + 11);
		else if (str_starts(line, "version="))
			version = str_trim(line + 8);
	}
	if (!group || !artifact || !version)
		return;
	name = xasprintf("%s:%s", group, artifact);
	add(&r, "maven", name, version);
}

void sbom_read_jar_name(const char *name, const struct sbom_subject *subject, struct sbom *s)
{
	const struct reading r = { subject, s };
	_cleanup_free_ char *copy = xstrdup(name);
	char *version = NULL;

	if (str_ends(copy, ".jar"))
		copy[strlen(copy) - 4] = '\0';
	for (char *c = copy; *c && !version; c++)
		if (c[0] == '-' && isdigit((unsigned char)c[1]))
			version = c;
	if (!version)
		return;
	*version++ = '\0';
	add(&r, "maven", copy, version);
}

static bool get_length(const char *data, size_t n, size_t *at, size_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 35 && *at < n; shift += 7) {
		unsigned char c = (unsigned char)data[(*at)++];

		value |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = (size_t)value;
			return value <= n - *at;
		}
	}
	return false;
}

static void read_modules(const struct reading *r, char *text)
{
	char *name = NULL, *version = NULL;

	for (char *line; (line = str_next_line(&text));) {
		char *save = NULL, *kind = strtok_r(line, "\t", &save),
		     *first = strtok_r(NULL, "\t", &save), *second = strtok_r(NULL, "\t", &save);
		bool dep = kind && streq(kind, "dep"), replaced = kind && streq(kind, "=>");

		/* A module that is replaced is followed by what stands for it. */
		if (name && !replaced)
			add(r, "golang", name, version);
		name = (dep || replaced) && first && second ? first : NULL;
		version = second;
	}
	if (name)
		add(r, "golang", name, version);
}

void sbom_read_go(const char *data, size_t n, const struct sbom_subject *subject, struct sbom *s)
{
	static const char magic[] = "\xff Go buildinf:";
	const struct reading r = { subject, s };

	for (const char *p = data;
	     (p = memmem(p, n - (size_t)(p - data), magic, sizeof(magic) - 1)); p++) {
		size_t at = (size_t)(p - data) + 32, len = 0;
		_cleanup_free_ char *go = NULL, *modules = NULL;

		if (at >= n || !(p[15] & 2) || !get_length(data, n, &at, &len) || len < 3 ||
		    len > 64)
			continue;
		go = xstrndup(data + at, len);
		at += len;
		if (!str_starts(go, "go") || !get_length(data, n, &at, &len))
			continue;
		add(&r, "golang", "stdlib", go + 2);
		/* Between two marks of 16 bytes. */
		if (len < 33 || len > MODULES_MAX_BYTES)
			return;
		modules = xstrndup(data + at + 16, len - 32);
		read_modules(&r, modules);
		return;
	}
}
