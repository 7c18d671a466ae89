/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's contexts, one set a thread: making one costs twice what sealing a record does.  Only for the
 * files of this directory.
 */
#ifndef MENEDEK_OSSL_H
#define MENEDEK_OSSL_H

#include <openssl/evp.h>

#include "base/attr.h"

struct ossl_contexts {
	EVP_CIPHER_CTX *gcm; /* AES-256-GCM, no key set */
	EVP_MD_CTX *sha256;
};

/**
 * The contexts of this thread, made at its first call and freed when it ends.  Aborts the process without
 * memory or without these algorithms: nothing here could go on safely.
 */
struct ossl_contexts *ossl_contexts(void);

#endif
