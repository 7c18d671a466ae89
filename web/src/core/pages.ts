// SPDX-License-Identifier: Apache-2.0
// All of a list that the service hands out in pages.
import { api, ask, type Schemas } from '../api/client';

export const PAGE = 100; // as much as the service hands out at once

interface Page<T> {
  data: T[];
  next_cursor?: string;
}

/** ${load} reads one page: of the query that it is given.  To the last: who is left out of a list is not withdrawn either.  ${isEnough}: of a list that
 * grows for ever, where to stop. */
export async function everything<T>(load: (query: { limit: number; cursor?: string }) => Promise<Page<T>>, isEnough?: (rows: T[]) => boolean): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await load({ limit: PAGE, ...(cursor ? { cursor } : {}) });
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== undefined && !isEnough?.(rows));
  return rows;
}

/** All reservations that the person may see. */
export const reservations = (): Promise<Schemas['reservation'][]> => everything((query) => ask(api.GET('/v1/reservations', { params: { query } })));
