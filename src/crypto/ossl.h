/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's contexts, one set a thread: making one costs twice what sealing a record does.  Only for the
 * files of this directory.
 */
#ifndef MENEDEK_OSSL_H
#define MENEDEK_OSSL_H

#include <pthread.h>

#include <openssl/evp.h>

#include "base/attr.h"

struct ossl_contexts {
	pthread_mutex_t busy;             /* guards gcm: its thread while it works, or ossl_forget_all */
	EVP_CIPHER_CTX *gcm;              /* AES-256-GCM; keeps the key that it was last given */
	struct ossl_contexts *next, **at; /* the list of all threads' */
	EVP_MD_CTX *sha256;
};

/**
 * The contexts of this thread, made at its first call and freed when it ends.  Aborts the process without
 * memory or without these algorithms: nothing here could go on safely.
 */
struct ossl_contexts *ossl_contexts(void);

/** Wipe the key that this thread's gcm was last given; ossl_forget_all: every thread's, as soon as it is not
 * at work. */
void ossl_forget(void);
void ossl_forget_all(void);

#endif
