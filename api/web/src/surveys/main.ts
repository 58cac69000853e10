// The page of surveys begins here, and who it is: a login, a first password by a code, or a key.
import './style.css';
import { language, t } from '../words';
import { attempt, complain, field, find, say, submitted } from './dom';
import { offerDatasets, startCheck, startSend } from './file';
import { hasKey, logIn, logOut, Refused, setPassword, useKey } from './session';
import { byAddress, closeAll, loadList, open, startSurveys } from './survey';

for (const link of document.querySelectorAll<HTMLAnchorElement>('#languages a')) {
  if (link.lang === language) link.setAttribute('aria-current', 'true');
  link.addEventListener('click', () => (link.hash = location.hash));
}
startCheck();
startSend((number) => void open(number));
startAccount();
startSurveys();
void offerDatasets();

// Show the page to somebody else.
function knownNow(text: string, kind = ''): void {
  say(find('login-status'), text, kind);
  showForms();
  find('login-status').focus(); // what had the focus is hidden now
  closeAll();
  void offerDatasets();
  if (!hasKey()) return;
  void loadList();
  byAddress(true);
}

// Wire the forms.
function startAccount(): void {
  submitted('key-form', () => {
    useKey(field('key').value);
    field('key').value = '';
    knownNow(t(hasKey() ? 'key_used' : 'key_gone'));
  });
  submitted('login-form', () => void attempt(find('login-status'), byPassword, find<HTMLButtonElement>('login-button')));
  submitted('code-form', () => void attempt(find('code-status'), byCode, find<HTMLButtonElement>('code-button')));
  find('logout-button').addEventListener('click', () => {
    const ended = logOut();
    knownNow(t('key_gone'));
    void ended.catch(() => null); // it is forgotten here in any case
  });
  addEventListener('hashchange', openCode);
  openCode();
  showForms();
}

function showForms(): void {
  find('login').hidden = hasKey();
  find('logout-button').hidden = !hasKey();
}

function openCode(): void {
  if (location.hash === '#code') find<HTMLDetailsElement>('code').open = true;
}

async function byPassword(): Promise<void> {
  const name = field('account').value.trim();
  try {
    await logIn(name, field('password').value);
    knownNow(t('logged_in', { name }), 'good');
  } catch (refusal) {
    complain(find('login-status'), refusal);
    if (refusal instanceof Refused && refusal.code === 'LOGIN_FAILED') find<HTMLDetailsElement>('code').open = true;
  } finally {
    field('password').value = '';
  }
}

// A first password, or a new one: whose it is the code knows, so the name is typed at the login that follows.
async function byCode(): Promise<void> {
  await setPassword(field('one-time-code').value.trim(), field('new-password').value);
  find<HTMLFormElement>('code-form').reset();
  say(find('code-status'), '');
  find<HTMLDetailsElement>('code').open = false;
  say(find('login-status'), t('password_set'), 'good');
  field('account').focus();
}
