// SPDX-License-Identifier: Apache-2.0
// What `make run-cluster` does: three complete hosts (PostgreSQL, Patroni, etcd, a node) and HAProxy before them, on this
// machine, with the sample network; says how to reach them; ends all of it with Ctrl-C.
import { join } from 'node:path';
import { Cluster, until } from './lib/bed.mjs';
import { noNetwork } from './lib/network.mjs';
import { Balancer, Nodes } from './lib/nodes.mjs';

const reason = noNetwork();
if (reason) {
  console.error(reason);
  process.exit(1);
}
const cluster = new Cluster();
console.error('Three hosts with etcd, Patroni and PostgreSQL ...');
await cluster.start();
console.error('The sample network moves into their database, a node on each host ...');
const registry = await new Nodes(cluster).serveAll();
const balancer = new Balancer(cluster);
await until('HAProxy listens', () => balancer.listens(), 10);

const { certs } = registry;
const address = balancer.address;
// curl asks for "localhost", the name in the nodes' certificate, wherever it connects to
const curl = (to) => `curl -sS --cacert ${certs}/ca.crt --cert ${certs}/counsellor.crt --key ${certs}/counsellor.key --connect-to localhost:8443:${to}:8443`;
const [first] = cluster.hosts;
const onHub = (...words) => cluster.network.onHub('ip', 'link', 'set', first.name, ...words).join(' ');
console.log(`
HAProxy:  https://${address}:8443   (the nodes' certificate says localhost)
${cluster.hosts.map((h) => `${h.name}:    ${h.address}   node 8443, PostgreSQL 5432, Patroni 8008, etcd 2379 (leads: ${h.leads ? 'yes' : 'no'})`).join('\n')}

Sign in through HAProxy, or at a node of your choice, in another terminal:
TOKEN=$(${curl(address)} -H 'Content-Type: application/json' -d @${certs}/counsellor.json https://localhost:8443/v1/tokens | sed 's/.*access_token":"//;s/".*//')
${curl(address)} -H "Authorization: Bearer $TOKEN" https://localhost:8443/v1/me
${curl(cluster.hosts[0].address)} -H "Authorization: Bearer $TOKEN" https://localhost:8443/v1/me

Who leads:
${cluster.network.inside(first.name, 'patronictl', '-c', join(cluster.dir, first.name, 'patroni.yml'), 'list').join(' ')}
Pull a host's cable, and put it back:
${onHub('down')}
${onHub('up')}

Everything lies in ${cluster.dir} and goes with Ctrl-C.`);
process.removeAllListeners('SIGINT').on('SIGINT', () => process.exit(0)); // it ends as it should
setInterval(() => {}, 60_000);
