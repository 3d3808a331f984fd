"""What is to be looked at: the settings that were named, read as each process does, and the checks they call for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from api.settings import ApiSettings
from collector import settings as collector_settings
from collector.settings import CollectorSettings
from edge_agent.settings import read_agent_settings
from edge_agent.uplink import read_password
from orewatch.doctor.api_check import address_of, check_api
from orewatch.doctor.broker_check import BrokerAccount, check_broker
from orewatch.doctor.certificate_check import check_certificates
from orewatch.doctor.clock_check import check_clocks
from orewatch.doctor.examination import Check
from orewatch.doctor.finding import Finding, failed, ok
from orewatch.doctor.journal_check import check_journal
from orewatch.doctor.store_check import check_read, check_written
from orewatch.settings import SettingsError, read_settings
from orewatch.sparkplug.client import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from api.settings import BrokerSettings as ApiBroker
    from edge_agent.settings import UplinkSettings

Settings = TypeVar("Settings")

API_PREFIX: Final = "OREWATCH_API_"
COLLECTOR_PREFIX: Final = collector_settings.PREFIX
AREA: Final = "settings"


class Patients:
    """Collects findings of the settings themselves, and the checks of what they name."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.checks: list[Check] = []
        self._brokers: list[BrokerAccount] = []
        self._stores: list[Check] = []
        self._files: list[tuple[str, Path]] = []
        self._pairs: list[tuple[str, Path, Path]] = []
        self._authorities: set[str] = set()
        self._clocks: dict[str, str] = {}
        self._services: list[Check] = []

    def collector(self, file: Path | None) -> None:
        """Take in the collector."""
        settings = self._read(
            "collector",
            file,
            lambda: read_settings(CollectorSettings, file=file, prefix=COLLECTOR_PREFIX, environ=os.environ),
        )
        if settings is None:
            return
        broker = settings.broker
        secure = broker.tls or broker.ca or broker.certificate
        tls = TlsSettings(
            ca=broker.ca, certificate=broker.certificate, key=broker.key, check_hostname=broker.check_hostname
        )
        group = settings.groups[0]
        self._brokers.append(
            BrokerAccount(
                who="collector",
                address=broker.host,
                port=broker.port,
                username=broker.username,
                password=broker.password.get_secret_value() if broker.password else None,
                tls=tls if secure else None,
                group="orewatch" if group == "+" else group,
            )
        )
        self._certificates("collector broker", broker.ca, broker.certificate, broker.key)
        journal = settings.journal_path
        self.checks.append(Check("journal", "file", lambda: check_journal(settings.data_dir, journal)))
        if settings.influx is not None:
            self._stores.append(Check("store, as the collector", "InfluxDB", lambda: check_written(settings)))
            self._clocks["InfluxDB"] = f"{settings.influx.url}/ping"

    def api(self, file: Path | None) -> None:
        """Take in the service."""
        settings = self._read(
            "api", file, lambda: read_settings(ApiSettings, file=file, prefix=API_PREFIX, environ=os.environ)
        )
        if settings is None:
            return
        broker, group = settings.broker, settings.groups[0]
        self._brokers.append(
            BrokerAccount(
                who="service",
                address=broker.host,
                port=broker.port,
                username=broker.username,
                password=broker.password.get_secret_value() if broker.password else None,
                tls=_tls_of(broker),
                group="orewatch" if group == "+" else group,
            )
        )
        tls = _tls_of(broker)
        if tls is not None:
            self._certificates("api broker", tls.ca, tls.certificate, tls.key)
        if settings.influx_url is not None:
            self._stores.append(Check("store, as the service", "history", lambda: check_read(settings)))
            self._clocks.setdefault("InfluxDB", f"{settings.influx_url}/ping")
        address = address_of(settings.host, settings.port)
        token = settings.token.get_secret_value() if settings.token else None
        self._services.append(Check("service", "reach", lambda: check_api(address, token)))
        self._clocks["service"] = f"{address}/healthz"

    def agent(self, file: Path) -> None:
        """Take in one unit's agent."""
        settings = self._read(f"agent {file.stem}", file, lambda: read_agent_settings(file, environ=os.environ))
        for uplink in settings.uplink if settings else ():
            self._uplink(settings.unit.id if settings else "", uplink)

    def every_check(self) -> list[Check]:
        """Return the checks, in the order in which things depend on each other."""
        brokers = [Check(f"broker, as the {b.who}", "reach", lambda b=b: check_broker(b)) for b in self._brokers]  # type: ignore[misc]
        checks = [Check("clocks", "clocks", lambda: check_clocks(self._clocks))]
        if self._files or self._pairs:
            checks.append(
                Check(
                    "certificates",
                    "certificates",
                    lambda: check_certificates(self._files, self._pairs, self._authorities),
                )
            )
        return [*checks, *brokers, *self.checks, *self._stores, *self._services]

    def _uplink(self, unit: str, uplink: UplinkSettings) -> None:
        try:
            password = read_password(uplink)
        except SettingsError as error:
            self.findings.append(failed(AREA, f"agent {unit}", str(error), "make the file readable for this user"))
            return
        tls = None
        if uplink.tls is not None:
            tls = TlsSettings(ca=uplink.tls.ca_file, certificate=uplink.tls.cert_file, key=uplink.tls.key_file)
        who = f"unit {unit}"
        self._brokers.append(
            BrokerAccount(
                who=who,
                address=uplink.host,
                port=uplink.port,
                username=uplink.username,
                password=password,
                tls=tls,
                group=uplink.group,
                hears_all=False,
                setting=f"uplink {uplink.name}",
            )
        )
        if tls:
            self._certificates(who, tls.ca, tls.certificate, tls.key)

    def _read(self, name: str, file: Path | None, read: Callable[[], Settings]) -> Settings | None:
        try:
            settings = read()
        except SettingsError as error:
            remedy = "mend it; docs/configuration.md has every setting"
            self.findings += [failed(AREA, name, problem, remedy) for problem in error.problems]
            return None
        self.findings.append(ok(AREA, name, str(file) if file else "from the environment, else as built in"))
        return settings

    def _certificates(self, whose: str, ca: Path | None, certificate: Path | None, key: Path | None) -> None:
        named = (("ca", ca), ("certificate", certificate))
        self._files += [(f"{whose} {name}", path) for name, path in named if path is not None]
        self._authorities.add(f"{whose} ca")
        if certificate is not None and key is not None:
            self._pairs.append((f"{whose} key", certificate, key))


def _tls_of(broker: ApiBroker) -> TlsSettings | None:
    if not broker.tls:
        return None
    return TlsSettings(ca=broker.ca_file, certificate=broker.cert_file, key=broker.key_file)


def given_by_environment(prefix: str, names: Sequence[str]) -> bool:
    """Say whether any variable is a setting of that process."""
    return any(name.startswith(prefix) for name in names)
