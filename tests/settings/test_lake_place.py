"""Where a lake is: what is accepted as a path or URL, and what its work directory depends on."""

from pathlib import Path

import pytest

from collector.errors import SettingsError
from collector.settings.aws_profile import profile_options
from collector.settings.lake_place import LakeUrl, lake_place
from collector.settings.loading import load

URLS = {
    "s3://bucket": "s3://bucket",
    "s3://my.bucket-1/a b/ü/": "s3://my.bucket-1/a b/ü",
    "gs://bucket//x": "gs://bucket/x",
    "az://container/x": "az://container/x",
}


@pytest.mark.parametrize("written", URLS)
def test_a_url_is_a_lake_in_object_storage(written: str) -> None:
    """S3, Google Cloud Storage and Azure are known; slashes too many are dropped."""
    found = lake_place(written, "--lake")
    assert isinstance(found, LakeUrl)
    assert (str(found), found.scheme) == (URLS[written], written[:2])
    assert found.bucket in written


@pytest.mark.parametrize("written", ["lake", "./s3", "/srv/lake", "C:lake"])
def test_a_path_stays_a_path(written: str) -> None:
    """What is no URL is a directory."""
    assert lake_place(written, "--lake") == Path(written)


@pytest.mark.parametrize(
    "written",
    ["s3://key:secret@bucket/x", "https://host/secret", "s3:/bucket/secret", "s3://", "s3://b/x?secret", "s3://b/../secret"],
)  # fmt: skip
def test_another_url_is_refused_and_not_shown(written: str) -> None:
    """It may hold a password; the advice says what a URL looks like."""
    with pytest.raises(SettingsError) as refused:
        lake_place(written, "--lake")
    assert "secret" not in str(refused.value)
    assert refused.value.advice


@pytest.mark.parametrize("written", ["", "  ", None, 7, "a\x00b"])
def test_nothing_is_no_place(written: object) -> None:
    """A lake must be named."""
    with pytest.raises(SettingsError, match="must be text"):
        lake_place(written, "--lake")


def test_lakes_do_not_share_a_work_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each URL and endpoint has its own, in the directory that is named or in the state directory of the user."""
    monkeypatch.delenv("COLLECTOR_WORK_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    roots = {LakeUrl(f"s3://{name}", tmp_path).work_root for name in ("a", "a/b", "a-b", "A")}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    roots.add(LakeUrl("s3://a", tmp_path).work_root)
    assert len(roots) == 5
    environ = {"COLLECTOR_LAKE": "s3://a", "COLLECTOR_CACHE_GB": "0.5", "COLLECTOR_ASSUME_SINGLE_WRITER": "yes"}
    assert load({}, environ, tmp_path, needs_token=False).lake == LakeUrl(
        "s3://a", tmp_path / "collector/lakes", 500_000_000, assume_single_writer=True
    )
    place = load({"work_dir": "scratch"}, environ, tmp_path, needs_token=False).lake
    assert isinstance(place, LakeUrl)
    assert place.work_dir == tmp_path / "scratch"


CREDENTIALS = "[default]\naws_access_key_id = A\naws_secret_access_key = B%\n[night]\naws_access_key_id = C\n"
CONFIG = """\
[default]
region = eu-central-1
[profile night]
region = us-east-2
endpoint_url = https://minio
[profile sso]
sso_session = x
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose home directory holds the files of the AWS tools."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(CREDENTIALS)
    (tmp_path / ".aws/config").write_text(CONFIG)
    return {"HOME": str(tmp_path)}


def test_a_profile_gives_keys_and_region(home: dict[str, str]) -> None:
    """The default profile, or the named one; keys in the environment win over both."""
    assert profile_options(home) == {
        "aws_access_key_id": "A",
        "aws_secret_access_key": "B%",
        "aws_region": "eu-central-1",
    }
    assert profile_options({**home, "AWS_PROFILE": "night"}) == {
        "aws_access_key_id": "C",
        "aws_region": "us-east-2",
        "aws_endpoint_url": "https://minio",
    }
    assert profile_options({**home, "AWS_ACCESS_KEY_ID": "E", "AWS_PROFILE": "night"}) == {}
    assert profile_options({"HOME": "/nowhere"}) == {}


def test_a_profile_that_cannot_be_used_has_advice(home: dict[str, str]) -> None:
    """A profile that is missing, one that logs in, and a file that is no such file; no line of it is shown."""
    for name, words in (("nihgt", "no such profile"), ("sso", "holds no keys")):
        with pytest.raises(SettingsError, match=words) as refused:
            profile_options({**home, "AWS_PROFILE": name})
        assert refused.value.advice
    Path(home["HOME"], ".aws/credentials").write_text("secret without a section")
    with pytest.raises(SettingsError, match="cannot be read") as refused:
        profile_options(home)
    assert "secret" not in str(refused.value)


def test_only_some_installations(tmp_path: Path) -> None:
    """--installation takes those of the file that it names and reads no other token; another name is an error."""
    (tmp_path / "collector.toml").write_text(
        '[installations.one]\ntoken_env = "T1"\n[installations.two]\ntoken_env = "T2"\n'
        '[installations.three]\ntoken_command = ["touch", "asked"]\n'
    )
    environ = {"T1": "token-of-one", "T2": "token-of-two"}
    found = load({"installation": ["two", "one"]}, environ, tmp_path).installations
    assert [each.name for each in found] == ["one", "two"]
    assert not (tmp_path / "asked").exists()
    with pytest.raises(SettingsError, match="'tow'") as refused:
        load({"installation": ["tow"]}, environ, tmp_path)
    assert "two" in refused.value.advice
    with pytest.raises(SettingsError, match="no such installation"):
        load({"installation": ["us"]}, {"BUDDY_TOKEN": "t" * 20}, tmp_path / "empty")
