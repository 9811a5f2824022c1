/* SPDX-License-Identifier: Apache-2.0 */
/* Pages; see page.h. */
#include "daemon/api/team/page.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

#define TEMPLATE_MAX (1 << 20)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz"

/* ---- filling in ---- */

static void put_escaped(struct buf *out, const char *s)
{
	static const struct {
		char c;
		const char *text;
	} escapes[] = { { '&', "&amp;" },
			{ '<', "&lt;" },
			{ '>', "&gt;" },
			{ '"', "&quot;" },
			{ '\'', "&#39;" } };

	for (; *s; s++) {
		const char *text = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
			if (escapes[i].c == *s)
				text = escapes[i].text;
		if (text)
			buf_puts(out, text);
		else
			buf_putc(out, *s);
	}
}

static const char *value_of(const struct page_value *values, const char *name, size_t n)
{
	for (; values->name; values++)
		if (strlen(values->name) == n && memcmp(values->name, name, n) == 0)
			return values->value ? values->value : "";
	return "";
}

/* The length of "{{name}}" or "{{{name}}}" at p; 0 when it is neither. */
static size_t tag_at(const char *p, size_t *ret_braces, size_t *ret_name_n)
{
	size_t braces = strspn(p, "{"), n = strspn(p + braces, NAME_CHARS);

	if ((braces != 2 && braces != 3) || !n || strspn(p + braces + n, "}") != braces)
		return 0;
	*ret_braces = braces;
	*ret_name_n = n;
	return n + 2 * braces;
}

void page_fill(const char *template, const struct page_value *values, struct buf *out)
{
	for (const char *p = template; *p;) {
		size_t braces, name_n, n = *p == '{' ? tag_at(p, &braces, &name_n) : 0;

		if (!n) {
			buf_putc(out, *p++);
			continue;
		}
		if (braces == 2)
			put_escaped(out, value_of(values, p + braces, name_n));
		else
			buf_puts(out, value_of(values, p + braces, name_n));
		p += n;
	}
}

/* ---- answering ---- */

static int read_file(struct request *r, const char *name, struct buf *ret, struct error *err)
{
	_cleanup_free_ char *path =
		xasprintf("%s/web/%s", request_parts(r)->platform.settings.data_dir, name);
	int e = fs_read_file(path, TEMPLATE_MAX, ret);

	return e < 0 ? error_set_errno(err, e, "reading the page %s", path) : 0;
}

/* Nothing may run or be loaded but our own style sheet, which stands in the page; nobody may frame
 * it. */
static char *policy_for(const char *style)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[64];

	crypto_hash_sha256(hash, (const unsigned char *)style, strlen(style));
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
	return xasprintf(
		"default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; "
		"frame-ancestors 'none'",
		text);
}

static int answer_html(struct request *r, int status, struct buf *html, const char *policy)
{
	request_set_header(r, "Content-Security-Policy", policy);
	request_set_header(r, "Cache-Control", "no-store");
	request_set_header(r, "X-Content-Type-Options", "nosniff");
	/* With no-referrer a browser would not say where a form comes from, either. */
	request_set_header(r, "Referrer-Policy", "same-origin");
	return request_answer_text(r, status, "text/html; charset=utf-8", html->data);
}

int page_answer(struct request *r, int status, const char *name, const char *title,
		const struct page_value *values, struct error *err)
{
	_cleanup_buf_ struct buf frame = BUF_INIT, style = BUF_INIT, template = BUF_INIT,
				 content = BUF_INIT, out = BUF_INIT;
	_cleanup_free_ char *file = xasprintf("%s.html", name), *policy = NULL;

	if (read_file(r, "page.html", &frame, err) < 0 ||
	    read_file(r, "style.css", &style, err) < 0 || read_file(r, file, &template, err) < 0)
		return -1;
	page_fill(template.data, values, &content);
	page_fill(frame.data,
		  (const struct page_value[]){ { "title", title },
					       { "style", style.data },
					       { "content", content.data },
					       { 0 } },
		  &out);
	policy = policy_for(style.data);
	return answer_html(r, status, &out, policy);
}

int page_answer_message(struct request *r, int status, const char *title, const char *message,
			struct error *err)
{
	return page_answer(r, status, "message", title,
			   (const struct page_value[]){ { "message", message }, { 0 } }, err);
}
