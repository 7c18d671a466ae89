/* SPDX-License-Identifier: Apache-2.0 */
/* Device certificates made by the program.  The key never leaves the machine's files. */
#include "ctl/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define DEVICE_DAYS 397 /* as for devices that are enrolled through the API */

static enum rc
record_device(struct ctx *c, void *arg)
{
	const struct enrolment *e = arg;
	struct device d = e->device;
	struct reference row = { d.id };
	struct key key = record_key(KIND_DEVICE, &d.id);
	struct key cert_key = record_key_bytes(KIND_DEVICE_CERT, d.fingerprint, sizeof(d.fingerprint));
	enum rc rc;

	d.enrolled_at = c->now;
	d.version = 1;
	ctx_note(c, &d.id, NULL, NULL);
	if ((rc = record_put(c->txn, KIND_DEVICE_CERT, &cert_key, &row)) != RC_OK)
		return rc;
	return record_put(c->txn, KIND_DEVICE, &key, &d);
}

enum rc
enrol_device(struct offline *o, struct enrolment *e)
{
	const struct paths *paths = &o->parts.paths;
	char subject[ID_TEXT + 1];
	enum rc rc;

	if ((rc = parts_read_pem(paths->ca_key, true, &e->ca_key, &o->fault)) != RC_OK)
		return rc;
	if ((rc = parts_read_pem(paths->ca_cert, false, &e->ca_cert, &o->fault)) != RC_OK)
		return rc;
	model_clear(&model_device, &e->device);
	e->device.id = id_new();
	e->device.org = e->org;
	(void)str_copy(e->device.name, sizeof(e->device.name), e->name);
	id_format(
	    &e->device.id, subject); /* the certificate names the device by its random id, nothing else */
	if ((rc = ca_key_new(&e->key)) != RC_OK)
		return rc;
	rc = ca_issue(&e->ca_key, &e->ca_cert, &e->key, subject, CA_CLIENT, NULL, DEVICE_DAYS, &e->cert);
	wipe(&e->ca_key, sizeof(e->ca_key));
	if (rc != RC_OK)
		return rc;
	if ((rc = ca_fingerprint(e->cert.text, e->device.fingerprint)) != RC_OK)
		return rc;
	if ((rc = ca_not_after(e->cert.text, &e->device.not_after)) != RC_OK)
		return rc;
	return offline_update(o, "cli_device_add", record_device, e);
}

static enum rc
write_beside(const char *prefix, const char *suffix, struct bytes data, mode_t mode, struct fault *f)
{
	char path[512];

	if ((size_t)snprintf(path, sizeof(path), "%s%s", prefix, suffix) >= sizeof(path))
		return fault_set(f, RC_INVALID, MSG_PATH_LONG, NULL, 0, NULL);
	return file_write(path, data, mode, f);
}

enum rc
enrol_write(const struct enrolment *e, const char *prefix, struct fault *f)
{
	enum rc rc = write_beside(prefix, ".key", bytes_str(e->key.text), 0600, f);

	return rc == RC_OK ? write_beside(prefix, ".crt", bytes_str(e->cert.text), 0644, f) : rc;
}

enum rc
enrol_write_p12(const struct enrolment *e, const char *prefix, enum p12_form form,
    char passphrase[ID_TEXT + 1], struct fault *f)
{
	struct id random = id_new();
	uint8_t *bundle = NULL;
	size_t len = 0;
	enum rc rc;

	id_format(&random, passphrase);
	rc = ca_pkcs12(&e->key, &e->cert, &e->ca_cert, e->name, passphrase, form, &bundle, &len);
	if (rc == RC_OK)
		rc = write_beside(prefix, ".p12", (struct bytes){ bundle, len }, 0600, f);
	if (bundle != NULL)
		wipe(bundle, len);
	free(bundle);
	return rc;
}
