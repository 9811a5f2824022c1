/* SPDX-License-Identifier: Apache-2.0 */
/* The local certificate authority, for those who are to trust it. A certificate is no secret. */
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/edge/ca.h"
#include "daemon/edge/cert.h"

static int api_ca_get(struct request *r, struct error *err)
{
	_cleanup_free_ char *path = ca_path(request_parts(r)->platform.settings.state_dir);
	_cleanup_buf_ struct buf pem = BUF_INIT;
	struct cert c = { 0 };
	int e = fs_read_file(path, CERT_PEM_MAX_BYTES, &pem);
	json_t *j;

	if (e < 0)
		return error_set_errno(err, e, "reading %s", path);
	if (cert_read(pem.data, &c, err) < 0)
		return error_prefix(err, "%s", path);
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "certificate", pem.data, "fingerprint",
		      c.fingerprint, "subject", c.subject, "path", path, "starts_at",
		      json_time(c.starts_ms), "expires_at", json_time(c.expires_ms));
	cert_done(&c);
	return request_answer(r, 200, j);
}

const struct api_route ca_routes[] = {
	{ "GET", "/twelve/ca", NEED_NOTHING, api_ca_get,
	  "the certificate of the platform's own authority", .answer = "certificate-authority" },
	{ 0 },
};
