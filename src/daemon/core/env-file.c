/* SPDX-License-Identifier: Apache-2.0 */
/* A file of environment variables; see env-file.h. */
#include "daemon/core/env-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define BLANKS " \t\r"

struct reader {
	const char *at;
	const char *file;
	int line;
};

static int refuse(const struct reader *r, int line, const char *what, struct error *err)
{
	return error_set(err, ERROR_INVALID, "%s:%d: %s", r->file, line, what);
}

static bool is_name(const char *s, size_t n)
{
	if (n == 0 || (*s >= '0' && *s <= '9'))
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= n;
}

static char next(struct reader *r)
{
	r->line += *r->at == '\n';
	return *r->at++;
}

/* What follows a backslash; the backslash itself stays where it means nothing. */
static void take_escaped(struct reader *r, const char *special, struct buf *value)
{
	char c = *r->at;

	if (c == '\n') {
		next(r);
		return;
	}
	if (!c || !strchr(special, c)) {
		buf_putc(value, '\\');
		return;
	}
	buf_putc(value, *r->at);
	next(r);
}

static int take_quoted(struct reader *r, char quote, struct buf *value, struct error *err)
{
	int first = r->line;

	while (*r->at && *r->at != quote) {
		char c = next(r);

		if (c == '\\' && quote == '"')
			take_escaped(r, "\\\"$`", value);
		else
			buf_putc(value, c);
	}
	if (!*r->at)
		return refuse(r, first, "a quote that is opened here is not closed", err);
	next(r);
	return 0;
}

/* Takes a backslash and any character but the end of a line as that character. */
static void take_bare_escape(struct reader *r, struct buf *value)
{
	if (*r->at == '\n') {
		next(r);
	} else if (*r->at) {
		buf_putc(value, *r->at);
		next(r);
	}
}

/* To the end of the line. Blanks at its end are no part of the value, those within quotes are:
 * *ret_n says how long it is. */
static int take_value(struct reader *r, struct buf *value, size_t *ret_n, struct error *err)
{
	size_t solid = 0;

	r->at += strspn(r->at, BLANKS);
	while (*r->at && *r->at != '\n') {
		char c = next(r);

		if (c == '"' || c == '\'') {
			if (take_quoted(r, c, value, err) < 0)
				return -1;
			solid = value->len;
		} else if (c == '\\') {
			take_bare_escape(r, value);
			solid = value->len;
		} else {
			buf_putc(value, c);
			if (!strchr(BLANKS, c))
				solid = value->len;
		}
	}
	*ret_n = solid;
	return 0;
}

static int take_line(struct reader *r, char ***assignments, struct error *err)
{
	_cleanup_buf_ struct buf assignment = BUF_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT;
	size_t n, n_name;

	r->at += strspn(r->at, BLANKS);
	if (!*r->at || strchr("\n#;", *r->at)) {
		r->at += strcspn(r->at, "\n");
		return 0;
	}
	n = n_name = strcspn(r->at, "=\n");
	while (n_name && strchr(BLANKS, r->at[n_name - 1]))
		n_name--;
	if (r->at[n] != '=' || !is_name(r->at, n_name))
		return refuse(r, r->line, "expected a line such as TWELVE_HTTP=:80", err);
	buf_printf(&assignment, "%.*s=", (int)n_name, r->at);
	r->at += n + 1;
	if (take_value(r, &value, &n, err) < 0)
		return -1;
	buf_append(&assignment, value.data, n);
	strv_push(assignments, assignment.data);
	return 0;
}

int env_file_parse(const char *text, const char *file, char ***assignments, struct error *err)
{
	struct reader r = { .at = text, .file = file, .line = 1 };

	while (*r.at) {
		if (take_line(&r, assignments, err) < 0)
			return -1;
		if (*r.at)
			next(&r);
	}
	return 0;
}

int env_file_load(const char *path, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **assignments = NULL;
	int r = fs_read_file(path, ENV_FILE_MAX_BYTES, &text);

	if (r < 0)
		return error_set_errno(err, r, "reading the settings in %s", path);
	if (text.len && strlen(text.data) != text.len)
		return error_set(err, ERROR_INVALID, "%s: it is not text: it has a zero byte",
				 path);
	if (text.len && env_file_parse(text.data, path, &assignments, err) < 0)
		return -1;
	for (char **a = assignments; a && *a; a++) {
		_cleanup_free_ char *name = xstrndup(*a, strcspn(*a, "="));

		if (setenv(name, *a + strlen(name) + 1, 0) < 0)
			return error_set_errno(err, errno, "setting %s", name);
	}
	return 0;
}
