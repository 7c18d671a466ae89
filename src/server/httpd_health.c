/* SPDX-License-Identifier: Apache-2.0 */
/* The operators' listener: GET only, a few paths, no TLS since it is never reachable from outside the
 * machine. */
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "server/httpd.h"

#define TEXT        (256u * 1024) /* every operation with its times */
#define CONNECTIONS 16u
#define IDLE        10u

struct httpd_health {
	struct MHD_Daemon *daemon;
	httpd_health_fn *fn;
	void *arg;
};

static enum MHD_Result
respond(struct MHD_Connection *mhd, unsigned status, char *text, size_t len)
{
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8") ==
		MHD_YES &&
	    MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES)
		result = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context)
{
	struct httpd_health *health = cls;
	enum MHD_Result result;
	char *text;
	size_t len = 0;
	unsigned status;

	(void)version;
	(void)data;
	(void)size;
	(void)context;
	if ((text = malloc(TEXT)) == NULL)
		return MHD_NO;
	status = strcmp(method, "GET") != 0 ? 405 : health->fn(health->arg, url, text, TEXT, &len);
	result = respond(mhd, status == 0 ? 404 : status, text, len);
	free(text);
	return result;
}

enum rc
httpd_health_start(int fd, httpd_health_fn *fn, void *arg, struct httpd_health **out)
{
	struct httpd_health *health = calloc(1, sizeof(*health));

	*out = NULL;
	if (health == NULL)
		return RC_UNAVAILABLE;
	health->fn = fn;
	health->arg = arg;
	health->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
	    handle, health, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE, MHD_OPTION_END);
	if (health->daemon == NULL) {
		free(health);
		return RC_UNAVAILABLE;
	}
	*out = health;
	return RC_OK;
}

void
httpd_health_stop(struct httpd_health *health)
{
	if (health == NULL)
		return;
	MHD_stop_daemon(health->daemon);
	free(health);
}
