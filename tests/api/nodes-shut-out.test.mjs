// SPDX-License-Identifier: Apache-2.0
// Who is shut out at one node is out at all of them: how soon, after the admin was told that it is done.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enrol, orgNamed } from './lib/devices.mjs';
import { SLOWER, comes, within } from './lib/patience.mjs';
import { Client, Registry } from './lib/registry.mjs';

const PROMISED = 2000 * SLOWER; // milliseconds; a node that follows hears it within a tenth of a second
const PEOPLE = ['okit.anna', 'okit.dora', 'okit.eszter'];

let nodes, org;

before(async () => {
  const first = new Registry().share();
  nodes = [first, new Registry(first), new Registry(first)];
  for (const n of nodes) await n.start();
  org = await orgNamed(first, 'OKIT (minta)');
});
after(async () => { for (const n of nodes) await n.close(); });

let made = 0;

/** A person on a device of her own, with an open connection to every node. */
async function everywhere(person) {
  const name = `device-${made++}`, device = await enrol(nodes[0], org, name), path = join(nodes[0].certs, name);
  const [first, ...others] = nodes.map((n) => new Client(n, { device: path }));
  await first.signIn(person, nodes[0].passphrase(person));
  for (const other of others) {
    other.token = first.token;
    await comes(() => other.get('/v1/me').then((a) => a.status === 200, () => false), 'what one node let in another does not');
  }
  return { device, path, clients: [first, ...others], user: (await first.get('/v1/me')).json.user };
}

/** Is ${client} refused, with an answer or, as to its certificate, without one? */
async function isOut(client) {
  const answer = await client.get('/v1/me').catch((e) => ({ status: 0, refused: e.code }));
  assert.ok([200, 401, 403, 0].includes(answer.status), answer.text);
  return answer.status !== 200;
}

/** Milliseconds until every node has refused ${who}, after ${shutOut} was answered; from then on they do. */
async function untilOut(who, shutOut) {
  const answer = await shutOut();
  assert.equal(answer.status, 200, answer.text);
  const from = performance.now();
  await Promise.all(who.clients.map((c) => comes(() => isOut(c), 'who was shut out is still let in')));
  const took = performance.now() - from;
  for (const c of who.clients) assert.ok(await isOut(c), 'who was refused is let in again');
  for (const c of who.clients) c.end();
  return took;
}

test('a person who is retired at one node is refused at all within two seconds, and cannot sign in at any', async () => {
  const admin = await nodes[1].as('admin'), left = [...PEOPLE];
  await within(PROMISED, async () => {
    const person = left.shift(), who = await everywhere(person);
    const { etag } = (await admin.get(`/v1/users/${who.user}`)).headers;
    const took = await untilOut(who, () => admin.patch(`/v1/users/${who.user}`, { retired: true }, { 'If-Match': etag }));
    for (const n of nodes) await assert.rejects(new Client(n, { device: who.path }).signIn(person, nodes[0].passphrase(person)), / 401 /);
    return took;
  }, 'refused everywhere');
});

test('a device that is revoked at one node is refused at all within two seconds, on its open connections and on new ones', async () => {
  const admin = await nodes[1].as('admin');
  await within(PROMISED, async () => {
    const who = await everywhere('okit.vezeto');
    const took = await untilOut(who, () => admin.post(`/v1/devices/${who.device.id}/revoke`));
    for (const n of nodes) await assert.rejects(new Client(n, { device: who.path }).get('/v1/me'), (e) => /SSL|TLS|ECONNRESET/.test(e.code));
    return took;
  }, 'refused everywhere');
});
