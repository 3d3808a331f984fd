"""What travels: scans, blocks, schemas, and what of them is accepted."""
