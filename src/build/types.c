/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process types: what the Procfile says; without one, what a heroku.yml says of them; else what the
 * last buildpack's bin/release says. That there are none is told before the compilation, which may
 * take minutes, where it can be known by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define HINT_MAX_BYTES 1024
#define RELEASE_FILE ".twelve/release.yml"

/* Each buildpack has a file that says what to add; those of others have none. */
static int nothing_to_run(const struct build *b, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/to-run", b->packs[b->n_packs - 1].folder);
	_cleanup_buf_ struct buf hint = BUF_INIT;
	_cleanup_free_ char *elsewhere = NULL, *below = NULL;

	if (pack_read_file(b->packs_dir, path, HINT_MAX_BYTES, &hint) < 0)
		buf_printf(&hint, "a file named Procfile with a line such as \"web: ./server\"");
	elsewhere = start_elsewhere(b);
	below = nothing_below(b);
	return error_set(err, ERROR_INVALID, "There is nothing to run: add %s%s%s%s",
			 str_trim(hint.data), elsewhere, below ? ". Or is it below? " : "",
			 below ? below : "");
}

/* Heroku's way to name processes without a Procfile. One that can't be read is no reason to refuse
 * an app: it may say nothing of them. */
static int read_heroku_yml(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error why = ERROR_INIT;
	int r = build_read_text(b, "heroku.yml", &text, err);

	if (r < 0)
		return r == -ENOENT ? 0 : -1;
	if (procfile_parse_heroku_yml(text.data, &b->procfile, &why) < 0)
		build_say(b, " !     %s: its \"run\" is not used\n", why.message);
	else
		b->types_file = b->procfile.n_types ? "heroku.yml" : NULL;
	return 0;
}

int types_read_procfile(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = build_read_text(b, "Procfile", &text, err);

	if (r == -ENOENT)
		return read_heroku_yml(b, err);
	if (r < 0 || procfile_parse(text.data, "Procfile", &b->procfile, err) < 0)
		return -1;
	b->types_file = "Procfile";
	return b->procfile.n_types ? 0
				   : error_set(err, ERROR_INVALID,
					       "Procfile: it names no process type: add a line "
					       "such as \"web: ./server\"");
}

/* Ours look at the source alone; others may look at what they compiled. */
static bool can_tell_before(const struct build *b)
{
	return !build_has_foreign(b, b->n_packs);
}

int types_check_defaults(struct build *b, struct error *err)
{
	char *args[] = { b->packs[b->n_packs - 1].folder, NULL };
	_cleanup_buf_ struct buf yaml = BUF_INIT;
	struct procfile types = { 0 };
	struct error ignored = ERROR_INIT;
	int code, r;

	if (b->types_file || !can_tell_before(b))
		return 0;
	if (steps_capture(b, &b->base, "exec /buildpacks/$1/bin/release /app 2>/dev/null", args,
			  &yaml, &code, err) < 0)
		return -1;
	/* What is wrong with it is told where it counts, after the compilation. */
	if (code != 0 || procfile_parse_release(yaml.data, &types, &ignored) < 0)
		return 0;
	r = types.n_types ? 0 : nothing_to_run(b, err);
	procfile_done(&types);
	return r;
}

/* Takes what the build left in app/; nothing that a symbolic link leads to is touched. */
static int take_release(struct build *b, struct buf *yaml, struct error *err)
{
	_cleanup_fd_ int app_fd = open(b->app, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int dir_fd =
		openat(app_fd, ".twelve", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = build_read_text(b, RELEASE_FILE, yaml, err);

	if (r == -ENOENT)
		return error_set(err, ERROR_INVALID,
				 "The build removed " RELEASE_FILE
				 ", which holds what bin/release printed");
	if (r < 0)
		return -1;
	if (dir_fd < 0 || unlinkat(dir_fd, "release.yml", 0) < 0)
		return error_set_errno(err, errno, "removing " RELEASE_FILE);
	/* Only if nothing else is in it. */
	if (unlinkat(app_fd, ".twelve", AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return error_set_errno(err, errno, "removing .twelve");
	return 0;
}

static void list_types(const struct build *b, const char *prefix, const struct procfile *p)
{
	build_say(b, "       %s -> ", prefix);
	for (size_t i = 0; i < p->n_types; i++)
		build_say(b, "%s%s", i ? ", " : "", p->types[i].name);
	build_say(b, "\n");
	start_check(b, p);
	hints_tell_types(b, p);
}

#define FOUND_BY "# found by "

/* What starts the app when nobody has written it down; a buildpack may say what it goes by, in a
 * comment of its YAML. */
static void tell_defaults(const struct build *b, const struct procfile *p, const char *yaml)
{
	const char *found = strstr(yaml, FOUND_BY);
	_cleanup_free_ char *by =
		found ? xstrndup(found + strlen(FOUND_BY), strcspn(found + strlen(FOUND_BY), "\n"))
		      : NULL;

	for (size_t i = 0; i < p->n_types; i++)
		build_say(b, "       %s: %s\n", p->types[i].name, p->types[i].command);
	build_say(b, "       (%s%s%sa file named Procfile says otherwise)\n", by ? "found by " : "",
		  by ? str_trim(by) : "", by ? "; " : "");
}

int types_collect(struct build *b, struct procfile *ret, struct error *err)
{
	_cleanup_buf_ struct buf yaml = BUF_INIT;

	build_say(b, "-----> Discovering process types\n");
	if (take_release(b, &yaml, err) < 0)
		return -1;
	/* A Procfile says all there is. */
	if (b->types_file) {
		for (size_t i = 0; i < b->procfile.n_types; i++)
			procfile_set(ret, b->procfile.types[i].name, b->procfile.types[i].command);
		list_types(b,
			   streq(b->types_file, "Procfile")
				   ? "Procfile declares types"
				   : "heroku.yml declares types (there is no Procfile)",
			   ret);
		return 0;
	}
	if (procfile_parse_release(yaml.data, ret, err) < 0)
		return error_prefix(err, "bin/release of the buildpack %s",
				    b->packs[b->n_packs - 1].label);
	if (!ret->n_types)
		return nothing_to_run(b, err);
	list_types(b, "Default types of the buildpack", ret);
	tell_defaults(b, ret, yaml.data);
	return 0;
}
