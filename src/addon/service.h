/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services as they are described: addons/NAME/addon.json (docs/addons.md has
 * the fields and what the scripts beside it do). Reading one is a pure function of
 * its text; service_set keeps all that are there.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SERVICE_NAME_MAX 30
#define SERVICE_MAX_PORTS 4
#define SERVICE_STOP_S_DEFAULT 60

enum service_databases {
	SERVICE_ONE_DATABASE, /* shared by all who are attached */
	SERVICE_NAMED,	      /* each app has one of its own, by name */
	SERVICE_NUMBERED,     /* by number, from 1 */
};

struct service_plan {
	char *name, *description;
	uint64_t memory_bytes, disk_bytes;
	uint64_t disk_hard_bytes; /* beyond this nobody of an app may write; unless given, a tenth
				     more than the disk */
	double cpus;		  /* 0: no cap */
	json_t *settings;	  /* object of numbers and strings, or NULL */
};

struct service {
	char *name, *human_name, *description, *version;
	char **aliases, **packages, **schemes; /* strv, NULL when empty */
	char **heroku; /* the same: what it is called at Heroku, where its plans are others */
	char **heroku_attachments; /* of each of them, the usual name of an attachment there */
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
/*
 * The plan that is meant by SERVICE:NAME, where SERVICE is what it was asked for by; NAME NULL is
 * the first. Under one of its names at Heroku "standard-0" is our "standard", if there is such a
 * one, and the first stands for one that is not here. NULL when there is none.
 */
const struct service_plan *service_plan_meant(const struct service *s, const char *service,
					      const char *name);
/* The usual name of an attachment of what was asked for by this name. */
const char *service_usual_attachment(const struct service *s, const char *name);
/* "256M", "2G": bytes; false for anything else or less than 1 MiB. */
bool service_size_parse(const char *text, uint64_t *ret);
/* True when it understands URLs of this scheme. */
bool service_has_scheme(const struct service *s, const char *scheme);

struct service_set {
	struct service *list; /* sorted by name */
	size_t n;
	char **problems; /* strv: sentences about manifests that could not be read */
};

/*
 * Reads the directories below each of dirs (NULL-terminated); a later one replaces an
 * earlier one of the same name. What can't be read is in `problems`, not an error.
 */
void service_set_load(const char *const *dirs, struct service_set *ret);
void service_set_done(struct service_set *s);
/* By name, alias, or name at Heroku. NULL with *err, which names what is near or what there is. */
const struct service *service_set_find(const struct service_set *s, const char *name,
				       struct error *err);
/* The service whose schemes have this URL's; NULL when none does. */
const struct service *service_set_by_url(const struct service_set *s, const char *url);

/* ---- what the templates of a manifest give ---- */

struct service_values {
	const char *user, *password, *host, *database; /* NULL: "" */
	uint16_t ports[SERVICE_MAX_PORTS];
};

/* A template with its {names} filled in; an unknown name stays as it is. Heap. */
char *service_fill(const char *template, const struct service_values *v);
/* The config vars of an attachment: a new object NAME_KEY: value. */
json_t *service_config(const struct service *s, const char *attachment,
		       const struct service_values *v);
