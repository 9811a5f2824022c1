/* SPDX-License-Identifier: Apache-2.0 */
/* A request's context; see api/call.h. */
#include "daemon/api/call.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/api/api-state.h"
#include "daemon/api/route.h"

void call_free(void *context)
{
	struct call *c = context;

	if (!c)
		return;
	free(c->asks_email);
	if (c->asks_password)
		explicit_bzero(c->asks_password, strlen(c->asks_password));
	free(c->asks_password);
	for (size_t i = 0; i < c->n_params; i++)
		free(c->params[i].value);
	app_done(&c->app);
	addon_done(&c->addon);
	json_decref(c->attachments);
	free(c->app_name);
	free(c->note);
	json_decref(c->shared);
	free(c);
}

struct call *request_call(const struct request *r)
{
	return request_context(r);
}

struct parts *request_parts(struct request *r)
{
	return request_call(r)->api->parts;
}

struct store *request_store(struct request *r)
{
	return request_parts(r)->platform.store;
}

const struct caller *request_caller(struct request *r)
{
	return &request_call(r)->caller;
}

enum need request_need(const struct request *r)
{
	return request_call(r)->route->need;
}

struct app *request_app(struct request *r)
{
	return &request_call(r)->app;
}

struct addon *request_addon(struct request *r)
{
	return &request_call(r)->addon;
}

const struct attachment *request_attachment(struct request *r)
{
	return &request_call(r)->attachment;
}

const char *request_param(struct request *r, const char *name)
{
	const struct call *c = request_call(r);
	size_t n = strlen(name);

	/* Names point into the pattern, and end at a slash, at what follows them, or at its end. */
	for (size_t i = 0; i < c->n_params; i++)
		if (strncmp(c->params[i].name, name, n) == 0 && strchr("/.", c->params[i].name[n]))
			return c->params[i].value;
	return "";
}

void request_note(struct request *r, const char *fmt, ...)
{
	struct call *c = request_call(r);
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	free(c->note);
	c->note = buf_steal(&text);
}
