/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one speaks to twelve-logs: RUN/logs.sock, SOCK_SEQPACKET (ipc.h).
 * Any number of messages may be sent on a connection.
 *
 * LOGS_SOURCE    from a supervisor, with one or two descriptors: the read ends
 *                of the pipes of stdout and stderr. Fields: app (UUID), source
 *                ("app"), dyno ("web.1"), release. The supervisor keeps both ends
 *                too, so nothing is lost when twelve-logs is killed: it sends this
 *                again on a new connection. The connection's end does not end the
 *                source; the pipe's end does.
 * LOGS_APPEND    from twelved: a line of the platform itself. Fields: app, source
 *                ("heroku" or "app"), dyno ("router", "api", "release.3", "web.1"), text (may hold
 *                several lines).
 * LOGS_READ      from twelved, with one descriptor: where the lines go (a pipe or
 *                stream socket; closed at the end). Fields: app; lines (how many of
 *                the newest, default 100); tail (1: go on); dyno, type, source (filters, each
 *                optional; dyno "web" means every web.N; release, a version; since_ns, wall clock);
 * after (only lines with a greater sequence number; then `lines` does not apply). A line is written
 * as SEQ SP 2026-11-22T10:00:01.000000+00:00 SP source[dyno]: text LF A reader that is slower than
 * the ring gets SEQ SP STAMP SP heroku[logplex]: Error L11 (Tail buffer overflow) -> N lines
 * dropped LF LOGS_FORGET    from twelved: the app was destroyed. Fields: app. LOGS_LINK      from
 * twelved: the lines of this app (an add-on) go into the streams of others as well. Fields: app; to
 * (their ids with blanks between: the whole set, which replaces the one before). LOGS_DRAINS from
 * twelved: where the lines of an app are carried to. Fields: app; name (the app's); release, commit
 * (of its newest release: they go along with its lines); drains (a JSON array, the whole set, which
 * replaces the one before: {id, token, url, format: "raw" | "records", on_full: "drop" | "block",
 * ca (PEM) or null, created_ns}). LOGS_DRAIN_TEST from twelved: sends one marked line to one drain.
 * Fields: app; drain (its id); test (a UUID). How it went is in the drain's status file
 * (logs/drain-status.h), RUN/logs/ID.drain, which anyone may read who may read the directory.
 * LOGS_LOAD      asks how fast an app was. Field: app; the answer is a LOGS_LOAD with the fields
 * app, requests, failed (with a 5xx of the app's own), p95_ms, and for_ms: since when they are
 * counted, which is since this was asked last, or since the app's first request. Then counting
 * begins anew. route_log_measure() (route/route.h) says which requests count. All 0: there was none
 * since twelve-logs was started. LOGS_STAT      asks; the answer is a LOGS_STAT with fields apps,
 * sources, readers, drains, lines, bytes, dropped, rss_bytes.
 *
 * Beside it RUN/router.sock, SOCK_DGRAM: HAProxy's log lines. The message of a
 * line is made by the log-format of the route module:
 *     twelve APP-UUID TEXT
 * where TEXT is stamped as source "heroku", dyno "router".
 */
#pragma once

enum logs_msg {
	LOGS_SOURCE = 1,
	LOGS_APPEND,
	LOGS_READ,
	LOGS_FORGET,
	LOGS_DRAINS,
	LOGS_STAT,
	LOGS_LINK,
	LOGS_DRAIN_TEST,
	LOGS_LOAD,
};
