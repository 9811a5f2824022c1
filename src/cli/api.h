/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the Platform API, over libcurl: on a unix socket, TCP, TLS, or
 * through `ssh USER@MACHINE twelve dial-stdio`. One connection that is kept
 * for the next request. TLS is set up only for https.
 *
 * URLs that the API hands out (streams, uploads, attach) are asked of the host
 * that we speak to already, by their path and query: over a unix socket or ssh
 * their host name means nothing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define API_DEFAULT_SOCKET "/run/twelve/twelved.sock"

enum host_kind { HOST_UNIX, HOST_HTTP, HOST_SSH };

struct host {
	enum host_kind kind;
	char *path;    /* unix: of the socket; http: the base URL without a slash at the end */
	char *user;    /* ssh: or NULL */
	char *machine; /* ssh: name or address; http: without port */
	char *port;    /* ssh: or NULL */
};

/* NULL: $TWELVE_HOST, else the unix socket of $TWELVE_SOCKET, else the host of `twelve login`, else
 * the default socket. */
int host_parse(const char *text, struct host *ret, struct error *err);
void host_done(struct host *h);

/* "HOST:PORT" of an http URL as written, the machine name in ~/.netrc; "" for other kinds. Heap. */
char *host_authority(const struct host *h);

struct api;

/* For http: the token is $TWELVE_API_KEY, else the one in ~/.netrc. Besides the machine's
 * authorities, trusts the one in $TWELVE_CA, or the one that the user accepted at the login
 * (config.h). */
int api_new(const struct host *take_host, struct api **ret, struct error *err);
void api_free(struct api *a);
const struct host *api_host(const struct api *a);
/* The file of the authority that is trusted for the host in addition to the system's, or NULL. */
const char *api_ca(const struct api *a);

/* The token that requests carry, or NULL; borrowed. */
const char *api_token(const struct api *a);
static inline bool api_has_token(const struct api *a)
{
	return api_token(a) != NULL;
}
/* Another one, or none. */
void api_use_token(struct api *a, const char *token);
/* Authenticates by e-mail address and password instead of the token; NULL: by the token again. */
void api_use_password(struct api *a, const char *email, const char *password);
/* Checks that the host answers and its certificate is trusted. Sends no secret. */
int api_probe(struct api *a, struct error *err);
/* True if the last error was an untrusted certificate. */
bool api_is_untrusted(const struct api *a);
/* A GET without credentials that does not verify the host's certificate: for data that is verified
 * in another way. */
int api_get_untrusted(struct api *a, const char *path, json_t **ret_json, struct error *err);

/* One request; the path is a format. `take_body` (may be NULL) is JSON to send. *ret_json (ret_json
 * may be NULL) is a new reference, NULL if the response is not JSON. Pages of an array are joined.
 */
int api_request(struct api *a, const char *method, json_t *take_body, json_t **ret_json,
		struct error *err, const char *path_fmt, ...) __attribute__((format(printf, 6, 7)));
#define api_get(a, ret, err, ...) api_request((a), "GET", NULL, (ret), (err), __VA_ARGS__)
/* GET with a Range header: one page, as asked. */
int api_get_range(struct api *a, const char *range, json_t **ret_json, struct error *err,
		  const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* Percent-encodes a part of a path. Heap. */
char *api_escape(const char *s);

/* GETs a stream; fn gets each chunk and returns false to stop. last_event_id may be NULL. */
typedef bool (*api_chunk_fn)(const char *data, size_t n, void *userdata);
struct api_stream {
	const char *url;
	const char *accept;	   /* NULL: any */
	const char *last_event_id; /* NULL: none */
	const char *post;	   /* JSON to POST; NULL: it is a GET */
	api_chunk_fn fn;
	void *userdata;
};
int api_stream(struct api *a, const struct api_stream *o, struct error *err);

/* PUTs what fd gives; size -1 when it is not known. */
int api_upload(struct api *a, const char *url, int fd, int64_t size_bytes, struct error *err);

/* A connection turned into a byte stream by an Upgrade; the blocking calls are api_raw_*. */
struct api_raw;
int api_upgrade(struct api *a, const char *url, const char *protocol, struct api_raw **ret,
		struct error *err);
void api_raw_free(struct api_raw *r);
/* To poll for reading. */
int api_raw_fd(const struct api_raw *r);
/* Bytes read, 0 at the end, -EAGAIN when there is nothing now, or another negative errno. */
ssize_t api_raw_read(struct api_raw *r, void *data, size_t n);
/* Writes all. 0 or a negative errno. */
int api_raw_write(struct api_raw *r, const void *data, size_t n);

/* The path and query of a URL; "/" when it has none. Points into it. */
const char *url_path(const char *url);
/* What a status and a body say as an error. */
int api_error(long status, const json_t *body, struct error *err);
