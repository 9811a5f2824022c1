/* SPDX-License-Identifier: Apache-2.0 */
/* What the API keeps between requests; for serve.c and ask-password.c. */
#pragma once

#include "daemon/api/passwords.h"
#include "daemon/api/call.h"
#include "daemon/http/wire.h"
#include "model/guess.h"

struct api {
	struct parts *parts;
	struct guesses *guesses;
	struct passwords *passwords;
	struct peers *peers;
	struct limits *limits; /* of requests with tokens */
};
