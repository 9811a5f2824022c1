/* SPDX-License-Identifier: Apache-2.0 */
/* The file ~/.netrc as the heroku command and curl use it: "machine HOST:PORT login EMAIL password
 * TOKEN", in any layout, also with "default" and "macdef". Other entries are preserved byte for
 * byte. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* The password of the first entry for this machine in a netrc's text; NULL if there is none. Heap.
 */
char *netrc_find(const char *text, const char *machine);
/* Appends the text to out with this machine's entry replaced, or removed if login is NULL. */
void netrc_edit(const char *text, const char *machine, const char *login, const char *password,
		struct buf *out);

/* The same with the file. NULL: none. Heap; wipe it. */
char *netrc_password(const char *machine);
/* Written anew, by a rename, with mode 0600. */
int netrc_store(const char *machine, const char *login, const char *password, struct error *err);
int netrc_remove(const char *machine, struct error *err);
