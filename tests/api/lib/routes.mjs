// SPDX-License-Identifier: Apache-2.0
// api/routes.def and src/domain/policy.def as data, with a good body for each request schema.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROLES, root } from './registry.mjs';

export const read = (path) => readFileSync(join(root, path), 'utf8');
export const ROWS = [...read('api/routes.def').matchAll(
  /^ROUTE\((\w+), "([^"]+)", (\w+), PERM_(\w+), (NULL|"[^"]+"), (NULL|"[^"]+"), ([^)]+)\)/gm)]
  .map(([, verb, path, operation, permission, bodyIn, , flags]) => ({
    verb, path, operation, permission, flags, bodyIn: bodyIn === 'NULL' ? null : bodyIn.slice(1, -1),
    params: [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]),
  }));
export const ROLES_OF = Object.fromEntries([...read('src/domain/policy.def').matchAll(/^P\((\w+), (.*)\)$/gm)]
  .map(([, permission, roles]) => [permission,
    roles === 'ANY' ? ROLES : [...roles.matchAll(/R\((\w+)\)/g)].map((m) => m[1].toLowerCase())]));

export const NOBODYS = '7'.repeat(26); // an id in form; of 128 random bits nobody has it
export const BODIES = {
  'sign-in': { user: 'nobody.here', passphrase: 'wrong' },
  'passphrase-change': { old_passphrase: 'wrong', new_passphrase: 'kilenc kék kancsó' },
  'totp-new': { passphrase: 'wrong' },
  'totp-code': { code: '000000' },
  'totp-removal': { passphrase: 'wrong', code: '000000' },
  'org-new': { kind: 'helpline', name: 'X' },
  'org-change': { name: 'X' },
  'user-new': { name: 'new.person', roles: ['counsellor'] },
  'user-change': { retired: true },
  'device-new': {
    name: 'X', csr: `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(64)}\n-----END CERTIFICATE REQUEST-----\n`,
  },
  'device-kit-new': { name: 'X' },
  'shelter-new': { type: 'crisis_centre', county: 'HU110', code_name: 'X', licensed_capacity: 10 },
  'shelter-change': { is_open: false },
  'unit-new': { name: 'X', adult_beds: 1, child_beds: 0, cots: 0 },
  'unit-change': { name: 'X' },
  'availability-change': { units: [{ unit: NOBODYS, state: 'free' }] },
  'unit-report': { state: 'free' },
  'location-new': { address: 'X', intake_phone: '+36 1 234 5678' },
  'episode-new': { channel: 'phone', household: { case_type: 'partner_violence', women: 1 } },
  'episode-close': { outcome: 'other_help' },
  'reservation-new': {
    episode: NOBODYS, candidate: 'x'.repeat(60), consent: true, need: 'no_safe_place_tonight',
    contact_channel: 'client_calls_house',
  },
  'reason-decline': { reason: 'no_staff_now' },
  'reason-client': { reason: 'too_far' },
  'reason-cancel': { reason: 'contact_lost' },
  'reason-disclose': { reason: 'intake_call' },
  'reason-break-glass': { reason: 'danger_to_life_now' },
  'reason-leave': { reason: 'relatives' },
  extension: { until: '2099-01-01', reason: 'health' },
};
