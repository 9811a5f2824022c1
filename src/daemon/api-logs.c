/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log sessions. The URL of a session is the secret that opens it: what it asks for,
 * sealed under a key of this process, so there is nothing to keep and old URLs end with
 * twelved.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/api-priv.h"

#define LINES_DEFAULT 100
#define LINES_MAX 1500
#define SESSION_MS (24 * 3600 * 1000LL)
#define TEXT_MAX 1024

static const unsigned char *session_key(void)
{
	static unsigned char key[crypto_secretbox_KEYBYTES];
	static bool made;

	if (!made)
		crypto_secretbox_keygen(key);
	made = true;
	return key;
}

/* URL-safe base64 of nonce and box. */
static char *seal(const char *text)
{
	size_t n = strlen(text), box_n = crypto_secretbox_NONCEBYTES + n + crypto_secretbox_MACBYTES;
	size_t size = sodium_base64_encoded_len(box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	unsigned char *box = xcalloc(1, box_n);
	char *out = xcalloc(1, size);

	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, n, box, session_key());
	sodium_bin2base64(out, size, box, box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	free(box);
	return out;
}

static char *unseal(const char *sealed)
{
	unsigned char box[TEXT_MAX * 2];
	char *text;
	size_t n;

	if (sodium_base642bin(box, sizeof(box), sealed, strlen(sealed), NULL, &n, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0 ||
	    n < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
		return NULL;
	text = xcalloc(1, n);
	if (crypto_secretbox_open_easy((unsigned char *)text, box + crypto_secretbox_NONCEBYTES, n - crypto_secretbox_NONCEBYTES,
				       box, session_key()) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

int api_log_sessions_create(struct request *r, struct error *err)
{
	json_t *lines = json_object_get(request_body(r), "lines"), *session;
	_cleanup_free_ char *text = NULL, *secret = NULL, *url = NULL;
	const char *dyno, *source;
	struct app app = { 0 };
	int64_t n = json_is_integer(lines) ? json_integer_value(lines) : LINES_DEFAULT;
	char id[UUID_SIZE];
	bool tail;

	if (request_string(r, "dyno", false, &dyno, err) < 0 || request_string(r, "source", false, &source, err) < 0 ||
	    request_bool(r, "tail", false, &tail, err) < 0 || api_app(r, &app, err) < 0)
		return -1;
	if (!dyno && request_string(r, "type", false, &dyno, err) < 0) {
		app_done(&app);
		return -1;
	}
	n = n < 1 ? 1 : n > LINES_MAX ? LINES_MAX : n;
	session = json_pack("{s:s, s:I, s:b, s:s?, s:s?, s:I}", "app", app.id, "lines", (json_int_t)n, "tail", (int)tail, "dyno", dyno,
			    "source", source, "until", (json_int_t)(clock_wall_ms() + SESSION_MS));
	app_done(&app);
	text = json_dumps(session, JSON_COMPACT);
	json_decref(session);
	if (strlen(text) > TEXT_MAX)
		return error_set(err, ERROR_INVALID, "\"dyno\" or \"source\" is too long");
	secret = seal(text);
	url = xasprintf("/log-streams/%s", secret);
	return request_answer(r, 201, json_pack("{s:s, s:s, s:o, s:o}", "id", uuid_make(id), "logplex_url", url, "created_at",
						api_time(clock_wall_ms()), "updated_at", api_time(clock_wall_ms())));
}

static char *copy_string(json_t *session, const char *key)
{
	const char *s = json_string_value(json_object_get(session, key));

	return s ? xstrdup(s) : NULL;
}

int api_log_stream(struct request *r, struct error *err)
{
	_cleanup_free_ char *text = unseal(request_param(r, "session"));
	json_t *session = text ? json_loads(text, 0, NULL) : NULL;
	const char *last = request_header(r, "Last-Event-ID");
	struct log_session s = { 0 };
	int result;

	if (!session || json_integer_value(json_object_get(session, "until")) < clock_wall_ms()) {
		json_decref(session);
		return error_set(err, ERROR_NOT_FOUND, "This log session is over: ask for another");
	}
	snprintf(s.app_id, sizeof(s.app_id), "%s", json_string_value(json_object_get(session, "app")));
	s.lines = json_integer_value(json_object_get(session, "lines"));
	s.tail = json_is_true(json_object_get(session, "tail"));
	s.dyno = copy_string(session, "dyno");
	s.source = copy_string(session, "source");
	if (last && !str_to_i64(last, 0, INT64_MAX, &s.after))
		s.after = 0;
	result = request_answer_logs(r, &s, err);
	free(s.dyno);
	free(s.source);
	json_decref(session);
	return result;
}
