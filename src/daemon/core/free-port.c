/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/free-port.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fd.h"

bool port_is_free(in_addr_t address, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(address) };
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}
