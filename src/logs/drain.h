/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drain: where an app's lines are carried to. It is chosen by its URL:
 *
 *     syslog://host[:514]                 RFC 5424 over TCP, octet counting (RFC 6587)
 *     syslog+tls://host[:6514]            the same over TLS (RFC 5425)
 *     https://[user:password@]host/path   Logplex's format, as Heroku sends it
 *     fluent[+tls]://[user:password@]host[:24224][/tag][?shared_key=K]
 *     elasticsearch+https://[user:password@]host[:9200][?index=I][&api_key=K]
 *     splunk+https://[:token@]host[:8088][?index=I][&sourcetype=S][&ack=true]
 *     loki+https://[user:password@]host[:3100][?tenant=T]
 *     otlp+https://[user:password@]host[:4318][?encoding=json]
 *
 * Where a receiver stands behind a path, that is written whole, in place of the usual one:
 * loki+https://host/insert/loki/api/v1/push.
 *
 * The HTTP ones exist with http, too, for a receiver on the same machine or network. A TLS
 * receiver's certificate is always verified: against the system's authorities, or the
 * drain's own.
 *
 * All of this is pure: values in, bytes out. twelve-logs moves the bytes (logsd/drains.h).
 */
#pragma once

#include "base/error.h"
#include "logs/batch.h"

#define DRAIN_URL_MAX 2048
#define DRAIN_CA_MAX 8192
#define DRAINS_MAX 5 /* of one app */

enum drain_transport {
	DRAIN_SYSLOG,  /* a stream of frames, without answers */
	DRAIN_FORWARD, /* a stream of chunks, each acknowledged */
	DRAIN_HTTP,    /* a request for each batch */
};

/* An answer to a request, as the drivers see it. */
struct drain_reply {
	long status;	  /* 0: none came, and text says why */
	const char *text; /* the body */
	size_t n;
};

enum drain_verdict {
	DRAIN_DONE,
	DRAIN_RETRY,  /* all of it, later */
	DRAIN_AGAIN,  /* send what batch_keep() left again, at once or later (.at_once) */
	DRAIN_REFUSED /* never again: its lines are lost and counted */
};

struct drain_judgement {
	enum drain_verdict verdict;
	bool at_once;
	uint64_t n_refused; /* lines that are lost though the rest is well */
	char message[200];  /* why, unless all is well */
};

struct drain_header {
	char name[40], value[512];
};
#define DRAIN_HEADERS_MAX 8

struct drain_driver {
	const char *scheme; /* "splunk" */
	enum drain_transport transport;
	uint16_t port, tls_port;
	const char *path;	    /* when the URL has none */
	const char *const *options; /* names in the query, NULL at the end */
	bool has_records;	    /* the receiver knows fields */
	bool gzip;		    /* bodies are compressed */
	bool has_token;		    /* the URL's password is a token, not an HTTP password */
	size_t batch_bytes;	    /* of a batch, before compression */
	unsigned max_tries;	    /* answers that say "later"; 0: as often as it takes */
	void (*put)(struct batch *b, const struct batch_line *line);
	void (*end)(struct batch *b); /* NULL: nothing is left to do */
	/* HTTP: fills up to DRAIN_HEADERS_MAX headers, returns how many. */
	size_t (*headers)(const struct batch *b, struct drain_header *h);
	void (*judge)(struct batch *b, const struct drain_reply *r, struct drain_judgement *j);
};

extern const struct drain_driver drain_syslog, drain_logplex, drain_fluent, drain_elastic,
	drain_splunk, drain_loki, drain_otlp;
/* All, NULL at the end. */
extern const struct drain_driver *const drain_drivers[];

struct drain_target {
	const struct drain_driver *driver;
	bool tls;
	char *host;
	uint16_t port;
	char *user, *password; /* NULL when there is none */
	char *path;	       /* with its slash; without the query */
	char *query;	       /* as written, or NULL */
	char *options; /* the query's NAME=VALUE pairs, decoded: NAME NUL VALUE NUL ... NUL */
};

/* ERROR_INVALID with a message that never contains the URL's secrets. The caller frees *ret by
 * drain_target_done(). */
int drain_target_parse(const char *url, struct drain_target *ret, struct error *err);
void drain_target_done(struct drain_target *t);
/* The value of an option of the URL, or NULL. */
const char *drain_option(const struct drain_target *t, const char *name);
/* Where requests go: a URL without secrets. The caller frees. */
char *drain_http_url(const struct drain_target *t);
/* scheme://host:port, for messages. The caller frees. */
char *drain_target_name(const struct drain_target *t);
/* The URL with its secrets replaced by ***. The caller frees. */
char *drain_mask_url(const char *url);

/* The default format of a drain: "raw" or "records". */
const char *drain_default_format(const struct drain_target *t);
/* ERROR_INVALID if the format is unknown, or not possible for this kind of drain. */
int drain_check_format(const struct drain_target *t, const char *format, struct error *err);
/* Certificates in PEM. */
int drain_check_ca(const struct drain_target *t, const char *pem, struct error *err);

/* The pause before try n (from 1), full jitter: [0, min(30 s, 1 s * 2^(n-1))], at least 100 ms.
 * `random` is any number. */
int64_t drain_backoff_ms(unsigned n, uint32_t random);

/* "N messages dropped since TS": the notice that goes before the next line. */
#define DRAIN_NOTICE_MAX 160
void drain_notice(uint64_t n, int64_t since_ns, char text[static DRAIN_NOTICE_MAX]);

/* "<190>1 ": priority and version; local0, local3, local5 and local7, as Heroku has them. */
const char *syslog_priority(const struct log_record *r);
/* One frame, as the syslog drains send it. */
void syslog_put_frame(struct batch *b, const struct batch_line *line, struct buf *out);
