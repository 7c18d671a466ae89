// SPDX-License-Identifier: Apache-2.0
// People: who may come in and as what; lost passphrases and phones; leaving; what waits for a second person.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, askTagged, Problem, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { useDraft } from '../core/draft';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import type { Me, Role } from '../core/session';
import { t } from '../i18n';
import { Once, Pick, Several, Sure, Text, type Choice } from '../ui/forms';
import { Button, Panel, Phase, State, Still, Wrong } from '../ui/parts';
import { Grants } from './grants';

type User = Schemas['user'];
type Rights = { roles: Role[]; shelters?: string[] | undefined };
/** What the pick lists are filled with. */
type Around = { me: Me; houses: Choice[]; orgs: Choice[]; onChange: () => void };

const isOfHouse = (role: string): boolean => role.startsWith('shelter_');
const path = (user: string) => ({ path: { user } });

export const orgsOf = async (me: Me): Promise<Choice[]> =>
  me.permissions.includes('ORG_READ')
    ? (await everything((query) => ask(api.GET('/v1/organisations', { params: { query } })))).filter((o) => !o.retired).map((o) => ({ code: o.id, label: o.name }))
    : [];
export const housesOf = async (me: Me): Promise<Choice[]> =>
  me.permissions.includes('SHELTER_READ')
    ? (await everything((query) => ask(api.GET('/v1/shelters', { params: { query } })))).map((h) => ({ code: h.id, label: h.code_name }))
    : [];

function RightsFields(p: { value: Rights; around: Around; problem: Problem | undefined; onPick: (v: Rights) => void }) {
  const { roles, shelters = [] } = p.value;
  const rows = options('role').filter((r) => p.around.orgs.length > 0 || isOfHouse(r.code));
  const pick = (to: string[]): void => p.onPick({ roles: to as Role[], shelters: to.some(isOfHouse) ? shelters : [] });
  return (
    <>
      <Several label={t('people.roles')} rows={rows} value={roles} onPick={pick} problem={p.problem} at="roles" />
      {roles.some(isOfHouse) && <Several label={t('people.houses')} rows={p.around.houses} value={shelters} onPick={(to) => p.onPick({ roles, shelters: to })} problem={p.problem} at="shelters" />}
    </>
  );
}

function Add(p: Around) {
  const [name, setName] = useState('');
  const [org, setOrg] = useState(p.me.org);
  const [rights, setRights] = useState<Rights>({ roles: [] });
  const [made, setMade] = useState<Schemas['passphrase']>();
  const add = useAction(useCallback(async (_: unknown, body: Schemas['user-new']) => {
    setMade(await ask(api.POST('/v1/users', { body })));
    setName('');
    setRights({ roles: [] }); // nobody gets by oversight what the last one got
    p.onChange();
  }, [p.onChange]));
  if (made) return <Once text={t(made.grant ? 'people.first_waits' : 'people.first')} secret={made.passphrase} onDone={() => setMade(undefined)} />;
  const body = { name, org, roles: rights.roles, shelters: rights.shelters ?? [] };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void add.run(body); }}>
      <Still of={add}>
        <div class="columns">
          <Text label={t('signin.user')} hint={t('people.name_hint')} value={name} onText={setName} pattern="[a-z0-9][a-z0-9.\-]+" maxLength={31} autocomplete="off" problem={add.problem} at="name" />
          {p.orgs.length > 0 && <Pick label={t('org')} rows={p.orgs} value={org} onPick={setOrg} problem={add.problem} at="org" />}
        </div>
        <RightsFields value={rights} around={p} problem={add.problem} onPick={setRights} />
      </Still>
      <Button type="submit" kind="main" busy={add.phase === 'sending'}>{t('people.add')}</Button> <Phase of={add} again={() => add.again(body)} />
    </form>
  );
}

function Edit(p: { user: string; around: Around; onDone: () => void }) {
  const d = useDraft<User>(
    () => askTagged(api.GET('/v1/users/{user}', { params: path(p.user) })),
    async ({ roles, shelters }, etag) => {
      const body = { ...(roles && { roles }), ...(shelters && { shelters }) };
      await ask(api.PATCH('/v1/users/{user}', { params: { ...path(p.user), header: { 'If-Match': etag } }, body }));
      p.around.onChange();
      p.onDone();
    },
    [p.user],
  );
  if (!d.value) return <Wrong problem={d.problem} />;
  return (
    <form onSubmit={(e) => { e.preventDefault(); d.save(); }}>
      <Still of={d.action}>
        <RightsFields value={d.value} around={p.around} problem={d.action.problem} onPick={d.set} />
      </Still>
      <div class="row"><Button type="submit" kind="main" busy={d.action.phase === 'sending'}>{t('save')}</Button><Button onClick={p.onDone}>{t('back')}</Button></div>
      <Phase of={d.action} />
    </form>
  );
}

type What = 'passphrase' | 'sign_out' | 'factor' | 'retire' | 'bring_back';

function Person(p: { u: User; around: Around; mayWrite: boolean }) {
  const { u, around } = p;
  const [open, setOpen] = useState(false);
  const [editing, setEditing] = useState(false);
  const [fresh, setFresh] = useState<Schemas['passphrase']>();
  const act = useAction(useCallback(async (_: unknown, what: What) => {
    const params = path(u.id);
    if (what === 'passphrase') setFresh(await ask(api.POST('/v1/users/{user}/passphrase', { params })));
    else if (what === 'sign_out') await ask(api.POST('/v1/users/{user}/sign-out', { params }));
    else if (what === 'factor') await ask(api.POST('/v1/users/{user}/totp/remove', { params }));
    else {
      const { etag } = await askTagged(api.GET('/v1/users/{user}', { params }));
      await ask(api.PATCH('/v1/users/{user}', { params: { ...params, header: { 'If-Match': etag } }, body: { retired: what === 'retire' } })); // as it was pressed: sent again it must not turn round
    }
    around.onChange();
  }, [u.id, around.onChange]));
  const busy = act.phase === 'sending';
  // whose house it is, an administrator is not shown: the organisation alone
  const houses = around.orgs.length > 0 ? [] : around.houses.filter((h) => u.shelters?.includes(h.code)).map((h) => h.label);
  const offered: What[] = u.retired ? ['bring_back'] : ['passphrase', ...(u.second_factor ? ['factor' as const] : []), 'sign_out', 'retire'];
  return (
    <li class="card">
      <p class="card-head">
        <strong>{u.name}</strong>
        <State tone={u.retired ? 'bad' : u.pending ? 'wait' : 'good'}>{t(u.retired ? 'people.is_retired' : u.pending ? 'glass.waits' : 'people.is_active')}</State>
      </p>
      <p>{u.roles.map((r) => label('role', r)).join(', ')}</p>
      <p class="quiet">{[around.orgs.find((o) => o.code === u.org)?.label, ...houses].filter(Boolean).join(' · ')}</p>
      {editing && <Edit user={u.id} around={around} onDone={() => setEditing(false)} />}
      {fresh && <Once text={t(fresh.passphrase ? 'people.first' : 'people.waits')} secret={fresh.passphrase} onDone={() => setFresh(undefined)} />}
      {p.mayWrite && u.id !== around.me.user && <p><Button aria-expanded={open} onClick={() => setOpen(!open)}>{t('account.change')}</Button></p>}
      {open && !editing && (
        <div class="row">
          {!u.retired && <Button onClick={() => setEditing(true)}>{t('people.roles')}</Button>}
          {offered.map((what) => <Sure key={what} label={t(`people.${what}`)} busy={busy} onYes={() => void act.run(what)} />)}
        </div>
      )}
      <Phase of={act} />
    </li>
  );
}

export function PeopleScreen(p: { me: Me }) {
  const [sought, setSought] = useState('');
  const people = useResource(() => everything((query) => ask(api.GET('/v1/users', { params: { query } }))), [p.me.user], () => false);
  const lists = useResource(async () => ({ houses: await housesOf(p.me), orgs: await orgsOf(p.me) }), [p.me.user], () => false);
  const around: Around = { me: p.me, houses: [], orgs: [], ...lists.data, onChange: people.reload };
  const mayWrite = p.me.permissions.includes('PEOPLE_WRITE');
  const shown = (people.data ?? []).filter((u) => u.name.includes(sought.toLowerCase())).sort((a, b) => Number(a.retired) - Number(b.retired) || a.name.localeCompare(b.name));
  return (
    <>
      <Grants me={p.me} people={people.data ?? []} onChange={people.reload} />
      {mayWrite && <Panel title={t('people.add')}><Add {...around} /></Panel>}
      <Panel title={t('people.title')} aside={<span class="quiet">{shown.length}</span>}>
        <Wrong problem={people.problem ?? lists.problem} retry={() => { people.reload(); lists.reload(); }} />
        <div class="narrow"><Text type="search" label={t('people.seek')} value={sought} onText={setSought} required={false} /></div>
        <ul class="cards">{shown.map((u) => <Person key={u.id} u={u} around={around} mayWrite={mayWrite} />)}</ul>
      </Panel>
    </>
  );
}
