"""A wrong setting stops the start, and says where, what and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from pathlib import Path


class Broker(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    password: SecretStr | None = None
    ca_file: str | None = None


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = "orewatch"
    broker: Broker = Broker()
    token: SecretStr | None = None
    spare: Broker | None = None
    groups: list[str] = []

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.name == "nobody":
            raise ValueError("name: nobody is no name")
        return self


def read(file: Path | None = None, **environ: str) -> Example:
    return read_settings(Example, file=file, prefix="OREWATCH_X_", environ=environ)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('name = "file"\n[broker]\nport = 1\nhost = "a"\n')
    settings = read(file, OREWATCH_X_BROKER__PORT="2", UNRELATED="3")
    assert (settings.name, settings.broker.port, settings.broker.host) == ("file", 2, "a")


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    token = read(OREWATCH_X_TOKEN_FILE=str(secret)).token
    assert token is not None
    assert token.get_secret_value() == "s3cret"


def test_a_secret_of_a_table_can_stand_in_a_file_and_a_setting_may_be_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    settings = read(
        OREWATCH_X_BROKER__PASSWORD_FILE=str(secret),
        OREWATCH_X_SPARE__PASSWORD_FILE=str(secret),
        OREWATCH_X_BROKER__CA_FILE="/etc/ca.pem",
    )
    assert settings.spare is not None
    for broker in (settings.broker, settings.spare):
        assert broker.password is not None
        assert broker.password.get_secret_value() == "s3cret"
    assert settings.broker.ca_file == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("text", "environ", "parts"),
    [
        ("[broker]\nport = 70000\n", {}, ["x.toml", "broker.port", "70000", "65535"]),
        ("nmae = 'a'\n", {}, ["x.toml", "nmae", "no such setting"]),
        ("name = \n", {}, ["x.toml", "not TOML"]),
        ("", {"OREWATCH_X_BROKER__PORT": "many"}, ["OREWATCH_X_BROKER__PORT", "broker.port", "many"]),
        ("", {"OREWATCH_X_BROKR": "1"}, ["OREWATCH_X_BROKR", "no such setting", "OREWATCH_X_BROKER"]),
        ("", {"OREWATCH_X_TOKEN_FILE": "/nowhere/token"}, ["OREWATCH_X_TOKEN_FILE", "/nowhere/token", "readable"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, environ: dict[str, str], parts: list[str]) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read(file, **environ)
    for part in parts:
        assert part in str(caught.value)


def test_every_wrong_key_has_its_own_line(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("a = 1\nb = 2\n")
    with pytest.raises(SettingsError) as caught:
        read(file)
    assert len(caught.value.problems) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        read(tmp_path / "gone.toml")


def test_the_value_of_a_wrong_secret_is_never_printed(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("token = 123456789\n")
    with pytest.raises(SettingsError) as caught:
        read(file)
    assert "123456789" not in str(caught.value)
    assert "token" in str(caught.value)


def test_a_key_where_a_table_is_wanted_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('broker = "localhost"\n')
    with pytest.raises(SettingsError, match="broker"):
        read(file)
    with pytest.raises(SettingsError, match="broker"):
        read(file, OREWATCH_X_BROKER__PORT="2")


def test_a_variable_gives_a_list_between_commas() -> None:
    assert read(OREWATCH_X_GROUPS="north, south").groups == ["north", "south"]
    assert read(OREWATCH_X_GROUPS="+").groups == ["+"]


def test_a_fault_of_the_whole_does_not_print_the_secrets_in_it() -> None:
    with pytest.raises(SettingsError) as caught:
        read(OREWATCH_X_NAME="nobody", OREWATCH_X_TOKEN="s3cret")
    assert "nobody is no name" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_wrong_item_of_a_list_is_told_once(tmp_path: Path) -> None:
    class Source(BaseModel):
        port: int

    class Agent(BaseModel):
        source: tuple[Source, ...] = Field(min_length=1)

    file = tmp_path / "unit.toml"
    file.write_text('[[source]]\nport = "x"\n')
    with pytest.raises(SettingsError) as caught:
        read_settings(Agent, file=file, prefix="T_", environ={})
    assert [p.partition(" = ")[0] for p in caught.value.problems] == [f"{file}: source.0.port"]
    file.write_text("source = []\n")
    with pytest.raises(SettingsError, match="source = "):
        read_settings(Agent, file=file, prefix="T_", environ={})


def test_settings_that_do_not_fit_together_are_told_in_their_own_words(tmp_path: Path) -> None:
    class Pair(BaseModel):
        low: int = 2
        high: int = 1

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            raise ValueError("low: 2; allowed: below high")

    file = tmp_path / "pair.toml"
    file.write_text("low = 2\n")
    with pytest.raises(SettingsError) as caught:
        read_settings(Pair, file=file, prefix="T_", environ={})
    assert caught.value.problems == [f"{file}: low: 2; allowed: below high"]
