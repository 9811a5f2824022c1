/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser sees when no dyno answers: small pages without anything from
 * elsewhere. All are 503, as Heroku has them, but for the host that nobody has.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route.h"

#define LATE_TITLE "The app did not answer in time"
#define LATE_SENTENCE "Nothing came back from it before the time was over."

struct page {
	const char *code;
	const char *status;
	const char *title;
	const char *sentence;
	int retry_after_s; /* 0: none */
	bool reload;	   /* the browser tries again by itself */
};

static const struct page pages[] = {
	{ "400", "400 Bad Request", "The request was not understood",
	  "It is not HTTP, or its address has characters that must be written as %XX, or its head "
	  "is larger than 64 KB.",
	  0, false },
	{ "404", "404 Not Found", "No such app", "No app has this host name.", 0, false },
	{ "408", "408 Request Timeout", "The request did not come",
	  "Its rest was waited for, and too much time went by.", 0, false },
	{ "429", "429 Too Many Requests", "Too many requests at once",
	  "As many as one address may have are being answered already.", 1, false },
	{ "431", "431 Request Header Fields Too Large", "The request's headers are too large",
	  "Together they are larger than the 64 KB that are taken here.", 0, false },
	{ "H10", "503 Service Unavailable", "The app has crashed",
	  "It is being started again; its log says why it ended.", 10, false },
	{ "H14", "503 Service Unavailable", "No web dynos are running",
	  "The app is scaled to no web dynos, or its release has no web process.", 0, false },
	{ "H20", "503 Service Unavailable", "The app is starting",
	  "Its first dyno is not ready yet; this page tries again by itself.", 2, true },
	{ "H21", "503 Service Unavailable", "The app can't be reached",
	  "Its dyno does not accept connections at the moment.", 5, false },
	{ "H12", "503 Service Unavailable", LATE_TITLE, LATE_SENTENCE, 0, false },
	/* H12 and H28: for HAProxy it is one end. */
	{ "H28", "503 Service Unavailable", "Nothing came any more",
	  "Neither the rest of the request nor the app's answer came before the time was over.", 0,
	  false },
	{ "H80", "503 Service Unavailable", "The app is in maintenance",
	  "Its owner has switched it off for a while.", 60, false },
	{ "H81", "503 Service Unavailable", "Nothing is deployed here yet",
	  "The app exists, and waits for its first release.", 0, false },
	/* For the API's clients: JSON. */
	{ "API", "503 Service Unavailable", NULL,
	  "twelved does not answer: it is starting, or has ended", 1, false },
	{ "API429", "429 Too Many Requests", NULL,
	  "As many requests as one address may have are being answered already: wait for one to "
	  "end",
	  1, false },
	{ "H99", "503 Service Unavailable", "The router failed", "This is not the app's fault.", 5,
	  false },
};

const char *const route_page_codes[] = {
	"400", "404", "408", "429", "431", "H10",    "H12", "H14", "H20",
	"H21", "H28", "H80", "H81", "API", "API429", "H99", NULL,
};
_Static_assert(ARRAY_SIZE(pages) == ARRAY_SIZE(route_page_codes) - 1, "each page is listed");

static void render_body(const struct page *p, struct buf *out)
{
	if (!p->title) {
		buf_printf(out, "{\"id\":\"%s\",\"message\":\"%s\"}\n",
			   p->status[0] == '4' ? "rate_limit" : "unavailable", p->sentence);
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

/*
 * HAProxy makes a 502 of each answer that is none, and knows which kind only when it writes its
 * log. What it does know is whether the time for the first byte was over: then txn.state is H12
 * (config.c), a key of the map.
 */
#define FILE_NAME "@502.map"
#define OF_STATE(field) "%[var(txn.state,-),map_str(" FILE_NAME ",\"" NONE "\"),field(" field ",|)]"
#define NONE_TITLE "The app gave no answer"
#define NONE_SENTENCE                                                                            \
	"It closed the connection, or sent what is not HTTP, or headers larger than 64 KB. Its " \
	"log says which."
#define NONE NONE_TITLE "|" NONE_SENTENCE "|H13"

void route_no_answer_page(const char *dir, struct buf *out)
{
	static const struct page none = {
		.code = OF_STATE("3"),
		.title = OF_STATE("1"),
		.sentence = OF_STATE("2"),
	};
	_cleanup_buf_ struct buf body = BUF_INIT;

	render_body(&none, &body);
	for (const char *at = body.data, *file; *at; at = file + (*file == '@')) {
		file = at + strcspn(at, "@");
		buf_append(out, at, (size_t)(file - at));
		if (*file)
			buf_printf(out, "%s/", dir);
	}
}

void route_no_answer_map(struct buf *out)
{
	buf_puts(out, "H12 " LATE_TITLE "|" LATE_SENTENCE "|H12\n");
}
