/* SPDX-License-Identifier: Apache-2.0 */
/* Where twelved is, from --host or the environment; see api.h. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/api.h"
#include "cli/config.h"

void host_done(struct host *h)
{
	free(h->path);
	free(h->user);
	free(h->machine);
	free(h->port);
	*h = (struct host){ 0 };
}

static int bad_host(const char *text, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "--host: expected unix:///PATH, ssh://USER@MACHINE, http://HOST:PORT or "
			 "https://HOST, found \"%.200s\"",
			 text);
}

/* [USER@]MACHINE[:PORT], as an ssh URL has it; an IPv6 address in brackets. */
static int parse_authority(const char *text, const char *s, struct host *h, struct error *err)
{
	_cleanup_free_ char *authority = xstrndup(s, strcspn(s, "/"));
	char *at = strrchr(authority, '@'), *machine = at ? at + 1 : authority, *end;

	if (at) {
		*at = '\0';
		h->user = xstrdup(authority);
	}
	end = machine[0] == '[' ? strchr(machine, ']') : NULL;
	if (end) {
		machine++;
		*end++ = '\0';
	} else {
		end = machine + strcspn(machine, ":");
	}
	if (*end == ':')
		h->port = xstrdup(end + 1);
	*end = '\0';
	h->machine = xstrdup(machine);
	/* What begins with a dash would be an option of ssh. */
	if (!*machine || *machine == '-' || (h->user && (!*h->user || *h->user == '-')) ||
	    (h->port && !*h->port))
		return bad_host(text, err);
	return 0;
}

static int parse_http(const char *text, struct host *h, struct error *err)
{
	size_t len = strlen(text);

	h->kind = HOST_HTTP;
	while (len && text[len - 1] == '/')
		len--;
	h->path = xstrndup(text, len);
	return parse_authority(text, strstr(text, "://") + 3, h, err);
}

static int parse_into(const char *text, struct host *h, struct error *err)
{
	if (str_starts(text, "unix://") || text[0] == '/') {
		h->kind = HOST_UNIX;
		h->path = xstrdup(text[0] == '/' ? text : text + strlen("unix://"));
		return h->path[0] == '/' ? 0 : bad_host(text, err);
	}
	if (str_starts(text, "ssh://")) {
		h->kind = HOST_SSH;
		return parse_authority(text, text + strlen("ssh://"), h, err);
	}
	if (str_starts(text, "http://") || str_starts(text, "https://"))
		return parse_http(text, h, err);
	return bad_host(text, err);
}

char *host_authority(const struct host *h)
{
	const char *start = h->kind == HOST_HTTP ? strstr(h->path, "://") + 3 : "";
	const char *at = strchr(start, '@');

	start = at ? at + 1 : start;
	return xstrndup(start, strcspn(start, "/"));
}

static const char *env_or(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return v && *v ? v : fallback;
}

int host_parse(const char *text, struct host *ret, struct error *err)
{
	_cleanup_free_ char *configured = NULL;
	struct host h = { 0 };

	if (!text)
		text = env_or("TWELVE_HOST", NULL);
	if (!text && !env_or("TWELVE_SOCKET", NULL))
		text = configured = config_host();
	if (!text) {
		h.kind = HOST_UNIX;
		h.path = xstrdup(env_or("TWELVE_SOCKET", API_DEFAULT_SOCKET));
	} else if (parse_into(text, &h, err) < 0) {
		host_done(&h);
		return -1;
	}
	*ret = h;
	return 0;
}

const char *url_path(const char *url)
{
	const char *scheme = strstr(url, "://"), *slash;

	if (!scheme)
		return *url ? url : "/";
	slash = strchr(scheme + 3, '/');
	return slash ? slash : "/";
}
