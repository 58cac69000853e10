// What the page asks of the service. The key stays in this tab alone, and goes into a header, never into an address.
import { language, t } from '../words';

const KEPT = 'biodata-key';
const NEXT = 'biodata-next'; // a login's second token: exchanged once for the next pair
let key = sessionStorage.getItem(KEPT) ?? '';
let next = sessionStorage.getItem(NEXT) ?? '';
let exchange: Promise<void> | null = null; // one at a time: a token that is shown twice ends the login

// `known` is false where nobody has to know who asks.
interface Asked { method?: string; body?: BodyInit; headers?: Record<string, string>; known?: boolean }

const OWN_WORDS = [401, 403, 404, 412, 413, 429, 507];
const ITSELF = ['PASSWORD_INVALID', 'CODE_INVALID']; // of these the service's own words are enough

// A refusal, in words that can be shown.
export class Refused extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

export const hasKey = (): boolean => key !== '';

export function useKey(typed: string, second = ''): void {
  [key, next] = [typed.trim(), second];
  for (const [name, value] of [[KEPT, key], [NEXT, next]] as const) {
    if (value) sessionStorage.setItem(name, value);
    else sessionStorage.removeItem(name);
  }
}

// Log in with name and password; neither is kept.
export const logIn = (name: string, password: string): Promise<void> => exchanged('/v1/login', { name, password });

// Set a password by a code that is good once; neither is kept.
export const setPassword = (code: string, password: string): Promise<Response> => ask('/v1/login/code', { ...asJson({ code, password }), known: false });

// Forget who it is; a login ends at the service, too.
export async function logOut(): Promise<void> {
  const ended = next;
  useKey('');
  if (ended) await ask('/v1/login/end', { ...asJson({ refresh_token: ended }), known: false });
}

// A body of JSON, and what goes with it.
export const asJson = (body: unknown, headers: Record<string, string> = {}): Asked =>
  ({ method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });

// Ask the service for JSON.
export const askJson = async <T>(path: string, asked: Asked = {}): Promise<T> => (await (await ask(path, asked)).json()) as T;

// Ask the service; a refusal or a cut line is a `Refused`.
export async function ask(path: string, asked: Asked = {}, again = false): Promise<Response> {
  const { method = 'GET', body, known = true } = asked;
  const headers: Record<string, string> = { 'Accept-Language': language, ...asked.headers }; // refusals are told in the page's language
  if (known && key) headers['Authorization'] = `Bearer ${key}`;
  const answer = await fetch(path, { method, body: body ?? null, headers, credentials: 'omit', cache: 'no-store' }).catch(() => {
    throw new Refused(0, '', t('offline'));
  });
  if (answer.status === 401 && known && next && !again) {
    exchange ??= renew().finally(() => (exchange = null));
    await exchange;
    return ask(path, asked, true);
  }
  if (!answer.ok) throw await refused(answer);
  return answer;
}

// Hand a file to the person.
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  [link.href, link.download] = [address, name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function exchanged(path: string, body: unknown): Promise<void> {
  const pair = await askJson<{ access_token: string; refresh_token: string }>(path, { ...asJson(body), known: false });
  useKey(pair.access_token, pair.refresh_token);
}

const renew = (): Promise<void> => exchanged('/v1/login/refresh', { refresh_token: next }).catch((refusal: unknown) => {
  if (refusal instanceof Refused && refusal.status === 401) useKey('');
});

async function refused(answer: Response): Promise<Refused> {
  // A proxy's page is no JSON: its status is all there is to tell.
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string; expected?: string };
  const code = problem.code ?? '';
  if (code === 'LOGIN_FAILED') return new Refused(answer.status, code, t('login_wrong'));
  const detail = [problem.detail, problem.expected && `→ ${problem.expected}`].filter(Boolean).join(' ');
  if (ITSELF.includes(code)) return new Refused(answer.status, code, detail);
  const own = OWN_WORDS.includes(answer.status) ? t(`refused_${answer.status}`) : t('refused_other', { status: answer.status });
  return new Refused(answer.status, code, detail ? `${own} (${detail})` : own);
}
