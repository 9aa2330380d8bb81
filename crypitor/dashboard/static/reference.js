// Sends what is filled in under "Try it", with the key that is typed there, and shows the answer.
// The key is kept by this page alone, and forgotten with it.

const LONGEST = 200000;
const keys = () => document.querySelectorAll("[data-try] input[name=key]");

function address(form, path) {
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-place]")) {
    if (field.dataset.place === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (field.value !== "") query.set(field.name, field.value);
  }
  return query.size ? `${path}?${query}` : path;
}

async function send(form, { method, path }) {
  const headers = {}, body = form.elements.body;
  if (form.elements.key?.value) headers.Authorization = `Bearer ${form.elements.key.value.trim()}`;
  if (body) headers["Content-Type"] = body.dataset.media;
  const stop = new AbortController();
  const began = performance.now();
  const answer = await fetch(address(form, path), {
    method, headers, body: body?.value, credentials: "omit", redirect: "manual", signal: stop.signal,
  });
  const text = await begins(answer, stop);
  return { said: `${answer.status} ${answer.statusText}, ${Math.round(performance.now() - began)} ms`, text };
}

// A stream has no end: what came in the first seconds is shown.
async function begins(answer, stop) {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const late = setTimeout(() => stop.abort(), 5000);
  let text = "";
  try {
    for (let part; reader && text.length < LONGEST && !(part = await reader.read()).done;) text += part.value;
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
  clearTimeout(late);
  stop.abort();
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text.slice(0, LONGEST); }
}

for (const box of document.querySelectorAll("[data-try]")) {
  const form = box.querySelector("form"), shown = form.querySelector(".answer"), told = form.querySelector(".said");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    told.textContent = "…";
    try {
      const { said, text } = await send(form, box.dataset);
      told.textContent = said;
      shown.textContent = text;
    } catch (error) {
      told.textContent = String(error);
      shown.textContent = "";
    }
    shown.hidden = !shown.textContent;
  });
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-try] input[name=key]")) for (const key of keys()) key.value = target.value;
});
