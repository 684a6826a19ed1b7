// The authentication of an action, MCP server or remote agent. Secrets are sent to the site and never returned.

import { call } from "./outside_api.js";
import { Dialog } from "./outside_dialog.js";
import { t } from "../translate.js";

const SECRETS = { bearer: t("API key"), header: t("API key"), basic: t("Username and password (username:password)"), oauth: t("Client secret") };

class AuthDialog {
  constructor() {
    this.dialog = new Dialog("auth-dialog", async () => {
      this.done(await call("POST", `${this.url}/auth`, this.setting()));
      return true;
    });
    this.kind = this.dialog.find("[name=kind]");
    this.kind.addEventListener("change", () => this.show());
  }

  /** Edit the authentication of `row` at the API's `url`, then call `done(row)`. `hint` is from its document. */
  open(row, url, done, hint = {}) {
    this.row = row;
    this.url = url;
    this.done = done;
    this.dialog.form.reset();
    this.dialog.fill({ token_auth: "post", ...hint, ...(row.auth === "none" ? {} : { ...row.oauth, header: row.header }), kind: row.auth === "none" ? (hint.kind ?? "none") : row.auth });
    this.dialog.find("#auth-redirect").value = row.redirect_uri ?? "";
    this.dialog.find("[data-auth-host]").textContent = t("{name} on {host}. Takes effect immediately, also in the live version.", { name: row.name, host: row.host });
    this.kind.querySelector('[value="oauth"]').hidden = !row.redirect_uri;
    this.dialog.open(t("Authentication"), t("Save"));
    this.show();
  }

  show() {
    const kind = this.kind.value;
    for (const part of this.dialog.form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
    this.dialog.find("[data-secret-label]").textContent = SECRETS[kind] ?? t("API key");
    const kept = this.row.secret_set && kind === this.row.auth;
    this.dialog.find("[data-secret-help]").textContent = kept ? t("Leave empty to keep the current one.") : t("Stored encrypted and never shown again.");
  }

  setting() {
    const { secret, ...setting } = this.dialog.values;
    return secret ? { ...setting, secret } : setting;
  }
}

/** The page's dialog. */
export const auth = new AuthDialog();
