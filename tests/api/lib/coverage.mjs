// SPDX-License-Identifier: Apache-2.0
// After all API tests: was each operation of openapi.yaml answered with success at least once?
//   node coverage.mjs FILE    FILE has the operationId of every such answer, one on a line (see $EXERCISED)
import { existsSync, readFileSync } from 'node:fs';
import { operationIds } from './contract.mjs';

// operationId: the reason why no test can have it answered; at present there is none
const EXEMPT = {};

const file = process.argv[2];
const seen = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
const never = operationIds.filter((id) => !seen.has(id) && !EXEMPT[id]);
const idle = Object.keys(EXEMPT).filter((id) => seen.has(id) || !operationIds.includes(id));
for (const id of never) console.log(`not ok - ${id} was never answered with success`);
for (const id of idle) console.log(`not ok - ${id} needs no exemption`);
console.log(`# ${operationIds.length - never.length} of ${operationIds.length} operations were answered with success`);
process.exitCode = never.length + idle.length > 0 ? 1 : 0;
