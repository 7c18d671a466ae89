// SPDX-License-Identifier: Apache-2.0
// Devices enrolled through the API, as an admin does it: key and request are made on the device, only the request is sent.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate request for a new key; the key is left at ${path}.key. */
export function certificateRequest(registry, path) {
  registry.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${path}.key`,
    '-subj', '/CN=device', '-out', `${path}.csr`);
  return readFileSync(`${path}.csr`, 'utf8');
}

/** Enrol a device for the organisation ${org} (an id); it can then be named like a role.  Returns its record. */
export async function enrol(registry, org, name) {
  const admin = await registry.as('admin');
  const path = join(registry.certs, name);
  const answer = await admin.post('/v1/devices', { org, name, csr: certificateRequest(registry, path) });
  assert.equal(answer.status, 201, answer.text);
  writeFileSync(`${path}.crt`, answer.json.certificate);
  return answer.json.device;
}

export async function orgNamed(registry, name) {
  const { data } = (await (await registry.as('admin')).get('/v1/organisations?limit=100')).json;
  const org = data.find((o) => o.name === name);
  assert.ok(org, `no organisation ${name}`);
  return org.id;
}

/** A person of the sample on a new device of the own organisation. */
export async function guest(registry, person, orgName) {
  const device = await enrol(registry, await orgNamed(registry, orgName), person);
  return { device, client: await registry.person(person, person) };
}
