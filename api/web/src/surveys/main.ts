// The page of surveys begins here.
import './style.css';
import { language } from '../words';
import { startAccount } from './account';
import { offerDatasets, startCheck, startSend } from './file';
import { hasKey } from './session';
import { byAddress, closeAll, loadList, open, startSurveys } from './survey';

for (const link of document.querySelectorAll<HTMLAnchorElement>('#languages a')) {
  if (link.lang === language) link.setAttribute('aria-current', 'true');
  link.addEventListener('click', () => (link.hash = location.hash));
}
startCheck();
startSend((number) => void open(number));
startAccount(() => {
  closeAll();
  void offerDatasets();
  if (!hasKey()) return;
  void loadList();
  byAddress(true);
});
startSurveys();
void offerDatasets();
