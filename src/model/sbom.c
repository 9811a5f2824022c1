/* SPDX-License-Identifier: Apache-2.0 */
/* See sbom.h. */
#include "model/sbom.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"

#define NONE "NOASSERTION"

/* What stands for most of all packages; a text that is none of these may be anything. */
static const char *const licenses[] = {
	"0BSD",
	"AGPL-3.0-only",
	"Apache-2.0",
	"Artistic-2.0",
	"BSD-2-Clause",
	"BSD-3-Clause",
	"BlueOak-1.0.0",
	"BSL-1.0",
	"CC-BY-3.0",
	"CC-BY-4.0",
	"CC0-1.0",
	"EPL-2.0",
	"GPL-2.0-only",
	"GPL-2.0-or-later",
	"GPL-3.0-only",
	"GPL-3.0-or-later",
	"ISC",
	"LGPL-2.1-only",
	"LGPL-2.1-or-later",
	"LGPL-3.0-only",
	"LGPL-3.0-or-later",
	"MIT",
	"MIT-0",
	"MPL-2.0",
	"PSF-2.0",
	"Python-2.0",
	"Unlicense",
	"WTFPL",
	"ZPL-2.1",
	"Zlib",
	NULL,
};

static void package_done(struct sbom_package *p)
{
	free(p->type);
	free(p->name);
	free(p->version);
	free(p->license);
	free(p->source);
	free(p->architecture);
	free(p->purl);
}

void sbom_done(struct sbom *s)
{
	for (size_t i = 0; i < s->n; i++)
		package_done(&s->packages[i]);
	free(s->packages);
	*s = (struct sbom){ 0 };
}

/* ---- package URLs ---- */

static void put_encoded(struct buf *b, const char *s, bool slash_stays)
{
	for (; *s; s++)
		if (isalnum((unsigned char)*s) || strchr("-._~", *s) || (*s == '/' && slash_stays))
			buf_putc(b, *s);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
}

/* Types whose registries take names in any case, or with "_" for "-". */
static char *name_in_purl(const char *type, const char *name)
{
	bool lower = streq(type, "pypi") || streq(type, "composer") || streq(type, "golang") ||
		     streq(type, "hex");
	char *copy = xstrdup(name);

	for (char *c = copy; *c; c++) {
		if (lower)
			*c = (char)tolower((unsigned char)*c);
		if (streq(type, "pypi") && *c == '_')
			*c = '-';
		if (streq(type, "maven") && *c == ':')
			*c = '/';
	}
	return copy;
}

static char *make_purl(const struct sbom_package *p, const struct sbom_subject *subject)
{
	_cleanup_free_ char *name = name_in_purl(p->type, p->name);
	struct buf b = BUF_INIT;

	buf_printf(&b, "pkg:%s/%s", p->type, streq(p->type, "deb") ? "debian/" : "");
	put_encoded(&b, name, true);
	if (p->version[0]) {
		buf_putc(&b, '@');
		put_encoded(&b, p->version, false);
	}
	if (streq(p->type, "deb") && p->architecture)
		buf_printf(&b, "?arch=%s&distro=%s", p->architecture, subject->distro);
	else if (streq(p->type, "deb"))
		buf_printf(&b, "?distro=%s", subject->distro);
	return buf_steal(&b);
}

/* ---- the list ---- */

static bool is_word(const char *s, bool may_be_empty)
{
	size_t n = strlen(s);

	if (n > SBOM_WORD_MAX || (!n && !may_be_empty))
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`{|}", *s))
			return false;
	return true;
}

static const char *license_of(const char *text)
{
	for (size_t i = 0; text && licenses[i]; i++)
		if (streq(licenses[i], text))
			return licenses[i];
	return NULL;
}

void sbom_add(struct sbom *s, const struct sbom_package *p, const struct sbom_subject *subject)
{
	const char *version = p->version ? p->version : "", *license = license_of(p->license);
	struct sbom_package *to;

	if (!p->name || !is_word(p->name, false) || !is_word(version, true) ||
	    (p->source && !is_word(p->source, false)) ||
	    (p->architecture && !is_word(p->architecture, false)) || s->n >= SBOM_PACKAGES_MAX) {
		s->n_left_out++;
		return;
	}
	if ((s->n & (s->n - 1)) == 0)
		s->packages = xrealloc(s->packages, (s->n ? s->n * 2 : 1) * sizeof(*s->packages));
	to = &s->packages[s->n++];
	*to = (struct sbom_package){ .type = xstrdup(p->type),
				     .name = xstrdup(p->name),
				     .version = xstrdup(version),
				     .installed = p->installed };
	to->license = license ? xstrdup(license) : NULL;
	to->source = p->source ? xstrdup(p->source) : NULL;
	to->architecture = p->architecture ? xstrdup(p->architecture) : NULL;
	to->purl = make_purl(to, subject);
}

/* What is installed first, and what tells more: the first of doubles stays. */
static int compare(const void *a, const void *b)
{
	const struct sbom_package *x = a, *y = b;
	int r = strcmp(x->purl, y->purl);

	if (r == 0)
		r = (int)y->installed - (int)x->installed;
	return r ? r : (y->license != NULL) - (x->license != NULL);
}

static bool is_installed_somewhere(const struct sbom *s, const char *type)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->packages[i].installed && streq(s->packages[i].type, type))
			return true;
	return false;
}

static void drop_locked(struct sbom *s, const char *type)
{
	size_t n = 0;

	if (!is_installed_somewhere(s, type))
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->packages[i].installed || !streq(s->packages[i].type, type))
			s->packages[n++] = s->packages[i];
		else
			package_done(&s->packages[i]);
	s->n = n;
}

void sbom_settle(struct sbom *s)
{
	static const char *const types[] = { "npm", "pypi", "golang", "maven" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		drop_locked(s, types[i]);
	if (s->n)
		qsort(s->packages, s->n, sizeof(*s->packages), compare);
	for (size_t i = 0; i < s->n; i++)
		if (n && streq(s->packages[n - 1].purl, s->packages[i].purl))
			package_done(&s->packages[i]);
		else
			s->packages[n++] = s->packages[i];
	s->n = n;
}

/* ---- the document ---- */

/* Letters, digits, "." and "-" alone (SPDX 2.3, 7.2); no two packages have the same. */
static char *spdx_id(const struct sbom_package *p)
{
	char hex[DIGEST_HEX_SIZE], *id;
	struct digest *d = digest_new();

	digest_update_str(d, p->purl);
	digest_finish(d, hex);
	digest_free(d);
	id = xasprintf("SPDXRef-%s-%.60s-%.12s", p->type, p->name, hex);
	for (char *c = id; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
			*c = '-';
	return id;
}

static json_t *relation(const char *from, const char *kind, const char *to)
{
	return json_pack("{s:s, s:s, s:s}", "spdxElementId", from, "relationshipType", kind,
			 "relatedSpdxElement", to);
}

static json_t *package_json(const char *id, const char *name, const char *version,
			    const char *license)
{
	json_t *j =
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "SPDXID", id, "name", name,
			  "downloadLocation", NONE, "filesAnalyzed", 0, "licenseConcluded", NONE,
			  "licenseDeclared", license ? license : NONE, "copyrightText", NONE);

	if (version && version[0])
		json_object_set_new(j, "versionInfo", json_string(version));
	return j;
}

static void put_package(json_t *packages, json_t *relations, const struct sbom_package *p)
{
	bool deb = streq(p->type, "deb");
	_cleanup_free_ char *id = spdx_id(p);
	json_t *j = package_json(id, p->name, p->version, p->license);

	json_object_set_new(j, "externalRefs",
			    json_pack("[{s:s, s:s, s:s}]", "referenceCategory", "PACKAGE-MANAGER",
				      "referenceType", "purl", "referenceLocator", p->purl));
	if (p->source)
		json_object_set_new(j, "sourceInfo",
				    json_sprintf("built from the source package %s", p->source));
	json_array_append_new(packages, j);
	json_array_append_new(relations,
			      relation(deb ? "SPDXRef-stack" : "SPDXRef-app", "CONTAINS", id));
}

static void put_subjects(json_t *packages, json_t *relations, const struct sbom_subject *o)
{
	_cleanup_free_ char *version = xasprintf("v%lld", (long long)o->version);
	json_t *app = package_json("SPDXRef-app", o->app, version, NULL),
	       *stack = package_json("SPDXRef-stack", o->distro, NULL, NULL);

	json_object_set_new(app, "primaryPackagePurpose", json_string("APPLICATION"));
	json_object_set_new(
		app, "sourceInfo",
		json_sprintf("slug %s%s%s", o->slug, o->commit[0] ? ", commit " : "", o->commit));
	json_object_set_new(stack, "primaryPackagePurpose", json_string("OPERATING-SYSTEM"));
	json_array_append_new(packages, app);
	json_array_append_new(packages, stack);
	json_array_append_new(relations, relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-app"));
	json_array_append_new(relations, relation("SPDXRef-app", "DEPENDS_ON", "SPDXRef-stack"));
}

json_t *sbom_document(const struct sbom *s, const struct sbom_subject *o)
{
	json_t *packages = json_array(), *relations = json_array(), *j;

	put_subjects(packages, relations, o);
	for (size_t i = 0; i < s->n; i++)
		put_package(packages, relations, &s->packages[i]);
	j = json_pack("{s:s, s:s, s:s, s:o, s:o}", "spdxVersion", "SPDX-2.3", "dataLicense",
		      "CC0-1.0", "SPDXID", "SPDXRef-DOCUMENT", "name",
		      json_sprintf("%s v%lld", o->app, (long long)o->version), "documentNamespace",
		      json_sprintf("https://spdx.org/spdxdocs/%s-v%lld-%s", o->app,
				   (long long)o->version, o->release_id));
	json_object_set_new(j, "creationInfo",
			    json_pack("{s:s, s:[s]}", "created", o->created, "creators",
				      "Tool: twelve-" TWELVE_VERSION));
	if (s->n_left_out)
		json_object_set_new(
			j, "comment",
			json_sprintf(
				"Left out because they could not be read: %zu packages or files",
				s->n_left_out));
	json_object_set_new(j, "packages", packages);
	json_object_set_new(j, "relationships", relations);
	return j;
}
