// SPDX-License-Identifier: Apache-2.0
// Four eyes: rights that lead to a location, and resets of who has them, wait for a second person on another device.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label } from '../core/codes';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { t } from '../i18n';
import { Once, Sure } from '../ui/forms';
import { Button, Countdown, Panel, Phase, Wrong } from '../ui/parts';

type Grant = Schemas['grant'];

function Row(p: { g: Grant; me: Me; asker: string; onChange: () => void; onTold: (g: Grant) => void }) {
  const { g, onTold } = p;
  const act = useAction(useCallback(async (_: unknown, agrees: boolean) => {
    const params = { path: { grant: g.id } };
    if (agrees) onTold(await ask(api.POST('/v1/grants/{grant}/approve', { params })));
    else await ask(api.POST('/v1/grants/{grant}/refuse', { params }));
    p.onChange();
  }, [g.id]));
  const busy = act.phase === 'sending';
  return (
    <li class="card">
      <p><strong>{g.name}</strong>: {label('grant_kind', g.kind)}</p>
      <p>{g.roles.map((r) => label('role', r)).join(', ')}</p>
      <p class="quiet">{t('grants.asked_by', { who: p.asker })} · <Countdown until={g.until} label="glass.until" /></p>
      <div class="row">
        {g.asked_by !== p.me.user && <Button single kind="main" busy={busy} onClick={() => void act.run(true)}>{t('glass.approve')}</Button>}
        <Sure label={t('grants.refuse')} busy={busy} onYes={() => void act.run(false)} />
      </div>
      <Phase of={act} />
    </li>
  );
}

export function Grants(p: { me: Me; people: Schemas['user'][]; onChange: () => void }) {
  const r = useResource(() => everything((query) => ask(api.GET('/v1/grants', { params: { query } }))), [p.me.user, p.people], () => false);
  const [told, setTold] = useState<Grant>();
  if (told?.passphrase) return <Once text={`${told.name}: ${t('people.first')}`} secret={told.passphrase} onDone={() => setTold(undefined)} />;
  if (!r.data || r.data.length === 0) return <Wrong problem={r.problem} retry={r.reload} />;
  const rows = r.data.sort((a, b) => a.until.localeCompare(b.until)); // a new one pushes none from under the finger
  return (
    <Panel title={t('grants.title')}>
      <ul class="cards urgent">{rows.map((g) => <Row key={g.id} g={g} me={p.me} asker={p.people.find((u) => u.id === g.asked_by)?.name ?? ''} onTold={setTold} onChange={p.onChange} />)}</ul>
    </Panel>
  );
}
