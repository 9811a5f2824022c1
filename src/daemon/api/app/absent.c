/* SPDX-License-Identifier: Apache-2.0 */
/* What Heroku has and this platform has not: its clients ask for it, and are told that there is none. */
#include "daemon/api/table.h"

static int api_no_rows(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_array());
}

static int api_no_session(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 404,
			      json_pack("{s:s, s:s, s:s}", "id", "not_found", "resource", "session",
					"message", "Couldn't find that session."));
}

static int api_no_such(struct request *r, struct error *err)
{
	(void)r;
	return error_set(
		err, ERROR_NOT_FOUND,
		"Couldn't find that: there are no teams, spaces and enterprise accounts here");
}

const struct api_route no_oauth_routes[] = {
	{ "GET", "/oauth/clients", NEED_USER, api_no_rows, "OAuth clients; none",
	  .answer = "[oauth-client]" },
	{ "GET", "/oauth/sessions", NEED_USER, api_no_rows, "sessions in browsers; none" },
	{ "DELETE", "/oauth/sessions/:session", NEED_USER, api_no_session,
	  "sessions; there are none" },
	{ 0 },
};

const struct api_route absent_routes[] = {
	{ "GET", "/account/invoices", NEED_USER, api_no_rows, "invoices; none",
	  .answer = "[invoice]" },
	{ "GET", "/teams/:team", NEED_USER, api_no_such, "a team; there are none",
	  .answer = "team" },
	{ "GET", "/spaces", NEED_USER, api_no_rows, "spaces; none", .answer = "[space]" },
	{ "GET", "/spaces/:space", NEED_USER, api_no_such, "a space; there are none",
	  .answer = "space" },
	{ "GET", "/enterprise-accounts", NEED_USER, api_no_rows, "enterprise accounts; none",
	  .answer = "[enterprise-account]" },
	{ "GET", "/enterprise-accounts/:account", NEED_USER, api_no_such,
	  "an enterprise account; there are none", .answer = "enterprise-account" },
	{ 0 },
};

const struct api_route no_teams_routes[] = {
	{ "GET", "/teams", NEED_USER, api_no_rows, "teams; none", .answer = "[team]" },
	{ 0 },
};
