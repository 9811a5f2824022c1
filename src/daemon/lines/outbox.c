/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lines/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/logs-proto.h"

/* Lines of an app that found no room. */
struct shortfall {
	struct shortfall *next;
	char *app_id;
	int64_t lines;
};

void outbox_init(struct outbox *o)
{
	*o = (struct outbox){ .last = &o->first };
}

void outbox_push(struct outbox *o, struct ipc_msg *take_msg)
{
	struct queued *q = xcalloc(1, sizeof(*q));

	q->msg = *take_msg;
	*take_msg = IPC_MSG_INIT;
	*o->last = q;
	o->last = &q->next;
	o->bytes += q->msg.fields.len;
}

void outbox_pop(struct outbox *o)
{
	struct queued *q = o->first;

	o->first = q->next;
	if (!o->first)
		o->last = &o->first;
	o->bytes -= q->msg.fields.len;
	ipc_msg_done(&q->msg);
	free(q);
}

static int64_t count_lines(const char *text)
{
	int64_t lines = 0;

	for (const char *p = text; *p; lines++) {
		p = strchr(p, '\n');
		if (!p)
			return lines + 1;
		p++;
	}
	return lines;
}

static void count_lost(struct outbox *o, const char *app_id, int64_t lines)
{
	struct shortfall *s = o->shortfalls;

	while (s && !streq(s->app_id, app_id))
		s = s->next;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		*s = (struct shortfall){ .next = o->shortfalls, .app_id = xstrdup(app_id) };
		o->shortfalls = s;
		log_warn("twelve-logs does not take log lines: those of app %s are dropped and "
			 "counted",
			 app_id);
	}
	s->lines += lines;
}

static void push_line(struct outbox *o, const char *app_id, const char *source, const char *dyno,
		      const char *text)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = LOGS_APPEND;
	ipc_put(&m, "app", app_id);
	ipc_put(&m, "source", source);
	ipc_put(&m, "dyno", dyno);
	ipc_put(&m, "text", text);
	outbox_push(o, &m);
}

bool outbox_push_text(struct outbox *o, const char *app_id, const char *source, const char *dyno,
		      const char *text)
{
	if (o->bytes + strlen(text) > OUTBOX_MAX_BYTES) {
		count_lost(o, app_id, count_lines(text));
		return false;
	}
	push_line(o, app_id, source, dyno, text);
	return true;
}

static void drop_shortfall(struct outbox *o)
{
	struct shortfall *s = o->shortfalls;

	o->shortfalls = s->next;
	free(s->app_id);
	free(s);
}

bool outbox_tell_lost(struct outbox *o)
{
	bool any = o->shortfalls != NULL;

	while (o->shortfalls) {
		_cleanup_free_ char *text =
			xasprintf("Error L12 (Local buffer overflow) -> %" PRId64 " lines dropped",
				  o->shortfalls->lines);

		push_line(o, o->shortfalls->app_id, "heroku", "logplex", text);
		drop_shortfall(o);
	}
	return any;
}

static void drop_standing(struct standing **at)
{
	struct standing *k = *at;

	*at = k->next;
	ipc_msg_done(&k->msg);
	free(k->app_id);
	free(k);
}

bool outbox_keep_standing(struct outbox *o, const char *app_id, struct ipc_msg *take_msg)
{
	struct standing **at = &o->standing, *k;
	const struct buf *fields = &take_msg->fields;

	while (*at && !((*at)->msg.type == take_msg->type && streq((*at)->app_id, app_id)))
		at = &(*at)->next;
	if (*at && (*at)->msg.fields.len == fields->len &&
	    memcmp((*at)->msg.fields.data, fields->data, fields->len) == 0)
		return false;
	if (*at)
		drop_standing(at);
	k = xcalloc(1, sizeof(*k));
	*k = (struct standing){ .next = o->standing, .app_id = xstrdup(app_id), .msg = *take_msg };
	*take_msg = IPC_MSG_INIT;
	o->standing = k;
	return true;
}

void outbox_forget_standing(struct outbox *o, const char *app_id)
{
	for (struct standing **at = &o->standing; *at;)
		if (streq((*at)->app_id, app_id))
			drop_standing(at);
		else
			at = &(*at)->next;
}

void outbox_push_standing(struct outbox *o, const struct standing *k)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = k->msg.type;
	buf_append(&m.fields, k->msg.fields.data, k->msg.fields.len);
	outbox_push(o, &m);
}

void outbox_done(struct outbox *o)
{
	while (o->first)
		outbox_pop(o);
	while (o->shortfalls)
		drop_shortfall(o);
	while (o->standing)
		drop_standing(&o->standing);
}
