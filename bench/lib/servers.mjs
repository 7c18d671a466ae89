// SPDX-License-Identifier: Apache-2.0
// What the service is measured beside, on the same certificates and free ports: bare libmicrohttpd, nginx, haproxy, and
// Fastify over PostgreSQL or SQLite, Go over PostgreSQL.  Everything is started here and ended by its own pid.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../../tests/api/lib/registry.mjs';
import { networkObjects } from './data.mjs';
import { Postgres } from './database.mjs';
import { lmdbWrites } from './measure.mjs';

const isRoot = process.getuid() === 0;

const freePort = () => new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

const canConnect = (port) => new Promise((done) => {
  import('node:net').then(({ connect }) => {
    const s = connect(port, '127.0.0.1', () => { s.destroy(); done(true); });
    s.on('error', () => done(false));
  });
});

/** A started program: .port, .pids for the load generator, .stop(). */
class Server {
  constructor(name, child, port) { Object.assign(this, { name, child, port, pids: String(child.pid), database: null }); }

  async stop() {
    const { child } = this, ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(timer);
    await this.database?.stop();
  }
}

async function start(name, program, args, port, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { said += d; });
  for (let i = 0; i < 600; i++) {
    const found = said.match(/listening (\d+)/);
    if (found) return new Server(name, child, Number(found[1]));
    if (port && await canConnect(port)) return new Server(name, child, port);
    if (child.exitCode !== null) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`${name} did not start: ${said}`);
}

const tlsOf = (scene) => ({ cert: join(scene.registry.dir, 'keys/tls/server.crt'), key: join(scene.registry.dir, 'keys/tls/server.key'), ca: scene.ca });

/** ${writes}: what a bare LMDB commits for a request before it is answered, or nothing. */
export function hello(scene, bytes, joined, writes = null, env = {}) {
  const { cert, key, ca } = tlsOf(scene);
  const commit = writes ? ['--commit', mkdtempSync(join(scene.work, 'hello-')), ...lmdbWrites(writes)] : [];
  return start(writes ? 'mhd with lmdb' : joined ? 'mhd joined' : 'mhd', join(root, 'build/bench/hello_mhd'), ['--cert', cert, '--key', key, '--ca', ca, '--bytes', String(bytes),
    '--loops', String(cpus().length), ...(joined ? ['--joined', 'yes'] : []), ...commit], 0, { env: { ...process.env, ...env } });
}

export async function nginx(scene, bytes, { tickets = false } = {}) {
  const { cert, key, ca } = tlsOf(scene), port = await freePort(), dir = join(scene.work, `nginx-${port}`);
  mkdirSync(dir);
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; worker_processes ${cpus().length}; pid ${dir}/pid; error_log ${dir}/error.log;
${isRoot ? 'user root;' : ''} events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; default_type application/json; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p;
fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
server { listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_client_certificate ${ca}; ssl_verify_client on;
ssl_protocols TLSv1.3; ssl_session_tickets ${tickets ? 'on' : 'off'}; ssl_session_cache ${tickets ? 'shared:S:10m' : 'off'};
location / { return 200 "${'x'.repeat(Math.min(bytes, 3900))}"; } } }\n`);
  return start('nginx', 'nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir], port);
}

export async function haproxy(scene, bytes) {
  const { cert, key, ca } = tlsOf(scene), port = await freePort(), file = join(scene.work, `haproxy-${port}`);
  writeFileSync(`${file}.pem`, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  writeFileSync(`${file}.body`, 'x'.repeat(bytes));
  writeFileSync(`${file}.cfg`, `global\n  nbthread ${cpus().length}\ndefaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s
frontend f\n  bind 127.0.0.1:${port} ssl crt ${file}.pem ca-file ${ca} verify required ssl-min-ver TLSv1.3
  http-request return status 200 content-type application/json file ${file}.body\n`);
  return start('haproxy', 'haproxy', ['-db', '-f', `${file}.cfg`], port);
}

/** What both peers over PostgreSQL and the one over SQLite are told. */
async function peerSettings(scene, name, houses) {
  const port = await freePort(), { cert, key, ca } = tlsOf(scene);
  scene.peerClients([], port);
  const settings = { port, cert, key, ca, workers: cpus().length, pool: 16, token_key: scene.tokenKey, network: join(scene.work, `network-${name}.json`),
    database: join(scene.work, 'peer.db') };
  writeFileSync(settings.network, JSON.stringify(networkObjects(houses)));
  return settings;
}

function settingsFile(scene, name, settings) {
  const file = join(scene.work, `peer-${name}.json`);
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

/** ${store}: pg or sqlite; over a network of the sample and ${houses} more.  Without ${shared} a PostgreSQL of its own, alone. */
export async function fastify(scene, store, houses, shared = null) {
  const settings = await peerSettings(scene, store, houses);
  const own = store === 'pg' && !shared ? await new Postgres(scene.work).start() : null;
  if (store === 'pg') settings.database = (shared ?? own).settings;
  try {
    const server = await start(`fastify ${store}`, process.execPath, [join(root, 'bench/peers/server.mjs'), store, settingsFile(scene, store, settings)]);
    server.database = own;
    if (own) server.pids += `,${own.pids}`;
    return server;
  } catch (e) {
    await own?.stop();
    throw e;
  }
}

/** The Go peer over the tables that Fastify has made in ${database}. */
export async function go(scene, houses, database) {
  const { SQL } = await import('../peers/store_pg.mjs');
  const settings = await peerSettings(scene, 'go', houses);
  const file = settingsFile(scene, 'go', { ...settings, pool: cpus().length * settings.pool, database: database.settings, sql: SQL });
  return start('go pgx', join(root, 'build/bench/peer-go'), [file]);
}
