// SPDX-License-Identifier: Apache-2.0
// The house's own calendar as a file that any calendar opens: arrivals, legal ends, reviews; nobody can be recognised in it.
import { useState } from 'preact/hooks';
import { bearer, limit, Problem } from '../api/client';
import { lang, t } from '../i18n';
import { Button, Wrong } from '../ui/parts';
import { save } from '../ui/save';

async function download(shelter: string): Promise<void> {
  const answer = await fetch(`/v1/shelters/${shelter}/calendar`, { headers: { ...bearer(), 'Accept-Language': lang.get() }, signal: limit() });
  if (!answer.ok) throw new Problem(answer.status, 'unknown', {}, 0);
  save(await answer.blob(), 'menedek.ics');
}

export function HouseCalendar(p: { shelter: string }) {
  const [problem, setProblem] = useState<Problem>();
  const run = (): void => {
    setProblem(undefined);
    void download(p.shelter).catch((e: unknown) => setProblem(e instanceof Problem ? e : new Problem(0, 'offline', {}, 0)));
  };
  return (
    <div class="no-print">
      <Button onClick={run}>{t('stay.calendar')}</Button>
      <p class="quiet">{t('stay.calendar_says')}</p>
      <Wrong problem={problem} retry={run} />
    </div>
  );
}
