// Shelter from other eyes: a blank cover at once, a lock after a minute or by hand, and a way out that leaves nothing behind.

const sheet = document.querySelector("[data-cover]");
const LOCKS_AFTER = 60000;
let escaped = 0;
let shifts = [];
let locking = 0;
let locked = false;

function covered() {
  return Boolean(sheet && !sheet.hidden);
}

function cover(on) {
  if (!sheet) return;
  sheet.hidden = !on;
  document.querySelector(".shell").inert = on;
  document.dispatchEvent(new CustomEvent("desk:cover"));
  clearTimeout(locking);
  if (!on) return;
  locking = setTimeout(lock, Number(sheet.dataset.after ?? LOCKS_AFTER));
  sheet.querySelector("button").focus();
}

function send(form) {
  return fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-In-Place": "1" }, keepalive: true });
}

async function lock() {
  const answer = await send(document.querySelector("[data-lock]")).catch(() => null);
  locked = answer?.status === 204;
  const field = sheet.querySelector("[data-password]");
  if (locked && field) { field.hidden = false; field.querySelector("input").focus(); }
}

sheet?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  if (!locked) { cover(false); return; }
  const answer = await send(event.target).catch(() => null);
  const field = sheet.querySelector("[data-password]");
  if (answer?.status === 204) {
    locked = false;
    if (field) { field.hidden = true; field.querySelector("input").value = ""; }
    cover(false);
  } else if (answer?.redirected) location.replace("/sign-in");
  else if (field) field.querySelector("input").select();
});

document.querySelector("[data-lock]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  cover(true);
  clearTimeout(locking);
  lock();
});

async function leave() {
  cover(true);
  await send(document.querySelector("[data-leave]")).catch(() => null);
  location.replace("/sign-in");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !covered()) {
    if (event.timeStamp - escaped < 600) cover(true);
    escaped = event.timeStamp;
  }
  if (event.key === "Shift" && !event.repeat) {
    shifts = [...shifts.filter((at) => event.timeStamp - at < 1500), event.timeStamp];
    if (shifts.length >= 3) leave();
  } else if (event.key !== "Shift") shifts = [];
});
// A locked session answers everything by sending to its door: nothing is asked for under the cover, so what was typed stays.
document.addEventListener("htmx:beforeRequest", (event) => { if (covered()) event.preventDefault(); });
