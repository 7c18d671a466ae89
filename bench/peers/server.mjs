// SPDX-License-Identifier: Apache-2.0
// What a good team would build instead: Fastify over mutual TLS, ES256 tokens bound to the device's certificate and checked by
// jose, a store in PostgreSQL or SQLite behind prepared statements, one worker a core.  The same searches by the same kind of
// rules, the same durable reservation with the same exclusion, its audit row, event and kept answer in one transaction.
// Where it does less than the service (no sealing, no hash chain, no capacity rules of joined rooms) that is in its favour.
//   node server.mjs STORE SETTINGS.json       STORE: pg or sqlite
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import { importSPKI, jwtVerify } from 'jose';

const [store, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));

const text = { type: 'string' };
const number = { type: 'integer' };
const flag = { type: 'boolean' };

const CANDIDATE = { type: 'object', properties: { candidate: text, code_name: text, type: text, zone: text, answer: text, freshness: text,
  units: number, places: number, spare: number, step_free: flag, address_unprotected: flag, confirmed_at: text } };
const NEAR = { type: 'object', properties: { code_name: text, type: text, zone: text, freshness: text, reasons: { type: 'array', items: text } } };
const SEARCH = { type: 'object', properties: { episode: text, at: text, candidates: { type: 'array', items: CANDIDATE },
  near_misses: { type: 'array', items: NEAR }, fits: number, full: number } };
const RESERVATION = { type: 'object', properties: { id: text, episode: text, state: text, code_name: text, unit: text, version: number,
  check_word: text, number: text, held_at: text, expires_at: text, contact_channel: text, need: text } };
const HOLD = { type: 'object', additionalProperties: false, required: ['episode', 'candidate', 'consent', 'need', 'contact_channel'],
  properties: { episode: text, candidate: text, consent: { const: true }, need: text, contact_channel: text } };
const EPISODE = { type: 'object', required: ['channel', 'household'], properties: { channel: text, household: { type: 'object' } } };
const CHANGE = { type: 'object', required: ['units'], additionalProperties: false, properties: { units: { type: 'array', maxItems: 64,
  items: { type: 'object', required: ['unit', 'state'], properties: { unit: text, state: { type: 'string', enum: ['free', 'occupied'] } } } } } };

async function serve() {
  const { open } = await import(`./store_${store}.mjs`);
  const db = await open(settings);
  const key = await importSPKI(settings.token_key, 'ES256');
  const app = Fastify({ logger: false, https: { key: readFileSync(settings.key), cert: readFileSync(settings.cert), ca: readFileSync(settings.ca),
    requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } });

  // the certificate is of the connection: looked at once
  const deviceOf = (socket) => (socket.device ??= socket.getPeerCertificate().fingerprint256);
  const known = new Map(); // a token is verified once, as by the registry and by Go; its end and its device are looked at each time
  const claims = async (token) => {
    if (!known.has(token)) known.set(token, (await jwtVerify(token, key, { audience: 'menedek', issuer: 'bench', algorithms: ['ES256'] })).payload);
    return known.get(token);
  };
  app.addHook('onRequest', async (req, reply) => {
    const header = req.headers.authorization;
    if (!header?.startsWith('Bearer ')) return reply.code(401).send({ code: 'unauthenticated' });
    try {
      const payload = await claims(header.slice(7));
      if (payload.exp < Date.now() / 1000 || payload.cnf !== deviceOf(req.raw.socket)) return reply.code(401).send({ code: 'unauthenticated' });
      req.who = payload.sub;
    } catch {
      return reply.code(401).send({ code: 'unauthenticated' });
    }
  });

  const kept = (req) => `${req.who} ${req.headers['idempotency-key']}`;
  app.post('/v1/episodes', { schema: { body: EPISODE } }, async (req, reply) => {
    reply.code(201);
    return db.openEpisode(req.who, req.body.household);
  });
  app.post('/v1/episodes/:episode/searches', { schema: { response: { 200: SEARCH } } }, async (req, reply) => {
    const found = await db.search(req.who, req.params.episode);
    return found ?? reply.code(404).send({ code: 'not_found' });
  });
  app.post('/v1/reservations', { schema: { body: HOLD, response: { 201: RESERVATION } } }, async (req, reply) => {
    const made = await db.hold(req.who, kept(req), req.body);
    if (!made) return reply.code(409).send({ code: 'no_place_left' });
    reply.code(201);
    return made;
  });
  app.post('/v1/reservations/:reservation/cancel', { schema: { response: { 200: RESERVATION } } }, async (req, reply) => {
    const done = await db.cancel(req.who, kept(req), req.params.reservation);
    return done ?? reply.code(409).send({ code: 'state_conflict' });
  });
  app.get('/v1/houses/:house', async (req) => ({ units: await db.units(req.params.house) }));
  app.patch('/v1/shelters/:house/availability', { schema: { body: CHANGE } }, async (req, reply) => {
    const units = await db.change(req.who, req.params.house, req.body.units);
    return units ? { units } : reply.code(409).send({ code: 'state_conflict' });
  });
  await app.listen({ host: '127.0.0.1', port: settings.port });
}

if (cluster.isPrimary) {
  const { prepare } = await import(`./store_${store}.mjs`);
  await prepare(settings);
  for (let i = 0; i < settings.workers; i++) cluster.fork();
  let listening = 0;
  cluster.on('listening', () => { if (++listening === settings.workers) console.log(`listening ${settings.port}`); });
  process.on('SIGTERM', () => {
    for (const w of Object.values(cluster.workers)) w.kill();
    process.exit(0);
  });
} else {
  await serve();
}
