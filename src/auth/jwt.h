/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we ask of libjwt: one signature algorithm, made and checked.  The algorithm is fixed here and never
 * taken from a token.  Claims are text for it: who reads them checks them (auth.c), since libjwt does not.
 * Only for this directory.
 */
#ifndef MENEDEK_JWT_H
#define MENEDEK_JWT_H

#include "base/rc.h"

/**
 * RFC 9068 would have "at+jwt", but libjwt 1.10 writes this whatever it is told.  Our key signs no other kind
 * of token, so none can pass for an access token.
 */
#define JWT_TYPE "JWT"

/**
 * Sign the JSON object ${claims} with ES256 under the PEM ${key}.  The header is {"alg":"ES256","kid":${kid},
 * "typ":JWT_TYPE} in this order.  ${out} is malloc'd.  RC_INTERNAL if the key does not serve.
 */
MUST_USE enum rc jwt_es256_sign(const char *key, const char *kid, const char *claims, char **out);

/** Is ${token} signed with ES256 by the owner of the PEM ${public_key}?  RC_BAD_TOKEN if not. */
MUST_USE enum rc jwt_es256_check(const char *public_key, const char *token);

#endif
