/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From HAProxy's termination state to Heroku's H-codes. HAProxy's configuration
 * language can't tell them when it writes its line; so the line carries the raw
 * fields in front, and this makes sense of them.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route.h"

#define AT_INFO "at=info "
#define AT_TIMEOUT "at=error code=H12 "
#define PREFIX_MAX 32

struct code {
	const char *code;
	const char *desc;
};

/* "503" marks answers that HAProxy counts as 502 or 504 and that our pages give as 503. */
struct ending {
	const char *ts; /* '?' stands for any letter */
	const char *code;
	const char *status;
};

#define UPLOAD "upload"

static const struct code codes[] = {
	{ "400",
	  "Bad request: not HTTP, characters that must be written as %XX, or headers over 64 KB" },
	{ "408", "Request not whole in time" },
	{ "429", "Too many requests at once from one address" },
	{ "431", "Request headers over 64 KB" },
	{ "H10", "App crashed" },
	{ "H12", "Request timeout" },
	{ "H13", "Connection closed without response" },
	{ "H14", "No web processes running" },
	{ "H15", "Idle connection" },
	{ "H17", "Poorly formatted HTTP response: not HTTP, or headers over 64 KB" },
	{ "H18", "Server Request Interrupted" },
	{ "H19", "Backend connection timeout" },
	{ "H20", "App boot timeout" },
	{ "H21", "Backend connection refused" },
	{ "H27", "Client Request Interrupted" },
	{ "H28", "Client Connection Idle" },
	{ "H80", "Maintenance mode" },
	{ "H81", "Blank app" },
	{ "H99", "Platform error" },
};

static const struct ending endings[] = {
	{ "sC", "H19", NULL },	{ "SC", "H21", NULL },	{ "sH", "H12", "503" },
	{ "SH", "H13", "503" }, { "PH", "H17", "503" }, { "sD", "H15", NULL },
	{ "SD", "H18", NULL },	{ "SL", "H18", NULL },	{ "sL", "H15", NULL },
	{ "C?", "H27", NULL },	{ "c?", "H28", NULL },	{ "R?", "H99", NULL },
	{ "I?", "H99", NULL },	{ "K?", "H99", NULL },
};

static bool matches(const char *pattern, const char *ts)
{
	return pattern[0] == ts[0] && (pattern[1] == '?' || pattern[1] == ts[1]);
}

static const struct ending late = { "SH", "H12", "503" };
/* HAProxy can't tell whether the client or the dyno was waited for. */
static const struct ending late_upload = { "sH", UPLOAD, "503" };

static const struct ending *find_ending(const char *ts, const char *state, const char *text)
{
	/* Nearly all end well. */
	if (ts[0] == '-')
		return NULL;
	/* The time for the first byte was over; HAProxy took the dyno for gone. */
	if (streq(state, "H12"))
		return &late;
	if (streq(state, UPLOAD))
		return &late_upload;
	/* A WebSocket ends when either side has had enough of it. */
	if ((ts[0] == 'C' || ts[0] == 'S') && strstr(text, " status=101 "))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (matches(endings[i].ts, ts))
			return &endings[i];
	return NULL;
}

static void put_error(const char *code, const char *status, const char *text, struct buf *out)
{
	const char *at = status ? strstr(text, " status=50") : NULL;
	const char *desc = "Platform error";

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (streq(codes[i].code, code))
			desc = codes[i].desc;
	if (streq(code, UPLOAD))
		code = "H12",
		desc = "Request timeout: neither the rest of the request came nor an answer";
	buf_printf(out, "at=error code=%s desc=\"%s\" ", code, desc);
	text += strlen(AT_INFO);
	if (!at) {
		buf_puts(out, text);
		return;
	}
	at += strlen(" status=");
	buf_append(out, text, (size_t)(at - text));
	buf_puts(out, status);
	buf_puts(out, at + strlen(status));
}

/* Of what HAProxy itself answered: the page's code, or the status, where that is none of a page that
 * stands for a state. */
static const char *own_code(const char *state, const char *text, char status[static 4])
{
	const char *at = NULL;

	/* The last one: the path may say something like it. */
	for (const char *next = text; (next = strstr(next, " status=")); next++)
		at = next + strlen(" status=");
	if (!at || *at != '4')
		return state;
	snprintf(status, 4, "%.3s", at);
	return status;
}

void route_log_line(const char *raw, size_t n, struct buf *out)
{
	_cleanup_free_ char *line = xstrndup(raw, n);
	char *state = strlen(line) > 3 && line[2] == ' ' ? line + 3 : NULL;
	char *text = state ? strchr(state, ' ') : NULL;
	const struct ending *ending;
	char status[4];

	if (!text || text - state > PREFIX_MAX || !str_starts(text + 1, AT_INFO)) {
		buf_append(out, raw, n);
		return;
	}
	*text++ = '\0';
	line[2] = '\0';
	ending = find_ending(line, state, text);
	if (line[0] == 'L')
		state = (char *)own_code(state, text, status);
	if (!streq(state, "-") && (line[0] == 'L' || state[0] == '4'))
		put_error(state, NULL, text, out);
	else if (ending)
		put_error(ending->code, ending->status, text, out);
	else
		buf_puts(out, text);
}

static bool starts(const char *line, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - line) > n && memcmp(line, with, n) == 0;
}

/* The value of the last word before *end, which is to be " NAME=VALUE"; then *end is where that
 * began. NULL: it is another. */
static const char *last_word(const char *line, const char **end, const char *name)
{
	const char *space = memrchr(line, ' ', (size_t)(*end - line)), *value;

	if (!space || !starts(space + 1, *end, name))
		return NULL;
	value = space + 1 + strlen(name);
	*end = space;
	return value;
}

/* Digits; -1 when there is none, or too many. */
static int64_t digits(const char *p)
{
	int64_t n = -1;

	for (int i = 0; i < 12 && *p >= '0' && *p <= '9'; i++, p++)
		n = (n < 0 ? 0 : n) * 10 + (*p - '0');
	return n;
}

/* This is on the path of each request: from the end, which is short, and without looking at what
 * the client wrote. */
bool route_log_measure(const char *line, size_t n, struct route_measure *ret)
{
	const char *end = line + n, *status, *service, *dyno;
	bool timeout = starts(line, end, AT_TIMEOUT);

	if ((!timeout && !starts(line, end, AT_INFO)) || !last_word(line, &end, "protocol=") ||
	    !last_word(line, &end, "bytes=") || !(status = last_word(line, &end, "status=")) ||
	    !(service = last_word(line, &end, "service=")) || !last_word(line, &end, "connect=") ||
	    !(dyno = last_word(line, &end, "dyno=")) || *dyno == '-')
		return false;
	*ret = (struct route_measure){ .service_ms = digits(service),
				       .failed = !timeout && digits(status) >= 500 };
	return ret->service_ms >= 0 && digits(status) >= 200;
}
