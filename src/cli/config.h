/* SPDX-License-Identifier: Apache-2.0 */
/* Files that `twelve login` writes besides the token, in $XDG_CONFIG_HOME/twelve
 * (~/.config/twelve): the default host (the file "host", one line), and for each host the authority
 * that the user accepted (ca/HOST_PORT.pem). */
#pragma once

#include "base/error.h"

/* The host, or NULL. Heap. */
char *config_host(void);
int config_set_host(const char *url, struct error *err);
/* When it is this one. */
int config_forget_host(const char *url, struct error *err);
/* The path for the authority of "HOST:PORT", whether the file exists or not; NULL without a home
 * directory. Heap. */
char *config_ca_path(const char *authority);
int config_set_ca(const char *authority, const char *pem, struct error *err);
