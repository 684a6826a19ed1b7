// Actions, MCP servers and remote agents as rows of the creator's form.

import { t, tn } from "../translate.js";

const KINDS = { none: t("no authentication"), bearer: t("API key"), basic: t("username and password"), header: t("API key in a header"), oauth: "OAuth" };

export function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The row of an action (with `enabled` operations) or of a server (with `tools`). */
export function rowOf(outside) {
  const row = copyOf("outside-row");
  const isAction = "enabled" in outside;
  const find = (name) => row.querySelector(`[data-${name}]`);
  find("name").textContent = outside.name;
  find("where").textContent = [outside.host || outside.command?.join(" "), signIn(outside)].filter(Boolean).join(" · ");
  const entries = isAction ? outside.listed.filter(({ name }) => outside.enabled.includes(name)).map(operation) : outside.tools.map(tool);
  find("count").textContent = isAction ? tn("{n} operation", "{n} operations", entries.length) : tn("{n} tool", "{n} tools", entries.length);
  find("operations").append(...entries);
  row.querySelector("details").hidden = !entries.length;
  find("refresh").hidden = isAction;
  find("trust-row").hidden = isAction;
  if (!isAction) find("trust").checked = outside.trusted;
  showChanges(row, outside);
  trouble(find("trouble"), outside, entries.length);
  return labelled(row, outside);
}

/** The row of a remote agent. */
export function rowOfAgent(agent) {
  const row = copyOf("outside-row");
  const find = (name) => row.querySelector(`[data-${name}]`);
  find("name").textContent = agent.name;
  find("where").textContent = [agent.host, signIn(agent), t("timeout {n} s", { n: agent.timeout_s })].join(" · ");
  const [first, ...skills] = agent.description.split("\n");
  const lines = [[t("When"), agent.when], [t("About"), first], ...skills.map((words) => [t("Skill"), words])].filter(([, words]) => words);
  find("count").textContent = skills.length ? tn("When to ask it, and {n} skill", "When to ask it, and {n} skills", skills.length) : t("When to ask it");
  find("operations").append(...lines.map(([label, words]) => line(label, words)));
  row.querySelector("details").hidden = !lines.length;
  find("refresh").hidden = false;
  find("reads-row").hidden = false;
  find("reads").checked = agent.read_only;
  showChanges(row, agent);
  trouble(find("trouble"), agent, 1);
  return labelled(row, agent);
}

/** Show what outsiders changed in their texts since the creator last saw them. */
function showChanges(row, { changes = [] }) {
  const find = (name) => row.querySelector(`[data-${name}]`);
  find("changes").hidden = !changes.length;
  find("changes-title").textContent = tn("{n} change since you last looked", "{n} changes since you last looked", changes.length);
  for (const { what, before, after } of changes) {
    if (before) find("changes-list").append(line(t("before"), `${what}: ${before}`));
    find("changes-list").append(line(t("now"), `${what}: ${after || t("removed")}`));
  }
}

function line(label, words) {
  const row = copyOf("operation-row");
  row.querySelector("[data-method]").textContent = label;
  row.querySelector("[data-path]").remove();
  row.querySelector("[data-summary]").textContent = words;
  return row;
}

/** `row` with buttons that are labelled for screen readers. */
function labelled(row, { name }) {
  for (const button of row.querySelectorAll(".outside-buttons button")) button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  return row;
}

/** Its authentication, in words. */
function signIn({ auth, secret_set: isSet, oauth }) {
  const missing = auth === "oauth" ? !oauth.client_id : auth !== "none" && !isSet;
  return missing ? t("{kind}, not set up yet", { kind: KINDS[auth] }) : KINDS[auth];
}

function trouble(line, { trouble: words, warning, warnings = [], enabled, keyless = [] }, n) {
  const problem = words || (n ? "" : enabled ? t("No operations selected.") : t("This server lists no tools."));
  const more = warnings.length ? tn("{n} note on its document. See Edit.", "{n} notes on its document. See Edit.", warnings.length) : "";
  const unseen = keyless.length ? t("The key isn’t sent to {names}: whoever entered it hasn’t seen that. Enter a key again under Authentication.", { names: keyless.join(", ") }) : "";
  line.textContent = [...new Set([warning, problem, unseen, more])].filter(Boolean).join(" ");
  line.hidden = !line.textContent;
}

/** An operation with its Test button. */
export function operation(listed) {
  const row = described(copyOf("operation-row"), listed);
  const button = row.querySelector("[data-test]");
  button.hidden = false;
  button.dataset.test = listed.name;
  button.setAttribute("aria-label", t("Test {name}", { name: listed.name }));
  return row;
}

function tool({ name, description, read_only: isRead }) {
  const row = copyOf("operation-row");
  row.querySelector("[data-method]").textContent = t("tool");
  row.querySelector("[data-path]").textContent = name;
  row.querySelector("[data-summary]").textContent = description;
  if (isRead) row.querySelector("[data-summary]").append(` ${t("(marked read-only)")}`);
  return row;
}

/** `row` filled with an operation of a document. */
export function described(row, { method, path, summary, asks }) {
  const label = row.querySelector("[data-method]");
  label.textContent = method;
  label.classList.add(`method-${method.toLowerCase()}`);
  row.querySelector("[data-path]").textContent = path;
  row.querySelector("[data-summary]").textContent = summary;
  row.querySelector("[data-asks]").hidden = !asks;
  return row;
}
