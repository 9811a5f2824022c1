/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the settings share: core/settings.c, core/settings-paths.c. */
#pragma once

#include "daemon/core/settings.h"

/* Defaults that depend on where this program is installed; heap strings. */
char *settings_find_libexec(void);
char *settings_find_data(void);
char *settings_find_cli(void);
/* So many builds at a time as this machine is good for. */
char *settings_find_builds(void);
char *settings_find_build_memory(void);
