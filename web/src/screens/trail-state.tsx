// SPDX-License-Identifier: Apache-2.0
// What the trail is worth: what was signed of it, when the service read it last, and loudly when something does not fit.
import { useEffect } from 'preact/hooks';
import { api, ask } from '../api/client';
import { label } from '../core/codes';
import { useResource } from '../core/resource';
import { session } from '../core/session';
import { clock } from '../core/time';
import { t } from '../i18n';
import { Age, Button, Panel, State, Wrong } from '../ui/parts';

const EVERY_MS = 60_000;
/** Not in order, but nothing that somebody did. */
const waiting: readonly string[] = ['not_checked', 'unsigned', 'overdue'];

export function TrailState() {
  const r = useResource(() => ask(api.GET('/v1/audit/state')), [], () => false);
  useEffect(() => {
    const timer = setInterval(() => session.get().phase === 'in' && r.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const s = r.data;
  if (!s) return <Wrong problem={r.problem} retry={r.reload} />;
  const finding = label('audit_finding', s.finding);
  const isFine = s.finding === 'in_order';
  const isAlarm = !isFine && !waiting.includes(s.finding);
  const c = s.checkpoint;
  return (
    <Panel title={t('audit.title')} aside={<State tone={isFine ? 'good' : isAlarm ? 'bad' : 'wait'}>{finding}</State>}>
      {isAlarm && (
        <div class="trouble" role="alert">
          <p><strong>{finding}.</strong> {s.first_bad > 0 && t('audit.first', { n: s.first_bad })}</p>
          <p>{t('audit.alarm')}</p>
        </div>
      )}
      <Wrong problem={r.problem} retry={r.reload} />
      <dl class="facts">
        <dt>{t('audit.entries')}</dt>
        <dd>{s.entries}</dd>
        <dt>{t('audit.checkpoint')}</dt>
        <dd>{c.number > 0 && c.at ? <>{t('audit.signed', { n: c.number, entries: c.size, at: clock(c.at) })} (<Age at={c.at} />)</> : '–'}</dd>
        <dt>{t('audit.root')}</dt>
        <dd class="code" title={c.root}>{c.root ? `${c.root.slice(0, 16)}…` : '–'}</dd>
        <dt>{t('audit.key')}</dt>
        <dd class="code">{s.key}</dd>
        <dt>{t('audit.checked')}</dt>
        <dd>{s.checked_at ? <>{t('audit.read', { entries: s.checked_entries, at: clock(s.checked_at) })} (<Age at={s.checked_at} />)</> : '–'}</dd>
      </dl>
      <p class="hint">{t('audit.hint')}</p>
      <div class="row no-print"><Button onClick={r.reload}>{t('audit.again')}</Button></div>
    </Panel>
  );
}
