// SPDX-License-Identifier: Apache-2.0
// Devices: which may come in, which no more; a new one is invited with a file and, by another way, its passphrase.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { dayText } from '../core/time';
import { t } from '../i18n';
import { Once, Pick, Sure, Text, type Choice } from '../ui/forms';
import { Button, Check, Panel, Phase, State, Still, Wrong } from '../ui/parts';
import { save } from '../ui/save';
import { orgsOf } from './people';

type Device = Schemas['device'];
type Kit = Schemas['device-kit'];

const fileOf = (p12: string): Blob => new Blob([Uint8Array.from(atob(p12), (c) => c.charCodeAt(0))], { type: 'application/x-pkcs12' });

/** The file and its passphrase are two steps, for they go two ways.  Whether it was kept the browser does not tell, so it can be saved again. */
function Told(p: { kit: Kit; isWeak: boolean; onDone: () => void }) {
  const { p12, passphrase, device } = p.kit;
  const [isSaved, setSaved] = useState(false);
  if (!p12) return <Once text={t('devices.lost')} secret={undefined} onDone={p.onDone} />;
  const keep = <Button kind={isSaved ? 'plain' : 'main'} onClick={() => { save(fileOf(p12), `${device.id.slice(-6)}.p12`); setSaved(true); }}>{t('devices.download')}</Button>;
  if (isSaved) return <><Once text={t('devices.passphrase')} secret={passphrase} onDone={p.onDone} /><p>{keep}</p></>;
  return (
    <>
      <p>{t('devices.file')}</p>
      {p.isWeak && <p class="trouble">{t('devices.weak')}</p>}
      {keep}
    </>
  );
}

function Invite(p: { me: Me; orgs: Choice[]; onChange: () => void }) {
  const [name, setName] = useState('');
  const [org, setOrg] = useState(p.me.org);
  const [isOld, setOld] = useState(false);
  const [kit, setKit] = useState<Kit>();
  const invite = useAction(useCallback(async (header: { 'Idempotency-Key': string }, body: Schemas['device-kit-new']) => {
    setKit(await ask(api.POST('/v1/devices/kits', { params: { header }, body })));
    setName('');
    p.onChange();
  }, [p.onChange]));
  if (kit) return <Told kit={kit} isWeak={isOld} onDone={() => { setKit(undefined); setOld(false); }} />;
  const body = { name, org, old_device: isOld };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void invite.run(body); }}>
      <Still of={invite}>
        <div class="columns">
          <Text label={t('devices.name')} hint={t('devices.name_hint')} value={name} onText={setName} maxLength={60} autocomplete="off" problem={invite.problem} at="name" />
          {p.orgs.length > 0 && <Pick label={t('org')} rows={p.orgs} value={org} onPick={setOrg} problem={invite.problem} at="org" />}
        </div>
        <p><Check label={t('devices.old')} checked={isOld} onChange={setOld} /></p>
      </Still>
      {isOld && <p class="trouble" role="status">{t('devices.weak')}</p>}
      <div class="row"><Button type="submit" kind="main" busy={invite.phase === 'sending'}>{t('devices.invite')}</Button> <Phase of={invite} again={() => invite.again(body)} /></div>
    </form>
  );
}

function Row(p: { d: Device; org: string; isOwn: boolean; onChange: () => void }) {
  const { d } = p;
  const revoke = useAction(useCallback(async () => {
    await ask(api.POST('/v1/devices/{device}/revoke', { params: { path: { device: d.id } } }));
    p.onChange();
  }, [d.id, p.onChange]));
  return (
    <li class="card">
      <p class="card-head"><strong>{d.name}</strong><State tone={d.revoked_at ? 'bad' : 'good'}>{t(d.revoked_at ? 'people.is_retired' : 'people.is_active')}</State></p>
      <p class="quiet">{[p.org, t('devices.until', { day: dayText(d.not_after) })].filter(Boolean).join(' · ')}</p>
      {!d.revoked_at && !p.isOwn && <div class="row"><Sure label={t('devices.revoke')} busy={revoke.phase === 'sending'} onYes={() => void revoke.run()} /></div>}
      {p.isOwn && <p>{t('devices.own')}</p>}
      <Phase of={revoke} />
    </li>
  );
}

export function DevicesScreen(p: { me: Me }) {
  const r = useResource(() => everything((query) => ask(api.GET('/v1/devices', { params: { query } }))), [p.me.user], () => false);
  const orgs = useResource(() => orgsOf(p.me), [p.me.user], () => false);
  const rows = (r.data ?? []).sort((a, b) => Number(!!a.revoked_at) - Number(!!b.revoked_at) || a.name.localeCompare(b.name));
  return (
    <>
      <Panel title={t('devices.invite')}><Invite me={p.me} orgs={orgs.data ?? []} onChange={r.reload} /></Panel>
      <Panel title={t('devices.title')} aside={<span class="quiet">{rows.length}</span>}>
        <Wrong problem={r.problem ?? orgs.problem} retry={() => { r.reload(); orgs.reload(); }} />
        <ul class="cards">{rows.map((d) => <Row key={d.id} d={d} org={orgs.data?.find((o) => o.code === d.org)?.label ?? ''} isOwn={d.id === p.me.device} onChange={r.reload} />)}</ul>
      </Panel>
    </>
  );
}
