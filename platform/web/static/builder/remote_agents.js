// Remote agents in the creator's form: the list and its dialog. Changes are saved immediately.

import { toast } from "../site.js";
import { call, listed } from "./outside_api.js";
import { auth } from "./outside_auth.js";
import { Dialog } from "./outside_dialog.js";
import { rowOfAgent } from "./outside_row.js";
import { t } from "../translate.js";

const section = document.getElementById("remote-agents");
const list = section.querySelector("[data-outside-list]");
const errorLine = section.querySelector("[data-outside-error]");
const url = section.dataset.agents;
const form = document.getElementById("gpt-form");

const urlOf = (agent) => `${url}/${agent.id}`;

function tell(error) {
  errorLine.textContent = error ? error.message : "";
}

/** Add the row of `agent` to the list, or replace it. */
function show(agent) {
  const row = rowOfAgent(agent);
  const old = list.querySelector(`[data-id="${agent.id}"]`);
  row.dataset.id = agent.id;
  row.querySelector("details").open = old?.querySelector("details").open ?? false;
  const on = (name, act) => row.querySelector(`[data-${name}]`).addEventListener("click", () => act().catch(tell));
  on("auth", async () => auth.open(agent, urlOf(agent), changed));
  on("change", async () => open(agent));
  on("refresh", async () => changed(await call("POST", `${urlOf(agent)}/refresh`)));
  on("accept", async () => changed(await call("POST", `${urlOf(agent)}/accept`)));
  on("reads", async () => changed(await call("PATCH", urlOf(agent), { read_only: row.querySelector("[data-reads]").checked })));
  on("remove", () => remove(agent, row));
  if (old) old.replaceWith(row);
  else list.append(row);
}

function changed(agent) {
  tell(null);
  show(agent);
  form.dispatchEvent(new CustomEvent("outside-changed")); // the status of the draft may have changed
}

async function remove(agent, row) {
  await call("DELETE", urlOf(agent));
  row.remove();
  form.dispatchEvent(new CustomEvent("outside-changed"));
  toast(t("{name} removed from the draft. The live version keeps it until you publish again.", { name: agent.name }));
}

// The dialog --------------------------------------------------------------------------------------------------------

let changing = null;
const dialog = new Dialog("agent-dialog", async () => {
  const { card_url: card, when, timeout_s: seconds, privacy_url: privacy, kind, header, secret } = dialog.values;
  const body = { when, timeout_s: Number(seconds), privacy_url: privacy };
  if (changing) changed(await call("PATCH", urlOf(changing), body));
  else added(await call("POST", url, { ...body, card_url: card, ...(kind === "none" ? {} : { auth: { kind, header, secret } }) }));
  return true;
});

function added(agent) {
  changed(agent);
  if (agent.auth === "none" && agent.hint.kind !== "none") auth.open(agent, urlOf(agent), changed, agent.hint);
}

/** Show the dialog for `agent`, or for a new one. */
function open(agent) {
  changing = agent;
  dialog.form.reset();
  dialog.fill(agent ?? {});
  dialog.find("[name=card_url]").readOnly = Boolean(agent);
  dialog.find("[data-only-new]").hidden = Boolean(agent);
  showFields();
  dialog.open(agent ? t("Edit {name}", { name: agent.name }) : t("Add remote agent"), agent ? t("Save") : t("Add agent"));
}

function showFields() {
  const kind = dialog.find("[name=kind]").value;
  for (const part of dialog.form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
}

dialog.find("[name=kind]").addEventListener("change", showFields);
section.querySelector("[data-add-agent]").addEventListener("click", () => open(null));

listed(url).then((agents) => {
  list.replaceChildren();
  for (const agent of agents) show(agent);
}).catch(tell);
