/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of the actions in the audit trail. */
#pragma once

/* "remove collaborator" for "DELETE /apps/:app/collaborators/:collaborator"; NULL if there is no
 * description. */
const char *action_words(const char *action);
/* Combined with its note: "remove collaborator" and "collaborator ada@example.com" give "remove
 * collaborator ada@example.com", "change config" and "set GREETING" give "change config: set
 * GREETING". An action without a description is used as it is. Heap. */
char *action_sentence(const char *action, const char *note);
