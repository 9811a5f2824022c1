/* SPDX-License-Identifier: Apache-2.0 */
/* Databases as Heroku's tools see them; api/addon/heroku-data.c. */
#pragma once

#include "daemon/http/http.h"
#include "store/store.h"

/* The first config var that the owner has of an add-on. Heap; NULL when it is not attached there. */
char *api_data_variable(struct request *r, const struct addon *a);
