/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git over HTTP: the smart protocol (gitprotocol-http(5)) of an app's repository. A request
 * is one run of git, which gets the body as it comes and answers as it goes: decision 15.
 *
 *     GET  /APP.git/info/refs?service=git-receive-pack   what there is
 *     POST /APP.git/git-receive-pack                     a push; its hook builds and releases
 *     POST /APP.git/git-upload-pack                      a clone or a fetch
 *
 * git shows its user what is plain text of a refused GET, and nothing of a refused POST. So what
 * can be said is said to the first, and to the second in git's own words.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/core/disk.h"
#include "daemon/git/child.h"
#include "daemon/git/git.h"

#define DISK_CHECK_BYTES (16 << 20)
#define PROTOCOL_MAX 200
#define BLOCK 32768

enum git_service { UPLOAD_PACK, RECEIVE_PACK };

static const char *const service_names[] = {
	[UPLOAD_PACK] = "upload-pack",
	[RECEIVE_PACK] = "receive-pack",
};

struct git_request {
	struct parts *parts;
	struct request *request;
	enum git_service service;
	bool advertise;
	char *app;
	struct git_child *child;
	struct http_growing *growing; /* once it answers; before, the request waits for the child */
	struct buf prefix;
	int64_t room;	      /* on the disk, at the start */
	struct error refusal; /* the push goes no further, and this is why */
};

static void git_request_free(void *userdata)
{
	struct git_request *g = userdata;

	git_child_release(g->child);
	buf_done(&g->prefix);
	free(g->app);
	free(g);
}

static void on_ready(void *userdata)
{
	struct git_request *g = userdata;

	if (g->growing)
		http_growing_wake(g->growing);
	else
		request_resume(g->request);
}

/* ---- the start ---- */

/* The table asks for one permission, and what is to be read is for a push, too. */
static int allow(struct request *r, enum git_service service, struct error *err)
{
	return authz_allow(r, request_app(r), service == RECEIVE_PACK ? NEED_DEPLOY : NEED_VIEW,
			   err);
}

/* Git-Protocol: what git would take from its environment is no more than this. */
static const char *protocol_of(struct request *r)
{
	const char *s = request_header(r, "Git-Protocol");

	if (!s || strlen(s) > PROTOCOL_MAX ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789=:.-")])
		return NULL;
	return s;
}

static int check_encoding(struct request *r, bool *ret_gzip, struct error *err)
{
	const char *s = request_header(r, "Content-Encoding");

	*ret_gzip = s && (streq(s, "gzip") || streq(s, "x-gzip"));
	if (s && !*ret_gzip && !streq(s, "identity"))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Content-Encoding \"%.50s\" is not supported: send gzip, or the "
				 "body as it is",
				 s);
	return 0;
}

static int start_child(struct request *r, struct git_request *g, bool gzip, struct error *err)
{
	_cleanup_free_ char *path = git_path(&g->parts->platform, g->app);
	_cleanup_free_ char *safe = xasprintf("safe.directory=%s", path);
	const char *const argv[] = { "git",
				     "-c",
				     safe,
				     service_names[g->service],
				     "--stateless-rpc",
				     g->advertise ? "--advertise-refs" : path,
				     g->advertise ? path : NULL,
				     NULL };
	const struct git_child_options o = {
		.argv = argv,
		.app = g->app,
		.user = request_caller(r)->email,
		.protocol = protocol_of(r),
		.gzip = gzip,
		.ready = on_ready,
		.userdata = g,
	};

	return git_child_start(g->parts->git_children, &o, &g->child, err);
}

static struct git_request *begin(struct request *r, enum git_service service, bool advertise,
				 struct error *err)
{
	struct git_request *g;
	bool gzip = false;

	if ((!advertise && check_encoding(r, &gzip, err) < 0) || allow(r, service, err) < 0)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	*g = (struct git_request){ .parts = request_parts(r),
				   .request = r,
				   .service = service,
				   .advertise = advertise,
				   .app = xstrdup(request_app(r)->name),
				   .prefix = BUF_INIT,
				   .room = disk_room(&request_parts(r)->platform.settings) };
	if ((service == RECEIVE_PACK && disk_check(&g->parts->platform.settings, 0, err) < 0) ||
	    start_child(r, g, gzip, err) < 0) {
		git_request_free(g);
		return NULL;
	}
	return g;
}

/* ---- the answer ---- */

static ssize_t read_answer(void *userdata, char *data, size_t max)
{
	struct git_request *g = userdata;
	ssize_t n;

	if (g->prefix.len) {
		n = (ssize_t)(max < g->prefix.len ? max : g->prefix.len);
		memcpy(data, g->prefix.data, (size_t)n);
		buf_consume(&g->prefix, (size_t)n);
		return n;
	}
	/* A refusal is all that there is to say. */
	n = g->refusal.kind == ERROR_NONE ? git_child_read(g->child, data, max) : 0;
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return HTTP_BROKEN;
	return n ? n : HTTP_GROWN;
}

static int answer(struct request *r, struct error *err)
{
	struct git_request *g = request_steal_work(r);
	_cleanup_free_ char *type = xasprintf("application/x-git-%s-%s", service_names[g->service],
					      g->advertise ? "advertisement" : "result");

	(void)err;
	request_set_header(r, "Cache-Control", "no-cache, max-age=0, must-revalidate");
	request_set_header(r, "Pragma", "no-cache");
	request_set_header(r, "Expires", "Fri, 01 Jan 1980 00:00:00 GMT");
	return request_answer_growing(r,
				      &(struct http_growing_options){ .content_type = type,
								      .block = BLOCK,
								      .read = read_answer,
								      .take_userdata = g,
								      .free = git_request_free },
				      &g->growing);
}

/* ---- what there is ---- */

/* "version=2" among the words: such an answer has no heading, but receive-pack knows no version 2.
 */
static bool has_heading(struct request *r, enum git_service service)
{
	const char *protocol = protocol_of(r);
	_cleanup_free_ char *words = xasprintf(":%s:", protocol ? protocol : "");

	return service == RECEIVE_PACK || !strstr(words, ":version=2:");
}

static int on_advertised(struct request *r, struct error *err)
{
	struct git_request *g = request_work(r);
	int n = git_child_peek(g->child);

	if (n == -EAGAIN) {
		request_defer(r, on_advertised, g, git_request_free);
		return 0;
	}
	if (n <= 0)
		return error_set(err, ERROR_SYSTEM,
				 "git could not read the repository of %s: twelved's log says more",
				 g->app);
	if (has_heading(r, g->service)) {
		_cleanup_free_ char *line =
			xasprintf("# service=git-%s\n", service_names[g->service]);

		buf_printf(&g->prefix, "%04zx%s0000", strlen(line) + 4, line);
	}
	return answer(r, err);
}

static int api_git_refs(struct request *r, struct error *err)
{
	const char *name = request_query(r, "service");
	struct git_request *g;
	enum git_service service;

	if (name && streq(name, "git-upload-pack"))
		service = UPLOAD_PACK;
	else if (name && streq(name, "git-receive-pack"))
		service = RECEIVE_PACK;
	else
		return error_set(err, ERROR_FORBIDDEN,
				 "Only git's smart protocol is supported: ?service=git-upload-pack "
				 "or git-receive-pack");
	g = begin(r, service, true, err);
	if (!g)
		return -1;
	if (git_child_end_input(g->child, err) < 0) {
		git_request_free(g);
		return -1;
	}
	request_defer(r, on_advertised, g, git_request_free);
	return 0;
}

/* ---- clone, fetch, push ---- */

/* As receive-pack would say it on the sideband (gitprotocol-pack(5)), which all clients ask for. */
static void put_refusal(struct git_request *g)
{
	buf_printf(&g->prefix, "%04zx\3%s0000", strlen(g->refusal.message) + 5, g->refusal.message);
}

/*
 * A push that would fill the disk ends here; what comes of it yet is dropped. A large object is
 * written when it is whole, so that what was free at the start counts as well as what is free now.
 */
static bool is_refused(struct request *r, struct git_request *g, size_t n)
{
	int64_t after = request_taken(r) + (int64_t)n;
	bool look = g->service == RECEIVE_PACK && g->refusal.kind == ERROR_NONE &&
		    request_taken(r) / DISK_CHECK_BYTES != after / DISK_CHECK_BYTES;

	if (look && disk_check(&g->parts->platform.settings, after > g->room ? INT64_MAX : 0,
			       &g->refusal) < 0)
		git_child_stop(g->child);
	return g->refusal.kind != ERROR_NONE;
}

static ssize_t take(struct request *r, const char *data, size_t n, struct error *err)
{
	struct git_request *g = request_work(r);

	if (is_refused(r, g, n))
		return (ssize_t)n;
	return git_child_write(g->child, data, n, err);
}

static int on_taken(struct request *r, struct error *err)
{
	struct git_request *g = request_work(r);

	if (g->refusal.kind != ERROR_NONE)
		put_refusal(g);
	else if (git_child_end_input(g->child, err) < 0)
		return -1;
	return answer(r, err);
}

static int serve(struct request *r, enum git_service service, struct error *err)
{
	struct git_request *g = begin(r, service, false, err);

	if (!g)
		return -1;
	request_stream(r, take, on_taken, g, git_request_free);
	return 0;
}

static int api_git_upload_pack(struct request *r, struct error *err)
{
	return serve(r, UPLOAD_PACK, err);
}

static int api_git_receive_pack(struct request *r, struct error *err)
{
	return serve(r, RECEIVE_PACK, err);
}

const struct api_route git_routes[] = {
	{ "GET", "/:app.git/info/refs", NEED_VIEW, api_git_refs,
	  "git over HTTP (gitprotocol-http(5)): what there is; for a push by those who may deploy",
	  .flags = API_GIT, .answer = "git" },
	{ "POST", "/:app.git/git-upload-pack", NEED_VIEW, api_git_upload_pack,
	  "git over HTTP: clone and fetch", .flags = API_GIT | API_STREAM | API_QUIET,
	  .answer = "git" },
	{ "POST", "/:app.git/git-receive-pack", NEED_DEPLOY, api_git_receive_pack,
	  "git over HTTP: push; one of the app's branch builds and releases",
	  .flags = API_GIT | API_STREAM, .answer = "git" },
	{ 0 },
};
