/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the API client share: api.c, api-stream.c, api-raw.c, api-ssh.c. */
#pragma once

#include <curl/curl.h>

#include "base/buf.h"
#include "cli/api.h"

#define API_MAX_ANSWER (64 << 20)
#define API_MAX_SSH 16

struct api {
	struct host host;
	CURL *curl;
	char *base;		/* http://127.0.0.1, or the host's URL */
	char *token;		/* or NULL */
	char *email, *password; /* instead of the token, or NULL */
	char *ca;		/* a file of authorities to trust, or NULL */
	bool untrusted;		/* the last error was an unknown certificate */
	bool careless;		/* takes any certificate, and sends no secret */
	char *user;		/* $TWELVE_USER: whom we speak for, or NULL */
	char *key; /* $TWELVE_KEY: the comment of the SSH key by which they came, or NULL */
	pid_t ssh[API_MAX_SSH];
	size_t n_ssh;
	int ssh_listen_fd; /* what curl connects to; -1: none */
	char *ssh_name;
	struct error ssh_error;
};

/* Fresh options on a handle: where to, how, as whom, with these headers besides. *headers grows. */
void api_prepare(struct api *a, CURL *curl, const char *path, struct curl_slist **headers);
/* What curl's failure means for a person. */
int api_transport_error(struct api *a, CURL *curl, CURLcode code, struct error *err);
void curl_slist_free_all_p(struct curl_slist **l);
#define _cleanup_slist_ __attribute__((cleanup(curl_slist_free_all_p)))

/* api-ssh.c: makes curl connect through ssh. */
void api_use_ssh(struct api *a, CURL *curl);
/* Starts ssh for a connection that curl has just made. -1 with a->ssh_error. */
int api_ssh_join(struct api *a);
/* Waits for the ssh children; their sockets are closed. */
void api_reap_ssh(struct api *a);
