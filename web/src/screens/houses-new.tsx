// SPDX-License-Identifier: Apache-2.0
// A new house: whose, of what kind, in which county.  Where it is, its own manager says later, and nobody else.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { options } from '../core/codes';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import { t } from '../i18n';
import { Pick, Text, unsaid } from '../ui/forms';
import { Button, Phase, Still, Wrong } from '../ui/parts';

const EMPTY = { org: '', type: '', county: '', code_name: '', licensed_capacity: 1 };

const operators = async () =>
  (await everything((query) => ask(api.GET('/v1/organisations', { params: { query } }))))
    .filter((o) => o.kind === 'shelter_operator' && !o.retired)
    .map((o) => ({ code: o.id, label: o.name }))
    .sort((a, b) => a.label.localeCompare(b.label));

export function NewHouse(p: { onMade: (id: string) => void }) {
  const r = useResource(operators, [], () => false);
  const [v, setV] = useState(EMPTY);
  const [made, setMade] = useState(false);
  const add = useAction(useCallback(async (header: { 'Idempotency-Key': string }, body: typeof EMPTY) => {
    const { id } = await ask(api.POST('/v1/shelters', { params: { header }, body: body as Schemas['shelter-new'] }));
    setV(EMPTY);
    setMade(true);
    p.onMade(id);
  }, []));
  const pick = (at: 'org' | 'type' | 'county', label: string, rows: { code: string; label: string }[]) =>
    <Pick label={label} rows={unsaid(rows)} value={v[at]} onPick={(to) => setV({ ...v, [at]: to })} problem={add.problem} at={at} />;
  return (
    <section class="panel">
      <Wrong problem={r.problem} retry={r.reload} />
      {made && <p role="status">{t('houses.made')}</p>}
      <details>
        <summary>{t('houses.new')}</summary>
        <form onSubmit={(e) => { e.preventDefault(); void add.run(v); }}>
          <Still of={add}>
            <div class="columns">
              <Text label={t('houses.name')} hint={t('houses.name_hint')} value={v.code_name} onText={(code_name) => setV({ ...v, code_name })} maxLength={60} autocomplete="off" problem={add.problem} at="code_name" />
              {pick('org', t('org'), r.data ?? [])}
              {pick('type', t('houses.type'), options('shelter_type'))}
              {pick('county', t('houses.county'), options('county'))}
              <Text label={t('houses.licence')} type="number" min={1} max={1000} value={v.licensed_capacity} onText={(n) => setV({ ...v, licensed_capacity: Number(n) })} problem={add.problem} at="licensed_capacity" />
            </div>
          </Still>
          <Button type="submit" kind="main" busy={add.phase === 'sending'}>{t('houses.new')}</Button> <Phase of={add} again={() => add.again(v)} />
        </form>
      </details>
    </section>
  );
}
