/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication: who makes a request. caller.c describes the methods. */
#pragma once

#include "daemon/api/call.h"

/* Fills the call's caller. If the client sent a password, it fills asks_email and asks_password
 * instead, and the password must then be checked with ask-password.h. */
int caller_admit(struct request *r, struct error *err);
/* Makes this user the caller. */
void caller_take_user(struct request *r, const struct user *u);
