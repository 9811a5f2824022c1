/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram of HAProxy's log; see router-line.h. */
#include "logs/router-line.h"

#include <ctype.h>
#include <string.h>

#define WORD "twelve "
#define PRIORITY_MAX 5 /* "<191>", RFC 5424 section 6.2.1 */

static size_t priority(const char *data, size_t n)
{
	size_t i = 1;

	if (!n || data[0] != '<')
		return 0;
	while (i < n && i < PRIORITY_MAX - 1 && isdigit((unsigned char)data[i]))
		i++;
	return i > 1 && i < n && data[i] == '>' ? i + 1 : 0;
}

enum router_line router_line_parse(const char *data, size_t n, char app[static UUID_SIZE],
				   const char **ret_text, size_t *ret_len)
{
	size_t skip = priority(data, n);

	data += skip;
	n -= skip;
	while (n && (data[n - 1] == '\n' || data[n - 1] == '\r' || data[n - 1] == '\0'))
		n--;
	*ret_text = data;
	*ret_len = n;
	if (n < strlen(WORD) || memcmp(data, WORD, strlen(WORD)) != 0)
		return ROUTER_LINE_NOTICE;
	data += strlen(WORD);
	n -= strlen(WORD);
	if (n > 2 && memcmp(data, "- ", 2) == 0) {
		*ret_text = data + 2;
		*ret_len = n - 2;
		return ROUTER_LINE_NOBODY;
	}
	if (n < UUID_SIZE || data[UUID_SIZE - 1] != ' ')
		return ROUTER_LINE_BAD;
	memcpy(app, data, UUID_SIZE - 1);
	app[UUID_SIZE - 1] = '\0';
	if (!uuid_is_valid(app))
		return ROUTER_LINE_BAD;
	*ret_text = data + UUID_SIZE;
	*ret_len = n - UUID_SIZE;
	return ROUTER_LINE_APP;
}
