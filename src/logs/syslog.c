/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog, RFC 5424, with octet counting (RFC 6587 section 3.4.1), the way Logplex's
 * TCP drains write it: HOSTNAME is the drain's token, APP-NAME the source, PROCID the dyno,
 * and MSG ends with a counted LF.
 *
 *     LEN SP <PRI>1 SP STAMP SP HOSTNAME SP APP-NAME SP PROCID SP - SP SD SP MSG LF
 *
 * As records, release, commit, type and number go along as structured data. 32473 is
 * the number for examples (RFC 5612), since the project has none of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logs/drain.h"
#include "logs/line.h"

/* RFC 5424 section 6.2 */
#define APP_NAME_MAX 48
#define SD_MAX 512
#define PARTIAL "[twelve@32473 partial=\"true\"]"

const char *syslog_priority(const struct log_record *r)
{
	if (r->source_len != 6 || memcmp(r->source, "heroku", 6) != 0)
		return "<190>1 ";
	if (r->dyno_len == 6 && memcmp(r->dyno, "router", 6) == 0)
		return "<158>1 ";
	if (r->dyno_len == 7 && memcmp(r->dyno, "logplex", 7) == 0)
		return "<172>1 ";
	return "<134>1 ";
}

/* The names are ours: printable, and none of '"', '\' and ']' among them. */
static size_t structured_data(const struct batch *b, const struct batch_line *line, char *sd)
{
	const struct log_record *r = line->record;
	char type[LOG_NAME_MAX + 1];
	int n;

	if (!b->records && !(r->flags & LOG_CONTINUES)) {
		sd[0] = '-';
		return 1;
	}
	if (!b->records) {
		memcpy(sd, PARTIAL, strlen(PARTIAL));
		return strlen(PARTIAL);
	}
	batch_type(r, type);
	n = snprintf(sd, SD_MAX, "[twelve@32473 app=\"%s\" type=\"%s\" seq=\"%" PRIu64 "\"",
		     b->app->name, type, r->seq);
	if (r->release)
		n += snprintf(sd + n, SD_MAX - (size_t)n, " release=\"v%u\"", r->release);
	if (line->commit[0])
		n += snprintf(sd + n, SD_MAX - (size_t)n, " commit=\"%.64s\"", line->commit);
	if (r->flags & LOG_CONTINUES)
		n += snprintf(sd + n, SD_MAX - (size_t)n, " partial=\"true\"");
	return (size_t)n + (size_t)snprintf(sd + n, SD_MAX - (size_t)n, "]");
}

static char *copy(char *p, const void *data, size_t n)
{
	memcpy(p, data, n);
	return p + n;
}

static size_t put_length(char *p, size_t n)
{
	char digits[24], *first = log_decimal(digits + sizeof(digits), n, 1);
	size_t size = (size_t)(digits + sizeof(digits) - first);

	memcpy(p, first, size);
	return size;
}

void syslog_put_frame(struct batch *b, const struct batch_line *line, struct buf *out)
{
	const struct log_record *r = line->record;
	const char *pri = syslog_priority(r), *stamp = log_stamp(&b->formatter, r->time_ns);
	size_t source_n = r->source_len < APP_NAME_MAX ? r->source_len : APP_NAME_MAX;
	size_t pri_n = 7, stamp_n = LOG_STAMP_LEN, token_n = strlen(b->app->token), sd_n, n;
	char sd[SD_MAX], *start, *p;

	sd_n = structured_data(b, line, sd);
	n = pri_n + stamp_n + 1 + token_n + 1 + source_n + 1 + r->dyno_len + 3 + sd_n + 1 +
	    r->text_len + 1;
	start = p = buf_reserve(out, n + 24);
	p += put_length(p, n);
	*p++ = ' ';
	p = copy(p, pri, pri_n);
	p = copy(p, stamp, stamp_n);
	*p++ = ' ';
	p = copy(p, b->app->token, token_n);
	*p++ = ' ';
	p = copy(p, r->source, source_n);
	*p++ = ' ';
	p = copy(p, r->dyno, r->dyno_len);
	p = copy(p, " - ", 3);
	p = copy(p, sd, sd_n);
	*p++ = ' ';
	p = copy(p, r->text, r->text_len);
	*p++ = '\n';
	buf_added(out, (size_t)(p - start));
}

static void put_syslog(struct batch *b, const struct batch_line *line)
{
	syslog_put_frame(b, line, &b->raw);
}

const struct drain_driver drain_syslog = {
	.scheme = "syslog",
	.transport = DRAIN_SYSLOG,
	.port = 514,
	.tls_port = 6514,
	.put = put_syslog,
	.batch_bytes = 65536,
};
