/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

/* Whether a server could listen on this IPv4 TCP port now, at INADDR_LOOPBACK or INADDR_ANY (host
 * byte order). Connections in TIME_WAIT do not count. */
bool port_is_free(in_addr_t address, uint16_t port);
