/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server alone, with an application of a few lines, over sockets of this process. Client
 * and server share one event loop: a question is written, and the loop runs until the whole answer
 * is there, or the end of the connection.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "daemon/http/http.h"

#define DEADLINE_MS 20000

/* ---- the application ---- */

static struct {
	struct loop *loop;
	struct http *http;
	char dir[64], *path;
	int works;		      /* that are not freed */
	int answered, forgotten;      /* requests */
	struct request *waiting;      /* of /wait */
	struct http_growing *growing; /* of /grow */
	const char *more;	      /* what it gives next; NULL: nothing now */
} t;

static void free_work(void *work)
{
	(void)work;
	t.works--;
	t.waiting = NULL;
}

static void free_growing(void *work)
{
	free_work(work);
	t.growing = NULL;
}

static ssize_t read_growing(void *userdata, char *buf, size_t max)
{
	const char *more = t.more;

	(void)userdata;
	(void)max;
	t.more = NULL;
	if (!more)
		return 0;
	if (!more[0])
		return HTTP_GROWN;
	memcpy(buf, more, strlen(more));
	return (ssize_t)strlen(more);
}

static int waited(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_pack("{s:s}", "message", "waited"));
}

static int no_room(void *userdata, struct error *err)
{
	(void)userdata;
	return error_set(err, ERROR_UNAVAILABLE, "No room");
}

static int begin(struct request *r, struct error *err)
{
	struct request_file f = { .max_bytes = 32 << 20, .setting = "SETTING", .check = no_room };

	request_set_context(r, xstrdup(request_path(r)));
	if (streq(request_path(r), "/none"))
		return error_set(err, ERROR_NOT_FOUND, "Nothing is here");
	if (!streq(request_path(r), "/file"))
		return request_limit_body(r, HTTP_MAX_BODY, HTTP_MAX_DROPPED, err);
	f.take_path = xasprintf("%s/upload", t.dir);
	return request_take_file(r, &f, err);
}

static int answer_list(struct request *r)
{
	json_t *list = json_array();

	for (int i = 1; i <= 5; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:i}", "id", (char[]){ (char)('a' + i), 0 },
						"version", i));
	return request_answer(r, 200, list);
}

static int grow(struct request *r)
{
	static int userdata;

	t.works++;
	return request_answer_growing(r,
				      &(struct http_growing_options){ .content_type = "text/plain",
								      .block = 1024,
								      .read = read_growing,
								      .take_userdata = &userdata,
								      .free = free_growing },
				      &t.growing);
}

static int wait_for_resume(struct request *r)
{
	t.works++;
	t.waiting = r;
	request_defer(r, waited, &t, free_work);
	return 0;
}

static int upload(struct request *r)
{
	struct stat st;

	if (stat(request_upload(r), &st) < 0)
		return -1;
	return request_answer(r, 200, json_pack("{s:I}", "size", (json_int_t)st.st_size));
}

static int answer(struct request *r, struct error *err)
{
	const char *path = request_context(r), *q = request_query(r, "q");
	struct ucred peer;

	if (streq(path, "/file"))
		return upload(r);
	if (request_read_body(r, streq(path, "/form"), err) < 0)
		return -1;
	if (streq(path, "/list"))
		return answer_list(r);
	if (streq(path, "/wait"))
		return wait_for_resume(r);
	if (streq(path, "/grow"))
		return grow(r);
	if (streq(path, "/silent"))
		return 0;
	return request_answer(r, 200,
			      json_pack("{s:s, s:s?, s:O, s:b, s:b}", "path", path, "q", q, "body",
					request_body(r), "local", (int)request_is_local(r), "me",
					request_peer(r, &peer) == 0 && peer.uid == getuid()));
}

static void refuse(struct request *r, const struct error *err)
{
	request_set_header(r, "Because", "of that");
	request_answer(r, error_http_status(err->kind),
		       json_pack("{s:s}", "message", err->message));
}

static void answered(struct request *r, int status)
{
	(void)r;
	(void)status;
	t.answered++;
}

static void forget(void *context)
{
	free(context);
	t.forgotten++;
}

static const struct http_app app = {
	.begin = begin, .answer = answer, .refuse = refuse, .answered = answered, .forget = forget
};

static int setup(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/test-http-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	t.path = xasprintf("%s/sock", t.dir);
	t.loop = loop_new();
	t.http = http_new(t.loop, &app, &t);
	assert_int_equal(
		http_listen(t.http, sock_listen_unix(t.path, SOCK_STREAM, 0600), true, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_free(t.http);
	loop_free(t.loop);
	assert_int_equal(t.works, 0);
	unlink(t.path);
	assert_int_equal(rmdir(t.dir), 0);
	free(t.path);
	return 0;
}

/* ---- the client ---- */

struct reply {
	int status; /* 0: the connection ended */
	char text[65536];
	const char *body;
	json_t *json;
};

static struct {
	int fd;
	struct reply *reply;
	size_t n;
	bool (*until)(void);
} c;

static void on_deadline(void *userdata)
{
	(void)userdata;
	fail_msg("no answer: %.*s", (int)c.n, c.reply ? c.reply->text : "");
}

static void on_look(void *userdata)
{
	if (c.until())
		loop_stop(t.loop);
	else
		watch_arm(*(struct watch **)userdata, 1);
}

/* Runs the loop until it is so. */
static void run_until(bool (*until)(void))
{
	struct watch *look = watch_timer(t.loop, on_look, &look),
		     *deadline = watch_timer(t.loop, on_deadline, NULL);

	c.until = until;
	watch_arm(look, 0);
	watch_arm(deadline, DEADLINE_MS);
	loop_run(t.loop);
	watch_free(look);
	watch_free(deadline);
}

/* Whether the head and all of the body are there. A HEAD has none, but for this it would wait. */
static bool is_whole(void)
{
	const char *head = strstr(c.reply->text, "\r\n\r\n"),
		   *length = strstr(c.reply->text, "Content-Length: ");
	ssize_t n = recv(c.fd, c.reply->text + c.n, sizeof(c.reply->text) - 1 - c.n, MSG_DONTWAIT);

	if (n > 0)
		c.n += (size_t)n;
	if (n == 0)
		return true;
	if (!head)
		return false;
	if (!length || length > head)
		return strstr(head, "0\r\n\r\n") || strstr(c.reply->text, " 304 ");
	return c.n >= (size_t)(head + 4 - c.reply->text) + strtoul(length + 16, NULL, 10);
}

static int connect_client(void)
{
	int fd = sock_connect_unix(t.path, SOCK_STREAM);

	assert_true(fd >= 0);
	return fd;
}

static void read_reply(int fd, struct reply *ret)
{
	memset(ret, 0, sizeof(*ret));
	c.fd = fd;
	c.n = 0;
	c.reply = ret;
	run_until(is_whole);
	if (!c.n)
		return;
	ret->status = atoi(ret->text + strlen("HTTP/1.1 "));
	ret->body = strstr(ret->text, "\r\n\r\n") + 4;
	ret->json = json_loads(ret->body, JSON_DECODE_ANY, NULL);
}

static void send_text(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void send_text(int fd, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	assert_int_equal(fd_write_all(fd, b.data, b.len), 0);
}

/* A question with a body (or NULL) and more header lines (or ""). */
static void ask(int fd, struct reply *ret, const char *method, const char *path,
		const char *headers, const char *body)
{
	send_text(fd, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n%s", method, path,
		  body ? strlen(body) : 0, headers, body ? body : "");
	read_reply(fd, ret);
}

static const char *message(const struct reply *r)
{
	const char *s = json_string_value(json_object_get(r->json, "message"));

	return s ? s : "";
}

static void reply_done(struct reply *r)
{
	json_decref(r->json);
}

static bool has_no_works(void)
{
	return !t.works;
}

static bool has_work(void)
{
	return t.works > 0;
}

/* ---- the cases ---- */

static void test_mistakes_keep_the_connection(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
		const char *says;
	} cases[] = {
		{ "GET", "/none", NULL, 404, "Nothing" },
		{ "POST", "/none", "{}", 404, "Nothing" },
		{ "POST", "/x", "[1]", 400, "a JSON object" },
		{ "POST", "/x", "{\n  \"name\": oops\n}", 400, "line 2" },
		{ "POST", "/x", "{\"a\": \"\xff\"}", 400, "not JSON" },
		{ "POST", "/x", "{\"a\": 1, \"a\": 2}", 400, "duplicate" },
		{ "POST", "/x", "{\"a\": \"\\u0000\"}", 400, "\\u0000" },
		{ "GET", "/silent", NULL, 500, "no answer" },
		{ "GET", "/x", NULL, 200, "" },
	};
	int fd = connect_client();
	static struct reply r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask(fd, &r, cases[i].method, cases[i].path, "", cases[i].body);
		assert_int_equal(r.status, cases[i].status);
		assert_non_null(strstr(message(&r), cases[i].says));
		assert_int_equal(strstr(r.text, "Because: of that") != NULL, r.status != 200);
		reply_done(&r);
	}
	assert_int_equal(t.answered, ARRAY_SIZE(cases));
	close(fd);
}

static void test_what_comes_in(void **state)
{
	int fd = connect_client();
	static struct reply r;
	json_t *expected;

	(void)state;
	ask(fd, &r, "POST", "/a%2Fb?q=%41%20%26", "", "{\"x\": 1}");
	expected = json_pack("{s:s, s:s, s:{s:i}, s:b, s:b}", "path", "/a%2Fb", "q", "A &", "body",
			     "x", 1, "local", 1, "me", 1);
	assert_true(json_equal(r.json, expected));
	json_decref(expected);
	reply_done(&r);
	ask(fd, &r, "POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n",
	    "a=1&b=x+%26&none");
	expected = json_pack("{s:s, s:s}", "a", "1", "b", "x &");
	assert_true(json_equal(json_object_get(r.json, "body"), expected));
	json_decref(expected);
	reply_done(&r);
	close(fd);
}

static void test_request_ids(void **state)
{
	static const char mine[] = "11111111-2222-4333-8444-555555555555";
	_cleanup_free_ char *one = xasprintf("Request-Id: %s\r\n", mine),
			    *two = xasprintf("Request-Id: %s,66666666-2222-4333-8444-555555555555"
					     "\r\n",
					     mine);
	int fd = connect_client();
	static struct reply r;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ask(fd, &r, "GET", "/x", i ? two : one, NULL);
		assert_non_null(strstr(r.text, one));
		reply_done(&r);
	}
	ask(fd, &r, "GET", "/x", "Request-Id: x\"y\r\n", NULL);
	assert_true(uuid_is_valid(strndupa(strstr(r.text, "Request-Id: ") + 12, 36)));
	reply_done(&r);
	close(fd);
}

static void test_bodies_have_a_limit(void **state)
{
	_cleanup_free_ char *big = xcalloc(1, HTTP_MAX_BODY + 1);
	int fd = connect_client();
	static struct reply r;

	(void)state;
	/* Told by its length it is refused at once, and nothing of it is read. */
	send_text(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n");
	read_reply(fd, &r);
	assert_int_equal(r.status, 413);
	assert_non_null(strstr(message(&r), "bytes"));
	reply_done(&r);
	close(fd);
	/* Who waits for "100 Continue" is told before it writes. */
	fd = connect_client();
	send_text(fd, "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue"
		      "\r\n\r\n");
	read_reply(fd, &r);
	assert_int_equal(r.status, 404);
	reply_done(&r);
	close(fd);
	/* In chunks, when it is too much. */
	memset(big, 'x', HTTP_MAX_BODY);
	fd = connect_client();
	send_text(fd, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	fd_set_nonblock(fd, true);
	for (size_t sent = 0, n; sent < 2; sent++) {
		_cleanup_free_ char *chunk =
			xasprintf("%x\r\n%s\r\n", (unsigned)HTTP_MAX_BODY, big);

		for (n = 0; n < strlen(chunk);) {
			ssize_t w = write(fd, chunk + n, strlen(chunk) - n);

			if (w > 0)
				n += (size_t)w;
			else
				event_base_loop(loop_base(t.loop), EVLOOP_ONCE);
		}
	}
	fd_set_nonblock(fd, false);
	send_text(fd, "0\r\n\r\n");
	read_reply(fd, &r);
	assert_int_equal(r.status, 413);
	reply_done(&r);
	close(fd);
}

static void test_what_has_not_changed(void **state)
{
	char etag[64], header[128];
	int fd = connect_client();
	static struct reply r;
	const char *found;

	(void)state;
	ask(fd, &r, "GET", "/x", "", NULL);
	found = strstr(r.text, "ETag: ");
	assert_non_null(found);
	snprintf(etag, sizeof(etag), "%.34s", found + 6);
	reply_done(&r);
	snprintf(header, sizeof(header), "If-None-Match: \"x\", W/%s\r\n", etag);
	ask(fd, &r, "GET", "/x", header, NULL);
	assert_int_equal(r.status, 304);
	assert_string_equal(r.body, "");
	assert_non_null(strstr(r.text, etag));
	reply_done(&r);
	/* What changes something has none. */
	ask(fd, &r, "POST", "/x", header, "{}");
	assert_int_equal(r.status, 200);
	assert_null(strstr(r.text, "ETag"));
	reply_done(&r);
	close(fd);
}

static void test_lists_go_in_pages(void **state)
{
	int fd = connect_client();
	static struct reply r;

	(void)state;
	ask(fd, &r, "GET", "/list", "Range: version 2..4; max=2\r\n", NULL);
	assert_int_equal(r.status, 206);
	assert_int_equal(json_array_size(r.json), 2);
	assert_non_null(strstr(r.text, "Content-Range: version 2..3\r\n"));
	assert_non_null(strstr(r.text, "Next-Range: version ]3..4"));
	reply_done(&r);
	ask(fd, &r, "GET", "/list", "Range: nothing ..\r\n", NULL);
	assert_int_equal(r.status, 416);
	assert_non_null(strstr(r.text, "Because: of that"));
	reply_done(&r);
	ask(fd, &r, "GET", "/list", "Range: bytes=0-10\r\n", NULL);
	assert_int_equal(r.status, 200);
	assert_int_equal(json_array_size(r.json), 5);
	reply_done(&r);
	close(fd);
}

static void test_an_answer_that_takes_long(void **state)
{
	int fd = connect_client();
	static struct reply r;

	(void)state;
	send_text(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(has_work);
	request_resume(t.waiting);
	read_reply(fd, &r);
	assert_string_equal(message(&r), "waited");
	reply_done(&r);
	/* One whose client goes away has nobody to answer. */
	run_until(has_no_works);
	send_text(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(has_work);
	close(fd);
	run_until(has_no_works);
	assert_int_equal(t.answered, 1);
	assert_int_equal(t.forgotten, 2);
}

static bool is_given(void)
{
	return !t.more;
}

static void test_an_answer_that_grows(void **state)
{
	int fd = connect_client();
	static struct reply r;

	(void)state;
	send_text(fd, "GET /grow HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(has_work);
	t.more = "first ";
	http_growing_wake(t.growing);
	run_until(is_given);
	t.more = "";
	http_growing_wake(t.growing);
	read_reply(fd, &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "first "));
	reply_done(&r);
	run_until(has_no_works);
	/* A reader that goes away is let go, though there is nothing to say. */
	send_text(fd, "GET /grow HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(has_work);
	close(fd);
	run_until(has_no_works);
}

static bool upload_is_there(void)
{
	_cleanup_free_ char *path = xasprintf("%s/upload", t.dir);

	return access(path, F_OK) == 0;
}

static bool upload_is_gone(void)
{
	return !upload_is_there();
}

static void test_a_body_that_is_a_file(void **state)
{
	int fd = connect_client();
	static struct reply r;

	(void)state;
	ask(fd, &r, "PUT", "/file", "", "0123456789");
	assert_int_equal(json_integer_value(json_object_get(r.json, "size")), 10);
	reply_done(&r);
	run_until(upload_is_gone);
	/* A client that goes away in the middle leaves nothing. */
	send_text(fd, "PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123");
	run_until(upload_is_there);
	close(fd);
	run_until(upload_is_gone);
}

static void test_it_takes_no_more(void **state)
{
	int waits = connect_client(), grows = connect_client(), idle = connect_client(),
	    sends = connect_client();
	static struct reply r;

	(void)state;
	ask(idle, &r, "GET", "/x", "", NULL);
	assert_int_equal(r.status, 200);
	reply_done(&r);
	send_text(waits, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(has_work);
	send_text(sends, "PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123");
	run_until(upload_is_there);
	http_stop_taking(t.http);
	/* What it had of others is freed by now, and it had no answer. */
	assert_int_equal(t.works, 0);
	assert_int_equal(t.answered, 1);
	read_reply(waits, &r);
	assert_int_equal(r.status, 0);
	send_text(idle, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
	read_reply(idle, &r);
	assert_int_equal(r.status, 0);
	assert_true(sock_connect_unix(t.path, SOCK_STREAM) < 0);
	assert_int_equal(t.answered, 1);
	close(waits);
	close(grows);
	close(idle);
	close(sends);
	run_until(upload_is_gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mistakes_keep_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_comes_in, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies_have_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_has_not_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists_go_in_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_that_takes_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_that_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_body_that_is_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_it_takes_no_more, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
