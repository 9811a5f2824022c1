/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks; see caller.c for how that is known. */
#pragma once

#include "daemon/api/call.h"

/* Fills the call's caller, or the error; or asks_email and asks_password, which have to be asked
 * for then (ask-password.h). */
int caller_admit(struct request *r, struct error *err);
/* The caller is this user. */
void caller_take_user(struct request *r, const struct user *u);
