"""`crypitor import openzeppelin`: folders in the forms of Monitor 1.6.0 and of Defender's API."""

import json
import tomllib

import pytest
from typer.testing import CliRunner

from crypitor.cli import cli
from crypitor.cli.imported.openzeppelin import found_in
from crypitor.config import load
from tests.cli.declared.conftest import api, context, declared, poster, woken

__all__ = ["api", "context", "declared", "poster", "woken"]

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
TRANSFER = {
    "type": "event", "name": "Transfer", "anonymous": False,
    "inputs": [
        {"indexed": True, "internalType": "address", "name": "from", "type": "address"},
        {"indexed": True, "internalType": "address", "name": "to", "type": "address"},
        {"indexed": False, "internalType": "uint256", "name": "value", "type": "uint256"},
    ],
}  # fmt: skip
SEND = {
    "type": "function", "name": "transfer", "stateMutability": "nonpayable",
    "inputs": [
        {"internalType": "address", "name": "to", "type": "address"},
        {"internalType": "uint256", "name": "value", "type": "uint256"},
    ],
    "outputs": [{"internalType": "bool", "name": "", "type": "bool"}],
}  # fmt: skip
NETWORK = {
    "network_type": "EVM", "slug": "ethereum_mainnet", "name": "Ethereum Mainnet",
    "rpc_urls": [{"type_": "rpc", "url": {"type": "plain", "value": "https://node.example"}, "weight": 100}],
    "chain_id": 1, "block_time_ms": 12000, "confirmation_blocks": 12,
    "cron_schedule": "0 */1 * * * *", "max_past_blocks": 54, "store_blocks": False,
}  # fmt: skip
MESSAGE = {"title": "${monitor.name} triggered", "body": "${events.0.args.value}"}
TRIGGERS = {
    "team_slack": {
        "name": "Team", "trigger_type": "slack",
        "config": {"slack_url": {"type": "plain", "value": "https://hooks.slack.com/services/A/B/C"}, "message": MESSAGE},
    },
    "team_telegram": {
        "name": "Team", "trigger_type": "telegram",
        "config": {"token": {"type": "Environment", "value": "BOT"}, "chat_id": "-42", "message": MESSAGE},
    },
    "team_script": {
        "name": "Script", "trigger_type": "script",
        "config": {"language": "Bash", "script_path": "./x.sh", "timeout_ms": 1000},
    },
    "books": {
        "name": "Books", "trigger_type": "webhook",
        "config": {"url": {"type": "plain", "value": "https://books.example/hook"}, "method": "POST", "headers": {"Content-Type": "application/json", "X-Team": "a"}, "payload_mode": "raw"},
    },
    "mail": {
        "name": "Mail", "trigger_type": "email",
        "config": {"host": "smtp.example.com", "port": 587, "username": {"type": "plain", "value": "me"}, "password": {"type": "plain", "value": "sesame"}, "sender": "me@example.com", "recipients": ["you@example.com"], "message": MESSAGE},
    },
}  # fmt: skip


def monitor(**changes):
    """A monitor as OpenZeppelin Monitor has it."""
    return {
        "name": "Large transfers", "paused": False, "networks": ["ethereum_mainnet"],
        "addresses": [{"address": USDC, "contract_spec": [TRANSFER, SEND]}],
        "match_conditions": {
            "functions": [{"signature": "transfer(address,uint256)", "expression": None}],
            "events": [{"signature": "Transfer(address,address,uint256)", "expression": "value > 10000000000"}],
            "transactions": [{"status": "Success", "expression": None}],
        },
        "trigger_conditions": [], "triggers": ["team_slack", "books"], **changes,
    }  # fmt: skip


def conditions(functions=(), events=(), transactions=()):
    """Conditions without expressions, unless they have some."""
    return {"functions": [*functions], "events": [*events], "transactions": [*transactions]}


def found(*monitors, **environ):
    documents = [("n.json", NETWORK), ("t.json", TRIGGERS), *(("m.json", one) for one in monitors)]
    return found_in(documents, environ)


def test_a_monitor_comes_over_whole():
    """Its events and functions as rules, told once their block is confirmed."""
    [told] = found(monitor(), BOT="1:a").monitors.values()

    assert told == {
        "networks": ["ethereum"],
        "notify": ["confirmed"],
        "rules": [
            {
                "kind": "event",
                "contracts": [USDC],
                "signature": "event Transfer(address indexed from, address indexed to, uint256 value)",
                "where": "args.value > 10000000000",
            },
            {
                "kind": "call",
                "contracts": [USDC],
                "signature": "function transfer(address to, uint256 value)",
                "where": "status == 'success'",
            },
        ],
        "endpoints": ["team_slack", "books"],
    }


def test_conditions_on_transactions_go_into_each_rule():
    """One of them has to hold, and the rule's own."""
    asked = monitor(
        match_conditions=conditions(
            events=[{"signature": "Transfer(address,address,uint256)", "expression": "value > 5 OR to == 0x00000000000000000000000000000000000000aa"}],
            transactions=[{"status": "Success", "expression": "value > 7"}, {"status": "Failure", "expression": None}],
        )
    )  # fmt: skip
    [rule] = found(asked).monitors["Large transfers"]["rules"]

    assert rule["where"] == (
        "((status == 'success' and (transaction.value > 7)) or (status == 'failed')) and"
        " (args.value > 5 or args.to == 0x00000000000000000000000000000000000000aa)"
    )


def test_conditions_on_transactions_alone_are_a_rule_of_that_kind():
    """About the addresses that were named."""
    asked = monitor(
        match_conditions=conditions(
            transactions=[{"status": "Any", "expression": "value > 1500000000000000000"}]
        )
    )
    told = found(asked).monitors["Large transfers"]

    assert told["addresses"] == [USDC]
    assert told["rules"] == [
        {"kind": "transaction", "where": "(transaction.value > 1500000000000000000)"}
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"trigger_conditions": [{"script_path": "./f.sh", "language": "Bash", "timeout_ms": 1}]}, "./f.sh is a program"),
        ({"triggers": ["team_script"]}, "team_script has no counterpart"),
        ({"triggers": ["nowhere"]}, "nowhere has no counterpart"),
        ({"networks": ["ethereum_mainnet", "stellar"]}, "stellar is not in the folder"),
        ({"addresses": [{"address": USDC}]}, "says what is indexed"),
        ({"match_conditions": conditions(events=[{"signature": "Transfer(address,address,uint256)", "expression": "other > 1"}])}, "no counterpart of 'other'"),
        ({"match_conditions": conditions(events=[{"signature": "Transfer(address,address,uint256)", "expression": "value contains '5'"}])}, "text expected"),
        ({"match_conditions": conditions(transactions=[{"status": "Any", "expression": "gas_limit > 1"}])}, "no counterpart of 'gas_limit'"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_and_the_monitor_is_disabled(changes, why):
    """It would tell more, or less, than it did before."""
    result = found(monitor(**changes))
    told = result.monitors["Large transfers"]

    assert told["enabled"] is False
    assert why in told["note"]
    assert any(why in line for line in result.missing)


def test_a_paused_monitor_stays_so():
    """And lacks nothing."""
    told = found(monitor(paused=True)).monitors["Large transfers"]

    assert (told["enabled"], "note" in told) == (False, False)


def test_triggers_are_endpoints():
    """Secrets of the environment are read there; what cannot be called is told."""
    result = found(monitor(), BOT="1:a")

    assert result.endpoints == {
        "team_slack": {"url": "https://hooks.slack.com/services/A/B/C", "format": "slack"},
        "team_telegram": {"url": "https://api.telegram.org/bot1:a/sendMessage?chat_id=-42", "format": "telegram"},
        "books": {"url": "https://books.example/hook", "headers": {"X-Team": "a"}},
        "mail": {
            "url": "smtp://smtp.example.com:587/?from=me%40example.com&to=you%40example.com", "format": "email",
            "headers": {"Authorization": "Basic bWU6c2VzYW1l"},
        },
    }  # fmt: skip
    assert any("script notification" in line for line in result.missing)
    assert any("BOT is not set" in line for line in found(monitor()).missing)


DEFENDER = {
    "type": "BLOCK", "network": "mainnet", "name": "Defender's", "paused": False,
    "addressRules": [
        {
            "addresses": [USDC], "abi": json.dumps([TRANSFER, SEND]),
            "conditions": [
                {
                    "eventConditions": [{"eventSignature": "Transfer(address,address,uint256)", "expression": "value > 5"}],
                    "txConditions": [{"status": "success"}], "functionConditions": [],
                }
            ],
        }
    ],
    "notifyConfig": {"notifications": [{"notificationId": "8181", "type": "slack"}]},
}  # fmt: skip
FLAT = {
    "type": "BLOCK", "network": "mainnet", "name": "Asked for", "addresses": [USDC],
    "abi": json.dumps([TRANSFER, SEND]), "paused": False,
    "eventConditions": [{"eventSignature": "Transfer(address,address,uint256)", "expression": "value > 5"}],
    "notificationChannels": ["8181"], "alertThreshold": {"amount": 2, "windowSeconds": 3600},
}  # fmt: skip
CHANNEL = {"notificationId": "8181", "type": "slack", "name": "Ops", "config": {"url": "https://hooks.slack.com/services/A/B/C"}, "paused": False}  # fmt: skip


def test_both_forms_of_defender():
    """As it is answered, and as it is asked for; an alert's threshold is told."""
    result = found_in([("all.json", {"items": [DEFENDER, FLAT]}), ("n.json", [CHANNEL])], {})
    answered, asked = result.monitors["Defender's"], result.monitors["Asked for"]

    assert answered["rules"] == asked["rules"]
    assert answered["rules"][0]["where"] == "args.value > 5"
    assert answered["endpoints"] == asked["endpoints"] == ["Ops"]
    assert "enabled" not in answered
    assert "alertThreshold" in asked["note"]


def test_a_program_of_defenders_is_told():
    """An autotask decides by code."""
    result = found_in([("m.json", {**DEFENDER, "autotaskCondition": {"autotaskId": "x"}})], {})

    assert "autotaskCondition is a program" in result.monitors["Defender's"]["note"]


@pytest.mark.parametrize(
    "document", [[], {}, [1], {"a": 1}, {"items": 5}, "text", None, [[]], {"name": "x"}]
)
def test_other_json_is_no_monitor(document):
    """Whatever it is."""
    assert found_in([("x.json", document)], {}).monitors == {}


async def test_what_is_written_can_be_applied(declared, tmp_path):
    """By `apply`, and the second time changes nothing; the networks can be loaded."""
    folder, to = tmp_path / "config", tmp_path / "out"
    for name, document in (
        ("networks/n", NETWORK),
        ("triggers/t", TRIGGERS),
        ("monitors/m", monitor()),
    ):
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(document))
    done = CliRunner().invoke(
        cli, ["import", "openzeppelin", str(folder), "--to", str(to)], env={"BOT": "1:a"}
    )
    again = CliRunner().invoke(
        cli, ["import", "openzeppelin", str(folder), "--to", str(to)], env={"BOT": "1:a"}
    )
    text = (to / "monitors.toml").read_text()
    first = await declared.apply(text)
    second = await declared.apply(text)

    assert done.exit_code == 0, done.output
    assert "1 monitors, 0 of them disabled" in done.output
    assert again.exit_code == 1  # nothing is written over
    assert first == "5 to create, 0 to change, 0 to delete, 0 unchanged"
    assert second == "0 to create, 0 to change, 0 to delete, 5 unchanged"
    assert (to / "monitors.toml").stat().st_mode & 0o077 == 0
    loaded = load(to / "networks.toml", {})
    assert loaded.networks["ethereum"].rpc == ("https://node.example",)
    assert (
        tomllib.loads((to / "networks.toml").read_text())["networks"]["ethereum"]["confirmations"]
        == 12
    )


def test_a_folder_without_anything_is_a_sentence(tmp_path):
    """And JSON that is none is named."""
    empty = CliRunner().invoke(cli, ["import", "openzeppelin", str(tmp_path)])
    (tmp_path / "x.json").write_text("{")
    broken = CliRunner().invoke(
        cli, ["import", "openzeppelin", str(tmp_path), "--to", str(tmp_path / "o")]
    )

    assert "has no JSON files" in str(empty.exception)
    assert "x.json: is no JSON" in str(broken.exception)
    assert not (tmp_path / "o").exists()
