/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates (X.509, P-256): the registry's own authority, the server's certificate, device certificates,
 * and the ES256 key that signs tokens.  Keys and certificates are PEM text.  A certificate alone opens
 * nothing: the device must also be enrolled in the store.
 */
#ifndef MENEDEK_CA_H
#define MENEDEK_CA_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/limits.h"

#define CERT_FINGERPRINT 32u /* SHA-256 of the DER form, RFC 8705 x5t#S256 */

struct pem {
	char text[LIMIT_CERT_PEM];
};

/** A new P-256 private key (PKCS#8). */
MUST_USE enum rc ca_key_new(struct pem *key);

/** Public half of ${key}. */
MUST_USE enum rc ca_key_public(const struct pem *key, struct pem *out);

/** Self-signed authority: CA:TRUE pathlen 0, keyCertSign + cRLSign.  ${days} valid from now. */
MUST_USE enum rc ca_self_sign(const struct pem *key, const char *common_name, int days, struct pem *cert);

enum ca_purpose { CA_SERVER, CA_CLIENT };

/**
 * Issue a certificate for ${subject_key}'s public half.  ${names}: for CA_SERVER a comma-separated list of
 * DNS names and IP addresses for the SAN; ignored for CA_CLIENT.  Random 127-bit serial.
 */
MUST_USE enum rc ca_issue(const struct pem *ca_key, const struct pem *ca_cert, const struct pem *subject_key,
    const char *common_name, enum ca_purpose purpose, const char *names, int days, struct pem *cert);

/** Issue a client certificate for a PKCS#10 request (P-256 or stronger, its own signature checked, subject
 * ignored). */
MUST_USE enum rc ca_issue_request(const struct pem *ca_key, const struct pem *ca_cert, struct bytes csr_pem,
    const char *common_name, int days, struct pem *cert, struct fault *f);

/** Fingerprint and end of validity (seconds) of a PEM certificate. */
MUST_USE enum rc ca_fingerprint(const char *cert_pem, uint8_t out[CERT_FINGERPRINT]);
MUST_USE enum rc ca_not_after(const char *cert_pem, int64_t *out);

/** How a bundle is sealed: AES-256 with PBKDF2 (RFC 8018) and a SHA-256 MAC; or, for devices that cannot open
 * that (Android 13 and older), PBE-SHA1-3DES with a SHA-1 MAC (RFC 7292, B and C), which is weak. */
enum p12_form { P12_STRONG, P12_OLD_DEVICE };

/** PKCS#12 bundle for browsers, malloc'd. */
MUST_USE enum rc ca_pkcs12(const struct pem *key, const struct pem *cert, const struct pem *ca_cert,
    const char *friendly_name, const char *passphrase, enum p12_form form, uint8_t **out, size_t *len);

/** The same as base64 text (RFC 4648, 4) in ${out}, which has room for ${cap} bytes. */
MUST_USE enum rc ca_pkcs12_text(const struct pem *key, const struct pem *cert, const struct pem *ca_cert,
    const char *friendly_name, const char *passphrase, enum p12_form form, char *out, size_t cap);

#endif
