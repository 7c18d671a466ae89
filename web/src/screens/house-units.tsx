// SPDX-License-Identifier: Apache-2.0
// Units of the own house: one tap changes one, one tap says that all is still true, undo instead of questions.
import { useCallback } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label } from '../core/codes';
import type { Resource } from '../core/resource';
import { t } from '../i18n';
import { Age, Button, Panel, Phase, State, Stepper, type Tone } from '../ui/parts';
import { offerUndo } from '../ui/undo';

type Availability = Schemas['availability'];
type Unit = Schemas['unit'];
type Report = { state: 'free' | 'occupied' | 'partly_free' | 'out_of_use'; free_places?: number };

const tones: Record<string, Tone> = { free: 'good', partly_free: 'good', held: 'wait', occupied: 'calm', out_of_use: 'bad' };

/** How the unit stands, as a report that puts it back there.  A shared one that is held is full: "free" would say that nobody lives there. */
const reportOf = (u: Unit): Report =>
  u.state === 'partly_free' ? { state: 'partly_free', free_places: u.free_places ?? 0 } : { state: u.state === 'held' ? 'occupied' : (u.state ?? 'occupied') };

function UnitRow(p: { shelter: string; unit: Unit; onChange: (a: Availability) => void }) {
  const u = p.unit;
  const send = useCallback(
    async (_: unknown, report: Report, before: Report | null) => {
      const answer = await ask(api.PATCH('/v1/shelters/{shelter}/availability', { params: { path: { shelter: p.shelter } }, body: { units: [{ unit: u.id, ...report }] } }));
      p.onChange(answer);
      if (before) offerUndo(t('units.changed', { unit: u.name }), () => void action.run(before, null));
    },
    [p.shelter, u.id],
  );
  const action = useAction(send);
  const set = (report: Report): void => void action.run(report, reportOf(u));
  const isBooked = u.state === 'held';
  const free = u.free_places ?? 0;

  return (
    <li class="unit">
      <div class="unit-head">
        <strong>{u.name}</strong>
        <State tone={tones[u.state ?? ''] ?? 'calm'}>{label('unit_state', u.state)}</State>
        <span class="quiet">{t('units.places', { n: u.places })}</span>
        {u.confirmed_at && <span class={u.freshness === 'fresh' ? 'quiet' : 'old'}>{u.freshness === 'unknown' ? label('freshness', 'unknown') : <>{t('units.confirmed')} <Age at={u.confirmed_at} /></>}</span>}
      </div>
      <div class="unit-tools">
        {u.shared ? (
          <Stepper label={t('units.free_places', { unit: u.name })} value={free} max={u.places} text={`${free} / ${u.places}`}
            onStep={(n) => set(n === 0 ? { state: 'occupied' } : n === u.places ? { state: 'free' } : { state: 'partly_free', free_places: n })} />
        ) : (
          <Button single class="big" kind={u.state === 'free' ? 'plain' : 'main'} busy={action.phase === 'sending'} disabled={isBooked} onClick={() => set({ state: u.state === 'free' ? 'occupied' : 'free' })}>
            {t(u.state === 'free' ? 'units.mark_taken' : 'units.mark_free')}
          </Button>
        )}
        <Button single busy={action.phase === 'sending'} disabled={isBooked} onClick={() => set({ state: u.state === 'out_of_use' ? 'free' : 'out_of_use' })}>
          {t(u.state === 'out_of_use' ? 'units.mark_usable' : 'units.mark_unusable')}
        </Button>
      </div>
      <Phase of={action} />
    </li>
  );
}

export function Units(p: { shelter: string; resource: Resource<Availability> }) {
  const a = p.resource.data;
  const confirm = useCallback(
    async () => p.resource.set(await ask(api.POST('/v1/shelters/{shelter}/confirmations', { params: { path: { shelter: p.shelter } } }))),
    [p.shelter, p.resource.set],
  );
  const action = useAction(confirm);
  if (!a) return null;
  const oldest = a.units.map((u) => u.confirmed_at).filter((x) => x !== undefined).sort()[0];
  return (
    <Panel title={a.code_name} aside={<span class="quiet">{t('units.persons', { n: a.persons, of: a.licensed_capacity })}</span>}>
      <div class="all-correct">
        <Button class="big" kind="main" busy={action.phase === 'sending'} onClick={() => void action.run()}>✓ {t('units.all_correct')}</Button>
        {oldest && <p class="quiet">{t('units.last_confirmed')} <Age at={oldest} /></p>}
        <Phase of={action} />
      </div>
      <ul class="units">
        {a.units.map((u) => <UnitRow key={u.id} shelter={p.shelter} unit={u} onChange={p.resource.set} />)}
      </ul>
    </Panel>
  );
}
