// Actions, MCP servers and remote agents as rows of the creator's form.

const KINDS = { none: "no authentication", bearer: "API key", basic: "username and password", header: "API key in a header", oauth: "OAuth" };

export function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function plural(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

/** The row of an action (with `enabled` operations) or of a server (with `tools`). */
export function rowOf(outside) {
  const row = copyOf("outside-row");
  const isAction = "enabled" in outside;
  const find = (name) => row.querySelector(`[data-${name}]`);
  find("name").textContent = outside.name;
  find("where").textContent = [outside.host || outside.command?.join(" "), signIn(outside)].filter(Boolean).join(" · ");
  const entries = isAction ? outside.listed.filter(({ name }) => outside.enabled.includes(name)).map(operation) : outside.tools.map(tool);
  find("count").textContent = isAction ? plural(entries.length, "operation") : plural(entries.length, "tool");
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
  find("where").textContent = [agent.host, signIn(agent), `timeout ${agent.timeout_s}\u00a0s`].join(" · ");
  const [first, ...skills] = agent.description.split("\n");
  const lines = [["When", agent.when], ["About", first], ...skills.map((words) => ["Skill", words])].filter(([, words]) => words);
  find("count").textContent = skills.length ? `When to ask it, and ${plural(skills.length, "skill")}` : "When to ask it";
  find("operations").append(...lines.map(([label, words]) => line(label, words)));
  row.querySelector("details").hidden = !lines.length;
  find("refresh").hidden = false;
  find("reads-row").hidden = false;
  find("reads").checked = agent.read_only;
  showChanges(row, agent);
  find("trouble").textContent = agent.trouble;
  find("trouble").hidden = !agent.trouble;
  return labelled(row, agent);
}

/** Show what outsiders changed in their texts since the creator last saw them. */
function showChanges(row, { changes = [] }) {
  const find = (name) => row.querySelector(`[data-${name}]`);
  find("changes").hidden = !changes.length;
  find("changes-title").textContent = `${plural(changes.length, "change")} since you last looked`;
  for (const { what, before, after } of changes) {
    if (before) find("changes-list").append(line("before", `${what}: ${before}`));
    find("changes-list").append(line("now", `${what}: ${after || "removed"}`));
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
  return missing ? `${KINDS[auth]}, not set up yet` : KINDS[auth];
}

function trouble(line, { trouble: words, warnings = [], enabled }, n) {
  const problem = words || (n ? "" : enabled ? "No operations selected." : "This server lists no tools.");
  const more = warnings.length ? plural(warnings.length, "note") + " on its document. See Edit." : "";
  line.textContent = [problem, more].filter(Boolean).join(" ");
  line.hidden = !line.textContent;
}

/** An operation with its Test button. */
export function operation(listed) {
  const row = described(copyOf("operation-row"), listed);
  const button = row.querySelector("[data-test]");
  button.hidden = false;
  button.dataset.test = listed.name;
  button.setAttribute("aria-label", `Test ${listed.name}`);
  return row;
}

function tool({ name, description, read_only: isRead }) {
  const row = copyOf("operation-row");
  row.querySelector("[data-method]").textContent = "tool";
  row.querySelector("[data-path]").textContent = name;
  row.querySelector("[data-summary]").textContent = description;
  if (isRead) row.querySelector("[data-summary]").append(" (marked read-only)");
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
