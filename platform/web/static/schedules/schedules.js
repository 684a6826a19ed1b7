// The form of a schedule: the browser's own time zone, and all zones to choose from.

const zone = document.getElementById("schedule-zone");
if (zone) {
  if ("ownZone" in zone.dataset) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
  for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) {
    const option = document.createElement("option");
    option.value = name;
    zone.list.append(option);
  }
}
