"""What follows from the declaration of a setting."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from collector.settings.declarations import PER_INSTALLATION, SETTINGS
from collector.settings.secret import Secret
from collector.settings.setting import Setting
from collector.settings.sources import TOKEN_KEYS, ConfigFile, Sources
from collector.settings.template import template
from tests.settings.loaded import loaded, one

UNUSABLE = "\x00"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_is_read_from_each_of_its_places(setting: Setting) -> None:
    """A flag wins over the variables in their order, a variable over the file, and the file over the default."""
    example = (
        True
        if setting.default is False
        else setting.example or setting.written or json.loads(json.dumps(setting.default, default=str))
    )
    text = ",".join(example) if isinstance(example, list) else str(example)
    expected = read(setting, table={setting.key: example})
    variables = dict.fromkeys(setting.variables, UNUSABLE)
    if setting.flags:
        assert read(setting, {setting.key: text}, variables, {setting.key: UNUSABLE}) == expected
    for name in setting.variables:
        assert read(setting, {}, {**variables, name: text}, {setting.key: UNUSABLE}) == expected
        variables[name] = "  "
    assert read(setting, {}, variables, {setting.key: example}) == expected
    assert (read(setting) == expected) is (setting.example is None and setting.default is not False)


def read(
    setting: Setting,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    table: Mapping[str, object] | None = None,
) -> Any:
    """Return the value, also that of a secret."""
    here = Path("/there")
    value = Sources(flags or {}, environ or {}, here, ConfigFile(here / "collector.toml", table or {}, {})).value(
        setting
    )
    return value.reveal() if isinstance(value, Secret) else value


def test_the_template_is_the_default(tmp_path: Path) -> None:
    """The file that `collector init` writes loads, and changes nothing."""
    without = loaded(tmp_path)
    assert loaded(tmp_path, toml=template()).fingerprint() == without.fingerprint()
    assert loaded(tmp_path).lake == without.lake


def test_the_template_names_every_setting(tmp_path: Path) -> None:
    """Every setting and source of a token is in the template once, and loads when its line is uncommented."""
    lines = [line.removeprefix("#") for line in template().splitlines() if not line.startswith(("# ", "##"))]
    top, _, tables = "\n".join(lines).partition("[installations.")
    parsed = tomllib.loads(top)  # raises where a key is there twice
    assert set(parsed) == {setting.key for setting in SETTINGS} | set(TOKEN_KEYS)
    (tmp_path / "company-ca.pem").touch()
    only = {key: value for key, value in parsed.items() if key not in TOKEN_KEYS}
    settings = loaded(tmp_path, toml="\n".join(f"{key} = {json.dumps(value)}" for key, value in only.items()))
    assert one(settings).api_url == parsed["api_url"]
    installations = tomllib.loads("[installations." + tables)["installations"]
    assert set(installations) == {"eu", "onprem"}
    known = {setting.key for setting in PER_INSTALLATION} | set(TOKEN_KEYS)
    assert all(set(table) <= known for table in installations.values())
