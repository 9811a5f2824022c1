/* SPDX-License-Identifier: Apache-2.0 */
/* See netrc.h. */
#include "cli/netrc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define NETRC_MAX (1 << 20)
#define BLANKS " \t\r\n"

struct word {
	const char *at;
	size_t n;
};

/* The next word from p on; its n is 0 at the end. */
static struct word next_word(const char *p)
{
	struct word w = { .at = p + strspn(p, BLANKS) };

	w.n = strcspn(w.at, BLANKS);
	return w;
}

static bool is(struct word w, const char *s)
{
	return w.n == strlen(s) && strncmp(w.at, s, w.n) == 0;
}

/* Past a macro: it ends with an empty line. */
static const char *skip_macro(const char *p)
{
	const char *end = strstr(p, "\n\n");

	return end ? end + 2 : p + strlen(p);
}

struct entry {
	const char *start, *end; /* from "machine" to the end of the last value */
	struct word login, password;
};

/* The words of an entry, from behind the machine's name. */
static void read_entry(const char *p, struct entry *e)
{
	for (struct word key = next_word(p); key.n; key = next_word(e->end)) {
		struct word value = next_word(key.at + key.n);

		if (!is(key, "login") && !is(key, "password") && !is(key, "account"))
			return;
		if (is(key, "login"))
			e->login = value;
		if (is(key, "password"))
			e->password = value;
		e->end = value.at + value.n;
	}
}

static bool find_entry(const char *text, const char *machine, struct entry *ret)
{
	for (struct word w = next_word(text); w.n; w = next_word(w.at + w.n)) {
		struct word name;

		if (is(w, "macdef")) {
			const char *end = skip_macro(w.at);

			w = (struct word){ .at = end };
			continue;
		}
		if (!is(w, "machine"))
			continue;
		name = next_word(w.at + w.n);
		if (!is(name, machine))
			continue;
		*ret = (struct entry){ .start = w.at, .end = name.at + name.n };
		read_entry(ret->end, ret);
		return true;
	}
	return false;
}

char *netrc_find(const char *text, const char *machine)
{
	struct entry e;

	if (!find_entry(text, machine, &e) || !e.password.n)
		return NULL;
	return xstrndup(e.password.at, e.password.n);
}

/* An entry before "default" is found before it. */
static const char *place_for_new(const char *text)
{
	for (struct word w = next_word(text); w.n; w = next_word(w.at + w.n)) {
		if (is(w, "default"))
			return w.at;
		if (is(w, "macdef"))
			w = (struct word){ .at = skip_macro(w.at) };
	}
	return text + strlen(text);
}

void netrc_edit(const char *text, const char *machine, const char *login, const char *password,
		struct buf *out)
{
	struct entry e;
	bool found = find_entry(text, machine, &e);
	const char *start = found ? e.start : place_for_new(text), *end = found ? e.end : start;

	buf_append(out, text, (size_t)(start - text));
	if (login) {
		if (!found && start > text && start[-1] != '\n')
			buf_putc(out, '\n');
		buf_printf(out, "machine %s\n  login %s\n  password %s%s", machine, login, password,
			   found ? "" : "\n");
	} else if (found) {
		end += *end == '\n';
	}
	buf_puts(out, end);
}

/* ---- the file ---- */

/* Where a link leads, so that the link stays. NULL without a home. Heap. */
static char *netrc_path(void)
{
	const char *home = getenv("HOME");
	_cleanup_free_ char *path = home && *home ? xasprintf("%s/.netrc", home) : NULL;
	char *real = path ? realpath(path, NULL) : NULL;

	return real ? real : steal_ptr(path);
}

char *netrc_password(const char *machine)
{
	_cleanup_free_ char *path = netrc_path();
	struct buf text = BUF_INIT;
	char *password = NULL;

	if (path && fs_read_file(path, NETRC_MAX, &text) == 0 && text.data)
		password = netrc_find(text.data, machine);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_done(&text);
	return password;
}

static int edit_file(const char *machine, const char *login, const char *password,
		     struct error *err)
{
	_cleanup_free_ char *path = netrc_path();
	struct buf text = BUF_INIT, edited = BUF_INIT;
	int r;

	if (!path)
		return error_set(
			err, ERROR_INVALID,
			"There is no HOME, so that there is no ~/.netrc to keep a token in");
	r = fs_read_file(path, NETRC_MAX, &text);
	if (r == 0 || r == -ENOENT) {
		netrc_edit(text.data ? text.data : "", machine, login, password, &edited);
		r = fs_write_atomic(path, 0600, edited.data ? edited.data : "", edited.len);
	}
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (edited.data)
		explicit_bzero(edited.data, edited.len);
	buf_done(&text);
	buf_done(&edited);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

int netrc_store(const char *machine, const char *login, const char *password, struct error *err)
{
	return edit_file(machine, login, password, err);
}

int netrc_remove(const char *machine, struct error *err)
{
	_cleanup_free_ char *there = netrc_password(machine);

	if (!there)
		return 0;
	explicit_bzero(there, strlen(there));
	return edit_file(machine, NULL, NULL, err);
}
