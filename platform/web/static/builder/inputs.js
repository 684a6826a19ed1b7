// The inputs in the creator's form: rows that are added and removed.

const form = document.getElementById("gpt-form");
const rows = form.querySelector("[data-input-rows]");
let number = 100;

/** Add a row for the input called `name`, and go to it. */
function add(name = "") {
  const row = document.getElementById("input-row").content.cloneNode(true).firstElementChild;
  number += 1;
  for (const field of row.querySelectorAll("[id]")) {
    const label = row.querySelector(`[for="${field.id}"]`);
    field.id = label.htmlFor = field.id.replace("-0-", `-${number}-`);
  }
  row.querySelector("button").hidden = false;
  row.querySelector('[name="input-name"]').value = name.toLowerCase();
  rows.append(row);
  row.querySelector("input").focus();
}

const changed = () => form.dispatchEvent(new CustomEvent("outside-changed"));

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-input], [data-declare], [data-remove-input]");
  if (!button) return;
  event.preventDefault();
  if ("removeInput" in button.dataset) {
    button.closest("[data-input]").remove();
    form.querySelector("[data-add-input]").focus();
  } else add(button.dataset.declare);
  if ("removeInput" in button.dataset || button.dataset.declare) changed();
});
