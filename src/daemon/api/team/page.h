/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages for browsers: HTML and CSS of the folder web/ in TWELVE_DATA_DIR, filled in here. They
 * need no script, and their policy (Content-Security-Policy) lets none run.
 */
#pragma once

#include "base/buf.h"
#include "daemon/api/call.h"

/* Ends with a NULL name. */
struct page_value {
	const char *name, *value;
};

/*
 * Appends a template: {{name}} becomes the value as text of HTML, {{{name}}} the value as it is; an
 * unknown name is empty. What is no name between braces stays as it is.
 */
void page_fill(const char *template, const struct page_value *values, struct buf *out);

/* Answers with web/NAME.html in web/page.html. */
int page_answer(struct request *r, int status, const char *name, const char *title,
		const struct page_value *values, struct error *err);
/* A sentence and nothing to do. */
int page_answer_message(struct request *r, int status, const char *title, const char *message,
			struct error *err);
