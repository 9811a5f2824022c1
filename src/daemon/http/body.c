/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request: kept, written to a file, or handed on as it comes; and what becomes of it
 * after a mistake. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "daemon/api/api-priv.h"
#include "daemon/core/disk.h"
#include "daemon/http/http-priv.h"

/* How much more is read of a body that is refused, so that the answer arrives; then the connection
 * is closed. */
#define DRAIN_MAX (8 << 20)
#define DISK_CHECK_BYTES (16 << 20)

static void take_json(struct request *r, const char *data, size_t n)
{
	if (r->raw.len + n > HTTP_MAX_BODY)
		error_set(&r->error, ERROR_TOO_LARGE,
			  "The request's body is larger than the %d bytes that are taken here",
			  HTTP_MAX_BODY);
	else
		buf_append(&r->raw, data, n);
}

static void take_upload(struct request *r, const char *data, size_t n)
{
	int64_t max = r->http->d->settings.max_upload_bytes, before = r->uploaded - (int64_t)n;
	int e;

	if (r->uploaded > max)
		error_set(
			&r->error, ERROR_TOO_LARGE,
			"The upload is larger than the %lld MB that are taken (TWELVE_MAX_UPLOAD)",
			(long long)max >> 20);
	else if (before / DISK_CHECK_BYTES == r->uploaded / DISK_CHECK_BYTES ||
		 disk_check(&request_daemon(r)->settings, 0, &r->error) == 0) {
		e = fd_write_all(r->upload_fd, data, n);
		if (e < 0)
			error_set_errno(&r->error, e, "taking the upload");
	}
}

/* Who was told to bring something may send what an upload may have; a stranger may not keep us
 * busy. */
static size_t drain_max(struct request *r)
{
	if (r->expected)
		return (size_t)r->http->d->settings.max_upload_bytes;
	return DRAIN_MAX;
}

/* What comes after a mistake is read and dropped, within limits, since clients read the answer
 * after they have written. */
static enum MHD_Result drop(struct request *r, size_t n)
{
	r->drained += n;
	return r->drained > drain_max(r) ? MHD_NO : MHD_YES;
}

/* What is not taken now comes again, after the wait. */
static enum MHD_Result take_stream(struct request *r, const char *data, size_t *size)
{
	ssize_t n = r->tail.gone ? 0 : r->take(r, data, *size, &r->error);

	if (r->tail.gone)
		return MHD_NO;
	r->uploaded += n > 0 ? n : 0;
	*size = n < 0 ? 0 : *size - (size_t)n;
	if (*size)
		http_tail_wait(&r->tail);
	return MHD_YES;
}

enum MHD_Result http_take_body(struct request *r, const char *data, size_t *size)
{
	size_t n = *size;

	if (r->error.kind == ERROR_NONE && r->take)
		return take_stream(r, data, size);
	*size = 0;
	r->uploaded += (int64_t)n;
	if (r->error.kind != ERROR_NONE)
		return drop(r, n);
	if (r->upload_fd < 0)
		take_json(r, data, n);
	else
		take_upload(r, data, n);
	return MHD_YES;
}

bool http_answers_after_body(struct request *r)
{
	const char *s =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
	int64_t length;

	if (MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Expect"))
		return false;
	return !s || (str_to_i64(s, 0, INT64_MAX, &length) && (size_t)length <= drain_max(r));
}

/* name=value&... (WHATWG URL, 5.1), as an object of strings. */
static json_t *parse_form(char *text)
{
	json_t *object = json_object();
	char *save = NULL;

	for (char *pair = strtok_r(text, "&", &save); pair; pair = strtok_r(NULL, "&", &save)) {
		size_t n = strcspn(pair, "=");
		_cleanup_free_ char *name = NULL, *value = NULL;

		for (char *p = pair; *p; p++)
			*p = *p == '+' ? ' ' : *p;
		name = http_decode(pair, n);
		value = pair[n] ? http_decode(pair + n + 1, strlen(pair + n + 1)) : NULL;
		if (name && value)
			json_object_set_new(object, name, json_string(value));
	}
	return object;
}

static bool is_form(struct request *r)
{
	const char *type = request_header(r, "Content-Type");

	return (r->route->flags & API_FORM) && type &&
	       str_starts(type, "application/x-www-form-urlencoded");
}

int http_parse_body(struct request *r, struct error *err)
{
	json_error_t where;

	if (is_form(r)) {
		r->body = parse_form(r->raw.data);
		return 0;
	}

	if (!r->raw.len) {
		r->body = json_object();
		return 0;
	}
	r->body = json_loadb(r->raw.data, r->raw.len, JSON_REJECT_DUPLICATES, &where);
	if (!r->body && json_error_code(&where) == json_error_null_character)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body has the character \\u0000 in a string, line %d, column "
				 "%d: no text of ours holds it",
				 where.line, where.column);
	if (!r->body)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body is not JSON: line %d, column %d: %s", where.line,
				 where.column, where.text);
	if (!json_is_object(r->body))
		return error_set(err, ERROR_BAD_REQUEST, "The body must be a JSON object");
	return 0;
}
