// SPDX-License-Identifier: Apache-2.0
// Where the own house is: covered until asked for, and again after a minute; every look is in the house's list.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { t } from '../i18n';
import { Text } from '../ui/forms';
import { Button, Field, Panel, Phase } from '../ui/parts';
import { Looks } from './house-looks';

type Place = Schemas['location-new'] & { travel_notes: string };
const SHOWN_MS = 60_000;

export function OwnLocation(p: { shelter: string }) {
  const params = { path: { shelter: p.shelter } };
  const [place, setPlace] = useState<Place>();
  const cover = useCallback(() => setPlace(undefined), []);
  const look = useAction(useCallback(async () => {
    const { address, intake_phone, travel_notes } = await ask(api.GET('/v1/shelters/{shelter}/location', { params }));
    setPlace({ address, intake_phone, travel_notes });
  }, [p.shelter]));
  const write = useAction(useCallback(async (_: unknown, body: Place) => {
    await ask(api.PUT('/v1/shelters/{shelter}/location', { params, body }));
    cover();
  }, [p.shelter]));
  const set = (part: Partial<Place>): void => setPlace((was) => was && { ...was, ...part });
  useEffect(() => {
    if (!place) return;
    const timer = setTimeout(cover, SHOWN_MS); // a minute after the last key
    return () => clearTimeout(timer);
  }, [place]);
  return (
    <Panel title={t('place.title')}>
      {!place && (
        <>
          <p>{t('location.logged')}</p>
          <div class="row">
            <Button busy={look.phase === 'sending'} onClick={() => void look.run()}>{t('place.show')}</Button>
            <Button onClick={() => setPlace({ address: '', intake_phone: '', travel_notes: '' })}>{t('place.anew')}</Button>
          </div>
          <Phase of={write.phase === 'saved' ? write : look} />
        </>
      )}
      {place && (
        <form class="location no-print" onSubmit={(e) => { e.preventDefault(); void write.run(place); }}>
          <Field label={t('place.address')}>{(ids) => <textarea {...ids} required rows={2} maxLength={500} value={place.address} onInput={(e) => set({ address: e.currentTarget.value })} />}</Field>
          <Text label={t('place.phone')} type="tel" maxLength={31} autocomplete="off" value={place.intake_phone} onText={(intake_phone) => set({ intake_phone })} problem={write.problem} at="intake_phone" />
          <Field label={t('place.notes')}>{(ids) => <textarea {...ids} rows={2} maxLength={500} value={place.travel_notes} onInput={(e) => set({ travel_notes: e.currentTarget.value })} />}</Field>
          <p class="quiet">{t('location.hides')}</p>
          <div class="row"><Button type="submit" kind="main" busy={write.phase === 'sending'}>{t('save')}</Button><Button onClick={cover}>{t('location.cover')}</Button></div>
          <Phase of={write} />
        </form>
      )}
      <Looks key={look.phase} shelter={p.shelter} />
    </Panel>
  );
}
