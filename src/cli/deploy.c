/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source goes up, a build is started, its output is copied until its release
 * is live or was undone. Shared by `deploy` and by git's hook. Interrupted, it
 * cancels the build; killed, the server does, because the reader is gone.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/signals.h"

static int reap_writer(const struct deploy *o, struct error *err)
{
	char described[64];
	int status = 0;

	if (!o->writer)
		return 0;
	while (waitpid(o->writer, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "waiting for %s", o->writer_name);
	if (status == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM, "%s %s: nothing was built", o->writer_name,
			 proc_describe_status(status, described, sizeof(described)));
}

/* Closes the source. A writer that failed has left half of it: that is not to be built. */
static int send_source(struct cli *c, const struct deploy *o, const char *put, struct error *err)
{
	struct error writer = ERROR_INIT;
	int r = api_upload(c->api, put, o->take_source_fd, o->size_bytes, err);

	fd_close(o->take_source_fd);
	if (reap_writer(o, &writer) < 0 && r == 0) {
		*err = writer;
		return -1;
	}
	return r < 0 ? error_prefix(err, "uploading the source") : 0;
}

static int upload(struct cli *c, const struct deploy *o, char **ret_url, struct error *err)
{
	_cleanup_json_ json_t *source = NULL;
	const char *put, *get;

	if (api_request(c->api, "POST", NULL, &source, err, "/sources") < 0) {
		struct error writer = ERROR_INIT;

		fd_close(o->take_source_fd);
		reap_writer(o, &writer);
		return -1;
	}
	put = json_str(source, "source_blob.put_url", "/");
	get = json_str(source, "source_blob.get_url", put);
	if (send_source(c, o, put, err) < 0)
		return -1;
	*ret_url = xstrdup(get);
	return 0;
}

static bool copy_output(const char *data, size_t n, void *userdata)
{
	(void)userdata;
	/* Nobody reads any more: the pusher is gone. */
	if (fd_write_all(STDOUT_FILENO, data, n) < 0)
		cli_interrupted = SIGPIPE;
	return !cli_interrupted;
}

static int cancel(struct cli *c, const char *app, const char *id, struct error *err)
{
	struct error e = ERROR_INIT;

	if (api_request(c->api, "DELETE", NULL, NULL, &e, "/apps/%s/builds/%s", app, id) < 0)
		return error_set(err, ERROR_CONFLICT,
				 "interrupted; the build was not cancelled: %s", e.message);
	return error_set(err, ERROR_CONFLICT, "interrupted; the build is cancelled");
}

/* How the build ended, once its output has. */
static int outcome(struct cli *c, const char *app, const char *id, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *build = NULL;

	if (api_get(c->api, &build, err, "/apps/%s/builds/%s", app, id) < 0)
		return -1;
	if (streq(json_str(build, "status", ""), "failed"))
		return error_set(err, ERROR_CONFLICT, "%s",
				 json_str(build, "twelve.error", "the build failed"));
	if (streq(json_str(build, "status", ""), "pending"))
		return error_set(err, ERROR_UNAVAILABLE,
				 "the output ended before the build did: twelve builds:info %s",
				 id);
	*ret = steal_ptr(build);
	return 0;
}

static int follow(struct cli *c, const struct deploy *o, const json_t *build, struct error *err)
{
	const char *id = json_str(build, "id", "");
	struct api_stream s = { .url = json_str(build, "output_stream_url", NULL),
				.fn = copy_output };
	_cleanup_json_ json_t *ended = NULL;
	struct error broke = ERROR_INIT;
	int r = s.url ? api_stream(c->api, &s, &broke) : 0;

	if (cli_interrupted)
		return cancel(c, o->app, id, err);
	/* twelved may have been restarted: what it says of the build counts more than how the
	 * stream ended. */
	if (outcome(c, o->app, id, &ended, err) == 0)
		return 0;
	if (r < 0 && err->kind == ERROR_UNAVAILABLE)
		*err = broke;
	return -1;
}

static json_t *text_list(char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

/* Our parent is git's receive-pack: as long as it lives, the push is under way. */
static json_t *describe_push(char *const *updates)
{
	return json_pack("{s:I, s:o}", "pid", (json_int_t)getppid(), "updates", text_list(updates));
}

int deploy_source(struct cli *c, const struct deploy *o, struct error *err)
{
	_cleanup_json_ json_t *build = NULL;
	_cleanup_free_ char *url = NULL;
	json_t *blob, *body;

	if (upload(c, o, &url, err) < 0)
		return -1;
	if (cli_interrupted)
		return error_set(err, ERROR_CONFLICT, "interrupted; nothing was built");
	blob = json_pack("{s:s}", "url", url);
	if (o->commit[0])
		json_object_set_new(blob, "version", json_string(o->commit));
	body = json_pack("{s:o, s:b, s:b}", "source_blob", blob, "attached", 1, "wait", 1);
	/* What git or we packed is the tree itself, even if all of it is one folder. */
	if (o->exact)
		json_object_set_new(body, "strip_top", json_false());
	if (o->submodules)
		json_object_set_new(body, "submodules", text_list(o->submodules));
	if (o->updates)
		json_object_set_new(body, "push", describe_push(o->updates));
	if (api_request(c->api, "POST", body, &build, err, "/apps/%s/builds", o->app) < 0)
		return -1;
	return follow(c, o, build, err);
}
