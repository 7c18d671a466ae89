// SPDX-License-Identifier: Apache-2.0
// Organisations: who takes part, under which name; one that ends opens nothing any more.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, askTagged, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { useDraft } from '../core/draft';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import { t } from '../i18n';
import { Pick, Sure, Text, unsaid } from '../ui/forms';
import { Button, Panel, Phase, State, Still, Wrong } from '../ui/parts';

type Org = Schemas['org'];

function Add(p: { onChange: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState('');
  const add = useAction(useCallback(async (header: { 'Idempotency-Key': string }, body: Schemas['org-new']) => {
    await ask(api.POST('/v1/organisations', { params: { header }, body }));
    setName('');
    p.onChange();
  }, [p.onChange]));
  const body = { name, kind: kind as Org['kind'] };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void add.run(body); }}>
      <Still of={add}>
        <div class="columns">
          <Text label={t('rooms.name')} value={name} onText={setName} maxLength={60} autocomplete="off" problem={add.problem} at="name" />
          <Pick label={t('orgs.kind')} rows={unsaid(options('org_kind'))} value={kind} onPick={setKind} problem={add.problem} at="kind" />
        </div>
      </Still>
      <Button type="submit" kind="main" busy={add.phase === 'sending'}>{t('orgs.add')}</Button> <Phase of={add} again={() => add.again(body)} />
    </form>
  );
}

function Edit(p: { id: string; onDone: () => void }) {
  const params = { path: { org: p.id } };
  const d = useDraft<Org>(
    () => askTagged(api.GET('/v1/organisations/{org}', { params })),
    async (typed, etag) => {
      await ask(api.PATCH('/v1/organisations/{org}', { params: { ...params, header: { 'If-Match': etag } }, body: typed as Schemas['org-change'] }));
      p.onDone();
    },
    [p.id],
  );
  const { value: o, action } = d;
  if (!o) return <Wrong problem={d.problem} />;
  return (
    <form onSubmit={(e) => { e.preventDefault(); d.save(); }}>
      <Still of={action}><Text label={t('rooms.name')} value={o.name} onText={(name) => d.set({ name })} maxLength={60} problem={action.problem} at="name" /></Still>
      {!o.retired && <p class="hint">{t('orgs.end_hint')}</p>}
      <div class="row">
        <Button type="submit" kind="main" busy={action.phase === 'sending'}>{t('save')}</Button>
        <Button onClick={p.onDone}>{t('close')}</Button>
        <Sure label={t(o.retired ? 'people.bring_back' : 'houses.retire')} busy={action.phase === 'sending'} onYes={() => d.send({ retired: !o.retired })} />
      </div>
      <Phase of={action} />
    </form>
  );
}

export function OrgsScreen() {
  const r = useResource(() => everything((query) => ask(api.GET('/v1/organisations', { params: { query } }))), [], () => false);
  const [open, setOpen] = useState<string>();
  const rows = (r.data ?? []).sort((a, b) => Number(a.retired) - Number(b.retired) || a.name.localeCompare(b.name));
  return (
    <>
      <Panel title={t('orgs.add')}><Add onChange={r.reload} /></Panel>
      <Panel title={t('orgs.title')} aside={<span class="quiet">{rows.length}</span>}>
        <Wrong problem={r.problem} retry={r.reload} />
        <ul class="cards">
          {rows.map((o) => (
            <li key={o.id} class="card">
              <p class="card-head"><strong>{o.name}</strong><State tone={o.retired ? 'bad' : 'good'}>{t(o.retired ? 'people.is_retired' : 'people.is_active')}</State></p>
              <p class="quiet">{label('org_kind', o.kind)}</p>
              {open === o.id ? <Edit id={o.id} onDone={() => { setOpen(undefined); r.reload(); }} /> : <Button onClick={() => setOpen(o.id)}>{t('account.change')}</Button>}
            </li>
          ))}
        </ul>
      </Panel>
    </>
  );
}
