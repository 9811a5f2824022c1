/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes a request: for the `user` of releases and for the log. A plain value that owns nothing.
 */
#pragma once

#include <stdbool.h>

#include "store/store.h"

struct caller {
	char name[256];	 /* for display: an e-mail address, or the comment of an administrator's
			    SSH key. "": nobody */
	char email[256]; /* of the user */
	char user_id[UUID_SIZE];  /* "": the platform itself */
	char token_id[UUID_SIZE]; /* "": over the unix socket, or by password */
	bool admin;
	unsigned scopes; /* of enum scope (model/role.h): the token's; all without a token */
};
