/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts; see host.h. */
#include "model/host.h"

#include <ctype.h>
#include <idn2.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/names.h"

#define WILDCARD "*."

/* libidn2's memory is its own. */
static char *copy_idn(char *take)
{
	char *copy = xstrdup(take);

	idn2_free(take);
	return copy;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static int translate(const char *name, char **ret, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE], *ascii = NULL;
	int r = utf8_span(name, strlen(name)) == strlen(name)
			? idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT)
			: IDN2_ENCODING_ERROR;

	if (r != IDN2_OK)
		return error_set(err, ERROR_INVALID, "Hostname \"%s\" is no international name: %s",
				 name_excerpt(excerpt, name), idn2_strerror(r));
	*ret = copy_idn(ascii);
	return 0;
}

int host_from_text(const char *text, char **ret, struct error *err)
{
	_cleanup_free_ char *name = xstrdup(text), *ascii = NULL, *host = NULL;
	const char *prefix = str_starts(name, WILDCARD) ? WILDCARD : "";
	size_t n = strlen(name);

	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	if (is_ascii(name))
		ascii = xstrdup(name + strlen(prefix));
	else if (translate(name + strlen(prefix), &ascii, err) < 0)
		return -1;
	host = xasprintf("%s%s", prefix, ascii);
	if (name_check_domain(host, err) < 0)
		return -1;
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = steal_ptr(host);
	return 0;
}

char *host_to_text(const char *host)
{
	const char *prefix = str_starts(host, WILDCARD) ? WILDCARD : "";
	_cleanup_free_ char *name = NULL;
	char *text = NULL;

	if (idn2_to_unicode_8z8z(host + strlen(prefix), &text, 0) != IDN2_OK)
		return xstrdup(host);
	name = copy_idn(text);
	return xasprintf("%s%s", prefix, name);
}
