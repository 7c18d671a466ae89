/* SPDX-License-Identifier: Apache-2.0 */
/* Between PEM text and OpenSSL's objects.  Only for the files of this directory; callers free what they get.
 */
#ifndef MENEDEK_PEM_H
#define MENEDEK_PEM_H

#include <openssl/pem.h>

#include "crypto/ca.h"

/** NULL if it is not what it should be, or is encrypted: nothing here asks for a passphrase. */
EVP_PKEY *pem_read_key(const struct pem *key);
EVP_PKEY *pem_read_public(const struct pem *key);
X509 *pem_read_cert(const char *text);
X509_REQ *pem_read_request(struct bytes text);

/** RC_TOO_BIG if the text does not fit. */
MUST_USE enum rc pem_write_key(EVP_PKEY *key, struct pem *out); /* PKCS#8, not encrypted */
MUST_USE enum rc pem_write_public(EVP_PKEY *key, struct pem *out);
MUST_USE enum rc pem_write_cert(X509 *cert, struct pem *out);

#endif
