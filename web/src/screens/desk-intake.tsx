// SPDX-License-Identifier: Apache-2.0
// What is asked on the phone, in the order in which it is asked; nothing that could name anybody.  Most of it stays as it is.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { options } from '../core/codes';
import { t } from '../i18n';
import { wrongAt } from '../ui/forms';
import { Button, Check, CodeRadios, CodeSelect, Field, Panel, Phase, Still } from '../ui/parts';
import type { Episode, Household } from './desk';

type Child = { sex: Schemas['sex']; band: Schemas['age_band'] };
type Flag = 'danger_to_life' | 'pregnant' | 'partner' | 'step_free' | 'pet' | 'assistance_animal' | 'acute_addiction' | 'acute_psychiatric' | 'would_be_separated' | 'step_out';

interface Draft {
  channel: Schemas['channel'];
  caseType: Schemas['case_type'];
  women: number;
  men: number;
  siblings: number;
  sibling: string;
  children: Record<string, number>; // "female 3-9" -> how many
  flags: Partial<Record<Flag, boolean>>;
  counties: Schemas['county'][];
  home: string;
  languages: Schemas['language'][];
}

const blank: Draft = {
  channel: 'phone', caseType: 'partner_violence', women: 1, men: 0, siblings: 0, sibling: '', children: {}, flags: {}, counties: [], home: '', languages: [],
};
const MOST_CHILDREN = 12;
const MOST_ADULTS = 6;

/** All of them: of more than a household can have the service says so, none is left out of the search. */
function childrenOf(counts: Draft['children']): Child[] {
  const rows: Child[] = [];
  for (const [key, n] of Object.entries(counts)) {
    const [sex, band] = key.split(' ') as [Child['sex'], Child['band']];
    for (let i = 0; i < n; i++) rows.push({ sex, band });
  }
  return rows;
}

function householdOf(d: Draft): Household {
  const flags = Object.fromEntries(Object.entries(d.flags).filter(([, on]) => on));
  return {
    case_type: d.caseType, women: d.women, men: d.men, children: childrenOf(d.children), ...flags,
    // without their age the service asks for it: a person who is left out has no bed in the place that is found
    ...(d.siblings > 0 ? { siblings: d.siblings, ...(d.sibling !== '' ? { sibling: d.sibling as Schemas['sibling'] } : {}) } : {}),
    ...(d.counties.length > 0 ? { danger_counties: d.counties } : {}),
    ...(d.home !== '' ? { home_county: d.home as Schemas['county'] } : {}),
    ...(d.languages.length > 0 ? { languages: d.languages } : {}),
  };
}

function Count(p: { label: string; value: number; most: number; onCount: (n: number) => void; small?: boolean; first?: preact.RefObject<HTMLInputElement | null> }) {
  return (
    <label class={p.small ? 'count small' : 'count'}>
      <span class={p.small ? 'unseen' : undefined}>{p.label}</span>
      <input ref={p.first ?? null} type="number" inputMode="numeric" min={0} max={p.most} value={p.value}
        onFocus={(e) => e.currentTarget.select()}
        onInput={(e) => p.onCount(Math.max(0, Math.min(p.most, Math.floor(Number(e.currentTarget.value) || 0))))} />
    </label>
  );
}

function Children(p: { counts: Draft['children']; wrong: string | undefined; onChange: (to: Draft['children']) => void }) {
  const bands = options('age_band');
  const sexes = [['female', t('intake.girls')], ['male', t('intake.boys')]] as const;
  return (
    <table class="children">
      <caption>{t('intake.children')}{p.wrong && <p class="wrong">{p.wrong}</p>}</caption>
      <thead><tr><td />{bands.map((b) => <th key={b.code} scope="col">{b.code.replace('-', '–')}</th>)}</tr></thead>
      <tbody>
        {sexes.map(([sex, name]) => (
          <tr key={sex}>
            <th scope="row">{name}</th>
            {bands.map((b) => (
              <td key={b.code}>
                <Count small label={`${name} ${b.label}`} most={MOST_CHILDREN} value={p.counts[`${sex} ${b.code}`] ?? 0} onCount={(n) => p.onChange({ ...p.counts, [`${sex} ${b.code}`]: n })} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Counties(p: { picked: Schemas['county'][]; onChange: (to: Schemas['county'][]) => void }) {
  const all = options('county');
  return (
    <div>
      <Field label={t('intake.not_there')} hint={t('intake.not_there_hint')}>
        {(ids) => (
          <select {...ids} value="" onChange={(e) => { const code = e.currentTarget.value as Schemas['county']; if (code) p.onChange([...p.picked, code]); }}>
            <option value="">{t('intake.add_county')}</option>
            {all.filter((c) => !p.picked.includes(c.code as Schemas['county'])).map((c) => <option key={c.code} value={c.code}>{c.label}</option>)}
          </select>
        )}
      </Field>
      <ul class="chips">
        {p.picked.map((code) => {
          const name = all.find((c) => c.code === code)?.label ?? code;
          return <li key={code}><Button class="chip" aria-label={t('intake.remove', { what: name })} onClick={() => p.onChange(p.picked.filter((c) => c !== code))}>{name} ×</Button></li>;
        })}
      </ul>
    </div>
  );
}

export function Intake(p: { isShown: boolean; onOpened: (e: Episode) => void; channels?: readonly string[]; button?: string }) {
  const [d, setD] = useState<Draft>(blank);
  const change = (part: Partial<Draft>): void => setD((now) => ({ ...now, ...part }));
  const flag = (name: Flag) => <Check label={t(`flag.${name}`)} checked={d.flags[name] ?? false} onChange={(on) => change({ flags: { ...d.flags, [name]: on } })} />;
  const first = useRef<HTMLInputElement>(null);
  const open = useCallback(
    async (header: { 'Idempotency-Key': string }, draft: Draft) => {
      const episode = await ask(api.POST('/v1/episodes', { params: { header }, body: { channel: draft.channel, household: householdOf(draft) } }));
      setD(blank);
      p.onOpened(episode);
    },
    [p.onOpened],
  );
  const action = useAction(open);
  const asked = d.women + d.men + d.siblings + childrenOf(d.children).length; // a partner comes with somebody

  useEffect(() => {
    if (p.isShown) first.current?.focus();
  }, [p.isShown]);

  return (
    <form class="intake" onSubmit={(e) => { e.preventDefault(); if (asked > 0) void action.run(d); }}>
      <Panel title={t('intake.title')}>
        <Still of={action}>
          <div class="counts">
            <Count first={first} label={t('intake.women')} most={MOST_ADULTS} value={d.women} onCount={(women) => change({ women })} />
            <Count label={t('intake.men')} most={MOST_ADULTS} value={d.men} onCount={(men) => change({ men })} />
            <Children counts={d.children} wrong={wrongAt(action.problem, 'household/children')} onChange={(children) => change({ children })} />
          </div>
          <CodeRadios legend={t('intake.case')} list="case_type" value={d.caseType} onPick={(c) => change({ caseType: c as Draft['caseType'] })} />
          <div class="choice">{flag('danger_to_life')}{flag('pregnant')}{flag('partner')}{flag('step_free')}{flag('pet')}</div>
          <Counties picked={d.counties} onChange={(counties) => change({ counties })} />
          <details>
            <summary>{t('intake.more')}</summary>
            <div class="choice">{flag('assistance_animal')}{flag('acute_addiction')}{flag('acute_psychiatric')}{flag('would_be_separated')}{flag('step_out')}</div>
            <div class="columns">
              <CodeSelect label={t('intake.home')} list="county" empty={t('intake.not_said')} value={d.home} onPick={(home) => change({ home })} />
              <CodeSelect label={t('intake.channel')} list="channel" value={d.channel} onPick={(c) => change({ channel: c as Draft['channel'] })} />
              <Count label={t('intake.siblings')} most={MOST_ADULTS} value={d.siblings} onCount={(siblings) => change({ siblings })} />
              {d.siblings > 0 && <CodeSelect label={t('intake.sibling_age')} list="sibling" empty="" value={d.sibling} onPick={(sibling) => change({ sibling })} />}
            </div>
            <fieldset class="choice">
              <legend>{t('intake.languages')}</legend>
              {options('language').map((o) => {
                const code = o.code as Schemas['language'];
                return <Check key={code} label={o.label} checked={d.languages.includes(code)} onChange={(on) => change({ languages: on ? [...d.languages, code] : d.languages.filter((l) => l !== code) })} />;
              })}
            </fieldset>
          </details>
        </Still>
        <div class="row">
          <Button type="submit" kind="main" class="big" busy={action.phase === 'sending'} disabled={asked === 0}>{p.button ?? t('intake.search')}</Button>
          <span class="quiet">{t('intake.persons', { n: asked + (d.flags.partner ? 1 : 0) })}</span>
        </div>
        <Phase of={action} again={() => action.again(d)} />
      </Panel>
    </form>
  );
}
