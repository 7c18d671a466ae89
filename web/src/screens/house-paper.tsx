// SPDX-License-Identifier: Apache-2.0
// The house's sheet for the hours without the system: rooms, requests, who is expected, who is here until when.  No location.
import type { Schemas } from '../api/client';
import { label } from '../core/codes';
import { dayText, stamp } from '../core/time';
import { t } from '../i18n';
import { PrintPaper, type PaperTable } from '../ui/paper';
import { householdText, type Reservation } from './house';
import { needs } from './house-requests';

type Availability = Schemas['availability'];

const when = (time: string | undefined): string => (time ? stamp(time) : '');
const roomsOf = (r: Reservation): string => (r.unit_names ?? []).join(', ');

export function HousePaper(p: { units: Availability; rows: Reservation[]; at: number; isOld: boolean }) {
  const of = (state: string): Reservation[] => p.rows.filter((r) => r.state === state);
  const who = [t('reservation.number'), t('reservation.word'), t('sheet.household'), t('paper.unit')];
  const whoOf = (r: Reservation): (string | undefined)[] => [r.number, r.check_word, [householdText(r), needs(r)].filter(Boolean).join(' · '), roomsOf(r)];
  const tables: PaperTable[] = [
    {
      title: t('rooms.title'), head: [t('paper.unit'), t('paper.places'), t('paper.state'), t('paper.confirmed')],
      rows: p.units.units.map((u) => [u.name, u.shared ? `${u.free_places ?? 0} / ${u.places}` : String(u.places), label('unit_state', u.state), when(u.confirmed_at)]),
    },
    { title: t('request.title', { n: of('requested').length }), head: [...who, t('paper.until')], rows: of('requested').map((r) => [...whoOf(r), when(r.expires_at)]) },
    { title: t('stay.expected'), head: [...who, t('paper.time')], rows: of('confirmed').map((r) => [...whoOf(r), when(r.earliest_arrival)]) },
    { title: t('stay.here'), head: [...who, t('paper.until')], rows: of('in_stay').map((r) => [...whoOf(r), r.stay_end ? dayText(r.stay_end) : '']) },
  ];
  return (
    <PrintPaper name={p.units.code_name} how={`${t('paper.why')} ${t('capacity.call')}`} at={p.at} isOld={p.isOld} tables={tables}
      blank={[t('paper.time'), t('paper.code'), t('sheet.household'), t('paper.unit'), t('paper.yes')]} />
  );
}
