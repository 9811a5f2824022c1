/* SPDX-License-Identifier: Apache-2.0 */
/* sbom: what lock files and installed packages tell, and the document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "model/locks.h"
#include "model/sbom-dpkg.h"
#include "model/sbom-program.h"

static const struct sbom_subject subject = { .app = "shop",
					     .release_id = "5f1c",
					     .commit = "",
					     .slug = "abc",
					     .version = 3,
					     .created = "2026-11-28T10:00:00Z",
					     .distro = "debian-13" };

/* The package URLs, a blank after each. */
static char *purls(struct sbom *s)
{
	struct buf b = BUF_INIT;

	sbom_settle(s);
	for (size_t i = 0; i < s->n; i++)
		buf_printf(&b, "%s ", s->packages[i].purl);
	return b.len ? buf_steal(&b) : xstrdup("");
}

static const struct lock_case {
	const char *dir, *name, *text, *purls;
} cases[] = {
	{ "", "package-lock.json",
	  "{\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"me\"},\"node_modules/@a/"
	  "b\":{\"version\":\"1.0.0\",\"license\":\"MIT\"},"
	  "\"node_modules/x/node_modules/y\":{\"version\":\"2.0.0+z\"},\"node_modules/"
	  "d\":{\"version\":\"1\",\"dev\":true}}}",
	  "pkg:npm/%40a/b@1.0.0 pkg:npm/y@2.0.0%2Bz " },
	{ "", "npm-shrinkwrap.json",
	  "{\"dependencies\":{\"a\":{\"version\":\"1\",\"dependencies\":{\"b\":{\"version\":\"2\"}}"
	  "},\"c\":{\"version\":\"3\",\"dev\":true}}}",
	  "pkg:npm/a@1 pkg:npm/b@2 " },
	{ "", "package-lock.json", "{\"packages\":[", "" },
	{ "", "yarn.lock",
	  "# yarn lockfile v1\n\n\"@a/b@^1.0.0\", \"@a/b@^1.1.0\":\n  version \"1.2.0\"\n  "
	  "resolved \"x\"\n\nms@2.0.0:\n  version \"2.0.0\"\n",
	  "pkg:npm/%40a/b@1.2.0 pkg:npm/ms@2.0.0 " },
	{ "", "yarn.lock",
	  "__metadata:\n  version: 8\n\n\"ms@npm:^2.1.3\":\n  version: 2.1.3\n  resolution: "
	  "\"ms@npm:2.1.3\"\n\n\"me@workspace:.\":\n  version: 0.0.0-use.local\n",
	  "pkg:npm/ms@2.1.3 " },
	{ "", "pnpm-lock.yaml",
	  "lockfileVersion: '9.0'\nimporters:\n  .:\n    x: 1\npackages:\n\n  "
	  "'@a/b@1.0.0(c@2.0.0)':\n    resolution: {}\n  ms@2.1.3:\n    a: b\nsnapshots:\n  "
	  "no@1.0.0: {}\n",
	  "pkg:npm/%40a/b@1.0.0 pkg:npm/ms@2.1.3 " },
	{ "", "pnpm-lock.yaml", "packages:\n  /ms/2.1.3:\n    x: 1\n  /@a/b/1.0.0:\n",
	  "pkg:npm/%40a/b@1.0.0 pkg:npm/ms@2.1.3 " },
	{ "", "requirements.txt",
	  "Flask==3.0.0 ; python_version > '3'\n# no==1\nzope.interface[x] == 6.1 \\\n    "
	  "--hash=sha256:x\nfree>=1\n-r other==1\nodd==1.*\n",
	  "pkg:pypi/flask@3.0.0 pkg:pypi/zope.interface@6.1 " },
	{ "", "Pipfile.lock",
	  "{\"default\":{\"flask\":{\"version\":\"==3.0.0\"},\"git\":{}},\"develop\":{\"x\":{"
	  "\"version\":\"==1\"}}}",
	  "pkg:pypi/flask@3.0.0 " },
	{ "", "poetry.lock",
	  "[[package]]\nname = \"ruamel_yaml\"\nversion = \"0.18\"\n\n[package.dependencies]\nname "
	  "= \"no\"\n\n[metadata]\n",
	  "pkg:pypi/ruamel-yaml@0.18 " },
	{ "", "uv.lock",
	  "version = 1\n[[package]]\nname = \"me\"\nversion = \"0.1\"\nsource = { editable = \".\" "
	  "}\n[[package]]\nname = \"a\"\nversion = \"1\"",
	  "pkg:pypi/a@1 " },
	{ "x", "Cargo.lock", "[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\r\n",
	  "pkg:cargo/serde@1.0.1 " },
	{ "", "Gemfile.lock",
	  "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.0.8)\n      dep (>= 1)\n    "
	  "nokogiri (1.16.0-x86_64-linux)\n\nDEPENDENCIES\n  rack (1)\n",
	  "pkg:gem/nokogiri@1.16.0-x86_64-linux pkg:gem/rack@3.0.8 " },
	{ "", "go.sum",
	  "github.com/A/b v1.0.0 h1:x=\ngithub.com/A/b v1.0.0/go.mod h1:x=\nc.org/d "
	  "v2.0.0+incompatible h1:y=\nonly v1/go.mod h1:z\n",
	  "pkg:golang/c.org/d@v2.0.0%2Bincompatible pkg:golang/github.com/a/b@v1.0.0 " },
	{ "", "composer.lock",
	  "{\"packages\":[{\"name\":\"Laravel/"
	  "framework\",\"version\":\"v11.0\",\"license\":[\"MIT\"]}],\"packages-dev\":[{\"name\":"
	  "\"a/b\",\"version\":\"1\"}]}",
	  "pkg:composer/laravel/framework@v11.0 " },
	{ "", "mix.lock",
	  "%{\n  \"plug\": {:hex, :plug, \"1.15.0\", \"abc\", [:mix], [], \"hexpm\", \"def\"},\n  "
	  "\"g\": {:git, \"x\"}\n}\n",
	  "pkg:hex/plug@1.15.0 " },
	{ "a/node_modules/@b/c", "package.json",
	  "{\"name\":\"@b/c\",\"version\":\"1.0.0\",\"license\":{\"type\":\"ISC\"}}",
	  "pkg:npm/%40b/c@1.0.0 " },
	{ "lib/Flask-3.0.0.dist-info", "METADATA",
	  "Metadata-Version: 2.1\nName: Flask\nVersion: 3.0.0\nLicense: BSD-3-Clause\n\nName: no\n",
	  "pkg:pypi/flask@3.0.0 " },
	/* Not a word of anything. */
	{ "", "go.sum",
	  "a\x01"
	  "b v1 h1:x\n<b> v1 h1:x\n",
	  "" },
};

static void test_locks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xstrdup(cases[i].text), *got = NULL;
		struct sbom s = { 0 };

		if (!locks_knows(cases[i].dir, cases[i].name))
			fail_msg("%s/%s is not known", cases[i].dir, cases[i].name);
		locks_read(cases[i].dir, cases[i].name, text, strlen(text), &subject, &s);
		got = purls(&s);
		if (!streq(got, cases[i].purls))
			fail_msg("case %zu, %s: %s instead of %s", i, cases[i].name, got,
				 cases[i].purls);
		sbom_done(&s);
	}
}

static void test_what_is_of_no_use(void **state)
{
	(void)state;
	assert_false(locks_knows("", "package.json"));
	assert_false(locks_knows("node_modules/a/lib", "package.json"));
	assert_false(locks_knows("node_modules/a", "yarn.lock"));
	assert_false(locks_knows("x", "METADATA"));
	assert_true(locks_knows("node_modules/a", "package.json"));
}

static void add(struct sbom *s, const char *type, const char *name, const char *version,
		const char *license, bool installed)
{
	const struct sbom_package p = { .type = (char *)type,
					.name = (char *)name,
					.version = (char *)version,
					.license = (char *)license,
					.installed = installed };

	sbom_add(s, &p, &subject);
}

static void test_what_is_installed_counts(void **state)
{
	_cleanup_free_ char *got = NULL;
	struct sbom s = { 0 };

	(void)state;
	add(&s, "pypi", "locked", "1", NULL, false);
	add(&s, "pypi", "there", "1", NULL, true);
	add(&s, "pypi", "there", "1", "MIT", true);
	add(&s, "gem", "locked", "1", "none of them", false);
	add(&s, "gem", "", "1", NULL, false);
	got = purls(&s);
	assert_string_equal(got, "pkg:gem/locked@1 pkg:pypi/there@1 ");
	assert_string_equal(s.packages[1].license, "MIT");
	assert_null(s.packages[0].license);
	assert_int_equal(s.n_left_out, 1);
	sbom_done(&s);
}

static void test_java(void **state)
{
	char pom[] = "#x\nversion=6.1.2\ngroupId=org.springframework\nartifactId=spring-core\r\n",
	     half[] = "groupId=a\n";
	_cleanup_free_ char *got = NULL;
	struct sbom s = { 0 };

	(void)state;
	sbom_read_pom(pom, &subject, &s);
	sbom_read_pom(half, &subject, &s);
	sbom_read_jar_name("jackson-core-2.17.0.jar", &subject, &s);
	sbom_read_jar_name("app.jar", &subject, &s);
	got = purls(&s);
	assert_string_equal(
		got,
		"pkg:maven/jackson-core@2.17.0 pkg:maven/org.springframework/spring-core@6.1.2 ");
	sbom_done(&s);
}

/* As debug/buildinfo writes it: 32 bytes, the version with its length, the modules between marks of
 * 16 bytes. */
static void test_go(void **state)
{
	static const char modules[] = "0123456789abcdefpath\tx\nmod\tx\t(devel)\t\ndep\tgithub.com/"
				      "a/b\tv1.0.0\th1:x\ndep\tc.org/d\tv1\n=>\tc.org/"
				      "e\tv2\th1:z\nbuild\t-a=1\n0123456789abcdef";
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *got = NULL;
	struct sbom s = { 0 };

	(void)state;
	buf_append(&b, "\177ELF....\xff Go buildinf:\x08\x02", 8 + 16);
	for (int i = 0; i < 16; i++)
		buf_putc(&b, '\0');
	buf_putc(&b, 8);
	buf_puts(&b, "go1.24.4");
	buf_putc(&b, (char)((sizeof(modules) - 1) | 0x80));
	buf_putc(&b, 1);
	buf_append(&b, modules, sizeof(modules) - 1);
	/* Whatever is cut off ends well. */
	for (size_t n = 0; n < b.len; n++) {
		_cleanup_free_ char *cut = xcalloc(1, n + 1);
		struct sbom t = { 0 };

		memcpy(cut, b.data, n);
		sbom_read_go(cut, n, &subject, &t);
		assert_true(t.n <= 1);
		sbom_done(&t);
	}
	sbom_read_go(b.data, b.len, &subject, &s);
	got = purls(&s);
	assert_string_equal(
		got,
		"pkg:golang/c.org/e@v2 pkg:golang/github.com/a/b@v1.0.0 pkg:golang/stdlib@1.24.4 ");
	sbom_done(&s);
}

static void test_debian(void **state)
{
	char packages[] = "libc6=2.41-12\nlibstdc++6=14.2.0-19\nzlib1g=1:1.3.1\n";
	char status[] = "Package: libstdc++6\nArchitecture: amd64\nSource: gcc-14 "
			"(14.2.0-19)\n\nPackage: libc6\nSource: glibc\nArchitecture: amd64\n";
	_cleanup_free_ char *got = NULL;
	struct sbom s = { 0 };

	(void)state;
	sbom_read_dpkg(packages, status, &subject, &s);
	got = purls(&s);
	assert_string_equal(got,
			    "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13 "
			    "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13 "
			    "pkg:deb/debian/zlib1g@1%3A1.3.1?distro=debian-13 ");
	assert_string_equal(s.packages[1].source, "gcc-14");
	sbom_done(&s);
}

/* The same packages in another order: the same bytes. */
static void test_document(void **state)
{
	struct sbom a = { 0 }, b = { 0 };
	_cleanup_free_ char *first = NULL, *second = NULL;
	json_t *j;

	(void)state;
	add(&a, "npm", "@a/b", "1", "MIT", true);
	add(&a, "gem", "rack", "2", NULL, false);
	add(&b, "gem", "rack", "2", NULL, false);
	add(&b, "npm", "@a/b", "1", "MIT", true);
	sbom_settle(&a);
	sbom_settle(&b);
	j = sbom_document(&a, &subject);
	first = json_dumps(j, 0);
	assert_int_equal(json_array_size(json_object_get(j, "packages")), 4);
	json_decref(j);
	j = sbom_document(&b, &subject);
	second = json_dumps(j, 0);
	json_decref(j);
	assert_string_equal(first, second);
	assert_non_null(
		strstr(first, "\"documentNamespace\": \"https://spdx.org/spdxdocs/shop-v3-5f1c\""));
	assert_non_null(strstr(first, "SPDXRef-npm--a-b-"));
	sbom_done(&a);
	sbom_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_what_is_of_no_use),
		cmocka_unit_test(test_what_is_installed_counts),
		cmocka_unit_test(test_java),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_debian),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests_name("sbom", tests, NULL, NULL);
}
