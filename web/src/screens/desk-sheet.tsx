// SPDX-License-Identifier: Apache-2.0
// The placement sheet: what the authorities get on paper, without anybody's identity and without the location.
import { api, ask } from '../api/client';
import { label } from '../core/codes';
import { useResource } from '../core/resource';
import { stamp } from '../core/time';
import { t } from '../i18n';
import { Button, Dialog, Wrong } from '../ui/parts';

export function Sheet(p: { reservation: string; onClose: () => void }) {
  const r = useResource(() => ask(api.GET('/v1/reservations/{reservation}/sheet', { params: { path: { reservation: p.reservation } } })), [p.reservation], () => false);
  const s = r.data;
  return (
    <Dialog title={t('sheet.title')} onClose={p.onClose}>
      <Wrong problem={r.problem} retry={r.reload} />
      {s && (
        <table class="sheet">
          <tbody>
            <tr><th scope="row">{t('reservation.number')}</th><td class="code">{s.number}</td></tr>
            <tr><th scope="row">{t('reservation.word')}</th><td class="word">{s.check_word}</td></tr>
            <tr><th scope="row">{t('sheet.house')}</th><td>{s.code_name} · {label('shelter_type', s.type)} · {label('zone', s.zone)}</td></tr>
            <tr><th scope="row">{t('sheet.household')}</th><td>{(['adults', 'children', 'babies'] as const).filter((who) => s[who] > 0).map((who) => t(`count.${who}`, { n: s[who] })).join(', ')}</td></tr>
            <tr><th scope="row">{t('candidate.contact')}</th><td>{label('contact_channel', s.contact_channel)}</td></tr>
            {s.expires_at && <tr><th scope="row">{t('sheet.valid')}</th><td>{stamp(s.expires_at)}</td></tr>}
            <tr><th scope="row">{t('sheet.helpline')}</th><td class="code">{s.helpline}</td></tr>
            <tr><th scope="row">{t('sheet.printed')}</th><td>{stamp(s.printed_at)}</td></tr>
          </tbody>
        </table>
      )}
      <form method="dialog" class="row no-print">
        <Button kind="main" onClick={() => print()}>{t('sheet.print')}</Button>
        <button class="button">{t('close')}</button>
      </form>
    </Dialog>
  );
}
