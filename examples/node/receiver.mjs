// Receives webhooks of Crypitor: checks the signature, takes each once, and knows the three phases.
//
//     CRYPITOR_SECRET=whsec_… node receiver.mjs        (PORT=8000, STORE=deposits.json)
//
// Needs Node.js 18 and nothing else. A file stands in for your database.
import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.CRYPITOR_SECRET.replace(/^whsec_/, ""), "base64");
const STORE = process.env.STORE ?? "deposits.json";
const TOLERANCE_SECONDS = 300;
const LARGEST_BYTES = 4 << 20;
const STATES = {
  "match.detected": "pending",
  "match.confirmed": "credited",
  "match.reverted": "void",
};

// Both in one file that is replaced whole: what was taken, and what was made of it.
const stored = existsSync(STORE)
  ? JSON.parse(readFileSync(STORE, "utf8"))
  : { webhooks: {}, deposits: {} };

function save() {
  writeFileSync(`${STORE}.new`, JSON.stringify(stored));
  renameSync(`${STORE}.new`, STORE);
}

function verified(headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^\d{1,15}$/.test(timestamp ?? "")) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const expected = createHmac("sha256", KEY).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((each) => {
    const [version, text] = each.split(",");
    const signature = Buffer.from(text ?? "", "base64");
    return (
      version === "v1" && signature.length === expected.length && timingSafeEqual(signature, expected)
    );
  });
}

function take(id, told) {
  if (stored.webhooks[id]) return; // it came before: the answer was lost
  stored.webhooks[id] = true;
  const state = STATES[told.type];
  // A replay may bring an earlier phase after a later one: what was told last counts.
  if (state && told.timestamp >= (stored.deposits[told.data.id]?.told_at ?? "")) {
    const { id: match, address, amount, contract } = told.data;
    const symbol = contract?.symbol ?? null;
    stored.deposits[match] = { address, amount, symbol, state, told_at: told.timestamp };
  }
  save();
}

createServer((request, response) => {
  const pieces = [];
  let size = 0;
  request.on("data", (piece) => {
    size += piece.length;
    if (size > LARGEST_BYTES) request.destroy();
    pieces.push(piece);
  });
  request.on("end", () => {
    const body = Buffer.concat(pieces); // the very bytes: they are what is signed
    if (request.method !== "POST" || !verified(request.headers, body)) {
      response.writeHead(401).end();
      return;
    }
    take(request.headers["webhook-id"], JSON.parse(body));
    response.writeHead(204).end();
  });
}).listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
