// SPDX-License-Identifier: Apache-2.0
// A reader of /v1/events: its own connection, its own small parser of server-sent events.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import https from 'node:https';
import { PATIENCE } from './patience.mjs';
import { sleep } from './registry.mjs';

class Stream {
  events = [];
  comments = [];
  #rest = '';
  #ended = false;

  constructor(request, response) {
    this.request = request;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (text) => this.#take(text));
    response.on('end', () => { this.#ended = true; });
    response.on('error', () => { this.#ended = true; });
  }

  #take(text) {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop();
    for (const block of blocks) {
      if (block.startsWith(':')) {
        this.comments.push(block);
        continue;
      }
      const fields = block.split('\n').map((line) => line.match(/^([a-z]+): (.*)$/)?.slice(1));
      assert.ok(fields.every(Boolean), `not an event: ${block}`);
      const { id, event, data, ...more } = Object.fromEntries(fields);
      assert.deepEqual(more, {});
      this.events.push({ id, event, data: JSON.parse(data), heard: performance.now() });
    }
  }

  async #until(condition, ms) {
    const end = performance.now() + ms;
    while (!condition() && performance.now() < end) await sleep(5);
    return condition();
  }

  /** The event ${kind} of ${subject}, or undefined if it does not come in ${ms}. */
  hears(kind, subject, ms = PATIENCE) {
    return this.#until(() => this.events.find((e) => e.event === kind && (!subject || e.data.subject === subject)), ms);
  }

  says(ms = PATIENCE) { return this.#until(() => this.comments[0], ms); }

  ends(ms = PATIENCE) { return this.#until(() => this.#ended, ms); }

  /** Whether anything at all was told of ${subject}. */
  knows(subject) { return this.events.some((e) => e.data.subject === subject); }

  close() { this.request.destroy(); }
}

/** Open a stream as ${client}; a refusal gives { status, json } instead. */
export function listen(client, last) {
  const { ca, cert, key, minVersion } = client.agent.options;
  const headers = { Authorization: `Bearer ${client.token}`, Accept: 'text/event-stream',
    ...(last === undefined ? {} : { 'Last-Event-ID': String(last) }) };
  return new Promise((done, fail) => {
    const request = https.request({ agent: false, ca, cert, key, minVersion, host: '127.0.0.1', servername: 'localhost',
      port: client.registry.port, path: '/v1/events', headers }, (response) => {
      if (response.statusCode === 200) {
        if (process.env.EXERCISED) appendFileSync(process.env.EXERCISED, 'events_stream\n');
        done(new Stream(request, response));
        return;
      }
      const parts = [];
      response.on('data', (d) => parts.push(d));
      response.on('end', () => done({ status: response.statusCode, json: JSON.parse(Buffer.concat(parts)) }));
    });
    request.on('error', fail);
    request.end();
  });
}
