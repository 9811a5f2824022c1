/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of twelve-logs: RUN/logs.sock, SOCK_SEQPACKET (ipc.h). A connection carries any
 * number of messages.
 *
 * LOGS_SOURCE    From a supervisor, with one or two descriptors: the read ends of the pipes of
 *                stdout and stderr. Fields: app (UUID), source ("app"), dyno ("web.1"), release.
 *                The supervisor keeps both ends too, so nothing is lost when twelve-logs is
 *                killed: it sends this again on a new connection. A source ends when its pipe
 *                does, not with the connection.
 * LOGS_APPEND    From twelved: a line of the platform itself. Fields: app, source ("heroku" or
 *                "app"), dyno ("router", "api", "release.3", "web.1"), text (may hold several
 *                lines).
 * LOGS_READ      From twelved, with one descriptor: where the lines go (a pipe or stream socket,
 *                closed at the end). Fields: app; lines (how many of the newest, default 100);
 *                tail (1: follow); filters, each optional: dyno ("web" means every web.N), type,
 *                source, release (a version), since_ns (wall clock); after (only lines with a
 *                greater sequence number; `lines` does not apply then).
 *                ended (1, with dyno: it has ended; the answer begins when all that its pipes
 *                hold has been taken, a line without an end as well).
 *                A line is written as
 *                    SEQ SP 2026-11-22T10:00:01.000000+00:00 SP source[dyno]: text LF
 *                A reader that is slower than the ring gets
 *                    SEQ SP STAMP SP heroku[logplex]: Error L11 (Tail buffer overflow) -> N lines
 *                    dropped LF
 * LOGS_FORGET    From twelved: the app was destroyed. Fields: app.
 * LOGS_LINK      From twelved: the lines of this app (an add-on) also go into the streams of
 *                others. Fields: app; to (their ids, separated by blanks: the whole set, which
 *                replaces the previous one).
 * LOGS_DRAINS    From twelved: the drains of an app. Fields: app; name (the app's); release,
 *                commit (of its newest release, sent along with its lines); drains (a JSON array,
 *                the whole set, which replaces the previous one: {id, token, url, format: "raw" |
 *                "records", on_full: "drop" | "block", ca (PEM) or null, created_ns}).
 * LOGS_DRAIN_TEST From twelved: sends one marked line to one drain. Fields: app; drain (its id);
 *                test (a UUID). The result is in the drain's status file (logs/drain-status.h),
 *                RUN/logs/ID.drain, readable by all who may read the directory.
 * LOGS_LOAD      Asks how fast an app was. Field: app. The answer is a LOGS_LOAD with the fields
 *                app, requests, failed (with a 5xx of the app's own), p95_ms, and for_ms: the
 *                time since the last question, or since the app's first request. Counting then
 *                starts again. route_log_measure() (route/route.h) says which requests count. All
 *                0: there were none since twelve-logs started.
 * LOGS_STAT      Asks for, and answers with, the fields apps, sources, readers, drains, lines,
 *                bytes, dropped, rss_bytes.
 *
 * Beside it RUN/router.sock, SOCK_DGRAM: HAProxy's log lines, made by the log-format of the route
 * module:
 *     twelve APP-UUID TEXT
 * TEXT is stamped as source "heroku", dyno "router".
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
