/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, colours, durations and the line of progress; see cli.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"

void buf_put_clean(struct buf *b, const char *s)
{
	for (; s && *s; s++)
		buf_putc(b, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

static char *clean_dup(const char *s)
{
	struct buf b = BUF_INIT;

	buf_put_clean(&b, s);
	return b.len ? buf_steal(&b) : xstrdup("");
}

static void add_cell(struct table *t, const char *s)
{
	t->cells = xrealloc(t->cells, (t->n_cells + 1) * sizeof(*t->cells));
	t->cells[t->n_cells++] = clean_dup(s);
}

void table_init(struct table *t, size_t n_columns, const char *const *headings)
{
	*t = (struct table){ .n_columns = n_columns, .headings = headings != NULL };
	for (size_t i = 0; headings && i < n_columns; i++)
		add_cell(t, headings[i]);
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}

void table_add(struct table *t, ...)
{
	va_list ap;

	va_start(ap, t);
	for (size_t i = 0; i < t->n_columns; i++)
		add_cell(t, va_arg(ap, const char *));
	va_end(ap);
}

/* Characters, not bytes: continuation bytes of UTF-8 don't count. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < t->n_cells; i += t->n_columns) {
		size_t w = width_of(t->cells[i]);

		widest = w > widest ? w : widest;
	}
	return widest;
}

void table_render(const struct table *t, bool color, struct buf *out)
{
	_cleanup_free_ size_t *widths = xcalloc(t->n_columns, sizeof(*widths));

	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;
		bool heading = t->headings && i < t->n_columns, last = column + 1 == t->n_columns;
		size_t pad = last ? 0 : widths[column] + 2 - width_of(t->cells[i]);

		if (heading)
			buf_puts(out, style_on(color, STYLE_BOLD));
		buf_puts(out, t->cells[i]);
		if (heading)
			buf_puts(out, style_off(color));
		for (; pad; pad--)
			buf_putc(out, ' ');
		if (!last)
			continue;
		while (out->len && out->data[out->len - 1] == ' ')
			out->data[--out->len] = '\0';
		buf_putc(out, '\n');
	}
}

void table_print(const struct cli *c, const struct table *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	table_render(t, c->color, &b);
	fwrite(b.data, 1, b.len, stdout);
}

static bool to_stdout(const char *data, size_t n, void *userdata)
{
	(void)userdata;
	return fwrite(data, 1, n, stdout) == n && fflush(stdout) == 0;
}

void print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

bool printed_json(const struct cli *c, const json_t *j)
{
	if (!cli_has(c, "json"))
		return false;
	print_json(j);
	return true;
}

int print_stream(struct cli *c, const char *url, struct error *err)
{
	struct api_stream o = { .url = url, .fn = to_stdout };

	return api_stream(c->api, &o, err);
}

const char *style_on(bool color, enum style s)
{
	static const char *const sequences[] = {
		[STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",	 [STYLE_RED] = "\033[31m",
		[STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_CYAN] = "\033[36m",
	};

	return color ? sequences[s] : "";
}

const char *style_off(bool color)
{
	return color ? "\033[0m" : "";
}

char *duration_text(int64_t ms, char buf[static DURATION_SIZE])
{
	int64_t s = ms / 1000;

	if (ms < 0)
		ms = s = 0;
	if (s < 10)
		snprintf(buf, DURATION_SIZE, "%lld.%lld s", (long long)s,
			 (long long)(ms % 1000 / 100));
	else if (s < 120)
		snprintf(buf, DURATION_SIZE, "%lld s", (long long)s);
	else if (s < 7200)
		snprintf(buf, DURATION_SIZE, "%lldm", (long long)(s / 60));
	else if (s < 172800)
		snprintf(buf, DURATION_SIZE, "%lldh", (long long)(s / 3600));
	else
		snprintf(buf, DURATION_SIZE, "%lldd", (long long)(s / 86400));
	return buf;
}

static void ago_text(int64_t s, char buf[static DURATION_SIZE])
{
	static const struct {
		int64_t below_s, unit_s;
		const char *unit;
	} units[] = {
		{ 60, 1, "s" }, { 3600, 60, "m" }, { 86400, 3600, "h" }, { INT64_MAX, 86400, "d" }
	};
	size_t i = 0;

	s = s < 0 ? 0 : s;
	while (s >= units[i].below_s)
		i++;
	snprintf(buf, DURATION_SIZE, "%lld%s", (long long)(s / units[i].unit_s), units[i].unit);
}

char *since_text(int64_t at_ms, int64_t now_ms, char buf[static SINCE_SIZE])
{
	time_t at = (time_t)(at_ms / 1000);
	char stamp[24], ago[DURATION_SIZE];
	struct tm tm;

	if (at_ms <= 0) {
		snprintf(buf, SINCE_SIZE, "?");
		return buf;
	}
	gmtime_r(&at, &tm);
	strftime(stamp, sizeof(stamp), "%Y/%m/%d %H:%M:%S", &tm);
	ago_text((now_ms - at_ms) / 1000, ago);
	snprintf(buf, SINCE_SIZE, "%s (~ %s ago)", stamp, ago);
	return buf;
}

char *bytes_text(int64_t bytes, char buf[static DURATION_SIZE])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		i++;
	}
	snprintf(buf, DURATION_SIZE, i && v < 100 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return buf;
}

char *addon_size_text(const json_t *addon, char buf[static DURATION_SIZE])
{
	int64_t bytes = json_i64(addon, "twelve.disk_used_bytes", -1);

	if (bytes >= 0)
		return bytes_text(bytes, buf);
	snprintf(buf, DURATION_SIZE, "%s",
		 streq(json_str(addon, "twelve.kind", ""), "server") ? "not measured yet"
								     : "elsewhere");
	return buf;
}

void progress_clear(struct cli *c)
{
	if (c->in_progress)
		fputs("\r\033[K", stderr);
	c->in_progress = false;
}

void note(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	progress_clear(c);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void progress(struct cli *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (!c->animate)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (!c->in_progress || !c->progress || !streq(c->progress, b.data))
		fprintf(stderr, "\r\033[K%s... ", b.data);
	c->in_progress = true;
	free(c->progress);
	c->progress = buf_steal(&b);
	fflush(stderr);
}
