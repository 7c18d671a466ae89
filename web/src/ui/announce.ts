// SPDX-License-Identifier: Apache-2.0
// What a screen reader says without moving the focus.
import { Store } from '../core/store';

export const announcement = new Store({ text: '', n: 0 });

export function announce(text: string): void {
  announcement.update((a) => ({ text, n: a.n + 1 })); // the number makes the same text heard twice
}
