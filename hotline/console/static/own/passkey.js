// Passkeys: asks the browser for one at the door, or to make one under one's own sign-in. The forms it serves are hidden without it:
// then password and code open the door, as they always do.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => {
  const signs = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
  return btoa(signs).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function make(asked) {
  const publicKey = { ...asked, challenge: bytes(asked.challenge), user: { ...asked.user, id: bytes(asked.user.id) } };
  publicKey.excludeCredentials = named(asked.excludeCredentials);
  const { response, ...rest } = whole(await navigator.credentials.create({ publicKey }));
  return { ...rest, response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) } };
}

async function use(asked) {
  const publicKey = { ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials) };
  const { response, ...rest } = whole(await navigator.credentials.get({ publicKey }));
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  const said = { clientDataJSON, authenticatorData, signature, userHandle: userHandle ?? new ArrayBuffer(0) };
  return { ...rest, response: Object.fromEntries(Object.entries(said).map(([name, part]) => [name, text(part)])) };
}

function whole({ id, rawId, type, response }) {
  return { id, rawId: text(rawId), type, response };
}

async function attempt(form) {
  const asked = await fetch(form.dataset.passkey, { method: "POST", body: new FormData(form) });
  if (!asked.ok) return asked.status === 403 ? "code" : "stopped";
  const act = "makes" in form.dataset ? make : use;
  form.elements.answer.value = JSON.stringify(await act(await asked.json()));
  form.submit();
  return "";
}

async function go(form) {
  const button = form.querySelector("button");
  const says = [...form.querySelectorAll("[data-passkey-said]")];
  for (const one of says) one.hidden = true;
  button.disabled = true;
  const why = await attempt(form).catch(() => "stopped");
  if (!why) return;
  button.disabled = false;
  for (const one of says) one.hidden = one.dataset.passkeySaid !== why;
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential || location.origin !== form.dataset.origin) continue;
  form.hidden = false;
  for (const instead of document.querySelectorAll("[data-passkey-instead]")) instead.hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    go(form);
  });
}
