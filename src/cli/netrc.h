/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file ~/.netrc, as the heroku command and curl have it: "machine HOST:PORT login EMAIL
 * password TOKEN", in any layout, with "default" and "macdef" besides. What is not ours stays byte
 * for byte.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* The password of the first entry for this machine, in the text of a netrc; NULL when there is
 * none. Heap. */
char *netrc_find(const char *text, const char *machine);
/* The text with the entry for this machine replaced or, with login NULL, taken out. Appended to
 * out. */
void netrc_edit(const char *text, const char *machine, const char *login, const char *password,
		struct buf *out);

/* The same with the file. NULL: none. Heap; wipe it. */
char *netrc_password(const char *machine);
/* Written anew, by a rename, with mode 0600. */
int netrc_store(const char *machine, const char *login, const char *password, struct error *err);
int netrc_remove(const char *machine, struct error *err);
