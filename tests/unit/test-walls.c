/* SPDX-License-Identifier: Apache-2.0 */
/* What docs/sandbox.md says of paths, mounts and limits is what config.json has; and the weight at the disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/str.h"
#include "sandbox/io-weight.h"
#include "sandbox/paths.h"
#include "sandbox/sandbox.h"

#define PAGE_MAX (1 << 20)

/* The names in the first column of a section's table that begin so, in the order of the page. */
static void names_of_section(const char *heading, const char *prefix, char ***ret)
{
	_cleanup_free_ char *path = xasprintf("%s/sandbox.md", getenv("TWELVE_DOCS")),
			    *start = xasprintf("\n## %s\n", heading),
			    *row = xasprintf("| `%s", prefix);
	_cleanup_buf_ struct buf page = BUF_INIT;
	char *section, *end, *save = NULL;

	assert_int_equal(fs_read_file(path, PAGE_MAX, &page), 0);
	section = strstr(page.data, start);
	assert_non_null(section);
	section += strlen(start);
	end = strstr(section, "\n## ");
	if (end)
		*end = '\0';
	for (char *line = strtok_r(section, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!str_starts(line, row))
			continue;
		line += strlen("| `");
		*strchrnul(line, '`') = '\0';
		strv_push(ret, line);
	}
}

static void assert_has(char *const *names, const char *name, const char *where)
{
	for (; names && *names; names++)
		if (streq(*names, name))
			return;
	fail_msg("%s is not in %s", name, where);
}

/* Both have the same, in any order. Steals the list. */
static void compare(const char *heading, const char *prefix, char **have)
{
	_cleanup_strv_ char **told = NULL, **ours = have;

	names_of_section(heading, prefix, &told);
	assert_true(strv_len(told) > 0);
	for (size_t i = 0; i < strv_len(ours); i++)
		assert_has(told, ours[i], "docs/sandbox.md");
	for (size_t i = 0; i < strv_len(told); i++)
		assert_has(ours, told[i], "config.json");
}

/* The strings of a list of strings, or of a member of its objects, that begin so. */
static char **texts(json_t *list, const char *member, const char *prefix)
{
	char **v = NULL;
	size_t i;
	json_t *e;

	json_array_foreach (list, i, e) {
		const char *text = json_string_value(member ? json_object_get(e, member) : e);

		assert_non_null(text);
		if (str_starts(text, prefix))
			strv_push(&v, text);
	}
	return v;
}

static json_t *a_config(void)
{
	static const char *const argv[] = { "/.twelve/init", "true", NULL };
	struct sandbox_spec s = { .id = "some-id",
				  .hostname = "host",
				  .rootfs = "/stacks/a/rootfs",
				  .app_lower = "/slugs/a/app",
				  .scratch_dir = "/run/d/scratch",
				  .hosts_path = "/run/d/bundle/hosts",
				  .init_path = "/lib/twelve-init",
				  .argv = argv,
				  .cgroup_path = "/twelve/some-id",
				  .cgroup = SANDBOX_CGROUP_V2 };

	return sandbox_config(&s);
}

static void test_the_page_has_it_all(void **state)
{
	json_t *c = a_config(), *part = json_object_get(c, "linux");

	(void)state;
	/* What each processor has is there on some machines: see the next. */
	compare("Masked paths", "/proc/",
		texts(json_object_get(part, "maskedPaths"), NULL, "/proc/"));
	compare("Read-only paths", "/", texts(json_object_get(part, "readonlyPaths"), NULL, ""));
	compare("Mounts", "/", texts(json_object_get(c, "mounts"), "destination", ""));
	compare("Resource limits", "RLIMIT_",
		texts(json_object_get(json_object_get(c, "process"), "rlimits"), "type", ""));
	json_decref(c);
}

static void test_what_each_processor_has_is_masked(void **state)
{
	static const char cpus[] = "/sys/devices/system/cpu";
	char dir[] = "/tmp/twelve-walls-XXXXXX";
	json_t *list;
	size_t without;

	(void)state;
	assert_non_null(mkdtemp(dir));
	list = sandbox_masked_paths(dir);
	without = json_array_size(list);
	json_decref(list);
	for (int i = 0; i < 12; i++) {
		_cleanup_free_ char *path = xasprintf("%s%s/cpu%d/thermal_throttle", dir, cpus, i);

		assert_int_equal(fs_mkdirs(path, 0755), 0);
	}
	list = sandbox_masked_paths(dir);
	assert_int_equal(json_array_size(list), without + 12);
	assert_string_equal(json_string_value(json_array_get(list, without)),
			    "/sys/devices/system/cpu/cpu0/thermal_throttle");
	json_decref(list);
	assert_int_equal(fs_remove_tree(dir), 0);
}

static void test_every_mount_is_nosuid(void **state)
{
	json_t *c = a_config(), *m, *o;
	size_t i, k;

	(void)state;
	json_array_foreach (json_object_get(c, "mounts"), i, m) {
		bool found = false;

		json_array_foreach (json_object_get(m, "options"), k, o)
			found = found || streq(json_string_value(o), "nosuid");
		if (!found)
			fail_msg("%s", json_string_value(json_object_get(m, "destination")));
	}
	json_decref(c);
}

/* ---- disks ---- */

static void test_weights(void **state)
{
	static const struct {
		uint64_t shares;
		unsigned weight;
	} rows[] = { { 0, 100 },	{ 1, 1 },
		     { 10, 1 },		{ 11, 1 },
		     { 512, 50 },	{ 1024, 100 },
		     { 2 * 1024, 200 }, { 100 * 1024, 10000 },
		     { 102399, 9999 },	{ UINT64_MAX, 10000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(io_weight_of(rows[i].shares), rows[i].weight);
}

struct tree {
	char dir[32];
	char *bundle;
};

static void tree_init(struct tree *t)
{
	strcpy(t->dir, "/tmp/twelve-walls-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	t->bundle = xasprintf("%s/bundle", t->dir);
	assert_int_equal(fs_mkdirs(t->bundle, 0700), 0);
}

static void tree_done(struct tree *t)
{
	assert_int_equal(fs_remove_tree(t->dir), 0);
	free(t->bundle);
}

/* A file of the cgroup "x", empty. */
static char *cgroup_file(const struct tree *t, const char *below, const char *name)
{
	_cleanup_free_ char *dir = xasprintf("%s/sys/fs/cgroup%s/twelve/x", t->dir, below);
	char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_mkdirs(dir, 0755), 0);
	assert_int_equal(fs_write_fleeting(path, 0600, "", 0), 0);
	return path;
}

static void assert_holds(const char *path, const char *text)
{
	_cleanup_buf_ struct buf have = BUF_INIT;

	assert_int_equal(fs_read_file(path, 64, &have), 0);
	assert_string_equal(have.data, text);
}

static void test_a_weight_where_there_is_none(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	/* A bundle without one; a kernel without one; a cgroup without that file. */
	assert_int_equal(io_weight_apply(t.dir, t.bundle, "x"), 0);
	assert_int_equal(io_weight_write(t.bundle, 2048), 0);
	assert_int_equal(io_weight_apply(t.dir, t.bundle, "x"), 0);
	free(cgroup_file(&t, "/blkio", "blkio.throttle.read_bps_device"));
	assert_int_equal(io_weight_apply(t.dir, t.bundle, "x"), 0);
	tree_done(&t);
}

static void test_a_weight_in_each_layout(void **state)
{
	static const struct {
		const char *below, *file, *weight;
	} rows[] = { { "/blkio", "blkio.bfq.weight", "20" },
		     { "", "io.bfq.weight", "20" },
		     { "", "io.weight", "200" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *path = NULL;
		struct tree t;

		tree_init(&t);
		path = cgroup_file(&t, rows[i].below, rows[i].file);
		assert_int_equal(io_weight_write(t.bundle, 2048), 0);
		assert_int_equal(io_weight_apply(t.dir, t.bundle, "x"), 1);
		assert_holds(path, rows[i].weight);
		/* Less than the least. */
		assert_int_equal(io_weight_write(t.bundle, 1), 0);
		assert_int_equal(io_weight_apply(t.dir, t.bundle, "x"), 1);
		tree_done(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page_has_it_all),
		cmocka_unit_test(test_what_each_processor_has_is_masked),
		cmocka_unit_test(test_every_mount_is_nosuid),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_a_weight_where_there_is_none),
		cmocka_unit_test(test_a_weight_in_each_layout),
	};

	return cmocka_run_group_tests_name("walls", tests, NULL, NULL);
}
