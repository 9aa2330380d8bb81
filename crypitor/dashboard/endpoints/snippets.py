"""Code that verifies an endpoint's webhooks, with its own key, to be copied. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

import base64
from collections.abc import Mapping

from crypitor.webhook.signature import PREFIX, PUBLIC_PREFIX

PYTHON = """from standardwebhooks import Webhook  # pip install standardwebhooks


def verified(body: bytes, headers: dict) -> dict:
    return Webhook("{key}").verify(body, headers)  # raises unless it is right
"""

PYTHON_PUBLIC = """import base64
import json
import time

from cryptography.exceptions import InvalidSignature  # pip install cryptography
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode("{base64}"))


def verified(body: bytes, headers: dict) -> dict:  # headers: with their names in lower case
    at = headers["webhook-timestamp"]
    if not abs(time.time() - int(at)) <= 300:
        raise ValueError("too old, or too new")
    for signature in headers["webhook-signature"].split():
        kind, _, text = signature.partition(",")
        if kind == "v1a":
            whole = f"{{headers['webhook-id']}}.{{at}}.".encode() + body
            try:
                KEY.verify(base64.b64decode(text), whole)
            except InvalidSignature:
                continue
            return json.loads(body)
    raise ValueError("the signature is wrong")
"""

NODE = """import {{ createHmac, timingSafeEqual }} from "node:crypto";

const key = Buffer.from("{base64}", "base64");

// body: a Buffer, as it came. headers: as node:http has them.
export function verified(body, headers) {{
  const id = headers["webhook-id"], at = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - at) <= 300)) throw new Error("too old, or too new");
  const right = createHmac("sha256", key).update(`${{id}}.${{at}}.`).update(body).digest();
  const signed = headers["webhook-signature"].split(" ").map((one) => one.split(","));
  const found = signed.some(([kind, text]) => {{
    const given = Buffer.from(text ?? "", "base64");
    return kind === "v1" && given.length === right.length && timingSafeEqual(given, right);
  }});
  if (!found) throw new Error("the signature is wrong");
  return JSON.parse(body);
}}
"""

NODE_PUBLIC = """import {{ createPublicKey, verify }} from "node:crypto";

const x = Buffer.from("{base64}", "base64").toString("base64url");
const key = createPublicKey({{ key: {{ kty: "OKP", crv: "Ed25519", x }}, format: "jwk" }});

// body: a Buffer, as it came. headers: as node:http has them.
export function verified(body, headers) {{
  const id = headers["webhook-id"], at = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - at) <= 300)) throw new Error("too old, or too new");
  const whole = Buffer.concat([Buffer.from(`${{id}}.${{at}}.`), body]);
  const signed = headers["webhook-signature"].split(" ").map((one) => one.split(","));
  const found = signed.some(([kind, text]) =>
    kind === "v1a" && verify(null, whole, key, Buffer.from(text ?? "", "base64")));
  if (!found) throw new Error("the signature is wrong");
  return JSON.parse(body);
}}
"""

GO = """package main

import (
	{imports}
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Verified returns nil where body, as it came, was signed by the endpoint's key.
func Verified(body []byte, header http.Header) error {{
	key, _ := base64.StdEncoding.DecodeString("{base64}")
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {{
		return errors.New("too old, or too new")
	}}
	whole := append([]byte(id+"."+at+"."), body...)
	for _, signature := range strings.Fields(header.Get("webhook-signature")) {{
		kind, text, _ := strings.Cut(signature, ",")
		given, err := base64.StdEncoding.DecodeString(text)
		if err == nil && kind == "{kind}" && {right} {{
			return nil
		}}
	}}
	return errors.New("the signature is wrong")
}}
{more}"""

GO_SECRET = {
    "kind": "v1",
    "imports": '"crypto/hmac"\n\t"crypto/sha256"',
    "right": "hmac.Equal(given, sum(key, whole))",
    "more": """
func sum(key, whole []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(whole)
	return mac.Sum(nil)
}
""",
}
GO_PUBLIC = {
    "kind": "v1a",
    "imports": '"crypto/ed25519"',
    "right": "ed25519.Verify(key, whole, given)",
    "more": "",
}


def snippets_of(key: str) -> Mapping[str, str]:
    """Return code by language. key: the secret (`whsec_…`), or the public key (`whpk_…`)."""
    public = key.startswith(PUBLIC_PREFIX)
    told = key.removeprefix(PUBLIC_PREFIX if public else PREFIX)
    # Secrets may be given without padding, which some decoders ask for.
    packed = base64.b64encode(base64.b64decode(told + "==")).decode()
    return {
        "Python": (PYTHON_PUBLIC if public else PYTHON).format(key=key, base64=packed),
        "Node": (NODE_PUBLIC if public else NODE).format(base64=packed),
        "Go": GO.format(base64=packed, **(GO_PUBLIC if public else GO_SECRET)),
    }
