/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser sees when no dyno answers: small pages without anything from
 * elsewhere. All are 503, as Heroku has them, but for the host that nobody has.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route.h"

struct page {
	const char *code;
	const char *status;
	const char *title;
	const char *sentence;
	int retry_after_s; /* 0: none */
	bool reload;	   /* the browser tries again by itself */
};

static const struct page pages[] = {
	{ "404", "404 Not Found", "No such app", "No app has this host name.", 0, false },
	{ "H10", "503 Service Unavailable", "The app has crashed",
	  "It is being started again; its log says why it ended.", 10, false },
	{ "H12", "503 Service Unavailable", "The app did not answer in time",
	  "It had the request and sent nothing back before the time was over.", 0, false },
	{ "H13", "503 Service Unavailable", "The app broke off",
	  "It took the request and closed the connection without a whole answer.", 0, false },
	{ "H14", "503 Service Unavailable", "No web dynos are running",
	  "The app is scaled to no web dynos, or its release has no web process.", 0, false },
	{ "H20", "503 Service Unavailable", "The app is starting",
	  "Its first dyno is not ready yet; this page tries again by itself.", 2, true },
	{ "H21", "503 Service Unavailable", "The app can't be reached",
	  "Its dyno does not accept connections at the moment.", 5, false },
	{ "H80", "503 Service Unavailable", "The app is in maintenance",
	  "Its owner has switched it off for a while.", 60, false },
	{ "H81", "503 Service Unavailable", "Nothing is deployed here yet",
	  "The app exists, and waits for its first release.", 0, false },
	/* For the API's clients: JSON. */
	{ "API", "503 Service Unavailable", NULL, "twelved does not answer: it is starting, or has ended", 1, false },
	{ "H99", "503 Service Unavailable", "The router failed", "This is not the app's fault.", 5,
	  false },
};

const char *const route_page_codes[] = {
	"404", "H10", "H12", "H13", "H14", "H20", "H21", "H80", "H81", "API", "H99", NULL,
};
_Static_assert(ARRAY_SIZE(pages) == ARRAY_SIZE(route_page_codes) - 1, "each page is listed");

static void render_body(const struct page *p, struct buf *out)
{
	if (!p->title) {
		buf_printf(out, "{\"id\":\"unavailable\",\"message\":\"%s\"}\n", p->sentence);
		return;
	}
	buf_puts(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
	if (p->reload)
		buf_printf(out, "<meta http-equiv=\"refresh\" content=\"%d\">", p->retry_after_s);
	buf_printf(out,
		   "<title>%s</title>\n<style>:root{color-scheme:light dark}"
		   "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh "
		   "auto;padding:0 1.5rem}"
		   "h1{font-size:1.5rem;margin:0}small{opacity:.6}</style></head>\n"
		   "<body><h1>%s</h1><p>%s</p><small>%s</small></body></html>\n",
		   p->title, p->title, p->sentence, p->code);
}

void route_error_page(const char *code, struct buf *out)
{
	const struct page *p = &pages[ARRAY_SIZE(pages) - 1];
	_cleanup_buf_ struct buf body = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (streq(pages[i].code, code))
			p = &pages[i];
	render_body(p, &body);
	buf_printf(out,
		   "HTTP/1.1 %s\r\nContent-Type: %s\r\n"
		   "Content-Length: %zu\r\nCache-Control: no-store\r\n",
		   p->status, p->title ? "text/html; charset=utf-8" : "application/json", body.len);
	if (p->retry_after_s)
		buf_printf(out, "Retry-After: %d\r\n", p->retry_after_s);
	buf_puts(out, "\r\n");
	buf_append(out, body.data, body.len);
}
