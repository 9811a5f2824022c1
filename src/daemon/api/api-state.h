/* SPDX-License-Identifier: Apache-2.0 */
/* The state that the API keeps between requests. Private to the API's own files. */
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
