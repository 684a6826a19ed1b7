// Says on the page what went wrong with a passkey; allauth's scripts, which do the work, only log it.

import { toast } from "../site.js";
import { t } from "../translate.js";

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const isTheirs = event.detail.exception?.name === "NotAllowedError"; // closed, or too slow
  toast(isTheirs ? t("The passkey wasn’t used. Try again.") : t("Your browser can’t use a passkey here."), "error");
});
