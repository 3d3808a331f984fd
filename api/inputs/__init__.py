"""What only people know: stops and their reasons, plans, ore and moisture, targets, assays, calibrations."""
