"""The code that endpoints' pages offer for Node and Go, run by Node and Go."""

import base64
import json
import shutil
import subprocess

import pytest

from crypitor.dashboard.endpoints.snippets import snippets_of
from tests.dashboard.test_snippets import FLAWS, KINDS, case
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.live

NODE = """import {{ verified }} from "{module}";
const cases = JSON.parse(process.argv[2]);
const told = (one) => {{
  try {{ return verified(Buffer.from(one.body, "base64"), one.headers).type; }} catch {{ return "refused"; }}
}};
console.log(JSON.stringify(cases.map(told)));
"""
GO = """package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	var cases []struct{ Body string; Headers map[string]string }
	json.Unmarshal([]byte(os.Args[1]), &cases)
	told := []string{}
	for _, one := range cases {
		body, _ := base64.StdEncoding.DecodeString(one.Body)
		header := http.Header{}
		for name, value := range one.Headers {
			header.Set(name, value)
		}
		if Verified(body, header) == nil {
			told = append(told, "ping")
		} else {
			told = append(told, "refused")
		}
	}
	json.NewEncoder(os.Stdout).Encode(told)
}
"""


def run(command, folder):
    """Return what a command tells as JSON."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, timeout=HANG_SECONDS, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["Node", "Go"])
def test_the_code_takes_what_is_right_and_nothing_else(tmp_path, kind, language):
    """With a shared secret, and with a public key."""
    cases, keys = [], []
    for flaw in ("", *FLAWS):
        key, headers, body = case(kind, flaw)
        keys.append(key)
        cases.append({"headers": headers, "body": base64.b64encode(body).decode()})
    own, foreign = [], []
    for number, key in enumerate(dict.fromkeys(keys)):
        folder = tmp_path / str(number)
        folder.mkdir()
        of_this = [one for one, its in zip(cases, keys, strict=True) if its == key]
        told = own if number == 0 else foreign
        if language == "Node":
            (folder / "verified.mjs").write_text(snippets_of(key)["Node"])
            (folder / "main.mjs").write_text(NODE.format(module="./verified.mjs"))
            told += run([shutil.which("node"), "main.mjs", json.dumps(of_this)], folder)
        else:
            (folder / "verified.go").write_text(snippets_of(key)["Go"])
            (folder / "main.go").write_text(GO)
            (folder / "go.mod").write_text("module verified\n\ngo 1.19\n")
            told += run([shutil.which("go"), "run", ".", json.dumps(of_this)], folder)

    assert own == ["ping", *["refused"] * (len(FLAWS) - 1)]
    assert foreign == ["refused"]
