// SPDX-License-Identifier: Apache-2.0
// A house's places with Node's own https, no package: read the units, set one, watch events.
//   node publish.mjs read
//   node publish.mjs set "2. szoba" free|occupied
//   node publish.mjs watch [SECONDS]
// Environment: MENEDEK_SERVER https://HOST:PORT, MENEDEK_CA, MENEDEK_CERT, MENEDEK_KEY (PEM files), MENEDEK_USER, and
// MENEDEK_PASSPHRASE_FILE, which only its owner may read.
import { readFileSync } from 'node:fs';
import https from 'node:https';

const { env } = process;
const agent = new https.Agent({ ca: readFileSync(env.MENEDEK_CA), cert: readFileSync(env.MENEDEK_CERT), key: readFileSync(env.MENEDEK_KEY),
  minVersion: 'TLSv1.3', keepAlive: true });
let token;

const open = (method, path, body, more = {}) => new Promise((done, fail) => {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }), ...more };
  https.request(new URL(path, env.MENEDEK_SERVER), { agent, method, headers }, done).on('error', fail).end(body && JSON.stringify(body));
});

/** The answer's JSON; waits where the registry says so, throws what it refuses. */
async function call(method, path, body, more) {
  for (;;) {
    const answer = await open(method, path, body, more);
    const text = (await answer.toArray()).join('');
    const json = text ? JSON.parse(text) : null;
    if (answer.statusCode < 300) return json;
    if (answer.statusCode !== 429 && answer.statusCode !== 503) throw Object.assign(new Error(`${json.detail ?? json.title} (${json.code})`), json);
    await new Promise((done) => setTimeout(done, 1000 * Math.min(Number(answer.headers['retry-after'] ?? 1), 60)));
  }
}

async function signIn() {
  const passphrase = readFileSync(env.MENEDEK_PASSPHRASE_FILE, 'utf8').split('\n')[0];
  token = (await call('POST', '/v1/tokens', { user: env.MENEDEK_USER, passphrase })).access_token;
  return (await call('GET', '/v1/me')).shelters[0];
}

const units = async (house) => (await call('GET', `/v1/shelters/${house}/availability`)).units;

async function read(house) {
  for (const u of await units(house)) console.log(`${u.name}: ${u.state}, ${u.free_places} of ${u.places} free`);
}

async function set(house, name, state, tries = 3) {
  const unit = (await units(house)).find((u) => u.name === name);
  if (!unit) throw new Error(`no unit called ${name}`);
  try {
    const now = await call('PUT', `/v1/shelters/${house}/units/${unit.id}/availability`, { state }, { 'If-Match': unit.etag });
    console.log(`${name}: ${now.state}`);
  } catch (e) {
    if (e.status !== 412 || tries === 1) throw e;
    await set(house, name, state, tries - 1); // somebody changed it meanwhile: look again
  }
}

/**
 * Events until ${seconds} are over or the stream ends, with its token after a quarter of an hour at most: start it again.
 * Last-Event-ID, kept anywhere, lets a later reader go on after the last.
 */
async function watch(_, seconds) {
  const stream = await open('GET', '/v1/events', undefined, { Accept: 'text/event-stream' });
  if (seconds) setTimeout(() => stream.destroy(), seconds * 1000);
  let rest = '';
  try {
    for await (const part of stream) {
      const lines = (rest + part).split('\n');
      rest = lines.pop();
      for (const line of lines) if (line.startsWith('event:')) console.log(line);
    }
  } catch (e) { if (!stream.destroyed) throw e; }
}

const [job, ...words] = process.argv.slice(2);
const jobs = { read, set, watch };
if (!jobs[job]) throw new Error('publish.mjs read | set UNIT STATE | watch [SECONDS]');
await jobs[job](await signIn(), ...words);
agent.destroy();
