/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks up users of this machine: the name of a user ID, and whether it is a member of
 * TWELVE_GROUP. The lookup may go to a directory server (nsswitch.conf(5)) that is slow or hangs,
 * so it runs on a separate thread. twelved's thread waits for the first result for at most 200 ms;
 * after that it uses the last known result until the thread has a new one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct peers;

#define PEER_NAME_SIZE 256

struct peer {
	char name[PEER_NAME_SIZE]; /* "": there is no such user ID */
	bool member;
};

/* Looks up root and the user of this process once, now; they need no group. */
int peers_new(const char *group, struct peers **ret, struct error *err);
/* A lookup that hangs is not waited for; its thread and memory last until the process ends. */
void peers_free(struct peers *p);

/* ERROR_UNAVAILABLE if there is no result yet. */
int peers_look(struct peers *p, uid_t uid, struct peer *ret, struct error *err);
