// SPDX-License-Identifier: Apache-2.0
// S3: every value of the store is told of by the audit trail, so nothing can be put there, back or away unseen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../api/lib/registry.mjs';
import { reservationIn, settle } from '../api/lib/scenes.mjs';

test('after a night of work every value is the one that the trail says was written last', { timeout: 60000 }, async () => {
  const r = await new Registry().start();
  try {
    for (const state of ['left', 'declined_by_house', 'declined_by_client', 'cancelled', 'no_show', 'confirmed']) {
      const scene = await reservationIn(r, state);
      if (state === 'confirmed') {
        const told = await (await r.as('counsellor')).post(`/v1/reservations/${scene.reservation.id}/disclosures`, { reason: 'client_travels_now' });
        assert.ok([200, 201].includes(told.status), told.text);
      }
      await settle(r, scene);
    }
    const bad = await r.bare('counsellor').send('POST', '/v1/tokens', { user: 'nobody.here', passphrase: 'wrong wrong wrong' });
    assert.equal(bad.status, 401);
    assert.equal((await (await r.as('family_support')).delete('/v1/tokens/current')).status, 204);
    await r.stop();
    r.run('rotate-keys');
    const said = JSON.parse(r.run('audit', 'verify', '--json'));
    assert.equal(said.verified, true, JSON.stringify(said));
    assert.ok(said.values_compared > 100, `only ${said.values_compared} values were compared`);
    assert.equal(said.values_exchanged, 0);
    await r.start();
  } finally { await r.close(); }
});
