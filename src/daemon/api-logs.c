/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log sessions. The URL of a session is the secret that opens it: what it asks for,
 * sealed under a key in the run directory. So there is nothing to keep, and a client that
 * lost its connection when twelved was restarted can come back to the same URL.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/api-priv.h"

#define LINES_DEFAULT 100
#define LINES_MAX 100000
#define SESSION_MS (24 * 3600 * 1000LL)
#define TEXT_MAX 1024

typedef unsigned char session_key[crypto_secretbox_KEYBYTES];

/* The key, made when there is none. */
static int read_key(struct daemon *d, session_key key, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/log-sessions.key", d->settings.run_dir);
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = fs_read_file(path, crypto_secretbox_KEYBYTES, &b);

	if (r == 0 && b.len == crypto_secretbox_KEYBYTES) {
		memcpy(key, b.data, crypto_secretbox_KEYBYTES);
		return 0;
	}
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return error_set_errno(err, r, "reading %s", path);
	crypto_secretbox_keygen(key);
	r = fs_write_atomic(path, 0600, key, crypto_secretbox_KEYBYTES);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* URL-safe base64 of nonce and box. */
static char *seal(const session_key key, const char *text)
{
	size_t n = strlen(text),
	       box_n = crypto_secretbox_NONCEBYTES + n + crypto_secretbox_MACBYTES;
	size_t size = sodium_base64_encoded_len(box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	unsigned char *box = xcalloc(1, box_n);
	char *out = xcalloc(1, size);

	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, n,
			      box, key);
	sodium_bin2base64(out, size, box, box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	free(box);
	return out;
}

static char *unseal(const session_key key, const char *sealed)
{
	unsigned char box[TEXT_MAX * 2];
	char *text;
	size_t n;

	if (sodium_base642bin(box, sizeof(box), sealed, strlen(sealed), NULL, &n, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0 ||
	    n < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
		return NULL;
	text = xcalloc(1, n);
	if (crypto_secretbox_open_easy((unsigned char *)text, box + crypto_secretbox_NONCEBYTES,
				       n - crypto_secretbox_NONCEBYTES, box, key) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int read_dyno(struct request *r, const char **ret, struct error *err)
{
	static const char *const names[] = { "dyno", "dyno_name", "type" };

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !*ret; i++)
		if (request_string(r, names[i], false, ret, err) < 0)
			return -1;
	return 0;
}

/* RFC 3339. */
static int read_since(struct request *r, int64_t *ret_ms, struct error *err)
{
	const char *text;

	*ret_ms = 0;
	if (request_string(r, "since", false, &text, err) < 0)
		return -1;
	if (text && !clock_parse(text, ret_ms))
		return error_set(err, ERROR_INVALID,
				 "\"since\" is \"%.40s\": expected a time such as 2026-11-24T10:00:00Z", text);
	return 0;
}

/* What is asked for, as text. */
static char *describe(struct request *r, const struct app *app, struct error *err)
{
	const char *dyno, *source;
	int64_t lines, release, since_ms;
	json_t *session;
	char *text;
	bool tail;

	if (read_dyno(r, &dyno, err) < 0 || request_string(r, "source", false, &source, err) < 0 ||
	    request_bool(r, "tail", false, &tail, err) < 0 ||
	    request_int(r, "release", 0, UINT32_MAX, 0, &release, err) < 0 || read_since(r, &since_ms, err) < 0 ||
	    request_int(r, "lines", 1, LINES_MAX, since_ms ? LINES_MAX : LINES_DEFAULT, &lines, err) < 0)
		return NULL;
	session = json_pack("{s:s, s:I, s:b, s:s?, s:s?, s:I, s:I, s:I}", "app", app->id, "lines",
			    (json_int_t)lines, "tail", (int)tail, "dyno", dyno, "source", source,
			    "release", (json_int_t)release, "since_ms", (json_int_t)since_ms, "until", (json_int_t)(clock_wall_ms() + SESSION_MS));
	text = json_dumps(session, JSON_COMPACT);
	json_decref(session);
	if (strlen(text) <= TEXT_MAX)
		return text;
	free(text);
	error_set(err, ERROR_INVALID, "\"dyno\" or \"source\" is too long");
	return NULL;
}

int api_log_sessions_create(struct request *r, struct error *err)
{
	_cleanup_free_ char *text = NULL, *secret = NULL, *url = NULL;
	struct app app = { 0 };
	session_key key;
	char id[UUID_SIZE];

	if (api_app(r, &app, err) < 0)
		return -1;
	text = describe(r, &app, err);
	app_done(&app);
	if (!text || read_key(request_daemon(r), key, err) < 0)
		return -1;
	secret = seal(key, text);
	url = request_url(r, "/log-streams/%s", secret);
	return request_answer(r, 201,
			      json_pack("{s:s, s:s, s:o, s:o}", "id", uuid_make(id), "logplex_url",
					url, "created_at", api_time(clock_wall_ms()), "updated_at",
					api_time(clock_wall_ms())));
}

static char *copy_string(json_t *session, const char *key)
{
	const char *s = json_string_value(json_object_get(session, key));

	return s ? xstrdup(s) : NULL;
}

static json_t *open_session(struct request *r, struct error *err)
{
	session_key key;
	_cleanup_free_ char *text = NULL;
	json_t *session;

	if (read_key(request_daemon(r), key, err) < 0)
		return NULL;
	text = unseal(key, request_param(r, "session"));
	session = text ? json_loads(text, 0, NULL) : NULL;
	if (session && json_integer_value(json_object_get(session, "until")) > clock_wall_ms())
		return session;
	json_decref(session);
	error_set(err, ERROR_NOT_FOUND, "This log session is over: ask for another");
	return NULL;
}

int api_log_stream(struct request *r, struct error *err)
{
	const char *last = request_header(r, "Last-Event-ID");
	json_t *session = open_session(r, err);
	struct log_session s = { 0 };
	int result;

	if (!session)
		return -1;
	snprintf(s.app_id, sizeof(s.app_id), "%s",
		 json_string_value(json_object_get(session, "app")));
	s.lines = json_integer_value(json_object_get(session, "lines"));
	s.tail = json_is_true(json_object_get(session, "tail"));
	s.dyno = copy_string(session, "dyno");
	s.source = copy_string(session, "source");
	s.release = json_integer_value(json_object_get(session, "release"));
	s.since_ms = json_integer_value(json_object_get(session, "since_ms"));
	s.seq = request_query(r, "seq") != NULL;
	if (last && !str_to_i64(last, 0, INT64_MAX, &s.after))
		s.after = 0;
	result = request_answer_logs(r, &s, err);
	free(s.dyno);
	free(s.source);
	json_decref(session);
	return result;
}
