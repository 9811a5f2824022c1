/* SPDX-License-Identifier: Apache-2.0 */
/* deploy, builds, builds:info, builds:output, builds:cancel. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/signals.h"

/* The commit of a work tree that has nothing uncommitted; "" else. Heap. */
static char *clean_commit(const char *dir)
{
	_cleanup_free_ char *dirty =
		git_output(dir, (const char *const[]){ "git", "status", "--porcelain", NULL });
	char *head =
		dirty && !*dirty
			? git_output(dir, (const char *const[]){ "git", "rev-parse", "HEAD", NULL })
			: NULL;

	return head ? head : xstrdup("");
}

static int deploy_dir(struct cli *c, const char *dir, struct error *err)
{
	_cleanup_free_ char *commit = clean_commit(dir);
	struct deploy o = { .app = c->app,
			    .size_bytes = -1,
			    .commit = commit,
			    .writer_name = "tar",
			    .exact = true };

	if (tar_spawn(dir, &o.writer, &o.take_source_fd, err) < 0)
		return -1;
	note(c, "Uploading %s", dir);
	return deploy_source(c, &o, err);
}

static int deploy_archive(struct cli *c, const char *path, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct deploy o = { .app = c->app, .size_bytes = -1, .commit = "" };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, ERROR_INVALID, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID, "%s is a directory: twelve deploy %s", path,
				 path);
	if (S_ISREG(st.st_mode))
		o.size_bytes = st.st_size;
	o.take_source_fd = fd_steal(&fd);
	return deploy_source(c, &o, err);
}

static int deploy_run(struct cli *c, struct error *err)
{
	const char *source = cli_get(c, "source"), *dir = cli_rest(c, 0);

	if (source && dir)
		return error_set(err, ERROR_INVALID, "Either a directory or --source, not both");
	if (!cli_app(c, err) || !cli_api(c, err))
		return -1;
	signals_note();
	return source ? deploy_archive(c, source, err) : deploy_dir(c, dir ? dir : ".", err);
}

static const struct arg_option deploy_options[] = {
	{ "source", "FILE", "a tar archive (also gzip, xz or zstd) instead of a directory", 0 },
	{ 0 },
};

static const struct command cmd_deploy = {
	.name = "deploy",
	.aliases = { "builds:create" },
	.usage = "[DIR]",
	.max_args = 1,
	.summary = "deploy a directory or an archive without git push",
	.flags = CMD_APP,
	.options = deploy_options,
	.run = deploy_run,
	.details = "In a git work tree, sends the files that git tracks or would add, otherwise "
		   "all files. Shows the build and the rollout; the exit code is 1 if one of them "
		   "fails. Ctrl-C cancels the build.",
	.examples = "twelve deploy -a shop\ntwelve deploy ./src -a shop\ntwelve deploy --source "
		    "app.tar.gz -a shop",
};

static int builds_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "BUILD", "STATUS", "COMMIT", "RELEASE", "WHEN" };
	const char *app = cli_app(c, err);
	_cleanup_free_ char *range = NULL;
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *b;
	int64_t n;
	size_t i;

	table_init(&t, 5, headings);
	if (args_number(&c->args, "num", 1, 1000, 10, &n, err) < 0 || !app || !cli_api(c, err))
		return -1;
	range = xasprintf("created_at ..; order=desc,max=%lld", (long long)n);
	if (api_get_range(c->api, range, &list, err, "/apps/%s/builds", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	if (!json_array_size(list)) {
		note(c, "%s has no builds yet: git push twelve main builds it", app);
		return 0;
	}
	json_array_foreach (list, i, b) {
		_cleanup_free_ char *commit = xstrndup(json_str(b, "source_blob.version", ""), 8);
		_cleanup_free_ char *v =
			xasprintf("v%lld", (long long)json_i64(b, "twelve.release_version", 0));
		char since[SINCE_SIZE];

		table_add(&t, json_str(b, "id", ""), json_str(b, "status", ""), commit,
			  streq(v, "v0") ? "" : v,
			  since_text(json_time(b, "created_at"), clock_wall_ms(), since));
	}
	table_print(c, &t);
	return 0;
}

static const struct arg_option builds_options[] = { { "num", "N", "number of builds (10)", 'n' },
						    { 0 } };

static const struct command cmd_builds = {
	.name = "builds",
	.usage = "",
	.summary = "list the builds of an app",
	.flags = CMD_APP | CMD_JSON,
	.options = builds_options,
	.run = builds_run,
	.examples = "twelve builds -a shop",
};

/* The build that was named, or the newest. */
static json_t *get_build(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *id = cli_rest(c, 0);
	_cleanup_free_ char *part = id ? api_escape(id) : NULL;
	_cleanup_json_ json_t *list = NULL;
	json_t *build = NULL;

	if (!app || !cli_api(c, err))
		return NULL;
	if (part) {
		if (api_get(c->api, &build, err, "/apps/%s/builds/%s", app, part) < 0)
			return NULL;
		return build;
	}
	if (api_get_range(c->api, "created_at ..; order=desc,max=1", &list, err, "/apps/%s/builds",
			  app) < 0)
		return NULL;
	if (!json_array_size(list)) {
		error_set(err, ERROR_NOT_FOUND, "%s has not been built yet", app);
		return NULL;
	}
	return json_incref(json_array_get(list, 0));
}

static int builds_info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = get_build(c, err);
	const char *reason = json_str(b, "twelve.error", NULL);
	_cleanup_free_ char *release = NULL;
	_cleanup_table_ struct table t;
	char since[SINCE_SIZE];

	table_init(&t, 2, NULL);
	if (!b)
		return -1;
	if (printed_json(c, b))
		return 0;
	release = xasprintf("v%lld", (long long)json_i64(b, "twelve.release_version", 0));
	printf("%s=== Build %s%s\n", style_on(c->color, STYLE_BOLD), json_str(b, "id", ""),
	       style_off(c->color));
	table_add(&t, "Status:", json_str(b, "status", ""));
	if (reason)
		table_add(&t, "Reason:", reason);
	table_add(&t, "Commit:", json_str(b, "source_blob.version", ""));
	table_add(&t, "Buildpacks:", json_str(b, "twelve.buildpacks", ""));
	table_add(&t, "Slug:", json_str(b, "slug.id", "none"));
	table_add(&t, "Release:", streq(release, "v0") ? "none" : release);
	table_add(&t, "By:", json_str(b, "user.email", ""));
	table_add(&t, "When:", since_text(json_time(b, "created_at"), clock_wall_ms(), since));
	table_print(c, &t);
	return 0;
}

static const struct command cmd_builds_info = {
	.name = "builds:info",
	.usage = "[BUILD]",
	.max_args = 1,
	.summary = "show a build",
	.flags = CMD_APP | CMD_JSON,
	.run = builds_info_run,
	.examples = "twelve builds:info -a shop",
};

static int builds_output_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = get_build(c, err);
	const char *url = json_str(b, "output_stream_url", NULL);

	if (!b)
		return -1;
	if (!url)
		return error_set(err, ERROR_NOT_FOUND,
				 "The output of this build is no longer kept");
	return print_stream(c, url, err);
}

static const struct command cmd_builds_output = {
	.name = "builds:output",
	.usage = "[BUILD]",
	.max_args = 1,
	.summary = "print the output of a build, following one that runs",
	.flags = CMD_APP,
	.run = builds_output_run,
	.examples = "twelve builds:output -a shop",
};

static int builds_cancel_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = get_build(c, err);
	const char *id = json_str(b, "id", "");

	if (!b ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/builds/%s", c->app, id) < 0)
		return -1;
	note(c, "Cancelled the build %s: nothing of it is released", id);
	return 0;
}

static const struct command cmd_builds_cancel = {
	.name = "builds:cancel",
	.usage = "[BUILD]",
	.max_args = 1,
	.summary = "cancel a running build",
	.flags = CMD_APP,
	.run = builds_cancel_run,
	.examples = "twelve builds:cancel -a shop",
};

const struct command *const builds_commands[] = {
	&cmd_deploy, &cmd_builds, &cmd_builds_info, &cmd_builds_output, &cmd_builds_cancel, NULL,
};
