/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be sent to twelve-logs: messages in order; per app a count of the lines that found
 * no room; and the messages that each twelve-logs that starts is sent again, such as an app's
 * drains. Knows no socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"

/* Lines are dropped when more waits than this. */
#define OUTBOX_MAX_BYTES (1024 * 1024)

struct queued {
	struct queued *next;
	struct ipc_msg msg; /* owns its descriptors */
};

/* The last message of its type about an app. */
struct standing {
	struct standing *next;
	char *app_id;
	struct ipc_msg msg;
};

struct shortfall;

struct outbox {
	struct queued *first, **last; /* the next to be sent; NULL: none */
	size_t bytes;
	struct shortfall *shortfalls;
	struct standing *standing;
};

void outbox_init(struct outbox *o);
void outbox_done(struct outbox *o);
/* Appends a message and takes what it holds. */
void outbox_push(struct outbox *o, struct ipc_msg *take_msg);
/* Frees the first message. */
void outbox_pop(struct outbox *o);

/* Appends a LOGS_APPEND message. When the outbox is full its lines are counted instead; false then.
 */
bool outbox_push_text(struct outbox *o, const char *app_id, const char *source, const char *dyno,
		      const char *text);
/* Appends a line for each app that lost lines, with their number (L12). False if none did. */
bool outbox_tell_lost(struct outbox *o);

/* Keeps a message and takes what it holds. False if the app's last one of this type said the same;
 * then it is not taken. */
bool outbox_keep_standing(struct outbox *o, const char *app_id, struct ipc_msg *take_msg);
/* Appends a copy. */
void outbox_push_standing(struct outbox *o, const struct standing *k);
void outbox_forget_standing(struct outbox *o, const char *app_id);
