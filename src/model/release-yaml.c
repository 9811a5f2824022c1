/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a buildpack's bin/release prints, and what a heroku.yml says of processes; see
 * procfile_parse_release() and procfile_parse_heroku_yml() in procfile.h. Of YAML 1.2 this reads
 * block mappings of one level of scalars (chapters 7.3 and 6.5: plain and quoted, with line
 * folding), which is what buildpacks print. Everything else below default_process_types is refused
 * with its line, so that nothing is silently understood in another way.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"
#include "model/procfile.h"

struct reader {
	char *rest;
	char *line; /* without indentation and trailing white space; NULL at the end */
	size_t indent;
	bool tab; /* the indentation has one, which YAML forbids */
	unsigned number;
	const char *section; /* the key that has the process types */
	bool nested;	     /* a type may be a mapping with a "command", as heroku.yml has them */
};

/* To the next line that has something on it. Inside a quoted scalar "#" could begin text; nobody
 * writes that. */
static void next_line(struct reader *r)
{
	do {
		r->line = strsep(&r->rest, "\n");
		r->number++;
		if (!r->line)
			return;
		r->indent = strspn(r->line, " ");
		r->tab = r->line[r->indent] == '\t';
		r->line = str_trim(r->line);
	} while (!r->line[0] || r->line[0] == '#');
}

static int refuse(const char *text, const char *why, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_INVALID, "%s: found \"%s\"", why, name_excerpt(excerpt, text));
}

/* The end of a plain scalar: " #" begins a comment. */
static void cut_comment(char *s)
{
	char *hash = str_starts(s, "#") ? s : strstr(s, " #");

	if (hash)
		*hash = '\0';
	str_trim(s);
}

static int check_rest(const char *s, struct error *err)
{
	s += strspn(s, " \t");
	if (*s && *s != '#')
		return refuse(s, "expected nothing after the closing quote", err);
	return 0;
}

/* Chapter 7.3.2: quotes are doubled, nothing else is special. */
static int read_single(const char *s, struct buf *out, struct error *err)
{
	for (s++; *s; s++) {
		if (*s == '\'' && s[1] != '\'')
			return check_rest(s + 1, err);
		if (*s == '\'')
			s++;
		buf_putc(out, *s);
	}
	return error_set(err, ERROR_INVALID, "a single quote is not closed");
}

/* Chapter 7.3.1, with those of the escapes of 5.7 that fit a command line. */
static int read_double(const char *s, struct buf *out, struct error *err)
{
	static const char from[] = "\"\\/ tne";
	static const char to[] = "\"\\/ \t\n\x1b";
	const char *p;

	for (s++; *s; s++) {
		if (*s == '"')
			return check_rest(s + 1, err);
		if (*s != '\\') {
			buf_putc(out, *s);
			continue;
		}
		s++;
		p = *s ? strchr(from, *s) : NULL;
		if (!p)
			return refuse(s - 1, "this escape is not supported", err);
		buf_putc(out, to[p - from]);
	}
	return error_set(err, ERROR_INVALID, "a double quote is not closed");
}

static int read_plain(char *s, struct buf *out, struct error *err)
{
	if (strchr("|>", s[0]) && s[0])
		return refuse(s, "block scalars are not supported, write the command on one line",
			      err);
	if (strchr("&*!%@`[]{}", s[0]) && s[0])
		return refuse(s, "expected a command, quoted if it starts with this character",
			      err);
	cut_comment(s);
	if (strstr(s, ": ") || str_ends(s, ":"))
		return refuse(s, "a command with a colon and a space must be quoted", err);
	if (!streq(s, "~") && !streq(s, "null"))
		buf_puts(out, s);
	return 0;
}

static int read_scalar(char *s, struct buf *out, struct error *err)
{
	if (s[0] == '\'')
		return read_single(s, out, err);
	if (s[0] == '"')
		return read_double(s, out, err);
	return read_plain(s, out, err);
}

/* True when the text ends in a backslash that escapes the line's end (chapter 6.5). */
static bool escapes_line_end(const struct buf *raw)
{
	size_t n = 0;

	while (n < raw->len && raw->data[raw->len - 1 - n] == '\\')
		n++;
	return raw->data[0] == '"' && n % 2;
}

/* Takes the value's first line and those below it that are indented deeper than its key. */
static void gather(struct reader *r, const char *first, size_t key_indent, struct buf *raw)
{
	buf_puts(raw, first);
	for (next_line(r); r->line && r->indent > key_indent; next_line(r)) {
		if (escapes_line_end(raw))
			raw->data[--raw->len] = '\0';
		else if (raw->len)
			buf_putc(raw, ' ');
		buf_puts(raw, r->line);
	}
}

/* Splits "key: value" or "key:"; NULL when it is neither. The key may be quoted. */
static char *split_key(char *line, char **ret_value)
{
	char quote = line[0] == '"' || line[0] == '\'' ? line[0] : '\0';
	char *key = quote ? line + 1 : line;
	char *end = quote ? strchr(key, quote) : strchr(key, ':');
	char *colon = quote && end ? end + 1 : end;

	if (!end || *colon != ':' || (colon[1] && !isspace((unsigned char)colon[1])))
		return NULL;
	*ret_value = str_trim(colon + 1);
	*end = '\0';
	return key;
}

/* ---- a command that is a list, or stands below "command:" ---- */

/* One word among others of a command line. */
static void add_word(struct buf *out, const char *word, bool alone)
{
	if (out->len)
		buf_putc(out, ' ');
	if (alone || !word[strcspn(word, " \t\"'\\&|;<>()*?#~")]) {
		buf_puts(out, word);
		return;
	}
	buf_putc(out, '\'');
	for (; *word; word++)
		buf_printf(out, *word == '\'' ? "'\\''" : "%c", *word);
	buf_putc(out, '\'');
}

static int read_word(char *text, struct buf *out, bool alone, struct error *err)
{
	_cleanup_buf_ struct buf word = BUF_INIT;

	if (read_scalar(str_trim(text), &word, err) < 0)
		return -1;
	add_word(out, word.len ? word.data : "", alone);
	return 0;
}

/* To the comma that ends an item, or the end. */
static char *end_of_item(char *s)
{
	char quote = '\0';

	for (; *s && (quote || *s != ','); s++) {
		if (quote == '"' && *s == '\\' && s[1])
			s++;
		else if (*s == quote)
			quote = '\0';
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
	}
	return s;
}

/* ["npm", "start"] */
static int read_flow(char *s, struct buf *out, struct error *err)
{
	char *close = strrchr(s, ']'), *end;

	if (!close)
		return refuse(s, "a list on one line has to end there", err);
	*close = '\0';
	for (s++; *s; s = end) {
		bool last;

		end = end_of_item(s);
		last = !*end;
		*end = '\0';
		if (read_word(s, out, last && !out->len, err) < 0)
			return -1;
		end += last ? 0 : 1;
	}
	return 0;
}

/* Items below a key, "- word" each; the lines of what is left stay. */
static int read_items(struct reader *r, size_t key_indent, struct buf *out, struct error *err)
{
	size_t n = 0;

	while (r->line && r->indent >= key_indent && str_starts(r->line, "- ")) {
		_cleanup_free_ char *item = xstrdup(r->line + 2);

		next_line(r);
		if (n++ == 0 && !(r->line && r->indent >= key_indent && str_starts(r->line, "- ")))
			return read_word(item, out, true, err);
		if (read_word(item, out, false, err) < 0)
			return -1;
	}
	return 0;
}

/* The reader stands at "command:", and behind it afterwards. */
static int read_command(struct reader *r, char *value, struct buf *out, struct error *err)
{
	_cleanup_buf_ struct buf raw = BUF_INIT;
	size_t indent = r->indent;

	if (value[0] == '[') {
		next_line(r);
		return read_flow(value, out, err);
	}
	if (value[0] && value[0] != '#') {
		gather(r, value, indent, &raw);
		return read_scalar(raw.data, out, err);
	}
	next_line(r);
	return read_items(r, indent, out, err);
}

/* What stands below a type, whose line the reader is at: "command" counts, the rest is about
 * images. */
static int read_nested(struct reader *r, struct buf *out, struct error *err)
{
	size_t indent = r->indent;

	for (next_line(r); r->line && r->indent > indent;) {
		_cleanup_free_ char *copy = xstrdup(r->line);
		char *value, *key = split_key(copy, &value);

		if (key && streq(str_trim(key), "command")) {
			if (read_command(r, value, out, err) < 0)
				return -1;
		} else {
			next_line(r);
		}
	}
	return 0;
}

static bool is_nested(const struct reader *r, const char *value)
{
	return r->nested && (!value[0] || value[0] == '#');
}

static int read_entry(struct reader *r, struct procfile *p, struct error *err)
{
	_cleanup_buf_ struct buf raw = BUF_INIT;
	_cleanup_buf_ struct buf command = BUF_INIT;
	char *value, *key = split_key(r->line, &value);

	if (!key)
		return refuse(r->line, "expected \"type: command\"", err);
	if (is_nested(r, value) || (r->nested && value[0] == '[')) {
		if ((value[0] == '[' ? read_command(r, value, &command, err)
				     : read_nested(r, &command, err)) < 0)
			return -1;
		if (!command.len)
			return error_set(err, ERROR_INVALID,
					 "expected a command, or a \"command:\" below");
		return procfile_add(p, str_trim(key), command.data, err);
	}
	/* The key lies in the line, which gather() leaves behind but does not free. */
	gather(r, value, r->indent, &raw);
	if (read_scalar(raw.data, &command, err) < 0)
		return -1;
	return procfile_add(p, str_trim(key), command.data, err);
}

static int read_types(struct reader *r, char *value, struct procfile *p, struct error *err)
{
	size_t indent;

	if (value[0] != '#' && value[0]) {
		cut_comment(value);
		if (!streq(value, "{}") && !streq(value, "~") && !streq(value, "null"))
			return refuse(value, "expected the process types below, one a line", err);
	}
	next_line(r);
	for (indent = r->line ? r->indent : 0; r->line && r->indent > 0;) {
		unsigned number = r->number;

		if (r->tab || r->indent != indent)
			return refuse(r->line, "this line is indented otherwise than the one above",
				      err);
		if (read_entry(r, p, err) < 0) {
			r->number = number;
			return -1;
		}
	}
	return 0;
}

/* Lines that are not below default_process_types and may be passed by. */
static bool is_other(const struct reader *r)
{
	static const char *const markers[] = { "---", "--- {}", "{}", "-" };

	for (size_t i = 0; i < ARRAY_SIZE(markers); i++)
		if (streq(r->line, markers[i]))
			return true;
	/* What stands deeper, or is an item of a list, belongs to a key that is skipped. */
	return r->indent > 0 || str_starts(r->line, "- ");
}

/* All of the document on one line, which this does not read. */
static bool is_flow(const char *line)
{
	return strchr("{[", line[0]) || str_starts(line, "---");
}

/* heroku.yml has the command of the release phase beside its "run". */
static int read_release(struct reader *r, const char *value, struct procfile *p, struct error *err)
{
	_cleanup_buf_ struct buf command = BUF_INIT;

	if (!is_nested(r, value)) {
		next_line(r);
		return 0;
	}
	if (read_nested(r, &command, err) < 0)
		return -1;
	return command.len ? procfile_add(p, "release", command.data, err) : 0;
}

static int read_document(struct reader *r, struct procfile *p, struct error *err)
{
	char *value, *key;

	for (next_line(r); r->line && !streq(r->line, "...");) {
		if (is_other(r)) {
			next_line(r);
			continue;
		}
		key = r->tab || is_flow(r->line) ? NULL : split_key(r->line, &value);
		if (!key)
			return refuse(r->line, "expected \"key: value\"", err);
		if (!streq(key, r->section) && !(r->nested && streq(key, "release")))
			next_line(r);
		else if (streq(key, r->section) ? read_types(r, value, p, err) < 0
						: read_release(r, value, p, err) < 0)
			return -1;
	}
	return 0;
}

static int parse(const char *yaml, struct reader r, const char *label, struct procfile *ret,
		 struct error *err)
{
	__attribute__((cleanup(procfile_done))) struct procfile p = { 0 };
	_cleanup_free_ char *copy = xstrdup(yaml);

	r.rest = copy;
	if (read_document(&r, &p, err) < 0)
		return error_prefix(err, "%s:%u", label, r.number);
	*ret = p;
	p = (struct procfile){ 0 };
	return 0;
}

int procfile_parse_heroku_yml(const char *yaml, struct procfile *ret, struct error *err)
{
	return parse(yaml, (struct reader){ .section = "run", .nested = true }, "heroku.yml", ret,
		     err);
}

int procfile_parse_release(const char *yaml, struct procfile *ret, struct error *err)
{
	return parse(yaml, (struct reader){ .section = "default_process_types" }, "bin/release",
		     ret, err);
}
