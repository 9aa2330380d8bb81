// What a program does with the types that openapi-typescript makes.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const client = createClient<paths>({
  baseUrl: process.env.CRYPITOR_URL!,
  headers: { Authorization: `Bearer ${process.env.CRYPITOR_KEY}` },
});

async function make(): Promise<string> {
  const { data, error } = await client.POST("/v1/monitors", {
    body: {
      name: "typescript",
      networks: ["ethereum"],
      addresses: [
        "0x00000000219ab540356cbb839cbe05303d7705fa",
        { address: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045", label: "hot wallet" },
      ],
      rules: [{ kind: "native" }, { kind: "erc20", direction: "in", where: "amount > 5" }],
    },
  });
  if (!data) throw new Error(error.detail);
  const armed: number | null | undefined = data.armed_from?.ethereum;
  if (armed === undefined) throw new Error("armed_from is missing");
  const changed = await client.PATCH("/v1/monitors/{id}", {
    params: { path: { id: data.id } },
    body: { note: "changed" },
  });
  if (changed.data?.rules.length !== 2) throw new Error(changed.error?.detail);
  return data.id;
}

async function matches(): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const { data, error } = await client.GET("/v1/matches", {
      params: { query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) } },
    });
    if (!data) throw new Error(error.detail);
    found.push(...data.data.map((match) => match.id));
    if (data.next_cursor === null) return found;
    cursor = data.next_cursor;
  }
}

function told(text: string): [string, string | null, string | null | undefined] {
  const body = JSON.parse(text) as components["schemas"]["WebhookBody"];
  switch (body.type) {
    case "match.detected":
    case "match.confirmed":
    case "match.ended":
    case "match.reverted":
      return [body.type, body.data.id, body.data.contract?.symbol];
    case "endpoint.failing":
    case "endpoint.disabled":
    case "endpoint.moved":
      return [body.type, body.data.endpoint.id, body.data.reason];
    case "deliveries.counted":
    case "ping":
      return [body.type, null, null];
  }
}

const webhooks = JSON.parse(readFileSync(process.env.CRYPITOR_WEBHOOKS!, "utf8")) as string[];
console.log(
  JSON.stringify({
    monitor: await make(),
    matches: await matches(),
    webhooks: webhooks.map(told),
  }),
);
