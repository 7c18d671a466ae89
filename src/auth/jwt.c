/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjwt's only user.  It parses the PEM at each call and takes the algorithm from the token, so what it says
 * is asked once a token, and only after auth.c has found our own header in it.
 */
#include "auth/jwt.h"

#include <errno.h>
#include <jwt.h>
#include <string.h>

static int
fill(jwt_t *jwt, const char *key, const char *kid, const char *claims)
{
	int error;

	if ((error = jwt_add_grants_json(jwt, claims)) != 0)
		return error;
	if ((error = jwt_add_header(jwt, "kid", kid)) != 0)
		return error;
	return jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)key, (int)strlen(key));
}

enum rc
jwt_es256_sign(const char *key, const char *kid, const char *claims, char **out)
{
	jwt_t *jwt = NULL;

	*out = NULL;
	if (jwt_new(&jwt) != 0)
		return RC_UNAVAILABLE;
	if (fill(jwt, key, kid, claims) == 0)
		*out = jwt_encode_str(jwt);
	jwt_free(jwt);
	return *out ? RC_OK : RC_INTERNAL;
}

enum rc
jwt_es256_check(const char *public_key, const char *token)
{
	jwt_t *jwt = NULL;
	enum rc rc = RC_BAD_TOKEN;
	int error;

	/* with a key, "alg":"none" is refused; HS256 keyed by the public text is not: hence the look at the
	 * algorithm */
	error = jwt_decode(&jwt, token, (const unsigned char *)public_key, (int)strlen(public_key));
	if (error == ENOMEM)
		rc = RC_UNAVAILABLE;
	else if (error == 0 && jwt_get_alg(jwt) == JWT_ALG_ES256)
		rc = RC_OK;
	jwt_free(jwt);
	return rc;
}
