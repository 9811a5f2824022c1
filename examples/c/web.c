/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small web app: a greeting, a slow answer and a health check.
 *
 * libmicrohttpd runs each connection in a thread, so that a handler may sleep.
 * main() waits for SIGTERM, stops listening, lets the requests in flight finish,
 * and leaves: at once when there are none.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "env.h"

#define DRAIN_SECONDS 25 /* shorter than the platform's window of 30 s */
#define MAX_SLOW_SECONDS 60

/* The requests that have begun and are not answered in full yet. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned int n;
	bool stopping;
} requests = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

struct page {
	const char *path;
	void (*write)(struct MHD_Connection *c, char *body, size_t size);
};

static void write_greeting(struct MHD_Connection *c, char *body, size_t size)
{
	(void)c;
	snprintf(body, size, "%s from %s, release %s, dyno %s\n", env_or("GREETING", "Hello"),
		 env_or("TWELVE_APP_NAME", "c"), env_or("TWELVE_RELEASE_VERSION", "none"),
		 env_or("DYNO", "none"));
}

/* Sleeps for s seconds: watch it finish while the app is restarted. */
static void write_slow(struct MHD_Connection *c, char *body, size_t size)
{
	const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "s");
	double seconds = number_or(text, 1, 0, MAX_SLOW_SECONDS);
	struct timespec rest = { .tv_sec = (time_t)seconds };

	rest.tv_nsec = (long)((seconds - (double)rest.tv_sec) * 1e9);
	nanosleep(&rest, NULL);
	snprintf(body, size, "slept %g s\n", seconds);
}

static void write_health(struct MHD_Connection *c, char *body, size_t size)
{
	(void)c;
	snprintf(body, size, "ok\n");
}

static const struct page pages[] = {
	{ "/", write_greeting },
	{ "/slow", write_slow },
	{ "/healthz", write_health },
};

static const struct page *find_page(const char *path)
{
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (!strcmp(pages[i].path, path))
			return &pages[i];
	return NULL;
}

/* Tells true while no stop was asked for. */
static bool count_request(int change)
{
	bool serving;

	pthread_mutex_lock(&requests.mutex);
	requests.n += (unsigned int)change;
	serving = !requests.stopping;
	pthread_cond_signal(&requests.changed);
	pthread_mutex_unlock(&requests.mutex);
	return serving;
}

/* libmicrohttpd calls this first with the headers, then with the body if there is one, then to be
 * answered. */
static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	const struct page *page = find_page(url);
	unsigned int status = page ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND;
	char body[1024] = "not found\n";
	struct MHD_Response *response;
	enum MHD_Result queued;

	(void)cls, (void)version, (void)upload;
	if (!*request) {
		*request = &requests;
		count_request(1);
		return MHD_YES;
	}
	*upload_size = 0;
	if (page)
		page->write(c, body, sizeof body);
	printf("method=%s path=%s status=%u\n", method, url, status);

	response = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/plain; charset=utf-8");
	if (!count_request(0))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	queued = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return queued;
}

static void request_done(void *cls, struct MHD_Connection *c, void **request,
			 enum MHD_RequestTerminationCode code)
{
	(void)cls, (void)c, (void)code;
	if (*request)
		count_request(-1);
}

/* Waits until no request is in flight, or the time is over. */
static void drain(void)
{
	struct timespec deadline;
	int timed_out = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DRAIN_SECONDS;
	pthread_mutex_lock(&requests.mutex);
	requests.stopping = true;
	while (requests.n && !timed_out)
		timed_out = pthread_cond_timedwait(&requests.changed, &requests.mutex, &deadline);
	pthread_mutex_unlock(&requests.mutex);
}

int main(void)
{
	int port = (int)number_or(getenv("PORT"), 5000, 1, 65535);
	struct MHD_Daemon *server;
	MHD_socket listener;
	sigset_t stop;
	int sig;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before threads begin: main alone takes them */

	server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
					  MHD_USE_ITC | MHD_USE_ERROR_LOG,
				  (uint16_t)port, NULL, NULL, answer, NULL,
				  MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL,
				  MHD_OPTION_CONNECTION_LIMIT, 512u, MHD_OPTION_END);
	if (!server) {
		fprintf(stderr, "cannot listen on port %d\n", port);
		return 1;
	}
	printf("listening on %d\n", port);

	sigwait(&stop, &sig);
	printf("stopping\n");
	listener = MHD_quiesce_daemon(server);
	drain();
	MHD_stop_daemon(server);
	close(listener);
	printf("stopped\n");
	return 0;
}
