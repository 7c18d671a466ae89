// SPDX-License-Identifier: Apache-2.0
// How fast the page's processor is, by a piece of work of known size.  Chromium makes a page six times slower than the
// machine is, and a machine that does other things too is slower already: what is promised to an office's laptop is not
// broken when the page had half of one.

/** What the work below takes such a laptop, in milliseconds: six times 6, what it took an idle core (5 to 8). */
const OFFICE_MS = 36;

/** How many times slower than an office's laptop ${page} is at this moment; never less than 1. */
export async function pace(page) {
  const middle = await page.evaluate(() => {
    const once = () => {
      const began = performance.now();
      const list = document.createElement('ul');
      for (let i = 0; i < 300; i++) {
        const item = document.createElement('li');
        item.textContent = `${i}`;
        list.append(item);
      }
      document.body.append(list);
      list.getBoundingClientRect();
      list.remove();
      return performance.now() - began;
    };
    return Array.from({ length: 9 }, once).sort((a, b) => a - b)[4];
  });
  return Math.max(1, middle / OFFICE_MS);
}
