// The versions of each part of a dataset, and the way back to an earlier one: it is sent again as one more version.
import { language, t } from '../words';
import { attempt, el, folded, grouped, named, statusLine, table, when } from './dom';
import { askedOnce } from './decision';
import { inOneLine } from './difference';
import { askJson } from './session';
import type { Summary, Survey } from './survey';

type Version = Summary & { changes: Record<string, Record<string, number>> };
export interface VersionList { results: Version[]; may_return: boolean }

// The versions of a survey's dataset, asked for when somebody looks; `opened(number)` shows the survey of a restored one.
export function versionsView(survey: Survey, opened: (number: number) => void): HTMLElement {
  const [status, shown] = [statusLine(), el('div')];
  const load = async (): Promise<void> => {
    const found = await versionsOf(survey.dataset);
    const parts = grouped(found.results, (one) => one.part).toSorted((a, b) => Number(b[0]!.part === survey.part) - Number(a[0]!.part === survey.part));
    shown.replaceChildren(...parts.map((every) => partTable(every, found.may_return)));
  };
  const partTable = (every: Version[], mayReturn: boolean): HTMLElement => {
    const heads = [t('version'), t('changed_at'), t('state'), t('difference'), t('number'), ''];
    return table(`${t('part')}: ${every[0]!.part}`, heads, every.toReversed().map((one) => [
      one.part_version, when(one.changed), named('state', one.stage), inOneLine(one.changes),
      el('a', { href: `#survey-${one.id}` }, t('open', { number: one.id })),
      mayReturn && one.file && one !== every.at(-1) && restore(one),
    ]));
  };
  const restore = ({ part_version: version = 0, id }: Version): HTMLElement => {
    const words: [string, string, string] = [t('restore', { version }), t('restore_help', { version }), t('restore_sure', { version })];
    return askedOnce(words, () => attempt(status, async () => {
      opened((await askJson<{ id: number }>(`/v1/surveys/${id}/restore?language=${language}`, { method: 'POST' })).id);
    }));
  };
  const loadOnce = (event: Event): void => void ((event.target as HTMLDetailsElement).open && attempt(status, load));
  return folded({ id: 'versions', ontoggle: loadOnce }, [t('versions')], shown, status);
}

// The versions of the parts of a dataset, as far as they concern whoever asks.
export function versionsOf(dataset: string): Promise<VersionList> {
  return askJson<VersionList>(`/v1/surveys/versions/${dataset.split('/').map(encodeURIComponent).join('/')}?language=${language}`);
}
