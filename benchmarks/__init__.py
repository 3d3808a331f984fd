"""What orewatch costs, measured."""
