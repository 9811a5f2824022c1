/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of services: addons/NAME/addon.json (docs/addons.md documents the fields and the
 * scripts beside it). Parsing one is a pure function of its text; a service_set has all of them. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SERVICE_NAME_MAX 30
#define SERVICE_MAX_PORTS 4
#define SERVICE_STOP_S_DEFAULT 60
#define SERVICE_PROCESSES_DEFAULT 4096

enum service_databases {
	SERVICE_ONE_DATABASE, /* shared by all who are attached */
	SERVICE_NAMED,	      /* each app has one of its own, by name */
	SERVICE_NUMBERED,     /* by number, from 1 */
};

struct service_plan {
	char *name, *description;
	uint64_t memory_bytes, disk_bytes;
	uint64_t disk_hard_bytes; /* above this no app may write; default: a tenth more than the
				     disk */
	double cpus;		  /* 0: no cap */
	int64_t processes;	  /* and threads, at most */
	json_t *settings;	  /* object of numbers and strings, or NULL */
};

struct service {
	char *name, *human_name, *description, *version;
	char **aliases, **packages, **schemes; /* strv, NULL when empty */
	char **heroku;		   /* the same: its names at Heroku, whose plans differ */
	char **heroku_attachments; /* for each of them, the usual attachment name at Heroku */
	bool tls;		   /* the server speaks TLS, and bin/tls takes its certificate */
	int64_t ports;
	char *attachment;
	json_t *config; /* object: KEY to template, in the manifest's order */
	enum service_databases databases;
	char *client; /* NULL: none */
	char *backup; /* the extension of its files; NULL: no backups */
	int64_t stop_timeout_s;
	struct service_plan *plans;
	size_t n_plans;
	char *dir;
};

/* `label` stands for the file in messages. All of *ret is owned by it: service_done(). */
int service_parse(const char *text, const char *label, const char *dir, struct service *ret,
		  struct error *err);
void service_done(struct service *s);

/* By name; NULL when there is none. */
const struct service_plan *service_plan(const struct service *s, const char *name);
/* The plan for SERVICE:NAME as requested; NAME NULL: the first one. With a Heroku name as SERVICE,
 * "standard-0" selects our "standard" if there is one, and unknown plans select the first. NULL if
 * there is none. */
const struct service_plan *service_plan_meant(const struct service *s, const char *service,
					      const char *name);
/* The usual attachment name for a service that was requested by this name. */
const char *service_usual_attachment(const struct service *s, const char *name);
/* True when it understands URLs of this scheme. */
bool service_has_scheme(const struct service *s, const char *scheme);

struct service_set {
	struct service *list; /* sorted by name */
	size_t n;
	char **problems; /* strv: sentences about manifests that could not be read */
};

/* Reads the directories below each of dirs (NULL-terminated); a later service replaces an earlier
 * one of the same name. Unreadable ones are listed in `problems`; they are not errors. */
void service_set_load(const char *const *dirs, struct service_set *ret);
void service_set_done(struct service_set *s);
/* By name, alias, or name at Heroku. NULL with *err, which suggests similar or existing names. */
const struct service *service_set_find(const struct service_set *s, const char *name,
				       struct error *err);
/* The service that has this URL's scheme; NULL if there is none. */
const struct service *service_set_by_url(const struct service_set *s, const char *url);

/* ---- what the templates of a manifest give ---- */

struct service_values {
	const char *user, *password, *host, *database; /* NULL: "" */
	uint16_t ports[SERVICE_MAX_PORTS];
};

/* A template with its {names} filled in; an unknown name stays as it is. Heap. */
char *service_fill(const char *template, const struct service_values *v);
/* Whether apps connect to the i-th port (0: {port}): a template of `config` names it. The others
 * are the server's own. */
bool service_app_port(const struct service *s, size_t i);
/* The config vars of an attachment: a new object NAME_KEY: value. */
json_t *service_config(const struct service *s, const char *attachment,
		       const struct service_values *v);
