// Keeps the two phones live: asks once a second, swaps only what changed, and never touches what is being typed.
// Without it the page works the same by plain posts and the Refresh link.

const EVERY = 1000;
const page = document.body;
const away = document.getElementById("away");
const said = document.getElementById("said");
const mast = document.getElementById("mast");
const known = new Map();
let etag = "";
let token = "";
let asking = false;

function toEnd(region) {
  const thread = region.querySelector("[data-thread]");
  if (thread) thread.scrollTop = thread.scrollHeight;
}

function atEnd(region) {
  const thread = region.querySelector("[data-thread]");
  return !thread || thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;
}

function swap(region, incoming) {
  const old = new Set([...region.querySelectorAll("li[id]")].map((item) => item.id));
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const thread = region.querySelector("[data-thread]");
  const stay = atEnd(region) ? null : thread.scrollTop;
  const inThread = focused === thread && thread !== null;
  const page = region.querySelector("[data-page]")?.textContent;
  region.replaceChildren(...incoming.childNodes);
  paged(region, page);
  const fresh = [...region.querySelectorAll("li[id]")].filter((item) => !old.has(item.id));
  fresh.forEach((item) => item.classList.add("fresh"));
  if (stay === null) toEnd(region);
  else region.querySelector("[data-thread]").scrollTop = stay;
  if (inThread) region.querySelector("[data-thread]").focus({ preventScroll: true });
  else if (focused) (document.getElementById(focused.id) ?? region.querySelector("[data-thread]"))?.focus({ preventScroll: true });
  return fresh;
}

// A page that comes to a phone is read aloud, and whoever just dialled or answered can go on typing.
function paged(region, before) {
  const page = region.querySelector("[data-page]");
  if (!page || page.textContent === before) return;
  said.textContent = page.textContent;
  if (region.closest(".phone")?.contains(document.activeElement) || document.activeElement === page.ownerDocument.body) {
    region.querySelector("[data-typed]")?.focus({ preventScroll: true });
  }
  tick();
}

// Network time is short; the seconds that are left are counted here, so that the page itself need not change for them.
function tick() {
  for (const left of document.querySelectorAll("[data-until]")) {
    const seconds = Math.max(0, Math.round((Date.parse(left.dateTime) - Date.now()) / 1000));
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

function tell(region, fresh) {
  if (fresh.length === 0) return;
  mast?.classList.remove("passing");
  requestAnimationFrame(() => mast?.classList.add("passing"));
  const newest = fresh.filter((item) => item.classList.contains("in")).at(-1);
  if (newest) {
    const name = document.getElementById(`name-${region.dataset.side}`).textContent;
    said.textContent = `${name}: ${newest.querySelector(".body").textContent}`;
  }
}

function take(html) {
  const incoming = new DOMParser().parseFromString(html, "text/html");
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = incoming.getElementById(region.id);
    if (!next || known.get(region.id) === next.innerHTML) continue;
    known.set(region.id, next.innerHTML);
    const fresh = swap(region, next);
    if (region.dataset.side) {
      tell(region, fresh);
      play(region);
    }
    if (region.closest(".handset")?.contains(document.activeElement)) look(region);
  }
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const reply = await fetch(page.dataset.liveUrl, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
    token = reply.headers.get("X-CSRF-Token") ?? token;
    away.hidden = reply.ok || reply.status === 304;
    if (reply.status === 200) {
      etag = reply.headers.get("ETag") ?? "";
      take(await reply.text());
    }
  } catch {
    away.hidden = false;
  } finally {
    asking = false;
  }
}

async function post(form, button) {
  const body = new FormData(form, button);
  if (token && body.has("csrf_token")) body.set("csrf_token", token);
  const url = button?.getAttribute("formaction") ?? form.getAttribute("action");
  try {
    const reply = await fetch(url, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
    return reply.ok || reply.type === "opaqueredirect";
  } catch {
    return false;
  }
}

async function submit(form, button) {
  const box = "compose" in form.dataset ? form.elements.text : null;
  const typed = box?.value ?? "";
  const sending = post(form, button);
  if (box) {
    box.value = "";
    measured(box);
  }
  if (form.elements.typed) form.elements.typed.value = "";
  form.setAttribute("aria-busy", "true");
  setTimeout(ask, 60);
  const done = await sending;
  form.removeAttribute("aria-busy");
  away.hidden = done;
  if (!done && box && box.value === "") box.value = typed;
  await ask();
}

function measured(box) {
  const line = box.form.querySelector("[data-meter]");
  line.textContent = box.value ? `${[...box.value].length} characters` : line.dataset.idle;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) {
    keep();
    return;
  }
  event.preventDefault();
  const button = event.submitter;
  if (button?.dataset.fill) {
    const box = document.getElementById(button.dataset.fill);
    box.value = button.value;
    measured(box);
    box.focus();
    return;
  }
  if ("compose" in form.dataset && form.elements.text.value.trim() === "") return;
  submit(form, button);
});

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || box.tagName !== "TEXTAREA") return;
  event.preventDefault();
  box.form.requestSubmit(box.form.querySelector(".send"));
});

document.addEventListener("input", (event) => {
  if (event.target.tagName === "TEXTAREA") measured(event.target);
});

document.addEventListener("click", async (event) => {
  const key = event.target.closest("[data-key]");
  if (key) {
    const handset = key.closest(".handset");
    const box = handset.querySelector("[data-typed]") ?? handset.querySelector("textarea");
    box.setRangeText(key.dataset.key, box.selectionStart, box.selectionEnd, "end");
    if (box.tagName === "TEXTAREA") measured(box);
    return;
  }
  const link = event.target.closest("[data-copy]");
  if (link && navigator.clipboard) {
    event.preventDefault();
    const reply = await fetch(link.href, { cache: "no-store" });
    await navigator.clipboard.writeText(await reply.text());
    said.textContent = link.textContent = "Copied";
    setTimeout(() => { link.textContent = "Copy transcript"; }, 1500);
  }
});

// ---- calls: prompts one after the other, a microphone that stays here, or a file -----------------------------------

let playing = "";

function play(region) {
  const prompts = [...region.querySelectorAll("[data-prompt]")];
  const now = prompts.map((one) => one.src).join(" ");
  if (!now || now === playing) return;
  playing = now;
  prompts.forEach((one, place) => one.addEventListener("ended", () => prompts[place + 1]?.play().catch(() => {})));
  prompts[0].play().catch(() => {}); // a browser may ask for a click first; the caption stands there anyway
}

async function speak(button) {
  if (button.dataset.recording) return;
  button.dataset.recording = "1";
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const context = new AudioContext({ sampleRate: 8000 });
  const tap = context.createScriptProcessor(1024, 1, 1);
  const heard = [];
  tap.onaudioprocess = (event) => heard.push(new Float32Array(event.inputBuffer.getChannelData(0)));
  context.createMediaStreamSource(stream).connect(tap);
  tap.connect(context.destination);
  button.textContent = "Stop and go on (#)";
  const stop = async () => {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    await leave(button.dataset.speak, wav(heard));
  };
  const last = setTimeout(stop, 120_000);
  button.addEventListener("click", () => { clearTimeout(last); stop(); }, { once: true });
}

function wav(pieces) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * length));
  const put = (at, word) => [...word].forEach((char, place) => view.setUint8(at + place, char.charCodeAt(0)));
  put(0, "RIFF"); put(8, "WAVEfmt "); put(36, "data");
  for (const [at, value] of [[4, 36 + 2 * length], [16, 16], [24, 8000], [28, 16000], [40, 2 * length]]) view.setUint32(at, value, true);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) view.setUint16(at, value, true);
  let at = 44;
  for (const piece of pieces) for (const one of piece) { view.setInt16(at, Math.max(-1, Math.min(1, one)) * 32767, true); at += 2; }
  return new Blob([view], { type: "audio/wav" });
}

async function leave(url, sound) {
  const body = new FormData();
  body.set("sound", sound, "message.wav");
  const given = token || document.querySelector("[name=csrf_token]")?.value;
  if (given) body.set("csrf_token", given);
  const reply = await fetch(url, { method: "POST", body, redirect: "manual" });
  said.textContent = reply.ok || reply.type === "opaqueredirect" ? "" : "That is no sound file this phone can send.";
  await ask();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-speak]");
  if (button) speak(button).catch(() => { said.textContent = button.textContent = "This browser has no microphone; take a file"; });
});

document.addEventListener("change", (event) => {
  if (event.target.dataset.sound && event.target.files[0]) leave(event.target.dataset.sound, event.target.files[0]);
});

// Whoever touches a phone has seen what is on it.
function look(phone) {
  const badge = phone.querySelector(".lock .badge");
  if (badge && document.activeElement !== badge) submit(badge.form, badge);
}

document.addEventListener("focusin", (event) => {
  const phone = event.target.closest(".handset");
  if (phone) look(phone);
});

// Handing a phone to somebody else loads the page anew; what was being typed comes along.
function keep() {
  const typed = [...document.querySelectorAll("textarea")].map((box) => [box.id, box.value]);
  sessionStorage.setItem("typed", JSON.stringify(typed));
}

for (const [id, value] of JSON.parse(sessionStorage.getItem("typed") ?? "[]")) document.getElementById(id).value = value;
sessionStorage.removeItem("typed");
for (const region of document.querySelectorAll("[data-live]")) toEnd(region);
for (const box of document.querySelectorAll("textarea")) measured(box);
document.addEventListener("visibilitychange", ask);
setInterval(ask, EVERY);
setInterval(tick, EVERY);
tick();
ask();
