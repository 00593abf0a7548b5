"""Before a run: doctor, plan, forecast."""
