// The page of surveys begins here.

import { startCheck } from "/surveys/check.js";
import { startSend } from "/surveys/send.js";
import { startSurveys } from "/surveys/surveys.js";

startCheck();
startSend();
startSurveys();
for (const link of document.querySelectorAll("#languages a")) {
  link.addEventListener("click", () => (link.href = link.href.split("#")[0] + location.hash));
}
