"""Grafana boards as code."""

import warnings

with warnings.catch_warnings():
    # Grafana's /api/dashboards/db, through which every version takes dashboards, speaks the first model; the kit
    # warns of it while its modules load.
    warnings.filterwarnings("ignore", message="Prefer using dashboardv2", category=DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.builders.stat
    import grafana_foundation_sdk.cog.plugins  # noqa: F401 - all three are imported here for the warning alone
