// Keeps the first page fresh. The key, if one is needed, stays in this tab's sessionStorage.

const REFRESH_MS = 2000;
const STORED = "crypitor-key";

const overview = document.getElementById("overview");
const trouble = document.getElementById("trouble");
const door = document.getElementById("door");
const leave = document.getElementById("leave");

function say(sentence) {
  trouble.textContent = sentence;
  trouble.hidden = !sentence;
}

function show(open) {
  if (!door) return;
  door.hidden = open;
  leave.hidden = !open;
  overview.hidden = !open;
}

async function refresh() {
  const key = sessionStorage.getItem(STORED);
  if (door && !key) return show(false);
  try {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const answer = await fetch("/overview", { headers, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) {
      sessionStorage.removeItem(STORED);
      show(false);
      say((await answer.json()).detail);
    } else if (answer.ok) {
      overview.innerHTML = await answer.text(); // escaped where it was rendered
      show(true);
      say("");
    } else {
      say(`The service answers ${answer.status}; trying again.`);
    }
  } catch {
    say("The service cannot be reached; trying again.");
  }
}

async function forever() {
  if (!document.hidden) await refresh();
  setTimeout(forever, REFRESH_MS);
}

door?.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(STORED, new FormData(door).get("key").trim());
  door.reset();
  refresh();
});

leave?.addEventListener("click", () => {
  sessionStorage.removeItem(STORED);
  overview.replaceChildren();
  show(false);
});

forever();
