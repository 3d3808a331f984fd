"""The catalogue: its own soundness, and every error it can raise."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest

from orewatch.plant.catalogue import Catalogue, CatalogueError, Signal, SignalKind, SignalRef, catalogue, read_catalogue

TABLE = catalogue()
SIGNALS = [
    pytest.param(signal, id=f"{cls.name}.{signal.name}")
    for cls in TABLE.classes.values()
    for signal in cls.signals.values()
]
# UCUM: a term of atoms (optionally prefixed, with an exponent) joined by . and /; per cent; arbitrary [pH].
ATOM = r"(?:%|1|\[pH\]|[kMm]?(?:m|g|s|t|L|W|Pa|A|V|Hz|J)|Cel|min|h|d)[23]?"
UCUM = re.compile(rf"/?{ATOM}(?:[./]{ATOM})*")


@pytest.mark.parametrize("signal", SIGNALS)
def test_units_are_ucum_codes(signal: Signal) -> None:
    assert UCUM.fullmatch(signal.unit), signal.unit


@pytest.mark.parametrize("wrong", ["r/min", "°C", "l/h!", "tph", "RPM"])
def test_the_ucum_pattern_refuses_what_is_not(wrong: str) -> None:
    assert not UCUM.fullmatch(wrong)


@pytest.mark.parametrize("signal", SIGNALS)
def test_limits_are_ordered_and_in_range(signal: Signal) -> None:
    upward = [
        signal.low,
        signal.trip_low,
        signal.warn_low,
        signal.normal_low,
        signal.normal_high,
        signal.warn,
        signal.trip,
        signal.high,
    ]
    known = [limit for limit in upward if limit is not None]
    assert known == sorted(known)
    ratios = [
        signal.warn_ratio_low,
        signal.normal_ratio_low,
        signal.normal_ratio_high,
        signal.warn_ratio,
        signal.trip_ratio,
    ]
    told = [ratio for ratio in ratios if ratio is not None]
    assert told == sorted(told)


@pytest.mark.parametrize("signal", SIGNALS)
def test_signals_are_sound(signal: Signal) -> None:
    assert signal.resolution is not None
    assert signal.resolution < (signal.high - signal.low) or signal.kind is SignalKind.DIGITAL
    assert (signal.kind is SignalKind.TOTALISER) == (signal.wrap is not None)
    assert signal.max_silence_s in {60.0, 300.0}
    if signal.kind is SignalKind.ANALOG and (signal.warn or signal.warn_low):
        assert signal.priority is not None
        assert signal.deadband > 0


@pytest.mark.parametrize("circuit", TABLE.circuits.values(), ids=TABLE.circuits)
def test_every_circuit_has_the_roles_that_states_need(circuit: Any) -> None:
    roles = circuit.roles
    assert roles.no_load < 0.9 * roles.full_load
    for many in (roles.upstream, roles.drives, roles.tripped, roles.energised, roles.plugged):
        assert many
    for ref in roles.refs():
        assert TABLE.classes[circuit.machines[ref.machine]].signals[ref.signal].decides, ref
    assert len(set(roles.refs())) == len(roles.refs())
    total = TABLE.classes[circuit.machines[roles.total.machine]].signals[roles.total.signal]
    assert total.kind is SignalKind.TOTALISER
    low, high = circuit.kwh_per_t
    assert 0 < low < high


def test_titles_are_in_both_languages() -> None:
    titles = [c.title for c in TABLE.classes.values()] + [c.title for c in TABLE.circuits.values()]
    assert all(title["en"] and title["fa"] for title in titles)


@pytest.mark.parametrize(
    ("circuit", "returns", "branches"),
    [
        ("lead", {("cone", "screen"), ("cyclone", "mill")}, {"screen"}),
        ("zinc", {("cone", "screen"), ("cyclone", "mill")}, {"screen", "flotation_pb"}),
        ("manganese", set(), set()),
        ("bauxite", set(), set()),
    ],
)
def test_streams_have_their_branches_and_returns(
    circuit: str, returns: set[tuple[str, str]], branches: set[str]
) -> None:
    one = TABLE.circuits[circuit]
    order = list(one.machines)
    back = {(s.source, s.target) for s in one.streams if order.index(s.target) < order.index(s.source)}
    assert back == returns
    onward = [s.source for s in one.streams if (s.source, s.target) not in back]
    assert {source for source in onward if onward.count(source) > 1} == branches
    assert all(s.title for s in one.streams if (s.source, s.target) in back)
    assert "genset" not in {end for s in one.streams for end in (s.source, s.target)}


def test_without_streams_a_circuit_is_a_chain() -> None:
    text = resources.files("orewatch.plant").joinpath("catalogue.toml").read_text(encoding="utf-8")
    bare = read_catalogue(re.sub(r"^streams = \[.*?^\]\n", "", text, flags=re.MULTILINE | re.DOTALL))
    lead = [m for m in bare.circuits["lead"].machines if m != "genset"]
    assert [(s.source, s.target) for s in bare.circuits["lead"].streams] == list(pairwise(lead))


def test_the_four_minerals_are_there() -> None:
    assert {c.mineral for c in TABLE.circuits.values()} == {"lead", "zinc", "manganese", "bauxite"}


@pytest.mark.parametrize("text", ["jaw", ".current", "jaw.", ""])
def test_a_reference_has_two_parts(text: str) -> None:
    with pytest.raises(CatalogueError, match=r"machine\.signal"):
        SignalRef.parse(text)


def test_a_reference_reads_back() -> None:
    assert SignalRef.parse(str(SignalRef("jaw", "motor_current"))) == ("jaw", "motor_current")


def broken(old: str, new: str) -> Catalogue:
    text = resources.files("orewatch.plant").joinpath("catalogue.toml").read_text(encoding="utf-8")
    assert old in text
    return read_catalogue(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("range = [0, 100]", "range = [100, 0]", r"class\.feeder\.signal\.level: range .* empty"),
        ("resolution = 0.1", "resolution = 0", r"class\.feeder\.signal\.level: .* above 0"),
        ("rate_s = 1,", "rate_s = -1,", r"class\.feeder\.signal\.running: rate_s"),
        (
            "deadband = 5",
            "dead_band = 5",
            r"class\.feeder\.signal\.level: unknown key 'dead_band'; allowed: .*deadband",
        ),
        (
            'flow = "scale.mass_flow"',
            'flow = "scale.mass"',
            r"circuit\.lead: no signal 'scale\.mass'; machines are feeder",
        ),
        (
            '{ from = "feeder", to = "jaw" }',
            '{ from = "feeder", to = "crusher" }',
            r"circuit\.lead\.streams: feeder -> crusher: no machine 'crusher' that carries ore; there are feeder, jaw",
        ),
        (
            '{ from = "thickener", to = "filter" }',
            '{ from = "genset", to = "filter" }',
            r"circuit\.lead\.streams: genset -> filter: no machine 'genset'",
        ),
        (
            '{ from = "jaw", to = "screen" }',
            '{ from = "jaw", to = "jaw" }',
            r"circuit\.lead\.streams: jaw -> jaw: a machine cannot feed itself",
        ),
        (
            '{ from = "conveyor", to = "scale" }',
            '{ from = "conveyor", to = "screen" }',
            r"circuit\.lead\.streams: nothing leads from 'feeder' to 'scale'",
        ),
        (
            '{ from = "thickener", to = "filter" }',
            '{ from = "scale", to = "mill" }',
            r"circuit\.lead\.streams: scale -> mill: said twice",
        ),
        (
            'title = { en = "Underflow", fa = "ته‌ریز" }',
            'title = { en = "Underflow" }',
            r"circuit\.lead\.streams: cyclone -> mill: title has \['en'\]; needed: en and fa",
        ),
        ('hopper = "feeder.level"', 'hopper = "level"', r"not of the form machine\.signal"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        broken(old, new)


@pytest.mark.parametrize("text", ['kind = "digitale"', 'priority = "urgent"'])
def test_unknown_words_are_refused(text: str) -> None:
    key = text.split(" ", maxsplit=1)[0]
    old = {"kind": 'kind = "digital"', "priority": 'priority = "medium"'}[key]
    with pytest.raises(ValueError, match="is not a valid"):
        broken(old, text)


def test_ratios_become_limits_against_a_reference() -> None:
    power = TABLE.classes["ball_mill"].signals["power"]
    assert power.warn is None
    assert power.resolved(None) is power
    resolved = power.resolved(100.0)
    assert (resolved.warn_low, resolved.normal_low, resolved.normal_high) == (80.0, 85.0, 100.0)
    assert resolved.warn == pytest.approx(105.0)


def test_the_file_is_plain_toml_with_a_version() -> None:
    text = resources.files("orewatch.plant").joinpath("catalogue.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["version"] == 1
