/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a user of this machine is: the name of a user ID, and whether it is a member of TWELVE_GROUP.
 * The answer may come from a directory on the network (nsswitch.conf(5)), which may be slow or hang, so
 * a thread of its own asks. twelved's thread waits for it for a fifth of a second, once, and then
 * goes by the last answer until the thread has a new one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct peers;

#define PEER_NAME_SIZE 256

struct peer {
	char name[PEER_NAME_SIZE]; /* "": nobody has this user ID */
	bool member;
};

/* Looks up root and our own user at once, who need no group; they are not asked for again. */
int peers_new(const char *group, struct peers **ret, struct error *err);
/* A lookup that hangs is left to the end of the process, with what it works on. */
void peers_free(struct peers *p);

/* ERROR_UNAVAILABLE when there is no answer yet. */
int peers_look(struct peers *p, uid_t uid, struct peer *ret, struct error *err);
