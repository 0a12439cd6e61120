// What calls for somebody: which urgent items nobody has. Counted in the title; once sound was switched on by hand, a tone that
// comes again every half minute until they are claimed. A worker keeps time, for browsers slow the timers of hidden pages down.

const source = document.querySelector("[data-calls]");
const button = document.querySelector("[data-sound]");
const AGAIN = 30000;
const ON = "desk.sound";
let context = null;
let urgent = [];
let rang = 0;
let tag = "";

function wanted() {
  return localStorage.getItem(ON) === "on";
}

function sounding() {
  return wanted() && context?.state === "running";
}

function tone() {
  if (!sounding()) return;
  rang = Date.now();
  for (const [at, pitch] of [[0, 740], [0.22, 988], [0.44, 740]]) {
    const voice = new OscillatorNode(context, { frequency: pitch });
    const loud = new GainNode(context, { gain: 0.22 });
    voice.connect(loud).connect(context.destination);
    voice.start(context.currentTime + at);
    voice.stop(context.currentTime + at + 0.16);
  }
}

function show() {
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", String(wanted()));
  button.classList.toggle("off", !sounding());
  button.querySelector("[data-sound-words]").textContent = sounding() ? button.dataset.on : wanted() ? button.dataset.waits : button.dataset.off;
}

async function listen() {
  context ??= new AudioContext();
  if (context.state !== "running") await context.resume();
  show();
}

button?.addEventListener("click", async () => {
  const on = !sounding();
  localStorage.setItem(ON, on ? "on" : "off");
  if (on) { await listen(); tone(); }
  show();
});
for (const gesture of ["pointerdown", "keydown"]) {
  document.addEventListener(gesture, () => { if (wanted() && !sounding()) listen(); });
}

async function ask() {
  let answer;
  try {
    answer = await fetch(source.dataset.calls, { headers: { "X-By-Itself": "1", ...(tag && { "If-None-Match": tag }) } });
  } catch {
    return;
  }
  if (answer.status === 200 && answer.headers.get("Content-Type")?.startsWith("application/json")) {
    tag = answer.headers.get("ETag") ?? "";
    const now = await answer.json();
    const fresh = now.some((one) => !urgent.includes(one));
    urgent = now;
    document.dispatchEvent(new CustomEvent("desk:urgent", { detail: urgent.length }));
    if (fresh) rang = 0;
  }
  if (urgent.length && Date.now() - rang >= AGAIN) tone();
}

if (source) {
  new Worker(source.dataset.beat).addEventListener("message", ask);
  document.addEventListener("desk:ask", ask);
  if (wanted()) listen();
  show();
  ask();
}
