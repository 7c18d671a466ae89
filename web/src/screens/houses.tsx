// SPDX-License-Identifier: Apache-2.0
// Houses as managers and administrators keep them: profile, whom they admit, rooms, and for the own house alone where it is.
import { useState } from 'preact/hooks';
import { api, ask, askTagged, type Schemas } from '../api/client';
import { label, options } from '../core/codes';
import { useDraft } from '../core/draft';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { t, type Key } from '../i18n';
import { Pick, Several, Sure, Text } from '../ui/forms';
import { Button, Check, Panel, Phase, Still, Wrong } from '../ui/parts';
import { OwnLocation } from './houses-location';
import { NewHouse } from './houses-new';
import { Rooms } from './houses-rooms';
import { housesOf } from './people';

type Shelter = Schemas['shelter'];
type Admission = Shelter['admission'];

const admits = {
  women_alone: 'admit.women_alone', men: 'admit.men', fathers: 'admit.fathers', adult_sibling: 'admit.siblings', partner: 'flag.partner', pets: 'flag.pet',
  acute_addiction: 'flag.acute_addiction', acute_psychiatric: 'flag.acute_psychiatric', own_county: 'admit.own_county', assessment_first: 'admit.assessment_first', waitlist: 'admit.waitlist',
} as const satisfies Partial<Record<keyof Admission, Key>>;
const limits = { boy_max_age: 17, own_room_boy_age: 17, max_children: 12 } as const;

const isOf = <T extends object>(all: T): (keyof T)[] => Object.keys(all) as (keyof T)[];

function Profile(p: { shelter: string }) {
  const path = { shelter: p.shelter };
  const d = useDraft<Shelter>(
    () => askTagged(api.GET('/v1/shelters/{shelter}', { params: { path } })),
    (typed, etag) => ask(api.PATCH('/v1/shelters/{shelter}', { params: { path, header: { 'If-Match': etag } }, body: typed as Schemas['shelter-change'] })),
    [p.shelter],
  );
  const { value: s, action } = d;
  if (!s || !d.base) return <Wrong problem={d.problem} />;
  const rules: Admission = { ...d.base.admission, ...d.typed.admission };
  const admit = (part: Admission): void => d.set({ admission: { ...d.typed.admission, ...part } });
  const problem = action.problem;
  return (
    <Panel title={s.code_name} aside={<span class="quiet">{[label('shelter_type', s.type), label('county', s.county)].filter(Boolean).join(' · ')}</span>}>
      <form onSubmit={(e) => { e.preventDefault(); d.save(); }}>
        <Still of={action}>
          <div class="columns">
            <Text label={t('houses.name')} hint={t('houses.name_hint')} value={s.code_name} onText={(code_name) => d.set({ code_name })} maxLength={60} problem={problem} at="code_name" />
            <Text label={t('houses.licence')} type="number" min={1} max={1000} value={s.licensed_capacity} onText={(n) => d.set({ licensed_capacity: Number(n) })} problem={problem} at="licensed_capacity" />
            <Check label={t('houses.open')} checked={s.is_open} onChange={(is_open) => d.set({ is_open })} />
          </div>
          <fieldset class="choice">
            <legend>{t('houses.admits')}</legend>
            {isOf(admits).map((rule) => <Check key={rule} label={t(admits[rule])} checked={rules[rule] ?? false} onChange={(to) => admit({ [rule]: to })} />)}
          </fieldset>
          <div class="columns">
            {isOf(limits).map((rule) => <Text key={rule} label={t(`admit.${rule}`)} type="number" min={0} max={limits[rule]} value={rules[rule] ?? 0} onText={(n) => admit({ [rule]: Number(n) })} />)}
          </div>
          <Several label={t('admit.languages')} rows={options('language')} value={rules.languages ?? []} onPick={(to) => admit({ languages: to as Admission['languages'] & string[] })} />
        </Still>
        <div class="row">
          <Button type="submit" kind="main" busy={action.phase === 'sending'}>{t('save')}</Button>
          <Sure label={t(s.retired ? 'people.bring_back' : 'houses.retire')} busy={action.phase === 'sending'} onYes={() => d.send({ retired: !s.retired })} />
        </div>
        <Phase of={action} />
      </form>
    </Panel>
  );
}

export function HousesScreen(p: { me: Me }) {
  const r = useResource(() => housesOf(p.me), [p.me.user], () => false);
  const [picked, setPicked] = useState<string>();
  const rows = (r.data ?? []).sort((a, b) => a.label.localeCompare(b.label));
  const shelter = picked ?? rows[0]?.code;
  const isOwn = shelter !== undefined && p.me.shelters.includes(shelter);
  return (
    <>
      <Wrong problem={r.problem} retry={r.reload} />
      {p.me.permissions.includes('ORG_WRITE') && <NewHouse onMade={(id) => { setPicked(id); r.reload(); }} />}
      {rows.length > 1 && <div class="narrow"><Pick label={t('house.which')} rows={rows} value={shelter ?? ''} onPick={setPicked} /></div>}
      {shelter && <Profile key={shelter} shelter={shelter} />}
      {shelter && <Rooms key={`r${shelter}`} shelter={shelter} />}
      {shelter && isOwn && <OwnLocation key={`l${shelter}`} shelter={shelter} />}
    </>
  );
}
