/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datagram of HAProxy's log: "twelve APP-UUID TEXT", with or without a syslog
 * priority "<134>" before it, with or without LF after it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"

enum router_line {
	ROUTER_LINE_APP,    /* app and text are set */
	ROUTER_LINE_NOTICE, /* HAProxy speaks about itself: text is all of it */
	ROUTER_LINE_NOBODY, /* "twelve - TEXT": a request that was refused before its app was
			       known; text is set */
	ROUTER_LINE_BAD,    /* ours by its first word, but there is no UUID */
};

enum router_line router_line_parse(const char *data, size_t n, char app[static UUID_SIZE],
				   const char **ret_text, size_t *ret_len);
