// SPDX-License-Identifier: Apache-2.0
// The rooms of a house as they are furnished: added, changed, retired.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, Problem, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { useDraft } from '../core/draft';
import { useResource } from '../core/resource';
import { t } from '../i18n';
import { Sure, Text } from '../ui/forms';
import { Button, Check, Panel, Phase, Still, Wrong } from '../ui/parts';

type Unit = Schemas['unit'];
type Room = Pick<Unit, 'name' | 'adult_beds' | 'child_beds' | 'cots' | 'shared' | 'step_free' | 'own_rooms' | 'join_group'>;
type Part = { [K in keyof Room]?: Room[K] | undefined };

const NEW: Room = { name: '', adult_beds: 1, child_beds: 0, cots: 0, shared: false, step_free: false, own_rooms: false, join_group: 0 };

function Fields(p: { value: Room; onSet: (part: Part) => void }) {
  const v = p.value;
  return (
    <>
      <div class="columns">
        <Text label={t('rooms.name')} value={v.name} onText={(name) => p.onSet({ name })} maxLength={31} />
        {(['adult_beds', 'child_beds', 'cots', 'join_group'] as const).map((f) => (
          <Text key={f} label={t(`rooms.${f}`)} type="number" min={0} max={f === 'join_group' ? 64 : 40} value={v[f]} onText={(n) => p.onSet({ [f]: Number(n) })} />
        ))}
      </div>
      <div class="choice">
        {(['shared', 'step_free', 'own_rooms'] as const).map((f) => <Check key={f} label={t(f === 'step_free' ? 'flag.step_free' : `rooms.${f}`)} checked={v[f]} onChange={(to) => p.onSet({ [f]: to })} />)}
      </div>
    </>
  );
}

function Edit(p: { shelter: string; load: () => Promise<Unit>; unit: string; onDone: () => void }) {
  const d = useDraft<Unit & { retired?: boolean }>(
    async () => {
      const data = await p.load();
      return { data, etag: data.etag };
    },
    async (typed, etag) => {
      await ask(api.PATCH('/v1/shelters/{shelter}/units/{unit}', { params: { path: { shelter: p.shelter, unit: p.unit }, header: { 'If-Match': etag } }, body: typed as Schemas['unit-change'] }));
      p.onDone();
    },
    [p.unit],
  );
  if (!d.value) return <Wrong problem={d.problem} />;
  return (
    <form onSubmit={(e) => { e.preventDefault(); d.save(); }}>
      <Still of={d.action}><Fields value={d.value} onSet={d.set} /></Still>
      <div class="row">
        <Button type="submit" kind="main" busy={d.action.phase === 'sending'}>{t('save')}</Button>
        <Button onClick={p.onDone}>{t('close')}</Button>
        <Sure label={t('houses.retire')} busy={d.action.phase === 'sending'} onYes={() => d.send({ retired: true })} />
      </div>
      <Phase of={d.action} />
    </form>
  );
}

export function Rooms(p: { shelter: string }) {
  const path = { shelter: p.shelter };
  const load = () => ask(api.GET('/v1/shelters/{shelter}/units', { params: { path } }));
  const r = useResource(load, [p.shelter], () => false);
  const [open, setOpen] = useState<string>();
  const [fresh, setFresh] = useState(NEW);
  const add = useAction(useCallback(async (header: { 'Idempotency-Key': string }, body: Room) => {
    await ask(api.POST('/v1/shelters/{shelter}/units', { params: { path, header }, body }));
    setFresh(NEW);
    r.reload();
  }, [p.shelter, r.reload]));
  const find = async (id: string): Promise<Unit> => {
    const { units } = await load();
    return units.find((u) => u.id === id) ?? Promise.reject(new Problem(404, 'not_found', {}, 0));
  };
  return (
    <Panel title={t('rooms.title')}>
      <Wrong problem={r.problem} retry={r.reload} />
      <ul class="units">
        {r.data?.units.map((u) => (
          <li key={u.id} class="unit">
            <p class="card-head"><strong>{u.name}</strong><span class="quiet">{t('units.places', { n: u.places })}</span></p>
            {open === u.id ? <Edit shelter={p.shelter} unit={u.id} load={() => find(u.id)} onDone={() => { setOpen(undefined); r.reload(); }} /> : <Button onClick={() => setOpen(u.id)}>{t('account.change')}</Button>}
          </li>
        ))}
      </ul>
      <details>
        <summary>{t('rooms.add')}</summary>
        <form onSubmit={(e) => { e.preventDefault(); void add.run(fresh); }}>
          <Still of={add}><Fields value={fresh} onSet={(part) => setFresh((f) => ({ ...f, ...part }) as Room)} /></Still>
          <Button type="submit" kind="main" busy={add.phase === 'sending'}>{t('rooms.add')}</Button> <Phase of={add} again={() => add.again(fresh)} />
        </form>
      </details>
    </Panel>
  );
}
