/* SPDX-License-Identifier: Apache-2.0 */
/* The desired state, which only this room writes: releases (wanted/releases.h), the formation
 * (wanted/formation.h) and restarts (wanted/restart.h). After each change it tells one subscriber
 * which app has changed; it depends on no other room for that. */
#pragma once

#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct dynos;
struct logs_client;
struct streams;
struct walls;
struct wanted;

/* The desired state of this app has changed; the rows are written. Called before the change
 * returns, so only take note of it. */
typedef void (*wanted_changed_fn)(const char *app_id, void *userdata);

struct wanted_options {
	const struct platform *platform;
	struct logs_client *logs;  /* changes are told in the app's stream */
	struct dynos *dynos;	   /* one-off ones count for their owner */
	struct streams *streams;   /* where the output of a release phase goes */
	const struct walls *walls; /* whether apps of several owners may be here */
	wanted_changed_fn changed;
	void *userdata;
};
/* All parts are borrowed and outlive it. */
struct wanted *wanted_new(const struct wanted_options *o);
void wanted_free(struct wanted *w);
