/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases; see store.h. Config is sealed for the row it stands in. The
 * database itself refuses changes of what never changes (a trigger).
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

const char *const release_status_names[] = {
	[RELEASE_PENDING] = "pending",
	[RELEASE_SUCCEEDED] = "succeeded",
	[RELEASE_FAILED] = "failed",
	[RELEASE_EXPIRED] = "expired",
};

void release_done(struct release *r)
{
	free(r->slug);
	free(r->stack);
	free(r->stack_name);
	free(r->commit);
	free(r->description);
	free(r->user);
	free(r->output_id);
	free(r->reason);
	procfile_done(&r->processes);
	json_decref(r->attachments);
	json_decref(r->config);
	json_decref(r->proof);
	*r = (struct release){ 0 };
}

/* So that the config of one release can't be put in the place of another's. */
static char *seal_context(const struct release *r)
{
	return xasprintf("config/%s/%s", r->app_id, r->id);
}

static int damaged(struct store *s, const struct release *r, const char *what, struct error *err)
{
	return error_set(
		err, ERROR_SYSTEM,
		"The %s of release v%lld in %s can't be read: it is damaged, or was sealed with "
		"another key than %s",
		what, (long long)r->version, s->path, s->key_path);
}

static int read_status(struct release *r, struct query *q)
{
	_cleanup_free_ char *name = query_text(q);

	for (size_t i = 0; name && i < ARRAY_SIZE(release_status_names); i++) {
		if (!streq(name, release_status_names[i]))
			continue;
		r->status = (enum release_status)i;
		return 0;
	}
	return -1;
}

static int read_processes(struct release *r, struct query *q)
{
	_cleanup_free_ char *text = query_text(q);
	json_t *object = text ? json_loads(text, 0, NULL) : NULL;
	const char *type;
	json_t *command;

	if (!object)
		return -1;
	json_object_foreach (object, type, command)
		if (json_is_string(command))
			procfile_set(&r->processes, type, json_string_value(command));
	json_decref(object);
	return 0;
}

/* NULL stands for "no config was asked for". */
static int read_config(struct release *r, struct query *q)
{
	_cleanup_free_ char *context = seal_context(r);
	const void *sealed;
	size_t n;

	sealed = query_blob(q, &n);
	if (!sealed)
		return 0;
	r->config = seal_unseal_json(q->s, context, sealed, n);
	return r->config ? 0 : -1;
}

static int read_attachments(struct release *r, struct query *q)
{
	_cleanup_free_ char *text = query_text(q);

	r->attachments = text ? json_loads(text, 0, NULL) : NULL;
	return json_is_array(r->attachments) ? 0 : -1;
}

static int read_proof(struct release *r, struct query *q)
{
	_cleanup_free_ char *text = query_text(q);

	r->proof = text ? json_loads(text, 0, NULL) : NULL;
	return text && !r->proof ? -1 : 0;
}

static int read_release(struct query *q, void *record, struct error *err)
{
	struct release *r = record;

	query_id(q, r->id);
	query_id(q, r->app_id);
	r->version = query_int(q);
	if (read_status(r, q) < 0)
		return damaged(q->s, r, "status", err);
	r->phase_done = query_int(q);
	r->slug = query_text(q);
	r->stack = query_text(q);
	r->commit = query_text(q);
	r->description = query_text(q);
	r->user = query_text(q);
	r->output_id = query_text(q);
	r->reason = query_text(q);
	if (read_processes(r, q) < 0)
		return damaged(q->s, r, "process types", err);
	if (read_attachments(r, q) < 0)
		return damaged(q->s, r, "attachments", err);
	if (read_proof(r, q) < 0)
		return damaged(q->s, r, "proof", err);
	r->created_ms = query_int(q);
	r->updated_ms = query_int(q);
	r->stack_name = query_text(q);
	if (read_config(r, q) < 0)
		return damaged(q->s, r, "config", err);
	return 0;
}

static void done_release(void *record)
{
	release_done(record);
}

static const struct record_type release_type = { sizeof(struct release), read_release,
						 done_release };

static int next_version(struct store *s, const char *app_id, int64_t now_ms, int64_t *ret,
			struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_NEXT_VERSION);
	int r;

	query_bind_int(&q, now_ms);
	query_bind_text(&q, app_id);
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that app: %s", app_id);
	*ret = query_int(&q);
	return 0;
}

static int expire_pending(struct store *s, const char *app_id, int64_t now_ms, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_EXPIRE);

	query_bind_int(&q, now_ms);
	query_bind_text(&q, app_id);
	return query_run(&q, err);
}

static char *dump_processes(const struct procfile *p)
{
	json_t *object = json_object();
	char *text;

	for (size_t i = 0; i < p->n_types; i++)
		json_object_set_new(object, p->types[i].name, json_string(p->types[i].command));
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static int insert(struct store *s, const struct release *r, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_INSERT);
	_cleanup_free_ char *processes = dump_processes(&r->processes);
	_cleanup_free_ char *proof = r->proof ? json_dumps(r->proof, JSON_COMPACT) : NULL;
	_cleanup_free_ char *attachments =
		r->attachments ? json_dumps(r->attachments, JSON_COMPACT) : xstrdup("[]");
	_cleanup_free_ char *context = seal_context(r);
	_cleanup_free_ unsigned char *config = NULL;
	size_t n = 0;

	config = seal_json(s, context, r->config, &n);
	if (!processes || !config)
		return error_set(
			err, ERROR_INVALID,
			"The release can't be written: config vars and commands must be UTF-8");
	query_bind_text(&q, r->id);
	query_bind_text(&q, r->app_id);
	query_bind_int(&q, r->version);
	query_bind_text(&q, release_status_names[r->status]);
	query_bind_int(&q, r->phase_done);
	query_bind_text(&q, r->slug);
	query_bind_text(&q, r->stack);
	query_bind_text(&q, r->commit ? r->commit : "");
	query_bind_text(&q, r->description);
	query_bind_text(&q, r->user);
	query_bind_text(&q, r->output_id);
	query_bind_text(&q, r->reason);
	query_bind_text(&q, processes);
	query_bind_text(&q, attachments);
	query_bind_text(&q, proof);
	query_bind_int(&q, r->created_ms);
	query_bind_int(&q, r->updated_ms);
	query_bind_text(&q, r->stack_name);
	query_bind_blob(&q, config, n);
	return query_run(&q, err);
}

int store_release_create(struct store *s, struct release *r, struct error *err)
{
	/* Three statements that only mean something together. */
	assert(!sqlite3_get_autocommit(s->db));
	uuid_make(r->id);
	r->created_ms = r->updated_ms = clock_wall_ms();
	if (next_version(s, r->app_id, r->created_ms, &r->version, err) < 0 ||
	    expire_pending(s, r->app_id, r->created_ms, err) < 0)
		return -1;
	return insert(s, r, err);
}

int store_release_get(struct store *s, const char *app_id, int64_t version, struct release *ret,
		      struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_GET);
	int r;

	query_bind_text(&q, app_id);
	query_bind_int(&q, version);
	r = query_one(&q, &release_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that release: v%lld",
				 (long long)version);
	return r < 0 ? -1 : 0;
}

int store_release_by_id(struct store *s, const char *id, struct release *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_BY_ID);
	int r;

	query_bind_text(&q, id);
	r = query_one(&q, &release_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that release: %.64s", id);
	return r < 0 ? -1 : 0;
}

int store_release_list(struct store *s, const char *app_id, size_t max, struct release **ret,
		       size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_LIST);

	query_bind_text(&q, app_id);
	/* A negative limit is none (SQLite, "The LIMIT clause"). */
	query_bind_int(&q, max ? (int64_t)max : -1);
	return query_all(&q, &release_type, ret, ret_n, err);
}

static int read_head(struct query *q, void *record, struct error *err)
{
	struct release *r = record;

	query_id(q, r->app_id);
	r->version = query_int(q);
	if (read_status(r, q) < 0)
		return damaged(q->s, r, "status", err);
	return read_attachments(r, q) < 0 ? damaged(q->s, r, "attachments", err) : 0;
}

int store_release_heads(struct store *s, const char *app_id, struct release **ret, size_t *ret_n,
			struct error *err)
{
	static const struct record_type head_type = { sizeof(struct release), read_head,
						      done_release };
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_HEADS);

	query_bind_text(&q, app_id);
	return query_all(&q, &head_type, ret, ret_n, err);
}

void release_free_array(struct release *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		release_done(&r[i]);
	free(r);
}

int store_release_attachments(struct store *s, const char *app_id, int64_t version, json_t **ret,
			      struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_ATTACHMENTS);
	struct release r = { .version = version };
	int n;

	query_bind_text(&q, app_id);
	query_bind_int(&q, version);
	n = query_row(&q, err);
	if (n == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that release: v%lld",
				 (long long)version);
	if (n < 0)
		return -1;
	if (read_attachments(&r, &q) < 0) {
		json_decref(r.attachments);
		return damaged(s, &r, "attachments", err);
	}
	*ret = r.attachments;
	return 0;
}

int store_release_update(struct store *s, const struct release *r, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RELEASE_UPDATE);
	_cleanup_free_ char *proof = r->proof ? json_dumps(r->proof, JSON_COMPACT) : NULL;

	query_bind_text(&q, release_status_names[r->status]);
	query_bind_int(&q, r->phase_done);
	query_bind_text(&q, r->reason);
	query_bind_text(&q, proof);
	query_bind_int(&q, clock_wall_ms());
	query_bind_text(&q, r->id);
	if (query_run(&q, err) < 0)
		return -1;
	if (!query_n_changed(&q))
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that release: v%lld",
				 (long long)r->version);
	return 0;
}
