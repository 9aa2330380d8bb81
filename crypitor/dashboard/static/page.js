// What a page does beyond links and forms: times, copying, the keyboard, the live list.
// Everything can be read without it.

const each = (query, act, within = document) => within.querySelectorAll(query).forEach(act);
const SPANS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const LIVE_MS = 700;
const ICON_MS = 30000;

function since(seconds) {
  const size = SPANS.find(([unit]) => Math.abs(seconds) >= unit) ?? SPANS[3];
  const text = `${Math.floor(Math.abs(seconds) / size[0])}\u202f${size[1]}`;
  return seconds < 0 ? `in ${text}` : seconds < 2 ? "now" : `${text} ago`;
}

// In the reader's own time zone.
function tell(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const exact = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const utc = at.toISOString().slice(0, 19).replace("T", " ");
  time.title = `${exact} (${Intl.DateTimeFormat().resolvedOptions().timeZone}), ${utc} UTC`;
  time.textContent = "exact" in time.dataset ? exact : since((Date.now() - at) / 1000);
}

function dress(within) {
  each("time", tell, within);
  each("table[data-sorts]", sortable, within);
  each(".copy, [data-print], [data-help], [data-live]", (found) => { found.hidden = false; }, within);
}

// A list that is whole on its page is sorted here; one in pages has the order of its index.
const weight = (row, column) => {
  const cell = row.cells[column], text = cell.dataset.value ?? cell.querySelector("time")?.dateTime ?? cell.innerText.trim();
  const number = Number(text.replace(/[\u202f,%]/g, ""));
  return text !== "" && Number.isFinite(number) ? number : text.toLowerCase();
};

function sortable(table) {
  each("thead th", (head) => {
    if (head.querySelector("button, .unseen")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      each("thead th", (other) => other.removeAttribute("aria-sort"), table);
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [weight(row, head.cellIndex), row]);
      rows.sort(([a], [b]) => (typeof a === typeof b ? (a > b) - (a < b) : typeof a === "number" ? -1 : 1) * (up ? 1 : -1));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  }, table);
}

async function copy(button) {
  await navigator.clipboard?.writeText(button.dataset.copy);
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1500);
}

function rows() { return [...document.querySelectorAll(".list tbody tr")]; }

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  if (!next) return;
  all[at]?.classList.remove("at");
  next.classList.add("at");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector(".main a")?.focus({ preventScroll: true });
}

let going = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  const went = going;
  going = false;
  if (went) {
    const place = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (place) return place.click();
  }
  if (event.key === "g") going = true;
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") document.getElementById("help")?.showModal();
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select?.();
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  else if ("print" in button.dataset) { each("details", (found) => { found.open = true; }); window.print(); }
  else if ("help" in button.dataset) document.getElementById("help")?.showModal();
  else if ("live" in button.dataset) (button.following ? pause : follow)(button);
  else if ("insert" in button.dataset) insert(button);
  else if ("put" in button.dataset) document.getElementById(button.dataset.into).value = button.dataset.put;
});

document.addEventListener("submit", (event) => {
  const sure = event.target.dataset.sure;
  if (sure && !window.confirm(sure)) { event.preventDefault(); return; }
  // A second press must not do it twice.
  if (event.target.method === "post" && event.submitter) setTimeout(() => { event.submitter.disabled = true; });
});

window.addEventListener("pageshow", () => each("button[disabled]", (button) => { button.disabled = false; }));

// A field's name into the condition above it, where the cursor stands.
function insert(button) {
  const field = document.getElementById(button.dataset.into);
  if (!field) return;
  field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// The stream tells that there is more; the server draws the list, as it did before.
function follow(button) {
  const stream = new EventSource(button.dataset.live);
  let waiting = false;
  const draw = () => {
    if (!window.htmx) { setTimeout(draw, LIVE_MS); return; }
    waiting = false;
    window.htmx.trigger(document.body, "live");
  };
  const refresh = () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(draw, LIVE_MS);
  };
  for (const type of ["match.detected", "match.confirmed", "match.ended", "match.reverted"]) stream.addEventListener(type, refresh);
  stream.onopen = () => button.classList.remove("lost");
  stream.onerror = () => button.classList.add("lost");
  button.following = stream;
  button.setAttribute("aria-pressed", "true");
  button.lastElementChild.textContent = "Live";
}

function pause(button) {
  button.following.close();
  button.following = null;
  button.setAttribute("aria-pressed", "false");
  button.lastElementChild.textContent = "Paused";
}

// On a narrow screen the navigation is wider than it: begin where the reader is.
if (matchMedia("(max-width: 48rem)").matches) each("nav [aria-current=page]", (link) => {
  const list = link.closest("nav");
  list.scrollLeft = link.offsetLeft - (list.clientWidth - link.clientWidth) / 2;
});

document.addEventListener("htmx:load", (event) => dress(event.target));
document.addEventListener("htmx:load", catchUp, { once: true });
dress(document);

// What was typed and chosen before anything could answer to it, told now. A text that still has the
// focus tells of its change when the reader leaves it.
const asked = (select) => Math.max(0, [...select.options].findIndex((option) => option.defaultSelected));
const untouched = (field) => field.options ? field.selectedIndex === asked(field)
  : field.value === field.defaultValue && field.checked === field.defaultChecked;

function catchUp() {
  each("input, textarea, select", (field) => {
    if (untouched(field)) return;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const later = field === document.activeElement && !field.matches("select, [type=checkbox], [type=radio]");
    if (!later) field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// What refreshes and draws is fetched and run once the page is painted, which it would only delay.
function later() {
  each("link[rel=later]", (link) => {
    const style = link.href.endsWith(".css");
    const made = document.createElement(style ? "link" : "script");
    if (style) { made.rel = "stylesheet"; made.href = link.href; } else { made.async = false; made.src = link.href; }
    link.replaceWith(made);
  });
}
const loaded = () => document.readyState === "complete" ? later() : window.addEventListener("load", later);
if (window.PerformanceObserver?.supportedEntryTypes?.includes("paint")) {
  new PerformanceObserver((_, observer) => { observer.disconnect(); loaded(); }).observe({ type: "paint", buffered: true });
} else loaded();
each("[data-live]", follow);
setInterval(() => each("time:not([data-exact])", tell), 1000);

// The picture of the tab tells of trouble, also while another tab is looked at.
setInterval(() => each("link[rel=icon]:not([href*='/static/'])", (icon) => {
  const fresh = icon.cloneNode();
  fresh.href = `${icon.href.split("?")[0]}?${Date.now()}`;
  icon.replaceWith(fresh);
}), ICON_MS);

// A file of addresses: how much of it the service has read, and what it says, also where it refuses.
document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const bar = target.matches("[data-upload]") && target.querySelector("progress");
  if (!bar || !detail.lengthComputable) return;
  bar.hidden = false;
  bar.value = detail.loaded / detail.total;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.requestConfig.elt.matches("[data-upload]")) return;
  event.detail.shouldSwap = event.detail.serverResponse.includes('id="main"');
  if (!event.detail.shouldSwap) window.location.reload();
});

// What refreshes by itself does so while somebody looks, and not under the reader's hands.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  if (requestConfig.triggeringEvent?.type === "input" || elt.matches("form, input, textarea, select, button")) return;
  const busy = elt.contains(document.activeElement) || !window.getSelection().isCollapsed || elt.querySelector("details[open], .uplot:hover");
  if (document.hidden || busy) event.preventDefault();
});
