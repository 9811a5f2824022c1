/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

/*
 * Whether a server could listen on a TCP port of IPv4 now: INADDR_LOOPBACK or INADDR_ANY, in the
 * order of the host. Connections in TIME_WAIT do not count, as for servers.
 */
bool port_is_free(in_addr_t address, uint16_t port);
