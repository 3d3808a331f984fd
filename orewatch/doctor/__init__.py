"""``orewatch doctor``: looks at settings, broker, journal, stores, clocks, certificates, service; says what to mend."""
