/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that go out; see http/post.h. */
#include "daemon/http/post.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

#define CONNECT_MS 10000L

struct http_posts {
	struct loop *loop;
	CURLM *multi;
	struct watch *timer;
	struct http_post *first;
};

struct http_post {
	struct http_posts *owner;
	struct http_post *next;
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	http_post_fn fn;
	void *userdata;
};

/* What libcurl waits for: one descriptor. */
struct post_socket {
	struct http_posts *owner;
	curl_socket_t fd;
	struct watch *readable, *writable;
};

static void post_free(struct http_post *post)
{
	struct http_post **at = &post->owner->first;

	while (*at && *at != post)
		at = &(*at)->next;
	if (*at)
		*at = post->next;
	if (post->easy) {
		curl_multi_remove_handle(post->owner->multi, post->easy);
		curl_easy_cleanup(post->easy);
	}
	curl_slist_free_all(post->headers);
	free(post);
}

static void collect(struct http_posts *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct http_post *post = NULL;
		CURLcode code = m->data.result;
		long status = 0;

		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &post) != CURLE_OK)
			continue;
		if (code == CURLE_OK)
			curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		post->fn(status,
			 status		  ? NULL
			 : post->error[0] ? post->error
					  : curl_easy_strerror(code),
			 post->userdata);
		post_free(post);
	}
}

static void act(struct http_posts *p, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(p->multi, fd, mask, &running);
	collect(p);
}

static void on_readable(void *userdata)
{
	struct post_socket *s = userdata;

	act(s->owner, s->fd, CURL_CSELECT_IN);
}

static void on_writable(void *userdata)
{
	struct post_socket *s = userdata;

	act(s->owner, s->fd, CURL_CSELECT_OUT);
}

static void on_timer(void *userdata)
{
	act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
	struct http_posts *p = userdata;
	struct post_socket *s = socket_data;

	(void)easy;
	if (!s) {
		if (what == CURL_POLL_REMOVE)
			return 0;
		s = xcalloc(1, sizeof(*s));
		*s = (struct post_socket){ .owner = p, .fd = fd };
		curl_multi_assign(p->multi, fd, s);
	}
	watch_free(steal_ptr(s->readable));
	watch_free(steal_ptr(s->writable));
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(p->multi, fd, NULL);
		free(s);
		return 0;
	}
	if (what & CURL_POLL_IN)
		s->readable = watch_readable(p->loop, fd, on_readable, s);
	if (what & CURL_POLL_OUT)
		s->writable = watch_writable(p->loop, fd, on_writable, s);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http_posts *p = userdata;

	(void)multi;
	watch_arm(p->timer, timeout_ms);
	return 0;
}

struct http_posts *http_posts_new(struct loop *l)
{
	struct http_posts *p = xcalloc(1, sizeof(*p));

	*p = (struct http_posts){ .loop = l, .multi = curl_multi_init() };
	if (!p->multi)
		abort();
	p->timer = watch_timer(l, on_timer, p);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	return p;
}

void http_posts_free(struct http_posts *p)
{
	if (!p)
		return;
	while (p->first)
		post_free(p->first);
	curl_multi_cleanup(p->multi);
	watch_free(p->timer);
	free(p);
}

/* The answer's body is nobody's. */
static size_t drop(char *data, size_t size, size_t n, void *userdata)
{
	(void)data;
	(void)userdata;
	return size * n;
}

static void prepare(struct http_post *post, const struct http_post_options *o)
{
	CURL *easy = post->easy;

	for (const char *const *h = o->headers; *h; h++)
		post->headers = curl_slist_append(post->headers, *h);
	/* libcurl would wait for a go-ahead before it sends a long body. */
	post->headers = curl_slist_append(post->headers, "Expect:");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_URL, o->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, o->body);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, o->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "twelve/" TWELVE_VERSION);
}

bool http_post(struct http_posts *p, const struct http_post_options *o)
{
	struct http_post *post = xcalloc(1, sizeof(*post));

	*post = (struct http_post){ .owner = p,
				    .next = p->first,
				    .easy = curl_easy_init(),
				    .fn = o->fn,
				    .userdata = o->userdata };
	p->first = post;
	if (post->easy) {
		prepare(post, o);
		if (curl_multi_add_handle(p->multi, post->easy) == CURLM_OK)
			return true;
	}
	post_free(post);
	return false;
}
