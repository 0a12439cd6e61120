// What the console does on top of plain pages: refresh itself, keep clocks running, single keys, light and dark, the cover.
// Every page works without this file. It keeps no words of anybody and talks to nobody but the page's own server.

const page = document;
const find = (selector, within = page) => within.querySelector(selector);
const all = (selector, within = page) => [...within.querySelectorAll(selector)];
const title = page.title;
const sentences = JSON.parse(find("[data-say]")?.dataset.say ?? "{}");
const say = (english, named = {}) =>
  Object.entries(named).reduce((said, [name, value]) => said.replaceAll(`%(${name})s`, value), sentences[english] ?? english);
const POLL = find("[data-quick]") ? 1500 : 5000;
let lastHeard = Date.now();
let failing = false;

// ---- refreshing: htmx fetches a fragment whenever we send the pulse element a "pulse" ----
const pulse = find("[data-pulse]");

function beat() {
  const now = find("#writing-now");
  if (now) now.value = find("#reply-text")?.value ? "1" : "";
  if (!page.hidden && !typingInSwapped() && find("[data-cover]")?.hidden !== false) window.htmx?.trigger(pulse, "pulse");
}

function typingInSwapped() {
  if (find("#rows .cast-end[open]")) return true;
  return Boolean(page.activeElement?.closest("#rows form, #case-head form")) && page.activeElement.matches("input, textarea");
}

function heard() {
  lastHeard = Date.now();
  failing = false;
  showLive();
}

function showLive() {
  const box = find("[data-live]");
  if (!box || !pulse) return;
  const seconds = Math.round((Date.now() - lastHeard) / 1000);
  const stopped = failing || seconds > 20;
  box.hidden = false;
  box.classList.toggle("stopped", stopped);
  find("[data-live-words]", box).textContent = stopped ? say("Live updates stopped %(seconds)s s ago.", { seconds }) : say("Live");
  find("[data-live-again]", box).hidden = !stopped;
}

if (pulse) {
  setInterval(beat, POLL);
  setInterval(showLive, 1000);
  page.addEventListener("visibilitychange", () => { if (!page.hidden) { lastHeard = Date.now(); beat(); } });
  page.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== pulse) return;
    if (event.detail.successful) heard();
    else { failing = true; showLive(); }
  });
  showLive();
}

// ---- what has not changed is not sent again: its place is, and the row that stands there already is put into it ----
const PLACE = /<tr id="([^"]+)" data-same><\/tr>/g;

page.addEventListener("htmx:beforeSwap", (event) => {
  let lacking = false;
  event.detail.serverResponse = event.detail.serverResponse.replace(PLACE, (place, id) => {
    const there = page.getElementById(id);
    there?.classList.remove("fresh");
    lacking ||= !there;
    return there?.outerHTML ?? "";
  });
  if (!lacking) return;
  event.detail.shouldSwap = false;
  find("#mark").value = "";  // asks for everything
  setTimeout(beat);
});

// ---- what is new: named once, politely, and counted in the tab's title ----
let known = new Set(all("[data-row]").map((row) => row.id));
let unseen = 0;
let urgent = 0;
let chosen = null;

page.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "rows") newRows();
  if (event.detail.target.id === "thread") tell(say("This item changed."));
});
page.addEventListener("htmx:afterSettle", tick);

function newRows() {
  const rows = all("[data-row]");
  const fresh = rows.filter((row) => !known.has(row.id));
  fresh.forEach((row) => row.classList.add("fresh"));
  known = new Set(rows.map((row) => row.id));
  if (chosen) choose(find(`#${CSS.escape(chosen)}`), false);
  if (!fresh.length) return;
  unseen += fresh.length;
  retitle();
  tell(fresh.length === 1 ? say("New item %(handle)s", { handle: fresh[0].dataset.handle }) : say("%(num)s new items", { num: fresh.length }));
}

function retitle() {
  const count = urgent ? `(${say("%(num)s urgent", { num: urgent })}) ` : unseen ? `(${unseen}) ` : "";
  page.title = find("[data-cover]")?.hidden === false ? "New tab" : count + title;
}
page.addEventListener("desk:urgent", (event) => { urgent = event.detail; retitle(); });
page.addEventListener("desk:cover", retitle);

function tell(words) {
  const news = find("[data-news]");
  if (news) news.textContent = words;
}

function seen() {
  if (unseen) { unseen = 0; retitle(); }
}
page.addEventListener("pointerdown", seen);
page.addEventListener("keydown", seen);

// ---- several at once: a bar for what is ticked, which a refresh of the rows must not forget ----
const bar = find("[data-several]");
let ticked = new Set();

function several() {
  if (!bar) return;
  ticked = new Set(all("[data-tick]:checked").map((one) => one.value));
  bar.hidden = !ticked.size;
  find("[data-several-count]", bar).textContent = say("%(num)s ticked:", { num: ticked.size });
}
page.addEventListener("change", (event) => { if (event.target.matches("[data-tick]")) several(); });
page.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "rows") return;
  for (const one of all("[data-tick]")) one.checked = ticked.has(one.value);
  several();
});
several();

// ---- the rail: a group somebody opened or shut stays so, in this tab, also when a refresh brings the rail anew ----
const GROUPS = "groups";
const kept = () => JSON.parse(sessionStorage.getItem(GROUPS) ?? "{}");

function regroup() {
  for (const [name, open] of Object.entries(kept())) {
    const group = find(`[data-group="${CSS.escape(name)}"]`);
    if (group) group.open = open;
  }
}
page.addEventListener("click", (event) => {
  const group = event.target.closest("[data-group] > summary")?.parentElement;
  if (group) sessionStorage.setItem(GROUPS, JSON.stringify({ ...kept(), [group.dataset.group]: !group.open }));
});
page.addEventListener("htmx:oobAfterSwap", regroup);
regroup();

// ---- clocks ----
function age(seconds) {
  if (seconds < 60) return say("now");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}`;
  return `${Math.floor(seconds / 86400)} d`;
}

function tick() {
  const now = Date.now();
  for (const time of all("time[data-age]")) time.textContent = age((now - Date.parse(time.dateTime)) / 1000);
  for (const time of all("time[data-until]")) {
    const left = Math.round((Date.parse(time.dateTime) - now) / 1000);
    time.classList.toggle("near", left < 60);
    time.dataset.left = left <= 0 ? say("due now") : left < 3600 ? say("in %(time)s", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` }) : "";
  }
  for (const undo of all("[data-lasts]")) {
    undo.dataset.until ??= now + Number(undo.dataset.lasts) * 1000;
    const left = Math.ceil((Number(undo.dataset.until) - now) / 1000);
    undo.hidden = left <= 0;
    undo.dataset.left = left;
    undo.dataset.words = say("leaves in %(seconds)s s", { seconds: left });
  }
  const ending = find("[data-ends]");
  if (ending) ending.hidden = Date.parse(ending.dataset.ends) - now > 120000;
}
setInterval(tick, 1000);
tick();

// ---- rows and keys ----
const KEYS = "desk.keys";
const keysOn = () => localStorage.getItem(KEYS) !== "off";

function choose(row, focus = true) {
  all("[data-row].chosen").forEach((one) => one.classList.remove("chosen"));
  if (!row) return;
  chosen = row.id;
  row.classList.add("chosen");
  if (focus) find(".open, .btn", row)?.focus();
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const rows = all("[data-row]");
  const at = rows.findIndex((row) => row.id === chosen);
  choose(rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))]);
}

function write(mode, field) {
  const radio = find(mode);
  if (!radio) return;
  radio.checked = true;
  find(field)?.focus();
}

const acts = {
  j: () => step(1),
  k: () => step(-1),
  o: () => find("[data-row].chosen :is(a.open, a.handle)")?.click(),
  x: () => find("[data-row].chosen [data-tick]")?.click(),
  c: () => find("[data-row].chosen [data-claim], [data-case] [data-claim] button")?.click(),
  r: () => write("#mode-reply", "#reply-text"),
  n: () => write("#mode-note", "#note-text"),
  u: () => all(".undo:not([hidden])").at(-1)?.requestSubmit(),
  "/": () => phrases(true),
  a: () => find("#do-acknowledge")?.click(),
  v: () => find("#do-show")?.click(),
  q: () => (find("[data-back]") ?? find("#views a[href*='view=new']"))?.click(),
  d: () => find("[data-dead]")?.click(),
  i: () => find("[data-new]")?.click(),
  "?": () => find("[data-key-sheet]")?.showModal(),
};

page.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (!keysOn() && event.key !== "?") return;
  const act = acts[event.key];
  if (act) { event.preventDefault(); act(); }
});

const keysSwitch = find("[data-keys-on]");
if (keysSwitch) {
  keysSwitch.checked = keysOn();
  keysSwitch.addEventListener("change", () => localStorage.setItem(KEYS, keysSwitch.checked ? "on" : "off"));
  const button = find("[data-keys]");
  button.hidden = false;
  button.addEventListener("click", acts["?"]);
}

// ---- the phrasebook: opened by a slash, found by typing, Escape goes back to the text ----
function phrases(on) {
  const book = find("[data-phrasebook]");
  if (!book) return;
  if (on) write("#mode-reply", "#reply-text");
  book.open = on;
  if (on) find("[data-filter]", book).focus();
  else find("#reply-text").focus();
}

function dress() {
  const filter = find("[data-filter]");
  if (filter) filter.hidden = false;
}
dress();

page.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const one of all("[data-phrase]")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
});
page.addEventListener("keydown", (event) => {
  const field = event.target;
  if (field.matches?.("#reply-text") && event.key === "/" && !field.value) { event.preventDefault(); phrases(true); }
  if (field.matches?.("#reply-text, [data-quick], [data-quick-send] *") && event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.form.requestSubmit();
  if (!field.closest?.("[data-phrasebook]")) return;
  if (event.key === "Escape") { event.stopImmediatePropagation(); phrases(false); }
  const shown = all("[data-phrase]:not([hidden]) .phrase");
  if (event.key === "Enter" && field.matches("[data-filter]")) { event.preventDefault(); shown[0]?.click(); }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const at = shown.indexOf(field) + (event.key === "ArrowDown" ? 1 : -1);
    (shown[at] ?? find("[data-filter]")).focus();
  }
}, true);
page.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "writing") return;
  dress();
  const text = find("#reply-text");
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
});

// ---- light and dark: a cookie, so that the server draws the page right at once ----
const themes = find("[data-themes]");
if (themes) {
  themes.hidden = false;
  themes.addEventListener("change", (event) => {
    page.documentElement.dataset.theme = event.target.value;
    page.cookie = `theme=${event.target.value};path=/;max-age=31536000;samesite=strict`;
  });
}
page.addEventListener("click", (event) => {
  for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});

// ---- a form is sent once, however often it is pressed ----
page.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

// ---- a long thread opens at its end ----
if (find("[data-case]") && all("#thread li").length > 14) find("#thread li:last-child").scrollIntoView({ block: "center" });
