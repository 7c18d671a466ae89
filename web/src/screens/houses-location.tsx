// SPDX-License-Identifier: Apache-2.0
// Where the own house is: covered until asked for, and again after a minute; every look is in the house's list.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { useCover } from '../core/cover';
import { t } from '../i18n';
import { Text } from '../ui/forms';
import { Button, Field, Panel, Phase, Still } from '../ui/parts';
import { Looks } from './house-looks';

type Place = Schemas['location-new'] & { travel_notes: string };
/** No browser keeps what is typed, offers it elsewhere, or sends it to somebody's speller. */
const PRIVATE = { autocomplete: 'off', autocorrect: 'off', spellcheck: false, writingsuggestions: 'false' } as const;

export function OwnLocation(p: { shelter: string }) {
  const params = { path: { shelter: p.shelter } };
  const [place, setPlace] = useState<Place>();
  const cover = useCallback(() => setPlace(undefined), []);
  const look = useAction(useCallback(async () => {
    const { address, intake_phone, travel_notes } = await ask(api.GET('/v1/shelters/{shelter}/location', { params }));
    setPlace((was) => was ?? { address, intake_phone, travel_notes }); // over nothing that is being typed
  }, [p.shelter]));
  const write = useAction(useCallback(async (_: unknown, body: Place) => {
    await ask(api.PUT('/v1/shelters/{shelter}/location', { params, body }));
    cover();
  }, [p.shelter]));
  const set = (part: Partial<Place>): void => setPlace((was) => was && { ...was, ...part });
  useCover(place, cover); // a minute after the last key
  return (
    <Panel title={t('place.title')}>
      {!place && (
        <>
          <p>{t('location.logged')}</p>
          <div class="row">
            <Button busy={look.phase === 'sending'} onClick={() => { write.clear(); void look.run(); }}>{t('place.show')}</Button>
            <Button onClick={() => { write.clear(); setPlace({ address: '', intake_phone: '', travel_notes: '' }); }}>{t('place.anew')}</Button>
          </div>
          {/* what was not written is said also when its form has covered itself: else it looks as if it were done */}
          <Phase of={write.phase === 'idle' ? look : write} />
        </>
      )}
      {place && (
        <form class="location no-print" onSubmit={(e) => { e.preventDefault(); void write.run(place); }}>
          <Still of={write}>
            <Field label={t('place.address')}>{(ids) => <textarea {...ids} {...PRIVATE} required rows={2} maxLength={500} value={place.address} onInput={(e) => set({ address: e.currentTarget.value })} />}</Field>
            <Text label={t('place.phone')} type="tel" maxLength={31} {...PRIVATE} value={place.intake_phone} onText={(intake_phone) => set({ intake_phone })} problem={write.problem} at="intake_phone" />
            <Field label={t('place.notes')}>{(ids) => <textarea {...ids} {...PRIVATE} rows={2} maxLength={500} value={place.travel_notes} onInput={(e) => set({ travel_notes: e.currentTarget.value })} />}</Field>
          </Still>
          <p class="quiet">{t('location.hides')}</p>
          <div class="row"><Button type="submit" kind="main" busy={write.phase === 'sending'}>{t('save')}</Button><Button onClick={cover}>{t('location.cover')}</Button></div>
          <Phase of={write} again={() => write.again(place)} />
        </form>
      )}
      <Looks key={look.phase} shelter={p.shelter} />
    </Panel>
  );
}
