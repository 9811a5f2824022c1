/* SPDX-License-Identifier: Apache-2.0 */
/* A drain's own authorities; see drain.h. In a file of its own, since OpenSSL is in it: twelve-logs
 * does without. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "logs/drain.h"

int drain_check_ca(const struct drain_target *t, const char *pem, struct error *err)
{
	BIO *bio;
	X509 *x;

	if (!t->tls)
		return error_set(
			err, ERROR_INVALID,
			"Certificate authorities were given for a drain that is not encrypted");
	if (strlen(pem) > DRAIN_CA_MAX)
		return error_set(err, ERROR_INVALID,
				 "The certificate authorities have more than %d bytes",
				 DRAIN_CA_MAX);
	bio = BIO_new_mem_buf(pem, -1);
	x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509_free(x);
	BIO_free(bio);
	if (x)
		return 0;
	ERR_clear_error();
	return error_set(err, ERROR_INVALID,
			 "The certificate authorities are not certificates in PEM (-----BEGIN "
			 "CERTIFICATE-----)");
}
