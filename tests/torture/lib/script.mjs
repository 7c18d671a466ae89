// SPDX-License-Identifier: Apache-2.0
// One night in small, always the same: a call, a search, a hold, the request, the house's yes, and back.  Each step has a key,
// so that it can be said again after anything, and the answers must agree.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { holdBody } from '../../api/lib/scenes.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const STEPS = [['desk', 'request'], ['house', 'confirm'], ['desk', 'cancel', { reason: 'contact_lost' }]];

export class Script {
  constructor(desk, house) {
    Object.assign(this, { desk, house });
    this.keys = Array.from({ length: 2 + STEPS.length }, () => randomUUID());
    this.first = []; // the acknowledged answer of each step
    this.wrong = [];
  }

  async #say(number, client, path, body) {
    let answer = null;
    try { answer = await client.send('POST', path, body, { 'Idempotency-Key': this.keys[number] }); } catch (e) {
      if (e instanceof assert.AssertionError) throw e;
      return null;
    }
    if (answer.status >= 300) {
      this.refusals.push(answer.status);
      if (answer.status === 503 && !answer.headers['retry-after']) this.wrong.push(`${path}: 503 without Retry-After`);
      // 500 would be "our bug": no fault of the world may look like one
      if (answer.status !== 503) this.wrong.push(`${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
      return null;
    }
    const before = this.first[number];
    if (before !== undefined && before !== answer.text) this.wrong.push(`${path}: answered ${before.slice(0, 120)} and then ${answer.text.slice(0, 120)}`);
    this.first[number] = answer.text;
    return answer.json;
  }

  /** All steps as far as they go; true if the end was reached.  Call it again to go on after a fault. */
  async run() {
    this.refusals = [];
    const episode = await this.#say(0, this.desk, '/v1/episodes', { channel: 'phone', household: ALONE });
    if (!episode) return false;
    if (!this.body) {
      const found = await this.desk.post(`/v1/episodes/${episode.id}/searches`).catch(() => null);
      if (found && ![200, 503].includes(found.status)) this.wrong.push(`search: ${found.status} ${found.text.slice(0, 200)}`);
      if (found?.status !== 200) {
        this.refusals.push(`search: ${found?.status}`);
        return false;
      }
      const candidate = found.json.candidates.find((c) => c.code_name === 'Nyugat 1');
      if (!candidate) { this.wrong.push('the room of the rounds before is not free again'); return false; }
      this.body = holdBody(episode, candidate);
    }
    const held = await this.#say(1, this.desk, '/v1/reservations', this.body);
    if (!held) return false;
    for (const [i, [who, step, body]] of STEPS.entries())
      if (!await this.#say(2 + i, this[who], `/v1/reservations/${held.id}/${step}`, body)) return false;
    this.reservation = held.id;
    return true;
  }

  /** Read it back: what is not as the answers said. */
  async read() {
    const now = await this.desk.get(`/v1/reservations/${this.reservation}`);
    if (now.json?.state !== 'cancelled') this.wrong.push(`read back: ${now.status} ${now.json?.state}`);
    const { units } = (await this.house.get(`/v1/shelters/${this.shelter}/availability`)).json;
    for (const u of units) if (u.state === 'held') this.wrong.push(`${u.name} is held by nobody`);
    return this.wrong;
  }
}
