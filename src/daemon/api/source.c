/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/source.h"

#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/fetch.h"
#include "daemon/api/route.h"
#include "daemon/build/upload.h"

static int text_of_blob(json_t *blob, const char *name, const char **ret, struct error *err)
{
	json_t *v = json_object_get(blob, name);

	if (v && !json_is_null(v) && !json_is_string(v))
		return error_set(err, ERROR_INVALID, "\"source_blob.%s\" must be a string", name);
	*ret = json_string_value(v);
	return 0;
}

/* "SHA256:" and hex, as `sha256sum` and the published schema have it; the hex alone will do. */
static int read_checksum(const char *text, char ret[static DIGEST_HEX_SIZE], struct error *err)
{
	const char *hex = strncasecmp(text, "sha256:", 7) == 0 ? text + 7 : text;

	if (strlen(hex) != DIGEST_HEX_SIZE - 1 || hex[strspn(hex, "0123456789abcdefABCDEF")])
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.checksum\" must be SHA256: and 64 hex digits");
	for (size_t i = 0; i < DIGEST_HEX_SIZE; i++)
		ret[i] = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] - 'A' + 'a') : hex[i];
	return 0;
}

/* A get_url or put_url of ours, whole or its path: then its id, else NULL. */
static const char *own_source(const char *url)
{
	const char *id = strstr(url, "/sources/");

	id = id ? id + strlen("/sources/") : url;
	return uuid_is_valid(id) ? id : NULL;
}

/* One that stands elsewhere gets a file of its own, which whoever builds it fills. */
static int elsewhere(struct request *r, const char *url, bool has_checksum, struct source *ret,
		     struct error *err)
{
	char id[UUID_SIZE];

	if (fetch_check_url(url, has_checksum, err) < 0)
		return -1;
	ret->path = upload_path(&request_parts(r)->platform.settings, uuid_make(id));
	ret->url = url;
	return 0;
}

static int take_upload(struct request *r, const char *url, const char *id, struct source *ret,
		       struct error *err)
{
	_cleanup_free_ char *path = upload_path(&request_parts(r)->platform.settings, id);

	if (!fs_exists(path))
		return error_set(err, ERROR_INVALID, "Nothing has been uploaded to %s", url);
	/* One build takes it; no other upload comes into its place. */
	upload_taken(&request_parts(r)->platform.settings, id);
	ret->path = steal_ptr(path);
	return 0;
}

int source_find(struct request *r, struct source *ret, struct error *err)
{
	json_t *blob = json_object_get(request_body(r), "source_blob");
	const char *url = NULL, *version = NULL, *checksum = NULL, *id;
	struct source source = { 0 };

	if (api_check_members("source_blob", "url version checksum", blob, err) < 0 ||
	    text_of_blob(blob, "url", &url, err) < 0 ||
	    text_of_blob(blob, "version", &version, err) < 0 ||
	    text_of_blob(blob, "checksum", &checksum, err) < 0 ||
	    (checksum && read_checksum(checksum, source.sha256, err) < 0))
		return -1;
	if (!url)
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" is missing: a get_url of POST /sources, or "
				 "the https:// URL of an archive, is needed");
	source.commit = version ? version : "";
	id = own_source(url);
	if ((id ? take_upload(r, url, id, &source, err)
		: elsewhere(r, url, checksum, &source, err)) < 0)
		return -1;
	*ret = source;
	return 0;
}
