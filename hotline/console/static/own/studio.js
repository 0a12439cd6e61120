// The studio's screens on top of plain pages: they refresh themselves, keep their last state when the network is gone and say so,
// and hear single keys. They keep nothing and talk to nobody but the page's own server.

const page = document;
const find = (selector, within = page) => within.querySelector(selector);
const stage = find("[data-stage]");
const desk = find("[data-desk]");
const home = stage || desk;
const EVERY = 1500;
const PATIENCE = 1400;
let lost = null;

function clock(moment) {
  return moment.toTimeString().slice(0, 8);
}

function heard(well) {
  if (well) lost = null;
  else lost ??= new Date();
  const notice = find("[data-not-live]");
  notice.hidden = !lost;
  if (lost) find("[data-since]", notice).textContent = clock(lost);
  home.classList.toggle("stale", Boolean(lost));
}

async function ask(address, options = {}) {
  const ended = AbortSignal.timeout ? AbortSignal.timeout(PATIENCE) : undefined;
  return fetch(address, { credentials: "same-origin", redirect: "error", signal: ended, ...options });
}

// ---- refreshing: the newest picture, or the last one with a grey bar over it ----
async function refresh() {
  if (page.hidden) return;
  try {
    const mark = desk ? find("[data-mark]")?.value : "";
    const answer = await ask(`${home.dataset.live}${desk ? `?mark=${encodeURIComponent(mark)}` : ""}`, { headers: { "X-By-Itself": "1" } });
    if (answer.status === 410) return location.reload(); // paired no more: nothing is kept on the screen
    if (!answer.ok) throw new Error("refused");
    if (answer.status === 200) show(await answer.text());
    heard(true);
  } catch {
    heard(false);
  }
}

function show(picture) {
  if (stage) {
    find("[data-picture]").innerHTML = picture;
    return;
  }
  if (page.activeElement?.matches("#desk textarea") || find("#desk textarea")?.value) return;
  const at = chosen()?.id;
  find("#desk").innerHTML = picture;
  if (at) choose(page.getElementById(at));
}

// ---- acts: each is a form post, sent without leaving the page; one that was lost is said, never repeated by itself ----
async function act(name) {
  const button = find(`[data-act="${name}"], [data-other="${name}"]`);
  const form = new FormData(button.form);
  try {
    const address = button.form.getAttribute("action").replace(/[^/]+$/, name);
    const answer = await ask(address, { method: "POST", body: new URLSearchParams(form), headers: { "X-Fetch": "1" } });
    if (!answer.ok) throw new Error("refused");
    await refresh();
  } catch {
    heard(false);
  }
}

function view(name) {
  stage.classList.toggle("questions", name === "questions");
  stage.classList.toggle("poll", name === "poll");
}

const state = (name) => find(".stage-top").dataset[name] === "yes";
const stageKeys = {
  1: () => view("poll"),
  2: () => view("questions"),
  " ": () => act("next"),
  h: () => act(state("blank") ? "show" : "hide"),
  o: () => act(state("onAir") ? "off" : "on"),
  ArrowRight: () => act("forward"),
  ArrowLeft: () => act("back"),
};

// ---- the producer's list ----
const rows = () => [...page.querySelectorAll("[data-question]")];
const chosen = () => find("[data-question].chosen") || rows()[0];

function choose(row) {
  rows().forEach((one) => one.classList.toggle("chosen", one === row));
  row?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  choose(all[Math.max(0, Math.min(all.length - 1, all.indexOf(chosen()) + by))]);
}

const press = (key) => () => find(`[data-do="${key}"]`, chosen())?.click();
const deskKeys = {
  j: () => step(1),
  k: () => step(-1),
  e: () => find("textarea", chosen())?.focus(),
  y: press("y"),
  m: press("m"),
  h: press("h"),
};

if (home) {
  setInterval(refresh, EVERY);
  page.addEventListener("visibilitychange", refresh);
  page.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("textarea, select, input:not([type=checkbox])")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = (stage ? stageKeys : deskKeys)[event.key];
    if (key) { event.preventDefault(); event.stopImmediatePropagation(); key(); }
  }, true);
}
if (stage) {
  page.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act], [data-view]");
    if (!pressed) return;
    event.preventDefault();
    if (pressed.dataset.view) view(pressed.dataset.view);
    else if (pressed.dataset.act === "hide") stageKeys.h();
    else if (pressed.dataset.act === "on") stageKeys.o();
    else act(pressed.dataset.act);
  });
}
if (desk) choose(rows()[0]);
if (find(".coding")) {
  page.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) find(`.coding [data-digit="${CSS.escape(event.key)}"]`)?.click();
  });
}
find("[data-print]")?.addEventListener("click", () => window.print());
