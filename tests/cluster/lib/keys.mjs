// SPDX-License-Identifier: Apache-2.0
// Keys and certificates of a cluster, by openssl: one authority for who steers (etcd, Patroni), another for the database.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './network.mjs';

export class Authority {
  constructor(dir, name) {
    this.path = join(dir, name);
    mkdirSync(dir, { recursive: true });
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', `/CN=${name}`,
      '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', `${this.path}.key`, '-out', `${this.path}.crt`);
  }

  /** ${to}.crt and ${to}.key for ${name}; ${address} for who is called there. */
  issue(to, name, address) {
    const extensions = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=clientAuth${address ? ',serverAuth' : ''}`, ...(address ? [`subjectAltName=IP:${address}`] : [])];
    writeFileSync(`${to}.ext`, `${extensions.join('\n')}\n`);
    run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${to}.key`, '-out', `${to}.csr`);
    run('openssl', 'x509', '-req', '-in', `${to}.csr`, '-CA', `${this.path}.crt`, '-CAkey', `${this.path}.key`, '-days', '30',
      '-set_serial', `0x${Date.now().toString(16)}${Math.floor(Math.random() * 1e9).toString(16).padStart(8, '0')}`, '-extfile', `${to}.ext`, '-out', `${to}.crt`);
  }
}
