// Actions and MCP servers in the creator's form: the list and its dialogs. Changes are saved immediately.

import { toast } from "../site.js";
import { call, listed } from "./outside_api.js";
import { auth } from "./outside_auth.js";
import { Dialog } from "./outside_dialog.js";
import { ImportDialog } from "./outside_import.js";
import { rowOf } from "./outside_row.js";
import { t } from "../translate.js";

const section = document.getElementById("actions");
const list = section.querySelector("[data-outside-list]");
const errorLine = section.querySelector("[data-outside-error]");
const urls = section.dataset;
const form = document.getElementById("gpt-form");

function urlOf(outside) {
  return `${"enabled" in outside ? urls.actions : urls.servers}/${outside.id}`;
}

/** Add the row of `outside` to the list, or replace it. */
function show(outside) {
  const row = rowOf(outside);
  const old = list.querySelector(`[data-id="${outside.id}"]`);
  row.dataset.id = outside.id;
  row.querySelector("details").open = old?.querySelector("details").open ?? false;
  const on = (name, event, act) => row.querySelector(`[data-${name}]`).addEventListener(event, () => act().catch(tell));
  on("auth", "click", async () => auth.open(outside, urlOf(outside), changed));
  on("change", "click", async () => ("enabled" in outside ? importing.change(outside) : changeServer(outside)));
  on("remove", "click", () => remove(outside, row));
  on("refresh", "click", async () => changed(await call("POST", `${urlOf(outside)}/refresh`)));
  on("accept", "click", async () => changed(await call("POST", `${urlOf(outside)}/accept`)));
  on("trust", "change", async () => changed(await call("PATCH", urlOf(outside), { trusted: row.querySelector("[data-trust]").checked })));
  row.querySelector("[data-operations]").addEventListener("click", (event) => {
    const button = event.target.closest("[data-test]");
    if (button) openTest(outside, button.dataset.test);
  });
  if (old) old.replaceWith(row);
  else list.append(row);
}

function changed(outside) {
  tell(null);
  show(outside);
  form.dispatchEvent(new CustomEvent("outside-changed")); // the status of the draft may have changed
}

function tell(error) {
  errorLine.textContent = error ? error.message : "";
}

async function remove(outside, row) {
  await call("DELETE", urlOf(outside));
  row.remove();
  form.dispatchEvent(new CustomEvent("outside-changed"));
  toast(t("{name} removed from the draft. The live version keeps it until you publish again.", { name: outside.name }));
}

const importing = new ImportDialog(urls.actions, (action, hint) => {
  changed(action);
  if (hint && hint.kind !== "none") auth.open(action, urlOf(action), changed, hint);
});

// MCP servers -------------------------------------------------------------------------------------------------------

let server = null;
const serverDialog = new Dialog("server-dialog", async () => {
  const { url, command, name, privacy_url: privacy } = serverDialog.values;
  const body = server ? { name, privacy_url: privacy } : { name, url, command: command ? command.split(" ") : [] };
  changed(server ? await call("PATCH", urlOf(server), body) : await call("POST", urls.servers, body));
  return true;
});

function changeServer(row) {
  server = row;
  serverDialog.form.reset();
  serverDialog.fill(row ?? {});
  serverDialog.find("[data-only-change]").hidden = !row;
  serverDialog.find("[name=url]").readOnly = Boolean(row);
  serverDialog.open(row ? t("Edit {name}", { name: row.name }) : t("Add MCP server"), row ? t("Save") : t("Add server"));
}

// Test calls --------------------------------------------------------------------------------------------------------

let tested = null;
const test = new Dialog("test-dialog", async () => {
  const box = test.find("[data-tried]");
  box.hidden = true;
  const tried = await call("POST", `${urlOf(tested.action)}/test`, { operation: tested.name, arguments: parsed(test.values.arguments) });
  test.find("[data-tried-status]").textContent = tried.error || t("Status {status} after {seconds} s", { status: tried.status, seconds: tried.seconds.toFixed(1) });
  test.find("[data-tried-request]").textContent = tried.request;
  test.find("[data-tried-answer]").textContent = tried.response || t("(empty)");
  test.find("[data-tried-answer]").hidden = Boolean(tried.error);
  box.hidden = false;
  return false;
});

function parsed(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    throw Object.assign(new Error(), { fields: { arguments: t("Not valid JSON. Example: {example}", { example: '{"id": 4}' }) } });
  }
}

function openTest(action, name) {
  tested = { action, name };
  const operation = action.listed.find((each) => each.name === name);
  test.form.reset();
  test.find("[data-tried]").hidden = true;
  test.find("[data-test-what]").textContent = `${operation.method} ${operation.path}on ${action.host}`;
  test.find("[data-test-asks]").hidden = !operation.asks;
  test.open(t("Test {name}", { name }), t("Send request"));
}

// The list ----------------------------------------------------------------------------------------------------------

section.querySelector("[data-add-action]").addEventListener("click", () => importing.add());
section.querySelector("[data-add-server]").addEventListener("click", () => changeServer(null));

Promise.all([listed(urls.actions), listed(urls.servers)]).then(([actions, servers]) => {
  list.replaceChildren();
  for (const outside of [...actions, ...servers]) show(outside);
}).catch(tell);
