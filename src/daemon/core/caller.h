/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: for `user` of releases and for the log. A value: it is copied, and owns nothing. */
#pragma once

#include <stdbool.h>

#include "store/store.h"

struct caller {
	char name[256];	 /* for people: an e-mail address; of an administrator's SSH key, its
			    comment. "": nobody */
	char email[256]; /* of the user */
	char user_id[UUID_SIZE];  /* "": the platform itself */
	char token_id[UUID_SIZE]; /* "": over the unix socket, or by password */
	bool admin;
	unsigned scopes; /* of enum scope (model/role.h): what the token is for; all without one */
};
