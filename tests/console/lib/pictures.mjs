// SPDX-License-Identifier: Apache-2.0
// The pictures of README and handbook: taken from build/screenshots, which the console's tests leave there, and made small.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../api/lib/registry.mjs';
import { launch, quit } from './browser.mjs';

const PICTURES = {
  'desk-candidates-desktop-hu': 640, // width, CSS pixels
  'desk-confirmed-desktop-hu': 640,
  'desk-location-desktop-hu': 640,
  'trail-alarm-checkpoint-desktop-hu': 640,
  'house-request-phone-hu': 260,
  'house-undo-phone-hu': 260,
  'signin-phone-hu': 260,
  'signin-phone-en': 260,
  'shelter_staff-0-phone-hu': 260,
  'shelter_staff-0-phone-en': 260,
  'shelter_manager-1-desktop-hu': 640,
  'shelter_manager-1-desktop-en': 640,
  'desk-intake-desktop-hu': 640,
  'desk-intake-desktop-en': 640,
  'shift_lead-1-desktop-hu': 640,
  'shift_lead-1-desktop-en': 640,
  'family_support-0-desktop-hu': 640,
  'family_support-0-desktop-en': 640,
  'admin-3-desktop-hu': 640,
  'admin-3-desktop-en': 640,
  'auditor-0-desktop-hu': 640,
  'auditor-0-desktop-en': 640,
  'statistics-picture-desktop-hu': 640,
  'statistics-picture-phone-en': 260,
  'trail-alarm-entry-phone-en': 260,
};
const HIGHEST = 560; // of a page that goes on below, its upper part

const page = await (await launch()).newPage();
for (const [name, width] of Object.entries(PICTURES)) {
  const source = readFileSync(join(root, 'build/screenshots', `${name}.png`)).toString('base64');
  await page.setContent(`<body style="margin:0"><img style="display:block;width:${width}px" src="data:image/png;base64,${source}">`);
  const height = await page.evaluate(() => document.images[0].height);
  await page.setViewportSize({ width, height: Math.min(height, HIGHEST) });
  const picture = await page.screenshot({ type: 'jpeg', quality: 80 });
  writeFileSync(join(root, 'docs/pictures', `${name}.jpg`), picture);
  console.log(`docs/pictures/${name}.jpg: ${picture.length} bytes`);
}
await quit();
