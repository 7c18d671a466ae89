// SPDX-License-Identifier: Apache-2.0
// A house's own page: requests that wait for an answer, units, "all correct", arrivals, stays.  Made for a thumb.
import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { label } from '../core/codes';
import { reservations as allReservations } from '../core/pages';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { t } from '../i18n';
import { Wrong } from '../ui/parts';
import { HouseCalendar } from './house-calendar';
import { HousePaper } from './house-paper';
import { Looks, LoudLooks } from './house-looks';
import { Requests } from './house-requests';
import { Stays } from './house-stays';
import { Units } from './house-units';

export type Reservation = Schemas['reservation'];

function House(p: { shelter: string }) {
  const units = useResource(
    () => ask(api.GET('/v1/shelters/{shelter}/availability', { params: { path: { shelter: p.shelter } } })),
    [p.shelter], (e) => e.kind === 'availability.changed' || e.kind.startsWith('reservation.'));
  const reservations = useResource(allReservations, [p.shelter], (e) => e.kind.startsWith('reservation.'));
  const own = (reservations.data ?? []).filter((r) => r.shelter === undefined || r.shelter === p.shelter);

  return (
    <>
      <Wrong problem={units.problem ?? reservations.problem} retry={() => { units.reload(); reservations.reload(); }} />
      <LoudLooks shelter={p.shelter} />
      <Requests rows={own} onAnswered={reservations.reload} />
      {units.data && <Units shelter={p.shelter} resource={units} />}
      <Stays rows={own} onChanged={reservations.reload} />
      <HouseCalendar shelter={p.shelter} />
      {units.data && reservations.data && <HousePaper units={units.data} rows={own} at={Math.min(units.at, reservations.at)} isOld={Boolean(units.problem ?? reservations.problem)} />}
      <Looks shelter={p.shelter} />
    </>
  );
}

/** Ids are random: in their order a new household would stand before another, whose buttons move from under the finger. */
export const since = (at: 'held_at' | 'requested_at' | 'answered_at' | 'arrived_at') => (a: Reservation, b: Reservation): number => (a[at] ?? '').localeCompare(b[at] ?? '');

/** Who and how many, without a name: "1 felnőtt, 2 gyermek (3–9 éves), 1 csecsemő".  Babies are counted apart from the children. */
export function householdText(r: Reservation): string {
  const bands = [...new Set(r.bands ?? [])].filter((b) => b !== '0-2').map((b) => label('age_band', b)).join(', ');
  const parts = [t('count.adults', { n: r.adults ?? 0 })];
  if ((r.children ?? 0) > 0) parts.push(t('count.children', { n: r.children ?? 0 }) + (bands ? ` (${bands})` : ''));
  if ((r.babies ?? 0) > 0) parts.push(t('count.babies', { n: r.babies ?? 0 }));
  return parts.join(', ');
}

export function HouseScreen(p: { me: Me }) {
  const [open, setOpen] = useState(p.me.shelters[0]);
  if (open === undefined) return <p>{t('house.none')}</p>;
  return (
    <>
      {p.me.shelters.length > 1 && (
        <nav class="tabs" aria-label={t('house.which')}>
          {p.me.shelters.map((s, i) => (
            <button key={s} type="button" aria-current={s === open ? 'true' : undefined} onClick={() => setOpen(s)}>{t('house.number', { n: i + 1 })}</button>
          ))}
        </nav>
      )}
      <House key={open} shelter={open} />
    </>
  );
}
