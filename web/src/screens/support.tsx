// SPDX-License-Identifier: Apache-2.0
// A family-support service: where there is a chance, without counts and without houses; opening a request that the helpline
// takes over; and what became of it.
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Problem, type Schemas } from '../api/client';
import { label, options } from '../core/codes';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import { session } from '../core/session';
import { clock, now } from '../core/time';
import { t } from '../i18n';
import { announce } from '../ui/announce';
import { Panel, State, Wrong, type Tone } from '../ui/parts';
import { Intake } from './desk-intake';

type Answer = Schemas['banded'];
const tones: Record<Answer, Tone> = { yes: 'good', maybe: 'wait', no: 'bad' };
const FRESH_MS = 5 * 60_000;
const AGAIN_MS = 15_000;

/** No event stream is for this role: ${reload} each ${every} ms, not behind the lock, and as soon as it is opened. */
function useAgain(reload: () => void, every: number): void {
  useEffect(() => {
    let wasIn = true;
    const timer = setInterval(() => wasIn && reload(), every);
    const end = session.watch(() => {
      const isIn = session.get().phase === 'in';
      if (isIn && !wasIn) reload();
      wasIn = isIn;
    });
    return () => {
      clearInterval(timer);
      end();
    };
  }, [reload, every]);
}

export function Capacity() {
  const r = useResource(() => ask(api.GET('/v1/capacity')), [], () => false);
  useAgain(r.reload, FRESH_MS);
  const zones = options('zone');
  const types = options('shelter_type').filter((type) => r.data?.rows.some((row) => row.type === type.code));
  const answer = (type: string, zone: string): Answer | undefined => r.data?.rows.find((row) => row.type === type && row.zone === zone)?.answer;
  return (
    <Panel title={t('capacity.title')} aside={r.data && <span class={now() - r.at > FRESH_MS ? 'old' : 'quiet'}>{t('capacity.at', { at: clock(r.data.at) })}</span>}>
      <Wrong problem={r.problem} retry={r.reload} />
      {r.data && (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('table_of', { what: t('capacity.title') })}>
          <table class="zones" role="table">
            <thead role="rowgroup"><tr role="row"><td role="cell" />{zones.map((z) => <th key={z.code} role="columnheader" scope="col">{z.label}</th>)}</tr></thead>
            <tbody role="rowgroup">
              {types.map((type) => (
                <tr key={type.code} role="row">
                  <th role="rowheader" scope="row">{type.label}</th>
                  {zones.map((z) => {
                    const a = answer(type.code, z.code);
                    return <td key={z.code} role="cell">{a ? <State tone={tones[a]}>{label('banded', a)}</State> : '–'}</td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p>{t('capacity.call')}</p>
    </Panel>
  );
}

function Requests(p: { rows: Schemas['episode'][] }) {
  return (
    <Panel title={t('support.requests')}>
      {p.rows.length === 0 ? <p class="quiet">{t('support.none')}</p> : (
        <ul class="plain">
          {p.rows.map((e) => (
            <li key={e.id}>
              {clock(e.opened_at)} · {e.arranged ? <State tone="good">{t('support.arranged')}</State> : e.state === 'open' ? <State tone="wait">{t('support.open', { at: clock(e.expires_at) })}</State> : <State tone="calm">{e.outcome ? label('outcome', e.outcome) : label('episode_state', e.state)}</State>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const seen = new Set<string>(); // requests of this sitting: the service lists only those that are open

/** What is open, and what became of the rest. */
async function requests(): Promise<Schemas['episode'][]> {
  const rows = await everything((query) => ask(api.GET('/v1/episodes', { params: { query } })));
  for (const e of rows) seen.add(e.id);
  for (const episode of [...seen].filter((id) => !rows.some((e) => e.id === id)))
    await ask(api.GET('/v1/episodes/{episode}', { params: { path: { episode } } })).then((e) => rows.push(e), (e: unknown) => {
      if (!(e instanceof Problem) || e.status !== 404) throw e;
      seen.delete(episode); // another person's, who sat here before
    });
  return rows.sort((a, b) => b.opened_at.localeCompare(a.opened_at));
}

export function SupportScreen() {
  const mine = useResource(requests, [], () => false);
  const [asking, setAsking] = useState(false);
  useAgain(mine.reload, AGAIN_MS);
  return (
    <>
      <Capacity />
      <Wrong problem={mine.problem} retry={mine.reload} />
      {mine.data && <Requests rows={mine.data} />}
      <details open={asking} onToggle={(e) => setAsking(e.currentTarget.open)}>
        <summary>{t('support.ask')}</summary>
        <Intake isShown={asking} button={t('support.send')} onOpened={() => { announce(t('support.sent')); setAsking(false); mine.reload(); }} />
      </details>
    </>
  );
}
