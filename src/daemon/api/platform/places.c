/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks and regions. There is one stack and one region, this machine; but programs declare apps
 * with Heroku's names of them, and compare what they declared with what they find. So these names
 * stand for ours, and an app keeps the one that it was given.
 */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/api/shapes.h"
#include "model/names.h"
#include "stack/stack.h"

static void put_times(struct request *r, json_t *j)
{
	json_object_set_new(j, "created_at", json_time(request_parts(r)->platform.started_ms));
	json_object_set_new(j, "updated_at", json_time(request_parts(r)->platform.started_ms));
}

static json_t *list_stacks(struct request *r)
{
	json_t *list = json_array();

	for (size_t i = 0; stack_names[i]; i++) {
		json_t *j = api_stack_ref(stack_names[i]);

		json_object_update_new(
			j, json_pack("{s:s, s:b}", "state", "public", "default", i == 0));
		put_times(r, j);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *list_regions(struct request *r)
{
	json_t *list = json_array();

	for (size_t i = 0; region_names[i]; i++) {
		json_t *j = api_region_ref(region_names[i]);

		json_object_update_new(j,
				       json_pack("{s:s, s:s, s:s, s:b}", "description",
						 "This machine", "country", "This machine",
						 "locale", "This machine", "private_capable", 0));
		/* The schema has a list of places that this must be one of. */
		json_object_update_new(j, json_pack("{s:{s:s, s:s}}", "provider", "name", "twelve",
						    "region", "us-east-1"));
		put_times(r, j);
		json_array_append_new(list, j);
	}
	return list;
}

static int api_stacks(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, list_stacks(r));
}

static int api_stack_get(struct request *r, struct error *err)
{
	return api_answer_one(r, list_stacks(r), "stack", err);
}

static int api_regions(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, list_regions(r));
}

static int api_region_get(struct request *r, struct error *err)
{
	return api_answer_one(r, list_regions(r), "region", err);
}

const struct api_route places_routes[] = {
	{ "GET", "/stacks", NEED_USER, api_stacks,
	  "stacks: ours, and Heroku's names that stand for it", .answer = "[stack]" },
	{ "GET", "/stacks/:stack", NEED_USER, api_stack_get, "one stack", .answer = "stack" },
	{ "GET", "/regions", NEED_USER, api_regions, "regions: this machine, by both of its names",
	  .answer = "[region]" },
	{ "GET", "/regions/:region", NEED_USER, api_region_get, "one region", .answer = "region" },
	{ 0 },
};
