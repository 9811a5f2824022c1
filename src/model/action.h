/* SPDX-License-Identifier: Apache-2.0 */
/* What an action of the audit trail is called by people. */
#pragma once

/* "remove collaborator" for "DELETE /apps/:app/collaborators/:collaborator"; NULL for one that has
 * no words. */
const char *action_words(const char *action);
/*
 * With what is known of it: "remove collaborator" and "collaborator ada@example.com" are "remove
 * collaborator ada@example.com", "change config" and "set GREETING" are "change config: set
 * GREETING". An action without words stands for itself. Heap.
 */
char *action_sentence(const char *action, const char *note);
