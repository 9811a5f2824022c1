/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers of the Platform API; see api.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/api-priv.h"
#include "cli/config.h"
#include "cli/netrc.h"

#define CONNECT_TIMEOUT_S 15L
#define REQUEST_TIMEOUT_S 120L

void curl_slist_free_all_p(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

static char *env_dup(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? xstrdup(v) : NULL;
}

/* What a request over http needs: who we are, and whom we trust. */
static void find_credentials(struct api *a)
{
	_cleanup_free_ char *authority = host_authority(&a->host), *pinned = NULL;

	a->token = env_dup("TWELVE_API_KEY");
	if (a->host.kind != HOST_HTTP)
		return;
	if (!a->token)
		a->token = netrc_password(authority);
	a->ca = env_dup("TWELVE_CA");
	pinned = config_ca_path(authority);
	if (!a->ca && pinned && fs_exists(pinned))
		a->ca = steal_ptr(pinned);
}

const char *api_ca(const struct api *a)
{
	return a->ca;
}

const char *api_token(const struct api *a)
{
	return a->token;
}

void api_use_token(struct api *a, const char *token)
{
	char *copy = token ? xstrdup(token) : NULL;

	free(a->token);
	a->token = copy;
}

void api_use_password(struct api *a, const char *email, const char *password)
{
	if (a->password)
		explicit_bzero(a->password, strlen(a->password));
	free(a->email);
	free(a->password);
	a->email = email ? xstrdup(email) : NULL;
	a->password = password ? xstrdup(password) : NULL;
}

bool api_is_untrusted(const struct api *a)
{
	return a->untrusted;
}

int api_new(const struct host *take_host, struct api **ret, struct error *err)
{
	struct api *a = xcalloc(1, sizeof(*a));
	bool tls = take_host->kind == HOST_HTTP && str_starts(take_host->path, "https:");

	a->host = *take_host;
	a->ssh_listen_fd = -1;
	a->base = xstrdup(a->host.kind == HOST_HTTP ? a->host.path : "http://127.0.0.1");
	find_credentials(a);
	a->user = env_dup("TWELVE_USER");
	a->key = env_dup("TWELVE_KEY");
	/* Setting up TLS takes longer than all the rest of a short command. */
	if (curl_global_init(tls ? CURL_GLOBAL_DEFAULT : CURL_GLOBAL_NOTHING) == CURLE_OK)
		a->curl = curl_easy_init();
	if (!a->curl) {
		api_free(a);
		return error_set(err, ERROR_SYSTEM, "libcurl can't be started");
	}
	*ret = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	curl_easy_cleanup(a->curl);
	api_reap_ssh(a);
	free(a->ssh_name);
	host_done(&a->host);
	free(a->base);
	if (a->token)
		explicit_bzero(a->token, strlen(a->token));
	free(a->token);
	api_use_password(a, NULL, NULL);
	free(a->ca);
	free(a->user);
	free(a->key);
	free(a);
}

const struct host *api_host(const struct api *a)
{
	return &a->host;
}

static void add_header(struct curl_slist **headers, const char *name, const char *value)
{
	_cleanup_free_ char *line = xasprintf("%s: %s", name, value);

	*headers = curl_slist_append(*headers, line);
}

/* libcurl's sockets are not CLOEXEC: a child that had one would keep the connection open. */
static int on_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
	(void)userdata, (void)purpose;
	return fd_set_cloexec(fd, true) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

void api_prepare(struct api *a, CURL *curl, const char *path, struct curl_slist **headers)
{
	_cleanup_free_ char *url = xasprintf("%s%s%s", a->base, path[0] == '/' ? "" : "/", path);

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "twelve/" TWELVE_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (a->host.kind != HOST_HTTP)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (a->host.kind == HOST_UNIX)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, a->host.path);
	if (a->host.kind == HOST_SSH)
		api_use_ssh(a, curl);
	add_header(headers, "Expect", "");
	if (a->user)
		add_header(headers, "Twelve-User", a->user);
	if (a->key)
		add_header(headers, "Twelve-Key", a->key);
	if (a->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, a->ca);
	if (a->careless) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (a->password) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, a->email);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, a->password);
	} else if (a->token && a->host.kind == HOST_HTTP) {
		_cleanup_free_ char *bearer = xasprintf("Bearer %s", a->token);

		add_header(headers, "Authorization", bearer);
	}
}

static int unreachable(struct api *a, CURL *curl, struct error *err)
{
	long errnum = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &errnum);
	if (a->host.kind == HOST_UNIX && (errnum == EACCES || errnum == EPERM))
		return error_set(err, ERROR_FORBIDDEN,
				 "You may not use %s: add yourself to its group (adduser USER "
				 "twelve, then log in again) or use sudo",
				 a->host.path);
	if (a->host.kind == HOST_UNIX)
		return error_set(
			err, ERROR_UNAVAILABLE,
			"twelved is not running here: nothing answers at %s. Start it (systemctl "
			"start twelved), or name another machine: --host ssh://USER@MACHINE",
			a->host.path);
	return error_set(err, ERROR_UNAVAILABLE, "%s can't be reached: %s",
			 a->host.kind == HOST_SSH ? a->host.machine : a->host.path,
			 errnum ? strerror((int)errnum) : "no connection");
}

int api_transport_error(struct api *a, CURL *curl, CURLcode code, struct error *err)
{
	if (a->ssh_error.kind != ERROR_NONE) {
		*err = a->ssh_error;
		return -1;
	}
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return unreachable(a, curl, err);
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, ERROR_UNAVAILABLE, "There is no machine named %s",
				 a->host.machine);
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, ERROR_UNAVAILABLE, "twelved does not answer");
	case CURLE_PEER_FAILED_VERIFICATION:
		a->untrusted = true;
		return error_set(err, ERROR_UNAVAILABLE,
				 "The certificate of %s is signed by nobody that is trusted here, "
				 "or is for another name: "
				 "twelve login --host %s shows it and asks, TWELVE_CA=FILE names "
				 "who signed it",
				 a->host.path, a->host.path);
	case CURLE_SSL_CACERT_BADFILE:
		return error_set(err, ERROR_INVALID, "%s is not a file of certificates (PEM)",
				 a->ca ? a->ca : "The trust store");
	case CURLE_ABORTED_BY_CALLBACK:
		return error_set(err, ERROR_UNAVAILABLE, "interrupted");
	default:
		break;
	}
	if (a->host.kind == HOST_SSH)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The connection through ssh to %s ended: is twelve installed "
				 "there, and may %s use it?",
				 a->host.machine, a->host.user ? a->host.user : "your user");
	return error_set(err, ERROR_UNAVAILABLE, "The connection to twelved was lost: %s",
			 curl_easy_strerror(code));
}

int api_error(long status, const json_t *body, struct error *err)
{
	static const struct {
		long status;
		enum error_kind kind;
	} kinds[] = {
		{ 400, ERROR_BAD_REQUEST }, { 401, ERROR_UNAUTHORIZED }, { 403, ERROR_FORBIDDEN },
		{ 404, ERROR_NOT_FOUND },   { 409, ERROR_CONFLICT },	 { 413, ERROR_TOO_LARGE },
		{ 422, ERROR_INVALID },	    { 429, ERROR_RATE_LIMIT },	 { 503, ERROR_UNAVAILABLE },
	};
	const char *message = json_string_value(json_object_get(body, "message"));
	enum error_kind kind = ERROR_SYSTEM;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].status == status)
			kind = kinds[i].kind;
	if (message)
		return error_set(err, kind, "%s", message);
	return error_set(err, kind, "The server answered %ld without saying why", status);
}

struct exchange {
	struct buf answer;
	char *next_range;
	bool too_large;
};

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct exchange *x = userdata;

	(void)size;
	x->too_large = x->answer.len + n > API_MAX_ANSWER;
	if (x->too_large)
		return 0;
	buf_append(&x->answer, data, n);
	return n;
}

static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
	static const char name[] = "Next-Range:";
	struct exchange *x = userdata;

	(void)size;
	if (n > sizeof(name) && strncasecmp(data, name, sizeof(name) - 1) == 0) {
		_cleanup_free_ char *value =
			xstrndup(data + sizeof(name) - 1, n - (sizeof(name) - 1));

		free(x->next_range);
		x->next_range = xstrdup(str_trim(value));
	}
	return n;
}

static void set_method(CURL *curl, const char *method, const char *body,
		       struct curl_slist **headers)
{
	if (streq(method, "GET"))
		return;
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (streq(method, "DELETE") && !body)
		return;
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? strlen(body) : 0));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
	add_header(headers, "Content-Type", body ? "application/json" : "");
}

/* One exchange; *ret_json is what came, NULL when it was no JSON. */
static int exchange(struct api *a, const char *method, const char *path, const char *range,
		    const char *body, struct exchange *x, json_t **ret_json, struct error *err)
{
	_cleanup_slist_ struct curl_slist *headers = NULL;
	json_t *json;
	CURLcode code;
	long status = 0;

	api_prepare(a, a->curl, path, &headers);
	add_header(&headers, "Accept", "application/vnd.heroku+json; version=3");
	if (range)
		add_header(&headers, "Range", range);
	set_method(a->curl, method, body, &headers);
	curl_easy_setopt(a->curl, CURLOPT_TIMEOUT, REQUEST_TIMEOUT_S);
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(a->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(a->curl, CURLOPT_HEADERDATA, x);
	code = curl_easy_perform(a->curl);
	if (x->too_large)
		return error_set(err, ERROR_TOO_LARGE, "The answer to %s %s is larger than we take",
				 method, path);
	if (code != CURLE_OK)
		return api_transport_error(a, a->curl, code, err);
	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	json = json_loadb(x->answer.data, x->answer.len, JSON_DECODE_ANY, NULL);
	if (status >= 200 && status < 300) {
		*ret_json = json;
		return 0;
	}
	api_error(status, json, err);
	json_decref(json);
	return -1;
}

static void exchange_done(struct exchange *x)
{
	buf_done(&x->answer);
	free(x->next_range);
}

static int request(struct api *a, const char *method, const char *path, const char *range,
		   json_t *take_body, json_t **ret_json, struct error *err)
{
	_cleanup_free_ char *body = take_body ? json_dumps(take_body, JSON_COMPACT) : NULL;
	_cleanup_free_ char *next = NULL;
	json_t *all = NULL;
	bool one_page = range != NULL;
	int r;

	json_decref(take_body);
	do {
		struct exchange x = { .answer = BUF_INIT };
		json_t *page = NULL;

		r = exchange(a, method, path, next ? next : range, body, &x, &page, err);
		free(next);
		next = r == 0 && !one_page && json_is_array(page) && json_array_size(page)
			       ? steal_ptr(x.next_range)
			       : NULL;
		exchange_done(&x);
		if (all && json_is_array(page)) {
			json_array_extend(all, page);
			json_decref(page);
		} else if (!all) {
			all = page;
		}
	} while (r == 0 && next);
	if (r == 0 && ret_json)
		*ret_json = all;
	else
		json_decref(all);
	return r;
}

int api_request(struct api *a, const char *method, json_t *take_body, json_t **ret_json,
		struct error *err, const char *path_fmt, ...)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	va_list ap;

	va_start(ap, path_fmt);
	buf_vprintf(&path, path_fmt, ap);
	va_end(ap);
	return request(a, method, path.data, NULL, take_body, ret_json, err);
}

int api_get_range(struct api *a, const char *range, json_t **ret_json, struct error *err,
		  const char *path_fmt, ...)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	va_list ap;

	va_start(ap, path_fmt);
	buf_vprintf(&path, path_fmt, ap);
	va_end(ap);
	return request(a, "GET", path.data, range, NULL, ret_json, err);
}

int api_get_untrusted(struct api *a, const char *path, json_t **ret_json, struct error *err)
{
	int r;

	/* The connection that was refused must not be used, nor this one kept. */
	a->careless = true;
	r = request(a, "GET", path, NULL, NULL, ret_json, err);
	a->careless = false;
	curl_easy_cleanup(a->curl);
	a->curl = curl_easy_init();
	return a->curl ? r : error_set(err, ERROR_SYSTEM, "libcurl can't be started");
}

int api_probe(struct api *a, struct error *err)
{
	_cleanup_free_ char *token = steal_ptr(a->token);
	int r;

	a->untrusted = false;
	r = request(a, "GET", "/account", NULL, NULL, NULL, err);
	a->token = steal_ptr(token);
	/* That a token is needed is an answer of the right kind. */
	if (r < 0 && err->kind == ERROR_UNAUTHORIZED) {
		*err = ERROR_INIT;
		r = 0;
	}
	return r;
}

char *api_escape(const char *s)
{
	struct buf b = BUF_INIT;

	for (; *s; s++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~",
			   *s))
			buf_putc(&b, *s);
		else
			buf_printf(&b, "%%%02X", (unsigned int)(unsigned char)*s);
	}
	return b.len ? buf_steal(&b) : xstrdup("");
}
