// SPDX-License-Identifier: Apache-2.0
// All of a list that the service hands out in pages.
import { api, ask, type Schemas } from '../api/client';

interface Page<T> {
  data: T[];
  next_cursor?: string;
}

const MOST = 1000;

/** ${load} reads one page: of the query that it is given. */
export async function everything<T>(load: (query: { limit: number; cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await load({ limit: 100, ...(cursor ? { cursor } : {}) });
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== undefined && rows.length < MOST);
  return rows;
}

/** All reservations that the person may see. */
export const reservations = (): Promise<Schemas['reservation'][]> => everything((query) => ask(api.GET('/v1/reservations', { params: { query } })));
