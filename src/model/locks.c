/* SPDX-License-Identifier: Apache-2.0 */
/* See locks.h. Formats: each function names its tool's file. */
#include "model/locks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct reading {
	const struct sbom_subject *subject;
	struct sbom *to;
};

static void add(const struct reading *r, const char *type, const char *name, const char *version,
		const char *license, bool installed)
{
	const struct sbom_package p = { .type = (char *)type,
					.name = (char *)name,
					.version = (char *)version,
					.license = (char *)license,
					.installed = installed };

	sbom_add(r->to, &p, r->subject);
}

/* What stands between the first two quotes after `at`; NULL when there is none. Written to. */
static char *quoted(char *at)
{
	char *begin = strchr(at, '"'), *end = begin ? strchr(begin + 1, '"') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	return begin + 1;
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* ---- npm ---- */

/* {"license": "MIT"}, and what was before: {"type": "MIT"}. */
static const char *npm_license(const json_t *j)
{
	const json_t *l = json_object_get(j, "license");

	return json_is_object(l) ? text_of(l, "type") : json_string_value(l);
}

static void read_package_json(const struct reading *r, char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
	const char *name = text_of(j, "name"), *version = text_of(j, "version");

	/* Many are there for what is below them, and are no packages. */
	if (name && version)
		add(r, "npm", name, version, npm_license(j), true);
	json_decref(j);
}

/* Version 1: {"dependencies": {NAME: {"version": ..., "dependencies": ...}}}. */
static void npm_tree(const struct reading *r, json_t *dependencies, int depth)
{
	const char *name;
	json_t *d;

	if (depth > 32)
		return;
	json_object_foreach (dependencies, name, d) {
		if (!json_is_true(json_object_get(d, "dev")))
			add(r, "npm", name, text_of(d, "version"), NULL, false);
		npm_tree(r, json_object_get(d, "dependencies"), depth + 1);
	}
}

static void read_npm_lock(const struct reading *r, char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_ALLOW_NUL, NULL),
	       *packages = json_object_get(j, "packages"), *p;
	const char *path;

	json_object_foreach (packages, path, p) {
		const char *at = NULL, *name = text_of(p, "name");

		for (const char *m = strstr(path, "node_modules/"); m;
		     m = strstr(m + 1, "node_modules/"))
			at = m + strlen("node_modules/");
		if (at && !json_is_true(json_object_get(p, "dev")) &&
		    !json_is_true(json_object_get(p, "link")))
			add(r, "npm", name ? name : at, text_of(p, "version"), npm_license(p),
			    false);
	}
	if (!packages)
		npm_tree(r, json_object_get(j, "dependencies"), 0);
	json_decref(j);
}

/* "@scope/name@RANGE" or "name@npm:RANGE": the name ends at the "@" that is not its first
 * character. */
static char *until_at(char *s)
{
	char *at = *s ? strchr(s + 1, '@') : NULL;

	if (at)
		*at = '\0';
	return at ? at + 1 : NULL;
}

/* yarn.lock of yarn 1 and of later ones: a line at the margin has ranges, an indented one the
 * version. */
static void read_yarn_lock(const struct reading *r, char *text)
{
	char *name = NULL;

	for (char *line; (line = str_next_line(&text));) {
		char *version;

		if (line[0] && line[0] != ' ' && line[0] != '#') {
			name = line + (line[0] == '"');
			if (!until_at(name) || streq(name, "__metadata:"))
				name = NULL;
			continue;
		}
		version = str_starts(line, "  version") ? line + strlen("  version") : NULL;
		if (!version || !name)
			continue;
		version += strspn(version, ": \"");
		version[strcspn(version, "\"")] = '\0';
		if (!str_starts(version, "0.0.0-use.local"))
			add(r, "npm", name, version, NULL, false);
		name = NULL;
	}
}

/* pnpm-lock.yaml: below "packages:", "  /name@1.0.0:", "  'name@1.0.0(peer@2.0.0)':", and of old
 * ones "  /name/1.0.0:". */
static void read_pnpm_lock(const struct reading *r, char *text)
{
	bool within = false;

	for (char *line; (line = str_next_line(&text));) {
		char *name = line + 2, *version;

		if (line[0] && line[0] != ' ')
			within = str_starts(line, "packages:");
		if (!within || !str_starts(line, "  ") || line[2] == ' ' || !line[2])
			continue;
		name += strspn(name, "'/");
		name[strcspn(name, "('")] = '\0';
		if (name[0] && name[strlen(name) - 1] == ':')
			name[strlen(name) - 1] = '\0';
		version = until_at(name);
		if (!version && (version = strrchr(name, '/')))
			*version++ = '\0';
		if (version)
			add(r, "npm", name, version, NULL, false);
	}
}

/* ---- Python ---- */

/* METADATA (packaging.python.org, core metadata): headers, then an empty line. */
static void read_metadata(const struct reading *r, char *text)
{
	const char *name = NULL, *version = NULL, *license = NULL;

	for (char *line; (line = str_next_line(&text)) && line[0];) {
		if (str_starts(line, "Name: "))
			name = str_trim(line + 6);
		else if (str_starts(line, "Version: "))
			version = str_trim(line + 9);
		else if (str_starts(line, "License-Expression: "))
			license = str_trim(line + 20);
		else if (str_starts(line, "License: ") && !license)
			license = str_trim(line + 9);
	}
	if (name && version)
		add(r, "pypi", name, version, license, true);
}

/* "name==1.0 ; marker", "name[extra]==1.0": what is not pinned has no version to tell of. */
static void read_requirements(const struct reading *r, char *text)
{
	for (char *line; (line = str_next_line(&text));) {
		char *name = str_trim(line), *version = strstr(name, "==");
		size_t n = strspn(
			name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

		if (!version || !n || name[0] == '#' || name[0] == '-')
			continue;
		version += 2;
		version += strspn(version, "= \t");
		version[strcspn(version, " ;\\\t,#")] = '\0';
		name[n] = '\0';
		if (version[0] && !strchr(version, '*'))
			add(r, "pypi", name, version, NULL, false);
	}
}

static void read_pipfile_lock(const struct reading *r, char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_ALLOW_NUL, NULL), *p;
	const char *name;

	json_object_foreach (json_object_get(j, "default"), name, p) {
		const char *version = text_of(p, "version");

		if (version)
			add(r, "pypi", name, version + strspn(version, "="), NULL, false);
	}
	json_decref(j);
}

/* ---- TOML with [[package]]: Cargo.lock, poetry.lock, uv.lock, pdm.lock ---- */

static void read_toml_lock(const struct reading *r, const char *type, char *text)
{
	char *name = NULL, *version = NULL;
	bool within = false, local = false;

	for (char *line = str_next_line(&text);; line = str_next_line(&text)) {
		if (!line || line[0] == '[') {
			if (within && name && version && !local)
				add(r, type, name, version, NULL, false);
			if (!line)
				return;
			name = version = NULL;
			local = false;
			within = streq(line, "[[package]]");
		} else if (str_starts(line, "name = ")) {
			name = quoted(line);
		} else if (str_starts(line, "version = ")) {
			version = quoted(line);
		} else if (str_starts(line, "source = { editable") ||
			   str_starts(line, "source = { virtual")) {
			local = true;
		}
	}
}

/* ---- Ruby: Gemfile.lock, four blanks before a gem, six before what it needs ---- */

static void read_gemfile_lock(const struct reading *r, char *text)
{
	bool within = false;

	for (char *line; (line = str_next_line(&text));) {
		char *open, *close;

		if (line[0] && line[0] != ' ')
			within = streq(line, "GEM") || streq(line, "GIT");
		if (!within || !str_starts(line, "    ") || line[4] == ' ')
			continue;
		open = strstr(line, " (");
		close = open ? strchr(open, ')') : NULL;
		if (!close)
			continue;
		*open = *close = '\0';
		add(r, "gem", line + 4, open + 2, NULL, false);
	}
}

/* ---- Go: go.sum, "MODULE VERSION h1:..." and the same with /go.mod for those whose code was not
 * needed ---- */

static void read_go_sum(const struct reading *r, char *text)
{
	for (char *line; (line = str_next_line(&text));) {
		char *save = NULL, *name = strtok_r(line, " ", &save),
		     *version = strtok_r(NULL, " ", &save);

		if (name && version && !str_ends(version, "/go.mod"))
			add(r, "golang", name, version, NULL, false);
	}
}

/* ---- PHP: composer.lock ---- */

static void read_composer_lock(const struct reading *r, char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_ALLOW_NUL, NULL), *p;
	size_t i;

	json_array_foreach (json_object_get(j, "packages"), i, p)
		add(r, "composer", text_of(p, "name"), text_of(p, "version"),
		    json_string_value(json_array_get(json_object_get(p, "license"), 0)), false);
	json_decref(j);
}

/* ---- Elixir: mix.lock, "name": {:hex, :name, "1.0.0", ... ---- */

static void read_mix_lock(const struct reading *r, char *text)
{
	for (char *line; (line = str_next_line(&text));) {
		char *hex = strstr(line, "{:hex, :"), *name = hex ? hex + strlen("{:hex, :") : NULL,
		     *version;

		if (!name)
			continue;
		version = strchr(name, ',');
		if (!version)
			continue;
		*version++ = '\0';
		version = quoted(version);
		if (version)
			add(r, "hex", name, version, NULL, false);
	}
}

/* ---- by name ---- */

static bool is_below(const char *dir, const char *folder)
{
	const char *last = strrchr(dir, '/');

	last = last ? last + 1 : dir;
	return streq(last, folder);
}

/* "node_modules/NAME" or "node_modules/@SCOPE/NAME". */
static bool is_npm_package(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	_cleanup_free_ char *parent = slash ? xstrndup(dir, (size_t)(slash - dir)) : NULL;

	if (!parent)
		return false;
	slash = strrchr(parent, '/');
	if ((slash ? slash[1] : parent[0]) != '@')
		return is_below(parent, "node_modules");
	if (!slash)
		return false;
	parent[slash - parent] = '\0';
	return is_below(parent, "node_modules");
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (streq(name, *list))
			return true;
	return false;
}

static const char *const locks[] = { "package-lock.json",
				     "npm-shrinkwrap.json",
				     "yarn.lock",
				     "pnpm-lock.yaml",
				     "requirements.txt",
				     "Pipfile.lock",
				     "poetry.lock",
				     "uv.lock",
				     "pdm.lock",
				     "Cargo.lock",
				     "Gemfile.lock",
				     "go.sum",
				     "composer.lock",
				     "mix.lock",
				     NULL };

bool locks_knows(const char *dir, const char *name)
{
	if (streq(name, "package.json"))
		return is_npm_package(dir);
	if (streq(name, "METADATA"))
		return str_ends(dir, ".dist-info");
	/* Packages bring the locks of their own development. */
	return is_one_of(name, locks) && !strstr(dir, "node_modules") &&
	       !strstr(dir, "site-packages") && !strstr(dir, "vendor/");
}

void locks_read(const char *dir, const char *name, char *text, size_t n,
		const struct sbom_subject *subject, struct sbom *s)
{
	const struct reading r = { subject, s };

	(void)dir;
	if (streq(name, "package.json"))
		read_package_json(&r, text, n);
	else if (streq(name, "METADATA"))
		read_metadata(&r, text);
	else if (streq(name, "package-lock.json") || streq(name, "npm-shrinkwrap.json"))
		read_npm_lock(&r, text, n);
	else if (streq(name, "yarn.lock"))
		read_yarn_lock(&r, text);
	else if (streq(name, "pnpm-lock.yaml"))
		read_pnpm_lock(&r, text);
	else if (streq(name, "requirements.txt"))
		read_requirements(&r, text);
	else if (streq(name, "Pipfile.lock"))
		read_pipfile_lock(&r, text, n);
	else if (streq(name, "Cargo.lock"))
		read_toml_lock(&r, "cargo", text);
	else if (streq(name, "poetry.lock") || streq(name, "uv.lock") || streq(name, "pdm.lock"))
		read_toml_lock(&r, "pypi", text);
	else if (streq(name, "Gemfile.lock"))
		read_gemfile_lock(&r, text);
	else if (streq(name, "go.sum"))
		read_go_sum(&r, text);
	else if (streq(name, "composer.lock"))
		read_composer_lock(&r, text, n);
	else if (streq(name, "mix.lock"))
		read_mix_lock(&r, text);
}
