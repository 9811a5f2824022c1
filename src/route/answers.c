/* SPDX-License-Identifier: Apache-2.0 */
/* What HAProxy answers to "show stat", "show servers state" and "show proc". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route.h"

#define COLUMNS_MAX 160
#define ADMIN_MAINT 0x23 /* by the runtime socket, inherited, by DNS */
#define ADMIN_DRAIN 0x18

/* Splits a line of CSV in place (RFC 4180 quotes); returns how many fields there are. */
static size_t split_csv(char *line, char *fields[static COLUMNS_MAX])
{
	size_t n = 0;

	while (n < COLUMNS_MAX) {
		char *to = line, *start = line;
		bool quoted = *line == '"';

		for (line += quoted; *line && (quoted || *line != ','); line++)
			if (quoted && *line == '"' && line[1] != '"')
				quoted = false;
			else {
				line += quoted && *line == '"';
				*to++ = *line;
			}
		fields[n++] = start;
		if (!*line) {
			*to = '\0';
			return n;
		}
		line++;
		*to = '\0';
	}
	return n;
}

static size_t split_words(char *line, char *fields[static COLUMNS_MAX])
{
	char *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t", &save); w && n < COLUMNS_MAX;
	     w = strtok_r(NULL, " \t", &save))
		fields[n++] = w;
	return n;
}

struct table {
	char *names[COLUMNS_MAX], *fields[COLUMNS_MAX];
	size_t n_names, n_fields;
};

static const char *cell(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_names && i < t->n_fields; i++)
		if (streq(t->names[i], name))
			return t->fields[i];
	return NULL;
}

static uint64_t number(const struct table *t, const char *name)
{
	const char *s = cell(t, name);

	return s ? strtoull(s, NULL, 10) : 0;
}

static void make_stat(const struct table *t, struct route_stat *ret)
{
	const char *addr = cell(t, "addr"), *colon = addr ? strrchr(addr, ':') : NULL;
	_cleanup_free_ char *address = colon ? xstrndup(addr, (size_t)(colon - addr)) : NULL;

	*ret = (struct route_stat){
		.sessions = number(t, "scur"),
		.requests = number(t, "req_tot"),
		.responses_5xx = number(t, "hrsp_5xx"),
		.cut_off = number(t, "srv_abrt"),
	};
	if (!address || !route_place_parse(address, colon + 1, &ret->place))
		ret->place.port = 0;
	snprintf(ret->backend, sizeof(ret->backend), "%s", cell(t, "pxname"));
	snprintf(ret->server, sizeof(ret->server), "%s", cell(t, "svname"));
	snprintf(ret->status, sizeof(ret->status), "%s", cell(t, "status"));
}

int route_parse_stat(const char *csv, void (*fn)(const struct route_stat *s, void *userdata),
		     void *userdata, struct error *err)
{
	_cleanup_free_ char *text = xstrdup(csv);
	struct route_stat stat;
	struct table t = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, "# pxname,")) {
			t.n_names = split_csv(line + 2, t.names);
			continue;
		}
		t.n_fields = split_csv(line, t.fields);
		if (!cell(&t, "pxname") || !cell(&t, "svname") || !cell(&t, "status"))
			return error_set(err, ERROR_UNAVAILABLE,
					 "haproxy answered \"%.200s\" to show stat", line);
		make_stat(&t, &stat);
		fn(&stat, userdata);
	}
	if (!t.n_names)
		return error_set(err, ERROR_UNAVAILABLE, "haproxy answered nothing to show stat");
	return 0;
}

static void make_server(const struct table *t, struct route_server *ret)
{
	unsigned admin = (unsigned)number(t, "srv_admin_state");

	*ret = (struct route_server){ .state = ROUTE_FREE };
	if (!route_place_parse(cell(t, "srv_addr"), cell(t, "srv_port"), &ret->place) ||
	    !ret->place.port) {
		ret->place.port = 0;
		return;
	}
	ret->state = admin & (ADMIN_MAINT | ADMIN_DRAIN) ? ROUTE_DRAIN : ROUTE_READY;
}

int route_parse_servers(const char *text, struct route_server **ret, size_t *ret_n,
			struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	_cleanup_free_ struct route_server *servers = NULL;
	struct table t = { 0 };
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, "# be_id")) {
			t.n_names = split_words(line + 2, t.names);
			continue;
		}
		if (!t.n_names && streq(str_trim(line), "1"))
			continue; /* the format's version */
		t.n_fields = split_words(line, t.fields);
		if (!cell(&t, "srv_addr") || !cell(&t, "srv_port") || !cell(&t, "srv_admin_state"))
			return error_set(err, ERROR_NOT_FOUND, "haproxy: %.200s", line);
		servers = xrealloc(servers, (n + 1) * sizeof(*servers));
		make_server(&t, &servers[n++]);
	}
	*ret = steal_ptr(servers);
	*ret_n = n;
	return 0;
}

static void take_proc(const char *line, struct route_procs *p)
{
	int64_t pid, reloads, failed;
	char type[16];

	if (sscanf(line, "%" SCNd64 " %15s %" SCNd64, &pid, type, &reloads) != 3)
		return;
	if (streq(type, "master")) {
		p->master = pid;
		p->reloads = reloads;
		if (sscanf(line, "%*d %*s %*d [failed: %" SCNd64 "]", &failed) == 1)
			p->failed = failed;
	}
}

int route_parse_procs(const char *text, struct route_procs *ret, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct route_procs p = { 0 };
	bool old = false;
	char *save = NULL;
	int64_t pid;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, "# old workers"))
			old = true;
		take_proc(line, &p);
		if (sscanf(line, "%" SCNd64 " worker", &pid) != 1 || !strstr(line, "worker"))
			continue;
		if (old && p.n_old < ARRAY_SIZE(p.old))
			p.old[p.n_old++] = pid;
		else if (!old)
			p.worker = pid;
	}
	if (!p.master)
		return error_set(err, ERROR_UNAVAILABLE,
				 "haproxy's master answered \"%.200s\" to show proc", text);
	*ret = p;
	return 0;
}
