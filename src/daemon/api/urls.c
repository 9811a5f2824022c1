/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of the platform, as the client of a request reaches it; see call.h. */
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "daemon/api/call.h"
#include "daemon/edge/door.h"

/* By which name the client calls us; never what could break a URL. */
static const char *host_of(struct request *r)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
	const char *host = request_header(r, "Host");

	return host && host[0] && !host[strspn(host, allowed)] ? host : "localhost";
}

char *request_url(struct request *r, const char *fmt, ...)
{
	const char *proto = request_header(r, "X-Forwarded-Proto");
	_cleanup_buf_ struct buf url = BUF_INIT;
	va_list ap;

	buf_printf(&url, "%s://%s", proto && streq(proto, "https") ? "https" : "http", host_of(r));
	va_start(ap, fmt);
	buf_vprintf(&url, fmt, ap);
	va_end(ap);
	return buf_steal(&url);
}

char *request_tls_url(struct request *r, const char *path)
{
	_cleanup_free_ char *authority = door_authority(&request_parts(r)->platform, host_of(r));

	if (request_is_local(r) || !request_parts(r)->platform.settings.api_address[0])
		return request_url(r, "%s", path);
	return xasprintf("https://%s%s", authority, path);
}

char *request_git_url(struct request *r, const char *app_name)
{
	_cleanup_free_ char *path = xasprintf("/%s.git", app_name);

	return request_is_local(r) ? NULL : request_tls_url(r, path);
}
