"""What people and machines ask: live gauges, history, alerts, pages."""
