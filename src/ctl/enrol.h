/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling a device whose key is made on this machine, as at the very start or for a test bench.  Elsewhere
 * a device makes its own key and sends a certificate request through the API. */
#ifndef MENEDEK_ENROL_H
#define MENEDEK_ENROL_H

#include "ctl/offline.h"

struct enrolment {
	struct id org;
	const char *name;
	struct pem ca_key, ca_cert;
	struct pem key, cert; /* out */
	struct device device; /* out */
};

/** Make the key, then the certificate and the record in one step of ${o}. */
MUST_USE enum rc enrol_device(struct offline *o, struct enrolment *e);

/** Write PREFIX.key (0600) and PREFIX.crt. */
MUST_USE enum rc enrol_write(const struct enrolment *e, const char *prefix, struct fault *f);

/** Write PREFIX.p12 (0600) under a fresh passphrase, given in ${passphrase}. */
MUST_USE enum rc enrol_write_p12(const struct enrolment *e, const char *prefix, enum p12_form form,
    char passphrase[ID_TEXT + 1], struct fault *f);

#endif
