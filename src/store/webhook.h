/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: where an app's events are told, the events, and how each delivery goes. See store.h for
 * the rules that hold for all records, and webhook-schema.c for who writes events and deliveries:
 * the database itself.
 */
#pragma once

#include "store/store.h"

/* Of an app, the newest, with their deliveries. */
#define WEBHOOK_EVENTS_KEPT_TEXT "1000"

/* What can be told of. Ends with NULL. */
extern const char *const webhook_entities[];

struct webhook {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *include;			    /* JSON array of entities */
	bool sync;			    /* delivered until it is taken; else tried once */
	char *url, *authorization, *secret; /* sealed at rest; authorization may be NULL */
	int64_t created_ms, updated_ms;
};
void webhook_done(struct webhook *w);
void webhook_free_array(struct webhook *w, size_t n);
/* Fills id and times. */
int store_webhook_create(struct store *s, struct webhook *w, struct error *err);
int store_webhook_get(struct store *s, const char *app_id, const char *id, struct webhook *ret,
		      struct error *err);
/* In the order in which they were added. */
int store_webhook_list(struct store *s, const char *app_id, struct webhook **ret, size_t *ret_n,
		       struct error *err);
/* Writes include, sync, url, authorization, secret. */
int store_webhook_update(struct store *s, struct webhook *w, struct error *err);
/* With its deliveries. */
int store_webhook_delete(struct store *s, const char *id, struct error *err);

struct webhook_event {
	int64_t number; /* grows */
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *include, *resource, *action; /* "api:release", "release", "update" */
	char *actor, *data, *previous;	   /* JSON objects */
	int64_t created_ms;
};
void webhook_event_done(struct webhook_event *e);
void webhook_event_free_array(struct webhook_event *e, size_t n);
int store_webhook_event_get(struct store *s, const char *app_id, const char *id,
			    struct webhook_event *ret, struct error *err);
/* Whether a webhook of the app wants to know of this entity. */
int store_webhook_wanted(struct store *s, const char *app_id, const char *include, bool *ret,
			 struct error *err);
/* An event that no trigger writes, as of struct webhook_event. */
struct webhook_news {
	const char *include, *resource, *action, *actor, *data, *previous;
};
int store_webhook_tell(struct store *s, const char *app_id, const struct webhook_news *n,
		       struct error *err);
/* The oldest first. */
int store_webhook_event_list(struct store *s, const char *app_id, struct webhook_event **ret,
			     size_t *ret_n, struct error *err);

struct webhook_delivery {
	int64_t number;
	char id[UUID_SIZE];
	char app_id[UUID_SIZE], webhook_id[UUID_SIZE], event_id[UUID_SIZE];
	char *include; /* of the event */
	bool sync;     /* of the webhook */
	char *status;  /* "pending", "retrying", "failed", "succeeded" */
	int64_t n_attempts;
	int64_t next_ms;	    /* 0: no more attempts */
	char attempt_id[UUID_SIZE]; /* the last; "": none yet */
	int64_t attempt_code;	    /* 0: there was no answer */
	char *attempt_error;	    /* why not, or NULL */
	int64_t attempt_ms;
	int64_t created_ms, updated_ms;
};
void webhook_delivery_done(struct webhook_delivery *d);
void webhook_delivery_free_array(struct webhook_delivery *d, size_t n);
int store_webhook_delivery_get(struct store *s, const char *app_id, const char *id,
			       struct webhook_delivery *ret, struct error *err);
/* The oldest first. */
int store_webhook_delivery_list(struct store *s, const char *app_id, struct webhook_delivery **ret,
				size_t *ret_n, struct error *err);
/* What is to be sent now: the oldest that is due of each webhook. */
int store_webhook_delivery_due(struct store *s, int64_t now_ms, struct webhook_delivery **ret,
			       size_t *ret_n, struct error *err);
/* When the next after now is due; 0: none. */
int store_webhook_delivery_next(struct store *s, int64_t now_ms, int64_t *ret_ms,
				struct error *err);
/* Writes status, n_attempts, next_ms, attempt_*. One that is gone is no error. */
int store_webhook_delivery_update(struct store *s, struct webhook_delivery *d, struct error *err);

/* Calls fn whenever a delivery was written: in the middle of a transaction, so it may only take a
 * note. */
void store_webhook_watch(struct store *s, void (*fn)(void *userdata), void *userdata);
extern const char store_schema_webhooks[], store_schema_more_webhooks[];
