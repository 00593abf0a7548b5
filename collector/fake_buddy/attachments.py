"""The nested parts of an action: trigger conditions, variables and permissions of every documented kind."""

from __future__ import annotations

from .company import EMAILS, FIRST_GROUP_ID, GROUPS
from .promotions import SECRET_MARKER, JsonObject
from .seeded_random import SeededRandom

_VARIABLE_RULES = (
    "VAR_IS", "VAR_IS_NOT", "VAR_CONTAINS", "VAR_NOT_CONTAINS", "VAR_LESS_THAN", "VAR_LESS_THAN_OR_EQUAL",
    "VAR_GREATER_THAN", "VAR_GREATER_THAN_OR_EQUAL",
)  # fmt: skip

CONDITIONS: tuple[JsonObject, ...] = (
    {"trigger_condition": "ON_CHANGE"},
    {"trigger_condition": "ON_CHANGE_AT_PATH", "trigger_condition_paths": ["/api/", "Dockerfile", "/données/*.sql"]},
    *(
        {"trigger_condition": rule, "trigger_variable_key": "STAGE", "trigger_variable_value": "production"}
        for rule in _VARIABLE_RULES
    ),
    {"trigger_condition": "OR"},
    {
        "trigger_condition": "DATETIME",
        "trigger_hours": [8, 9, 24],
        "trigger_days": [1, 2, 7],
        "timezone": "Europe/Warsaw",
    },
    # `zone_id` was the field's name before January 2025; both names occur.
    {"trigger_condition": "DATETIME", "trigger_hours": [1], "trigger_days": [6], "zone_id": "America/New_York"},
    {"trigger_condition": "DAY", "trigger_days": [1, 3, 5], "timezone": "UTC"},
    {"trigger_condition": "HOUR", "trigger_hours": [22, 23], "timezone": "UTC"},
    {
        "trigger_condition": "SUCCESS_PIPELINE",
        "trigger_project_name": "checkout-api",
        "trigger_pipeline_name": "Build and test",
    },
    {"trigger_condition": "TRIGGERING_USER_IS", "trigger_user": EMAILS[0]},
    {"trigger_condition": "TRIGGERING_USER_IS_NOT", "trigger_user": EMAILS[1]},
    {"trigger_condition": "TRIGGERING_USER_IS_IN_GROUP", "trigger_group": GROUPS[1]},
    {"trigger_condition": "TRIGGERING_USER_IS_NOT_IN_GROUP", "trigger_group": GROUPS[2]},
    {"trigger_condition": "ACTION_STATUS_IS", "trigger_action_name": "Scan image", "trigger_status": "SUCCESSFUL"},
    {"trigger_condition": "ACTION_STATUS_IS_NOT", "trigger_action_name": "Scan image", "trigger_status": "SUPRESSED"},
)

_RIGHTS = ("DENIED", "READ_ONLY", "USE_ONLY", "BLIND", "RUN_ONLY", "READ_WRITE", "MANAGE")


def trigger_conditions(rng: SeededRandom) -> list[JsonObject]:
    """Return the conditions of an action; two actions in three have none."""
    if rng.below(3):
        return []
    return [dict(rng.choice(CONDITIONS)) for _ in range(1 + rng.below(4))]


def groups(api_url: str, app_url: str, workspace: str) -> list[JsonObject]:
    """Return the groups of a workspace."""
    return [
        {
            "url": f"{api_url}/workspaces/{workspace}/groups/{FIRST_GROUP_ID + n}",
            "html_url": f"{app_url}/{workspace}/people/groups/{FIRST_GROUP_ID + n}",
            "id": FIRST_GROUP_ID + n,
            "name": name,
        }
        for n, name in enumerate(GROUPS)
    ]


def permissions(rng: SeededRandom, seed: int) -> JsonObject:
    """Return the permissions of an action; one in four denies others."""
    others = "DENIED" if rng.one_in(4) else rng.choice(("DEFAULT", "READ_WRITE", "READ_ONLY", "ALLOWED"))
    return {
        "others": others,
        "users": [{"id": 200 + seed % 7 + n, "access_level": rng.choice(_RIGHTS)} for n in range(rng.below(3))],
        "groups": [{"id": FIRST_GROUP_ID + n, "access_level": rng.choice(_RIGHTS)} for n in range(rng.below(2))],
    }


def variables(rng: SeededRandom, first_id: int) -> list[JsonObject]:
    """Return the variables of an action; about half of the actions have some."""
    if rng.one_in(2):
        return []
    return [_variable(rng, first_id + n) for n in range(1 + rng.below(3))]


def _variable(rng: SeededRandom, variable_id: int) -> JsonObject:
    return rng.choice(_VARIABLES)(rng, variable_id)


def _plain(rng: SeededRandom, variable_id: int) -> JsonObject:
    return {
        "id": variable_id,
        "key": rng.choice(("API_TOKEN", "STAGE", "DEPLOY_URL")),
        "value": f"{SECRET_MARKER}{rng.hex(8)}",
        "type": "VAR",
        "encrypted": False,
        "settable": rng.one_in(2),
        "run_only_settable": False,
        "description": "set by the release managers",
        "defaults": None,
        "disabled": rng.one_in(5),
        "note": "rotate in spring",
        "agent_note": "",
    }


def _encrypted(rng: SeededRandom, variable_id: int) -> JsonObject:
    cipher = f"secure!{SECRET_MARKER}{rng.hex(16)}.{SECRET_MARKER}{rng.hex(8)}="
    return {"id": variable_id, "key": "REGISTRY_PASSWORD", "value": cipher, "type": "VAR", "encrypted": True}


def _empty(rng: SeededRandom, variable_id: int) -> JsonObject:
    return {"id": variable_id, "key": "EXTRA_ARGS", "value": "", "type": "VAR", "encrypted": False}


def _valueless(rng: SeededRandom, variable_id: int) -> JsonObject:
    found = {"id": variable_id, "key": "ASKED_AT_RUN", "type": "VAR", "settable": True, "description": None}
    return found | ({"value": None} if rng.one_in(2) else {})


def _as_documented(rng: SeededRandom, variable_id: int) -> JsonObject:
    return {"key": "endpointUrl", "value": f"http://{SECRET_MARKER}.example.com"}


def _file(rng: SeededRandom, variable_id: int) -> JsonObject:
    return {
        "id": variable_id,
        "key": f"file_{rng.hex(3)}",
        "value": f"{SECRET_MARKER}{rng.hex(20)}",
        "type": rng.choice(("FILE", "IOS_KEYCHAIN", "IOS_PROVISION_PROFILES")),
        "encrypted": False,
        "file_place": rng.choice(("NONE", "CONTAINER")),
        "file_path": "~/.config/release.json",
        "file_name": "release.json",
        "file_chmod": "600",
        "init_path": "/cfg/release.json",
        "binary": rng.one_in(2),
        "password": f"{SECRET_MARKER}{rng.hex(6)}",
    }


def _key(rng: SeededRandom, variable_id: int) -> JsonObject:
    cipher = f"secure!{SECRET_MARKER}{rng.hex(30)}.{SECRET_MARKER}{rng.hex(8)}"
    return {
        "id": variable_id,
        "key": "id_deploy",
        "value": cipher,
        "type": rng.choice(("SSH_KEY", "SSH_PUBLIC_KEY", "GPG_KEY")),
        "encrypted": True,
        "file_path": "~/.ssh/id_deploy",
        "file_chmod": "600",
        "file_place": "CONTAINER",
        "public_value": "ssh-rsa AAAAB3Nza deploy@example.com",
        "key_fingerprint": "MD5 4d:2f",
        "checksum": rng.hex(8),
        "key_identifier": "deploy-1",
        "passphrase": f"{SECRET_MARKER}{rng.hex(6)}",
    }


_VARIABLES = (_plain, _plain, _encrypted, _file, _key, _empty, _valueless, _as_documented)
